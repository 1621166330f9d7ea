// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Networks, their gateways, the host's uplinks. */
#include <errno.h>
#include <string.h>

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

int store_network_set(const struct store *s, uint16_t net, const struct network *n)
{
	struct config cfg;
	int r;

	r = store_config(s, &cfg);
	if (r)
		return r;
	if (cfg.last_network < net) { /* first: from then on its addresses are private */
		cfg.last_network = net;
		r = store_config_set(s, &cfg);
	}
	if (!r)
		r = network_put(s, net, n);
	return r ? r : config_touch(s, 0);
}

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

struct gateway {
	const struct store *s;
	uint32_t ifindex, net;
};

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
	return r ? r : config_touch(s, 0);
}

/* ---- uplinks ---- */

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
