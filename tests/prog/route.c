// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A routing table that has no answer, and a kernel that gives none. */
#include "lib/harness.h"

#define DATAGRAM NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 53
#define DATAGRAM_OUTSIDE NS1_TO_GW, .src = UPLINK, .dst = SERVER, .sport = 4000, .dport = 53, .ttl = 63
#define ANSWER FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 53, .dport = 4000
#define ANSWER_INSIDE GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 53, .dport = 4000, .ttl = 63

/* NS1 is told that the network cannot be reached. */
static void expect_told(const struct frame *f)
{
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = UNREACHABLE,
			    .code = 0, .tos = 0xc0, .no_ip_id = true, .inner = f, .inner_len = 28));
}

/* ---- a host without a default route ---- */

static void lose_the_default_route(void)
{
	host_command("ip route del default");
}

static void get_it_back(void)
{
	host_command("ip route replace default via " NEXT_HOP " dev eth0");
}

static int begin_without_default(void **s)
{
	lose_the_default_route();
	return harness_reset(s);
}

static int end_without_default(void **s)
{
	get_it_back();
	return harness_check(s);
}

#define spec_without_default(test) \
	cmocka_unit_test_setup_teardown(test, begin_without_default, end_without_default)

static void no_route_is_answered_with_an_icmp_error(void **s)
{
	struct frame *const frames[] = {
		frame(DATAGRAM),
		frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .proto = TCP, .sport = 1, .dport = 2,
		      .flags = SYN),
		frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .proto = ICMP, .type = ECHO, .id = 7),
	};
	size_t i;

	for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		ns1_sends(frames[i]);
		expect_told(frames[i]);
		expect_counted(COUNT_refused_no_route);
	}
	expect_live_flows(0);
}

static void no_route_is_counted_where_no_error_may_be_sent(void **s)
{
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .proto = ICMP, .type = PHOTURIS));
	expect_dropped(COUNT_no_route);
	leave_icmp_budget(0, 0);
	ns1_sends(frame(DATAGRAM));
	expect_dropped(COUNT_no_route, COUNT_icmp_limited);
}

static void a_port_published_on_every_address_is_not_everywhere(void **s)
{
	struct frame *f = frame(DATAGRAM);

	publish("0.0.0.0", UDP, 53, 53, 3000);
	ns1_sends(f);
	expect_told(f);
	expect_counted(COUNT_refused_no_route);
	f = frame(FROM_ISP, .src = NEXT_HOP, .dst = SERVER, .sport = 999, .dport = 53);
	uplink_gets(f);
	expect_left_alone(f);
	expect_live_flows(0);
}

static void the_hosts_own_addresses_are_still_its_own(void **s)
{
	static const char *const addresses[] = { GW, UPLINK, UPLINK_SECOND, "198.51.100.1" };
	size_t i;

	for (i = 0; i < 8; i++) {
		struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = addresses[i % 4], .sport = 1,
					.dport = 2, .ttl = 1);

		if (i == 4)
			publish("0.0.0.0", UDP, 5000, 5000, 3000);
		ns1_sends(f);
		expect_outcome(INTO_HOST);
		expect_packet(f);
		expect_counted(COUNT_to_host);
	}
}

static void published_ports_are_still_reached(void **s)
{
	static const char *const addresses[] = { GW, UPLINK, UPLINK_SECOND };
	size_t i;

	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	for (i = 0; i < 3; i++) {
		ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = addresses[i], .sport = 70,
				.dport = 5000));
		expect_outcome(INTO_PORT);
		expect_packet(frame(GW_TO_NS1, .src = addresses[i], .dst = NS1, .sport = 70,
				    .dport = 3000, .ttl = 63));
		expect_counted(COUNT_published_in, COUNT_flow_new);
	}
	uplink_gets(frame(FROM_ISP, .src = NEXT_HOP, .dst = UPLINK, .sport = 70, .dport = 5000));
	expect_outcome(INTO_PORT);
	expect_counted(COUNT_published_in, COUNT_flow_new);
}

