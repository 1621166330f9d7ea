// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* From a namespace to the outside and back: translation, checksums, refusals of a router. */
#include <unistd.h>

#include "flow.h"

/* A datagram of NS1, as it leaves the namespace and as it leaves the host. */
#define INSIDE NS1_TO_GW, .src = NS1, .dst = SERVER
#define OUTSIDE NS1_TO_GW, .src = UPLINK, .dst = SERVER
#define ANSWER FROM_ISP, .src = SERVER, .dst = UPLINK
#define ANSWER_INSIDE GW_TO_NS1, .src = SERVER, .dst = NS1

static void expect_masqueraded(struct frame *f)
{
	expect_outcome(SENT);
	expect_packet(f);
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
}

static void expect_unmasqueraded(struct frame *f)
{
	expect_outcome(INTO_PORT);
	expect_packet(f);
	expect_counted(COUNT_unmasqueraded);
}

/* ---- ordinary traffic ---- */

static void udp_goes_out_and_its_answer_comes_in(void **s)
{
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53, .tos = 0xb8, .frag = DONT_FRAGMENT));
	expect_masqueraded(frame(OUTSIDE, .sport = 4000, .dport = 53, .tos = 0xb8, .ttl = 63,
				 .frag = DONT_FRAGMENT));
	uplink_gets(frame(ANSWER, .sport = 53, .dport = 4000, .ttl = 55));
	expect_unmasqueraded(frame(ANSWER_INSIDE, .sport = 53, .dport = 4000, .ttl = 54));
	/* the second one finds its flow */
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	expect_outcome(SENT);
	expect_packet(frame(OUTSIDE, .sport = 4000, .dport = 53, .ttl = 63));
	expect_counted(COUNT_masqueraded);
	expect_live_flows(1);
}

static void tcp_goes_out_and_its_answer_comes_in(void **s)
{
	ns1_sends(frame(INSIDE, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	expect_masqueraded(
		frame(OUTSIDE, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN, .ttl = 63));
	uplink_gets(frame(ANSWER, .proto = TCP, .sport = 80, .dport = 4000, .flags = SYN | ACK));
	expect_unmasqueraded(frame(ANSWER_INSIDE, .proto = TCP, .sport = 80, .dport = 4000,
				   .flags = SYN | ACK, .ttl = 63));
}

static void icmp_queries_go_out_and_their_answers_come_in(void **s)
{
	ns1_sends(frame(INSIDE, .proto = ICMP, .type = ECHO, .id = 77, .seq = 1));
	expect_masqueraded(
		frame(OUTSIDE, .proto = ICMP, .type = ECHO, .id = 77, .seq = 1, .ttl = 63));
	uplink_gets(frame(ANSWER, .proto = ICMP, .type = ECHO_REPLY, .id = 77, .seq = 1));
	expect_unmasqueraded(frame(ANSWER_INSIDE, .proto = ICMP, .type = ECHO_REPLY, .id = 77,
				   .seq = 1, .ttl = 63));
	ns1_sends(frame(INSIDE, .proto = ICMP, .type = TIMESTAMP, .id = 78, .seq = 1));
	expect_masqueraded(
		frame(OUTSIDE, .proto = ICMP, .type = TIMESTAMP, .id = 78, .seq = 1, .ttl = 63));
	uplink_gets(frame(ANSWER, .proto = ICMP, .type = TIMESTAMP_REPLY, .id = 78, .seq = 1));
	expect_unmasqueraded(frame(ANSWER_INSIDE, .proto = ICMP, .type = TIMESTAMP_REPLY, .id = 78,
				   .seq = 1, .ttl = 63));
}

static void a_first_fragment_goes_out(void **s)
{
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53, .frag = MORE_FRAGMENTS,
			.payload = "eight..."));
	expect_masqueraded(frame(OUTSIDE, .sport = 4000, .dport = 53, .frag = MORE_FRAGMENTS,
				 .payload = "eight...", .ttl = 63));
}

