// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The sink of log lines: the library's caller decides where they go. */
#include <errno.h>
#include <pthread.h>

#include "captured.h"
#include "unit.h"
#include <user/lib/base/log.h>

struct heard {
	char lines[512];
	size_t count;
};

static void hear(enum log_level level, const char *line, void *arg)
{
	static const char *const names[] = { "error", "warning", "info" };
	struct heard *h = arg;
	size_t len = strlen(h->lines);

	snprintf(h->lines + len, sizeof(h->lines) - len, "%s: %s|", names[level], line);
	h->count++;
}

static void log_one_of_each(void *arg)
{
	int *r = arg;

	*r = log_err(-ENOENT, "no %s at %d", "device", 7);
	log_warn("%s is old", "it");
	log_info("made %s", "all");
}

static void by_default_errors_and_warnings_are_on_stderr(void **state)
{
	struct captured c;
	int r = 0;

	c = capture(log_one_of_each, &r);
	assert_int_equal(r, -ENOENT);
	assert_string_equal(c.err, "ebpfnet: no device at 7\nebpfnet: warning: it is old\n");
	assert_string_equal(c.out, "");
}

static void a_sink_gets_each_line_with_its_level_and_nothing_is_printed(void **state)
{
	struct heard h = {};
	struct captured c;
	int r = 0;

	log_set_sink(hear, &h);
	c = capture(log_one_of_each, &r);
	log_set_sink(NULL, NULL);
	assert_int_equal(r, -ENOENT);
	assert_string_equal(h.lines, "error: no device at 7|warning: it is old|info: made all|");
	assert_string_equal(c.err, "");
	assert_string_equal(c.out, "");
}

static void without_a_sink_the_default_is_back(void **state)
{
	struct heard h = {};
	struct captured c;
	int r = 0;

	log_set_sink(hear, &h);
	log_set_sink(NULL, NULL);
	c = capture(log_one_of_each, &r);
	assert_int_equal(h.count, 0);
	assert_string_equal(c.err, "ebpfnet: no device at 7\nebpfnet: warning: it is old\n");
}

static void a_long_line_is_whole(void **state)
{
	char text[400];
	struct heard h = {};

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_set_sink(hear, &h);
	log_err(0, "%s", text);
	log_set_sink(NULL, NULL);
	assert_int_equal(strlen(h.lines), strlen("error: |") + strlen(text));
}

#define LINES 1000

static void *log_many(void *arg)
{
	int i;

	for (i = 0; i < LINES; i++)
		log_warn("%d", i);
	return arg;
}

static void count_line(enum log_level level, const char *line, void *arg)
{
	++*(volatile size_t *)arg; /* not atomic: only one thread at a time is here */
}

static void threads_do_not_call_the_sink_at_once(void **state)
{
	pthread_t thread[4];
	size_t count = 0, i;

	log_set_sink(count_line, &count);
	for (i = 0; i < COUNT(thread); i++)
		assert_int_equal(pthread_create(&thread[i], NULL, log_many, NULL), 0);
	for (i = 0; i < COUNT(thread); i++)
		pthread_join(thread[i], NULL);
	log_set_sink(NULL, NULL);
	assert_int_equal(count, COUNT(thread) * LINES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_default_errors_and_warnings_are_on_stderr),
		cmocka_unit_test(a_sink_gets_each_line_with_its_level_and_nothing_is_printed),
		cmocka_unit_test(without_a_sink_the_default_is_back),
		cmocka_unit_test(a_long_line_is_whole),
		cmocka_unit_test(threads_do_not_call_the_sink_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
