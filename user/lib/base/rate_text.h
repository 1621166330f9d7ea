/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* PURE. Rates as tc(8) writes them: 500kbit, 1.5mbit, 1gbit, 8kibit, 125kbps (bytes). */
#ifndef EBPFNET_LIB_BASE_RATE_TEXT_H
#define EBPFNET_LIB_BASE_RATE_TEXT_H

#include <stdint.h>

#define RATE_TEXT 32

/*
 * Reads a rate as bits per second; a number alone is one of bits. A fraction of a bit is cut off. Returns NULL, or
 * what is wrong with the text and leaves *out unchanged.
 */
const char *rate_parse(const char *text, uint64_t *out);

/* The shortest text that rate_parse() reads as this rate: "100mbit". Returns buf. */
const char *rate_text(uint64_t rate, char buf[RATE_TEXT]);

#endif
