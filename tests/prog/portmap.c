// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Published ports: from outside, from a namespace (hairpin), from the host itself. */
#include <unistd.h>

#include <user/lib/store/map.h>

#include "lib/harness.h"

#define CLIENT SERVER
#define REQUEST FROM_ISP, .src = CLIENT, .dst = UPLINK
#define REQUEST_INSIDE GW_TO_NS1, .src = CLIENT, .dst = NS1

static void expect_published_in(struct frame *f)
{
	expect_outcome(INTO_PORT);
	expect_packet(f);
	expect_counted(COUNT_published_in, COUNT_flow_new);
}

static void expect_published_out(enum outcome outcome, struct frame *f)
{
	expect_outcome(outcome);
	expect_packet(f);
	expect_counted(COUNT_published_out);
}

/* ---- from outside ---- */

static void a_connection_comes_in_and_is_answered(void **s)
{
	publish(UPLINK, TCP, 5000, 5000, 3000);
	uplink_gets(
		frame(REQUEST, .proto = TCP, .sport = 999, .dport = 5000, .flags = SYN, .ttl = 50));
	expect_published_in(frame(REQUEST_INSIDE, .proto = TCP, .sport = 999, .dport = 3000,
				  .flags = SYN, .ttl = 49));
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = CLIENT, .proto = TCP, .sport = 3000,
			.dport = 999, .flags = SYN | ACK));
	expect_published_out(SENT,
			     frame(NS1_TO_GW, .src = UPLINK, .dst = CLIENT, .proto = TCP,
				   .sport = 5000, .dport = 999, .flags = SYN | ACK, .ttl = 63));
	uplink_gets(frame(REQUEST, .proto = TCP, .sport = 999, .dport = 5000, .flags = ACK));
	expect_outcome(INTO_PORT);
	expect_packet(frame(REQUEST_INSIDE, .proto = TCP, .sport = 999, .dport = 3000, .flags = ACK,
			    .ttl = 63));
	expect_counted(COUNT_published_in);
	expect_state(0, CONN_ESTABLISHED);
	assert_int_not_equal(conn_at(0).portmap, 0);
}

static void udp_comes_in_and_is_answered(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 5000);
	uplink_gets(frame(REQUEST, .sport = 999, .dport = 5000));
	expect_published_in(frame(REQUEST_INSIDE, .sport = 999, .dport = 5000, .ttl = 63));
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = CLIENT, .sport = 5000, .dport = 999));
	expect_published_out(SENT, frame(NS1_TO_GW, .src = UPLINK, .dst = CLIENT, .sport = 5000,
					 .dport = 999, .ttl = 63));
}

static void a_range_leads_to_ports_in_step(void **s)
{
	publish(UPLINK, UDP, 5000, 5010, 3000);
	uplink_gets(frame(REQUEST, .sport = 999, .dport = 5007));
	expect_published_in(frame(REQUEST_INSIDE, .sport = 999, .dport = 3007, .ttl = 63));
	uplink_gets(frame(REQUEST, .sport = 999, .dport = 5010));
	expect_published_in(frame(REQUEST_INSIDE, .sport = 999, .dport = 3010, .ttl = 63));
}

static void unpublished_ports_are_left_alone(void **s)
{
	struct frame *f;

	publish(UPLINK, TCP, 5000, 5001, 3000);
	f = frame(REQUEST, .proto = TCP, .sport = 999, .dport = 5002, .flags = SYN);
	uplink_gets(f);
	expect_left_alone(f);
	f = frame(REQUEST, .proto = UDP, .sport = 999, .dport = 5000);
	uplink_gets(f);
	expect_left_alone(f);
	f = frame(FROM_ISP, .src = CLIENT, .dst = UPLINK_SECOND, .proto = TCP, .sport = 999,
		  .dport = 5000, .flags = SYN);
	uplink_gets(f);
	expect_left_alone(f);
}

