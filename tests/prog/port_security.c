// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Port security: which addresses a namespace may send from. */
#include <string.h>

#include "lib/harness.h"

/* fe80:: and the EUI-64 of the MAC. */
#define NS1_LINK_LOCAL "fe80::42:c0ff:fea8:10a"
#define ALL_NODES "ff02::1"
#define ALL_NODES_MAC "33:33:00:00:00:01"

static void a_source_mac_is_unicast(void **s)
{
	ns1_sends(frame(.smac = "00:00:00:00:00:00", .dmac = NS2_MAC, .src = NS1, .dst = NS2));
	expect_dropped(COUNT_bad_source_mac);
	ns1_sends(frame(.smac = BROADCAST, .dmac = NS2_MAC, .src = NS1, .dst = NS2));
	expect_dropped(COUNT_bad_source_mac);
	ns3_sends(frame(.smac = "01:00:5e:00:00:01", .dmac = NS2_MAC, .src = NS3, .dst = NS2));
	expect_dropped(COUNT_bad_source_mac);
}

static void no_port_sends_from_the_gateways_mac(void **s)
{
	ns1_sends(frame(.smac = GW_MAC, .dmac = NS2_MAC, .src = NS1, .dst = NS2));
	expect_dropped(COUNT_spoofed_mac);
	ns3_sends(frame(.smac = GW_MAC, .dmac = NS2_MAC, .src = NS3, .dst = NS2));
	expect_dropped(COUNT_spoofed_mac);
}

static void a_port_sends_from_its_own_mac(void **s)
{
	ns1_sends(frame(.smac = NS2_MAC, .dmac = NS3_MAC, .src = NS1, .dst = NS3));
	expect_dropped(COUNT_spoofed_mac);
	/* each word of the address counts */
	ns1_sends(frame(.smac = "02:43:c0:a8:01:0a", .dmac = NS2_MAC, .src = NS1, .dst = NS2));
	expect_dropped(COUNT_spoofed_mac);
	ns1_sends(frame(.smac = "02:42:c0:a9:01:0a", .dmac = NS2_MAC, .src = NS1, .dst = NS2));
	expect_dropped(COUNT_spoofed_mac);
	ns1_sends(ethernet(STRANGER_MAC, NS2_MAC, 0x88b5, "experimental"));
	expect_dropped(COUNT_spoofed_mac);
}

static void a_port_sends_from_its_own_address(void **s)
{
	ns1_sends(frame(NS1_TO_NS2, .src = NS3, .dst = NS2));
	expect_dropped(COUNT_spoofed_addr);
	ns1_sends(frame(NS1_TO_GW, .src = SERVER2, .dst = SERVER));
	expect_dropped(COUNT_spoofed_addr);
	ns1_sends(frame(NS1_TO_GW, .src = GW, .dst = SERVER));
	expect_dropped(COUNT_spoofed_addr);
}

static void a_dhcp_client_has_no_address_yet(void **s)
{
	ns1_sends(frame(.smac = NS1_MAC, .dmac = BROADCAST, .src = "0.0.0.0",
			.dst = "255.255.255.255", .sport = 68, .dport = 67));
	expect_outcome(INTO_HOST);
	expect_counted(COUNT_flooded);
}

static void only_dhcp_has_no_source_address(void **s)
{
	ns1_sends(frame(.smac = NS1_MAC, .dmac = BROADCAST, .src = "0.0.0.0",
			.dst = "255.255.255.255", .sport = 68, .dport = 68));
	expect_dropped(COUNT_spoofed_addr);
	ns1_sends(frame(.smac = NS1_MAC, .dmac = BROADCAST, .src = "0.0.0.0",
			.dst = "255.255.255.255", .sport = 67, .dport = 67));
	expect_dropped(COUNT_spoofed_addr);
	ns1_sends(frame(NS1_TO_NS2, .src = "0.0.0.0", .dst = NS2, .proto = TCP, .sport = 68,
			.dport = 67, .flags = SYN));
	expect_dropped(COUNT_spoofed_addr);
	/* the bytes where ports would be, but this is not the datagram's beginning */
	ns1_sends(frame(NS1_TO_NS2, .src = "0.0.0.0", .dst = NS2, .frag = 100,
			.payload = "\0\x44\0\x43\0\0\0\0", .payload_len = 8));
	expect_dropped(COUNT_spoofed_addr);
}

