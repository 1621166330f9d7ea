/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Packets that the kernel has forwarded for us, through the host's rules (nat/policy.h), on the other side: a
 * namespace's at an uplink's egress, and those for a namespace at the gateway device's. That they are here is the
 * rules' answer. And what the host sends itself about such packets: a rule rejects them, or they cannot be forwarded.
 */
#ifndef EBPFNET_BPF_NAT_FROM_STACK_H
#define EBPFNET_BPF_NAT_FROM_STACK_H

#include "kern/device.h"
#include "ct/ct_create.h"
#include "ct/hairpin.h"
#include "ct/tcp_option.h"
#include "l2/fdb.h"
#include "l2/neigh.h"
#include "l3/icmp_xlate.h"
#include "nat/ask.h"
#include "nat/decision.h"
#include "nat/egress.h"
#include "nat/masquerade.h"
#include "nat/policy.h"
#include "nat/translate.h"

/* The rules have let a packet of that direction by. True: it is a copy, and goes no further. */
__noinline int stack_agreed(ctx_t *ctx, const struct flow_key *key, struct flow *f, _Bool asked)
{
	struct config *cfg = config_get();
	_Bool copy;

	if (!key || !f || !cfg)
		return 0;
	copy = ask_is_copy(ctx, cfg);
	if (copy)
		count(COUNT_rules_agreed);
	if (!nat_is_further_peer(f, key))
		ask_agreed(ctx, cfg, f, copy, asked);
	return copy;
}

/* The ifindex of the port behind which a source address is; 0: unknown. */
static __always_inline __u32 port_of_source(const struct pkt *p, __u16 net)
{
	struct endpoint *e = endpoint_get(net, p->key.src);
	struct endpoint_key key = { .addr = p->key.src, .net = net };
	struct neigh_entry *behind;
	struct fdb_entry *to;

	if (e)
		return e->ifindex;
	behind = bpf_map_lookup_elem(&neigh, &key);
	to = behind ? fdb_find(net, behind->mac) : NULL;
	return to ? to->ifindex : 0;
}

/*
 * The kernel's route out of this uplink, for its source address, when our own question led elsewhere. If no question
 * leads here, as the packet's mark would be needed, it is the device's first address.
 */
__noinline int stack_route_by(ctx_t *ctx, const struct pkt *p, struct route *route)
{
	struct bpf_fib_lookup *fib = fib_scratch_get();
	long r;

	if (!fib || !p || !route)
		return 0;
	*fib = (struct bpf_fib_lookup){
		.family = AF_INET, .ifindex = ctx->ifindex, .l4_protocol = p->key.proto,
		.ipv4_dst = addr_be32(p->key.dst),
	};
	r = bpf_fib_lookup(ctx, fib, sizeof(*fib),
			   BPF_FIB_LOOKUP_OUTPUT | BPF_FIB_LOOKUP_SKIP_NEIGH | BPF_FIB_LOOKUP_SRC);
	if (r != BPF_FIB_LKUP_RET_SUCCESS && r != BPF_FIB_LKUP_RET_NO_NEIGH)
		fib->ipv4_src = device_address(ctx->ifindex);
	*route = (struct route){ .ifindex = ctx->ifindex, .src = addr_of(fib->ipv4_src) };
	return fib->ipv4_src != 0;
}

/* An ICMP error that the host sends about a translated packet: the one that it embeds is translated back. */
static __always_inline verdict_t stack_own_error(ctx_t *ctx, const struct pkt *p, struct fwd_out *fwd)
{
	struct ipaddr went_to;
	verdict_t v;
	__u32 id;

	if (ctx_load(ctx, p->l4 + 8 + 16, &went_to, sizeof(went_to)))
		return FWD_PASS;
	id = address_is_private(&went_to);
	if (!id)
		return FWD_PASS;
	v = icmp_find(ctx, p, id);
	if (v == FWD_NEXT)
		v = icmp_rewrite(ctx, p, id);
	if (v != FWD_NEXT)
		return DROP(private_source);
	fwd->counter = COUNT_icmp_translated;
	return FWD_PASS;
}

/*
 * Where the packet leaves is where the kernel has sent it; only the reply of a published port goes by the way that the
 * address asks for which it will carry. FWD_NEXT: here.
 */
static __always_inline verdict_t stack_way(ctx_t *ctx, const struct pkt *p, struct decision *d, struct fwd_out *fwd)
{
	struct route *route = &d->resolved->route;

	d->kind = egress_route(ctx, p, d->f, route);
	if (d->f && d->f->dir == FLOW_REPLY) {
		fwd->ifindex = route->ifindex;
		fwd->nexthop = route->nexthop;
		return d->kind == ROUTE_UPLINK && route->ifindex != ctx->ifindex ? FWD_UPLINK : FWD_NEXT;
	}
	if (d->kind != ROUTE_UPLINK || route->ifindex != ctx->ifindex) {
		/* by a rule that our own question does not know (a mark): the flow stays in the stack */
		d->kind = ROUTE_FAILED;
		if (!stack_route_by(ctx, p, route))
			return DROP(no_source);
	}
	if (d->f && !external_is_current(ctx, d->f, route)) {
		ct_delete(d->f);
		d->f = NULL;
	}
	return FWD_NEXT;
}

