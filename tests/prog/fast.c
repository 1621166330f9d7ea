// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The fast path: packets of a flow that is known come out of it as they come out of the slow path, byte for byte;
 * unusual packets, and packets of a flow that changed a moment ago, do not take it. Each test sends packets until
 * the caches have them and looks at what comes out; the last test alone asserts that the fast path is taken.
 */
#include <sched.h>

#include <user/lib/store/map.h>

#include "flow.h"

#define NS1_UDP OUT, .sport = 4000, .dport = 53
#define LEFT_UDP NS1_TO_GW, .src = UPLINK, .dst = SERVER, .sport = 4000, .dport = 53
#define SERVER_UDP IN, .sport = 53, .dport = 4000
#define NS1_TCP OUT, .proto = TCP, .sport = 4000, .dport = 80
#define LEFT_TCP NS1_TO_GW, .src = UPLINK, .dst = SERVER, .proto = TCP, .sport = 4000, .dport = 80
#define NS2_TCP NS2_TO_GW, .src = NS2, .dst = SERVER, .proto = TCP, .sport = 4000, .dport = 80
#define SERVER_TCP IN, .proto = TCP, .sport = 80, .dport = 4000
#define CLIENT FROM_ISP, .src = SERVER2, .dst = UPLINK, .proto = TCP, .sport = 999, .dport = 5000
#define PUBLISHED NS1_TO_GW, .src = NS1, .dst = SERVER2, .proto = TCP, .sport = 3000, .dport = 999
#define NS1_TO_HOST NS1_TO_GW, .src = NS1, .dst = GW, .proto = TCP, .sport = 4000, .dport = 80

#define ns1_repeats(f) run_repeatedly(HOOK_PORT, DEV_NS1, f)
#define uplink_repeats(f) run_repeatedly(HOOK_UPLINK, DEV_UPLINK, f)

static const struct fdb_key ns2_mac = { .mac = { 0x02, 0x42, 0xc0, 0xa8, 0x01, 0x0b }, .net = 1 };

static void udp_flows(void)
{
	ns1_sends(frame(NS1_UDP));
	uplink_gets(frame(SERVER_UDP));
	ns1_repeats(frame(NS1_UDP));
	expect_outcome(SENT);
}

static void tcp_flows(void)
{
	ns1_sends(frame(NS1_TCP, .flags = SYN));
	uplink_gets(frame(SERVER_TCP, .flags = SYN | ACK));
	ns1_sends(frame(NS1_TCP, .flags = ACK));
	ns1_repeats(frame(NS1_TCP, .flags = ACK));
	expect_outcome(SENT);
}

static void expect_out(struct frame *f)
{
	expect_outcome(SENT);
	expect_packet(f);
	expect_counted(COUNT_masqueraded);
}

static void expect_in(struct frame *f)
{
	expect_outcome(INTO_PORT);
	expect_packet(f);
	expect_counted(COUNT_unmasqueraded);
}

/* ---- the same as by the slow path ---- */

static void udp_is_translated(void **s)
{
	udp_flows();
	ns1_repeats(frame(NS1_UDP, .tos = 3, .frag = DONT_FRAGMENT)); /* ECN does not choose another route */
	expect_out(frame(LEFT_UDP, .tos = 3, .frag = DONT_FRAGMENT, .ttl = 63));
	uplink_repeats(frame(SERVER_UDP, .ttl = 2));
	expect_in(frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 53, .dport = 4000, .ttl = 1));
}

/* Its packets change nothing in the flow, until an answer comes. */
static void udp_without_an_answer_is_translated(void **s)
{
	ns1_repeats(frame(NS1_UDP));
	expect_out(frame(LEFT_UDP, .ttl = 63));
	expect_state(0, CONN_UNREPLIED);
	uplink_gets(frame(SERVER_UDP));
	expect_state(0, CONN_REPLIED);
	ns1_repeats(frame(NS1_UDP));
	expect_out(frame(LEFT_UDP, .ttl = 63));
}

static void udp_without_a_checksum_keeps_none(void **s)
{
	udp_flows();
	ns1_repeats(frame(NS1_UDP, .no_check = true));
	expect_out(frame(LEFT_UDP, .no_check = true, .ttl = 63));
}

/* RFC 3022 4.2: the receiver is to find out. */
static void a_wrong_checksum_stays_wrong(void **s)
{
	udp_flows();
	ns1_repeats(frame(NS1_UDP, .check_error = 7));
	expect_out(frame(LEFT_UDP, .check_error = 7, .ttl = 63));
}

