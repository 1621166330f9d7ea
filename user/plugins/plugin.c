// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "plugins/plugin.h"

bool plugin_is_id(const char *text)
{
	size_t i;

	for (i = 0; text[i]; i++)
		if (!isalnum((unsigned char)text[i]) && (!i || !strchr("_.-", text[i])))
			return false;
	return i;
}

void plugin_label(const char *text, char label[EBPFNET_LABEL_LEN])
{
	size_t i;

	snprintf(label, EBPFNET_LABEL_LEN, "%.*s", EBPFNET_LABEL_LEN - 1, text);
	for (i = 0; label[i]; i++)
		if (!isprint((unsigned char)label[i]))
			label[i] = '?';
}

const char *plugin_mac_text(const uint8_t mac[6], char buf[PLUGIN_MAC_TEXT])
{
	snprintf(buf, PLUGIN_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return buf;
}

void plugin_put_text(struct json_object *j, const char *key, const char *text)
{
	json_object_object_add(j, key, json_object_new_string(text));
}

char *plugin_print(struct json_object *j)
{
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text = j ? json_object_to_json_string_ext(j, flags) : NULL;
	char *copy = text ? strdup(text) : NULL;

	json_object_put(j);
	return copy;
}
