/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Packet path per hook: try the fast path, else parse, run the stages in order, then forward(). Read this file
 * first: each call names the file it is in, or a function above. The XDP hook is in xdp_prefilter.h.
 */
#ifndef EBPFNET_BPF_DATAPATH_H
#define EBPFNET_BPF_DATAPATH_H

#include "kern/forward.h"
#include "kern/scratch.h"
#include "kern/veth.h"
#include "ct/ct_slot.h"
#include "ct/tcp_option.h"
#include "l2/fdb.h"
#include "l2/neigh.h"
#include "l2/port_security.h"
#include "l2/switch.h"
#include "l3/bogon.h"
#include "frag/frag_input.h"
#include "nat/pipeline.h"
#include "nat/recheck.h"
#include "fast/fastpath.h"

/* Bytes pulled into the linear area: link layer, IP with options, TCP without. */
#define PARSE_PULL (LINK_HLEN + 60 + 20)

/* A packet, of which nothing is known yet. The stamp is sampled before anything is looked up for it. */
static __always_inline struct pkt *pkt_begin(void)
{
	struct config *cfg = config_get();
	struct pkt *p = pkt_reset();

	if (p && cfg)
		p->stamp = cache_stamp_of_packet(cfg);
	return p;
}

/* One pass of parse_frame() over the linear area; enum parsed. Not inlined: the verifier checks it once. */
__noinline int parse_once(ctx_t *ctx, struct pkt *p)
{
	if (!p)
		return PARSE_BAD;
	if (LINK_HLEN)
		return parse_frame(ctx_data(ctx), ctx_data_end(ctx), ctx->len, p);
	p->eth_type = ctx_protocol(ctx);
	return parse_network(ctx_data(ctx), ctx_data_end(ctx), ctx->len, p);
}

/* Parse the headers into *p; pull more bytes and try again if the linear area is too short. */
static __always_inline enum parsed parse(ctx_t *ctx, struct pkt *p)
{
	enum parsed r = parse_once(ctx, p);

	if (r == PARSE_SHORT)
		r = ctx_pull(ctx, PARSE_PULL) ? PARSE_BAD : parse_once(ctx, p);
	return r;
}

/* A frame to the gateway's MAC: route IPv4, hand ARP (the replies to the host's requests) to the host. */
static __always_inline verdict_t to_gateway(ctx_t *ctx, struct pkt *p, const struct port *port,
					    const struct network *net, struct fwd_out *fwd)
{
	verdict_t v;

	if (p->kind == PKT_ARP) {
		fwd->counter = COUNT_to_host;
		return FWD_HOST;
	}
	if (p->eth_type != ETH_P_IP)
		return DROP(not_ip);
	if (port->flags & PORT_SPOOF_ALLOW)
		neigh_learn(port->net, p->key.src, p->smac);
	tcp_option_scale(ctx, p);
	ctx_pop_priority_tag(ctx); /* the tag belongs to this link and must not leave by the next one */
	if (p->frag & IP_FRAG_MASK) {
		v = frag_input(ctx, 0, 1);
		if (v != FWD_NEXT)
			return v;
	}
	v = nat_from_port(ctx, p, port, net, fwd);
	return p->frag & IP_FRAG_MASK ? frag_done(ctx, v) : v;
}

/* True at the ingress of a gateway's peer, where only what a packet socket of the gateway device is shown arrives. */
__noinline int is_gateway_peer(__u32 ifindex)
{
	struct config *cfg = config_get();
	struct network *net;
	__u32 id;

	if (!cfg)
		return 0;
	for (id = 1; id <= EBPFNET_MAX_NETWORKS && id <= cfg->last_network; id++) {
		net = network_get(id);
		if (net && net->gw_ifindex && net->gw_peer == ifindex)
			return 1;
	}
	return 0;
}

/*
 * A frame from a namespace's port: port security, the switch, and for the gateway's MAC the router. Not
 * inlined: its frame would not fit beside the fast path's in 512 bytes of stack.
 */
