// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* ICMP in translation (RFC 5508): errors about translated packets, with the packet they embed, and queries. */
#include "flow.h"

#define ROUTER "198.51.100.77"
#define SECOND_WORD .id = 0, .seq = 1400 /* as of "fragmentation needed" */

/* NS1's packet as it was inside, and as the router that sends the error saw it. */
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
				  .inner = frame(OUTSIDE, .sport = 4000, .dport = 53)));
		expect_translated(INTO_PORT,
				  frame(ERROR_INSIDE, .type = types[i], .code = 1, SECOND_WORD,
					.inner = frame(INSIDE_AGAIN, .sport = 4000, .dport = 53)));
	}
}

static void an_error_about_tcp_comes_in(void **s)
{
	ns1_sends(frame(INSIDE, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	uplink_gets(frame(ERROR_IN, .type = UNREACHABLE, .code = 4, SECOND_WORD,
			  .inner = frame(OUTSIDE, .proto = TCP, .sport = 4000, .dport = 80,
					 .flags = SYN)));
	expect_translated(INTO_PORT,
			  frame(ERROR_INSIDE, .type = UNREACHABLE, .code = 4, SECOND_WORD,
				.inner = frame(INSIDE_AGAIN, .proto = TCP, .sport = 4000,
					       .dport = 80, .flags = SYN)));
}

static void an_error_about_a_query_comes_in(void **s)
{
	ns1_sends(frame(INSIDE, .proto = ICMP, .type = ECHO, .id = 7, .seq = 3));
	uplink_gets(frame(ERROR_IN, .type = TIME_EXCEEDED,
			  .inner = frame(OUTSIDE, .proto = ICMP, .type = ECHO, .id = 7, .seq = 3)));
	expect_translated(INTO_PORT, frame(ERROR_INSIDE, .type = TIME_EXCEEDED,
					   .inner = frame(INSIDE_AGAIN, .proto = ICMP, .type = ECHO,
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

/* Ports, identifiers and their checksums are restored in the embedded packet. */
static void a_remapped_port_is_restored_in_the_embedded_packet(void **s)
{
	static const uint8_t protocols[] = { TCP, UDP, ICMP };
	size_t i;

	for (i = 0; i < 3; i++) {
		uint8_t proto = protocols[i];
		uint16_t port = collide(proto, 4000);

		uplink_gets(
			frame(ERROR_IN, .type = UNREACHABLE, .code = 3,
			      .inner = frame(NS2_OUTSIDE, .proto = proto, .sport = port,
					     .dport = 53, .flags = SYN, .type = ECHO, .id = port)));
		expect_translated(INTO_PORT,
				  frame(ERROR_INTO_NS2, .type = UNREACHABLE, .code = 3,
					.inner = frame(NS2_INSIDE, .proto = proto, .sport = 4000,
						       .dport = 53, .flags = SYN, .type = ECHO,
						       .id = 4000)));
	}
}

/* RFC 792: eight bytes of the transport header are enough. TCP's checksum is not among them. */
static void a_short_embedded_packet_is_translated_as_far_as_it_goes(void **s)
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

		uplink_gets(frame(ERROR_IN, .type = TIME_EXCEEDED, .inner = quote,
				  .inner_len = lengths[i], .trailer = 20));
		expect_translated(INTO_PORT,
				  frame(ERROR_INTO_NS2, .type = TIME_EXCEEDED, .inner = inside,
					.inner_len = lengths[i]));
	}
	port = collide(UDP, 4002);
	uplink_gets(frame(ERROR_IN, .type = TIME_EXCEEDED, .inner_len = 28,
			  .inner = frame(NS2_OUTSIDE, .sport = port, .dport = 53)));
	expect_translated(INTO_PORT, frame(ERROR_INTO_NS2, .type = TIME_EXCEEDED, .inner_len = 28,
					   .inner = frame(NS2_INSIDE, .sport = 4002, .dport = 53)));
}

static void an_embedded_datagram_without_checksum_stays_without(void **s)
{
	uint16_t port = collide(UDP, 4000);

	uplink_gets(
		frame(ERROR_IN, .type = UNREACHABLE, .code = 3,
		      .inner = frame(NS2_OUTSIDE, .sport = port, .dport = 53, .no_check = true)));
	expect_translated(INTO_PORT, frame(ERROR_INTO_NS2, .type = UNREACHABLE, .code = 3,
					   .inner = frame(NS2_INSIDE, .sport = 4000, .dport = 53,
							  .no_check = true)));
}

#define OPTIONS .options = "\7\x07\4\0\0\0\0\0", .options_len = 8

static void an_embedded_header_may_have_options(void **s)
{
	uint16_t port = collide(UDP, 4000);

	uplink_gets(frame(ERROR_IN, .type = UNREACHABLE, .code = 3,
			  .inner = frame(NS2_OUTSIDE, OPTIONS, .sport = port, .dport = 53)));
	expect_translated(INTO_PORT,
			  frame(ERROR_INTO_NS2, .type = UNREACHABLE, .code = 3,
				.inner = frame(NS2_INSIDE, OPTIONS, .sport = 4000, .dport = 53)));
	/* and the error's own header, too */
	uplink_gets(frame(ERROR_IN, OPTIONS, .type = UNREACHABLE, .code = 3,
			  .inner = frame(NS2_OUTSIDE, .sport = port, .dport = 53)));
	expect_translated(INTO_PORT, frame(ERROR_INTO_NS2, OPTIONS, .type = UNREACHABLE, .code = 3,
					   .inner = frame(NS2_INSIDE, .sport = 4000, .dport = 53)));
}

static void a_wrong_embedded_checksum_stays_wrong(void **s)
{
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	uplink_gets(frame(ERROR_IN, .type = UNREACHABLE, .code = 3,
			  .inner = frame(OUTSIDE, .sport = 4000, .dport = 53, .check_error = 3)));
	expect_translated(
		INTO_PORT,
		frame(ERROR_INSIDE, .type = UNREACHABLE, .code = 3,
		      .inner = frame(INSIDE_AGAIN, .sport = 4000, .dport = 53, .check_error = 3)));
}

/* RFC 5508 REQ-3 */
static void an_error_with_a_wrong_checksum_is_dropped(void **s)
{
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	uplink_gets(frame(ERROR_IN, .type = UNREACHABLE, .code = 3, .check_error = 5,
			  .inner = frame(OUTSIDE, .sport = 4000, .dport = 53)));
	expect_dropped(COUNT_icmp_bad_sum);
}

static void an_error_neither_ends_nor_refreshes_a_flow(void **s)
{
	struct frame *error = frame(ERROR_IN, .type = UNREACHABLE, .code = 3,
				    .inner = frame(OUTSIDE, .sport = 4000, .dport = 53));
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
				    .inner = frame(OUTSIDE, .sport = 4000, .dport = 53));

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
			  .inner = frame(OUTSIDE, .sport = 4001, .dport = 53)));
	expect_outcome(PASSED);
	expect_counted(COUNT_not_ours);
	/* the other way round: the host did not send that */
	quote = frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 53, .dport = 4000);
	uplink_gets(frame(ERROR_IN, .type = UNREACHABLE, .inner = quote));
	expect_outcome(PASSED);
	expect_counted(COUNT_not_ours);
}

