// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Networks: subnets and lists of them, names, MAC addresses, definitions as text. */
#include "unit.h"

#include <errno.h>

#include <user/lib/base/addr.h>
#include <user/lib/base/forwarding_text.h>
#include <user/lib/model/definition.h>
#include <user/lib/model/device.h>
#include <user/lib/model/model.h>


static struct cidr cidr(const char *text)
{
	struct cidr c = {};

	assert_int_equal(cidr_parse_any(text, &c.addr, &c.prefix), 0);
	return c;
}

static void a_destination_has_any_prefix_or_none(void **state)
{
	static const char *const good[] = { "10.0.0.0/8", "128.0.0.0/1", "10.1.2.3", "10.1.2.3/32", "10.1.2.2/31" };
	static const char *const bad[] = { "", "/", "/8", "10.0.0.0/", "10.0.0.0/0", "10.0.0.0/33", "10.0.0.1/8",
					   "10.0.0.0/8x", "10.0.0.0/-8", "10.0.0/8", "10.0.0.0/8/8", "ten" };
	struct cidr c;
	char text[CIDR_TEXT];
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(cidr_parse_any(good[i], &c.addr, &c.prefix), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cidr_parse_any(bad[i], &c.addr, &c.prefix), -EINVAL);
	c = cidr("10.1.2.3");
	assert_string_equal(cidr_text(&c, text), "10.1.2.3/32");
	c = cidr("255.255.255.255/32");
	assert_string_equal(cidr_text(&c, text), "255.255.255.255/32");
}

static void subnets_overlap_if_one_is_inside_the_other(void **state)
{
	static const struct {
		const char *a, *b;
		bool inside, overlap;
	} pairs[] = {
		{ "10.5.0.0/24", "10.5.0.0/16", true, true },	{ "10.5.0.0/16", "10.5.0.0/24", false, true },
		{ "10.5.0.0/24", "10.5.0.0/24", true, true },	{ "10.5.0.0/24", "10.5.1.0/24", false, false },
		{ "10.5.1.0/25", "10.5.1.128/25", false, false }, { "0.0.0.0/1", "127.0.0.0/8", false, true },
		{ "128.0.0.0/1", "127.0.0.0/8", false, false },
	};
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct cidr a = cidr(pairs[i].a), b = cidr(pairs[i].b);

		assert_int_equal(cidr_inside(&a, &b), pairs[i].inside);
		assert_int_equal(cidr_overlap(&a, &b), pairs[i].overlap);
		assert_int_equal(cidr_overlap(&b, &a), pairs[i].overlap);
	}
}

static void a_mac_address_is_that_of_one_station(void **state)
{
	static const char *const bad[] = { "", "02:00:00:00:00", "02:00:00:00:00:01:02", "02-00-00-00-00-01",
					   "00:00:00:00:00:00", "01:00:5e:00:00:01", "02:00:00:00:00:0g", "2:0:0:0:0:1",
					   "02:00:00:00:00:011" };
	static const uint8_t want[6] = { 2, 0, 0xab, 0xcd, 0, 1 };
	uint8_t mac[6];
	size_t i;

	assert_int_equal(ether_parse("02:00:aB:Cd:00:01", mac), 0);
	assert_memory_equal(mac, want, sizeof(mac));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ether_parse(bad[i], mac), -EINVAL);
}