static void a_ttl_of_two_is_enough(void **s)
{
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53, .ttl = 2));
	expect_masqueraded(frame(OUTSIDE, .sport = 4000, .dport = 53, .ttl = 1));
	uplink_gets(frame(ANSWER, .sport = 53, .dport = 4000, .ttl = 2));
	expect_unmasqueraded(frame(ANSWER_INSIDE, .sport = 53, .dport = 4000, .ttl = 1));
}

static void any_of_the_subnets_addresses_goes_out(void **s)
{
	ns3_sends(frame(NS3_TO_GW, .src = "192.168.1.200", .dst = SERVER, .sport = 4000,
			.dport = 53));
	expect_masqueraded(frame(NS3_TO_GW, .src = UPLINK, .dst = SERVER, .sport = 4000,
				 .dport = 53, .ttl = 63));
	ns3_sends(frame(NS3_TO_GW, .src = "198.51.100.77", .dst = SERVER, .sport = 4000,
			.dport = 53));
	expect_dropped(COUNT_spoofed_addr);
}

/* ---- checksums ---- */

static void a_datagram_without_checksum_stays_without(void **s)
{
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53, .no_check = true));
	expect_masqueraded(frame(OUTSIDE, .sport = 4000, .dport = 53, .no_check = true, .ttl = 63));
}

/* RFC 768: a sum of 0 is sent as 0xffff, as 0 means that there is none. */
static void a_checksum_that_becomes_zero_is_sent_as_ffff(void **s)
{
	uint8_t payload[2];
	struct frame *want;
	uint32_t i;

	for (i = 0; i < 0x10000; i++) {
		payload[0] = i >> 8;
		payload[1] = i;
		want = frame(OUTSIDE, .sport = 4000, .dport = 53, .ttl = 63,
			     .payload = (const char *)payload, .payload_len = 2);
		if (frame_u16(want, ETH_LEN + IP_LEN + 6) == 0xffff)
			break;
	}
	assert_int_not_equal(i, 0x10000);
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53, .payload = (const char *)payload,
			.payload_len = 2));
	expect_masqueraded(want);
}

static void a_wrong_checksum_stays_wrong_by_the_same(void **s)
{
	ns1_sends(frame(INSIDE, .proto = TCP, .sport = 1, .dport = 2, .flags = SYN,
			.check_error = 9));
	expect_masqueraded(frame(OUTSIDE, .proto = TCP, .sport = 1, .dport = 2, .flags = SYN,
				 .check_error = 9, .ttl = 63));
	ns1_sends(frame(INSIDE, .proto = UDP, .sport = 1, .dport = 2, .check_error = 300));
	expect_masqueraded(frame(OUTSIDE, .proto = UDP, .sport = 1, .dport = 2, .check_error = 300,
				 .ttl = 63));
}

static void a_wrong_ip_header_checksum_is_refused(void **s)
{
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53, .ip_check_error = 1));
	expect_dropped(COUNT_bad_checksum);
	expect_live_flows(0);
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	uplink_gets(frame(ANSWER, .sport = 53, .dport = 4000, .ip_check_error = 0x100));
	expect_dropped(COUNT_bad_checksum);
}

static void padding_behind_the_packet_stays_on_its_link(void **s)
{
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53, .payload = "x", .trailer = 17));
	expect_masqueraded(frame(OUTSIDE, .sport = 4000, .dport = 53, .payload = "x", .ttl = 63));
}

/* ---- IP options ---- */

#define NOPS "\1\1\1\1\1\1\1\0"

