// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Docker's requests, read, and the answers to them. */
#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/log.h"
#include "plugins/docker.h"
#include "plugins/plugin.h"

#define PORTS 65536		/* mappings of one endpoint */
#define LABEL "com.docker.network."

void docker_call_end(struct docker_call *c)
{
	free(c->publish);
	json_object_put(c->json);
	*c = (struct docker_call){};
}

/* ---- ids ---- */

static int read_id(struct json_object *j, const char *key, const char **out)
{
	size_t i;
	int r;

	*out = "";
	r = json_in_text(j, "", key, out);
	if (r)
		return r;
	for (i = 0; isxdigit((unsigned char)(*out)[i]); i++)
		;
	if (i && !(*out)[i] && i < EBPFNET_ID_LEN)
		return 0;
	return log_err(-EINVAL, "%s '%s' is not an id of 1 to %d hexadecimal digits", key, *out, EBPFNET_ID_LEN - 1);
}

int docker_read_network(struct docker_call *c, const char *body, size_t len)
{
	int r;

	*c = (struct docker_call){ .sandbox = "" };
	r = json_in_parse(body, len, "the request", &c->json);
	return r ? r : read_id(c->json, "NetworkID", &c->network);
}

int docker_read_endpoint(struct docker_call *c, const char *body, size_t len)
{
	int r = docker_read_network(c, body, len);

	return r ? r : read_id(c->json, "EndpointID", &c->endpoint);
}

/* ---- CreateNetwork ---- */

/* Without the prefix that may follow; "": none. */
static int read_addr(const char *key, const char *text, struct ipaddr *out)
{
	char word[ADDR_TEXT];
	size_t n = strcspn(text, "/");

	if (!*text)
		return 0;
	if (n < sizeof(word)) {
		snprintf(word, sizeof(word), "%.*s", (int)n, text);
		if (!addr_parse(word, out))
			return 0;
	}
	return log_err(-EINVAL, "%s '%s' is not an IPv4 address", key, text);
}

/* IPAM without addresses, Docker's "null", has 0.0.0.0/0. */
static int read_pool(struct json_object *j, struct network_def *def)
{
	const char *pool = "", *gateway = "";
	int r;

	r = json_in_text(j, "IPv4Data[0]", "Pool", &pool);
	if (!r)
		r = json_in_text(j, "IPv4Data[0]", "Gateway", &gateway);
	if (r || !*pool || !strcmp(pool, "0.0.0.0/0"))
		return r;
	if (cidr_parse(pool, &def->subnet.addr, &def->subnet.prefix))
		return log_err(-ENOTSUP, "subnet '%s' is not an IPv4 subnet with a prefix of 8 to 30, as 10.1.2.0/24",
			       pool);
	return read_addr("Gateway", gateway, &def->gateway);
}

static int read_pools(struct json_object *j, struct network_def *def)
{
	struct json_object *list = NULL, *ipv6 = NULL, *one;
	size_t n;
	int r;

	r = json_in_array(j, "", "IPv4Data", &list);
	if (!r)
		r = json_in_array(j, "", "IPv6Data", &ipv6);
	if (r)
		return r;
	if (ipv6 && json_object_array_length(ipv6))
		return log_err(-ENOTSUP, "a network has no IPv6 subnet; leave out --ipv6");
	n = list ? json_object_array_length(list) : 0;
	if (n > 1)
		return log_err(-ENOTSUP, "a network has one subnet, not %zu", n);
	if (n)
		r = json_in_element(list, 0, "IPv4Data", &one);
	return r || !n ? r : read_pool(one, def);
}

static int not_a_value(const char *key, const char *value, const char *wanted)
{
	return log_err(-ENOTSUP, "-o %s=%s: %s is expected", key, value, wanted);
}

static int read_mtu(const char *key, const char *value, struct network_def *def)
{
	unsigned int mtu;
	char rest;

	if (!isdigit((unsigned char)*value) || strlen(value) > 5 || sscanf(value, "%u%c", &mtu, &rest) != 1 ||
	    mtu > UINT16_MAX)
		return not_a_value(key, value, "a number up to 65535");
	def->mtu = mtu;
	return 0;
}

