// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Fragmented datagrams: in any order, in both directions; overlapping and malformed fragments; the queue. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/wire.h"

/* A datagram of NS1, as it leaves the namespace and as it leaves the host, and the answer to it. */
#define INSIDE NS1_TO_GW, .src = NS1, .dst = SERVER
#define OUTSIDE .smac = UPLINK_MAC, .dmac = ISP_MAC, .src = UPLINK, .dst = SERVER, .ttl = 63
#define ANSWER FROM_ISP, .src = SERVER, .dst = UPLINK
#define ANSWER_INSIDE GW_TO_NS1, .src = SERVER, .dst = NS1, .ttl = 63
#define TEXT .payload = text, .payload_len = sizeof(text)

static char text[64];
static char large[256];
static char many[1664];

/* Three fragments of a datagram with 72 bytes behind its IP header: 32, 24, 16. */
static struct frame *fragment(const struct frame *whole, int i)
{
	static const uint32_t from[] = { 0, 32, 56 }, len[] = { 32, 24, 16 };

	return frame_fragment(whole, from[i], len[i]);
}

static const int orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 0, 2 }, { 2, 0, 1 } };

/* Sends the fragments of a datagram in an order, and expects them as they come out. */
static void expect_through(enum device from, const struct frame *in, enum device to,
			   const struct frame *out, const int *order)
{
	int i, k, first = order[0] == 0 ? 0 : order[1] == 0 ? 1 : 2;

	for (i = 0; i < 3; i++) {
		wire_send(from, fragment(in, order[i]));
		if (i >= first)
			expect_arrival(to, fragment(out, order[i]));
		for (k = 0; i == first && k < i; k++)
			expect_arrival(to, fragment(out, order[k]));
		expect_no_more_arrivals();
	}
}

static void in_every_order(enum device from, const struct frame *in, enum device to,
			   const struct frame *out)
{
	size_t i;

	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		expect_through(from, in, to, out, orders[i]);
}

/* Makes the flow that answers belong to. */
static void ns1_calls(uint8_t proto)
{
	wire_send(DEV_NS1, frame(INSIDE, .proto = proto, .sport = 4000, .dport = 53, .flags = SYN,
				 .type = ECHO, .id = 77));
	assert_int_equal(conn_at(0).orig.proto, proto);
}

/* ---- directions ---- */

static void a_datagram_goes_out(void **s)
{
	in_every_order(DEV_NS1, frame(INSIDE, .sport = 4000, .dport = 53, TEXT), DEV_UPLINK,
		       frame(OUTSIDE, .sport = 4000, .dport = 53, TEXT));
	expect_live_flows(1);
}

static void an_answer_comes_in(void **s)
{
	ns1_calls(UDP);
	in_every_order(DEV_UPLINK, frame(ANSWER, .sport = 53, .dport = 4000, TEXT), DEV_NS1,
		       frame(ANSWER_INSIDE, .sport = 53, .dport = 4000, TEXT));
}

static void an_echo_goes_out_and_its_answer_comes_in(void **s)
{
	in_every_order(DEV_NS1, frame(INSIDE, .proto = ICMP, .type = ECHO, .id = 77, TEXT),
		       DEV_UPLINK, frame(OUTSIDE, .proto = ICMP, .type = ECHO, .id = 77, TEXT));
	in_every_order(DEV_UPLINK, frame(ANSWER, .proto = ICMP, .type = ECHO_REPLY, .id = 77, TEXT),
		       DEV_NS1,
		       frame(ANSWER_INSIDE, .proto = ICMP, .type = ECHO_REPLY, .id = 77, TEXT));
}

static void a_segment_goes_out(void **s)
{
	ns1_calls(TCP);
	in_every_order(DEV_NS1,
		       frame(INSIDE, .proto = TCP, .sport = 4000, .dport = 53, .flags = ACK,
			     .payload = text, .payload_len = 52),
		       DEV_UPLINK,
		       frame(OUTSIDE, .proto = TCP, .sport = 4000, .dport = 53, .flags = ACK,
			     .payload = text, .payload_len = 52));
}

static void a_datagram_comes_in_to_a_published_port(void **s)
{
	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	in_every_order(DEV_UPLINK, frame(ANSWER, .sport = 999, .dport = 5000, TEXT), DEV_NS1,
		       frame(ANSWER_INSIDE, .sport = 999, .dport = 3000, TEXT));
	in_every_order(DEV_NS1, frame(INSIDE, .sport = 3000, .dport = 999, TEXT), DEV_UPLINK,
		       frame(OUTSIDE, .sport = 5000, .dport = 999, TEXT));
}

