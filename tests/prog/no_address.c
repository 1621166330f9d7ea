// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * A host without an address to masquerade as. harness: fresh (a host of its own): nothing gives the addresses that
 * this test takes back to others.
 */
#include "lib/harness.h"

static void without_an_address_nothing_is_masqueraded(void **s)
{
	struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 53);
	int i;

	host_command("ip address flush scope global");
	host_command("ip route add default dev eth0");
	/* and then the kernel would lend it the gateway's */
	for (i = 0; i < 2; i++) {
		ns1_sends(f);
		expect_outcome(SENT);
		expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP,
				    .type = UNREACHABLE, .code = 0, .tos = 0xc0, .no_ip_id = true,
				    .inner = f, .inner_len = 28));
		expect_counted(COUNT_refused_no_source);
		host_command("ip address add " GW "/24 dev %s", i ? "lo" : "gw0");
	}
	expect_live_flows(0);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(without_an_address_nothing_is_masqueraded),
	};

	return run_specs("no_address", specs);
}
