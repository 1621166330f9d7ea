/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* ICMP errors of a router (RFC 792, RFC 1812 section 4.3): the packet is rewritten into the error about itself. */
#ifndef EBPFNET_BPF_L3_ICMP_SEND_H
#define EBPFNET_BPF_L3_ICMP_SEND_H

#include "kern/lookup.h"
#include "l3/rewrite.h"

#define ICMP_PER_SECOND 1000 /* errors per budget and CPU: icmp_ratelimit does not apply to ours */
#define ICMP_TTL 64

struct icmp_hdr {
	__u8 type, code;
	__sum16 check;
	__be16 unused, mtu; /* mtu: RFC 1191 */
};

#define ICMP_INNER_MAX 68 /* an IP header with options, and 8 bytes of payload */

/* The error behind its link-layer header. */
struct icmp_error {
	struct {
		__u8 vihl, tos;
		__be16 len;
		__be16 id, frag;
		struct ip_tail tail;
	} ip;
	struct icmp_hdr icmp;
	__u8 inner[ICMP_INNER_MAX];
};

/* The budget that an error to a sender counts against: a namespace has its own. */
static __always_inline __u32 icmp_budget_of(const struct pkt *p)
{
	if (p->key.zone == EBPFNET_ZONE_OUTSIDE)
		return 0;
	return 1 + address_hash(p->key.src, p->key.zone) % (ICMP_BUDGETS - 1);
}

/* Count an error to the sender of a packet. False: too many this second. */
static __always_inline _Bool icmp_within_budget(const struct pkt *p)
{
	__u32 at = icmp_budget_of(p), now = now_s();
	struct icmp_budget *b = bpf_map_lookup_elem(&icmp_budget, &at);

	if (!b)
		return 0;
	if (b->second != now) {
		b->second = now;
		b->sent = 0;
	}
	return b->sent++ < ICMP_PER_SECOND;
}

/* RFC 1812 4.3.2.7: no errors about errors, later fragments, groups, or packets without a valid source. */
static __always_inline _Bool icmp_may_answer(const struct pkt *p)
{
	return p->kind != PKT_ERROR && p->kind != PKT_FRAG && !mac_group(p->dmac) &&
	       !addr_martian_source(p->key.src) && !addr_group(p->key.dst) &&
	       !(p->key.proto == L4_ICMP && p->kind == PKT_OTHER);
}

/* Parameters of an error. */
struct icmp_params {
	__u8 type, code;
	__u16 mtu;		/* ICMP_FRAG_NEEDED: MTU of the next hop (RFC 1191) */
	struct ipaddr from;	/* source of the error */
};

/* Rewrite an untranslated packet into an ICMP error to its sender: FWD_TX. FWD_NEXT: none may be sent. */
__noinline verdict_t icmp_send(ctx_t *ctx, const struct pkt *p, const struct icmp_params *err)
{
	struct icmp_error e = {};
	__u32 inner, len;
	__s64 sum;

	if (!p || !err)
		return FWD_NEXT;
	inner = p->ihl + 8;
	if (!icmp_may_answer(p))
		return FWD_NEXT;
	/* path MTU discovery depends on each error, and Linux does not limit these either */
	if (!(err->type == ICMP_DEST_UNREACH && err->code == ICMP_FRAG_NEEDED) && !icmp_within_budget(p)) {
		count(COUNT_icmp_limited);
		return FWD_NEXT;
	}
	if (inner < 28 || inner > ICMP_INNER_MAX)
		return FWD_NEXT;
	OPAQUE(inner);
	if (inner < 28 || inner > ICMP_INNER_MAX || ctx_load(ctx, LINK_HLEN, e.inner, inner))
		return FWD_NEXT;
	len = sizeof(e.ip) + sizeof(e.icmp) + inner;

	e.icmp.type = err->type;
	e.icmp.code = err->code;
	e.icmp.mtu = __builtin_bswap16(err->mtu);
	/* bytes behind the embedded packet are zero and do not change the sum */
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&e.icmp, sizeof(e.icmp) + sizeof(e.inner), 0);
	e.icmp.check = ~csum_fold16((__u32)sum);

	e.ip.vihl = 0x45;
	e.ip.tos = (p->tos & 0x1e) | 0xc0; /* RFC 1812 4.3.2.5: internetwork control */
	e.ip.len = __builtin_bswap16(len);
	e.ip.tail.ttl = ICMP_TTL;
	e.ip.tail.proto = L4_ICMP;
	e.ip.tail.src = err->from;
	e.ip.tail.dst = p->key.src;
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&e.ip, sizeof(e.ip), 0);
	e.ip.tail.check = ~csum_fold16((__u32)sum);

	if (ctx_reset_l3(ctx, len))
		return DROP(helper_failed);
	OPAQUE(len);
	if (len < 56 || len > sizeof(e) || ctx_store(ctx, LINK_HLEN, &e, len))
		return DROP(helper_failed);
	if (LINK_HLEN && rewrite_macs(ctx, p->smac, p->dmac) != FWD_NEXT)
		return DROP(helper_failed);
	return FWD_TX;
}

/*
 * Refuse a packet with an ICMP error: FWD_TX or, where none may be sent, the drop reason, one of EBPFNET_ANSWERABLE.
 * The packet is counted by its reason in either case.
 */
static __always_inline verdict_t icmp_refuse(ctx_t *ctx, const struct pkt *p, struct icmp_params err,
					     verdict_t reason, struct fwd_out *fwd)
{
	verdict_t v = icmp_send(ctx, p, &err);

	if (v == FWD_NEXT)
		return reason;
	fwd->counter = -reason + EBPFNET_REFUSED;
	return v;
}

/* Refuse a packet whose TTL has run out. from: source of the error. */
static __always_inline verdict_t ttl_exceeded(ctx_t *ctx, const struct pkt *p, struct ipaddr from,
					      struct fwd_out *fwd)
{
	struct icmp_params err = { .type = ICMP_TIME_EXCEEDED, .from = from };

	return icmp_refuse(ctx, p, err, DROP(ttl_exceeded), fwd);
}

#endif