static void other_routes_still_work(void **s)
{
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = NEXT_HOP, .sport = 4000, .dport = 53));
	expect_outcome(SENT);
	expect_packet(frame(NS1_TO_GW, .src = UPLINK, .dst = NEXT_HOP, .sport = 4000, .dport = 53,
			    .ttl = 63));
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
	/* and the others on its link, of which one has no neighbour: that is not the host's address */
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = BEHIND_NEXT_HOP2, .sport = 4000, .dport = 53));
	expect_outcome(SENT);
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
}

static void a_flow_outlives_a_time_without_its_route(void **s)
{
	struct frame *f = frame(DATAGRAM);

	get_it_back();
	ns1_sends(f);
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
	lose_the_default_route();
	ns1_sends(f);
	expect_told(f);
	expect_counted(COUNT_refused_no_route);
	get_it_back();
	ns1_sends(f);
	expect_outcome(SENT);
	expect_packet(frame(DATAGRAM_OUTSIDE));
	expect_counted(COUNT_masqueraded);
}

/* A cached route holds for packets that fit its MTU. */
static void a_cached_route_has_its_mtu(void **s)
{
	static const char payload[1000];
	struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = BEHIND_MTU_1000, .sport = 4000, .dport = 53,
				.frag = DONT_FRAGMENT, .payload = payload, .payload_len = sizeof(payload));

	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = BEHIND_MTU_1000, .sport = 4000, .dport = 53));
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
	ns1_sends(f);
	expect_counted(COUNT_refused_too_big);
	expect_outcome(SENT);
}

static void a_changed_route_is_followed_at_once(void **s)
{
	struct frame *f = frame(DATAGRAM);

	ns1_sends(f);
	ns1_sends(f);
	expect_packet(frame(DATAGRAM_OUTSIDE));
	host_command("ip route replace default via " NEXT_HOP " dev eth0 src " UPLINK_SECOND);
	ns1_sends(f);
	get_it_back();
	expect_packet(frame(NS1_TO_GW, .src = UPLINK_SECOND, .dst = SERVER, .sport = 4000, .dport = 53,
			    .ttl = 63));
	host_command("ip rule add from " NS1 " blackhole");
	ns1_sends(f);
	host_command("ip rule del from " NS1 " blackhole");
	expect_dropped(COUNT_prohibited);
}

/* ---- as the kernel's own forwarding sees it, not by guesses from other addresses ---- */

/* Below it is a router on the link, above it what that router leads to: so it is with a broadcast address. */
static void a_single_address_is_no_broadcast_address(void **s)
{
	host_command("ip route add 192.0.2.6/32 dev eth0");
	host_command("ip address add 192.0.2.7/32 dev lo");
	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = "192.0.2.7", .sport = 70, .dport = 5000));
	expect_outcome(INTO_PORT);
	expect_counted(COUNT_published_in, COUNT_flow_new);
	host_command("ip address del 192.0.2.7/32 dev lo");
	host_command("ip route del 192.0.2.6/32 dev eth0");
}

static void a_broadcast_address_between_two_links_is_one(void **s)
{
	host_command("ip address add 192.0.2.1/25 brd + dev gw1");
	host_command("ip address add 192.0.2.129/25 brd + dev gw1");
	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = "192.0.2.127", .sport = 70, .dport = 5000));
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_to_host);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = "192.0.2.129", .sport = 70, .dport = 5000));
	expect_outcome(INTO_PORT);
	expect_counted(COUNT_published_in, COUNT_flow_new);
	host_command("ip address del 192.0.2.1/25 dev gw1");
	host_command("ip address del 192.0.2.129/25 dev gw1");
}