static __always_inline verdict_t decide_from_stack(ctx_t *ctx, struct pkt *p, struct decision *d, struct fwd_out *fwd)
{
	struct config *cfg = config_get();
	_Bool copy;

	if (!cfg || forwarding_of(d->net) == FORWARDING_FAST || !pkt_has_tuple(p))
		return DROP(private_source);
	copy = ask_is_copy(ctx, cfg);
	d->f = copy || !ctx_forwarded(ctx) ? ct_lookup_live(&p->key, cfg) : ct_find(p, cfg);
	if (d->f && nat_is_further_peer(d->f, &p->key) && masquerade_not(d->net, p))
		d->f = NULL;
	if (d->f && d->f->to != TO_UPLINK)
		return DROP(private_source);
	if (!ctx_forwarded(ctx)) /* of the host: only about a flow that there is */
		return d->f ? FWD_NEXT : DROP(private_source);
	if (ctx->ingress_ifindex != d->net->gw_ifindex)
		return DROP(private_source);
	if (copy)
		return FWD_STOLEN;
	d->port_ifindex = port_of_source(p, p->key.zone);
	d->port = port_get(d->port_ifindex);
	return stack_way(ctx, p, d, fwd);
}

/*
 * The host's frame is larger than the device inside takes. The host is told in the name of the addressee, DF or not:
 * it learns the path MTU, and fragments what may be.
 */
static __always_inline verdict_t stack_larger_than_inside(ctx_t *ctx, const struct pkt *p, struct fwd_out *fwd)
{
	struct icmp_params err = { .type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED, .from = p->key.dst };

	err.mtu = veth_inner_mtu(fwd->ifindex);
	return p->eth_type == ETH_P_IP ? icmp_refuse(ctx, p, err, DROP(too_big), fwd) : DROP(too_big);
}

/*
 * An ICMP error to a namespace about a hairpinned packet, which embeds that as it was in the stack: FWD_NEXT, and it is
 * translated; FWD_PASS: it is about another packet.
 */
__noinline verdict_t stack_error_between(ctx_t *ctx, const struct pkt *p)
{
	struct icmp_xlate *x = icmp_xlate_get();
	struct flow *f;
	verdict_t v;

	if (!x || !p)
		return DROP(helper_failed);
	f = inner_read(ctx, p, EBPFNET_ZONE_FORWARDED, &x->in) == FWD_NEXT ? hairpin_find(&x->in.key) : NULL;
	if (!f || !addr_eq(p->key.dst, x->in.key.dst))
		return FWD_PASS;
	x->flow = *f;
	/* as one from outside: its source is a router, unless it is the other end */
	v = icmp_rewrite(ctx, p, EBPFNET_ZONE_OUTSIDE);
	return v == FWD_NEXT ? rewrite_ip(ctx, p, &x->outer, p->ttl) : v;
}

/*
 * A packet from one namespace to another, of no hairpin: the host's own rules masquerade what goes between them, if the
 * source is the host's address; the kernel forwards nothing else with that. Then the answer is the host's, too, even if
 * its tuple is that of an answer of the flow that we have begun.
 */
static __always_inline verdict_t stack_between_of_host(ctx_t *ctx, const struct pkt *p, __u32 from, __u32 to)
{
	struct flow_key answer = nat_key_reversed(&p->key, to);
	union ask_word w = { .state = ASK_OF_HOST };
	struct flow *f;

	if (!addr_is_local(ctx, p->key.src) || networks_are_apart(from, to))
		return DROP(unsolicited);
	f = ct_lookup(&answer);
	if (f && f->to == TO_PORT && f->dir == FLOW_REPLY && ask_word(f).state != ASK_OF_HOST)
		ask_swap(f, ask_word(f), w);
	return FWD_NEXT;
}

/*
 * A packet that the kernel forwards from one namespace to another: the source becomes what the flow has. The flow is
 * updated, as an answer may not have passed the port's program as one.
 */
static __always_inline verdict_t stack_between(ctx_t *ctx, struct pkt *p, __u32 to, const struct network *net,
					       struct fwd_out *fwd)
{
	__u32 from = ctx->ingress_ifindex, *id = bpf_map_lookup_elem(&gateways, &from);
	struct network *of = id ? network_get(*id) : NULL;
	struct config *cfg = config_get();
	struct flow *f, *other;

