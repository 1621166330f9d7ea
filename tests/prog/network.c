// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Several networks: whose an address is, what reaches what, what keeps its source. */
#include <bpf/bpf.h>

#include <user/lib/store/store.h>

#include "lib/harness.h"

#define GW2 "192.168.2.1"
#define GW2_MAC "02:42:c0:a8:02:01"
#define NS4_TO_GW2 .smac = NS4_MAC, .dmac = GW2_MAC
#define GW2_TO_NS4 .smac = GW2_MAC, .dmac = NS4_MAC
#define FILTERED 13 /* communication administratively prohibited */

#define ns4_sends(f) run(HOOK_PORT, DEV_NS4, f)

static void network_is(uint16_t id, uint32_t flags)
{
	struct network n;

	assert_int_equal(store_network(state(), id, &n), 0);
	n.flags = flags;
	assert_int_equal(store_network_set(state(), id, &n), 0);
}

static void network_has(uint16_t id, const char *subnet, const char *mask, const char *broadcast)
{
	struct network n = { .subnet = address(subnet), .mask = address(mask), .broadcast = address(broadcast),
			     .gw_ifindex = subnet ? 9990 + id : 0 };

	assert_int_equal(store_network_set(state(), id, &n), 0);
}

static void expect_filtered(const struct frame *f)
{
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = UNREACHABLE, .code = FILTERED,
			    .tos = 0xc0, .no_ip_id = true, .inner = f, .inner_len = 28));
	expect_counted(COUNT_refused_isolated);
	expect_live_flows(0);
}

/* ---- whose an address is ---- */

static void expect_private(const char *addr, bool private)
{
	uplink_gets(frame(FROM_ISP, .src = addr, .dst = UPLINK, .sport = 999, .dport = 5000));
	if (private)
		expect_dropped(COUNT_martian);
	else
		expect_outcome(PASSED);
	expect_counted(private ? COUNT_martian : COUNT_not_ours);
}

static void an_address_is_private_whatever_the_id_of_its_network_and_those_between(void **s)
{
	expect_private("10.64.7.5", false);
	network_has(EBPFNET_MAX_NETWORKS, "10.64.7.0", "255.255.255.0", "10.64.7.255");
	network_has(40, "10.64.8.0", "255.255.255.128", "10.64.8.127");
	expect_private("10.64.7.5", true);
	expect_private("10.64.8.127", true);
	expect_private("10.64.8.128", false); /* of the same /16 */
	expect_private("10.64.6.255", false);
	expect_private("10.65.7.5", false);
	forget_network(40);
	expect_private("10.64.8.127", false);
	expect_private("10.64.7.5", true);
	forget_network(EBPFNET_MAX_NETWORKS);
	expect_private("10.64.7.5", false);
	expect_private(NS1, true);
	expect_private(NS4, true);
}

static void a_subnet_of_many_16s_is_private_as_a_whole(void **s)
{
	network_has(3, "10.0.0.0", "255.128.0.0", "10.127.255.255");
	expect_private("10.0.0.1", true);
	expect_private("10.127.255.254", true);
	expect_private("10.128.0.1", false);
	expect_private("11.0.0.1", false);
	forget_network(3);
	expect_private("10.127.255.254", false);
}

static void a_network_that_gets_another_subnet_has_no_longer_the_first(void **s)
{
	network_has(3, "10.1.0.0", "255.255.0.0", "10.1.255.255");
	network_has(3, "10.2.0.0", "255.255.255.0", "10.2.0.255");
	expect_private("10.1.0.1", false);
	expect_private("10.2.0.1", true);
	expect_private("10.2.1.1", false);
	forget_network(3);
}

/* ---- what reaches what ---- */

