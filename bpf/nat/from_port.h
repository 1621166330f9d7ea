/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Routed packets of a namespace: to the outside (masqueraded), to a published port of the host (hairpin), to
 * the host itself, or replies to flows from outside.
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
#include "nat/egress.h"
#include "nat/masquerade.h"
#include "nat/portmap.h"
#include "nat/translate.h"

/* The opposite direction of a flow; NULL: it has just ended. */
static __always_inline struct flow *flow_opposite(const struct flow *f)
{
	struct conn *c = conn_get(f->conn);
	struct flow_key key;

	if (!c)
		return NULL;
	key = f->dir == FLOW_REPLY ? nat_stored_key(&c->orig) : nat_stored_reply_key(f, &c->orig);
	return bpf_map_lookup_elem(&flows, &key);
}

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
	v = icmp_translate(ctx, p, p->key.zone);
	if (v == DROP(icmp_error) && kind == ROUTE_LOCAL)
		return nat_host_error(ctx, p, port, net, fwd);
	if (v != FWD_NEXT)
		return v;
	came_by = flow_opposite(f);
	if (!came_by || came_by->to != TO_PORT || came_by->ifindex != ctx->ifindex)
		return DROP(foreign_error);
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

/* Forward a packet of an existing flow. */
static __always_inline verdict_t nat_from_port_flow(ctx_t *ctx, const struct pkt *p, struct flow *f,
						    const struct network *net, struct route *route,
						    enum route_kind kind, struct fwd_out *fwd)
{
	verdict_t v;

	if (f->to == TO_LOCAL)
		return translate(ctx, p, f, p->ttl, fwd);
	if (p->ttl <= 1)
		return ttl_exceeded(ctx, p, net->gateway, fwd);
	if (f->to == TO_UPLINK) {
		v = route_verdict(ctx, p, kind, route, net->gateway, fwd);
		if (v != FWD_NEXT)
			return v;
	}
	v = translate(ctx, p, f, egress_ttl(p, f, kind), fwd);
	return v == FWD_UPLINK ? egress_verdict(kind, fwd) : v;
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

/* A packet to the gateway's MAC. In order: an existing flow; a published port; a local address; a new flow. */
static __always_inline verdict_t nat_from_port(ctx_t *ctx, struct pkt *p, const struct port *port,
					       const struct network *net, struct fwd_out *fwd)
{
	struct config *cfg = config_get();
	enum route_kind kind = ROUTE_FAILED;
	struct route route = {};
	struct portmap *portmap = NULL;
	struct flow *f;
	__u32 id = 0;
	verdict_t v = ip_check_forward(ctx, p, net);

	if (v != FWD_NEXT)
		return v;
	if (!cfg)
		return DROP(helper_failed);
	if (p->kind == PKT_ERROR)
		return nat_from_port_error(ctx, p, port, net, fwd);
	if (!cfg->portmaps && addr_eq(p->key.dst, net->gateway)) {
		fwd->counter = COUNT_to_host;
		return FWD_HOST;
	}

	/* a packet without ports (zeros in the key) does not belong to the flow with ports 0 */
	f = pkt_has_tuple(p) ? ct_find(p, cfg) : NULL;
	/* a mapping that serves any peer does not serve one to whom packets keep their source */
	if (f && f->flags & FLOW_ANY_PEER && !nat_is_first_peer(f, &p->key) && masquerade_not(net, p))
		f = NULL;
	if (f && port->flags & PORT_SPOOF_ALLOW && flow_is_of_other(f, port)) {
		ct_leave_to(f, port->endpoint, cfg);
		f = NULL;
	}
	if (!f)
		portmap = portmap_match(ctx, p, cfg, &id);
	if (!f && !portmap && addr_eq(p->key.dst, net->gateway)) {
		fwd->counter = COUNT_to_host;
		return FWD_HOST;
	}
	if (f ? f->to == TO_UPLINK : !portmap) {
		kind = egress_flow_route(ctx, p, f, &route);
		if (f && route_is_forwarding(kind) && !external_is_current(ctx, f, &route)) {
			ct_delete(f);
			f = NULL;
		}
	}
	if (!f) {
		if (route.network && route.network != port->net)
			return refuse_flow(ctx, p, DROP(isolated), net->gateway, fwd);
		if (kind == ROUTE_UNMANAGED) {
			v = nat_same_subnet(ctx, p, port, net, fwd);
			if (v != FWD_NEXT)
				return v;
		}
		if (!portmap && !route_is_forwarding(kind))
			return route_verdict(ctx, p, kind, &route, net->gateway, fwd);
		if (p->ttl <= 1)
			return ttl_exceeded(ctx, p, net->gateway, fwd);
		v = portmap ? portmap_new_flow(ctx, p, portmap, id, net, port->endpoint, TO_PORT) :
			      masquerade_new(ctx, p, port, net, cfg, &route);
		if (v == FWD_NEXT)
			v = ct_create(ctx);
		if (v != FWD_NEXT)
			return refuse_flow(ctx, p, v, net->gateway, fwd);
		f = ct_lookup(&p->key);
		if (!f)
			return DROP(helper_failed);
		fwd->recheck = !portmap && p->kind == PKT_PORTS && !(f->flags & FLOW_AS_IS);
	}
	return nat_from_port_flow(ctx, p, f, net, &route, kind, fwd);
}

#endif