static __noinline int slow_from_port(ctx_t *ctx)
{
	struct pkt *p = pkt_begin();
	struct port *port = port_get(ctx->ifindex);
	struct network *net = port ? network_get(port->net) : NULL;
	struct fwd_out fwd = {};
	verdict_t v;

	if (!port && is_gateway_peer(ctx->ifindex)) { /* the copy for a packet socket: the packet is counted already */
		count(COUNT_captured);
		return ACTION_DROP;
	}
	if (!net || !p)
		return forward(ctx, DROP(unknown_ifindex), &fwd, 0, NULL);
	if (parse(ctx, p) != PARSED)
		return forward(ctx, DROP(malformed), &fwd, 0, NULL);
	p->key.zone = port->net;
	v = port_security(ctx, p, port, net);
	if (v == FWD_NEXT && port->flags & PORT_SPOOF_ALLOW)
		fdb_learn(port->net, p->smac, ctx->ifindex);
	if (v == FWD_NEXT)
		v = switch_frame(ctx, p, port->net, net, port, &fwd);
	if (v == FWD_NEXT)
		v = to_gateway(ctx, p, port, net, &fwd);
	return forward(ctx, v, &fwd, port->net, net);
}

/* Ingress of a namespace's port. */
static __always_inline int datapath_port(ctx_t *ctx)
{
	int action;

	netns_note(ctx);
	action = fast_from_port(ctx);
	return action == ACTION_SLOW_PATH ? slow_from_port(ctx) : action;
}

/* A packet that the kernel forwards to a namespace, through the host's rules. FWD_NEXT: to its MAC address. */
static __always_inline verdict_t forwarded_into_port(ctx_t *ctx, struct pkt *p, __u32 id, const struct network *net,
						     struct fwd_out *fwd)
{
	verdict_t v = FWD_NEXT;

	p->key.zone = id;
	if (p->frag & IP_FRAG_MASK)
		v = frag_input(ctx, 0, 0);
	if (v != FWD_NEXT)
		return v;
	v = nat_into_port(ctx, p, id, net, fwd);
	return p->frag & IP_FRAG_MASK ? frag_done(ctx, v) : v;
}

/* A frame from the gateway device: the host is one more endpoint of the switch. */
static __always_inline int slow_from_gateway(ctx_t *ctx)
{
	struct pkt *p = pkt_begin();
	__u32 ifindex = ctx->ifindex;
	__u32 *id = bpf_map_lookup_elem(&gateways, &ifindex);
	struct network *net = id ? network_get(*id) : NULL;
	struct config *cfg = config_get();
	struct fwd_out fwd = {};
	verdict_t v = FWD_NEXT;
	enum counter counter;

	if (!net || !p)
		return forward(ctx, DROP(unknown_ifindex), &fwd, 0, NULL);
	if (parse(ctx, p) != PARSED)
		return forward(ctx, DROP(malformed), &fwd, 0, NULL);
	if (ctx_forwarded(ctx)) {
		v = forwarded_into_port(ctx, p, *id, net, &fwd);
	} else if (cfg && cfg->has_rules) {
		v = stack_own_inside(ctx, p, &fwd);
	}
	counter = fwd.counter;
	if (v == FWD_NEXT)
		v = switch_frame(ctx, p, *id, net, NULL, &fwd);
	if (v == FWD_PORT && counter != COUNT_switched)
		fwd.counter = counter;
	if (v == FWD_PORT && !veth_takes(ctx, fwd.ifindex))
		v = stack_larger_than_inside(ctx, p, &fwd);
	return forward(ctx, v == FWD_NEXT ? DROP(same_port) : v, &fwd, *id, net);
}

/* Egress of the gateway device. */
static __always_inline int datapath_gateway(ctx_t *ctx)
{
	int action;

	netns_note(ctx);
	action = ctx_forwarded(ctx) ? ACTION_SLOW_PATH : fast_from_port(ctx);
	return action == ACTION_SLOW_PATH ? slow_from_gateway(ctx) : action;
}

/*
 * A packet that arrived for the host, by an uplink or lo. An unmatched fragment may be the host's: queue it
 * only if some namespace could own it, and not on lo, where nothing is reordered.
 */
static __always_inline verdict_t from_outside(ctx_t *ctx, struct pkt *p, const struct ingress *at,
					      struct fwd_out *fwd)
{
	struct config *cfg = config_get();
	verdict_t v;

	if (p->frag & IP_FRAG_MASK) {
		p->key.zone = at->zone;
		v = cfg && ct_any_flow(cfg) ? frag_input(ctx, 1, at->routed && !at->hairpin) : FWD_PASS;
		if (v == FWD_PASS)
			return pass_to_host(at, fwd);
		if (v != FWD_NEXT)
			return v;
	}
	tcp_option_scale(ctx, p);
	v = nat_from_uplink(ctx, p, at, fwd);
	return p->frag & IP_FRAG_MASK ? frag_done(ctx, v) : v;
}

