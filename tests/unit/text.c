// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What others chose, made fit for a terminal and for JSON. */
#include "unit.h"
#include <user/lib/base/text.h>

static const struct {
	const char *text, *printable, *utf8;
} cases[] = {
	{ "", "", "" },
	{ "eth0", "eth0", "eth0" },
	{ "a\nb\tc", "a\\nb\\tc", "a\nb\tc" },
	{ "\033]0;title\a", "\\x1b]0;title\\x07", "\033]0;title\a" },
	{ "\r\x7f", "\\x0d\\x7f", "\r\x7f" },
	{ "\x9b" "31m", "\\x9b31m", "\\x9b31m" },		/* CSI in one byte, no UTF-8 */
	{ "\xc2\x9b" "31m", "\\xc2\\x9b31m", "\xc2\x9b" "31m" },	/* CSI as U+009B */
	{ "stra\xc3\x9f" "e", "stra\xc3\x9f" "e", "stra\xc3\x9f" "e" },
	{ "\xf0\x9f\x90\x9d", "\xf0\x9f\x90\x9d", "\xf0\x9f\x90\x9d" },
	{ "a\xe2\x80\xae" "b", "a\\xe2\\x80\\xaeb", "a\xe2\x80\xae" "b" },	/* U+202E: right to left */
	{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8", "\xe2\x80\xa8" },	/* U+2028: a new line to some */
	{ "\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf" },		/* overlong */
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80" },	/* a surrogate */
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80" },	/* above U+10FFFF */
	{ "x\xe2\x82", "x\\xe2\\x82", "x\\xe2\\x82" },		/* cut off */
	{ "\xff", "\\xff", "\\xff" },
};

static void what_a_terminal_acts_on_is_escaped(void **state)
{
	size_t i;
	char *out;

	for (i = 0; i < COUNT(cases); i++) {
		out = text_printable(cases[i].text);
		assert_string_equal(out, cases[i].printable);
		free(out);
	}
}

static void for_json_only_what_is_no_utf8_is_replaced(void **state)
{
	size_t i;
	char *out;

	for (i = 0; i < COUNT(cases); i++) {
		out = text_utf8(cases[i].text);
		assert_string_equal(out, cases[i].utf8);
		free(out);
	}
}

static void names_of_devices_and_hosts_are_known(void **state)
{
	static const char *const not_devices[] = { "", "lo", ".", "..", "a/b", "a b", "a:b", "a%b", "a\n",
						   "sixteencharacters" };
	static const char *const not_hosts[] = { "", "a b", "a\n", "a/b", "stra\xc3\x9f" "e", "a#" };
	size_t i;

	for (i = 0; i < COUNT(not_devices); i++)
		assert_false(text_is_device(not_devices[i]));
	assert_true(text_is_device("eth0"));
	assert_true(text_is_device("fifteencharacts"));
	for (i = 0; i < COUNT(not_hosts); i++)
		assert_false(text_is_host_name(not_hosts[i]));
	assert_true(text_is_host_name("a_b-c.9"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_terminal_acts_on_is_escaped),
		cmocka_unit_test(for_json_only_what_is_no_utf8_is_replaced),
		cmocka_unit_test(names_of_devices_and_hosts_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