static void arp_tells_the_ports_own_addresses(void **s)
{
	ns1_sends(arp(.smac = NS1_MAC, .dmac = BROADCAST, .op = ARP_REQUEST, .sender_mac = NS2_MAC,
		      .sender = NS1, .target = NS2));
	expect_dropped(COUNT_spoofed_mac);
	ns1_sends(arp(NS1_TO_NS2, .op = ARP_REPLY, .sender_mac = NS1_MAC, .sender = GW,
		      .target_mac = NS2_MAC, .target = NS2));
	expect_dropped(COUNT_spoofed_addr);
}

static void arp_of_another_layout_is_refused(void **s)
{
	struct frame *f = arp(NS1_TO_NS2, .op = ARP_REPLY, .sender_mac = NS1_MAC, .sender = NS1,
			      .target_mac = NS2_MAC, .target = NS2);

	f->bytes[ETH_LEN + 4] = 8; /* length of a hardware address */
	ns1_sends(f);
	expect_dropped(COUNT_malformed);
	f->bytes[ETH_LEN + 4] = 6;
	f->bytes[ETH_LEN + 5] = 16; /* of a protocol address */
	ns1_sends(f);
	expect_dropped(COUNT_malformed);
	f->bytes[ETH_LEN + 5] = 4;
	f->len--;
	ns1_sends(f);
	expect_dropped(COUNT_malformed);
	f->len++;
	f->bytes[ETH_LEN + 1] = 6; /* IEEE 802, which Linux believes, too */
	ns1_sends(f);
	expect_dropped(COUNT_malformed);
	memcpy(f->bytes + 6, "\x02\x42\xc0\xa8\x01\x0c", 6);
	ns3_sends(f);
	expect_dropped(COUNT_malformed);
}

/* Whatever a port may send: announcements, replies that nobody asked for, and requests tell an address, too. */
static void no_port_claims_anothers_address_by_arp(void **s)
{
	static const char *const others[] = { GW, NS1 };
	size_t i;

	for (i = 0; i < 2; i++) {
		ns3_sends(arp(.smac = NS3_MAC, .dmac = BROADCAST, .op = ARP_REQUEST, .sender_mac = NS3_MAC,
			      .sender = others[i], .target = others[i]));
		expect_dropped(COUNT_spoofed_addr);
		ns3_sends(arp(.smac = NS3_MAC, .dmac = BROADCAST, .op = ARP_REPLY, .sender_mac = NS3_MAC,
			      .sender = others[i], .target_mac = NS3_MAC, .target = others[i]));
		expect_dropped(COUNT_spoofed_addr);
		ns3_sends(arp(.smac = NS3_MAC, .dmac = NS2_MAC, .op = ARP_REPLY, .sender_mac = NS3_MAC,
			      .sender = others[i], .target_mac = NS2_MAC, .target = NS2));
		expect_dropped(COUNT_spoofed_addr);
		ns3_sends(arp(.smac = NS3_MAC, .dmac = BROADCAST, .op = ARP_REQUEST, .sender_mac = NS3_MAC,
			      .sender = others[i], .target = NS2));
		expect_dropped(COUNT_spoofed_addr);
		/* from a machine behind it, and to the host */
		ns3_sends(arp(.smac = STRANGER_MAC, .dmac = GW_MAC, .op = ARP_REPLY, .sender_mac = STRANGER_MAC,
			      .sender = others[i], .target_mac = GW_MAC, .target = GW));
		expect_dropped(COUNT_spoofed_addr);
		/* and by what it sends */
		ns3_sends(frame(.smac = NS3_MAC, .dmac = NS2_MAC, .src = others[i], .dst = NS2));
		expect_dropped(COUNT_spoofed_addr);
		ns3_sends(frame(NS3_TO_GW, .src = others[i], .dst = SERVER, .sport = 4000, .dport = 53));
		expect_dropped(COUNT_spoofed_addr);
	}
	expect_live_flows(0);
}

