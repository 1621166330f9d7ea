// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The journal: the records of the host, of its networks and of its namespaces. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/store/map.h"

int store_host(const struct store *s, struct host_record *out)
{
	int r;

	memset(out, 0, sizeof(*out));
	r = s->fd[MAP_HOST] < 0 ? 0 : map_get_only(s, MAP_HOST, out);
	if (out->abi < 8)
		memcpy(out->uplinks, out->old_uplinks, sizeof(out->old_uplinks));
	return r;
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

static struct ns_key ns_key(const char *name, uint16_t net)
{
	struct ns_key key = { .net = net };

	memcpy(key.name, name, strnlen(name, sizeof(key.name) - 1));
	return key;
}

int store_ns_in(const struct store *s, const char *name, uint16_t net, struct ns_record *out)
{
	struct ns_key key = ns_key(name, net);

	if (strlen(name) >= sizeof(key.name))
		return -ENOENT;
	return map_get(s, MAP_NAMESPACES, &key, out);
}

struct first_port {
	const char *name;
	struct ns_record *out;
	bool found;
};

static int prefer(const void *key, const void *value, void *arg)
{
	const struct ns_record *rec = value;
	const struct ns_key *k = key;
	struct first_port *f = arg;

	if (strncmp(k->name, f->name, sizeof(k->name)) || (f->found && f->out->order <= rec->order))
		return 0;
	*f->out = *rec;
	f->found = true;
	return 0;
}

int store_ns(const struct store *s, const char *name, struct ns_record *out)
{
	struct first_port f = { .name = name, .out = out };
	int r;

	if (strlen(name) >= EBPFNET_NAME_LEN)
		return -ENOENT;
	r = map_each(s, MAP_NAMESPACES, prefer, &f);
	return r ? r : f.found ? 0 : -ENOENT;
}

int store_ns_set(const struct store *s, const char *name, const struct ns_record *rec)
{
	struct ns_key key = ns_key(name, rec->net);

	return map_put(s, MAP_NAMESPACES, &key, rec);
}

int store_ns_del(const struct store *s, const char *name, uint16_t net)
{
	struct ns_key key = ns_key(name, net);

	return map_del(s, MAP_NAMESPACES, &key);
}

static int ns_by_number(const void *a, const void *b)
{
	const struct ns_entry *x = a, *y = b;

	return x->rec.number - y->rec.number;
}

struct ns_list {
	struct ns_entry *entry;
	size_t count, room;
};

static int append_ns(const void *key, const void *value, void *arg)
{
	const struct ns_key *k = key;
	struct ns_list *l = arg;
	struct ns_entry *e;

	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		e = reallocarray(l->entry, l->room, sizeof(*e));
		if (!e)
			return log_err(-ENOMEM, "no memory to list the namespaces");
		l->entry = e;
	}
	e = &l->entry[l->count++];
	memcpy(e->name, k->name, sizeof(e->name));
	memcpy(&e->rec, value, sizeof(e->rec));
	return 0;
}

int store_ns_all(const struct store *s, struct ns_entry **out, size_t *count)
{
	struct ns_list l = {};
	int r;

	r = map_each(s, MAP_NAMESPACES, append_ns, &l);
	if (r) {
		free(l.entry);
		return r;
	}
	if (l.count)
		qsort(l.entry, l.count, sizeof(*l.entry), ns_by_number);
	*out = l.entry;
	*count = l.count;
	return 0;
}

/* ---- networks */

struct net_list {
	struct net_entry *out;
	size_t count;
};

static int append_net(const void *key, const void *value, void *arg)
{
	struct net_list *l = arg;

	if (l->count == EBPFNET_MAX_NETWORKS)
		return 0;
	memcpy(&l->out[l->count].id, key, sizeof(l->out->id));
	memcpy(&l->out[l->count++].rec, value, sizeof(l->out->rec));
	return 0;
}

static int net_by_id(const void *a, const void *b)
{
	const struct net_entry *x = a, *y = b;

	return (int)x->id - (int)y->id;
}

/* Before layout 5 there was one, and it was in the record of the host. */
static void add_old(const struct host_record *host, struct net_list *l)
{
	struct net_entry *e = &l->out[l->count++];

	*e = (struct net_entry){ .id = host->old_net,
				 .rec = { .name = "default",
					  .subnet = { host->old_subnet, host->old_prefix },
					  .gateway = host->old_gateway } };
	memcpy(e->rec.gw_dev, host->old_gw_dev, sizeof(e->rec.gw_dev));
	memcpy(e->rec.gw_peer, host->old_gw_peer, sizeof(e->rec.gw_peer));
}

int store_nets(const struct store *s, struct net_entry out[EBPFNET_MAX_NETWORKS], size_t *count)
{
	struct net_list l = { .out = out };
	struct host_record host;
	int r;

	*count = 0;
	r = store_host(s, &host);
	if (!r && host.old_net)
		add_old(&host, &l);
	if (!r)
		r = map_each(s, MAP_NETS, append_net, &l);
	if (r)
		return r;
	qsort(out, l.count, sizeof(*out), net_by_id);
	*count = l.count;
	return 0;
}

int store_net_set(const struct store *s, const struct net_entry *e)
{
	return map_put(s, MAP_NETS, &e->id, &e->rec);
}

int store_net_del(const struct store *s, uint32_t id)
{
	return map_del(s, MAP_NETS, &id);
}

/* Allocates ids from the counter at that offset of the host record. Never 0. */
static int new_ids(const struct store *s, size_t field, uint32_t count, uint32_t *first)
{
	struct host_record host;
	uint32_t *next = (uint32_t *)((char *)&host + field);
	int r;

	r = store_host(s, &host);
	if (r)
		return r;
	*first = *next ? *next : 1;
	*next = *first + count;
	return map_put_only(s, MAP_HOST, &host);
}

int store_new_endpoint(const struct store *s, uint32_t *id)
{
	return new_ids(s, offsetof(struct host_record, next_endpoint), 1, id);
}

int store_new_portmaps(const struct store *s, uint32_t count, uint32_t *first)
{
	return new_ids(s, offsetof(struct host_record, next_portmap), count, first);
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
