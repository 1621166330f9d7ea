// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A network, as podman keeps it, and a container that is to be in it. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/model/model.h"
#include "plugins/netavark.h"
#include "plugins/plugin.h"

#define PORTS 65536		/* mappings of one container */

void netavark_request_end(struct netavark_request *q)
{
	free(q->publish);
	json_object_put(q->json);
	*q = (struct netavark_request){};
}

/* A text that has to be there. */
static int need_text(struct json_object *j, const char *where, const char *key, const char **out)
{
	int r;

	*out = "";
	r = json_in_text(j, where, key, out);
	return r || **out ? r : log_err(-EINVAL, "%s%s%s is missing", where, *where ? "." : "", key);
}

static int need_object(struct json_object *j, const char *key, struct json_object **out)
{
	int r;

	*out = NULL;
	r = json_in_object(j, "", key, out);
	return r || *out ? r : log_err(-EINVAL, "%s is missing", key);
}

/* ---- the network ---- */

static int read_subnet(struct json_object *list, struct network_def *def)
{
	const char *subnet, *gateway = "";
	struct json_object *j;
	int r;

	r = json_in_element(list, 0, "subnets", &j);
	if (!r)
		r = need_text(j, "subnets[0]", "subnet", &subnet);
	if (!r)
		r = json_in_text(j, "subnets[0]", "gateway", &gateway);
	if (r)
		return r;
	if (strchr(subnet, ':'))
		return log_err(-ENOTSUP, "subnet %s: a network of ebpfnet has an IPv4 subnet, and no IPv6 one", subnet);
	if (cidr_parse(subnet, &def->subnet.addr, &def->subnet.prefix))
		return log_err(-EINVAL, "subnet '%s' is not an IPv4 subnet with a prefix of 8 to 30 and nothing behind "
					"it, as 10.1.2.0/24", subnet);
	if (*gateway && addr_parse(gateway, &def->gateway))
		return log_err(-EINVAL, "gateway '%s' is not an IPv4 address", gateway);
	return 0;
}

static int read_subnets(struct json_object *j, struct network_def *def)
{
	struct json_object *list = NULL;
	bool ipv6 = false;
	size_t n;
	int r;

	r = json_in_flag(j, "", "ipv6_enabled", &ipv6);
	if (!r)
		r = json_in_array(j, "", "subnets", &list);
	n = list ? json_object_array_length(list) : 0;
	if (!r && n)
		r = read_subnet(list, def);
	if (!r && n > 1)
		r = log_err(-ENOTSUP, "%zu subnets: a network of ebpfnet has one, of IPv4", n);
	if (!r && ipv6)
		r = log_err(-ENOTSUP, "ipv6_enabled: a network of ebpfnet has no IPv6 subnet");
	return r;
}

static int read_mtu(const char *key, const char *text, struct network_def *def)
{
	unsigned int mtu;
	char rest;

	if (strspn(text, "0123456789") != strlen(text) || sscanf(text, "%5u%c", &mtu, &rest) != 1)
		return log_err(-EINVAL, "option %s: '%s' is no number of bytes", key, text);
	def->mtu = mtu;
	return 0;
}

/* Networks are isolated from each other; with this, they do not reach each other's published ports either. */
static int read_isolate(const char *text, struct network_def *def)
{
	if (!strcmp(text, "true") || !strcmp(text, "1") || !strcmp(text, "strict"))
		def->flags |= NETWORK_ISOLATED;
	else if (strcmp(text, "false") && strcmp(text, "0"))
		return log_err(-EINVAL, "option isolate: '%s' is not true, false or strict", text);
	return 0;
}

static int read_options(struct json_object *j, struct network_def *def)
{
	struct json_object *options = NULL;
	const char *text;
	int r;

	r = json_in_object(j, "", "options", &options);
	if (r || !options)
		return r;
	json_object_object_foreach(options, key, value) {
		(void)value;
		text = "";
		r = json_in_text(options, "options", key, &text);
		if (r)
			return r;
		if (!strcmp(key, "mtu") || !strcmp(key, "com.docker.network.driver.mtu"))
			r = read_mtu(key, text, def);
		else if (!strcmp(key, "isolate"))
			r = read_isolate(text, def);
		else
			r = log_err(-ENOTSUP, "option %s is not supported; there are mtu and isolate", key);
		if (r)
			return r;
	}
	return 0;
}

