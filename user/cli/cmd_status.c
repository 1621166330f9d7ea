// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * status: show the network, each difference from the journal, and what limits the network on this host, with the
 * command that changes it. Exits with status 3 if there is a problem.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/tables.h"
#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/forwarding_text.h"
#include "lib/base/log.h"
#include "lib/dataplane/dataplane.h"
#include "lib/model/device.h"
#include "lib/model/model.h"

#define FORWARDING_LINE (EBPFNET_MAX_NETWORKS * (EBPFNET_NETWORK_LEN + 9))

struct status {
	struct session x;
	struct config cfg;
	struct conn_alloc alloc;
	struct counters counters;
	struct ns_entry *ns;
	size_t ns_count;
	struct diff findings;
	struct report report;
};

/* The network `default`; all of them are in a table. */
static void show_network(struct status *v)
{
	const struct net_entry *e = session_net(&v->x, NETWORK_DEFAULT_ID);
	char subnet[CIDR_TEXT], gateway[ADDR_TEXT];

	if (e) {
		cidr_text(&e->rec.subnet, subnet);
		addr_text(e->rec.gateway, gateway);
		report_line(&v->report, "network", "%s", subnet);
		report_line(&v->report, "gateway", "%s on %s", gateway, e->rec.gw_dev);
	}
	report_text(&v->report, "network", e ? subnet : NULL);
	report_text(&v->report, "gateway", e ? gateway : NULL);
	report_text(&v->report, "gateway_device", e ? e->rec.gw_dev : NULL);
}

static void show_flows(struct status *v)
{
	char live[TEXT_LEN], limit[TEXT_LEN], refused[TEXT_LEN], evicted[TEXT_LEN], memory[TEXT_LEN];
	uint64_t flows = v->alloc.live > 0 ? v->alloc.live : 0, bytes = store_flows_memory(&v->x.s);
	const struct counters *c = &v->counters;

	text_number(flows, live);
	text_number(v->cfg.max_flows, limit);
	text_megabytes(bytes, memory);
	if (c->flow_refused || c->flow_evicted)
		report_line(&v->report, "flows", "%s of %s (%s); so far %s refused, %s unestablished evicted",
			    live, limit, memory, text_number(c->flow_refused, refused),
			    text_number(c->flow_evicted, evicted));
	else
		report_line(&v->report, "flows", "%s of %s (%s)", live, limit, memory);
	report_number(&v->report, "flows_count", flows);
	report_number(&v->report, "flows_limit", v->cfg.max_flows);
	report_number(&v->report, "flows_memory_bytes", bytes);
	report_number(&v->report, "flows_refused", c->flow_refused);
	report_number(&v->report, "flows_evicted", c->flow_evicted);
}

/* ---- uplinks ---- */

static const char *uplink_state(const struct uplink_record *u, const struct nl_link *dev)
{
	if (!dev->ifindex)
		return "gone";
	if (u->ifindex != (uint32_t)dev->ifindex)
		return "unmanaged";
	return dev->up ? "up" : "down";
}

static void show_uplink(struct status *v, const struct uplink_record *u, struct table *t)
{
	struct xdp_state xdp = {};
	char text[ADDR_TEXT] = "";
	const char *state, *name;
	struct ipaddr addr;
	struct nl_link dev;
	bool has_addr, l3;

	uplink_device(&v->x, u, &dev);
	name = dev.ifindex ? dev.name : u->name;
	state = uplink_state(u, &dev);
	l3 = dev.ifindex && uplink_type_is_l3(&dev);
	has_addr = dev.ifindex && uplink_address(dev.name, &addr);
	if (has_addr)
		addr_text(addr, text);
	if (dev.ifindex && u->ifindex == (uint32_t)dev.ifindex)
		dataplane_xdp_state(&v->x.s, dev.ifindex, u->name, &xdp);
	if (strcmp(state, "up"))
		report_line(&v->report, "uplink", "%s, %s", name, state);
	else
		report_line(&v->report, "uplink", "%s, %s%s%s%s%s", name, l3 ? "without Ethernet, " : "",
			    has_addr ? "masquerading as " : "without an address", text,
			    xdp.how ? ", with an XDP prefilter: " : "", xdp.how ? xdp_mode_text(xdp.how) : "");
	if (v->report.json)
		table_row(t, TEXT(name), TEXT(has_addr ? text : NULL),
			  NUMBER(dev.ifindex ? (uint64_t)dev.ifindex : NO_NUMBER), TEXT(state),
			  TEXT(xdp.how ? xdp_mode_text(xdp.how) : NULL),
			  NUMBER(dev.ifindex && device_forwarding(dev.name) == 1),
			  NUMBER(!!(u->flags & UPLINK_SET_FORWARDING)),
			  TEXT(!dev.ifindex ? NULL : l3 ? "ip" : "ethernet"));
}

static void show_uplinks(struct status *v)
{
	static const struct column columns[] = {
		{ "name", NULL },  { "addr", NULL }, { "ifindex", NULL, CELL_NUMBER },
		{ "state", NULL }, { "xdp", NULL },
		{ "forwarding", NULL, CELL_FLAG }, { "set_forwarding", NULL, CELL_FLAG },
		{ "link", NULL },
		{},
	};
	const struct host_record *host = &v->x.host;
	struct table t;
	int i;

	table_begin(&t, &v->report, "uplinks", columns);
	for (i = 0; i < EBPFNET_HOST_UPLINKS && host->uplinks[i].name[0]; i++)
		show_uplink(v, &host->uplinks[i], &t);
	table_end(&t);
	report_line(&v->report, "programs", "attached by %s", hook_kind_name(host->hook));
	report_text(&v->report, "hook", hook_kind_name(host->hook));
	report_text(&v->report, "xdp", xdp_mode_text(host->made & XDP_MODE_ANY));
}

