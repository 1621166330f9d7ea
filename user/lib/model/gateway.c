// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The gateways: the host's own port of each network's switch, a pair of devices on the host. */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/forwarding_text.h"
#include "lib/base/log.h"
#include "lib/dataplane/dataplane.h"
#include "lib/model/definition.h"
#include "lib/model/device.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

struct gateway {
	struct session *x;
	struct net_entry *net;
	struct net_record *rec;		/* of it */
	struct nl_link dev, peer;
};

/* ---- the pair of devices ---- */

static void set_alias(struct device_id *id, const char *alias, const struct net_record *rec)
{
	bool is_default = !strcmp(rec->name, NETWORK_DEFAULT);

	snprintf(id->alias, sizeof(id->alias), "%s%s%s", alias, is_default ? "" : " ", is_default ? "" : rec->name);
}

static struct device_id dev_id(const struct net_record *rec)
{
	struct device_id id = { rec->gw_dev, rec->gw_ifindex };

	set_alias(&id, DEVICE_ALIAS_GATEWAY, rec);
	addr_mac(rec->gateway, id.mac);
	return id;
}

static struct device_id peer_id(const struct net_record *rec)
{
	struct device_id id = { rec->gw_peer, rec->gw_peer_ifindex };

	set_alias(&id, DEVICE_ALIAS_PEER, rec);
	addr_host_mac(rec->gateway, id.mac);
	return id;
}

static int get_pair(struct gateway *g, const char **failed)
{
	struct device_id dev = dev_id(g->rec), peer = peer_id(g->rec);
	int r;

	*failed = dev.name;
	r = device_get(&g->x->nl, &dev, &g->dev);
	if (r)
		return r;
	*failed = peer.name;
	return device_get(&g->x->nl, &peer, &g->peer);
}

static bool has_pair(void *object, struct difference *d)
{
	struct gateway *g = object;
	const char *dev;
	int r = get_pair(g, &dev);

	snprintf(d->what, sizeof(d->what),
		 r == -EEXIST ? "device %s was not made by ebpfnet" : "gateway device %s is gone", dev);
	if (r == -EEXIST)
		snprintf(d->fix, sizeof(d->fix), "ip link del %s; ebpfnet up", dev);
	return !r;
}

/* Use the MTU of the first uplink, so that packets of namespaces fit. */
static uint32_t uplink_mtu(struct session *x)
{
	struct nl_link dev;

	return uplink_device(x, &x->host.uplinks[0], &dev) ? ETH_DATA_LEN : dev.mtu;
}

static int make_pair(void *object)
{
	struct gateway *g = object;
	struct nl_veth v = { .name = g->rec->gw_dev, .peer = g->rec->gw_peer, .peer_netns = -1 };
	const char *dev;
	int r;

	r = get_pair(g, &dev);
	if (r != -ENODEV)
		return device_error(&g->x->nl, dev, r);
	v.mtu = g->rec->mtu ? g->rec->mtu : uplink_mtu(g->x);
	addr_mac(g->rec->gateway, v.mac);
	addr_host_mac(g->rec->gateway, v.peer_mac);
	r = nl_veth_add(&g->x->nl, &v);
	if (r)
		return log_err(r, "cannot make the gateway device %s: %s", v.name, nl_why(&g->x->nl, r));
	r = get_pair(g, &dev);
	return r ? device_error(&g->x->nl, dev, r) : 0;
}

/* ---- who they are: indexes, names, alias and MAC address ---- */

static bool journalled(void *object, struct difference *d)
{
	struct gateway *g = object;

	return holds_if(g->rec->gw_ifindex == (uint32_t)g->dev.ifindex &&
				g->rec->gw_peer_ifindex == (uint32_t)g->peer.ifindex,
			d, "%s was made again", g->dev.name);
}

static int journal(void *object)
{
	struct gateway *g = object;

	g->rec->gw_ifindex = g->dev.ifindex;
	g->rec->gw_peer_ifindex = g->peer.ifindex;
	return store_net_set(&g->x->s, g->net);
}

static bool has_names(void *object, struct difference *d)
{
	struct gateway *g = object;
	bool dev = !strcmp(g->dev.name, g->rec->gw_dev);

	return holds_if(dev && !strcmp(g->peer.name, g->rec->gw_peer), d, "gateway device %s is called %s now",
			dev ? g->rec->gw_peer : g->rec->gw_dev, dev ? g->peer.name : g->dev.name);
}