/* The kernel forwards by a route's MTU, locked or not; of several routes, by that of the longest prefix. */
static void the_mtu_of_a_route_counts(void **s)
{
	static const char payload[1000];
	struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = "203.0.113.201", .sport = 4000, .dport = 53,
				.frag = DONT_FRAGMENT, .payload = payload, .payload_len = sizeof(payload));

	ns1_sends(f);
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
	host_command("ip route add 203.0.113.200/30 via " NEXT_HOP " dev eth0 mtu 900");
	ns1_sends(f);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = UNREACHABLE, .code = 4,
			    .seq = 900, .tos = 0xc0, .no_ip_id = true, .inner = f, .inner_len = 28));
	expect_counted(COUNT_refused_too_big);
	host_command("ip route add 203.0.113.201/32 via " NEXT_HOP " dev eth0");
	ns1_sends(f);
	expect_counted(COUNT_masqueraded);
	host_command("ip route del 203.0.113.201/32 via " NEXT_HOP " dev eth0");
	host_command("ip route del 203.0.113.200/30 via " NEXT_HOP " dev eth0");
}

/* The cache knows ports while there is such a rule. */
static void a_rule_by_port_is_for_that_port(void **s)
{
	int i;

	ns1_sends(frame(DATAGRAM));
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
	host_command("ip rule add pref 500 ipproto udp dport 25 prohibit");
	for (i = 0; i < 3; i++) {
		struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 25);

		ns1_sends(f);
		expect_outcome(SENT);
		expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = UNREACHABLE,
				    .code = 13, .tos = 0xc0, .no_ip_id = true, .inner = f, .inner_len = 28));
		expect_counted(COUNT_refused_prohibited);
		ns1_sends(frame(DATAGRAM));
		expect_packet(frame(DATAGRAM_OUTSIDE));
		expect_counted(COUNT_masqueraded);
	}
	host_command("ip rule del pref 500");
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 25));
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
}

/* By the rules for the address of the host, not for the private one: by the provider that gave it. */
static void an_answer_is_routed_by_the_address_that_it_carries(void **s)
{
	struct frame *answer = frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 3000, .dport = 999);

	publish(UPLINK_SECOND, UDP, 5000, 5000, 3000);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK_SECOND, .sport = 999, .dport = 5000));
	expect_counted(COUNT_published_in, COUNT_flow_new);
	ns1_sends(answer);
	expect_counted(COUNT_published_out);
	host_command("ip rule add pref 500 from " UPLINK_SECOND " blackhole");
	ns1_sends(answer);
	host_command("ip rule del pref 500");
	expect_dropped(COUNT_prohibited);
	run_repeatedly(HOOK_PORT, DEV_NS1, answer);
	expect_outcome(SENT);
	host_command("ip rule add pref 500 from " UPLINK_SECOND " sport 5000 ipproto udp blackhole");
	ns1_sends(answer);
	host_command("ip rule del pref 500");
	expect_outcome(DROPPED);
}

/* ---- forwarding switched off on the device that FIB look-ups name as ingress ---- */

static int forwarding_on_again(void **s)
{
	set_forwarding(DEV_GW, 1);
	return harness_check(s);
}

#define spec_forwarding(test) \
	cmocka_unit_test_setup_teardown(test, harness_reset, forwarding_on_again)

static void somebody_switches_forwarding_off(void)
{
	set_forwarding(DEV_GW, 0);
}

static void a_new_flow_gets_an_icmp_error_while_forwarding_is_off(void **s)
{
	struct frame *f = frame(DATAGRAM);

	somebody_switches_forwarding_off();
	ns1_sends(f);
	expect_told(f);
	expect_counted(COUNT_refused_forwarding_off, COUNT_fib_fwd_disabled);
	leave_icmp_budget(0, 0);
	ns1_sends(f);
	expect_dropped(COUNT_forwarding_off, COUNT_fib_fwd_disabled, COUNT_icmp_limited);
	expect_live_flows(0);
}

static void a_known_flow_goes_on(void **s)
{
	ns1_sends(frame(DATAGRAM));
	somebody_switches_forwarding_off();
	ns1_sends(frame(DATAGRAM));
	expect_outcome(SENT);
	expect_packet(frame(DATAGRAM_OUTSIDE));
	expect_counted(COUNT_masqueraded, COUNT_fib_fwd_disabled);
	uplink_gets(frame(ANSWER));
	expect_outcome(INTO_PORT);
	expect_packet(frame(ANSWER_INSIDE));
	expect_counted(COUNT_unmasqueraded);
}

