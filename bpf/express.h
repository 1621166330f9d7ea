/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The express lane: a packet that is like one that went through all stages a moment ago goes the same way
 * by its notes (note.h), past every look-up of theirs.
 *
 * What is out of the ordinary, or fails a check, is left to the stages: nothing is dropped here.
 */
#ifndef EBPFNET_BPF_EXPRESS_H
#define EBPFNET_BPF_EXPRESS_H

#include "brief.h"
#include "flow_note.h"
#include "frame_note.h"
#include "rewrite.h"

/* What a packet becomes: its first bytes. Its two checksums are the old ones plus these differences (csum.h). */
struct express_head {
	__u16 unused;			/* so that the rest is where it belongs */
	__u16 mac[6];
	__be16 eth_type;
	union ip_words ip;
	union l4_words l4;
};

/*
 * The transport checksum of the new packet, in the bytes that are about to be written; false: there is more to it
 * than these, and the kernel has to do it.
 */
static __always_inline _Bool head_sum_l4(ctx_t *ctx, struct express_head *h, __u64 pseudo, __u64 ports)
{
	__u8 summed = ctx_summed(ctx);
	__sum16 check = h->ip.proto == L4_TCP ? h->l4.tcp.check : h->l4.udp.check;

	if (summed == CHECKSUM_COMPLETE)
		return 0;
	if (h->ip.proto == L4_UDP && !check) /* none stays none (RFC 768) */
		return 1;
	check = summed == CHECKSUM_PARTIAL ? csum_fold16(check + pseudo) : csum_apply(check, pseudo + ports);
	if (h->ip.proto == L4_TCP)
		h->l4.tcp.check = check;
	else
		h->l4.udp.check = check ? check : 0xffff;
	return 1;
}

/* As rewrite.h does it, in one store. */
static __always_inline verdict_t express_rewrite(ctx_t *ctx, const struct brief *b, const struct flow_note *n)
{
	__u64 pseudo = csum_diff32(b->ip.src, n->to_src) + csum_diff32(b->ip.dst, n->to_dst);
	__u64 ports = csum_diff32(b->l4.ports, n->to_ports);
	__u64 flags = brief_is_tcp(b) ? 0 : BPF_F_MARK_MANGLED_0;
	__u32 check = ETH_HLEN + IP_MIN_HLEN + (brief_is_tcp(b) ? 16 : 6);
	__u32 l4_len = brief_is_tcp(b) ? 20 : 8;
	_Bool same_ports = b->l4.ports == n->to_ports, summed;
	verdict_t v = n->verdict == UPLINK ? UPLINK : DELIVER;
	struct express_head head = { .ip = b->ip, .l4 = b->l4 };
	long failed;

	head.ip.ttl--;
	head.ip.check = csum_apply(b->ip.check, pseudo + ttl_diff(b->ip.ttl, head.ip.ttl));
	head.ip.src = n->to_src;
	head.ip.dst = n->to_dst;
	head.l4.ports = n->to_ports;
	summed = head_sum_l4(ctx, &head, pseudo, ports);
	if (v == UPLINK) {
		failed = ctx_store(ctx, ETH_HLEN + 8, &head.ip.ttl, IP_MIN_HLEN - 8 + l4_len);
	} else {
		mac_copy((__u8 *)head.mac, (__u8 *)n->to_mac);
		mac_copy((__u8 *)head.mac + 6, (__u8 *)n->to_mac + 6);
		head.eth_type = __builtin_bswap16(ETH_P_IP);
		failed = ctx_store(ctx, 0, &head.mac, ETH_HLEN + IP_MIN_HLEN + l4_len);
	}
	if (!failed && !summed)
		failed = ctx_csum_pseudo(ctx, check, csum_fold32(pseudo), flags) ||
			 (!same_ports && ctx_csum(ctx, check, csum_fold32(ports), flags));
	return failed ? DROP(helper_failed) : v;
}

