/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The fast path: a frame that is switched as a cached one, or an ordinary packet of a live flow. Tries the flow
 * cache (no further look-up), then the flow table.
 *
 * New flows, unusual packets and failed checks take the slow path, unchanged.
 */
#ifndef EBPFNET_BPF_FAST_FASTPATH_H
#define EBPFNET_BPF_FAST_FASTPATH_H

#include "kern/forward.h"
#include "kern/percpu_cache.h"
#include "kern/device.h"
#include "kern/rt_genid.h"
#include "kern/scratch.h"
#include "kern/veth.h"
#include "ct/ct_lookup.h"
#include "ct/ct_slot.h"
#include "ct/ct_update.h"
#include "ct/tcp_option.h"
#include "l2/l2_cache.h"
#include "l2/port_cache.h"
#include "l3/rewrite.h"
#include "l3/route.h"
#include "l3/route_cache.h"
#include "nat/egress.h"
#include "nat/translate.h"
#include "fast/flow_cache.h"
#include "fast/headers.h"

/*
 * Update the transport checksum among the bytes about to be written. pseudo, ports: differences (csum.h).
 * False: the kernel keeps a sum outside of these bytes, so a helper must update both.
 */
static __always_inline _Bool fast_l4_csum(ctx_t *ctx, struct fast_headers *h, __u64 pseudo, __u64 ports)
{
	__sum16 *check = fast_is_tcp(h) ? &h->l4.tcp.check : &h->l4.udp.check;
	__u8 summed = ctx_summed(ctx);
	__sum16 sum;

	if (summed == CHECKSUM_COMPLETE)
		return 0;
	if (!fast_is_tcp(h) && !*check) /* absent stays absent (RFC 768) */
		return 1;
	sum = summed == CHECKSUM_PARTIAL ? csum_fold16(*check + pseudo) : csum_apply(*check, pseudo + ports);
	*check = sum || fast_is_tcp(h) ? sum : 0xffff;
	return 1;
}

/* The same as rewrite_tuple() and rewrite_macs(), in one store. */
static __always_inline verdict_t fast_rewrite(ctx_t *ctx, struct fast_headers *h, const struct fwd_action *to)
{
	__u64 pseudo = csum_diff32(h->ip.src, to->src) + csum_diff32(h->ip.dst, to->dst);
	__u64 ports = csum_diff32(h->l4.ports, to->ports);
	__u64 flags = fast_is_tcp(h) ? 0 : BPF_F_MARK_MANGLED_0;
	__u32 check = ETH_HLEN + IP_MIN_HLEN + (fast_is_tcp(h) ? 16 : 6);
	__u32 l4_len = fast_is_tcp(h) ? 20 : 8;
	_Bool same_ports = h->l4.ports == to->ports, summed;
	verdict_t v = to->verdict == FWD_UPLINK ? FWD_UPLINK : FWD_PORT;
	long failed;

	h->ip.check = csum_apply(h->ip.check, pseudo + ttl_diff(h->ip.ttl, h->ip.ttl - 1));
	h->ip.ttl--;
	h->ip.src = to->src;
	h->ip.dst = to->dst;
	h->l4.ports = to->ports;
	summed = fast_l4_csum(ctx, h, pseudo, ports);
	if (v == FWD_UPLINK) {
		failed = ctx_store(ctx, ETH_HLEN + 8, &h->ip.ttl, IP_MIN_HLEN - 8 + l4_len);
	} else {
		mac_copy((__u8 *)h->new_mac, (const __u8 *)to->mac);
		mac_copy((__u8 *)h->new_mac + 6, (const __u8 *)to->mac + 6);
		h->eth_type = __builtin_bswap16(ETH_P_IP);
		failed = ctx_store(ctx, 0, &h->new_mac, ETH_HLEN + IP_MIN_HLEN + l4_len);
	}
	if (!failed && !summed)
		failed = ctx_csum_pseudo(ctx, check, csum_fold32(pseudo), flags) ||
			 (!same_ports && ctx_csum(ctx, check, csum_fold32(ports), flags));
	return failed ? DROP(helper_failed) : v;
}

/* Rewrite a packet; FWD_UPLINK or FWD_PORT, and *fwd. */
static __always_inline verdict_t fast_send(ctx_t *ctx, struct fast_headers *h, const struct fwd_action *to,
					   struct fwd_out *fwd)
{
	fwd->ifindex = to->ifindex;
	fwd->nexthop = to->nexthop;
	fwd->counter = to->counter;
	return fast_rewrite(ctx, h, to);
}

/* True if a flow's cached action is valid, and for this packet. */
static __always_inline _Bool fast_cache_valid(ctx_t *ctx, const struct fast_headers *h,
					      const struct flow_cache_entry *e, const struct config *cfg)
{
	struct conn *c = conn_get(e->slot);
	__u32 genid;

	if (!h->no_control || e->epoch != cache_epoch() || e->gen != config_gen(cfg) || !c ||
	    conn_word(c).word != e->word || (h->edge && !tcp_edge_covers(e->edge, h->edge, e->scale)))
		return 0;
	if (e->action.verdict != FWD_UPLINK)
		return device_unchanged_since(ctx, e->action.ifindex, e->genid);
	return ctx_segment_len(ctx, h->ip_len, h->headers) <= e->action.mtu && rt_genid_read(ctx, &genid) &&
	       genid == e->genid;
}