static void tcp_is_translated(void **s)
{
	tcp_flows();
	ns1_repeats(frame(NS1_TCP, .flags = ACK, .tcp_options = "\x01\x01\x01\x01", .tcp_options_len = 4));
	expect_out(frame(LEFT_TCP, .flags = ACK, .tcp_options = "\x01\x01\x01\x01",
			 .tcp_options_len = 4, .ttl = 63));
	uplink_repeats(frame(SERVER_TCP, .flags = ACK, .payload = "what was asked for"));
	expect_in(frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .proto = TCP, .sport = 80, .dport = 4000, .flags = ACK,
			.payload = "what was asked for", .ttl = 63));
}

static void a_port_that_was_changed_is_in_the_checksum(void **s)
{
	uint16_t port;

	tcp_flows();
	ns2_sends(frame(NS2_TCP, .flags = SYN));
	port = external_port();
	assert_int_not_equal(port, 4000);
	uplink_gets(frame(IN, .proto = TCP, .sport = 80, .dport = port, .flags = SYN | ACK));
	run_repeatedly(HOOK_PORT, DEV_NS2, frame(NS2_TCP, .flags = ACK));
	expect_out(frame(NS2_TO_GW, .src = UPLINK, .dst = SERVER, .proto = TCP, .sport = port, .dport = 80,
			 .flags = ACK, .ttl = 63));
	uplink_repeats(frame(IN, .proto = TCP, .sport = 80, .dport = port, .flags = ACK));
	expect_in(frame(GW_TO_NS2, .src = SERVER, .dst = NS2, .proto = TCP, .sport = 80, .dport = 4000, .flags = ACK,
			.ttl = 63));
}

static void a_published_port_is_translated(void **s)
{
	publish("0.0.0.0", TCP, 5000, 5000, 3000);
	uplink_gets(frame(CLIENT, .flags = SYN));
	ns1_sends(frame(PUBLISHED, .flags = SYN | ACK));
	uplink_gets(frame(CLIENT, .flags = ACK));
	uplink_repeats(frame(CLIENT, .flags = ACK));
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS1, .src = SERVER2, .dst = NS1, .proto = TCP, .sport = 999, .dport = 3000,
			    .flags = ACK, .ttl = 63));
	expect_counted(COUNT_published_in);
	ns1_repeats(frame(PUBLISHED, .flags = ACK));
	expect_outcome(SENT);
	expect_packet(frame(NS1_TO_GW, .src = UPLINK, .dst = SERVER2, .proto = TCP, .sport = 5000, .dport = 999,
			    .flags = ACK, .ttl = 63));
	expect_counted(COUNT_published_out);
}

static void a_switching_decision_ends_with_its_generation(void **s)
{
	struct frame *f = frame(NS1_TO_NS2, .src = NS1, .dst = NS2, .sport = 1, .dport = 2, .ttl = 1);

	ns1_repeats(f);
	expect_outcome(INTO_PORT);
	expect_packet(f);
	expect_counted(COUNT_switched);
	assert_int_equal(map_del(state(), MAP_FDB, &ns2_mac), 0);
	next_generation();
	ns1_sends(f);
	expect_counted(COUNT_flooded);
}

static void the_host_gets_what_is_for_it_unchanged(void **s)
{
	struct frame *f = frame(NS1_TO_HOST, .flags = SYN, .ttl = 1);

	publish("0.0.0.0", TCP, 5000, 5000, 3000);
	ns1_repeats(f);
	expect_outcome(INTO_HOST);
	expect_packet(f);
	expect_counted(COUNT_to_host);
	/* but not what is for a published port there */
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = GW, .proto = TCP, .sport = 4000, .dport = 5000, .flags = SYN));
	expect_outcome(INTO_PORT);
	expect_counted(COUNT_published_in, COUNT_flow_new);
}

/* ---- unusual packets ---- */

static void a_ttl_of_one_goes_no_further(void **s)
{
	udp_flows();
	ns1_sends(frame(NS1_UDP, .ttl = 1));
	expect_counted(COUNT_refused_ttl_exceeded);
}

