// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Ports, the endpoints behind them, and the static entries of the forwarding database that lead there. */
#include <errno.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/store/map.h"

static struct endpoint_key endpoint_key(struct ipaddr addr, uint16_t net)
{
	return (struct endpoint_key){ .addr = addr, .net = net };
}

static struct fdb_key fdb_key(const uint8_t *mac, uint16_t net)
{
	struct fdb_key key = { .net = net };

	memcpy(key.mac, mac, sizeof(key.mac));
	return key;
}

/* ---- the list of a network's ports, along which the programs flood ---- */

/*
 * Its ports in descending order of their ifindex, so that a new device is mostly the first one. Each change is one
 * write, between whole lists: a port is complete, with its .next, before it is in the list, and out of it before it is
 * deleted. What a killed command leaves out, the next one for that port enters.
 */
struct place {
	uint32_t before;		/* port in front of it; 0: it is the first */
	uint32_t after;			/* first port of a lower ifindex; 0: none */
	bool listed;
};

/* Quiet: of a network that does not exist, the list is empty. */
static struct place place_of(const struct store *s, uint16_t net, uint32_t ifindex)
{
	struct network n = {};
	struct place at = {};
	uint32_t key = net;
	struct port p;

	map_get(s, MAP_NETWORKS, &key, &n);
	at.after = n.first_port;
	while (at.after > ifindex && !map_get(s, MAP_PORTS, &at.after, &p)) {
		at.before = at.after;
		at.after = p.next;
	}
	at.listed = at.after && at.after == ifindex;
	if (at.listed && !map_get(s, MAP_PORTS, &ifindex, &p))
		at.after = p.next;
	return at;
}

/* Makes next follow the port in front of that place. */
static int place_set(const struct store *s, uint16_t net, const struct place *at, uint32_t next)
{
	uint32_t key = net;
	struct network n;
	struct port p;

	if (at->before) {
		if (map_get(s, MAP_PORTS, &at->before, &p))
			return 0;
		p.next = next;
		return map_put(s, MAP_PORTS, &at->before, &p);
	}
	if (map_get(s, MAP_NETWORKS, &key, &n))
		return 0;
	n.first_port = next;
	return map_put(s, MAP_NETWORKS, &key, &n);
}

static int port_put(const struct store *s, uint32_t ifindex, struct port p)
{
	struct place at = place_of(s, p.net, ifindex);
	int r;

	p.next = at.after;
	r = map_put(s, MAP_PORTS, &ifindex, &p);
	return r || at.listed ? r : place_set(s, p.net, &at, ifindex);
}

static int port_unlist(const struct store *s, uint32_t ifindex, uint16_t net)
{
	struct place at = place_of(s, net, ifindex);

	return at.listed ? place_set(s, net, &at, at.after) : 0;
}

/* The port first, then the entries that lead to it: no frame is sent to a port that may not answer yet. */
int store_port_set(const struct store *s, uint32_t ifindex, const struct port *p)
{
	struct fdb_entry entry = { .ifindex = ifindex, .kind = FDB_STATIC };
	struct endpoint_key addr = endpoint_key(p->addr, p->net);
	struct fdb_key mac = fdb_key(p->mac, p->net);
	struct endpoint e = { .ifindex = ifindex, .id = p->endpoint };
	const struct ipv6_ring empty = {};
	int r;

	memcpy(e.mac, p->mac, sizeof(e.mac));
	r = store_account_add(s, p->endpoint);
	if (!r)
		r = map_put(s, MAP_IPV6_RINGS, &p->endpoint, &empty);
	if (!r)
		r = port_put(s, ifindex, *p);
	if (!r)
		r = map_put(s, MAP_FDB, &mac, &entry);
	if (!r)
		r = map_put(s, MAP_ENDPOINTS, &addr, &e);
	return r ? r : config_touch(s);
}

int store_port(const struct store *s, uint32_t ifindex, struct port *out, struct limit *sends)
{
	if (map_get(s, MAP_LIMITS, &ifindex, sends))
		*sends = (struct limit){};
	return map_get(s, MAP_PORTS, &ifindex, out);
}

/* The rate is there before the flag, and as long as it. */
int store_port_limit(const struct store *s, uint32_t ifindex, uint16_t flags, const struct limit *sends)
{
	struct limit limit = *sends;
	struct port p;
	int r;

	r = map_get(s, MAP_PORTS, &ifindex, &p);
	if (r)
		return r;
	limit.full = 0;
	p.flags = (p.flags & ~PORT_LIMITED) | flags;
	if (flags & PORT_LIMIT_OUT)
		r = map_put(s, MAP_LIMITS, &ifindex, &limit);
	if (!r)
		r = map_put(s, MAP_PORTS, &ifindex, &p);
	if (!r && !(flags & PORT_LIMIT_OUT))
		r = map_del(s, MAP_LIMITS, &ifindex);
	return r ? r : config_touch(s);
}

