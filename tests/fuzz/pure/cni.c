// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * user/plugins: the configuration that a runtime sends, its CNI_ARGS, and the answer of an ipam plugin. What is
 * accepted is in its bounds; what is answered is JSON, whatever came in. Input is text, or numbers of words that such
 * texts have.
 */
#include <user/lib/base/addr.h>
#include <user/lib/base/log.h>
#include <user/plugins/cni.h>

#include "json_text.h"

static const char *const words[] = {
	"{", "}", "[", "]", ",", ":", "\"", "null", "true", "false", "0", "1", "80", "65535",
	"65536", "-1", "1e3", " ", "\n", "\"cniVersion\":\"1.0.0\",", "\"name\":\"blue\",",
	"\"type\":\"ebpfnet\",", "\"subnet\":\"10.91.0.0/24\",", "\"range\":\"10.91.0.64/26\",",
	"\"gateway\":", "\"10.91.0.1\"", "\"mtu\":", "\"internal\":", "\"isolated\":",
	"\"noMasquerade\":[\"10.0.0.0/8\"],", "\"ipMasq\":", "\"vlan\":", "\"promiscMode\":",
	"\"ipam\":{", "\"type\":\"x\"", "\"runtimeConfig\":{", "\"portMappings\":[{",
	"\"hostPort\":", "\"ContainerPort\":", "\"protocol\":\"udp\"", "\"HostIP\":\"10.0.0.1\"",
	"\"mac\":\"02:00:00:00:00:01\"", "\"ips\":[\"10.91.0.7/24\"]", "\"aliases\":{\"blue\":[",
	"\"web\"", "\"bandwidth\":{\"IngressRate\":", "\"args\":{\"cni\":{", "\"prevResult\":{",
	"\"interfaces\":[{", "\"dns\":{", "\"name\":", "\"sandbox\":\"x\"", "\"ips\":[{",
	"\"address\":\"10.91.0.7/24\"", "\"routes\":[{", "\"dst\":\"0.0.0.0/0\"",
	"\"gw\":\"10.91.0.1\"", "\\u0000", "\\ud800", "\xc3\xa9", "IgnoreUnknown=1;",
	"K8S_POD_NAME=", "MAC=", "IP=", "web", ";",
};

#define WORDS (sizeof(words) / sizeof(words[0]))

/* The name of a network is checked elsewhere. */
int network_check_name(const char *name)
{
	size_t len = strlen(name);

	return len && len < EBPFNET_NETWORK_LEN ? 0 : log_err(-1, "not a name");
}

/* A result that was understood is understood again as it is printed. */
static void reparse(struct json_object *json)
{
	must_be_json(strdup(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN)));
}

static void check(const struct cni_conf *c, const struct cni_env *env)
{
	struct plug_result r = { .name = "x", .rec = { .host_dev = "veth0", .ifname = "eth0" },
				 .net = { .subnet.prefix = 24 }, .has_default = true };
	size_t i;

	MUST(cni_version_is_known(c->version) && c->name && *c->name);
	for (i = 0; i < c->publish_count; i++)
		MUST(c->publish[i].first_h && c->publish[i].to_first_h &&
		     c->publish[i].first_h == c->publish[i].last_h);
	MUST(memchr(c->label, 0, sizeof(c->label)) && memchr(c->aliases, 0, sizeof(c->aliases)));
	MUST(!c->has_mac || !(c->mac[0] & 1));
	MUST(!c->def.subnet.prefix || (c->def.subnet.prefix >= 8 && c->def.subnet.prefix <= 30));
	if (c->prev)
		cni_result_differs(c, env, &r);
	must_be_json(cni_result(c, env, &r));
	reparse(c->json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct cni_env env = { "ADD", "id", "/run/netns/x", "eth0", "/x", "" };
	struct log_kept log = {};
	struct json_object *answer = NULL;
	char text[TEXT], args[TEXT];
	uint8_t kind = take8(&in);
	struct cni_conf c;
	size_t len;
	int code;

	if (!size)
		return 0;
	log_set_sink(log_keep, &log);
	len = make_text(data + 1, size - 1, kind & 1, words, WORDS, text);
	make_text(data + 1, size - 1, !(kind & 1), words, WORDS, args);
	env.args = kind & 2 ? args : "";
	code = cni_conf_read(&c, &env, text, len, kind & 4);
	MUST(code >= 0 && !code == !log.cause);
	if (!code) {
		check(&c, &env);
		if (c.ipam && !json_in_parse(text, len, "it", &answer) && !cni_ipam_take(&c, answer))
			MUST(c.def.subnet.prefix >= 8 && c.def.subnet.prefix <= 30 && addr_number(c.addr));
	}
	if (log.cause)
		must_be_json(cni_error(c.version ? c.version : "", code, log.cause, log.further));
	cni_conf_end(&c);
	log_forget(&log);
	return 0;
}
