// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Neighbour discovery and IPv6 addresses: first come, first served, and nobody takes another's. */
#include <stdio.h>

#include "lib/harness.h"

/* fe80:: and the EUI-64 of the MAC. */
#define NS1_EUI64 "fe80::42:c0ff:fea8:10a"
#define NS2_EUI64 "fe80::42:c0ff:fea8:10b"
#define NS3_EUI64 "fe80::42:c0ff:fea8:10c"
#define GW_EUI64 "fe80::42:c0ff:fea8:101"
#define ULA "fd00::1234:5678:9abc:def0"
#define OTHER "fd00::1"
#define GROUP "ff02::1"
#define GROUP_MAC "33:33:00:00:00:01"

#define NS1_TO_ALL .smac = NS1_MAC, .dmac = GROUP_MAC, .dst = GROUP
#define NS2_TO_ALL .smac = NS2_MAC, .dmac = GROUP_MAC, .dst = GROUP
#define NS3_TO_ALL .smac = NS3_MAC, .dmac = GROUP_MAC, .dst = GROUP

enum {
	UNREACHABLE_6 = 1,
	ECHO_6 = 128,
	MLD_REPORT = 143,
	SOLICIT_ROUTER = 133,
	SOLICIT = 135,
	ADVERTISE = 136,
	SOURCE_MAC = 1,
	TARGET_MAC = 2,
};

#define expect_passed()                        \
	do {                                   \
		expect_outcome(INTO_HOST);     \
		expect_counted(COUNT_flooded); \
	} while (0)

/* RFC 4862: a node's own by its MAC; ULA, RFC 7217 and RFC 8981 choose whatever they like. */
static void a_namespace_sends_from_the_addresses_that_it_chooses(void **s)
{
	static const char *const sources[] = {
		NS1_EUI64, "2001:db8::42:c0ff:fea8:10a", ULA, "fe80::8d5:1b2f:77a0:91c3", "2001:db8::5c1d:90e2:aa:1",
		"fd00::42:c0ff:fea9:10a", "fe80::1",
	};
	size_t i;

	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		ns1_sends(ipv6(NS1_TO_ALL, .src = sources[i], .type = ECHO_6));
		expect_passed();
	}
}

static void no_node_has_the_address_of_a_group_or_of_lo(void **s)
{
	static const char *const sources[] = { "::1", "::2", "ff02::1", "::ffff:192.168.1.10", "::192.168.1.10" };
	size_t i;

	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		ns1_sends(ipv6(NS1_TO_ALL, .src = sources[i], .type = ECHO_6));
		expect_dropped(COUNT_spoofed_addr);
		ns1_sends(ipv6(NS1_TO_ALL, .src = NS1_EUI64, .type = ADVERTISE, .target = sources[i]));
		expect_dropped(COUNT_spoofed_addr);
		ns1_sends(ipv6(NS1_TO_ALL, .src = "::", .type = SOLICIT, .target = sources[i]));
		expect_dropped(COUNT_spoofed_addr);
	}
	ns1_sends(ipv6(NS1_TO_ALL, .src = NS1_EUI64, .type = ADVERTISE, .target = "::"));
	expect_dropped(COUNT_spoofed_addr);
}

/* What has no address yet: multicast listeners, and routers' clients. */
static void the_unspecified_address_is_for_beginners(void **s)
{
	ns1_sends(ipv6(NS1_TO_ALL, .src = "::", .type = MLD_REPORT));
	expect_passed();
	ns1_sends(ipv6(NS1_TO_ALL, .src = "::", .type = SOLICIT_ROUTER));
	expect_passed();
}

static void expect_all_refused(const char *whose)
{
	ns2_sends(ipv6(NS2_TO_ALL, .src = whose, .type = ECHO_6));
	expect_dropped(COUNT_spoofed_addr);
	ns2_sends(ipv6(NS2_TO_ALL, .src = whose, .type = SOLICIT, .target = OTHER));
	expect_dropped(COUNT_spoofed_addr);
	ns2_sends(ipv6(NS2_TO_ALL, .src = NS2_EUI64, .type = ADVERTISE, .target = whose));
	expect_dropped(COUNT_spoofed_addr);
	ns2_sends(ipv6(NS2_TO_ALL, .src = "::", .type = SOLICIT, .target = whose));
	expect_dropped(COUNT_spoofed_addr);
	/* with spoof=allow neither */
	ns3_sends(ipv6(NS3_TO_ALL, .src = whose, .type = ECHO_6));
	expect_dropped(COUNT_spoofed_addr);
	ns3_sends(ipv6(NS3_TO_ALL, .src = NS3_EUI64, .type = ADVERTISE, .target = whose));
	expect_dropped(COUNT_spoofed_addr);
	ns3_sends(ipv6(NS3_TO_ALL, .src = "::", .type = SOLICIT, .target = whose));
	expect_dropped(COUNT_spoofed_addr);
}