/* Nor does it lead others to the gateway. */
static void no_port_tells_the_gateways_mac(void **s)
{
	ns3_sends(arp(.smac = NS3_MAC, .dmac = BROADCAST, .op = ARP_REQUEST, .sender_mac = GW_MAC,
		      .sender = "192.168.1.200", .target = NS2));
	expect_dropped(COUNT_spoofed_mac);
	ns3_sends(arp(.smac = STRANGER_MAC, .dmac = BROADCAST, .op = ARP_REQUEST, .sender_mac = STRANGER_MAC,
		      .sender = "192.168.1.200", .target = "192.168.1.201"));
	expect_counted(COUNT_flooded, COUNT_fdb_learned);
}

static void router_advertisements_are_refused_from_anybody(void **s)
{
	ns1_sends(ipv6(.smac = NS1_MAC, .dmac = ALL_NODES_MAC, .src = NS1_LINK_LOCAL,
		       .dst = ALL_NODES, .type = 134));
	expect_dropped(COUNT_router_advert);
	ns3_sends(ipv6(.smac = NS3_MAC, .dmac = ALL_NODES_MAC, .src = "fe80::1", .dst = ALL_NODES,
		       .type = 134));
	expect_dropped(COUNT_router_advert);
}

/* Types of extension headers (RFC 8200 section 4). */
enum {
	HOP_BY_HOP = 0,
	ROUTING = 43,
	DESTINATION = 60,
};

#define FROM_NS1_TO_ALL .smac = NS1_MAC, .dmac = ALL_NODES_MAC, .src = NS1_LINK_LOCAL, .dst = ALL_NODES
#define FROM_NS3_TO_ALL .smac = NS3_MAC, .dmac = ALL_NODES_MAC, .src = "fe80::1", .dst = ALL_NODES

/* An extension header: the next one's type; its length, (0 or 1) + 1 times 8; an option that pads. */
#define THEN_ICMPV6 "\72"
#define THEN_DESTINATION "\74"
#define THEN_ROUTING "\53"
#define EMPTY "\0\1\4\0\0\0\0"
#define TWICE_AS_LONG "\1\1\14\0\0\0\0\0\0\0\0\0\0\0\0"

/* RFC 7113: what looks only at the first header lets advertisements through behind another. */
static void extension_headers_hide_no_router_advertisement(void **s)
{
	static const struct {
		uint8_t next, len;
		const char *ext;
	} chains[] = {
		{ HOP_BY_HOP, 8, THEN_ICMPV6 EMPTY },
		{ DESTINATION, 8, THEN_ICMPV6 EMPTY },
		{ ROUTING, 8, THEN_ICMPV6 EMPTY },
		{ DESTINATION, 16, THEN_ICMPV6 TWICE_AS_LONG },
		{ HOP_BY_HOP, 24, THEN_DESTINATION EMPTY THEN_ROUTING EMPTY THEN_ICMPV6 EMPTY },
	};
	size_t i;

	for (i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		ns1_sends(ipv6(FROM_NS1_TO_ALL, .type = 134, .next = chains[i].next,
			       .ext = chains[i].ext, .ext_len = chains[i].len));
		expect_dropped(COUNT_router_advert);
		ns3_sends(ipv6(FROM_NS3_TO_ALL, .type = 134, .next = chains[i].next,
			       .ext = chains[i].ext, .ext_len = chains[i].len));
		expect_dropped(COUNT_router_advert);
		/* and no harm is done to what else is behind them */
		ns1_sends(ipv6(FROM_NS1_TO_ALL, .type = 128, .next = chains[i].next,
			       .ext = chains[i].ext, .ext_len = chains[i].len));
		expect_counted(COUNT_flooded);
	}
}

