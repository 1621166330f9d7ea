// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The ABI between programs and userspace, as far as no compiler checks it. */
#include <ctype.h>
#include <stddef.h>

#include <ebpfnet/abi.h>
#include <ebpfnet/core/ct_state.h>
#include <ebpfnet/counters.h>
#include <ebpfnet/journal.h>

#include "unit.h"
#include <user/lib/store/store.h>

/* ---- counters ---- */

static const struct {
	const char *id, *text;
	size_t index, offset;
} counters[] = {
#define X(id, text) { #id, text, COUNT_##id, offsetof(struct counters, id) },
	EBPFNET_COUNTERS(X)
#undef X
};

static void a_counters_index_is_the_place_of_its_field(void **state)
{
	size_t i;

	assert_int_equal(COUNT(counters), COUNTERS);
	for (i = 0; i < COUNT(counters); i++) {
		assert_int_equal(counters[i].index, i);
		assert_int_equal(counters[i].offset, i * sizeof(__u64));
	}
}

static void names_and_texts_of_counters_are_unique(void **state)
{
	size_t i, n;

	for (i = 0; i < COUNT(counters); i++)
		for (n = 0; n < i; n++) {
			assert_string_not_equal(counters[i].id, counters[n].id);
			assert_string_not_equal(counters[i].text, counters[n].text);
		}
}

static void texts_of_counters_are_words_on_one_line(void **state)
{
	size_t i, n;

	for (i = 0; i < COUNT(counters); i++) {
		assert_in_range(strlen(counters[i].text), 1, 60);
		for (n = 0; counters[i].text[n]; n++)
			assert_true(isprint(counters[i].text[n]));
		for (n = 0; counters[i].id[n]; n++)
			assert_true(islower(counters[i].id[n]) || counters[i].id[n] == '_');
	}
}

/* A drop is a negative verdict: its counter must not be the first. */
static void no_drop_is_counter_0(void **state)
{
	static const size_t drops[] = {
#define X(id, text) COUNT_##id,
		EBPFNET_DROPS(X)
#undef X
	};
	size_t i;

	for (i = 0; i < COUNT(drops); i++)
		assert_true(drops[i] > 0);
}

/* ---- keys ---- */

#define END(type, member) (offsetof(struct type, member) + sizeof(((struct type *)0)->member))
#define FOLLOWS(type, first, second) \
	assert_int_equal(END(type, first), offsetof(struct type, second))
#define ENDS_WITH(type, member) assert_int_equal(END(type, member), sizeof(struct type))

/* Keys are hashed as bytes: a hole would hold whatever the stack held. */
static void keys_of_maps_have_no_holes(void **state)
{
	FOLLOWS(flow_key, src, dst);
	FOLLOWS(flow_key, dst, sport_h);
	FOLLOWS(flow_key, sport_h, dport_h);
	FOLLOWS(flow_key, dport_h, zone);
	FOLLOWS(flow_key, zone, proto);
	FOLLOWS(flow_key, proto, scope);
	ENDS_WITH(flow_key, scope);
	FOLLOWS(endpoint_key, addr, net);
	FOLLOWS(endpoint_key, net, zero);
	ENDS_WITH(endpoint_key, zero);
	FOLLOWS(ipv6_key, addr, net);
	FOLLOWS(ipv6_key, net, zero);
	ENDS_WITH(ipv6_key, zero);
	FOLLOWS(fdb_key, mac, net);
	ENDS_WITH(fdb_key, net);
	FOLLOWS(portmap_key, addr, port_h);
	FOLLOWS(portmap_key, port_h, proto);
	FOLLOWS(portmap_key, proto, zero);
	ENDS_WITH(portmap_key, zero);
	FOLLOWS(ns_key, name, net);
	FOLLOWS(ns_key, net, zero);
	ENDS_WITH(ns_key, zero);
	FOLLOWS(subnet_key, prefixlen, net);
	FOLLOWS(subnet_key, net, addr);
	ENDS_WITH(subnet_key, addr);
}