static void another_network_is_not_reached(void **s)
{
	static const char *const there[] = { NS4, GW2, "192.168.2.77", "192.168.2.255" };
	struct frame *f;
	size_t i;

	for (i = 0; i < 4; i++) {
		f = frame(NS1_TO_GW, .src = NS1, .dst = there[i], .sport = 4000, .dport = 53);
		ns1_sends(f);
		expect_filtered(f);
		f = frame(NS1_TO_GW, .src = NS1, .dst = there[i], .proto = ICMP, .type = ECHO, .id = 7);
		ns1_sends(f);
		expect_filtered(f);
		f = frame(NS1_TO_GW, .src = NS1, .dst = there[i], .proto = TCP, .sport = 1, .dport = 2, .flags = SYN);
		ns1_sends(f);
		expect_filtered(f);
	}
	ns4_sends(frame(NS4_TO_GW2, .src = NS4, .dst = NS1, .sport = 4000, .dport = 53));
	expect_outcome(SENT);
	expect_counted(COUNT_refused_isolated);
}

static void its_answer_to_another_network_is_the_same_when_it_is_cached(void **s)
{
	run_repeatedly(HOOK_PORT, DEV_NS1, frame(NS1_TO_GW, .src = NS1, .dst = NS4, .sport = 4000, .dport = 53));
	expect_outcome(SENT);
	expect_live_flows(0);
}

static void nothing_leaves_an_internal_network(void **s)
{
	struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 53);

	network_is(1, NETWORK_INTERNAL);
	ns1_sends(f);
	expect_filtered(f);
	f = frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .proto = TCP, .sport = 1, .dport = 2, .flags = SYN);
	ns1_sends(f);
	expect_filtered(f);
	/* the host and its neighbours are there */
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = GW, .sport = 4000, .dport = 53));
	expect_counted(COUNT_to_host);
	ns1_sends(frame(NS1_TO_NS2, .src = NS1, .dst = NS2, .sport = 4000, .dport = 53));
	expect_counted(COUNT_switched);
	/* and the other network goes on */
	ns4_sends(frame(NS4_TO_GW2, .src = NS4, .dst = SERVER, .sport = 4000, .dport = 53));
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
}

static void a_published_port_is_reached_from_another_network(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	ns4_sends(frame(NS4_TO_GW2, .src = NS4, .dst = UPLINK, .sport = 999, .dport = 5000));
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = 999, .dport = 3000, .ttl = 63));
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .sport = 3000, .dport = 999));
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW2_TO_NS4, .src = UPLINK, .dst = NS4, .sport = 5000, .dport = 999, .ttl = 63));
}

static void but_not_if_one_of_the_two_is_isolated(void **s)
{
	uint16_t id;

	publish(UPLINK, UDP, 5000, 5000, 3000);
	for (id = 1; id <= 2; id++) {
		network_is(id, NETWORK_ISOLATED);
		ns4_sends(frame(NS4_TO_GW2, .src = NS4, .dst = UPLINK, .sport = 999, .dport = 5000));
		expect_outcome(SENT);
		expect_counted(COUNT_refused_isolated);
		expect_live_flows(0);
		network_is(id, 0);
	}
	network_is(1, NETWORK_ISOLATED);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, .sport = 999, .dport = 5000));
	expect_outcome(INTO_PORT);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 999, .dport = 5000));
	expect_outcome(INTO_PORT);
	lo_gets(frame(ON_LO, .src = UPLINK, .dst = UPLINK, .sport = 998, .dport = 5000));
	expect_outcome(INTO_PORT);
}

/* RFC 4787 REQ-9, from one network to the mapping of another. */
static void a_mapping_is_reached_from_another_network_unless_isolated(void **s)
{
	struct config cfg = config_now();

	cfg.filtering = FILTER_ENDPOINT;
	configure(&cfg);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 6000, .dport = 53));
	ns4_sends(frame(NS4_TO_GW2, .src = NS4, .dst = SERVER, .sport = 6001, .dport = 53));
	network_is(2, NETWORK_ISOLATED);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .sport = 6000, .dport = 6001));
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_to_host);
	network_is(2, 0);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .sport = 6000, .dport = 6001));
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_hairpinned);
}