static void a_published_port_takes_and_answers_new_flows(void **s)
{
	static const char *const addresses[] = { UPLINK, UPLINK_SECOND };
	size_t i;

	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	somebody_switches_forwarding_off();
	for (i = 0; i < 2; i++) {
		uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = addresses[i], .sport = 999 + i,
				  .dport = 5000));
		expect_outcome(INTO_PORT);
		expect_packet(frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 999 + i,
				    .dport = 3000, .ttl = 63));
		/* whose address, and where its sender is */
		expect_counted(COUNT_published_in, COUNT_flow_new, COUNT_fib_fwd_disabled,
			       COUNT_fib_fwd_disabled);
		ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 3000,
				.dport = 999 + i));
		expect_outcome(SENT);
		expect_packet(frame(NS1_TO_GW, .src = addresses[i], .dst = SERVER, .sport = 5000,
				    .dport = 999 + i, .ttl = 63));
		if (i) /* the fast path has asked, too, and left it to the slow path */
			expect_counted(COUNT_published_out, COUNT_fib_fwd_disabled, COUNT_fib_fwd_disabled);
		else
			expect_counted(COUNT_published_out, COUNT_fib_fwd_disabled);
	}
}

static void the_host_reaches_its_published_port(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	somebody_switches_forwarding_off();
	lo_gets(frame(ON_LO, .src = UPLINK, .dst = UPLINK, .sport = 999, .dport = 5000));
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = 999, .dport = 3000));
	expect_counted(COUNT_published_in, COUNT_flow_new, COUNT_fib_fwd_disabled);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .sport = 3000, .dport = 999));
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_published_out);
}

/* It may be for anywhere. */
static void a_namespaces_packet_is_not_taken_to_be_for_the_host(void **s)
{
	struct frame *f = frame(DATAGRAM);

	publish("0.0.0.0", UDP, 53, 53, 3000);
	somebody_switches_forwarding_off();
	ns1_sends(f);
	expect_told(f);
	expect_counted(COUNT_refused_forwarding_off, COUNT_fib_fwd_disabled, COUNT_fib_fwd_disabled);
	expect_live_flows(0);
}

static void the_gateway_is_reached(void **s)
{
	struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = GW, .sport = 1, .dport = 2);

	somebody_switches_forwarding_off();
	ns1_sends(f);
	expect_outcome(INTO_HOST);
	expect_packet(f);
	expect_counted(COUNT_to_host);
	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	ns1_sends(f);
	expect_outcome(INTO_HOST);
	expect_packet(f);
	expect_counted(COUNT_to_host);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec_without_default(no_route_is_answered_with_an_icmp_error),
		spec_without_default(no_route_is_counted_where_no_error_may_be_sent),
		spec_without_default(a_port_published_on_every_address_is_not_everywhere),
		spec_without_default(the_hosts_own_addresses_are_still_its_own),
		spec_without_default(published_ports_are_still_reached),
		spec_without_default(other_routes_still_work),
		spec_without_default(a_flow_outlives_a_time_without_its_route),
		spec(a_cached_route_has_its_mtu),
		spec(a_changed_route_is_followed_at_once),
		spec(a_single_address_is_no_broadcast_address),
		spec(a_broadcast_address_between_two_links_is_one),
		spec(the_mtu_of_a_route_counts),
		spec(a_rule_by_port_is_for_that_port),
		spec(an_answer_is_routed_by_the_address_that_it_carries),
		spec_forwarding(a_new_flow_gets_an_icmp_error_while_forwarding_is_off),
		spec_forwarding(a_known_flow_goes_on),
		spec_forwarding(a_published_port_takes_and_answers_new_flows),
		spec_forwarding(the_host_reaches_its_published_port),
		spec_forwarding(a_namespaces_packet_is_not_taken_to_be_for_the_host),
		spec_forwarding(the_gateway_is_reached),
	};

	return run_specs("route", specs);
}