/* A compare-and-swap takes all four bytes at once: they must be one aligned word. */
static void fields_that_change_together_in_a_conn_are_one_word(void **state)
{
	assert_int_equal(offsetof(struct conn, state) % 4, 0);
	FOLLOWS(conn, state, fin);
	FOLLOWS(conn, fin, scales);
	FOLLOWS(conn, scales, use);
	assert_int_equal(END(conn, use) - offsetof(struct conn, state), 4);
}

/* Of any release with this EBPFNET_ABI. A change of one raises it. */
static void sizes_belong_to_abi_8(void **state)
{
	assert_int_equal(EBPFNET_ABI, 8);
	assert_int_equal(sizeof(struct flow_key), 16);
	assert_int_equal(sizeof(struct flow), 48);
	assert_int_equal(sizeof(struct conn), 32);
	assert_int_equal(sizeof(struct port), 40);
	assert_int_equal(sizeof(struct endpoint_key), 8);
	assert_int_equal(sizeof(struct endpoint), 16);
	assert_int_equal(sizeof(struct fdb_key), 8);
	assert_int_equal(sizeof(struct fdb_entry), 12);
	assert_int_equal(sizeof(struct network), 44);
	assert_int_equal(sizeof(struct uplink), 20);
	assert_int_equal(sizeof(struct portmap_key), 8);
	assert_int_equal(sizeof(struct portmap), 40);
	assert_int_equal(sizeof(struct config), 96);
	assert_int_equal(sizeof(struct conn_alloc), 32);
	assert_int_equal(sizeof(struct host_record), 2128);
	assert_int_equal(sizeof(struct ns_key), 20);
	assert_int_equal(sizeof(struct ns_record), 664);
	assert_int_equal(CONN_STATES, 11);
	assert_int_equal(sizeof(struct usage), 20);
	assert_int_equal(sizeof(struct neigh_entry), 8);
	assert_int_equal(sizeof(struct ipv6_key), 20);
	assert_int_equal(sizeof(struct ipv6_owner), 12);
	assert_int_equal(sizeof(struct ipv6_ring), 272);
	assert_int_equal(sizeof(struct subnet_key), 12);
	assert_int_equal(sizeof(struct limit), 32);
	assert_int_equal(sizeof(struct net_record), 340);
	assert_int_equal(TIMEOUT_CLASSES, 8);
}

/* `down` reads the journal of a release with one of the layouts 2 to 7: it is the beginning of this one's. */
static void the_journal_begins_with_that_of_older_releases(void **state)
{
	assert_int_equal(offsetof(struct host_record, old_subnet), 8);
	assert_int_equal(offsetof(struct host_record, old_uplinks), 60);
	assert_int_equal(offsetof(struct host_record, uplinks), 592);
	assert_int_equal(offsetof(struct ns_key, net), 16);
	assert_int_equal(END(host_record, old_uplinks), 444);
	assert_int_equal(offsetof(struct ns_record, netns_dev), 32);
	assert_int_equal(offsetof(struct ns_record, host_dev), 48);
	assert_int_equal(offsetof(struct ns_record, path) + 64, 144);
}

/* The kernel cuts off a map's name at 15. */
static void names_of_maps_are_unique_and_whole(void **state)
{
	int i, n;

	for (i = 0; i < MAPS; i++) {
		assert_in_range(strlen(map_name(i)), 1, 15);
		for (n = 0; n < i; n++)
			assert_string_not_equal(map_name(i), map_name(n));
	}
}

static void zones_that_are_no_networks_are_outside_their_numbers(void **state)
{
	assert_int_equal(EBPFNET_ZONE_OUTSIDE, 0);
	assert_true(EBPFNET_ZONE_FORWARDED > EBPFNET_MAX_NETWORKS);
	assert_true(EBPFNET_ZONE_HOST <= UINT8_MAX); /* struct flow.answer_zone */
}

/* ---- time ---- */

#define YEAR_S 31556952ull

static void seconds_are_off_by_less_than_4_a_year(void **state)
{
	uint64_t s, off;

	for (s = 0; s < 100 * YEAR_S; s += 86399) {
		off = 1 + 4 * s / YEAR_S;
		assert_in_range(ebpfnet_seconds(s * 1000000000) + off, s, s + 2 * off);
	}
}

