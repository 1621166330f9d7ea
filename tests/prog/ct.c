// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The flow table: states and timeouts, slots, flows whose owner is gone. */
#include <unistd.h>

#include <user/lib/store/map.h>

#include "flow.h"

static void ns1_tcp(uint8_t flags)
{
	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 80, .flags = flags));
	expect_outcome(SENT);
}

static void server_tcp(uint8_t flags)
{
	uplink_gets(frame(IN, .proto = TCP, .sport = 80, .dport = 4000, .flags = flags));
	expect_outcome(INTO_PORT);
}

/* ---- states ---- */

static void tcp_is_followed_from_syn_to_the_last_fin(void **s)
{
	ns1_tcp(SYN);
	expect_state(0, CONN_SYN_SENT);
	ns1_tcp(SYN);
	expect_state(0, CONN_SYN_SENT);
	server_tcp(SYN | ACK);
	expect_state(0, CONN_SYN_RECV);
	server_tcp(ACK);
	expect_state(0, CONN_SYN_RECV);
	ns1_tcp(ACK);
	expect_state(0, CONN_ESTABLISHED);
	server_tcp(ACK);
	expect_state(0, CONN_ESTABLISHED);
	ns1_tcp(FIN | ACK);
	expect_state(0, CONN_FIN_WAIT);
	assert_int_equal(conn_at(0).fin, 1 << FLOW_ORIGINAL);
	server_tcp(ACK);
	expect_state(0, CONN_FIN_WAIT);
	server_tcp(FIN | ACK);
	expect_state(0, CONN_CLOSING);
	assert_int_equal(conn_at(0).fin, 1 << FLOW_ORIGINAL | 1 << FLOW_REPLY);
	ns1_tcp(ACK);
	expect_state(0, CONN_CLOSING);
	/* the same ports again */
	ns1_tcp(SYN);
	expect_state(0, CONN_SYN_SENT);
	assert_int_equal(conn_at(0).fin, 0);
	expect_live_flows(1);
}

static void a_reset_from_either_side_ends_it(void **s)
{
	ns1_tcp(SYN);
	server_tcp(RST | ACK);
	expect_state(0, CONN_RESET);
	ns1_tcp(ACK);
	expect_state(0, CONN_RESET);
	ns1_tcp(SYN);
	expect_state(0, CONN_SYN_SENT);
	ns1_tcp(RST);
	expect_state(0, CONN_RESET);
}

static void udp_and_icmp_are_replied_to_or_not(void **s)
{
	ns1_udp(4000);
	ns1_udp(4000);
	expect_state(0, CONN_UNREPLIED);
	server_udp(4000);
	expect_state(0, CONN_REPLIED);
	ns1_sends(frame(OUT, .proto = ICMP, .type = ECHO, .id = 7));
	expect_state(1, CONN_UNREPLIED);
	uplink_gets(frame(IN, .proto = ICMP, .type = ECHO_REPLY, .id = 7));
	expect_state(1, CONN_REPLIED);
}

static void a_slot_names_its_flow_and_owner(void **s)
{
	struct conn c;

	ns1_udp(4000);
	c = conn_at(0);
	assert_memory_equal(&c.orig.src, (&(struct ipaddr){ { 192, 168, 1, 10 } }), 4);
	assert_memory_equal(&c.orig.dst, (&(struct ipaddr){ { 203, 0, 113, 10 } }), 4);
	assert_int_equal(c.orig.sport_h, 4000);
	assert_int_equal(c.orig.dport_h, 53);
	assert_int_equal(c.orig.zone, 1);
	assert_int_equal(c.orig.proto, UDP);
	assert_int_equal(c.portmap, 0);
	assert_int_equal(c.endpoint, DEV_NS1);
}

/* ---- time ---- */

/* The packet ended the flow that it would have belonged to, and is left alone. */
#define expect_ended()                                             \
	do {                                                       \
		expect_outcome(PASSED);                            \
		expect_counted(COUNT_not_ours, COUNT_flow_ended); \
	} while (0)

/* Whether the answer to a flow of that age, in whatever state it is, still comes in. */
static void expect_dead_after(uint32_t seconds, struct frame *answer)
{
	age_flows(seconds - 5); /* a loaded machine may take some of them */
	uplink_gets(answer);
	expect_outcome(INTO_PORT);
	age_flows(seconds + 1); /* refreshed by the packet before */
	uplink_gets(answer);
	expect_ended();
}

static void a_flow_that_was_answered_lives_as_long_as_is_set(void **s)
{
	struct config cfg = config_now();

	ns1_udp(4000);
	server_udp(4000);
	expect_dead_after(300, frame(IN, .sport = 53, .dport = 4000));
	cfg.timeout_s[TIMEOUT_UDP_REPLIED] = 30;
	configure(&cfg);
	ns1_udp(4000);
	server_udp(4000);
	expect_dead_after(30, frame(IN, .sport = 53, .dport = 4000));
}

