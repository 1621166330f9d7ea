// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The gateway: the host's own port of the switch, a veth pair on the host. Also lo, while a port is published. */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/log.h"
#include "lib/dataplane/dataplane.h"
#include "lib/model/device.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

#define LO_IFINDEX 1	/* the first device of every network namespace */

struct gateway {
	struct session *x;
	const struct host_record *host;
	struct nl_link dev, peer;
};

/* ---- the pair of devices ---- */

static struct device_id dev_id(const struct host_record *host)
{
	struct device_id id = { host->gw_dev, host->gw_ifindex, DEVICE_ALIAS_GATEWAY };

	addr_mac(host->gateway, id.mac);
	return id;
}

static struct device_id peer_id(const struct host_record *host)
{
	struct device_id id = { host->gw_peer, host->gw_peer_ifindex, DEVICE_ALIAS_PEER };

	addr_host_mac(host->gateway, id.mac);
	return id;
}

static int get_pair(struct gateway *g, const char **failed)
{
	struct device_id dev = dev_id(g->host), peer = peer_id(g->host);
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
	struct nl_veth v = { .name = g->host->gw_dev, .peer = g->host->gw_peer, .peer_netns = -1 };
	const char *dev;
	int r;

	r = get_pair(g, &dev);
	if (r != -ENODEV)
		return device_error(&g->x->nl, dev, r);
	v.mtu = uplink_mtu(g->x);
	addr_mac(g->host->gateway, v.mac);
	addr_host_mac(g->host->gateway, v.peer_mac);
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

	return holds_if(g->host->gw_ifindex == (uint32_t)g->dev.ifindex &&
				g->host->gw_peer_ifindex == (uint32_t)g->peer.ifindex,
			d, "%s was made again", g->dev.name);
}

static int journal(void *object)
{
	struct gateway *g = object;

	g->x->host.gw_ifindex = g->dev.ifindex;
	g->x->host.gw_peer_ifindex = g->peer.ifindex;
	return session_save(g->x);
}

static bool has_names(void *object, struct difference *d)
{
	struct gateway *g = object;
	bool dev = !strcmp(g->dev.name, g->host->gw_dev);

	return holds_if(dev && !strcmp(g->peer.name, g->host->gw_peer), d, "gateway device %s is called %s now",
			dev ? g->host->gw_peer : g->host->gw_dev, dev ? g->peer.name : g->dev.name);
}

static int follow_names(void *object)
{
	struct gateway *g = object;
	struct host_record *host = &g->x->host;
	int r;

	r = dataplane_rename(&g->x->s, HOOK_GATEWAY, host->gw_dev, g->dev.name);
	if (!r)
		r = dataplane_rename(&g->x->s, HOOK_PORT, host->gw_peer, g->peer.name);
	memcpy(host->gw_dev, g->dev.name, sizeof(host->gw_dev));
	memcpy(host->gw_peer, g->peer.name, sizeof(host->gw_peer));
	return r ? r : session_save(g->x);
}

static bool marked(void *object, struct difference *d)
{
	struct gateway *g = object;
	struct device_id dev = dev_id(g->host), peer = peer_id(g->host);
	bool ours = device_is_marked(&dev, &g->dev);

	return holds_if(ours && device_is_marked(&peer, &g->peer), d, "%s has another MAC address or alias",
			ours ? g->peer.name : g->dev.name);
}

static int mark(void *object)
{
	struct gateway *g = object;
	struct device_id dev = dev_id(g->host), peer = peer_id(g->host);
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

	return holds_if(device_forwards(g->dev.name), d, "forwarding is switched off on %s", g->dev.name);
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

	return dataplane_attach(&g->x->s, g->host->hook, HOOK_PORT, g->peer.ifindex, g->peer.name);
}

static bool dev_hooked(void *object, struct difference *d)
{
	struct gateway *g = object;

	return hook_holds(g->x, HOOK_GATEWAY, &g->dev, g->dev.name, d);
}

static int hook_dev(void *object)
{
	struct gateway *g = object;

	return dataplane_attach(&g->x->s, g->host->hook, HOOK_GATEWAY, g->dev.ifindex, g->dev.name);
}

/* ---- the programs' record of it ---- */

static struct network record(const struct gateway *g)
{
	struct network net = {
		.subnet = g->host->subnet,
		.mask = addr_mask(g->host->prefix),
		.gateway = g->host->gateway,
		.broadcast = addr_broadcast(g->host->subnet, g->host->prefix),
		.gw_ifindex = g->dev.ifindex,
		.gw_peer = g->peer.ifindex,
	};

	addr_mac(g->host->gateway, net.gw_mac);
	return net;
}

