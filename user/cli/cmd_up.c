// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* up, down: the whole network. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ebpfnet/core/addr.h>

#include "cli/command.h"
#include "cli/tables.h"
#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/dataplane/dataplane.h"
#include "lib/model/model.h"

/* ---- from options to a spec ---- */

/* A spec and the objects that it points to. */
struct request {
	struct network_spec spec;
	enum hook_kind hook;
	uint32_t xdp;
	enum forwarding forwarding;
	struct endpoint_spec endpoints[EBPFNET_MAX_PORTS];
};

static int read_endpoint(const char *text, struct endpoint_spec *out)
{
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : strlen(text);
	char name[64];
	int r;

	snprintf(name, sizeof(name), "%.*s", (int)len, text);
	r = endpoint_check_name(name);
	if (r)
		return r;
	memcpy(out->name, name, sizeof(out->name));
	if (equals && addr_parse(equals + 1, &out->addr))
		return log_err(-EINVAL, "--ns %s: '%s' is not an IPv4 address; write --ns %s=192.168.1.10", text,
			       equals + 1, name);
	return 0;
}

static int check_twice(const struct network_spec *spec)
{
	char text[ADDR_TEXT];
	size_t i, j;

	for (i = 0; i < spec->endpoint_count; i++)
		for (j = 0; j < i; j++) {
			const struct endpoint_spec *a = &spec->endpoints[j], *b = &spec->endpoints[i];

			if (!strcmp(a->name, b->name))
				return log_err(-EEXIST, "--ns %s is given twice; name each namespace once", b->name);
			if (addr_number(b->addr) && addr_same(a->addr, b->addr))
				return log_err(-EADDRINUSE, "--ns %s and --ns %s ask for the same address, %s",
					       a->name, b->name, addr_text(b->addr, text));
		}
	return 0;
}

static int read_subnet(const char *text, struct network_spec *spec)
{
	/* RFC 1812 5.3.7: no router forwards from 0/8, 127/8 or multicast addresses */
	if (cidr_parse(text, &spec->subnet, &spec->prefix) || addr_martian_source(spec->subnet))
		return log_err(-EINVAL,
			       "--subnet '%s' is not a subnet of unicast addresses; write 192.168.1.0/24, with a "
			       "prefix of 8 to 30 and no host bits",
			       text);
	return 0;
}

static int read_hook(const char *text, struct request *q)
{
	q->spec.hook = &q->hook;
	for (q->hook = HOOK_TCX; q->hook <= HOOK_CLSACT; q->hook++)
		if (!strcmp(text, hook_kind_name(q->hook)))
			return 0;
	return log_err(-EINVAL, "--hook '%s': tcx (kernel 6.6 and newer) or clsact", text);
}

/* As `ip link set DEV xdp`: without a value native, or generic if the driver has no XDP. */
static int read_xdp(const char *text, struct request *q)
{
	static const struct {
		const char *text;
		uint32_t modes;
	} values[] = {
		{ "", XDP_MODE_ANY }, { "native", XDP_MODE_NATIVE }, { "generic", XDP_MODE_GENERIC }, { "off", 0 }
	};
	size_t i;

	q->spec.xdp = &q->xdp;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (!strcmp(text, values[i].text)) {
			q->xdp = values[i].modes;
			return 0;
		}
	return log_err(-EINVAL, "--xdp '%s': native, generic, off, or no value: native if the driver has it", text);
}

