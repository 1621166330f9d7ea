// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/store/map.h"

#define BATCH 4096

/* Every map: the name of its pin, and the sizes of key and value in this release. */
static const struct {
	const char *name;
	uint32_t key, value;
} maps[MAPS] = {
	[MAP_HOST] = { "host", sizeof(uint32_t), sizeof(struct host_record) },
	[MAP_NAMESPACES] = { "namespaces", sizeof(struct ns_key), sizeof(struct ns_record) },
	[MAP_NETS] = { "nets", sizeof(uint32_t), sizeof(struct net_record) },
	[MAP_CONFIG] = { "config", sizeof(uint32_t), sizeof(struct config) },
	[MAP_NETWORKS] = { "networks", sizeof(uint32_t), sizeof(struct network) },
	[MAP_SUBNETS] = { "subnets", sizeof(struct subnet_key), sizeof(uint32_t) },
	[MAP_SUBNET_BITS] = { "subnet_bits", sizeof(uint32_t), sizeof(uint64_t) },
	[MAP_GATEWAYS] = { "gateways", sizeof(uint32_t), sizeof(uint32_t) },
	[MAP_UPLINKS] = { "uplinks", sizeof(uint32_t), sizeof(struct uplink) },
	[MAP_PORTS] = { "ports", sizeof(uint32_t), sizeof(struct port) },
	[MAP_LIMITS] = { "limits", sizeof(uint32_t), sizeof(struct limit) },
	[MAP_ENDPOINTS] = { "endpoints", sizeof(struct endpoint_key), sizeof(struct endpoint) },
	[MAP_FDB] = { "fdb", sizeof(struct fdb_key), sizeof(struct fdb_entry) },
	[MAP_FDB_LEARNED] = { "fdb_learned", sizeof(struct fdb_key), sizeof(struct fdb_entry) },
	[MAP_PORTMAP_KEYS] = { "portmap_keys", sizeof(struct portmap_key), sizeof(uint32_t) },
	[MAP_PORTMAP_BITS] = { "portmap_bits", sizeof(uint32_t), sizeof(uint64_t) },
	[MAP_PORTMAPS] = { "portmaps", sizeof(uint32_t), sizeof(struct portmap) },
	[MAP_USAGE] = { "usage", sizeof(uint32_t), sizeof(struct usage) },
	[MAP_IPV6_GIVEN] = { "ipv6_given", sizeof(struct ipv6_key), sizeof(uint32_t) },
	[MAP_IPV6_RINGS] = { "ipv6_rings", sizeof(uint32_t), sizeof(struct ipv6_ring) },
	[MAP_FLOWS] = { "flows", sizeof(struct flow_key), sizeof(struct flow) },
	[MAP_CONNS] = { "conns", sizeof(uint32_t), sizeof(struct conn) },
	[MAP_CONN_ALLOC] = { "conn_alloc", sizeof(uint32_t), sizeof(struct conn_alloc) },
	[MAP_COUNTERS] = { "counters", sizeof(uint32_t), sizeof(struct counters) },
};

const char *map_name(enum map_id id)
{
	return maps[id].name;
}

/* A key or record of the journal only grows, at its end. Whether a shorter one will do is for maps_open()'s caller. */
static bool has_layout(enum map_id id, const struct bpf_map_info *info)
{
	if (id <= MAP_JOURNAL_LAST)
		return info->key_size <= maps[id].key && info->value_size <= maps[id].value;
	return info->key_size == maps[id].key && info->value_size == maps[id].value;
}

/* s->fd[id] is -1 if the map is not pinned. -EPROTO (quiet): it has another layout, which *info says. */
static int map_open(struct store *s, enum map_id id, struct bpf_map_info *info)
{
	uint32_t len = sizeof(*info);
	_cleanup_fd_ int fd = -1;
	char path[256];
	int r;

	s->fd[id] = -1;
	snprintf(path, sizeof(path), "%s/%s", s->dir, maps[id].name);
	fd = bpf_obj_get(path);
	if (fd == -ENOENT)
		return 0;
	if (fd == -EPERM || fd == -EACCES)
		return log_err(fd, "cannot open map %s: %s; run it as root, or with CAP_SYS_ADMIN", path,
			       strerror(-fd));
	if (fd < 0)
		return log_err(fd, "cannot open map %s: %s", path, strerror(-fd));
	memset(info, 0, sizeof(*info));
	r = bpf_obj_get_info_by_fd(fd, info, &len);
	if (r)
		return log_err(r, "cannot read the layout of map %s: %s", path, strerror(-r));
	if (!has_layout(id, info))
		return -EPROTO;
	s->size[id] = info->value_size;
	s->key[id] = info->key_size;
	s->fd[id] = TAKE_FD(fd);
	return 0;
}