/* Refuses what would have no effect. */
static int check_unsupported(struct json_object *j)
{
	struct json_object *ipam = NULL, *routes = NULL, *servers = NULL;
	const char *driver = "", *dev = "";
	int r;

	r = json_in_object(j, "", "ipam_options", &ipam);
	if (!r && ipam)
		r = json_in_text(ipam, "ipam_options", "driver", &driver);
	if (!r)
		r = json_in_array(j, "", "routes", &routes);
	if (!r)
		r = json_in_array(j, "", "network_dns_servers", &servers);
	if (!r)
		r = json_in_text(j, "", "network_interface", &dev);
	if (r)
		return r;
	if (*driver && strcmp(driver, "host-local"))
		return log_err(-ENOTSUP, "ipam driver %s is not supported; leave it out, or use host-local", driver);
	if (routes && json_object_array_length(routes))
		return log_err(-ENOTSUP, "routes are not supported: the default route leads to the gateway");
	if (servers && json_object_array_length(servers))
		return log_err(-ENOTSUP, "network_dns_servers are not supported: those of the host are asked");
	if (*dev)
		return log_err(-ENOTSUP, "network_interface %s cannot be chosen; `ebpfnet network show` has its name",
			       dev);
	return 0;
}

int netavark_network_read(struct json_object *j, struct network_def *def)
{
	const char *name, *id;
	bool is_internal = false;
	int r;

	*def = (struct network_def){};
	r = need_text(j, "", "name", &name);
	if (!r)
		r = network_check_name(name);
	if (!r)
		r = need_text(j, "", "id", &id);
	if (r)
		return r;
	if (strlen(id) >= sizeof(def->id) || !plugin_is_id(id))
		return log_err(-EINVAL, "id '%s' of network %s is not one of at most %d letters and digits", id, name,
			       EBPFNET_ID_LEN - 1);
	snprintf(def->name, sizeof(def->name), "%s", name);
	snprintf(def->id, sizeof(def->id), "%s", id);
	r = json_in_flag(j, "", "internal", &is_internal);
	def->flags = is_internal ? NETWORK_INTERNAL : 0;
	if (!r)
		r = check_unsupported(j);
	if (!r)
		r = read_subnets(j, def);
	return r ? r : read_options(j, def);
}

/* ---- its ports ---- */

/* One for each protocol of the list, "tcp,udp". */
static int add_protocols(struct netavark_request *q, const char *where, const char *list, struct portmap p)
{
	size_t len;

	do {
		len = strcspn(list, ",");
		if (len == 3 && !strncmp(list, "udp", 3))
			p.proto = L4_UDP;
		else if (!*list || (len == 3 && !strncmp(list, "tcp", 3)))
			p.proto = L4_TCP;
		else
			return log_err(-ENOTSUP, "%s: protocol '%s' is not supported; use tcp or udp", where, list);
		if (q->publish_count == PORTS)
			return log_err(-E2BIG, "port_mappings has more than %d entries", PORTS);
		q->publish[q->publish_count++] = p;
		list += len;
	} while (*list++);
	return 0;
}

static int read_mapping(struct netavark_request *q, struct json_object *j, size_t i)
{
	const char *protocol = "", *host_ip = "";
	int64_t host = 0, inside = 0, range = 1;
	struct portmap p = {};
	char where[48];

	snprintf(where, sizeof(where), "port_mappings[%zu]", i);
	if (json_in_number(j, where, "host_port", 1, 65535, &host) ||
	    json_in_number(j, where, "container_port", 1, 65535, &inside) ||
	    json_in_number(j, where, "range", 0, 65535, &range) || json_in_text(j, where, "protocol", &protocol) ||
	    json_in_text(j, where, "host_ip", &host_ip))
		return -EINVAL;
	range = range ? range : 1;
	if (!host || !inside)
		return log_err(-EINVAL, "%s: host_port or container_port is missing", where);
	if (host + range > 65536 || inside + range > 65536)
		return log_err(-EINVAL, "%s: a range of %d ports ends behind 65535", where, (int)range);
	if (*host_ip && addr_parse(host_ip, &p.addr))
		return log_err(-ENOTSUP, "%s: host_ip '%s' is not supported; use an IPv4 address of the host, or none",
			       where, host_ip);
	p.first_h = host;
	p.last_h = host + range - 1;
	p.to_first_h = inside;
	return add_protocols(q, where, protocol, p);
}

