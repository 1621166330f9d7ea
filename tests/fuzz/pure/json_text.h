/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Shared by the targets whose input is JSON: text, or numbers of words that such texts have. */
#ifndef EBPFNET_TESTS_FUZZ_JSON_TEXT_H
#define EBPFNET_TESTS_FUZZ_JSON_TEXT_H

#include <json-c/json.h>

#include <user/lib/base/json_in.h>

#include "input.h"

#define TEXT 8192
#define WORD_MAX 128 /* a word is shorter */

/* Write the input as it is, or the word that each byte numbers. Returns the length. */
static inline size_t make_text(const uint8_t *data, size_t size, bool is_text, const char *const *words, size_t count,
			       char text[TEXT])
{
	size_t i, len = 0;

	for (i = 0; i < size && len < TEXT - WORD_MAX; i++)
		if (is_text)
			text[len++] = data[i];
		else
			len += sprintf(text + len, "%s", words[data[i] % count]);
	text[len] = '\0';
	return len;
}

/* Frees it. */
static inline void must_be_json(char *text)
{
	struct json_object *j = NULL;

	MUST(text && !json_in_parse(text, strlen(text), "it", &j));
	json_object_put(j);
	free(text);
}

#endif