/* ---- what keeps its source ---- */

#define OUT NS1_TO_GW, .src = NS1, .dst = SERVER
#define BACK FROM_ISP, .src = SERVER, .dst = NS1
#define BACK_INSIDE GW_TO_NS1, .src = SERVER, .dst = NS1

static void forget_unmasqueraded(const char *subnet, uint8_t prefix)
{
	const struct subnet_key key = { .prefixlen = 32 + prefix, .net = 1, .addr = address(subnet) };

	bpf_map_delete_elem(state()->fd[MAP_SUBNETS], &key);
}

static void network_1_is_not_masqueraded_to(const char *subnet, uint8_t prefix)
{
	const struct cidr list[EBPFNET_UNMASQUERADED] = { { address(subnet), prefix } };

	forget_unmasqueraded("203.0.113.0", 24);
	forget_unmasqueraded(SERVER2, 32);
	assert_int_equal(store_unmasqueraded_set(state(), 1, list), 0);
	network_is(1, NETWORK_HAS_UNMASQUERADED);
}

static void to_those_destinations_packets_keep_their_source(void **s)
{
	network_1_is_not_masqueraded_to("203.0.113.0", 24);
	ns1_sends(frame(OUT, .sport = 4000, .dport = 53));
	expect_outcome(SENT);
	expect_packet(frame(OUT, .sport = 4000, .dport = 53, .ttl = 63));
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
	uplink_gets(frame(BACK, .sport = 53, .dport = 4000));
	expect_outcome(INTO_PORT);
	expect_packet(frame(BACK_INSIDE, .sport = 53, .dport = 4000, .ttl = 63));
	expect_counted(COUNT_unmasqueraded);
	/* the flow stays, also when it is looked at again */
	ns1_sends(frame(OUT, .sport = 4000, .dport = 53));
	expect_counted(COUNT_masqueraded);
	next_generation();
	ns1_sends(frame(OUT, .sport = 4000, .dport = 53));
	expect_packet(frame(OUT, .sport = 4000, .dport = 53, .ttl = 63));
	expect_counted(COUNT_masqueraded);
	expect_live_flows(1);
}

static void and_the_fast_path_keeps_it_too(void **s)
{
	network_1_is_not_masqueraded_to("203.0.113.0", 24);
	run_repeatedly(HOOK_PORT, DEV_NS1, frame(OUT, .sport = 4000, .dport = 53));
	expect_packet(frame(OUT, .sport = 4000, .dport = 53, .ttl = 63));
	run_repeatedly(HOOK_UPLINK, DEV_UPLINK, frame(BACK, .sport = 53, .dport = 4000));
	expect_packet(frame(BACK_INSIDE, .sport = 53, .dport = 4000, .ttl = 63));
	expect_live_flows(1);
}

static void an_icmp_error_about_such_a_packet_comes_in(void **s)
{
	network_1_is_not_masqueraded_to("203.0.113.0", 24);
	ns1_sends(frame(OUT, .sport = 4000, .dport = 53));
	uplink_gets(frame(FROM_ISP, .src = NEXT_HOP, .dst = NS1, .proto = ICMP, .type = UNREACHABLE, .code = 1,
			  .inner = frame(OUT, .sport = 4000, .dport = 53, .ttl = 62)));
	expect_outcome(INTO_PORT);
	expect_counted(COUNT_icmp_translated);
}

static void other_destinations_and_other_networks_are_masqueraded(void **s)
{
	network_1_is_not_masqueraded_to(SERVER2, 32);
	ns1_sends(frame(OUT, .sport = 4000, .dport = 53));
	expect_packet(frame(NS1_TO_GW, .src = UPLINK, .dst = SERVER, .sport = 4000, .dport = 53, .ttl = 63));
	network_is(2, NETWORK_HAS_UNMASQUERADED);
	ns4_sends(frame(NS4_TO_GW2, .src = NS4, .dst = SERVER2, .sport = 4001, .dport = 53));
	expect_packet(frame(NS4_TO_GW2, .src = UPLINK, .dst = SERVER2, .sport = 4001, .dport = 53, .ttl = 63));
}

