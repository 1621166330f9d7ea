// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* include/ebpfnet/core/parse.h on whole frames. */
#include "frame.h"

static void assert_kind(struct frame f, enum pkt_kind kind)
{
	struct pkt p;

	assert_int_equal(parse(f, &p), PARSED);
	assert_int_equal(p.kind, kind);
}

static void assert_bad(struct frame f)
{
	struct pkt p;

	assert_int_equal(parse(f, &p), PARSE_BAD);
}

static bool addr_is(struct ipaddr a, int a0, int a1, int a2, int a3)
{
	return a.octet[0] == a0 && a.octet[1] == a1 && a.octet[2] == a2 && a.octet[3] == a3;
}

/* ---- Ethernet ---- */

static void macs_and_type_are_read(void **state)
{
	struct frame f = eth(0x88cc, 46);
	struct pkt p;

	assert_int_equal(parse(f, &p), PARSED);
	assert_memory_equal(p.dmac, f.bytes, 6);
	assert_memory_equal(p.smac, f.bytes + 6, 6);
	assert_int_equal(p.eth_type, 0x88cc);
	assert_int_equal(p.l4, ETH_HLEN);
}

static void every_other_ethertype_is_foreign(void **state)
{
	uint32_t type;

	for (type = 0; type <= 0xffff; type++)
		if (type != ETH_P_IP && type != ETH_P_ARP && type != ETH_P_IPV6)
			assert_kind(eth(type, 0), PKT_FOREIGN);
}

static void ipv6_is_distinguished(void **state)
{
	assert_kind(eth(ETH_P_IPV6, 0), PKT_IPV6);
	assert_kind(eth(ETH_P_IPV6, 40), PKT_IPV6);
}

/* ---- ARP ---- */

static void arp_addresses_and_operation_are_read(void **state)
{
	static const uint8_t mac[6] = { 0xfe, 0xeb, 5, 6, 7, 8 };
	struct pkt p;

	assert_int_equal(parse(arp(ARPOP_REQUEST), &p), PARSED);
	assert_int_equal(p.kind, PKT_ARP);
	assert_int_equal(p.arp_op, ARPOP_REQUEST);
	assert_memory_equal(p.arp_smac, mac, sizeof(mac));
	assert_true(addr_is(p.key.src, 192, 0, 2, 1));
	assert_true(addr_is(p.key.dst, 192, 0, 2, 2));
	assert_int_equal(parse(arp(0x0102), &p), PARSED);
	assert_int_equal(p.arp_op, 0x0102);
}

/* RFC 826: hardware Ethernet, protocol IPv4, lengths 6 and 4: each byte counts. */
static void arp_of_another_kind_is_foreign(void **state)
{
	struct frame f;
	size_t i;

	for (i = 0; i < 6; i++) {
		f = arp(ARPOP_REQUEST);
		ip_of(&f)[i]++;
		assert_kind(f, PKT_FOREIGN);
	}
}

static void arp_with_padding_is_read_alike(void **state)
{
	struct frame f = arp(ARPOP_REPLY);

	f.len = 60;
	assert_kind(f, PKT_ARP);
}

/* ---- IPv4 ---- */

static void ip_header_is_read(void **state)
{
	struct frame f = fragment(udp(24, 3), IP_DF);
	struct pkt p;

	assert_int_equal(parse(f, &p), PARSED);
	assert_int_equal(p.eth_type, ETH_P_IP);
	assert_int_equal(p.ihl, 24);
	assert_int_equal(p.l4, ETH_HLEN + 24);
	assert_int_equal(p.ip_len, 24 + 8 + 3);
	assert_int_equal(p.tos, 0xb8);
	assert_int_equal(p.ttl, 64);
	assert_int_equal(p.frag, IP_DF);
	assert_int_equal(p.key.proto, L4_UDP);
	assert_int_equal(p.key.zone, 0);
	assert_memory_equal(&p.ip_check, ip_of(&f) + 10, 2);
	assert_true(addr_is(p.key.src, 192, 0, 2, 1));
	assert_true(addr_is(p.key.dst, 203, 0, 113, 9));
}

static void ip_version_other_than_4_is_bad(void **state)
{
	struct frame f;
	int version;

	for (version = 0; version < 16; version++) {
		f = udp(20, 0);
		ip_of(&f)[0] = version << 4 | 5;
		if (version == 4)
			assert_kind(f, PKT_PORTS);
		else
			assert_bad(f);
	}
}

static void header_length_below_20_is_bad(void **state)
{
	struct frame f;
	int words;

	for (words = 0; words < 5; words++) {
		f = udp(20, 40);
		ip_of(&f)[0] = 0x40 | words;
		assert_bad(f);
	}
}

