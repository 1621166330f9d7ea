// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* An ICMP error is believed from where the packet went that it embeds: nobody speaks for another namespace. */
#include "lib/harness.h"

#define ERROR .proto = ICMP, .type = UNREACHABLE
#define ANSWER_TO_NS2 GW_TO_NS2, .src = SERVER, .dst = NS2, .sport = 53, .dport = 4000

static void ns2_asks_a_server(void)
{
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 4000, .dport = 53));
	expect_outcome(SENT);
}

static void no_other_namespace_refuses_an_answer(void **s)
{
	ns2_asks_a_server();
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, ERROR, .inner = frame(ANSWER_TO_NS2)));
	expect_dropped(COUNT_foreign_error);
	/* nor one that may send from any address */
	ns3_sends(frame(NS3_TO_GW, .src = NS3, .dst = SERVER, ERROR, .inner = frame(ANSWER_TO_NS2)));
	expect_dropped(COUNT_foreign_error);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, ERROR, .inner = frame(ANSWER_TO_NS2)));
	expect_outcome(SENT);
	expect_counted(COUNT_icmp_translated);
}

static void no_other_namespace_refuses_a_published_request(void **s)
{
	struct frame *request = frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 999, .dport = 3000);

	publish(UPLINK, UDP, 5000, 5000, 3000);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5000));
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, ERROR, .inner = request));
	expect_dropped(COUNT_foreign_error);
	ns3_sends(frame(NS3_TO_GW, .src = NS3, .dst = SERVER, ERROR, .inner = request));
	expect_dropped(COUNT_foreign_error);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, ERROR, .inner = request));
	expect_counted(COUNT_icmp_translated);
}

/* By the host's address, too: the caller may refuse the answer, a third namespace neither. */
static void no_third_namespace_speaks_in_a_hairpin(void **s)
{
	struct frame *request = frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = 999, .dport = 3000);
	struct frame *answer = frame(GW_TO_NS2, .src = UPLINK, .dst = NS2, .sport = 5000, .dport = 999);

	publish(UPLINK, UDP, 5000, 5000, 3000);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, .sport = 999, .dport = 5000));
	expect_outcome(INTO_PORT);
	ns3_sends(frame(NS3_TO_GW, .src = NS3, .dst = UPLINK, ERROR, .inner = request));
	expect_dropped(COUNT_foreign_error);
	ns3_sends(frame(NS3_TO_GW, .src = NS3, .dst = UPLINK, ERROR, .inner = answer));
	expect_dropped(COUNT_foreign_error);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, ERROR, .inner = request));
	expect_dropped(COUNT_foreign_error);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, ERROR, .inner = answer));
	expect_outcome(INTO_PORT);
	expect_counted(COUNT_icmp_translated);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, ERROR, .inner = request));
	expect_outcome(INTO_PORT);
	expect_counted(COUNT_icmp_translated);
}

/* The host's own conversations, with another namespace or outside: an error would end them, or shrink their MTU. */
static void the_host_hears_about_what_it_sent_there_only(void **s)
{
	struct frame *to_ns2 = frame(GW_TO_NS2, .src = GW, .dst = NS2, .sport = 7, .dport = 9);
	struct frame *outside = frame(GW_TO_NS2, .src = UPLINK, .dst = SERVER, .sport = 7, .dport = 9);

	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = GW, ERROR, .inner = to_ns2));
	expect_dropped(COUNT_foreign_error);
	ns3_sends(frame(NS3_TO_GW, .src = NS3, .dst = GW, ERROR, .inner = to_ns2));
	expect_dropped(COUNT_foreign_error);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, ERROR, .code = 4, .inner = outside));
	expect_dropped(COUNT_foreign_error);
	ns3_sends(frame(NS3_TO_GW, .src = NS3, .dst = UPLINK, ERROR, .code = 4, .inner = outside));
	expect_dropped(COUNT_foreign_error);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = GW, ERROR, .inner = to_ns2));
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_to_host);
}

