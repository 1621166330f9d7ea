// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Which external port a flow gets when the one it would keep is in use, published or reserved. */
#include <unistd.h>

#include "flow.h"

#define NS2_OUT NS2_TO_GW, .src = NS2, .dst = SERVER
#define EVERY_ADDRESS "0.0.0.0"

static uint16_t sent_from_port(void)
{
	expect_outcome(SENT);
	return external_port();
}

/* One busy client has 45 % of all ports, and they lie in one run, as ephemeral ports do. */
static void a_run_of_ports_in_use_is_no_obstacle(void **s)
{
	struct config cfg = config_now();
	uint16_t port;

	cfg.port_min_h = 5000;
	cfg.port_max_h = 5999;
	configure(&cfg);
	for (port = 5000; port < 5450; port++) {
		ns1_sends(frame(OUT, .sport = port, .dport = 53));
		assert_int_equal(sent_from_port(), port);
	}
	for (port = 5000; port < 5080; port++) {
		ns2_sends(frame(NS2_OUT, .sport = port, .dport = 53));
		assert_in_range(sent_from_port(), 5450, 5999);
		expect_counted(COUNT_masqueraded, COUNT_flow_new, COUNT_src_port_remapped);
	}
}

static void a_port_in_use_is_remapped_to_one_of_its_range_and_parity(void **s)
{
	static const struct {
		uint16_t want, first, last;
	} cases[] = {
		{ 4000, 1024, 65535 }, { 4001, 1024, 65535 }, { 700, 600, 1023 }, { 701, 600, 1023 }
	};
	uint16_t port;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ns1_udp(cases[i].want);
		assert_int_equal(external_port(), cases[i].want);
		ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = cases[i].want,
				.dport = 53));
		port = external_port();
		assert_int_not_equal(port, cases[i].want);
		assert_in_range(port, cases[i].first, cases[i].last);
		assert_int_equal(port % 2, cases[i].want % 2);
		expect_outcome(SENT);
		expect_packet(frame(NS2_TO_GW, .src = UPLINK, .dst = SERVER, .sport = port,
				    .dport = 53, .ttl = 63));
		expect_counted(COUNT_masqueraded, COUNT_flow_new, COUNT_src_port_remapped);
		server_udp(port);
		expect_outcome(INTO_PORT);
		expect_packet(frame(GW_TO_NS2, .src = SERVER, .dst = NS2, .sport = 53,
				    .dport = cases[i].want, .ttl = 63));
		server_udp(cases[i].want);
		expect_packet(frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 53,
				    .dport = cases[i].want, .ttl = 63));
	}
}

static void an_identifier_in_use_is_remapped_too(void **s)
{
	uint16_t id;

	ns1_sends(frame(OUT, .proto = ICMP, .type = ECHO, .id = 7));
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .proto = ICMP, .type = ECHO, .id = 7,
			.seq = 2));
	id = frame_u16(output(), ETH_LEN + IP_LEN + 4);
	assert_int_not_equal(id, 7);
	expect_packet(frame(NS2_TO_GW, .src = UPLINK, .dst = SERVER, .proto = ICMP, .type = ECHO,
			    .id = id, .seq = 2, .ttl = 63));
	expect_counted(COUNT_masqueraded, COUNT_flow_new, COUNT_src_port_remapped);
	uplink_gets(frame(IN, .proto = ICMP, .type = ECHO_REPLY, .id = id, .seq = 2));
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS2, .src = SERVER, .dst = NS2, .proto = ICMP, .type = ECHO_REPLY,
			    .id = 7, .seq = 2, .ttl = 63));
}

static void the_same_port_serves_for_other_destinations(void **s)
{
	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER2, .proto = TCP, .sport = 4000,
			.dport = 80, .flags = SYN));
	assert_int_equal(external_port(), 4000);
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
}

static void expect_not_4000(void)
{
	ns1_udp(4000);
	assert_int_not_equal(external_port(), 4000);
	expect_outcome(SENT);
	expect_counted(COUNT_masqueraded, COUNT_flow_new, COUNT_src_port_remapped);
}

