// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Ports that are published on loopback addresses: the host reaches them over lo, and nobody else does. */
#include <unistd.h>

#include <user/lib/store/map.h>

#include "lib/harness.h"

#define LOCALHOST "127.0.0.1"
#define CALL ON_LO, .src = LOCALHOST, .dst = LOCALHOST, .dport = 5000
#define CALL_INSIDE GW_TO_NS1, .src = GW, .dst = NS1, .dport = 3000
#define ANSWER NS1_TO_GW, .src = NS1, .dst = GW, .sport = 3000
/* As it comes back over lo. */
#define ANSWER_ON_LO NS1_TO_GW, .src = LOCALHOST, .dst = LOCALHOST, .sport = 5000

static void expect_in(struct frame *f)
{
	expect_outcome(INTO_PORT);
	expect_packet(f);
	expect_counted(COUNT_published_in, COUNT_flow_new);
}

static void expect_back(struct frame *f)
{
	expect_outcome(INTO_HOST);
	expect_packet(f);
	expect_counted(COUNT_published_out);
}

static uint16_t source_port(void)
{
	return frame_u16(output(), ETH_LEN + IP_LEN);
}

/* ---- the host calls ---- */

static void a_connection_leads_into_the_namespace_and_back(void **s)
{
	publish(LOCALHOST, TCP, 5000, 5000, 3000);
	lo_gets(frame(CALL, .proto = TCP, .sport = 20000, .flags = SYN));
	expect_in(frame(CALL_INSIDE, .proto = TCP, .sport = 20000, .flags = SYN));
	ns1_sends(frame(ANSWER, .proto = TCP, .dport = 20000, .flags = SYN | ACK));
	expect_back(frame(ANSWER_ON_LO, .proto = TCP, .dport = 20000, .flags = SYN | ACK));
	lo_gets(frame(CALL, .proto = TCP, .sport = 20000, .flags = ACK));
	expect_outcome(INTO_PORT);
	expect_packet(frame(CALL_INSIDE, .proto = TCP, .sport = 20000, .flags = ACK));
	expect_counted(COUNT_published_in);
	expect_state(0, CONN_ESTABLISHED);
}

static void a_datagram_leads_into_the_namespace_and_back(void **s)
{
	publish(LOCALHOST, UDP, 5000, 5000, 3000);
	lo_gets(frame(CALL, .sport = 999, .ttl = 1));
	expect_in(frame(CALL_INSIDE, .sport = 999, .ttl = 1));
	ns1_sends(frame(ANSWER, .dport = 999, .ttl = 1));
	expect_back(frame(ANSWER_ON_LO, .dport = 999, .ttl = 1));
}

static void a_datagram_in_fragments_does_too(void **s)
{
	struct frame *whole = frame(CALL, .sport = 999, .payload = (char[100]){}, .payload_len = 100);
	struct frame *inside = frame(CALL_INSIDE, .sport = 999, .payload = (char[100]){}, .payload_len = 100);

	publish(LOCALHOST, UDP, 5000, 5000, 3000);
	lo_gets(frame_fragment(whole, 0, 64));
	expect_in(frame_fragment(inside, 0, 64));
	lo_gets(frame_fragment(whole, 64, 44));
	expect_outcome(INTO_PORT);
	expect_packet(frame_fragment(inside, 64, 44));
	expect_counted(COUNT_published_in);
}

static void a_port_of_every_address_is_one_of_each_loopback_address(void **s)
{
	static const char *const addresses[] = { LOCALHOST, "127.8.8.8", "127.255.255.254", UPLINK };
	struct frame *broadcast = frame(ON_LO, .src = LOCALHOST, .dst = "127.255.255.255", .sport = 999, .dport = 5000);
	size_t i;

	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	for (i = 0; i < 4; i++) {
		lo_gets(frame(ON_LO, .src = LOCALHOST, .dst = addresses[i], .sport = 700 + i, .dport = 5000));
		expect_in(frame(CALL_INSIDE, .sport = 700 + i));
		ns1_sends(frame(ANSWER, .dport = 700 + i));
		expect_back(frame(NS1_TO_GW, .src = addresses[i], .dst = LOCALHOST, .sport = 5000, .dport = 700 + i));
	}
	lo_gets(broadcast);
	expect_left_alone(broadcast);
}

static void a_client_with_another_address_of_the_host_keeps_it(void **s)
{
	publish(LOCALHOST, UDP, 5000, 5000, 3000);
	lo_gets(frame(ON_LO, .src = UPLINK, .dst = LOCALHOST, .sport = 40000, .dport = 5000));
	expect_in(frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = 40000, .dport = 3000));
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = UPLINK, .sport = 3000, .dport = 40000));
	expect_back(frame(NS1_TO_GW, .src = LOCALHOST, .dst = UPLINK, .sport = 5000, .dport = 40000));
}

