/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A datagram that is too big for its way and may be cut (RFC 791, RFC 1812 4.2.2.7): its pieces come in
 * again in its place, and are then what any sender's pieces are. The kernel cuts nothing at this hook.
 */
#ifndef EBPFNET_BPF_CUT_H
#define EBPFNET_BPF_CUT_H

#include "again.h"
#include "check.h"
#include "hand.h"
#include "lookup.h"
#include "pieces.h"
#include "verdict.h"

struct cutting {
	ctx_t *ctx;
	struct again_desk *desk;
};

/* The header of the next piece. */
static __always_inline void cut_header(struct cut *c)
{
	_Bool last = c->done + c->now == c->len;
	__s64 sum;

	*(__be16 *)(c->ip + 2) = __builtin_bswap16(c->ihl + c->now);
	*(__be16 *)(c->ip + 6) = __builtin_bswap16(cut_frag(c->frag, c->done, last));
	*(__sum16 *)(c->ip + 10) = 0;
	/* what lies behind the options is zero */
	sum = bpf_csum_diff(NULL, 0, (__be32 *)c->ip, sizeof(c->ip), 0);
	*(__sum16 *)(c->ip + 10) = ~csum_fold16((__u32)sum);
}

/* bpf_loop callback: an octet of the options for the pieces behind the first. */
static long cut_option(__u32 i, struct cutting *cutting)
{
	struct cut *c = &cutting->desk->cut;

	return !cut_options(c->ip + IP_MIN_HLEN, i, c->ihl - IP_MIN_HLEN, &c->option);
}

/*
 * Writes the next piece. What bounds its parts is said of what has just been read, where Linux 6.1's
 * verifier sees it: a register that has been away on the stack it knows nothing of.
 */
static __noinline int cut_write(ctx_t *ctx, struct again_desk *desk)
{
	struct cut *c = &desk->cut;
	__u32 len, done, ihl = c->ihl;

	if (ctx_resize(ctx, ETH_HLEN + ihl + c->now) || OUTSIDE(ihl, IP_MIN_HLEN, sizeof(c->ip)) ||
	    ctx_store_body(ctx, ETH_HLEN, c->ip, ihl))
		return -1;
	len = ((c->now - 1) & (AGAIN_PART - 1)) + 1;
	done = c->done & 0xffff;
	OPAQUE(len);
	OPAQUE(done);
	return ctx_store_body(ctx, ETH_HLEN + c->ihl, desk->bytes + done, len);
}

/* bpf_loop callback: a piece. */
static long cut_one(__u32 i, struct cutting *cutting)
{
	struct cut *c = &cutting->desk->cut;

	if (c->done >= c->len)
		return 1;
	c->now = c->len - c->done;
	if (c->now > c->size)
		c->now = c->size;
	if (i == 1 && c->ihl > IP_MIN_HLEN)
		bpf_loop(IPOPTS_MAX, cut_option, cutting, 0);
	cut_header(c);
	if (cut_write(cutting->ctx, cutting->desk))
		return 1;
	ctx_copy_again(cutting->ctx);
	c->done += c->now;
	return 0;
}

/*
 * The transport checksum, if the device was to finish it: then there is the sum of the pseudo header and
 * nothing else in its place. One that is wrong stays so, but for one in 65,536.
 */
static __always_inline int cut_finish_sum(ctx_t *ctx, const struct pkt *p)
{
	__u32 at = p->l4 + (p->key.proto == L4_UDP ? 6 : 16), len = p->ip_len - p->ihl;
	__u64 pseudo = (__u64)addr_be32(p->key.src) + addr_be32(p->key.dst) +
		       __builtin_bswap16(p->key.proto) + __builtin_bswap16(len);
	__sum16 check;
	int sum;

	if (p->kind != PKT_PORTS || p->frag & IP_PIECE)
		return 0;
	if (ctx_load(ctx, at, &check, sizeof(check)))
		return -1;
	if (!check || check != csum_fold16(pseudo))
		return 0;
	sum = check_sum_of(ctx, p->l4, len);
	check = ~sum;
	if (!check && p->key.proto == L4_UDP)
		check = 0xffff;
	return sum < 0 ? -1 : ctx_store(ctx, at, &check, sizeof(check));
}

/* The packet, on the desk. */
static __always_inline int cut_load(ctx_t *ctx, const struct pkt *p, struct again_desk *desk)
{
	struct cut *c = &desk->cut;
	__u32 ihl = c->ihl, len = ((c->len - 1) & 0xffff) + 1;

	__builtin_memset(c->ip, 0, sizeof(c->ip));
	OPAQUE(len);
	if (OUTSIDE(ihl, IP_MIN_HLEN, sizeof(c->ip)))
		return -1;
	return ctx_load(ctx, ETH_HLEN, c->ip, ihl) || ctx_load(ctx, ETH_HLEN + ihl, desk->bytes, len);
}

static __always_inline verdict_t cut_on(ctx_t *ctx, const struct pkt *p, __u32 mtu,
					struct again_desk *desk)
{
	struct cutting cutting = { ctx, desk };
	struct cut *c = &desk->cut;

	c->ihl = p->ihl;
	c->size = cut_size(mtu, p->ihl);
	c->len = p->ip_len - p->ihl;
	c->done = 0;
	c->frag = p->frag;
	c->option = (struct cut_option){};
	if (c->size > AGAIN_PART)
		c->size = AGAIN_PART;
	if (!c->len || c->len > c->size * CUT_PIECES)
		return DROP(too_big);
	if (cut_finish_sum(ctx, p) || cut_load(ctx, p, desk) || ctx_make_room(ctx, c->ihl + 8))
		return DROP(helper_failed);
	bpf_loop(CUT_PIECES, cut_one, &cutting, 0);
	return c->done == c->len ? AGAIN : DROP(helper_failed);
}

/*
 * Cuts the packet, not yet translated, into pieces for that MTU: AGAIN. What the kernel has put together
 * itself (GSO) is a stream's, whose sender is to cut it otherwise.
 */
__noinline verdict_t cut(ctx_t *ctx, __u32 mtu)
{
	struct pkt *p = pkt_get();
	struct again_desk *desk;
	verdict_t v;

	if (!p || ctx->gso_size)
		return DROP(too_big);
	desk = again_begin();
	if (!desk)
		return DROP(too_big);
	v = cut_on(ctx, p, mtu, desk);
	again_end(desk);
	if (v == AGAIN)
		count(COUNT_datagram_cut);
	return v;
}

#endif
