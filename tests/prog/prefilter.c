// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The XDP prefilter of an uplink: it drops only packets that the uplink's program would drop and count too; a packet
 * that needs a closer look passes. tests/fuzz/prog asserts the same of random packets.
 */
#include <unistd.h>

#include "lib/harness.h"

#define TO_HOST FROM_ISP, .dst = UPLINK
#define TO_MAPPED TO_HOST, .proto = TCP, .sport = 7, .dport = 4000
#define OTHER_MAC "06:00:ac:1f:0d:99"

/* In the driver and behind it: one program, twice. */
static void passes_early(const struct frame *f)
{
	xdp_gets(f);
	expect_outcome(PASSED);
	expect_packet(f);
	expect_counted(COUNTERS);
	generic_xdp_gets(f);
	expect_outcome(PASSED);
	expect_packet(f);
	expect_counted(COUNTERS);
}

static void dropped_early(const struct frame *f, enum counter reason)
{
	xdp_gets(f);
	expect_dropped(reason);
	generic_xdp_gets(f);
	expect_dropped(reason);
	uplink_gets(f);
	expect_dropped(reason);
}

/* The XDP prefilter passes it, and the uplink's program drops it. */
static void dropped_late(const struct frame *f, enum counter reason)
{
	passes_early(f);
	uplink_gets(f);
	expect_dropped(reason);
}

static void left_to_the_host(const struct frame *f)
{
	passes_early(f);
	uplink_gets(f);
	expect_left_alone(f);
}

static void ns1_calls_from_4000(void)
{
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .proto = TCP, .sport = 4000, .dport = 80,
			.flags = SYN));
	expect_outcome(SENT);
}

/* ---- addresses ---- */

static const char *const inside[] = { NS1, NS4, GW, "192.168.1.200", "192.168.1.255" };

/* One for each path through the parser. */
static const struct frame_spec kinds[] = {
	{ .proto = UDP, .sport = 53, .dport = 4000 },
	{ .proto = UDP, .sport = 53, .dport = 4000, .ttl = 1, .options = "\1\1\1\1", .options_len = 4 },
	{ .proto = TCP, .sport = 7, .dport = 5000, .flags = SYN },
	{ .proto = TCP, .sport = 7, .dport = 5000, .flags = ACK, .check_error = 1 },
	{ .proto = ICMP, .type = ECHO },
	{ .proto = ICMP, .type = ECHO_REPLY },
	{ .proto = ICMP, .type = REDIRECT },
	{ .proto = GRE },
	{ .proto = AUTHENTICATION },
};

static const struct frame *of_kind(size_t kind, const char *src, const char *dst)
{
	struct frame_spec s = kinds[kind];

	s.smac = ISP_MAC;
	s.dmac = UPLINK_MAC;
	s.src = src;
	s.dst = dst;
	return frame_make(&s);
}

static void a_packet_with_an_address_inside_is_dropped_early(void **s)
{
	size_t kind, i;

	publish(UPLINK, UDP, 4000, 4000, 4000);
	for (kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
		for (i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
			dropped_early(of_kind(kind, inside[i], UPLINK), COUNT_martian);
			dropped_early(of_kind(kind, inside[i], NS2), COUNT_martian);
			dropped_early(of_kind(kind, SERVER, inside[i]), COUNT_unsolicited);
			dropped_early(of_kind(kind, "127.0.0.1", inside[i]), COUNT_unsolicited);
		}
	expect_live_flows(0);
}

static void a_packet_without_an_address_inside_passes(void **s)
{
	static const char *const others[] = { SERVER, "192.168.3.1", "192.168.0.255", "0.0.0.0", "224.0.0.1" };
	size_t kind, i;

	for (kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
		for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
			left_to_the_host(of_kind(kind, others[i], UPLINK));
}

/* An answer to a namespace passes, though its flow may have ended. */
static void a_packet_of_a_flow_passes(void **s)
{
	struct config cfg = config_now();
	struct frame *f = frame(TO_HOST, .src = NS2, .sport = 53, .dport = 4000);

	dropped_early(f, COUNT_martian);
	cfg.filtering = FILTER_ENDPOINT;
	configure(&cfg);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 53));
	dropped_early(f, COUNT_martian);
	age_flows(100000);
	xdp_gets(f);
	expect_dropped(COUNT_martian);
	generic_xdp_gets(f);
	expect_dropped(COUNT_martian);
	uplink_gets(f);
	expect_dropped(COUNT_martian, COUNT_flow_ended);
}

/* The host may have a route to such an address by the uplink: then a host there answers. */
static void an_address_inside_that_is_routed_outside_passes(void **s)
{
	struct frame *answer = frame(TO_HOST, .src = "192.168.1.200", .sport = 53, .dport = 4000);

	dropped_early(answer, COUNT_martian);
	host_command("ip route add 192.168.1.200 via " NEXT_HOP " dev eth0");
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = "192.168.1.200", .sport = 4000, .dport = 53));
	host_command("ip route del 192.168.1.200");
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
	passes_early(answer);
	uplink_gets(answer);
	expect_outcome(INTO_PORT);
	dropped_early(frame(TO_HOST, .src = "192.168.1.200", .sport = 54, .dport = 4000), COUNT_martian);
}

