// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The switch: frames between the ports of a network, flooding, learning. */
#include "lib/harness.h"

#define ARP_WHO_HAS .dmac = BROADCAST, .op = ARP_REQUEST

static void a_frame_to_a_known_mac_leaves_by_its_port_unchanged(void **s)
{
	struct frame *f =
		frame(NS1_TO_NS2, .src = NS1, .dst = NS2, .sport = 1, .dport = 2, .ttl = 1);

	ns1_sends(f);
	expect_outcome(INTO_PORT);
	expect_packet(f);
	expect_counted(COUNT_switched);
}

static void a_frame_to_an_unknown_mac_is_flooded(void **s)
{
	struct frame *f = frame(.smac = NS1_MAC, .dmac = STRANGER_MAC, .src = NS1, .dst = NS2);

	ns1_sends(f);
	expect_outcome(INTO_HOST);
	expect_packet(f);
	expect_counted(COUNT_flooded);
	expect_copies(0, 1, 1, 0);
}

static void broadcast_and_multicast_are_flooded(void **s)
{
	ns2_sends(frame(.smac = NS2_MAC, .dmac = BROADCAST, .src = NS2, .dst = "192.168.1.255"));
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_flooded);
	expect_copies(1, 0, 1, 0);
	ns2_sends(frame(.smac = NS2_MAC, .dmac = "01:00:5e:00:00:fb", .src = NS2,
			.dst = "224.0.0.251"));
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_flooded);
	expect_copies(1, 0, 1, 0);
}

static void the_host_floods_to_every_port_of_its_network(void **s)
{
	host_sends(frame(.smac = GW_MAC, .dmac = BROADCAST, .src = GW, .dst = "192.168.1.255"));
	expect_outcome(SENT);
	expect_counted(COUNT_flooded);
	/* the original itself is the third */
	assert_int_equal(copies_to(DEV_NS1) + copies_to(DEV_NS2) + copies_to(DEV_NS3), 2);
	assert_int_equal(copies_to(DEV_NS4), 0);
}

static struct frame *broadcast(const char *smac, const char *src)
{
	return frame(.smac = smac, .dmac = BROADCAST, .src = src, .dst = "192.168.1.255");
}

/* Exactly one copy to each other port, whichever port came or went last, in whatever order. */
static void a_flood_reaches_the_ports_that_there_are(void **s)
{
	static const enum device ports[] = { DEV_NS1, DEV_NS2, DEV_NS3 };
	int i, j;

	for (i = 0; i < 3; i++) {
		forget_port(ports[i]);
		host_sends(broadcast(GW_MAC, GW));
		expect_outcome(SENT);
		assert_int_equal(copies_to(ports[i]), 0);
		assert_int_equal(copies_to(DEV_NS1) + copies_to(DEV_NS2) + copies_to(DEV_NS3), 1);
		for (j = i; j >= 0; j--) { /* again, and once more */
			remember_port(ports[i]);
			ns1_sends(broadcast(NS1_MAC, NS1));
			expect_copies(0, 1, 1, 0);
			ns2_sends(broadcast(NS2_MAC, NS2));
			expect_copies(1, 0, 1, 0);
			ns3_sends(broadcast(NS3_MAC, NS3));
			expect_copies(1, 1, 0, 0);
		}
	}
	for (i = 0; i < 3; i++)
		forget_port(ports[i]);
	host_sends(broadcast(GW_MAC, GW));
	expect_outcome(DROPPED);
	expect_counted(COUNT_flooded);
}

/* A command that is killed in between leaves the port off the list, in the map. */
static void a_port_that_an_interrupted_command_left_out_is_flooded_to_again(void **s)
{
	leave_port_out(DEV_NS2);
	ns1_sends(broadcast(NS1_MAC, NS1));
	expect_copies(0, 0, 1, 0);
	remember_port(DEV_NS2);
	ns1_sends(broadcast(NS1_MAC, NS1));
	expect_copies(0, 1, 1, 0);
	leave_port_out(DEV_NS2);
	forget_port(DEV_NS2);
	ns1_sends(broadcast(NS1_MAC, NS1));
	expect_copies(0, 0, 1, 0);
}

static void a_port_alone_in_its_network_floods_to_the_host_only(void **s)
{
	run(HOOK_PORT, DEV_NS4,
	    frame(.smac = NS4_MAC, .dmac = BROADCAST, .src = NS4, .dst = "192.168.2.255"));
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_flooded);
	expect_copies(0, 0, 0, 0);
}