/* A peer that was not sent to is filtered; sending to it begins a flow. */
static void another_peer_of_a_mapping_is_not_its_first(void **s)
{
	udp_flows();
	uplink_repeats(frame(SERVER_UDP));
	uplink_gets(frame(FROM_ISP, .src = SERVER2, .dst = UPLINK, .sport = 53, .dport = 4000));
	expect_left_alone(frame(FROM_ISP, .src = SERVER2, .dst = UPLINK, .sport = 53, .dport = 4000));
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER2, .sport = 4000, .dport = 53));
	expect_outcome(SENT);
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
}

/* `set filtering endpoint`: any peer may answer, but no peer outside has an address inside. */
static void an_answer_from_an_address_inside_is_a_martian(void **s)
{
	struct config cfg = config_now();

	cfg.filtering = FILTER_ENDPOINT;
	configure(&cfg);
	udp_flows();
	uplink_gets(frame(FROM_ISP, .src = SERVER2, .dst = UPLINK, .sport = 53, .dport = 4000));
	expect_outcome(INTO_PORT);
	uplink_gets(frame(FROM_ISP, .src = "192.168.1.77", .dst = UPLINK, .sport = 53, .dport = 4000));
	expect_dropped(COUNT_martian);
}

static void a_syn_begins_a_connection_anew(void **s)
{
	tcp_flows();
	uplink_gets(frame(SERVER_TCP, .flags = RST));
	expect_state(0, CONN_RESET);
	ns1_sends(frame(NS1_TCP, .flags = SYN, .tcp_options = "\x01\x03\x03\x05", .tcp_options_len = 4));
	expect_state(0, CONN_SYN_SENT);
	assert_int_equal(conn_at(0).scales & 15, 5);
}

static void a_syn_that_answers_is_translated_and_read(void **s)
{
	ns1_sends(frame(NS1_TCP, .flags = SYN, .tcp_options = "\x02\x04\x05\xb4\x01\x03\x03\x05",
			.tcp_options_len = 8));
	uplink_gets(frame(SERVER_TCP, .flags = SYN | ACK, .tcp_options = "\x02\x04\x05\xb4\x01\x03\x03\x09",
			  .tcp_options_len = 8));
	expect_in(frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .proto = TCP, .sport = 80, .dport = 4000,
			.flags = SYN | ACK, .tcp_options = "\x02\x04\x05\xb4\x01\x03\x03\x09", .tcp_options_len = 8,
			.ttl = 63));
	expect_state(0, CONN_SYN_RECV);
	assert_int_equal(conn_at(0).scales, 9 << 4 | 5);
	uplink_gets(frame(SERVER_TCP, .flags = SYN | ACK)); /* again, without window scaling */
	assert_int_equal(conn_at(0).scales, 15 << 4 | 5);
}

static void a_wrong_header_checksum_is_dropped(void **s)
{
	udp_flows();
	ns1_sends(frame(NS1_UDP, .ip_check_error = 1));
	expect_dropped(COUNT_bad_checksum);
	ns1_sends(frame(NS1_TO_HOST, .flags = ACK, .ip_check_error = 1));
	expect_dropped(COUNT_bad_checksum);
}

static void a_source_route_is_dropped(void **s)
{
	udp_flows();
	ns1_sends(frame(NS1_UDP, .options = "\x83\x03\x04\x00", .options_len = 4));
	expect_dropped(COUNT_ip_option);
}

static void another_source_is_dropped(void **s)
{
	udp_flows();
	ns1_sends(frame(NS1_TO_GW, .src = NS2, .dst = SERVER, .sport = 4000, .dport = 53));
	expect_dropped(COUNT_spoofed_addr);
	ns1_repeats(frame(NS1_TO_NS2, .src = NS1, .dst = NS2));
	ns1_sends(frame(NS1_TO_NS2, .src = "192.168.1.77", .dst = NS2));
	expect_dropped(COUNT_spoofed_addr);
	run(HOOK_PORT, DEV_NS2, frame(NS1_TO_NS2, .src = NS1, .dst = NS2));
	expect_dropped(COUNT_spoofed_mac);
}

static void a_malformed_packet_is_dropped(void **s)
{
	struct frame *f = frame(NS1_TO_NS2, .src = NS1, .dst = NS2, .proto = TCP, .flags = ACK, .payload_len = 4);

	ns1_repeats(f);
	expect_outcome(INTO_PORT);
	f->bytes[ETH_LEN + IP_LEN + 12] = 0xf0; /* options beyond its end */
	ns1_sends(f);
	expect_dropped(COUNT_malformed);
	f->bytes[ETH_LEN + IP_LEN + 12] = 0x50;
	f->bytes[ETH_LEN] = 0x65; /* another version of IP */
	ns1_sends(f);
	expect_dropped(COUNT_malformed);
}

