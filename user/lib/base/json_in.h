/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * JSON that others send. Strict (RFC 8259), of bounded length and depth. Members are found whatever the case of their
 * names, as Go programs write and read them: an exact match wins.
 *
 * The getters log what is wrong with a member and return -EINVAL. One that is missing or null leaves *out as it is.
 * `where` names the object in that line: "portMappings[2]", or "" for the outermost.
 */
#ifndef EBPFNET_LIB_BASE_JSON_IN_H
#define EBPFNET_LIB_BASE_JSON_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

#define JSON_IN_BYTES (1 << 20)
#define JSON_IN_DEPTH 32

static inline void json_in_end(struct json_object **j)
{
	json_object_put(*j);
}
#define _cleanup_json_ __attribute__((cleanup(json_in_end)))

/*
 * Read a descriptor to its end. *text: malloc'ed, with a 0 behind its len bytes. -EFBIG: more than JSON_IN_BYTES. Logs.
 */
int json_in_read(int fd, const char *what, char **text, size_t *len);
/*
 * Parse an object, the caller's to json_object_put(); text[len] is 0. what: for the log, as "the configuration".
 * -EINVAL. Logs.
 */
int json_in_parse(const char *text, size_t len, const char *what, struct json_object **out);

/* A member; NULL: missing or null. */
struct json_object *json_in_member(struct json_object *j, const char *key);

/* A text without a 0 in it; valid as long as j. */
int json_in_text(struct json_object *j, const char *where, const char *key, const char **out);
int json_in_flag(struct json_object *j, const char *where, const char *key, bool *out);
/* A whole number from min to max. */
int json_in_number(struct json_object *j, const char *where, const char *key, int64_t min, int64_t max, int64_t *out);
int json_in_object(struct json_object *j, const char *where, const char *key, struct json_object **out);
int json_in_array(struct json_object *j, const char *where, const char *key, struct json_object **out);
/* An element of an array that has to be an object, or a text. key: the array's name. */
int json_in_element(struct json_object *array, size_t i, const char *key, struct json_object **out);
int json_in_text_at(struct json_object *array, size_t i, const char *key, const char **out);

#endif
