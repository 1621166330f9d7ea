// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The configuration of a network, as CNI has it, and what a runtime adds for one attachment. */
#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/addr.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/model/model.h"
#include "plugins/cni.h"
#include "plugins/plugin.h"

#define PORTS 65536		/* mappings of one attachment */

void cni_conf_end(struct cni_conf *c)
{
	free(c->publish);
	json_object_put(c->answer);
	json_object_put(c->json);
	*c = (struct cni_conf){};
}

bool cni_addr_parse(const char *text, struct ipaddr *addr, uint8_t *prefix)
{
	size_t len = strcspn(text, "/");
	char word[ADDR_TEXT];
	unsigned int bits = 0;
	char rest;

	if (len >= sizeof(word) || (text[len] && (!isdigit((unsigned char)text[len + 1]) ||
						   sscanf(text + len, "/%2u%c", &bits, &rest) != 1 || bits > 32)))
		return false;
	snprintf(word, sizeof(word), "%.*s", (int)len, text);
	*prefix = bits;
	return !addr_parse(word, addr) && addr_number(*addr);
}

/* ---- the network ---- */

static int read_cidr(struct json_object *j, const char *where, const char *key, struct cidr *out)
{
	const char *text = NULL;

	if (json_in_text(j, where, key, &text))
		return CNI_CONFIG;
	if (!text || !*text || !cidr_parse(text, &out->addr, &out->prefix))
		return 0;
	log_err(-EINVAL, "%s '%s' is not an IPv4 subnet with a prefix of 8 to 30 and nothing behind it, as 10.1.2.0/24",
		key, text);
	return CNI_CONFIG;
}

/* `where`: in the configuration itself, or in its ipam, which has no type then. */
static int read_subnet(struct json_object *j, const char *where, struct network_def *def)
{
	const char *gateway = NULL;
	int code;

	code = read_cidr(j, where, "subnet", &def->subnet);
	if (!code)
		code = read_cidr(j, where, "range", &def->range);
	if (!code && json_in_text(j, where, "gateway", &gateway))
		code = CNI_CONFIG;
	if (code || !gateway || !*gateway || !addr_parse(gateway, &def->gateway))
		return code;
	log_err(-EINVAL, "gateway '%s' is not an IPv4 address", gateway);
	return CNI_CONFIG;
}

static int read_unmasqueraded(struct json_object *j, struct network_def *def)
{
	struct json_object *list = NULL;
	const char *text;
	size_t i, n;

	if (json_in_array(j, "", "noMasquerade", &list))
		return CNI_CONFIG;
	n = list ? json_object_array_length(list) : 0;
	if (n > EBPFNET_UNMASQUERADED) {
		log_err(-E2BIG, "noMasquerade has %zu subnets, %d is the maximum", n, EBPFNET_UNMASQUERADED);
		return CNI_CONFIG;
	}
	for (i = 0; i < n; i++) {
		struct cidr *c = &def->unmasqueraded[i];

		if (json_in_text_at(list, i, "noMasquerade", &text))
			return CNI_CONFIG;
		if (cidr_parse_any(text, &c->addr, &c->prefix)) {
			log_err(-EINVAL, "noMasquerade[%zu] '%s' is not an IPv4 subnet, as 10.0.0.0/8", i, text);
			return CNI_CONFIG;
		}
	}
	return 0;
}

/* Fields of the reference plugins that would have no effect here. */
static int check_unsupported(struct json_object *j)
{
	static const char *const flags[] = { "promiscMode", "enabledad" }, *const numbers[] = { "vlan" };
	bool masquerades = true, on = false;
	int64_t n = 0;
	size_t i;

	if (json_in_flag(j, "", "ipMasq", &masquerades))
		return CNI_CONFIG;
	if (!masquerades) {
		log_err(-ENOTSUP, "ipMasq: false is not supported; name the destinations to which packets keep their "
				  "source address in noMasquerade");
		return CNI_UNSUPPORTED;
	}
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (json_in_flag(j, "", flags[i], &on))
			return CNI_CONFIG;
		if (on) {
			log_err(-ENOTSUP, "%s is not supported", flags[i]);
			return CNI_UNSUPPORTED;
		}
	}
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (json_in_number(j, "", numbers[i], 0, 4094, &n))
			return CNI_CONFIG;
		if (n) {
			log_err(-ENOTSUP, "%s is not supported", numbers[i]);
			return CNI_UNSUPPORTED;
		}
	}
	return 0;
}

static int read_flag(struct json_object *j, const char *key, uint32_t flag, uint32_t *flags)
{
	bool on = false;

	if (json_in_flag(j, "", key, &on))
		return CNI_CONFIG;
	*flags |= on ? flag : 0;
	return 0;
}

