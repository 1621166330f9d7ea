/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The way out of a routed packet: from a route look-up to a verdict, an ICMP error, or fragments. */
#ifndef EBPFNET_BPF_NAT_EGRESS_H
#define EBPFNET_BPF_NAT_EGRESS_H

#include "kern/socket.h"
#include "ct/ct_update.h"
#include "l3/icmp_send.h"
#include "l3/route.h"
#include "l3/route_cache.h"
#include "frag/frag_output.h"

/*
 * Make a TCP packet without DF that a device is to segment fit the path: the segments become smaller, and the sender,
 * which would not believe an ICMP error, need not know. True if they fit.
 */
__noinline int egress_fit_segments(ctx_t *ctx, const struct pkt *p, __u32 mtu)
{
	__u32 headers;

	if (!p || p->frag & IP_DF || p->key.proto != L4_TCP || !ctx_is_gso(ctx))
		return 0;
	headers = p->ihl + p->l4_hlen;
	return mtu > headers && !ctx_smaller_segments(ctx, mtu - headers);
}

/*
 * Route a packet of a flow; f NULL: of none yet. The kernel routes what is masqueraded by its private source, and
 * masquerades later. What answers a packet from outside is asked with the address of the host that it will carry, so
 * that it leaves by the provider of that address (`ip rule from ADDR`).
 */
static __always_inline enum route_kind egress_route(ctx_t *ctx, const struct pkt *p, const struct flow *f,
						    struct route *route)
{
	_Bool reply = f && f->to == TO_UPLINK && f->dir == FLOW_REPLY, ports = p->kind == PKT_PORTS;
	struct route_query *q = route_query_get();
	enum route_kind kind;

	if (!q)
		return ROUTE_FAILED;
	q->src = addr_be32(reply ? f->src : p->key.src);
	q->dst = addr_be32(p->key.dst);
	q->len = ctx_segment_len(ctx, p->ip_len, p->ihl + p->l4_hlen);
	q->tos = p->tos & IP_DSCP;
	q->proto = p->key.proto;
	q->sport_h = !ports ? 0 : reply ? f->sport_h : p->key.sport_h;
	q->dport_h = ports ? p->key.dport_h : 0;
	kind = route_find(ctx, q, route);
	if (kind != ROUTE_TOO_BIG || !egress_fit_segments(ctx, p, route->mtu))
		return kind;
	q->len = route->mtu;
	return route_find(ctx, q, route);
}

/* When the FIB look-up is refused, a flow stays on its uplink. */
static __always_inline enum route_kind route_keep_uplink(const struct flow *f, struct route *route)
{
	*route = (struct route){ .ifindex = f->ifindex, .src = f->src };
	return ROUTE_UPLINK;
}

/* True if the port that a flow leads to is in a network that this one does not reach. */
static __always_inline _Bool nat_is_apart(__u32 net, const struct flow *f)
{
	struct port *port = port_get(f->ifindex);

	return port && networks_are_apart(net, port->net);
}

/*
 * True if a UDP datagram to an address of the host is for another namespace's mapping (RFC 4787 REQ-9). It is
 * then translated as if it left, re-injected at that mapping's uplink, and filtered there.
 */
__noinline int nat_find_hairpin(ctx_t *ctx, const struct pkt *p, struct route *route)
{
	struct config *cfg = config_get();
	struct flow *f, *own;
	struct flow_key key;

	if (!p || !route || !cfg || !pkt_has_tuple(p) || p->key.proto != L4_UDP)
		return 0;
	key = nat_scope_key(&p->key, KEY_EIM, 0);
	key.zone = EBPFNET_ZONE_OUTSIDE;
	f = bpf_map_lookup_elem(&flows, &key);
	if (!f || f->to != TO_PORT || !ct_is_live(f, cfg) || nat_is_apart(p->key.zone, f))
		return 0;
	/* a service of the host's, which may have come later than the mapping */
	if (socket_of_host(ctx, &p->key) != SOCKET_NONE)
		return 0;
	key = nat_reply_key_of(f, L4_UDP);
	key = nat_scope_key(&key, KEY_EIM, 1);
	f = bpf_map_lookup_elem(&flows, &key);
	if (!f)
		return 0;
	route->ifindex = f->ifindex;
	route->nexthop = 0;
	key = nat_scope_key(&p->key, KEY_EIM, 1);
	own = bpf_map_lookup_elem(&flows, &key);
	route->src = own && addr_is_local(ctx, own->src) ? own->src : p->key.dst;
	return 1;
}

static __always_inline _Bool route_is_forwarding(enum route_kind kind)
{
	return kind == ROUTE_UPLINK || kind == ROUTE_HAIRPIN;
}

