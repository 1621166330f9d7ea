/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Routed packets of a namespace: to the outside (masqueraded), to a published port of the host
 * (hairpin), to the host itself, or back to whoever began the flow.
 */
#ifndef EBPFNET_BPF_NAT_FROM_PORT_H
#define EBPFNET_BPF_NAT_FROM_PORT_H

#include "l3/ip_check.h"
#include "frag/frag_output.h"
#include "nat/portmap.h"
#include "nat/translate.h"

/* RFC 1812 section 5.2.2, 5.3.7: what a router refuses before it asks where to. */
static __always_inline verdict_t ip_check_forward(ctx_t *ctx, const struct pkt *p, const struct network *net)
{
	if (!ip_header_sum_ok(ctx_data(ctx), ctx_data_end(ctx), p->ihl))
		return DROP(bad_checksum);
	if (addr_martian_source(p->key.src) || addr_martian_dest(p->key.dst))
		return DROP(martian);
	if (addr_eq(p->key.dst, net->broadcast))
		return DROP(directed_broadcast);
	if (p->ihl > IP_MIN_HLEN && has_source_route(ctx, p))
		return DROP(ip_option);
	return FWD_NEXT;
}

/*
 * What to do with what the routing table said; NEXT: it gave a way out. us: the gateway's address,
 * from which the errors come.
 */
static __always_inline verdict_t route_verdict(ctx_t *ctx, const struct pkt *p, enum route_kind kind,
					       const struct route *route, struct ipaddr us,
					       struct fwd_out *fwd)
{
	struct icmp_what what = { .type = ICMP_DEST_UNREACH, .code = ICMP_NET_UNREACH, .from = us };
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
		if (!(p->frag & IP_DF))
			return ip_fragment(ctx, route->mtu);
		what.code = ICMP_FRAG_NEEDED;
		what.mtu = route->mtu;
		reason = DROP(too_big);
		break;
	case ROUTE_UNMANAGED:
		reason = DROP(egress_unmanaged);
		break;
	case ROUTE_DISABLED:
		reason = DROP(forwarding_off);
		break;
	case ROUTE_PROHIBITED:
		what.code = ICMP_PKT_FILTERED;
		reason = DROP(prohibited);
		break;
	default:
		break;
	}
	return icmp_refuse(ctx, p, what, reason, fwd);
}

/*
 * Whether a datagram to an address of the host's is for another namespace's mapping (RFC 4787 REQ-9).
 * Then it is translated as if it left, and comes in again by the uplink of that mapping, where it is
 * filtered and translated as anybody's.
 */
__noinline int nat_find_hairpin(ctx_t *ctx, const struct pkt *p, struct route *route)
{
	struct config *cfg = config_get();
	struct flow *f, *own;
	struct flow_key key;

	if (!p || !route || !cfg || !pkt_has_tuple(p) || p->key.proto != L4_UDP)
		return 0;
	key = nat_scope_key(p->key, KEY_EIM, 0);
	key.zone = EBPFNET_NET_OUTSIDE;
	f = bpf_map_lookup_elem(&flows, &key);
	if (!f || f->to != TO_PORT || !ct_is_live(f, cfg))
		return 0;
	key = nat_scope_key(nat_reply_key_of(f, L4_UDP), KEY_EIM, 1);
	f = bpf_map_lookup_elem(&flows, &key);
	if (!f)
		return 0;
	route->ifindex = f->ifindex;
	route->nexthop = 0;
	key = nat_scope_key(p->key, KEY_EIM, 1);
	own = bpf_map_lookup_elem(&flows, &key);
	route->src = own && addr_is_local(ctx, own->src) ? own->src : p->key.dst;
	return 1;
}

static __always_inline _Bool route_is_forwarding(enum route_kind kind)
{
	return kind == ROUTE_UPLINK || kind == ROUTE_HAIRPIN;
}

static __always_inline enum route_kind egress_route(ctx_t *ctx, const struct pkt *p, struct route *route)
{
	__u32 len = ctx_segment_len(ctx, p->ip_len, p->ihl + p->l4_hlen);

	return route_find(ctx, addr_be32(p->key.src), addr_be32(p->key.dst),
			  (__u32)(p->tos & IP_DSCP) << 16 | (len & 0xffff), route);
}

