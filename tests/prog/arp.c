// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* ARP between the endpoints of a network: requests are answered from the tables, or passed on. */
#include "lib/harness.h"

#define ARP_WHO_HAS .dmac = BROADCAST, .op = ARP_REQUEST

static void a_request_for_a_known_address_is_answered(void **s)
{
	ns1_sends(arp(.smac = NS1_MAC, ARP_WHO_HAS, .sender_mac = NS1_MAC, .sender = NS1,
		      .target = NS2));
	expect_outcome(SENT);
	expect_packet(arp(.smac = NS2_MAC, .dmac = NS1_MAC, .op = ARP_REPLY, .sender_mac = NS2_MAC,
			  .sender = NS2, .target_mac = NS1_MAC, .target = NS1));
	expect_counted(COUNT_arp_answered);
	expect_copies(0, 0, 0, 0);
}

static void a_request_for_the_gateway_is_answered(void **s)
{
	/* unicast: the neighbour is probed again (RFC 1122 2.3.2.1) */
	ns1_sends(arp(NS1_TO_GW, .op = ARP_REQUEST, .sender_mac = NS1_MAC, .sender = NS1,
		      .target = GW));
	expect_outcome(SENT);
	expect_packet(arp(GW_TO_NS1, .op = ARP_REPLY, .sender_mac = GW_MAC, .sender = GW,
			  .target_mac = NS1_MAC, .target = NS1));
	expect_counted(COUNT_arp_answered);
}

static void the_hosts_request_is_answered_to_the_host(void **s)
{
	host_sends(arp(.smac = GW_MAC, ARP_WHO_HAS, .sender_mac = GW_MAC, .sender = GW,
		       .target = NS2));
	expect_outcome(INTO_HOST);
	expect_packet(arp(.smac = NS2_MAC, .dmac = GW_MAC, .op = ARP_REPLY, .sender_mac = NS2_MAC,
			  .sender = NS2, .target_mac = GW_MAC, .target = GW));
	expect_counted(COUNT_arp_answered);
}

static void a_probe_for_an_address_in_use_is_answered(void **s)
{
	ns1_sends(arp(.smac = NS1_MAC, ARP_WHO_HAS, .sender_mac = NS1_MAC, .sender = "0.0.0.0",
		      .target = NS2));
	expect_outcome(SENT);
	expect_packet(arp(.smac = NS2_MAC, .dmac = NS1_MAC, .op = ARP_REPLY, .sender_mac = NS2_MAC,
			  .sender = NS2, .target_mac = NS1_MAC, .target = "0.0.0.0"));
	expect_counted(COUNT_arp_answered);
}

static void a_probe_for_ones_own_address_is_for_the_others(void **s)
{
	struct frame *f = arp(.smac = NS1_MAC, ARP_WHO_HAS, .sender_mac = NS1_MAC,
			      .sender = "0.0.0.0", .target = NS1);

	ns1_sends(f);
	expect_outcome(INTO_HOST);
	expect_packet(f);
	expect_counted(COUNT_flooded);
	expect_copies(0, 1, 1, 0);
}

static struct frame *who_has_nobodys(const char *mac, const char *sender)
{
	return arp(.smac = mac, ARP_WHO_HAS, .sender_mac = mac, .sender = sender, .target = "192.168.1.77");
}

static void only_who_may_have_it_is_asked_for_an_address_of_no_endpoint(void **s)
{
	ns1_sends(who_has_nobodys(NS1_MAC, NS1));
	expect_outcome(INTO_HOST);
	expect_packet(who_has_nobodys(NS1_MAC, NS1));
	expect_counted(COUNT_arp_suppressed);
	expect_copies(0, 0, 1, 0);
	host_sends(who_has_nobodys(GW_MAC, GW));
	expect_outcome(SENT); /* to NS3 */
	expect_counted(COUNT_arp_suppressed);
	expect_copies(0, 0, 0, 0);
	replace_endpoint(DEV_NS3); /* without spoof=allow */
	ns1_sends(who_has_nobodys(NS1_MAC, NS1));
	expect_outcome(INTO_HOST);
	expect_copies(0, 0, 0, 0);
	host_sends(who_has_nobodys(GW_MAC, GW));
	expect_outcome(DROPPED);
	expect_counted(COUNT_arp_suppressed);
}

/* RFC 5227 section 2.1.1 and 2.3: others may use it, behind whatever is to come. */
static void all_are_told_of_a_probe_and_an_announcement(void **s)
{
	ns1_sends(who_has_nobodys(NS1_MAC, "0.0.0.0"));
	expect_counted(COUNT_flooded);
	expect_copies(0, 1, 1, 0);
	ns3_sends(arp(.smac = NS3_MAC, ARP_WHO_HAS, .sender_mac = NS3_MAC, .sender = "192.168.1.77",
		      .target = "192.168.1.77"));
	expect_counted(COUNT_flooded);
	expect_copies(1, 1, 0, 0);
	ns1_sends(arp(.smac = NS1_MAC, ARP_WHO_HAS, .sender_mac = NS1_MAC, .sender = NS1, .target = NS1));
	expect_counted(COUNT_flooded);
	expect_copies(0, 1, 1, 0);
}

/* RFC 826: who asks tells where it is, and others' caches follow. */
static void all_hear_the_request_of_an_address_that_may_have_moved(void **s)
{
	ns3_sends(who_has_nobodys(STRANGER_MAC, "192.168.1.99"));
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_flooded, COUNT_fdb_learned);
	expect_copies(1, 1, 0, 0);
}

static void a_reply_is_switched(void **s)
{
	struct frame *f = arp(NS1_TO_NS2, .op = ARP_REPLY, .sender_mac = NS1_MAC, .sender = NS1,
			      .target_mac = NS2_MAC, .target = NS2);

	ns1_sends(f);
	expect_outcome(INTO_PORT);
	expect_packet(f);
	expect_counted(COUNT_switched);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_request_for_a_known_address_is_answered),
		spec(a_request_for_the_gateway_is_answered),
		spec(the_hosts_request_is_answered_to_the_host),
		spec(a_probe_for_an_address_in_use_is_answered),
		spec(a_probe_for_ones_own_address_is_for_the_others),
		spec(only_who_may_have_it_is_asked_for_an_address_of_no_endpoint),
		spec(all_are_told_of_a_probe_and_an_announcement),
		spec(all_hear_the_request_of_an_address_that_may_have_moved),
		spec(a_reply_is_switched),
	};

	return run_specs("arp", specs);
}
