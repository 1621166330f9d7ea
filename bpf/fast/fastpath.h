/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The fast path: a frame that is switched as a cached one, or an ordinary packet of a live flow.
 *
 *   headers -> flow -> its path, still valid? -> translate -> send
 *
 * New flows, unusual packets and failed checks take the slow path, unchanged.
 */
#ifndef EBPFNET_BPF_FAST_FASTPATH_H
#define EBPFNET_BPF_FAST_FASTPATH_H

#include "kern/forward.h"
#include "kern/device.h"
#include "kern/scratch.h"
#include "kern/veth.h"
#include "ct/ct_lookup.h"
#include "ct/ct_slot.h"
#include "ct/ct_update.h"
#include "ct/tcp_option.h"
#include "l2/l2_cache.h"
#include "l3/rewrite.h"
#include "nat/translate.h"
#include "fast/flow_cache.h"
#include "fast/headers.h"
#include "fast/path.h"

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
static __always_inline verdict_t fast_rewrite(ctx_t *ctx, struct fast_headers *h, const struct fast_action *to,
					      const struct flow_path *path)
{
	__u64 pseudo = csum_diff32(h->ip.src, to->src) + csum_diff32(h->ip.dst, to->dst);
	__u64 ports = csum_diff32(h->l4.ports, to->ports);
	__u64 flags = fast_is_tcp(h) ? 0 : BPF_F_MARK_MANGLED_0;
	__u32 check = ETH_HLEN + IP_MIN_HLEN + (fast_is_tcp(h) ? 16 : 6);
	__u32 l4_len = fast_is_tcp(h) ? 20 : 8;
	_Bool same_ports = h->l4.ports == to->ports, summed;
	/* from a device without an Ethernet header, as from any uplink, a packet goes into a namespace */
	verdict_t v = LINK_HLEN && path->verdict == FWD_UPLINK ? FWD_UPLINK : FWD_PORT;
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
		mac_copy((__u8 *)h->new_mac, path->dmac);
		mac_copy((__u8 *)h->new_mac + 6, path->smac);
		h->eth_type = __builtin_bswap16(ETH_P_IP);
		failed = LINK_HLEN ? 0 : ctx_push_eth(ctx);
		if (!failed)
			failed = ctx_store(ctx, 0, &h->new_mac, ETH_HLEN + IP_MIN_HLEN + l4_len);
	}
	if (!failed && !summed)
		failed = ctx_csum_pseudo(ctx, check, csum_fold32(pseudo), flags) ||
			 (!same_ports && ctx_csum(ctx, check, csum_fold32(ports), flags));
	return failed ? DROP(helper_failed) : v;
}

/* Rewrite a packet; FWD_UPLINK or FWD_PORT, and *fwd. FWD_NEXT: it is too large for its path. */
static __always_inline verdict_t fast_send(ctx_t *ctx, struct fast_headers *h, const struct fast_action *to,
					   const struct flow_path *path, struct fwd_out *fwd)
{
	if (path->verdict == FWD_UPLINK && ctx_segment_len(ctx, h->ip_len, h->headers) > path->mtu)
		return FWD_NEXT;
	fwd->ifindex = path->ifindex;
	fwd->nexthop = path->on_link ? to->dst : path->nexthop;
	fwd->counter = to->counter;
	return fast_rewrite(ctx, h, to, path);
}

/* The flow of a packet, updated; NULL: none, or the slow path has to look at it. */
static __always_inline struct flow *fast_flow_get(ctx_t *ctx, const struct fast_headers *h,
						  const struct flow_key *key, const struct config *cfg)
{
	struct flow *f = ct_lookup(key);
	struct pkt *p = pkt_scratch_get();

	if (!f || !p || nat_is_further_peer(f, key))
		return NULL;
	p->out_of_window = 0;
	p->tcp_flags = 0;
	p->edge = 0;
	if (fast_is_tcp(h)) {
		p->tcp_flags = h->l4.tcp.flags;
		/* the host's conntrack is to know of it (nat/policy.h) */
		if (ask_word(f).state != ASK_UNKNOWN && p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST))
			return NULL;
		p->l4 = LINK_HLEN + IP_MIN_HLEN;
		p->l4_hlen = h->headers - IP_MIN_HLEN;
		tcp_option_scale(ctx, p);
		p->seq = __builtin_bswap32(h->l4.tcp.seq);
		p->ack = __builtin_bswap32(h->l4.tcp.ack);
		p->edge = tcp_edge(p->seq, p->ack, __builtin_bswap16(h->l4.tcp.window), p->tcp_flags);
	}
	return ct_update(f, p, cfg) && !p->out_of_window ? f : NULL;
}

/* Both ports, as they lie in a packet. */
static __always_inline __be32 ports_of(__u16 sport_h, __u16 dport_h)
{
	return (union l4_words){
		.sport = __builtin_bswap16(sport_h), .dport = __builtin_bswap16(dport_h)
	}.ports;
}