/* A router behind a port with spoof=allow reports about the hosts behind it, to those that it serves. */
static void a_router_behind_a_port_speaks_for_what_is_behind_it(void **s)
{
	static const char vm[] = "192.168.1.200", net_behind[] = "198.51.100.130";
	struct frame *to_vm = frame(GW_TO_NS2, .src = SERVER, .dst = vm, .sport = 53, .dport = 4000);

	ns3_sends(frame(NS3_TO_GW, .src = vm, .dst = SERVER, .sport = 4000, .dport = 53));
	expect_outcome(SENT);
	ns3_sends(frame(NS3_TO_GW, .src = NS3, .dst = SERVER, ERROR, .inner = to_vm));
	expect_counted(COUNT_icmp_translated);
	/* of two such ports, the one that it went to */
	allow_spoofing(DEV_NS2);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, ERROR, .inner = to_vm));
	expect_dropped(COUNT_foreign_error);
	/* and to the host, by the host's own routes */
	host_command("ip route add 198.51.100.128/28 via " NS3 " dev gw0");
	ns3_sends(frame(NS3_TO_GW, .src = NS3, .dst = GW, ERROR,
			.inner = frame(GW_TO_NS2, .src = GW, .dst = net_behind, .sport = 7, .dport = 9)));
	expect_counted(COUNT_to_host);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = GW, ERROR,
			.inner = frame(GW_TO_NS2, .src = GW, .dst = net_behind, .sport = 7, .dport = 9)));
	expect_dropped(COUNT_foreign_error);
	host_command("ip route del 198.51.100.128/28");
}

/* What is only switched is not translated, and is as good a forgery: all types that a host's sockets listen to. */
static void a_switched_error_is_about_its_senders_packet_too(void **s)
{
	static const uint8_t types[] = { UNREACHABLE, SOURCE_QUENCH, REDIRECT, TIME_EXCEEDED, PARAMETER_PROBLEM };
	struct frame *to_ns3 = frame(GW_TO_NS2, .src = NS2, .dst = NS3, .sport = 7, .dport = 9);
	struct frame *to_ns1 = frame(GW_TO_NS2, .src = NS2, .dst = NS1, .sport = 7, .dport = 9);
	size_t i;

	for (i = 0; i < sizeof(types); i++) {
		ns1_sends(frame(NS1_TO_NS2, .src = NS1, .dst = NS2, .proto = ICMP, .type = types[i], .inner = to_ns3));
		expect_dropped(COUNT_foreign_error);
		ns1_sends(frame(NS1_TO_NS2, .src = NS1, .dst = NS2, .proto = ICMP, .type = types[i], .inner = to_ns1));
		expect_outcome(INTO_PORT);
		expect_counted(COUNT_switched);
	}
	ns3_sends(frame(.smac = NS3_MAC, .dmac = NS2_MAC, .src = NS3, .dst = NS2, ERROR, .inner = to_ns1));
	expect_dropped(COUNT_foreign_error);
}

/* The address is where fragments end it, or not there at all: then it cannot be checked. */
static void an_error_too_short_to_tell_is_dropped(void **s)
{
	struct frame *to_ns3 = frame(GW_TO_NS2, .src = NS2, .dst = NS3, .sport = 7, .dport = 9);
	struct frame *f = frame(NS1_TO_NS2, .src = NS1, .dst = NS2, ERROR, .inner = to_ns3);

	ns1_sends(frame_fragment(f, 0, 8));
	expect_dropped(COUNT_icmp_error);
	ns1_sends(frame_fragment(f, 0, 24));
	expect_dropped(COUNT_icmp_error);
	ns1_sends(frame_fragment(f, 0, 32));
	expect_dropped(COUNT_foreign_error);
	ns1_sends(frame(NS1_TO_NS2, .src = NS1, .dst = NS2, ERROR, .inner = to_ns3, .inner_len = 19, .trailer = 20));
	expect_dropped(COUNT_icmp_error);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(no_other_namespace_refuses_an_answer),
		spec(no_other_namespace_refuses_a_published_request),
		spec(no_third_namespace_speaks_in_a_hairpin),
		spec(the_host_hears_about_what_it_sent_there_only),
		spec(a_router_behind_a_port_speaks_for_what_is_behind_it),
		spec(a_switched_error_is_about_its_senders_packet_too),
		spec(an_error_too_short_to_tell_is_dropped),
	};

	return run_specs("foreign error", specs);
}