static int read_ipam(struct json_object *j, struct cni_conf *c)
{
	struct json_object *ipam = NULL;

	if (json_in_object(j, "", "ipam", &ipam) || (ipam && json_in_text(ipam, "ipam", "type", &c->ipam)))
		return CNI_CONFIG;
	if (c->ipam && !*c->ipam)
		c->ipam = NULL;
	if (!c->ipam)
		return ipam ? read_subnet(ipam, "ipam", &c->def) : 0;
	if (strchr(c->ipam, '/') || c->ipam[0] == '.') {
		log_err(-EINVAL, "ipam.type '%s' is not the name of a plugin", c->ipam);
		return CNI_CONFIG;
	}
	if (!c->def.subnet.prefix && !c->def.range.prefix && !addr_number(c->def.gateway))
		return 0;
	log_err(-EINVAL, "subnet, range and gateway are the ipam plugin's to choose; remove them, or ipam");
	return CNI_CONFIG;
}

static int read_network(struct json_object *j, struct cni_conf *c)
{
	int64_t mtu = 0;
	int code;

	if (json_in_text(j, "", "name", &c->name) || network_check_name(c->name ? c->name : ""))
		return CNI_CONFIG;
	snprintf(c->def.name, sizeof(c->def.name), "%s", c->name);
	code = check_unsupported(j);
	if (!code)
		code = read_subnet(j, "", &c->def);
	if (!code)
		code = read_ipam(j, c);
	if (!code)
		code = read_flag(j, "internal", NETWORK_INTERNAL, &c->def.flags);
	if (!code)
		code = read_flag(j, "isolated", NETWORK_ISOLATED, &c->def.flags);
	if (!code)
		code = read_unmasqueraded(j, &c->def);
	if (!code && json_in_number(j, "", "mtu", 0, 65535, &mtu))
		code = CNI_CONFIG;
	c->def.mtu = mtu;
	return code;
}

/* ---- the attachment ---- */

static int read_mac(struct cni_conf *c, const char *text, int code)
{
	if (!text || !*text)
		return 0;
	if (ether_parse(text, c->mac)) {
		log_err(-EINVAL, "MAC address '%s' is not a station's; write one, as 02:00:00:00:00:01", text);
		return code;
	}
	c->has_mac = true;
	return 0;
}

static int read_addr(struct cni_conf *c, const char *text, int code)
{
	uint8_t ignored;

	if (cni_addr_parse(text, &c->addr, &ignored))
		return 0;
	log_err(-EINVAL, "address '%s' is not an IPv4 address", text);
	return code;
}

static int read_ips(struct cni_conf *c, struct json_object *from, const char *where)
{
	struct json_object *list = NULL;
	const char *text;

	if (json_in_array(from, where, "ips", &list))
		return CNI_CONFIG;
	if (!list || !json_object_array_length(list))
		return 0;
	if (json_object_array_length(list) > 1) {
		log_err(-E2BIG, "%s.ips has %zu addresses; an attachment has one, of IPv4", where,
			json_object_array_length(list));
		return CNI_UNSUPPORTED;
	}
	if (json_in_text_at(list, 0, "ips", &text))
		return CNI_CONFIG;
	return read_addr(c, text, CNI_CONFIG);
}

/* Names, by network; also those for the others are checked. */
static int read_aliases(struct cni_conf *c, struct json_object *runtime)
{
	struct json_object *all = NULL, *list = NULL;
	size_t i, n, len = 0;
	const char *text;

	if (json_in_object(runtime, "runtimeConfig", "aliases", &all) ||
	    (all && json_in_array(all, "aliases", c->name, &list)))
		return CNI_CONFIG;
	n = list ? json_object_array_length(list) : 0;
	for (i = 0; i < n; i++) {
		if (json_in_text_at(list, i, "aliases", &text))
			return CNI_CONFIG;
		if (!text_is_host_name(text)) {
			log_err(-EINVAL, "alias '%s' is not the name of a host", text);
			return CNI_CONFIG;
		}
		if (len + strlen(text) + 2 > sizeof(c->aliases)) {
			log_err(-E2BIG, "the aliases are longer than %zu characters", sizeof(c->aliases) - 1);
			return CNI_CONFIG;
		}
		len += sprintf(c->aliases + len, "%s%s", len ? " " : "", text);
	}
	return 0;
}