static void a_datagram_goes_to_a_published_port_of_another_namespace(void **s)
{
	publish("0.0.0.0", UDP, 5000, 5000, 3000);
	in_every_order(DEV_NS2,
		       frame(NS2_TO_GW, .src = NS2, .dst = UPLINK, .sport = 70, .dport = 5000, TEXT),
		       DEV_NS1,
		       frame(GW_TO_NS1, .src = UPLINK, .dst = NS1, .sport = 70, .dport = 3000,
			     .ttl = 63, TEXT));
}

static void a_datagram_goes_to_the_host(void **s)
{
	const struct frame *f = frame(NS1_TO_GW, .src = NS1, .dst = GW, .sport = 1, .dport = 2, TEXT);
	int fd = host_socket(UDP, GW, 2, NULL, 0); /* else it says that there is none */

	in_every_order(DEV_NS1, f, DEV_GW, f);
	close(fd);
}

static void fragments_are_switched_in_any_order(void **s)
{
	const struct frame *f = frame(NS1_TO_NS2, .src = NS1, .dst = NS2, .sport = 1, .dport = 2, TEXT);

	wire_send(DEV_NS1, fragment(f, 2));
	expect_arrival(DEV_NS2, fragment(f, 2));
	expect_counted(COUNT_switched);
}

/* The host's own sockets get their fragments as if none had been queued, while a namespace has flows. */
static void the_hosts_own_datagram_reaches_it(void **s)
{
	int fd = host_socket(UDP, UPLINK, 7000, NULL, 0);
	const struct frame *f = frame(ANSWER, .sport = 1, .dport = 7000, TEXT);
	char got[128];
	size_t i;

	ns1_calls(UDP);
	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		wire_send(DEV_UPLINK, fragment(f, orders[i][0]));
		wire_send(DEV_UPLINK, fragment(f, orders[i][1]));
		wire_send(DEV_UPLINK, fragment(f, orders[i][2]));
		assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), sizeof(text));
	}
	close(fd);
}

static void overlaps_of_the_hosts_own_fragments_are_left_to_it(void **s)
{
	const struct frame *f = frame(ANSWER, .sport = 1, .dport = 7000, TEXT);

	ns1_calls(UDP);
	wire_send(DEV_UPLINK, frame_fragment(f, 0, 32));
	expect_counted(COUNT_not_ours);
	wire_send(DEV_UPLINK, frame_fragment(f, 24, 24));
	expect_counted(COUNT_not_ours);
	wire_send(DEV_UPLINK, frame_fragment(f, 32, 20)); /* not a fragment: no multiple of eight */
	expect_counted(COUNT_not_ours);
}

/* ---- counters, and what is not kept ---- */

static void a_fragment_is_counted_when_it_is_forwarded(void **s)
{
	const struct frame *f = frame(INSIDE, .sport = 4000, .dport = 53, TEXT);

	wire_send(DEV_NS1, fragment(f, 2));
	expect_counted(COUNT_frag_queued);
	wire_send(DEV_NS1, fragment(f, 0));
	expect_counted(COUNT_flow_new, COUNT_masqueraded, COUNT_masqueraded, COUNT_frag_reinjected);
	wire_send(DEV_NS1, fragment(f, 1));
	expect_counted(COUNT_masqueraded);
	/* that was all of it */
	wire_send(DEV_NS1, fragment(f, 2));
	expect_counted(COUNT_frag_queued);
}

static void fragments_of_no_flow_are_left_alone_outside(void **s)
{
	const struct frame *f = frame(ANSWER, .sport = 1, .dport = 2, TEXT);

	wire_send(DEV_UPLINK, fragment(f, 1)); /* no flow, no port mapping: no namespace could own it */
	expect_counted(COUNT_not_ours);
	ns1_calls(UDP);
	f = frame(FROM_ISP, .src = SERVER, .dst = "172.31.13.99", .sport = 1, .dport = 2, TEXT);
	wire_send(DEV_UPLINK, fragment(f, 1)); /* not the host's address */
	expect_counted(COUNT_not_ours);
}

/* Only a first fragment names its flow, and creates one. */
static void a_later_fragment_creates_no_flow(void **s)
{
	const struct frame *f = frame(INSIDE, .sport = 4000, .dport = 53, TEXT);

	wire_send(DEV_NS1, fragment(f, 0));
	age_flows(130);
	wire_send(DEV_NS1, fragment(f, 1));
	expect_counted(COUNT_frag_no_first, COUNT_flow_ended);
	expect_live_flows(0);
}