/* Whether the note of a packet's flow holds. */
static __always_inline _Bool express_holds(ctx_t *ctx, const struct brief *b, const struct flow_note *n,
					   const struct config *cfg)
{
	struct conn *c = conn_get(n->slot);
	__u32 clock;

	if (n->tick != note_tick() || n->gen != cfg->gen || !c || conn_word(c).word != n->word ||
	    (b->edge && !tcp_edge_covers(n->edge, b->edge, n->scale)))
		return 0;
	if (n->verdict != UPLINK)
		return device_is_there_still(ctx, n->to_ifindex, n->clock);
	return ctx_segment_len(ctx, b->ip_len, b->headers) <= n->mtu && route_clock(ctx, &clock) &&
	       clock == n->clock;
}

/* A packet that is to be routed. */
static __always_inline verdict_t express_packet(ctx_t *ctx, const struct brief *b, const struct config *cfg,
						struct way *way)
{
	struct flow_note *n = flow_note_at(b->ip.src, b->ip.dst, b->l4.ports);

	if (!n || !b->plain || b->ip.ttl <= 1 ||
	    !flow_note_is_of(n, b->ip.src, b->ip.dst, b->l4.ports, b->ip.proto, b->ip.tos & IP_DSCP, ctx->ifindex) ||
	    !express_holds(ctx, b, n, cfg) || !brief_sum_ok(b))
		return NEXT;
	way->ifindex = n->to_ifindex;
	way->nexthop = n->nexthop;
	way->count = n->count;
	return express_rewrite(ctx, b, n);
}

/*
 * A packet of a namespace to the host itself, by the gateway's address: unless it is of a flow, or for a published
 * port, nothing is done to it.
 */
static __always_inline verdict_t express_to_host(const struct brief *b, const struct config *cfg, __u32 net_id,
						 struct way *way)
{
	struct network *net = network_get(net_id);
	struct flow_key key = {
		.src = addr_of(b->ip.src),
		.dst = addr_of(b->ip.dst),
		.sport_h = __builtin_bswap16(b->l4.sport),
		.dport_h = __builtin_bswap16(b->l4.dport),
		.net = net_id,
		.proto = b->ip.proto,
	};

	if (!net || addr_be32(net->gateway) != b->ip.dst || !brief_sum_ok(b))
		return NEXT;
	if (cfg->published && (port_is_published(key.proto, key.dport_h) || ct_lookup(&key)))
		return NEXT;
	way->ifindex = net->gw_ifindex;
	way->count = COUNT_to_host;
	return GATEWAY;
}

/* A frame of a station of the switch. NEXT: through all stages with it. */
__noinline verdict_t express_station(ctx_t *ctx, struct way *way)
{
	struct config *cfg = config_get();
	struct frame_note *n;
	struct brief b;
	verdict_t v;

	if (!way || !cfg || !brief_read(ctx, &b))
		return NEXT;
	n = frame_note_at(b.mac);
	if (!n || !frame_note_is_of(n, b.mac, ctx->ifindex, cfg))
		return NEXT;
	if (HOOK_IS_EGRESS ? !n->to : n->src != b.ip.src)
		return NEXT;
	if (!n->to) {
		v = express_packet(ctx, &b, cfg, way);
		return v == NEXT ? express_to_host(&b, cfg, n->net, way) : v;
	}
	if (!device_is_there_still(ctx, n->to, n->clock))
		return NEXT;
	way->ifindex = n->to;
	way->count = COUNT_switched;
	return DELIVER;
}

/* A frame from outside. */
__noinline verdict_t express_outside(ctx_t *ctx, struct way *way)
{
	struct config *cfg = config_get();
	struct brief b;

	if (!way || !cfg || !ctx_to_us(ctx) || !brief_read(ctx, &b))
		return NEXT;
	return express_packet(ctx, &b, cfg, way);
}

#endif
