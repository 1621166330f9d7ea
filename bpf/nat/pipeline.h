/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The way of a routed packet, the same at all hooks:
 *
 *   sanity of headers -> flow -> decision -> policy -> TTL and route
 *     -> begin a flow, or refuse -> translate -> egress
 *
 * Nothing is created before policy and all checks have let the packet by; but a published port's flow before the host's
 * rules have, as its translation comes before them. nat/from_stack.h has the way on from there.
 */
#ifndef EBPFNET_BPF_NAT_PIPELINE_H
#define EBPFNET_BPF_NAT_PIPELINE_H

#include "nat/decision.h"
#include "nat/egress.h"
#include "nat/from_host.h"
#include "nat/from_port.h"
#include "nat/from_stack.h"
#include "nat/from_uplink.h"
#include "nat/policy.h"
#include "nat/translate.h"

/* The TTL, and the verdict of the route. FWD_NEXT: both let the packet by. As in the kernel, no route comes first. */
static __always_inline verdict_t decision_check(ctx_t *ctx, const struct pkt *p, const struct decision *d,
						struct fwd_out *fwd)
{
	_Bool leaves = decision_leaves(d);

	if (decision_is_routed(d) && p->ttl <= 1 && (!leaves || route_reaches(d->kind)))
		return ttl_exceeded(ctx, p, d->router, fwd);
	return leaves ? route_verdict(ctx, p, d->kind, &d->resolved->route, d->router, fwd) : FWD_NEXT;
}

/* Specify the flow that a packet is to begin, for ct_create(). */
static __always_inline verdict_t specify(ctx_t *ctx, const struct pkt *p, const struct decision *d)
{
	if (d->from == FROM_HOST)
		return host_new(p);
	if (d->portmap)
		return portmap_new_flow(ctx, p, d);
	return masquerade_new(p, &d->resolved->route, d->port_ifindex);
}

/*
 * A packet that the rules have let by gets no flow. Its sender is told as on the way past the rules: the error does not
 * go back through the stack, to which its source, the gateway's address, is one of its own.
 */
static __always_inline verdict_t refuse_from_stack(ctx_t *ctx, const struct pkt *p, const struct decision *d,
						   verdict_t reason, struct fwd_out *fwd)
{
	verdict_t v;

	/* others of its datagram may have to be dropped (frag_done()), which takes the packet itself */
	if (!d->port || p->frag & IP_FRAG_MASK)
		return reason;
	v = refuse_flow(ctx, p, reason, fwd);
	if (v != FWD_TX)
		return v;
	fwd->ifindex = d->port_ifindex;
	return rewrite_macs(ctx, neigh_mac(d->port, p->key.src), d->net->gw_mac) == FWD_NEXT ? FWD_PORT :
											       DROP(helper_failed);
}

/* Begin the flow: FWD_NEXT, and it is at d->f. */
static __always_inline verdict_t begin(ctx_t *ctx, const struct pkt *p, struct decision *d, struct fwd_out *fwd)
{
	verdict_t v = specify(ctx, p, d);

	if (v == FWD_NEXT)
		v = ct_create(ctx);
	if (v != FWD_NEXT && d->from == FROM_PORT)
		return refuse_flow(ctx, p, v, fwd);
	if (v != FWD_NEXT && d->from == FROM_STACK)
		return refuse_from_stack(ctx, p, d, v, fwd);
	if (v != FWD_NEXT)
		return d->from == FROM_HOST ? host_gets_no_flow(ctx, p, v) : v;
	d->f = ct_lookup(&p->key);
	if (!d->f)
		return DROP(helper_failed);
	fwd->recheck = decision_leaves(d) && p->kind == PKT_PORTS && !(d->f->flags & FLOW_AS_IS);
	return FWD_NEXT;
}

/* The TTL that a packet leaves with. A hairpinned one is routed at its second ingress, which decrements it. */
static __always_inline __u8 decision_ttl(const struct pkt *p, const struct decision *d)
{
	_Bool later = decision_leaves(d) && d->kind == ROUTE_HAIRPIN;

	return decision_is_routed(d) && !later ? p->ttl - 1 : p->ttl;
}

/* Up by the gateway device, to be forwarded by the kernel. */
static __always_inline verdict_t up_through_rules(ctx_t *ctx, struct fwd_out *fwd)
{
	ctx_label_put(ctx, ask_label_of_rules());
	fwd->counter = COUNT_to_rules;
	return FWD_HOST;
}

/*
 * A namespace's packet goes up, to be forwarded by the kernel: with its own TTL and source, and without a flow of ours
 * if it has none, for the rules may drop it. nat_from_stack() creates it.
 */
static __always_inline verdict_t through_from_port(ctx_t *ctx, const struct pkt *p, const struct decision *d,
						   struct fwd_out *fwd)
{
	/* a later fragment follows the first, whose flow may not have begun yet */
	_Bool follows = d->f || p->kind == PKT_FRAG || !route_reaches(d->kind);
	verdict_t v = follows ? FWD_NEXT : specify(ctx, p, d);

	return v == FWD_NEXT ? up_through_rules(ctx, fwd) : refuse_flow(ctx, p, v, fwd);
}

/* The host does not route back to a source that is outside of its network (spoof=allow). */
static __always_inline _Bool between_is_routed(const struct pkt *p, const struct decision *d)
{
	return (d->f && d->f->dir == FLOW_REPLY) || addr_inside(p->key.src, d->net->subnet, d->net->mask);
}

