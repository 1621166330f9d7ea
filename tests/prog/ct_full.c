// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A full flow table: eviction, shares per namespace, and hold-down of released ports. */
#include <pthread.h>
#include <sched.h>

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

/* A flood evicts its own flows: half open ones make room for new ones. */
static void a_full_table_evicts_half_open_flows(void **s)
{
	struct config cfg = config_now();
	uint16_t port;

	cfg.max_flows = 10;
	configure(&cfg);
	replied(4000);
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
	cpu_set_t cpus;
	uint16_t port;

	CPU_ZERO(&cpus);
	CPU_SET(f->cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	for (port = 1024; port < 1024 + FLOOD; port++) {
		frame_set_u16(&f->packet, ETH_LEN + IP_LEN, port);
		run_beside(HOOK_PORT, f->from, &f->packet);
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
	assert_int_equal(after.flow_new - before.flow_new, 2 * FLOOD);
	expect_live_flows(10);
}

static void a_namespace_has_its_share_and_no_more(void **s)
{
	struct config cfg = config_now();

	cfg.max_flows_ns = 2;
	configure(&cfg);
	ns1_udp(4000);
	ns1_udp(4001);
	ns1_udp(4002);
	expect_refused(4002);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 4002, .dport = 53));
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
	/* what has ended is given back */
	age_flows(121);
	ns1_udp(4000);
	expect_outcome(SENT);
	expect_counted(COUNT_masqueraded, COUNT_flow_ended, COUNT_flow_new);
}

/* RFC 6888 REQ-8: packets under way to the last owner must not reach the next. */
static void a_released_port_is_in_hold_down_before_another_gets_it(void **s)
{
	ns1_udp(4000);
	age_flows(121);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 4000, .dport = 53));
	assert_int_not_equal(external_port(), 4000);
	age_flows(120);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 4000, .dport = 53));
	assert_int_equal(external_port(), 4000);
}

static void a_port_of_a_removed_namespace_is_in_hold_down(void **s)
{
	ns1_udp(4000);
	replace_endpoint(DEV_NS1);
	server_udp(4000);
	expect_outcome(PASSED);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 4000, .dport = 53));
	assert_int_not_equal(external_port(), 4000);
}

static void a_full_table_takes_no_new_flow_and_loses_none(void **s)
{
	struct config cfg = config_now();

	cfg.max_flows = 2;
	configure(&cfg);
	replied(4000);
	replied(4001);
	ns1_udp(4002);
	expect_refused(4002);
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
		replied(port);
	/* all live on but two, where the sweep of each new flow does not come by next */
	age_flows(280);
	for (port = 4000; port < 4020; port++)
		if (port != 4005 && port != 4006)
			ns1_udp(port);
	age_flows(31);
	replied(5000);
	replied(5001);
	ns1_udp(5002);
	expect_refused(5002);
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
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 4001, .dport = 53));
	expect_live_flows(2);
	expect_state(1, CONN_HOLD_DOWN);
	age_flows(121);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 4002, .dport = 53));
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 4003, .dport = 53));
	expect_live_flows(3);
}

/* RFC 4787 REQ-2: an unanswered peer of a mapping outlives its timeout while another peer answers. */
static void a_mapping_lives_as_long_as_its_last_peer(void **s)
{
	ns1_udp(4000);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER2, .sport = 4000, .dport = 53));
	uplink_gets(frame(FROM_ISP, .src = SERVER2, .dst = UPLINK, .sport = 53, .dport = 4000));
	expect_state(0, CONN_REPLIED);
	age_flows(250);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 4000, .dport = 53));
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
		spec(a_released_port_is_in_hold_down_before_another_gets_it),
		spec(a_port_of_a_removed_namespace_is_in_hold_down),
		spec(a_full_table_takes_no_new_flow_and_loses_none),
		spec(a_full_table_reuses_expired_slots),
		spec(flows_of_a_removed_mapping_or_namespace_are_swept),
		spec(a_mapping_lives_as_long_as_its_last_peer),
	};

	return run_specs("ct_full", specs);
}
