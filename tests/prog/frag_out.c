// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Datagrams larger than the MTU of their route, without DF: they are fragmented. */
#include "lib/wire.h"

/* To where the MTU is 1000: 976 bytes fit behind an IP header, in whole units of eight. */
#define INSIDE NS1_TO_GW, .src = NS1, .dst = BEHIND_MTU_1000
#define OUTSIDE .smac = UPLINK_MAC, .dmac = ISP_MAC, .src = UPLINK, .dst = BEHIND_MTU_1000, .ttl = 63
#define UDP_PORTS .sport = 4000, .dport = 53
#define TEXT .payload = text, .payload_len = sizeof(text)
#define BEHIND (sizeof(text) + 8)

static char text[1393];

/* The fragments of the translated datagram leave. */
static void expect_fragmented(struct frame *in, struct frame *out)
{
	wire_send(DEV_NS1, in);
	expect_counted(COUNT_frag_created, COUNT_flow_new, COUNT_masqueraded, COUNT_masqueraded);
	expect_arrival(DEV_UPLINK, frame_fragment(out, 0, 976));
	expect_arrival(DEV_UPLINK, frame_fragment(out, 976, BEHIND - 976));
	expect_no_more_arrivals();
}

static void a_datagram_is_fragmented(void **s)
{
	expect_fragmented(frame(INSIDE, UDP_PORTS, TEXT), frame(OUTSIDE, UDP_PORTS, TEXT));
}

static void an_echo_is_fragmented(void **s)
{
	expect_fragmented(frame(INSIDE, .proto = ICMP, .type = ECHO, .id = 77, TEXT),
		   frame(OUTSIDE, .proto = ICMP, .type = ECHO, .id = 77, TEXT));
}

static void a_wrong_checksum_stays_as_wrong(void **s)
{
	expect_fragmented(frame(INSIDE, UDP_PORTS, TEXT, .check_error = 1),
		   frame(OUTSIDE, UDP_PORTS, TEXT, .check_error = 1));
}

static void a_datagram_without_checksum_stays_without(void **s)
{
	expect_fragmented(frame(INSIDE, UDP_PORTS, TEXT, .no_check = true),
		   frame(OUTSIDE, UDP_PORTS, TEXT, .no_check = true));
}

/* RFC 791: options with the copied flag are in every fragment; padding takes the place of the others. */
static void options_with_the_copied_flag_are_in_every_fragment(void **s)
{
	/* record route (7), an unknown one with the copied flag (0x94: router alert), end */
	static const char options[] = "\x07\x07\x04\0\0\0\0\x94\x04\0\0\x01\x07\x03\x04\0",
			  later[] = "\x01\x01\x01\x01\x01\x01\x01\x94\x04\0\0\x01\x01\x01\x01\0";
	struct frame *first = frame(OUTSIDE, UDP_PORTS, TEXT, .options = options, .options_len = 16),
		     *second = frame(OUTSIDE, UDP_PORTS, TEXT, .options = later, .options_len = 16);

	wire_send(DEV_NS1, frame(INSIDE, UDP_PORTS, TEXT, .options = options, .options_len = 16));
	/* 1000 - 36 in units of eight */
	expect_arrival(DEV_UPLINK, frame_fragment(first, 0, 960));
	expect_arrival(DEV_UPLINK, frame_fragment(second, 960, BEHIND - 960));
	expect_no_more_arrivals();
}

/* A fragment is fragmented itself: the first, one in the middle, the last. */
static void a_first_fragment_is_fragmented_further(void **s)
{
	struct frame *in = frame(INSIDE, UDP_PORTS, TEXT), *out = frame(OUTSIDE, UDP_PORTS, TEXT);

	wire_send(DEV_NS1, frame_fragment(in, 0, 1000));
	expect_arrival(DEV_UPLINK, frame_fragment(out, 0, 976));
	expect_arrival(DEV_UPLINK, frame_fragment(out, 976, 24));
	expect_no_more_arrivals();
	wire_send(DEV_NS1, frame_fragment(in, 1000, BEHIND - 1000));
	expect_arrival(DEV_UPLINK, frame_fragment(out, 1000, BEHIND - 1000));
	expect_no_more_arrivals();
}

static void a_later_fragment_is_fragmented_further(void **s)
{
	struct frame *in = frame(INSIDE, UDP_PORTS, TEXT), *out = frame(OUTSIDE, UDP_PORTS, TEXT);

	wire_send(DEV_NS1, frame_fragment(in, 0, 16));
	expect_arrival(DEV_UPLINK, frame_fragment(out, 0, 16));
	wire_send(DEV_NS1, frame_fragment(in, 16, 1200));
	expect_counted(COUNT_frag_created, COUNT_masqueraded, COUNT_masqueraded);
	expect_arrival(DEV_UPLINK, frame_fragment(out, 16, 976));
	expect_arrival(DEV_UPLINK, frame_fragment(out, 992, 224));
	wire_send(DEV_NS1, frame_fragment(in, 1216, BEHIND - 1216));
	expect_arrival(DEV_UPLINK, frame_fragment(out, 1216, BEHIND - 1216));
	expect_no_more_arrivals();
}