static void each_state_has_its_timeout(void **s)
{
	ns1_sends(frame(OUT, .proto = ICMP, .type = ECHO, .id = 7));
	expect_dead_after(60, frame(IN, .proto = ICMP, .type = ECHO_REPLY, .id = 7));
	ns1_tcp(ACK);
	server_tcp(ACK);
	expect_dead_after(7440, frame(IN, .proto = TCP, .sport = 80, .dport = 4000, .flags = ACK));
	ns1_tcp(SYN);
	expect_dead_after(240,
			  frame(IN, .proto = TCP, .sport = 80, .dport = 4000, .flags = SYN | ACK));
}

/* A connection picked up in mid-stream, or a flood. */
static void an_unanswered_ack_is_forgotten_as_a_syn_is(void **s)
{
	ns1_tcp(ACK);
	age_flows(241);
	uplink_gets(frame(IN, .proto = TCP, .sport = 80, .dport = 4000, .flags = ACK));
	expect_ended();
}

/* RFC 4787 REQ-5: a timeout is a minimum; of its whole seconds one may be too many. */
static void a_flow_lives_for_all_of_its_timeout(void **s)
{
	ns1_udp(4000);
	age_flows(120);
	server_udp(4000);
	expect_outcome(INTO_PORT);
	age_flows(300);
	server_udp(4000);
	expect_outcome(INTO_PORT);
}

static void an_unanswered_datagram_is_forgotten_sooner(void **s)
{
	ns1_udp(4000);
	age_flows(121);
	server_udp(4000);
	expect_ended();
}

/* Packets after both FINs do not keep the flow. */
static void a_closing_flow_is_not_kept_alive(void **s)
{
	ns1_tcp(ACK);
	ns1_tcp(FIN | ACK);
	server_tcp(FIN | ACK);
	age_flows(200);
	server_tcp(ACK);
	age_flows(41);
	uplink_gets(frame(IN, .proto = TCP, .sport = 80, .dport = 4000, .flags = ACK));
	expect_ended();
}

static void an_expired_flow_begins_anew_with_the_next_packet(void **s)
{
	ns1_udp(4000);
	age_flows(121);
	ns1_udp(4000);
	expect_outcome(SENT);
	expect_counted(COUNT_masqueraded, COUNT_flow_ended, COUNT_flow_new);
	expect_live_flows(1);
	expect_state(0, CONN_UNREPLIED);
}

/* Each new flow looks at two slots in turn and ends an expired flow there, when its hold-down is over. */
static void new_flows_sweep_the_table(void **s)
{
	uint16_t port;

	for (port = 4000; port < 4010; port++)
		ns1_udp(port);
	expect_live_flows(10);
	age_flows(120 - 10);
	for (port = 6000; port < 6010; port++)
		ns1_udp(port);
	expect_live_flows(20);
	age_flows(11);
	for (port = 5000; port < 5020; port++)
		ns1_udp(port);
	expect_live_flows(10 + 20);
	ns1_udp(4000);
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
}

/* ---- slots ---- */

/*
 * Two CPUs create the same flow: the other's is in the table when this one's is to be inserted. As if the key were
 * there and, for the look-up before, its slot not filled yet.
 */
static void two_cpus_that_begin_one_flow_make_one(void **s)
{
	struct flow_key key = { .src = { { 192, 168, 1, 10 } }, .sport_h = 4000, .zone = 1,
				.proto = L4_UDP, .scope = KEY_EIM };
	struct flow theirs = { .src = { { 172, 31, 13, 55 } }, .dst = { { 203, 0, 113, 10 } },
			       .sport_h = 6000, .dport_h = 53, .conn = 200, .to = TO_UPLINK,
			       .flags = FLOW_ANY_PEER };

	assert_int_equal(map_put(state(), MAP_FLOWS, &key, &theirs), 0);
	ns1_udp(4000);
	assert_int_equal(map_del(state(), MAP_FLOWS, &key), 0);
	expect_outcome(SENT);
	expect_packet(frame(NS1_TO_GW, .src = UPLINK, .dst = SERVER, .sport = 6000, .dport = 53,
			    .ttl = 63));
	expect_counted(COUNT_masqueraded);
	expect_live_flows(0);
}

/* A CPU that looked at a flow and comes back to end it must not end the next flow in the slot. */
static void a_slot_has_another_use_number_each_time(void **s)
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

static void free_slots_are_reused(void **s)
{
	ns1_udp(4000);
	ns1_udp(4001);
	age_flows(241);
	ns1_udp(4002);
	ns1_udp(4003);
	expect_live_flows(2);
	assert_in_range(conn_at(0).orig.sport_h, 4002, 4003);
	assert_in_range(conn_at(1).orig.sport_h, 4002, 4003);
}

