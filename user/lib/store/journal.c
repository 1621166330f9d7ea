// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The journal: the records of the host and of its namespaces. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <bpf/bpf.h>

#include "lib/base/cleanup.h"
#include "lib/store/map.h"

int store_host(const struct store *s, struct host_record *out)
{
	memset(out, 0, sizeof(*out));
	return s->fd[MAP_HOST] < 0 ? 0 : map_get_only(s, MAP_HOST, out);
}

int store_host_set(const struct store *s, const struct host_record *rec)
{
	struct host_record host = *rec, now;
	int r;

	r = store_host(s, &now);
	if (r)
		return r;
	/* ids allocated since the caller read its copy stay allocated */
	if (host.next_endpoint < now.next_endpoint)
		host.next_endpoint = now.next_endpoint;
	if (host.next_portmap < now.next_portmap)
		host.next_portmap = now.next_portmap;
	memcpy(host.build, now.build, sizeof(host.build));
	return map_put_only(s, MAP_HOST, &host);
}

int store_build(const struct store *s, uint64_t *digests)
{
	struct host_record host;
	int r = store_host(s, &host);

	memcpy(digests, host.build, sizeof(host.build));
	return r;
}

int store_build_set(const struct store *s, const uint64_t *digests)
{
	struct host_record host;
	int r = store_host(s, &host);

	memcpy(host.build, digests, sizeof(host.build));
	return r ? r : map_put_only(s, MAP_HOST, &host);
}

static struct ns_key ns_key(const char *name)
{
	struct ns_key key = {};

	memcpy(key.name, name, strnlen(name, sizeof(key.name) - 1));
	return key;
}

int store_ns(const struct store *s, const char *name, struct ns_record *out)
{
	struct ns_key key = ns_key(name);

	if (strlen(name) >= sizeof(key.name))
		return -ENOENT;
	return map_get(s, MAP_NAMESPACES, &key, out);
}

int store_ns_set(const struct store *s, const char *name, const struct ns_record *rec)
{
	struct ns_key key = ns_key(name);

	return map_put(s, MAP_NAMESPACES, &key, rec);
}

int store_ns_del(const struct store *s, const char *name)
{
	struct ns_key key = ns_key(name);

	return map_del(s, MAP_NAMESPACES, &key);
}

static int ns_by_number(const void *a, const void *b)
{
	const struct ns_entry *x = a, *y = b;

	return x->rec.number - y->rec.number;
}

int store_ns_all(const struct store *s, struct ns_entry **out, size_t *count)
{
	return map_list(s, MAP_NAMESPACES, sizeof(**out), offsetof(struct ns_entry, rec), ns_by_number, out, count);
}

/* Allocates an id from the counter at that offset of the host record. Never 0. */
static int new_id(const struct store *s, size_t field, uint32_t *id)
{
	struct host_record host;
	uint32_t *next = (uint32_t *)((char *)&host + field);
	int r;

	r = store_host(s, &host);
	if (r)
		return r;
	*id = *next ? *next : 1;
	*next = *id + 1;
	return map_put_only(s, MAP_HOST, &host);
}

int store_new_endpoint(const struct store *s, uint32_t *id)
{
	return new_id(s, offsetof(struct host_record, next_endpoint), id);
}

int store_new_portmap(const struct store *s, uint32_t *id)
{
	return new_id(s, offsetof(struct host_record, next_portmap), id);
}

static bool is_journal(const struct bpf_map_info *info)
{
	return info->type == BPF_MAP_TYPE_ARRAY && info->max_entries == 1 &&
	       info->value_size == sizeof(struct host_record) && !strcmp(info->name, map_name(MAP_HOST));
}

bool store_journal_exists(uint64_t netns_cookie)
{
	const uint32_t only = 0;
	uint32_t id = 0;

	while (!bpf_map_get_next_id(id, &id)) {
		struct bpf_map_info info = {};
		_cleanup_fd_ int fd = bpf_map_get_fd_by_id(id);
		uint32_t len = sizeof(info);
		struct host_record host;

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) && is_journal(&info) &&
		    !bpf_map_lookup_elem(fd, &only, &host) && host.netns_cookie == netns_cookie)
			return true;
	}
	return false;
}