int store_ipv6_give(const struct store *s, const struct port *p, const struct ipv6_addr addrs[EBPFNET_GIVEN_IPV6])
{
	struct ipv6_key key = { .net = p->net };
	int i, r = 0;

	for (i = 0; i < EBPFNET_GIVEN_IPV6 && !ipv6_is_none(&addrs[i]) && !r; i++) {
		key.addr = addrs[i];
		r = map_put(s, MAP_IPV6_GIVEN, &key, &p->endpoint);
	}
	return r;
}

struct behind {
	const struct store *s;
	uint32_t ifindex, endpoint;
};

static int take_back(const void *key, const void *value, void *arg)
{
	const struct behind *b = arg;

	return *(const uint32_t *)value == b->endpoint ? map_del(b->s, MAP_IPV6_GIVEN, key) : 0;
}

static int forget_learned(const void *key, const void *value, void *arg)
{
	const struct fdb_entry *e = value;
	const struct behind *b = arg;

	return e->ifindex == b->ifindex ? map_del(b->s, MAP_FDB_LEARNED, key) : 0;
}

/* In reverse. The port itself goes last: if this is killed, the next call finds it and completes. */
int store_port_del(const struct store *s, uint32_t ifindex)
{
	struct behind behind = { .s = s, .ifindex = ifindex };
	struct endpoint_key addr;
	struct fdb_entry entry;
	struct fdb_key mac;
	struct endpoint e;
	struct port p;
	int r = 0;

	if (map_get(s, MAP_PORTS, &ifindex, &p))
		return 0;
	r = port_unlist(s, ifindex, p.net);
	addr = endpoint_key(p.addr, p.net);
	mac = fdb_key(p.mac, p.net);
	/* another port may have the address now, if this one outlived its namespace */
	if (!r && !map_get(s, MAP_ENDPOINTS, &addr, &e) && e.ifindex == ifindex)
		r = map_del(s, MAP_ENDPOINTS, &addr);
	if (!r && !map_get(s, MAP_FDB, &mac, &entry) && entry.ifindex == ifindex)
		r = map_del(s, MAP_FDB, &mac);
	if (!r)
		r = map_each(s, MAP_FDB_LEARNED, forget_learned, &behind);
	behind.endpoint = p.endpoint;
	if (!r)
		r = map_each(s, MAP_IPV6_GIVEN, take_back, &behind);
	if (!r) /* what it has learned ends with this */
		r = map_del(s, MAP_IPV6_RINGS, &p.endpoint);
	if (!r)
		r = map_del(s, MAP_USAGE, &p.endpoint);
	if (!r)
		r = map_del(s, MAP_LIMITS, &ifindex);
	if (!r)
		r = map_del(s, MAP_PORTS, &ifindex);
	if (!r)
		r = store_ports_count(s, p.net);
	return r ? r : config_touch(s);
}

int gateway_put(const struct store *s, uint16_t net, const struct network *n)
{
	struct fdb_entry entry = { .ifindex = n->gw_ifindex, .kind = FDB_GATEWAY };
	struct endpoint_key addr = endpoint_key(n->gateway, net);
	struct fdb_key mac = fdb_key(n->gw_mac, net);
	struct endpoint e = {};
	int r;

	memcpy(e.mac, n->gw_mac, sizeof(e.mac));
	r = map_put(s, MAP_FDB, &mac, &entry);
	return r ? r : map_put(s, MAP_ENDPOINTS, &addr, &e);
}

int gateway_del(const struct store *s, uint16_t net, const struct network *n)
{
	struct endpoint_key addr = endpoint_key(n->gateway, net);
	struct fdb_key mac = fdb_key(n->gw_mac, net);
	int r;

	r = map_del(s, MAP_ENDPOINTS, &addr);
	return r ? r : map_del(s, MAP_FDB, &mac);
}

int store_account_add(const struct store *s, uint32_t account)
{
	const struct usage none = {};

	return map_put(s, MAP_USAGE, &account, &none);
}

int store_usage(const struct store *s, uint32_t endpoint, struct usage *out)
{
	return map_get(s, MAP_USAGE, &endpoint, out);
}

/* ---- forwarding database ---- */

struct fdb_walk {
	int (*fn)(const struct fdb_key *k, const struct fdb_entry *e, void *arg);
	void *arg;
	uint32_t now, age_s;
};

static int fdb_visit(const void *key, const void *value, void *arg)
{
	const struct fdb_walk *w = arg;
	const struct fdb_entry *e = value;

	if (e->kind == FDB_LEARNED && w->now > e->seen && w->now - e->seen > w->age_s)
		return 0;
	return w->fn(key, e, w->arg);
}

int store_fdb(const struct store *s, int (*fn)(const struct fdb_key *k, const struct fdb_entry *e, void *arg),
	      void *arg)
{
	struct fdb_walk w = { .fn = fn, .arg = arg, .now = store_now() };
	struct config cfg;
	int r;

	r = store_config(s, &cfg);
	if (r)
		return r;
	w.age_s = cfg.fdb_age_s;
	r = map_each(s, MAP_FDB, fdb_visit, &w);
	return r ? r : map_each(s, MAP_FDB_LEARNED, fdb_visit, &w);
}
