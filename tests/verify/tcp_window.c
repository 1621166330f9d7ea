// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A RST that its receiver would take is never refused, and one far from there always. */
#include <ebpfnet/core/tcp_window.h>
#include "verify.h"

void what_is_in_the_window_is_inside(__u32 seq, __u32 ack, __u16 window, __u8 scale)
{
	GIVEN(scale <= TCP_SCALE_MAX && seq - ack <= (__u32)window << scale);
	PROVE(tcp_inside(seq, tcp_edge(0, ack, window, TCP_ACK), scale));
}

/* By 256 bytes below, and above by those, the low byte of the window, and a quarter. */
void what_is_far_from_it_is_not(__u32 seq, __u32 ack, __u16 window, __u8 scale)
{
	__u32 edge = tcp_edge(0, ack, window, TCP_ACK), end = (__u32)((window >> 8) + 1) << (8 + (scale & 15));

	GIVEN(scale <= TCP_SCALE_MAX && edge);
	GIVEN(seq - ack > end + end / 4 + 255 && seq - ack < (__u32)-256);
	PROVE(!tcp_inside(seq, edge, scale));
}

/* While what was written down covers what is announced, nothing in the window is kept out. */
void what_is_covered_is_inside(__u32 seq, __u32 ack, __u16 window, __u32 written, __u8 scale)
{
	GIVEN(scale <= TCP_SCALE_MAX && seq - ack <= (__u32)window << scale);
	GIVEN(tcp_edge_covers(written, tcp_edge(0, ack, window, TCP_ACK), scale));
	PROVE(tcp_inside(seq, written, scale));
}

void each_side_keeps_its_scale(__u8 scales, __u8 scale, _Bool reply)
{
	enum flow_dir dir = reply ? FLOW_REPLY : FLOW_ORIGINAL;
	enum flow_dir other = reply ? FLOW_ORIGINAL : FLOW_REPLY;
	__u8 with = tcp_scales_with(scales, dir, scale);

	GIVEN(scale <= TCP_SCALE_MAX);
	GIVEN((scales & 15) != TCP_SCALE_NONE && scales >> 4 != TCP_SCALE_NONE);
	PROVE(tcp_scale_of(with, dir) == scale);
	PROVE(tcp_scale_of(with, other) == tcp_scale_of(scales, other));
}
