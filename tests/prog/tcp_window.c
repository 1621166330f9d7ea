// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * RST and FIN count only inside the window that their receiver has announced (RFC 7857 section 2). Both
 * sides' numbers stand at TCP_NUMBER.
 */
#include "flow.h"

#define NS1_TCP OUT, .proto = TCP, .sport = 4000, .dport = 80
#define SERVER_TCP IN, .proto = TCP, .sport = 80, .dport = 4000

/* An option that shifts the window by that much. */
#define SCALE(n) .tcp_options = "\x01\x03\x03" n, .tcp_options_len = 4

#define WINDOW 1024 /* what the tests announce: so much, and shifted, 1024 << 7 */
#define SCALED (WINDOW << 7)

static void syns_cross(void)
{
	ns1_sends(frame(NS1_TCP, .flags = SYN, SCALE("\x07")));
	uplink_gets(frame(SERVER_TCP, .flags = SYN | ACK, SCALE("\x07")));
}

static void they_connect(void)
{
	syns_cross();
	ns1_sends(frame(NS1_TCP, .flags = ACK, .window = WINDOW));
	uplink_gets(frame(SERVER_TCP, .flags = ACK, .window = WINDOW));
	expect_state(0, CONN_ESTABLISHED);
}

static void a_reset_beyond_the_window_is_dropped(void **s)
{
	static const uint32_t outside[] = { TCP_NUMBER + SCALED + 120000, TCP_NUMBER - 512,
					  TCP_NUMBER + 0x80000000 };
	size_t i;

	they_connect();
	for (i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		uplink_gets(frame(SERVER_TCP, .flags = RST, .tcp_seq = outside[i]));
		expect_dropped(COUNT_rst_out_of_window);
		ns1_sends(frame(NS1_TCP, .flags = RST | ACK, .tcp_seq = outside[i]));
		expect_dropped(COUNT_rst_out_of_window);
	}
	expect_state(0, CONN_ESTABLISHED);
}

static void a_reset_inside_the_window_resets(void **s)
{
	they_connect();
	uplink_gets(frame(SERVER_TCP, .flags = RST, .tcp_seq = TCP_NUMBER + SCALED));
	expect_outcome(INTO_PORT);
	expect_state(0, CONN_RESET);
}

static void a_reset_of_the_namespace_resets_too(void **s)
{
	they_connect();
	ns1_sends(frame(NS1_TCP, .flags = RST, .tcp_seq = TCP_NUMBER + SCALED));
	expect_outcome(SENT);
	expect_state(0, CONN_RESET);
}

/* The next packet says it, and it is the fast path that hears it. */
static void the_window_moves_with_what_is_acknowledged(void **s)
{
	const uint32_t far = TCP_NUMBER + 10000000;

	they_connect();
	ns1_sends(frame(NS1_TCP, .flags = ACK, .window = WINDOW));
	ns1_sends(frame(NS1_TCP, .flags = ACK, .tcp_ack = far, .window = WINDOW));
	uplink_gets(frame(SERVER_TCP, .flags = RST));
	expect_dropped(COUNT_rst_out_of_window);
	uplink_gets(frame(SERVER_TCP, .flags = RST, .tcp_seq = far));
	expect_outcome(INTO_PORT);
	expect_state(0, CONN_RESET);
}

static void without_the_option_on_both_sides_nothing_is_shifted(void **s)
{
	ns1_sends(frame(NS1_TCP, .flags = SYN, SCALE("\x07")));
	uplink_gets(frame(SERVER_TCP, .flags = SYN | ACK));
	ns1_sends(frame(NS1_TCP, .flags = ACK, .window = WINDOW));
	uplink_gets(frame(SERVER_TCP, .flags = RST, .tcp_seq = TCP_NUMBER + 2 * WINDOW));
	expect_dropped(COUNT_rst_out_of_window);
	uplink_gets(frame(SERVER_TCP, .flags = RST, .tcp_seq = TCP_NUMBER + WINDOW));
	expect_outcome(INTO_PORT);
}

/* Another option before it, and one that runs past the header's end. */
static void the_option_is_found_among_others(void **s)
{
	ns1_sends(frame(NS1_TCP, .flags = SYN, .tcp_options = "\x02\x04\x05\xb4\x01\x03\x03\x07",
			.tcp_options_len = 8));
	assert_int_equal(conn_at(0).scales & 0x0f, 7);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .proto = TCP, .sport = 4001,
			.dport = 80, .flags = SYN, .tcp_options = "\x01\x01\x03\x03",
			.tcp_options_len = 4));
	assert_int_equal(conn_at(1).scales & 0x0f, 15);
}

static void a_connection_may_be_refused(void **s)
{
	ns1_sends(frame(NS1_TCP, .flags = SYN));
	uplink_gets(frame(SERVER_TCP, .flags = RST | ACK, .tcp_seq = 1, .tcp_ack = TCP_NUMBER + 4711));
	expect_dropped(COUNT_rst_out_of_window);
	expect_state(0, CONN_SYN_SENT);
	uplink_gets(frame(SERVER_TCP, .flags = RST | ACK, .tcp_seq = 1, .tcp_ack = TCP_NUMBER + 1));
	expect_outcome(INTO_PORT);
	expect_state(0, CONN_RESET);
}

/* A FIN there is data out of window: the receiver's to refuse, and it ends nothing here. */
static void a_fin_beyond_the_window_goes_on_and_does_not_count(void **s)
{
	they_connect();
	uplink_gets(frame(SERVER_TCP, .flags = FIN | ACK, .tcp_seq = TCP_NUMBER - 1000));
	expect_outcome(INTO_PORT);
	expect_state(0, CONN_ESTABLISHED);
	uplink_gets(frame(SERVER_TCP, .flags = FIN | ACK));
	expect_state(0, CONN_FIN_WAIT);
}

/* A SYN is no reason to believe another number than the connection's. */
static void a_late_syn_moves_no_window(void **s)
{
	they_connect();
	ns1_sends(frame(NS1_TCP, .flags = SYN, .tcp_seq = TCP_NUMBER + 0x40000000, SCALE("\x00")));
	expect_state(0, CONN_ESTABLISHED);
	uplink_gets(frame(SERVER_TCP, .flags = RST, .tcp_seq = TCP_NUMBER + SCALED));
	expect_outcome(INTO_PORT);
	expect_state(0, CONN_RESET);
}

/* Picked up in the middle: the window may be as large as windows are. */
static void an_unknown_window_scale_is_taken_for_the_largest(void **s)
{
	ns1_sends(frame(NS1_TCP, .flags = ACK, .window = WINDOW));
	uplink_gets(frame(SERVER_TCP, .flags = ACK, .window = WINDOW));
	expect_state(0, CONN_ESTABLISHED);
	uplink_gets(frame(SERVER_TCP, .flags = RST, .tcp_seq = TCP_NUMBER + (WINDOW << 14)));
	expect_outcome(INTO_PORT);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_reset_beyond_the_window_is_dropped),
		spec(a_reset_inside_the_window_resets),
		spec(a_reset_of_the_namespace_resets_too),
		spec(the_window_moves_with_what_is_acknowledged),
		spec(without_the_option_on_both_sides_nothing_is_shifted),
		spec(the_option_is_found_among_others),
		spec(a_connection_may_be_refused),
		spec(a_fin_beyond_the_window_goes_on_and_does_not_count),
		spec(a_late_syn_moves_no_window),
		spec(an_unknown_window_scale_is_taken_for_the_largest),
	};

	return run_specs("tcp_window", specs);
}
