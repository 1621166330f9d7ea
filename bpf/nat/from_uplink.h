/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Packets that arrive for the host, by an uplink or lo, and may be for a namespace: replies to masqueraded
 * flows, packets to published ports, ICMP errors about either. Others are passed to the stack.
 */
#ifndef EBPFNET_BPF_NAT_FROM_UPLINK_H
#define EBPFNET_BPF_NAT_FROM_UPLINK_H

#include "ct/ct_create.h"
#include "ct/ct_host.h"
#include "ct/ct_lookup.h"
#include "ct/ct_update.h"
#include "l3/bogon.h"
#include "l3/icmp_send.h"
#include "l3/icmp_xlate.h"
#include "l3/ip_check.h"
#include "l3/rewrite.h"
#include "l3/route.h"
#include "l3/route_cache.h"
#include "nat/portmap.h"
#include "nat/translate.h"

/* The way by which a packet arrived. */
struct ingress {
	__u8 zone;			/* EBPFNET_ZONE_* */
	enum flow_target back_to;	/* target of replies from a published port */
	_Bool routed;			/* through a router: the TTL counts */
	_Bool hairpin;			/* from a namespace, re-injected: must not reach the host */
};

/* A packet of no namespace: to the stack, unless it is hairpinned. */
static __always_inline verdict_t pass_to_host(const struct ingress *at, struct fwd_out *fwd)
{
	if (at->hairpin)
		return DROP(unsolicited);
	fwd->counter = COUNT_not_ours;
	return FWD_PASS;
}

/* An ICMP error about a translated packet. */
__noinline verdict_t nat_from_uplink_error(ctx_t *ctx, const struct pkt *p, const struct ingress *at,
					   struct fwd_out *fwd)
{
	struct icmp_xlate *x = icmp_xlate_get();
	struct flow *f;
	verdict_t v;

	if (!p || !at || !fwd || !x)
		return DROP(helper_failed);
	f = &x->flow;
	v = icmp_translate(ctx, p, at->zone);
	if (v == DROP(icmp_error)) /* about a packet of the host */
		return pass_to_host(at, fwd);
	if (v != FWD_NEXT)
		return v;
	if (f->to == TO_STACK) {
		fwd->counter = COUNT_host_snat;
		return FWD_PASS;
	}
	if (f->to != TO_PORT || p->ttl <= 1)
		return DROP(icmp_error);
	v = rewrite_ip(ctx, p, &x->outer, at->routed ? p->ttl - 1 : p->ttl);
	if (v != FWD_NEXT)
		return v;
	fwd->counter = COUNT_icmp_translated;
	return translate_macs(ctx, f, fwd);
}

/* True if the kernel would route to the source by an uplink: it is no address of the host. */
static __always_inline _Bool source_is_outside(ctx_t *ctx, const struct pkt *p)
{
	struct route_query *q = route_query_get();
	enum route_kind kind;
	struct route back;

	if (!q)
		return 0;
	*q = (struct route_query){ .src = addr_be32(p->key.dst), .dst = addr_be32(p->key.src) };
	kind = route_find(ctx, q, &back);
	return kind == ROUTE_UPLINK || kind == ROUTE_TOO_BIG || kind == ROUTE_DISABLED;
}

/* Check a packet of an existing flow. FWD_NEXT: translate it. */
static __always_inline verdict_t nat_from_uplink_flow(ctx_t *ctx, const struct pkt *p, const struct flow *f,
						      const struct config *cfg, const struct ingress *at,
						      struct fwd_out *fwd)
{
	/* the host's own: outbound over lo, or nothing to translate */
	if (f->to == TO_UPLINK || (f->to == TO_STACK && p->kind == PKT_OTHER))
		return pass_to_host(at, fwd);
	if (!at->routed || at->hairpin)
		return FWD_NEXT;
	/* only hairpinned packets may have a source address of the host */
	if (addr_eq(p->key.src, p->key.dst))
		return DROP(martian);
	if (!(f->flags & FLOW_ANY_PEER) || nat_is_first_peer(f, &p->key))
		return FWD_NEXT;
	/* whichever peers `set filtering` admits, no host outside has an address of our networks */
	if (address_is_private(&p->key.src))
		return DROP(martian);
	/* a peer that the namespace has not sent to may be one of the host's */
	return host_has(ctx, &p->key) && !host_has_moved(&p->key) ? pass_to_host(at, fwd) : FWD_NEXT;
}

/* Match a packet without a flow. FWD_NEXT: it is for *portmap, id *id, and may create a flow. */
static __always_inline verdict_t nat_from_uplink_match(ctx_t *ctx, const struct pkt *p, const struct config *cfg,
						       const struct ingress *at, struct portmap **portmap,
						       __u32 *id, struct fwd_out *fwd)
{
	verdict_t v;

	*portmap = portmap_match(ctx, p, cfg, id);
	if (!*portmap)
		return pass_to_host(at, fwd);
	/* "every address of the host" includes a gateway's, but replies would leave with it */
	v = at->routed ? bogon_refuse(&p->key.src, &p->key.dst) : FWD_NEXT;
	if (v == FWD_NEXT && at->routed && !source_is_outside(ctx, p))
		return DROP(martian);
	return v;
}

/* The packet's checks come before the flow is created or updated. */
static __always_inline verdict_t nat_from_uplink(ctx_t *ctx, struct pkt *p, const struct ingress *at,
						 struct fwd_out *fwd)
{
	struct config *cfg = config_get();
	struct portmap *portmap = NULL;
	_Bool csum_ok, routed;
	struct flow *f;
	__u32 id = 0;
	verdict_t v;

	if (!cfg || !(at->zone == EBPFNET_ZONE_HOST ? bogon_may_match_lo(p) : bogon_may_match(p)))
		return pass_to_host(at, fwd);
	p->key.zone = at->zone;
	if (p->kind == PKT_ERROR)
		return ip_check_input(ctx, p) ? nat_from_uplink_error(ctx, p, at, fwd) : pass_to_host(at, fwd);

	/* a packet that is about to be dropped creates no flow, and changes none */
	csum_ok = ip_header_sum_ok(ctx_data(ctx), ctx_data_end(ctx), p->ihl);
	f = csum_ok ? ct_find(p, cfg) : ct_lookup(&p->key);
	v = f ? nat_from_uplink_flow(ctx, p, f, cfg, at, fwd) :
		nat_from_uplink_match(ctx, p, cfg, at, &portmap, &id, fwd);
	if (v != FWD_NEXT)
		return v;
	if (!csum_ok)
		return DROP(bad_checksum);
	routed = at->routed && !(f && f->to == TO_STACK);
	if (routed && p->ihl > IP_MIN_HLEN && has_source_route(ctx, p))
		return DROP(ip_option);
	if (routed && p->ttl <= 1)
		return ttl_exceeded(ctx, p, p->key.dst, fwd);
	if (!f) {
		v = portmap_new_flow(ctx, p, portmap, id, NULL, 0, at->back_to);
		if (v == FWD_NEXT)
			v = ct_create(ctx);
		if (v != FWD_NEXT)
			return v;
		f = ct_lookup(&p->key);
		if (!f)
			return DROP(helper_failed);
	}
	return translate(ctx, p, f, routed ? p->ttl - 1 : p->ttl, fwd);
}

#endif