/* Routers outside may have such addresses, and send errors about packets. */
static void an_icmp_error_passes(void **s)
{
	struct frame *f = frame(TO_HOST, .src = NS2, .proto = ICMP, .type = TIME_EXCEEDED,
				.inner = frame(NS1_TO_GW, .src = UPLINK, .dst = SERVER, .sport = 4000,
					       .dport = 53));

	dropped_late(f, COUNT_martian);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 53));
	passes_early(f);
	uplink_gets(f);
	expect_outcome(INTO_PORT);
	expect_counted(COUNT_icmp_translated);
}

static void a_fragment_passes(void **s)
{
	struct frame *whole = frame(TO_HOST, .src = NS2, .sport = 53, .dport = 4000, .payload_len = 64,
				    .payload = (char[64]){});

	passes_early(frame_fragment(whole, 0, 32));
	passes_early(frame_fragment(whole, 32, 40));
	dropped_late(frame_fragment(whole, 0, 32), COUNT_martian);
}

/* ---- frames ---- */

static void a_frame_to_another_mac_passes(void **s)
{
	static const char *const macs[] = { BROADCAST, "01:00:5e:00:00:01", ISP_MAC, OTHER_MAC, GW_MAC };
	size_t i;

	for (i = 0; i < sizeof(macs) / sizeof(macs[0]); i++) {
		left_to_the_host(frame(.smac = ISP_MAC, .dmac = macs[i], .src = NS1, .dst = UPLINK));
		left_to_the_host(frame(.smac = ISP_MAC, .dmac = macs[i], .src = SERVER, .dst = NS1));
	}
}

/* The device's present address counts, not the one it had when the XDP prefilter came. */
static void a_device_may_change_its_mac(void **s)
{
	struct frame *was = frame(TO_HOST, .src = NS1);
	struct frame *is = frame(.smac = ISP_MAC, .dmac = OTHER_MAC, .src = NS1, .dst = UPLINK);

	dropped_early(was, COUNT_martian);
	host_command("ip link set eth0 address " OTHER_MAC);
	left_to_the_host(was);
	dropped_early(is, COUNT_martian);
	host_command("ip link set eth0 address " UPLINK_MAC);
}

static void a_frame_of_another_protocol_passes(void **s)
{
	passes_early(frame_tagged(frame(TO_HOST, .src = NS1), 7));
	passes_early(frame_tagged(frame(TO_HOST, .src = NS1), 0));
	passes_early(frame_tagged_ad(frame(TO_HOST, .src = NS1), 7));
	left_to_the_host(arp(FROM_ISP, .op = ARP_REQUEST, .sender_mac = ISP_MAC, .sender = NS1, .target = UPLINK));
	left_to_the_host(ipv6(FROM_ISP, .src = "fe80::1", .dst = "fe80::2", .type = 128));
	left_to_the_host(ethernet(ISP_MAC, UPLINK_MAC, 0x88b5, "of no protocol that anybody knows"));
}

/* The uplink's program reads no further than the addresses either. */
static void a_broken_header_with_an_address_inside_is_dropped_early(void **s)
{
	enum { VERSION = ETH_LEN, TOTAL_LENGTH = ETH_LEN + 2, DATA_OFFSET = ETH_LEN + IP_LEN + 12 };
	struct frame *f = frame(TO_HOST, .src = NS1, .proto = TCP, .flags = SYN);

	f->bytes[VERSION] = 0x65;
	dropped_early(f, COUNT_martian);
	f = frame(TO_HOST, .src = NS1, .proto = TCP, .flags = SYN);
	f->bytes[VERSION] = 0x44;
	dropped_early(f, COUNT_martian);
	f = frame(TO_HOST, .src = NS1, .proto = TCP, .flags = SYN);
	f->bytes[DATA_OFFSET] = 0x40;
	dropped_early(f, COUNT_martian);
	f = frame(TO_HOST, .src = NS1, .proto = TCP, .flags = SYN);
	frame_set_u16(f, TOTAL_LENGTH, f->len);
	dropped_early(f, COUNT_martian);
	f = frame(TO_HOST, .src = SERVER, .proto = TCP, .flags = SYN);
	frame_set_u16(f, TOTAL_LENGTH, f->len);
	left_to_the_host(f);
}

/* Whether or not it says so itself. */
static void a_frame_that_ends_in_its_headers_is_dropped_early(void **s)
{
	enum { TOTAL_LENGTH = ETH_LEN + 2, HEADERS = ETH_LEN + IP_LEN + 20 };
	struct frame *f = frame(TO_HOST, .src = NS1, .proto = TCP, .flags = SYN);
	uint32_t len;

	for (len = HEADERS - 1; len >= ETH_LEN + IP_LEN; len--) {
		f->len = len;
		frame_set_u16(f, TOTAL_LENGTH, HEADERS - ETH_LEN);
		dropped_early(f, COUNT_martian);
		frame_set_u16(f, TOTAL_LENGTH, len - ETH_LEN);
		dropped_early(f, COUNT_martian);
	}
}

