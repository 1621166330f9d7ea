// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * csum_packet_ok() sums each byte that it is asked about, once and in its place, and nothing but zeros
 * beyond: for every packet, offset and length. One place is looked at, which may be any: what holds of it
 * holds of all.
 *
 * bpf_csum_diff() gives any number here, that stands for what folds to the same as its seed and the words:
 * that the sums of the chunks, each seeded with the fold of those before, fold to the sum of all is proved
 * in csum.c (short_sums_fold_in_parts).
 */
#define bpf_map_lookup_elem real_map_lookup_elem
#define bpf_skb_load_bytes real_skb_load_bytes
#define bpf_loop real_loop
#define bpf_csum_diff real_csum_diff
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#undef bpf_map_lookup_elem
#undef bpf_skb_load_bytes
#undef bpf_loop
#undef bpf_csum_diff

#include <ebpfnet/core/csum.h>
#include "verify.h"

static void *bpf_map_lookup_elem(void *map, const void *key);
static long bpf_skb_load_bytes(const void *ctx, __u32 off, void *to, __u32 len);
static long bpf_loop(__u32 n, void *callback, void *arg, __u64 flags);
static __s64 bpf_csum_diff(const __be32 *from, __u32 from_len, const __be32 *to, __u32 to_len,
			   __u32 seed);

#include "bpf/l3/ip_check.h"

static __u8 chunk[CSUM_CHUNK]; /* of map csum_scratch; no other is asked for */

/* What is asked about, the byte at the place that is looked at, and what was done so far. */
static struct {
	__u32 packet_len, off, len, place;
	__u8 byte;
	__u32 calls, sum;
	_Bool seeded, place_is_right;
} asked;

static void *bpf_map_lookup_elem(void *map, const void *key)
{
	PROVE(map == &csum_scratch);
	return chunk;
}

/* The byte of the chunk where the place would be gets what stands there in the packet. */
static long bpf_skb_load_bytes(const void *ctx, __u32 off, void *to, __u32 len)
{
	__u32 at = asked.place % CSUM_CHUNK, begin = (const __u8 *)to - chunk;
	__u8 other;

	if (len > asked.packet_len || off > asked.packet_len - len)
		return -1;
	PROVE(begin < CSUM_CHUNK && len <= CSUM_CHUNK - begin);
	if (at >= begin && at < begin + len)
		chunk[at] = off + (at - begin) == asked.off + asked.place ? asked.byte : other;
	return 0;
}

static long bpf_loop(__u32 n, void *callback, void *arg, __u64 flags)
{
	__u32 i;

	for (i = 0; i < n; i++)
		if (csum_add_chunk(i, arg))
			break;
	return i;
}

static __s64 bpf_csum_diff(const __be32 *from, __u32 from_len, const __be32 *to, __u32 to_len,
			   __u32 seed)
{
	__u32 any;

	/* of 6.1: up to 512, a multiple of 4 */
	PROVE(!from_len && to_len == CSUM_CHUNK && (const __u8 *)to == chunk);
	asked.seeded = asked.seeded && seed == csum_fold16(asked.sum);
	if (asked.place / CSUM_CHUNK == asked.calls)
		asked.place_is_right = chunk[asked.place % CSUM_CHUNK] ==
				       (asked.place < asked.len ? asked.byte : 0);
	asked.calls++;
	asked.sum = any;
	return any;
}

static _Bool ask(__u32 packet_len, __u32 off, __u32 len, __u32 place, __u8 byte)
{
	ctx_t ctx;

	GIVEN(packet_len <= 65535 + ETH_HLEN && off <= 65535 + ETH_HLEN);
	asked.packet_len = packet_len;
	asked.off = off;
	asked.len = len;
	asked.place = place;
	asked.byte = byte;
	asked.calls = asked.sum = 0;
	asked.seeded = 1;
	asked.place_is_right = 0;
	return csum_packet_ok(&ctx, off, len);
}

void every_byte_is_summed_in_its_place(__u32 packet_len, __u32 off, __u32 len, __u32 place,
				       __u8 byte)
{
	_Bool right;

	GIVEN(len <= CSUM_CHUNK * CSUM_CHUNKS && len <= packet_len && off <= packet_len - len);
	GIVEN(place < len);
	right = ask(packet_len, off, len, place, byte);
	PROVE(asked.place_is_right && asked.seeded);
	PROVE(right == (csum_fold16(asked.sum) == 0xffff));
}

/* The place is in what was summed, but no more in what was asked about. */
void nothing_but_zeros_is_summed_beyond(__u32 packet_len, __u32 off, __u32 len, __u32 place,
					__u8 byte)
{
	GIVEN(place >= len && place < CSUM_CHUNK * CSUM_CHUNKS && byte != 0);
	ask(packet_len, off, len, place, byte);
	PROVE(asked.place_is_right || place >= asked.calls * CSUM_CHUNK);
}

/* What is not there is not right, nor more than is ever looked at. */
void what_is_not_all_there_is_not_right(__u32 packet_len, __u32 off, __u32 len)
{
	GIVEN(len > CSUM_CHUNK * CSUM_CHUNKS || len > packet_len || off > packet_len - len);
	PROVE(!ask(packet_len, off, len, 0, 0));
}