/* Find the action for a packet by the flow table: in h->action, and kept at e. False: the slow path decides. */
static __always_inline _Bool fast_by_flow(ctx_t *ctx, struct fast_headers *h, const struct config *cfg, __u16 zone,
					  struct flow_cache_entry *e)
{
	struct flow_key key = fast_key(h, zone);
	struct flow *f = fast_flow_get(ctx, h, &key, cfg);
	struct nat_tuple t;

	if (!f || (f->to != TO_PORT && (f->to != TO_UPLINK || zone == EBPFNET_ZONE_OUTSIDE)))
		return 0;
	h->zone = zone;
	h->action.path = path_of(ctx, h, f);
	if (h->action.path >= EBPFNET_PATHS)
		return 0;
	t = nat_translate(f, &key);
	h->action.src = addr_be32(t.src);
	h->action.dst = addr_be32(t.dst);
	h->action.ports = ports_of(t.sport_h, t.dport_h);
	h->action.counter = translate_counter(f);
	flow_cache_fill(e, h, ctx->ifindex, f, &key);
	return 1;
}

/* Forward a routed packet of a zone. */
static __always_inline verdict_t fast_l3(ctx_t *ctx, struct fast_headers *h, const struct config *cfg, __u16 zone,
					 struct fwd_out *fwd)
{
	const struct fast_action *action;
	struct flow_cache_entry *e;
	struct flow_path *path;
	__u32 at;

	if (h->ip.ttl <= 1 || h->ip.src == h->ip.dst || !fast_ip_csum_ok(h))
		return FWD_NEXT;
	e = flow_cache_at(h);
	if (!e)
		return FWD_NEXT;
	if (flow_cache_valid(e, h, ctx->ifindex))
		action = &e->action;
	else if (fast_by_flow(ctx, h, cfg, zone, e))
		action = &h->action;
	else
		return FWD_NEXT;
	at = action->path;
	path = bpf_map_lookup_elem(&paths, &at);
	return path ? fast_send(ctx, h, action, path, fwd) : FWD_NEXT;
}

/* A packet to the gateway's address: to the host, unless it may be of a flow or for a published port. */
static __always_inline verdict_t fast_to_host(const struct fast_headers *h, const struct config *cfg,
					      const struct network *net, __u16 zone, struct fwd_out *fwd)
{
	struct flow_key key = fast_key(h, zone);

	if (!fast_ip_csum_ok(h) || !device_running(net->gw_ifindex) ||
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

/* Read the headers, and sample the stamp before anything is looked up by them. False: to the slow path. */
static __always_inline _Bool fast_begin(ctx_t *ctx, struct fast_headers *h, const struct config *cfg)
{
	if (!fast_headers_read(ctx, h))
		return 0;
	h->stamp = cache_stamp_of_packet(cfg);
	return h->stamp;
}

/* A frame from a port, or at the gateway's egress from the host. FWD_NEXT: to the slow path. */
static __always_inline verdict_t fast_port_verdict(ctx_t *ctx, struct fwd_out *fwd)
{
	struct config *cfg = config_get();
	struct fast_headers *h = fast_scratch_get();
	struct l2_cache_entry *e;
	struct network *net;

	if (!cfg || !h || !fast_begin(ctx, h, cfg))
		return FWD_NEXT;
	e = l2_cache_at(h->mac);
	if (!e || !l2_cache_valid(e, h->mac, ctx->ifindex, h->stamp))
		return FWD_NEXT;
	if (HOOK_IS_EGRESS && cfg->has_rules && fast_is_tcp(h) && h->l4.tcp.flags & TCP_RST)
		return FWD_NEXT; /* it may answer a copy (nat/ask.h) */
	if (!HOOK_IS_EGRESS && (e->src != h->ip.src || !fast_csum_is_own(ctx, h)))
		return FWD_NEXT;
	if (e->to) {
		fwd->ifindex = e->to;
		fwd->counter = COUNT_switched;
		return HOOK_IS_EGRESS && !veth_takes(ctx, e->to) ? FWD_NEXT : FWD_PORT;
	}
	net = HOOK_IS_EGRESS ? NULL : network_get(e->net);
	if (!net)
		return FWD_NEXT;
	return h->ip.dst == addr_be32(net->gateway) ? fast_to_host(h, cfg, net, e->net, fwd) :
						      fast_l3(ctx, h, cfg, e->net, fwd);
}

static __always_inline verdict_t fast_uplink_verdict(ctx_t *ctx, struct fwd_out *fwd)
{
	struct config *cfg = config_get();
	struct fast_headers *h = fast_scratch_get();

	if (!cfg || !h || !ctx_is_for_us(ctx) || !fast_begin(ctx, h, cfg))
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
