/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * ICMP errors about translated packets (RFC 5508 section 4): the packet embedded in the error is translated
 * back to what its sender sent, and the error follows that flow.
 */
#ifndef EBPFNET_BPF_L3_ICMP_XLATE_H
#define EBPFNET_BPF_L3_ICMP_XLATE_H

#include "ct/ct_update.h"
#include "l3/ip_check.h"

/* The embedded packet: its tuple as the router that reports it saw it, and its position. */
struct icmp_inner {
	struct flow_key key;	/* its tuple reversed: key of the direction that the error belongs to */
	__u32 ip, l4;		/* offsets of its headers */
	__sum16 ip_check;
	__u16 room;		/* bytes of it from .l4 on that the error carries */
};

/* An error being translated. */
struct icmp_xlate {
	struct icmp_inner in;
	struct nat_tuple outer;	/* translated tuple of the embedded packet, then addresses for its own IP header */
	struct flow flow;	/* copy of the flow that it follows */
};

PERCPU_SCRATCH(struct icmp_xlate, icmp_xlate)

/* Read the embedded packet's headers. FWD_NEXT, or DROP(icmp_error): malformed, or of no flow. */
__noinline verdict_t inner_read(ctx_t *ctx, const struct pkt *p, __u16 zone, struct icmp_inner *in)
{
	__u8 l4[8];
	struct iphdr ip;
	__u8 vihl;

	if (!p || !in)
		return DROP(helper_failed);
	in->ip = p->l4 + 8;
	if (LINK_HLEN + p->ip_len < in->ip + sizeof(ip) + 8 || ctx_load(ctx, in->ip, &ip, sizeof(ip)))
		return DROP(icmp_error);
	vihl = *(__u8 *)&ip;
	in->l4 = in->ip + ((vihl & 0x0f) << 2);
	in->room = LINK_HLEN + p->ip_len - in->l4;
	if (vihl >> 4 != 4 || (vihl & 0x0f) < 5 || LINK_HLEN + p->ip_len < in->l4 + 8 ||
	    (ip.frag_off & __builtin_bswap16(IP_OFFSET)) || ctx_load(ctx, in->l4, l4, sizeof(l4)))
		return DROP(icmp_error);
	in->ip_check = ip.check;
	in->key = (struct flow_key){
		.src = addr_of(ip.daddr),
		.dst = addr_of(ip.saddr),
		.zone = zone,
		.proto = ip.protocol,
	};
	switch (ip.protocol) {
	case L4_TCP:
	case L4_UDP:
		in->key.sport_h = l4[2] << 8 | l4[3];
		in->key.dport_h = l4[0] << 8 | l4[1];
		return FWD_NEXT;
	case L4_ICMP:
		if (!icmp_is_query(l4[0]))
			return DROP(icmp_error);
		in->key.sport_h = in->key.dport_h = l4[4] << 8 | l4[5];
		return FWD_NEXT;
	default: /* protocols without ports */
		return l4_by_address(ip.protocol) ? FWD_NEXT : DROP(icmp_error);
	}
}

/* Replace two bytes and return what that adds to a checksum over them. */
static __always_inline __u64 inner_store16(ctx_t *ctx, __u32 off, __be16 from, __be16 to)
{
	ctx_store(ctx, off, &to, sizeof(to));
	return csum_diff16(from, to);
}