static void every_address_means_those_of_the_host(void **s)
{
	struct frame *f =
		frame(FROM_ISP, .src = CLIENT, .dst = SERVER2, .sport = 999, .dport = 5000);

	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	uplink_gets(frame(REQUEST, .sport = 999, .dport = 5000));
	expect_published_in(frame(REQUEST_INSIDE, .sport = 999, .dport = 3000, .ttl = 63));
	/* another host's: on its way through */
	uplink_gets(f);
	expect_left_alone(f);
}

/* The gateway's address is the host's too, but an answer would leave with it. From the host itself it is allowed. */
static void the_gateways_address_is_not_for_the_outside(void **s)
{
	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	uplink_gets(frame(FROM_ISP, .src = CLIENT, .dst = GW, .sport = 999, .dport = 5000));
	expect_dropped(COUNT_unsolicited);
	expect_live_flows(0);
	lo_gets(frame(ON_LO, .src = GW, .dst = GW, .sport = 999, .dport = 5000));
	expect_published_in(frame(GW_TO_NS1, .src = GW, .dst = NS1, .sport = 999, .dport = 3000));
}

/* `set ports` is about external ports. */
static void a_clients_own_port_is_kept_whatever_the_range(void **s)
{
	static const uint16_t ports[] = { 999, 1024, 4000, 65535 };
	struct config cfg = config_now();
	size_t i;

	cfg.port_min_h = 5000;
	cfg.port_max_h = 5001;
	configure(&cfg);
	publish(UPLINK, UDP, 5000, 5000, 3000);
	for (i = 0; i < 4; i++) {
		uplink_gets(frame(REQUEST, .sport = ports[i], .dport = 5000));
		expect_published_in(frame(REQUEST_INSIDE, .sport = ports[i], .dport = 3000, .ttl = 63));
		ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, .sport = ports[i], .dport = 5000));
		expect_published_in(frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = ports[i],
					  .dport = 3000, .ttl = 63));
	}
}

static void a_secondary_address_answers_as_itself(void **s)
{
	publish(UPLINK_SECOND, UDP, 5000, 5000, 3000);
	uplink_gets(
		frame(FROM_ISP, .src = CLIENT, .dst = UPLINK_SECOND, .sport = 999, .dport = 5000));
	expect_published_in(frame(REQUEST_INSIDE, .sport = 999, .dport = 3000, .ttl = 63));
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = CLIENT, .sport = 3000, .dport = 999));
	expect_published_out(SENT, frame(NS1_TO_GW, .src = UPLINK_SECOND, .dst = CLIENT,
					 .sport = 5000, .dport = 999, .ttl = 63));
}

/* Without the address the flow is dead; what its namespace sends next begins one of its own. */
static void an_address_that_is_gone_is_no_source_any_more(void **s)
{
	publish(UPLINK_SECOND, UDP, 5000, 5000, 3000);
	uplink_gets(
		frame(FROM_ISP, .src = CLIENT, .dst = UPLINK_SECOND, .sport = 999, .dport = 5000));
	host_command("ip address del " UPLINK_SECOND "/20 dev eth0");
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = CLIENT, .sport = 3000, .dport = 999));
	host_command("ip address add " UPLINK_SECOND "/20 dev eth0");
	expect_outcome(SENT);
	expect_packet(frame(NS1_TO_GW, .src = UPLINK, .dst = CLIENT, .sport = 3000, .dport = 999,
			    .ttl = 63));
	expect_counted(COUNT_masqueraded, COUNT_flow_ended, COUNT_flow_new);
}

