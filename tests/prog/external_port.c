// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Which external port a flow gets when the one it would keep is in use, published or reserved. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <user/lib/store/map.h>

#include "flow.h"

#define NS2_OUT NS2_TO_GW, .src = NS2, .dst = SERVER
#define EVERY_ADDRESS "0.0.0.0"

static void range_is(uint16_t first, uint16_t last)
{
	struct config cfg = config_now();

	cfg.port_min_h = first;
	cfg.port_max_h = last;
	configure(&cfg);
}

static uint16_t sent_from_port(void)
{
	expect_outcome(SENT);
	return external_port();
}

/* One busy client has 45 % of all ports, and they lie in one run, as ephemeral ports do. */
static void a_run_of_ports_in_use_is_no_obstacle(void **s)
{
	uint16_t port;

	range_is(5000, 5999);
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

/*
 * Four of 1,000 ports are free, and none of the others yields. A round of 128 attempts finds a free one in 53 of 100
 * searches, and two rounds in 74.
 */
static void a_search_in_vain_is_made_once_more(void **s)
{
	struct flow_key key = { .dst = address(UPLINK), .zone = EBPFNET_ZONE_OUTSIDE, .proto = L4_UDP,
				.scope = KEY_EIM };
	struct flow another = { .conn = 200 };
	struct counters before, after;
	int i;

	range_is(5000, 5999);
	for (key.dport_h = 5000; key.dport_h < 5996; key.dport_h++)
		assert_int_equal(map_put(state(), MAP_FLOWS, &key, &another), 0);
	assert_int_equal(store_counters(state(), &before), 0);
	for (i = 0; i < 600; i++) {
		ns1_udp(4000);
		age_flows(1000);
	}
	assert_int_equal(store_counters(state(), &after), 0);
	for (key.dport_h = 5000; key.dport_h < 5996; key.dport_h++)
		assert_int_equal(map_del(state(), MAP_FLOWS, &key), 0);
	assert_in_range(after.flow_new - before.flow_new, 378, 600);
	assert_int_equal(after.flow_new - before.flow_new + after.flow_refused - before.flow_refused, 600);
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

	range_is(1024, 65535);
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
	range_is(5000, 5001);
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
	expect_refused(4001, COUNT_refused_no_free_port);
	ns1_udp(5000);
	expect_refused(5000, COUNT_refused_no_free_port);
	expect_live_flows(2);
	/* one port only, and not of the parity that is wanted */
	range_is(5002, 5002);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 4003, .dport = 53));
	assert_int_equal(external_port(), 5002);
}

static void the_port_of_an_expired_flow_is_free(void **s)
{
	uint16_t port;

	range_is(5000, 5000);
	/* others, and one attempt more, so that the sweep does not come by the one that counts */
	for (port = 1; port < 20; port++)
		ns1_sends(frame(OUT, .sport = 5000, .dport = port));
	ns1_udp(5000);
	assert_int_equal(external_port(), 5000);
	assure(5000, 5000);
	ns1_udp(5002);
	expect_refused(5002, COUNT_refused_no_free_port);
	ns1_udp(5002);
	expect_refused(5002, COUNT_refused_no_free_port);
	age_flows(301);
	ns1_udp(5002);
	assert_int_equal(external_port(), 5000);
	expect_outcome(SENT);
}

/* Of a conversation that the host's NAT may have made, for others: there is no socket. */
static void a_port_that_conntrack_knows_is_not_taken(void **s)
{
	struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons(53),
				      .sin_addr.s_addr = inet_addr(SERVER) };
	int fd;

	if (!dataplane_kernel_conntrack())
		skip();
	host_command("iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE");
	fd = host_socket(UDP, UPLINK, 4000, NULL, 0);
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&server, sizeof(server)), 1);
	close(fd);
	expect_not_4000();
	/* it is free for another server, and for the other protocol */
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = SERVER2, .sport = 4000, .dport = 53));
	assert_int_equal(sent_from_port(), 4000);
	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 53, .flags = SYN));
	assert_int_equal(sent_from_port(), 4000);
	host_command("iptables -t nat -F POSTROUTING");
}

/* Where the host's services are, and may come: a namespace's flow does not stay there (port shadowing). */
static void a_port_outside_the_range_is_not_kept(void **s)
{
	static const struct {
		uint16_t want, first, last;
	} cases[] = {
		{ 1405, 32768, 60999 }, { 61000, 32768, 60999 }, { 8080, 32768, 60999 },
		{ 68, 600, 1023 },	{ 123, 600, 1023 },	 { 500, 600, 1023 },
	};
	size_t i;

	range_is(32768, 60999);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ns1_udp(cases[i].want);
		assert_in_range(sent_from_port(), cases[i].first, cases[i].last);
		assert_int_equal(external_port() % 2, cases[i].want % 2);
		ns1_sends(frame(OUT, .proto = TCP, .sport = cases[i].want, .dport = 80, .flags = SYN));
		assert_in_range(sent_from_port(), cases[i].first, cases[i].last);
	}
}