/* ---- flows whose owner is gone ---- */

static void a_change_of_configuration_spares_valid_flows(void **s)
{
	ns1_udp(4000);
	server_udp(4000);
	next_generation();
	server_udp(4000);
	expect_outcome(INTO_PORT);
	expect_counted(COUNT_unmasqueraded);
	ns1_udp(4000);
	expect_outcome(SENT);
	expect_counted(COUNT_masqueraded);
	/* each direction once, not with every packet from now on */
	assert_true(flows_are_checked());
}

static void a_namespaces_flows_end_with_it(void **s)
{
	struct frame *f = frame(IN, .sport = 53, .dport = 4000);

	ns1_udp(4000);
	forget_port(DEV_NS1);
	uplink_gets(f);
	expect_packet(f);
	expect_ended();
}

/* While `ns del` works: the port is removed, and the generation is still the same. */
static void a_flow_without_its_port_leads_nowhere(void **s)
{
	uint32_t ifindex = ifindex_of(DEV_NS1);

	ns1_udp(4000);
	assert_int_equal(map_del(state(), MAP_PORTS, &ifindex), 0);
	server_udp(4000);
	expect_ended();
}

/* A virtual address moves from one port with spoof=allow to another: answers follow it. */
static void a_flow_follows_an_address_that_moves_to_another_port(void **s)
{
	struct frame *vip = frame(.smac = NS3_MAC, .dmac = GW_MAC, .src = "192.168.1.200", .dst = SERVER, .sport = 4000,
				  .dport = 53);
	struct frame *moved = frame(.smac = NS2_MAC, .dmac = GW_MAC, .src = "192.168.1.200", .dst = SERVER,
				    .sport = 4000, .dport = 53);

	allow_spoofing(DEV_NS2);
	ns3_sends(vip);
	assert_int_equal(conn_at(0).endpoint, DEV_NS3);
	ns2_sends(moved);
	expect_outcome(SENT);
	expect_live_flows(1);
	assert_int_equal(conn_at(0).endpoint, DEV_NS2);
	server_udp(4000);
	expect_outcome(INTO_PORT);
	ns2_sends(moved);
	expect_counted(COUNT_masqueraded);
}

/* 65,536 commands: no count of them comes round to a flow that has ended. */
static void a_flow_of_a_removed_namespace_stays_dead_after_65536_commands(void **s)
{
	struct frame *f = frame(IN, .sport = 53, .dport = 4000);
	struct config cfg;

	ns1_udp(4000);
	server_udp(4000);
	cfg = config_now();
	forget_port(DEV_NS1);
	cfg.gen += 65536 - 1;
	configure(&cfg);
	uplink_gets(f);
	expect_ended();
}

static void another_namespace_at_the_address_does_not_inherit_flows(void **s)
{
	ns1_udp(4000);
	server_udp(4000);
	replace_endpoint(DEV_NS1);
	server_udp(4000);
	expect_ended();
}

static void a_removed_uplink_is_not_routed_by(void **s)
{
	struct frame *f = frame(OUT, .sport = 4000, .dport = 53);

	ns1_sends(f);
	assert_int_equal(store_uplink_del(state(), ifindex_of(DEV_UPLINK)), 0);
	ns1_sends(f);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = UNREACHABLE,
			    .tos = 0xc0, .no_ip_id = true, .inner = f, .inner_len = 28));
	expect_counted(COUNT_refused_egress_unmanaged);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(tcp_is_followed_from_syn_to_the_last_fin),
		spec(a_reset_from_either_side_ends_it),
		spec(udp_and_icmp_are_replied_to_or_not),
		spec(a_slot_names_its_flow_and_owner),
		spec(a_flow_that_was_answered_lives_as_long_as_is_set),
		spec(each_state_has_its_timeout),
		spec(an_unanswered_ack_is_forgotten_as_a_syn_is),
		spec(a_flow_lives_for_all_of_its_timeout),
		spec(an_unanswered_datagram_is_forgotten_sooner),
		spec(a_closing_flow_is_not_kept_alive),
		spec(an_expired_flow_begins_anew_with_the_next_packet),
		spec(new_flows_sweep_the_table),
		spec(two_cpus_that_begin_one_flow_make_one),
		spec(a_slot_has_another_use_number_each_time),
		spec(free_slots_are_reused),
		spec(a_change_of_configuration_spares_valid_flows),
		spec(a_namespaces_flows_end_with_it),
		spec(a_flow_without_its_port_leads_nowhere),
		spec(another_namespace_at_the_address_does_not_inherit_flows),
		spec(a_flow_follows_an_address_that_moves_to_another_port),
		spec(a_flow_of_a_removed_namespace_stays_dead_after_65536_commands),
		spec(a_removed_uplink_is_not_routed_by),
	};

	return run_specs("ct", specs);
}
