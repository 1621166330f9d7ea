// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>

#include "unit.h"
#include <user/lib/base/addr.h>

#define RUNS 5000

static void dotted_quads_are_read_and_written_alike(void **state)
{
	static const char *const texts[] = { "0.0.0.0", "192.0.2.1", "10.200.30.4",
					     "255.255.255.255" };
	char buf[ADDR_TEXT];
	struct ipaddr a, b;
	size_t i;

	for (i = 0; i < COUNT(texts); i++) {
		assert_int_equal(addr_parse(texts[i], &a), 0);
		assert_string_equal(addr_text(a, buf), texts[i]);
	}
	for (i = 0; i < RUNS; i++) {
		a = addr_from(random_u32());
		assert_int_equal(addr_parse(addr_text(a, buf), &b), 0);
		assert_true(addr_same(a, b));
	}
}

static void a_port_follows_its_address(void **state)
{
	char buf[ADDR_PORT_TEXT], want[ADDR_PORT_TEXT + 8], addr[ADDR_TEXT];
	struct ipaddr a;
	uint16_t port;
	int i;

	assert_string_equal(addr_port_text(addr_from(0xffffffff), 65535, buf), "255.255.255.255:65535");
	assert_string_equal(addr_port_text(addr_from(0), 0, buf), "0.0.0.0:0");
	for (i = 0; i < RUNS; i++) {
		a = addr_from(random_u32());
		port = random_u32();
		snprintf(want, sizeof(want), "%s:%u", addr_text(a, addr), port);
		assert_string_equal(addr_port_text(a, port, buf), want);
	}
}

static void octets_stand_in_the_order_of_the_wire(void **state)
{
	struct ipaddr a;

	assert_int_equal(addr_parse("192.0.2.1", &a), 0);
	assert_int_equal(a.octet[0], 192);
	assert_int_equal(a.octet[1], 0);
	assert_int_equal(a.octet[2], 2);
	assert_int_equal(a.octet[3], 1);
	assert_int_equal(addr_number(a), 0xc0000201);
	assert_true(addr_same(addr_from(0xc0000201), a));
}

static void text_that_is_no_dotted_quad_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",	     " ",	  "1",	      "1.2",	    "1.2.3",
		"1.2.3.",    ".1.2.3",	  "1.2.3.4.", "1.2.3.4.5",  "1.2.3.256",
		"256.2.3.4", "1.2.3.-4",  "1.2.3.4 ", " 1.2.3.4",   "1.2.3.4/24",
		"1.2.3.0x4", "a.b.c.d",	  "1..2.3",   "0xc0000201", "3221225985",
		"::1",	     "1.2.3.4\n", "1,2,3,4",  "1.2.3.1234", "1.2.3.4.example",
	};
	struct ipaddr a;
	size_t i;

	for (i = 0; i < COUNT(wrong); i++)
		if (addr_parse(wrong[i], &a) != -EINVAL)
			fail_msg("'%s' is accepted", wrong[i]);
}

static void subnets_of_prefix_8_to_30_are_read(void **state)
{
	char text[ADDR_TEXT + 8], buf[ADDR_TEXT];
	struct ipaddr subnet, got;
	uint32_t bits;
	uint8_t prefix;
	int i, want;

	for (i = 0; i < RUNS; i++) {
		bits = random_in(0, 40);
		subnet = addr_from(random_u32() & addr_number(addr_mask(bits < 32 ? bits : 32)));
		snprintf(text, sizeof(text), "%s/%u", addr_text(subnet, buf), bits);
		want = bits >= 8 && bits <= 30 ? 0 : -EINVAL;
		assert_int_equal(cidr_parse(text, &got, &prefix), want);
		if (want)
			continue;
		assert_true(addr_same(got, subnet));
		assert_int_equal(prefix, bits);
	}
}

static void a_subnet_with_host_bits_is_refused(void **state)
{
	char text[ADDR_TEXT + 8], buf[ADDR_TEXT];
	struct ipaddr got;
	uint32_t bits, host;
	uint8_t prefix;

	for (bits = 8; bits <= 30; bits++)
		for (host = 1; host < 1u << (32 - bits); host <<= 1) {
			snprintf(text, sizeof(text), "%s/%u",
				 addr_text(addr_from(0x0a000000 | host), buf), bits);
			assert_int_equal(cidr_parse(text, &got, &prefix), -EINVAL);
		}
}

