// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Packets that the host sends out of an uplink, its own and those that it forwards: their answers are theirs. */
#include <unistd.h>

#include "flow.h"

#define GRE_OUT OUT, .proto = GRE
#define GRE_IN IN, .proto = GRE
#define HOSTS_GRE .smac = UPLINK_MAC, .dmac = ISP_MAC, .src = UPLINK, .dst = SERVER, .proto = GRE

#define HOSTS .smac = UPLINK_MAC, .dmac = ISP_MAC, .src = UPLINK, .dst = SERVER
#define HOSTS_TCP HOSTS, .proto = TCP

#define host_leaves(f) run(HOOK_UPLINK_OUT, DEV_UPLINK, f)
/* Of another container network, after the host's NAT. */
#define forwarded_leaves(f) \
	run_given(HOOK_UPLINK_OUT, DEV_UPLINK, f, (struct given){ .forwarded_from = DEV_UNMANAGED })

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
	expect_counted(COUNT_refused_no_free_port, COUNT_flow_refused);
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

/* ---- what the host forwards ---- */

static void a_forwarded_flow_that_collides_gets_another_port(void **s)
{
	uint16_t port;
	int i;

	ns1_udp(4000);
	for (i = 0; i < 2; i++) {
		forwarded_leaves(frame(HOSTS, .sport = 4000, .dport = 53));
		expect_outcome(PASSED);
		port = external_port();
		assert_int_not_equal(port, 4000);
		assert_int_equal(port % 2, 0);
	}
	expect_packet(frame(HOSTS, .sport = port, .dport = 53));
	expect_counted(COUNT_host_snat);
	server_udp(port);
	expect_outcome(PASSED);
	expect_packet(frame(IN, .sport = 53, .dport = 4000));
	expect_counted(COUNT_host_snat);
	server_udp(4000);
	expect_outcome(INTO_PORT);
	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	forwarded_leaves(frame(HOSTS_TCP, .sport = 4000, .dport = 80, .flags = SYN));
	assert_int_not_equal(external_port(), 4000);
	ns1_sends(frame(OUT, .proto = ICMP, .type = ECHO, .id = 7));
	forwarded_leaves(frame(HOSTS, .proto = ICMP, .type = ECHO, .id = 7));
	assert_int_not_equal(frame_u16(output(), ETH_LEN + IP_LEN + 4), 7);
}

static void a_forwarded_flow_that_collides_with_none_is_left_alone(void **s)
{
	struct frame *other_port = frame(HOSTS, .sport = 4001, .dport = 53);
	struct frame *own_source = frame(.smac = UPLINK_MAC, .dmac = ISP_MAC, .src = "198.51.100.10", .dst = SERVER,
					 .sport = 4000, .dport = 53);

	ns1_udp(4000);
	forwarded_leaves(other_port);
	expect_left_alone(other_port);
	forwarded_leaves(own_source);
	expect_left_alone(own_source);
	expect_live_flows(1);
}

/* A mapping is for every peer, the host's flow for one: where one is, the other must not be. */
static void a_flow_of_the_hosts_and_a_mapping_do_not_share_a_port(void **s)
{
	struct config cfg = config_now();
	uint16_t port;

	cfg.port_min_h = 5000;
	cfg.port_max_h = 5002;
	configure(&cfg);
	ns1_udp(5000);
	ns1_sends(frame(OUT, .sport = 5002, .dport = 54));
	forwarded_leaves(frame(HOSTS, .sport = 5000, .dport = 53));
	port = external_port();
	assert_int_equal(port, 5001); /* of the other parity, as 5002 is a mapping's */
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 5001, .dport = 53));
	assert_int_not_equal(external_port(), port);
	server_udp(port);
	expect_outcome(PASSED);
	expect_counted(COUNT_host_snat);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER2, .sport = 5003, .dport = 53));
	assert_int_equal(external_port(), 5001);
}

/* One host for each address outside. The table is not for those that the host forwards, until they collide. */
static void a_forwarded_protocol_without_ports_takes_a_flow_only_to_end_one(void **s)
{
	struct frame *answer = frame(GRE_IN);

	forwarded_leaves(frame(HOSTS_GRE));
	expect_left_alone(frame(HOSTS_GRE));
	expect_live_flows(0);
	ns1_sends(frame(GRE_OUT));
	forwarded_leaves(frame(HOSTS_GRE));
	expect_outcome(PASSED);
	uplink_gets(answer);
	expect_left_alone(answer);
}

