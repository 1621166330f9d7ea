// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Answers: results, errors, versions. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/addr.h"
#include "plugins/cni.h"
#include "plugins/plugin.h"

char *cni_error(const char *version, int code, const char *msg, const char *details)
{
	struct json_object *j = json_object_new_object();

	if (!j)
		return NULL;
	plugin_put_text(j, "cniVersion", cni_version_is_known(version) ? version : "1.1.0");
	json_object_object_add(j, "code", json_object_new_int(code));
	plugin_put_text(j, "msg", msg);
	if (details)
		plugin_put_text(j, "details", details);
	return plugin_print(j);
}

char *cni_version_answer(const char *version)
{
	struct json_object *j = json_object_new_object();

	if (!j)
		return NULL;
	plugin_put_text(j, "cniVersion", cni_version_is_known(version) ? version : "1.1.0");
	json_object_object_add(j, "supportedVersions", cni_versions());
	return plugin_print(j);
}

/* ---- ADD ---- */

/* The list of the plugin before us, or an empty one, in the result. */
static struct json_object *begin_list(const struct cni_conf *c, struct json_object *result, const char *key)
{
	struct json_object *before = c->prev ? json_in_member(c->prev, key) : NULL;
	struct json_object *list = json_object_new_array();
	size_t i, n = json_object_is_type(before, json_type_array) ? json_object_array_length(before) : 0;

	for (i = 0; i < n; i++)
		json_object_array_add(list, json_object_get(json_object_array_get_idx(before, i)));
	json_object_object_add(result, key, list);
	return list;
}

static struct json_object *interface_json(const struct cni_conf *c, const char *name, const uint8_t mac[6],
					  uint32_t mtu, const char *sandbox)
{
	struct json_object *j = json_object_new_object();
	char text[PLUGIN_MAC_TEXT];

	plugin_put_text(j, "name", name);
	plugin_put_text(j, "mac", plugin_mac_text(mac, text));
	if (mtu && cni_version_is(c->version, "1.1.0"))
		json_object_object_add(j, "mtu", json_object_new_int64(mtu));
	if (sandbox)
		plugin_put_text(j, "sandbox", sandbox);
	return j;
}

static struct json_object *addr_json(const struct cni_conf *c, const struct plug_result *r, size_t interface)
{
	struct json_object *j = json_object_new_object();
	char text[CIDR_TEXT];

	if (!cni_version_is(c->version, "1.0.0"))
		plugin_put_text(j, "version", "4");
	plugin_put_text(j, "address", cidr_text(&(struct cidr){ r->rec.addr, r->net.subnet.prefix }, text));
	if (!(r->net.flags & NETWORK_INTERNAL))
		plugin_put_text(j, "gateway", addr_text(r->net.gateway, text));
	json_object_object_add(j, "interface", json_object_new_int64(interface));
	return j;
}

static bool is_default(struct json_object *route)
{
	struct json_object *dst = json_in_member(route, "dst");

	return dst && !strcmp(json_object_get_string(dst), "0.0.0.0/0");
}

static void put_routes(const struct cni_conf *c, const struct plug_result *r, struct json_object *list)
{
	size_t i, n = c->routes ? json_object_array_length(c->routes) : 0;
	struct json_object *j, *route;
	char text[ADDR_TEXT];

	if (!r->has_default)
		return;
	j = json_object_new_object();
	plugin_put_text(j, "dst", "0.0.0.0/0");
	plugin_put_text(j, "gw", addr_text(r->net.gateway, text));
	json_object_array_add(list, j);
	for (i = 0; i < n; i++) {
		route = json_object_array_get_idx(c->routes, i);
		if (!is_default(route))
			json_object_array_add(list, json_object_get(route));
	}
}

char *cni_result(const struct cni_conf *c, const struct cni_env *env, const struct plug_result *r)
{
	uint32_t mtu = r->rec.mtu ? r->rec.mtu : r->net.mtu;
	struct json_object *j = json_object_new_object(), *interfaces, *dns;
	uint8_t mac[6];

	if (!j)
		return NULL;
	addr_host_mac(r->rec.addr, mac);
	plugin_put_text(j, "cniVersion", c->version);
	interfaces = begin_list(c, j, "interfaces");
	json_object_array_add(interfaces, interface_json(c, r->rec.host_dev, mac, mtu, NULL));
	json_object_array_add(interfaces, interface_json(c, r->rec.ifname, r->rec.mac, mtu, env->netns));
	json_object_array_add(begin_list(c, j, "ips"), addr_json(c, r, json_object_array_length(interfaces) - 1));
	put_routes(c, r, begin_list(c, j, "routes"));
	dns = c->prev ? json_in_member(c->prev, "dns") : NULL;
	if (!dns || !json_object_is_type(dns, json_type_object) || !json_object_object_length(dns))
		dns = c->dns;
	json_object_object_add(j, "dns", dns ? json_object_get(dns) : json_object_new_object());
	return plugin_print(j);
}

/* ---- CHECK ---- */

static const char *member_text(struct json_object *j, const char *key)
{
	struct json_object *member = json_in_member(j, key);

	return json_object_is_type(member, json_type_string) ? json_object_get_string(member) : "";
}

static size_t length(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static bool remembers_addr(struct json_object *ips, const struct plug_result *r)
{
	struct ipaddr addr;
	uint8_t prefix;
	size_t i;

	for (i = 0; i < length(ips); i++)
		if (cni_addr_parse(member_text(json_object_array_get_idx(ips, i), "address"), &addr, &prefix) &&
		    addr_same(addr, r->rec.addr) && prefix == r->net.subnet.prefix)
			return true;
	return false;
}

const char *cni_result_differs(const struct cni_conf *c, const struct cni_env *env, const struct plug_result *r)
{
	struct json_object *interfaces = json_in_member(c->prev, "interfaces"), *one;
	uint8_t mac[6];
	size_t i;

	for (i = 0; i < length(interfaces); i++) {
		one = json_object_array_get_idx(interfaces, i);
		if (strcmp(member_text(one, "name"), env->ifname) || !*member_text(one, "sandbox"))
			continue;
		if (ether_parse(member_text(one, "mac"), mac) || memcmp(mac, r->rec.mac, sizeof(mac)))
			return "MAC address";
		return remembers_addr(json_in_member(c->prev, "ips"), r) ? NULL : "address";
	}
	return "device";
}
