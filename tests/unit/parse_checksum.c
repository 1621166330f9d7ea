// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The IP header's checksum as include/ebpfnet/core/parse.h verifies it. */
#include "frame.h"

static bool sum_ok(const struct frame *f, size_t visible)
{
	void *memory;
	uint8_t *data = exact(f, visible, &memory);
	bool ok = ip_header_sum_ok(data, data + visible, (f->bytes[ETH_HLEN] & 0x0f) * 4);

	free(memory);
	return ok;
}

static void ip_checksum_agrees_with_rfc_1071(void **state)
{
	struct frame f;
	size_t ihl;
	int i;

	for (i = 0; i < 50000; i++) {
		ihl = random_in(5, 15) * 4;
		f = ipv4(L4_UDP, ihl, 8);
		random_bytes(ip_of(&f) + 1, ihl - 1);
		if (i % 2)
			rfc1071_fill(ip_of(&f), ihl, 10);
		assert_int_equal(sum_ok(&f, f.len), rfc1071_sum(ip_of(&f), ihl) == 0xffff);
		if (i % 2)
			assert_true(sum_ok(&f, f.len));
	}
}

static void one_wrong_bit_in_the_ip_header_is_noticed(void **state)
{
	struct frame f;
	size_t ihl, bit;

	for (ihl = 20; ihl <= 60; ihl += 4)
		for (bit = 8; bit < ihl * 8; bit++) {
			f = ipv4(L4_UDP, ihl, 8);
			assert_true(sum_ok(&f, f.len));
			ip_of(&f)[bit / 8] ^= 1 << bit % 8;
			assert_false(sum_ok(&f, f.len));
		}
}

static void bytes_behind_the_ip_header_are_not_summed(void **state)
{
	struct frame f = ipv4(L4_UDP, 24, 60);

	random_bytes(l4_of(&f), 60);
	assert_true(sum_ok(&f, f.len));
}

static void ip_checksum_of_a_truncated_header_is_not_right(void **state)
{
	struct frame f;
	size_t ihl, n;

	for (ihl = 20; ihl <= 60; ihl += 4) {
		f = ipv4(L4_UDP, ihl, 8);
		for (n = 0; n <= f.len; n++)
			assert_int_equal(sum_ok(&f, n), n >= ETH_HLEN + ihl);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip_checksum_agrees_with_rfc_1071),
		cmocka_unit_test(one_wrong_bit_in_the_ip_header_is_noticed),
		cmocka_unit_test(bytes_behind_the_ip_header_are_not_summed),
		cmocka_unit_test(ip_checksum_of_a_truncated_header_is_not_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
