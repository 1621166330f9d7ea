// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>

#include "captured.h"
#include "unit.h"
#include <user/cli/command.h>
#include <user/cli/table.h>

/* ---- words ---- */

static void numbers_have_commas_every_three_digits(void **state)
{
	static const struct {
		uint64_t n;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 7, "7" },
		{ 999, "999" },
		{ 1000, "1,000" },
		{ 12345, "12,345" },
		{ 100000, "100,000" },
		{ 12345678, "12,345,678" },
		{ UINT64_MAX, "18,446,744,073,709,551,615" },
	};
	char buf[TEXT_LEN];
	size_t i;

	for (i = 0; i < COUNT(cases); i++)
		assert_string_equal(text_number(cases[i].n, buf), cases[i].text);
}

static void seconds_are_said_in_two_units(void **state)
{
	static const struct {
		uint64_t s;
		const char *text;
	} cases[] = {
		{ 0, "0 s" },
		{ 119, "119 s" },
		{ 120, "2 min 0 s" },
		{ 3599, "59 min 59 s" },
		{ 3600, "1 h 0 min" },
		{ 7440, "2 h 4 min" },
		{ 7499, "2 h 4 min" },
		{ 90000, "25 h 0 min" },
		{ UINT64_MAX, "5124095576030431 h 0 min" },
	};
	char buf[TEXT_LEN];
	size_t i;

	for (i = 0; i < COUNT(cases); i++)
		assert_string_equal(text_seconds(cases[i].s, buf), cases[i].text);
}

static void bytes_are_said_in_megabytes(void **state)
{
	char buf[TEXT_LEN];

	assert_string_equal(text_megabytes(0, buf), "0.0 MB");
	assert_string_equal(text_megabytes(26595720, buf), "26.6 MB");
	assert_string_equal(text_megabytes(268436872, buf), "268.4 MB");
	assert_string_equal(text_megabytes(UINT64_MAX, buf), "18446744073709.6 MB");
}

/* ---- a table of every kind of cell ---- */

static const struct column columns[] = {
	{ "name", "name" },
	{ "packets", "packets", CELL_NUMBER },
	{ "idle_s", "idle", CELL_SECONDS },
	{ "hidden", NULL, CELL_NUMBER },
	{ "bytes", "bytes", CELL_BYTES },
	{ "note", "note" },
	{ "id", NULL },
	{},
};

static int status;

static void fill(struct table *t)
{
	table_row(t, TEXT("ns1"), NUMBER(12345678901), NUMBER(7440), NUMBER(42), NUMBER(1536),
		  TEXT("a \"word\"/\\"), TEXT("x"));
	table_row(t, TEXT("longer-name"), NUMBER(0), NUMBER(NO_NUMBER), NUMBER(NO_NUMBER),
		  NUMBER(1023), TEXT(NULL), TEXT(NULL));
	table_row(t, TEXT(NULL), NUMBER(NO_NUMBER), NUMBER(5), NUMBER(0), NUMBER(NO_NUMBER),
		  TEXT("b"), TEXT("y"));
}

static void show_full(void *json)
{
	struct report r;
	struct table t;

	report_begin(&r, json);
	table_begin(&t, &r, "ports", columns);
	fill(&t);
	table_end(&t);
	status = report_end(&r);
}

static void columns_are_aligned_texts_left_and_numbers_right(void **state)
{
	struct captured captured = capture(show_full, NULL);

	assert_string_equal(captured.out,
			    "name                packets       idle    bytes  note\n"
			    "ns1          12,345,678,901  2 h 4 min  1.5 KiB  a \"word\"/\\\n"
			    "longer-name               0          -   1023 B  -\n"
			    "-                         -        5 s        -  b\n");
	assert_string_equal(captured.err, "");
	assert_int_equal(status, EXIT_OK);
}

static struct json_object *json_of(const char *text)
{
	enum json_tokener_error error;
	struct json_object *o = json_tokener_parse_verbose(text, &error);

	if (!o)
		fail_msg("%s in: %s", json_tokener_error_desc(error), text);
	return o;
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value))
		fail_msg("no member %s in %s", key, json_object_to_json_string(o));
	return value;
}

static void assert_number(struct json_object *row, const char *key, uint64_t want)
{
	assert_int_equal(json_object_get_type(member(row, key)), json_type_int);
	assert_int_equal(json_object_get_uint64(member(row, key)), want);
}

static void assert_text(struct json_object *row, const char *key, const char *want)
{
	assert_int_equal(json_object_get_type(member(row, key)), json_type_string);
	assert_string_equal(json_object_get_string(member(row, key)), want);
}