static void other_addresses_and_ports_are_left_alone(void **s)
{
	struct frame *const frames[] = {
		frame(CALL, .proto = TCP, .sport = 999, .flags = SYN),
		frame(ON_LO, .src = LOCALHOST, .dst = LOCALHOST, .sport = 999, .dport = 5001),
		frame(ON_LO, .src = LOCALHOST, .dst = LOCALHOST, .sport = 5000, .dport = 999),
		frame(ON_LO, .src = LOCALHOST, .dst = "127.0.0.2", .sport = 999, .dport = 5000),
		frame(ON_LO, .src = UPLINK, .dst = UPLINK, .sport = 999, .dport = 5000),
		frame(ON_LO, .src = LOCALHOST, .dst = LOCALHOST, .proto = ICMP, .type = ECHO),
		frame(ON_LO, .src = LOCALHOST, .dst = LOCALHOST, .proto = SCTP),
	};
	size_t i;

	publish(LOCALHOST, UDP, 5000, 5000, 3000);
	for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		lo_gets(frames[i]);
		expect_left_alone(frames[i]);
	}
	expect_live_flows(0);
}

static void without_its_mapping_a_flow_ends_with_the_next_packet(void **s)
{
	uint32_t id = publish(LOCALHOST, UDP, 5000, 5000, 3000);
	struct frame *f = frame(CALL, .sport = 999);

	publish(LOCALHOST, UDP, 6000, 6000, 3000);
	lo_gets(f);
	expect_outcome(INTO_PORT);
	assert_int_equal(store_portmap_del(state(), id), 0);
	lo_gets(f);
	expect_left_alone(f);
	ns1_sends(frame(ANSWER, .dport = 999));
	expect_outcome(INTO_HOST);
	expect_packet(frame(ANSWER, .dport = 999));
	expect_counted(COUNT_flow_ended, COUNT_to_host);
}

/* ---- sockets of the host ---- */

static void a_socket_of_the_host_keeps_its_loopback_address(void **s)
{
	int fd = host_socket(UDP, "127.0.0.53", 5000, NULL, 0);
	struct frame *f = frame(ON_LO, .src = LOCALHOST, .dst = "127.0.0.53", .sport = 999, .dport = 5000);

	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	lo_gets(f);
	expect_left_alone(f);
	lo_gets(frame(CALL, .sport = 999));
	expect_in(frame(CALL_INSIDE, .sport = 999));
	close(fd);
	lo_gets(f);
	expect_outcome(INTO_PORT);
}

/* A client whose port is published, too, waits for its answer: one that has called without connecting. */
static void an_answer_to_a_socket_of_the_host_is_no_call(void **s)
{
	struct frame *f = frame(ON_LO, .src = "127.0.0.53", .dst = LOCALHOST, .sport = 53, .dport = 5000);
	int fd = host_socket(UDP, "0.0.0.0", 5000, NULL, 0);

	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	lo_gets(f);
	close(fd);
	expect_left_alone(f);
}

/* `expose` refuses the address if a socket has it. One that comes later is in the way of nothing. */
static void a_mapping_of_that_very_address_comes_before_a_later_socket(void **s)
{
	int fd;

	publish(LOCALHOST, UDP, 5000, 5000, 3000);
	fd = host_socket(UDP, LOCALHOST, 5000, NULL, 0);
	lo_gets(frame(CALL, .sport = 999));
	close(fd);
	expect_in(frame(CALL_INSIDE, .sport = 999));
}

/* ---- the port that the namespace sees ---- */

/* The host's own connections have ports of ip_local_port_range, and the gateway's address as well. */
static void a_port_that_the_kernel_chooses_from_becomes_another(void **s)
{
	uint16_t port;

	publish(LOCALHOST, UDP, 5000, 5000, 3000);
	lo_gets(frame(CALL, .sport = 40000));
	port = source_port();
	assert_in_range(port, 1024, 32767);
	expect_outcome(INTO_PORT);
	expect_packet(frame(CALL_INSIDE, .sport = port));
	expect_counted(COUNT_published_in, COUNT_flow_new, COUNT_src_port_remapped);
	ns1_sends(frame(ANSWER, .dport = port));
	expect_back(frame(ANSWER_ON_LO, .dport = 40000));
}