/* ---- a SYN to an external port that a namespace has ---- */

/* Whether a socket or a NAT rule of the host takes it, the host alone knows. */
static void a_syn_to_a_mapped_port_is_left_to_the_host(void **s)
{
	ns1_calls_from_4000();
	left_to_the_host(frame(TO_MAPPED, .src = SERVER2, .flags = SYN));
	/* as ECN asks for, and with data */
	left_to_the_host(frame(TO_MAPPED, .src = SERVER2, .flags = SYN | 0xc0));
	dropped_early(frame(TO_MAPPED, .src = NS2, .flags = SYN), COUNT_martian);
	dropped_early(frame(FROM_ISP, .src = SERVER2, .dst = NS2, .proto = TCP, .sport = 7, .dport = 4000,
			    .flags = SYN), COUNT_unsolicited);
	/* for somebody behind the host, which forwards it */
	left_to_the_host(frame(FROM_ISP, .src = SERVER2, .dst = BEHIND_UNMANAGED, .proto = TCP, .sport = 7,
			       .dport = 4000, .flags = SYN));
}

static void another_packet_to_a_mapped_port_passes(void **s)
{
	static const uint8_t flags[] = { ACK, SYN | ACK, SYN | RST, RST, FIN | ACK, 0 };
	size_t i;

	ns1_calls_from_4000();
	for (i = 0; i < sizeof(flags); i++)
		left_to_the_host(frame(TO_MAPPED, .src = SERVER2, .flags = flags[i]));
	left_to_the_host(frame(TO_HOST, .src = SERVER2, .proto = TCP, .dport = 4001, .flags = SYN));
	left_to_the_host(frame(TO_HOST, .src = SERVER2, .sport = 7, .dport = 4000));
}

/* RFC 5382 REQ-2: both sides open at once. */
static void a_syn_of_a_simultaneous_open_passes(void **s)
{
	struct frame *f = frame(TO_HOST, .src = SERVER, .proto = TCP, .sport = 80, .dport = 4000, .flags = SYN);

	ns1_calls_from_4000();
	passes_early(f);
	uplink_gets(f);
	expect_outcome(INTO_PORT);
}

static void a_connection_to_the_hosts_own_server_passes(void **s)
{
	int server;

	ns1_calls_from_4000();
	server = host_socket(TCP, UPLINK, 4000, NULL, 0);
	left_to_the_host(frame(TO_MAPPED, .src = SERVER2, .flags = SYN));
	dropped_early(frame(TO_MAPPED, .src = NS2, .flags = SYN), COUNT_martian);
	close(server);
}

static void a_connection_to_a_published_port_passes(void **s)
{
	struct frame *f = frame(TO_MAPPED, .src = SERVER2, .flags = SYN);

	ns1_calls_from_4000();
	publish(UPLINK, TCP, 4000, 4000, 3000);
	passes_early(f);
	uplink_gets(f);
	expect_outcome(INTO_PORT);
	dropped_early(frame(TO_MAPPED, .src = NS2, .flags = SYN), COUNT_martian);
}

static void a_connection_to_a_port_published_on_every_address_passes(void **s)
{
	struct frame *f = frame(TO_MAPPED, .src = SERVER2, .flags = SYN);

	ns1_calls_from_4000();
	publish("0.0.0.0", TCP, 4000, 4000, 3000);
	passes_early(f);
	uplink_gets(f);
	expect_outcome(INTO_PORT);
	/* another host's address, and the gateway's */
	left_to_the_host(frame(FROM_ISP, .src = SERVER2, .dst = SERVER, .proto = TCP, .sport = 7, .dport = 4000,
			       .flags = SYN));
	dropped_early(frame(FROM_ISP, .src = SERVER2, .dst = GW, .proto = TCP, .sport = 7, .dport = 4000,
			   .flags = SYN), COUNT_unsolicited);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_packet_with_an_address_inside_is_dropped_early),
		spec(a_packet_without_an_address_inside_passes),
		spec(a_packet_of_a_flow_passes),
		spec(an_address_inside_that_is_routed_outside_passes),
		spec(an_icmp_error_passes),
		spec(a_fragment_passes),
		spec(a_frame_to_another_mac_passes),
		spec(a_device_may_change_its_mac),
		spec(a_frame_of_another_protocol_passes),
		spec(a_broken_header_with_an_address_inside_is_dropped_early),
		spec(a_frame_that_ends_in_its_headers_is_dropped_early),
		spec(a_syn_to_a_mapped_port_is_left_to_the_host),
		spec(another_packet_to_a_mapped_port_passes),
		spec(a_syn_of_a_simultaneous_open_passes),
		spec(a_connection_to_the_hosts_own_server_passes),
		spec(a_connection_to_a_published_port_passes),
		spec(a_connection_to_a_port_published_on_every_address_passes),
	};

	return run_specs("prefilter", specs);
}