static int follow_names(void *object)
{
	struct gateway *g = object;
	struct net_record *rec = g->rec;
	int r;

	r = dataplane_rename(&g->x->s, HOOK_GATEWAY, rec->gw_dev, g->dev.name);
	if (!r)
		r = dataplane_rename(&g->x->s, HOOK_PORT, rec->gw_peer, g->peer.name);
	memcpy(rec->gw_dev, g->dev.name, sizeof(rec->gw_dev));
	memcpy(rec->gw_peer, g->peer.name, sizeof(rec->gw_peer));
	return r ? r : store_net_set(&g->x->s, g->net);
}

static bool marked(void *object, struct difference *d)
{
	struct gateway *g = object;
	struct device_id dev = dev_id(g->rec), peer = peer_id(g->rec);
	bool ours = device_is_marked(&dev, &g->dev);

	return holds_if(ours && device_is_marked(&peer, &g->peer), d, "%s has another MAC address or alias",
			ours ? g->peer.name : g->dev.name);
}

static int mark(void *object)
{
	struct gateway *g = object;
	struct device_id dev = dev_id(g->rec), peer = peer_id(g->rec);
	int r = device_mark(&g->x->nl, &dev, &g->dev);

	return r ? r : device_mark(&g->x->nl, &peer, &g->peer);
}

/* ---- its settings ---- */

/*
 * FIB look-ups name the gateway device as the one that the packet came from, as rules (`ip rule add iif ebpfnet0`) know
 * it. That requires forwarding there. The kernel itself has nothing to forward from it: it is handed what is for the
 * host, and what the host's own DNAT sends elsewhere does not leave an uplink with a private source.
 */
static bool forwards(void *object, struct difference *d)
{
	struct gateway *g = object;

	return holds_if(device_forwarding(g->dev.name) != 0, d, "forwarding is switched off on %s", g->dev.name);
}

static int set_forwarding(void *object)
{
	struct gateway *g = object;
	int r = nl_link_devconf(&g->x->nl, g->dev.ifindex, IPV4_DEVCONF_FORWARDING, 1);

	return r ? log_err(r, "cannot set forwarding on %s: %s", g->dev.name, nl_why(&g->x->nl, r)) : 0;
}

static bool without_ipv6(void *object, struct difference *d)
{
	struct gateway *g = object;

	return holds_if(!device_has_ipv6(g->dev.name) && !device_has_ipv6(g->peer.name), d,
			"IPv6 is switched on on %s", g->dev.name);
}

static int disable_ipv6(void *object)
{
	struct gateway *g = object;
	int r = device_no_ipv6(g->dev.name);

	return r ? r : device_no_ipv6(g->peer.name);
}

static bool peer_hooked(void *object, struct difference *d)
{
	struct gateway *g = object;

	return hook_holds(g->x, HOOK_PORT, &g->peer, g->peer.name, d);
}

static int hook_peer(void *object)
{
	struct gateway *g = object;

	return dataplane_attach(&g->x->s, g->x->host.hook, HOOK_PORT, g->peer.ifindex, g->peer.name);
}

static bool dev_hooked(void *object, struct difference *d)
{
	struct gateway *g = object;

	return hook_holds(g->x, HOOK_GATEWAY, &g->dev, g->dev.name, d);
}

static int hook_dev(void *object)
{
	struct gateway *g = object;

	return dataplane_attach(&g->x->s, g->x->host.hook, HOOK_GATEWAY, g->dev.ifindex, g->dev.name);
}

/* ---- the programs' record of it ---- */

/*
 * FIB look-ups are for one gateway device, whatever network a packet is of: the one that they are for already, or that
 * of the first network, but of none that is about to go.
 */
static const struct net_entry *gateway_for_fib(const struct session *x, const struct config *cfg)
{
	const struct net_entry *first = NULL;
	size_t i;

	for (i = 0; i < x->net_count; i++) {
		const struct net_record *rec = &x->nets[i].rec;

		if (rec->made & NET_PENDING)
			continue;
		if (cfg->fib_ifindex == rec->gw_ifindex)
			return &x->nets[i];
		first = first ? first : &x->nets[i];
	}
	return first || !x->net_count ? first : &x->nets[0];
}