static void reserved_groups_are_not_forwarded(void **s)
{
	ns1_sends(ethernet(NS1_MAC, "01:80:c2:00:00:00", 0x0027, "spanning tree"));
	expect_dropped(COUNT_reserved_mcast);
	ns1_sends(ethernet(NS1_MAC, "01:80:c2:00:00:0f", 0x88cc, "another"));
	expect_dropped(COUNT_reserved_mcast);
	ns1_sends(ethernet(NS1_MAC, "01:80:c2:00:00:10", 0x0027, "not reserved"));
	expect_counted(COUNT_flooded);
	ns1_sends(ethernet(NS1_MAC, "01:80:c2:00:01:00", 0x0027, "nor this"));
	expect_counted(COUNT_flooded);
	ns1_sends(ethernet(NS1_MAC, "01:80:c3:00:00:00", 0x0027, "nor this"));
	expect_counted(COUNT_flooded);
}

static void a_frame_is_not_sent_back_where_it_came_from(void **s)
{
	ns1_sends(frame(.smac = NS1_MAC, .dmac = NS1_MAC, .src = NS1, .dst = NS1));
	expect_dropped(COUNT_same_port);
	host_sends(frame(.smac = GW_MAC, .dmac = GW_MAC, .src = GW, .dst = GW));
	expect_dropped(COUNT_same_port);
}

static void networks_do_not_see_each_other(void **s)
{
	ns1_sends(frame(.smac = NS1_MAC, .dmac = NS4_MAC, .src = NS1, .dst = NS4));
	expect_counted(COUNT_flooded);
	expect_copies(0, 1, 1, 0);
	ns1_sends(arp(.smac = NS1_MAC, ARP_WHO_HAS, .sender_mac = NS1_MAC, .sender = NS1,
		      .target = NS4));
	expect_counted(COUNT_arp_suppressed);
	expect_copies(0, 0, 1, 0);
}

static void addresses_belong_to_a_network(void **s)
{
	run(HOOK_PORT, DEV_NS4,
	    arp(.smac = NS4_MAC, ARP_WHO_HAS, .sender_mac = NS4_MAC, .sender = NS4, .target = NS1));
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_arp_suppressed);
	run(HOOK_PORT, DEV_NS4, frame(.smac = NS4_MAC, .dmac = NS4_MAC, .src = NS4, .dst = NS4));
	expect_dropped(COUNT_same_port);
}

static void the_host_reaches_an_endpoint(void **s)
{
	struct frame *f = frame(GW_TO_NS1, .src = GW, .dst = NS1, .sport = 1, .dport = 2);

	host_sends(f);
	expect_outcome(INTO_PORT);
	expect_packet(f);
	expect_counted(COUNT_switched);
}

static void packets_that_the_host_forwards_do_not_come_in(void **s)
{
	run_given(HOOK_GATEWAY, DEV_GW, frame(GW_TO_NS1, .src = SERVER, .dst = NS1),
		  (struct given){ .forwarded_from = DEV_UPLINK });
	expect_dropped(COUNT_unsolicited);
}

static void a_device_that_is_no_port_passes_nothing(void **s)
{
	struct frame *f = frame(NS1_TO_NS2, .src = NS1, .dst = NS2);

	run(HOOK_PORT, DEV_GW_PEER, f);
	expect_dropped(COUNT_captured);
	run(HOOK_PORT, DEV_UNMANAGED, f);
	expect_dropped(COUNT_unknown_ifindex);
	run(HOOK_GATEWAY, DEV_UNMANAGED, f);
	expect_dropped(COUNT_unknown_ifindex);
}

static void the_gateway_takes_arp_and_ipv4_only(void **s)
{
	struct frame *answer = arp(NS1_TO_GW, .op = ARP_REPLY, .sender_mac = NS1_MAC, .sender = NS1,
				   .target_mac = GW_MAC, .target = GW);

	ns1_sends(answer);
	expect_outcome(INTO_HOST);
	expect_packet(answer);
	expect_counted(COUNT_to_host);
	ns1_sends(ethernet(NS1_MAC, GW_MAC, 0x88b5, "experimental"));
	expect_dropped(COUNT_not_ip);
	ns1_sends(ipv6(NS1_TO_GW, .src = "::", .dst = "2001:db8::1", .type = 128));
	expect_dropped(COUNT_not_ip);
}

static void frames_of_other_protocols_are_switched(void **s)
{
	struct frame *f = ethernet(NS1_MAC, NS2_MAC, 0x88b5, "experimental");

	ns1_sends(f);
	expect_outcome(INTO_PORT);
	expect_packet(f);
	expect_counted(COUNT_switched);
}

static void a_frame_to_a_device_that_is_gone_is_counted(void **s)
{
	add_port_without_device();
	ns1_sends(frame(.smac = NS1_MAC, .dmac = NS_GONE_MAC, .src = NS1, .dst = NS_GONE));
	expect_dropped(COUNT_port_gone);
	host_sends(frame(.smac = GW_MAC, .dmac = NS_GONE_MAC, .src = GW, .dst = NS_GONE));
	expect_dropped(COUNT_port_gone);
}

