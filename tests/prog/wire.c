// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Where packets really arrive, and VLAN tags. */
#include "lib/wire.h"

static void a_switched_frame_arrives_at_one_port_alone(void **s)
{
	struct frame *f = frame(NS1_TO_NS2, .src = NS1, .dst = NS2, .sport = 1, .dport = 2);

	wire_send(DEV_NS1, f);
	expect_arrival(DEV_NS2, f);
	expect_no_more_arrivals();
	expect_counted(COUNT_switched);
}

static void a_flooded_frame_arrives_everywhere_else(void **s)
{
	struct frame *f = ethernet(NS1_MAC, BROADCAST, 0x88b5, "experimental");

	wire_send(DEV_NS1, f);
	expect_arrival(DEV_NS2, f);
	expect_arrival(DEV_NS3, f);
	expect_arrival(DEV_GW, f);
	expect_no_more_arrivals();
	expect_counted(COUNT_flooded);
}

static void the_hosts_broadcast_arrives_at_every_port(void **s)
{
	struct frame *f = ethernet(GW_MAC, BROADCAST, 0x88b5, "experimental");

	wire_send(DEV_GW, f);
	expect_arrival(DEV_NS1, f);
	expect_arrival(DEV_NS2, f);
	expect_arrival(DEV_NS3, f);
	expect_no_more_arrivals();
	expect_counted(COUNT_flooded);
}

static void the_hosts_frame_arrives_at_one_port_alone(void **s)
{
	struct frame *f = frame(GW_TO_NS1, .src = GW, .dst = NS1, .sport = 1, .dport = 2);

	wire_send(DEV_GW, f);
	expect_arrival(DEV_NS1, f);
	expect_no_more_arrivals();
	expect_counted(COUNT_switched);
}

static void an_arp_answer_comes_back(void **s)
{
	wire_send(DEV_NS1, arp(.smac = NS1_MAC, .dmac = BROADCAST, .op = ARP_REQUEST,
			       .sender_mac = NS1_MAC, .sender = NS1, .target = GW));
	expect_arrival(DEV_NS1, arp(GW_TO_NS1, .op = ARP_REPLY, .sender_mac = GW_MAC, .sender = GW,
				    .target_mac = NS1_MAC, .target = NS1));
	expect_no_more_arrivals();
}

static void an_icmp_error_comes_back(void **s)
{
	struct frame *f =
		frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 1, .dport = 2, .ttl = 1);

	wire_send(DEV_NS1, f);
	expect_arrival(DEV_NS1,
		       frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = TIME_EXCEEDED,
			     .tos = 0xc0, .no_ip_id = true, .inner = f, .inner_len = 28));
	expect_no_more_arrivals();
}

static void a_frame_to_the_gateway_arrives_at_the_host(void **s)
{
	struct frame *f = arp(NS1_TO_GW, .op = ARP_REPLY, .sender_mac = NS1_MAC, .sender = NS1,
			      .target_mac = GW_MAC, .target = GW);

	wire_send(DEV_NS1, f);
	expect_arrival(DEV_GW, f);
	expect_no_more_arrivals();
	expect_counted(COUNT_to_host);
}

static void a_masqueraded_packet_arrives_at_the_next_hop(void **s)
{
	wire_send(DEV_NS1, frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 53));
	expect_arrival(DEV_UPLINK, frame(.smac = UPLINK_MAC, .dmac = ISP_MAC, .src = UPLINK,
					 .dst = SERVER, .sport = 4000, .dport = 53, .ttl = 63));
	expect_no_more_arrivals();
	wire_send(DEV_NS1, frame(NS1_TO_GW, .src = NS1, .dst = BEHIND_NEXT_HOP2, .sport = 4000,
				 .dport = 53));
	expect_arrival(DEV_UPLINK,
		       frame(.smac = UPLINK_MAC, .dmac = ISP2_MAC, .src = UPLINK,
			     .dst = BEHIND_NEXT_HOP2, .sport = 4000, .dport = 53, .ttl = 63));
	expect_no_more_arrivals();
}

