// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/model/model.h"
#include "plugins/netavark.h"

/* Each fills in *answer, which may stay NULL, or returns an error (logged). text: what was on standard input. */
typedef int verb_fn(const char *netns, const char *text, size_t len, char **answer);

static int answered(char *answer)
{
	return answer ? 0 : log_err(-ENOMEM, "no memory for the answer");
}

/* Those who died without `teardown` hold neither a network nor its subnet. */
static int tidy(struct session *x)
{
	size_t ignored;
	int r = 0;

	if (network_state(x) == NETWORK_UP)
		r = plug_collect(x, false, &ignored);
	if (!r && network_state(x) == NETWORK_UP)
		r = network_del_unused(x);
	return r;
}

static int info(const char *netns, const char *text, size_t len, char **answer)
{
	*answer = netavark_info();
	return answered(*answer);
}

/* podman keeps the network's file, and never says that it is removed: so it is made with its first container. */
static int create(const char *netns, const char *text, size_t len, char **answer)
{
	_cleanup_session_ struct session x = {};
	_cleanup_json_ struct json_object *j = NULL;
	struct network_def def;
	int r;

	r = json_in_parse(text, len, "the network", &j);
	if (!r)
		r = netavark_network_read(j, &def);
	if (!r)
		r = session_open(&x, NULL, STORE_MAKE);
	if (!r)
		r = tidy(&x);
	if (!r)
		r = network_check(&x, &def);
	if (r)
		return r;
	*answer = netavark_network(TAKE_PTR(j), &def, netavark_dns_is_there());
	return answered(*answer);
}

static struct plug_key key_of(const struct netavark_request *q)
{
	return (struct plug_key){ .client = PLUG_NETAVARK, .id = q->id, .ifname = q->ifname };
}

static int detach(struct session *x, struct netavark_request *q)
{
	struct plug_key key = key_of(q);
	int r = plug_del(x, &key), r2;

	/* of a container that leaves one of its networks; no reason to keep it there */
	if (!r && !netavark_ports_read(q))
		plug_publish_rest(x, PLUG_NETAVARK, q->id, q->publish, q->publish_count);
	if (!r && network_state(x) == NETWORK_UP)
		r = network_del_unused(x);
	r2 = netavark_dns_sync(x, NULL);
	return r ? r : r2;
}

static int attach(struct session *x, struct netavark_request *q, const char *path, struct plug_result *result)
{
	struct plug_request request = { .key = key_of(q), .define = &q->def, .publish = q->publish,
					.publish_count = q->publish_count, .publish_elsewhere = true };
	const struct net_entry *net;
	int r;

	request.spec = (struct endpoint_spec){ .path = path, .addr = q->addr, .has_mac = q->has_mac,
					       .label = q->label, .aliases = q->aliases };
	memcpy(request.spec.mac, q->mac, sizeof(q->mac));
	r = session_open(x, NULL, STORE_MAKE);
	net = r ? NULL : session_net_named(x, q->def.name);
	if (!r && (!net || strcmp(net->rec.id, q->def.id)))
		r = tidy(x);
	if (!r)
		r = plug_add(x, &request, result);
	if (r)
		return r;
	r = netavark_dns_sync(x, q->has_dns ? q->def.name : NULL);
	if (r && !result->was_there)
		detach(x, q);
	return r;
}

static int setup(const char *netns, const char *text, size_t len, char **answer)
{
	__attribute__((cleanup(netavark_request_end))) struct netavark_request q;
	_cleanup_session_ struct session x = {};
	struct plug_result result;
	char path[NETNS_PATH];
	int r;

	r = netavark_request_read(&q, text, len, false);
	if (r)
		return r;
	r = netns_absolute(netns, path);
	if (!r)
		r = netns_stat(path, NULL);
	if (r)
		return log_err(r, "%s is not a network namespace: %s", netns, strerror(-r));
	r = attach(&x, &q, path, &result);
	if (r)
		return r;
	endpoint_wait(&x, &result.rec);
	*answer = netavark_status(&result, q.has_dns);
	return answered(*answer);
}

/* The namespace may be gone. The network goes with its last container, as netavark's own bridge does. */
static int teardown(const char *netns, const char *text, size_t len, char **answer)
{
	__attribute__((cleanup(netavark_request_end))) struct netavark_request q;
	_cleanup_session_ struct session x = {};
	int r;

	r = netavark_request_read(&q, text, len, true);
	if (!r)
		r = session_open(&x, NULL, STORE_MAKE);
	if (r)
		return r;
	return network_state(&x) == NETWORK_DOWN ? netavark_dns_sync(&x, NULL) : detach(&x, &q);
}

static const struct verb {
	const char *name;
	verb_fn *run;
	bool reads, has_netns;
} verbs[] = {
	{ "info", info, false, false },
	{ "create", create, true, false },
	{ "setup", setup, true, true },
	{ "teardown", teardown, true, true },
};

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

bool netavark_is_called(int argc, char **argv)
{
	const struct verb *verb = argc > 1 ? find_verb(argv[1]) : NULL;

	return verb && !(verb->reads && isatty(STDIN_FILENO));
}

static int run(const struct verb *verb, int argc, char **argv, char **answer)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int r;

	if (argc != (verb->has_netns ? 3 : 2))
		return log_err(-EINVAL, "%s %s", verb->name, verb->has_netns ? "takes the path of a network namespace" :
									      "takes no argument");
	r = verb->reads ? json_in_read(STDIN_FILENO, "standard input", &text, &len) : 0;
	return r ? r : verb->run(argv[2], text, len, answer);
}

int netavark_main(int argc, char **argv)
{
	struct log_kept log = {};
	char *answer = NULL;
	int r;

	log_set_sink(log_keep, &log);
	r = run(find_verb(argv[1]), argc, argv, &answer);
	if (r) {
		free(answer);
		answer = netavark_error(log.cause ? log.cause : "no memory", log.further);
	}
	if (answer && (puts(answer) < 0 || fflush(stdout)))
		r = -EIO;
	free(answer);
	log_forget(&log);
	return r ? 1 : 0;
}