/* The namespace cannot tell its two clients' sides apart by itself: the second gets another port. */
static void two_published_ports_may_lead_to_one(void **s)
{
	uint16_t port;

	publish(UPLINK, UDP, 5000, 5000, 3000);
	publish(UPLINK, UDP, 5001, 5001, 3000);
	uplink_gets(frame(REQUEST, .sport = 2001, .dport = 5000));
	expect_published_in(frame(REQUEST_INSIDE, .sport = 2001, .dport = 3000, .ttl = 63));
	uplink_gets(frame(REQUEST, .sport = 2001, .dport = 5001));
	port = frame_u16(output(), ETH_LEN + IP_LEN);
	assert_int_not_equal(port, 2001);
	assert_int_equal(port % 2, 1);
	assert_in_range(port, 1024, 65535);
	expect_outcome(INTO_PORT);
	expect_packet(frame(REQUEST_INSIDE, .sport = port, .dport = 3000, .ttl = 63));
	expect_counted(COUNT_published_in, COUNT_flow_new, COUNT_src_port_remapped);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = CLIENT, .sport = 3000, .dport = port));
	expect_published_out(SENT, frame(NS1_TO_GW, .src = UPLINK, .dst = CLIENT, .sport = 5001,
					 .dport = 2001, .ttl = 63));
}

/* The bits that spare most packets a look-up: another rule may have the same port, on another address. */
static void a_port_bit_is_set_while_any_mapping_has_the_port(void **s)
{
	uint32_t one = publish(UPLINK, UDP, 5000, 5000, 3000);
	uint32_t other = publish(UPLINK_SECOND, UDP, 4990, 5010, 3000);
	uint32_t at = ebpfnet_portmap_word(L4_UDP, 5000);
	uint64_t word;

	assert_int_equal(store_portmap_del(state(), one), 0);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK_SECOND, .sport = 999, .dport = 5000));
	expect_outcome(INTO_PORT);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = UPLINK_SECOND, .sport = 999, .dport = 5010));
	expect_outcome(INTO_PORT);
	assert_int_equal(store_portmap_del(state(), other), 0);
	assert_int_equal(map_get(state(), MAP_PORTMAP_BITS, &at, &word), 0);
	assert_int_equal(word, 0);
}

static void a_source_inside_does_not_come_from_outside(void **s)
{
	static const char *const sources[] = { NS2, GW, UPLINK, "198.51.100.10", IN_BLACKHOLE };
	size_t i;

	publish(UPLINK, UDP, 5000, 5000, 3000);
	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		uplink_gets(frame(FROM_ISP, .src = sources[i], .dst = UPLINK, .sport = 999,
				  .dport = 5000));
		expect_dropped(COUNT_martian);
	}
	expect_live_flows(0);
}

static void a_client_behind_a_small_mtu_is_outside(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	uplink_gets(frame(FROM_ISP, .src = BEHIND_MTU_1000, .dst = UPLINK, .sport = 999,
			  .dport = 5000));
	expect_published_in(frame(GW_TO_NS1, .src = BEHIND_MTU_1000, .dst = NS1, .sport = 999,
				  .dport = 3000, .ttl = 63));
}

static void only_what_may_begin_a_flow_comes_in(void **s)
{
	publish(UPLINK, TCP, 5000, 5000, 3000);
	uplink_gets(frame(REQUEST, .proto = TCP, .sport = 999, .dport = 5000, .flags = RST));
	expect_dropped(COUNT_no_flow);
	uplink_gets(frame(REQUEST, .proto = TCP, .sport = 999, .dport = 5000, .flags = SYN | ACK));
	expect_dropped(COUNT_no_flow);
}

static void a_mapping_without_its_endpoint_leads_nowhere(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	replace_endpoint(DEV_NS1);
	uplink_gets(frame(REQUEST, .sport = 999, .dport = 5000));
	expect_dropped(COUNT_no_endpoint);
}

static void removing_a_mapping_ends_its_flows(void **s)
{
	uint32_t id = publish(UPLINK, UDP, 5000, 5000, 3000);
	struct frame *f = frame(REQUEST, .sport = 999, .dport = 5000);

	uplink_gets(f);
	assert_int_equal(store_portmap_del(state(), id), 0);
	uplink_gets(f);
	expect_outcome(PASSED);
	expect_packet(f);
	expect_counted(COUNT_not_ours, COUNT_flow_ended);
	expect_live_flows(0);
}

