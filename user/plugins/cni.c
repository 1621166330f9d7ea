// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/dataplane/dataplane.h"
#include "lib/model/model.h"
#include "plugins/cni.h"
#include "plugins/plugin.h"

/* One call. */
struct call {
	struct cni_env env;
	struct cni_conf conf;
	char *answer;			/* malloc'ed; NULL: none */
};

/* ---- the environment ---- */

static const char *variable(const char *name)
{
	const char *text = getenv(name);

	return text ? text : "";
}

bool cni_is_called(void)
{
	return *variable("CNI_COMMAND");
}

static struct cni_env environment(void)
{
	return (struct cni_env){ .command = variable("CNI_COMMAND"), .id = variable("CNI_CONTAINERID"),
				 .netns = variable("CNI_NETNS"), .ifname = variable("CNI_IFNAME"),
				 .path = variable("CNI_PATH"), .args = variable("CNI_ARGS") };
}

static int missing(const char *name)
{
	log_err(-EINVAL, "%s is missing from the environment", name);
	return CNI_ENVIRONMENT;
}

static int check_id(const char *id)
{
	if (plugin_is_id(id))
		return 0;
	log_err(-EINVAL, "CNI_CONTAINERID '%s' is not an id: a letter or digit, then these and _ . -", id);
	return CNI_ENVIRONMENT;
}

static int check_ifname(const char *name)
{
	if (text_is_device(name))
		return 0;
	log_err(-EINVAL, "CNI_IFNAME '%s' is not the name of a device: 1 to 15 characters, as eth0", name);
	return CNI_ENVIRONMENT;
}

/* What an attachment is called by. */
static int check_environment(const struct cni_env *env, bool needs_netns)
{
	int code;

	if (!*env->id)
		return missing("CNI_CONTAINERID");
	if (needs_netns && !*env->netns)
		return missing("CNI_NETNS");
	if (!*env->ifname)
		return missing("CNI_IFNAME");
	if (!*env->path)
		return missing("CNI_PATH");
	code = check_id(env->id);
	return code ? code : check_ifname(env->ifname);
}

/* ---- results of the library as codes ---- */

static int code_of(int r)
{
	return r == -EAGAIN || r == -EBUSY ? CNI_AGAIN : CNI_FAILED;
}

static struct plug_key key_of(const struct cni_env *env)
{
	return (struct plug_key){ .client = PLUG_CNI, .id = env->id, .ifname = env->ifname };
}

/* Where the namespace is, for the commands that follow. */
static int find_netns(const struct cni_env *env, char path[NETNS_PATH])
{
	int r = netns_absolute(env->netns, path);

	if (!r)
		r = netns_stat(path, NULL);
	if (!r)
		return 0;
	log_err(r, "CNI_NETNS %s is not a network namespace: %s", env->netns, strerror(-r));
	return r == -ENOENT ? CNI_NO_CONTAINER : CNI_ENVIRONMENT;
}

/* ---- ADD ---- */

static int add(struct call *call, struct plug_request *q)
{
	_cleanup_session_ struct session x = {};
	struct plug_result result;
	int r;

	r = session_open(&x, NULL, STORE_MAKE);
	if (!r)
		r = plug_add(&x, q, &result);
	if (r)
		return code_of(r);
	endpoint_wait(&x, &result.rec);
	call->answer = cni_result(&call->conf, &call->env, &result);
	return call->answer ? 0 : CNI_FAILED;
}

/* What is there already keeps its address: an ipam plugin may refuse to be asked twice. True if it is there. */
static bool find_before(struct call *call, struct cni_conf *c)
{
	_cleanup_session_ struct session x = {};
	struct plug_key key = key_of(&call->env);
	struct plug_result there;
	bool found;

	if (session_open(&x, NULL, STORE_LOOK))
		return false;
	found = !plug_find(&x, &key, &there) && !strcmp(there.net.name, c->name);
	if (!found)
		return false;
	c->addr = there.rec.addr;
	c->def.subnet = there.net.subnet;
	c->def.gateway = there.net.gateway;
	return true;
}

static void give_back(struct call *call)
{
	struct json_object *ignored = NULL;

	cni_ipam(&call->conf, &call->env, "DEL", &ignored);
	json_object_put(ignored);
}

