// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "unit.h"
#include <user/lib/base/addr.h>
#include <user/lib/base/portmap_text.h>

#define RUNS 20000

/* Every form of [ADDR:]PORT[-PORT][:NSPORT][/tcp|udp]; shortest: as it is written back. */
static const struct {
	const char *text;
	const char *addr;
	uint16_t first, last, to;
	enum l4proto proto;
	const char *shortest;
} right[] = {
	{ "5000", "0.0.0.0", 5000, 5000, 5000, L4_TCP, "5000" },
	{ "1", "0.0.0.0", 1, 1, 1, L4_TCP, "1" },
	{ "65535", "0.0.0.0", 65535, 65535, 65535, L4_TCP, "65535" },
	{ "5000/tcp", "0.0.0.0", 5000, 5000, 5000, L4_TCP, "5000" },
	{ "5000/udp", "0.0.0.0", 5000, 5000, 5000, L4_UDP, "5000/udp" },
	{ "5000:3000", "0.0.0.0", 5000, 5000, 3000, L4_TCP, "5000:3000" },
	{ "5000:5000", "0.0.0.0", 5000, 5000, 5000, L4_TCP, "5000" },
	{ "5000:3000/udp", "0.0.0.0", 5000, 5000, 3000, L4_UDP, "5000:3000/udp" },
	{ "8000-8999", "0.0.0.0", 8000, 8999, 8000, L4_TCP, "8000-8999" },
	{ "8000-8000", "0.0.0.0", 8000, 8000, 8000, L4_TCP, "8000" },
	{ "8000-8999/udp", "0.0.0.0", 8000, 8999, 8000, L4_UDP, "8000-8999/udp" },
	{ "8000-8999:3000", "0.0.0.0", 8000, 8999, 3000, L4_TCP, "8000-8999:3000" },
	{ "8000-8999:3000/tcp", "0.0.0.0", 8000, 8999, 3000, L4_TCP, "8000-8999:3000" },
	{ "1-65535", "0.0.0.0", 1, 65535, 1, L4_TCP, "1-65535" },
	{ "1-2:65534", "0.0.0.0", 1, 2, 65534, L4_TCP, "1-2:65534" },
	{ "192.0.2.1:5000", "192.0.2.1", 5000, 5000, 5000, L4_TCP, "192.0.2.1:5000" },
	{ "192.0.2.1:5000/udp", "192.0.2.1", 5000, 5000, 5000, L4_UDP, "192.0.2.1:5000/udp" },
	{ "192.0.2.1:5000:3000", "192.0.2.1", 5000, 5000, 3000, L4_TCP, "192.0.2.1:5000:3000" },
	{ "192.0.2.1:80-89", "192.0.2.1", 80, 89, 80, L4_TCP, "192.0.2.1:80-89" },
	{ "0.0.0.0:5000", "0.0.0.0", 5000, 5000, 5000, L4_TCP, "5000" },
	{ "0080", "0.0.0.0", 80, 80, 80, L4_TCP, "80" },
	{ "255.255.255.255:65534-65535:65533/udp", "255.255.255.255", 65534, 65535, 65533, L4_UDP,
	  "255.255.255.255:65534-65535:65533/udp" },
};

#define A_NUMBER "a port is a number from 1 to 65535"
#define MISSING "a port is missing"
#define AFTER_ADDR "a port is missing after the address"
#define NO_ADDR "the address is not an IPv4 address"
#define PROTO "the protocol is tcp or udp"
#define EXPECTED "expected [ADDR:]PORT[-PORT][:NSPORT][/tcp|udp]"
#define BACKWARDS "the range runs backwards"
#define PAST "the ports inside would run past 65535"

static const struct {
	const char *text, *why;
} wrong[] = {
	{ "", MISSING },
	{ "/tcp", MISSING },
	{ "5000-", MISSING },
	{ "5000-/udp", MISSING },
	{ "5000:", MISSING },
	{ "5000:/udp", MISSING },
	{ "192.0.2.1:", MISSING },
	{ "0", A_NUMBER },
	{ "65536", A_NUMBER },
	{ "4294972296", A_NUMBER }, /* 5000, if it wrapped round */
	{ "18446744073709551616", A_NUMBER },
	{ "18446744073709556616", A_NUMBER },
	{ "-1", A_NUMBER },
	{ "+80", A_NUMBER },
	{ " 80", A_NUMBER },
	{ "http", A_NUMBER },
	{ ":5000", A_NUMBER },
	{ "[::1]:5000", A_NUMBER },
	{ "5000--5001", A_NUMBER },
	{ "5000-0", A_NUMBER },
	{ "5000-65536", A_NUMBER },
	{ "5000:0", A_NUMBER },
	{ "5000:65536", A_NUMBER },
	{ "5000::3000", A_NUMBER },
	{ "192.0.2.1", AFTER_ADDR },
	{ "192.0.2.1/tcp", AFTER_ADDR },
	{ "192.0.2:5000", NO_ADDR },
	{ "192.0.2.256:5000", NO_ADDR },
	{ "192.0.2.1.5:5000", NO_ADDR },
	{ ".:5000", NO_ADDR },
	{ "www.example.com:5000", NO_ADDR },
	{ "255.255.255.2555:5000", NO_ADDR },
	{ "192.0.2.1 :5000", NO_ADDR },
	{ "5000/", PROTO },
	{ "5000/icmp", PROTO },
	{ "5000/TCP", PROTO },
	{ "5000/tcp ", PROTO },
	{ "5000/tcp/udp", PROTO },
	{ "5000 ", EXPECTED },
	{ "5000x", EXPECTED },
	{ "0x50", A_NUMBER },
	{ "1x50", EXPECTED },
	{ "5000.0", NO_ADDR },
	{ "5000,5001", EXPECTED },
	{ "5000:3000:1", EXPECTED },
	{ "5000:3000-3001", EXPECTED },
	{ "5000-5001-5002", EXPECTED },
	{ "5000:192.0.2.1", EXPECTED },
	{ "5001-5000", BACKWARDS },
	{ "65535-1/udp", BACKWARDS },
	{ "1-2:65535", PAST },
	{ "8000-8999:65000", PAST },
};