static void the_hosts_range_is_followed(void **s)
{
	publish(LOCALHOST, UDP, 5000, 5000, 3000);
	host_command("echo '1024 50000' > /proc/sys/net/ipv4/ip_local_port_range");
	lo_gets(frame(CALL, .sport = 40000));
	assert_in_range(source_port(), 50001, 65535);
	/* nothing is left beside it */
	host_command("echo '1024 65535' > /proc/sys/net/ipv4/ip_local_port_range");
	lo_gets(frame(CALL, .sport = 40001));
	assert_int_equal(source_port(), 40001);
	host_command("echo '32768 60999' > /proc/sys/net/ipv4/ip_local_port_range");
}

static void a_port_that_a_socket_of_the_host_uses_becomes_another(void **s)
{
	static const uint8_t protos[] = { UDP, TCP };
	uint16_t port;
	size_t i;
	int fd;

	for (i = 0; i < 2; i++) {
		publish(LOCALHOST, protos[i], 5000, 5000, 3000);
		fd = host_socket(protos[i], GW, 20000, NS1, 3000);
		lo_gets(frame(CALL, .proto = protos[i], .sport = 20000, .flags = SYN));
		port = source_port();
		close(fd);
		assert_int_not_equal(port, 20000);
		expect_outcome(INTO_PORT);
		expect_packet(frame(CALL_INSIDE, .proto = protos[i], .sport = port, .flags = SYN));
	}
}

static void two_clients_with_one_port_are_told_apart(void **s)
{
	uint16_t port;

	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	lo_gets(frame(CALL, .sport = 20000));
	expect_in(frame(CALL_INSIDE, .sport = 20000));
	lo_gets(frame(ON_LO, .src = "127.0.0.2", .dst = LOCALHOST, .sport = 20000, .dport = 5000));
	port = source_port();
	assert_int_not_equal(port, 20000);
	expect_outcome(INTO_PORT);
	expect_packet(frame(CALL_INSIDE, .sport = port));
	ns1_sends(frame(ANSWER, .dport = port));
	expect_back(frame(NS1_TO_GW, .src = LOCALHOST, .dst = "127.0.0.2", .sport = 5000, .dport = 20000));
}

/* ---- ICMP errors ---- */

static void an_error_from_inside_reaches_the_client(void **s)
{
	publish(LOCALHOST, UDP, 5000, 5000, 3000);
	lo_gets(frame(CALL, .sport = 999));
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = GW, .proto = ICMP, .type = UNREACHABLE, .code = 3,
			.inner = frame(CALL_INSIDE, .sport = 999)));
	expect_outcome(INTO_HOST);
	expect_packet(frame(NS1_TO_GW, .src = LOCALHOST, .dst = LOCALHOST, .proto = ICMP, .type = UNREACHABLE,
			    .code = 3, .inner = frame(CALL, .sport = 999)));
	expect_counted(COUNT_icmp_translated);
}

static void an_error_of_the_client_reaches_the_namespace(void **s)
{
	publish(LOCALHOST, UDP, 5000, 5000, 3000);
	lo_gets(frame(CALL, .sport = 999));
	ns1_sends(frame(ANSWER, .dport = 999));
	lo_gets(frame(ON_LO, .src = LOCALHOST, .dst = LOCALHOST, .proto = ICMP, .type = UNREACHABLE, .code = 3,
		      .inner = frame(ANSWER_ON_LO, .dport = 999)));
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = UNREACHABLE, .code = 3,
			    .inner = frame(ANSWER, .dport = 999)));
	expect_counted(COUNT_icmp_translated);
}

/* ---- nobody else ---- */

static void the_outside_neither_reaches_nor_has_a_loopback_address(void **s)
{
	static const char *const from[] = { SERVER, LOCALHOST, LOCALHOST, UPLINK, "127.8.8.8", GW, NS1 };
	static const char *const to[] = { LOCALHOST, LOCALHOST, UPLINK, LOCALHOST, UPLINK, LOCALHOST, LOCALHOST };
	size_t i;

	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	publish("0.0.0.0", TCP, 5000, 5000, 3000);
	/* beside a flow that is open */
	lo_gets(frame(CALL, .sport = 999));
	for (i = 0; i < 7; i++) {
		uplink_gets(frame(FROM_ISP, .src = from[i], .dst = to[i], .sport = 999, .dport = 5000));
		expect_dropped(COUNT_martian);
		uplink_gets(frame(FROM_ISP, .src = from[i], .dst = to[i], .sport = 5000, .dport = 999));
		expect_dropped(COUNT_martian);
		uplink_gets(frame(FROM_ISP, .src = from[i], .dst = to[i], .sport = 3000, .dport = 999));
		expect_dropped(COUNT_martian);
		uplink_gets(frame(FROM_ISP, .src = from[i], .dst = to[i], .proto = TCP, .sport = 999, .dport = 5000,
				  .flags = SYN));
		expect_dropped(COUNT_martian);
	}
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = LOCALHOST, .proto = ICMP, .type = UNREACHABLE, .code = 3,
			  .inner = frame(CALL, .sport = 999)));
	expect_dropped(COUNT_martian);
	uplink_gets(frame(FROM_ISP, .src = SERVER, .dst = LOCALHOST, .proto = ICMP, .type = ECHO));
	expect_dropped(COUNT_martian);
	expect_live_flows(1);
}

