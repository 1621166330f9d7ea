// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <string.h>

#include "lib/base/forwarding_text.h"

static const char *const words[] = {
	[FORWARDING_FAST] = "fast",
	[FORWARDING_ASK] = "ask",
	[FORWARDING_STACK] = "stack",
};

#define WORDS (sizeof(words) / sizeof(words[0]))

bool forwarding_parse(const char *text, enum forwarding *out)
{
	size_t i;

	for (i = 0; i < WORDS; i++)
		if (!strcmp(text, words[i])) {
			*out = i;
			return true;
		}
	return false;
}

const char *forwarding_text(enum forwarding mode)
{
	return mode < WORDS ? words[mode] : "?";
}
