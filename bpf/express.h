/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The express lane, past all stages: for a frame that is switched as one a moment ago was, and a packet of a
 * flow that is known and looks as most do. By its notes (note.h), past every look-up; without one by its flow.
 *
 * What begins a flow, is out of the ordinary, or fails a check, is left to the stages: nothing is dropped here.
 */
#ifndef EBPFNET_BPF_EXPRESS_H
#define EBPFNET_BPF_EXPRESS_H

#include "brief.h"
#include "forward.h"
#include "frame_note.h"
#include "hand.h"
#include "outbound.h"
#include "tcp_option.h"

/*
 * The transport checksum of the new packet, in the bytes that are about to be written; false: there is more to it
 * than these, and the kernel has to do it. pseudo, ports: differences (csum.h).
 */
static __always_inline _Bool express_sum_l4(ctx_t *ctx, struct brief *b, __u64 pseudo, __u64 ports)
{
	__sum16 *check = brief_is_tcp(b) ? &b->l4.tcp.check : &b->l4.udp.check;
	__u8 summed = ctx_summed(ctx);
	__sum16 sum;

	if (summed == CHECKSUM_COMPLETE)
		return 0;
	if (!brief_is_tcp(b) && !*check) /* none stays none (RFC 768) */
		return 1;
	sum = summed == CHECKSUM_PARTIAL ? csum_fold16(*check + pseudo) : csum_apply(*check, pseudo + ports);
	*check = sum || brief_is_tcp(b) ? sum : 0xffff;
	return 1;
}

/* As rewrite.h does it, in one store. */
static __always_inline verdict_t express_rewrite(ctx_t *ctx, struct brief *b, const struct becomes *to)
{
	__u64 pseudo = csum_diff32(b->ip.src, to->src) + csum_diff32(b->ip.dst, to->dst);
	__u64 ports = csum_diff32(b->l4.ports, to->ports);
	__u64 flags = brief_is_tcp(b) ? 0 : BPF_F_MARK_MANGLED_0;
	__u32 check = ETH_HLEN + IP_MIN_HLEN + (brief_is_tcp(b) ? 16 : 6);
	__u32 l4_len = brief_is_tcp(b) ? 20 : 8;
	_Bool same_ports = b->l4.ports == to->ports, summed;
	verdict_t v = to->verdict == UPLINK ? UPLINK : DELIVER;
	long failed;

	b->ip.check = csum_apply(b->ip.check, pseudo + ttl_diff(b->ip.ttl, b->ip.ttl - 1));
	b->ip.ttl--;
	b->ip.src = to->src;
	b->ip.dst = to->dst;
	b->l4.ports = to->ports;
	summed = express_sum_l4(ctx, b, pseudo, ports);
	if (v == UPLINK) {
		failed = ctx_store(ctx, ETH_HLEN + 8, &b->ip.ttl, IP_MIN_HLEN - 8 + l4_len);
	} else {
		mac_copy((__u8 *)b->new_mac, (const __u8 *)to->mac);
		mac_copy((__u8 *)b->new_mac + 6, (const __u8 *)to->mac + 6);
		b->eth_type = __builtin_bswap16(ETH_P_IP);
		failed = ctx_store(ctx, 0, &b->new_mac, ETH_HLEN + IP_MIN_HLEN + l4_len);
	}
	if (!failed && !summed)
		failed = ctx_csum_pseudo(ctx, check, csum_fold32(pseudo), flags) ||
			 (!same_ports && ctx_csum(ctx, check, csum_fold32(ports), flags));
	return failed ? DROP(helper_failed) : v;
}

static __always_inline verdict_t express_send(ctx_t *ctx, struct brief *b, const struct becomes *to,
					      struct way *way)
{
	way->ifindex = to->ifindex;
	way->nexthop = to->nexthop;
	way->count = to->count;
	return express_rewrite(ctx, b, to);
}

