/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Fragments a datagram (DF clear) larger than the egress MTU and re-injects the fragments (RFC 791, RFC 1812
 * 4.2.2.7), which are then handled like any sender's. The kernel does not fragment at this hook.
 */
#ifndef EBPFNET_BPF_FRAG_FRAG_OUTPUT_H
#define EBPFNET_BPF_FRAG_FRAG_OUTPUT_H

#include "kern/scratch.h"
#include "l3/ip_check.h"
#include "frag/reinject.h"

/* Context of the loops below. */
struct frag_out {
	ctx_t *ctx;
	struct reinject_buf *buf;
};

/* Make the header of the next fragment. */
static __always_inline void frag_out_header(struct frag_out_state *st)
{
	_Bool last = st->done + st->now == st->len;
	__s64 sum;

	*(__be16 *)(st->ip + 2) = __builtin_bswap16(st->ihl + st->now);
	*(__be16 *)(st->ip + 6) = __builtin_bswap16(frag_field(st->frag, st->done, last));
	*(__sum16 *)(st->ip + 10) = 0;
	/* bytes behind the options are zero */
	sum = bpf_csum_diff(NULL, 0, (__be32 *)st->ip, sizeof(st->ip), 0);
	*(__sum16 *)(st->ip + 10) = ~csum_fold16((__u32)sum);
}

/* bpf_loop callback: one octet of the options, for the fragments after the first. */
static long frag_out_option(__u32 i, struct frag_out *frag_out)
{
	struct frag_out_state *st = &frag_out->buf->frag_out;

	return !frag_option_octet(st->ip + IP_MIN_HLEN, i, st->ihl - IP_MIN_HLEN, &st->option);
}

/* Write the next fragment. Bounds are checked on fresh loads: Linux 6.1 loses them when a register is spilled. */
static __noinline int frag_out_write(ctx_t *ctx, struct reinject_buf *buf)
{
	struct frag_out_state *st = &buf->frag_out;
	__u32 len, done, ihl = st->ihl;

	if (ctx_resize(ctx, LINK_HLEN + ihl + st->now) || OUTSIDE(ihl, IP_MIN_HLEN, sizeof(st->ip)) ||
	    ctx_store_body(ctx, LINK_HLEN, st->ip, ihl))
		return -1;
	len = ((st->now - 1) & (REINJECT_CHUNK - 1)) + 1;
	done = st->done & 0xffff;
	OPAQUE(len);
	OPAQUE(done);
	return ctx_store_body(ctx, LINK_HLEN + st->ihl, buf->bytes + done, len);
}

/* bpf_loop callback: one fragment. */
static long frag_out_one(__u32 i, struct frag_out *frag_out)
{
	struct frag_out_state *st = &frag_out->buf->frag_out;

	if (st->done >= st->len)
		return 1;
	st->now = st->len - st->done;
	if (st->now > st->size)
		st->now = st->size;
	if (i == 1 && st->ihl > IP_MIN_HLEN)
		bpf_loop(IPOPTS_MAX, frag_out_option, frag_out, 0);
	frag_out_header(st);
	if (frag_out_write(frag_out->ctx, frag_out->buf))
		return 1;
	ctx_reinject_clone(frag_out->ctx);
	st->done += st->now;
	return 0;
}

/*
 * Finish a transport checksum that was left to a device: then its field holds the sum of the pseudo header. A
 * wrong checksum stays wrong, but for 1 in 65,536.
 */
static __always_inline int frag_out_finish_csum(ctx_t *ctx, const struct pkt *p)
{
	__u32 at = p->l4 + (p->key.proto == L4_UDP ? 6 : 16), len = p->ip_len - p->ihl;
	__u64 pseudo = (__u64)addr_be32(p->key.src) + addr_be32(p->key.dst) +
		       __builtin_bswap16(p->key.proto) + __builtin_bswap16(len);
	__sum16 check;
	int sum;

	if (p->kind != PKT_PORTS || p->frag & IP_FRAG_MASK)
		return 0;
	if (ctx_load(ctx, at, &check, sizeof(check)))
		return -1;
	if (!check || check != csum_fold16(pseudo))
		return 0;
	sum = csum_packet(ctx, p->l4, len);
	check = ~sum;
	if (!check && p->key.proto == L4_UDP)
		check = 0xffff;
	return sum < 0 ? -1 : ctx_store(ctx, at, &check, sizeof(check));
}

/* Copy the packet into the buffer. */
static __always_inline int frag_out_load(ctx_t *ctx, const struct pkt *p, struct reinject_buf *buf)
{
	struct frag_out_state *st = &buf->frag_out;
	__u32 ihl = st->ihl, len = ((st->len - 1) & 0xffff) + 1;

	__builtin_memset(st->ip, 0, sizeof(st->ip));
	OPAQUE(len);
	if (OUTSIDE(ihl, IP_MIN_HLEN, sizeof(st->ip)))
		return -1;
	return ctx_load(ctx, LINK_HLEN, st->ip, ihl) || ctx_load(ctx, LINK_HLEN + ihl, buf->bytes, len);
}

/* FWD_STOLEN, or DROP(reason). */
static __always_inline verdict_t frag_out_all(ctx_t *ctx, const struct pkt *p, __u32 mtu, struct reinject_buf *buf)
{
	struct frag_out frag_out = { ctx, buf };
	struct frag_out_state *st = &buf->frag_out;

	st->ihl = p->ihl;
	st->size = frag_payload_size(mtu, p->ihl);
	st->len = p->ip_len - p->ihl;
	st->done = 0;
	st->frag = p->frag;
	st->option = (struct frag_option){};
	if (st->size > REINJECT_CHUNK)
		st->size = REINJECT_CHUNK;
	if (!st->len || st->len > st->size * FRAGS_MAX)
		return DROP(too_big);
	if (frag_out_finish_csum(ctx, p) || frag_out_load(ctx, p, buf) || ctx_reset_l3(ctx, st->ihl + 8))
		return DROP(helper_failed);
	bpf_loop(FRAGS_MAX, frag_out_one, &frag_out, 0);
	return st->done == st->len ? FWD_STOLEN : DROP(helper_failed);
}

/* Fragment the packet, not yet translated and not GSO, for an MTU: FWD_STOLEN. */
__noinline verdict_t ip_fragment(ctx_t *ctx, __u32 mtu)
{
	struct pkt *p = pkt_scratch_get();
	struct reinject_buf *buf;
	verdict_t v;

	if (!p || ctx->gso_size)
		return DROP(too_big);
	buf = reinject_buf_get();
	if (!buf)
		return DROP(too_big);
	v = frag_out_all(ctx, p, mtu, buf);
	reinject_buf_put(buf);
	if (v == FWD_STOLEN)
		count(COUNT_frag_created);
	return v;
}

#endif