/* One wrong byte at an offset of the embedded packet. */
static void with_an_embedded_that_is(uint32_t at, uint8_t value, uint8_t proto)
{
	struct frame *quote = frame(OUTSIDE, .proto = proto, .sport = 4000, .dport = 53,
				    .type = ECHO, .id = 4000);
	struct frame *error;

	quote->bytes[ETH_LEN + at] = value;
	error = frame(ERROR_IN, .type = UNREACHABLE, .inner = quote);
	uplink_gets(error);
	expect_left_alone(error);
}

static void an_error_with_a_malformed_embedded_packet_is_left_alone(void **s)
{
	struct frame *error;

	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	ns1_sends(frame(INSIDE, .proto = ICMP, .type = ECHO, .id = 4000));
	error = frame(ERROR_IN, .type = UNREACHABLE,
		      .inner = frame(OUTSIDE, .sport = 4000, .dport = 53), .inner_len = 27);
	uplink_gets(error);
	expect_left_alone(error);
	error = frame(ERROR_IN, .type = UNREACHABLE,
		      .inner = frame(OUTSIDE, OPTIONS, .sport = 4000, .dport = 53),
		      .inner_len = 28 + 7);
	uplink_gets(error);
	expect_left_alone(error);
	with_an_embedded_that_is(0, 0x65, UDP); /* version 6 */
	with_an_embedded_that_is(0, 0x44, UDP); /* a header of 16 bytes */
	with_an_embedded_that_is(7, 1, UDP); /* a later fragment */
	with_an_embedded_that_is(9, AUTHENTICATION, UDP);
	with_an_embedded_that_is(20, TIME_EXCEEDED, ICMP); /* an error about an error */
}

