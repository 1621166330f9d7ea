// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The network itself: its subnet, the gateway device, lo. Uplinks are in uplink.c, namespaces in endpoint.c. */
#include <errno.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/dataplane/dataplane.h"
#include "lib/model/hosts.h"
#include "lib/base/log.h"
#include "lib/model/model.h"
#include "lib/model/device.h"

#define LO_IFINDEX 1	/* the first device of every network namespace */

/* ---- checks ---- */

int network_check_subnet(struct nl *nl, struct ipaddr subnet, uint8_t prefix)
{
	char ours[ADDR_TEXT], theirs[ADDR_TEXT];
	struct nl_link gw = {}, dev = {};
	struct nl_route route;
	int r;

	nl_link_get(nl, NETWORK_GW_DEV, 0, &gw);
	r = nl_route_overlap(nl, subnet, prefix, gw.ifindex ? gw.ifindex : -1, &route);
	if (r == -ENOENT)
		return 0;
	if (r)
		return log_err(r, "cannot read the routing table: %s", nl_why(nl, r));
	nl_link_get(nl, NULL, route.ifindex, &dev);
	return log_err(-EEXIST, "subnet %s/%u overlaps the route to %s/%u on %s; choose another with "
				"--subnet CIDR", addr_text(subnet, ours), prefix,
		       addr_text(route.dst, theirs), route.prefix, dev.name);
}

/* ---- gateway ---- */

static int make_gateway(struct nl *nl, const struct host_record *host, uint32_t mtu)
{
	struct nl_veth v = { .name = host->gw_dev, .peer = host->gw_peer, .mtu = mtu, .peer_netns = -1 };
	int r;

	addr_mac(host->gateway, v.mac);
	addr_host_mac(host->gateway, v.peer_mac);
	r = nl_veth_add(nl, &v);
	return r ? log_err(r, "cannot make the gateway device %s: %s", host->gw_dev, nl_why(nl, r)) : 0;
}

static int get_gateway(struct nl *nl, const struct host_record *host, struct nl_link *gw,
		       struct nl_link *peer)
{
	uint8_t mac[6];
	int r;

	addr_mac(host->gateway, mac);
	r = device_get(nl, host->gw_dev, mac, gw);
	if (r)
		return r;
	addr_host_mac(host->gateway, mac);
	return device_get(nl, host->gw_peer, mac, peer);
}

/* What the programs know of it: written when it differs. */
static int sync_gateway(const struct store *s, const struct host_record *host, const struct nl_link *gw,
			const struct nl_link *peer, bool *changed)
{
	struct network net = {}, old;
	struct config cfg;
	int r;

	r = store_network(s, host->net, &old);
	if (!r)
		r = store_config(s, &cfg);
	if (r)
		return r;
	net = (struct network){
		.subnet = host->subnet,
		.mask = addr_mask(host->prefix),
		.gateway = host->gateway,
		.broadcast = addr_broadcast(host->subnet, host->prefix),
		.gw_ifindex = gw->ifindex,
		.gw_peer = peer->ifindex,
		.ports = old.ports,
	};
	addr_mac(host->gateway, net.gw_mac);
	if (!memcmp(&net, &old, sizeof(net)) && cfg.fib_ifindex == (uint32_t)peer->ifindex)
		return 0;
	*changed = true;
	cfg.fib_ifindex = peer->ifindex;
	r = store_config_set(s, &cfg);
	if (!r)
		r = store_gateway_set(s, host->net, &net);
	/* last: it is what says, the next time, that all of it was written */
	return r ? r : store_network_set(s, host->net, &net);
}

