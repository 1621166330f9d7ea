// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/tables.h"
#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/portmap_text.h"
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

int show_portmaps(struct report *r, const struct store *s, size_t *count, uint64_t *ports)
{
	static const struct column columns[] = {
		{ "text", "published" },
		{ "addr", NULL },
		{ "proto", "proto" },
		{ "first", NULL, CELL_NUMBER },
		{ "last", NULL, CELL_NUMBER },
		{ "ports", "ports", CELL_NUMBER },
		{ "ns", "namespace" },
		{ "to", "to" },
		{ "to_addr", NULL },
		{ "to_first", NULL, CELL_NUMBER },
		{ "id", NULL, CELL_NUMBER },
		{},
	};
	_cleanup_free_ struct portmap_entry *all = NULL;
	struct table t;
	size_t i;
	int e;

	*ports = 0;
	e = store_portmaps(s, &all, count);
	if (e)
		return e;
	table_begin(&t, r, "published", columns);
	for (i = 0; i < *count; i++) {
		const struct portmap *p = &all[i].portmap;
		char addr[ADDR_TEXT], to[ADDR_TEXT], outside[PLACE_LEN], inside[PLACE_LEN];
		uint64_t n = p->last_h - p->first_h + 1;

		table_row(&t, TEXT(portmap_outside(p, outside)), TEXT(addr_text(p->addr, addr)),
			  TEXT(proto_name(p->proto)), NUMBER(p->first_h), NUMBER(p->last_h), NUMBER(n), TEXT(p->name),
			  TEXT(portmap_inside(p, inside)), TEXT(addr_text(p->to, to)), NUMBER(p->to_first_h),
			  NUMBER(all[i].id));
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

void show_namespaces(struct report *r, const struct ns_entry *all, size_t count, const struct diff *findings)
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
			  TEXT(text_or_null(rec->label)), TEXT(text_or_null(rec->id)));
	}
	table_end(&t);
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