static void seconds_never_go_back(void **state)
{
	uint64_t ns = 0, step;
	uint32_t before = 0, now;
	int i;

	for (i = 0; i < 100000; i++) {
		step = (uint64_t)random_u32() << random_in(0, 6);
		ns += step;
		now = ebpfnet_seconds(ns);
		assert_true(now >= before);
		assert_true(now - before <= step / 1000000000 + 1);
		before = now;
	}
}

/* ---- how long a flow still lives ---- */

static const struct conn_alloc idle;

static void a_flow_lives_for_its_timeout_after_its_last_packet(void **state)
{
	struct config cfg = { 0 };
	struct conn c = { .seen = 1000, .state = CONN_REPLIED, .orig.proto = L4_UDP };

	cfg.timeout_s[TIMEOUT_UDP_REPLIED] = 300;
	cfg.timeout_s[TIMEOUT_ICMP] = 60;
	assert_int_equal(store_flow_ttl(&cfg, &idle, &c, 1000), 300);
	assert_int_equal(store_flow_ttl(&cfg, &idle, &c, 1001), 299);
	assert_int_equal(store_flow_ttl(&cfg, &idle, &c, 1299), 1);
	assert_int_equal(store_flow_ttl(&cfg, &idle, &c, 1300), 0);
	assert_int_equal(store_flow_ttl(&cfg, &idle, &c, 5000), 0);
	c.orig.proto = L4_ICMP;
	assert_int_equal(store_flow_ttl(&cfg, &idle, &c, 1000), 60);
}

/* A packet on another CPU may be a moment ahead of the clock that was read. */
static void a_flow_seen_in_the_future_lives_for_its_whole_timeout(void **state)
{
	struct config cfg = { 0 };
	struct conn c = { .seen = 1002, .state = CONN_RESET, .orig.proto = L4_TCP };

	cfg.timeout_s[TIMEOUT_TCP_RESET] = 10;
	assert_int_equal(store_flow_ttl(&cfg, &idle, &c, 1000), 10);
}

/* As the programs end it: what is half open expires early in a table that fills up, what is established does not. */
static void in_a_full_table_a_half_open_flow_lives_as_long_as_the_programs_let_it(void **state)
{
	struct config cfg = { .max_flows = 1000 };
	struct conn_alloc full = { .live = 1000 }, half = { .live = 500 };
	struct conn c = { .seen = 1000, .state = CONN_SYN_SENT, .orig.proto = L4_TCP };

	cfg.timeout_s[TIMEOUT_TCP_HALF_OPEN] = 240;
	cfg.timeout_s[TIMEOUT_TCP_ESTABLISHED] = 7440;
	assert_int_equal(store_flow_ttl(&cfg, &half, &c, 1000), 240);
	assert_int_equal(store_flow_ttl(&cfg, &full, &c, 1000), CT_TIMEOUT_MIN_S);
	assert_int_equal(store_flow_ttl(&cfg, &full, &c, 1000 + CT_TIMEOUT_MIN_S), 0);
	c.state = CONN_ESTABLISHED;
	assert_int_equal(store_flow_ttl(&cfg, &full, &c, 1000), 7440);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_counters_index_is_the_place_of_its_field),
		cmocka_unit_test(names_and_texts_of_counters_are_unique),
		cmocka_unit_test(texts_of_counters_are_words_on_one_line),
		cmocka_unit_test(no_drop_is_counter_0),
		cmocka_unit_test(keys_of_maps_have_no_holes),
		cmocka_unit_test(fields_that_change_together_in_a_conn_are_one_word),
		cmocka_unit_test(sizes_belong_to_abi_8),
		cmocka_unit_test(the_journal_begins_with_that_of_older_releases),
		cmocka_unit_test(names_of_maps_are_unique_and_whole),
		cmocka_unit_test(zones_that_are_no_networks_are_outside_their_numbers),
		cmocka_unit_test(seconds_are_off_by_less_than_4_a_year),
		cmocka_unit_test(seconds_never_go_back),
		cmocka_unit_test(a_flow_lives_for_its_timeout_after_its_last_packet),
		cmocka_unit_test(a_flow_seen_in_the_future_lives_for_its_whole_timeout),
		cmocka_unit_test(in_a_full_table_a_half_open_flow_lives_as_long_as_the_programs_let_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