static void text_that_is_no_subnet_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"/",
		"/24",
		"192.168.1.0",
		"192.168.1.0/",
		"192.168.1.0/x",
		"192.168.1.0/24x",
		"192.168.1.0/ 24",
		"192.168.1.0/-24",
		"192.168.1.0/+24",
		"192.168.1/24",
		"192.168.1.0/255.255.255.0",
		"192.168.1.0/24/",
		" 192.168.1.0/24",
		"192.168.1.0/24 ",
		"192.168.100.1000/24",
		"192.168.1.0/18446744073709551640",
		"192.168.1.0/0x18",
	};
	struct ipaddr a;
	uint8_t prefix;
	size_t i;

	for (i = 0; i < COUNT(wrong); i++)
		if (cidr_parse(wrong[i], &a, &prefix) != -EINVAL)
			fail_msg("'%s' is accepted", wrong[i]);
}

static void masks_of_all_prefixes(void **state)
{
	int bits, i;

	for (bits = 0; bits <= 32; bits++)
		for (i = 0; i < 32; i++)
			assert_int_equal(addr_number(addr_mask(bits)) >> (31 - i) & 1, i < bits);
}

static void a_subnet_reaches_from_its_address_to_its_broadcast(void **state)
{
	struct ipaddr subnet, last;
	uint32_t bits, n;
	int i;

	for (i = 0; i < RUNS; i++) {
		bits = random_in(8, 30);
		subnet = addr_from(random_u32() & addr_number(addr_mask(bits)));
		last = addr_broadcast(subnet, bits);
		n = addr_number(subnet);
		assert_int_equal(addr_number(last) - n, (1u << (32 - bits)) - 1);
		assert_true(addr_in(subnet, subnet, bits));
		assert_true(addr_in(last, subnet, bits));
		assert_false(addr_in(addr_from(n - 1), subnet, bits));
		assert_false(addr_in(addr_from(addr_number(last) + 1), subnet, bits));
	}
}

static void macs_are_made_of_the_address(void **state)
{
	static const uint8_t inside[6] = { 0x02, 0xeb, 192, 168, 1, 10 };
	static const uint8_t outside[6] = { 0xfe, 0xeb, 192, 168, 1, 10 };
	struct ipaddr a = { { 192, 168, 1, 10 } };
	uint8_t mac[6];

	addr_mac(a, mac);
	assert_memory_equal(mac, inside, sizeof(mac));
	addr_host_mac(a, mac);
	assert_memory_equal(mac, outside, sizeof(mac));
}

/* IEEE 802: bit 0 a group's address, bit 1 locally administered. */
static void macs_are_unicast_and_locally_administered(void **state)
{
	uint8_t inside[6], outside[6];
	int i;

	for (i = 0; i < RUNS; i++) {
		struct ipaddr a = addr_from(random_u32());

		addr_mac(a, inside);
		addr_host_mac(a, outside);
		assert_int_equal(inside[0] & 3, 2);
		assert_int_equal(outside[0] & 3, 2);
		assert_memory_not_equal(inside, outside, 6);
	}
}

/* Of 127/8 all but its own address and its broadcast address. */
static void loopback_addresses_are_those_of_hosts(void **state)
{
	assert_false(addr_is_loopback(addr_from(0x7effffff)));
	assert_false(addr_is_loopback(addr_from(0x7f000000)));
	assert_true(addr_is_loopback(addr_from(0x7f000001)));
	assert_true(addr_is_loopback(addr_from(0x7ffffffe)));
	assert_false(addr_is_loopback(addr_from(0x7fffffff)));
	assert_false(addr_is_loopback(addr_from(0x80000000)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dotted_quads_are_read_and_written_alike),
		cmocka_unit_test(a_port_follows_its_address),
		cmocka_unit_test(octets_stand_in_the_order_of_the_wire),
		cmocka_unit_test(text_that_is_no_dotted_quad_is_refused),
		cmocka_unit_test(subnets_of_prefix_8_to_30_are_read),
		cmocka_unit_test(a_subnet_with_host_bits_is_refused),
		cmocka_unit_test(text_that_is_no_subnet_is_refused),
		cmocka_unit_test(masks_of_all_prefixes),
		cmocka_unit_test(a_subnet_reaches_from_its_address_to_its_broadcast),
		cmocka_unit_test(macs_are_made_of_the_address),
		cmocka_unit_test(macs_are_unicast_and_locally_administered),
		cmocka_unit_test(loopback_addresses_are_those_of_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
