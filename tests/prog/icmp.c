// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* ICMP errors: those about translated packets, quote and all (RFC 5508), and those that the gateway sends. */
#include <unistd.h>

#include "lib/harness.h"

#define ROUTER "198.51.100.77"
#define SECOND_WORD .id = 0, .seq = 1400 /* as of "fragmentation needed" */

/* NS1's packet as it was inside, and as the router that complains saw it. */
#define INSIDE NS1_TO_GW, .src = NS1, .dst = SERVER
#define OUTSIDE NS1_TO_GW, .src = UPLINK, .dst = SERVER, .ttl = 60
#define INSIDE_AGAIN NS1_TO_GW, .src = NS1, .dst = SERVER, .ttl = 60

#define ERROR_IN FROM_ISP, .src = ROUTER, .dst = UPLINK, .proto = ICMP
#define ERROR_INSIDE GW_TO_NS1, .src = ROUTER, .dst = NS1, .proto = ICMP, .ttl = 63

static void expect_translated(enum outcome outcome, struct frame *f)
{
	expect_outcome(outcome);
	expect_packet(f);
	expect_counted(COUNT_icmp_translated);
}

/* ---- about what a namespace sent ---- */

static void an_error_of_each_type_comes_in(void **s)
{
	static const uint8_t types[] = { UNREACHABLE, TIME_EXCEEDED, PARAMETER_PROBLEM };
	size_t i;

	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	for (i = 0; i < 3; i++) {
		uplink_gets(frame(ERROR_IN, .type = types[i], .code = 1, SECOND_WORD,
				  .quote = frame(OUTSIDE, .sport = 4000, .dport = 53)));
		expect_translated(INTO_PORT,
				  frame(ERROR_INSIDE, .type = types[i], .code = 1, SECOND_WORD,
					.quote = frame(INSIDE_AGAIN, .sport = 4000, .dport = 53)));
	}
}