static void padding_is_cut_off(void **s)
{
	udp_flows();
	ns1_sends(frame(NS1_UDP, .trailer = 5));
	expect_out(frame(LEFT_UDP, .ttl = 63));
}

static void a_packet_larger_than_the_mtu_is_refused(void **s)
{
#define NARROW NS1_TO_GW, .src = NS1, .dst = BEHIND_MTU_1000, .sport = 4000, .dport = 53
	ns1_sends(frame(NARROW));
	uplink_gets(frame(FROM_ISP, .src = BEHIND_MTU_1000, .dst = UPLINK, .sport = 53, .dport = 4000));
	ns1_repeats(frame(NARROW, .payload_len = 900, .frag = DONT_FRAGMENT));
	expect_outcome(SENT);
	ns1_sends(frame(NARROW, .payload_len = 1000, .frag = DONT_FRAGMENT));
	expect_counted(COUNT_refused_too_big);
	forget_caches();
	ns1_sends(frame(NARROW, .payload_len = 900, .frag = DONT_FRAGMENT));
	expect_outcome(SENT);
	ns1_sends(frame(NARROW, .payload_len = 1000, .frag = DONT_FRAGMENT));
	expect_counted(COUNT_refused_too_big);
}

static void a_fin_and_a_reset_end_the_connection(void **s)
{
	tcp_flows();
	uplink_repeats(frame(SERVER_TCP, .flags = ACK));
	uplink_gets(frame(SERVER_TCP, .flags = RST, .tcp_seq = TCP_NUMBER + 0x40000000));
	expect_dropped(COUNT_rst_out_of_window);
	ns1_sends(frame(NS1_TCP, .flags = FIN | ACK));
	expect_state(0, CONN_FIN_WAIT);
	uplink_gets(frame(SERVER_TCP, .flags = RST));
	expect_state(0, CONN_RESET);
}

/* A window that has moved by less than a quarter need not be stored; one that has moved further must be. */
static void a_reset_at_the_end_of_a_window_that_moved_is_taken(void **s)
{
	uint32_t moved;

	tcp_flows();
	for (moved = 0; moved < 200000; moved += 3000) {
		ns1_sends(frame(NS1_TCP, .flags = ACK, .tcp_ack = TCP_NUMBER + moved));
		expect_outcome(SENT);
	}
	moved -= 3000;
	uplink_gets(frame(SERVER_TCP, .flags = RST, .tcp_seq = TCP_NUMBER + moved + 64240));
	expect_outcome(INTO_PORT);
	expect_state(0, CONN_RESET);
}

/* Two tuples whose hash, and so cache index and signature, are the same. */
static void another_flow_with_the_same_hash_is_not_taken_for_it(void **s)
{
#define TWIN NS1_TO_GW, .src = NS1, .dst = "204.0.113.10", .sport = 61599, .dport = 53
	udp_flows();
	ns1_sends(frame(TWIN));
	expect_outcome(SENT);
	expect_packet(frame(NS1_TO_GW, .src = UPLINK, .dst = "204.0.113.10", .sport = 61599, .dport = 53, .ttl = 63));
	forget_caches(); /* an entry in use keeps its place */
	ns1_repeats(frame(TWIN));
	expect_out(frame(NS1_TO_GW, .src = UPLINK, .dst = "204.0.113.10", .sport = 61599, .dport = 53, .ttl = 63));
	ns1_sends(frame(NS1_UDP));
	expect_out(frame(LEFT_UDP, .ttl = 63));
}

/* ---- changes ---- */

static void a_changed_route_takes_effect_at_once(void **s)
{
	udp_flows();
	host_command("ip route add blackhole %s", SERVER);
	ns1_sends(frame(NS1_UDP));
	host_command("ip route del blackhole %s", SERVER);
	expect_dropped(COUNT_prohibited);
}

static void a_removed_port_takes_effect_at_once(void **s)
{
	udp_flows();
	uplink_repeats(frame(SERVER_UDP));
	forget_port(DEV_NS1);
	uplink_gets(frame(SERVER_UDP));
	expect_outcome(PASSED);
	ns1_sends(frame(NS1_UDP));
	expect_dropped(COUNT_unknown_ifindex);
}