/* Whatever `set filtering` lets such a mapping do. */
static void a_socket_with_a_mapping_keeps_its_source_to_them(void **s)
{
	struct config cfg = config_now();
	enum filtering f;

	for (f = FILTER_PORT; f <= FILTER_ENDPOINT; f++) {
		cfg.filtering = f;
		configure(&cfg);
		network_1_is_not_masqueraded_to(SERVER2, 32);
		ns1_sends(frame(OUT, .sport = 4000 + f, .dport = 53));
		ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER2, .sport = 4000 + f, .dport = 53));
		expect_packet(frame(NS1_TO_GW, .src = NS1, .dst = SERVER2, .sport = 4000 + f, .dport = 53, .ttl = 63));
		expect_counted(COUNT_masqueraded, COUNT_flow_new);
		ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER2, .sport = 4000 + f, .dport = 53));
		expect_packet(frame(NS1_TO_GW, .src = NS1, .dst = SERVER2, .sport = 4000 + f, .dport = 53, .ttl = 63));
		expect_counted(COUNT_masqueraded);
	}
}

static void the_sources_port_is_its_own_whatever_the_host_uses(void **s)
{
	network_1_is_not_masqueraded_to("203.0.113.0", 24);
	publish("0.0.0.0", TCP, 4000, 4000, 3000);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	expect_packet(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .proto = TCP, .sport = 4000, .dport = 80,
			    .flags = SYN, .ttl = 63));
	next_generation();
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = NS2, .proto = TCP, .sport = 80, .dport = 4000,
			  .flags = SYN | ACK));
	expect_outcome(INTO_PORT);
}

static void what_was_not_asked_for_does_not_come_in(void **s)
{
	network_1_is_not_masqueraded_to("203.0.113.0", 24);
	uplink_gets(frame(BACK, .sport = 53, .dport = 4000));
	expect_dropped(COUNT_unsolicited);
	ns1_sends(frame(OUT, .sport = 4000, .dport = 53));
	uplink_gets(frame(BACK, .sport = 54, .dport = 4000));
	expect_dropped(COUNT_unsolicited);
}

static void the_prefilter_lets_their_answers_by(void **s)
{
	network_1_is_not_masqueraded_to("203.0.113.0", 24);
	xdp_gets(frame(BACK, .sport = 53, .dport = 4000));
	expect_dropped(COUNT_unsolicited);
	ns1_sends(frame(OUT, .sport = 4000, .dport = 53));
	xdp_gets(frame(BACK, .sport = 53, .dport = 4000));
	expect_outcome(PASSED);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(an_address_is_private_whatever_the_id_of_its_network_and_those_between),
		spec(a_subnet_of_many_16s_is_private_as_a_whole),
		spec(a_network_that_gets_another_subnet_has_no_longer_the_first),
		spec(another_network_is_not_reached),
		spec(its_answer_to_another_network_is_the_same_when_it_is_cached),
		spec(nothing_leaves_an_internal_network),
		spec(a_published_port_is_reached_from_another_network),
		spec(but_not_if_one_of_the_two_is_isolated),
		spec(a_mapping_is_reached_from_another_network_unless_isolated),
		spec(to_those_destinations_packets_keep_their_source),
		spec(and_the_fast_path_keeps_it_too),
		spec(an_icmp_error_about_such_a_packet_comes_in),
		spec(other_destinations_and_other_networks_are_masqueraded),
		spec(a_socket_with_a_mapping_keeps_its_source_to_them),
		spec(the_sources_port_is_its_own_whatever_the_host_uses),
		spec(what_was_not_asked_for_does_not_come_in),
		spec(the_prefilter_lets_their_answers_by),
	};

	return run_specs("network", specs);
}