static void a_name_is_a_file_name_that_is_not_hidden(void **state)
{
	static const char *const good[] = { "a", "1", "blue", "my-net_default.2",
					    "x23456789012345678901234567890123456789012345678901234567890123" };
	static const char *const bad[] = { "", ".", "..", ".a", "-a", "_a", "a/b", "a b", "a\n", "\xc3\xa4",
					   "x234567890123456789012345678901234567890123456789012345678901234" };
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(network_check_name(good[i]), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(network_check_name(bad[i]), -EINVAL);
}

/* ---- definitions ---- */

static void a_definition_is_read_as_it_was_written(void **state)
{
	struct net_record rec = { .name = "blue", .id = "0123456789abcdef", .flags = NETWORK_ISOLATED, .mtu = 1400 };
	struct network_def def;
	char *text;

	rec.flags |= NETWORK_OWN_FORWARDING;
	rec.forwarding = FORWARDING_STACK;
	rec.subnet = cidr("10.5.0.0/24");
	rec.range = cidr("10.5.0.128/26");
	rec.gateway = cidr("10.5.0.254").addr;
	rec.unmasqueraded[0] = cidr("10.0.0.0/8");
	rec.unmasqueraded[1] = cidr("192.0.2.1/32");
	text = definition_format(&rec);
	assert_non_null(text);
	assert_null(definition_parse(text, &def));
	assert_string_equal(def.name, rec.name);
	assert_string_equal(def.id, rec.id);
	assert_memory_equal(&def.subnet, &rec.subnet, sizeof(def.subnet));
	assert_memory_equal(&def.range, &rec.range, sizeof(def.range));
	assert_memory_equal(&def.gateway, &rec.gateway, sizeof(def.gateway));
	assert_memory_equal(def.unmasqueraded, rec.unmasqueraded, sizeof(def.unmasqueraded));
	assert_int_equal(def.flags, rec.flags);
	assert_int_equal(def.mtu, 1400);
	assert_int_equal(def.forwarding, FORWARDING_STACK);
	free(text);
}

static void what_is_missing_or_unknown_is_left_at_its_default(void **state)
{
	struct network_def def;

	assert_null(definition_parse("{\"name\": \"a\", \"colour\": [1, {}], \"id\": null, \"mtu\": null, "
				     "\"forwarding\": null}", &def));
	assert_string_equal(def.name, "a");
	assert_string_equal(def.id, "");
	assert_int_equal(def.subnet.prefix, 0);
	assert_int_equal(def.flags, 0);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *wrong;
	} files[] = {
		{ "", "the whole file" },
		{ "[]", "the whole file" },
		{ "{\"name\": \"a\"} x", "the whole file" },
		{ "{\"name\": \"a\", \"x\": [[[[[[1]]]]]]}", "the whole file" },
		{ "{'name': 'a'}", "the whole file" },
		{ "{\"name\": \"\xff\"}", "the whole file" },
		{ "{}", "name" },
		{ "{\"name\": 5}", "name" },
		{ "{\"name\": \"a\\u0000b\"}", "name" },
		{ "{\"name\": \"a\", \"id\": \"x2345678901234567890123456789012345678901234567890123456789012345\"}",
		  "id" },
		{ "{\"name\": \"a\", \"subnet\": \"10.0.0.1/8\"}", "subnet" },
		{ "{\"name\": \"a\", \"subnet\": 10}", "subnet" },
		{ "{\"name\": \"a\", \"range\": \"10.0.0.0/31\"}", "range" },
		{ "{\"name\": \"a\", \"gateway\": \"10.0.0\"}", "gateway" },
		{ "{\"name\": \"a\", \"internal\": 1}", "internal" },
		{ "{\"name\": \"a\", \"isolated\": \"yes\"}", "isolated" },
		{ "{\"name\": \"a\", \"no_masquerade\": \"10.0.0.0/8\"}", "no_masquerade" },
		{ "{\"name\": \"a\", \"no_masquerade\": [null]}", "no_masquerade" },
		{ "{\"name\": \"a\", \"mtu\": -1}", "mtu" },
		{ "{\"name\": \"a\", \"mtu\": 65536}", "mtu" },
		{ "{\"name\": \"a\", \"mtu\": 1.5}", "mtu" },
		{ "{\"name\": \"a\", \"forwarding\": \"default\"}", "forwarding" },
		{ "{\"name\": \"a\", \"forwarding\": 1}", "forwarding" },
	};
	struct network_def def;
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *wrong = definition_parse(files[i].text, &def);

		assert_non_null(wrong);
		assert_string_equal(wrong, files[i].wrong);
	}
}

/* ---- forwarding ---- */

static void each_mode_has_a_word_and_no_other_is_one(void **state)
{
	static const char *const bad[] = { "", "fastx", "fas", "Fast", "default", "1", " ask", "ask\n" };
	enum forwarding mode, read;
	size_t i;

	for (mode = FORWARDING_FAST; mode <= FORWARDING_STACK; mode++) {
		assert_true(forwarding_parse(forwarding_text(mode), &read));
		assert_int_equal(read, mode);
	}
	assert_string_equal(forwarding_text(mode), "?");
	for (i = 0, read = FORWARDING_ASK; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(forwarding_parse(bad[i], &read));
	assert_int_equal(read, FORWARDING_ASK);
}

static void a_network_follows_the_host_or_has_its_own_mode(void **state)
{
	const struct config cfg = { .forwarding = FORWARDING_STACK };
	struct net_record rec = { .forwarding = FORWARDING_ASK };

	assert_int_equal(forwarding_of(&cfg, &rec), FORWARDING_STACK);
	rec.flags = NETWORK_OWN_FORWARDING | NETWORK_ISOLATED;
	assert_int_equal(forwarding_of(&cfg, &rec), FORWARDING_ASK);
	rec.flags = NETWORK_INTERNAL; /* nothing leaves it */
	assert_int_equal(forwarding_of(&cfg, &rec), FORWARDING_FAST);
}

/* A kernel without IPv6 lets a device have such a name: what is written there would be for all devices. */
static void the_settings_of_all_devices_are_those_of_none(void **state)
{
	assert_int_equal(device_forwarding("all"), -ENOENT);
	assert_int_equal(device_forwarding("default"), -ENOENT);
	assert_in_range(device_forwarding("lo"), 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_destination_has_any_prefix_or_none),
		cmocka_unit_test(subnets_overlap_if_one_is_inside_the_other),
		cmocka_unit_test(a_mac_address_is_that_of_one_station),
		cmocka_unit_test(a_name_is_a_file_name_that_is_not_hidden),
		cmocka_unit_test(a_definition_is_read_as_it_was_written),
		cmocka_unit_test(what_is_missing_or_unknown_is_left_at_its_default),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(each_mode_has_a_word_and_no_other_is_one),
		cmocka_unit_test(a_network_follows_the_host_or_has_its_own_mode),
		cmocka_unit_test(the_settings_of_all_devices_are_those_of_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