static void every_form_of_a_spec_is_read(void **state)
{
	char text[ADDR_TEXT];
	struct portmap r;
	size_t i;

	for (i = 0; i < COUNT(right); i++) {
		const char *why = portmap_parse(right[i].text, &r);

		if (why)
			fail_msg("'%s': %s", right[i].text, why);
		assert_string_equal(addr_text(r.addr, text), right[i].addr);
		assert_int_equal(r.first_h, right[i].first);
		assert_int_equal(r.last_h, right[i].last);
		assert_int_equal(r.to_first_h, right[i].to);
		assert_int_equal(r.proto, right[i].proto);
	}
}

static void the_rest_of_the_mapping_is_zeroed(void **state)
{
	struct portmap r, want = { .first_h = 80, .last_h = 80, .to_first_h = 80, .proto = L4_TCP };

	memset(&r, 0xaa, sizeof(r));
	assert_null(portmap_parse("80", &r));
	assert_memory_equal(&r, &want, sizeof(r));
}

static void each_wrong_form_is_refused_with_its_reason(void **state)
{
	struct portmap r;
	size_t i;

	for (i = 0; i < COUNT(wrong); i++) {
		const char *why = portmap_parse(wrong[i].text, &r);

		if (!why || strcmp(why, wrong[i].why))
			fail_msg("'%s': '%s', not '%s'", wrong[i].text, why ? why : "accepted",
				 wrong[i].why);
	}
}

static void a_mapping_is_untouched_by_a_wrong_spec(void **state)
{
	struct portmap r, before;
	size_t i;

	memset(&before, 0xaa, sizeof(before));
	for (i = 0; i < COUNT(wrong); i++) {
		r = before;
		portmap_parse(wrong[i].text, &r);
		assert_memory_equal(&r, &before, sizeof(r));
	}
}

static void mappings_are_written_in_their_shortest_form(void **state)
{
	char buf[PORTMAP_TEXT];
	struct portmap r;
	size_t i;

	for (i = 0; i < COUNT(right); i++) {
		assert_null(portmap_parse(right[i].text, &r));
		assert_ptr_equal(portmap_format(&r, buf, sizeof(buf)), buf);
		assert_string_equal(buf, right[i].shortest);
	}
}

static struct portmap random_rule(void)
{
	struct portmap r = { .proto = random_u32() % 2 ? L4_TCP : L4_UDP };

	if (random_u32() % 2)
		r.addr = addr_from(random_u32());
	r.first_h = random_in(1, 65535);
	r.last_h = random_u32() % 2 ? r.first_h : random_in(r.first_h, 65535);
	r.to_first_h = random_u32() % 2 ? r.first_h : random_in(1, 65535 - (r.last_h - r.first_h));
	return r;
}

static void written_mappings_are_read_back_alike(void **state)
{
	char buf[PORTMAP_TEXT];
	struct portmap r, again;
	int i;

	for (i = 0; i < RUNS; i++) {
		r = random_rule();
		assert_null(portmap_parse(portmap_format(&r, buf, sizeof(buf)), &again));
		assert_memory_equal(&again, &r, sizeof(r));
	}
}

/* Whatever is typed: refused, or a rule that keeps what its fields promise. */
static void random_text_is_refused_or_a_valid_mapping(void **state)
{
	static const char letters[] = "0123456789012345.:-/tcpudp ";
	int i, len, n, accepted = 0;
	char *text;
	struct portmap r;

	for (i = 0; i < RUNS * 5; i++) {
		len = random_in(0, 24);
		text = malloc(len + 1);
		for (n = 0; n < len; n++)
			text[n] = letters[random_in(0, sizeof(letters) - 2)];
		text[len] = '\0';
		if (!portmap_parse(text, &r)) {
			accepted++;
			assert_in_range(r.first_h, 1, r.last_h);
			assert_in_range(r.to_first_h, 1, 65535 - (r.last_h - r.first_h));
			assert_true(r.proto == L4_TCP || r.proto == L4_UDP);
		}
		free(text);
	}
	assert_in_range(accepted, 100, RUNS); /* else this test tests nothing */
}

static void protocols_have_their_names(void **state)
{
	static const char *const names[256] = { [1] = "icmp", [6] = "tcp", [17] = "udp", [47] = "gre",
						[50] = "esp", [132] = "sctp" };
	int proto;

	for (proto = 0; proto < 256; proto++)
		if (names[proto])
			assert_string_equal(proto_name(proto), names[proto]);
		else
			assert_null(proto_name(proto));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_a_spec_is_read),
		cmocka_unit_test(the_rest_of_the_mapping_is_zeroed),
		cmocka_unit_test(each_wrong_form_is_refused_with_its_reason),
		cmocka_unit_test(a_mapping_is_untouched_by_a_wrong_spec),
		cmocka_unit_test(mappings_are_written_in_their_shortest_form),
		cmocka_unit_test(written_mappings_are_read_back_alike),
		cmocka_unit_test(random_text_is_refused_or_a_valid_mapping),
		cmocka_unit_test(protocols_have_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
