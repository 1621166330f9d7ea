// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Answers to netavark and podman. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/addr.h"
#include "plugins/netavark.h"
#include "plugins/plugin.h"

char *netavark_info(void)
{
	struct json_object *j = json_object_new_object();

	if (!j)
		return NULL;
	plugin_put_text(j, "version", EBPFNET_VERSION);
	plugin_put_text(j, "api_version", "1.0.0");
	return plugin_print(j);
}

char *netavark_error(const char *cause, const char *further)
{
	struct json_object *j = json_object_new_object();
	char *text = NULL;

	if (!j || asprintf(&text, "%s%s%s", cause, further ? "; " : "", further ? further : "") < 0) {
		json_object_put(j);
		return NULL;
	}
	plugin_put_text(j, "error", text);
	free(text);
	return plugin_print(j);
}

/* Members keep what came with them. Of a list in which a subnet was left out, this is the first. */
char *netavark_network(struct json_object *j, const struct network_def *def, bool can_dns)
{
	struct json_object *list = json_in_member(j, "subnets"), *subnet = NULL;
	char text[CIDR_TEXT];

	if (!list || !json_object_array_length(list)) {
		list = json_object_new_array();
		subnet = json_object_new_object();
		json_object_array_add(list, subnet);
		json_object_object_del(j, "subnets");
		json_object_object_add(j, "subnets", list);
	}
	subnet = json_object_array_get_idx(list, 0);
	plugin_put_text(subnet, "subnet", cidr_text(&def->subnet, text));
	/* also of an internal network: podman must not give it to a container */
	plugin_put_text(subnet, "gateway", addr_text(def->gateway, text));
	if (!can_dns)
		json_object_object_add(j, "dns_enabled", json_object_new_boolean(false));
	return plugin_print(j);
}

char *netavark_status(const struct plug_result *r, bool has_dns)
{
	struct json_object *j = json_object_new_object(), *interfaces, *dev, *subnets, *subnet, *domains, *servers;
	char text[CIDR_TEXT], mac[PLUGIN_MAC_TEXT];

	if (!j)
		return NULL;
	domains = json_object_new_array();
	servers = json_object_new_array();
	if (has_dns) {
		json_object_array_add(domains, json_object_new_string("dns.podman"));
		json_object_array_add(servers, json_object_new_string(addr_text(r->net.gateway, text)));
	}
	json_object_object_add(j, "dns_search_domains", domains);
	json_object_object_add(j, "dns_server_ips", servers);
	interfaces = json_object_new_object();
	json_object_object_add(j, "interfaces", interfaces);
	dev = json_object_new_object();
	json_object_object_add(interfaces, r->rec.ifname, dev);
	plugin_put_text(dev, "mac_address", plugin_mac_text(r->rec.mac, mac));
	subnets = json_object_new_array();
	json_object_object_add(dev, "subnets", subnets);
	subnet = json_object_new_object();
	json_object_array_add(subnets, subnet);
	plugin_put_text(subnet, "ipnet", cidr_text(&(struct cidr){ r->rec.addr, r->net.subnet.prefix }, text));
	if (!(r->net.flags & NETWORK_INTERNAL))
		plugin_put_text(subnet, "gateway", addr_text(r->net.gateway, text));
	return plugin_print(j);
}