/* Whether the note of a packet's flow holds, and for this packet. */
static __always_inline _Bool express_holds(ctx_t *ctx, const struct brief *b, const struct flow_note *n,
					   const struct config *cfg)
{
	struct conn *c = conn_get(n->slot);
	__u32 clock;

	if (!b->plain || n->tick != note_tick() || n->gen != config_gen(cfg) || !c || conn_word(c).word != n->word ||
	    (b->edge && !tcp_edge_covers(n->edge, b->edge, n->scale)))
		return 0;
	if (n->becomes.verdict != UPLINK)
		return device_is_there_still(ctx, n->becomes.ifindex, n->clock);
	return ctx_segment_len(ctx, b->ip_len, b->headers) <= n->becomes.mtu && route_clock(ctx, &clock) &&
	       clock == n->clock;
}

/* The flow of a packet, its state brought up to date; NULL: there is none, or more to it. */
static __always_inline struct flow *express_flow(ctx_t *ctx, const struct brief *b, const struct flow_key *key,
						 const struct config *cfg)
{
	struct flow *f = ct_lookup(key);
	struct pkt *p = pkt_get();

	if (!f || !p || f->gen != (__u16)b->gen || (f->flags & FLOW_ANY_PEER && !nat_is_first_peer(f, key)))
		return NULL;
	p->stray = 0;
	p->tcp_flags = 0;
	p->edge = 0;
	if (brief_is_tcp(b)) {
		p->tcp_flags = b->l4.tcp.flags;
		p->l4 = ETH_HLEN + IP_MIN_HLEN;
		p->l4_hlen = b->headers - IP_MIN_HLEN;
		tcp_option_scale(ctx, p);
		p->seq = __builtin_bswap32(b->l4.tcp.seq);
		p->ack = __builtin_bswap32(b->l4.tcp.ack);
		p->edge = tcp_edge(p->seq, p->ack, __builtin_bswap16(b->l4.tcp.window), p->tcp_flags);
	}
	return ct_see(f, p, cfg) && !p->stray ? f : NULL;
}

/* Out, as the routing table says. False: it is not that simple. */
static __always_inline _Bool express_out(ctx_t *ctx, const struct brief *b, const struct flow *f, struct becomes *to)
{
	__u32 len = ctx_segment_len(ctx, b->ip_len, b->headers);
	struct route route;
	enum route_kind kind;

	kind = route_find(ctx, b->ip.src, b->ip.dst, (__u32)b->dscp << 16 | (len & 0xffff), &route);
	if (kind == ROUTE_DISABLED)
		kind = route_as_before(f, &route);
	to->verdict = UPLINK;
	to->ifindex = route.ifindex;
	to->nexthop = route.nexthop;
	to->mtu = route.mtu;
	return kind == ROUTE_UPLINK && external_is_current(ctx, f, &route);
}

/* Into a namespace. False: it is not there, or who is behind its port has to be looked up. */
static __always_inline _Bool express_in(ctx_t *ctx, const struct flow *f, struct becomes *to)
{
	struct port_memo *memo = port_remember(&ports_to, f->ifindex);
	struct network *net = memo ? network_get(memo->port.net) : NULL;

	if (!net || memo->port.flags & PORT_SPOOF_ALLOW || !port_device_is_there(ctx, memo))
		return 0;
	to->verdict = DELIVER;
	to->ifindex = f->ifindex;
	to->nexthop = 0;
	mac_copy((__u8 *)to->mac, memo->port.mac);
	mac_copy((__u8 *)to->mac + 6, net->gw_mac);
	return 1;
}

static __always_inline __be32 ports_of(__u16 sport_h, __u16 dport_h)
{
	return (union l4_words){
		.sport = __builtin_bswap16(sport_h), .dport = __builtin_bswap16(dport_h)
	}.ports;
}

/* By its flow, of which a note is made. */
static __always_inline verdict_t express_by_flow(ctx_t *ctx, struct brief *b, const struct config *cfg, __u16 zone,
						 struct way *way)
{
	struct flow_key key = brief_key(b, zone);
	struct becomes *to = &b->becomes;
	struct flow_note *n;
	struct nat_tuple t;
	struct flow *f;
	_Bool timed;

