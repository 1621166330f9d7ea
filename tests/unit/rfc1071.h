/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The Internet checksum as RFC 1071 defines it: the plain sum of big-endian words, with the carry
 * put back after each. Slow, and so unlike include/ebpfnet/core/csum.h that both are unlikely to be wrong alike.
 */
#ifndef EBPFNET_TESTS_RFC1071_H
#define EBPFNET_TESTS_RFC1071_H

#include <stddef.h>
#include <stdint.h>

/* The ones' complement sum, not complemented: 0xffff over what carries its own right checksum. */
static inline uint16_t rfc1071_sum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		sum += i % 2 ? bytes[i] : bytes[i] << 8;
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return sum;
}

/* Writes the checksum of the bytes into two of them, which are even. */
static inline void rfc1071_fill(uint8_t *bytes, size_t len, size_t at)
{
	uint16_t check;

	bytes[at] = bytes[at + 1] = 0;
	check = ~rfc1071_sum(bytes, len);
	bytes[at] = check >> 8;
	bytes[at + 1] = check;
}

#endif