/* By whatever it said first. */
static void an_address_is_its_first_owners(void **s)
{
	ns1_sends(ipv6(NS1_TO_ALL, .src = "::", .type = SOLICIT, .target = ULA));
	expect_passed();
	expect_all_refused(ULA);
	ns1_sends(ipv6(NS1_TO_ALL, .src = NS1_EUI64, .type = ADVERTISE, .target = "fd00::2"));
	expect_all_refused("fd00::2");
	ns1_sends(ipv6(NS1_TO_ALL, .src = "fd00::3", .type = ECHO_6));
	expect_all_refused("fd00::3");
	ns1_sends(ipv6(NS1_TO_ALL, .src = ULA, .type = ECHO_6));
	expect_passed();
	/* a solicitation asks about others */
	ns2_sends(ipv6(NS2_TO_ALL, .src = NS2_EUI64, .type = SOLICIT, .target = ULA));
	expect_passed();
}

static void an_address_made_of_a_mac_is_that_ports(void **s)
{
	expect_all_refused(NS1_EUI64);
	expect_all_refused("2001:db8::42:c0ff:fea8:10a");
	expect_all_refused(GW_EUI64);
	ns2_sends(ipv6(NS2_TO_ALL, .src = "::", .type = SOLICIT, .target = NS2_EUI64));
	expect_passed();
}

static void an_address_that_was_given_is_nobody_elses(void **s)
{
	give_ipv6(DEV_NS1, "2001:db8::10");
	expect_all_refused("2001:db8::10");
	ns1_sends(ipv6(NS1_TO_ALL, .src = "2001:db8::10", .type = ECHO_6));
	expect_passed();
	age_ipv6(100000);
	expect_all_refused("2001:db8::10");
}

/* RFC 4862 5.4.3: the owner answers, once its own detection is over; before, the question would end that. */
static void whoever_asks_for_an_address_in_use_hears_of_its_owner(void **s)
{
	ns1_sends(ipv6(NS1_TO_ALL, .src = "::", .type = SOLICIT, .target = ULA));
	ns2_sends(ipv6(NS2_TO_ALL, .src = "::", .type = SOLICIT, .target = ULA));
	expect_dropped(COUNT_spoofed_addr);
	age_ipv6(10);
	ns2_sends(ipv6(NS2_TO_ALL, .src = "::", .type = SOLICIT, .target = ULA));
	expect_passed();
	ns2_sends(ipv6(NS2_TO_ALL, .src = ULA, .type = ECHO_6));
	expect_dropped(COUNT_spoofed_addr);
	/* it asks again, as after a change of its link */
	ns1_sends(ipv6(NS1_TO_ALL, .src = "::", .type = SOLICIT, .target = ULA));
	ns2_sends(ipv6(NS2_TO_ALL, .src = "::", .type = SOLICIT, .target = ULA));
	expect_dropped(COUNT_spoofed_addr);
}

static void an_address_is_free_when_its_owner_is_gone_or_silent(void **s)
{
	ns1_sends(ipv6(NS1_TO_ALL, .src = ULA, .type = ECHO_6));
	age_ipv6(3500);
	ns2_sends(ipv6(NS2_TO_ALL, .src = ULA, .type = ECHO_6));
	expect_dropped(COUNT_spoofed_addr);
	ns1_sends(ipv6(NS1_TO_ALL, .src = ULA, .type = ECHO_6)); /* not silent */
	age_ipv6(3500);
	ns2_sends(ipv6(NS2_TO_ALL, .src = ULA, .type = ECHO_6));
	expect_dropped(COUNT_spoofed_addr);
	age_ipv6(200);
	ns2_sends(ipv6(NS2_TO_ALL, .src = ULA, .type = ECHO_6));
	expect_passed();
	ns1_sends(ipv6(NS1_TO_ALL, .src = ULA, .type = ECHO_6));
	expect_dropped(COUNT_spoofed_addr);
	forget_port(DEV_NS2);
	ns1_sends(ipv6(NS1_TO_ALL, .src = ULA, .type = ECHO_6));
	expect_passed();
}

/* RFC 8981: there may be many in a week. The oldest goes, and is the namespace's own again by its next packet. */
static void a_port_keeps_its_youngest_addresses(void **s)
{
	char addr[32];
	int i;

	for (i = 0; i <= ND_PER_PORT; i++) {
		snprintf(addr, sizeof(addr), "fd00::%x", 0x100 + i);
		ns1_sends(ipv6(NS1_TO_ALL, .src = addr, .type = ECHO_6));
		expect_passed();
	}
	expect_all_refused("fd00::101");
	expect_all_refused(addr);
	ns2_sends(ipv6(NS2_TO_ALL, .src = "fd00::100", .type = ECHO_6));
	expect_passed();
	/* however many one has, the others' stay */
	for (i = 0; i < 10 * ND_PER_PORT; i++) {
		snprintf(addr, sizeof(addr), "fd00::%x", 0x1000 + i);
		ns1_sends(ipv6(NS1_TO_ALL, .src = addr, .type = ECHO_6));
	}
	ns1_sends(ipv6(NS1_TO_ALL, .src = "fd00::100", .type = ECHO_6));
	expect_dropped(COUNT_spoofed_addr);
}