	b->gen = config_gen(cfg);
	timed = route_clock(ctx, &b->clock);
	f = express_flow(ctx, b, &key, cfg);
	if (!f)
		return NEXT;
	if (f->to == TO_PORT ? !express_in(ctx, f, to) :
			       f->to != TO_UPLINK || zone == EBPFNET_NET_OUTSIDE || !express_out(ctx, b, f, to))
		return NEXT;
	t = nat_translate(f, &key);
	to->src = addr_be32(t.src);
	to->dst = addr_be32(t.dst);
	to->ports = ports_of(t.sport_h, t.dport_h);
	to->count = translate_count(f);
	if (f->flags & FLOW_STEADY && b->plain && (timed || to->verdict != UPLINK)) {
		n = flow_note_claim(b->hash);
		if (n) {
			flow_note_of(n, b->ip.src, b->ip.dst, b->l4.ports, b->ip.proto, b->dscp, ctx->ifindex);
			flow_note_make(n, f, &key, to, b->gen, b->clock);
		}
	}
	return express_send(ctx, b, to, way);
}

/* A packet that is to be routed, in a zone: by a note, or by its flow. What begins a flow is not for here. */
static __always_inline verdict_t express_packet(ctx_t *ctx, struct brief *b, const struct config *cfg, __u16 zone,
						struct way *way)
{
	struct flow_note *n;

	if (b->ip.ttl <= 1 || b->ip.src == b->ip.dst || !brief_sum_ok(b))
		return NEXT;
	b->hash = flow_note_hash(b->ip.src, b->ip.dst, b->l4.ports);
	n = flow_note_find(b->hash);
	if (n && flow_note_is_of(n, b->ip.src, b->ip.dst, b->l4.ports, b->ip.proto, b->dscp, ctx->ifindex) &&
	    express_holds(ctx, b, n, cfg))
		return express_send(ctx, b, &n->becomes, way);
	return express_by_flow(ctx, b, cfg, zone, way);
}

/*
 * A packet of a namespace to the host itself, by the gateway's address: unless it is of a flow, or for a published
 * port, nothing is done to it.
 */
static __always_inline verdict_t express_to_host(const struct brief *b, const struct config *cfg,
						 const struct network *net, __u16 zone, struct way *way)
{
	struct flow_key key = brief_key(b, zone);

	if (!brief_sum_ok(b) || (cfg->published && (port_is_published(key.proto, key.dport_h) || ct_lookup(&key))))
		return NEXT;
	way->ifindex = net->gw_ifindex;
	way->count = COUNT_to_host;
	return GATEWAY;
}

static __always_inline verdict_t express_from_station(ctx_t *ctx, struct way *way)
{
	struct config *cfg = config_get();
	struct brief *b = brief_get();
	struct frame_note *n;
	struct network *net;

	if (!cfg || !b || !brief_read(ctx, b))
		return NEXT;
	n = frame_note_at(b->mac);
	if (!n || !frame_note_is_of(n, b->mac, ctx->ifindex, config_gen(cfg)))
		return NEXT;
	if (!HOOK_IS_EGRESS && n->src != b->ip.src)
		return NEXT;
	if (n->to) {
		way->ifindex = n->to;
		way->count = COUNT_switched;
		return device_is_there_still(ctx, n->to, n->clock) ? DELIVER : NEXT;
	}
	net = HOOK_IS_EGRESS ? NULL : network_get(n->net);
	if (!net)
		return NEXT;
	return b->ip.dst == addr_be32(net->gateway) ? express_to_host(b, cfg, net, n->net, way) :
						      express_packet(ctx, b, cfg, n->net, way);
}

static __always_inline verdict_t express_from_outside(ctx_t *ctx, struct way *way)
{
	struct config *cfg = config_get();
	struct brief *b = brief_get();

	if (!cfg || !b || !ctx_to_us(ctx) || !brief_read(ctx, b))
		return NEXT;
	return express_packet(ctx, b, cfg, EBPFNET_NET_OUTSIDE, way);
}

/*
 * A frame of a station of the switch, and one from outside. ACTION_NEXT: through all stages with it. Not inline: all
 * that goes by the stages would have the lane's stack as well.
 */
__noinline int express_station(ctx_t *ctx)
{
	struct way way = {};
	verdict_t v = express_from_station(ctx, &way);

	return v == NEXT ? ACTION_NEXT : forward_express(ctx, v, &way);
}

__noinline int express_outside(ctx_t *ctx)
{
	struct way way = {};
	verdict_t v = express_from_outside(ctx, &way);

	return v == NEXT ? ACTION_NEXT : forward_express(ctx, v, &way);
}

#endif
