// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Port mappings that are published together: neighbours become ranges, conflicts are told. */
#include <errno.h>

#include "kept_log.h"
#include <user/lib/base/portmap_set.h>
#include <user/lib/base/portmap_text.h>

#define MOST 32

/* Texts with blanks between, as `expose` takes them. */
static size_t read_list(const char *text, struct portmap list[MOST])
{
	char word[64];
	size_t n = 0;
	int len;

	for (; sscanf(text, "%63s%n", word, &len) == 1; text += len)
		assert_null(portmap_parse(word, &list[n++]));
	return n;
}

static void folds(const char *from, const char *to)
{
	char text[512] = "", one[PORTMAP_TEXT];
	struct portmap list[MOST];
	size_t i, n = read_list(from, list);

	assert_int_equal(portmap_fold(list, &n), 0);
	for (i = 0; i < n; i++)
		sprintf(text + strlen(text), "%s%s", i ? " " : "", portmap_format(&list[i], one, sizeof(one)));
	assert_string_equal(text, to);
}

static void conflicts(const char *from)
{
	struct portmap list[MOST];
	size_t n = read_list(from, list);

	assert_int_equal(portmap_fold(list, &n), -EEXIST);
	assert_non_null(kept.cause);
	log_forget(&kept);
}

static void neighbours_become_ranges(void **state)
{
	folds("", "");
	folds("80", "80");
	folds("8001:81 8000:80 8002:82", "8000-8002:80");
	folds("8000-8009 8010 8011-8019", "8000-8019");
	folds("8000 8002", "8000 8002");
	folds("8000:80 8001:80", "8000:80 8001:80"); /* not in step */
	folds("65534 65535", "65534-65535");
	folds("80 81/udp 81 80/udp", "80-81 80-81/udp");
	folds("10.0.0.1:80 10.0.0.2:81 10.0.0.1:81", "10.0.0.1:80-81 10.0.0.2:81");
}

static void what_is_asked_for_twice_is_kept_once(void **state)
{
	folds("80 80", "80");
	folds("8000-8009 8005", "8000-8009");
	folds("8005-8014 8000-8009", "8000-8014");
}

static void one_port_cannot_lead_to_two(void **state)
{
	conflicts("80 80:81");
	conflicts("8000-8009 8005:80");
	conflicts("80 10.0.0.1:80");
	conflicts("10.0.0.1:80 70-90");
	conflicts("8080 53/udp 10.0.0.1:53/udp");
	folds("10.0.0.1:80 10.0.0.2:80 80/udp", "10.0.0.1:80 10.0.0.2:80 80/udp");
}

/* Each port of random lists leads to where it did, whatever they are folded to. */
static void folding_changes_no_port(void **state)
{
	int round, i;

	for (round = 0; round < 2000; round++) {
		struct portmap list[MOST], before[MOST];
		size_t n = 0, was, k, ports = 0, folded = 0;

		for (i = 0; i < 12; i++) {
			uint16_t port = 100 + 20 * i + random_in(0, 3), len = random_in(0, 16);

			list[n++] = (struct portmap){ .proto = random_in(0, 1) ? L4_TCP : L4_UDP, .first_h = port,
						      .last_h = port + len, .to_first_h = port + random_in(0, 1) };
		}
		memcpy(before, list, sizeof(list));
		was = n;
		assert_int_equal(portmap_fold(list, &n), 0);
		for (k = 0; k < was; k++) {
			assert_true(portmap_set_has(list, n, &before[k]));
			ports += before[k].last_h - before[k].first_h + 1;
		}
		for (k = 0; k < n; k++)
			folded += list[k].last_h - list[k].first_h + 1;
		assert_int_equal(ports, folded);
	}
}

static void a_set_of_ports_has_what_was_added(void **state)
{
	uint64_t words[PORT_WORDS] = {};

	port_set_add(words, 63, 64);
	port_set_add(words, 65535, 65535);
	assert_false(port_set_has(words, 62));
	assert_true(port_set_has(words, 63));
	assert_true(port_set_has(words, 64));
	assert_false(port_set_has(words, 65));
	assert_true(port_set_has(words, 65535));
}

static void only_attach_has_a_port_chosen(void **state)
{
	struct portmap p;

	assert_non_null(portmap_parse("0:80", &p));
	assert_null(portmap_parse_chosen("0:80/udp", &p));
	assert_int_equal(p.first_h, 0);
	assert_int_equal(p.to_first_h, 80);
	assert_int_equal(p.proto, L4_UDP);
	assert_null(portmap_parse_chosen("10.0.0.1:0:80", &p));
	assert_int_equal(p.addr.octet[0], 10);
	assert_null(portmap_parse_chosen("8080:80", &p));
	assert_non_null(portmap_parse_chosen("0", &p));
	assert_non_null(portmap_parse_chosen("0-1:80", &p));
	assert_non_null(portmap_parse_chosen("00:80", &p));
	assert_non_null(portmap_parse_chosen("0:0", &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(neighbours_become_ranges, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_asked_for_twice_is_kept_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_port_cannot_lead_to_two, set_up, tear_down),
		cmocka_unit_test_setup_teardown(folding_changes_no_port, set_up, tear_down),
		cmocka_unit_test(a_set_of_ports_has_what_was_added),
		cmocka_unit_test(only_attach_has_a_port_chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
