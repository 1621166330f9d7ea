// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * user/plugins: the network that podman has made, and the request of netavark for a container. Accepted values are
 * in their bounds; every answer is JSON, whatever came in. Input is text, or numbers of words that such texts have.
 */
#include <user/lib/base/addr.h>
#include <user/lib/base/log.h>
#include <user/plugins/netavark.h>

#include "json_text.h"

static const char *const words[] = {
	"{", "}", "[", "]", ",", ":", "\"", "null", "true", "false", "0", "1", "80", "65535",
	"65536", "-1", "1e3", " ", "\n", "\"container_id\":\"x\",", "\"container_name\":\"web\",",
	"\"network\":{", "\"name\":\"blue\",", "\"id\":\"42\",", "\"internal\":", "\"ipv6_enabled\":",
	"\"subnets\":[{", "\"subnet\":\"10.91.0.0/24\"", "\"gateway\":", "\"10.91.0.1\"", "\"fd00::/64\"",
	"\"options\":{", "\"mtu\":\"1400\"", "\"isolate\":\"true\"", "\"ipam_options\":{",
	"\"driver\":\"host-local\"", "\"routes\":", "\"network_interface\":\"\",", "\"port_mappings\":[{",
	"\"host_port\":", "\"container_port\":", "\"protocol\":\"tcp,udp\"", "\"range\":",
	"\"host_ip\":\"10.0.0.1\"", "\"network_options\":{", "\"interface_name\":\"eth0\",",
	"\"static_ips\":[\"10.91.0.7\"],", "\"static_mac\":\"02:00:00:00:00:01\",", "\"aliases\":[\"w\"]",
	"\"dns_enabled\":", "\\u0000", "\\ud800", "\xc3\xa9",
	"\"network\":{\"name\":\"blue\",\"id\":\"42\"}",
	"\"network_options\":{\"interface_name\":\"eth0\",\"static_ips\":[\"10.91.0.7\"]}",
};

#define WORDS (sizeof(words) / sizeof(words[0]))

/* The name of a network is checked elsewhere. */
int network_check_name(const char *name)
{
	size_t len = strlen(name);

	return len && len < EBPFNET_NETWORK_LEN ? 0 : log_err(-1, "not a name");
}

static void check_def(const struct network_def *def)
{
	MUST(def->name[0] && def->id[0] && memchr(def->id, 0, sizeof(def->id)));
	MUST(!def->subnet.prefix || (def->subnet.prefix >= 8 && def->subnet.prefix <= 30));
	MUST(!(def->flags & ~(NETWORK_INTERNAL | NETWORK_ISOLATED)));
}

static void check_request(const struct netavark_request *q)
{
	struct plug_result r = { .net = { .subnet.prefix = 24 } };
	size_t i;

	check_def(&q->def);
	MUST(addr_number(q->addr));
	MUST(!q->has_mac || !(q->mac[0] & 1));
	MUST(memchr(q->label, 0, sizeof(q->label)) && memchr(q->aliases, 0, sizeof(q->aliases)));
	for (i = 0; i < q->publish_count; i++) {
		const struct portmap *p = &q->publish[i];

		MUST(p->first_h && p->to_first_h && p->first_h <= p->last_h);
		MUST(p->to_first_h + p->last_h - p->first_h <= 65535);
	}
	snprintf(r.rec.ifname, sizeof(r.rec.ifname), "%s", q->ifname);
	must_be_json(netavark_status(&r, q->has_dns));
}

static void network(const char *text, size_t len)
{
	struct json_object *j = NULL;
	struct network_def def;

	if (json_in_parse(text, len, "it", &j))
		return;
	if (!netavark_network_read(j, &def)) {
		check_def(&def);
		must_be_json(netavark_network(json_object_get(j), &def, true));
	}
	json_object_put(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct netavark_request q;
	struct log_kept log = {};
	uint8_t kind = take8(&in);
	char text[TEXT];
	size_t len;
	int r;

	if (!size)
		return 0;
	log_set_sink(log_keep, &log);
	len = make_text(data + 1, size - 1, kind & 1, words, WORDS, text);
	r = netavark_request_read(&q, text, len, kind & 2);
	MUST(r <= 0 && !r == !log.cause);
	if (!r && !(kind & 2))
		check_request(&q);
	netavark_request_end(&q);
	network(text, len);
	if (log.cause)
		must_be_json(netavark_error(log.cause, log.further));
	log_forget(&log);
	return 0;
}
