// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The table of drops: who reads it must not miss one, nor see one twice. */
#include <json-c/json.h>

#include "captured.h"
#include "unit.h"
#include <user/cli/tables.h>

static const char *const ids[] = {
#define X(id, text) #id,
	EBPFNET_DROPS(X)
#undef X
};

static const char *const texts[] = {
#define X(id, text) text,
	EBPFNET_DROPS(X)
#undef X
};

static struct {
	struct counters c;
	bool json, zeros;
	uint64_t sum;
} show;

static uint64_t *drop(size_t i)
{
	return (uint64_t *)&show.c + COUNT_unknown_ifindex + i;
}

static void call(void *arg)
{
	struct report r;

	report_begin(&r, show.json);
	show.sum = show_drops(&r, &show.c, show.zeros);
	report_end(&r);
}

static void call_for_refusals(void *arg)
{
	struct report r;

	report_begin(&r, show.json);
	show.sum = show_refusals(&r, &show.c, show.zeros);
	report_end(&r);
}

static void begin(bool json, bool zeros)
{
	memset(&show, 0, sizeof(show));
	show.json = json;
	show.zeros = zeros;
}

static void sum_is_of_all_drops_and_of_nothing_else(void **state)
{
	uint64_t want = 0;
	size_t i;

	begin(false, false);
	memset(&show.c, 0x11, sizeof(show.c)); /* passes and events too */
	for (i = 0; i < COUNT(ids); i++)
		want += *drop(i) = random_u32();
	capture(call, NULL);
	assert_int_equal(show.sum, want);
}

static void a_person_sees_the_reasons_that_happened(void **state)
{
	struct captured captured;
	size_t i, n;

	for (i = 0; i < COUNT(ids); i++) {
		begin(false, false);
		*drop(i) = 4321;
		captured = capture(call, NULL);
		assert_int_equal(show.sum, 4321);
		assert_non_null(strstr(captured.out, texts[i]));
		assert_non_null(strstr(captured.out, "4,321"));
		for (n = 0; n < COUNT(ids); n++)
			if (n != i)
				assert_null(strstr(captured.out, texts[n]));
	}
}

/* Of what is dropped and what is refused for one reason, each is in its own sum. */
static void refusals_are_no_drops(void **state)
{
	static const size_t drops[] = {
#define X(id, text) COUNT_##id,
		EBPFNET_ANSWERABLE(X, , "")
#undef X
	}, refusals[] = {
#define X(id, text) COUNT_##id,
		EBPFNET_REFUSALS(X)
#undef X
	};
	size_t i;

	assert_int_equal(COUNT(drops), COUNT(refusals));
	for (i = 0; i < COUNT(drops); i++) {
		assert_int_equal(drops[i] + EBPFNET_REFUSED, refusals[i]);
		begin(false, false);
		((uint64_t *)&show.c)[refusals[i]] = 4321;
		capture(call, NULL);
		assert_int_equal(show.sum, 0);
		capture(call_for_refusals, NULL);
		assert_int_equal(show.sum, 4321);
		begin(false, false);
		((uint64_t *)&show.c)[drops[i]] = 4321;
		capture(call_for_refusals, NULL);
		assert_int_equal(show.sum, 0);
	}
}

static void nothing_dropped_shows_nothing(void **state)
{
	struct captured captured;

	begin(false, false);
	captured = capture(call, NULL);
	assert_string_equal(captured.out, "");
	assert_int_equal(show.sum, 0);
}

static const char *text_of(struct json_object *row, const char *key)
{
	struct json_object *value;

	assert_true(json_object_object_get_ex(row, key, &value));
	return json_object_get_string(value);
}

static void json_has_every_reason_in_the_order_of_the_list(void **state)
{
	struct json_object *o, *rows, *row;
	struct captured captured;
	char count[24];
	size_t i;

	begin(true, true);
	for (i = 0; i < COUNT(ids); i++)
		*drop(i) = i % 2 ? 1000 + i : 0;
	captured = capture(call, NULL);
	o = json_tokener_parse(captured.out);
	assert_true(json_object_object_get_ex(o, "drops", &rows));
	assert_int_equal(json_object_array_length(rows), COUNT(ids));
	for (i = 0; i < COUNT(ids); i++) {
		row = json_object_array_get_idx(rows, i);
		snprintf(count, sizeof(count), "%zu", i % 2 ? 1000 + i : 0);
		assert_string_equal(text_of(row, "name"), ids[i]);
		assert_string_equal(text_of(row, "count"), count);
		assert_string_equal(text_of(row, "text"), texts[i]);
	}
	json_object_put(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sum_is_of_all_drops_and_of_nothing_else),
		cmocka_unit_test(a_person_sees_the_reasons_that_happened),
		cmocka_unit_test(refusals_are_no_drops),
		cmocka_unit_test(nothing_dropped_shows_nothing),
		cmocka_unit_test(json_has_every_reason_in_the_order_of_the_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
