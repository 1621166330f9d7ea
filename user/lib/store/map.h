/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the state_*.c files share: access to one map. For everybody else there is store.h. */
#ifndef EBPFNET_LIB_STORE_MAP_H
#define EBPFNET_LIB_STORE_MAP_H

#include "lib/store/store.h"

/* Opens every pin under s->dir and checks its layout; one that is absent gets -1. */
int maps_open(struct store *s);
void maps_close(struct store *s);

/*
 * Bytes of the kernel's memory that a map or program takes, as /proc says of its descriptor. Linux before 6.4 counts
 * of a map the keys and the values alone.
 */
uint64_t bpf_fd_memory(int fd);

/* The same of a map of ours, and the whole of it on any kernel; 0: it is not there. */
uint64_t map_memory(const struct store *s, enum map_id id);

/* Quiet: to many callers -ENOENT is an answer. -ENOENT too when the map is not there. */
int map_get(const struct store *s, enum map_id id, const void *key, void *value);

/* Logs. */
int map_put(const struct store *s, enum map_id id, const void *key, const void *value);

/* Quiet if the element, or the whole map, is absent. */
int map_del(const struct store *s, enum map_id id, const void *key);

/* The same for many at once; keys and values are arrays. Deleting skips what is absent. */
int map_put_many(const struct store *s, enum map_id id, const void *keys, const void *values, uint32_t count);
int map_del_many(const struct store *s, enum map_id id, const void *keys, uint32_t count);

/*
 * Calls fn for every element, in batches; fn may delete the element it is given. Stops when fn
 * returns non-zero, and returns that. A map that is absent has no elements.
 */
typedef int map_fn(const void *key, const void *value, void *arg);
int map_each(const struct store *s, enum map_id id, map_fn *fn, void *arg);

/* Raises config.gen, so that flows decide again, and changes config.published by delta. */
int config_touch(const struct store *s, int delta);

#endif
