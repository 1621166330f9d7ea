/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Apply a flow to a packet: write the translated tuple, and set output and counter. For packets with ports or
 * identifiers, and for protocols without; ICMP errors are in l3/icmp_xlate.h.
 */
#ifndef EBPFNET_BPF_NAT_TRANSLATE_H
#define EBPFNET_BPF_NAT_TRANSLATE_H

#include "ct/ct_update.h"
#include "l2/neigh.h"
#include "l3/rewrite.h"

/* Write the MAC addresses for the port that a flow leads to. FWD_PORT, or DROP(no_endpoint). */
static __always_inline verdict_t translate_macs(ctx_t *ctx, const struct flow *f, struct fwd_out *fwd)
{
	struct port *port = port_get(f->ifindex);
	struct network *net = port ? network_get(port->net) : NULL;

	if (!net)
		return DROP(no_endpoint);
	ctx_pop_priority_tag(ctx); /* an uplink's priority tag must not enter the namespace */
	fwd->ifindex = f->ifindex;
	return rewrite_macs(ctx, neigh_mac(port, f->dst), net->gw_mac) == FWD_NEXT ? FWD_PORT : DROP(helper_failed);
}

/* Counter of a packet of the flow's direction. */
static __always_inline enum counter translate_counter(const struct flow *f)
{
	if (f->to == TO_STACK)
		return COUNT_host_snat;
	if (f->to == TO_PORT)
		return f->dir == FLOW_ORIGINAL ? COUNT_published_in : COUNT_unmasqueraded;
	return f->dir == FLOW_ORIGINAL ? COUNT_masqueraded : COUNT_published_out;
}

/* Translate a packet. ttl: its new TTL. For FWD_UPLINK the caller has set *fwd's route. */
__noinline verdict_t translate(ctx_t *ctx, const struct pkt *p, const struct flow *f, __u8 ttl, struct fwd_out *fwd)
{
	struct nat_tuple to;
	verdict_t v;

	if (!p || !f || !fwd)
		return DROP(helper_failed);
	to = nat_translate(f, &p->key);
	if (p->out_of_window && p->tcp_flags & TCP_RST)
		return DROP(rst_out_of_window);
	fwd->counter = translate_counter(f);
	v = rewrite_tuple(ctx, p, &to, ttl);
	if (v != FWD_NEXT)
		return v;
	switch (f->to) {
	case TO_PORT:
		v = translate_macs(ctx, f, fwd);
		if (v == DROP(no_endpoint)) /* a new endpoint with that address may need the flow's keys */
			ct_delete(f);
		return v;
	case TO_LOCAL:
		return FWD_HOST_LO;
	case TO_STACK:
		return FWD_PASS;
	default:
		return FWD_UPLINK;
	}
}

/* Translate a packet, as the host's rules are to see it, that the stack forwards, TTL included: FWD_THROUGH. */
__noinline verdict_t translate_through(ctx_t *ctx, const struct pkt *p, const struct flow *f)
{
	struct nat_tuple to;
	verdict_t v;

	if (!p || !f)
		return DROP(helper_failed);
	to = nat_to_rules(f, &p->key);
	if (p->out_of_window && p->tcp_flags & TCP_RST)
		return DROP(rst_out_of_window);
	ctx_pop_priority_tag(ctx);
	v = rewrite_tuple(ctx, p, &to, p->ttl);
	return v == FWD_NEXT ? FWD_THROUGH : v;
}

#endif
