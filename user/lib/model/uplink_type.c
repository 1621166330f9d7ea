// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What is read of an uplink's device: its address, and its link type. One whose packets have no link-layer header has
 * programs of its own, built from the same source (bpf/hooks/uplink_l3.bpf.c), so that no program tests for it.
 */
#include <ifaddrs.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/dataplane/dataplane.h"
#include "lib/model/model.h"

#ifndef ARPHRD_NONE
#define ARPHRD_NONE 0xfffe	/* tun, WireGuard, xfrm */
#endif
#ifndef ARPHRD_RAWIP
#define ARPHRD_RAWIP 519	/* modems */
#endif
#ifndef ARPHRD_IP6GRE
#define ARPHRD_IP6GRE 823
#endif

/* Tunnels that the kernel routes each packet through by a remote address. */
static bool is_tunnel(uint16_t type)
{
	return type == ARPHRD_TUNNEL || type == ARPHRD_TUNNEL6 || type == ARPHRD_SIT || type == ARPHRD_IPGRE ||
	       type == ARPHRD_IP6GRE;
}

bool uplink_type_is_l3(const struct nl_link *dev)
{
	return dev->type == ARPHRD_NONE || dev->type == ARPHRD_RAWIP || dev->type == ARPHRD_PPP || is_tunnel(dev->type);
}

/*
 * A tunnel without a remote address takes it from the next hop or from the route, which bpf_redirect_neigh() does not
 * give it; and one of GRE then has its outer header in front of the packet at the egress hook.
 */
const char *uplink_type_unfit(const struct nl_link *dev)
{
	if (dev->type != ARPHRD_ETHER && !uplink_type_is_l3(dev))
		return "is neither an Ethernet device nor one of IP packets, as tun";
	return is_tunnel(dev->type) && !dev->has_remote ? "is a tunnel without a remote address" : NULL;
}

bool uplink_type_followed(const struct nl_link *dev)
{
	return dev->up && !dev->in_vrf && !uplink_type_unfit(dev);
}

uint32_t uplink_type_flags(const struct nl_link *dev)
{
	return is_tunnel(dev->type) ? UPLINK_NEEDS_ROUTE : 0;
}

enum hook uplink_hook(const struct uplink_record *u)
{
	return u->flags & UPLINK_L3 ? HOOK_UPLINK_L3 : HOOK_UPLINK;
}

enum hook uplink_egress_hook(const struct uplink_record *u)
{
	return u->flags & UPLINK_L3 ? HOOK_UPLINK_L3_OUT : HOOK_UPLINK_OUT;
}

/* The first IPv4 address of a device; false: it has none. */
bool uplink_address(const char *dev, struct ipaddr *out)
{
	struct ifaddrs *all, *a;
	bool found = false;

	if (getifaddrs(&all))
		return false;
	for (a = all; a && !found; a = a->ifa_next) {
		if (strcmp(a->ifa_name, dev) || !a->ifa_addr || a->ifa_addr->sa_family != AF_INET)
			continue;
		memcpy(out, &((struct sockaddr_in *)a->ifa_addr)->sin_addr, sizeof(*out));
		found = true;
	}
	freeifaddrs(all);
	return found;
}