/* When the kernel does not say where to, a flow goes on by the uplink that it is on. */
static __always_inline enum route_kind route_keep_uplink(const struct flow *f, struct route *route)
{
	*route = (struct route){ .ifindex = f->ifindex, .src = f->src };
	return ROUTE_UPLINK;
}

/* The way out of a packet of a flow, NULL: of none yet. */
static __always_inline enum route_kind egress_flow_route(ctx_t *ctx, const struct pkt *p, const struct flow *f,
							 struct route *route)
{
	enum route_kind kind = egress_route(ctx, p, route);

	if (kind == ROUTE_LOCAL && nat_find_hairpin(ctx, p, route))
		return ROUTE_HAIRPIN;
	return kind == ROUTE_DISABLED && f ? route_keep_uplink(f, route) : kind;
}

/*
 * Whether a packet of the flow may still leave with its external address: the uplink's own now,
 * or at least one that is still the host's (a port published on a secondary address).
 */
static __always_inline _Bool external_is_current(ctx_t *ctx, const struct flow *f,
						 const struct route *route)
{
	return addr_eq(f->src, route->src) ||
	       (f->dir == FLOW_REPLY && addr_is_local(ctx, f->src));
}

/*
 * UDP is mapped independently of the endpoint (RFC 4787 REQ-1): all that a socket sends leaves by one
 * external port. The mapping is made for its first peer; a further one has a flow of its own.
 */
static __always_inline void masquerade_map(struct ct_new *n, const struct flow_key *key,
					   const struct config *cfg)
{
	struct flow *mapping = ct_mapping(key);

	if (mapping && !addr_eq(mapping->src, n->t.src)) { /* the uplink has another address now */
		ct_delete(mapping);
		mapping = NULL;
	}
	if (!mapping || nat_is_first_peer(mapping, key)) { /* or another CPU has just made it: ct_create() says so */
		n->scope = KEY_EIM;
		return;
	}
	n->scope = cfg->filtering == FILTER_ADDRESS ? KEY_ADF : KEY_APDF;
	n->t.sport_h = mapping->sport_h;
	n->mapped = 1;
}

/* What the flow of a packet to the outside is to be. */
static __always_inline verdict_t masquerade_new(ctx_t *ctx, const struct pkt *p,
						const struct port *port, const struct network *net,
						const struct config *cfg, const struct route *route)
{
	struct ct_new *n;

	if (p->kind == PKT_FRAG)
		return DROP(frag_no_first);
	if (!pkt_has_tuple(p))
		return DROP(bad_protocol);
	if (!ct_may_create(p->key.proto, p->tcp_flags) || (p->kind == PKT_QUERY && !icmp_is_request(p->icmp_type)))
		return DROP(no_flow);
	if (!addr_inside(p->key.src, net->subnet, net->mask))
		return DROP(spoofed_addr);
	/* where an uplink has no address the kernel lends it any other, also the gateway's */
	if (addr_none(route->src) || address_is_private(&route->src))
		return DROP(no_source);
	n = ct_new_init(p);
	if (!n)
		return DROP(helper_failed);
	n->t = (struct nat_tuple){
		.src = route->src,
		.dst = p->key.dst,
		.sport_h = p->key.sport_h,
		.dport_h = p->key.dport_h,
	};
	n->to = TO_UPLINK;
	n->to_ifindex = route->ifindex;
	n->back_to = TO_PORT;
	n->back_ifindex = ctx->ifindex;
	n->answer_net = EBPFNET_NET_OUTSIDE;
	n->endpoint = port->endpoint;
	n->mapped = p->kind == PKT_OTHER; /* one of them for each address outside */
	if (p->key.proto == L4_UDP)
		masquerade_map(n, &p->key, cfg);
	return FWD_NEXT;
}

/* RFC 5508 REQ-9 in spirit, RFC 6888 REQ-4: who gets no flow for want of room, or of a way, is told so. */
static __always_inline verdict_t refuse_flow(ctx_t *ctx, const struct pkt *p, verdict_t reason,
					     struct ipaddr us, struct fwd_out *fwd)
{
	struct icmp_what what = { .type = ICMP_DEST_UNREACH, .code = ICMP_PKT_FILTERED, .from = us };

