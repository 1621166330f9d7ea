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

static void a_slot_says_whose_flow_it_is(void **s)
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

/* Whether the answer to a flow of that age, in whatever state it is, still comes in. */
static void expect_dead_after(uint32_t seconds, struct frame *answer)
{
	age_flows(seconds - 1);
	uplink_gets(answer);
	expect_outcome(INTO_PORT);
	age_flows(seconds + 1); /* refreshed by the packet before */
	uplink_gets(answer);
	expect_outcome(PASSED);
	expect_counted(COUNT_not_ours);
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

/* Begun in mid-stream, or by somebody who fills the table. */
static void an_unanswered_ack_is_forgotten_as_a_syn_is(void **s)
{
	ns1_tcp(ACK);
	age_flows(241);
	uplink_gets(frame(IN, .proto = TCP, .sport = 80, .dport = 4000, .flags = ACK));
	expect_outcome(PASSED);
	expect_counted(COUNT_not_ours);
}

static void an_unanswered_datagram_is_forgotten_sooner(void **s)
{
	ns1_udp(4000);
	age_flows(121);
	server_udp(4000);
	expect_outcome(PASSED);
	expect_counted(COUNT_not_ours);
}

/* What still trickles in after both FINs does not keep the flow. */
static void a_closing_flow_is_not_kept_alive(void **s)
{
	ns1_tcp(ACK);
	ns1_tcp(FIN | ACK);
	server_tcp(FIN | ACK);
	age_flows(200);
	server_tcp(ACK);
	age_flows(41);
	uplink_gets(frame(IN, .proto = TCP, .sport = 80, .dport = 4000, .flags = ACK));
	expect_outcome(PASSED);
	expect_counted(COUNT_not_ours);
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

/* Each new flow looks at two slots in turn and ends what is dead there, once its port has rested. */
static void new_flows_sweep_the_table(void **s)
{
	uint16_t port;

	for (port = 4000; port < 4010; port++)
		ns1_udp(port);
	expect_live_flows(10);
	age_flows(120 + 120 - 10);
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
 * The same flow, begun on two CPUs: theirs is in place when ours is to be put there. It is as if
 * the key were there and, to the look-up before, its slot not yet filled.
 */
static void of_two_cpus_that_begin_a_flow_one_gives_way(void **s)
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

/* Whoever has looked at a flow and comes back to end it must not meet the next one in its place. */
static void a_slot_is_another_each_time_it_is_used(void **s)
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

static void slots_are_used_again(void **s)
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

/* ---- flows whose reason is gone ---- */

static void a_change_of_configuration_spares_what_is_still_wanted(void **s)
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
	expect_outcome(PASSED);
	expect_packet(f);
	expect_counted(COUNT_not_ours);
}

/* While `ns del` is at work: no port any more, and the flows not yet told. */
static void a_flow_without_its_port_leads_nowhere(void **s)
{
	uint32_t ifindex = ifindex_of(DEV_NS1);

	ns1_udp(4000);
	assert_int_equal(map_del(state(), MAP_PORTS, &ifindex), 0);
	server_udp(4000);
	expect_outcome(DROPPED);
	expect_counted(COUNT_no_endpoint, COUNT_flow_ended);
}

static void another_namespace_at_its_address_does_not_inherit_them(void **s)
{
	ns1_udp(4000);
	server_udp(4000);
	replace_endpoint(DEV_NS1);
	server_udp(4000);
	expect_outcome(PASSED);
	expect_counted(COUNT_not_ours);
}

static void a_forgotten_uplink_is_no_way_out(void **s)
{
	struct frame *f = frame(OUT, .sport = 4000, .dport = 53);

	ns1_sends(f);
	assert_int_equal(store_uplink_del(state(), ifindex_of(DEV_UPLINK)), 0);
	ns1_sends(f);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = UNREACHABLE,
			    .tos = 0xc0, .no_ip_id = true, .quote = f, .quote_len = 28));
	expect_counted(COUNT_icmp_sent);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(tcp_is_followed_from_syn_to_the_last_fin),
		spec(a_reset_from_either_side_ends_it),
		spec(udp_and_icmp_are_replied_to_or_not),
		spec(a_slot_says_whose_flow_it_is),
		spec(a_flow_that_was_answered_lives_as_long_as_is_set),
		spec(each_state_has_its_timeout),
		spec(an_unanswered_ack_is_forgotten_as_a_syn_is),
		spec(an_unanswered_datagram_is_forgotten_sooner),
		spec(a_closing_flow_is_not_kept_alive),
		spec(an_expired_flow_begins_anew_with_the_next_packet),
		spec(new_flows_sweep_the_table),
		spec(of_two_cpus_that_begin_a_flow_one_gives_way),
		spec(a_slot_is_another_each_time_it_is_used),
		spec(slots_are_used_again),
		spec(a_change_of_configuration_spares_what_is_still_wanted),
		spec(a_namespaces_flows_end_with_it),
		spec(a_flow_without_its_port_leads_nowhere),
		spec(another_namespace_at_its_address_does_not_inherit_them),
		spec(a_forgotten_uplink_is_no_way_out),
	};

	return run_specs("ct", specs);
}
