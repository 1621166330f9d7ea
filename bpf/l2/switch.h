/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The switch (IEEE 802.1D), for frames from namespaces and from the gateway device. */
#ifndef EBPFNET_BPF_L2_SWITCH_H
#define EBPFNET_BPF_L2_SWITCH_H

#include "kern/device.h"
#include "kern/shaper.h"
#include "l2/arp.h"
#include "l2/fdb.h"
#include "l2/l2_cache.h"

/* IEEE 802.1D table 7-10: 01-80-C2-00-00-00 to -0F are not forwarded by bridges. */
static __always_inline _Bool mac_reserved_mcast(const __u8 *mac)
{
	const __u16 *w = (const __u16 *)mac;

	return w[0] == __builtin_bswap16(0x0180) && w[1] == __builtin_bswap16(0xc200) &&
	       mac[4] == 0 && mac[5] < 0x10;
}

/*
 * Decide where a frame goes. FWD_NEXT: to the gateway, to be routed. from: the ingress port, NULL for the
 * gateway device. The decision is cached, but not for a port with spoof=allow, as each of its frames may have
 * another source, nor from or to a limited one.
 */
static __always_inline verdict_t switch_frame(ctx_t *ctx, const struct pkt *p, __u16 net_id,
					      const struct network *net, const struct port *from,
					      struct fwd_out *fwd)
{
	const __u32 *mac = (const __u32 *)p->dmac; /* and the source's behind it */
	struct l2_cache_entry *cached = l2_cache_at(mac);
	_Bool is_request = p->kind == PKT_ARP && p->arp_op == ARPOP_REQUEST && !ctx_vlan(ctx);
	_Bool keep = p->stamp && !(from && from->flags & (PORT_SPOOF_ALLOW | PORT_LIMIT_OUT));
	struct config *cfg = config_get();
	struct fdb_entry *e;
	verdict_t v;

	if (!cached || !cfg)
		return DROP(helper_failed);
	if (is_request) {
		v = arp_answer(ctx, p, net_id, fwd);
		if (v != FWD_NEXT)
			return v;
	}
	if (mac_group(p->dmac)) {
		if (mac_reserved_mcast(p->dmac))
			return DROP(reserved_mcast);
		if (is_request)
			fwd->port_flags = arp_asked(p, net_id, from ? from->flags : 0);
		fwd->counter = fwd->port_flags ? COUNT_arp_suppressed : COUNT_flooded;
		return FWD_FLOOD;
	}
	if (mac_eq(p->dmac, net->gw_mac)) {
		if (ctx_vlan(ctx))
			return DROP(vlan_to_gateway);
		if (from && keep)
			l2_cache_set(cached, p, ctx->ifindex, 0, addr_be32(from->addr), net_id);
		return FWD_NEXT;
	}
	fwd->counter = COUNT_switched;
	if (p->stamp && l2_cache_valid(cached, mac, ctx->ifindex, p->stamp)) {
		fwd->ifindex = cached->to;
		return FWD_PORT;
	}
	e = fdb_find(net_id, p->dmac);
	if (!e) {
		fwd->counter = COUNT_flooded;
		return FWD_FLOOD;
	}
	if (e->ifindex == ctx->ifindex)
		return DROP(same_port);
	fwd->ifindex = e->ifindex;
	v = device_check(ctx, e->ifindex, DROP(port_down));
	if (v != FWD_NEXT)
		return v;
	if (e->kind != FDB_LEARNED && keep && !port_is_limited_in(cfg, e->ifindex))
		l2_cache_set(cached, p, ctx->ifindex, e->ifindex, from ? addr_be32(from->addr) : 0, net_id);
	return FWD_PORT;
}

#endif
