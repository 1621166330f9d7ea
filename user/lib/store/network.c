// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Networks, their gateways, the host's uplinks. */
#include <errno.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/log.h"
#include "lib/store/map.h"

int store_network(const struct store *s, uint16_t net, struct network *out)
{
	uint32_t key = net;
	int r = map_get(s, MAP_NETWORKS, &key, out);

	return r ? log_err(r, "cannot read network %u: %s", net, strerror(-r)) : 0;
}

static int network_put(const struct store *s, uint16_t net, const struct network *n)
{
	uint32_t key = net;

	return map_put(s, MAP_NETWORKS, &key, n);
}

/* ---- whose an address is */

struct gateway {
	const struct store *s;
	uint32_t ifindex, net;
};

static uint8_t prefix_of(struct ipaddr mask)
{
	return __builtin_popcount(addr_number(mask));
}

static struct subnet_key subnet_key(uint16_t net, struct ipaddr addr, uint8_t prefix)
{
	return (struct subnet_key){ .prefixlen = 32 + prefix, .net = net, .addr = addr };
}

static void mark(uint64_t *words, const struct network *n)
{
	uint32_t first = addr_number(n->subnet) >> 16, last = addr_number(n->broadcast) >> 16, at;

	for (at = first; n->gw_ifindex && at <= last; at++)
		words[at / 64] |= 1ull << at % 64;
}

/* Sets the bits of all networks; net has, or is about to have, the record n. */
static int mark_networks(const struct store *s, uint16_t net, const struct network *n)
{
	uint64_t words[EBPFNET_SUBNET_WORDS] = {};
	uint32_t keys[EBPFNET_SUBNET_WORDS], at;
	struct network other;

	for (at = 1; at <= EBPFNET_MAX_NETWORKS; at++)
		if (at != net && !map_get(s, MAP_NETWORKS, &at, &other))
			mark(words, &other);
	mark(words, n);
	for (at = 0; at < EBPFNET_SUBNET_WORDS; at++)
		keys[at] = at;
	return map_put_many(s, MAP_SUBNET_BITS, keys, words, EBPFNET_SUBNET_WORDS);
}

static int unlist(const struct store *s, const struct network *n)
{
	struct subnet_key key = subnet_key(0, n->subnet, prefix_of(n->mask));

	return addr_number(n->mask) ? map_del(s, MAP_SUBNETS, &key) : 0;
}

/* The network itself last: until then its write is not complete, and is repeated. */
int store_network_set(const struct store *s, uint16_t net, const struct network *n)
{
	struct subnet_key key = subnet_key(0, n->subnet, prefix_of(n->mask));
	const uint32_t id = net;
	struct network old;
	struct config cfg;
	int r;

	r = store_config(s, &cfg);
	if (!r)
		r = store_network(s, net, &old);
	if (r)
		return r;
	if (cfg.last_network < net) {
		cfg.last_network = net;
		r = store_config_set(s, &cfg);
	}
	if (!r && (!addr_same(old.subnet, n->subnet) || !addr_same(old.mask, n->mask)))
		r = unlist(s, &old);
	if (!r && n->gw_ifindex)
		r = map_put(s, MAP_SUBNETS, &key, &id);
	if (!r)
		r = mark_networks(s, net, n);
	if (!r)
		r = network_put(s, net, n);
	return r ? r : config_touch(s);
}

int store_unmasqueraded_set(const struct store *s, uint16_t net, const struct cidr list[EBPFNET_UNMASQUERADED])
{
	const uint32_t yes = 1;
	int i, r = 0;

	for (i = 0; i < EBPFNET_UNMASQUERADED && list[i].prefix && !r; i++) {
		struct subnet_key key = subnet_key(net, list[i].addr, list[i].prefix);

		r = map_put(s, MAP_SUBNETS, &key, &yes);
	}
	return r;
}

static int forget_gateways(const void *key, const void *value, void *arg)
{
	const uint32_t *net = value;
	const struct gateway *g = arg;

	return *net == g->net ? map_del(g->s, MAP_GATEWAYS, key) : 0;
}

int store_network_del(const struct store *s, uint16_t net, const struct network *n,
		      const struct cidr list[EBPFNET_UNMASQUERADED])
{
	const struct network none = {};
	struct gateway g = { s, 0, net };
	int i, r;

	if (s->fd[MAP_NETWORKS] < 0)
		return 0;
	r = gateway_del(s, net, n);
	if (!r)
		r = map_each(s, MAP_GATEWAYS, forget_gateways, &g);
	if (!r)
		r = unlist(s, n);
	if (!r)
		r = store_network_set(s, net, &none);
	for (i = 0; i < EBPFNET_UNMASQUERADED && list[i].prefix && !r; i++) {
		struct subnet_key key = subnet_key(net, list[i].addr, list[i].prefix);

		r = map_del(s, MAP_SUBNETS, &key);
	}
	return r;
}

/* ---- ports and gateways */

struct port_count {
	uint16_t net, ports;
};

static int count_port(const void *key, const void *value, void *arg)
{
	const struct port *p = value;
	struct port_count *c = arg;

	c->ports += p->net == c->net;
	return 0;
}

/* Recounts: increments and decrements would drift when a command is killed between them. */
int store_ports_count(const struct store *s, uint16_t net)
{
	struct port_count c = { .net = net };
	uint32_t key = net;
	struct network n;
	int r;

	if (map_get(s, MAP_NETWORKS, &key, &n))
		return 0;
	r = map_each(s, MAP_PORTS, count_port, &c);
	if (r || c.ports == n.ports)
		return r;
	n.ports = c.ports;
	return network_put(s, net, &n);
}

/* A gateway device that was deleted and made again has a new ifindex. */
static int forget_other(const void *key, const void *value, void *arg)
{
	const uint32_t *ifindex = key, *net = value;
	const struct gateway *g = arg;

	return *net == g->net && *ifindex != g->ifindex ? map_del(g->s, MAP_GATEWAYS, key) : 0;
}

int store_gateway_set(const struct store *s, uint16_t net, const struct network *n)
{
	struct gateway g = { s, n->gw_ifindex, net };
	int r;

	r = gateway_put(s, net, n);
	if (!r)
		r = map_put(s, MAP_GATEWAYS, &g.ifindex, &g.net);
	if (!r)
		r = map_each(s, MAP_GATEWAYS, forget_other, &g);
	return r ? r : config_touch(s);
}

/* ---- uplinks ---- */

int store_uplink(const struct store *s, uint32_t ifindex, struct uplink *out)
{
	return map_get(s, MAP_UPLINKS, &ifindex, out);
}

int store_uplink_set(const struct store *s, uint32_t ifindex, const struct uplink *u)
{
	int r = map_put(s, MAP_UPLINKS, &ifindex, u);

	return r ? r : config_touch(s);
}

int store_uplink_del(const struct store *s, uint32_t ifindex)
{
	int r = map_del(s, MAP_UPLINKS, &ifindex);

	return r ? r : config_touch(s);
}