/* Rewrite the embedded ports or identifier, and checksum if present. Returns what that adds to the error's. */
static __always_inline __u64 inner_rewrite_l4(ctx_t *ctx, const struct icmp_inner *in,
					      const struct nat_tuple *to, __u64 addr_diff)
{
	__be16 old_s = __builtin_bswap16(in->key.dport_h), new_s = __builtin_bswap16(to->dport_h);
	__be16 old_d = __builtin_bswap16(in->key.sport_h), new_d = __builtin_bswap16(to->sport_h);
	__u64 l4_diff = csum_diff16(old_s, new_s), sum = 0;
	__u32 at = in->l4 + 6;
	__sum16 check, now;

	if (l4_by_address(in->key.proto))
		return 0;
	if (in->key.proto == L4_ICMP) {
		sum += inner_store16(ctx, in->l4 + 4, old_s, new_s);
		at = in->l4 + 2;
	} else {
		l4_diff += csum_diff16(old_d, new_d) + addr_diff;
		sum += inner_store16(ctx, in->l4, old_s, new_s);
		sum += inner_store16(ctx, in->l4 + 2, old_d, new_d);
		if (in->key.proto == L4_TCP) {
			if (in->room < 18)
				return sum;
			at = in->l4 + 16;
		}
	}
	if (ctx_load(ctx, at, &check, sizeof(check)) || (in->key.proto == L4_UDP && !check))
		return sum;
	now = csum_apply(check, l4_diff);
	if (in->key.proto == L4_UDP && !now) /* RFC 768: 0 means no checksum */
		now = 0xffff;
	return sum + inner_store16(ctx, at, check, now);
}

/* The flow that an error is about, if it is one: FWD_NEXT, with .in and .flow of icmp_xlate_get(). */
__noinline verdict_t icmp_find(ctx_t *ctx, const struct pkt *p, __u16 zone)
{
	struct icmp_xlate *x = icmp_xlate_get();
	struct config *cfg = config_get();
	struct icmp_inner *in;
	struct flow *f;
	verdict_t v;

	if (!x || !cfg || !p)
		return DROP(helper_failed);
	in = &x->in;
	v = inner_read(ctx, p, zone, in);
	if (v != FWD_NEXT)
		return v;
	/* RFC 5508 REQ-3: both checksums must be right */
	if (!csum_packet_ok(ctx, p->l4, LINK_HLEN + p->ip_len - p->l4) ||
	    !csum_packet_ok(ctx, in->ip, in->l4 - in->ip))
		return DROP(icmp_bad_sum);
	/* the error must be addressed to the sender of the embedded packet */
	f = addr_eq(p->key.dst, in->key.dst) ? ct_lookup_live(&in->key, cfg) : NULL;
	if (!f)
		return DROP(icmp_error);
	x->flow = *f;
	return FWD_NEXT;
}

/*
 * Translate its embedded packet in place, and set .outer. The error's source is a router on the path and stays, unless
 * that is the flow's other end, or inside.
 */
__noinline verdict_t icmp_rewrite(ctx_t *ctx, const struct pkt *p, __u16 zone)
{
	struct icmp_xlate *x = icmp_xlate_get();
	struct icmp_inner *in;
	struct nat_tuple *to;
	__u64 addr_diff, sum;
	__sum16 check;
	__be32 addr[2];

	if (!x || !p)
		return DROP(helper_failed);
	in = &x->in;
	to = &x->outer;
	*to = nat_translate(&x->flow, &in->key);
	addr_diff = csum_diff32(addr_be32(in->key.dst), addr_be32(to->dst)) +
		    csum_diff32(addr_be32(in->key.src), addr_be32(to->src));
	sum = addr_diff + inner_rewrite_l4(ctx, in, to, addr_diff);
	check = csum_apply(in->ip_check, addr_diff);
	sum += inner_store16(ctx, in->ip + 10, in->ip_check, check);
	addr[0] = addr_be32(to->dst);
	addr[1] = addr_be32(to->src);
	if (ctx_store(ctx, in->ip + 12, addr, sizeof(addr)) ||
	    ctx_csum(ctx, p->l4 + 2, csum_fold32(sum), 0))
		return DROP(helper_failed);

	if (zone == EBPFNET_ZONE_OUTSIDE && !addr_eq(p->key.src, in->key.src))
		to->src = p->key.src;
	return FWD_NEXT;
}

/* Both: two functions, for a small frame each below their callers'. */
static __always_inline verdict_t icmp_translate(ctx_t *ctx, const struct pkt *p, __u16 zone)
{
	verdict_t v = icmp_find(ctx, p, zone);

	return v == FWD_NEXT ? icmp_rewrite(ctx, p, zone) : v;
}

#endif
