// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* From outside with addresses that nobody outside has, and errors that no router sends. */
#include "flow.h"

#define ERROR_IN FROM_ISP, .proto = ICMP, .type = UNREACHABLE, .code = 3
#define QUOTED NS1_TO_GW, .src = UPLINK, .dst = SERVER, .sport = 4000, .dport = 53
#define PUBLISHED FROM_ISP, .sport = 999, .dport = 5000

static void a_source_inside_a_network_is_a_martian(void **s)
{
	static const char *const sources[] = { NS1, NS4, GW };
	size_t i;

	for (i = 0; i < 3; i++) {
		/* whatever the kernel says of the way back, and whether or not anything is published */
		uplink_gets(frame(PUBLISHED, .src = sources[i], .dst = UPLINK));
		expect_dropped(COUNT_martian);
	}
	publish(UPLINK, UDP, 5000, 5000, 3000);
	for (i = 0; i < 3; i++) {
		set_forwarding(DEV_GW_PEER, 0);
		uplink_gets(frame(PUBLISHED, .src = sources[i], .dst = UPLINK));
		expect_dropped(COUNT_martian, COUNT_fib_fwd_disabled);
		set_forwarding(DEV_GW_PEER, 1);
		/* larger than the way back is wide */
		uplink_gets(frame(PUBLISHED, .src = sources[i], .dst = UPLINK, .payload_len = 1777,
				  .payload = (char[1777]){}));
		expect_dropped(COUNT_martian);
	}
}

/* "Every address of the host" is not that of a gateway, nor one that is taken for the host's. */
static void nobody_outside_knows_an_address_inside(void **s)
{
	static const char *const inside[] = { NS1, GW, "192.168.2.1", "192.168.1.255" };
	size_t i;

	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	for (i = 0; i < 4; i++) {
		uplink_gets(frame(PUBLISHED, .src = SERVER, .dst = inside[i]));
		expect_dropped(COUNT_unsolicited);
		set_forwarding(DEV_GW_PEER, 0);
		uplink_gets(frame(PUBLISHED, .src = SERVER, .dst = inside[i]));
		expect_outcome(DROPPED);
		set_forwarding(DEV_GW_PEER, 1);
	}
	expect_live_flows(0);
}

static void addresses_of_a_network_after_an_unused_id_are_private(void **s)
{
	forget_network(1);
	uplink_gets(frame(PUBLISHED, .src = NS4, .dst = UPLINK));
	expect_dropped(COUNT_martian);
	uplink_gets(frame(PUBLISHED, .src = SERVER, .dst = NS4));
	expect_dropped(COUNT_unsolicited);
}

/* As netfilter has it: an error is for who sent what it quotes. */
static void an_error_for_somebody_else_is_none_of_ours(void **s)
{
	struct frame *f = frame(ERROR_IN, .src = SERVER, .dst = UPLINK_SECOND, .quote = frame(QUOTED));

	ns1_udp(4000);
	uplink_gets(f);
	expect_left_alone(f);
	ns1_sends(frame(NS1_TO_GW, .src = NS1, .dst = SERVER2, .proto = ICMP, .type = UNREACHABLE,
			.code = 3, .quote = frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .sport = 53,
						  .dport = 4000)));
	expect_dropped(COUNT_icmp_error);
}

static void an_error_with_a_source_route_or_a_wrong_sum_is_the_kernels_to_drop(void **s)
{
	struct frame *f = frame(ERROR_IN, .src = SERVER, .dst = UPLINK, .quote = frame(QUOTED),
				.options = "\x83\7\4\xcb\0\x71\1\0", .options_len = 8);

	ns1_udp(4000);
	uplink_gets(f);
	expect_left_alone(f);
	f = frame(ERROR_IN, .src = SERVER, .dst = UPLINK, .quote = frame(QUOTED),
		  .ip_check_error = 1);
	uplink_gets(f);
	expect_left_alone(f);
}

/* RFC 768: also in a quote, a sum of 0 would say that there is none. */
static void a_quoted_sum_never_becomes_none(void **s)
{
	uint8_t payload[2];
	struct frame *inside;
	uint32_t i;

	for (i = 0; i < 0x10000; i++) {
		payload[0] = i >> 8;
		payload[1] = i;
		inside = frame(OUT, .sport = 4000, .dport = 53, .ttl = 63,
			       .payload = (const char *)payload, .payload_len = 2);
		if (frame_u16(inside, ETH_LEN + IP_LEN + 6) == 0xffff)
			break;
	}
	assert_int_not_equal(i, 0x10000);
	ns1_udp(4000);
	uplink_gets(frame(ERROR_IN, .src = SERVER, .dst = UPLINK,
			  .quote = frame(QUOTED, .ttl = 63, .payload = (const char *)payload,
					 .payload_len = 2)));
	expect_outcome(INTO_PORT);
	expect_packet(frame(GW_TO_NS1, .src = SERVER, .dst = NS1, .proto = ICMP, .type = UNREACHABLE,
			    .code = 3, .ttl = 63, .quote = inside));
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(a_source_inside_a_network_is_a_martian),
		spec(nobody_outside_knows_an_address_inside),
		spec(addresses_of_a_network_after_an_unused_id_are_private),
		spec(an_error_for_somebody_else_is_none_of_ours),
		spec(an_error_with_a_source_route_or_a_wrong_sum_is_the_kernels_to_drop),
		spec(a_quoted_sum_never_becomes_none),
	};

	return run_specs("forged", specs);
}