/* Two networks may have the same addresses behind their ports. */
static void ports_are_known_in_one_network_alone(void **s)
{
	const struct frame *f = frame(INSIDE, .sport = 4000, .dport = 53, TEXT);
	const struct frame *other = frame(.smac = NS4_MAC, .dmac = "02:42:c0:a8:02:01", .src = NS1,
					  .dst = SERVER, .sport = 4000, .dport = 53, TEXT);

	allow_spoofing(DEV_NS4);
	wire_send(DEV_NS1, fragment(f, 0));
	wire_send(DEV_NS4, fragment(other, 1));
	expect_counted(COUNT_frag_queued);
}

/* ---- dropped fragments ---- */

static void a_datagram_is_refused_with_its_first_fragment(void **s)
{
	const struct frame *f =
		frame(NS1_TO_GW, .src = NS1, .dst = IN_BLACKHOLE, .sport = 1, .dport = 2, TEXT);

	wire_send(DEV_NS1, fragment(f, 1));
	wire_send(DEV_NS1, fragment(f, 0));
	expect_counted(COUNT_prohibited, COUNT_frag_no_first);
	wire_send(DEV_NS1, fragment(f, 2));
	expect_counted(COUNT_frag_no_first);
}

static void after_an_icmp_error_the_later_fragments_are_dropped(void **s)
{
	const struct frame *f = frame(INSIDE, .sport = 1, .dport = 2, .ttl = 1, TEXT);

	wire_send(DEV_NS1, fragment(f, 0));
	expect_counted(COUNT_refused_ttl_exceeded);
	wire_send(DEV_NS1, fragment(f, 1));
	expect_counted(COUNT_frag_no_first);
}

static void a_repeated_fragment_is_dropped(void **s)
{
	const struct frame *f = frame(INSIDE, .sport = 4000, .dport = 53, TEXT);
	int i;

	for (i = 0; i < 2; i++) {
		wire_send(DEV_NS1, fragment(f, i));
		expect_arrival(DEV_UPLINK, fragment(frame(OUTSIDE, .sport = 4000, .dport = 53, TEXT), i));
		wire_send(DEV_NS1, fragment(f, i));
		expect_no_more_arrivals();
		expect_counted(COUNT_frag_overlap);
	}
	wire_send(DEV_NS1, fragment(f, 2)); /* the rest of the datagram still passes */
	expect_arrival(DEV_UPLINK, fragment(frame(OUTSIDE, .sport = 4000, .dport = 53, TEXT), 2));
}

/* RFC 1858, and RFC 5722 for IPv6: an overlap is an attack, and drops the rest of the datagram. */
static void an_overlap_ends_the_datagram(void **s)
{
	const struct frame *f = frame(INSIDE, .sport = 4000, .dport = 53, TEXT);

	wire_send(DEV_NS1, frame_fragment(f, 0, 32));
	wire_send(DEV_NS1, frame_fragment(f, 24, 16));
	expect_no_more_arrivals();
	expect_counted(COUNT_frag_overlap);
	wire_send(DEV_NS1, frame_fragment(f, 32, 24));
	expect_no_more_arrivals();
	expect_counted(COUNT_frag_no_first);
}

/* Queued fragments that overlap, too: one of them is forwarded. */
static void an_overlap_of_queued_fragments_is_dropped(void **s)
{
	const struct frame *f = frame(INSIDE, .sport = 4000, .dport = 53, TEXT);

	wire_send(DEV_NS1, frame_fragment(f, 40, 24));
	wire_send(DEV_NS1, frame_fragment(f, 48, 24));
	wire_send(DEV_NS1, frame_fragment(f, 0, 32));
	expect_counted(COUNT_flow_new, COUNT_masqueraded, COUNT_frag_reinjected, COUNT_masqueraded,
		       COUNT_frag_reinjected, COUNT_frag_overlap);
}

static void a_malformed_fragment_is_refused(void **s)
{
	const struct frame *f = frame(INSIDE, .sport = 1, .dport = 2, TEXT);
	const struct frame *segment = frame(INSIDE, .proto = TCP, .sport = 1, .dport = 2, .flags = SYN,
					    TEXT);
	struct frame *beyond = frame_fragment(f, 32, 40);

	wire_send(DEV_NS1, frame_fragment(f, 0, 30)); /* no multiple of eight */
	expect_counted(COUNT_malformed);
	wire_send(DEV_NS1, frame_fragment(f, 32, 30));
	expect_counted(COUNT_malformed);
	wire_send(DEV_NS1, frame_fragment(segment, 0, 16)); /* half a header (RFC 1858) */
	expect_counted(COUNT_malformed);
	wire_send(DEV_NS1, frame_fragment(segment, 8, 16)); /* in the header (RFC 3128) */
	expect_counted(COUNT_malformed);
	wire_send(DEV_NS1, frame_fragment(segment, 16, 16));
	expect_counted(COUNT_malformed);
	frame_set_u16(beyond, ETH_LEN + 6, 0x1fff); /* ends behind 65,535 */
	frame_fix_ip(beyond);
	wire_send(DEV_NS1, beyond);
	expect_counted(COUNT_malformed);
}

