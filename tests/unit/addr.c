// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* include/ebpfnet/core/addr.h: addresses as the programs compare and copy them. */
#include <ebpfnet/core/addr.h>
#include "unit.h"
#include <user/lib/base/addr.h>

#define RUNS 20000

static struct ipaddr addr(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct ipaddr){ { a, b, c, d } };
}

static void be32_is_the_address_as_on_the_wire(void **state)
{
	static const uint8_t wire[4] = { 192, 0, 2, 1 };
	__be32 be = addr_be32(addr(192, 0, 2, 1));

	assert_memory_equal(&be, wire, sizeof(wire));
	assert_true(addr_eq(addr_of(be), addr(192, 0, 2, 1)));
}

static void addresses_are_equal_when_all_octets_are(void **state)
{
	struct ipaddr a, b;
	int i, n;

	for (i = 0; i < RUNS; i++) {
		a = b = addr_of(random_u32());
		assert_true(addr_eq(a, b));
		for (n = 0; n < 4; n++) {
			b = a;
			b.octet[n] ^= random_in(1, 255);
			assert_false(addr_eq(a, b));
		}
	}
}

static void only_all_zero_is_no_address(void **state)
{
	assert_true(addr_none(addr(0, 0, 0, 0)));
	assert_false(addr_none(addr(1, 0, 0, 0)));
	assert_false(addr_none(addr(0, 1, 0, 0)));
	assert_false(addr_none(addr(0, 0, 1, 0)));
	assert_false(addr_none(addr(0, 0, 0, 1)));
}

/* Both sides of the maps have a function for it. */
static void inside_a_subnet_is_what_userspace_says(void **state)
{
	struct ipaddr subnet, a;
	uint32_t prefix, near;
	int i;

	for (i = 0; i < RUNS; i++) {
		prefix = random_in(0, 32);
		subnet = addr_from(random_u32() & addr_number(addr_mask(prefix)));
		near = prefix ? 1u << (32 - prefix) : 0;
		a = addr_from(addr_number(subnet) + random_u32() % (near ? 2ull * near : 1));
		assert_int_equal(addr_inside(a, subnet, addr_mask(prefix)),
				 addr_in(a, subnet, prefix));
	}
}

static void edges_of_a_subnet_are_inside(void **state)
{
	struct ipaddr subnet = addr(192, 168, 1, 0), mask = addr(255, 255, 255, 0);

	assert_true(addr_inside(addr(192, 168, 1, 0), subnet, mask));
	assert_true(addr_inside(addr(192, 168, 1, 255), subnet, mask));
	assert_false(addr_inside(addr(192, 168, 0, 255), subnet, mask));
	assert_false(addr_inside(addr(192, 168, 2, 0), subnet, mask));
	assert_false(addr_inside(addr(193, 168, 1, 1), subnet, mask));
}

/* 0/8, 127/8 and 224/4, first octet by first octet; of 240/4 only 255.255.255.255. */
static void martians_are_known_by_their_first_octet(void **state)
{
	bool martian;
	int first;

	for (first = 0; first < 256; first++) {
		martian = first == 0 || first == 127 || (first >= 224 && first < 240);
		assert_int_equal(addr_martian_source(addr(first, 0, 0, 1)), martian);
		assert_int_equal(addr_martian_source(addr(first, 255, 255, 254)), martian);
		assert_int_equal(addr_martian_dest(addr(first, 0, 0, 1)), martian);
		assert_int_equal(addr_martian_dest(addr(first, 255, 255, 254)), martian);
		assert_int_equal(addr_group(addr(first, 0, 0, 1)), first >= 224 && first < 240);
	}
	assert_true(addr_martian_source(addr(255, 255, 255, 255)));
	assert_true(addr_martian_dest(addr(255, 255, 255, 255)));
	assert_true(addr_group(addr(255, 255, 255, 255)));
}

static void macs_are_equal_when_all_octets_are(void **state)
{
	__attribute__((aligned(2))) uint8_t a[6], b[6];
	int i;

	random_bytes(a, sizeof(a));
	memcpy(b, a, sizeof(b));
	assert_true(mac_eq(a, b));
	for (i = 0; i < 48; i++) {
		b[i / 8] ^= 1 << i % 8;
		assert_false(mac_eq(a, b));
		b[i / 8] ^= 1 << i % 8;
	}
}

static void mac_copy_copies_six_octets(void **state)
{
	__attribute__((aligned(2))) uint8_t from[8], to[8], want[8];

	random_bytes(from, sizeof(from));
	memset(to, 0xaa, sizeof(to));
	memset(want, 0xaa, sizeof(want));
	memcpy(want, from, 6);
	mac_copy(to, from);
	assert_memory_equal(to, want, sizeof(to));
}

static void group_bit_is_the_first_on_the_wire(void **state)
{
	uint8_t mac[6] = { 0, 0xff, 0xff, 0xff, 0xff, 0xff };
	int first;

	for (first = 0; first < 256; first++) {
		mac[0] = first;
		assert_int_equal(mac_group(mac), first % 2);
	}
}

static void only_six_zeros_are_the_zero_mac(void **state)
{
	__attribute__((aligned(2))) uint8_t mac[6] = { 0 };
	int i;

	assert_true(mac_zero(mac));
	for (i = 0; i < 48; i++) {
		mac[i / 8] = 1 << i % 8;
		assert_false(mac_zero(mac));
		mac[i / 8] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(be32_is_the_address_as_on_the_wire),
		cmocka_unit_test(addresses_are_equal_when_all_octets_are),
		cmocka_unit_test(only_all_zero_is_no_address),
		cmocka_unit_test(inside_a_subnet_is_what_userspace_says),
		cmocka_unit_test(edges_of_a_subnet_are_inside),
		cmocka_unit_test(martians_are_known_by_their_first_octet),
		cmocka_unit_test(macs_are_equal_when_all_octets_are),
		cmocka_unit_test(mac_copy_copies_six_octets),
		cmocka_unit_test(group_bit_is_the_first_on_the_wire),
		cmocka_unit_test(only_six_zeros_are_the_zero_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
