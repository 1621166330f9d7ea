/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * PURE. Where in the sequence space a RST or a FIN may stand (RFC 7857 section 2, RFC 5961 section 3):
 * inside the window that its receiver has announced. Who sees neither side's packets cannot guess that,
 * and so cannot end a connection that is not his.
 *
 * What a side announced last is one word of the flow entry of its direction, written before it is a
 * quarter of a window old: the number that it acknowledged, and in the low 8 bits, which the number loses,
 * the high 8 bits of its window. So the window is known to 256 bytes and that quarter, which no attack gains
 * by. A SYN has nothing to acknowledge: it leaves the number that its answer must acknowledge. 0: nothing
 * was announced yet.
 */
#ifndef EBPFNET_CORE_TCP_WINDOW_H
#define EBPFNET_CORE_TCP_WINDOW_H

#include <ebpfnet/abi.h>
#include <ebpfnet/core/compiler.h>
#include <ebpfnet/core/uapi.h>

#define EDGE_LOW 0xffu

/* What a packet announces; window: the field of the header. */
static __always_inline __u32 tcp_edge(__u32 seq, __u32 ack, __u16 window, __u8 flags)
{
	if (flags & TCP_RST)
		return 0;
	if (flags & TCP_ACK)
		return (ack & ~EDGE_LOW) | window >> 8;
	return flags & TCP_SYN ? (seq + 1) & ~EDGE_LOW : 0;
}

/* RFC 7323 section 2: how far a side's window field is shifted, at most 14. It counts if both sides offer it. */
#define TCP_SCALE_MAX 14
#define TCP_SCALE_NONE 15

/* Of a connection that was met half way: the largest there is. For both sides, four bits each. */
#define TCP_SCALES_UNKNOWN (TCP_SCALE_MAX | TCP_SCALE_MAX << 4)

static __always_inline __u8 tcp_scales_with(__u8 scales, enum flow_dir dir, __u8 scale)
{
	return dir == FLOW_ORIGINAL ? (scales & 0xf0) | scale : (scales & 0x0f) | scale << 4;
}

/* By how much the window that a side announced is shifted. */
static __always_inline __u8 tcp_scale_of(__u8 scales, enum flow_dir dir)
{
	__u8 original = scales & 0x0f, reply = scales >> 4;

	if (original == TCP_SCALE_NONE || reply == TCP_SCALE_NONE)
		return 0;
	return dir == FLOW_ORIGINAL ? original : reply;
}

/* In bytes, and up to 255 more. */
static __always_inline __u32 tcp_window(__u32 edge, __u8 scale)
{
	return ((edge & EDGE_LOW) + 1) << (8 + (scale & 15));
}

/* What is let in beyond the window, so that not each packet need be written down: a quarter of it. */
static __always_inline __u32 tcp_slack(__u32 window)
{
	return window / 4;
}

/* Whether a number is that many behind what was acknowledged, at most. */
static __always_inline _Bool tcp_within(__u32 number, __u32 edge, __u32 room)
{
	return !edge || number - (edge & ~EDGE_LOW) <= room + EDGE_LOW;
}

/* Whether a sequence number is inside what the other side announced. */
static __always_inline _Bool tcp_inside(__u32 seq, __u32 edge, __u8 scale)
{
	__u32 window = tcp_window(edge, scale);

	return tcp_within(seq, edge, window + tcp_slack(window));
}

/* Whether all that is inside what a side announces now is inside what was written down, too. */
static __always_inline _Bool tcp_edge_covers(__u32 written, __u32 edge, __u8 scale)
{
	__u32 window = tcp_window(written, scale), moved = (edge & ~EDGE_LOW) - (written & ~EDGE_LOW);

	return written && moved <= window && moved + tcp_window(edge, scale) <= window + tcp_slack(window);
}

/*
 * Whether a RST or FIN may be taken. Before both have acknowledged anything, what it acknowledges
 * counts as well: a RST that refuses a SYN has no sequence number of its own (RFC 9293 3.5.2).
 */
static __always_inline _Bool tcp_may_end(_Bool opening, __u32 seq, __u32 ack, __u8 flags,
					 __u32 edge, __u8 scale)
{
	return tcp_inside(seq, edge, scale) ||
	       (opening && flags & TCP_ACK && tcp_within(ack, edge, tcp_window(edge, 0)));
}

#endif