int gateway_ensure(const struct store *s, struct nl *nl, const struct host_record *host, uint32_t mtu, bool *changed)
{
	struct nl_link gw, peer;
	int r;

	r = get_gateway(nl, host, &gw, &peer);
	if (r == -ENODEV) {
		*changed = true;
		r = make_gateway(nl, host, mtu);
		if (!r)
			r = get_gateway(nl, host, &gw, &peer);
	}
	if (r)
		return r;
	/* in the peer's name the routing table is asked; nothing that arrives there passes on */
	if (!device_forwards(peer.name)) {
		*changed = true;
		r = nl_link_devconf(nl, peer.ifindex, IPV4_DEVCONF_FORWARDING, 1);
	}
	if (r)
		return log_err(r, "cannot set forwarding on %s: %s", peer.name, nl_why(nl, r));
	r = device_no_ipv6(gw.name);
	if (!r)
		r = device_no_ipv6(peer.name);
	if (!r)
		r = dataplane_attach(s, host->hook, HOOK_PORT, peer.ifindex, peer.name, changed, NULL);
	if (!r)
		r = dataplane_attach(s, host->hook, HOOK_GATEWAY, gw.ifindex, gw.name, changed, NULL);
	if (!r)
		r = sync_gateway(s, host, &gw, &peer, changed);
	if (!r)
		r = device_up(nl, &peer, changed);
	if (!r)
		r = device_up(nl, &gw, changed);
	if (r || nl_addr_has(nl, gw.ifindex, host->gateway))
		return r;
	*changed = true;
	/* of global scope the kernel lends it to an uplink that has none, and the private address would leave */
	r = nl_addr_add(nl, gw.ifindex, host->gateway, host->prefix, RT_SCOPE_LINK);
	return r ? log_err(r, "cannot give %s its address: %s", gw.name, nl_why(nl, r)) : 0;
}

/* ---- lo, while something is published ---- */

static int hook_lo(const struct store *s, struct host_record *host)
{
	int r;

	/* journalled first: a command that is killed here leaves nothing that nobody remembers */
	if (host->hook == HOOK_CLSACT && !dataplane_has_qdisc(LO_IFINDEX))
		host->made |= MADE_LO_QDISC;
	host->made |= LO_HOOKED;
	r = store_host_set(s, host);
	return r ? r : dataplane_attach(s, host->hook, HOOK_LO, LO_IFINDEX, "lo", NULL, NULL);
}

static int unhook_lo(const struct store *s, struct host_record *host)
{
	int r;

	r = dataplane_detach(s, host->hook, HOOK_LO, LO_IFINDEX, "lo", host->made & MADE_LO_QDISC);
	if (r)
		return r;
	host->made &= ~(LO_HOOKED | MADE_LO_QDISC);
	return store_host_set(s, host);
}

int lo_ensure(const struct store *s)
{
	struct host_record host;
	struct config cfg;
	int r;

	r = store_host(s, &host);
	if (!r)
		r = store_config(s, &cfg);
	if (r)
		return r;
	if (cfg.portmaps)
		return hook_lo(s, &host);
	return host.made & LO_HOOKED ? unhook_lo(s, &host) : 0;
}

static int remove_gateway(const struct store *s, struct nl *nl, const struct host_record *host)
{
	struct nl_link gw, peer;
	int r;

	if (host->hook == HOOK_TCX) {
		dataplane_detach(s, HOOK_TCX, HOOK_GATEWAY, 0, host->gw_dev, false);
		dataplane_detach(s, HOOK_TCX, HOOK_PORT, 0, host->gw_peer, false);
	}
	r = get_gateway(nl, host, &gw, &peer);
	if (r == -ENODEV || r == -EEXIST)
		return 0;
	if (!r)
		r = nl_link_del(nl, gw.ifindex);
	return r && r != -ENODEV ? log_err(r, "cannot remove device %s: %s", gw.name, nl_why(nl, r)) : 0;
}

static void keep_first(int *first, int r)
{
	if (!*first)
		*first = r;
}

int network_remove(const struct store *s, struct nl *nl)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	struct host_record host;
	size_t i, count;
	int r, first = 0;

	r = store_host(s, &host);
	if (!r && host.abi && !(host.made & GOING_DOWN)) {
		host.made |= GOING_DOWN;
		r = store_host_set(s, &host);
	}
	if (!r)
		r = store_ns_all(s, &all, &count);
	if (r)
		return r;
	for (i = 0; i < count; i++)
		keep_first(&first, endpoint_remove(s, nl, &host, all[i].name, &all[i].rec));
	if (!host.abi)
		return first;
	if (host.made & LO_HOOKED)
		keep_first(&first, unhook_lo(s, &host));
	for (i = 0; i < EBPFNET_HOST_UPLINKS; i++)
		keep_first(&first, uplink_remove(s, nl, &host, &host.uplinks[i]));
	keep_first(&first, remove_gateway(s, nl, &host));
	keep_first(&first, hosts_write(s));
	return first;
}