static void an_error_about_tcp_comes_in(void **s)
{
	ns1_sends(frame(INSIDE, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	uplink_gets(frame(ERROR_IN, .type = UNREACHABLE, .code = 4, SECOND_WORD,
			  .quote = frame(OUTSIDE, .proto = TCP, .sport = 4000, .dport = 80,
					 .flags = SYN)));
	expect_translated(INTO_PORT,
			  frame(ERROR_INSIDE, .type = UNREACHABLE, .code = 4, SECOND_WORD,
				.quote = frame(INSIDE_AGAIN, .proto = TCP, .sport = 4000,
					       .dport = 80, .flags = SYN)));
}

static void an_error_about_a_query_comes_in(void **s)
{
	ns1_sends(frame(INSIDE, .proto = ICMP, .type = ECHO, .id = 7, .seq = 3));
	uplink_gets(frame(ERROR_IN, .type = TIME_EXCEEDED,
			  .quote = frame(OUTSIDE, .proto = ICMP, .type = ECHO, .id = 7, .seq = 3)));
	expect_translated(INTO_PORT, frame(ERROR_INSIDE, .type = TIME_EXCEEDED,
					   .quote = frame(INSIDE_AGAIN, .proto = ICMP, .type = ECHO,
							  .id = 7, .seq = 3)));
}

/* The port that NS2's second flow has outside; NS1 has the one that both chose. */
static uint16_t collide(uint8_t proto, uint16_t port)
{
	struct frame_spec ns1 = { INSIDE,	 .proto = proto, .type = ECHO, .flags = SYN,
				  .sport = port, .dport = 53,	 .id = port };
	struct frame_spec ns2 = ns1;

	ns2.smac = NS2_MAC;
	ns2.src = NS2;
	ns1_sends(frame_make(&ns1));
	ns2_sends(frame_make(&ns2));
	return frame_u16(output(), ETH_LEN + IP_LEN + (proto == ICMP ? 4 : 0));
}

#define NS2_INSIDE NS2_TO_GW, .src = NS2, .dst = SERVER, .ttl = 60
#define NS2_OUTSIDE NS2_TO_GW, .src = UPLINK, .dst = SERVER, .ttl = 60
#define ERROR_INTO_NS2 GW_TO_NS2, .src = ROUTER, .dst = NS2, .proto = ICMP, .ttl = 63

/* Ports, identifiers and their checksums are put back in the quote too. */
static void a_port_that_was_changed_is_put_back_in_the_quote(void **s)
{
	static const uint8_t protocols[] = { TCP, UDP, ICMP };
	size_t i;

	for (i = 0; i < 3; i++) {
		uint8_t proto = protocols[i];
		uint16_t port = collide(proto, 4000);

		uplink_gets(
			frame(ERROR_IN, .type = UNREACHABLE, .code = 3,
			      .quote = frame(NS2_OUTSIDE, .proto = proto, .sport = port,
					     .dport = 53, .flags = SYN, .type = ECHO, .id = port)));
		expect_translated(INTO_PORT,
				  frame(ERROR_INTO_NS2, .type = UNREACHABLE, .code = 3,
					.quote = frame(NS2_INSIDE, .proto = proto, .sport = 4000,
						       .dport = 53, .flags = SYN, .type = ECHO,
						       .id = 4000)));
	}
}

/* RFC 792: eight bytes of the transport header are enough. TCP's checksum is not among them. */
static void a_short_quote_is_translated_as_far_as_it_goes(void **s)
{
	static const uint16_t lengths[] = { 28, 28 + 7, 28 + 8, 28 + 10 };
	uint16_t port = collide(TCP, 4000);
	size_t i;

	/* the longest one ends right behind the checksum; what pads the frame is no part of the quote */
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct frame *quote =
			frame(NS2_OUTSIDE, .proto = TCP, .sport = port, .dport = 53, .flags = SYN);
		struct frame *inside =
			frame(NS2_INSIDE, .proto = TCP, .sport = 4000, .dport = 53, .flags = SYN);

		uplink_gets(frame(ERROR_IN, .type = TIME_EXCEEDED, .quote = quote,
				  .quote_len = lengths[i], .trailer = 20));
		expect_translated(INTO_PORT,
				  frame(ERROR_INTO_NS2, .type = TIME_EXCEEDED, .quote = inside,
					.quote_len = lengths[i]));
	}
	port = collide(UDP, 4002);
	uplink_gets(frame(ERROR_IN, .type = TIME_EXCEEDED, .quote_len = 28,
			  .quote = frame(NS2_OUTSIDE, .sport = port, .dport = 53)));
	expect_translated(INTO_PORT, frame(ERROR_INTO_NS2, .type = TIME_EXCEEDED, .quote_len = 28,
					   .quote = frame(NS2_INSIDE, .sport = 4002, .dport = 53)));
}

static void a_quoted_datagram_without_checksum_stays_without(void **s)
{
	uint16_t port = collide(UDP, 4000);

	uplink_gets(
		frame(ERROR_IN, .type = UNREACHABLE, .code = 3,
		      .quote = frame(NS2_OUTSIDE, .sport = port, .dport = 53, .no_check = true)));
	expect_translated(INTO_PORT, frame(ERROR_INTO_NS2, .type = UNREACHABLE, .code = 3,
					   .quote = frame(NS2_INSIDE, .sport = 4000, .dport = 53,
							  .no_check = true)));
}

#define OPTIONS .options = "\7\x07\4\0\0\0\0\0", .options_len = 8

static void a_quoted_header_may_have_options(void **s)
{
	uint16_t port = collide(UDP, 4000);

	uplink_gets(frame(ERROR_IN, .type = UNREACHABLE, .code = 3,
			  .quote = frame(NS2_OUTSIDE, OPTIONS, .sport = port, .dport = 53)));
	expect_translated(INTO_PORT,
			  frame(ERROR_INTO_NS2, .type = UNREACHABLE, .code = 3,
				.quote = frame(NS2_INSIDE, OPTIONS, .sport = 4000, .dport = 53)));
	/* and the error's own header, too */
	uplink_gets(frame(ERROR_IN, OPTIONS, .type = UNREACHABLE, .code = 3,
			  .quote = frame(NS2_OUTSIDE, .sport = port, .dport = 53)));
	expect_translated(INTO_PORT, frame(ERROR_INTO_NS2, OPTIONS, .type = UNREACHABLE, .code = 3,
					   .quote = frame(NS2_INSIDE, .sport = 4000, .dport = 53)));
}

static void a_wrong_checksum_of_what_is_quoted_stays_wrong(void **s)
{
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	uplink_gets(frame(ERROR_IN, .type = UNREACHABLE, .code = 3,
			  .quote = frame(OUTSIDE, .sport = 4000, .dport = 53, .check_error = 3)));
	expect_translated(
		INTO_PORT,
		frame(ERROR_INSIDE, .type = UNREACHABLE, .code = 3,
		      .quote = frame(INSIDE_AGAIN, .sport = 4000, .dport = 53, .check_error = 3)));
}

/* RFC 5508 REQ-3 */
static void an_error_with_a_wrong_checksum_is_dropped(void **s)
{
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	uplink_gets(frame(ERROR_IN, .type = UNREACHABLE, .code = 3, .check_error = 5,
			  .quote = frame(OUTSIDE, .sport = 4000, .dport = 53)));
	expect_dropped(COUNT_icmp_bad_sum);
}

static void an_error_neither_ends_nor_refreshes_a_flow(void **s)
{
	struct frame *error = frame(ERROR_IN, .type = UNREACHABLE, .code = 3,
				    .quote = frame(OUTSIDE, .sport = 4000, .dport = 53));
	uint32_t seen;

	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	age_flows(100);
	seen = conn_at(0).seen;
	uplink_gets(error);
	expect_outcome(INTO_PORT);
	assert_int_equal(conn_at(0).seen, seen);
	expect_state(0, CONN_UNREPLIED);
	/* and about one that is dead, nobody here need hear */
	age_flows(21);
	uplink_gets(error);
	expect_left_alone(error);
	expect_live_flows(1);
}

static void an_error_about_a_namespace_that_is_gone_is_left_alone(void **s)
{
	struct frame *error = frame(ERROR_IN, .type = UNREACHABLE, .code = 3,
				    .quote = frame(OUTSIDE, .sport = 4000, .dport = 53));

	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	replace_endpoint(DEV_NS1);
	uplink_gets(error);
	expect_left_alone(error);
}

static void an_error_about_no_flow_is_left_alone(void **s)
{
	struct frame *quote;

	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	uplink_gets(frame(ERROR_IN, .type = UNREACHABLE,
			  .quote = frame(OUTSIDE, .sport = 4001, .dport = 53)));
	expect_outcome(PASSED);
	expect_counted(COUNT_not_ours);
	/* the other way round: the host did not send that */
	quote = frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 53, .dport = 4000);
	uplink_gets(frame(ERROR_IN, .type = UNREACHABLE, .quote = quote));
	expect_outcome(PASSED);
	expect_counted(COUNT_not_ours);
}

