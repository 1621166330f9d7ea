// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What the programs read about the network: config, networks, uplinks, ports and who is behind them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/store/map.h"

static const uint32_t zero;	/* the key of maps with one entry */

int store_config(const struct store *s, struct config *out)
{
	int r = map_get(s, MAP_CONFIG, &zero, out);

	return r ? log_err(r, "cannot read map %s/config: %s", s->dir, strerror(-r)) : 0;
}

int store_config_set(const struct store *s, const struct config *cfg)
{
	struct config next = *cfg;

	next.gen++;
	return map_put(s, MAP_CONFIG, &zero, &next);
}

int config_touch(const struct store *s, int delta)
{
	struct config cfg;
	int r;

	if (s->fd[MAP_CONFIG] < 0)
		return 0;
	r = store_config(s, &cfg);
	if (r)
		return r;
	cfg.portmaps += delta;
	return store_config_set(s, &cfg);
}

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

int store_network_set(const struct store *s, uint16_t net, const struct network *n)
{
	struct config cfg;
	int r;

	r = store_config(s, &cfg);
	if (r)
		return r;
	if (cfg.last_network < net) { /* before the network is there: its addresses are private at once */
		cfg.last_network = net;
		r = store_config_set(s, &cfg);
	}
	if (!r)
		r = network_put(s, net, n);
	return r ? r : config_touch(s, 0);
}

int store_uplink(const struct store *s, uint32_t ifindex, struct uplink *out)
{
	return map_get(s, MAP_UPLINKS, &ifindex, out);
}

int store_uplink_set(const struct store *s, uint32_t ifindex, const struct uplink *u)
{
	int r = map_put(s, MAP_UPLINKS, &ifindex, u);

	return r ? r : config_touch(s, 0);
}

int store_uplink_del(const struct store *s, uint32_t ifindex)
{
	int r = map_del(s, MAP_UPLINKS, &ifindex);

	return r ? r : config_touch(s, 0);
}

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

/* ---- ports ---- */

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

/* Counted afresh each time: adding and subtracting would drift if a command was killed between. */
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

/* The port first, then the way to it: nothing is sent to a port that may not answer yet. */
int store_port_set(const struct store *s, uint32_t ifindex, const struct port *p)
{
	struct fdb_entry station = { .ifindex = ifindex, .kind = FDB_STATIC };
	struct endpoint_key addr = endpoint_key(p->addr, p->net);
	struct fdb_key mac = fdb_key(p->mac, p->net);
	struct endpoint e = { .ifindex = ifindex, .id = p->endpoint };
	const struct usage none = {};
	int r;

	memcpy(e.mac, p->mac, sizeof(e.mac));
	r = map_put(s, MAP_USAGE, &p->endpoint, &none);
	if (!r)
		r = map_put(s, MAP_PORTS, &ifindex, p);
	if (!r)
		r = map_put(s, MAP_FDB, &mac, &station);
	if (!r)
		r = map_put(s, MAP_ENDPOINTS, &addr, &e);
	return r ? r : config_touch(s, 0);
}

struct behind {
	const struct store *s;
	uint32_t ifindex;
};

static int forget_learned(const void *key, const void *value, void *arg)
{
	const struct fdb_entry *e = value;
	const struct behind *b = arg;

	return e->ifindex == b->ifindex ? map_del(b->s, MAP_FDB_LEARNED, key) : 0;
}

/* The way back: the port itself goes last, so that a command that was killed here finds it again. */
int store_port_del(const struct store *s, uint32_t ifindex)
{
	struct behind behind = { s, ifindex };
	struct endpoint_key addr;
	struct fdb_entry station;
	struct fdb_key mac;
	struct endpoint e;
	struct port p;
	int r = 0;

	if (map_get(s, MAP_PORTS, &ifindex, &p))
		return 0;
	addr = endpoint_key(p.addr, p.net);
	mac = fdb_key(p.mac, p.net);
	/* the address may be another port's by now, if this one outlived its namespace */
	if (!map_get(s, MAP_ENDPOINTS, &addr, &e) && e.ifindex == ifindex)
		r = map_del(s, MAP_ENDPOINTS, &addr);
	if (!r && !map_get(s, MAP_FDB, &mac, &station) && station.ifindex == ifindex)
		r = map_del(s, MAP_FDB, &mac);
	if (!r)
		r = map_each(s, MAP_FDB_LEARNED, forget_learned, &behind);
	if (!r)
		r = map_del(s, MAP_USAGE, &p.endpoint);
	if (!r)
		r = map_del(s, MAP_PORTS, &ifindex);
	if (!r)
		r = store_ports_count(s, p.net);
	return r ? r : config_touch(s, 0);
}

struct gateway {
	const struct store *s;
	uint32_t ifindex, net;
};

/* A gateway device that was lost and made again has another ifindex. */
static int forget_other(const void *key, const void *value, void *arg)
{
	const uint32_t *ifindex = key, *net = value;
	const struct gateway *g = arg;

	return *net == g->net && *ifindex != g->ifindex ? map_del(g->s, MAP_GATEWAYS, key) : 0;
}

int store_gateway_set(const struct store *s, uint16_t net, const struct network *n)
{
	struct fdb_entry station = { .ifindex = n->gw_ifindex, .kind = FDB_GATEWAY };
	struct endpoint_key addr = endpoint_key(n->gateway, net);
	struct fdb_key mac = fdb_key(n->gw_mac, net);
	struct gateway g = { s, n->gw_ifindex, net };
	struct endpoint e = {};
	int r;

	memcpy(e.mac, n->gw_mac, sizeof(e.mac));
	r = map_put(s, MAP_FDB, &mac, &station);
	if (!r)
		r = map_put(s, MAP_ENDPOINTS, &addr, &e);
	if (!r)
		r = map_put(s, MAP_GATEWAYS, &g.ifindex, &g.net);
	if (!r)
		r = map_each(s, MAP_GATEWAYS, forget_other, &g);
	return r ? r : config_touch(s, 0);
}
