// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <ebpfnet/core/nat.h>
#include "unit.h"

#define RUNS 20000
#define MIN_H 32768 /* external ports, as `up` sets them */
#define MAX_H 60999

#define ADDR(a, b, c, d)           \
	{                          \
		{                  \
			a, b, c, d \
		}                  \
	}

static bool key_same(struct flow_key a, struct flow_key b)
{
	return !memcmp(&a, &b, sizeof(a));
}

/* How many ports of want's parity there are from first to last. */
static uint32_t same_parity(uint16_t want, uint16_t first, uint16_t last)
{
	uint32_t port, count = 0;

	for (port = first; port <= last; port++)
		count += (port & 1) == (want & 1);
	return count;
}

static void random_range(uint16_t *first, uint16_t *last)
{
	*first = random_in(0, 65535);
	*last = random_u32() % 2 ? random_in(*first, 65535) :
				   random_in(*first, *first + 3 > 65535 ? 65535 : *first + 3);
}

/* ---- the range ---- */

static void range_is_of_the_senders_class(void **state)
{
	static const enum l4proto protos[] = { L4_TCP, L4_UDP };
	uint16_t first, last;
	uint32_t want;
	size_t i;

	for (i = 0; i < COUNT(protos); i++)
		for (want = 0; want <= 65535; want++) {
			nat_range(want, protos[i], MIN_H, MAX_H, &first, &last);
			assert_int_equal(first, want < 1024 ? 600 : MIN_H);
			assert_int_equal(last, want < 1024 ? 1023 : MAX_H);
		}
}

/* A range with ports of both classes has its own part for each; one without a port of a class has none to give. */
static void a_range_across_1024_serves_each_class_with_its_part(void **state)
{
	static const struct {
		uint16_t want, min, max, first, last;
	} cases[] = {
		{ 500, 1, 65535, 1, 1023 },	{ 40000, 1, 65535, 1024, 65535 },
		{ 500, 900, 1024, 900, 1023 },	{ 40000, 900, 1024, 1024, 1024 },
		{ 500, 800, 900, 800, 900 },	{ 40000, 800, 900, 800, 900 },
		{ 500, 1023, 1023, 1023, 1023 }, { 1023, 1024, 1024, 600, 1023 },
	};
	uint16_t first, last;
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		nat_range(cases[i].want, L4_UDP, cases[i].min, cases[i].max, &first, &last);
		assert_int_equal(first, cases[i].first);
		assert_int_equal(last, cases[i].last);
	}
}

static void an_icmp_identifier_may_be_any_number(void **state)
{
	uint16_t first, last;
	uint32_t want;

	for (want = 0; want <= 65535; want++) {
		nat_range(want, L4_ICMP, MIN_H, MAX_H, &first, &last);
		assert_int_equal(first, 0);
		assert_int_equal(last, 65535);
	}
}

/* ---- the candidate ---- */

static void attempt_0_keeps_the_senders_port(void **state)
{
	uint32_t want;

	for (want = MIN_H; want <= MAX_H; want++)
		assert_int_equal(nat_candidate(want, 0, random_u32(), MIN_H, MAX_H), want);
	for (want = 600; want < 1024; want++)
		assert_int_equal(nat_candidate(want, 0, random_u32(), 600, 1023), want);
	for (want = 0; want <= 65535; want++)
		assert_int_equal(nat_candidate(want, 0, random_u32(), 0, 65535), want);
}

static void attempt_0_moves_a_port_that_is_not_in_the_range(void **state)
{
	uint16_t got;
	uint32_t want;

	for (want = 0; want < 600; want++) { /* a service of the host's may be there: NTP, IKE */
		got = nat_candidate(want, 0, random_u32(), 600, 1023);
		assert_in_range(got, 600, 1023);
		assert_int_equal(got & 1, want & 1);
	}
	for (want = 1024; want <= 65535; want++) {
		if (want >= MIN_H && want <= MAX_H)
			continue;
		got = nat_candidate(want, 0, random_u32(), MIN_H, MAX_H);
		assert_in_range(got, MIN_H, MAX_H);
		assert_int_equal(got & 1, want & 1);
	}
}