static void a_namespace_neither_reaches_nor_has_a_loopback_address(void **s)
{
	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	lo_gets(frame(CALL, .sport = 999));
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = LOCALHOST, .sport = 999, .dport = 5000));
	expect_dropped(COUNT_martian);
	ns2_sends(frame(NS2_TO_GW, .src = LOCALHOST, .dst = UPLINK, .sport = 999, .dport = 5000));
	expect_dropped(COUNT_spoofed_addr);
	ns2_sends(frame(NS2_TO_GW, .src = LOCALHOST, .dst = LOCALHOST, .sport = 999, .dport = 5000));
	expect_dropped(COUNT_spoofed_addr);
	/* may send from any address, but not from this one */
	ns3_sends(frame(NS3_TO_GW, .src = LOCALHOST, .dst = UPLINK, .sport = 999, .dport = 5000));
	expect_dropped(COUNT_martian);
	expect_live_flows(1);
}

/* An answer comes from whom was asked. */
static void an_answer_from_elsewhere_is_none(void **s)
{
	publish(LOCALHOST, UDP, 5000, 5000, 3000);
	lo_gets(frame(CALL, .sport = 999));
	ns2_sends(frame(NS2_TO_GW, .src = NS1, .dst = GW, .sport = 3000, .dport = 999));
	expect_dropped(COUNT_spoofed_addr);
	ns2_sends(frame(NS2_TO_GW, .src = NS2, .dst = GW, .sport = 3000, .dport = 999));
	expect_outcome(INTO_HOST);
	expect_packet(frame(NS2_TO_GW, .src = NS2, .dst = GW, .sport = 3000, .dport = 999));
	expect_counted(COUNT_to_host);
	run(HOOK_PORT, DEV_NS4, frame(.smac = NS4_MAC, .dmac = "02:42:c0:a8:02:01", .src = NS4, .dst = GW,
				      .sport = 3000, .dport = 999));
	assert_false(frame_u16(output(), ETH_LEN + 16) == 0x7f00);
	uplink_gets(frame(FROM_ISP, .src = NS1, .dst = GW, .sport = 3000, .dport = 999));
	expect_dropped(COUNT_martian);
}

/* With route_localnet a socket that is bound to the uplink sends there what is for lo. */
static void what_leaves_by_the_uplink_is_no_call(void **s)
{
	struct frame *f = frame(.smac = UPLINK_MAC, .dmac = ISP_MAC, .src = LOCALHOST, .dst = LOCALHOST, .sport = 999,
				.dport = 5000);

	publish(LOCALHOST, UDP, 5000, 5000, 3000);
	lo_gets(frame(CALL, .sport = 999));
	run(HOOK_UPLINK_OUT, DEV_UPLINK, f);
	expect_left_alone(f);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_connection_leads_into_the_namespace_and_back),
		spec(a_datagram_leads_into_the_namespace_and_back),
		spec(a_datagram_in_fragments_does_too),
		spec(a_port_of_every_address_is_one_of_each_loopback_address),
		spec(a_client_with_another_address_of_the_host_keeps_it),
		spec(other_addresses_and_ports_are_left_alone),
		spec(without_its_mapping_a_flow_ends_with_the_next_packet),
		spec(a_socket_of_the_host_keeps_its_loopback_address),
		spec(an_answer_to_a_socket_of_the_host_is_no_call),
		spec(a_mapping_of_that_very_address_comes_before_a_later_socket),
		spec(a_port_that_the_kernel_chooses_from_becomes_another),
		spec(the_hosts_range_is_followed),
		spec(a_port_that_a_socket_of_the_host_uses_becomes_another),
		spec(two_clients_with_one_port_are_told_apart),
		spec(an_error_from_inside_reaches_the_client),
		spec(an_error_of_the_client_reaches_the_namespace),
		spec(the_outside_neither_reaches_nor_has_a_loopback_address),
		spec(a_namespace_neither_reaches_nor_has_a_loopback_address),
		spec(an_answer_from_elsewhere_is_none),
		spec(what_leaves_by_the_uplink_is_no_call),
	};

	return run_specs("loopback", specs);
}
