// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/model/model.h"
#include "plugins/docker.h"
#include "plugins/http.h"

#define SHORT_ID 12		/* as `docker network ls` shows ids */
#define IFNAME "eth"		/* Docker adds a number, and does not say which */

/* ---- networks ---- */

static bool takes_id(struct session *x, const char *id, char name[EBPFNET_NETWORK_LEN], int len)
{
	char ignored[EBPFNET_NETWORK_LEN];

	snprintf(name, EBPFNET_NETWORK_LEN, "%.*s", len, id);
	return !network_name_of(x, name, ignored);
}

/* Docker does not say what its user calls the network. */
static int choose_name(struct session *x, const char *id, char name[EBPFNET_NETWORK_LEN])
{
	if (takes_id(x, id, name, SHORT_ID) || takes_id(x, id, name, EBPFNET_NETWORK_LEN - 1))
		return 0;
	return log_err(-EEXIST, "network %s is there already; `ebpfnet network del %s` first", name, name);
}

static int create_network(struct session *x, struct docker_call *c, char **answer)
{
	bool was_up = network_state(x) != NETWORK_DOWN, ignored;
	const struct net_entry *e;
	int r;

	snprintf(c->def.id, sizeof(c->def.id), "%s", c->network);
	c->def.kept = true;
	if (network_name_of(x, c->network, c->def.name))
		r = network_wake(x, c->network, &e);
	else
		r = choose_name(x, c->network, c->def.name);
	if (!r)
		r = network_ensure(x, &c->def, NULL);
	if (r && !was_up)
		network_down(x, &ignored);
	return r;
}

/* Docker has none in it that lives: what it has forgotten goes, too. */
static int delete_network(struct session *x, struct docker_call *c, char **answer)
{
	char name[EBPFNET_NETWORK_LEN];
	size_t ignored;
	int r = 0;

	if (!network_name_of(x, c->network, name))
		return 0;
	if (network_state(x) != NETWORK_DOWN)
		r = plug_gc(x, PLUG_DOCKER, name, NULL, 0, &ignored);
	return r ? r : network_del(x, name);
}

/* ---- endpoints ---- */

static struct plug_key key_of(const struct docker_call *c)
{
	return (struct plug_key){ .client = PLUG_DOCKER, .id = c->endpoint, .ifname = IFNAME };
}

static int create_endpoint(struct session *x, struct docker_call *c, char **answer)
{
	struct plug_request q = { .key = key_of(c), .owns_addr = true,
				  .spec = { .network = c->network, .later = true, .addr = c->addr,
					    .has_mac = c->has_mac } };
	const struct net_entry *e;
	struct plug_result result;
	int r;

	memcpy(q.spec.mac, c->mac, sizeof(c->mac));
	r = network_wake(x, c->network, &e);
	if (!r)
		r = plug_add(x, &q, &result);
	if (!r)
		*answer = docker_interface(c, &result);
	return r;
}

static int delete_endpoint(struct session *x, struct docker_call *c, char **answer)
{
	struct plug_key key = key_of(c);

	return network_state(x) == NETWORK_DOWN ? 0 : plug_del(x, &key);
}

static int find(struct session *x, const struct docker_call *c, struct plug_result *out)
{
	struct plug_key key = key_of(c);
	int r = network_state(x) == NETWORK_DOWN ? -ENOENT : plug_find(x, &key, out);

	if (!r && strcmp(out->net.id, c->network))
		return log_err(-EINVAL, "endpoint %s is in network %s", c->endpoint, out->net.name);
	return r;
}

static int find_or_say(struct session *x, const struct docker_call *c, struct plug_result *out)
{
	int r = find(x, c, out);

	return r == -ENOENT ? log_err(r, "endpoint %s is not attached; start the container again", c->endpoint) : r;
}

static int join(struct session *x, struct docker_call *c, char **answer)
{
	struct plug_result result;
	int r;

	r = find_or_say(x, c, &result);
	if (!r)
		r = plug_place(x, &result, c->sandbox);
	if (!r)
		*answer = docker_join(&result);
	return r;
}

static int unpublish(struct session *x, struct docker_call *c, char **answer)
{
	struct plug_key key = key_of(c);

	return network_state(x) == NETWORK_DOWN ? 0 : plug_unpublish(x, &key);
}

/* Docker takes the device back to the host, and then deletes the endpoint. */
static int leave(struct session *x, struct docker_call *c, char **answer)
{
	struct plug_result result;
	int r = find(x, c, &result);

	if (r)
		return r == -ENOENT ? 0 : r;
	r = unpublish(x, c, answer);
	return r ? r : plug_place(x, &result, "");
}

/* ---- published ports ---- */

/* -p 8000-8009:80: the first of them that is free. */
static int publish_one_of(struct session *x, const struct docker_call *c, const struct docker_port *p)
{
	struct plug_key key = key_of(c);
	struct portmap one;
	uint32_t port;
	int r = 0;

	for (port = p->map.first_h; port <= p->until_h; port++) {
		one = p->map;
		one.first_h = one.last_h = port;
		r = plug_publish(x, &key, &one, 1);
		if (r != -EADDRINUSE && r != -EEXIST)
			return r;
	}
	return r;
}

