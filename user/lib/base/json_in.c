// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/json_in.h"
#include "lib/base/log.h"

#define FIRST_BYTES 4096

/* ---- the whole ---- */

int json_in_read(int fd, const char *what, char **text, size_t *len)
{
	_cleanup_free_ char *buf = NULL;
	size_t room = 0, n = 0;
	ssize_t got;
	char *more;

	do {
		if (n + 1 >= room) {
			room = room ? 2 * room : FIRST_BYTES;
			more = realloc(buf, room);
			if (!more)
				return log_err(-ENOMEM, "no memory for %s", what);
			buf = more;
		}
		got = read(fd, buf + n, room - n - 1);
		if (got < 0 && errno != EINTR)
			return log_err(-errno, "cannot read %s: %s", what, strerror(errno));
		n += got > 0 ? got : 0;
		if (n > JSON_IN_BYTES)
			return log_err(-EFBIG, "%s is longer than %d bytes", what, JSON_IN_BYTES);
	} while (got);
	buf[n] = '\0';
	*len = n;
	*text = TAKE_PTR(buf);
	return 0;
}

/* The length of the number at text, as RFC 8259 section 6 has it; 0: it is none. */
static size_t number(const char *text)
{
	const char *digits = "0123456789", *at = text + (*text == '-');
	size_t n = strspn(at, digits);

	if (!n || (*at == '0' && n > 1))
		return 0;
	at += n;
	if (*at == '.') {
		n = strspn(++at, digits);
		at += n;
	}
	if (n && (*at == 'e' || *at == 'E')) {
		at++;
		at += *at == '+' || *at == '-';
		n = strspn(at, digits);
		at += n;
	}
	return n ? at - text : 0;
}

/* The length of a text with its quotes; 0: it has a character that must be escaped, or no end. */
static size_t quoted(const char *text)
{
	const char *at;

	for (at = text + 1; *at != '"'; at++) {
		at += *at == '\\';
		if ((unsigned char)*at < ' ')
			return 0;
	}
	return at + 1 - text;
}

/*
 * json-c accepts more than RFC 8259: NaN, 'texts', control characters in texts. Where in the text, which ends with a 0,
 * there is one of these: an offset; -1: nowhere.
 */
static ssize_t find_lenient(const char *text)
{
	static const char *const words[] = { "true", "false", "null" };
	const char *at;
	size_t len, i;

	for (at = text; *at; at += len) {
		len = !!strchr("{}[]:, \t\r\n", *at);
		if (*at == '"')
			len = quoted(at);
		else if (!len)
			len = number(at);
		for (i = 0; i < 3 && !len; i++)
			if (!strncmp(at, words[i], strlen(words[i])))
				len = strlen(words[i]);
		if (!len)
			return at - text;
	}
	return -1;
}

/* Blanks, as RFC 8259 has them. */
static bool is_blank(const char *text, size_t len)
{
	return strspn(text, " \t\r\n") >= len;
}

int json_in_parse(const char *text, size_t len, const char *what, struct json_object **out)
{
	struct json_tokener *tok = len <= JSON_IN_BYTES ? json_tokener_new_ex(JSON_IN_DEPTH) : NULL;
	_cleanup_json_ struct json_object *j = NULL;
	enum json_tokener_error error;
	ssize_t lenient;
	size_t at;

	if (len > JSON_IN_BYTES)
		return log_err(-EFBIG, "%s is longer than %d bytes", what, JSON_IN_BYTES);
	if (!tok)
		return log_err(-ENOMEM, "no memory for %s", what);
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 |
					    JSON_TOKENER_ALLOW_TRAILING_CHARS);
	j = json_tokener_parse_ex(tok, text, len);
	error = json_tokener_get_error(tok);
	at = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);
	if (is_blank(text, len))
		return log_err(-EINVAL, "%s is empty; a JSON object is expected", what);
	if (error == json_tokener_continue)
		return log_err(-EINVAL, "%s ends in the middle; a JSON object is expected", what);
	if (error != json_tokener_success)
		return log_err(-EINVAL, "%s is no JSON: %s at byte %zu", what, json_tokener_error_desc(error), at);
	if (memchr(text + at, 0, len - at) || !is_blank(text + at, len - at))
		return log_err(-EINVAL, "%s has something behind its end, at byte %zu", what, at);
	lenient = find_lenient(text);
	if (lenient >= 0)
		return log_err(-EINVAL, "%s is no JSON: unexpected character at byte %zd", what, lenient);
	if (!json_object_is_type(j, json_type_object))
		return log_err(-EINVAL, "%s is JSON, but no object", what);
	*out = TAKE_PTR(j);
	return 0;
}