/* And the next ones, which find their flow; and errors about it. */
static void packets_of_a_flow_take_the_same_route(void **s)
{
	wire_send(DEV_NS1, frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 53));
	wire_send(DEV_NS1, frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 53));
	expect_arrival(DEV_UPLINK, frame(.smac = UPLINK_MAC, .dmac = ISP_MAC, .src = UPLINK,
					 .dst = SERVER, .sport = 4000, .dport = 53, .ttl = 63));
	expect_no_more_arrivals();
	wire_send(DEV_UPLINK,
		  frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 53, .dport = 4000));
	expect_arrival(DEV_NS1, frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 53,
				      .dport = 4000, .ttl = 63));
	expect_no_more_arrivals();
	wire_send(DEV_UPLINK, frame(FROM_ISP, .src = NEXT_HOP, .dst = UPLINK, .proto = ICMP,
				    .type = UNREACHABLE,
				    .inner = frame(NS1_TO_GW, .src = UPLINK, .dst = SERVER,
						   .sport = 4000, .dport = 53)));
	expect_arrival(DEV_NS1, frame(GW_TO_NS1, .src = NEXT_HOP, .dst = NS1, .proto = ICMP,
				      .type = UNREACHABLE, .ttl = 63,
				      .inner = frame(NS1_TO_GW, .src = NS1, .dst = SERVER,
						     .sport = 4000, .dport = 53)));
	expect_no_more_arrivals();
}

static void a_published_port_is_reached_and_answers(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	wire_send(DEV_UPLINK,
		  frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5000));
	expect_arrival(DEV_NS1, frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 999,
				      .dport = 3000, .ttl = 63));
	expect_no_more_arrivals();
	wire_send(DEV_NS1,
		  frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 3000, .dport = 999));
	expect_arrival(DEV_UPLINK, frame(.smac = UPLINK_MAC, .dmac = ISP_MAC, .src = UPLINK,
					 .dst = SERVER, .sport = 5000, .dport = 999, .ttl = 63));
	expect_no_more_arrivals();
	wire_send(DEV_NS1,
		  frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .proto = ICMP, .type = UNREACHABLE,
			.inner = frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 999,
				       .dport = 3000)));
	expect_arrival(DEV_UPLINK,
		       frame(.smac = UPLINK_MAC, .dmac = ISP_MAC, .src = UPLINK, .dst = SERVER,
			     .proto = ICMP, .type = UNREACHABLE, .ttl = 63,
			     .inner = frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999,
					    .dport = 5000)));
	expect_no_more_arrivals();
}

static void a_hairpin_leads_to_one_namespace_and_back_to_the_other(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	wire_send(DEV_NS2, frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, .sport = 70, .dport = 5000));
	expect_arrival(DEV_NS1, frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = 70,
				      .dport = 3000, .ttl = 63));
	expect_no_more_arrivals();
	wire_send(DEV_NS1, frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .sport = 3000, .dport = 70));
	expect_arrival(DEV_NS2, frame(GW_TO_NS2, .src = UPLINK, .dst = NS2, .sport = 5000,
				      .dport = 70, .ttl = 63));
	expect_no_more_arrivals();
}

/* The kernel finds the next hop then: known flows go on, by their uplink. */
static void a_flow_keeps_its_route_while_forwarding_is_off(void **s)
{
	static const struct {
		const char *dst, *mac;
	} route[] = { { SERVER, ISP_MAC }, { BEHIND_NEXT_HOP2, ISP2_MAC } };
	size_t i;

	for (i = 0; i < 2; i++) {
		struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = route[i].dst, .sport = 4000, .dport = 53);

		wire_send(DEV_NS1, f);
		set_forwarding(DEV_GW, 0);
		wire_send(DEV_NS1, f);
		set_forwarding(DEV_GW, 1);
		expect_arrival(DEV_UPLINK, frame(.smac = UPLINK_MAC, .dmac = route[i].mac, .src = UPLINK,
						 .dst = route[i].dst, .sport = 4000, .dport = 53, .ttl = 63));
		expect_no_more_arrivals();
		expect_counted(COUNT_masqueraded, COUNT_fib_fwd_disabled);
	}
}

/* RFC 5549: IPv4 by a router that has an IPv6 address only. */
static void a_next_hop_may_have_an_ipv6_address(void **s)
{
	host_ipv6(DEV_UPLINK);
	host_command("ip -6 neighbour replace fe80::2 lladdr " ISP2_MAC " dev eth0 nud permanent");
	host_command("ip route replace 203.0.113.160 via inet6 fe80::2 dev eth0");
	wire_send(DEV_NS1, frame(NS1_TO_GW, .src = NS1, .dst = "203.0.113.160", .sport = 4000, .dport = 53));
	expect_arrival(DEV_UPLINK, frame(.smac = UPLINK_MAC, .dmac = ISP2_MAC, .src = UPLINK,
					 .dst = "203.0.113.160", .sport = 4000, .dport = 53, .ttl = 63));
	expect_no_more_arrivals();
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
	wire_send(DEV_UPLINK,
		  frame(FROM_ISP, .src = "203.0.113.160", .dst = UPLINK, .sport = 53, .dport = 4000));
	expect_arrival(DEV_NS1, frame(GW_TO_NS1, .src = "203.0.113.160", .dst = NS1, .sport = 53,
				      .dport = 4000, .ttl = 63));
	expect_no_more_arrivals();
}