static void candidate_is_always_inside_the_range(void **state)
{
	static const uint32_t edge[] = { 0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };
	uint16_t first, last, want, got;
	uint32_t attempt, random;
	int i;

	for (i = 0; i < RUNS * 5; i++) {
		random_range(&first, &last);
		want = random_u32();
		attempt = random_in(0, NAT_ATTEMPTS - 1);
		random = random_u32() % 4 ? random_u32() : edge[random_in(0, COUNT(edge) - 1)];
		got = nat_candidate(want, attempt, random, first, last);
		assert_in_range(got, first, last);
	}
}

static void candidate_has_the_senders_parity_if_a_port_of_it_exists(void **state)
{
	uint16_t first, last, want, got;
	int i;

	for (i = 0; i < RUNS * 5; i++) {
		random_range(&first, &last);
		want = random_u32();
		got = nat_candidate(want, random_in(0, NAT_ATTEMPTS_PARITY - 1), random_u32(), first,
				    last);
		if (first != last || ((first ^ want) & 1) == 0)
			assert_int_equal(got & 1, want & 1);
		else if (got != want)
			assert_int_equal(got, last);
	}
}

/* REQ-4 says "should": a port of the other parity is better than none. */
static void the_last_attempts_are_for_the_other_parity(void **state)
{
	uint16_t first, last, want, got;
	int i;

	for (i = 0; i < RUNS * 5; i++) {
		random_range(&first, &last);
		want = random_u32();
		got = nat_candidate(want, random_in(NAT_ATTEMPTS_PARITY, NAT_ATTEMPTS - 1),
				    random_u32(), first, last);
		if (first != last)
			assert_int_equal(got & 1, !(want & 1));
		else
			assert_int_equal(got, last);
	}
}

static void candidate_keeps_the_senders_class(void **state)
{
	uint16_t first, last, got;
	uint32_t want, attempt;

	for (want = 0; want <= 65535; want++) {
		nat_range(want, L4_UDP, MIN_H, MAX_H, &first, &last);
		attempt = random_in(0, NAT_ATTEMPTS - 1);
		got = nat_candidate(want, attempt, random_u32(), first, last);
		assert_int_equal(got < 1024, want < 1024);
	}
}

static void range_of_one_port_gives_that_port(void **state)
{
	uint32_t attempt;

	for (attempt = 0; attempt < NAT_ATTEMPTS; attempt++) {
		assert_int_equal(nat_candidate(40000, attempt, random_u32(), 50000, 50000), 50000);
		assert_int_equal(nat_candidate(40001, attempt, random_u32(), 50000, 50000), 50000);
		assert_int_equal(nat_candidate(40001, attempt, random_u32(), 65535, 65535), 65535);
		assert_int_equal(nat_candidate(40000, attempt, random_u32(), 65535, 65535), 65535);
	}
}

/* Attempts 1 and on: no port twice until every one of that parity had its turn. */
static void attempts_visit_distinct_ports(void **state)
{
	uint32_t attempt, random, ports, most;
	uint16_t first, last, want, got;
	static uint8_t seen[65536];
	int i;

	for (i = 0; i < 2000; i++) {
		do
			random_range(&first, &last);
		while (first == last);
		want = random_u32();
		random = i % 2 ? random_u32() : UINT32_MAX - random_in(0, NAT_ATTEMPTS);
		ports = same_parity(want, first, last);
		most = ports < NAT_ATTEMPTS_PARITY - 1 ? ports : NAT_ATTEMPTS_PARITY - 1;
		memset(seen, 0, sizeof(seen));
		for (attempt = 1; attempt <= most; attempt++) {
			got = nat_candidate(want, attempt, random, first, last);
			assert_int_equal(seen[got]++, 0);
		}
	}
}