static void a_needless_chain_of_headers_is_refused(void **s)
{
	static const char chain[] = THEN_DESTINATION EMPTY THEN_DESTINATION EMPTY THEN_DESTINATION EMPTY
		THEN_ICMPV6 EMPTY;

	ns1_sends(ipv6(FROM_NS1_TO_ALL, .type = 135, .next = DESTINATION, .ext = chain, .ext_len = 32));
	expect_dropped(COUNT_malformed);
	ns3_sends(ipv6(FROM_NS3_TO_ALL, .type = 134, .next = DESTINATION, .ext = chain, .ext_len = 32));
	expect_dropped(COUNT_malformed);
}

/* In an extension header, before ICMPv6, in what is advertised. */
static void ipv6_that_ends_too_soon_is_refused(void **s)
{
	struct frame *f = ipv6(FROM_NS1_TO_ALL, .type = 136, .target = NS1_LINK_LOCAL, .next = HOP_BY_HOP,
			       .ext = THEN_ICMPV6 EMPTY, .ext_len = 8);
	static const uint32_t ends[] = { ETH_LEN + 41, ETH_LEN + 48, ETH_LEN + 48 + 23 };
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		f->len = ends[i];
		ns1_sends(f);
		expect_dropped(COUNT_malformed);
	}
}

/* A tag in the bytes is a second one: the kernel takes the first out of them. */
static void a_second_tag_hides_nothing(void **s)
{
	struct frame *f = frame(NS1_TO_NS2, .src = NS3, .dst = NS2);

	ns1_sends(frame_tagged(f, 0));
	expect_dropped(COUNT_malformed);
	ns1_sends(frame_tagged_ad(f, 0));
	expect_dropped(COUNT_malformed);
	ns1_sends(frame_tagged(frame(NS1_TO_NS2, .src = NS1, .dst = NS2), 5));
	expect_dropped(COUNT_malformed);
}

static void a_port_with_spoof_allow_sends_as_anybody(void **s)
{
	ns3_sends(frame(.smac = STRANGER_MAC, .dmac = NS2_MAC, .src = "198.51.100.1", .dst = NS2));
	expect_outcome(INTO_PORT);
	expect_counted(COUNT_switched, COUNT_fdb_learned);
	ns3_sends(ipv6(.smac = NS3_MAC, .dmac = ALL_NODES_MAC, .src = "2001:db8::1",
		       .dst = ALL_NODES, .type = 128));
	expect_counted(COUNT_flooded);
}

/* A broadcast MAC address leads to the host, too, who might take a loopback address from there. */
static void a_loopback_address_is_not_flooded_to_the_host(void **s)
{
	ns2_sends(frame(.smac = NS2_MAC, .dmac = BROADCAST, .src = NS2, .dst = "127.0.0.1", .sport = 999, .dport = 53));
	expect_dropped(COUNT_martian);
	ns3_sends(frame(.smac = NS3_MAC, .dmac = BROADCAST, .src = "127.0.0.1", .dst = UPLINK, .dport = 53));
	expect_dropped(COUNT_martian);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_source_mac_is_unicast),
		spec(no_port_sends_from_the_gateways_mac),
		spec(a_port_sends_from_its_own_mac),
		spec(a_port_sends_from_its_own_address),
		spec(a_dhcp_client_has_no_address_yet),
		spec(only_dhcp_has_no_source_address),
		spec(arp_tells_the_ports_own_addresses),
		spec(arp_of_another_layout_is_refused),
		spec(no_port_claims_anothers_address_by_arp),
		spec(no_port_tells_the_gateways_mac),
		spec(router_advertisements_are_refused_from_anybody),
		spec(extension_headers_hide_no_router_advertisement),
		spec(a_needless_chain_of_headers_is_refused),
		spec(ipv6_that_ends_too_soon_is_refused),
		spec(a_second_tag_hides_nothing),
		spec(a_port_with_spoof_allow_sends_as_anybody),
		spec(a_loopback_address_is_not_flooded_to_the_host),
	};

	return run_specs("port security", specs);
}