static bool recorded(void *object, struct difference *d)
{
	struct gateway *g = object;
	struct network want = record(g), is;
	struct config cfg;

	snprintf(d->what, sizeof(d->what), "the programs do not know %s", g->dev.name);
	if (store_network(&g->x->s, g->host->net, &is) || store_config(&g->x->s, &cfg))
		return false;
	want.ports = is.ports;
	want.first_port = is.first_port;
	return !memcmp(&want, &is, sizeof(is)) && cfg.fib_ifindex == (uint32_t)g->dev.ifindex;
}

static int write_record(void *object)
{
	struct gateway *g = object;
	const struct store *s = &g->x->s;
	struct network net = record(g), old;
	struct config cfg;
	int r;

	r = store_network(s, g->host->net, &old);
	if (!r)
		r = store_config(s, &cfg);
	if (r)
		return r;
	net.ports = old.ports;
	net.first_port = old.first_port;
	cfg.fib_ifindex = g->dev.ifindex;
	r = store_config_set(s, &cfg);
	if (!r)
		r = store_gateway_set(s, g->host->net, &net);
	/* last: recorded() checks it, so that an interrupted write is repeated */
	return r ? r : store_network_set(s, g->host->net, &net);
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

	return holds_if(nl_addr_has(&g->x->nl, g->dev.ifindex, g->host->gateway), d,
			"gateway device %s has lost its address %s", g->dev.name,
			addr_text(g->host->gateway, text));
}

static int add_address(void *object)
{
	struct gateway *g = object;
	int r;

	/* with global scope, the kernel would use the private address as source on an uplink without an address */
	r = nl_addr_add(&g->x->nl, g->dev.ifindex, g->host->gateway, g->host->prefix, RT_SCOPE_LINK);
	return r ? log_err(r, "cannot give %s its address: %s", g->dev.name, nl_why(&g->x->nl, r)) : 0;
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
	{},
};

int walk_gateway(struct walk *w)
{
	struct gateway g = { w->x, &w->x->host };
	char name[48];

	snprintf(name, sizeof(name), "gateway %s", g.host->gw_dev);
	return walk_object(w, name, gateway_properties, &g);
}

int gateway_remove(struct session *x)
{
	struct gateway g = { x, &x->host };
	const char *dev;
	int r;

	if (g.host->hook == HOOK_TCX) {
		dataplane_detach(&x->s, HOOK_TCX, HOOK_GATEWAY, 0, g.host->gw_dev, false);
		dataplane_detach(&x->s, HOOK_TCX, HOOK_PORT, 0, g.host->gw_peer, false);
	}
	r = get_pair(&g, &dev);
	if (r == -ENODEV || r == -EEXIST)
		return 0;
	if (!r)
		r = nl_link_del(&x->nl, g.dev.ifindex);
	return r && r != -ENODEV ? log_err(r, "cannot remove device %s: %s", g.dev.name, nl_why(&x->nl, r)) : 0;
}

/* ---- lo: a program there costs all loopback traffic, so attach it only while a port is published ---- */

static bool lo_hooked(void *object, struct difference *d)
{
	const struct nl_link lo = { .ifindex = LO_IFINDEX, .name = "lo" };
	struct session *x = object;
	struct config cfg;

	if (store_config(&x->s, &cfg))
		return true;
	if (cfg.portmaps)
		return x->host.made & LO_HOOKED && hook_holds(x, HOOK_LO, &lo, lo.name, d);
	return holds_if(!(x->host.made & LO_HOOKED), d, "lo has a program though nothing is published");
}

static int hook_lo(struct session *x)
{
	int r = dataplane_load_lo(&x->s);

	if (r)
		return r;
	/* journal first, so that nothing is left unrecorded if the command is killed */
	if (x->host.hook == HOOK_CLSACT && !dataplane_has_qdisc(LO_IFINDEX))
		x->host.made |= MADE_LO_QDISC;
	x->host.made |= LO_HOOKED;
	r = session_save(x);
	return r ? r : dataplane_attach(&x->s, x->host.hook, HOOK_LO, LO_IFINDEX, "lo");
}

int lo_unhook(struct session *x)
{
	int r;

	r = dataplane_detach(&x->s, x->host.hook, HOOK_LO, LO_IFINDEX, "lo", x->host.made & MADE_LO_QDISC);
	if (r)
		return r;
	x->host.made &= ~(LO_HOOKED | MADE_LO_QDISC);
	return session_save(x);
}

static int sync_lo(void *object)
{
	struct session *x = object;
	struct config cfg;
	int r = store_config(&x->s, &cfg);

	return r ? r : cfg.portmaps ? hook_lo(x) : lo_unhook(x);
}

int walk_lo(struct walk *w)
{
	static const struct property properties[] = {
		{ lo_hooked, sync_lo, "attach the lo program while something is published" },
		{},
	};

	return walk_object(w, "lo", properties, w->x);
}

int lo_ensure(struct session *x)
{
	struct walk w = { .x = x, .apply = true };

	return walk_lo(&w);
}
