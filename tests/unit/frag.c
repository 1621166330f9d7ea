// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdlib.h>

#include <ebpfnet/core/frag.h>
#include "unit.h"

#define RUNS 2000
#define UNITS 40 /* a datagram as long as that, in units */

static enum frag_range_result look(const struct frag_range *ranges, uint16_t from, uint16_t to)
{
	return frag_ranges_test(ranges, (struct frag_range){ from, to });
}

static void add(struct frag_range *ranges, uint16_t from, uint16_t to)
{
	struct frag_range s = { from, to };

	frag_ranges_add(ranges, &s);
}

/* ---- where a fragment lies ---- */

static void a_fragment_lies_where_its_offset_says(void **state)
{
	struct frag_range s = frag_range_of(IP_MF | 100, 16);

	assert_int_equal(s.from, 100);
	assert_int_equal(s.to, 102);
	s = frag_range_of(100, 17); /* the last: a unit begun is a unit */
	assert_int_equal(s.to, 103);
	s = frag_range_of(0x1fff, 7);
	assert_int_equal(s.to, 0x2000);
}

static void first_and_last_are_told_by_offset_and_flag(void **state)
{
	assert_true(frag_is_first(IP_MF));
	assert_false(frag_is_first(IP_MF | 1));
	assert_false(frag_is_first(0x1fff));
	assert_true(frag_is_last(1));
	assert_false(frag_is_last(IP_MF | 1));
}

static void a_fragment_is_whole_units_but_for_the_last(void **state)
{
	assert_true(frag_is_sound(IP_MF, 20, 8, L4_UDP));
	assert_false(frag_is_sound(IP_MF, 20, 9, L4_UDP));
	assert_false(frag_is_sound(IP_MF, 20, 4, L4_UDP));
	assert_true(frag_is_sound(1, 20, 9, L4_UDP));
	assert_false(frag_is_sound(1, 20, 0, L4_UDP));
	assert_false(frag_is_sound(IP_MF | 1, 20, 0, L4_UDP));
}

static void a_fragment_ends_within_the_longest_datagram(void **state)
{
	assert_true(frag_is_sound(8189, 20, 3, L4_UDP)); /* 20 + 65,512 + 3 */
	assert_false(frag_is_sound(8189, 20, 4, L4_UDP));
	assert_false(frag_is_sound(8189, 24, 3, L4_UDP));
	assert_true(frag_is_sound(8188, 24, 7, L4_UDP));
}

/* RFC 3128: TCP alone has a header that reaches beyond the smallest first fragment. */
static void no_fragment_begins_in_a_header(void **state)
{
	assert_false(frag_is_sound(1, 20, 8, L4_TCP));
	assert_false(frag_is_sound(2, 20, 8, L4_TCP));
	assert_true(frag_is_sound(3, 20, 8, L4_TCP));
	assert_true(frag_is_sound(1, 20, 8, L4_UDP));
	assert_true(frag_is_sound(1, 20, 8, L4_ICMP));
	assert_true(frag_is_sound(IP_MF, 20, 24, L4_TCP));
}

/* ---- overlaps ---- */

static void an_overlap_of_one_unit_is_one(void **state)
{
	struct frag_range ranges[FRAG_RANGES] = {};

	assert_int_equal(look(ranges, 0, 5), FRAG_RANGE_NEW);
	add(ranges, 10, 20);
	assert_int_equal(look(ranges, 5, 10), FRAG_RANGE_NEW);
	assert_int_equal(look(ranges, 5, 11), FRAG_RANGE_OVERLAP);
	assert_int_equal(look(ranges, 20, 25), FRAG_RANGE_NEW);
	assert_int_equal(look(ranges, 19, 25), FRAG_RANGE_OVERLAP);
	assert_int_equal(look(ranges, 5, 25), FRAG_RANGE_OVERLAP);
	assert_int_equal(look(ranges, 10, 20), FRAG_RANGE_INSIDE);
	assert_int_equal(look(ranges, 12, 13), FRAG_RANGE_INSIDE);
}

/* A bitmap of all units, as the reference. */
static enum frag_range_result look_in_map(const bool *map, int from, int to)
{
	int i, there = 0;

	for (i = from; i < to; i++)
		there += map[i];
	return !there ? FRAG_RANGE_NEW : there == to - from ? FRAG_RANGE_INSIDE : FRAG_RANGE_OVERLAP;
}

static int gaps(const bool *map)
{
	int i, n = 0;

	for (i = 0; i < UNITS; i++)
		n += map[i] && (!i || !map[i - 1]);
	return n;
}

static void ranges_agree_with_a_bitmap_of_units(void **state)
{
	int run, n, from, to;

	for (run = 0; run < RUNS; run++) {
		struct frag_range ranges[FRAG_RANGES] = {};
		bool map[UNITS] = {};

		for (n = 0; n < 30 && gaps(map) < FRAG_RANGES; n++) {
			from = random_in(0, UNITS - 1);
			to = random_in(from + 1, from + 6 < UNITS ? from + 6 : UNITS);
			assert_int_equal(look(ranges, from, to), look_in_map(map, from, to));
			if (look(ranges, from, to) != FRAG_RANGE_NEW)
				continue;
			add(ranges, from, to);
			memset(map + from, true, to - from);
			assert_int_equal(frag_ranges_complete(ranges, UNITS),
					 look_in_map(map, 0, UNITS) == FRAG_RANGE_INSIDE);
		}
	}
}