static int other_layout(const struct store *s, enum map_id id, const struct bpf_map_info *info)
{
	return log_err(-EPROTO, "map %s/%s was made by another release of ebpfnet (layout %u+%u bytes, this release "
				"has %u+%u); run %s`ebpfnet down` first",
		       s->dir, maps[id].name, info->key_size, info->value_size, maps[id].key, maps[id].value,
		       id <= MAP_JOURNAL_LAST ? "that release's " : "");
}

int maps_open(struct store *s, enum map_id first, enum map_id last)
{
	struct bpf_map_info info;
	enum map_id id;
	int r;

	for (id = first; id <= last; id++) {
		r = map_open(s, id, &info);
		if (r == -EPROTO && (s->mode != STORE_REMOVE || id <= MAP_JOURNAL_LAST))
			return other_layout(s, id, &info);
		if (r && r != -EPROTO)
			return r;
	}
	return 0;
}

bool map_is_short(const struct store *s, enum map_id id)
{
	return s->fd[id] >= 0 && (s->size[id] < maps[id].value || s->key[id] < maps[id].key);
}

void maps_close(struct store *s)
{
	enum map_id id;

	for (id = 0; id < MAPS; id++) {
		close_fd(&s->fd[id]);
		s->fd[id] = -1;
	}
}

uint64_t bpf_fd_memory(int fd)
{
	_cleanup_file_ FILE *f = NULL;
	char path[64], line[128];
	uint64_t bytes = 0;

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", fd);
	f = fopen(path, "re");
	while (f && !bytes && fgets(line, sizeof(line), f))
		if (sscanf(line, "memlock: %" SCNu64, &bytes) != 1)
			bytes = 0;
	return bytes;
}

/* kernel/bpf/hashtab.c: a struct htab_elem before each key and value; a struct bucket each, rounded up to 2^n. */
static uint64_t hash_memory(const struct bpf_map_info *info)
{
	uint64_t element = 48 + (info->key_size + 7) / 8 * 8 + (info->value_size + 7) / 8 * 8, buckets = 1;

	if (info->type != BPF_MAP_TYPE_HASH || info->map_flags & BPF_F_NO_PREALLOC)
		return 0;
	while (buckets < info->max_entries)
		buckets *= 2;
	return info->max_entries * element + buckets * 16;
}

uint64_t map_memory(const struct store *s, enum map_id id)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	uint64_t reported, known;

	if (s->fd[id] < 0 || bpf_obj_get_info_by_fd(s->fd[id], &info, &len))
		return 0;
	reported = bpf_fd_memory(s->fd[id]);
	known = hash_memory(&info);
	return reported > known ? reported : known;
}

int map_get(const struct store *s, enum map_id id, const void *key, void *value)
{
	if (s->fd[id] < 0)
		return -ENOENT;
	if (map_is_short(s, id))
		memset(value, 0, maps[id].value);
	return bpf_map_lookup_elem(s->fd[id], key, value);
}

static int put_failed(const struct store *s, enum map_id id, int r)
{
	if (r == -E2BIG)
		return log_err(r, "map %s/%s is full", s->dir, maps[id].name);
	return log_err(r, "cannot write map %s/%s: %s", s->dir, maps[id].name, strerror(-r));
}

int map_put(const struct store *s, enum map_id id, const void *key, const void *value)
{
	int r = -ENOENT;

	if (s->fd[id] >= 0)
		r = bpf_map_update_elem(s->fd[id], key, value, BPF_ANY);
	return r ? put_failed(s, id, r) : 0;
}

int map_del(const struct store *s, enum map_id id, const void *key)
{
	int r;

	if (s->fd[id] < 0)
		return 0;
	r = bpf_map_delete_elem(s->fd[id], key);
	if (!r || r == -ENOENT)
		return 0;
	return log_err(r, "cannot delete from map %s/%s: %s", s->dir, maps[id].name, strerror(-r));
}

static const uint32_t only;	/* the key of a map with one entry */

int map_get_only(const struct store *s, enum map_id id, void *value)
{
	int r = map_get(s, id, &only, value);

	return r ? log_err(r, "cannot read map %s/%s: %s", s->dir, maps[id].name, strerror(-r)) : 0;
}

