// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A host without an address to masquerade as: alone, as nothing here gives the addresses back. */
#include "lib/harness.h"

static void without_an_address_nothing_is_masqueraded(void **s)
{
	host_command("ip address flush scope global");
	host_command("ip route add default dev eth0");
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 53));
	expect_dropped(COUNT_no_source);
	expect_live_flows(0);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(without_an_address_nothing_is_masqueraded),
	};

	return run_specs("no_source", specs);
}