/* Bits per second, and bits at once, of one direction; checked as the reference plugin `bandwidth` does. */
static int read_limit(struct json_object *j, const char *where, const char *direction, struct ns_limit *out)
{
	char rate_key[16], burst_key[16];
	int64_t rate = 0, burst = 0;

	snprintf(rate_key, sizeof(rate_key), "%sRate", direction);
	snprintf(burst_key, sizeof(burst_key), "%sBurst", direction);
	if (json_in_number(j, where, rate_key, 0, INT64_MAX, &rate) ||
	    json_in_number(j, where, burst_key, 0, INT64_MAX, &burst))
		return CNI_CONFIG;
	if (!rate != !burst) {
		log_err(-EINVAL, "%s needs %s, too", rate ? rate_key : burst_key, rate ? burst_key : rate_key);
		return CNI_CONFIG;
	}
	if (burst / 8 >= UINT32_MAX) {
		log_err(-EINVAL, "%s %lld is 4 GB or more", burst_key, (long long)burst);
		return CNI_CONFIG;
	}
	if (rate && rate < EBPFNET_LEAST_RATE) {
		log_err(-EINVAL, "%s %lld is less than %d bits per second, the least that can be kept", rate_key,
			(long long)rate, EBPFNET_LEAST_RATE);
		return CNI_CONFIG;
	}
	*out = (struct ns_limit){ .rate = rate, .burst = (burst + 7) / 8 };
	return 0;
}

/* Limits for some destinations only. */
static int check_subnets(struct json_object *j, const char *where)
{
	static const char *const keys[] = { "shapedSubnets", "unshapedSubnets" };
	struct json_object *list = NULL;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (json_in_array(j, where, keys[i], &list))
			return CNI_CONFIG;
		if (list && json_object_array_length(list)) {
			log_err(-ENOTSUP, "%s is not supported: a limit is for all that an attachment sends or "
					  "receives", keys[i]);
			return CNI_UNSUPPORTED;
		}
	}
	return 0;
}

static int read_limits(struct json_object *j, const char *where, struct cni_conf *c)
{
	int code = check_subnets(j, where);

	if (!code)
		code = read_limit(j, where, "ingress", &c->in);
	return code ? code : read_limit(j, where, "egress", &c->out);
}

/* Those of the configuration itself have precedence, as with the reference plugin. */
static int read_bandwidth(struct json_object *j, struct json_object *runtime, struct cni_conf *c)
{
	static const char *const keys[] = { "ingressRate", "ingressBurst", "egressRate", "egressBurst" };
	struct json_object *limits = NULL;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_in_member(j, keys[i]))
			return read_limits(j, "", c);
	if (runtime && json_in_object(runtime, "runtimeConfig", "bandwidth", &limits))
		return CNI_CONFIG;
	return limits ? read_limits(limits, "bandwidth", c) : 0;
}

static int wrong_mapping(size_t i, const char *what, const char *text)
{
	log_err(-EINVAL, "portMappings[%zu]: %s '%s' is not supported; use %s", i, what, text,
		strcmp(what, "protocol") ? "an IPv4 address of the host, or none" : "tcp or udp");
	return CNI_UNSUPPORTED;
}

static int read_mapping(struct json_object *j, size_t i, struct portmap *p)
{
	const char *protocol = "tcp", *host_ip = "";
	int64_t host = 0, inside = 0;
	char where[48];

	snprintf(where, sizeof(where), "portMappings[%zu]", i);
	if (json_in_number(j, where, "hostPort", 1, 65535, &host) ||
	    json_in_number(j, where, "containerPort", 1, 65535, &inside) ||
	    json_in_text(j, where, "protocol", &protocol) || json_in_text(j, where, "hostIP", &host_ip))
		return CNI_CONFIG;
	if (!host || !inside) {
		log_err(-EINVAL, "%s: hostPort or containerPort is missing", where);
		return CNI_CONFIG;
	}
	*p = (struct portmap){ .proto = L4_TCP, .first_h = host, .last_h = host, .to_first_h = inside };
	if (!strcasecmp(protocol, "udp"))
		p->proto = L4_UDP;
	else if (*protocol && strcasecmp(protocol, "tcp"))
		return wrong_mapping(i, "protocol", protocol);
	return !*host_ip || !addr_parse(host_ip, &p->addr) ? 0 : wrong_mapping(i, "hostIP", host_ip);
}

static int read_mappings(struct cni_conf *c, struct json_object *runtime)
{
	struct json_object *list = NULL, *one;
	size_t i, n;
	int code = 0;

	if (json_in_array(runtime, "runtimeConfig", "portMappings", &list))
		return CNI_CONFIG;
	n = list ? json_object_array_length(list) : 0;
	if (!n)
		return 0;
	if (n > PORTS) {
		log_err(-E2BIG, "portMappings has %zu entries, %d is the maximum", n, PORTS);
		return CNI_CONFIG;
	}
	c->publish = calloc(n, sizeof(*c->publish));
	if (!c->publish) {
		log_err(-ENOMEM, "no memory for %zu port mappings", n);
		return CNI_FAILED;
	}
	for (i = 0; i < n && !code; i++)
		code = json_in_element(list, i, "portMappings", &one) ? CNI_CONFIG :
									 read_mapping(one, i, &c->publish[i]);
	c->publish_count = n;
	return code;
}

