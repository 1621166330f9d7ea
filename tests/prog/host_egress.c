// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Packets that the host itself sends out of an uplink have precedence; its multicast creates no flow. */
#include "flow.h"

#define GRE_OUT OUT, .proto = GRE
#define GRE_IN IN, .proto = GRE
#define HOSTS_GRE .smac = UPLINK_MAC, .dmac = ISP_MAC, .src = UPLINK, .dst = SERVER, .proto = GRE

#define host_leaves(f) run(HOOK_UPLINK_OUT, DEV_UPLINK, f)

/* There is no other port: the second flow would have to be refused, and that is never the host's. */
static void the_hosts_own_flow_has_precedence(void **s)
{
	struct frame *answer = frame(GRE_IN);

	ns1_sends(frame(GRE_OUT));
	host_leaves(frame(HOSTS_GRE));
	expect_outcome(PASSED);
	expect_packet(frame(HOSTS_GRE));
	uplink_gets(answer);
	expect_left_alone(answer);
	ns1_sends(frame(GRE_OUT));
	expect_counted(COUNT_icmp_sent, COUNT_flow_refused);
	uplink_gets(answer);
	expect_left_alone(answer);
	/* until it has been silent for long enough */
	age_flows(100000);
	ns1_sends(frame(GRE_OUT));
	expect_outcome(SENT);
	uplink_gets(answer);
	expect_outcome(INTO_PORT);
}

static void multicast_of_the_host_is_no_flow(void **s)
{
	struct frame *f = frame(.smac = UPLINK_MAC, .dmac = "01:00:5e:00:00:12", .src = UPLINK,
				.dst = "224.0.0.18", .proto = 112);

	host_leaves(f);
	expect_left_alone(f);
	expect_live_flows(0);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(the_hosts_own_flow_has_precedence),
		spec(multicast_of_the_host_is_no_flow),
	};

	return run_specs("host_egress", specs);
}