static void an_error_with_its_ttl_used_up_ends_here(void **s)
{
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	uplink_gets(frame(ERROR_IN, .type = UNREACHABLE, .ttl = 1,
			  .inner = frame(OUTSIDE, .sport = 4000, .dport = 53)));
	expect_dropped(COUNT_icmp_error);
}

/* ---- about what came in ---- */

static void a_namespaces_error_goes_out_as_the_published_address(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5000));
	ns1_sends(frame(
		NS1_TO_GW, .src = NS1, .dst = SERVER, .proto = ICMP, .type = UNREACHABLE, .code = 3,
		.inner = frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 999, .dport = 3000)));
	expect_translated(SENT, frame(NS1_TO_GW, .src = UPLINK, .dst = SERVER, .proto = ICMP,
				      .type = UNREACHABLE, .code = 3, .ttl = 63,
				      .inner = frame(FROM_ISP, .src = SERVER, .dst = UPLINK,
						     .sport = 999, .dport = 5000)));
	ns1_sends(frame(
		NS1_TO_GW, .src = NS1, .dst = SERVER, .proto = ICMP, .type = UNREACHABLE, .ttl = 1,
		.inner = frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 999, .dport = 3000)));
	expect_dropped(COUNT_ttl_exceeded);
}

static void an_error_through_the_hairpin_comes_from_the_published_address(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, .sport = 70, .dport = 5000));
	ns1_sends(frame(
		NS1_TO_GW, .src = NS1, .dst = UPLINK, .proto = ICMP, .type = UNREACHABLE, .code = 3,
		.inner = frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = 70, .dport = 3000)));
	expect_translated(INTO_PORT, frame(GW_TO_NS2, .src = UPLINK, .dst = NS2, .proto = ICMP,
					   .type = UNREACHABLE, .code = 3, .ttl = 63,
					   .inner = frame(GW_TO_NS1, .src = NS2, .dst = UPLINK,
							  .sport = 70, .dport = 5000)));
}

static void an_error_about_the_hosts_packet_goes_up_to_it(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	lo_gets(frame(ON_LO, .src = UPLINK, .dst = UPLINK, .sport = 999, .dport = 5000));
	ns1_sends(frame(
		NS1_TO_GW, .src = NS1, .dst = UPLINK, .proto = ICMP, .type = UNREACHABLE, .code = 3,
		.inner = frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = 999, .dport = 3000)));
	expect_translated(INTO_HOST, frame(NS1_TO_GW, .src = UPLINK, .dst = UPLINK, .proto = ICMP,
					   .type = UNREACHABLE, .code = 3,
					   .inner = frame(ON_LO, .src = UPLINK, .dst = UPLINK,
							  .sport = 999, .dport = 5000)));
}

static void an_error_about_a_published_reply_comes_in(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5000));
	uplink_gets(frame(ERROR_IN, .type = UNREACHABLE, .code = 4, SECOND_WORD,
			  .inner = frame(OUTSIDE, .sport = 5000, .dport = 999)));
	expect_translated(INTO_PORT,
			  frame(ERROR_INSIDE, .type = UNREACHABLE, .code = 4, SECOND_WORD,
				.inner = frame(INSIDE_AGAIN, .sport = 3000, .dport = 999)));
}

