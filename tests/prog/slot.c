// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The numbered slots of the flow table, one after another used for other flows. */
#include "lib/harness.h"

/* Whoever has looked at a flow and comes back to end it must not meet the next one in its place. */
static void a_slot_is_another_each_time_it_is_used(void **s)
{
	int use;

	for (use = 1; use <= 3; use++) {
		ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000 + use, .dport = 53));
		expect_outcome(SENT);
		expect_live_flows(1);
		assert_int_equal(conn_at(0).orig.sport_h, 4000 + use);
		assert_int_equal(conn_at(0).use, use);
		/* answered, so that its state is another too, and then forgotten */
		uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 53, .dport = 4000 + use));
		assert_int_equal(conn_at(0).use, use);
		age_flows(1000);
	}
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_slot_is_another_each_time_it_is_used),
	};

	return run_specs("slot", specs);
}