static void a_datagram_is_complete_in_any_order(void **state)
{
	int run, i, k, order[UNITS];

	for (run = 0; run < RUNS; run++) {
		struct frag_range ranges[FRAG_RANGES] = {};

		for (i = 0; i < 12; i++) {
			k = random_in(0, i);
			order[i] = order[k];
			order[k] = i;
		}
		for (i = 0; i < 12; i++) {
			assert_false(frag_ranges_complete(ranges, 24));
			assert_int_equal(look(ranges, 2 * order[i], 2 * order[i] + 2), FRAG_RANGE_NEW);
			add(ranges, 2 * order[i], 2 * order[i] + 2);
		}
		assert_true(frag_ranges_complete(ranges, 24));
		assert_false(frag_ranges_complete(ranges, 23));
		assert_false(frag_ranges_complete(ranges, 0));
	}
}

/* Fragments behind more gaps than there is room for pass, and do not change what is known of others. */
static void too_many_gaps_forget_none_of_the_first(void **state)
{
	struct frag_range ranges[FRAG_RANGES] = {};
	int i;

	for (i = 0; i < FRAG_RANGES + 3; i++)
		add(ranges, 10 * i, 10 * i + 5);
	for (i = 0; i < FRAG_RANGES; i++)
		assert_int_equal(look(ranges, 10 * i, 10 * i + 5), FRAG_RANGE_INSIDE);
}

/* ---- cutting ---- */

static void fragments_fit_the_mtu(void **state)
{
	int mtu, ihl;

	for (mtu = 68; mtu < 3000; mtu++)
		for (ihl = 20; ihl <= 60; ihl += 4) {
			uint16_t size = frag_payload_size(mtu, ihl);

			assert_int_equal(size % 8, 0);
			assert_true(size && ihl + size <= mtu && ihl + size + 8 > mtu);
		}
	assert_int_equal(frag_payload_size(67, 20), 0);
	assert_int_equal(frag_payload_size(0, 60), 0);
}

static void fragments_follow_each_other(void **state)
{
	assert_int_equal(frag_field(0, 0, false), IP_MF);
	assert_int_equal(frag_field(0, 1480, false), IP_MF | 185);
	assert_int_equal(frag_field(0, 2960, true), 370);
	/* of a fragment, and its last is the last of all only if it was that itself */
	assert_int_equal(frag_field(IP_MF | 100, 0, false), IP_MF | 100);
	assert_int_equal(frag_field(IP_MF | 100, 80, true), IP_MF | 110);
	assert_int_equal(frag_field(100, 80, true), 110);
}

static void padded(const char *options, const char *wanted, uint32_t len)
{
	/* on the heap, so that a look beyond it is seen */
	uint8_t *o = malloc(len);
	struct frag_option at = {};
	uint32_t i;

	assert_non_null(o);
	memcpy(o, options, len);
	for (i = 0; i < IPOPTS_MAX && frag_option_octet(o, i, len, &at); i++)
		;
	assert_memory_equal(o, wanted, len);
	free(o);
}

static void options_that_are_not_copied_become_padding(void **state)
{
	padded("\x94\x04\0\0", "\x94\x04\0\0", 4);		/* router alert: copied */
	padded("\x07\x04\x04\0", "\x01\x01\x01\x01", 4);	/* record route: not */
	padded("\x07\x03\x04\x94\x04\0\0\0", "\x01\x01\x01\x94\x04\0\0\0", 8);
	padded("\x01\x01\x94\x03\x00\x07\x03\x04", "\x01\x01\x94\x03\x00\x01\x01\x01", 8);
	padded("\0\x07\x94\x03", "\0\x07\x94\x03", 4);		/* behind the end: as it is */
	padded("\x07\0\x94\x04", "\x01\x01\x01\x01", 4);	/* no length: nothing is known of the rest */
	padded("\x01\x01\x01\x07", "\x01\x01\x01\x01", 4);	/* not even that */
	padded("\x94\x28\0\0", "\x94\x28\0\0", 4);		/* longer than all */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fragment_lies_where_its_offset_says),
		cmocka_unit_test(first_and_last_are_told_by_offset_and_flag),
		cmocka_unit_test(a_fragment_is_whole_units_but_for_the_last),
		cmocka_unit_test(a_fragment_ends_within_the_longest_datagram),
		cmocka_unit_test(no_fragment_begins_in_a_header),
		cmocka_unit_test(an_overlap_of_one_unit_is_one),
		cmocka_unit_test(ranges_agree_with_a_bitmap_of_units),
		cmocka_unit_test(a_datagram_is_complete_in_any_order),
		cmocka_unit_test(too_many_gaps_forget_none_of_the_first),
		cmocka_unit_test(fragments_fit_the_mtu),
		cmocka_unit_test(fragments_follow_each_other),
		cmocka_unit_test(options_that_are_not_copied_become_padding),
	};

	return cmocka_run_group_tests_name("frag", tests, NULL, NULL);
}