static int cmd_add(struct call *call)
{
	struct cni_conf *c = &call->conf;
	struct json_object *answer = NULL;
	char path[NETNS_PATH];
	struct plug_request q = { .key = key_of(&call->env), .define = &c->def };
	bool is_asked = false;
	int code;

	code = find_netns(&call->env, path);
	if (!code && c->ipam && !find_before(call, c)) {
		code = cni_ipam(c, &call->env, "ADD", &answer);
		is_asked = !code;
		if (!code)
			code = cni_ipam_take(c, answer);
	}
	if (!code) {
		q.spec = (struct endpoint_spec){ .path = path, .addr = c->addr, .has_mac = c->has_mac,
						 .label = c->label, .aliases = c->aliases, .in = c->in,
						 .out = c->out };
		memcpy(q.spec.mac, c->mac, sizeof(c->mac));
		q.publish = c->publish;
		q.publish_count = c->publish_count;
		code = add(call, &q);
	}
	if (code && is_asked)
		give_back(call);
	return code;
}

/* ---- DEL, CHECK ---- */

static int cmd_del(struct call *call)
{
	_cleanup_session_ struct session x = {};
	struct json_object *answer = NULL;
	struct plug_key key = key_of(&call->env);
	int r, code = 0;

	if (call->conf.ipam)
		code = cni_ipam(&call->conf, &call->env, "DEL", &answer);
	json_object_put(answer);
	if (code)
		return code;
	r = session_open(&x, NULL, STORE_MAKE);
	if (!r && network_state(&x) != NETWORK_DOWN)
		r = plug_del(&x, &key);
	return r ? code_of(r) : 0;
}

static int cmd_check(struct call *call)
{
	const struct cni_conf *c = &call->conf;
	_cleanup_session_ struct session x = {};
	struct json_object *answer = NULL;
	struct plug_request q = { .key = key_of(&call->env), .publish = c->publish, .publish_count = c->publish_count };
	struct plug_result there;
	char path[NETNS_PATH];
	const char *other;
	int r, code;

	if (!cni_version_is(c->version, "0.4.0")) {
		log_err(-EINVAL, "CHECK came with CNI 0.4.0; the configuration is of %s", c->version);
		return CNI_NO_VERSION;
	}
	if (!c->prev) {
		log_err(-EINVAL, "CHECK needs prevResult");
		return CNI_CONFIG;
	}
	code = find_netns(&call->env, path);
	if (!code && c->ipam)
		code = cni_ipam(c, &call->env, "CHECK", &answer);
	json_object_put(answer);
	if (code)
		return code;
	q.spec = (struct endpoint_spec){ .path = path, .network = c->name, .in = c->in, .out = c->out };
	r = session_open(&x, NULL, STORE_READ);
	if (!r)
		r = plug_check(&x, &q);
	if (!r)
		r = plug_find(&x, &q.key, &there);
	if (r)
		return code_of(r);
	other = cni_result_differs(c, &call->env, &there);
	if (!other)
		return 0;
	log_err(-EUCLEAN, "%s of %s has another %s than prevResult says", q.key.ifname, q.key.id, other);
	return CNI_FAILED;
}

/* ---- GC, STATUS, VERSION ---- */

static int read_valid(struct json_object *list, struct plug_key *valid, size_t count)
{
	struct json_object *one;
	size_t i;

	for (i = 0; i < count; i++) {
		valid[i] = (struct plug_key){ .client = PLUG_CNI, .id = "", .ifname = "" };
		if (json_in_element(list, i, "valid-attachments", &one) ||
		    json_in_text(one, "valid-attachments", "containerID", &valid[i].id) ||
		    json_in_text(one, "valid-attachments", "ifname", &valid[i].ifname))
			return CNI_CONFIG;
	}
	return 0;
}

static int collect(struct call *call, const struct plug_key *valid, size_t count)
{
	_cleanup_session_ struct session x = {};
	size_t ignored;
	int r;

	r = session_open(&x, NULL, STORE_MAKE);
	if (!r && network_state(&x) != NETWORK_DOWN)
		r = plug_gc(&x, PLUG_CNI, call->conf.name, valid, count, &ignored);
	return r ? code_of(r) : 0;
}

