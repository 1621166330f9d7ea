// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * status: show the network and each difference from the journal, with the command that fixes it. Exits with status 3
 * if there is a difference.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/tables.h"
#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/dataplane/dataplane.h"
#include "lib/model/model.h"

struct status {
	struct session x;
	struct config cfg;
	struct conn_alloc alloc;
	struct counters counters;
	struct ns_entry *ns;
	size_t ns_count;
	struct diff problems;
	struct report report;
};

static void show_network(struct status *v)
{
	char subnet[ADDR_TEXT + 4], addr[ADDR_TEXT], gateway[ADDR_TEXT];

	snprintf(subnet, sizeof(subnet), "%s/%u", addr_text(v->x.host.subnet, addr), v->x.host.prefix);
	addr_text(v->x.host.gateway, gateway);
	report_line(&v->report, "network", "%s", subnet);
	report_line(&v->report, "gateway", "%s on %s", gateway, v->x.host.gw_dev);
	report_text(&v->report, "network", subnet);
	report_text(&v->report, "gateway", gateway);
	report_text(&v->report, "gateway_device", v->x.host.gw_dev);
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
	report_number(&v->report, "flows", flows);
	report_number(&v->report, "flows_limit", v->cfg.max_flows);
	report_number(&v->report, "flows_memory", bytes);
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
	bool has_addr;

	uplink_device(&v->x, u, &dev);
	name = dev.ifindex ? dev.name : u->name;
	state = uplink_state(u, &dev);
	has_addr = dev.ifindex && uplink_address(dev.name, &addr);
	if (has_addr)
		addr_text(addr, text);
	if (dev.ifindex && u->ifindex == (uint32_t)dev.ifindex)
		dataplane_xdp_state(&v->x.s, dev.ifindex, u->name, &xdp);
	if (strcmp(state, "up"))
		report_line(&v->report, "uplink", "%s, %s", name, state);
	else
		report_line(&v->report, "uplink", "%s, %s%s%s%s", name,
			    has_addr ? "masquerading as " : "without an address", text,
			    xdp.how ? ", with an XDP prefilter: " : "", xdp.how ? xdp_mode_text(xdp.how) : "");
	if (v->report.json)
		table_row(t, TEXT(name), TEXT(has_addr ? text : NULL),
			  NUMBER(dev.ifindex ? (uint64_t)dev.ifindex : NO_NUMBER), TEXT(state),
			  TEXT(xdp.how ? xdp_mode_text(xdp.how) : NULL));
}

static void show_uplinks(struct status *v)
{
	static const struct column columns[] = {
		{ "name", NULL },  { "addr", NULL }, { "ifindex", NULL, CELL_NUMBER },
		{ "state", NULL }, { "xdp", NULL },  {},
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

/* ---- namespaces ---- */

/* A namespace that exists may have lost its device, address or route. */
static const char *ns_state(const struct status *v, const struct ns_entry *e)
{
	const char *state = endpoint_state(&e->rec);
	char object[48];
	size_t i;

	snprintf(object, sizeof(object), "namespace %s", e->name);
	for (i = 0; i < v->problems.count && !strcmp(state, "up"); i++)
		if (!strcmp(v->problems.list[i].object, object))
			return "broken";
	return state;
}

static void show_namespaces(struct status *v)
{
	static const struct column columns[] = {
		{ "name", "namespace" },
		{ "addr", "address" },
		{ "mac", "MAC address" },
		{ "dev", "port" },
		{ "ns_dev", "inside" },
		{ "origin", "origin" },
		{ "spoof", NULL },
		{ "path", NULL },
		{ "ifindex", NULL, CELL_NUMBER },
		{ "state", "state" },
		{},
	};
	char addr[ADDR_TEXT], mac[18];
	struct table t;
	size_t i;

	table_begin(&t, &v->report, "namespaces", columns);
	for (i = 0; i < v->ns_count; i++) {
		const struct ns_record *rec = &v->ns[i].rec;

		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", rec->mac[0], rec->mac[1], rec->mac[2],
			 rec->mac[3], rec->mac[4], rec->mac[5]);
		table_row(&t, TEXT(v->ns[i].name), TEXT(addr_text(rec->addr, addr)), TEXT(mac), TEXT(rec->host_dev),
			  TEXT(rec->ns_dev), TEXT(rec->flags & NS_MADE ? "made" : "attached"),
			  TEXT(rec->port_flags & PORT_SPOOF_ALLOW ? "allow" : "deny"), TEXT(rec->path),
			  NUMBER(rec->ifindex), TEXT(ns_state(v, &v->ns[i])));
	}
	table_end(&t);
}

/* ---- the report ---- */

static int collect(struct status *v, const struct options *o)
{
	const struct store *s = &v->x.s;
	int r;

	r = session_open(&v->x, o->bpffs, STORE_READ);
	if (!r)
		r = store_config(s, &v->cfg);
	if (!r)
		r = store_conn_alloc(s, &v->alloc);
	if (!r)
		r = store_counters(s, &v->counters);
	if (!r)
		r = store_ns_all(s, &v->ns, &v->ns_count);
	return r ? r : network_diff(&v->x, NETWORK_ALL, &v->problems);
}

static void show_problems(struct status *v)
{
	static const struct column columns[] = {
		{ "object", NULL }, { "problem", "problem" }, { "fix", "fix" }, {},
	};
	size_t i, count = v->problems.count;
	struct table t;

	report_flag(&v->report, "healthy", !count);
	report_health(&v->report, "health", !count,
		      count == 0 ? "all well" :
		      count == 1 ? "1 problem" :
				   "%zu problems",
		      count);
	table_begin(&t, &v->report, "problems", columns);
	for (i = 0; i < count; i++) {
		const struct difference *d = &v->problems.list[i];

		table_row(&t, TEXT(d->object), TEXT(d->what), TEXT(d->fix[0] ? d->fix : NULL));
	}
	table_end(&t);
}

static int show(struct status *v)
{
	uint64_t ports;
	size_t mappings;
	int r;

	show_network(v);
	show_uplinks(v);
	show_flows(v);
	show_namespaces(v);
	r = show_portmaps(&v->report, &v->x.s, &mappings, &ports);
	show_refusals(&v->report, &v->counters, false);
	show_drops(&v->report, &v->counters, false);
	show_problems(v);
	return r;
}

int cmd_status(const struct options *o, int argc, char **argv)
{
	struct status v = {};
	int status = EXIT_FAILED;

	if (!collect(&v, o)) {
		report_begin(&v.report, o->json);
		if (!show(&v))
			status = report_end(&v.report);
		if (status == EXIT_OK && v.problems.count)
			status = EXIT_UNHEALTHY;
	}
	free(v.ns);
	diff_free(&v.problems);
	session_close(&v.x);
	return status;
}
