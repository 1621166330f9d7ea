// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Neighbours: hosts behind a port with spoof=allow (a bridge, a virtual machine), with a MAC of their own. */
#include "lib/harness.h"

#define FAR "192.168.1.200"
#define FAR_MAC STRANGER_MAC
#define FAR_TO_GW .smac = FAR_MAC, .dmac = GW_MAC, .src = FAR
#define GW_TO_FAR .smac = GW_MAC, .dmac = FAR_MAC, .dst = FAR

static void far_neighbour_asks(void)
{
	ns3_sends(frame(FAR_TO_GW, .dst = SERVER, .sport = 4000, .dport = 53));
	expect_outcome(SENT);
}

static void server_answers(void)
{
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 53, .dport = 4000));
	expect_outcome(INTO_PORT);
}

static void an_answer_goes_to_the_neighbours_own_mac(void **s)
{
	far_neighbour_asks();
	server_answers();
	expect_packet(frame(GW_TO_FAR, .src = SERVER, .sport = 53, .dport = 4000, .ttl = 63));
	expect_counted(COUNT_unmasqueraded);
	/* the namespace's own too */
	ns3_sends(frame(NS3_TO_GW, .src = NS3, .dst = SERVER, .sport = 4002, .dport = 53));
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 53, .dport = 4002));
	expect_packet(frame(.smac = GW_MAC, .dmac = NS3_MAC, .src = SERVER, .dst = NS3, .sport = 53,
			    .dport = 4002, .ttl = 63));
}

static void an_error_about_its_packet_goes_to_the_neighbours_mac(void **s)
{
	far_neighbour_asks();
	uplink_gets(frame(FROM_ISP, .src = NEXT_HOP, .dst = UPLINK, .proto = ICMP, .type = UNREACHABLE,
			  .inner = frame(NS3_TO_GW, .src = UPLINK, .dst = SERVER, .sport = 4000,
					 .dport = 53)));
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_FAR, .src = NEXT_HOP, .proto = ICMP, .type = UNREACHABLE, .ttl = 63,
			    .inner = frame(NS3_TO_GW, .src = FAR, .dst = SERVER, .sport = 4000,
					   .dport = 53)));
}

/* Another network card, or another machine at the address. */
static void a_neighbour_may_change_its_mac(void **s)
{
	static const char other[] = "02:00:00:00:00:77";

	far_neighbour_asks();
	ns3_sends(frame(.smac = other, .dmac = GW_MAC, .src = FAR, .dst = SERVER, .sport = 4000,
			.dport = 53));
	server_answers();
	expect_packet(frame(.smac = GW_MAC, .dmac = other, .src = SERVER, .dst = FAR, .sport = 53,
			    .dport = 4000, .ttl = 63));
}

/* As `ns add` of another namespace changes it. */
static void its_flow_survives_a_change_of_configuration(void **s)
{
	far_neighbour_asks();
	next_generation();
	server_answers();
	expect_packet(frame(GW_TO_FAR, .src = SERVER, .sport = 53, .dport = 4000, .ttl = 63));
	expect_counted(COUNT_unmasqueraded);
	far_neighbour_asks();
	expect_counted(COUNT_masqueraded);
	assert_true(flows_are_checked());
	/* and the other direction first */
	next_generation();
	far_neighbour_asks();
	expect_packet(frame(.smac = FAR_MAC, .dmac = GW_MAC, .src = UPLINK, .dst = SERVER,
			    .sport = 4000, .dport = 53, .ttl = 63));
	expect_counted(COUNT_masqueraded);
}

static void a_flow_ends_with_its_port(void **s)
{
	struct frame *f = frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 53, .dport = 4000);

	far_neighbour_asks();
	forget_port(DEV_NS3);
	uplink_gets(f);
	expect_outcome(PASSED);
	expect_packet(f);
}

/* A port with spoof=allow may send as NS1, but packets to NS1 do not go there. */
static void a_claim_to_anothers_address_draws_no_answers(void **s)
{
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 53));
	ns3_sends(frame(.smac = FAR_MAC, .dmac = GW_MAC, .src = NS1, .dst = SERVER, .sport = 4002,
			.dport = 53));
	server_answers();
	expect_packet(frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 53, .dport = 4000,
			    .ttl = 63));
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(an_answer_goes_to_the_neighbours_own_mac),
		spec(an_error_about_its_packet_goes_to_the_neighbours_mac),
		spec(a_neighbour_may_change_its_mac),
		spec(its_flow_survives_a_change_of_configuration),
		spec(a_flow_ends_with_its_port),
		spec(a_claim_to_anothers_address_draws_no_answers),
	};

	return run_specs("neigh", specs);
}