/* A namespace's packet to a published port, or its answer, goes up with the destination inside; d->f may be new. */
static __always_inline verdict_t through_between(ctx_t *ctx, const struct pkt *p, const struct decision *d,
						 struct fwd_out *fwd)
{
	verdict_t v;

	if (!d->f)
		return DROP(helper_failed);
	if (ask_word(d->f).state == ASK_OF_HOST)
		return up_through_rules(ctx, fwd);
	v = hairpin_note(d->f, &p->key) ? translate_through(ctx, p, d->f) : DROP(no_free_port);
	return v == FWD_THROUGH ? up_through_rules(ctx, fwd) : v;
}

static __always_inline verdict_t carry_out(ctx_t *ctx, const struct pkt *p, struct decision *d, struct fwd_out *fwd)
{
	verdict_t v = policy(ctx, p, d);
	_Bool through = v == FWD_THROUGH, between = decision_is_between(d);

	if (through && d->from == FROM_PORT && !between)
		return through_from_port(ctx, p, d, fwd);
	if (through && between && !between_is_routed(p, d))
		return DROP(spoofed_addr);
	if (d->copy && !through) /* the mode has just changed */
		return FWD_STOLEN;
	if (v == FWD_NEXT)
		v = decision_check(ctx, p, d, fwd);
	if ((v == FWD_NEXT || through) && !d->f)
		v = begin(ctx, p, d, fwd);
	if (v != FWD_NEXT && v != FWD_THROUGH)
		return v;
	if (through && between)
		return through_between(ctx, p, d, fwd);
	if (through)
		return d->f ? translate_through(ctx, p, d->f) : FWD_STOLEN;
	v = translate(ctx, p, d->f, decision_ttl(p, d), fwd);
	if (v != FWD_UPLINK)
		return v;
	if (d->from == FROM_PORT)
		return egress_verdict(d->kind, fwd);
	if (d->from == FROM_HOST)
		fwd->counter = COUNT_host_snat;
	return FWD_PASS; /* it is on its way out */
}

/* A namespace's packet to the gateway's MAC address. */
static __always_inline verdict_t nat_from_port(ctx_t *ctx, struct pkt *p, const struct port *port,
					       const struct network *net, struct fwd_out *fwd)
{
	struct decision d = {
		.from = FROM_PORT, .routed = 1, .back_to = TO_PORT, .port = port, .net = net, .router = net->gateway,
		.port_ifindex = ctx->ifindex,
		.resolved = resolved_begin(),
	};
	verdict_t v = d.resolved ? ip_check_forward(ctx, p, net) : DROP(helper_failed);

	if (v == FWD_NEXT && p->kind == PKT_ERROR)
		return nat_from_port_error(ctx, p, port, net, fwd);
	if (v == FWD_NEXT)
		v = decide_from_port(ctx, p, &d, fwd);
	return v == FWD_NEXT ? carry_out(ctx, p, &d, fwd) : v;
}

/* A packet that arrived for the host, by an uplink or lo. */
static __always_inline verdict_t nat_from_uplink(ctx_t *ctx, struct pkt *p, const struct ingress *at,
						 struct fwd_out *fwd)
{
	struct decision d = {
		.from = FROM_UPLINK, .routed = at->routed, .back_to = at->back_to, .router = p->key.dst,
		.hairpin = at->hairpin, .copy = at->copy,
		.resolved = resolved_begin(),
	};
	verdict_t v;

	if (!d.resolved || !(at->zone == EBPFNET_ZONE_HOST ? bogon_may_match_lo(p) : bogon_may_match(p)))
		return pass_to_host(at, fwd);
	p->key.zone = at->zone;
	v = ip_check_input(ctx, p, at->routed);
	if (p->kind == PKT_ERROR)
		return v == FWD_NEXT ? nat_from_uplink_error(ctx, p, at, fwd) : pass_to_host(at, fwd);
	v = decide_from_uplink(ctx, p, at, v, &d, fwd);
	return v == FWD_NEXT ? carry_out(ctx, p, &d, fwd) : v;
}

/* A packet of the host, or one that it forwards, on its way out of an uplink. */
static __always_inline verdict_t nat_from_host(ctx_t *ctx, struct pkt *p, struct fwd_out *fwd)
{
	struct decision d = { .from = FROM_HOST };
	verdict_t v = decide_from_host(ctx, p, &d);

	fwd->counter = COUNT_not_ours;
	return v == FWD_NEXT ? carry_out(ctx, p, &d, fwd) : v;
}

/*
 * A namespace's packet that has been through the host's rules, or one that the host itself sends in the name of a
 * namespace (a rule rejects a connection), on its way out of an uplink. id: of the network that its source is in.
 */
static __always_inline verdict_t nat_from_stack(ctx_t *ctx, struct pkt *p, __u32 id, struct fwd_out *fwd)
{
	struct decision d = { .from = FROM_STACK, .net = network_get(id), .resolved = resolved_begin() };
	_Bool forwarded = ctx_forwarded(ctx);
	verdict_t way, v;

	if (!d.net || !d.resolved)
		return DROP(helper_failed);
	if (!forwarded)
		ask_mend_reset(ctx, p);
	p->key.zone = id;
	way = decide_from_stack(ctx, p, &d, fwd);
	v = way == FWD_NEXT || way == FWD_UPLINK ? carry_out(ctx, p, &d, fwd) : way;
	if (v >= 0 && d.f && forwarded && ct_lookup(&p->key) == d.f)
		stack_agreed(ctx, &p->key, d.f, d.kind != ROUTE_FAILED && forwarding_of(d.net) == FORWARDING_ASK);
	return v == FWD_PASS && way == FWD_UPLINK ? FWD_UPLINK : v;
}

#endif