static void moving_a_mapping_to_another_namespace_ends_its_flows(void **s)
{
	uint32_t id = publish(UPLINK, UDP, 5000, 5000, 3000);

	uplink_gets(frame(REQUEST, .sport = 999, .dport = 5000));
	give_portmap_to(id, DEV_NS2);
	uplink_gets(frame(REQUEST, .sport = 999, .dport = 5000));
	expect_dropped(COUNT_no_endpoint, COUNT_flow_ended);
}

static void flows_of_other_mappings_live_on(void **s)
{
	uint32_t other = publish(UPLINK, UDP, 6000, 6000, 6000);

	publish(UPLINK, UDP, 5000, 5000, 3000);
	uplink_gets(frame(REQUEST, .sport = 999, .dport = 5000));
	assert_int_equal(store_portmap_del(state(), other), 0);
	uplink_gets(frame(REQUEST, .sport = 999, .dport = 5000));
	expect_outcome(INTO_PORT);
	expect_counted(COUNT_published_in);
}

/* ---- the host's own sockets ---- */

static void a_connection_of_the_hosts_own_is_left_alone(void **s)
{
	struct frame *udp = frame(REQUEST, .sport = 53, .dport = 5000);
	struct frame *tcp = frame(REQUEST, .proto = TCP, .sport = 80, .dport = 5000, .flags = ACK);
	int u = host_socket(UDP, UPLINK, 5000, CLIENT, 53);
	int t = host_socket(TCP, UPLINK, 5000, CLIENT, 80);

	publish(UPLINK, UDP, 5000, 5000, 3000);
	publish(UPLINK, TCP, 5000, 5000, 3000);
	uplink_gets(udp);
	expect_left_alone(udp);
	uplink_gets(tcp);
	expect_left_alone(tcp);
	close(u);
	close(t);
	uplink_gets(udp);
	expect_published_in(frame(REQUEST_INSIDE, .sport = 53, .dport = 3000, .ttl = 63));
}

static void a_published_port_has_precedence_over_a_listener(void **s)
{
	int listener = host_socket(TCP, "0.0.0.0", 5000, NULL, 0);

	publish(UPLINK, TCP, 5000, 5000, 3000);
	uplink_gets(frame(REQUEST, .proto = TCP, .sport = 999, .dport = 5000, .flags = SYN));
	expect_published_in(frame(REQUEST_INSIDE, .proto = TCP, .sport = 999, .dport = 3000,
				  .flags = SYN, .ttl = 63));
	close(listener);
}

/* UDP has no listeners: a socket is a client's once it is connected. */
static void a_published_port_has_precedence_over_an_unconnected_socket(void **s)
{
	static const char *const bound[] = { "0.0.0.0", UPLINK };
	size_t i;

	publish(UPLINK, UDP, 5000, 5000, 3000);
	for (i = 0; i < 2; i++) {
		int server = host_socket(UDP, bound[i], 5000, NULL, 0);

		uplink_gets(frame(REQUEST, .sport = 999 + i, .dport = 5000));
		expect_published_in(frame(REQUEST_INSIDE, .sport = 999 + i, .dport = 3000, .ttl = 63));
		close(server);
	}
}

/* ---- from a namespace: the hairpin ---- */

static void a_namespace_reaches_a_published_port(void **s)
{
	publish(UPLINK, TCP, 5000, 5000, 3000);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, .proto = TCP, .sport = 70,
			.dport = 5000, .flags = SYN));
	expect_published_in(frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .proto = TCP, .sport = 70,
				  .dport = 3000, .flags = SYN, .ttl = 63));
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .proto = TCP, .sport = 3000,
			.dport = 70, .flags = SYN | ACK));
	/* a reply that goes into a port */
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS2, .src = UPLINK, .dst = NS2, .proto = TCP, .sport = 5000,
			    .dport = 70, .flags = SYN | ACK, .ttl = 63));
	expect_counted(COUNT_unmasqueraded);
}

