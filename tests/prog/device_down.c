// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What is sent to a device that is down is lost, and no helper says so: it is counted as a drop. */
#include "lib/harness.h"

#define SWITCHED NS1_TO_NS2, .src = NS1, .dst = NS2, .sport = 1, .dport = 2
#define ANSWER FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 53, .dport = 4000
#define ASKED NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 4000, .dport = 53
#define TO_HOST NS1_TO_GW, .src = NS1, .dst = GW, .sport = 4000, .dport = 53

/* By each way into ns2, hot and cold. */
static void expect_ns2_is_down(void)
{
	ns1_sends(frame(SWITCHED));
	expect_dropped(COUNT_port_down);
	host_sends(frame(GW_TO_NS2, .src = GW, .dst = NS2, .sport = 1, .dport = 2));
	expect_dropped(COUNT_port_down);
	uplink_gets(frame(ANSWER));
	expect_dropped(COUNT_port_down);
}

static void expect_ns2_is_up(void)
{
	run_repeatedly(HOOK_PORT, DEV_NS1, frame(SWITCHED));
	expect_outcome(INTO_PORT);
	run_repeatedly(HOOK_GATEWAY, DEV_GW, frame(GW_TO_NS2, .src = GW, .dst = NS2, .sport = 1, .dport = 2));
	expect_outcome(SENT);
	run_repeatedly(HOOK_UPLINK, DEV_UPLINK, frame(ANSWER));
	expect_outcome(INTO_PORT);
}

static void a_namespaces_device_that_is_down_takes_nothing(void **s)
{
	ns2_sends(frame(ASKED));
	expect_ns2_is_up();
	far_link(DEV_NS2, false); /* inside */
	expect_ns2_is_down();
	forget_caches();
	expect_ns2_is_down();
	far_link(DEV_NS2, true);
	expect_ns2_is_up();
	host_link(DEV_NS2, false); /* or outside */
	expect_ns2_is_down();
	host_link(DEV_NS2, true);
	expect_ns2_is_up();
}

static void a_published_port_of_a_namespace_that_is_down_takes_nothing(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	far_link(DEV_NS1, false);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5000));
	expect_dropped(COUNT_port_down, COUNT_flow_new);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, .sport = 999, .dport = 5000));
	expect_dropped(COUNT_port_down, COUNT_flow_new);
	far_link(DEV_NS1, true);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5000));
	expect_outcome(INTO_PORT);
}

static void a_flood_goes_past_a_port_that_is_down(void **s)
{
	struct frame *f = frame(.smac = NS1_MAC, .dmac = BROADCAST, .src = NS1, .dst = "192.168.1.255");

	far_link(DEV_NS2, false);
	ns1_sends(f);
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_flooded, COUNT_flood_missed);
	expect_copies(0, 0, 1, 0);
	far_link(DEV_NS2, true);
	ns1_sends(f);
	expect_counted(COUNT_flooded);
	expect_copies(0, 1, 1, 0);
}

static void a_gateway_that_is_down_takes_nothing(void **s)
{
	run_repeatedly(HOOK_PORT, DEV_NS1, frame(TO_HOST));
	expect_outcome(INTO_HOST);
	host_link(DEV_GW_PEER, false);
	ns1_sends(frame(TO_HOST));
	expect_dropped(COUNT_link_down);
	forget_caches();
	ns1_sends(frame(TO_HOST));
	expect_dropped(COUNT_link_down);
	host_link(DEV_GW_PEER, true);
	ns1_sends(frame(TO_HOST));
	expect_outcome(INTO_HOST);
}

/* The kernel routes by an uplink without a carrier, and its queue drops what comes there. */
static void an_uplink_without_a_carrier_takes_nothing(void **s)
{
	struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 53);

	run_repeatedly(HOOK_PORT, DEV_NS1, f);
	expect_outcome(SENT);
	far_link(DEV_UPLINK, false);
	ns1_sends(f);
	expect_dropped(COUNT_link_down);
	forget_caches();
	ns1_sends(f);
	expect_dropped(COUNT_link_down);
	far_link(DEV_UPLINK, true);
	ns1_sends(f);
	expect_outcome(SENT);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_namespaces_device_that_is_down_takes_nothing),
		spec(a_published_port_of_a_namespace_that_is_down_takes_nothing),
		spec(a_flood_goes_past_a_port_that_is_down),
		spec(a_gateway_that_is_down_takes_nothing),
		spec(an_uplink_without_a_carrier_takes_nothing),
	};

	return run_specs("device down", specs);
}
