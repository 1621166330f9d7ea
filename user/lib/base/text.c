// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ebpfnet/journal.h>

#include "lib/base/text.h"

/* The length of the UTF-8 sequence at text, and its code point; 0: it is none (RFC 3629). */
static size_t read_utf8(const unsigned char *text, uint32_t *point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = text[0] < 0x80 ? 1 : text[0] >> 5 == 6 ? 2 : text[0] >> 4 == 14 ? 3 : text[0] >> 3 == 30 ? 4 : 0;
	size_t i;

	*point = len > 1 ? text[0] & (0x7f >> len) : text[0];
	for (i = 1; i < len; i++) {
		if (text[i] >> 6 != 2)
			return 0;
		*point = *point << 6 | (text[i] & 0x3f);
	}
	return *point < least[len] || *point > 0x10ffff || (*point >= 0xd800 && *point < 0xe000) ? 0 : len;
}

/* Controls, line and paragraph separators, and marks of direction (embeddings, overrides, isolates). */
static bool acts(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static size_t put_byte(char *to, unsigned char byte)
{
	if (byte == '\n' || byte == '\t')
		return sprintf(to, "\\%c", byte == '\n' ? 'n' : 't');
	return sprintf(to, "\\x%02x", byte);
}

static char *copy(const char *text, bool escape)
{
	char *out = malloc(4 * strlen(text) + 1), *to = out;
	uint32_t point;
	size_t len, i;

	for (; out && *text; text += len) {
		len = read_utf8((const unsigned char *)text, &point);
		if (len && !(escape && acts(point))) {
			memcpy(to, text, len);
			to += len;
			continue;
		}
		len = len ? len : 1;
		for (i = 0; i < len; i++)
			to += put_byte(to, text[i]);
	}
	if (out)
		*to = '\0';
	return out;
}

char *text_printable(const char *text)
{
	return copy(text, true);
}

char *text_utf8(const char *text)
{
	return copy(text, false);
}

bool text_is_device(const char *name)
{
	size_t i;

	for (i = 0; name[i]; i++)
		if (!isgraph((unsigned char)name[i]) || strchr("/:%", name[i]))
			return false;
	return i && i < EBPFNET_NAME_LEN && strcmp(name, ".") && strcmp(name, "..") && strcmp(name, "lo");
}

bool text_is_host_name(const char *name)
{
	return *name && !name[strspn(name, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-")];
}