/* ---- a SYN to a port that is mapped (RFC 5382 REQ-4) ---- */

#define STRANGERS_SYN FROM_ISP, .src = SERVER2, .dst = UPLINK, .proto = TCP, .sport = 7, .flags = SYN
#define RST_TO_STRANGER .smac = UPLINK_MAC, .dmac = ISP_MAC, .src = UPLINK, .dst = SERVER2, .proto = TCP, \
			.dport = 7, .flags = RST | ACK

#define host_leaves(f) run(HOOK_UPLINK_OUT, DEV_UPLINK, f)

/* The sequence number of an answer to a SYN without ACK (RFC 9293 section 3.5.2). */
static struct frame *without_sequence(struct frame *f)
{
	static const char zero[4];

	memcpy(f->bytes + ETH_LEN + IP_LEN + 4, zero, sizeof(zero));
	return f;
}

/* What the host would take is its own affair: a socket, a NAT rule. Only its refusal is not sent. */
static void a_strangers_syn_to_a_mapped_port_is_not_refused(void **s)
{
	struct frame *syn = frame(STRANGERS_SYN, .dport = 4000);
	struct frame *refusal = without_sequence(frame(RST_TO_STRANGER, .sport = 4000)), *other;

	host_leaves(refusal);
	expect_left_alone(refusal);
	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	uplink_gets(syn);
	expect_left_alone(syn);
	host_leaves(refusal);
	expect_dropped(COUNT_rst_withheld);
	/* another port; an answer to another segment; one that somebody behind the host sends */
	other = without_sequence(frame(RST_TO_STRANGER, .sport = 4001));
	host_leaves(other);
	expect_left_alone(other);
	other = frame(RST_TO_STRANGER, .sport = 4000);
	host_leaves(other);
	expect_left_alone(other);
	run_given(HOOK_UPLINK_OUT, DEV_UPLINK, refusal, (struct given){ .forwarded_from = DEV_UNMANAGED });
	expect_left_alone(refusal);
}

/* On a quiet host nothing else sweeps. */
static void it_is_refused_once_the_ports_last_flow_has_expired(void **s)
{
	struct frame *refusal = without_sequence(frame(RST_TO_STRANGER, .sport = 4000));
	int i;

	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 81, .flags = SYN));
	for (i = 0; i < 4; i++) { /* each looks at two slots */
		host_leaves(refusal);
		expect_outcome(DROPPED);
	}
	age_flows(100000);
	for (i = 0; i < 4; i++)
		host_leaves(refusal);
	expect_outcome(PASSED);
	expect_live_flows(0);
}

static void the_hosts_own_server_refuses_what_it_likes(void **s)
{
	struct frame *refusal = without_sequence(frame(RST_TO_STRANGER, .sport = 4000));
	int server = host_socket(TCP, UPLINK, 4000, NULL, 0);

	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 80, .flags = SYN));
	assert_int_not_equal(sent_from_port(), 4000);
	close(server);
	ns1_sends(frame(OUT, .proto = TCP, .sport = 4000, .dport = 81, .flags = SYN));
	assert_int_equal(sent_from_port(), 4000);
	server = host_socket(TCP, UPLINK, 4000, NULL, 0);
	uplink_gets(frame(STRANGERS_SYN, .dport = 4000));
	expect_counted(COUNT_not_ours);
	host_leaves(refusal);
	expect_left_alone(refusal);
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
		spec(a_search_in_vain_is_made_once_more),
		spec(a_port_in_use_is_remapped_to_one_of_its_range_and_parity),
		spec(an_identifier_in_use_is_remapped_too),
		spec(the_same_port_serves_for_other_destinations),
		spec(a_port_of_a_socket_of_the_hosts_is_not_taken),
		spec(a_published_port_is_not_taken),
		spec(nor_is_one_published_on_every_address),
		spec(ports_come_from_the_range_that_is_set),
		spec(the_port_of_an_expired_flow_is_free),
		spec(a_port_that_conntrack_knows_is_not_taken),
		spec(a_port_outside_the_range_is_not_kept),
		spec(a_strangers_syn_to_a_mapped_port_is_not_refused),
		spec(it_is_refused_once_the_ports_last_flow_has_expired),
		spec(the_hosts_own_server_refuses_what_it_likes),
		spec(a_published_server_calls_out_from_its_port),
		spec(no_other_socket_calls_out_from_a_published_port),
	};

	return run_specs("external_port", specs);
}
