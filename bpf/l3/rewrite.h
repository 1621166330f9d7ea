/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Rewrite addresses, ports, TTL and MACs. Checksums are updated, not recomputed (RFC 1624, RFC 3022 4.2): a
 * wrong checksum stays wrong.
 *
 * Packet bytes are written here and in icmp_xlate.h, icmp_send.h, l2/arp.h, fast/fastpath.h, frag/frag_output.h
 * and frag/reinject.h (a rule of tests/style).
 */
#ifndef EBPFNET_BPF_L3_REWRITE_H
#define EBPFNET_BPF_L3_REWRITE_H

#include <ebpfnet/core/nat.h>
#include <ebpfnet/core/parse.h>
#include "kern/ctx_tc.h"
#include "kern/link_header.h"
#include "kern/verdict.h"

/* The IP header from TTL to destination: the part that changes, for a single store. */
struct ip_tail {
	__u8 ttl, proto;
	__sum16 check;
	struct ipaddr src, dst;
};

/* Difference (csum.h) that translated addresses make. */
static __always_inline __u64 nat_addr_diff(const struct flow_key *from, const struct nat_tuple *to)
{
	return csum_diff32(addr_be32(from->src), addr_be32(to->src)) +
	       csum_diff32(addr_be32(from->dst), addr_be32(to->dst));
}

/* Difference that a changed TTL makes to the IP header checksum. */
static __always_inline __u64 ttl_diff(__u8 from, __u8 to)
{
	return csum_diff16(__builtin_bswap16(from << 8), __builtin_bswap16(to << 8));
}

/* Write the IP header of a routed or translated packet, and trim Ethernet padding. */
static __always_inline verdict_t rewrite_ip(ctx_t *ctx, const struct pkt *p,
					    const struct nat_tuple *to, __u8 ttl)
{
	__u64 diff = nat_addr_diff(&p->key, to) + ttl_diff(p->ttl, ttl);
	struct ip_tail tail = {
		.ttl = ttl,
		.proto = p->key.proto,
		.check = csum_apply(p->ip_check, diff),
		.src = to->src,
		.dst = to->dst,
	};

	return ctx_trim(ctx, LINK_HLEN + p->ip_len) || ctx_store(ctx, LINK_HLEN + 8, &tail, sizeof(tail)) ?
		       DROP(helper_failed) : FWD_NEXT;
}

/* TCP, UDP: write both ports. */
static __always_inline verdict_t rewrite_ports(ctx_t *ctx, const struct pkt *p,
					       const struct nat_tuple *to)
{
	/* UDP: an absent checksum stays absent, and one that becomes 0 is sent as 0xffff (RFC 768) */
	__u64 flags = p->key.proto == L4_UDP ? BPF_F_MARK_MANGLED_0 : 0;
	__u32 check = p->l4 + (p->key.proto == L4_UDP ? 6 : 16);
	__be16 old[2] = { __builtin_bswap16(p->key.sport_h), __builtin_bswap16(p->key.dport_h) };
	__be16 new[2] = { __builtin_bswap16(to->sport_h), __builtin_bswap16(to->dport_h) };
	__u64 diff = csum_diff16(old[0], new[0]) + csum_diff16(old[1], new[1]);

	if (ctx_csum_pseudo(ctx, check, csum_fold32(nat_addr_diff(&p->key, to)), flags))
		return DROP(helper_failed);
	if (old[0] == new[0] && old[1] == new[1])
		return FWD_NEXT;
	if (ctx_csum(ctx, check, csum_fold32(diff), flags) || ctx_store(ctx, p->l4, new, sizeof(new)))
		return DROP(helper_failed);
	return FWD_NEXT;
}

/* ICMP query: write the identifier. */
static __always_inline verdict_t rewrite_identifier(ctx_t *ctx, const struct pkt *p,
						    const struct nat_tuple *to)
{
	__be16 old = __builtin_bswap16(p->key.sport_h), new = __builtin_bswap16(to->sport_h);

	if (old == new)
		return FWD_NEXT;
	if (ctx_csum(ctx, p->l4 + 2, csum_fold32(csum_diff16(old, new)), 0) ||
	    ctx_store(ctx, p->l4 + 4, &new, sizeof(new)))
		return DROP(helper_failed);
	return FWD_NEXT;
}

/* Write another tuple and TTL. FWD_NEXT, or DROP(helper_failed). */
static __always_inline verdict_t rewrite_tuple(ctx_t *ctx, const struct pkt *p,
					       const struct nat_tuple *to, __u8 ttl)
{
	verdict_t v = rewrite_ip(ctx, p, to, ttl);

	if (v != FWD_NEXT)
		return v;
	if (p->kind == PKT_PORTS)
		return rewrite_ports(ctx, p, to);
	if (p->kind == PKT_QUERY)
		return rewrite_identifier(ctx, p, to);
	return FWD_NEXT;
}

/* Write another tuple, and note it in *p, as if the packet had come with it. FWD_NEXT, or DROP(helper_failed). */
static __always_inline verdict_t rewrite_as(ctx_t *ctx, struct pkt *p, const struct nat_tuple *to)
{
	verdict_t v = rewrite_tuple(ctx, p, to, p->ttl);

	p->ip_check = csum_apply(p->ip_check, nat_addr_diff(&p->key, to));
	p->key.src = to->src;
	p->key.dst = to->dst;
	p->key.sport_h = to->sport_h;
	p->key.dport_h = to->dport_h;
	return v;
}

/* Write the Ethernet addresses. FWD_NEXT, or DROP(helper_failed). */
static __always_inline verdict_t rewrite_macs(ctx_t *ctx, const __u8 *dmac, const __u8 *smac)
{
	return link_header_write(ctx, dmac, smac) ? DROP(helper_failed) : FWD_NEXT;
}

#endif
