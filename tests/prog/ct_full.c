// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A flow table where room is short: who yields, shares, and hold-down of released ports (docs/dev/capacity.md). */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <user/lib/store/map.h>

#include "flow.h"

#define FLOOD 20000 /* packets of a flow each, from each of two CPUs */

/* A flow with a reply. */
static void replied(uint16_t sport)
{
	ns1_udp(sport);
	server_udp(sport);
	expect_outcome(INTO_PORT);
}

/* True if a packet from that port made a flow that lives. */
static bool has_flow(const char *src, uint16_t sport)
{
	struct ipaddr addr = address(src);
	struct conn_alloc a;
	uint32_t slot;

	assert_int_equal(store_conn_alloc(state(), &a), 0);
	for (slot = 0; slot < a.never_used; slot++) {
		struct conn c = conn_at(slot);

		if (c.state != CONN_FREE && c.orig.sport_h == sport && !memcmp(&c.orig.src, &addr, sizeof(addr)))
			return true;
	}
	return false;
}

static void ns2_udp(uint16_t sport)
{
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = sport, .dport = 53));
}

/* A flow whose sender has gone on after the answer. */
static void assured(uint16_t sport)
{
	ns1_udp(sport);
	assure(sport, sport);
	expect_outcome(SENT);
}

/* A flood evicts its own flows: half open ones make room for new ones. */
static void a_full_table_evicts_half_open_flows(void **s)
{
	struct config cfg = config_now();
	uint16_t port;

	cfg.max_flows = 10;
	configure(&cfg);
	assured(4000);
	for (port = 5000; port < 5100; port++) {
		ns1_udp(port);
		expect_outcome(SENT);
	}
	expect_live_flows(10);
	server_udp(4000);
	expect_outcome(INTO_PORT);
}

struct flood {
	pthread_t thread;
	int cpu;
	enum device from;
	struct frame packet;
};

static void *flood(void *arg)
{
	struct flood *f = arg;
	struct frame after;
	cpu_set_t cpus;
	uint16_t port;

	CPU_ZERO(&cpus);
	CPU_SET(f->cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	for (port = 1024; port < 1024 + FLOOD; port++) {
		frame_set_u16(&f->packet, ETH_LEN + IP_LEN, port);
		run_beside(HOOK_PORT, f->from, &f->packet, &after);
	}
	return NULL;
}

/* The slot that one CPU frees is not taken by another that looks for one. */
static void a_full_table_has_room_for_each_of_two_that_flood_it(void **s)
{
	struct flood floods[] = {
		{ .cpu = 0, .from = DEV_NS1, .packet = *frame(OUT, .dport = 53, .no_check = true) },
		{ .cpu = 1, .from = DEV_NS2,
		  .packet = *frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .dport = 53,
				   .no_check = true) },
	};
	struct config cfg = config_now();
	struct counters before, after;
	int i;

	cfg.max_flows = 10;
	configure(&cfg);
	assert_int_equal(store_counters(state(), &before), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&floods[i].thread, NULL, flood, &floods[i]), 0);
	for (i = 0; i < 2; i++)
		pthread_join(floods[i].thread, NULL);
	assert_int_equal(store_counters(state(), &after), 0);
	/* each may find all ten in the other's hands, for a moment */
	assert_in_range(after.flow_new - before.flow_new, 2 * FLOOD - FLOOD / 1000, 2 * FLOOD);
	expect_live_flows(10);
}

static void a_namespace_has_its_share_and_no_more(void **s)
{
	struct config cfg = config_now();

	cfg.max_flows_ns = 2;
	configure(&cfg);
	assured(4000);
	assured(4001);
	ns1_udp(4002);
	expect_refused(4002, COUNT_refused_over_cap);
	ns2_udp(4002);
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
	/* what has ended is given back */
	age_flows(301);
	ns1_udp(4002);
	assert_true(has_flow(NS1, 4002));
}

/* At its limit a namespace ends its own flows: what yields most readily, the oldest first. */
static void at_its_limit_a_namespace_ends_its_own_flow_that_yields_first(void **s)
{
	struct config cfg = config_now();

	cfg.max_flows_ns = 3;
	configure(&cfg);
	ns2_udp(6000);
	replied(4000);
	ns1_udp(4001);
	age_flows(10);
	ns1_udp(4002);
	ns1_udp(4003);
	expect_outcome(SENT);
	expect_counted(COUNT_masqueraded, COUNT_flow_ended, COUNT_flow_evicted, COUNT_flow_new);
	assert_false(has_flow(NS1, 4001));
	age_flows(10);
	ns1_udp(4003);
	ns1_udp(4004);
	assert_false(has_flow(NS1, 4002));
	assert_true(has_flow(NS1, 4000));
	assert_true(has_flow(NS2, 6000));
}