/*
 * True for a packet that the kernel would forward only since `up` has switched that on for namespaces: it is for
 * neither them nor the host, and was dropped before (UPLINK_NO_TRANSIT).
 */
__noinline int is_transit(ctx_t *ctx, const struct pkt *p)
{
	__u32 ifindex = ctx->ifindex;
	struct uplink *up = bpf_map_lookup_elem(&uplinks, &ifindex);
	struct bpf_fib_lookup *fib = fib_scratch_get();
	struct route route;
	enum route_kind kind;
	long r;

	if (!p || !up || !fib || !(up->flags & UPLINK_NO_TRANSIT) || p->eth_type != ETH_P_IP || !ctx_is_for_us(ctx) ||
	    addr_group(p->key.dst))
		return 0;
	kind = route_to(ctx, p->key.dst, &route);
	if (kind != ROUTE_UPLINK && kind != ROUTE_UNMANAGED && kind != ROUTE_TOO_BIG)
		return 0;
	/* once more in the name of this device: it may be in a VRF, where other addresses are local */
	*fib = (struct bpf_fib_lookup){
		.family = AF_INET, .ifindex = ifindex,
		.ipv4_src = addr_be32(p->key.src), .ipv4_dst = addr_be32(p->key.dst),
	};
	r = bpf_fib_lookup(ctx, fib, sizeof(*fib), BPF_FIB_LOOKUP_SKIP_NEIGH);
	return r == BPF_FIB_LKUP_RET_SUCCESS || r == BPF_FIB_LKUP_RET_NO_NEIGH;
}

/* Leave a packet from an uplink to the host's stack. */
static __always_inline verdict_t pass_up(ctx_t *ctx, const struct pkt *p)
{
	verdict_t v = bogon_refuse_host(p);

	if (v == FWD_NEXT && is_transit(ctx, p))
		return DROP(transit);
	return v == FWD_NEXT ? FWD_PASS : v;
}

/*
 * A frame from an uplink. reentry: re-injected here, with that mark: by FWD_HAIRPIN, or by nat/ask.h. Not inlined: see
 * slow_from_port().
 */
static __noinline int slow_from_uplink(ctx_t *ctx, _Bool reentry)
{
	struct ingress at = { .zone = EBPFNET_ZONE_OUTSIDE, .back_to = TO_UPLINK, .routed = 1 };
	struct fwd_out fwd = { .counter = COUNT_not_ours };
	struct config *cfg = config_get();
	struct pkt *p = pkt_reset();
	verdict_t v = FWD_PASS;

	if (reentry && cfg) {
		at.hairpin = ctx_is_ours(ctx, cfg->mark);
		at.copy = !at.hairpin && ask_is_copy(ctx, cfg);
		if (at.hairpin || at.copy)
			ctx_mark_ours(ctx, 0); /* the mark must not reach a namespace */
	}
	/* a hairpinned packet has the gateway's MAC address */
	if (p && (at.hairpin || ctx_is_for_us(ctx)) && !ctx_vlan(ctx) && parse(ctx, p) == PARSED)
		v = from_outside(ctx, p, &at, &fwd);
	if (v == FWD_THROUGH) {
		if (!at.copy)
			ctx_label_put(ctx, ask_label_of_rules());
		fwd.counter = COUNT_to_rules;
		v = FWD_PASS;
	} else if (v == FWD_PASS && p && p->eth_type == ETH_P_IP) {
		v = pass_up(ctx, p);
	}
	return forward(ctx, v, &fwd, 0, NULL);
}

/* Ingress of an uplink. */
static __always_inline int datapath_uplink(ctx_t *ctx)
{
	struct config *cfg = config_get();
	_Bool reentry = cfg && (ctx_is_ours(ctx, cfg->mark) || ctx_is_ours(ctx, ~cfg->mark));
	int action;

	netns_note(ctx);
	action = reentry ? ACTION_SLOW_PATH : fast_from_uplink(ctx);
	return action == ACTION_SLOW_PATH ? slow_from_uplink(ctx, reentry) : action;
}

/*
 * A fragment of a namespace's datagram that the kernel has forwarded, and cut again. In a zone of their own, as the
 * port's program has seen fragments of that datagram, too.
 */