static void ports_are_behind_the_options(void **s)
{
	ns1_sends(frame(INSIDE, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN,
			.options = NOPS, .options_len = 8));
	expect_masqueraded(frame(OUTSIDE, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN,
				 .ttl = 63, .options = NOPS, .options_len = 8));
	/* the header's own checksum covers them */
	ns1_sends(frame(INSIDE, .sport = 1, .dport = 2, .options = NOPS, .options_len = 8,
			.ip_check_error = 1));
	expect_dropped(COUNT_bad_checksum);
	/* all forty bytes: a record of the route */
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53, .options_len = 40,
			.options = "\7\x27\4abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"));
	expect_masqueraded(frame(OUTSIDE, .sport = 4000, .dport = 53, .options_len = 40, .ttl = 63,
				 .options = "\7\x27\4abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"));
}

static void options_are_refused(const char *options, uint8_t len)
{
	ns1_sends(
		frame(INSIDE, .sport = 4000, .dport = 53, .options = options, .options_len = len));
	expect_dropped(COUNT_ip_option);
}

static void source_routes_are_refused(void **s)
{
	options_are_refused("\x83\7\4\xcb\0\x71\1\0", 8); /* loose */
	options_are_refused("\7\x20\4\0", 4); /* one that runs past the header */
	options_are_refused("\1\1\1\7", 4); /* or would, had it a length */
	options_are_refused("\x89\7\4\xcb\0\x71\1\0", 8); /* strict */
	options_are_refused("\1\1\1\x44\4\5\0\x83\7\4\xcb\0", 12); /* behind others */
	options_are_refused("\x44\1\5\0", 4); /* an option of one byte hides the rest */
	options_are_refused("\x44\0\5\0", 4); /* or of none */
}

static void bytes_behind_the_end_of_options_are_ignored(void **s)
{
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53, .options = "\1\0\x83\7",
			.options_len = 4));
	expect_masqueraded(frame(OUTSIDE, .sport = 4000, .dport = 53, .options = "\1\0\x83\7",
				 .options_len = 4, .ttl = 63));
}

/* ---- packets that may not create a flow ---- */

static void martians_are_refused(void **s)
{
	static const char *const sources[] = { "127.0.0.1", "0.0.0.1", "224.0.0.1",
					       "255.255.255.255" };
	static const char *const destinations[] = { "127.0.0.1", "0.0.0.0", "239.1.2.3",
						    "255.255.255.255" };
	size_t i;

	for (i = 0; i < 4; i++) {
		ns3_sends(
			frame(NS3_TO_GW, .src = sources[i], .dst = SERVER, .sport = 1, .dport = 2));
		expect_dropped(COUNT_martian);
		ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = destinations[i], .sport = 1,
				.dport = 2));
		expect_dropped(COUNT_martian);
	}
}

static void packets_that_sign_their_addresses_are_refused(void **s)
{
	struct frame *f = frame(INSIDE, .proto = AUTHENTICATION);

	ns1_sends(f);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = UNREACHABLE,
			    .code = 2, .tos = 0xc0, .no_ip_id = true, .inner = f, .inner_len = 28));
	expect_counted(COUNT_refused_bad_protocol);
	ns1_sends(frame(INSIDE, .proto = ICMP, .type = PHOTURIS));
	expect_dropped(COUNT_bad_protocol);
}

/* There are flows with port 0 and identifier 0: a packet without either must not match them. */
static void a_packet_without_ports_belongs_to_no_flow_of_port_zero(void **s)
{
	struct frame *f;

	ns1_sends(frame(INSIDE, .sport = 0, .dport = 0));
	ns1_sends(frame(INSIDE, .proto = ICMP, .type = ECHO, .id = 0));
	expect_live_flows(2);
	ns1_sends(frame(INSIDE, .frag = 100));
	expect_dropped(COUNT_frag_queued);
	ns1_sends(frame(INSIDE, .proto = ICMP, .type = PHOTURIS));
	expect_dropped(COUNT_bad_protocol);
	uplink_gets(frame(ANSWER, .frag = 100));
	expect_dropped(COUNT_frag_queued);
	f = frame(ANSWER, .proto = ICMP, .type = REDIRECT);
	uplink_gets(f);
	expect_left_alone(f);
}