static int read_isolated(const char *key, const char *value, struct network_def *def)
{
	if (strcmp(value, "true") && strcmp(value, "false"))
		return not_a_value(key, value, "true or false");
	def->flags |= *value == 't' ? NETWORK_ISOLATED : 0;
	return 0;
}

/* `docker network create -o KEY=VALUE`. One that has no effect is refused. */
static int read_options(struct json_object *generic, struct network_def *def)
{
	static const struct {
		const char *key;
		int (*read)(const char *key, const char *value, struct network_def *def);
	} known[] = {
		{ LABEL "driver.mtu", read_mtu },
		{ "isolated", read_isolated },
	};
	struct json_object_iterator at = json_object_iter_begin(generic), end = json_object_iter_end(generic);
	size_t i, n = sizeof(known) / sizeof(known[0]);
	const char *value = "";
	int r = 0;

	for (; !json_object_iter_equal(&at, &end) && !r; json_object_iter_next(&at)) {
		const char *key = json_object_iter_peek_name(&at);

		for (i = 0; i < n && strcmp(key, known[i].key); i++)
			;
		if (i == n)
			return log_err(-ENOTSUP, "-o %s is not supported; there are " LABEL "driver.mtu and isolated",
				       key);
		r = json_in_text(generic, LABEL "generic", key, &value);
		if (!r)
			r = known[i].read(key, value, def);
	}
	return r;
}

int docker_read_create_network(struct docker_call *c, const char *body, size_t len)
{
	struct json_object *options = NULL, *generic = NULL;
	bool is_internal = false, has_ipv6 = false;
	int r;

	r = docker_read_network(c, body, len);
	if (!r)
		r = read_pools(c->json, &c->def);
	if (!r)
		r = json_in_object(c->json, "", "Options", &options);
	if (r || !options)
		return r;
	r = json_in_flag(options, "Options", LABEL "internal", &is_internal);
	if (!r)
		r = json_in_flag(options, "Options", LABEL "enable_ipv6", &has_ipv6);
	if (!r)
		r = json_in_object(options, "Options", LABEL "generic", &generic);
	if (!r && has_ipv6)
		r = log_err(-ENOTSUP, "a network has no IPv6 subnet; leave out --ipv6");
	c->def.flags |= is_internal ? NETWORK_INTERNAL : 0;
	return r || !generic ? r : read_options(generic, &c->def);
}

/* ---- CreateEndpoint, Join ---- */

int docker_read_create_endpoint(struct docker_call *c, const char *body, size_t len)
{
	const char *addr = "", *ipv6 = "", *mac = "";
	struct json_object *interface = NULL;
	int r;

	r = docker_read_endpoint(c, body, len);
	if (!r)
		r = json_in_object(c->json, "", "Interface", &interface);
	if (r || !interface)
		return r;
	r = json_in_text(interface, "Interface", "Address", &addr);
	if (!r)
		r = json_in_text(interface, "Interface", "AddressIPv6", &ipv6);
	if (!r)
		r = json_in_text(interface, "Interface", "MacAddress", &mac);
	if (!r)
		r = read_addr("Address", addr, &c->addr);
	if (!r && *ipv6)
		r = log_err(-ENOTSUP, "a network has no IPv6 subnet; leave out --ip6 %s", ipv6);
	if (r || !*mac)
		return r;
	c->has_mac = true;
	return ether_parse(mac, c->mac) ? log_err(-EINVAL, "MAC address '%s' is not a station's; write one, as "
							   "02:00:00:00:00:01", mac) : 0;
}

int docker_read_join(struct docker_call *c, const char *body, size_t len)
{
	const char *sandbox = "";
	int r;

	r = docker_read_endpoint(c, body, len);
	if (!r)
		r = json_in_text(c->json, "", "SandboxKey", &sandbox);
	c->sandbox = *sandbox == '/' ? sandbox : "";
	return r;
}

/* ---- ProgramExternalConnectivity ---- */