static void fragments_queued_for_a_first_one_that_is_fragmented_come_out(void **s)
{
	struct frame *in = frame(INSIDE, UDP_PORTS, TEXT), *out = frame(OUTSIDE, UDP_PORTS, TEXT);

	wire_send(DEV_NS1, frame_fragment(in, 1000, BEHIND - 1000));
	wire_send(DEV_NS1, frame_fragment(in, 0, 1000));
	expect_arrival(DEV_UPLINK, frame_fragment(out, 0, 976));
	expect_arrival(DEV_UPLINK, frame_fragment(out, 976, 24));
	expect_arrival(DEV_UPLINK, frame_fragment(out, 1000, BEHIND - 1000));
	expect_no_more_arrivals();
}

static void an_answer_of_a_published_port_is_fragmented(void **s)
{
	struct frame *out = frame(OUTSIDE, .sport = 5000, .dport = 999, TEXT);

	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	wire_send(DEV_UPLINK, frame(FROM_ISP, .src = BEHIND_MTU_1000, .dst = UPLINK, .sport = 999,
				    .dport = 5000));
	wire_send(DEV_NS1, frame(INSIDE, .sport = 3000, .dport = 999, TEXT));
	expect_counted(COUNT_frag_created, COUNT_published_out, COUNT_published_out);
	expect_arrival(DEV_UPLINK, frame_fragment(out, 0, 976));
	expect_arrival(DEV_UPLINK, frame_fragment(out, 976, BEHIND - 976));
}

/*
 * CHECKSUM_PARTIAL: the field has the sum of the pseudo header, and the device was to complete it. The packet itself
 * does not show that, and here no device has marked it.
 */
static void a_partial_checksum_is_completed(void **s)
{
	struct frame *in = frame(INSIDE, UDP_PORTS, TEXT);
	uint32_t pseudo = 0xc0a8 + 0x010a + 0xcb00 + 0x7181 + 17 + BEHIND;

	while (pseudo >> 16)
		pseudo = (pseudo & 0xffff) + (pseudo >> 16);
	frame_set_u16(in, ETH_LEN + IP_LEN + 6, pseudo);
	expect_fragmented(in, frame(OUTSIDE, UDP_PORTS, TEXT));
}

/* A GSO packet is several segments of a stream, or several datagrams, not one: its sender is told. */
static void a_gso_packet_is_not_fragmented(void **s)
{
	run_given(HOOK_PORT, DEV_NS1,
		  frame(INSIDE, .proto = TCP, .sport = 1, .dport = 2, .flags = ACK, TEXT),
		  (struct given){ .gso_size = 1000 - 40 + 1 });
	expect_outcome(SENT);
	expect_counted(COUNT_refused_too_big);
}

/* RFC 791: every link carries 68 bytes. */
static void an_mtu_below_68_fragments_nothing(void **s)
{
	struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = "203.0.113.220", UDP_PORTS,
				.payload = text, .payload_len = 100);

	host_command("ip route add 203.0.113.220 via " NEXT_HOP " mtu lock 68");
	wire_send(DEV_NS1, f);
	expect_counted(COUNT_frag_created, COUNT_flow_new, COUNT_masqueraded, COUNT_masqueraded,
		       COUNT_masqueraded);
	host_command("ip route change 203.0.113.220 via " NEXT_HOP " mtu lock 67");
	wire_send(DEV_NS1, f);
	expect_counted(COUNT_too_big);
	host_command("ip route del 203.0.113.220");
}

int main(void)
{
	const struct CMUnitTest specs[] = {
		spec(a_datagram_is_fragmented),
		spec(an_echo_is_fragmented),
		spec(a_wrong_checksum_stays_as_wrong),
		spec(a_datagram_without_checksum_stays_without),
		spec(options_with_the_copied_flag_are_in_every_fragment),
		spec(a_first_fragment_is_fragmented_further),
		spec(a_later_fragment_is_fragmented_further),
		spec(fragments_queued_for_a_first_one_that_is_fragmented_come_out),
		spec(an_answer_of_a_published_port_is_fragmented),
		spec(a_partial_checksum_is_completed),
		spec(a_gso_packet_is_not_fragmented),
		spec(an_mtu_below_68_fragments_nothing),
	};
	int i;

	for (i = 0; i < (int)sizeof(text); i++)
		text[i] = 'a' + i % 26;
	return cmocka_run_group_tests_name("frag_out", specs, wire_setup, NULL);
}
