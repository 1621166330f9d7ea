// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Checksum offload: a sender by AF_PACKET says where a device is to write a checksum, and the device does so behind
 * the programs. So it must not be where they have checked or translated something.
 */
#include <string.h>

#include "lib/wire.h"

#define OUT NS1_TO_GW, .src = NS1, .dst = SERVER, .sport = 4000, .dport = 53
#define L4 (ETH_LEN + IP_LEN)

static struct frame *out_by(uint8_t proto)
{
	return frame(OUT, .proto = proto, .flags = ACK, .type = ECHO, .id = 7, .payload = "sixteen letters.",
		     .payload_len = 16);
}

/* TCP has a flow, or its ACK would create none. */
static void open_connection(void)
{
	wire_send(DEV_NS1, frame(OUT, .proto = TCP, .flags = SYN));
	wire_send(DEV_UPLINK, frame(FROM_ISP, .src = SERVER, .dst = UPLINK, .proto = TCP, .sport = 53, .dport = 4000,
				    .flags = SYN | ACK));
}

/* What the kernel's sockets send, and what a tunnel's inner packet asks for. */
static void a_checksum_may_be_the_packets_own_or_in_its_payload(void **s)
{
	int i;

	open_connection();
	for (i = 0; i < 8; i++) { /* the last ones by the caches */
		wire_send_offloaded(DEV_NS1, out_by(TCP), L4, 16);
		expect_counted(COUNT_masqueraded);
	}
	wire_send_offloaded(DEV_NS1, out_by(TCP), L4 + 20, 2);
	expect_counted(COUNT_masqueraded);
	wire_send_offloaded(DEV_NS1, out_by(UDP), L4, 6);
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
	wire_send_offloaded(DEV_NS1, out_by(UDP), L4 + 8, 0);
	expect_counted(COUNT_masqueraded);
	wire_send_offloaded(DEV_NS1, out_by(SCTP), L4, 8);
	expect_counted(COUNT_masqueraded, COUNT_flow_new);
}

static void a_checksum_is_not_written_over_a_port(void **s)
{
	static const struct {
		uint8_t proto;
		uint16_t start, offset;
	} forged[] = {
		{ UDP, L4, 0 }, { UDP, L4, 2 }, { UDP, L4, 4 }, { UDP, L4, 5 }, { UDP, L4, 7 }, { UDP, L4 - 6, 6 },
		{ UDP, L4 + 2, 4 }, { UDP, ETH_LEN, 10 },
		{ TCP, L4, 0 }, { TCP, L4, 6 }, { TCP, L4, 15 }, { TCP, L4, 17 }, { TCP, L4 + 1, 15 },
		{ ICMP, L4, 2 }, { ICMP, L4, 4 }, { ICMP, L4 + 8, 2 }, { SCTP, L4 - 8, 4 },
	};
	size_t i, reached = 0;

	open_connection();
	for (i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		if (!wire_send_offloaded(DEV_NS1, out_by(forged[i].proto), forged[i].start, forged[i].offset))
			continue;
		expect_counted(COUNT_bad_offload);
		expect_no_more_arrivals();
		reached++;
	}
	assert_true(reached >= 10);
}

/* A flow that is known to all caches makes no difference. */
static void nor_is_it_on_the_fast_path(void **s)
{
	struct frame *tcp = out_by(TCP);
	int i;

	open_connection();
	for (i = 0; i < 8; i++)
		wire_send(DEV_NS1, tcp);
	wire_send_offloaded(DEV_NS1, tcp, L4, 0);
	expect_counted(COUNT_bad_offload);
	expect_no_more_arrivals();
	for (i = 0; i < 8; i++)
		wire_send(DEV_NS1, frame(NS1_TO_NS2, .src = NS1, .dst = NS2, .sport = 1, .dport = 2));
	wire_send_offloaded(DEV_NS1, frame(NS1_TO_NS2, .src = NS1, .dst = NS2, .sport = 1, .dport = 2), L4, 2);
	expect_counted(COUNT_bad_offload);
	expect_no_more_arrivals();
}

/* Nor into an ICMP error's embedded packet, ARP, a fragment, or a neighbour advertisement. */
static void what_has_no_such_checksum_has_none_pending(void **s)
{
	struct frame *f = frame(NS1_TO_NS2, .src = NS1, .dst = NS2, .proto = ICMP, .type = UNREACHABLE,
				.inner = frame(GW_TO_NS2, .src = NS2, .dst = NS1, .sport = 7, .dport = 9));

	wire_send_offloaded(DEV_NS1, f, L4 + 8, 16);
	expect_counted(COUNT_bad_offload);
	f = arp(.smac = NS1_MAC, .dmac = BROADCAST, .op = ARP_REQUEST, .sender_mac = NS1_MAC,
		.sender = NS1, .target = GW);
	wire_send_offloaded(DEV_NS1, f, ETH_LEN + 24, 2);
	expect_counted(COUNT_bad_offload);
	wire_send_offloaded(DEV_NS1, frame_fragment(out_by(UDP), 0, 16), L4, 6);
	expect_counted(COUNT_bad_offload);
	wire_send_offloaded(DEV_NS1, frame_fragment(out_by(UDP), 16, 8), L4, 6);
	expect_counted(COUNT_bad_offload);
	f = ipv6(.smac = NS1_MAC, .dmac = "33:33:00:00:00:01", .src = "fe80::42:c0ff:fea8:10a", .dst = "ff02::1",
		 .type = 136, .target = "fe80::42:c0ff:fea8:10a");
	wire_send_offloaded(DEV_NS1, f, ETH_LEN + 40, 8);
	expect_counted(COUNT_bad_offload);
	expect_no_more_arrivals();
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_checksum_may_be_the_packets_own_or_in_its_payload),
		spec(a_checksum_is_not_written_over_a_port),
		spec(nor_is_it_on_the_fast_path),
		spec(what_has_no_such_checksum_has_none_pending),
	};

	return cmocka_run_group_tests_name("offload", specs, wire_setup, NULL);
}