static void a_namespace_reaches_its_own_published_port(void **s)
{
	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = GW, .sport = 70, .dport = 5000));
	expect_published_in(
		frame(GW_TO_NS1, .src = GW, .dst = NS1, .sport = 70, .dport = 3000, .ttl = 63));
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = GW, .sport = 3000, .dport = 70));
	expect_outcome(INTO_PORT);
	expect_packet(
		frame(GW_TO_NS1, .src = GW, .dst = NS1, .sport = 5000, .dport = 70, .ttl = 63));
	expect_counted(COUNT_unmasqueraded);
}

/* With the same port on both sides the answer would look like another packet of the request's. */
static void a_namespace_reaches_its_own_published_port_from_the_same_port(void **s)
{
	uint16_t port;

	publish(UPLINK, UDP, 5000, 5000, 5000);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .sport = 5000, .dport = 5000));
	port = frame_u16(output(), ETH_LEN + IP_LEN);
	assert_int_not_equal(port, 5000);
	assert_int_equal(port % 2, 0);
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = port, .dport = 5000,
			    .ttl = 63));
	expect_counted(COUNT_published_in, COUNT_flow_new, COUNT_src_port_remapped);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .sport = 5000, .dport = port));
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = 5000, .dport = 5000,
			    .ttl = 63));
	expect_counted(COUNT_unmasqueraded);
}

/* ---- flows with that external port that are older ---- */

static void an_older_mapping_ends_for_every_peer(void **s)
{
	static const enum filtering modes[] = { FILTER_PORT, FILTER_ADDRESS, FILTER_ENDPOINT };
	struct config cfg = config_now();
	uint16_t port;
	size_t i;

	for (i = 0; i < 3; i++) {
		port = 5000 + i;
		cfg.filtering = modes[i];
		cfg.gen = config_now().gen;
		cfg.portmaps = config_now().portmaps;
		configure(&cfg);
		ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = CLIENT, .sport = port, .dport = 999));
		expect_packet(frame(NS2_TO_GW, .src = UPLINK, .dst = CLIENT, .sport = port, .dport = 999, .ttl = 63));
		ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = CLIENT, .sport = port, .dport = 998));
		publish(UPLINK, UDP, port, port, 3000 + i);
		uplink_gets(frame(REQUEST, .sport = 998, .dport = port)); /* a further peer */
		expect_outcome(INTO_PORT);
		expect_packet(frame(REQUEST_INSIDE, .sport = 998, .dport = 3000 + i, .ttl = 63));
		uplink_gets(frame(REQUEST, .sport = 997, .dport = port));
		expect_packet(frame(REQUEST_INSIDE, .sport = 997, .dport = 3000 + i, .ttl = 63));
		uplink_gets(frame(REQUEST, .sport = 999, .dport = port)); /* the first peer */
		expect_packet(frame(REQUEST_INSIDE, .sport = 999, .dport = 3000 + i, .ttl = 63));
		ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = CLIENT, .sport = port, .dport = 999));
		assert_int_not_equal(frame_u16(output(), ETH_LEN + IP_LEN), port);
	}
}

/* Half-open connections could be made to every port of a client's, and keep it out. */
static void an_older_tcp_flow_ends_unless_its_peer_has_accepted(void **s)
{
	struct frame *answer = frame(REQUEST, .proto = TCP, .sport = 80, .dport = 5000, .flags = SYN | ACK);

	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = CLIENT, .proto = TCP, .sport = 5000, .dport = 80, .flags = SYN));
	uplink_gets(answer);
	expect_outcome(INTO_PORT);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = CLIENT, .proto = TCP, .sport = 5000, .dport = 80, .flags = ACK));
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = CLIENT, .proto = TCP, .sport = 5000, .dport = 81, .flags = SYN));
	publish(UPLINK, TCP, 5000, 5000, 3000);
	uplink_gets(frame(REQUEST, .proto = TCP, .sport = 81, .dport = 5000, .flags = SYN));
	expect_outcome(INTO_PORT);
	expect_packet(frame(REQUEST_INSIDE, .proto = TCP, .sport = 81, .dport = 3000, .flags = SYN, .ttl = 63));
	uplink_gets(frame(REQUEST, .proto = TCP, .sport = 80, .dport = 5000, .flags = ACK));
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS2, .src = CLIENT, .dst = NS2, .proto = TCP, .sport = 80, .dport = 5000,
			    .flags = ACK, .ttl = 63));
}