/* ---- VLAN tags ---- */

static void a_tagged_frame_is_switched_with_its_tag(void **s)
{
	/* whatever address: behind the tag is another subnet */
	struct frame *f = frame_tagged(frame(NS1_TO_NS2, .src = "198.51.100.1", .dst = NS2), 5);

	wire_send(DEV_NS1, f);
	expect_arrival(DEV_NS2, f);
	expect_no_more_arrivals();
	expect_counted(COUNT_switched);
}

static void a_tagged_frame_is_flooded_to_ports_only(void **s)
{
	struct frame *f = frame_tagged(ethernet(NS1_MAC, BROADCAST, 0x88b5, "experimental"), 5);

	wire_send(DEV_NS1, f);
	expect_arrival(DEV_NS2, f);
	expect_arrival(DEV_NS3, f);
	expect_no_more_arrivals();
	expect_counted(COUNT_flooded);
}

static void a_tagged_frame_alone_on_its_switch_ends_there(void **s)
{
	wire_send(DEV_NS4, frame_tagged(ethernet(NS4_MAC, BROADCAST, 0x88b5, "experimental"), 5));
	expect_no_more_arrivals();
	expect_counted(COUNT_flooded);
}

static void a_tagged_arp_request_is_flooded_to_the_ports(void **s)
{
	struct frame *f = frame_tagged(arp(.smac = NS1_MAC, .dmac = BROADCAST, .op = ARP_REQUEST,
					   .sender_mac = NS1_MAC, .sender = NS1, .target = NS2),
				       5);

	wire_send(DEV_NS1, f);
	expect_arrival(DEV_NS2, f);
	expect_arrival(DEV_NS3, f);
	expect_no_more_arrivals();
	expect_counted(COUNT_flooded);
}

static void a_tagged_frame_is_not_routed(void **s)
{
	wire_send(DEV_NS1,
		  frame_tagged(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 1, .dport = 2),
			       5));
	expect_no_more_arrivals();
	expect_counted(COUNT_vlan_to_gateway);
}

static void port_security_looks_at_the_mac_of_a_tagged_frame(void **s)
{
	wire_send(DEV_NS1,
		  frame_tagged(ethernet(STRANGER_MAC, NS2_MAC, 0x88b5, "experimental"), 5));
	expect_no_more_arrivals();
	expect_counted(COUNT_spoofed_mac);
}

static void a_tagged_answer_is_left_alone(void **s)
{
	wire_send(DEV_NS1, frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 53));
	wire_send(DEV_UPLINK, frame_tagged(frame(FROM_ISP, .src = SERVER, .dst = UPLINK,
						 .sport = 53, .dport = 4000),
					   5));
	expect_no_more_arrivals();
	expect_counted(COUNT_not_ours);
}

/* IEEE 802.1Q: VLAN 0 is none, the tag only tells a priority. It ends at a router. */
static void a_priority_tag_is_taken_off_what_is_routed(void **s)
{
	wire_send(DEV_NS1, frame_tagged(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000,
					      .dport = 53),
					5 << 13));
	expect_arrival(DEV_UPLINK, frame(.smac = UPLINK_MAC, .dmac = ISP_MAC, .src = UPLINK,
					 .dst = SERVER, .sport = 4000, .dport = 53, .ttl = 63));
	expect_no_more_arrivals();
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
}

/*
 * A receiver takes off one priority tag after another (Linux does), and the programs would not see what is behind
 * the second: here the MAC is NS1's and the address NS2's.
 */
static void a_second_tag_hides_no_spoofing(void **s)
{
	struct frame *const spoofs[] = {
		frame(NS1_TO_NS3, .src = NS2, .dst = NS3),
		arp(NS1_TO_NS3, .op = ARP_REPLY, .sender_mac = NS1_MAC, .sender = NS2,
		    .target_mac = NS3_MAC, .target = NS3),
		frame(NS1_TO_GW, .src = NS2, .dst = SERVER),
	};
	size_t i;

	for (i = 0; i < sizeof(spoofs) / sizeof(spoofs[0]); i++) {
		wire_send(DEV_NS1, frame_tagged(spoofs[i], 0));
		expect_no_more_arrivals();
		expect_counted(COUNT_spoofed_addr);
		wire_send(DEV_NS1, frame_tagged(frame_tagged(spoofs[i], 0), 0));
		expect_no_more_arrivals();
		expect_counted(COUNT_malformed);
		wire_send(DEV_NS1, frame_tagged(frame_tagged_ad(spoofs[i], 0), 3 << 13));
		expect_no_more_arrivals();
		expect_counted(COUNT_malformed);
	}
}