static int read_port(struct json_object *j, size_t i, struct docker_port *p)
{
	int64_t proto = 0, host = 0, end = 0, inside = 0;
	const char *host_ip = "";
	char where[64];
	int r;

	snprintf(where, sizeof(where), LABEL "portmap[%zu]", i);
	r = json_in_number(j, where, "Proto", 0, 255, &proto);
	if (!r)
		r = json_in_number(j, where, "Port", 0, 65535, &inside);
	if (!r)
		r = json_in_number(j, where, "HostPort", 0, 65535, &host);
	if (!r)
		r = json_in_number(j, where, "HostPortEnd", 0, 65535, &end);
	if (!r)
		r = json_in_text(j, where, "HostIP", &host_ip);
	if (r)
		return r;
	if (!inside || (end && end < host))
		return log_err(-EINVAL, "%s: %s", where, inside ? "HostPortEnd is before HostPort" : "Port is missing");
	*p = (struct docker_port){ .map = { .first_h = host, .last_h = host, .to_first_h = inside } };
	p->until_h = host && end > host ? end : 0;
	p->map.proto = proto == L4_UDP ? L4_UDP : L4_TCP;
	if (proto != p->map.proto)
		return log_err(-ENOTSUP, "cannot publish port %d: IP protocol %d is neither tcp nor udp", (int)inside,
			       (int)proto);
	if (!*host_ip || !addr_parse(host_ip, &p->map.addr))
		return 0;
	return log_err(-ENOTSUP, "cannot publish on %s: it is not an IPv4 address", host_ip);
}

int docker_read_connectivity(struct docker_call *c, const char *body, size_t len)
{
	struct json_object *options = NULL, *list = NULL, *one;
	size_t i, n;
	int r;

	r = docker_read_endpoint(c, body, len);
	if (!r)
		r = json_in_object(c->json, "", "Options", &options);
	if (!r && options)
		r = json_in_array(options, "Options", LABEL "portmap", &list);
	n = list ? json_object_array_length(list) : 0;
	if (r || !n)
		return r;
	if (n > PORTS)
		return log_err(-EINVAL, LABEL "portmap has %zu entries, %d is the maximum", n, PORTS);
	c->publish = calloc(n, sizeof(*c->publish));
	if (!c->publish)
		return log_err(-ENOMEM, "no memory for %zu port mappings", n);
	c->publish_count = n;
	for (i = 0; i < n && !r; i++) {
		r = json_in_element(list, i, LABEL "portmap", &one);
		if (!r)
			r = read_port(one, i, &c->publish[i]);
	}
	return r;
}

/* ---- answers ---- */

char *docker_error(const char *text)
{
	struct json_object *j = json_object_new_object();

	if (j)
		plugin_put_text(j, "Err", text);
	return plugin_print(j);
}

char *docker_interface(const struct docker_call *c, const struct plug_result *r)
{
	struct json_object *j = json_object_new_object(), *interface = json_object_new_object();
	char addr[CIDR_TEXT], mac[PLUGIN_MAC_TEXT];

	if (!c->has_mac)
		plugin_put_text(interface, "MacAddress", plugin_mac_text(r->rec.mac, mac));
	if (!addr_number(c->addr))
		plugin_put_text(interface, "Address",
				cidr_text(&(struct cidr){ r->rec.addr, r->net.subnet.prefix }, addr));
	json_object_object_add(j, "Interface", interface);
	return plugin_print(j);
}

/* With a gateway, Docker does not connect the container to a bridge of its own. */
char *docker_join(const struct plug_result *r)
{
	struct json_object *j = json_object_new_object(), *name = json_object_new_object();
	bool is_internal = r->net.flags & NETWORK_INTERNAL;
	char gateway[ADDR_TEXT];

	plugin_put_text(name, "SrcName", r->rec.ns_dev);
	plugin_put_text(name, "DstPrefix", "eth");
	json_object_object_add(j, "InterfaceName", name);
	plugin_put_text(j, "Gateway", is_internal ? "" : addr_text(r->net.gateway, gateway));
	json_object_object_add(j, "StaticRoutes", json_object_new_array());
	json_object_object_add(j, "DisableGatewayService", json_object_new_boolean(is_internal));
	return plugin_print(j);
}