/* Both show the published address to NS1, and may have chosen the same port. */
static void two_namespaces_with_the_same_port_are_kept_apart(void **s)
{
	uint16_t port;

	publish(UPLINK, UDP, 5000, 5000, 3000);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, .sport = 700, .dport = 5000));
	expect_published_in(frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = 700, .dport = 3000,
				  .ttl = 63));
	ns3_sends(frame(NS3_TO_GW, .src = NS3, .dst = UPLINK, .sport = 700, .dport = 5000));
	port = frame_u16(output(), ETH_LEN + IP_LEN);
	assert_int_not_equal(port, 700);
	assert_int_equal(port % 2, 0);
	assert_in_range(port, 1, 1023);
	expect_packet(frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = port, .dport = 3000,
			    .ttl = 63));
	expect_counted(COUNT_published_in, COUNT_flow_new, COUNT_src_port_remapped);
}

static void the_gateways_other_ports_stay_the_hosts(void **s)
{
	struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = GW, .sport = 70, .dport = 53);

	publish(UPLINK, UDP, 5000, 5000, 3000);
	ns1_sends(f);
	expect_outcome(INTO_HOST);
	expect_packet(f);
	expect_counted(COUNT_to_host);
	/* not a packet with ports */
	f = frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .proto = ICMP, .type = ECHO, .id = 5000);
	ns1_sends(f);
	expect_outcome(INTO_HOST);
	expect_packet(f);
	expect_counted(COUNT_to_host);
}

static void a_hairpin_has_a_ttl(void **s)
{
	struct frame *f =
		frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, .sport = 70, .dport = 5000, .ttl = 1);

	publish(UPLINK, UDP, 5000, 5000, 3000);
	ns2_sends(f);
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS2, .src = GW, .dst = NS2, .proto = ICMP, .type = TIME_EXCEEDED,
			    .tos = 0xc0, .no_ip_id = true, .inner = f, .inner_len = 28));
	expect_counted(COUNT_refused_ttl_exceeded);
}

/* ---- from the host itself ---- */

static void the_host_reaches_its_own_published_port(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	lo_gets(frame(ON_LO, .src = UPLINK, .dst = UPLINK, .sport = 999, .dport = 5000, .ttl = 1));
	expect_published_in(
		frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = 999, .dport = 3000, .ttl = 1));
	ns1_sends(
		frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .sport = 3000, .dport = 999, .ttl = 1));
	expect_published_out(INTO_HOST, frame(NS1_TO_GW, .src = UPLINK, .dst = UPLINK,
					      .sport = 5000, .dport = 999, .ttl = 1));
}

static void other_traffic_of_lo_is_left_alone(void **s)
{
	struct frame *f = frame(ON_LO, .src = UPLINK, .dst = UPLINK, .sport = 999, .dport = 5001);

	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	lo_gets(f);
	expect_left_alone(f);
	f = frame(ON_LO, .src = UPLINK, .dst = UPLINK, .sport = 5000, .dport = 999);
	lo_gets(f);
	expect_left_alone(f);
}

/* The same tuple may come by the uplink and by lo: they are two flows. */
static void lo_and_the_uplink_are_different_zones(void **s)
{
	publish(UPLINK, UDP, 5000, 5000, 3000);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 53));
	lo_gets(frame(ON_LO, .src = SERVER, .dst = UPLINK, .sport = 53, .dport = 4000));
	expect_outcome(PASSED);
	expect_counted(COUNT_not_ours);
}