static void json_has_each_cell_in_its_own_type(void **state)
{
	struct captured captured = capture(show_full, (void *)1);
	struct json_object *o = json_of(captured.out), *row, *rows = member(o, "ports");

	assert_int_equal(json_object_array_length(rows), 3);
	row = json_object_array_get_idx(rows, 0);
	assert_int_equal(json_object_object_length(row), 7);
	assert_text(row, "name", "ns1");
	assert_number(row, "packets", 12345678901);
	assert_number(row, "idle_s", 7440);
	assert_number(row, "hidden", 42);
	assert_number(row, "bytes", 1536);
	assert_text(row, "note", "a \"word\"/\\");
	assert_text(row, "id", "x");
	assert_int_equal(status, EXIT_OK);
	json_object_put(o);
}

static void json_of_no_value_is_null(void **state)
{
	struct captured captured = capture(show_full, (void *)1);
	struct json_object *o = json_of(captured.out), *row;

	row = json_object_array_get_idx(member(o, "ports"), 1);
	assert_null(member(row, "idle_s"));
	assert_null(member(row, "hidden"));
	assert_null(member(row, "note"));
	assert_number(row, "packets", 0);
	row = json_object_array_get_idx(member(o, "ports"), 2);
	assert_null(member(row, "name"));
	assert_null(member(row, "bytes"));
	json_object_put(o);
}

/* ---- other tables ---- */

static void show_empty(void *json)
{
	struct report r;
	struct table t;

	report_begin(&r, json);
	table_begin(&t, &r, "ports", columns);
	table_end(&t);
	status = report_end(&r);
}

static void
table_without_rows_is_nothing_for_a_person_and_an_empty_array_for_a_program(void **state)
{
	struct json_object *o;
	struct captured captured;

	captured = capture(show_empty, NULL);
	assert_string_equal(captured.out, "");
	assert_int_equal(status, EXIT_OK);
	captured = capture(show_empty, (void *)1);
	o = json_of(captured.out);
	assert_int_equal(json_object_array_length(member(o, "ports")), 0);
	json_object_put(o);
}

static void show_ratios(void *json)
{
	static const struct column columns[] = { { "x", "x", CELL_RATIO }, {} };
	struct report r;
	struct table t;

	report_begin(&r, json);
	table_begin(&t, &r, "rows", columns);
	table_row(&t, NUMBER(1234));
	table_row(&t, NUMBER(12004));
	table_row(&t, NUMBER(0));
	table_row(&t, NUMBER(NO_NUMBER));
	table_end(&t);
	status = report_end(&r);
}

static void a_ratio_has_two_digits_for_a_person_and_three_for_a_program(void **state)
{
	struct captured captured = capture(show_ratios, NULL);
	struct json_object *o, *x;

	assert_string_equal(captured.out, "    x\n 1.23\n12.00\n 0.00\n    -\n");
	captured = capture(show_ratios, (void *)1);
	assert_non_null(strstr(captured.out, "1.234 "));
	assert_non_null(strstr(captured.out, "12.004 "));
	o = json_of(captured.out);
	x = member(json_object_array_get_idx(member(o, "rows"), 0), "x");
	assert_int_equal(json_object_get_type(x), json_type_double);
	assert_true(json_object_get_double(x) > 1.2339 && json_object_get_double(x) < 1.2341);
	assert_null(member(json_object_array_get_idx(member(o, "rows"), 3), "x"));
	json_object_put(o);
}

#define MANY 200 /* the table grows several times */

/* The text of each row lives only while the row is added: the table keeps a copy. */
static void show_many(void *json)
{
	static const struct column two[] = { { "name", "name" }, { "n", "n", CELL_NUMBER }, {} };
	struct report r;
	struct table t;
	char *name;
	int i;

	report_begin(&r, json);
	table_begin(&t, &r, "rows", two);
	for (i = 0; i < MANY; i++) {
		name = malloc(16);
		snprintf(name, 16, "row%d", i);
		table_row(&t, TEXT(name), NUMBER(i));
		memset(name, '!', 15);
		free(name);
	}
	table_end(&t);
	status = report_end(&r);
}

static void many_rows_stand_in_the_order_they_were_added(void **state)
{
	struct captured captured = capture(show_many, (void *)1);
	struct json_object *o = json_of(captured.out), *row, *rows = member(o, "rows");
	char name[16];
	int i;

	assert_int_equal(json_object_array_length(rows), MANY);
	for (i = 0; i < MANY; i++) {
		row = json_object_array_get_idx(rows, i);
		snprintf(name, sizeof(name), "row%d", i);
		assert_text(row, "name", name);
		assert_number(row, "n", i);
	}
	json_object_put(o);
}

