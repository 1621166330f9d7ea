/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Common to the plugins. */
#ifndef EBPFNET_PLUGINS_PLUGIN_H
#define EBPFNET_PLUGINS_PLUGIN_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include <ebpfnet/journal.h>

/* True for an id that may be part of a path: a letter or digit, then these and _ . - */
bool plugin_is_id(const char *text);
/* A label for people: the beginning of the text, of which what cannot be printed is replaced. */
void plugin_label(const char *text, char label[EBPFNET_LABEL_LEN]);

/* ---- JSON that is printed ---- */

#define PLUGIN_MAC_TEXT 18
const char *plugin_mac_text(const uint8_t mac[6], char buf[PLUGIN_MAC_TEXT]);
void plugin_put_text(struct json_object *j, const char *key, const char *text);
/* In one line, malloc'ed; NULL: no memory, or j is NULL. Frees j. */
char *plugin_print(struct json_object *j);

#endif
