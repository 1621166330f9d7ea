// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "unit.h"
#include <user/bench/sample.h>

static void median_is_the_middle_or_between_the_two(void **state)
{
	static const double odd[] = { 5, 1, 9 }, even[] = { 8, 2, 4, 100 }, one[] = { 7 };

	assert_true(sample_median(odd, 3) == 5);
	assert_true(sample_median(even, 4) == 6);
	assert_true(sample_median(one, 1) == 7);
}

static void missing_measurements_do_not_count(void **state)
{
	static const double some[] = { 0, 3, 0, 5, 4 }, none[] = { 0, 0 };

	assert_true(sample_median(some, 5) == 4);
	assert_true(sample_median(none, 2) == 0);
	assert_true(sample_median(none, 0) == 0);
	assert_true(sample_spread(none, 2) == 0);
}

static void spread_is_blind_to_one_that_lies_far_out(void **state)
{
	static const double values[] = { 10, 11, 12, 13, 1000 }, same[] = { 4, 4, 4 };

	assert_true(sample_spread(values, 5) == 1);
	assert_true(sample_spread(same, 3) == 0);
}

/* The machine was twice as slow in the second round: that is nobody's fault. */
static void ratios_are_of_neighbours_in_time(void **state)
{
	static const double a[] = { 110, 55, 0, 110 }, b[] = { 100, 50, 100, 0 };
	double ratio[4];

	sample_ratios(a, b, 4, ratio);
	assert_true(ratio[0] == 1.1 && ratio[1] == 1.1);
	assert_true(ratio[2] == 0 && ratio[3] == 0);
}

static void as_many_as_there_may_be_have_room(void **state)
{
	double values[SAMPLES_MAX];
	size_t i;

	for (i = 0; i < SAMPLES_MAX; i++)
		values[i] = SAMPLES_MAX - i;
	assert_true(sample_median(values, SAMPLES_MAX) == (SAMPLES_MAX + 1) / 2.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(median_is_the_middle_or_between_the_two),
		cmocka_unit_test(missing_measurements_do_not_count),
		cmocka_unit_test(spread_is_blind_to_one_that_lies_far_out),
		cmocka_unit_test(ratios_are_of_neighbours_in_time),
		cmocka_unit_test(as_many_as_there_may_be_have_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