/* ---- learning, from ports that may send as anybody ---- */

static struct frame *from_stranger(void)
{
	return frame(.smac = STRANGER_MAC, .dmac = NS1_MAC, .src = "192.168.1.99", .dst = NS1);
}

static struct frame *to_stranger(void)
{
	return frame(.smac = NS1_MAC, .dmac = STRANGER_MAC, .src = NS1, .dst = "192.168.1.99");
}

static void a_mac_is_learned_where_it_sends_from(void **s)
{
	ns3_sends(from_stranger());
	expect_outcome(INTO_PORT);
	expect_counted(COUNT_switched, COUNT_fdb_learned);
	assert_int_equal(fdb_entry_of(STRANGER_MAC).ifindex, ifindex_of(DEV_NS3));

	ns1_sends(to_stranger());
	expect_outcome(INTO_PORT);
	expect_packet(to_stranger());
	expect_counted(COUNT_switched);
	/* and is known to be there */
	ns3_sends(frame(.smac = NS3_MAC, .dmac = STRANGER_MAC, .src = NS3, .dst = "192.168.1.99"));
	expect_dropped(COUNT_same_port);
}

static void a_learned_mac_moves_with_its_sender(void **s)
{
	allow_spoofing(DEV_NS2);
	ns3_sends(from_stranger());
	expect_counted(COUNT_switched, COUNT_fdb_learned);
	ns2_sends(from_stranger());
	expect_counted(COUNT_switched, COUNT_fdb_moved);
	assert_int_equal(fdb_entry_of(STRANGER_MAC).ifindex, ifindex_of(DEV_NS2));
	ns2_sends(from_stranger());
	expect_counted(COUNT_switched);
}

static void a_learned_mac_ages(void **s)
{
	ns3_sends(from_stranger());
	age_fdb(299);
	ns1_sends(to_stranger());
	expect_counted(COUNT_switched);
	age_fdb(3); /* a second may have begun meanwhile */
	ns1_sends(to_stranger());
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_flooded);
	expect_copies(0, 1, 1, 0);
}

static void a_frame_keeps_a_learned_mac_alive(void **s)
{
	ns3_sends(from_stranger());
	age_fdb(299);
	ns3_sends(from_stranger());
	expect_counted(COUNT_switched);
	age_fdb(299);
	ns1_sends(to_stranger());
	expect_counted(COUNT_switched);
}

static void an_endpoints_mac_is_not_learned_elsewhere(void **s)
{
	ns3_sends(frame(NS2_TO_GW, .src = NS3, .dst = GW));
	expect_counted(COUNT_to_host);
	ns2_sends(frame(.smac = NS2_MAC, .dmac = NS2_MAC, .src = NS2, .dst = NS2));
	expect_dropped(COUNT_same_port);
}

static void nothing_is_learned_from_a_port_with_port_security(void **s)
{
	ns1_sends(from_stranger());
	expect_dropped(COUNT_spoofed_mac);
	ns2_sends(frame(.smac = NS2_MAC, .dmac = STRANGER_MAC, .src = NS2, .dst = "192.168.1.99"));
	expect_counted(COUNT_flooded);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_frame_to_a_known_mac_leaves_by_its_port_unchanged),
		spec(a_frame_to_an_unknown_mac_is_flooded),
		spec(broadcast_and_multicast_are_flooded),
		spec(the_host_floods_to_every_port_of_its_network),
		spec(a_flood_reaches_the_ports_that_there_are),
		spec(a_port_that_an_interrupted_command_left_out_is_flooded_to_again),
		spec(a_port_alone_in_its_network_floods_to_the_host_only),
		spec(reserved_groups_are_not_forwarded),
		spec(a_frame_is_not_sent_back_where_it_came_from),
		spec(networks_do_not_see_each_other),
		spec(addresses_belong_to_a_network),
		spec(the_host_reaches_an_endpoint),
		spec(packets_that_the_host_forwards_do_not_come_in),
		spec(a_device_that_is_no_port_passes_nothing),
		spec(the_gateway_takes_arp_and_ipv4_only),
		spec(frames_of_other_protocols_are_switched),
		spec(a_frame_to_a_device_that_is_gone_is_counted),
		spec(a_mac_is_learned_where_it_sends_from),
		spec(a_learned_mac_moves_with_its_sender),
		spec(a_learned_mac_ages),
		spec(a_frame_keeps_a_learned_mac_alive),
		spec(an_endpoints_mac_is_not_learned_elsewhere),
		spec(nothing_is_learned_from_a_port_with_port_security),
	};

	return run_specs("l2", specs);
}
