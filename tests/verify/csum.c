// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The incremental checksum is the full one. A header is here the word that is replaced, the
 * checksum, and rest: the sum of all other words, which is 0 only if all of them are (no header is
 * all zeros, and RFC 1624 is about that case alone).
 *
 * A SAT solver sees at once what a sum of few bits does and is lost in long ones, so that the law
 * for those, fold(x + y) = fold(fold(x) + fold(y)), is proved in four steps:
 *
 *	fold(x + y) = fold(once(x + y))				folding_once_changes_no_fold
 *		    = fold(once(x + y) + carry * 0xffff)	ffff_is_nothing_to_a_sum
 *		    = fold(once(x) + once(y))			folding_once_keeps_a_sum
 *		    = fold(fold(once(x)) + fold(once(y)))	short_sums_fold_in_parts
 *		    = fold(fold(x) + fold(y))			folding_once_changes_no_fold
 *
 * With it csum_apply(check, a + b) is csum_apply(csum_apply(check, a), b), so that the words of a
 * tuple may be replaced in one update, as they are, or one after the other, as is proved here.
 */
#include <ebpfnet/core/csum.h>
#include "verify.h"

#define SUM_MAX (1ull << 35) /* seven differences of 32 bits, and the checksum */

/* RFC 1071 as it is defined: the carry is put back after each word. */
static __u16 plus(__u16 sum, __u16 word)
{
	__u32 both = sum + word;

	return both > 0xffff ? both - 0xffff : both;
}

static __u64 once(__u64 sum)
{
	return (sum & 0xffff) + (sum >> 16);
}

void a_fold_is_the_sum_with_carries_put_back(__u32 sum, __u16 word)
{
	GIVEN(sum <= 29 * 0xffff); /* a header is 30 words */
	PROVE(csum_fold16(word) == word);
	PROVE(csum_fold16((__u64)sum + word) == plus(csum_fold16(sum), word));
}

void the_order_of_words_does_not_matter(__u16 rest, __u16 a, __u16 b)
{
	PROVE(plus(plus(rest, a), b) == plus(plus(rest, b), a));
}

void a_word_replaced_is_the_full_checksum(__u16 rest, __u16 from, __u16 to)
{
	__u16 check = ~plus(rest, from);

	GIVEN(rest != 0);
	PROVE(csum_apply(check, csum_diff16(from, to)) == (__u16)~plus(rest, to));
}

/* RFC 3022 4.2: wrong by any difference before, by the same one after. */
void a_wrong_checksum_stays_wrong_by_the_same_difference(__u16 rest, __u16 wrong, __u16 from,
							 __u16 to)
{
	__u16 check = ~plus(plus(rest, wrong), from);

	GIVEN(rest != 0);
	PROVE(csum_apply(check, csum_diff16(from, to)) == (__u16)~plus(plus(rest, wrong), to));
}

void a_32_bit_difference_is_that_of_its_halves(__u16 check, __u32 from, __u32 to)
{
	PROVE(csum_apply(check, csum_diff32(from, to)) ==
	      csum_apply(csum_apply(check, csum_diff16(from, to)),
			 csum_diff16(from >> 16, to >> 16)));
}

void folding_once_changes_no_fold(__u64 sum)
{
	GIVEN(sum < 2 * SUM_MAX);
	PROVE(csum_fold16(sum) == csum_fold16(once(sum)));
}

void ffff_is_nothing_to_a_sum(__u64 sum)
{
	GIVEN(sum != 0 && sum < 4 * once(SUM_MAX));
	PROVE(csum_fold16(sum + 0xffff) == csum_fold16(sum));
}

void folding_once_keeps_a_sum(__u64 x, __u64 y)
{
	__u64 carry = ((x & 0xffff) + (y & 0xffff)) >> 16;

	GIVEN(x < SUM_MAX && y < SUM_MAX);
	PROVE(once(x) + once(y) == once(x + y) + carry * 0xffff);
}

void short_sums_fold_in_parts(__u32 x, __u32 y)
{
	GIVEN(x < 2 * once(SUM_MAX) && y < 2 * once(SUM_MAX));
	PROVE(csum_fold16((__u64)x + y) == csum_fold16((__u64)csum_fold16(x) + csum_fold16(y)));
}

/* As bpf_l4_csum_replace() takes it. */
void a_difference_in_32_bits_does_what_the_whole_does(__u16 check, __u64 diff)
{
	GIVEN(diff < SUM_MAX);
	PROVE(csum_apply(check, csum_fold32(diff)) == csum_apply(check, diff));
}
