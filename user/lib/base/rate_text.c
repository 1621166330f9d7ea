// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/rate_text.h"

#define FRACTION 1000000	/* digits behind the point that count: six */

struct unit {
	const char *prefix;
	uint64_t factor;
};

static const struct unit units[] = {
	{ "", 1 },
	{ "k", 1000 },
	{ "m", 1000000 },
	{ "g", 1000000000 },
	{ "t", UINT64_C(1000000000000) },
	{ "ki", UINT64_C(1) << 10 },
	{ "mi", UINT64_C(1) << 20 },
	{ "gi", UINT64_C(1) << 30 },
	{ "ti", UINT64_C(1) << 40 },
};

#define DECIMAL_UNITS 5

/* "mbit", "kibps": bits in one of it; 0: no such unit. */
static uint64_t factor_of(const char *text)
{
	size_t i, len;

	if (!*text)
		return 1;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		len = strlen(units[i].prefix);
		if (strncasecmp(text, units[i].prefix, len))
			continue;
		if (!strcasecmp(text + len, "bit"))
			return units[i].factor;
		if (!strcasecmp(text + len, "bps"))
			return units[i].factor * 8;
	}
	return 0;
}

const char *rate_parse(const char *text, uint64_t *out)
{
	uint64_t whole = 0, fraction = 0, unit = FRACTION, factor, rate;
	bool digits = false;

	for (; isdigit((unsigned char)*text); text++) {
		digits = true;
		if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, *text - '0', &whole))
			return "too large";
	}
	if (digits && *text == '.')
		for (text++, digits = false; isdigit((unsigned char)*text); text++, digits = true) {
			unit /= 10;
			fraction += (*text - '0') * unit;
		}
	if (!digits)
		return "no number";
	factor = factor_of(text);
	if (!factor)
		return "unknown unit";
	if (__builtin_mul_overflow(whole, factor, &rate))
		return "too large";
	fraction = factor / FRACTION * fraction + factor % FRACTION * fraction / FRACTION;
	if (__builtin_add_overflow(rate, fraction, &rate))
		return "too large";
	*out = rate;
	return NULL;
}

const char *rate_text(uint64_t rate, char buf[RATE_TEXT])
{
	size_t i = DECIMAL_UNITS - 1;

	while (i && (rate < units[i].factor || rate % units[i].factor))
		i--;
	snprintf(buf, RATE_TEXT, "%" PRIu64 "%sbit", rate / units[i].factor, units[i].prefix);
	return buf;
}
