/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Shared by the unit tests: cmocka, numbers that are random but the same in every run, a list. */
#ifndef EBPFNET_TESTS_UNIT_H
#define EBPFNET_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* xorshift64* (Vigna): a test that fails fails again, with the same numbers. */
static inline uint32_t random_u32(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1d) >> 32;
}

/* From first to last, both included. */
static inline uint32_t random_in(uint32_t first, uint32_t last)
{
	return first + random_u32() % (last - first + 1);
}

static inline void random_bytes(uint8_t *to, size_t len)
{
	while (len--)
		*to++ = random_u32();
}

#endif