static void tcp_begins_with_a_syn_or_in_mid_stream(void **s)
{
	static const uint8_t refused[] = { RST, RST | ACK, SYN | ACK, SYN | FIN, SYN | RST, FIN, 0 };
	size_t i;

	for (i = 0; i < sizeof(refused); i++) {
		ns1_sends(frame(INSIDE, .proto = TCP, .sport = 1, .dport = 2, .flags = refused[i]));
		expect_dropped(COUNT_no_flow);
	}
	expect_live_flows(0);
	ns1_sends(frame(INSIDE, .proto = TCP, .sport = 1, .dport = 2, .flags = ACK));
	expect_masqueraded(
		frame(OUTSIDE, .proto = TCP, .sport = 1, .dport = 2, .flags = ACK, .ttl = 63));
	expect_state(0, CONN_SYN_SENT);
}

/* ---- routes ---- */

static void the_hosts_own_addresses_are_the_hosts(void **s)
{
	static const char *const addresses[] = { GW, UPLINK, UPLINK_SECOND, "198.51.100.1" };
	size_t i;

	for (i = 0; i < 4; i++) {
		struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = addresses[i], .sport = 1,
					.dport = 2, .ttl = 1);

		ns1_sends(f);
		expect_outcome(INTO_HOST);
		expect_packet(f);
		expect_counted(COUNT_to_host);
	}
	expect_live_flows(0);
}

/* Its neighbours have a route, and the host a default one: that does not make the address the host's. */
static void without_a_route_the_sender_is_told(void **s)
{
	struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = IN_NO_ROUTE, .sport = 1, .dport = 2);

	ns1_sends(f);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = UNREACHABLE,
			    .code = 0, .tos = 0xc0, .no_ip_id = true, .inner = f, .inner_len = 28));
	expect_counted(COUNT_refused_no_route);
}

static void a_blackhole_swallows(void **s)
{
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = IN_BLACKHOLE, .sport = 1, .dport = 2));
	expect_dropped(COUNT_prohibited);
}

static void the_type_of_service_chooses_a_route(void **s)
{
	host_command("ip route add blackhole 203.0.113.200/32 tos 0x10");
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = "203.0.113.200", .tos = 0x10, .sport = 1));
	expect_dropped(COUNT_prohibited);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = "203.0.113.200", .tos = 0, .sport = 1));
	expect_outcome(SENT);
	host_command("ip route del blackhole 203.0.113.200/32 tos 0x10");
}

static char large[1400];

static void a_packet_as_large_as_the_mtu_goes_out(void **s)
{
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = BEHIND_MTU_1000, .sport = 1, .dport = 2,
			.payload = large, .payload_len = 1000 - 28));
	expect_masqueraded(frame(NS1_TO_GW, .src = UPLINK, .dst = BEHIND_MTU_1000, .sport = 1,
				 .dport = 2, .payload = large, .payload_len = 1000 - 28,
				 .ttl = 63));
}

/*
 * The device segments it: the length of each segment counts, with 40 bytes of headers. A test packet has no type of
 * GSO, so its segments cannot be made smaller (e2e/routing/mtu does that): its sender is told.
 */
static void of_a_gso_packet_the_segments_must_fit(void **s)
{
	struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = BEHIND_MTU_1000, .proto = TCP,
				.sport = 1, .dport = 2, .flags = ACK, .payload = large,
				.payload_len = sizeof(large));

	run_given(HOOK_PORT, DEV_NS1, f, (struct given){ .gso_size = 1000 - 40 + 1 });
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = UNREACHABLE,
			    .code = 4, .seq = 1000, .tos = 0xc0, .no_ip_id = true, .inner = f, .inner_len = 28));
	expect_counted(COUNT_refused_too_big);
	run_given(HOOK_PORT, DEV_NS1, f, (struct given){ .gso_size = 1000 - 40 });
	expect_masqueraded(frame(NS1_TO_GW, .src = UPLINK, .dst = BEHIND_MTU_1000, .proto = TCP,
				 .sport = 1, .dport = 2, .flags = ACK, .payload = large,
				 .payload_len = sizeof(large), .ttl = 63));
}