/* One byte at an offset of the quote that makes it useless. */
static void with_a_quote_that_is(uint32_t at, uint8_t value, uint8_t proto)
{
	struct frame *quote = frame(OUTSIDE, .proto = proto, .sport = 4000, .dport = 53,
				    .type = ECHO, .id = 4000);
	struct frame *error;

	quote->bytes[ETH_LEN + at] = value;
	error = frame(ERROR_IN, .type = UNREACHABLE, .quote = quote);
	uplink_gets(error);
	expect_left_alone(error);
}

static void an_error_with_a_broken_quote_is_left_alone(void **s)
{
	struct frame *error;

	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	ns1_sends(frame(INSIDE, .proto = ICMP, .type = ECHO, .id = 4000));
	error = frame(ERROR_IN, .type = UNREACHABLE,
		      .quote = frame(OUTSIDE, .sport = 4000, .dport = 53), .quote_len = 27);
	uplink_gets(error);
	expect_left_alone(error);
	error = frame(ERROR_IN, .type = UNREACHABLE,
		      .quote = frame(OUTSIDE, OPTIONS, .sport = 4000, .dport = 53),
		      .quote_len = 28 + 7);
	uplink_gets(error);
	expect_left_alone(error);
	with_a_quote_that_is(0, 0x65, UDP); /* version 6 */
	with_a_quote_that_is(0, 0x44, UDP); /* a header of 16 bytes */
	with_a_quote_that_is(7, 1, UDP); /* a later fragment */
	with_a_quote_that_is(9, AUTHENTICATION, UDP);
	with_a_quote_that_is(20, TIME_EXCEEDED, ICMP); /* an error about an error */
}

static void an_error_with_its_ttl_used_up_ends_here(void **s)
{
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	uplink_gets(frame(ERROR_IN, .type = UNREACHABLE, .ttl = 1,
			  .quote = frame(OUTSIDE, .sport = 4000, .dport = 53)));
	expect_dropped(COUNT_icmp_error);
}

/* ---- about what came in ---- */

