// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <ebpfnet/core/csum.h>
#include "rfc1071.h"
#include "unit.h"

#define RUNS 20000
#define HEADER 60
#define CHECK 10 /* offset of the checksum in the header */

static uint16_t word_at(const uint8_t *bytes, size_t at)
{
	uint16_t word;

	memcpy(&word, bytes + at, sizeof(word));
	return word;
}

static uint32_t long_at(const uint8_t *bytes, size_t at)
{
	uint32_t word;

	memcpy(&word, bytes + at, sizeof(word));
	return word;
}

/* A header that begins like one (so that its sum is never 0), and whose checksum is right. */
static void random_header(uint8_t *header)
{
	random_bytes(header, HEADER);
	header[0] = 0x4f;
	rfc1071_fill(header, HEADER, CHECK);
}

/* An even place outside of the version and the checksum, of a multiple of size. */
static size_t random_place(size_t size)
{
	size_t at;

	do
		at = random_in(1, HEADER / size - 1) * size;
	while (at <= CHECK && at + size > CHECK);
	return at;
}

/* Changes 2 or 4 bytes and returns the difference that makes. Zeros and ones are likely. */
static uint64_t change(uint8_t *header)
{
	static const uint32_t edge[] = { 0, 0xffffffff, 0xffff, 0x80000000, 1 };
	size_t size = random_u32() % 2 ? 2 : 4, at = random_place(size);
	uint32_t to = random_u32() % 4 ? random_u32() : edge[random_in(0, COUNT(edge) - 1)];
	uint32_t from32 = size == 4 ? long_at(header, at) : 0;
	uint16_t from16 = word_at(header, at);

	memcpy(header + at, &to, size);
	return size == 4 ? csum_diff32(from32, to) : csum_diff16(from16, word_at(header, at));
}

static void store_check(uint8_t *header, uint64_t diff)
{
	uint16_t check = csum_apply(word_at(header, CHECK), diff);

	memcpy(header + CHECK, &check, sizeof(check));
}

static void reference_sums_the_example_of_rfc_1071(void **state)
{
	static const uint8_t example[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	assert_int_equal(rfc1071_sum(example, sizeof(example)), 0xddf2);
}

static void example_of_rfc_1624_gives_zero_and_not_ffff(void **state)
{
	assert_int_equal(csum_apply(0xdd2f, csum_diff16(0x5555, 0x3285)), 0x0000);
}

/* 2^16 is 1 modulo 0xffff: the ones' complement sum is the remainder, but 0 is only that of 0. */
static void assert_folds(uint64_t sum)
{
	uint16_t want = sum % 0xffff ? sum % 0xffff : sum ? 0xffff : 0;

	assert_int_equal(csum_fold16(sum), want);
	assert_int_equal(csum_fold16(csum_fold32(sum)), want);
}

static void folding_keeps_the_ones_complement_sum(void **state)
{
	static const uint64_t edge[] = {
		0,
		1,
		0xfffe,
		0xffff,
		0x10000,
		0x1ffff,
		0xffffffff,
		0x100000000,
		0x1fffffffe,
		0x1ffffffff,
		0xffff0000,
		0x2fffffffd,
		0xffffffff00000000,
		0xfffffffffffffffe,
		0xffffffffffffffff,
		0xffff00000,
		0xffffffffffff,
	};
	size_t i;

	for (i = 0; i < COUNT(edge); i++)
		assert_folds(edge[i]);
	for (i = 0; i < RUNS; i++)
		assert_folds(((uint64_t)random_u32() << 32 | random_u32()) >> random_in(0, 63));
}

static void a_change_of_nothing_changes_no_checksum(void **state)
{
	uint32_t word, check;

	for (check = 0; check < 0xffff; check++) { /* 0xffff is no checksum of anything but zeros */
		word = random_u32();
		assert_int_equal(csum_apply(check, csum_diff32(word, word)), check);
		assert_int_equal(csum_apply(check, csum_diff16(word, word)), check);
	}
}

static void a_difference_of_32_bits_is_that_of_its_halves(void **state)
{
	uint32_t from, to;
	int i;

	for (i = 0; i < RUNS; i++) {
		from = random_u32();
		to = random_u32();
		assert_int_equal(csum_fold16(csum_diff32(from, to)),
				 csum_fold16(csum_diff16(from >> 16, to >> 16) +
					     csum_diff16(from & 0xffff, to & 0xffff)));
	}
}

static void incremental_update_equals_full_computation(void **state)
{
	uint8_t header[HEADER], full[HEADER];
	int i;

	for (i = 0; i < RUNS; i++) {
		random_header(header);
		store_check(header, change(header));
		memcpy(full, header, sizeof(full));
		rfc1071_fill(full, HEADER, CHECK);
		assert_memory_equal(header, full, sizeof(full));
	}
}

static void differences_of_many_words_may_be_added_up(void **state)
{
	uint8_t header[HEADER], full[HEADER];
	uint64_t diff, n;
	int i;

	for (i = 0; i < RUNS; i++) {
		random_header(header);
		for (diff = 0, n = random_in(2, 12); n; n--)
			diff += change(header);
		store_check(header, diff);
		memcpy(full, header, sizeof(full));
		rfc1071_fill(full, HEADER, CHECK);
		assert_memory_equal(header, full, sizeof(full));
	}
}

/* The difference of a wrong checksum must not change (RFC 3022 4.2). */
static void wrong_stays_wrong_by_the_same_difference(void **state)
{
	uint8_t header[HEADER];
	uint16_t off;
	int i;

	for (i = 0; i < RUNS; i++) {
		random_header(header);
		header[CHECK] ^= random_in(1, 255);
		off = rfc1071_sum(header, HEADER);
		assert_int_not_equal(off, 0xffff);
		store_check(header, change(header));
		assert_int_equal(rfc1071_sum(header, HEADER), off);
	}
}

static void an_update_undone_gives_the_first_checksum_back(void **state)
{
	uint16_t check, there;
	uint32_t from, to;
	int i;

	for (i = 0; i < RUNS; i++) {
		check = random_in(0, 0xfffe);
		from = random_u32();
		to = random_u32();
		there = csum_apply(check, csum_diff32(from, to));
		assert_int_equal(csum_apply(there, csum_diff32(to, from)), check);
	}
}

/* bpf_l4_csum_replace() adds 32 bits: they must do what the 64 bits they come from do. */
static void a_folded_difference_does_what_the_whole_does(void **state)
{
	uint8_t header[HEADER];
	uint64_t diff, n;
	uint16_t check;
	int i;

	for (i = 0; i < RUNS; i++) {
		random_header(header);
		check = word_at(header, CHECK);
		for (diff = 0, n = random_in(1, 8); n; n--)
			diff += change(header);
		assert_int_equal(csum_apply(check, csum_fold32(diff)), csum_apply(check, diff));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_sums_the_example_of_rfc_1071),
		cmocka_unit_test(example_of_rfc_1624_gives_zero_and_not_ffff),
		cmocka_unit_test(folding_keeps_the_ones_complement_sum),
		cmocka_unit_test(a_change_of_nothing_changes_no_checksum),
		cmocka_unit_test(a_difference_of_32_bits_is_that_of_its_halves),
		cmocka_unit_test(incremental_update_equals_full_computation),
		cmocka_unit_test(differences_of_many_words_may_be_added_up),
		cmocka_unit_test(wrong_stays_wrong_by_the_same_difference),
		cmocka_unit_test(an_update_undone_gives_the_first_checksum_back),
		cmocka_unit_test(a_folded_difference_does_what_the_whole_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
