/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * PURE. Pieces of datagrams (fragments, RFC 791) as arithmetic: where one lies, whether it may be one,
 * whether it overlaps another, and how a datagram is cut. Places are in units of eight bytes.
 */
#ifndef EBPFNET_BPF_PIECES_H
#define EBPFNET_BPF_PIECES_H

#include "addr.h"
#include "uapi.h"

#define PIECE_SPANS 8 /* apart from each other; pieces behind further gaps are not looked for */

/* From a place up to before another; to 0: none. */
struct span {
	__u16 from, to;
};

/* frag: flags and offset in host order. */
static __always_inline _Bool piece_is_first(__u16 frag)
{
	return !(frag & IP_OFFSET);
}

static __always_inline _Bool piece_is_last(__u16 frag)
{
	return !(frag & IP_MF);
}

/* bytes: behind its IP header. */
static __always_inline struct span piece_span(__u16 frag, __u16 bytes)
{
	struct span s = { .from = frag & IP_OFFSET, .to = (frag & IP_OFFSET) + (bytes + 7) / 8 };

	return s;
}

/*
 * Whether it can be a piece: not empty, whole units but for the last, not beyond the longest datagram,
 * and not in a TCP header, which is the first piece's alone (RFC 1858, RFC 3128).
 */
static __always_inline _Bool piece_is_sound(__u16 frag, __u16 ihl, __u16 bytes, enum l4proto proto)
{
	__u32 at = (frag & IP_OFFSET) * 8;

	if (!bytes || (!piece_is_last(frag) && bytes & 7) || ihl + at + bytes > 65535)
		return 0;
	return !at || proto != L4_TCP || at >= 20;
}

enum span_said {
	SPAN_NEW,
	SPAN_INSIDE,		/* all of it was there before */
	SPAN_OVERLAP,		/* some of it was */
};

static __always_inline enum span_said spans_look(const struct span *spans, struct span s)
{
	int i;

	for (i = 0; i < PIECE_SPANS; i++) {
		if (s.from >= spans[i].to || spans[i].from >= s.to)
			continue;
		return s.from >= spans[i].from && s.to <= spans[i].to ? SPAN_INSIDE : SPAN_OVERLAP;
	}
	return SPAN_NEW;
}

/*
 * Notes one that is new; it grows together with what it touches, also *s. Apart from those, so that the
 * verifier follows one way and not one for each of them.
 */
static __always_inline void spans_add(struct span *spans, volatile struct span *s)
{
	const struct span none = {};
	int i;

	for (i = 0; i < PIECE_SPANS; i++) {
		if (!spans[i].to)
			continue;
		if (spans[i].to == s->from)
			s->from = spans[i].from;
		else if (spans[i].from == s->to)
			s->to = spans[i].to;
		else
			continue;
		spans[i] = none;
	}
	for (i = 0; i < PIECE_SPANS; i++) {
		if (spans[i].to)
			continue;
		spans[i].from = s->from;
		spans[i].to = s->to;
		return;
	}
}

/* Whether all is there of a datagram that ends at a place, 0: unknown where. */
static __always_inline _Bool spans_are_whole(const struct span *spans, __u16 end)
{
	int i;

	for (i = 0; i < PIECE_SPANS; i++)
		if (end && !spans[i].from && spans[i].to == end)
			return 1;
	return 0;
}

/* ---- cutting ---- */

#define CUT_PIECES 128 /* 64 KiB by 576 bytes, the least that everybody must take (RFC 1122 3.3.2) */

/* How much of the payload goes into each piece but the last; 0: so small an MTU is no MTU (RFC 791). */
static __always_inline __u16 cut_size(__u16 mtu, __u16 ihl)
{
	return mtu < 68 ? 0 : (mtu - ihl) & ~7;
}

/* Flags and offset of the piece that begins so many bytes behind where the whole, or larger piece, does. */
static __always_inline __u16 cut_frag(__u16 frag, __u16 bytes, _Bool last)
{
	__u16 more = last ? frag & IP_MF : IP_MF;

	return ((frag & IP_OFFSET) + bytes / 8) | more;
}

/* Where among options: whether of this one the rest is kept, and how much there is. */
struct cut_option {
	__u8 left, keep;
};

/*
 * RFC 791: options without the copied flag are in the first piece alone. In the others they become
 * "no operation", so that all headers are of one length. This is one octet of len, to be called for each
 * from 0 on; false: that was all.
 */
static __always_inline _Bool cut_options(__u8 *options, __u32 i, __u32 len, struct cut_option *o)
{
	if (i >= IPOPTS_MAX || i >= len || (!o->left && options[i] == IPOPT_END))
		return 0;
	if (!o->left) {
		o->keep = options[i] & IPOPT_COPIED;
		o->left = options[i] == IPOPT_NOOP || i + 1 >= len ? 1 : options[i + 1];
		if (!o->left) /* no option at all; and there is no telling what comes next */
			o->left = IPOPTS_MAX;
	}
	if (!o->keep)
		options[i] = IPOPT_NOOP;
	o->left--;
	return 1;
}

#endif
