// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/tables.h"
#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/forwarding_text.h"
#include "lib/base/log.h"
#include "lib/base/portmap_text.h"
#include "lib/base/rate_text.h"
#include "lib/kernel/firewall.h"
#include "lib/model/model.h"

/* ---- counters ---- */

uint64_t show_counters(struct report *r, const char *key, const char *title, const struct counted *which,
		       size_t count, const struct counters *c, bool zeros)
{
	const struct column columns[] = {
		{ "name", title }, { "count", "count", CELL_NUMBER }, { "text", "meaning" }, {},
	};
	uint64_t sum = 0, n;
	struct table t;
	size_t i;

	table_begin(&t, r, key, columns);
	for (i = 0; i < count; i++) {
		n = *(const uint64_t *)((const char *)c + which[i].offset);
		if (n || zeros)
			table_row(&t, TEXT(which[i].name), NUMBER(n), TEXT(which[i].text));
		sum += n;
	}
	table_end(&t);
	return sum;
}

uint64_t show_drops(struct report *r, const struct counters *c, bool zeros)
{
#define X(id, text) { #id, text, offsetof(struct counters, id) },
	static const struct counted drops[] = { EBPFNET_DROPS(X) };
#undef X

	return show_counters(r, "drops", "dropped", drops, sizeof(drops) / sizeof(drops[0]), c, zeros);
}

uint64_t show_refusals(struct report *r, const struct counters *c, bool zeros)
{
#define X(id, text) { #id, text, offsetof(struct counters, id) },
	static const struct counted refusals[] = { EBPFNET_REFUSALS(X) };
#undef X

	return show_counters(r, "refusals", "refused", refusals, sizeof(refusals) / sizeof(refusals[0]), c, zeros);
}

/* ---- port mappings ---- */

const char *ports_text(uint16_t first, uint16_t last, char buf[PLACE_LEN])
{
	snprintf(buf, PLACE_LEN, first == last ? "%u" : "%u-%u", first, last);
	return buf;
}

static const char *place(struct ipaddr addr, uint16_t first, uint16_t last, char buf[PLACE_LEN])
{
	char text[ADDR_TEXT], ports[PLACE_LEN];

	snprintf(buf, PLACE_LEN, "%s:%.11s", addr_number(addr) ? addr_text(addr, text) : "*",
		 ports_text(first, last, ports));
	return buf;
}

const char *portmap_outside(const struct portmap *p, char buf[PLACE_LEN])
{
	return place(p->addr, p->first_h, p->last_h, buf);
}

const char *portmap_inside(const struct portmap *p, char buf[PLACE_LEN])
{
	return place(p->to, p->to_first_h, p->to_first_h + (p->last_h - p->first_h), buf);
}

/* NULL: it is gone. */
static const char *network_name(struct session *x, uint32_t id)
{
	const struct net_entry *e = session_net(x, id);

	return e ? e->rec.name : NULL;
}

/* For JSON: where packets of the mapping's network pass the firewall, and it drops what it does not allow. */
static const char *open_with(struct session *x, const struct firewall *f, const struct portmap *p,
			     char buf[FIREWALL_OPEN])
{
	const struct net_entry *e = session_net(x, p->net);
	struct config cfg;

	if (!f->count || !e || store_config(&x->s, &cfg) || forwarding_of(&cfg, &e->rec) == FORWARDING_FAST)
		return NULL;
	return firewall_open(f, p, buf);
}

int show_portmaps(struct report *r, struct session *x, uint32_t net, const char *ns, size_t *count, uint64_t *ports)
{
	static const struct column columns[] = {
		{ "text", "published" },
		{ "addr", NULL },
		{ "proto", "proto" },
		{ "first", NULL, CELL_NUMBER },
		{ "last", NULL, CELL_NUMBER },
		{ "ports", "ports", CELL_NUMBER },
		{ "ns", "namespace" },
		{ "network", NULL },
		{ "to", "to" },
		{ "to_addr", NULL },
		{ "to_first", NULL, CELL_NUMBER },
		{ "id", NULL, CELL_NUMBER },
		{ "open_with", NULL },
		{},
	};
	_cleanup_free_ struct portmap_entry *all = NULL;
	struct firewall firewall = {};
	char open[FIREWALL_OPEN];
	size_t i, total;
	struct table t;
	int e;

	*ports = *count = 0;
	e = store_portmaps(&x->s, &all, &total);
	if (e)
		return e;
	if (r->json)
		firewall_read(&firewall);
	table_begin(&t, r, "published", columns);
	for (i = 0; i < total; i++) {
		const struct portmap *p = &all[i].portmap;
		char addr[ADDR_TEXT], to[ADDR_TEXT], outside[PLACE_LEN], inside[PLACE_LEN];
		uint64_t n = p->last_h - p->first_h + 1;

		if ((net && p->net != net) || (ns && strcmp(p->name, ns)))
			continue;
		++*count;
		table_row(&t, TEXT(portmap_outside(p, outside)), TEXT(addr_text(p->addr, addr)),
			  TEXT(proto_name(p->proto)), NUMBER(p->first_h), NUMBER(p->last_h), NUMBER(n), TEXT(p->name),
			  TEXT(network_name(x, p->net)), TEXT(portmap_inside(p, inside)), TEXT(addr_text(p->to, to)),
			  NUMBER(p->to_first_h), NUMBER(all[i].id), TEXT(open_with(x, &firewall, p, open)));
		*ports += n;
	}
	table_end(&t);
	return 0;
}