#define STREAMED (2 * TABLE_PAGE + 5)

static size_t kept_at_most;

/* Numbers that get wider: those of the second page do not fit into the columns of the first. */
static void show_stream(void *json)
{
	static const struct column two[] = { { "n", "n", CELL_NUMBER }, { "name", "name" }, {} };
	struct report r;
	struct table t;
	int i;

	report_begin(&r, json);
	table_begin_stream(&t, &r, "rows", two);
	for (i = kept_at_most = 0; i < STREAMED; i++) {
		table_row(&t, NUMBER(i < TABLE_PAGE ? i : 1000000 + i), TEXT("x"));
		if (t.kept > kept_at_most)
			kept_at_most = t.kept;
	}
	table_end(&t);
	report_number(&r, "count", t.rows);
	status = report_end(&r);
}

static void a_stream_keeps_a_page_however_long_it_is(void **state)
{
	struct captured captured = capture(show_stream, (void *)1);
	struct json_object *o = json_of(captured.out), *rows = member(o, "rows");
	int i;

	assert_int_equal(kept_at_most, TABLE_PAGE);
	assert_int_equal(json_object_array_length(rows), STREAMED);
	for (i = 0; i < STREAMED; i++)
		assert_number(json_object_array_get_idx(rows, i), "n", i < TABLE_PAGE ? i : 1000000 + i);
	assert_number(o, "count", STREAMED);
	assert_int_equal(status, EXIT_OK);
	json_object_put(o);
}

static void a_page_of_a_stream_is_aligned_and_titles_come_once(void **state)
{
	struct captured captured = capture(show_stream, NULL);
	const char *line = captured.out;
	int i;

	assert_memory_equal(line, "    n  name\n    0  x\n", 21);
	for (i = 0; i < TABLE_PAGE; i++)
		line = strchr(line, '\n') + 1;
	assert_memory_equal(line, "1,023  x\n1,001,024  x\n", 22);
	for (; i < STREAMED; i++)
		line = strchr(line, '\n') + 1;
	assert_string_equal(line, "1,002,052  x\n");
	assert_null(strstr(captured.out + 1, "name\n    n"));
}

/* ---- reports ---- */

static void show_mixed(void *json)
{
	static const struct column one[] = { { "name", "name" }, {} };
	struct report r;
	struct table t;

	report_begin(&r, json);
	report_line(&r, "subnet", "%s", "192.168.1.0/24");
	report_health(&r, "state", true, "%s", "well");
	report_text(&r, "subnet", "192.168.1.0/24");
	report_text(&r, "hook", NULL);
	table_begin(&t, &r, "ports", one);
	table_row(&t, TEXT("ns1"));
	table_end(&t);
	table_begin(&t, &r, "rules", one);
	table_row(&t, TEXT("r1"));
	table_end(&t);
	report_note(&r, "%d flows", 3);
	report_note(&r, "and no more");
	report_number(&r, "flows", UINT64_MAX - 1);
	status = report_end(&r);
}

static void lines_tables_and_notes_stand_apart(void **state)
{
	struct captured captured = capture(show_mixed, NULL);

	assert_string_equal(captured.out, "subnet      192.168.1.0/24\n"
				      "state       well\n"
				      "\n"
				      "name\n"
				      "ns1\n"
				      "\n"
				      "name\n"
				      "r1\n"
				      "\n"
				      "3 flows\n"
				      "and no more\n");
}

static void a_report_is_one_json_object_without_the_words_for_a_person(void **state)
{
	struct captured captured = capture(show_mixed, (void *)1);
	struct json_object *o = json_of(captured.out);

	assert_int_equal(json_object_object_length(o), 5);
	assert_text(o, "subnet", "192.168.1.0/24");
	assert_null(member(o, "hook"));
	assert_number(o, "flows", UINT64_MAX - 1);
	assert_int_equal(json_object_array_length(member(o, "ports")), 1);
	assert_int_equal(json_object_array_length(member(o, "rules")), 1);
	assert_null(strstr(captured.out, "well"));
	json_object_put(o);
}

static void show_nothing(void *json)
{
	struct report r;

	report_begin(&r, json);
	status = report_end(&r);
}

static void an_empty_report_is_an_empty_object(void **state)
{
	struct captured captured = capture(show_nothing, (void *)1);
	struct json_object *o = json_of(captured.out);

	assert_int_equal(json_object_object_length(o), 0);
	json_object_put(o);
	captured = capture(show_nothing, NULL);
	assert_string_equal(captured.out, "");
}