/* Not samples: every number of ports there can be. The proofs in tests/verify build on it. */
static void leaps_are_distinct_for_every_number_of_ports(void **state)
{
	uint32_t ports, attempt, most, leap;
	static uint32_t seen[32768];

	for (ports = 1; ports <= 32768; ports++) {
		most = ports < NAT_ATTEMPTS ? ports : NAT_ATTEMPTS;
		for (attempt = 0; attempt < most; attempt++) {
			leap = nat_leap(attempt, ports);
			assert_true(leap < ports);
			assert_int_not_equal(seen[leap], ports);
			seen[leap] = ports;
		}
	}
}

static void search_begins_at_a_random_place(void **state)
{
	uint32_t low = 0, high = 0;
	uint16_t got;
	int i;

	for (i = 0; i < 1000; i++) {
		got = nat_candidate(40000, 1, random_u32(), MIN_H, MAX_H);
		low += got < MIN_H + (MAX_H - MIN_H) / 2;
		high += got >= MIN_H + (MAX_H - MIN_H) / 2;
	}
	assert_in_range(low, 400, 600);
	assert_in_range(high, 400, 600);
}

/* ---- the reply ---- */

/* The three examples at the head of include/ebpfnet/core/nat.h: what is on the wire when the answer comes. */
static void reply_keys_of_the_three_kinds_of_flow(void **state)
{
	const struct nat_tuple masquerade = { ADDR(172, 31, 13, 55), ADDR(203, 0, 113, 10), 4000,
					      80 };
	const struct nat_tuple publish = { ADDR(203, 0, 113, 10), ADDR(192, 168, 1, 10), 999,
					   3000 };
	const struct nat_tuple hairpin = { ADDR(172, 31, 13, 55), ADDR(192, 168, 1, 10), 70, 3000 };
	const struct flow_key from_outside = {
		ADDR(203, 0, 113, 10), ADDR(172, 31, 13, 55), 80, 4000, EBPFNET_ZONE_OUTSIDE, L4_TCP
	};
	const struct flow_key from_inside = {
		ADDR(192, 168, 1, 10), ADDR(203, 0, 113, 10), 3000, 999, 1, L4_TCP
	};
	const struct flow_key turned = {
		ADDR(192, 168, 1, 10), ADDR(172, 31, 13, 55), 3000, 70, 1, L4_TCP
	};

	assert_true(
		key_same(nat_reply_key(&masquerade, EBPFNET_ZONE_OUTSIDE, L4_TCP), from_outside));
	assert_true(key_same(nat_reply_key(&publish, 1, L4_TCP), from_inside));
	assert_true(key_same(nat_reply_key(&hairpin, 1, L4_TCP), turned));
}

static bool tuple_same(struct nat_tuple a, struct nat_tuple b)
{
	return addr_eq(a.src, b.src) && addr_eq(a.dst, b.dst) && a.sport_h == b.sport_h && a.dport_h == b.dport_h;
}

/* The example at nat_between(), and what the host's rules see of flows with the outside. */
static void the_hosts_rules_see_both_ends_by_their_own_addresses(void **state)
{
	const struct ipaddr host = ADDR(172, 31, 13, 55), client = ADDR(192, 168, 1, 11);
	const struct ipaddr server = ADDR(192, 168, 1, 10), outside = ADDR(203, 0, 113, 10);
	const struct flow_key call = { client, host, 70, 5000, 1, L4_TCP };
	const struct flow_key answer = { server, host, 3000, 71, 1, L4_TCP };
	const struct flow_key in = { outside, host, 70, 5000, EBPFNET_ZONE_OUTSIDE, L4_TCP };
	const struct flow_key out = { server, outside, 3000, 70, 1, L4_TCP };
	struct flow f = { .src = host, .dst = server, .sport_h = 71, .dport_h = 3000, .dir = FLOW_ORIGINAL,
			  .to = TO_PORT };
	struct flow back = { .src = host, .dst = client, .sport_h = 5000, .dport_h = 70, .dir = FLOW_REPLY,
			     .to = TO_PORT };

	assert_true(tuple_same(nat_to_rules(&f, &call), (struct nat_tuple){ client, server, 71, 3000 }));
	assert_true(tuple_same(nat_to_rules(&back, &answer), (struct nat_tuple){ server, client, 3000, 71 }));
	f.src = outside;
	f.sport_h = 70;
	assert_true(tuple_same(nat_to_rules(&f, &in), (struct nat_tuple){ outside, server, 70, 3000 }));
	back.to = TO_UPLINK;
	back.dst = outside;
	assert_true(tuple_same(nat_to_rules(&back, &out), (struct nat_tuple){ server, outside, 3000, 70 }));
}