static int read_runtime(struct json_object *j, struct cni_conf *c)
{
	struct json_object *runtime = NULL, *args = NULL, *cni = NULL;
	const char *mac = NULL;
	int code = 0;

	if (json_in_text(j, "", "mac", &mac) || json_in_object(j, "", "args", &args) ||
	    (args && json_in_object(args, "args", "cni", &cni)) ||
	    json_in_object(j, "", "runtimeConfig", &runtime))
		return CNI_CONFIG;
	if (cni)
		code = json_in_text(cni, "args.cni", "mac", &mac) ? CNI_CONFIG : read_ips(c, cni, "args.cni");
	if (!code && runtime && json_in_text(runtime, "runtimeConfig", "mac", &mac))
		code = CNI_CONFIG;
	if (!code)
		code = read_mac(c, mac, CNI_CONFIG);
	if (!code)
		code = read_bandwidth(j, runtime, c);
	if (code || !runtime)
		return code;
	code = read_ips(c, runtime, "runtimeConfig");
	if (!code)
		code = read_aliases(c, runtime);
	return code ? code : read_mappings(c, runtime);
}

/* ---- CNI_ARGS ---- */

static void set_label(struct cni_conf *c, const char *namespace, const char *pod)
{
	char text[2 * EBPFNET_LABEL_LEN] = "";

	if (!*pod)
		return;
	if (*namespace && strcmp(namespace, pod) && strcmp(namespace, "default"))
		sprintf(text, "%s/", namespace);
	strcat(text, pod);
	plugin_label(text, c->label);
}

struct arguments {
	char namespace[EBPFNET_LABEL_LEN], pod[EBPFNET_LABEL_LEN], mac[32], ip[32];
	const char *unknown;		/* "": none */
	int unknown_len;
	bool ignores_unknown;
};

static void read_argument(const char *pair, int len, struct arguments *a)
{
	static const char *const ignored[] = { "K8S_POD_INFRA_CONTAINER_ID", "K8S_POD_UID" };
	const char *is = memchr(pair, '=', len);
	int key = is ? is - pair : len, value = is ? len - key - 1 : 0;
	const struct {
		const char *key;
		char *to;
		size_t room;
	} texts[] = {
		{ "K8S_POD_NAMESPACE", a->namespace, sizeof(a->namespace) },
		{ "K8S_POD_NAME", a->pod, sizeof(a->pod) },
		{ "MAC", a->mac, sizeof(a->mac) },
		{ "IP", a->ip, sizeof(a->ip) },
	};
	size_t i;

#define IS(name) ((int)strlen(name) == key && !strncmp(pair, name, key))
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (IS(texts[i].key)) {
			snprintf(texts[i].to, texts[i].room, "%.*s", value, is ? is + 1 : "");
			return;
		}
	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (IS(ignored[i]))
			return;
	if (IS("IgnoreUnknown")) {
		a->ignores_unknown = value && (is[1] == '1' || is[1] == 't' || is[1] == 'T');
	} else if (len && !a->unknown_len) {
		a->unknown = pair;
		a->unknown_len = key;
	}
#undef IS
}

static int read_arguments(struct cni_conf *c, const char *text)
{
	struct arguments a = { .unknown = "" };
	int code = 0, len;

	for (; *text; text += len + (text[len] == ';')) {
		len = strcspn(text, ";");
		read_argument(text, len, &a);
	}
	if (a.unknown_len && !a.ignores_unknown) {
		log_err(-EINVAL, "CNI_ARGS has %.*s, which is unknown", a.unknown_len, a.unknown);
		return CNI_ENVIRONMENT;
	}
	set_label(c, a.namespace, a.pod);
	if (a.ip[0] && !addr_number(c->addr))
		code = read_addr(c, a.ip, CNI_ENVIRONMENT);
	return code || c->has_mac ? code : read_mac(c, a.mac, CNI_ENVIRONMENT);
}

/* ---- all ---- */

int cni_conf_read(struct cni_conf *c, const struct cni_env *env, const char *text, size_t len, bool with_attachment)
{
	int code;

	*c = (struct cni_conf){ .version = "" };
	if (json_in_parse(text, len, "the configuration", &c->json))
		return CNI_DECODE;
	if (json_in_text(c->json, "", "cniVersion", &c->version))
		return CNI_CONFIG;
	if (!cni_version_is_known(c->version)) {
		log_err(-EINVAL, "cniVersion '%s' is not supported; use 0.3.0 to 1.1.0",
			*c->version ? c->version : "0.1.0");
		return CNI_NO_VERSION;
	}
	code = read_network(c->json, c);
	if (code || !with_attachment)
		return code;
	if (json_in_object(c->json, "", "prevResult", &c->prev) || json_in_object(c->json, "", "dns", &c->dns))
		return CNI_CONFIG;
	code = read_runtime(c->json, c);
	return code ? code : read_arguments(c, env->args);
}