static void header_longer_than_the_packet_is_bad(void **state)
{
	struct frame f = udp(20, 40);

	put16(ip_of(&f) + 2, 20 + 8);
	ip_of(&f)[0] = 0x48;
	assert_bad(f);
}

static void total_length_below_the_header_is_bad(void **state)
{
	struct frame f;
	int len;

	for (len = 0; len < 24; len++) {
		f = ipv4(47, 24, 40);
		put16(ip_of(&f) + 2, len);
		assert_bad(f);
	}
	put16(ip_of(&f) + 2, 24);
	assert_kind(f, PKT_OTHER);
}

static void total_length_beyond_the_frame_is_bad(void **state)
{
	struct frame f = udp(20, 40);
	uint32_t len;

	for (len = 20 + 8 + 40 + 1; len <= 0xffff; len++) {
		put16(ip_of(&f) + 2, len);
		assert_bad(f);
	}
}

/* Ethernet's minimum: the frame goes on after the packet. */
static void padding_is_no_part_of_the_packet(void **state)
{
	struct frame f = udp(20, 1);
	struct pkt p;

	f.len = 60;
	assert_int_equal(parse(f, &p), PARSED);
	assert_int_equal(p.ip_len, 20 + 8 + 1);
}

/* A large packet, of which only the headers are in the linear part. */
static void total_length_counts_for_the_frame_and_not_for_what_is_visible(void **state)
{
	struct frame f = udp(20, 40);
	struct pkt p;

	put16(ip_of(&f) + 2, 60000);
	f.len = ETH_HLEN + 60000;
	assert_int_equal(parse_visible(&f, ETH_HLEN + 28, &p), PARSED);
	assert_int_equal(p.ip_len, 60000);
}

static void other_protocols_have_no_ports(void **state)
{
	struct pkt p;
	int proto;

	for (proto = 0; proto < 256; proto++) {
		if (proto == L4_TCP || proto == L4_UDP || proto == L4_ICMP)
			continue;
		assert_int_equal(parse(ipv4(proto, 20, 8), &p), PARSED);
		assert_int_equal(p.kind, PKT_OTHER);
		assert_int_equal(p.key.proto, proto);
		assert_int_equal(p.key.sport_h | p.key.dport_h, 0);
		assert_kind(ipv4(proto, 20, 0), PKT_OTHER);
	}
}

/* ---- fragments ---- */

static void first_fragment_has_ports(void **state)
{
	struct pkt p;

	assert_int_equal(parse(fragment(udp(20, 16), IP_MF), &p), PARSED);
	assert_int_equal(p.kind, PKT_PORTS);
	assert_int_equal(p.key.sport_h, 4000);
	assert_int_equal(p.frag, IP_MF);
}

/* Their first bytes are payload, whatever they look like. */
static void later_fragments_have_no_ports(void **state)
{
	static const uint16_t frags[] = { 1, 0x1fff, IP_MF | 1, IP_DF | 185, 0x1000 };
	static const uint8_t protos[] = { L4_TCP, L4_UDP, L4_ICMP, 47 };
	struct frame f;
	struct pkt p;
	size_t i, n;

	for (i = 0; i < COUNT(frags); i++)
		for (n = 0; n < COUNT(protos); n++) {
			f = fragment(ipv4(protos[n], 20, 8), frags[i]);
			memset(l4_of(&f), 0x55, 8);
			assert_int_equal(parse(f, &p), PARSED);
			assert_int_equal(p.kind, PKT_FRAG);
			assert_int_equal(p.key.sport_h | p.key.dport_h | p.tcp_flags, 0);
			assert_int_equal(p.icmp_type, 0);
		}
	assert_kind(fragment(ipv4(L4_TCP, 20, 0), 1), PKT_FRAG);
}

/* ---- TCP, UDP ---- */

static void udp_ports_are_read_behind_ip_options(void **state)
{
	struct pkt p;
	size_t ihl;

	for (ihl = 20; ihl <= 60; ihl += 4) {
		assert_int_equal(parse(udp(ihl, 5), &p), PARSED);
		assert_int_equal(p.kind, PKT_PORTS);
		assert_int_equal(p.key.sport_h, 4000);
		assert_int_equal(p.key.dport_h, 53);
		assert_int_equal(p.l4, ETH_HLEN + ihl);
		assert_int_equal(p.l4_hlen, 8);
		assert_int_equal(p.tcp_flags, 0);
	}
}