static struct network record(const struct gateway *g)
{
	struct network net = {
		.subnet = g->rec->subnet.addr,
		.mask = addr_mask(g->rec->subnet.prefix),
		.gateway = g->rec->gateway,
		.broadcast = addr_broadcast(g->rec->subnet.addr, g->rec->subnet.prefix),
		.gw_ifindex = g->dev.ifindex,
		.gw_peer = g->peer.ifindex,
		.flags = g->rec->flags | (g->rec->unmasqueraded[0].prefix ? NETWORK_HAS_UNMASQUERADED : 0),
	};

	addr_mac(g->rec->gateway, net.gw_mac);
	return net;
}

static bool recorded(void *object, struct difference *d)
{
	struct gateway *g = object;
	struct network want = record(g), is;
	struct config cfg;

	snprintf(d->what, sizeof(d->what), "the programs do not know %s", g->dev.name);
	if (store_network(&g->x->s, g->net->id, &is) || store_config(&g->x->s, &cfg))
		return false;
	want.ports = is.ports;
	want.first_port = is.first_port;
	want.forwarding = forwarding_of(&cfg, g->rec);
	if (is.gw_ifindex && is.forwarding != want.forwarding)
		return holds_if(false, d, "forwarding of network %s is %s, not %s", g->rec->name,
				forwarding_text(is.forwarding), forwarding_text(want.forwarding));
	if (cfg.has_rules != forwarding_is_needed(g->x))
		return false;
	return !memcmp(&want, &is, sizeof(is)) &&
	       (cfg.fib_ifindex == (uint32_t)g->dev.ifindex || gateway_for_fib(g->x, &cfg) != g->net);
}

static int write_record(void *object)
{
	struct gateway *g = object;
	const struct store *s = &g->x->s;
	struct network net = record(g), old;
	struct config cfg;
	int r;

	r = store_network(s, g->net->id, &old);
	if (!r)
		r = store_config(s, &cfg);
	if (r)
		return r;
	net.ports = old.ports;
	net.first_port = old.first_port;
	net.forwarding = forwarding_of(&cfg, g->rec);
	cfg.has_rules = forwarding_is_needed(g->x);
	if (gateway_for_fib(g->x, &cfg) == g->net)
		cfg.fib_ifindex = g->dev.ifindex;
	r = store_config_set(s, &cfg);
	if (!r)
		r = store_unmasqueraded_set(s, g->net->id, g->rec->unmasqueraded);
	if (!r)
		r = store_gateway_set(s, g->net->id, &net);
	/* last: recorded() checks it, so that an interrupted write is repeated */
	return r ? r : store_network_set(s, g->net->id, &net);
}

/* ---- up, with its address ---- */

static bool both_up(void *object, struct difference *d)
{
	struct gateway *g = object;

	return holds_if(g->dev.up && g->peer.up, d, "gateway device %s is down",
			g->dev.up ? g->peer.name : g->dev.name);
}

static int set_up(void *object)
{
	struct gateway *g = object;
	int r = device_up(&g->x->nl, &g->peer);

	return r ? r : device_up(&g->x->nl, &g->dev);
}

static bool addressed(void *object, struct difference *d)
{
	char text[ADDR_TEXT];
	struct gateway *g = object;

	return holds_if(nl_addr_has(&g->x->nl, g->dev.ifindex, g->rec->gateway), d,
			"gateway device %s has lost its address %s", g->dev.name,
			addr_text(g->rec->gateway, text));
}

static int add_address(void *object)
{
	struct gateway *g = object;
	int r;

	/* with global scope, the kernel would use the private address as source on an uplink without an address */
	r = nl_addr_add(&g->x->nl, g->dev.ifindex, g->rec->gateway, g->rec->subnet.prefix, RT_SCOPE_LINK);
	return r ? log_err(r, "cannot give %s its address: %s", g->dev.name, nl_why(&g->x->nl, r)) : 0;
}

/* ---- the network's journal and definition */