int map_put_only(const struct store *s, enum map_id id, const void *value)
{
	return map_put(s, id, &only, value);
}

int map_put_many(const struct store *s, enum map_id id, const void *keys, const void *values, uint32_t count)
{
	int r = -ENOENT;

	if (s->fd[id] >= 0)
		r = bpf_map_update_batch(s->fd[id], keys, values, &count, NULL);
	return r ? put_failed(s, id, r) : 0;
}

int map_del_many(const struct store *s, enum map_id id, const void *keys, uint32_t count)
{
	const char *next = keys;
	uint32_t done;
	int r;

	if (s->fd[id] < 0)
		return 0;
	/* the kernel stops at the first missing key and reports how many it deleted */
	for (; count; next += done * maps[id].key, count -= done) {
		done = count;
		r = bpf_map_delete_batch(s->fd[id], next, &done, NULL);
		if (r == -ENOENT)
			done++;
		else if (r)
			return log_err(r, "cannot delete from map %s/%s: %s", s->dir,
				       maps[id].name, strerror(-r));
	}
	return 0;
}

/* Calls fn for the elements of a batch. */
static int visit(const struct store *s, enum map_id id, const char *keys, const char *values, uint32_t count,
		 map_fn *fn, void *arg)
{
	_cleanup_free_ char *whole = NULL, *whole_key = NULL;
	uint32_t i;
	int r = 0;

	if (map_is_short(s, id)) {
		whole = calloc(1, maps[id].value);
		whole_key = calloc(1, maps[id].key);
		if (!whole || !whole_key)
			return log_err(-ENOMEM, "no memory to read map %s", maps[id].name);
	}
	for (i = 0; i < count && !r; i++) {
		const char *value = values + (size_t)i * s->size[id], *key = keys + (size_t)i * s->key[id];

		if (whole) {
			value = memcpy(whole, value, s->size[id]);
			key = memcpy(whole_key, key, s->key[id]);
		}
		r = fn(key, value, arg);
	}
	return r;
}

int map_each(const struct store *s, enum map_id id, map_fn *fn, void *arg)
{
	uint32_t room = BATCH, count, cursor = 0;
	_cleanup_free_ char *keys = NULL, *values = NULL;
	bool first = true;
	int r = 0, fn_r;

	while (s->fd[id] >= 0 && r != -ENOENT) {
		if (!keys)
			keys = malloc((size_t)room * maps[id].key);
		if (!values)
			values = malloc((size_t)room * s->size[id]);
		if (!keys || !values)
			return log_err(-ENOMEM, "no memory to read map %s", maps[id].name);
		count = room;
		r = bpf_map_lookup_batch(s->fd[id], first ? NULL : &cursor, &cursor, keys, values,
					 &count, NULL);
		if (r == -ENOSPC) { /* one hash bucket holds more than that */
			room *= 2;
			free(TAKE_PTR(keys));
			free(TAKE_PTR(values));
			continue;
		}
		if (r && r != -ENOENT)
			return log_err(r, "cannot read map %s/%s: %s", s->dir, maps[id].name,
				       strerror(-r));
		first = false;
		fn_r = visit(s, id, keys, values, count, fn, arg);
		if (fn_r)
			return fn_r;
	}
	return 0;
}

struct list {
	enum map_id id;
	size_t entry_size, value_at;
	char *entries;
	size_t count, room;
};

static int append(const void *key, const void *value, void *arg)
{
	struct list *l = arg;
	char *e;

	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		e = reallocarray(l->entries, l->room, l->entry_size);
		if (!e)
			return log_err(-ENOMEM, "no memory to list map %s", maps[l->id].name);
		l->entries = e;
	}
	e = l->entries + l->count++ * l->entry_size;
	memcpy(e, key, maps[l->id].key);
	memcpy(e + l->value_at, value, maps[l->id].value);
	return 0;
}

int map_list(const struct store *s, enum map_id id, size_t entry_size, size_t value_at,
	     int (*compare)(const void *a, const void *b), void *out, size_t *count)
{
	struct list l = { .id = id, .entry_size = entry_size, .value_at = value_at };
	int r;

	r = map_each(s, id, append, &l);
	if (r) {
		free(l.entries);
		return r;
	}
	if (l.count)
		qsort(l.entries, l.count, entry_size, compare);
	*(void **)out = l.entries;
	*count = l.count;
	return 0;
}