/* ---- a packet that is dropped creates and changes nothing ---- */

#define SYN_TO_5000 REQUEST, .proto = TCP, .sport = 999, .dport = 5000, .flags = SYN

static void a_dropped_packet_creates_no_flow(void **s)
{
	struct frame *f = frame(SYN_TO_5000, .ttl = 1);

	publish("0.0.0.0", TCP, 5000, 5000, 3000);
	uplink_gets(frame(SYN_TO_5000, .ip_check_error = 1));
	expect_dropped(COUNT_bad_checksum);
	uplink_gets(frame(SYN_TO_5000, .options = "\x83\x03\x04\x00", .options_len = 4));
	expect_dropped(COUNT_ip_option);
	uplink_gets(f);
	expect_outcome(SENT);
	expect_packet(frame(.smac = UPLINK_MAC, .dmac = ISP_MAC, .src = UPLINK, .dst = CLIENT, .proto = ICMP,
			    .type = TIME_EXCEEDED, .tos = 0xc0, .no_ip_id = true, .inner = f, .inner_len = 28));
	expect_counted(COUNT_refused_ttl_exceeded);
	expect_live_flows(0);
}

static void a_dropped_packet_changes_no_flow(void **s)
{
	publish("0.0.0.0", TCP, 5000, 5000, 3000);
	uplink_gets(frame(SYN_TO_5000));
	uplink_gets(frame(REQUEST, .proto = TCP, .sport = 999, .dport = 5000, .flags = RST, .ip_check_error = 1));
	expect_dropped(COUNT_bad_checksum);
	expect_state(0, CONN_SYN_SENT);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_connection_comes_in_and_is_answered),
		spec(udp_comes_in_and_is_answered),
		spec(a_range_leads_to_ports_in_step),
		spec(unpublished_ports_are_left_alone),
		spec(every_address_means_those_of_the_host),
		spec(the_gateways_address_is_not_for_the_outside),
		spec(a_clients_own_port_is_kept_whatever_the_range),
		spec(a_secondary_address_answers_as_itself),
		spec(an_address_that_is_gone_is_no_source_any_more),
		spec(two_published_ports_may_lead_to_one),
		spec(a_port_bit_is_set_while_any_mapping_has_the_port),
		spec(a_source_inside_does_not_come_from_outside),
		spec(a_client_behind_a_small_mtu_is_outside),
		spec(only_what_may_begin_a_flow_comes_in),
		spec(a_mapping_without_its_endpoint_leads_nowhere),
		spec(removing_a_mapping_ends_its_flows),
		spec(moving_a_mapping_to_another_namespace_ends_its_flows),
		spec(flows_of_other_mappings_live_on),
		spec(a_connection_of_the_hosts_own_is_left_alone),
		spec(a_published_port_has_precedence_over_a_listener),
		spec(a_published_port_has_precedence_over_an_unconnected_socket),
		spec(a_namespace_reaches_a_published_port),
		spec(a_namespace_reaches_its_own_published_port),
		spec(a_namespace_reaches_its_own_published_port_from_the_same_port),
		spec(an_older_mapping_ends_for_every_peer),
		spec(an_older_tcp_flow_ends_unless_its_peer_has_accepted),
		spec(two_namespaces_with_the_same_port_are_kept_apart),
		spec(the_gateways_other_ports_stay_the_hosts),
		spec(a_hairpin_has_a_ttl),
		spec(the_host_reaches_its_own_published_port),
		spec(other_traffic_of_lo_is_left_alone),
		spec(lo_and_the_uplink_are_different_zones),
		spec(a_dropped_packet_creates_no_flow),
		spec(a_dropped_packet_changes_no_flow),
	};

	return run_specs("portmap", specs);
}