static int publish_all(struct session *x, const struct docker_call *c)
{
	_cleanup_free_ struct portmap *fixed = calloc(c->publish_count, sizeof(*fixed));
	struct plug_key key = key_of(c);
	size_t i, n = 0;
	int r;

	if (!fixed)
		return log_err(-ENOMEM, "no memory for %zu port mappings", c->publish_count);
	for (i = 0; i < c->publish_count; i++)
		if (!c->publish[i].until_h)
			fixed[n++] = c->publish[i].map;
	r = n ? plug_publish(x, &key, fixed, n) : 0;
	for (i = 0; i < c->publish_count && !r; i++)
		if (c->publish[i].until_h)
			r = publish_one_of(x, c, &c->publish[i]);
	return r;
}

static int program(struct session *x, struct docker_call *c, char **answer)
{
	struct plug_result result;
	int r = find_or_say(x, c, &result);

	if (r || !c->publish_count)
		return r;
	r = publish_all(x, c);
	if (r)
		unpublish(x, c, answer); /* all, or nothing */
	return r;
}

/* ---- the conversation ---- */

static const struct method {
	const char *path;
	int (*read)(struct docker_call *c, const char *body, size_t len);
	int (*run)(struct session *x, struct docker_call *c, char **answer);
	const char *answer;		/* of one that does nothing */
} methods[] = {
	{ "/Plugin.Activate", .answer = "{\"Implements\":[\"NetworkDriver\"]}" },
	{ "/NetworkDriver.GetCapabilities", .answer = "{\"Scope\":\"local\",\"ConnectivityScope\":\"local\"}" },
	{ "/NetworkDriver.CreateNetwork", docker_read_create_network, create_network },
	{ "/NetworkDriver.DeleteNetwork", docker_read_network, delete_network },
	{ "/NetworkDriver.CreateEndpoint", docker_read_create_endpoint, create_endpoint },
	{ "/NetworkDriver.EndpointOperInfo", .answer = "{\"Value\":{}}" },
	{ "/NetworkDriver.DeleteEndpoint", docker_read_endpoint, delete_endpoint },
	{ "/NetworkDriver.Join", docker_read_join, join },
	{ "/NetworkDriver.Leave", docker_read_endpoint, leave },
	{ "/NetworkDriver.ProgramExternalConnectivity", docker_read_connectivity, program },
	{ "/NetworkDriver.RevokeExternalConnectivity", docker_read_endpoint, unpublish },
	{ "/NetworkDriver.DiscoverNew", .answer = "{}" },
	{ "/NetworkDriver.DiscoverDelete", .answer = "{}" },
	{},
};

static int run(const struct method *m, const char *bpffs, struct docker_call *c, char **answer)
{
	_cleanup_session_ struct session x = {};
	int r = session_open(&x, bpffs, STORE_MAKE);

	return r ? r : m->run(&x, c, answer);
}

/* Returns an HTTP status: an error that is not the request's has 200, and a text in the answer. */
static int call(const struct http_request *q, const char *bpffs, char **answer)
{
	const struct method *m = methods;
	struct docker_call c = {};
	int r;

	if (q->status)
		return log_err(q->status, "cannot read the request: %s", http_reason(q->status));
	while (m->path && strcmp(m->path, q->path))
		m++;
	if (!m->path)
		return log_err(HTTP_STATUS_NOT_FOUND, "no method %s", q->path);
	if (m->answer) {
		*answer = strdup(m->answer);
		return HTTP_STATUS_OK;
	}
	r = m->read(&c, q->body ? q->body : "", q->len);
	if (r) {
		docker_call_end(&c);
		return r == -EINVAL ? HTTP_STATUS_BAD_REQUEST : HTTP_STATUS_OK;
	}
	r = run(m, bpffs, &c, answer);
	docker_call_end(&c);
	if (!r && !*answer)
		*answer = strdup("{}");
	return HTTP_STATUS_OK;
}

/* False: it was the last one. */
static bool answer_one(struct http *h, const char *bpffs)
{
	_cleanup_http_ struct http_request q = {};
	_cleanup_free_ char *answer = NULL;
	struct log_kept log = {};
	bool more;
	int status;

	if (!http_read(h, &q))
		return false;
	log_set_sink(log_keep, &log);
	status = call(&q, bpffs, &answer);
	if (!answer)
		answer = docker_error(log.cause ? log.cause : "no memory");
	log_set_sink(NULL, NULL);
	log_forget(&log);
	more = q.keeps_alive && !q.status;
	return answer && http_answer(h, status, answer, more) && more;
}

/* As sd_listen_fds(3) has it; systemd's StandardInput=socket, and inetd, need nothing. */
static int connection(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

	return pid && count && atol(pid) == getpid() && atol(count) == 1 ? 3 : -1;
}

int docker_main(const char *bpffs)
{
	struct http h = { .in = STDIN_FILENO, .out = STDOUT_FILENO };
	int fd = connection();

	if (fd >= 0)
		h.in = h.out = fd;
	signal(SIGPIPE, SIG_IGN);
	while (answer_one(&h, bpffs))
		;
	return 0;
}