static void tcp_ports_flags_and_header_length_are_read(void **state)
{
	struct pkt p;
	size_t doff;
	int flags;

	for (doff = 20; doff <= 60; doff += 4)
		for (flags = 0; flags < 256; flags++) {
			assert_int_equal(parse(tcp(20, doff, flags, doff), &p), PARSED);
			assert_int_equal(p.kind, PKT_PORTS);
			assert_int_equal(p.key.sport_h, 4000);
			assert_int_equal(p.key.dport_h, 80);
			assert_int_equal(p.tcp_flags, flags);
			assert_int_equal(p.l4_hlen, doff);
		}
}

static void tcp_header_length_below_20_is_bad(void **state)
{
	size_t doff;

	for (doff = 0; doff < 20; doff += 4)
		assert_bad(tcp(20, doff, TCP_SYN, 40));
}

static void tcp_options_beyond_the_packet_are_bad(void **state)
{
	assert_kind(tcp(20, 32, TCP_ACK, 32), PKT_PORTS);
	assert_bad(tcp(20, 36, TCP_ACK, 32));
	assert_bad(tcp(20, 60, TCP_ACK, 59));
}

/* The transport header would be read out of the padding. */
static void transport_header_in_the_padding_is_bad(void **state)
{
	struct frame f = tcp(20, 20, TCP_SYN, 20);

	put16(ip_of(&f) + 2, 20 + 19);
	assert_bad(f);
	f = udp(20, 0);
	put16(ip_of(&f) + 2, 20 + 7);
	f.len = 60;
	assert_bad(f);
	f = icmp(ICMP_ECHO, 20, 0);
	put16(ip_of(&f) + 2, 20 + 7);
	assert_bad(f);
	f = icmp(ICMP_DEST_UNREACH, 20, 0);
	put16(ip_of(&f) + 2, 20 + 7);
	assert_bad(f);
}

/* ---- ICMP ---- */

static enum pkt_kind icmp_kind(uint8_t type)
{
	switch (type) {
	case 0: /* echo reply */
	case 8: /* echo */
	case 13: /* timestamp */
	case 14: /* timestamp reply */
		return PKT_QUERY;
	case 3: /* destination unreachable */
	case 11: /* time exceeded */
	case 12: /* parameter problem */
		return PKT_ERROR;
	default:
		return PKT_OTHER;
	}
}

static void icmp_types_are_queries_errors_or_neither(void **state)
{
	struct pkt p;
	int type;

	for (type = 0; type < 256; type++) {
		assert_int_equal(parse(icmp(type, 20, 28), &p), PARSED);
		assert_int_equal(p.kind, icmp_kind(type));
		assert_int_equal(p.icmp_type, type);
		assert_int_equal(p.l4_hlen, 8);
	}
}

static void identifier_of_a_query_is_in_both_ports_and_of_others_in_none(void **state)
{
	uint16_t want;
	struct pkt p;
	int type;

	for (type = 0; type < 256; type++) {
		want = icmp_kind(type) == PKT_QUERY ? 0xabcd : 0;
		assert_int_equal(parse(icmp(type, 28, 0), &p), PARSED);
		assert_int_equal(p.key.sport_h, want);
		assert_int_equal(p.key.dport_h, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(macs_and_type_are_read),
		cmocka_unit_test(every_other_ethertype_is_foreign),
		cmocka_unit_test(ipv6_is_distinguished),
		cmocka_unit_test(arp_addresses_and_operation_are_read),
		cmocka_unit_test(arp_of_another_kind_is_foreign),
		cmocka_unit_test(arp_with_padding_is_read_alike),
		cmocka_unit_test(ip_header_is_read),
		cmocka_unit_test(ip_version_other_than_4_is_bad),
		cmocka_unit_test(header_length_below_20_is_bad),
		cmocka_unit_test(header_longer_than_the_packet_is_bad),
		cmocka_unit_test(total_length_below_the_header_is_bad),
		cmocka_unit_test(total_length_beyond_the_frame_is_bad),
		cmocka_unit_test(padding_is_no_part_of_the_packet),
		cmocka_unit_test(total_length_counts_for_the_frame_and_not_for_what_is_visible),
		cmocka_unit_test(other_protocols_have_no_ports),
		cmocka_unit_test(first_fragment_has_ports),
		cmocka_unit_test(later_fragments_have_no_ports),
		cmocka_unit_test(udp_ports_are_read_behind_ip_options),
		cmocka_unit_test(tcp_ports_flags_and_header_length_are_read),
		cmocka_unit_test(tcp_header_length_below_20_is_bad),
		cmocka_unit_test(tcp_options_beyond_the_packet_are_bad),
		cmocka_unit_test(transport_header_in_the_padding_is_bad),
		cmocka_unit_test(icmp_types_are_queries_errors_or_neither),
		cmocka_unit_test(identifier_of_a_query_is_in_both_ports_and_of_others_in_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
