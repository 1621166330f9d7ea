// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* include/ebpfnet/core/ct_share.h: what greedy accounts get, and what they leave. */
#include <ebpfnet/core/ct_share.h>
#include "unit.h"

#define MAX 65536

/* Accounts that each take what they may, in turn, until none gets more. Returns what one has; *taken: all. */
static uint32_t fill(uint32_t accounts, uint32_t cap, uint32_t *taken)
{
	uint32_t used = 0;

	for (*taken = 0; share_of_namespace(used, cap, *taken, MAX) && *taken + accounts <= MAX; used++)
		*taken += accounts;
	return used;
}

static void one_namespace_gets_what_it_may(void **state)
{
	static const uint32_t caps[] = { 1, 500, MAX / 4, MAX / 2, MAX / 4 * 3, MAX - 1, MAX };
	uint32_t taken;
	size_t i;

	for (i = 0; i < COUNT(caps); i++)
		assert_int_equal(fill(1, caps[i], &taken), caps[i]);
}

static void greedy_namespaces_get_equal_parts_and_leave_one(void **state)
{
	uint32_t n, taken;

	for (n = 2; n < 60; n++) {
		assert_in_range(fill(n, MAX / 2, &taken), MAX / (n + 1), MAX / (n + 1) + 1);
		assert_true(taken + MAX / (n + 1) <= MAX + n);
		assert_true(share_of_namespace(MAX / (n + 1) / 2, MAX / 2, taken, MAX));
	}
}

/* In a table of any size, full or not. */
static void a_small_account_has_its_share_of_a_full_table(void **state)
{
	uint32_t max;

	for (max = 2; max < 100000; max += 61) {
		assert_true(share_of_namespace(0, max / 2 ? max / 2 : 1, max, max));
		assert_true(share_of_outside(0, 0, max, max));
		assert_true(share_of_ports(0, max, max));
		assert_false(share_of_namespace(max / 2, max, max / 2 + 1, max) && max / 2 >= max);
		assert_false(share_of_outside(max, 0, max, max));
	}
}

static void one_published_port_gets_three_quarters(void **state)
{
	uint32_t used = 0;

	while (share_of_outside(used, 0, used, MAX))
		used++;
	assert_in_range(used, MAX / 4 * 3, MAX / 4 * 3 + 1);
}

/* Each client as many as it may, after the others: the worst case. Clients that do so at once get equal parts. */
static void clients_of_a_port_leave_room_for_one_more(void **state)
{
	uint32_t n, i, used = 0, client;

	for (n = 0; n < 5; n++) {
		for (client = 0; share_of_outside(used, client, used, MAX); client++)
			used++;
		assert_true(client > 0);
		assert_true(share_of_outside(used, 0, used, MAX));
		for (i = 0; n == 0 && i < 3; i++) /* the first has the most */
			assert_in_range(client, MAX / 2, MAX / 8 * 5);
	}
}

/* In tables of all sizes, from any position of the cursor. */
static void a_search_comes_by_each_slot(void **state)
{
	static const uint32_t sizes[] = { 1, 7, 8, 9, 64, 1000, 4099, MAX, 1 << 20 };
	static const uint32_t starts[] = { 0, 5, 123456, 0xfffffff0 };
	static uint8_t seen[(1 << 20) + CT_SCAN_BLOCK];
	uint32_t turn, slot;
	size_t i, k;

	for (i = 0; i < COUNT(sizes); i++)
		for (k = 0; k < COUNT(starts); k++) {
			memset(seen, 0, sizeof(seen));
			for (turn = 0; turn < ct_scan_turns(sizes[i]); turn++) {
				slot = ct_scan_slot(starts[k] + turn, sizes[i]);
				assert_true(slot < sizes[i] + CT_SCAN_BLOCK);
				seen[slot] = 1;
			}
			assert_null(memchr(seen, 0, sizes[i]));
		}
}

/* 64 blocks in a row come by each 32nd part of the table: a part of it that is of one age hides nothing. */
static void a_search_does_not_stay_in_one_part(void **state)
{
	static const uint32_t sizes[] = { 512, 1300, 4099, 27320, MAX, 1000003 };
	uint32_t start, turn, parts;
	size_t i;

	for (i = 0; i < COUNT(sizes); i++)
		for (start = 0; start < 100000; start += 512 - CT_SCAN_BLOCK) {
			for (parts = turn = 0; turn < 512; turn += CT_SCAN_BLOCK)
				parts |= 1u << (uint64_t)ct_scan_slot(start + turn, sizes[i]) * 32 / sizes[i];
			assert_int_equal(parts, 0xffffffff);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_namespace_gets_what_it_may),
		cmocka_unit_test(greedy_namespaces_get_equal_parts_and_leave_one),
		cmocka_unit_test(a_small_account_has_its_share_of_a_full_table),
		cmocka_unit_test(one_published_port_gets_three_quarters),
		cmocka_unit_test(clients_of_a_port_leave_room_for_one_more),
		cmocka_unit_test(a_search_comes_by_each_slot),
		cmocka_unit_test(a_search_does_not_stay_in_one_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