	if (!of || !cfg || !pkt_has_tuple(p))
		return DROP(unsolicited);
	f = hairpin_find(&p->key);
	if (!f)
		return ask_is_copy(ctx, cfg) ? FWD_STOLEN : stack_between_of_host(ctx, p, *id, to);
	/* the host's own NAT does not translate it any more */
	other = f->dir == FLOW_ORIGINAL ? flow_opposite(f) : NULL;
	if (other && ask_word(other).state == ASK_OF_HOST)
		ask_forget(other);
	if (stack_agreed(ctx, &p->key, f, forwarding_between(of, net) == FORWARDING_ASK))
		return FWD_STOLEN;
	tcp_option_scale(ctx, p);
	if (!ct_update(f, p, cfg))
		return DROP(no_flow);
	p->out_of_window = 0;
	fwd->ifindex = f->ifindex;
	return veth_takes(ctx, f->ifindex) ? translate(ctx, p, f, p->ttl, fwd) : stack_larger_than_inside(ctx, p, fwd);
}

/* An ICMP error that the kernel forwards, or sends itself, to a namespace. FWD_NEXT: to its MAC address. */
static __always_inline verdict_t stack_error(ctx_t *ctx, const struct pkt *p, struct fwd_out *fwd)
{
	verdict_t v = stack_error_between(ctx, p);

	if (v == FWD_NEXT)
		fwd->counter = COUNT_icmp_translated;
	if (v == FWD_PASS)
		return ctx_forwarded(ctx) ? DROP(unsolicited) : FWD_NEXT;
	return v;
}

/*
 * The host's own packet to a namespace: a reset or an ICMP error may be about a hairpinned packet. An ICMP redirect is,
 * as nothing else goes back to where it came from; a bridge's NAT does not let one by, either. FWD_NEXT: to its MAC
 * address.
 */
__noinline verdict_t stack_own_inside(ctx_t *ctx, const struct pkt *p, struct fwd_out *fwd)
{
	struct flow *f;

	if (!p || !fwd)
		return DROP(helper_failed);
	ask_mend_reset(ctx, p);
	if (p->kind == PKT_OTHER && p->key.proto == L4_ICMP && p->icmp_type == ICMP_REDIRECT)
		return DROP(redirect_withheld);
	if (p->kind == PKT_ERROR)
		return stack_error(ctx, p, fwd);
	if (p->kind != PKT_PORTS || p->key.proto != L4_TCP || !(p->tcp_flags & TCP_RST) ||
	    !address_is_private(&p->key.src))
		return FWD_NEXT;
	f = hairpin_find(&p->key);
	return f ? translate(ctx, p, f, p->ttl, fwd) : FWD_NEXT;
}

/*
 * A packet that the kernel forwards to a namespace, at the gateway device's egress. It belongs to a flow if the port's
 * program would find the answer's. If it has none, the host has translated it, whose own rules masquerade what the
 * namespace sent: the program at an uplink lets nothing else with an address of ours enter, and what comes by other
 * devices is not for namespaces, but for what they send each other. FWD_NEXT: to its MAC address.
 */
static __always_inline verdict_t nat_into_port(ctx_t *ctx, struct pkt *p, __u32 id, const struct network *net,
					       struct fwd_out *fwd)
{
	enum forwarding mode = forwarding_of(net);
	__u32 from = ctx->ingress_ifindex;
	struct config *cfg = config_get();
	struct flow_key answer;
	struct flow *f, *own;

	if (!cfg || p->eth_type != ETH_P_IP)
		return DROP(unsolicited);
	if (!bpf_map_lookup_elem(&uplinks, &from))
		return p->kind == PKT_ERROR && bpf_map_lookup_elem(&gateways, &from) ?
			       stack_error(ctx, p, fwd) : stack_between(ctx, p, id, net, fwd);
	if (mode == FORWARDING_FAST)
		return DROP(unsolicited);
	if (!pkt_has_tuple(p))
		return FWD_NEXT;
	p->key.zone = id;
	answer = nat_key_reversed(&p->key, id);
	f = ct_lookup_live(&answer, cfg);
	if (!f)
		return ask_is_copy(ctx, cfg) ? FWD_STOLEN : FWD_NEXT;
	own = flow_opposite(f);
	if (!own)
		return DROP(unsolicited);
	fwd->counter = translate_counter(own);
	/* what is sent stays in the stack, and so do the answers: conntrack is to see both */
	if (mode == FORWARDING_ASK && f->dir == FLOW_ORIGINAL && ask_is_unknown(ask_word(f)))
		mode = FORWARDING_STACK;
	return stack_agreed(ctx, &p->key, own, mode == FORWARDING_ASK) ? FWD_STOLEN : FWD_NEXT;
}

#endif