/* An error by lo: the kernel's own, about a packet that found no next hop. */
static void an_error_of_the_hosts_own_comes_in_by_lo(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	lo_gets(frame(ON_LO, .src = UPLINK, .dst = UPLINK, .sport = 999, .dport = 5000));
	lo_gets(frame(ON_LO, .src = UPLINK, .dst = UPLINK, .proto = ICMP, .type = UNREACHABLE,
		      .inner = frame(ON_LO, .src = UPLINK, .dst = UPLINK, .sport = 5000,
				     .dport = 999)));
	expect_translated(INTO_PORT, frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .proto = ICMP,
					   .type = UNREACHABLE,
					   .inner = frame(ON_LO, .src = NS1, .dst = UPLINK,
							  .sport = 3000, .dport = 999)));
}

static void a_namespaces_error_about_no_flow_goes_nowhere(void **s)
{
	struct frame *quote =
		frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 999, .dport = 3000);
	struct frame *f;

	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .proto = ICMP, .type = UNREACHABLE,
			.inner = quote));
	expect_dropped(COUNT_icmp_error);
	/* to the host: about a packet that the host itself sent */
	f = frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .proto = ICMP, .type = UNREACHABLE,
		  .inner = quote);
	ns1_sends(f);
	expect_outcome(INTO_HOST);
	expect_packet(f);
	expect_counted(COUNT_to_host);
	f = frame(NS1_TO_GW, .src = NS1, .dst = GW, .proto = ICMP, .type = UNREACHABLE,
		  .inner = quote);
	ns1_sends(f);
	expect_outcome(INTO_HOST);
	expect_packet(f);
	expect_counted(COUNT_to_host);
}

/* Its flow leads to the uplink, but another route than the error's. */
static void a_namespaces_error_follows_its_flow_only(void **s)
{
	struct frame *quote =
		frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 999, .dport = 3000);

	publish(UPLINK, UDP, 5000, 5000, 3000);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5000));
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = IN_BLACKHOLE, .proto = ICMP,
			.type = UNREACHABLE, .inner = quote));
	expect_dropped(COUNT_icmp_error);
}

/* ---- errors that no router sends ---- */

#define FORGED FROM_ISP, .proto = ICMP, .type = UNREACHABLE, .code = 3
#define EMBEDDED NS1_TO_GW, .src = UPLINK, .dst = SERVER, .sport = 4000, .dport = 53

/* As in netfilter: an error goes to the source of the packet that it embeds. */
static void an_error_to_another_address_is_left_alone(void **s)
{
	struct frame *f = frame(FORGED, .src = SERVER, .dst = UPLINK_SECOND, .inner = frame(EMBEDDED));

	ns1_udp(4000);
	uplink_gets(f);
	expect_left_alone(f);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER2, .proto = ICMP, .type = UNREACHABLE,
			.code = 3, .inner = frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 53,
						  .dport = 4000)));
	expect_dropped(COUNT_icmp_error);
}

static void an_error_with_a_source_route_or_a_wrong_checksum_is_left_to_the_kernel(void **s)
{
	struct frame *f = frame(FORGED, .src = SERVER, .dst = UPLINK, .inner = frame(EMBEDDED),
				.options = "\x83\7\4\xcb\0\x71\1\0", .options_len = 8);

	ns1_udp(4000);
	uplink_gets(f);
	expect_left_alone(f);
	f = frame(FORGED, .src = SERVER, .dst = UPLINK, .inner = frame(EMBEDDED),
		  .ip_check_error = 1);
	uplink_gets(f);
	expect_left_alone(f);
}