int netavark_ports_read(struct netavark_request *q)
{
	struct json_object *list = NULL, *one;
	size_t i, n;
	int r;

	free(q->publish);
	q->publish = NULL;
	q->publish_count = 0;
	r = json_in_array(q->json, "", "port_mappings", &list);
	n = list ? json_object_array_length(list) : 0;
	if (r || !n)
		return r;
	q->publish = calloc(PORTS, sizeof(*q->publish));
	if (!q->publish)
		return log_err(-ENOMEM, "no memory for %zu port mappings", n);
	for (i = 0; i < n && !r; i++) {
		r = json_in_element(list, i, "port_mappings", &one);
		if (!r)
			r = read_mapping(q, one, i);
	}
	return r;
}

/* ---- the container ---- */

static int read_addr(struct netavark_request *q, struct json_object *options)
{
	struct json_object *list = NULL;
	const char *text;
	size_t n;
	int r;

	r = json_in_array(options, "network_options", "static_ips", &list);
	n = list ? json_object_array_length(list) : 0;
	if (!r && n != 1)
		r = log_err(-EINVAL, "network_options.static_ips has %zu addresses; one is expected, of IPv4", n);
	if (!r)
		r = json_in_text_at(list, 0, "network_options.static_ips", &text);
	if (r)
		return r;
	return !addr_parse(text, &q->addr) && addr_number(q->addr) ? 0 :
	       log_err(-EINVAL, "static_ips: '%s' is not an IPv4 address", text);
}

/* netavark's API: no error, if there is no DNS. As many are taken as there is room for, of those that are names. */
static int read_aliases(struct netavark_request *q, struct json_object *options)
{
	struct json_object *list = NULL;
	const char *text;
	size_t i, n, len = 0;
	int r;

	r = json_in_array(options, "network_options", "aliases", &list);
	n = list ? json_object_array_length(list) : 0;
	for (i = 0; i < n && !r; i++) {
		r = json_in_text_at(list, i, "network_options.aliases", &text);
		if (!r && text_is_host_name(text) && len + strlen(text) + 2 <= sizeof(q->aliases))
			len += sprintf(q->aliases + len, "%s%s", len ? " " : "", text);
	}
	return r;
}

static int check_options(struct json_object *options)
{
	struct json_object *more = NULL;
	int r = json_in_object(options, "network_options", "options", &more);

	if (r || !more)
		return r;
	json_object_object_foreach(more, key, value) {
		(void)value;
		return log_err(-ENOTSUP, "network_options.options: %s is not supported", key);
	}
	return 0;
}

static int read_container(struct netavark_request *q, struct json_object *options)
{
	const char *name = "", *mac = "";
	int r;

	r = json_in_text(q->json, "", "container_name", &name);
	if (!r)
		r = json_in_text(options, "network_options", "static_mac", &mac);
	if (r)
		return r;
	plugin_label(name, q->label);
	if (*mac && ether_parse(mac, q->mac))
		return log_err(-EINVAL, "MAC address '%s' is not a station's; write one, as 02:00:00:00:00:01", mac);
	q->has_mac = *mac;
	r = read_addr(q, options);
	if (!r)
		r = read_aliases(q, options);
	if (!r)
		r = check_options(options);
	return r ? r : netavark_ports_read(q);
}

int netavark_request_read(struct netavark_request *q, const char *text, size_t len, bool is_removed)
{
	struct json_object *network, *options;
	int r;

	*q = (struct netavark_request){};
	r = json_in_parse(text, len, "the request", &q->json);
	if (!r)
		r = need_text(q->json, "", "container_id", &q->id);
	if (!r && !plugin_is_id(q->id))
		r = log_err(-EINVAL, "container_id '%s' is not an id: a letter or digit, then these and _ . -", q->id);
	if (!r)
		r = need_object(q->json, "network_options", &options);
	if (!r)
		r = need_text(options, "network_options", "interface_name", &q->ifname);
	if (!r && !text_is_device(q->ifname))
		r = log_err(-EINVAL, "interface_name '%s' is not the name of a device: 1 to 15 characters, as eth0",
			    q->ifname);
	if (r || is_removed)
		return r;
	r = need_object(q->json, "network", &network);
	if (!r)
		r = netavark_network_read(network, &q->def);
	if (!r)
		r = json_in_flag(network, "network", "dns_enabled", &q->has_dns);
	return r ? r : read_container(q, options);
}