static struct nat_tuple random_tuple(void)
{
	struct nat_tuple t = { .sport_h = random_u32(), .dport_h = random_u32() };

	t.src = addr_of(random_u32());
	t.dst = addr_of(random_u32());
	return t;
}

static void reply_of_a_reply_is_the_packet_itself(void **state)
{
	struct nat_tuple t, back;
	struct flow_key key;
	int i;

	for (i = 0; i < RUNS; i++) {
		t = random_tuple();
		key = nat_reply_key(&t, 7, L4_UDP);
		back = (struct nat_tuple){ key.src, key.dst, key.sport_h, key.dport_h };
		key = nat_reply_key(&back, 9, L4_UDP);
		assert_true(addr_eq(key.src, t.src) && addr_eq(key.dst, t.dst));
		assert_true(key.sport_h == t.sport_h && key.dport_h == t.dport_h);
		assert_true(key.zone == 9 && key.proto == L4_UDP && key.scope == 0);
	}
}

/* RFC 5508 section 3.1: an answer carries the identifier of the query. */
static void identifier_of_an_icmp_reply_is_in_both_ports(void **state)
{
	struct nat_tuple t;
	struct flow_key key;
	int i;

	for (i = 0; i < RUNS; i++) {
		t = random_tuple();
		key = nat_reply_key(&t, 0, L4_ICMP);
		assert_int_equal(key.sport_h, t.sport_h);
		assert_int_equal(key.dport_h, t.sport_h);
		assert_true(addr_eq(key.src, t.dst) && addr_eq(key.dst, t.src));
	}
}

/* Two inside hosts to one server: the one with the other external port has the other answer. */
static void another_external_port_is_another_reply_key(void **state)
{
	struct nat_tuple t = random_tuple(), other = t;
	uint32_t port;

	for (port = 0; port <= 65535; port++) {
		other.sport_h = port;
		assert_int_equal(key_same(nat_reply_key(&t, 0, L4_TCP),
					  nat_reply_key(&other, 0, L4_TCP)),
				 port == t.sport_h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(range_is_of_the_senders_class),
		cmocka_unit_test(a_range_across_1024_serves_each_class_with_its_part),
		cmocka_unit_test(an_icmp_identifier_may_be_any_number),
		cmocka_unit_test(attempt_0_keeps_the_senders_port),
		cmocka_unit_test(attempt_0_moves_a_port_that_is_not_in_the_range),
		cmocka_unit_test(candidate_is_always_inside_the_range),
		cmocka_unit_test(candidate_has_the_senders_parity_if_a_port_of_it_exists),
		cmocka_unit_test(the_last_attempts_are_for_the_other_parity),
		cmocka_unit_test(candidate_keeps_the_senders_class),
		cmocka_unit_test(range_of_one_port_gives_that_port),
		cmocka_unit_test(attempts_visit_distinct_ports),
		cmocka_unit_test(leaps_are_distinct_for_every_number_of_ports),
		cmocka_unit_test(search_begins_at_a_random_place),
		cmocka_unit_test(reply_keys_of_the_three_kinds_of_flow),
		cmocka_unit_test(the_hosts_rules_see_both_ends_by_their_own_addresses),
		cmocka_unit_test(reply_of_a_reply_is_the_packet_itself),
		cmocka_unit_test(identifier_of_an_icmp_reply_is_in_both_ports),
		cmocka_unit_test(another_external_port_is_another_reply_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