/* Flows whose time is up hold nothing, however many slots lie between them. */
static void at_its_limit_a_namespaces_expired_flows_make_room(void **s)
{
	struct config cfg = config_now();
	uint16_t port;

	cfg.max_flows_ns = 4;
	configure(&cfg);
	for (port = 4000; port < 4004; port++)
		assured(port);
	for (port = 6000; port < 6100; port++)
		ns2_udp(port);
	age_flows(290);
	for (port = 6000; port < 6100; port++)
		ns2_udp(port);
	age_flows(11);
	for (port = 5000; port < 5004; port++) {
		ns1_udp(port);
		assert_true(has_flow(NS1, port));
	}
}

/* Flows of one moment lie side by side: more of them than a search looks at do not hide the older ones. */
static void at_its_limit_a_namespaces_young_flows_do_not_hide_its_old_ones(void **s)
{
	struct config cfg = config_now();
	uint16_t port;

	cfg.max_flows_ns = cfg.max_ports_ns = 600;
	configure(&cfg);
	for (port = 4000; port < 4024; port++)
		ns1_udp(port);
	age_flows(10);
	for (; port < 4600; port++)
		ns1_udp(port);
	for (; port < 4610; port++) {
		ns1_udp(port);
		assert_true(has_flow(NS1, port));
	}
	expect_live_flows(600);
}

/* However many flows of its own are assured. */
static void a_greedy_namespace_leaves_room_for_others(void **s)
{
	struct config cfg = config_now();
	uint16_t port;
	int sent = 0;

	cfg.max_flows = 40;
	cfg.max_flows_ns = 20;
	configure(&cfg);
	for (port = 4000; port < 4040; port++) {
		ns1_udp(port);
		if (!has_flow(NS1, port))
			continue;
		server_udp(port);
		age_flows(2);
		ns1_udp(port);
		sent++;
	}
	assert_int_equal(sent, 20);
	for (port = 6000; port < 6008; port++) {
		ns2_udp(port);
		assert_true(has_flow(NS2, port));
	}
}

/* A spoofed flood of a published port that answers has its own part of the table. */
static void answered_strangers_leave_room_for_namespaces_and_for_each_other(void **s)
{
	struct config cfg = config_now();
	char client[16];
	int i;

	cfg.max_flows = 40;
	cfg.max_flows_ns = 20;
	configure(&cfg);
	publish(UPLINK, UDP, 5000, 5000, 3000);
	for (i = 0; i < 200; i++) {
		snprintf(client, sizeof(client), "192.0.2.%d", 20 + i);
		uplink_gets(frame(FROM_ISP, .src = client, .dst = UPLINK, .sport = 999, .dport = 5000));
		expect_outcome(INTO_PORT);
		ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = client, .sport = 3000, .dport = 999));
		expect_outcome(SENT);
	}
	for (i = 0; i < 4; i++) {
		ns2_udp(6000 + i);
		assert_true(has_flow(NS2, 6000 + i));
	}
}

/* Of connections that nobody can forge: one client's part of a published port's part. */
static void one_client_leaves_room_for_others_of_the_same_port(void **s)
{
	struct config cfg = config_now();
	int i, sent = 0;

	cfg.max_flows = 40;
	configure(&cfg);
	publish(UPLINK, TCP, 5000, 5000, 3000);
	for (i = 0; i < 40; i++) {
		uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 1000 + i, .dport = 5000,
				  .proto = TCP, .flags = SYN));
		if (!has_flow(SERVER, 1000 + i))
			continue;
		ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 3000, .dport = 1000 + i,
				.proto = TCP, .flags = SYN | ACK));
		uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .sport = 1000 + i, .dport = 5000,
				  .proto = TCP, .flags = ACK));
		sent++;
	}
	assert_in_range(sent, 20, 27);
	uplink_gets(frame(FROM_ISP, .src = SERVER2, .dst = UPLINK, .sport = 1000, .dport = 5000, .proto = TCP,
			  .flags = SYN));
	expect_outcome(INTO_PORT);
}

/* A namespace that calls a published port pays for it itself. */
static void a_call_to_a_published_port_counts_for_the_caller(void **s)
{
	struct config cfg = config_now();
	int i;

	cfg.max_flows_ns = 4;
	configure(&cfg);
	publish(UPLINK, UDP, 5000, 5000, 3000);
	for (i = 0; i < 20; i++) {
		ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, .sport = 7000 + i, .dport = 5000));
		expect_outcome(i < 4 ? INTO_PORT : SENT); /* refused with an ICMP error */
	}
	expect_live_flows(4);
}

/* No port is free: the namespace's own flow that yields first gives its port. */
static void without_a_free_port_a_namespace_takes_one_of_its_own(void **s)
{
	struct config cfg = config_now();
	uint16_t port;

	cfg.port_min_h = 40000;
	cfg.port_max_h = 40007;
	configure(&cfg);
	for (port = 4000; port < 4100; port++) {
		ns1_udp(port);
		assert_true(has_flow(NS1, port));
		if (port % 4 == 3)
			age_flows(5);
	}
	/* and another, which has fewer, one of those */
	ns2_udp(6000);
	assert_true(has_flow(NS2, 6000));
}

/* RFC 4787 REQ-3 asks for a port of the same class if there is one. */
static void without_a_free_port_below_1024_a_higher_one_is_taken(void **s)
{
	uint16_t port;

	for (port = 600; port < 1024; port++) {
		assured(port);
		assert_true(has_flow(NS1, port));
	}
	ns2_udp(123);
	assert_true(has_flow(NS2, 123));
}