/* However many tuples somebody behind the host makes collide, the namespaces' share of the table stays. */
static void what_is_forwarded_has_a_share_of_the_table(void **s)
{
	struct config cfg = config_now();
	uint16_t i;

	cfg.max_flows_ns = 4;
	configure(&cfg);
	publish(UPLINK, UDP, 5000, 5000, 3000);
	for (i = 0; i < 40; i++)
		forwarded_leaves(frame(HOSTS, .sport = 5000, .dport = 100 + i));
	expect_outcome(PASSED);
	assert_int_not_equal(external_port(), 5000);
	/* a share is at least a part of the table (core/ct_share.h) */
	assert_true(live_flows() <= 16);
	for (i = 0; i < 40; i++) /* the host's own has no limit */
		host_leaves(frame(HOSTS, .sport = 5000, .dport = 200 + i));
	assert_true(live_flows() >= 40);
}

/* ---- from a published port: its clients are the namespace's ---- */

static void what_leaves_from_a_published_port_gets_another(void **s)
{
	struct frame *multicast = frame(.smac = UPLINK_MAC, .dmac = "01:00:5e:00:00:fb", .src = UPLINK,
					.dst = "224.0.0.251", .sport = 5000, .dport = 5353);
	struct frame *under_way = frame(HOSTS_TCP, .sport = 5000, .dport = 81, .flags = ACK);

	publish(UPLINK, UDP, 5000, 5000, 3000);
	publish("0.0.0.0", TCP, 5000, 5000, 3000);
	host_leaves(frame(HOSTS, .sport = 5000, .dport = 53));
	assert_int_not_equal(external_port(), 5000);
	expect_counted(COUNT_host_snat, COUNT_flow_new, COUNT_src_port_remapped);
	uplink_gets(frame(IN, .sport = 53, .dport = 5000));
	expect_outcome(INTO_PORT);
	host_leaves(frame(HOSTS_TCP, .sport = 5000, .dport = 80, .flags = SYN));
	assert_int_not_equal(external_port(), 5000);
	host_leaves(under_way);
	expect_left_alone(under_way);
	host_leaves(multicast);
	expect_left_alone(multicast);
}

/* It was there before the port was published: answers reach it (nat/portmap.h). */
static void a_connected_socket_keeps_a_published_port(void **s)
{
	struct frame *question = frame(HOSTS, .sport = 5000, .dport = 53);
	struct frame *answer = frame(IN, .sport = 53, .dport = 5000);
	int fd = host_socket(UDP, UPLINK, 5000, SERVER, 53);

	publish(UPLINK, UDP, 5000, 5000, 3000);
	host_leaves(question);
	expect_left_alone(question);
	uplink_gets(answer);
	expect_left_alone(answer);
	close(fd);
}

/* ---- the first packet of a namespace's flow ---- */

#define recheck(f) run_given(HOOK_UPLINK_OUT, DEV_UPLINK, f, (struct given){ .cb = ~config_now().mark })

static void a_port_that_only_the_uplink_sees_in_use_is_given_up(void **s)
{
	struct frame *first = frame(HOSTS, .sport = 4000, .dport = 53);
	uint16_t port;
	int fd;

	ns1_udp(4000);
	recheck(first);
	expect_outcome(PASSED);
	expect_packet(first);
	expect_counted(COUNTERS); /* it was when it came from the port */
	fd = host_socket(UDP, UPLINK, 4000, NULL, 0);
	recheck(first);
	expect_outcome(PASSED);
	port = external_port();
	assert_int_not_equal(port, 4000);
	assert_int_equal(port % 2, 0);
	expect_live_flows(1);
	server_udp(port);
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 53, .dport = 4000, .ttl = 63));
	server_udp(4000);
	expect_outcome(PASSED);
	ns1_udp(4000);
	assert_int_equal(external_port(), port);
	close(fd);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(the_hosts_own_flow_has_precedence),
		spec(multicast_of_the_host_is_no_flow),
		spec(a_forwarded_flow_that_collides_gets_another_port),
		spec(a_forwarded_flow_that_collides_with_none_is_left_alone),
		spec(a_flow_of_the_hosts_and_a_mapping_do_not_share_a_port),
		spec(a_forwarded_protocol_without_ports_takes_a_flow_only_to_end_one),
		spec(what_is_forwarded_has_a_share_of_the_table),
		spec(what_leaves_from_a_published_port_gets_another),
		spec(a_connected_socket_keeps_a_published_port),
		spec(a_port_that_only_the_uplink_sees_in_use_is_given_up),
	};

	return run_specs("host_egress", specs);
}