/* ---- bounds ---- */

/* A later fragment, of another datagram each time. */
/* The second fragment of a datagram, whose first is missing. */
static struct frame *second_fragment(const char *smac, const char *src, uint16_t id, uint32_t len)
{
	struct frame *f = frame_fragment(frame(.smac = smac, .dmac = GW_MAC, .src = src, .dst = SERVER, .sport = 1,
					       .dport = 2, .payload = large, .payload_len = sizeof(large)),
					 32, len);

	frame_set_u16(f, ETH_LEN + 4, id);
	frame_fix_ip(f);
	return f;
}

static struct frame *later_fragment(const char *smac, const char *src, uint16_t id)
{
	return second_fragment(smac, src, id, 160);
}

/* One that fits into a small slot of the queue. */
static struct frame *small_fragment(const char *smac, const char *src, uint16_t id)
{
	return second_fragment(smac, src, id, 8);
}

/* A fragment of one of many datagrams that a source sends at once. */
static struct frame *one_of(uint16_t id, int i)
{
	struct frame *f = fragment(frame(INSIDE, .sport = 4000, .dport = 53, TEXT), i);

	frame_set_u16(f, ETH_LEN + 4, id);
	frame_fix_ip(f);
	return f;
}

static void the_last_eight_datagrams_of_a_source_are_tracked(void **s)
{
	uint16_t id;

	for (id = 1; id <= 12; id++) {
		ns1_sends(one_of(id, 0));
		expect_outcome(SENT);
	}
	for (id = 5; id <= 12; id++) {
		ns1_sends(one_of(id, 1));
		expect_outcome(SENT);
	}
	for (id = 1; id <= 4; id++) {
		ns1_sends(one_of(id, 1));
		expect_dropped(COUNT_frag_queued);
	}
}

static void a_source_has_a_share_of_the_queue(void **s)
{
	uint16_t id;

	for (id = 1; id <= 45; id++) {
		ns1_sends(later_fragment(NS1_MAC, NS1, id));
		expect_dropped(COUNT_frag_queued);
	}
	ns1_sends(later_fragment(NS1_MAC, NS1, id));
	expect_dropped(COUNT_frag_queue_full);
	ns2_sends(later_fragment(NS2_MAC, NS2, 1));
	expect_dropped(COUNT_frag_queued);
}

#define MANY .sport = 4000, .dport = 53, .payload = many, .payload_len = sizeof(many)
#define LARGE .payload = large, .payload_len = sizeof(large)

/* As the kernel's own test of reassembly sends them: pieces of eight bytes, the first one last. */
static void a_datagram_of_two_hundred_pieces_waits_for_its_first(void **s)
{
	uint32_t at, len = 8 + sizeof(many);

	for (at = 8; at < len; at += 8)
		ns1_sends(frame_fragment(frame(INSIDE, MANY), at, 8)); /* wire_send() takes too long */
	wire_send(DEV_NS1, frame_fragment(frame(INSIDE, MANY), 0, 8));
	expect_arrival(DEV_UPLINK, frame_fragment(frame(OUTSIDE, MANY), 0, 8));
	for (at = len - 8; at > 0; at -= 8)
		expect_arrival(DEV_UPLINK, frame_fragment(frame(OUTSIDE, MANY), at, 8));
	expect_no_more_arrivals();
}

#define ANSWER_LARGE .sport = 53, .dport = 4000, LARGE

/* Forged sources, of which no flow is known, take no slot of the server's that NS1 talks to. */
static void fragments_of_strangers_do_not_evict_those_of_a_known_peer(void **s)
{
	char source[32];
	int i;

	ns1_calls(UDP);
	wire_send(DEV_UPLINK, frame_fragment(frame(ANSWER, ANSWER_LARGE), 64, 200));
	for (i = 0; i < 400; i++) {
		snprintf(source, sizeof(source), "198.18.%d.%d", i / 200, 1 + i % 200);
		uplink_gets(frame_fragment(frame(FROM_ISP, .src = source, .dst = UPLINK, ANSWER_LARGE), 64, 200));
	}
	expect_dropped(COUNT_frag_queued, COUNT_frag_queue_full);
	wire_send(DEV_UPLINK, frame_fragment(frame(ANSWER, ANSWER_LARGE), 0, 64));
	expect_arrival(DEV_NS1, frame_fragment(frame(ANSWER_INSIDE, ANSWER_LARGE), 0, 64));
	expect_arrival(DEV_NS1, frame_fragment(frame(ANSWER_INSIDE, ANSWER_LARGE), 64, 200));
}

