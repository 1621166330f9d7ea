/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The XDP prefilter: XDP on an uplink, before the kernel has built anything for a frame. It drops what
 * datapath_uplink() would drop for its addresses alone, and counts it as that would. All else passes
 * unchanged, and nothing is decided for it here.
 *
 * To drop what that program does not is a fault, to pass what it drops is none. So whatever belongs to a
 * flow, dead or alive, is passed, and so are pieces of datagrams and ICMP errors.
 */
#ifndef EBPFNET_BPF_XDP_PREFILTER_H
#define EBPFNET_BPF_XDP_PREFILTER_H

#include "kern/ctx_xdp.h"
#include "ct/ct_lookup.h"
#include "l3/bogon.h"

/* What the uplink's program would say of an IPv4 packet to this station that it would refuse for its addresses. */
static __always_inline verdict_t prefilter_verdict(const struct pkt *p, enum parsed parsed, verdict_t refused)
{
	struct conn_alloc *a = conn_alloc_get();

	if (parsed != PARSED) /* it looks at the addresses alone, too */
		return refused;
	if (p->frag & IP_FRAG_MASK || p->kind == PKT_ERROR)
		return FWD_PASS;
	if (!bogon_may_match(p))
		return refused;
	/* a SYN to an external port that a namespace has is refused for that, if the address is the host's */
	if (bogon_syn_to_mapped(p))
		return FWD_PASS;
	return a && a->private_peers && ct_lookup(&p->key) ? FWD_PASS : refused;
}

/* What its addresses are, before all else: most packets are refused for neither. */
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
 * A tag in the frame makes it another's. One that the device has taken out is not seen: no XDP prefilter is
 * attached where there are VLANs (user/lib/model/uplink.c).
 */
static __always_inline int datapath_prefilter(ctx_t *ctx)
{
	verdict_t v = prefilter_addresses(ctx);
	struct pkt p = {};
	enum parsed r;

	if (v == FWD_NEXT)
		return ACTION_PASS;
	r = parse_frame(ctx_data(ctx), ctx_data_end(ctx), ctx_len(ctx), &p);
	/* what lies beyond the first buffer is not fetched: the uplink's program will */
	if (r == PARSE_SHORT && !ctx_is_whole(ctx))
		return ACTION_PASS;
	v = prefilter_verdict(&p, r, v);
	/* hairpinned packets that come to a generic hook have the gateway's MAC */
	if (v >= 0 || !ctx_is_for_us(ctx, p.dmac))
		return ACTION_PASS;
	count(-v);
	return ACTION_DROP;
}

#endif