/* RFC 768: in an embedded packet, too, a checksum of 0 would mean that there is none. */
static void an_embedded_udp_checksum_never_becomes_zero(void **s)
{
	uint8_t payload[2];
	struct frame *inside;
	uint32_t i;

	for (i = 0; i < 0x10000; i++) {
		payload[0] = i >> 8;
		payload[1] = i;
		inside = frame(OUT, .sport = 4000, .dport = 53, .ttl = 63,
			       .payload = (const char *)payload, .payload_len = 2);
		if (frame_u16(inside, ETH_LEN + IP_LEN + 6) == 0xffff)
			break;
	}
	assert_int_not_equal(i, 0x10000);
	ns1_udp(4000);
	uplink_gets(frame(FORGED, .src = SERVER, .dst = UPLINK,
			  .inner = frame(EMBEDDED, .ttl = 63, .payload = (const char *)payload,
					 .payload_len = 2)));
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .proto = ICMP, .type = UNREACHABLE,
			    .code = 3, .ttl = 63, .inner = inside));
}

/* ---- queries (RFC 5508 section 3): asked from inside, answered from outside, and never the other way ---- */

static const struct {
	uint8_t request, reply;
} queries[] = { { ECHO, ECHO_REPLY }, { TIMESTAMP, TIMESTAMP_REPLY } };

#define QUERY_OUT NS1_TO_GW, .src = NS1, .dst = SERVER, .proto = ICMP
#define QUERY_IN FROM_ISP, .src = SERVER, .dst = UPLINK, .proto = ICMP

/* The peer of a query may send one itself, by chance with the same identifier: that is for the host. */
static void a_query_from_outside_is_no_reply(void **s)
{
	struct frame *f;
	size_t i;

	for (i = 0; i < 2; i++) {
		ns1_sends(frame(QUERY_OUT, .type = queries[i].request, .id = i));
		f = frame(QUERY_IN, .type = queries[i].request, .id = i);
		uplink_gets(f);
		expect_left_alone(f);
		expect_state(i, CONN_UNREPLIED);
		uplink_gets(frame(QUERY_IN, .type = queries[i].reply, .id = i));
		expect_outcome(INTO_PORT);
		expect_counted(COUNT_unmasqueraded);
		expect_state(i, CONN_REPLIED);
	}
}

static void a_reply_without_a_query_creates_no_flow(void **s)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		ns1_sends(frame(QUERY_OUT, .type = queries[i].reply, .id = i));
		expect_dropped(COUNT_no_flow);
		ns1_sends(frame(QUERY_OUT, .type = queries[i].request, .id = i));
		expect_outcome(SENT);
	}
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(an_error_of_each_type_comes_in),
		spec(an_error_about_tcp_comes_in),
		spec(an_error_about_a_query_comes_in),
		spec(a_remapped_port_is_restored_in_the_embedded_packet),
		spec(a_short_embedded_packet_is_translated_as_far_as_it_goes),
		spec(an_embedded_datagram_without_checksum_stays_without),
		spec(an_embedded_header_may_have_options),
		spec(a_wrong_embedded_checksum_stays_wrong),
		spec(an_error_with_a_wrong_checksum_is_dropped),
		spec(an_error_neither_ends_nor_refreshes_a_flow),
		spec(an_error_about_a_namespace_that_is_gone_is_left_alone),
		spec(an_error_about_no_flow_is_left_alone),
		spec(an_error_with_a_malformed_embedded_packet_is_left_alone),
		spec(an_error_with_its_ttl_used_up_ends_here),
		spec(a_namespaces_error_goes_out_as_the_published_address),
		spec(an_error_through_the_hairpin_comes_from_the_published_address),
		spec(an_error_about_the_hosts_packet_goes_up_to_it),
		spec(an_error_about_a_published_reply_comes_in),
		spec(an_error_of_the_hosts_own_comes_in_by_lo),
		spec(a_namespaces_error_about_no_flow_goes_nowhere),
		spec(a_namespaces_error_follows_its_flow_only),
		spec(an_error_to_another_address_is_left_alone),
		spec(an_error_with_a_source_route_or_a_wrong_checksum_is_left_to_the_kernel),
		spec(an_embedded_udp_checksum_never_becomes_zero),
		spec(a_query_from_outside_is_no_reply),
		spec(a_reply_without_a_query_creates_no_flow),
	};

	return run_specs("icmp_xlate", specs);
}
