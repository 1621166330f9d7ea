// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Rates as tc writes them. */
#include "unit.h"
#include <user/lib/base/rate_text.h>

static void a_rate_is_read_in_bits(void **state)
{
	static const struct {
		const char *text;
		uint64_t rate;
	} cases[] = {
		{ "0", 0 },
		{ "10000", 10000 },
		{ "10bit", 10 },
		{ "500kbit", 500000 },
		{ "10Mbit", 10000000 },
		{ "1GBIT", 1000000000 },
		{ "2tbit", 2000000000000 },
		{ "8kibit", 8192 },
		{ "1Mibit", 1048576 },
		{ "1gibit", 1073741824 },
		{ "1tibit", 1099511627776 },
		{ "100bps", 800 },
		{ "125kbps", 1000000 },
		{ "1kibps", 8192 },
		{ "1.5mbit", 1500000 },
		{ "0.25gbit", 250000000 },
		{ "1.0000019mbit", 1000001 },
		{ "0.5bit", 0 },
		{ "0.5kibit", 512 },
		{ "18446744073709551615", UINT64_MAX },
	};
	uint64_t rate;
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		rate = ~cases[i].rate;
		if (rate_parse(cases[i].text, &rate))
			fail_msg("%s: %s", cases[i].text, rate_parse(cases[i].text, &rate));
		if (rate != cases[i].rate)
			fail_msg("%s: %llu", cases[i].text, (unsigned long long)rate);
	}
}

static void what_is_no_rate_is_refused(void **state)
{
	static const char *const cases[] = {
		"", "x", "mbit", ".5mbit", "1.mbit", "-1mbit", "+1mbit", " 1mbit", "1 mbit", "1mbit ", "1mb",
		"1bits", "1m", "1e3kbit", "1,5mbit", "0x10", "1..5mbit", "1zbit", "1kkbit",
		"18446744073709551616", "18446745tbit", "18446744073709551615.9kbit", "2305843009213693952bps",
	};
	uint64_t rate = 7;
	size_t i;

	for (i = 0; i < COUNT(cases); i++)
		if (!rate_parse(cases[i], &rate) || rate != 7)
			fail_msg("'%s' is taken for %llu", cases[i], (unsigned long long)rate);
}

static void a_rate_is_printed_so_that_it_can_be_read(void **state)
{
	static const struct {
		uint64_t rate;
		const char *text;
	} cases[] = {
		{ 0, "0bit" }, { 999, "999bit" }, { 1000, "1kbit" }, { 1500, "1500bit" },
		{ 500000, "500kbit" }, { 100000000, "100mbit" }, { 2500000000, "2500mbit" }, { 1000000000, "1gbit" },
		{ 40000000000000, "40tbit" }, { UINT64_MAX, "18446744073709551615bit" },
	};
	char text[RATE_TEXT];
	uint64_t rate;
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		assert_string_equal(rate_text(cases[i].rate, text), cases[i].text);
		assert_null(rate_parse(text, &rate));
		assert_true(rate == cases[i].rate);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_is_read_in_bits),
		cmocka_unit_test(what_is_no_rate_is_refused),
		cmocka_unit_test(a_rate_is_printed_so_that_it_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