static void a_port_of_a_socket_of_the_hosts_is_not_taken(void **s)
{
	int udp = host_socket(UDP, UPLINK, 4000, NULL, 0), tcp;

	expect_not_4000();
	close(udp);
	tcp = host_socket(TCP, "0.0.0.0", 4000, NULL, 0);
	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	assert_int_not_equal(external_port(), 4000);
	close(tcp);
	/* the other protocol's sockets do not matter */
	udp = host_socket(UDP, UPLINK, 4002, NULL, 0);
	ns1_sends(frame(OUT, .proto = TCP, .sport = 4002, .dport = 80, .flags = SYN));
	assert_int_equal(external_port(), 4002);
	close(udp);
}

static void a_published_port_is_not_taken(void **s)
{
	publish(UPLINK, UDP, 4000, 4000, 3000);
	expect_not_4000();
}

static void nor_is_one_published_on_every_address(void **s)
{
	publish("0.0.0.0", UDP, 4000, 4000, 3000);
	expect_not_4000();
}

static void ports_come_from_the_range_that_is_set(void **s)
{
	struct config cfg = config_now();

	cfg.port_min_h = 5000;
	cfg.port_max_h = 5001;
	configure(&cfg);
	ns1_udp(4000);
	assert_int_equal(external_port(), 5000);
	expect_counted(COUNT_masqueraded, COUNT_flow_new, COUNT_src_port_remapped);
	assure(4000, 5000);
	/* the other parity is better than no port */
	ns1_udp(4002);
	assert_int_equal(external_port(), 5001);
	expect_counted(COUNT_masqueraded, COUNT_flow_new, COUNT_src_port_remapped);
	assure(4002, 5001);
	ns1_udp(4001);
	expect_refused(4001);
	ns1_udp(5000);
	expect_refused(5000);
	expect_live_flows(2);
	/* one port only, and not of the parity that is wanted */
	cfg.port_min_h = cfg.port_max_h = 5002;
	configure(&cfg);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 4003, .dport = 53));
	assert_int_equal(external_port(), 5002);
}

static void the_port_of_an_expired_flow_is_free(void **s)
{
	struct config cfg = config_now();
	uint16_t port;

	cfg.port_min_h = cfg.port_max_h = 5000;
	configure(&cfg);
	/* others, and one attempt more, so that the sweep does not come by the one that counts */
	for (port = 1; port < 20; port++)
		ns1_sends(frame(OUT, .sport = 5000, .dport = port));
	ns1_udp(5000);
	assert_int_equal(external_port(), 5000);
	assure(5000, 5000);
	ns1_udp(5002);
	expect_refused(5002);
	ns1_udp(5002);
	expect_refused(5002);
	age_flows(301);
	ns1_udp(5002);
	assert_int_equal(external_port(), 5000);
	expect_outcome(SENT);
}

/* ---- a SYN to a port that is mapped (RFC 5382 REQ-4) ---- */

#define STRANGERS_SYN FROM_ISP, .src = SERVER2, .dst = UPLINK, .proto = TCP, .sport = 7, .flags = SYN

static void a_strangers_syn_to_a_mapped_port_is_not_answered(void **s)
{
	struct frame *syn = frame(STRANGERS_SYN, .dport = 4000);

	uplink_gets(syn);
	expect_left_alone(syn);
	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	uplink_gets(syn);
	expect_dropped(COUNT_unsolicited);
	/* another port, another protocol, no SYN: the host's own affair */
	uplink_gets(frame(STRANGERS_SYN, .dport = 4001));
	expect_counted(COUNT_not_ours);
	uplink_gets(frame(FROM_ISP, .src = SERVER2, .dst = UPLINK, .sport = 7, .dport = 4000));
	expect_counted(COUNT_not_ours);
	uplink_gets(frame(FROM_ISP, .src = SERVER2, .dst = UPLINK, .proto = TCP, .sport = 7,
			  .dport = 4000, .flags = ACK));
	expect_counted(COUNT_not_ours);
}

