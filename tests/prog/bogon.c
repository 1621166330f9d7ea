// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Packets from outside with addresses that no sender outside has. */
#include "lib/harness.h"

#define PUBLISHED FROM_ISP, .sport = 999, .dport = 5000

static void a_source_inside_a_network_is_a_martian(void **s)
{
	static const char *const sources[] = { NS1, NS4, GW };
	size_t i;

	for (i = 0; i < 3; i++) {
		/* whatever the kernel says of the way back, and whether or not anything is published */
		uplink_gets(frame(PUBLISHED, .src = sources[i], .dst = UPLINK));
		expect_dropped(COUNT_martian);
	}
	publish(UPLINK, UDP, 5000, 5000, 3000);
	for (i = 0; i < 3; i++) {
		set_forwarding(DEV_GW, 0);
		uplink_gets(frame(PUBLISHED, .src = sources[i], .dst = UPLINK));
		expect_dropped(COUNT_martian, COUNT_fib_fwd_disabled);
		set_forwarding(DEV_GW, 1);
		/* larger than the way back is wide */
		uplink_gets(frame(PUBLISHED, .src = sources[i], .dst = UPLINK, .payload_len = 1777,
				  .payload = (char[1777]){}));
		expect_dropped(COUNT_martian);
	}
}

/* "Every address of the host" includes neither the gateways' nor those of networks. */
static void an_address_inside_is_not_reached_from_outside(void **s)
{
	static const char *const inside[] = { NS1, GW, "192.168.2.1", "192.168.1.255" };
	size_t i;

	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	for (i = 0; i < 4; i++) {
		uplink_gets(frame(PUBLISHED, .src = SERVER, .dst = inside[i]));
		expect_dropped(COUNT_unsolicited);
		set_forwarding(DEV_GW, 0);
		uplink_gets(frame(PUBLISHED, .src = SERVER, .dst = inside[i]));
		expect_outcome(DROPPED);
		set_forwarding(DEV_GW, 1);
	}
	expect_live_flows(0);
}

static void a_network_above_an_unused_id_is_private(void **s)
{
	forget_network(1);
	uplink_gets(frame(PUBLISHED, .src = NS4, .dst = UPLINK));
	expect_dropped(COUNT_martian);
	uplink_gets(frame(PUBLISHED, .src = SERVER, .dst = NS4));
	expect_dropped(COUNT_unsolicited);
}

/* The host would take it with route_localnet. */
static void a_loopback_address_is_of_no_link(void **s)
{
	uplink_gets(frame(PUBLISHED, .src = "127.0.0.1", .dst = UPLINK));
	expect_dropped(COUNT_martian);
	uplink_gets(frame(PUBLISHED, .src = SERVER, .dst = "127.8.8.8"));
	expect_dropped(COUNT_martian);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = "127.0.0.1", .frag = 100));
	expect_dropped(COUNT_martian);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = "127.0.0.1", .proto = ICMP, .type = ECHO));
	expect_dropped(COUNT_martian);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_source_inside_a_network_is_a_martian),
		spec(an_address_inside_is_not_reached_from_outside),
		spec(a_network_above_an_unused_id_is_private),
		spec(a_loopback_address_is_of_no_link),
	};

	return run_specs("bogon", specs);
}