/* When the queue is full, a source without a slot still gets one, and others do not. */
static void a_flood_leaves_room_for_others(void **s)
{
	struct config cfg = config_now();
	char source[32];
	int i;

	cfg.mark = 1; /* the hash's seed: NS2 is in no bucket of the others */
	configure(&cfg);
	for (i = 0; i < 2 * 128; i++) {
		snprintf(source, sizeof(source), "192.168.1.%d", 20 + i % 128);
		ns3_sends(later_fragment(NS3_MAC, source, i));
	}
	expect_dropped(COUNT_frag_queue_full);
	ns2_sends(later_fragment(NS2_MAC, NS2, 1));
	expect_dropped(COUNT_frag_queued, COUNT_frag_queue_full);
	ns2_sends(later_fragment(NS2_MAC, NS2, 2));
	expect_dropped(COUNT_frag_queue_full);
}

static struct frame *ns2s(int i)
{
	return fragment(frame(NS2_TO_GW, .src = NS2, .dst = SERVER, .sport = 1, .dport = 2, TEXT), i);
}

static void a_datagram_is_tracked_and_a_fragment_queued_for_two_seconds(void **s)
{
	uint16_t id;

	wire_send(DEV_NS1, fragment(frame(INSIDE, .sport = 4000, .dport = 53, TEXT), 1));
	for (id = 1; id < 100; id++)
		ns1_sends(small_fragment(NS1_MAC, NS1, id));
	expect_dropped(COUNT_frag_queued);
	ns2_sends(ns2s(0));
	expect_outcome(SENT);
	age_fragments(2100);
	ns2_sends(ns2s(1));
	expect_dropped(COUNT_frag_queued, COUNT_frag_no_first); /* in a slot that has expired */
	wire_send(DEV_NS1, fragment(frame(INSIDE, .sport = 4000, .dport = 53, TEXT), 0));
	expect_arrival(DEV_UPLINK, fragment(frame(OUTSIDE, .sport = 4000, .dport = 53, TEXT), 0));
	expect_no_more_arrivals();
	/* expired fragments make room for others, and are lost */
	for (id = 101; id < 101 + 98; id++) {
		ns1_sends(small_fragment(NS1_MAC, NS1, id));
		expect_dropped(COUNT_frag_queued, COUNT_frag_no_first);
	}
}

int main(void)
{
	const struct CMUnitTest specs[] = {
		spec(a_datagram_goes_out),
		spec(an_answer_comes_in),
		spec(an_echo_goes_out_and_its_answer_comes_in),
		spec(a_segment_goes_out),
		spec(a_datagram_comes_in_to_a_published_port),
		spec(a_datagram_goes_to_a_published_port_of_another_namespace),
		spec(a_datagram_goes_to_the_host),
		spec(fragments_are_switched_in_any_order),
		spec(the_hosts_own_datagram_reaches_it),
		spec(overlaps_of_the_hosts_own_fragments_are_left_to_it),
		spec(a_fragment_is_counted_when_it_is_forwarded),
		spec(fragments_of_no_flow_are_left_alone_outside),
		spec(a_later_fragment_creates_no_flow),
		spec(ports_are_known_in_one_network_alone),
		spec(a_datagram_is_refused_with_its_first_fragment),
		spec(after_an_icmp_error_the_later_fragments_are_dropped),
		spec(a_repeated_fragment_is_dropped),
		spec(an_overlap_ends_the_datagram),
		spec(an_overlap_of_queued_fragments_is_dropped),
		spec(a_malformed_fragment_is_refused),
		spec(the_last_eight_datagrams_of_a_source_are_tracked),
		spec(a_source_has_a_share_of_the_queue),
		spec(a_datagram_of_two_hundred_pieces_waits_for_its_first),
		spec(fragments_of_strangers_do_not_evict_those_of_a_known_peer),
		spec(a_flood_leaves_room_for_others),
		spec(a_datagram_is_tracked_and_a_fragment_queued_for_two_seconds),
	};
	int i;

	for (i = 0; i < (int)sizeof(text); i++)
		text[i] = 'a' + i % 26;
	return cmocka_run_group_tests_name("frag_in", specs, wire_setup, NULL);
}