/* ---- members ---- */

struct json_object *json_in_member(struct json_object *j, const char *key)
{
	struct json_object *found = NULL;

	if (!json_object_is_type(j, json_type_object))
		return NULL;
	if (json_object_object_get_ex(j, key, &found))
		return found;
	json_object_object_foreach(j, name, value)
		if (!found && !strcasecmp(name, key))
			found = value;
	return found;
}

static int expected(const char *where, const char *key, const char *what)
{
	return log_err(-EINVAL, "%s%s%s: %s is expected", where, *where ? "." : "", key, what);
}

static const char *text_of(struct json_object *j)
{
	const char *text = json_object_is_type(j, json_type_string) ? json_object_get_string(j) : NULL;

	return text && strlen(text) == (size_t)json_object_get_string_len(j) ? text : NULL;
}

int json_in_text(struct json_object *j, const char *where, const char *key, const char **out)
{
	struct json_object *member = json_in_member(j, key);

	if (!member)
		return 0;
	if (!text_of(member))
		return expected(where, key, "a text");
	*out = text_of(member);
	return 0;
}

int json_in_flag(struct json_object *j, const char *where, const char *key, bool *out)
{
	struct json_object *member = json_in_member(j, key);

	if (!member)
		return 0;
	if (!json_object_is_type(member, json_type_boolean))
		return expected(where, key, "true or false");
	*out = json_object_get_boolean(member);
	return 0;
}

int json_in_number(struct json_object *j, const char *where, const char *key, int64_t min, int64_t max, int64_t *out)
{
	struct json_object *member = json_in_member(j, key);
	int64_t n;

	if (!member)
		return 0;
	n = json_object_get_int64(member); /* INT64_MAX for what is larger */
	if (!json_object_is_type(member, json_type_int) || n < min || n > max)
		return log_err(-EINVAL, "%s%s%s: a whole number from %lld to %lld is expected", where,
			       *where ? "." : "", key, (long long)min, (long long)max);
	*out = n;
	return 0;
}

int json_in_object(struct json_object *j, const char *where, const char *key, struct json_object **out)
{
	struct json_object *member = json_in_member(j, key);

	if (!member)
		return 0;
	if (!json_object_is_type(member, json_type_object))
		return expected(where, key, "an object");
	*out = member;
	return 0;
}

int json_in_array(struct json_object *j, const char *where, const char *key, struct json_object **out)
{
	struct json_object *member = json_in_member(j, key);

	if (!member)
		return 0;
	if (!json_object_is_type(member, json_type_array))
		return expected(where, key, "a list");
	*out = member;
	return 0;
}

int json_in_element(struct json_object *array, size_t i, const char *key, struct json_object **out)
{
	*out = json_object_array_get_idx(array, i);
	if (json_object_is_type(*out, json_type_object))
		return 0;
	return log_err(-EINVAL, "%s[%zu]: an object is expected", key, i);
}

int json_in_text_at(struct json_object *array, size_t i, const char *key, const char **out)
{
	*out = text_of(json_object_array_get_idx(array, i));
	return *out ? 0 : log_err(-EINVAL, "%s[%zu]: a text is expected", key, i);
}
