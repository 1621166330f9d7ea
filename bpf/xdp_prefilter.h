/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The XDP prefilter: on an uplink, before the kernel allocates an sk_buff. Drops frames that datapath_uplink()
 * would drop by their addresses alone, and counts them the same way. All other frames pass unchanged.
 *
 * Must never drop what the TC program accepts; passing what it would drop is fine. So packets of a flow, live
 * or expired, pass, and so do fragments and ICMP errors.
 */
#ifndef EBPFNET_BPF_XDP_PREFILTER_H
#define EBPFNET_BPF_XDP_PREFILTER_H

#include "kern/ctx_xdp.h"
#include "ct/ct_lookup.h"
#include "l3/bogon.h"

/* The verdict of the uplink's TC program on an IPv4 packet that bogon_refuse() refuses (refused). */
static __always_inline verdict_t prefilter_verdict(const struct pkt *p, enum parsed parsed, verdict_t refused)
{
	struct conn_alloc *a = conn_alloc_get();

	if (parsed != PARSED) /* the TC program, too, goes by the addresses alone */
		return refused;
	if (p->frag & IP_FRAG_MASK || p->kind == PKT_ERROR)
		return FWD_PASS;
	if (!bogon_may_match(p))
		return refused;
	return a && a->private_peers && ct_lookup(&p->key) ? FWD_PASS : refused;
}

/* Check the addresses before parsing: most packets pass this check. */
static __always_inline verdict_t prefilter_addresses(const ctx_t *ctx)
{
	const __u8 *data = ctx_data(ctx), *ip = data + ETH_HLEN;
	struct ipaddr src, dst;

	if ((const void *)(ip + IP_MIN_HLEN) > ctx_data_end(ctx) ||
	    *(__be16 *)(data + 12) != __builtin_bswap16(ETH_P_IP))
		return FWD_NEXT;
	src = addr_at(ip + 12);
	dst = addr_at(ip + 16);
	return bogon_refuse(&src, &dst);
}

/*
 * A VLAN-tagged frame has another ETH_P and passes. A tag that the device has stripped is not seen: the
 * prefilter is not attached where there are VLANs (user/lib/model/uplink.c).
 */
static __always_inline int datapath_prefilter(ctx_t *ctx)
{
	verdict_t v = prefilter_addresses(ctx);
	struct pkt p = {};
	enum parsed r;

	if (v == FWD_NEXT)
		return ACTION_PASS;
	r = parse_frame(ctx_data(ctx), ctx_data_end(ctx), ctx_len(ctx), &p);
	/* headers beyond the first buffer are left to the TC program */
	if (r == PARSE_SHORT && !ctx_is_whole(ctx))
		return ACTION_PASS;
	v = prefilter_verdict(&p, r, v);
	/* at a generic XDP hook hairpinned packets arrive too, with the gateway's MAC */
	if (v >= 0 || !ctx_is_for_us(ctx, p.dmac))
		return ACTION_PASS;
	count(-v);
	return ACTION_DROP;
}

#endif