/* ---- namespaces ---- */

static const char *ns_state(const struct ns_entry *e, const struct diff *findings)
{
	const char *state = endpoint_state(&e->rec);
	char object[48];
	size_t i;

	snprintf(object, sizeof(object), "namespace %s", e->name);
	for (i = 0; i < findings->count && !strcmp(state, "up"); i++)
		if (!findings->list[i].note && !strcmp(findings->list[i].object, object))
			return "broken";
	return state;
}

static const char *text_or_null(const char *text)
{
	return *text ? text : NULL;
}

/* Bits per second. */
#define limit_cell(l) NUMBER((l)->rate ? (l)->rate : NO_NUMBER)

bool has_other_networks(const struct session *x)
{
	return x->net_count > 1 || (x->net_count && x->nets[0].id != NETWORK_DEFAULT_ID);
}

void show_namespaces(struct report *r, struct session *x, const struct ns_entry *all, size_t count,
		     const struct diff *findings)
{
	struct column columns[] = {
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
		{ "label", NULL },
		{ "id", NULL },
		{ "network", has_other_networks(x) ? "network" : NULL },
		{ "limit_in_bits", NULL, CELL_NUMBER },
		{ "limit_out_bits", NULL, CELL_NUMBER },
		{},
	};
	char addr[ADDR_TEXT], mac[18];
	struct table t;
	size_t i;

	for (i = 0; i < count; i++) {
		if (all[i].rec.label[0])
			columns[10].title = "label";
		if (all[i].rec.id[0])
			columns[11].title = "id";
	}
	table_begin(&t, r, "namespaces", columns);
	for (i = 0; i < count; i++) {
		const struct ns_record *rec = &all[i].rec;

		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", rec->mac[0], rec->mac[1], rec->mac[2],
			 rec->mac[3], rec->mac[4], rec->mac[5]);
		table_row(&t, TEXT(all[i].name), TEXT(addr_text(rec->addr, addr)), TEXT(mac), TEXT(rec->host_dev),
			  TEXT(rec->ns_dev), TEXT(rec->flags & NS_MADE ? "made" : "attached"),
			  TEXT(rec->port_flags & PORT_SPOOF_ALLOW ? "allow" : "deny"), TEXT(rec->path),
			  NUMBER(rec->ifindex ? rec->ifindex : NO_NUMBER), TEXT(ns_state(&all[i], findings)),
			  TEXT(text_or_null(rec->label)), TEXT(text_or_null(rec->id)),
			  TEXT(network_name(x, rec->net)), limit_cell(&rec->in), limit_cell(&rec->out));
	}
	table_end(&t);
}

/* ---- limits ---- */

static const char *limit_text(const struct ns_limit *l, char buf[RATE_TEXT])
{
	return l->rate ? rate_text(l->rate, buf) : NULL;
}

int show_limits(struct report *r, struct session *x, const struct ns_entry *all, size_t count, size_t *shown)
{
	const struct column columns[] = {
		{ "ns", "namespace" },
		{ "network", has_other_networks(x) ? "network" : NULL },
		{ "in_text", "in" },
		{ "out_text", "out" },
		{ "in_bits", NULL, CELL_NUMBER },
		{ "out_bits", NULL, CELL_NUMBER },
		{ "dropped_in", "dropped in", CELL_NUMBER },
		{ "dropped_out", "dropped out", CELL_NUMBER },
		{},
	};
	_cleanup_free_ struct shaper_dropped *dropped = calloc(count + 1, sizeof(*dropped));
	char in[RATE_TEXT], out[RATE_TEXT];
	struct table t;
	size_t i;
	int e;

	*shown = 0;
	e = dropped ? shaper_dropped(x, all, count, dropped) : log_err(-ENOMEM, "no memory to list the limits");
	if (e)
		return e;
	table_begin(&t, r, "limits", columns);
	for (i = 0; i < count; i++) {
		const struct ns_record *rec = &all[i].rec;

		if (!endpoint_is_limited(rec))
			continue;
		++*shown;
		table_row(&t, TEXT(all[i].name), TEXT(network_name(x, rec->net)), TEXT(limit_text(&rec->in, in)),
			  TEXT(limit_text(&rec->out, out)), limit_cell(&rec->in), limit_cell(&rec->out),
			  NUMBER(dropped[i].in), NUMBER(dropped[i].out));
	}
	table_end(&t);
	return 0;
}

