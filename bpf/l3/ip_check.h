/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Checks beyond parsing (RFC 1812 section 5): IP header checksum, addresses, options; checksums over packets. */
#ifndef EBPFNET_BPF_L3_IP_CHECK_H
#define EBPFNET_BPF_L3_IP_CHECK_H

#include <ebpfnet/core/parse.h>
#include "kern/ctx_tc.h"
#include "kern/maps.h"
#include "kern/verdict.h"

/* True for a packet with a source route (RFC 7126 section 4), and for options that do not parse. */
__noinline int has_source_route(ctx_t *ctx, const struct pkt *p)
{
	__u32 at = LINK_HLEN + IP_MIN_HLEN;
	__u8 option[2];
	int i;

	if (!p)
		return 1;
	for (i = 0; i < 40 && at < p->l4; i++) {
		/* the packet may end with its header, and the last option be a single byte */
		if (ctx_load(ctx, at, option, at + 1 < p->l4 ? 2 : 1))
			return 1;
		if (option[0] == IPOPT_END)
			return 0;
		if (option[0] == IPOPT_NOOP) {
			at++;
			continue;
		}
		if (option[0] == IPOPT_LSRR || option[0] == IPOPT_SSRR || at + 1 >= p->l4 ||
		    option[1] < 2)
			return 1;
		at += option[1];
	}
	return at > p->l4;
}

/* True if the checksum of the IP header is right. Not inlined: the verifier checks the loop over options once. */
__noinline int ip_sum_ok(ctx_t *ctx, __u32 ihl)
{
	return ip_header_sum_ok(ctx_data(ctx), ctx_data_end(ctx), ihl);
}

/* Checks before a packet of a namespace is forwarded (RFC 1812 section 5.2.2, 5.3.7). */
__noinline verdict_t ip_check_forward(ctx_t *ctx, const struct pkt *p, const struct network *net)
{
	if (!p || !net)
		return DROP(helper_failed);
	if (!ip_sum_ok(ctx, p->ihl))
		return DROP(bad_checksum);
	if (addr_martian_source(p->key.src) || addr_martian_dest(p->key.dst))
		return DROP(martian);
	if (addr_eq(p->key.dst, net->broadcast))
		return DROP(directed_broadcast);
	if (p->ihl > IP_MIN_HLEN && has_source_route(ctx, p))
		return DROP(ip_option);
	return FWD_NEXT;
}

/* Checks of a packet that arrived for the host. The kernel's own input makes them, too. routed: not over lo. */
static __always_inline verdict_t ip_check_input(ctx_t *ctx, const struct pkt *p, _Bool routed)
{
	if (!ip_sum_ok(ctx, p->ihl))
		return DROP(bad_checksum);
	return routed && p->ihl > IP_MIN_HLEN && has_source_route(ctx, p) ? DROP(ip_option) : FWD_NEXT;
}

#define CSUM_CHUNK 128
#define CSUM_CHUNKS 12 /* of csum_packet_ok(): ICMP errors of 576 bytes (RFC 1812 4.3.2.3), and longer ones */
#define CSUM_CHUNKS_ALL 512

/* A chunk of the packet, padded with zeros. */
struct csum_chunk {
	__u64 word[CSUM_CHUNK / 8];
};

PERCPU_SCRATCH(struct csum_chunk, csum_scratch)

struct csum_state {
	ctx_t *ctx;
	__u32 off, left;
	__s64 sum;
};

/* bpf_loop callback: add the next chunk. */
static long csum_add_chunk(__u32 i, struct csum_state *s)
{
	__u32 zero = 0, len = s->left < CSUM_CHUNK ? s->left : CSUM_CHUNK;
	struct csum_chunk *chunk = bpf_map_lookup_elem(&csum_scratch, &zero);

	if (!chunk || !len)
		return 1;
	__builtin_memset(chunk, 0, CSUM_CHUNK);
	/* repeat the bounds on the register that is used: 6.1 learns nothing from len != 0 */
	len = ((len - 1) & (CSUM_CHUNK - 1)) + 1;
	OPAQUE(len);
	if (len < 1 || len > CSUM_CHUNK || ctx_load(s->ctx, s->off, chunk, len)) {
		s->sum = -1;
		return 1;
	}
	s->sum = bpf_csum_diff(NULL, 0, (__be32 *)chunk, CSUM_CHUNK, csum_fold16(s->sum));
	s->off += len;
	s->left -= len;
	return 0;
}

/* The checksum sum (RFC 1071) over len bytes of the packet; negative: they are not there. */
__noinline int csum_packet(ctx_t *ctx, __u32 off, __u32 len)
{
	struct csum_state s = { .ctx = ctx, .off = off, .left = len };

	bpf_loop(CSUM_CHUNKS_ALL, csum_add_chunk, &s, 0);
	return s.sum < 0 || s.left ? -1 : csum_fold16((__u32)s.sum);
}

/* True if a checksum and the bytes it covers sum up. False for more than CSUM_CHUNKS chunks. */
static __always_inline _Bool csum_packet_ok(ctx_t *ctx, __u32 off, __u32 len)
{
	return len <= CSUM_CHUNK * CSUM_CHUNKS && csum_packet(ctx, off, len) == 0xffff;
}

#endif