/* A cache entry is worth nothing once its flow's slot is another flow's. */
static void a_slot_that_went_to_another_flow_is_looked_up(void **s)
{
	udp_flows();
	uplink_repeats(frame(SERVER_UDP));
	expect_outcome(INTO_PORT);
	expire_flows();
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 4000, .dport = 53));
	assert_int_equal(external_port(), 4000);
	expect_live_flows(1);
	uplink_gets(frame(SERVER_UDP));
	expect_in(frame(GW_TO_NS2, .src = SERVER, .dst = NS2, .sport = 53, .dport = 4000, .ttl = 63));
	ns1_sends(frame(NS1_UDP));
	assert_int_not_equal(external_port(), 4000);
}

/* ---- that there is a fast path at all ---- */

/*
 * The slow path stamps each flow that it looks at. The fast path does not look at flows: a stamp that is taken away
 * stays away.
 */
static void expect_fast(enum hook hook, enum device dev, struct frame *f)
{
	bool slow = true;
	int i;

	for (i = 0; i < 5 && slow; i++) { /* a cache may just then be due for a look at what it keeps */
		run_repeatedly(hook, dev, f);
		unstamp_flows();
		run(hook, dev, f);
		slow = flows_are_stamped();
	}
	assert_false(slow);
}

/* Missing stamps do not stand for a changed configuration: that one is in the cache entries too. */
static void the_fast_path_is_taken(void **s)
{
	struct frame *f = frame(NS1_TO_NS2, .src = NS1, .dst = NS2, .sport = 1, .dport = 2);

	udp_flows();
	expect_fast(HOOK_PORT, DEV_NS1, frame(NS1_UDP));
	expect_fast(HOOK_UPLINK, DEV_UPLINK, frame(SERVER_UDP));
	tcp_flows();
	expect_fast(HOOK_PORT, DEV_NS1, frame(NS1_TCP, .flags = ACK));
	expect_fast(HOOK_UPLINK, DEV_UPLINK, frame(SERVER_TCP, .flags = ACK));
	publish("0.0.0.0", TCP, 5000, 5000, 3000);
	uplink_gets(frame(CLIENT, .flags = SYN));
	ns1_sends(frame(PUBLISHED, .flags = SYN | ACK));
	uplink_gets(frame(CLIENT, .flags = ACK));
	expect_fast(HOOK_UPLINK, DEV_UPLINK, frame(CLIENT, .flags = ACK));
	expect_fast(HOOK_PORT, DEV_NS1, frame(PUBLISHED, .flags = ACK));
	/* of switched frames the decision is cached: the forwarding database is not asked */
	ns1_repeats(f);
	assert_int_equal(map_del(state(), MAP_FDB, &ns2_mac), 0);
	ns1_sends(f);
	expect_outcome(INTO_PORT);
}

/* The caches are each CPU's own. */
static int on_one_cpu(void **unused)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	return sched_setaffinity(0, sizeof(one), &one) ? -1 : harness_setup(unused);
}

int main(void)
{
	const struct CMUnitTest specs[] = {
		spec(udp_is_translated),
		spec(udp_without_an_answer_is_translated),
		spec(udp_without_a_checksum_keeps_none),
		spec(a_wrong_checksum_stays_wrong),
		spec(tcp_is_translated),
		spec(a_port_that_was_changed_is_in_the_checksum),
		spec(a_published_port_is_translated),
		spec(a_switching_decision_ends_with_its_generation),
		spec(the_host_gets_what_is_for_it_unchanged),
		spec(a_ttl_of_one_goes_no_further),
		spec(another_peer_of_a_mapping_is_not_its_first),
		spec(an_answer_from_an_address_inside_is_a_martian),
		spec(a_syn_begins_a_connection_anew),
		spec(a_syn_that_answers_is_translated_and_read),
		spec(a_wrong_header_checksum_is_dropped),
		spec(a_source_route_is_dropped),
		spec(another_source_is_dropped),
		spec(a_malformed_packet_is_dropped),
		spec(padding_is_cut_off),
		spec(a_packet_larger_than_the_mtu_is_refused),
		spec(a_fin_and_a_reset_end_the_connection),
		spec(a_reset_at_the_end_of_a_window_that_moved_is_taken),
		spec(another_flow_with_the_same_hash_is_not_taken_for_it),
		spec(a_changed_route_takes_effect_at_once),
		spec(a_removed_port_takes_effect_at_once),
		spec(a_slot_that_went_to_another_flow_is_looked_up),
		spec(the_fast_path_is_taken),
	};

	return cmocka_run_group_tests_name("fast", specs, on_one_cpu, NULL);
}