static void a_namespaces_error_goes_out_as_the_published_address(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5000));
	ns1_sends(frame(
		NS1_TO_GW, .src = NS1, .dst = SERVER, .proto = ICMP, .type = UNREACHABLE, .code = 3,
		.quote = frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 999, .dport = 3000)));
	expect_translated(SENT, frame(NS1_TO_GW, .src = UPLINK, .dst = SERVER, .proto = ICMP,
				      .type = UNREACHABLE, .code = 3, .ttl = 63,
				      .quote = frame(FROM_ISP, .src = SERVER, .dst = UPLINK,
						     .sport = 999, .dport = 5000)));
	ns1_sends(frame(
		NS1_TO_GW, .src = NS1, .dst = SERVER, .proto = ICMP, .type = UNREACHABLE, .ttl = 1,
		.quote = frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 999, .dport = 3000)));
	expect_dropped(COUNT_ttl_exceeded);
}

static void an_error_through_the_hairpin_comes_from_the_published_address(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, .sport = 70, .dport = 5000));
	ns1_sends(frame(
		NS1_TO_GW, .src = NS1, .dst = UPLINK, .proto = ICMP, .type = UNREACHABLE, .code = 3,
		.quote = frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = 70, .dport = 3000)));
	expect_translated(INTO_PORT, frame(GW_TO_NS2, .src = UPLINK, .dst = NS2, .proto = ICMP,
					   .type = UNREACHABLE, .code = 3, .ttl = 63,
					   .quote = frame(GW_TO_NS1, .src = NS2, .dst = UPLINK,
							  .sport = 70, .dport = 5000)));
}

static void an_error_about_the_hosts_packet_goes_up_to_it(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	lo_gets(frame(ON_LO, .src = UPLINK, .dst = UPLINK, .sport = 999, .dport = 5000));
	ns1_sends(frame(
		NS1_TO_GW, .src = NS1, .dst = UPLINK, .proto = ICMP, .type = UNREACHABLE, .code = 3,
		.quote = frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = 999, .dport = 3000)));
	expect_translated(INTO_HOST, frame(NS1_TO_GW, .src = UPLINK, .dst = UPLINK, .proto = ICMP,
					   .type = UNREACHABLE, .code = 3,
					   .quote = frame(ON_LO, .src = UPLINK, .dst = UPLINK,
							  .sport = 999, .dport = 5000)));
}

static void an_error_about_a_published_reply_comes_in(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5000));
	uplink_gets(frame(ERROR_IN, .type = UNREACHABLE, .code = 4, SECOND_WORD,
			  .quote = frame(OUTSIDE, .sport = 5000, .dport = 999)));
	expect_translated(INTO_PORT,
			  frame(ERROR_INSIDE, .type = UNREACHABLE, .code = 4, SECOND_WORD,
				.quote = frame(INSIDE_AGAIN, .sport = 3000, .dport = 999)));
}

/* An error by lo: the kernel's own, about a packet of ours that found no next hop. */
static void an_error_of_the_hosts_own_comes_in_by_lo(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	lo_gets(frame(ON_LO, .src = UPLINK, .dst = UPLINK, .sport = 999, .dport = 5000));
	lo_gets(frame(ON_LO, .src = UPLINK, .dst = UPLINK, .proto = ICMP, .type = UNREACHABLE,
		      .quote = frame(ON_LO, .src = UPLINK, .dst = UPLINK, .sport = 5000,
				     .dport = 999)));
	expect_translated(INTO_PORT, frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .proto = ICMP,
					   .type = UNREACHABLE,
					   .quote = frame(ON_LO, .src = NS1, .dst = UPLINK,
							  .sport = 3000, .dport = 999)));
}

static void a_namespaces_error_about_no_flow_goes_nowhere(void **s)
{
	struct frame *quote =
		frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 999, .dport = 3000);
	struct frame *f;

	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .proto = ICMP, .type = UNREACHABLE,
			.quote = quote));
	expect_dropped(COUNT_icmp_error);
	/* to the host: about a packet that the host itself sent */
	f = frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .proto = ICMP, .type = UNREACHABLE,
		  .quote = quote);
	ns1_sends(f);
	expect_outcome(INTO_HOST);
	expect_packet(f);
	expect_counted(COUNT_to_host);
	f = frame(NS1_TO_GW, .src = NS1, .dst = GW, .proto = ICMP, .type = UNREACHABLE,
		  .quote = quote);
	ns1_sends(f);
	expect_outcome(INTO_HOST);
	expect_packet(f);
	expect_counted(COUNT_to_host);
}