static void neighbour_discovery_tells_the_ports_own_mac(void **s)
{
	static const struct {
		uint8_t type, option;
		const char *target;
	} told[] = {
		{ SOLICIT, SOURCE_MAC, OTHER }, { ADVERTISE, TARGET_MAC, ULA }, { SOLICIT_ROUTER, SOURCE_MAC, NULL },
	};
	size_t i;

	for (i = 0; i < 3; i++) {
		ns1_sends(ipv6(NS1_TO_ALL, .src = ULA, .type = told[i].type, .target = told[i].target,
			       .option = told[i].option, .mac = NS1_MAC));
		expect_passed();
		ns1_sends(ipv6(NS1_TO_ALL, .src = ULA, .type = told[i].type, .target = told[i].target,
			       .option = told[i].option, .mac = NS2_MAC));
		expect_dropped(COUNT_spoofed_mac);
	}
	/* a virtual machine's, behind a port with spoof=allow */
	ns3_sends(ipv6(.smac = STRANGER_MAC, .dmac = GROUP_MAC, .dst = GROUP, .src = "fd00::77", .type = ADVERTISE,
		       .target = "fd00::77", .option = TARGET_MAC, .mac = STRANGER_MAC));
	expect_outcome(INTO_HOST);
}

/* RFC 6980: no node takes them, and their second part could not be checked. */
static void neighbour_discovery_is_not_fragmented(void **s)
{
	enum { FRAGMENT = 44 };

	ns1_sends(ipv6(NS1_TO_ALL, .src = NS1_EUI64, .type = ADVERTISE, .target = NS1_EUI64, .next = FRAGMENT,
		       .ext = "\72\0\0\1\0\0\0\7", .ext_len = 8));
	expect_dropped(COUNT_malformed);
	ns1_sends(ipv6(NS1_TO_ALL, .src = NS1_EUI64, .type = 134, .next = FRAGMENT, .ext = "\72\0\0\1\0\0\0\7",
		       .ext_len = 8));
	expect_dropped(COUNT_router_advert);
	ns1_sends(ipv6(NS1_TO_ALL, .src = NS1_EUI64, .type = ECHO_6, .next = FRAGMENT, .ext = "\72\0\0\1\0\0\0\7",
		       .ext_len = 8));
	expect_passed();
}

static void an_icmpv6_error_is_about_its_senders_packet(void **s)
{
	ns2_sends(ipv6(NS2_TO_ALL, .src = ULA, .type = ECHO_6));
	ns1_sends(ipv6(NS1_TO_ALL, .src = NS1_EUI64, .type = UNREACHABLE_6, .went_to = ULA));
	expect_dropped(COUNT_foreign_error);
	ns1_sends(ipv6(NS1_TO_ALL, .src = NS1_EUI64, .type = UNREACHABLE_6, .went_to = NS2_EUI64));
	expect_dropped(COUNT_foreign_error);
	ns3_sends(ipv6(NS3_TO_ALL, .src = NS3_EUI64, .type = UNREACHABLE_6, .went_to = ULA));
	expect_dropped(COUNT_foreign_error);
	ns2_sends(ipv6(NS2_TO_ALL, .src = ULA, .type = UNREACHABLE_6, .went_to = ULA));
	expect_passed();
	ns1_sends(ipv6(NS1_TO_ALL, .src = NS1_EUI64, .type = UNREACHABLE_6));
	expect_dropped(COUNT_icmp_error);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_namespace_sends_from_the_addresses_that_it_chooses),
		spec(no_node_has_the_address_of_a_group_or_of_lo),
		spec(the_unspecified_address_is_for_beginners),
		spec(an_address_is_its_first_owners),
		spec(an_address_made_of_a_mac_is_that_ports),
		spec(an_address_that_was_given_is_nobody_elses),
		spec(whoever_asks_for_an_address_in_use_hears_of_its_owner),
		spec(an_address_is_free_when_its_owner_is_gone_or_silent),
		spec(a_port_keeps_its_youngest_addresses),
		spec(neighbour_discovery_tells_the_ports_own_mac),
		spec(neighbour_discovery_is_not_fragmented),
		spec(an_icmpv6_error_is_about_its_senders_packet),
	};

	return run_specs("nd", specs);
}
