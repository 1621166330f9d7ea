// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Names of endpoints, made from names of files and ids of containers. */
#include "unit.h"
#include <user/lib/model/model.h>

static void a_short_text_is_the_name(void **state)
{
	char name[EBPFNET_NAME_LEN];

	endpoint_short_name("web", name);
	assert_string_equal(name, "web");
	endpoint_short_name("fifteen-letters", name);
	assert_string_equal(name, "fifteen-letters");
}

static void a_long_text_keeps_its_beginning(void **state)
{
	char name[EBPFNET_NAME_LEN], again[EBPFNET_NAME_LEN];

	endpoint_short_name("cni-46246b7d-3571-4b1c-9fa1-0123456789ab", name);
	endpoint_short_name("cni-46246b7d-3571-4b1c-9fa1-0123456789ab", again);
	assert_memory_equal(name, "cni-4624-", 9);
	assert_int_equal(strlen(name), EBPFNET_NAME_LEN - 1);
	assert_string_equal(name, again);
	assert_int_equal(endpoint_check_name(name), 0);
}

/* Ids that runtimes count, or whose ends alone differ. */
static void long_texts_that_begin_alike_get_different_names(void **state)
{
	static char names[1000][EBPFNET_NAME_LEN];
	char id[EBPFNET_ID_LEN];
	int i, n;

	for (i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "4bd24103022f00b54bd24103022f00b54bd24103022f00b54bd24103022f%04x", i);
		endpoint_short_name(id, names[i]);
		for (n = 0; n < i; n++)
			assert_string_not_equal(names[i], names[n]);
	}
}

static void an_id_has_up_to_64_printable_characters(void **state)
{
	char id[EBPFNET_ID_LEN + 1];

	memset(id, 'f', sizeof(id));
	id[64] = '\0';
	assert_int_equal(endpoint_check_id(id), 0);
	id[64] = 'f';
	id[65] = '\0';
	assert_int_not_equal(endpoint_check_id(id), 0);
	assert_int_not_equal(endpoint_check_id(""), 0);
	assert_int_not_equal(endpoint_check_id("a b"), 0);
	assert_int_not_equal(endpoint_check_id("a\x1b"), 0);
	assert_int_equal(endpoint_check_label("web shop"), 0);
	assert_int_not_equal(endpoint_check_label("web\nshop"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_text_is_the_name),
		cmocka_unit_test(a_long_text_keeps_its_beginning),
		cmocka_unit_test(long_texts_that_begin_alike_get_different_names),
		cmocka_unit_test(an_id_has_up_to_64_printable_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