/* Its flow leads to the uplink, but not the way that the error would take. */
static void a_namespaces_error_follows_its_flow_only(void **s)
{
	struct frame *quote =
		frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 999, .dport = 3000);

	publish(UPLINK, UDP, 5000, 5000, 3000);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5000));
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = IN_BLACKHOLE, .proto = ICMP,
			.type = UNREACHABLE, .quote = quote));
	expect_dropped(COUNT_icmp_error);
}

/* ---- errors of the gateway's ---- */

static void expect_refused(const struct frame *f, uint8_t type, uint8_t code, uint16_t mtu)
{
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = type,
			    .code = code, .seq = mtu, .tos = 0xc0, .no_ip_id = true, .quote = f,
			    .quote_len = 28));
	expect_counted(COUNT_icmp_sent);
	expect_live_flows(0);
}

static void a_ttl_that_is_used_up_is_told(void **s)
{
	struct frame *f = frame(INSIDE, .sport = 4000, .dport = 53, .ttl = 1);

	ns1_sends(f);
	expect_refused(f, TIME_EXCEEDED, 0, 0);
	f = frame(INSIDE, .proto = ICMP, .type = ECHO, .id = 7, .ttl = 1);
	ns1_sends(f);
	expect_refused(f, TIME_EXCEEDED, 0, 0);
	f = frame(INSIDE, .proto = TCP, .sport = 1, .dport = 2, .flags = SYN, .ttl = 1);
	ns1_sends(f);
	expect_refused(f, TIME_EXCEEDED, 0, 0);
}

static void it_is_told_of_a_known_flow_too(void **s)
{
	struct frame *f = frame(INSIDE, .sport = 4000, .dport = 53, .ttl = 1);

	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	ns1_sends(f);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = TIME_EXCEEDED,
			    .tos = 0xc0, .no_ip_id = true, .quote = f, .quote_len = 28));
	expect_counted(COUNT_icmp_sent);
}

static void it_is_told_to_the_outside(void **s)
{
	struct frame *f =
		frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 53, .dport = 4000, .ttl = 1);

	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	uplink_gets(f);
	expect_outcome(SENT);
	expect_packet(frame(.smac = UPLINK_MAC, .dmac = ISP_MAC, .src = UPLINK, .dst = SERVER,
			    .proto = ICMP, .type = TIME_EXCEEDED, .tos = 0xc0, .no_ip_id = true,
			    .quote = f, .quote_len = 28));
	expect_counted(COUNT_icmp_sent);
}

static char large[1400];

static void a_packet_of_any_length_is_quoted(void **s)
{
	struct frame *f =
		frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1, .payload = "", .payload_len = 0);

	ns1_sends(f);
	expect_refused(f, TIME_EXCEEDED, 0, 0);
	f = frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1, .payload = "x", .trailer = 17);
	ns1_sends(f);
	expect_refused(f, TIME_EXCEEDED, 0, 0);
	f = frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1, .payload = large,
		  .payload_len = sizeof(large));
	ns1_sends(f);
	expect_refused(f, TIME_EXCEEDED, 0, 0);
	run_given(HOOK_PORT, DEV_NS1, f, (struct given){ .gso_size = 700 });
	expect_refused(f, TIME_EXCEEDED, 0, 0);
}

static void options_are_quoted_with_their_header(void **s)
{
	struct frame *f = frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1, .options_len = 40,
				.options = "\7\x27\4abcdefghijklmnopqrstuvwxyzABCDEFGHIJ");

	ns1_sends(f);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = TIME_EXCEEDED,
			    .tos = 0xc0, .no_ip_id = true, .quote = f, .quote_len = 68));
}

/* RFC 1812 4.3.2.5: internetwork control, with the type of service of the packet. */
static void the_type_of_service_is_kept_the_precedence_raised(void **s)
{
	struct frame *f = frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1, .tos = 0x3b);

	ns1_sends(f);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = TIME_EXCEEDED,
			    .tos = 0xda, .no_ip_id = true, .quote = f, .quote_len = 28));
}

static void a_packet_that_may_not_be_cut_learns_the_mtu(void **s)
{
	struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = BEHIND_MTU_1000, .sport = 1,
				.dport = 2, .frag = DONT_FRAGMENT, .payload = large,
				.payload_len = 1000 - 28 + 1);

	ns1_sends(f);
	expect_refused(f, UNREACHABLE, 4, 1000);
}