	if (reason == DROP(no_free_port) || reason == DROP(table_full) || reason == DROP(over_cap))
		count(COUNT_flow_refused);
	else if (reason == DROP(no_source))
		what.code = ICMP_NET_UNREACH;
	else if (reason == DROP(bad_protocol))
		what.code = ICMP_PROT_UNREACH;
	else
		return reason;
	return icmp_refuse(ctx, p, what, reason, fwd);
}

/* What comes in again by an uplink is routed there, and its TTL counted. */
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

/* An ICMP error from inside, about a packet that was translated on its way in. */
__noinline verdict_t nat_from_port_error(ctx_t *ctx, const struct pkt *p, struct fwd_out *fwd)
{
	struct config *cfg = config_get();
	struct nat_tuple outer = {};
	struct route route;
	struct flow *f;
	enum route_kind kind;
	verdict_t v;

	if (!cfg || !p || !fwd)
		return DROP(helper_failed);
	/* about a packet of the host's own, or of another namespace's: not translated, not ours */
	kind = egress_route(ctx, p, &route);
	v = icmp_translate(ctx, p, p->key.zone, cfg, &f, &outer);
	if (v == DROP(icmp_error) && kind == ROUTE_LOCAL) {
		fwd->counter = COUNT_to_host;
		return FWD_HOST;
	}
	if (v != FWD_NEXT)
		return v;
	if (p->ttl <= 1)
		return DROP(ttl_exceeded);
	if (f->to == TO_UPLINK) {
		if (kind == ROUTE_DISABLED)
			kind = route_keep_uplink(f, &route);
		/* the other end is a namespace's mapping, or was one */
		if (kind == ROUTE_LOCAL && !address_is_private(&p->key.dst)) {
			kind = ROUTE_HAIRPIN;
			route.ifindex = f->ifindex;
		} else if (kind != ROUTE_UPLINK || !external_is_current(ctx, f, &route)) {
			return DROP(icmp_error);
		}
		fwd->ifindex = route.ifindex;
		fwd->nexthop = route.nexthop;
	}
	v = rewrite_ip(ctx, p, &outer, egress_ttl(p, f, kind));
	if (v != FWD_NEXT)
		return v;
	fwd->counter = COUNT_icmp_translated;
	if (f->to == TO_PORT)
		return translate_macs(ctx, f, fwd);
	if (f->to == TO_LOCAL)
		return FWD_HOST_LO;
	return egress_verdict(kind, fwd);
}

/* A packet of a flow that is known. */
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

/*
 * To another namespace of the network by way of the gateway, which a namespace needs that knows nobody on
 * its link. NEXT: nobody has that address.
 */
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

/*
 * A packet to the gateway's MAC. In order: a flow that is known; a published port; an address of
 * the host's; a new flow to the outside.
 */
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
	if (!cfg->portmaps && addr_eq(p->key.dst, net->gateway)) {
		fwd->counter = COUNT_to_host;
		return FWD_HOST;
	}
	if (p->kind == PKT_ERROR)
		return nat_from_port_error(ctx, p, fwd);

	/* what has no ports (and zeros in the key) is not of the flow that has ports 0 */
	f = pkt_has_tuple(p) ? ct_find(p, cfg) : NULL;
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
		if (kind == ROUTE_UNMANAGED) {
			v = nat_same_subnet(ctx, p, port, net, fwd);
			if (v != FWD_NEXT)
				return v;
		}
		if (!portmap && !route_is_forwarding(kind))
			return route_verdict(ctx, p, kind, &route, net->gateway, fwd);
		if (p->ttl <= 1)
			return ttl_exceeded(ctx, p, net->gateway, fwd);
		v = portmap ? portmap_new_flow(ctx, p, portmap, id, net, TO_PORT) :
			      masquerade_new(ctx, p, port, net, cfg, &route);
		if (v == FWD_NEXT)
			v = ct_create(ctx);
		if (v != FWD_NEXT)
			return refuse_flow(ctx, p, v, net->gateway, fwd);
		f = ct_lookup(&p->key);
		if (!f)
			return DROP(helper_failed);
	}
	return nat_from_port_flow(ctx, p, f, net, &route, kind, fwd);
}

#endif
