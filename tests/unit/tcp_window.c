// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <ebpfnet/core/tcp_window.h>
#include "unit.h"

/* Tried around each bound, from edges all over the number space, its end included. */
static void inside_is_from_what_was_acknowledged_to_the_windows_end(void **state)
{
	int i;

	for (i = 0; i < 10000; i++) {
		uint32_t ack = i % 2 ? random_u32() : 0u - random_in(0, 100000);
		uint16_t window = random_u32();
		uint8_t scale = random_in(0, TCP_SCALE_MAX);
		uint32_t edge = tcp_edge(0, ack, window, TCP_ACK);
		uint32_t end = ack + ((uint32_t)window << scale);
		uint32_t coarse = 256u << scale, slack = ((window >> 8) + 1u) * coarse / 4;

		if (!edge)
			continue;
		assert_true(tcp_inside(ack, edge, scale));
		assert_true(tcp_inside(end, edge, scale));
		/* coarse by 256 bytes below, and above by the window's low byte too, and a quarter */
		assert_false(tcp_inside(ack - 256, edge, scale));
		assert_false(tcp_inside(end + 256 + coarse + slack, edge, scale));
	}
}

/* The stored edge serves until it would exclude a number inside the present window. */
static void the_stored_edge_covers_a_quarter_of_a_window_more(void **state)
{
	uint32_t written = tcp_edge(0, 0xffffff00, 0x0f00, TCP_ACK); /* 16 times 256 bytes */

	assert_true(tcp_edge_covers(written, written, 0));
	assert_true(tcp_edge_covers(written, tcp_edge(0, 0x300, 0x0f00, TCP_ACK), 0));
	assert_false(tcp_edge_covers(written, tcp_edge(0, 0x400, 0x0f00, TCP_ACK), 0));
	assert_true(tcp_edge_covers(written, tcp_edge(0, 0xffffff00, 0x1300, TCP_ACK), 0));
	assert_false(tcp_edge_covers(written, tcp_edge(0, 0xffffff00, 0x1400, TCP_ACK), 0));
	assert_false(tcp_edge_covers(written, tcp_edge(0, 0xfffffe00, 0x0100, TCP_ACK), 0));
	assert_false(tcp_edge_covers(0, written, 0));
}

static void nothing_announced_is_nothing_to_measure_by(void **state)
{
	assert_true(tcp_inside(random_u32(), 0, 0));
}

static void a_reset_announces_nothing(void **state)
{
	assert_int_equal(tcp_edge(1000, 2000, 512, TCP_RST), 0);
	assert_int_equal(tcp_edge(1000, 2000, 512, TCP_RST | TCP_ACK), 0);
	assert_int_equal(tcp_edge(1000, 2000, 512, 0), 0);
}

/* RFC 9293 3.5.2: the RST that refuses a SYN has the number 0 and acknowledges the SYN. */
static void a_syn_is_refused_by_what_acknowledges_it(void **state)
{
	uint32_t edge = tcp_edge(0x87654321, 0, 64240, TCP_SYN);

	assert_true(tcp_may_end(1, 0, 0x87654322, TCP_RST | TCP_ACK, edge, 0));
	assert_false(tcp_may_end(1, 0, 0x87654322, TCP_RST, edge, 0));
	assert_false(tcp_may_end(1, 0, 0x87654522, TCP_RST | TCP_ACK, edge, 0));
	assert_false(tcp_may_end(1, 0, 0x87654222, TCP_RST | TCP_ACK, edge, 0));
	assert_false(tcp_may_end(0, 0, 0x87654322, TCP_RST | TCP_ACK, edge, 0));
}

static void each_side_has_its_scale(void **state)
{
	uint8_t scales = tcp_scales_with(TCP_SCALES_UNKNOWN, FLOW_ORIGINAL, 7);

	assert_int_equal(tcp_scale_of(scales, FLOW_ORIGINAL), 7);
	assert_int_equal(tcp_scale_of(scales, FLOW_REPLY), TCP_SCALE_MAX);
	scales = tcp_scales_with(scales, FLOW_REPLY, 2);
	assert_int_equal(tcp_scale_of(scales, FLOW_ORIGINAL), 7);
	assert_int_equal(tcp_scale_of(scales, FLOW_REPLY), 2);
}

/* RFC 7323 section 1.3: the option must be in both SYNs. */
static void one_side_without_scale_is_both_without(void **state)
{
	uint8_t scales = tcp_scales_with(TCP_SCALES_UNKNOWN, FLOW_ORIGINAL, 7);

	scales = tcp_scales_with(scales, FLOW_REPLY, TCP_SCALE_NONE);
	assert_int_equal(tcp_scale_of(scales, FLOW_ORIGINAL), 0);
	assert_int_equal(tcp_scale_of(scales, FLOW_REPLY), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inside_is_from_what_was_acknowledged_to_the_windows_end),
		cmocka_unit_test(the_stored_edge_covers_a_quarter_of_a_window_more),
		cmocka_unit_test(nothing_announced_is_nothing_to_measure_by),
		cmocka_unit_test(a_reset_announces_nothing),
		cmocka_unit_test(a_syn_is_refused_by_what_acknowledges_it),
		cmocka_unit_test(each_side_has_its_scale),
		cmocka_unit_test(one_side_without_scale_is_both_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