/* True if there is a way out, as far as the packet's size and TTL allow. */
static __always_inline _Bool route_reaches(enum route_kind kind)
{
	return route_is_forwarding(kind) || kind == ROUTE_TOO_BIG;
}

/* Route a packet of a flow; f NULL: of none yet. */
static __always_inline enum route_kind egress_flow_route(ctx_t *ctx, const struct pkt *p, const struct flow *f,
							 struct route *route)
{
	enum route_kind kind = egress_route(ctx, p, f, route);

	if (kind == ROUTE_LOCAL && nat_find_hairpin(ctx, p, route))
		return ROUTE_HAIRPIN;
	return kind == ROUTE_DISABLED && f ? route_keep_uplink(f, route) : kind;
}

/* True if the flow's external address is the uplink's, or still local (a published secondary address), or its own. */
static __always_inline _Bool external_is_current(ctx_t *ctx, const struct flow *f,
						 const struct route *route)
{
	return addr_eq(f->src, route->src) || f->flags & FLOW_AS_IS ||
	       (f->dir == FLOW_REPLY && addr_is_local(ctx, f->src));
}

/* From a route to a verdict. FWD_NEXT: forward it by *fwd. gateway: source of ICMP errors. */
static __always_inline verdict_t route_verdict(ctx_t *ctx, const struct pkt *p, enum route_kind kind,
					       const struct route *route, struct ipaddr gateway,
					       struct fwd_out *fwd)
{
	struct icmp_params err = { .type = ICMP_DEST_UNREACH, .code = ICMP_NET_UNREACH, .from = gateway };
	verdict_t reason = DROP(no_route);

	switch (kind) {
	case ROUTE_UPLINK:
	case ROUTE_HAIRPIN:
		fwd->ifindex = route->ifindex;
		fwd->nexthop = route->nexthop;
		return FWD_NEXT;
	case ROUTE_LOCAL:
		fwd->counter = COUNT_to_host;
		return FWD_HOST;
	case ROUTE_BLACKHOLE:
		return DROP(prohibited);
	case ROUTE_TOO_BIG:
		/* datagrams of one packet are not fragmented: their sender, which cut them, is told, DF or not */
		if (!(p->frag & IP_DF) && !ctx_is_gso(ctx))
			return ip_fragment(ctx, route->mtu);
		err.code = ICMP_FRAG_NEEDED;
		err.mtu = route->mtu;
		reason = DROP(too_big);
		break;
	case ROUTE_UNMANAGED:
		reason = DROP(egress_unmanaged);
		break;
	case ROUTE_DISABLED:
		reason = DROP(forwarding_off);
		break;
	case ROUTE_PROHIBITED:
		err.code = ICMP_PKT_FILTERED;
		reason = DROP(prohibited);
		break;
	default:
		break;
	}
	return icmp_refuse(ctx, p, err, reason, fwd);
}

/* A hairpinned packet is routed at its second ingress, which decrements the TTL. */
static __always_inline __u8 egress_ttl(const struct pkt *p, const struct flow *f, enum route_kind kind)
{
	return f->to == TO_LOCAL || (f->to == TO_UPLINK && kind == ROUTE_HAIRPIN) ? p->ttl :
										    p->ttl - 1;
}

static __always_inline verdict_t egress_verdict(enum route_kind kind, struct fwd_out *fwd)
{
	if (kind != ROUTE_HAIRPIN)
		return FWD_UPLINK;
	fwd->counter = COUNT_hairpinned;
	return FWD_HAIRPIN;
}

/*
 * A namespace's packet, for which no flow can, or may, be created: its gateway sends an ICMP error (RFC 5508 REQ-9, RFC
 * 6888 REQ-4, RFC 1812 5.2.7.1).
 */
__noinline verdict_t refuse_flow(ctx_t *ctx, const struct pkt *p, verdict_t reason, struct fwd_out *fwd)
{
	struct icmp_params err = { .type = ICMP_DEST_UNREACH, .code = ICMP_PKT_FILTERED };
	struct network *net = p ? network_get(p->key.zone) : NULL;

	if (!p || !net || !fwd)
		return reason;
	err.from = net->gateway;
	if (reason == DROP(no_free_port) || reason == DROP(table_full) || reason == DROP(over_cap))
		count(COUNT_flow_refused);
	else if (reason == DROP(no_source))
		err.code = ICMP_NET_UNREACH;
	else if (reason == DROP(bad_protocol))
		err.code = ICMP_PROT_UNREACH;
	else if (reason != DROP(isolated))
		return reason;
	return icmp_refuse(ctx, p, err, reason, fwd);
}

#endif