/* ---- networks ---- */

static size_t count_ports(const struct ns_entry *all, size_t count, uint32_t net)
{
	size_t i, n = 0;

	for (i = 0; i < count; i++)
		n += all[i].rec.net == net;
	return n;
}

const char *unmasqueraded_text(const struct net_record *rec, char buf[EBPFNET_UNMASQUERADED * CIDR_TEXT])
{
	char text[CIDR_TEXT], *to = buf;
	int i;

	*to = '\0';
	for (i = 0; i < EBPFNET_UNMASQUERADED && rec->unmasqueraded[i].prefix; i++)
		to = stpcpy(stpcpy(to, i ? "," : ""), cidr_text(&rec->unmasqueraded[i], text));
	return *buf ? buf : NULL;
}

static const char *isolation(uint32_t flags)
{
	return flags & NETWORK_INTERNAL ? (flags & NETWORK_ISOLATED ? "internal, isolated" : "internal") :
	       flags & NETWORK_ISOLATED ? "isolated" :
					  NULL;
}

void show_networks(struct report *r, const struct session *x, const struct ns_entry *all, size_t count)
{
	static const struct column columns[] = {
		{ "name", "network" },
		{ "subnet", "subnet" },
		{ "gateway", "gateway" },
		{ "gateway_device", "device" },
		{ "text", "kind" },
		{ "internal", NULL, CELL_FLAG },
		{ "isolated", NULL, CELL_FLAG },
		{ "range", NULL },
		{ "mtu", NULL, CELL_NUMBER },
		{ "no_masquerade", NULL },
		{ "client_id", NULL },
		{ "net", NULL, CELL_NUMBER },
		{ "namespaces", "namespaces", CELL_NUMBER },
		{ "forwarding", NULL },
		{ "own_forwarding", NULL, CELL_FLAG },
		{},
	};
	char subnet[CIDR_TEXT], gateway[ADDR_TEXT], range[CIDR_TEXT], list[EBPFNET_UNMASQUERADED * CIDR_TEXT];
	struct config cfg = {};
	struct table t;
	size_t i;

	store_config(&x->s, &cfg); /* logs; modes are missing then */
	table_begin(&t, r, "networks", columns);
	for (i = 0; i < x->net_count; i++) {
		const struct net_record *rec = &x->nets[i].rec;

		table_row(&t, TEXT(rec->name), TEXT(cidr_text(&rec->subnet, subnet)),
			  TEXT(addr_text(rec->gateway, gateway)), TEXT(rec->gw_dev), TEXT(isolation(rec->flags)),
			  NUMBER(!!(rec->flags & NETWORK_INTERNAL)), NUMBER(!!(rec->flags & NETWORK_ISOLATED)),
			  TEXT(rec->range.prefix ? cidr_text(&rec->range, range) : NULL),
			  NUMBER(rec->mtu ? rec->mtu : NO_NUMBER), TEXT(unmasqueraded_text(rec, list)),
			  TEXT(text_or_null(rec->id)), NUMBER(x->nets[i].id),
			  NUMBER(count_ports(all, count, x->nets[i].id)),
			  TEXT(forwarding_text(forwarding_of(&cfg, rec))),
			  NUMBER(!!(rec->flags & NETWORK_OWN_FORWARDING)));
	}
	table_end(&t);
}

int find_shown_network(struct session *x, const char *name, uint32_t *id)
{
	const struct net_entry *e = name ? session_net_named(x, name) : NULL;

	*id = e ? e->id : 0;
	if (name && !e)
		return log_err(-ENOENT, "no network %s; `ebpfnet network list` shows them", name);
	return 0;
}

size_t namespaces_in(uint32_t net, struct ns_entry *all, size_t count)
{
	size_t i, kept = 0;

	for (i = 0; i < count; i++)
		if (all[i].rec.net == net)
			all[kept++] = all[i];
	return kept;
}

/* ---- plans ---- */

void show_plan(struct report *r, const struct diff *plan)
{
	static const struct column columns[] = {
		{ "object", "object" }, { "action", "action" }, { "why", "because" }, {},
	};
	struct table t;
	size_t i;

	table_begin(&t, r, "actions", columns);
	for (i = 0; i < plan->count; i++) {
		const struct difference *d = &plan->list[i];

		table_row(&t, TEXT(d->object), TEXT(d->action[0] ? d->action : d->what),
			  TEXT(d->action[0] ? d->what : NULL));
	}
	table_end(&t);
	if (!plan->count)
		report_note(r, "nothing to change");
}
