/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Access to one map, for the files of this folder. Other folders use store.h. */
#ifndef EBPFNET_LIB_STORE_MAP_H
#define EBPFNET_LIB_STORE_MAP_H

#include "lib/store/store.h"

/*
 * Opens these maps, from their pins under s->dir, and checks their layouts. One that is not pinned gets -1; so does one
 * of another layout under STORE_REMOVE, except for the journal's.
 */
int maps_open(struct store *s, enum map_id first, enum map_id last);
void maps_close(struct store *s);
/* True for a map of the journal whose records end earlier than this release's: the rest reads as zero. */
bool map_is_short(const struct store *s, enum map_id id);

/*
 * Kernel memory of a map or program in bytes, from /proc's fdinfo of its descriptor. Before Linux 6.4 that counts only
 * the keys and values of a map.
 */
uint64_t bpf_fd_memory(int fd);

/* Kernel memory of a map, complete on every kernel; 0: the map is missing. */
uint64_t map_memory(const struct store *s, enum map_id id);

/* Quiet: to many callers -ENOENT is an answer. Also -ENOENT if the map is missing. */
int map_get(const struct store *s, enum map_id id, const void *key, void *value);

/* Logs. */
int map_put(const struct store *s, enum map_id id, const void *key, const void *value);

/* Quiet if the element, or the whole map, is missing. */
int map_del(const struct store *s, enum map_id id, const void *key);

/* For maps with one entry. Both log. */
int map_get_only(const struct store *s, enum map_id id, void *value);
int map_put_only(const struct store *s, enum map_id id, const void *value);

/* Many elements at once; keys and values are arrays. map_del_many() skips missing elements. */
int map_put_many(const struct store *s, enum map_id id, const void *keys, const void *values, uint32_t count);
int map_del_many(const struct store *s, enum map_id id, const void *keys, uint32_t count);

/*
 * Calls fn for every element, in batches; fn may delete the element it is given. Stops when fn
 * returns non-zero, and returns that. A missing map has no elements.
 */
typedef int map_fn(const void *key, const void *value, void *arg);
int map_each(const struct store *s, enum map_id id, map_fn *fn, void *arg);

/*
 * All elements, sorted, in an array (malloc'ed, the caller's) whose address goes to *out. Its entries are structs of
 * entry_size bytes: the key, and at value_at the value.
 */
int map_list(const struct store *s, enum map_id id, size_t entry_size, size_t value_at,
	     int (*compare)(const void *a, const void *b), void *out, size_t *count);

/* Increments config.gen, so that the programs decide again about each flow. */
int config_touch(const struct store *s);

/* The gateway as an endpoint: its entries in endpoints and fdb. */
int gateway_put(const struct store *s, uint16_t net, const struct network *n);
int gateway_del(const struct store *s, uint16_t net, const struct network *n);

#endif