static bool kept(void *object, struct difference *d)
{
	struct gateway *g = object;

	if (g->rec->made & NET_CHANGED)
		return holds_if(false, d, "the definition of network %s is not as it was set", g->rec->name);
	return holds_if(!(g->rec->made & NET_KEPT) || definition_is_there(g->rec->name), d,
			"the definition of network %s is gone: after a boot it is not made again", g->rec->name);
}

int network_keep(struct session *x, struct net_entry *net)
{
	uint32_t before = net->rec.made;

	if (before & NET_KEPT && definition_write(&net->rec))
		net->rec.made &= ~NET_KEPT; /* it has warned of it */
	net->rec.made &= ~NET_CHANGED;
	return net->rec.made == before ? 0 : store_net_set(&x->s, net);
}

static int keep(void *object)
{
	struct gateway *g = object;

	return network_keep(g->x, g->net);
}

static bool is_complete(void *object, struct difference *d)
{
	struct gateway *g = object;

	return holds_if(!(g->rec->made & NET_PENDING), d, "network %s is incomplete", g->rec->name);
}

static int complete(void *object)
{
	struct gateway *g = object;

	g->rec->made &= ~NET_PENDING;
	return store_net_set(&g->x->s, g->net);
}

static const struct property gateway_properties[] = {
	{ has_pair, make_pair, "make the pair of devices", .stops = true },
	{ journalled, journal, "enter it in the journal" },
	{ has_names, follow_names, "follow their new names", .minor = true },
	{ marked, mark, "set alias and MAC address" },
	{ forwards, set_forwarding, "switch forwarding on on it" },
	{ without_ipv6, disable_ipv6, "switch IPv6 off on both devices" },
	{ peer_hooked, hook_peer, "attach the port program to the peer" },
	{ dev_hooked, hook_dev, "attach the gateway program" },
	{ recorded, write_record, "enter it in the maps" },
	{ both_up, set_up, "set both devices up" },
	{ addressed, add_address, "add the gateway's address" },
	{ kept, keep, "write the network's definition" },
	{ is_complete, complete, "say so in the journal" },
	{},
};

int walk_gateway(struct walk *w, struct net_entry *net)
{
	struct gateway g = { w->x, net, &net->rec };
	char name[48];

	snprintf(name, sizeof(name), "gateway %s", g.rec->gw_dev);
	return walk_object(w, name, gateway_properties, &g);
}

/* Whatever is wrong with one, the others are repaired. */
int walk_gateways(struct walk *w)
{
	int r, first = 0;
	size_t i;

	for (i = 0; i < w->x->net_count; i++) {
		r = walk_gateway(w, &w->x->nets[i]);
		if (!first)
			first = r;
	}
	return first;
}

int gateways_serve_fib(struct walk *w)
{
	static const struct property properties[] = {
		{ has_pair, .stops = true },
		{ forwards, set_forwarding, "switch forwarding on on it" },
		{ recorded, write_record, "enter it in the maps" },
		{},
	};
	size_t i;
	int r = 0;

	for (i = 0; i < w->x->net_count && !r; i++) {
		struct gateway g = { w->x, &w->x->nets[i], &w->x->nets[i].rec };

		if (!(g.rec->made & NET_PENDING))
			r = walk_object(w, g.rec->gw_dev, properties, &g);
	}
	return r;
}

int gateway_remove(struct session *x, struct net_entry *net)
{
	struct gateway g = { x, net, &net->rec };
	const char *dev;
	int r;

	if (x->host.hook == HOOK_TCX) {
		dataplane_detach(&x->s, HOOK_TCX, HOOK_GATEWAY, 0, g.rec->gw_dev, false);
		dataplane_detach(&x->s, HOOK_TCX, HOOK_PORT, 0, g.rec->gw_peer, false);
	}
	r = get_pair(&g, &dev);
	if (r == -ENODEV || r == -EEXIST)
		r = 0;
	else if (!r)
		r = nl_link_del(&x->nl, g.dev.ifindex);
	if (r && r != -ENODEV)
		return log_err(r, "cannot remove device %s: %s", g.dev.name, nl_why(&x->nl, r));
	return 0;
}

int gateway_forget(struct session *x, struct net_entry *net)
{
	struct gateway g = { x, net, &net->rec };
	struct network n = record(&g);

	return store_network_del(&x->s, net->id, &n, net->rec.unmasqueraded);
}