/* ---- forwarding ---- */

/* The mode of the host, and of the networks that have their own: "fast; blue: stack". */
static void show_modes(struct status *v)
{
	char own[FORWARDING_LINE] = "";
	size_t i, len = 0;

	for (i = 0; i < v->x.net_count && len < sizeof(own); i++) {
		const struct net_record *rec = &v->x.nets[i].rec;

		if (rec->flags & NETWORK_OWN_FORWARDING)
			len += snprintf(own + len, sizeof(own) - len, "; %s: %s", rec->name,
					forwarding_text(rec->forwarding));
	}
	report_line(&v->report, "forwarding", "%s%s", forwarding_text(v->cfg.forwarding), own);
	report_text(&v->report, "forwarding", forwarding_text(v->cfg.forwarding));
}

static void show_forwarding(struct status *v)
{
	const struct uplink_record *u = v->x.host.uplinks;
	int i;

	show_modes(v);
	for (i = 0; i < EBPFNET_HOST_UPLINKS && u[i].name[0]; i++)
		if (u[i].flags & UPLINK_SET_FORWARDING)
			report_line(&v->report, "sysctl",
				    "net.ipv4.conf.%s.forwarding = 1, was 0; what it receives for others is dropped",
				    u[i].name);
}

/* ---- the report ---- */

static int collect(struct status *v)
{
	const struct store *s = &v->x.s;
	int r;

	r = store_config(s, &v->cfg);
	if (!r)
		r = store_conn_alloc(s, &v->alloc);
	if (!r)
		r = store_counters(s, &v->counters);
	if (!r)
		r = store_ns_all(s, &v->ns, &v->ns_count);
	return r;
}

static size_t count_problems(const struct diff *d)
{
	size_t i, count = 0;

	for (i = 0; i < d->count; i++)
		count += !d->list[i].note;
	return count;
}

/* Problems, or notes: what holds, but limits the network on this host. */
static void show_findings(struct status *v, bool notes)
{
	const struct column columns[] = {
		{ "object", NULL },
		{ notes ? "note" : "problem", notes ? "note" : "problem" },
		{ "fix", notes ? "to change it" : "fix" },
		{},
	};
	struct table t;
	size_t i;

	table_begin(&t, &v->report, notes ? "notes" : "problems", columns);
	for (i = 0; i < v->findings.count; i++) {
		const struct difference *d = &v->findings.list[i];

		if (d->note == notes)
			table_row(&t, TEXT(d->object), TEXT(d->what), TEXT(d->fix[0] ? d->fix : NULL));
	}
	table_end(&t);
}

static void show_health(struct status *v)
{
	size_t problems = count_problems(&v->findings), notes = v->findings.count - problems;
	char noted[TEXT_LEN] = "", text[TEXT_LEN] = "no problem";

	if (notes)
		snprintf(noted, sizeof(noted), ", %zu note%s", notes, notes == 1 ? "" : "s");
	if (problems)
		snprintf(text, sizeof(text), "%zu problem%s", problems, problems == 1 ? "" : "s");
	report_flag(&v->report, "healthy", !problems);
	report_health(&v->report, "health", !problems, "%s%s", v->findings.count ? text : "all well", noted);
	show_findings(v, false);
	show_findings(v, true);
}

static int show(struct status *v)
{
	uint64_t ports;
	size_t mappings;
	int r;

	report_text(&v->report, "state", "up");
	show_network(v);
	show_uplinks(v);
	show_forwarding(v);
	show_flows(v);
	if (v->report.json || has_other_networks(&v->x))
		show_networks(&v->report, &v->x, v->ns, v->ns_count);
	show_namespaces(&v->report, &v->x, v->ns, v->ns_count, &v->findings);
	r = show_portmaps(&v->report, &v->x, 0, NULL, &mappings, &ports);
	show_refusals(&v->report, &v->counters, v->report.json);
	show_drops(&v->report, &v->counters, v->report.json);
	show_health(v);
	return r;
}

/* There is no network to show, or not a whole one: its details would only be consequences. */
static int show_incomplete(struct status *v, bool down)
{
	const struct difference *d = &v->findings.list[0];

	if (!v->findings.count)
		return EXIT_FAILED;
	if (down)
		log_err(-ENOENT, "%s; run `%s`", d->what, d->fix);
	report_text(&v->report, "state", down ? "down" : "incomplete");
	if (v->report.json)
		show_health(v);
	else if (!down)
		report_health(&v->report, "health", false, "%s; run `%s`", d->what, d->fix);
	return down ? EXIT_FAILED : EXIT_UNHEALTHY;
}

int cmd_status(const struct options *o, int argc, char **argv)
{
	enum network_state state;
	struct status v = {};
	int status = EXIT_FAILED, r;

	r = session_open(&v.x, o->bpffs, STORE_LOOK);
	state = r ? NETWORK_DOWN : network_state(&v.x);
	if (!r && state == NETWORK_UP)
		r = collect(&v);
	if (!r)
		r = network_diff(&v.x, NETWORK_ALL, &v.findings);
	if (!r) {
		report_begin(&v.report, o->json);
		if (state != NETWORK_UP)
			status = show_incomplete(&v, state == NETWORK_DOWN);
		else if (!show(&v))
			status = count_problems(&v.findings) ? EXIT_UNHEALTHY : EXIT_OK;
		if (report_end(&v.report))
			status = EXIT_FAILED;
	}
	free(v.ns);
	diff_free(&v.findings);
	session_close(&v.x);
	return status;
}