static int cmd_gc(struct call *call)
{
	_cleanup_free_ struct plug_key *valid = NULL;
	struct json_object *list = NULL, *answer = NULL;
	size_t count;
	int code;

	if (json_in_array(call->conf.json, "", "cni.dev/valid-attachments", &list))
		return CNI_CONFIG;
	if (!list) { /* none would mean all */
		log_err(-EINVAL, "GC needs cni.dev/valid-attachments");
		return CNI_CONFIG;
	}
	count = json_object_array_length(list);
	valid = calloc(count + 1, sizeof(*valid));
	if (!valid)
		return log_err(CNI_FAILED, "no memory for %zu attachments", count);
	code = read_valid(list, valid, count);
	if (!code && call->conf.ipam)
		code = cni_ipam(&call->conf, &call->env, "GC", &answer);
	json_object_put(answer);
	return code ? code : collect(call, valid, count);
}

static int cmd_status(struct call *call)
{
	_cleanup_session_ struct session x = {};
	struct json_object *answer = NULL;
	int r, code = 0;

	r = session_open(&x, NULL, STORE_LOOK);
	if (!r)
		r = dataplane_probe(x.host.abi ? x.host.hook : dataplane_has_tcx() ? HOOK_TCX : HOOK_CLSACT);
	if (r)
		return CNI_UNAVAILABLE;
	if (call->conf.ipam && cni_version_is(call->conf.version, "1.1.0"))
		code = cni_ipam(&call->conf, &call->env, "STATUS", &answer);
	json_object_put(answer);
	return code;
}

static int answer_version(struct call *call, const char *text, size_t len)
{
	_cleanup_json_ struct json_object *j = NULL;
	const char *version = "";

	if (json_in_parse(text, len, "the configuration", &j) || json_in_text(j, "", "cniVersion", &version))
		return CNI_DECODE;
	call->answer = cni_version_answer(version);
	return call->answer ? 0 : CNI_FAILED;
}

/* ---- all ---- */

static const struct verb {
	const char *name;
	int (*run)(struct call *call);
	bool is_attachments, needs_netns;
	const char *since;
} verbs[] = {
	{ "ADD", cmd_add, true, true, "0.3.0" },
	{ "DEL", cmd_del, true, false, "0.3.0" },
	{ "CHECK", cmd_check, true, true, "0.3.0" },
	{ "GC", cmd_gc, false, false, "1.1.0" },
	{ "STATUS", cmd_status, false, false, "1.1.0" },
};

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static int run(struct call *call)
{
	const struct verb *verb = find_verb(call->env.command);
	bool is_version = !strcmp(call->env.command, "VERSION");
	_cleanup_free_ char *text = NULL;
	size_t len;
	int code = 0;

	if (!verb && !is_version) {
		log_err(-EINVAL, "CNI_COMMAND '%s' is unknown; use ADD, DEL, CHECK, GC, STATUS or VERSION",
			call->env.command);
		return CNI_ENVIRONMENT;
	}
	if (verb && verb->is_attachments)
		code = check_environment(&call->env, verb->needs_netns);
	else if (verb && !*call->env.path)
		code = missing("CNI_PATH");
	if (code)
		return code;
	if (json_in_read(STDIN_FILENO, "the configuration", &text, &len))
		return CNI_IO;
	if (is_version)
		return answer_version(call, text, len);
	code = cni_conf_read(&call->conf, &call->env, text, len, verb->is_attachments && verb->run != cmd_del);
	if (!code && !cni_version_is(call->conf.version, verb->since)) {
		log_err(-EINVAL, "%s came with CNI %s; the configuration is of %s", verb->name, verb->since,
			call->conf.version);
		code = CNI_NO_VERSION;
	}
	return code ? code : verb->run(call);
}

int cni_main(void)
{
	struct call call = { .env = environment() };
	struct log_kept log = {};
	int code;

	log_set_sink(log_keep, &log);
	code = run(&call);
	if (code) {
		free(call.answer);
		call.answer = cni_error(call.conf.version ? call.conf.version : "", code,
					log.cause ? log.cause : "no memory", log.further);
	}
	if (call.answer && (puts(call.answer) < 0 || fflush(stdout)))
		code = CNI_IO;
	free(call.answer);
	cni_conf_end(&call.conf);
	log_forget(&log);
	return code ? 1 : 0;
}