static void the_external_address_follows_the_route(void **s)
{
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	host_command("ip route change default via " NEXT_HOP " dev eth0 src " UPLINK_SECOND);
	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	expect_outcome(SENT);
	expect_packet(frame(NS1_TO_GW, .src = UPLINK_SECOND, .dst = SERVER, .sport = 4000,
			    .dport = 53, .ttl = 63));
	expect_counted(COUNT_masqueraded, COUNT_flow_ended, COUNT_flow_new);
	host_command("ip route change default via " NEXT_HOP " dev eth0");
	/* the old flow's answer has nobody any more */
	uplink_gets(frame(ANSWER, .sport = 53, .dport = 4000));
	expect_outcome(PASSED);
	expect_live_flows(1);
}

/* ---- answers, and packets that look like answers ---- */

static void only_the_one_asked_may_answer(void **s)
{
	static const struct {
		const char *src, *dst;
		uint16_t sport, dport;
		uint8_t proto;
	} other[] = {
		{ SERVER2, UPLINK, 53, 4000, UDP }, { SERVER, UPLINK_SECOND, 53, 4000, UDP },
		{ SERVER, UPLINK, 54, 4000, UDP },  { SERVER, UPLINK, 53, 4001, UDP },
		{ SERVER, UPLINK, 53, 4000, TCP },
	};
	size_t i;

	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		struct frame *f = frame(FROM_ISP, .src = other[i].src, .dst = other[i].dst,
					.proto = other[i].proto, .sport = other[i].sport,
					.dport = other[i].dport);

		uplink_gets(f);
		expect_left_alone(f);
	}
	expect_state(0, CONN_UNREPLIED);
}

static void untranslated_packets_are_left_alone(void **s)
{
	struct frame *const frames[] = {
		frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .frag = 100),
		frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .proto = SCTP),
		frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .proto = ICMP, .type = REDIRECT),
		frame(FROM_ISP, .src = SERVER, .dst = "224.0.0.1"),
		arp(FROM_ISP, .op = ARP_REQUEST, .sender_mac = ISP_MAC, .sender = NEXT_HOP,
		    .target = UPLINK),
		ipv6(FROM_ISP, .src = "2001:db8::1", .dst = "2001:db8::2", .type = 128),
		ethernet(ISP_MAC, UPLINK_MAC, 0x88b5, "experimental"),
	};
	size_t i;

	for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		uplink_gets(frames[i]);
		expect_left_alone(frames[i]);
	}
}

static void frames_to_other_macs_are_left_alone(void **s)
{
	struct frame *f;

	ns1_sends(frame(INSIDE, .sport = 4000, .dport = 53));
	f = frame(.smac = ISP_MAC, .dmac = STRANGER_MAC, .src = SERVER, .dst = UPLINK, .sport = 53,
		  .dport = 4000);
	uplink_gets(f);
	expect_left_alone(f);
	f = frame(.smac = ISP_MAC, .dmac = BROADCAST, .src = SERVER, .dst = UPLINK, .sport = 53,
		  .dport = 4000);
	uplink_gets(f);
	expect_left_alone(f);
}

static void malformed_frames_are_left_to_the_host(void **s)
{
	struct frame *f = frame(ANSWER, .sport = 53, .dport = 4000);

	f->bytes[ETH_LEN] = 0x44;
	uplink_gets(f);
	expect_left_alone(f);
}

/* ---- protocols without ports (GRE, ESP, SCTP, tunnels): one flow for each address outside ---- */

#define GRE_OUT OUT, .proto = GRE
#define GRE_IN IN, .proto = GRE
#define NS2_GRE NS2_TO_GW, .src = NS2, .dst = SERVER, .proto = GRE

