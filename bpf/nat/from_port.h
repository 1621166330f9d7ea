/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Decide about a namespace's routed packets: to the outside (masqueraded), to a published port of the host (hairpin),
 * to the host itself, or replies to flows from outside. And its ICMP errors.
 */
#ifndef EBPFNET_BPF_NAT_FROM_PORT_H
#define EBPFNET_BPF_NAT_FROM_PORT_H

#include "ct/ct_create.h"
#include "ct/ct_lookup.h"
#include "ct/ct_update.h"
#include "l2/port_security.h"
#include "l3/icmp_send.h"
#include "l3/icmp_xlate.h"
#include "l3/ip_check.h"
#include "l3/rewrite.h"
#include "l3/route_cache.h"
#include "nat/ask.h"
#include "nat/decision.h"
#include "nat/egress.h"
#include "nat/masquerade.h"
#include "nat/policy.h"
#include "nat/portmap.h"
#include "nat/translate.h"

/*
 * True if the host would have sent the packet that an error embeds to this port. Without spoof=allow, port
 * security has made sure of it; with it, the packet may have gone to any address behind the port.
 */
static __always_inline _Bool host_sent_here(ctx_t *ctx, const struct pkt *p, const struct port *port,
					    const struct network *net)
{
	struct route_query *q = route_query_get();
	struct ipaddr went_to;
	struct route route;

	if (!(port->flags & PORT_SPOOF_ALLOW))
		return 1;
	if (!q || ctx_load(ctx, p->l4 + 8 + 16, &went_to, sizeof(went_to)))
		return 0;
	*q = (struct route_query){ .dst = addr_be32(went_to) };
	return route_find(ctx, q, &route) == ROUTE_UNMANAGED && route.ifindex == net->gw_ifindex &&
	       port_may_use(ctx, port, addr_of(route.nexthop));
}

/* An ICMP error from a namespace to an address of the host, about a packet of the host. */
static __always_inline verdict_t nat_host_error(ctx_t *ctx, const struct pkt *p, const struct port *port,
						const struct network *net, struct fwd_out *fwd)
{
	if (!host_sent_here(ctx, p, port, net))
		return DROP(foreign_error);
	fwd->counter = COUNT_to_host;
	return FWD_HOST;
}

/*
 * An ICMP error from a namespace, about a packet that was translated on its way in. It is believed from the port
 * that the packet went to: any other would speak for a namespace that is not its own.
 */
__noinline verdict_t nat_from_port_error(ctx_t *ctx, const struct pkt *p, const struct port *port,
					 const struct network *net, struct fwd_out *fwd)
{
	struct icmp_xlate *x = icmp_xlate_get();
	struct flow *f, *came_by;
	struct route route;
	enum route_kind kind;
	verdict_t v;

	if (!p || !port || !net || !fwd || !x)
		return DROP(helper_failed);
	f = &x->flow;
	/* an error about a packet of the host, or of another namespace, is not translated */
	kind = egress_route(ctx, p, NULL, &route);
	v = icmp_find(ctx, p, p->key.zone);
	if (v == FWD_NEXT) /* the host's own NAT translates the flow, and this error */
		v = ask_word(f).state == ASK_OF_HOST ? DROP(icmp_error) : icmp_rewrite(ctx, p, p->key.zone);
	if (v == DROP(icmp_error) && kind == ROUTE_LOCAL)
		return nat_host_error(ctx, p, port, net, fwd);
	if (v != FWD_NEXT)
		return v;
	came_by = flow_opposite(f);
	if (!came_by || came_by->to != TO_PORT || came_by->ifindex != ctx->ifindex)
		return DROP(foreign_error);
	/* what is hairpinned to another namespace's mapping does not pass the rules, nor do errors about it */
	if (!(f->to == TO_UPLINK && kind == ROUTE_LOCAL) &&
	    !policy_of_error(came_by, policy_of_direction(net, f)))
		return DROP(host_rules);
	if (p->ttl <= 1)
		return DROP(ttl_exceeded);
	if (f->to == TO_UPLINK) {
		if (f->dir == FLOW_REPLY) /* by the provider of the address that it will carry */
			kind = egress_route(ctx, p, f, &route);
		if (kind == ROUTE_DISABLED)
			kind = route_keep_uplink(f, &route);
		/* the other end is, or was, a mapping of a namespace */
		if (kind == ROUTE_LOCAL && !address_is_private(&p->key.dst)) {
			kind = ROUTE_HAIRPIN;
			route.ifindex = f->ifindex;
		} else if (kind != ROUTE_UPLINK || !external_is_current(ctx, f, &route)) {
			return DROP(icmp_error);
		}
		fwd->ifindex = route.ifindex;
		fwd->nexthop = route.nexthop;
	}
	v = rewrite_ip(ctx, p, &x->outer, egress_ttl(p, f, kind));
	if (v != FWD_NEXT)
		return v;
	fwd->counter = COUNT_icmp_translated;
	if (f->to == TO_PORT)
		return translate_macs(ctx, f, fwd);
	if (f->to == TO_LOCAL)
		return FWD_HOST_LO;
	return egress_verdict(kind, fwd);
}

