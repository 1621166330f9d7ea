// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* JSON of others: strict, bounded, and members whatever the case of their names. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kept_log.h"
#include <user/lib/base/json_in.h>

static int parse(const char *text, struct json_object **out)
{
	*out = NULL;
	return json_in_parse(text, strlen(text), "it", out);
}

static void refused(const char *text, const char *why)
{
	struct json_object *j;

	log_forget(&kept);
	assert_int_equal(parse(text, &j), -EINVAL);
	assert_null(j);
	if (!kept.cause || !strstr(kept.cause, why))
		fail_msg("'%s': said '%s', not '%s'", text, kept.cause ? kept.cause : "", why);
}

static void json_that_is_an_object_is_read(void **state)
{
	static const char *const good[] = {
		"{}", " {\"a\" : [1, -0.5e+3, true, false, null, {}]} \r\n", "{\"\\u00e9\":\"\\\"\\\\\\n\"}",
	};
	struct json_object *j;
	size_t i;

	for (i = 0; i < COUNT(good); i++) {
		assert_int_equal(parse(good[i], &j), 0);
		json_object_put(j);
	}
}

static void json_that_is_none_is_refused(void **state)
{
	refused("", "is empty");
	refused(" \n", "is empty");
	refused("{", "ends in the middle");
	refused("{\"a\": [1", "ends in the middle");
	refused("{\"a\": \"", "ends in the middle");
	refused("[]", "no object");
	refused("{}{}", "behind its end, at byte 2");
	refused("{} x", "behind its end");
	refused("{\"a\":1,}", "is no JSON");
	refused("{'a':1}", "is no JSON: unexpected character at byte 1");
	refused("{\"a\":'b'}", "is no JSON");
	refused("{\"a\":NaN}", "is no JSON");
	refused("{\"a\":-Infinity}", "is no JSON");
	refused("{\"a\":1.}", "is no JSON");
	refused("{\"a\":01}", "is no JSON");
	refused("{\"a\":\"\t\"}", "is no JSON");
	refused("{\"a\":\"\xff\"}", "is no JSON");
	refused("/* */ {}", "is no JSON");
}

static void json_is_nested_up_to_a_limit(void **state)
{
	char text[256];
	struct json_object *j;
	int depth, i, n;

	for (depth = 20; depth < 60; depth++) {
		n = sprintf(text, "{\"a\":");
		for (i = 0; i < depth; i++)
			text[n++] = '[';
		for (i = 0; i < depth; i++)
			text[n++] = ']';
		strcpy(text + n, "}");
		assert_int_equal(parse(text, &j), depth + 1 <= JSON_IN_DEPTH ? 0 : -EINVAL);
		json_object_put(j);
	}
}

static void members_are_found_whatever_their_case(void **state)
{
	struct json_object *j;
	const char *text = "";

	assert_int_equal(parse("{\"HostIP\":\"a\",\"hostip\":\"b\",\"x\":null}", &j), 0);
	assert_int_equal(json_in_text(j, "", "hostIP", &text), 0);
	assert_string_equal(text, "a"); /* the first */
	assert_int_equal(json_in_text(j, "", "hostip", &text), 0);
	assert_string_equal(text, "b"); /* an exact match */
	assert_null(json_in_member(j, "x"));
	assert_null(json_in_member(j, "y"));
	assert_int_equal(json_in_text(j, "", "x", &text), 0);
	assert_string_equal(text, "b"); /* missing or null: unchanged */
	json_object_put(j);
}

static void a_member_of_another_type_is_told(void **state)
{
	struct json_object *j, *sub = NULL;
	const char *text = NULL;
	bool flag = false;
	int64_t n = 7;

	assert_int_equal(parse("{\"t\":1,\"z\":\"a\\u0000b\",\"n\":1.5,\"big\":99999999999999999999,\"m\":-1,"
			       "\"l\":{}}", &j), 0);
	assert_int_equal(json_in_text(j, "x", "t", &text), -EINVAL);
	assert_string_equal(kept.cause, "x.t: a text is expected");
	assert_int_equal(json_in_text(j, "", "z", &text), -EINVAL);
	assert_int_equal(json_in_flag(j, "", "t", &flag), -EINVAL);
	assert_int_equal(json_in_number(j, "", "n", 0, 9, &n), -EINVAL);
	assert_int_equal(json_in_number(j, "", "big", 0, 65535, &n), -EINVAL);
	assert_int_equal(json_in_number(j, "", "m", 0, 65535, &n), -EINVAL);
	assert_int_equal(json_in_array(j, "", "l", &sub), -EINVAL);
	assert_int_equal(json_in_object(j, "", "t", &sub), -EINVAL);
	assert_int_equal(json_in_number(j, "", "m", -1, 0, &n), 0);
	assert_int_equal(n, -1);
	json_object_put(j);
}

static void no_more_than_the_limit_is_read(void **state)
{
	int fd = memfd_create("x", 0);
	char *text = NULL;
	size_t len = 0;

	assert_int_equal(ftruncate(fd, JSON_IN_BYTES), 0);
	assert_int_equal(json_in_read(fd, "it", &text, &len), 0);
	assert_int_equal(len, JSON_IN_BYTES);
	assert_int_equal(text[len], 0);
	free(text);
	text = NULL;
	assert_int_equal(ftruncate(fd, JSON_IN_BYTES + 1), 0);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(json_in_read(fd, "it", &text, &len), -EFBIG);
	assert_null(text);
	close(fd);
}

static void the_first_error_is_the_cause_and_the_others_follow(void **state)
{
	log_err(-1, "one");
	log_warn("w");
	log_info("i");
	log_err(-1, "two");
	log_err(-1, "three");
	assert_string_equal(kept.cause, "one");
	assert_string_equal(kept.further, "two; three");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(json_that_is_an_object_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(json_that_is_none_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(json_is_nested_up_to_a_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(members_are_found_whatever_their_case, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_member_of_another_type_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_more_than_the_limit_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_first_error_is_the_cause_and_the_others_follow, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
