// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * include/ebpfnet/core/csum.h: a packet of words with a checksum that is right, or wrong by some difference; words are
 * replaced, one by one or all in one update, as 16 or as 32 bits.
 */
#include <ebpfnet/core/csum.h>
#include "input.h"
#include "tests/unit/rfc1071.h"

#define LONGEST 65 /* words */

union packet {
	uint8_t bytes[2 * LONGEST];
	uint16_t word[LONGEST];
};

/* Word 0 is the checksum. Wrong by that much, in ones' complement. */
static uint16_t error_of(const union packet *p, size_t words)
{
	uint16_t sum = rfc1071_sum(p->bytes, 2 * words);

	return sum == 0xffff ? 0 : sum;
}

static uint64_t replace(union packet *p, struct input *in, size_t words)
{
	size_t at = 1 + take8(in) % (words - 1);
	uint32_t from, to;

	if (take8(in) & 1 && at + 1 < words) {
		memcpy(&from, &p->word[at], 4);
		to = take32(in);
		memcpy(&p->word[at], &to, 4);
		return csum_diff32(from, to);
	}
	from = p->word[at];
	p->word[at] = take16(in);
	return csum_diff16(from, p->word[at]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	size_t words = 3 + take8(&in) % (LONGEST - 3), i;
	uint8_t changes = take8(&in) % 8;
	uint16_t error = take16(&in), one_by_one, whole;
	union packet p = {};
	uint64_t diff = 0, sum = 0;

	for (i = 1; i < words; i++)
		p.word[i] = take16(&in);
	/* no header is all zeros, not even one whose words are replaced: the last one stays */
	p.word[words] = 0x4500;
	words++;
	for (i = 1; i < words; i++)
		sum += p.word[i];
	MUST(csum_fold16(sum) == __builtin_bswap16(rfc1071_sum(p.bytes, 2 * words)));

	rfc1071_fill(p.bytes, 2 * words, 0);
	MUST(error_of(&p, words) == 0);
	p.word[0] = csum_apply(p.word[0], error); /* wrong by any difference */
	error = error_of(&p, words);

	one_by_one = p.word[0];
	for (i = 0; i < changes; i++) {
		uint64_t d = replace(&p, &in, words - 1);

		one_by_one = csum_apply(one_by_one, d);
		diff += d;
	}
	whole = csum_apply(p.word[0], diff);
	MUST(whole == csum_apply(p.word[0], csum_fold32(diff)));
	p.word[0] = whole;
	MUST(error_of(&p, words) == error);
	p.word[0] = one_by_one;
	MUST(error_of(&p, words) == error);
	return 0;
}