/* The flow of a packet, updated; NULL: none, or the slow path has to look at it. */
static __always_inline struct flow *fast_flow_get(ctx_t *ctx, const struct fast_headers *h,
						  const struct flow_key *key, const struct config *cfg)
{
	struct flow *f = ct_lookup(key);
	struct pkt *p = pkt_scratch_get();

	if (!f || !p || (f->flags & FLOW_ANY_PEER && !nat_is_first_peer(f, key)))
		return NULL;
	p->out_of_window = 0;
	p->tcp_flags = 0;
	p->edge = 0;
	if (fast_is_tcp(h)) {
		p->tcp_flags = h->l4.tcp.flags;
		p->l4 = ETH_HLEN + IP_MIN_HLEN;
		p->l4_hlen = h->headers - IP_MIN_HLEN;
		tcp_option_scale(ctx, p);
		p->seq = __builtin_bswap32(h->l4.tcp.seq);
		p->ack = __builtin_bswap32(h->l4.tcp.ack);
		p->edge = tcp_edge(p->seq, p->ack, __builtin_bswap16(h->l4.tcp.window), p->tcp_flags);
	}
	return ct_update(f, p, cfg) && !p->out_of_window ? f : NULL;
}

/* Route to an uplink. False: to the slow path. */
static __always_inline _Bool fast_resolve_uplink(ctx_t *ctx, const struct fast_headers *h, const struct flow *f,
						 struct fwd_action *to)
{
	_Bool reply = f->dir == FLOW_REPLY; /* see egress_route() */
	struct route_query *q = route_query_get();
	struct route route;
	enum route_kind kind;

	if (!q)
		return 0;
	q->src = reply ? addr_be32(f->src) : h->ip.src;
	q->dst = h->ip.dst;
	q->len = ctx_segment_len(ctx, h->ip_len, h->headers);
	q->tos = h->dscp;
	q->proto = h->ip.proto;
	q->sport_h = reply ? f->sport_h : __builtin_bswap16(h->l4.sport);
	q->dport_h = __builtin_bswap16(h->l4.dport);
	kind = route_find(ctx, q, &route);
	if (kind == ROUTE_DISABLED)
		kind = route_keep_uplink(f, &route);
	to->verdict = FWD_UPLINK;
	to->ifindex = route.ifindex;
	to->nexthop = route.nexthop;
	to->mtu = route.mtu;
	return kind == ROUTE_UPLINK && external_is_current(ctx, f, &route) && device_running(ctx, route.ifindex);
}

/* Resolve a port. False: it is limited, its device is gone or down, or the MAC address behind it is to be looked up. */
static __always_inline _Bool fast_resolve_port(ctx_t *ctx, const struct flow *f, struct fwd_action *to)
{
	struct port_cache_entry *cached = port_cache_get(&port_cache_out, f->ifindex);
	struct network *net = cached ? network_get(cached->port.net) : NULL;

	if (!net || cached->port.flags & (PORT_SPOOF_ALLOW | PORT_LIMIT_IN) || !port_device_usable(ctx, cached))
		return 0;
	to->verdict = FWD_PORT;
	to->ifindex = f->ifindex;
	to->nexthop = 0;
	mac_copy((__u8 *)to->mac, cached->port.mac);
	mac_copy((__u8 *)to->mac + 6, net->gw_mac);
	return 1;
}

/* Both ports, as they lie in a packet. */
static __always_inline __be32 ports_of(__u16 sport_h, __u16 dport_h)
{
	return (union l4_words){
		.sport = __builtin_bswap16(sport_h), .dport = __builtin_bswap16(dport_h)
	}.ports;
}

/* Forward by the flow table, and cache the action. */
static __always_inline verdict_t fast_by_flow(ctx_t *ctx, struct fast_headers *h, const struct config *cfg,
					      __u16 zone, struct fwd_out *fwd)
{
	struct flow_key key = fast_key(h, zone);
	struct fwd_action *to = &h->action;
	struct flow_cache_entry *e;
	struct nat_tuple t;
	struct flow *f;
	_Bool has_genid;

	h->gen = config_gen(cfg);
	has_genid = rt_genid_read(ctx, &h->genid);
	f = fast_flow_get(ctx, h, &key, cfg);
	if (!f)
		return FWD_NEXT;
	if (f->to == TO_PORT ?
		    !fast_resolve_port(ctx, f, to) :
		    f->to != TO_UPLINK || zone == EBPFNET_ZONE_OUTSIDE || !fast_resolve_uplink(ctx, h, f, to))
		return FWD_NEXT;
	t = nat_translate(f, &key);
	to->src = addr_be32(t.src);
	to->dst = addr_be32(t.dst);
	to->ports = ports_of(t.sport_h, t.dport_h);
	to->counter = translate_counter(f);
	if (f->flags & FLOW_STEADY && h->no_control && (has_genid || to->verdict != FWD_UPLINK)) {
		e = flow_cache_slot(h->hash);
		if (e) {
			flow_cache_set_key(e, h->ip.src, h->ip.dst, h->l4.ports, h->ip.proto, h->dscp, ctx->ifindex);
			flow_cache_fill(e, f, &key, to, h->gen, h->genid);
		}
	}
	return fast_send(ctx, h, to, fwd);
}