static void such_a_syn_is_dropped_until_the_ports_last_flow_ends(void **s)
{
	int i;

	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 81, .flags = SYN));
	age_flows(100000);
	for (i = 0; i < 4; i++) /* each looks at two slots */
		ns2_sends(frame(NS2_OUT, .sport = 5000 + i, .dport = 53));
	uplink_gets(frame(STRANGERS_SYN, .dport = 4000));
	expect_counted(COUNT_not_ours);
}

static void the_hosts_own_server_is_reached_all_the_same(void **s)
{
	int server = host_socket(TCP, UPLINK, 4000, NULL, 0);

	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	assert_int_not_equal(sent_from_port(), 4000);
	close(server);
	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 81, .flags = SYN));
	assert_int_equal(sent_from_port(), 4000);
	server = host_socket(TCP, UPLINK, 4000, NULL, 0);
	uplink_gets(frame(STRANGERS_SYN, .dport = 4000));
	expect_counted(COUNT_not_ours);
	close(server);
}

/* ---- ports that are published ---- */

static void calls_out_as_published(uint16_t sport)
{
	ns1_sends(frame(OUT, .sport = sport, .dport = 53));
	assert_int_equal(sent_from_port(), sport);
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
}

static void gets_another(enum device from, struct frame *f)
{
	uint16_t wanted = frame_u16(f, ETH_LEN + IP_LEN);

	run(HOOK_PORT, from, f);
	assert_int_not_equal(sent_from_port(), wanted);
	expect_counted(COUNT_masqueraded, COUNT_flow_new, COUNT_src_port_remapped);
}

/* A DNS server asks others, a SIP server calls: the answer must find the published socket. */
static void a_published_server_calls_out_from_its_port(void **s)
{
	static const char *const on[] = { UPLINK, EVERY_ADDRESS };
	size_t i;

	for (i = 0; i < 2; i++) {
		uint16_t port = 5000 + 100 * i;

		publish(on[i], UDP, port, port + 10, port);
		gets_another(DEV_NS2, frame(NS2_OUT, .sport = port, .dport = 53));
		gets_another(DEV_NS2, frame(NS2_OUT, .sport = port + 10, .dport = 53));
		calls_out_as_published(port);
		calls_out_as_published(port + 10);
	}
}

/* The published port leads to another of its sockets. */
static void no_other_socket_calls_out_from_a_published_port(void **s)
{
	publish(UPLINK, UDP, 5000, 5010, 5001);
	publish(EVERY_ADDRESS, UDP, 6000, 6000, 3000);
	gets_another(DEV_NS1, frame(OUT, .sport = 5000, .dport = 53));
	gets_another(DEV_NS1, frame(OUT, .sport = 5005, .dport = 53));
	gets_another(DEV_NS1, frame(OUT, .sport = 6000, .dport = 53));
	gets_another(DEV_NS2, frame(NS2_OUT, .sport = 6000, .dport = 53));
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_run_of_ports_in_use_is_no_obstacle),
		spec(a_port_in_use_is_remapped_to_one_of_its_range_and_parity),
		spec(an_identifier_in_use_is_remapped_too),
		spec(the_same_port_serves_for_other_destinations),
		spec(a_port_of_a_socket_of_the_hosts_is_not_taken),
		spec(a_published_port_is_not_taken),
		spec(nor_is_one_published_on_every_address),
		spec(ports_come_from_the_range_that_is_set),
		spec(the_port_of_an_expired_flow_is_free),
		spec(a_strangers_syn_to_a_mapped_port_is_not_answered),
		spec(such_a_syn_is_dropped_until_the_ports_last_flow_ends),
		spec(the_hosts_own_server_is_reached_all_the_same),
		spec(a_published_server_calls_out_from_its_port),
		spec(no_other_socket_calls_out_from_a_published_port),
	};

	return run_specs("external_port", specs);
}