static void gre_goes_out_and_its_answer_comes_in(void **s)
{
	ns1_sends(frame(GRE_OUT));
	expect_outcome(SENT);
	expect_packet(frame(NS1_TO_GW, .src = UPLINK, .dst = SERVER, .proto = GRE, .ttl = 63));
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
	expect_state(0, CONN_UNREPLIED);
	uplink_gets(frame(GRE_IN));
	expect_unmasqueraded(frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .proto = GRE, .ttl = 63));
	expect_state(0, CONN_REPLIED);
	/* nobody else's, and no other protocol's */
	uplink_gets(frame(FROM_ISP, .src = SERVER2, .dst = UPLINK, .proto = GRE));
	expect_counted(COUNT_not_ours);
	uplink_gets(frame(IN, .proto = SCTP));
	expect_counted(COUNT_not_ours);
}

static void a_second_namespace_to_the_same_address_gets_an_icmp_error(void **s)
{
	struct frame *f = frame(NS2_GRE);

	ns1_sends(frame(GRE_OUT));
	ns2_sends(f);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS2, .src = GW, .dst = NS2, .proto = ICMP, .type = UNREACHABLE,
			    .code = 13, .tos = 0xc0, .no_ip_id = true, .inner = f, .inner_len = 28));
	expect_counted(COUNT_refused_no_free_port, COUNT_flow_refused);
	/* with another address outside there is */
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER2, .proto = GRE));
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
}

static void an_error_about_it_comes_in(void **s)
{
	ns1_sends(frame(GRE_OUT));
	uplink_gets(frame(IN, .proto = ICMP, .type = UNREACHABLE, .code = 2,
			  .inner = frame(NS1_TO_GW, .src = UPLINK, .dst = SERVER, .proto = GRE)));
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .proto = ICMP, .type = UNREACHABLE,
			    .code = 2, .ttl = 63, .inner = frame(GRE_OUT)));
	expect_counted(COUNT_icmp_translated);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(udp_goes_out_and_its_answer_comes_in),
		spec(tcp_goes_out_and_its_answer_comes_in),
		spec(icmp_queries_go_out_and_their_answers_come_in),
		spec(a_first_fragment_goes_out),
		spec(a_ttl_of_two_is_enough),
		spec(any_of_the_subnets_addresses_goes_out),
		spec(a_datagram_without_checksum_stays_without),
		spec(a_checksum_that_becomes_zero_is_sent_as_ffff),
		spec(a_wrong_checksum_stays_wrong_by_the_same),
		spec(a_wrong_ip_header_checksum_is_refused),
		spec(padding_behind_the_packet_stays_on_its_link),
		spec(ports_are_behind_the_options),
		spec(source_routes_are_refused),
		spec(bytes_behind_the_end_of_options_are_ignored),
		spec(martians_are_refused),
		spec(packets_that_sign_their_addresses_are_refused),
		spec(a_packet_without_ports_belongs_to_no_flow_of_port_zero),
		spec(tcp_begins_with_a_syn_or_in_mid_stream),
		spec(the_hosts_own_addresses_are_the_hosts),
		spec(without_a_route_the_sender_is_told),
		spec(a_blackhole_swallows),
		spec(the_type_of_service_chooses_a_route),
		spec(a_packet_as_large_as_the_mtu_goes_out),
		spec(of_a_gso_packet_the_segments_must_fit),
		spec(the_external_address_follows_the_route),
		spec(only_the_one_asked_may_answer),
		spec(untranslated_packets_are_left_alone),
		spec(frames_to_other_macs_are_left_alone),
		spec(malformed_frames_are_left_to_the_host),
		spec(gre_goes_out_and_its_answer_comes_in),
		spec(a_second_namespace_to_the_same_address_gets_an_icmp_error),
		spec(an_error_about_it_comes_in),
	};

	return run_specs("masquerade", specs);
}
