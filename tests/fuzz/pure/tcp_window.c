// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * core/tcp_window.h: what a side has announced, packed into a word, against the numbers themselves. What the
 * packing loses makes a window larger, by less than a window's unit below and above, and never smaller.
 */
#include <ebpfnet/core/tcp_window.h>
#include "input.h"

#define ACK_LOSES 256
#define WINDOW_LOSES 256

static void check_inside(struct input *in)
{
	uint32_t ack = take32(in), far = take32(in), edge, distance;
	uint16_t window = take16(in);
	uint8_t scale = take8(in) % (TCP_SCALE_MAX + 1);
	uint64_t last = (uint64_t)window << scale, most = last + ACK_LOSES + ((uint64_t)WINDOW_LOSES << scale);

	if (take8(in) & 1) /* about the bounds */
		far = (take8(in) & 1 ? last : most) + (int8_t)take8(in);
	edge = tcp_edge(0, ack, window, TCP_ACK);
	most += (((uint64_t)(window >> 8) + 1) << (8 + scale)) / 4;
	distance = far; /* from what was acknowledged */
	if (!edge)
		return;
	if (distance <= last)
		MUST(tcp_inside(ack + distance, edge, scale));
	if (distance > most && distance < 0u - ACK_LOSES)
		MUST(!tcp_inside(ack + distance, edge, scale));
}

static void check_announced(struct input *in)
{
	uint32_t seq = take32(in), ack = take32(in), edge;
	uint16_t window = take16(in);
	uint8_t flags = take8(in);

	edge = tcp_edge(seq, ack, window, flags);
	if (flags & TCP_RST || !(flags & (TCP_ACK | TCP_SYN)))
		MUST(edge == 0);
	else if (flags & TCP_ACK)
		MUST((edge ^ ack) < 256 && (uint8_t)edge == window >> 8);
	else
		MUST((edge ^ (seq + 1)) < 256);
	/* what nobody announced keeps nobody out; an answer to a SYN may be in either number */
	MUST(tcp_may_end(0, seq, ack, flags, 0, take8(in)));
	if (flags == TCP_SYN && edge)
		MUST(tcp_may_end(1, take32(in), seq + 1, TCP_RST | TCP_ACK, edge, 0));
	if (!tcp_inside(seq, edge, 0))
		MUST(!tcp_may_end(0, seq, ack, flags, edge, 0));
}

static void check_scales(struct input *in)
{
	uint8_t both = TCP_SCALES_UNKNOWN, a = take8(in) % 16, b = take8(in) % 16;
	_Bool offered = a != TCP_SCALE_NONE && b != TCP_SCALE_NONE;

	MUST(tcp_scale_of(both, FLOW_ORIGINAL) == TCP_SCALE_MAX);
	both = tcp_scales_with(both, FLOW_ORIGINAL, a);
	both = tcp_scales_with(both, FLOW_REPLY, b);
	/* RFC 7323 2.2: by both sides, or by none */
	MUST(tcp_scale_of(both, FLOW_ORIGINAL) == (offered ? a : 0));
	MUST(tcp_scale_of(both, FLOW_REPLY) == (offered ? b : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	check_inside(&in);
	check_announced(&in);
	check_scales(&in);
	return 0;
}