/* ---- colour ---- */

static void there_is_no_colour_when_stdout_is_no_terminal(void **state)
{
	struct captured captured = capture(show_mixed, NULL);

	assert_null(strchr(captured.out, '\033'));
	captured = capture(show_full, NULL);
	assert_null(strchr(captured.out, '\033'));
}

/* The output of show_mixed() on a terminal. false: there are no terminals here. */
static bool on_terminal(void *json, char *buf, size_t size)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave = -1, saved;
	ssize_t len;

	if (master >= 0 && !grantpt(master) && !unlockpt(master))
		slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (slave < 0)
		return false;
	fflush(stdout);
	saved = captured_divert(STDOUT_FILENO, slave);
	show_mixed(json);
	fflush(stdout);
	captured_restore(STDOUT_FILENO, saved);
	fcntl(master, F_SETFL, O_NONBLOCK); /* nothing captured is a failure, not a wait */
	len = read(master, buf, size - 1);
	buf[len > 0 ? len : 0] = '\0';
	close(slave);
	close(master);
	return true;
}

static void on_a_terminal_titles_are_bold_and_health_is_green(void **state)
{
	char buf[4096];

	unsetenv("NO_COLOR");
	if (!on_terminal(NULL, buf, sizeof(buf)))
		skip();
	assert_non_null(strstr(buf, "\033[1msubnet      \033[0m192.168.1.0/24"));
	assert_non_null(strstr(buf, "\033[1mstate       \033[0m\033[32mwell\033[0m"));
	assert_non_null(strstr(buf, "\033[1mname\033[0m"));
}

/* https://no-color.org, and JSON is for programs wherever it goes. */
static void there_is_no_colour_under_no_color_and_json(void **state)
{
	char buf[4096];

	setenv("NO_COLOR", "1", 1);
	if (!on_terminal(NULL, buf, sizeof(buf)))
		skip();
	assert_non_null(strstr(buf, "192.168.1.0/24"));
	assert_null(strchr(buf, '\033'));
	unsetenv("NO_COLOR");
	assert_true(on_terminal((void *)1, buf, sizeof(buf)));
	assert_non_null(strstr(buf, "192.168.1.0/24"));
	assert_null(strchr(buf, '\033'));
}

/* ---- failures ---- */

static void show_on_a_full_disk(void *json)
{
	int full = open("/dev/full", O_WRONLY), saved = captured_divert(STDOUT_FILENO, full);

	show_mixed(json);
	fflush(stdout);
	captured_restore(STDOUT_FILENO, saved);
	close(full);
	clearerr(stdout);
}

static void a_report_that_cannot_be_written_fails(void **state)
{
	char want[128];
	struct captured captured;

	snprintf(want, sizeof(want), "ebpfnet: cannot write to stdout: %s\n", strerror(ENOSPC));
	captured = capture(show_on_a_full_disk, NULL);
	assert_int_equal(status, EXIT_FAILED);
	assert_string_equal(captured.err, want);
	captured = capture(show_on_a_full_disk, (void *)1);
	assert_int_equal(status, EXIT_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_commas_every_three_digits),
		cmocka_unit_test(seconds_are_said_in_two_units),
		cmocka_unit_test(bytes_are_said_in_megabytes),
		cmocka_unit_test(columns_are_aligned_texts_left_and_numbers_right),
		cmocka_unit_test(json_has_each_cell_in_its_own_type),
		cmocka_unit_test(json_of_no_value_is_null),
		cmocka_unit_test(
			table_without_rows_is_nothing_for_a_person_and_an_empty_array_for_a_program),
		cmocka_unit_test(a_ratio_has_two_digits_for_a_person_and_three_for_a_program),
		cmocka_unit_test(many_rows_stand_in_the_order_they_were_added),
		cmocka_unit_test(a_stream_keeps_a_page_however_long_it_is),
		cmocka_unit_test(a_page_of_a_stream_is_aligned_and_titles_come_once),
		cmocka_unit_test(lines_tables_and_notes_stand_apart),
		cmocka_unit_test(a_report_is_one_json_object_without_the_words_for_a_person),
		cmocka_unit_test(an_empty_report_is_an_empty_object),
		cmocka_unit_test(there_is_no_colour_when_stdout_is_no_terminal),
		cmocka_unit_test(on_a_terminal_titles_are_bold_and_health_is_green),
		cmocka_unit_test(there_is_no_colour_under_no_color_and_json),
		cmocka_unit_test(a_report_that_cannot_be_written_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