/* Route to a namespace of the same network, for want of an on-link route. FWD_NEXT: no such address. */
__noinline verdict_t nat_same_subnet(ctx_t *ctx, const struct pkt *p, const struct port *port,
				     const struct network *net, struct fwd_out *fwd)
{
	struct nat_tuple same = {};
	struct endpoint *to;

	if (!p || !port || !net || !fwd)
		return DROP(helper_failed);
	to = endpoint_get(port->net, p->key.dst);
	if (!to || !to->ifindex || to->ifindex == ctx->ifindex)
		return FWD_NEXT;
	if (p->ttl <= 1)
		return ttl_exceeded(ctx, p, net->gateway, fwd);
	same.src = p->key.src;
	same.dst = p->key.dst;
	if (rewrite_ip(ctx, p, &same, p->ttl - 1) != FWD_NEXT || rewrite_macs(ctx, to->mac, net->gw_mac) != FWD_NEXT)
		return DROP(helper_failed);
	fwd->ifindex = to->ifindex;
	fwd->counter = COUNT_routed;
	return FWD_PORT;
}

/* True if another port has opened the flow: a virtual address has moved here, and the answers are to follow. */
static __always_inline _Bool flow_is_of_other(const struct flow *f, const struct port *port)
{
	struct conn *c = conn_get(f->conn);

	return f->dir == FLOW_ORIGINAL && c && c->endpoint && c->endpoint != port->endpoint;
}

/* The flow of a packet, updated; NULL: none, or one that is no longer the sender's. */
static __always_inline struct flow *flow_from_port(struct pkt *p, const struct decision *d, const struct config *cfg)
{
	/* a packet without ports (zeros in the key) does not belong to the flow with ports 0 */
	struct flow *f = pkt_has_tuple(p) ? ct_find(p, cfg) : NULL;

	/* a mapping that serves any peer does not serve one to whom packets keep their source */
	if (f && nat_is_further_peer(f, &p->key) && masquerade_not(d->net, p))
		return NULL;
	if (f && d->port->flags & PORT_SPOOF_ALLOW && flow_is_of_other(f, d->port)) {
		ct_leave_to(f, d->port->endpoint, cfg);
		return NULL;
	}
	return f;
}

/* Route what leaves. An original flow ends if its external address is no longer the uplink's. */
static __always_inline void decide_route(ctx_t *ctx, const struct pkt *p, struct decision *d)
{
	d->kind = egress_flow_route(ctx, p, d->f, &d->resolved->route);
	/* what goes through the stack is routed by it: see stack_way() */
	if (d->f && policy_is_through(d->net, d->f))
		return;
	if (d->f && route_is_forwarding(d->kind) && !external_is_current(ctx, d->f, &d->resolved->route)) {
		ct_delete(d->f);
		d->f = NULL;
	}
}

/* A packet to the gateway's MAC. In order: an existing flow; a published port; a local address; a new flow. */
static __always_inline verdict_t decide_from_port(ctx_t *ctx, struct pkt *p, struct decision *d, struct fwd_out *fwd)
{
	struct config *cfg = config_get();

	if (!cfg)
		return DROP(helper_failed);
	d->f = flow_from_port(p, d, cfg);
	if (!d->f)
		d->portmap = portmap_match(ctx, p, cfg, &d->resolved->portmap);
	if (!d->f && !d->portmap && addr_eq(p->key.dst, d->net->gateway)) {
		fwd->counter = COUNT_to_host;
		return FWD_HOST;
	}
	if (decision_leaves(d))
		decide_route(ctx, p, d);
	if (d->f || d->portmap)
		return FWD_NEXT;
	if (d->resolved->route.network && d->resolved->route.network != d->port->net)
		return refuse_flow(ctx, p, DROP(isolated), fwd);
	return d->kind == ROUTE_UNMANAGED ? nat_same_subnet(ctx, p, d->port, d->net, fwd) : FWD_NEXT;
}

#endif
