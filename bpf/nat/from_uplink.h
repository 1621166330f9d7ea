/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Decide about packets that arrive for the host, by an uplink or lo, and may be for a namespace: replies to masqueraded
 * flows, packets to published ports. And ICMP errors about either. Others are passed to the stack.
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
#include "nat/decision.h"
#include "nat/policy.h"
#include "nat/portmap.h"
#include "nat/translate.h"

/* The way by which a packet arrived. */
struct ingress {
	__u8 zone;			/* EBPFNET_ZONE_* */
	enum flow_target back_to;	/* target of replies from a published port */
	_Bool routed;			/* through a router: the TTL counts */
	_Bool hairpin;			/* from a namespace, re-injected: must not reach the host */
	_Bool copy;			/* re-injected, to ask the host's rules: changes no flow */
};

/* A packet of no namespace: to the stack, unless it is hairpinned. */
static __always_inline verdict_t pass_to_host(const struct ingress *at, struct fwd_out *fwd)
{
	if (at->hairpin)
		return DROP(unsolicited);
	if (at->copy)
		return FWD_STOLEN;
	fwd->counter = COUNT_not_ours;
	return FWD_PASS;
}

/* An ICMP error about a translated packet. */
__noinline verdict_t nat_from_uplink_error(ctx_t *ctx, const struct pkt *p, const struct ingress *at,
					   struct fwd_out *fwd)
{
	struct icmp_xlate *x = icmp_xlate_get();
	struct network *net;
	struct port *port;
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
	port = port_get(f->ifindex);
	net = at->routed && !at->hairpin && port ? network_get(port->net) : NULL;
	if (net && !policy_of_error(flow_opposite(f), forwarding_of(net)))
		return DROP(host_rules);
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
static __always_inline verdict_t arrival_of_flow(ctx_t *ctx, const struct pkt *p, const struct flow *f,
						 const struct ingress *at, struct fwd_out *fwd)
{
	/* the host's own: outbound over lo, or nothing to translate */
	if (f->to == TO_UPLINK || (f->to == TO_STACK && p->kind == PKT_OTHER))
		return pass_to_host(at, fwd);
	if (!at->routed || at->hairpin)
		return FWD_NEXT;
	/* only hairpinned packets may have a source address of the host */
	if (addr_eq(p->key.src, p->key.dst))
		return DROP(martian);
	if (!nat_is_further_peer(f, &p->key))
		return FWD_NEXT;
	/* whichever peers `set filtering` admits, no host outside has an address of our networks */
	if (address_is_private(&p->key.src))
		return DROP(martian);
	/* a peer that the namespace has not sent to may be one of the host's */
	return host_has(ctx, &p->key) && !host_has_moved(&p->key) ? pass_to_host(at, fwd) : FWD_NEXT;
}

/* Check a packet that is to begin a flow to a published port. FWD_NEXT: it may. */
static __always_inline verdict_t arrival_of_client(ctx_t *ctx, const struct pkt *p, const struct ingress *at)
{
	verdict_t v;

	if (!at->routed)
		return FWD_NEXT;
	/* "every address of the host" includes a gateway's, but replies would leave with it */
	v = bogon_refuse(&p->key.src, &p->key.dst);
	return v == FWD_NEXT && !source_is_outside(ctx, p) ? DROP(martian) : v;
}

/*
 * A packet that arrived for the host. unsound: FWD_NEXT, or why a namespace does not get it; no flow is created or
 * changed by such a packet. In order: a flow; a published port. All other packets are the host's.
 */
static __always_inline verdict_t decide_from_uplink(ctx_t *ctx, struct pkt *p, const struct ingress *at,
						    verdict_t unsound, struct decision *d, struct fwd_out *fwd)
{
	struct config *cfg = config_get();
	verdict_t v;

	if (!cfg)
		return pass_to_host(at, fwd);
	d->f = unsound == FWD_NEXT && !at->copy ? ct_find(p, cfg) : ct_lookup(&p->key);
	if (!d->f && !at->copy)
		d->portmap = portmap_match(ctx, p, cfg, &d->resolved->portmap);
	if (!d->f && !d->portmap)
		return pass_to_host(at, fwd);
	v = d->f ? arrival_of_flow(ctx, p, d->f, at, fwd) : arrival_of_client(ctx, p, at);
	return v == FWD_NEXT ? unsound : v;
}

#endif