static void routes_that_lead_nowhere_are_told(void **s)
{
	struct frame *f =
		frame(NS1_TO_GW, .src = NS1, .dst = IN_UNREACHABLE, .sport = 1, .dport = 2);

	ns1_sends(f);
	expect_refused(f, UNREACHABLE, 13, 0);
	f = frame(NS1_TO_GW, .src = NS1, .dst = IN_PROHIBITED, .sport = 1, .dport = 2);
	ns1_sends(f);
	expect_refused(f, UNREACHABLE, 13, 0);
	f = frame(NS1_TO_GW, .src = NS1, .dst = BEHIND_UNMANAGED, .sport = 1, .dport = 2);
	ns1_sends(f);
	expect_refused(f, UNREACHABLE, 0, 0);
}

static void look_ups_that_are_refused_are_told_and_counted(void **s)
{
	struct frame *f = frame(INSIDE, .sport = 1, .dport = 2);

	set_forwarding(DEV_GW_PEER, 0);
	ns1_sends(f);
	set_forwarding(DEV_GW_PEER, 1);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = UNREACHABLE,
			    .tos = 0xc0, .no_ip_id = true, .quote = f, .quote_len = 28));
	expect_counted(COUNT_icmp_sent, COUNT_fib_fwd_disabled);
}

/* RFC 1812 4.3.2.7. */
static void some_packets_are_refused_in_silence(void **s)
{
	/* a fragment but the first */
	ns1_sends(frame(INSIDE, .frag = MORE_FRAGMENTS, .payload = "eight..."));
	expect_outcome(SENT);
	ns1_sends(frame(INSIDE, .frag = 100, .ttl = 1));
	expect_dropped(COUNT_ttl_exceeded);
	/* an ICMP message that may be an error */
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = IN_PROHIBITED, .proto = ICMP,
			.type = REDIRECT));
	expect_dropped(COUNT_prohibited);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = BEHIND_UNMANAGED, .proto = ICMP, .type = REDIRECT));
	expect_dropped(COUNT_egress_unmanaged);
}

static void there_are_only_so_many_a_second(void **s)
{
	leave_icmp_budget(1, 0);
	ns1_sends(frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1));
	expect_counted(COUNT_icmp_sent);
	ns1_sends(frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1));
	expect_dropped(COUNT_ttl_exceeded, COUNT_icmp_limited);
	leave_icmp_budget(0, 1);
	ns1_sends(frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1));
	expect_counted(COUNT_icmp_sent);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(an_error_of_each_type_comes_in),
		spec(an_error_about_tcp_comes_in),
		spec(an_error_about_a_query_comes_in),
		spec(a_port_that_was_changed_is_put_back_in_the_quote),
		spec(a_short_quote_is_translated_as_far_as_it_goes),
		spec(a_quoted_datagram_without_checksum_stays_without),
		spec(a_quoted_header_may_have_options),
		spec(a_wrong_checksum_of_what_is_quoted_stays_wrong),
		spec(an_error_with_a_wrong_checksum_is_dropped),
		spec(an_error_neither_ends_nor_refreshes_a_flow),
		spec(an_error_about_a_namespace_that_is_gone_is_left_alone),
		spec(an_error_about_no_flow_is_left_alone),
		spec(an_error_with_a_broken_quote_is_left_alone),
		spec(an_error_with_its_ttl_used_up_ends_here),
		spec(a_namespaces_error_goes_out_as_the_published_address),
		spec(an_error_through_the_hairpin_comes_from_the_published_address),
		spec(an_error_about_the_hosts_packet_goes_up_to_it),
		spec(an_error_about_a_published_reply_comes_in),
		spec(an_error_of_the_hosts_own_comes_in_by_lo),
		spec(a_namespaces_error_about_no_flow_goes_nowhere),
		spec(a_namespaces_error_follows_its_flow_only),
		spec(a_ttl_that_is_used_up_is_told),
		spec(it_is_told_of_a_known_flow_too),
		spec(it_is_told_to_the_outside),
		spec(a_packet_of_any_length_is_quoted),
		spec(options_are_quoted_with_their_header),
		spec(the_type_of_service_is_kept_the_precedence_raised),
		spec(a_packet_that_may_not_be_cut_learns_the_mtu),
		spec(routes_that_lead_nowhere_are_told),
		spec(look_ups_that_are_refused_are_told_and_counted),
		spec(some_packets_are_refused_in_silence),
		spec(there_are_only_so_many_a_second),
	};

	return run_specs("icmp", specs);
}