static __always_inline verdict_t leaving_fragment(ctx_t *ctx, struct pkt *p, __u32 id, struct fwd_out *fwd)
{
	verdict_t v;

	p->key.zone = EBPFNET_ZONE_FORWARDED;
	v = frag_input(ctx, 0, 0);
	if (v != FWD_NEXT)
		return v < 0 ? v : DROP(private_source);
	v = nat_from_stack(ctx, p, id, fwd);
	p->key.zone = EBPFNET_ZONE_FORWARDED;
	if (v != FWD_PASS)
		return frag_done(ctx, v);
	/* it leaves, and so do those that follow it, each translated */
	v = frag_done(ctx, FWD_UPLINK);
	return v == FWD_UPLINK ? FWD_PASS : v;
}

/*
 * A packet without our mark, on its way out of an uplink. One with a source in a network of ours leaves translated, if
 * the host has forwarded it for us, or not at all.
 */
static __always_inline verdict_t leaving(ctx_t *ctx, struct pkt *p, enum parsed r, struct fwd_out *fwd)
{
	__u32 id = p->eth_type == ETH_P_IP ? address_is_private(&p->key.src) : 0;

	if (id) {
		if (r != PARSED || ctx_vlan(ctx))
			return DROP(private_source);
		return p->frag & IP_FRAG_MASK ? leaving_fragment(ctx, p, id, fwd) : nat_from_stack(ctx, p, id, fwd);
	}
	if (r != PARSED || p->eth_type != ETH_P_IP || ctx_vlan(ctx))
		return FWD_PASS;
	if (p->kind == PKT_ERROR && !ctx_forwarded(ctx))
		return stack_own_error(ctx, p, fwd);
	return nat_from_host(ctx, p, fwd);
}

/*
 * Egress of an uplink. Packets we marked pass. Anything else with a source in one of our subnets is dropped, unless the
 * host has forwarded it for us. The host's own packets, and those that it translates and forwards, may need another
 * source port.
 */
static __always_inline int datapath_uplink_out(ctx_t *ctx)
{
	struct fwd_out fwd = { .counter = COUNT_not_ours };
	struct config *cfg = config_get();
	verdict_t v = FWD_PASS;
	enum parsed r;
	struct pkt *p;
	_Bool recheck;

	if (!cfg || ctx_is_ours(ctx, cfg->mark))
		return ACTION_PASS;
	netns_note(ctx);
	p = pkt_reset();
	if (!p)
		return ACTION_PASS;
	recheck = ctx_is_ours(ctx, ~cfg->mark);
	r = parse(ctx, p);
	if (r == PARSED)
		tcp_option_scale(ctx, p);
	if (recheck) {
		v = r == PARSED ? nat_recheck(ctx, p, cfg) : FWD_NEXT;
		return v == FWD_NEXT ? ACTION_PASS : forward(ctx, v, &fwd, 0, NULL); /* it is counted already */
	}
	return forward(ctx, leaving(ctx, p, r, &fwd), &fwd, 0, NULL);
}

/* True for an ordinary TCP or UDP packet to a port that is not published: nearly all that passes over lo. */
static __always_inline _Bool lo_is_unpublished(const ctx_t *ctx)
{
	const __u8 *data = ctx_data(ctx), *ip = data + ETH_HLEN;

	if ((const void *)(ip + IP_MIN_HLEN + 4) > ctx_data_end(ctx) ||
	    *(__be16 *)(data + 12) != __builtin_bswap16(ETH_P_IP) || ip[0] != 0x45 ||
	    *(__be16 *)(ip + 6) & __builtin_bswap16(IP_FRAG_MASK) || (ip[9] != L4_TCP && ip[9] != L4_UDP))
		return 0;
	return !portmap_port_published(ip[9], __builtin_bswap16(*(__be16 *)(ip + IP_MIN_HLEN + 2)));
}

/* Ingress of lo: the host calls a published port at its own address, or at a loopback address. */
static __always_inline int datapath_lo(ctx_t *ctx)
{
	struct ingress at = { .zone = EBPFNET_ZONE_HOST, .back_to = TO_LOCAL };
	struct fwd_out fwd = { .counter = COUNT_not_ours };
	verdict_t v = FWD_PASS;
	struct pkt *p;

	if (!lo_is_unpublished(ctx)) {
		netns_note(ctx);
		p = pkt_reset();
		if (p && parse(ctx, p) == PARSED)
			v = from_outside(ctx, p, &at, &fwd);
	}
	return forward(ctx, v, &fwd, 0, NULL);
}

#endif