/* Forward a routed packet of a zone, by the flow cache or by the flow table. */
static __always_inline verdict_t fast_l3(ctx_t *ctx, struct fast_headers *h, const struct config *cfg, __u16 zone,
					 struct fwd_out *fwd)
{
	struct flow_cache_entry *e;

	if (h->ip.ttl <= 1 || h->ip.src == h->ip.dst || !fast_ip_csum_ok(h))
		return FWD_NEXT;
	h->hash = flow_cache_hash(h->ip.src, h->ip.dst, h->l4.ports);
	e = flow_cache_find(h->hash);
	if (e && flow_cache_matches(e, h->ip.src, h->ip.dst, h->l4.ports, h->ip.proto, h->dscp, ctx->ifindex) &&
	    fast_cache_valid(ctx, h, e, cfg))
		return fast_send(ctx, h, &e->action, fwd);
	return fast_by_flow(ctx, h, cfg, zone, fwd);
}

/* A packet to the gateway's address: to the host, unless it may be of a flow or for a published port. */
static __always_inline verdict_t fast_to_host(ctx_t *ctx, const struct fast_headers *h, const struct config *cfg,
					      const struct network *net, __u16 zone, struct fwd_out *fwd)
{
	struct flow_key key = fast_key(h, zone);

	if (!fast_ip_csum_ok(h) || !device_running(ctx, net->gw_ifindex) ||
	    (cfg->portmaps && (portmap_port_published(key.proto, key.dport_h) || ct_lookup(&key))))
		return FWD_NEXT;
	fwd->ifindex = net->gw_ifindex;
	fwd->counter = COUNT_to_host;
	return FWD_HOST;
}

/* As port_security_offload(): for which fields of the headers a checksum is pending. */
static __always_inline _Bool fast_csum_is_own(ctx_t *ctx, const struct fast_headers *h)
{
	return ctx_pending_is_own(ctx, ETH_HLEN + IP_MIN_HLEN, fast_is_tcp(h) ? 16 : 6, h->headers - IP_MIN_HLEN);
}

/* A frame from a port, or at the gateway's egress from the host. FWD_NEXT: to the slow path. */
static __always_inline verdict_t fast_port_verdict(ctx_t *ctx, struct fwd_out *fwd)
{
	struct config *cfg = config_get();
	struct fast_headers *h = fast_scratch_get();
	struct l2_cache_entry *e;
	struct network *net;

	if (!cfg || !h || !fast_headers_read(ctx, h))
		return FWD_NEXT;
	e = l2_cache_at(h->mac);
	if (!e || !l2_cache_matches(e, h->mac, ctx->ifindex, config_gen(cfg)))
		return FWD_NEXT;
	if (!HOOK_IS_EGRESS && (e->src != h->ip.src || !fast_csum_is_own(ctx, h)))
		return FWD_NEXT;
	if (e->to) {
		fwd->ifindex = e->to;
		fwd->counter = COUNT_switched;
		if (HOOK_IS_EGRESS && !veth_takes(ctx, e->to))
			return FWD_NEXT;
		return device_unchanged_since(ctx, e->to, e->genid) ? FWD_PORT : FWD_NEXT;
	}
	net = HOOK_IS_EGRESS ? NULL : network_get(e->net);
	if (!net)
		return FWD_NEXT;
	return h->ip.dst == addr_be32(net->gateway) ? fast_to_host(ctx, h, cfg, net, e->net, fwd) :
						      fast_l3(ctx, h, cfg, e->net, fwd);
}

static __always_inline verdict_t fast_uplink_verdict(ctx_t *ctx, struct fwd_out *fwd)
{
	struct config *cfg = config_get();
	struct fast_headers *h = fast_scratch_get();

	if (!cfg || !h || !ctx_is_for_us(ctx) || !fast_headers_read(ctx, h))
		return FWD_NEXT;
	return fast_l3(ctx, h, cfg, EBPFNET_ZONE_OUTSIDE, fwd);
}

/* Entry points; ACTION_SLOW_PATH: declined. Not inlined: both paths' frames would not fit on the stack. */
__noinline int fast_from_port(ctx_t *ctx)
{
	struct fwd_out fwd = {};
	verdict_t v = fast_port_verdict(ctx, &fwd);

	return v == FWD_NEXT ? ACTION_SLOW_PATH : forward_fast(ctx, v, &fwd);
}

__noinline int fast_from_uplink(ctx_t *ctx)
{
	struct fwd_out fwd = {};
	verdict_t v = fast_uplink_verdict(ctx, &fwd);

	return v == FWD_NEXT ? ACTION_SLOW_PATH : forward_fast(ctx, v, &fwd);
}

#endif
