// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "plugins/cni.h"

/* In their order. Before 0.3.0 results have another form. */
static const char *const known[] = { "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0" };

#define KNOWN (sizeof(known) / sizeof(known[0]))

static size_t rank(const char *version)
{
	size_t i;

	for (i = 0; i < KNOWN; i++)
		if (!strcmp(version, known[i]))
			return i;
	return KNOWN;
}

bool cni_version_is_known(const char *version)
{
	return rank(version) < KNOWN;
}

bool cni_version_is(const char *version, const char *least)
{
	return cni_version_is_known(version) && rank(version) >= rank(least);
}

struct json_object *cni_versions(void)
{
	struct json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; list && i < KNOWN; i++)
		json_object_array_add(list, json_object_new_string(known[i]));
	return list;
}