static int read_request(const struct options *o, struct request *q)
{
	struct network_spec *spec = &q->spec;
	int i, r = 0;

	spec->uplinks = o->uplink;
	spec->uplink_count = o->uplink_count;
	for (i = 0; i < o->uplink_count; i++)
		if (strlen(o->uplink[i]) >= EBPFNET_NAME_LEN)
			return log_err(-ENODEV, "uplink %s does not exist: a device name has at most 15 characters",
				       o->uplink[i]);
	if (o->subnet)
		r = read_subnet(o->subnet, spec);
	if (!r && o->hook)
		r = read_hook(o->hook, q);
	if (!r && o->xdp)
		r = read_xdp(o->xdp, q);
	if (!r && o->forwarding) {
		spec->forwarding = &q->forwarding;
		r = read_forwarding("--forwarding", o->forwarding, &q->forwarding);
	}
	if (!r && o->flows)
		r = option_number("flows", o->flows, 128, 16777216, &spec->max_flows);
	spec->endpoints = q->endpoints;
	spec->no_endpoints = o->ns_count == 1 && !strcmp(o->ns[0], "none");
	if (spec->no_endpoints)
		return r;
	for (i = 0; i < o->ns_count && !r; i++)
		r = read_endpoint(o->ns[i], &q->endpoints[spec->endpoint_count++]);
	return r ? r : check_twice(spec);
}

/* ---- up ---- */

/* Whether to begin anew: after a killed `down`, or if pins are there but the journal is lost. */
static int needs_down(struct session *x, bool *down)
{
	int r = 0;

	*down = x->host.made & GOING_DOWN;
	if (x->host.abi)
		return 0;
	r = leftover_remove(x, down);
	*down |= x->s.fd[MAP_CONFIG] >= 0;
	return r;
}

/* Open a session. Remove first what was left. */
static int open_session(struct session *x, const char *bpffs, bool dry_run)
{
	bool down;
	int r;

	r = session_open(x, bpffs, STORE_MAKE);
	if (r || dry_run)
		return r;
	r = needs_down(x, &down);
	if (r || !down)
		return r;
	r = network_down(x, &down);
	session_close(x);
	*x = (struct session){};
	return r ? r : session_open(x, bpffs, STORE_MAKE);
}

static int print_network(struct session *x)
{
	const struct net_entry *e = session_net(x, NETWORK_DEFAULT_ID);
	char addr[ADDR_TEXT], subnet[CIDR_TEXT], uplinks[UPLINKS_TEXT];
	_cleanup_free_ struct ns_entry *all = NULL;
	size_t i, count;
	int r;

	r = store_ns_all(&x->s, &all, &count);
	if (r || !e)
		return r;
	log_info("up: %s, gateway %s on %s, out through %s", cidr_text(&e->rec.subnet, subnet),
		 addr_text(e->rec.gateway, addr), e->rec.gw_dev, uplinks_text(&x->host, uplinks));
	for (i = 0; i < count; i++)
		log_info("  %-15s %-15s %s - %s", all[i].name, addr_text(all[i].rec.addr, addr), all[i].rec.host_dev,
			 all[i].rec.ns_dev);
	return 0;
}

static int show(const struct diff *plan)
{
	struct report r;

	report_begin(&r, false);
	show_plan(&r, plan);
	return report_end(&r);
}

int cmd_up(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};
	_cleanup_diff_ struct diff diff = {};
	struct request q = {};
	int r;

	if (read_request(o, &q))
		return EXIT_USAGE;
	r = open_session(&x, o->bpffs, o->dry_run);
	if (!r)
		r = o->dry_run ? network_plan(&x, &q.spec, &diff) : network_up(&x, &q.spec, &diff);
	if (r)
		return EXIT_FAILED;
	if (o->dry_run)
		return show(&diff);
	if (diff.count)
		return print_network(&x) ? EXIT_FAILED : EXIT_OK;
	log_info("already up, nothing to change");
	return EXIT_OK;
}

/* ---- down ---- */

int cmd_down(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};
	_cleanup_diff_ struct diff diff = {};
	bool was_up = false;
	int r;

	r = session_open(&x, o->bpffs, STORE_REMOVE);
	if (!r)
		r = o->dry_run ? network_down_plan(&x, &diff) : network_down(&x, &was_up);
	if (r)
		return EXIT_FAILED;
	if (o->dry_run)
		return show(&diff);
	log_info(was_up ? "down: all removed" : "nothing is up");
	return EXIT_OK;
}