/* RFC 6888 REQ-8: packets under way to the last owner must not reach the next. */
static void a_released_port_is_in_hold_down_before_another_gets_it(void **s)
{
	ns1_udp(4000);
	age_flows(121);
	ns2_udp(4000);
	assert_int_not_equal(external_port(), 4000);
	age_flows(121);
	ns2_udp(4000);
	assert_int_equal(external_port(), 4000);
}

static void a_port_of_a_removed_namespace_is_in_hold_down(void **s)
{
	ns1_udp(4000);
	replace_endpoint(DEV_NS1);
	server_udp(4000);
	expect_outcome(PASSED);
	ns2_udp(4000);
	assert_int_not_equal(external_port(), 4000);
}

/* Not even for the rest of the second in which the flow ended. */
static void without_a_hold_down_a_port_is_free_at_once(void **s)
{
	struct config cfg = config_now();

	ns1_udp(4000);
	replace_endpoint(DEV_NS1);
	server_udp(4000);
	expect_outcome(PASSED);
	cfg.hold_down_s = 0;
	configure(&cfg);
	ns2_udp(4000);
	assert_int_equal(external_port(), 4000);
}

static void a_full_table_takes_no_new_flow_and_loses_none(void **s)
{
	struct config cfg = config_now();

	cfg.max_flows = 2;
	configure(&cfg);
	assured(4000);
	assured(4001);
	ns1_udp(4002);
	expect_refused(4002, COUNT_refused_table_full);
	ns1_udp(4000);
	expect_outcome(SENT);
	server_udp(4001);
	expect_outcome(INTO_PORT);
	expect_live_flows(2);
}

static void a_full_table_reuses_expired_slots(void **s)
{
	struct config cfg = config_now();
	uint16_t port;

	cfg.max_flows = 20;
	configure(&cfg);
	for (port = 4000; port < 4020; port++)
		assured(port);
	/* all live on but two, where the sweep of each new flow does not come by next */
	age_flows(240);
	for (port = 4000; port < 4020; port++)
		if (port != 4005 && port != 4006)
			ns1_udp(port);
	age_flows(61);
	assured(5000);
	assured(5001);
	ns1_udp(5002);
	expect_refused(5002, COUNT_refused_table_full);
	expect_live_flows(20);
}

/* Flows without an owner make room, however long they might have lived. */
static void flows_of_a_removed_mapping_or_namespace_are_swept(void **s)
{
	uint32_t id = publish(UPLINK, UDP, 5000, 5000, 3000);

	uplink_gets(frame(IN, .sport = 999, .dport = 5000));
	replied(4000);
	assert_int_equal(map_del(state(), MAP_PORTMAPS, &id), 0);
	forget_port(DEV_NS1);
	ns2_udp(4001);
	expect_live_flows(1);
	ns2_udp(4000);
	assert_int_not_equal(external_port(), 4000);
}

/* RFC 4787 REQ-2: an unanswered peer of a mapping outlives its timeout while another peer answers. */
static void a_mapping_lives_as_long_as_its_last_peer(void **s)
{
	ns1_udp(4000);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER2, .sport = 4000, .dport = 53));
	uplink_gets(frame(FROM_ISP, .src = SERVER2, .dst = UPLINK, .sport = 53, .dport = 4000));
	expect_state(0, CONN_REPLIED);
	age_flows(250);
	ns2_udp(4000);
	assert_int_not_equal(external_port(), 4000);
	uplink_gets(frame(FROM_ISP, .src = SERVER2, .dst = UPLINK, .sport = 53, .dport = 4000));
	expect_outcome(INTO_PORT);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_full_table_evicts_half_open_flows),
		spec(a_full_table_has_room_for_each_of_two_that_flood_it),
		spec(a_namespace_has_its_share_and_no_more),
		spec(at_its_limit_a_namespace_ends_its_own_flow_that_yields_first),
		spec(at_its_limit_a_namespaces_expired_flows_make_room),
		spec(at_its_limit_a_namespaces_young_flows_do_not_hide_its_old_ones),
		spec(a_greedy_namespace_leaves_room_for_others),
		spec(answered_strangers_leave_room_for_namespaces_and_for_each_other),
		spec(one_client_leaves_room_for_others_of_the_same_port),
		spec(a_call_to_a_published_port_counts_for_the_caller),
		spec(without_a_free_port_a_namespace_takes_one_of_its_own),
		spec(without_a_free_port_below_1024_a_higher_one_is_taken),
		spec(a_released_port_is_in_hold_down_before_another_gets_it),
		spec(a_port_of_a_removed_namespace_is_in_hold_down),
		spec(without_a_hold_down_a_port_is_free_at_once),
		spec(a_full_table_takes_no_new_flow_and_loses_none),
		spec(a_full_table_reuses_expired_slots),
		spec(flows_of_a_removed_mapping_or_namespace_are_swept),
		spec(a_mapping_lives_as_long_as_its_last_peer),
	};

	return run_specs("ct_full", specs);
}