/* spoof=allow is about addresses. */
static void spoof_allow_does_not_allow_two_priority_tags(void **s)
{
	wire_send(DEV_NS3, frame_tagged(frame_tagged(frame(NS3_TO_GW, .src = NS3, .dst = SERVER), 0), 0));
	expect_no_more_arrivals();
	expect_counted(COUNT_malformed);
}

/* A provider's and a customer's tag (IEEE 802.1ad): the frame is switched by its MACs. */
static void two_tags_of_vlans_are_switched_as_they_are(void **s)
{
	struct frame *f = frame_tagged(frame_tagged(frame(NS1_TO_NS2, .src = NS3, .dst = NS2), 6), 5);

	wire_send(DEV_NS1, f);
	expect_arrival(DEV_NS2, f);
	expect_no_more_arrivals();
	expect_counted(COUNT_switched);
}

/* Too short for a BPF_PROG_TEST_RUN: before the next header's type, and in the source address. */
static void a_truncated_ipv6_header_is_refused(void **s)
{
	static const uint32_t ends[] = { ETH_LEN + 6, ETH_LEN + 23 };
	struct frame *f = ipv6(NS1_TO_NS2, .src = "::", .dst = "ff02::1", .type = 135);
	size_t i;

	f->bytes[ETH_LEN + 6] = 59; /* nothing follows */
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		f->len = ends[i];
		wire_send(DEV_NS1, f);
		expect_no_more_arrivals();
		expect_counted(COUNT_malformed);
	}
}

/* For a namespace that has no route on its link. */
static void an_adjacent_address_is_reached_through_the_gateway(void **s)
{
	struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = NS2, .sport = 1, .dport = 2);

	ns1_sends(f);
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS2, .src = NS1, .dst = NS2, .sport = 1, .dport = 2, .ttl = 63));
	expect_counted(COUNT_routed);
	expect_live_flows(0);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = NS2, .sport = 1, .dport = 2, .ttl = 1));
	expect_counted(COUNT_refused_ttl_exceeded);
	/* not itself, and nobody of another network */
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = NS1, .sport = 1, .dport = 2));
	expect_counted(COUNT_refused_egress_unmanaged);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = NS4, .sport = 1, .dport = 2));
	expect_counted(COUNT_refused_isolated);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_switched_frame_arrives_at_one_port_alone),
		spec(a_flooded_frame_arrives_everywhere_else),
		spec(the_hosts_broadcast_arrives_at_every_port),
		spec(the_hosts_frame_arrives_at_one_port_alone),
		spec(an_arp_answer_comes_back),
		spec(an_icmp_error_comes_back),
		spec(a_frame_to_the_gateway_arrives_at_the_host),
		spec(a_masqueraded_packet_arrives_at_the_next_hop),
		spec(packets_of_a_flow_take_the_same_route),
		spec(a_published_port_is_reached_and_answers),
		spec(a_hairpin_leads_to_one_namespace_and_back_to_the_other),
		spec(a_flow_keeps_its_route_while_forwarding_is_off),
		spec(a_next_hop_may_have_an_ipv6_address),
		spec(a_tagged_frame_is_switched_with_its_tag),
		spec(a_tagged_frame_is_flooded_to_ports_only),
		spec(a_tagged_frame_alone_on_its_switch_ends_there),
		spec(a_tagged_arp_request_is_flooded_to_the_ports),
		spec(a_tagged_frame_is_not_routed),
		spec(port_security_looks_at_the_mac_of_a_tagged_frame),
		spec(a_tagged_answer_is_left_alone),
		spec(a_priority_tag_is_taken_off_what_is_routed),
		spec(a_second_tag_hides_no_spoofing),
		spec(spoof_allow_does_not_allow_two_priority_tags),
		spec(two_tags_of_vlans_are_switched_as_they_are),
		spec(a_truncated_ipv6_header_is_refused),
		spec(an_adjacent_address_is_reached_through_the_gateway),
	};

	return cmocka_run_group_tests_name("wire", specs, wire_setup, NULL);
}
