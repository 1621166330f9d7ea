/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * PURE. Valid sequence numbers for RST and FIN (RFC 7857 section 2, RFC 5961 section 3): inside the window that
 * the receiver has announced. An off-path attacker cannot guess that, and so cannot end the connection.
 *
 * The window that a side announced last is one word, struct flow.edge (nf_conntrack: td_maxend), updated before it is a
 * quarter of a window old: the acknowledged number, with the high 8 bits of the window in its low 8 bits. So
 * the window is known to 256 bytes and that quarter, which gains an attacker nothing. A SYN has nothing to
 * acknowledge: it stores the number that its answer must acknowledge. 0: nothing announced yet.
 */
#ifndef EBPFNET_CORE_TCP_WINDOW_H
#define EBPFNET_CORE_TCP_WINDOW_H

#include <ebpfnet/abi.h>
#include <ebpfnet/core/compiler.h>
#include <ebpfnet/core/uapi.h>

#define EDGE_LOW 0xffu

/* The edge that a packet announces. seq, ack, window: host order, window as in the header. */
static __always_inline __u32 tcp_edge(__u32 seq, __u32 ack, __u16 window, __u8 flags)
{
	if (flags & TCP_RST)
		return 0;
	if (flags & TCP_ACK)
		return (ack & ~EDGE_LOW) | window >> 8;
	return flags & TCP_SYN ? (seq + 1) & ~EDGE_LOW : 0;
}

/* RFC 7323 section 2: a side's window scale, at most 14. It applies if both sides offer one. */
#define TCP_SCALE_MAX 14
#define TCP_SCALE_NONE 15

/* Of a connection picked up in mid-stream: the largest. Four bits for each side. */
#define TCP_SCALES_UNKNOWN (TCP_SCALE_MAX | TCP_SCALE_MAX << 4)

/* The scales after a side's SYN. */
static __always_inline __u8 tcp_scales_with(__u8 scales, enum flow_dir dir, __u8 scale)
{
	return dir == FLOW_ORIGINAL ? (scales & 0xf0) | scale : (scales & 0x0f) | scale << 4;
}

/* The scale of the window that a side announces. */
static __always_inline __u8 tcp_scale_of(__u8 scales, enum flow_dir dir)
{
	__u8 original = scales & 0x0f, reply = scales >> 4;

	if (original == TCP_SCALE_NONE || reply == TCP_SCALE_NONE)
		return 0;
	return dir == FLOW_ORIGINAL ? original : reply;
}

/* Window in bytes, rounded up by at most 255. */
static __always_inline __u32 tcp_window(__u32 edge, __u8 scale)
{
	return ((edge & EDGE_LOW) + 1) << (8 + (scale & 15));
}

/* Tolerance beyond the window, so that not each packet need update the edge: a quarter. */
static __always_inline __u32 tcp_slack(__u32 window)
{
	return window / 4;
}

/* True if number is at most room behind the acknowledged one. */
static __always_inline _Bool tcp_within(__u32 number, __u32 edge, __u32 room)
{
	return !edge || number - (edge & ~EDGE_LOW) <= room + EDGE_LOW;
}

/* True if a sequence number is inside the other side's window. */
static __always_inline _Bool tcp_inside(__u32 seq, __u32 edge, __u8 scale)
{
	__u32 window = tcp_window(edge, scale);

	return tcp_within(seq, edge, window + tcp_slack(window));
}

/* True if all of the currently announced window is inside the stored one, with its tolerance. */
static __always_inline _Bool tcp_edge_covers(__u32 written, __u32 edge, __u8 scale)
{
	__u32 window = tcp_window(written, scale), moved = (edge & ~EDGE_LOW) - (written & ~EDGE_LOW);

	return written && moved <= window && moved + tcp_window(edge, scale) <= window + tcp_slack(window);
}

/*
 * True if a RST or FIN is acceptable. During the handshake its acknowledgment counts as well: a RST that
 * refuses a SYN has no sequence number of its own (RFC 9293 3.5.2).
 */
static __always_inline _Bool tcp_may_end(_Bool opening, __u32 seq, __u32 ack, __u8 flags,
					 __u32 edge, __u8 scale)
{
	return tcp_inside(seq, edge, scale) ||
	       (opening && flags & TCP_ACK && tcp_within(ack, edge, tcp_window(edge, 0)));
}

#endif
