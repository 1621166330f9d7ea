/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* PURE. Arithmetic on fragments (RFC 791). Positions are in units of eight bytes. */
#ifndef EBPFNET_CORE_FRAG_H
#define EBPFNET_CORE_FRAG_H

#include <ebpfnet/core/addr.h>
#include <ebpfnet/core/uapi.h>

#define FRAG_RANGES 8 /* separate ranges; more are not tracked */

/* From .from up to and without .to; .to 0: empty. */
struct frag_range {
	__u16 from, to;
};

/* frag: flags and offset, host byte order. */
static __always_inline _Bool frag_is_first(__u16 frag)
{
	return !(frag & IP_OFFSET);
}

static __always_inline _Bool frag_is_last(__u16 frag)
{
	return !(frag & IP_MF);
}

/* bytes: payload behind the IP header. */
static __always_inline struct frag_range frag_range_of(__u16 frag, __u16 bytes)
{
	struct frag_range s = { .from = frag & IP_OFFSET, .to = (frag & IP_OFFSET) + (bytes + 7) / 8 };

	return s;
}

/*
 * True for a valid fragment: not empty, whole units but for the last, not beyond the longest datagram, and not
 * inside a TCP header, which the first fragment must hold whole (RFC 1858, RFC 3128).
 */
static __always_inline _Bool frag_is_sound(__u16 frag, __u16 ihl, __u16 bytes, enum l4proto proto)
{
	__u32 at = (frag & IP_OFFSET) * 8;

	if (!bytes || (!frag_is_last(frag) && bytes & 7) || ihl + at + bytes > 65535)
		return 0;
	return !at || proto != L4_TCP || at >= 20;
}

/* A range compared with those seen. */
enum frag_range_result {
	FRAG_RANGE_NEW,
	FRAG_RANGE_INSIDE, /* seen before, all of it */
	FRAG_RANGE_OVERLAP, /* partly seen before */
};

static __always_inline enum frag_range_result frag_ranges_test(const struct frag_range *ranges, struct frag_range s)
{
	int i;

	for (i = 0; i < FRAG_RANGES; i++) {
		if (s.from >= ranges[i].to || ranges[i].from >= s.to)
			continue;
		return s.from >= ranges[i].from && s.to <= ranges[i].to ? FRAG_RANGE_INSIDE : FRAG_RANGE_OVERLAP;
	}
	return FRAG_RANGE_NEW;
}

/*
 * Add a new range, joined with its neighbours; also *s grows. First all joins, then one insertion, so that the
 * verifier follows one path and not one for each range.
 */
static __always_inline void frag_ranges_add(struct frag_range *ranges, volatile struct frag_range *s)
{
	const struct frag_range none = {};
	int i;

	for (i = 0; i < FRAG_RANGES; i++) {
		if (!ranges[i].to)
			continue;
		if (ranges[i].to == s->from)
			s->from = ranges[i].from;
		else if (ranges[i].from == s->to)
			s->to = ranges[i].to;
		else
			continue;
		ranges[i] = none;
	}
	for (i = 0; i < FRAG_RANGES; i++) {
		if (ranges[i].to)
			continue;
		ranges[i].from = s->from;
		ranges[i].to = s->to;
		return;
	}
}

/* True if the ranges cover a datagram that ends at end; 0: end not known. */
static __always_inline _Bool frag_ranges_complete(const struct frag_range *ranges, __u16 end)
{
	int i;

	for (i = 0; i < FRAG_RANGES; i++)
		if (end && !ranges[i].from && ranges[i].to == end)
			return 1;
	return 0;
}

/* ---- fragmenting ---- */

#define FRAGS_MAX 128 /* 64 KiB by 576 bytes, the least that every host must accept (RFC 1122 3.3.2) */

/* Payload bytes of each fragment but the last. 0: below the least MTU (RFC 791). */
static __always_inline __u16 frag_payload_size(__u16 mtu, __u16 ihl)
{
	return mtu < 68 ? 0 : (mtu - ihl) & ~7;
}

/* Flags and offset of a fragment. frag: of the original (may be a fragment itself); bytes: position in it. */
static __always_inline __u16 frag_field(__u16 frag, __u16 bytes, _Bool last)
{
	__u16 more = last ? frag & IP_MF : IP_MF;

	return ((frag & IP_OFFSET) + bytes / 8) | more;
}

/* Position within options: bytes left of the current one, and whether it is copied. */
struct frag_option {
	__u8 left, keep;
};

/*
 * RFC 791: options without the copied flag are in the first fragment only. Replace them by "no operation" in
 * the others, so that all headers have one length. Call it for each octet from 0 on; false: end of the options.
 */
static __always_inline _Bool frag_option_octet(__u8 *options, __u32 i, __u32 len, struct frag_option *o)
{
	if (i >= IPOPTS_MAX || i >= len || (!o->left && options[i] == IPOPT_END))
		return 0;
	if (!o->left) {
		o->keep = options[i] & IPOPT_COPIED;
		o->left = options[i] == IPOPT_NOOP || i + 1 >= len ? 1 : options[i + 1];
		if (!o->left) /* length 0 is invalid: the rest cannot be parsed */
			o->left = IPOPTS_MAX;
	}
	if (!o->keep)
		options[i] = IPOPT_NOOP;
	o->left--;
	return 1;
}

#endif
