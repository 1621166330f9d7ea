// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* flows, fdb, stats: the programs' tables and counters. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/addr.h"
#include "cli/command.h"
#include "lib/base/log.h"
#include "lib/base/portmap_text.h"
#include "lib/model/session.h"
#include "cli/tables.h"

/* ---- names of endpoints ---- */

struct names {
	struct ns_entry *entry;
	size_t count;
};

static int by_endpoint(const void *a, const void *b)
{
	const struct ns_entry *x = a, *y = b;

	return (x->rec.endpoint > y->rec.endpoint) - (x->rec.endpoint < y->rec.endpoint);
}

static int names_load(const struct store *s, struct names *n)
{
	int r = store_ns_all(s, &n->entry, &n->count);

	if (!r && n->count)
		qsort(n->entry, n->count, sizeof(*n->entry), by_endpoint);
	return r;
}

static void names_free(struct names *n)
{
	free(n->entry);
}

/* NULL: the namespace is gone. */
static const char *name_of_endpoint(const struct names *n, uint32_t endpoint)
{
	struct ns_entry key = { .rec.endpoint = endpoint }, *found = NULL;

	if (n->count)
		found = bsearch(&key, n->entry, n->count, sizeof(key), by_endpoint);
	return found ? found->name : NULL;
}

static const char *name_of_port(const struct names *n, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < n->count; i++)
		if (n->entry[i].rec.ifindex == ifindex)
			return n->entry[i].name;
	return NULL;
}

/* ---- flows ---- */

#define PEER_LEN ADDR_PORT_TEXT

static const char *peer(struct ipaddr addr, uint16_t port, char buf[PEER_LEN])
{
	/* GRE, ESP and others have no port */
	return port ? addr_port_text(addr, port, buf) : addr_text(addr, buf);
}

static const char *state_name(enum conn_state state)
{
	static const char *const names[CONN_STATES] = {
		[CONN_UNREPLIED] = "unreplied",	   [CONN_REPLIED] = "replied",
		[CONN_ASSURED] = "assured",
		[CONN_SYN_SENT] = "syn-sent",	   [CONN_SYN_RECV] = "syn-recv",
		[CONN_ESTABLISHED] = "established", [CONN_FIN_WAIT] = "fin-wait",
		[CONN_CLOSING] = "closing",	   [CONN_RESET] = "reset",
	};

	return state < CONN_STATES ? names[state] : NULL;
}

/* The addresses that translation changes: source, destination, or both (hairpin). */
static const char *translation(const struct flow_key *k, const struct flow *f, const char *src, const char *dst,
			       char buf[2 * PEER_LEN + 8])
{
	bool other_src = memcmp(&k->src, &f->src, sizeof(f->src)) || k->sport_h != f->sport_h;
	bool other_dst = memcmp(&k->dst, &f->dst, sizeof(f->dst)) || k->dport_h != f->dport_h;
	char *to = buf;

	*to = '\0';
	if (other_src)
		to = stpcpy(stpcpy(to, "from "), src);
	if (other_dst)
		stpcpy(stpcpy(to, other_src ? " to " : "to "), dst);
	return other_src || other_dst ? buf : NULL;
}

struct flow_list {
	struct table table;
	struct session x;
	uint32_t net;			/* only this network's; 0: all */
	struct names names;
	struct config cfg;
	struct conn_alloc alloc;
	uint32_t now;
};

static void flow_list_end(struct flow_list *list)
{
	names_free(&list->names);
	session_close(&list->x);
}

#define _cleanup_flow_list_ __attribute__((cleanup(flow_list_end)))

/* The namespace of a flow, and its network: whose port is published, or who opened it. */
static const char *name_of_flow(struct flow_list *list, const struct conn *c, uint32_t *net)
{
	uint32_t endpoint = c->endpoint;
	struct portmap portmap;

	*net = c->orig.zone;
	if (c->portmap && !store_portmap(&list->x.s, c->portmap, &portmap)) {
		endpoint = portmap.endpoint;
		*net = portmap.net;
	} else if (c->portmap) {
		endpoint = 0;
	}
	return name_of_endpoint(&list->names, endpoint);
}

static const char *kind_of_flow(const struct conn *c, const struct flow *f)
{
	return c->portmap ? "published" : f->flags & FLOW_AS_IS ? "routed" : "masqueraded";
}

static int add_flow(const struct conn *c, const struct flow *f, void *arg)
{
	char src[PEER_LEN], dst[PEER_LEN], to_src[PEER_LEN], to_dst[PEER_LEN];
	char change[2 * PEER_LEN + 8], number[16];
	struct flow_list *list = arg;
	const struct flow_key *k = &c->orig;
	const char *proto = proto_name(k->proto), *name;
	const struct net_entry *network;
	uint32_t net;

	name = name_of_flow(list, c, &net);
	if (list->net && net != list->net)
		return 0;
	network = session_net(&list->x, net);
	if (!proto) {
		snprintf(number, sizeof(number), "%u", k->proto);
		proto = number;
	}
	peer(f->src, f->sport_h, to_src);
	peer(f->dst, f->dport_h, to_dst);
	table_row(&list->table, TEXT(proto), TEXT(state_name(c->state)),
		  TEXT(name), TEXT(network ? network->rec.name : NULL), TEXT(kind_of_flow(c, f)),
		  TEXT(peer(k->src, k->sport_h, src)), TEXT(peer(k->dst, k->dport_h, dst)),
		  TEXT(translation(k, f, to_src, to_dst, change)), TEXT(to_src), TEXT(to_dst),
		  NUMBER(store_flow_ttl(&list->cfg, &list->alloc, c, list->now)));
	return 0;
}

int cmd_flows(const struct options *o, int argc, char **argv)
{
	static const struct column columns[] = {
		{ "proto", "proto" },
		{ "state", "state" },
		{ "ns", "namespace" },
		{ "network", NULL },
		{ "kind", NULL },
		{ "src", "from" },
		{ "dst", "to" },
		{ "text", "translated to" },
		{ "to_src", NULL },
		{ "to_dst", NULL },
		{ "expires_s", "expires in", CELL_SECONDS },
		{},
	};
	_cleanup_flow_list_ struct flow_list list = { .now = store_now() };
	char live[TEXT_LEN], limit[TEXT_LEN];
	struct report r;
	size_t count;
	int e;

	if (session_open(&list.x, o->bpffs, STORE_READ) || find_shown_network(&list.x, o->network, &list.net) ||
	    store_config(&list.x.s, &list.cfg) || store_conn_alloc(&list.x.s, &list.alloc) ||
	    names_load(&list.x.s, &list.names))
		return EXIT_FAILED;
	report_begin(&r, o->json);
	table_begin_stream(&list.table, &r, "flows", columns);
	e = store_flows(&list.x.s, false, add_flow, &list);
	count = list.table.rows;
	table_end(&list.table);
	if (e)
		return EXIT_FAILED;
	report_number(&r, "flows_count", count);
	report_number(&r, "flows_limit", list.cfg.max_flows);
	report_note(&r, "%s flow%s; limit: %s", text_number(count, live),
		    count == 1 ? "" : "s", text_number(list.cfg.max_flows, limit));
	return report_end(&r);
}

/* ---- fdb ---- */

struct fdb_list {
	struct table table;
	struct names names;
	uint32_t now;
};

static int add_fdb_entry(const struct fdb_key *k, const struct fdb_entry *e, void *arg)
{
	static const char *const kinds[] = {
		[FDB_LEARNED] = "learned", [FDB_STATIC] = "static", [FDB_GATEWAY] = "gateway",
	};
	struct fdb_list *list = arg;
	char mac[18], dev[IF_NAMESIZE];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", k->mac[0], k->mac[1],
		 k->mac[2], k->mac[3], k->mac[4], k->mac[5]);
	table_row(&list->table, TEXT(mac), TEXT(if_indextoname(e->ifindex, dev)),
		  TEXT(e->kind == FDB_GATEWAY ? "(host)" : name_of_port(&list->names, e->ifindex)),
		  TEXT(kinds[e->kind]),
		  NUMBER(e->kind != FDB_LEARNED ? NO_NUMBER :
			 list->now > e->seen	? list->now - e->seen :
						  0),
		  NUMBER(k->net));
	return 0;
}

int cmd_fdb(const struct options *o, int argc, char **argv)
{
	static const struct column columns[] = {
		{ "mac", "MAC address" }, { "dev", "port" },
		{ "ns", "namespace" },	  { "kind", "kind" },
		{ "age_s", "last seen", CELL_SECONDS }, { "net", NULL, CELL_NUMBER }, {},
	};
	_cleanup_store_ struct store s = {};
	struct fdb_list list = { .now = store_now() };
	struct config cfg;
	struct report r;
	size_t count;
	int e;

	if (store_open(&s, o->bpffs, STORE_READ) || store_config(&s, &cfg) || names_load(&s, &list.names))
		return EXIT_FAILED;
	report_begin(&r, o->json);
	table_begin(&list.table, &r, "fdb", columns);
	e = store_fdb(&s, add_fdb_entry, &list);
	count = list.table.rows;
	table_end(&list.table);
	names_free(&list.names);
	if (e)
		return EXIT_FAILED;
	report_number(&r, "age_limit_s", cfg.fdb_age_s);
	report_note(&r, "%zu address%s; learned entries expire after %u s", count,
		    count == 1 ? "" : "es", cfg.fdb_age_s);
	return report_end(&r);
}

/* ---- stats ---- */

#define X(id, text) { #id, text, offsetof(struct counters, id) },
static const struct counted passes[] = { EBPFNET_PASSES(X) };
static const struct counted events[] = { EBPFNET_EVENTS(X) };
#undef X

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int cmd_stats(const struct options *o, int argc, char **argv)
{
	_cleanup_store_ struct store s = {};
	char on[TEXT_LEN], off[TEXT_LEN], back[TEXT_LEN];
	uint64_t passed, refused, dropped;
	struct counters c;
	struct report r;

	if (store_open(&s, o->bpffs, STORE_READ) || store_counters(&s, &c))
		return EXIT_FAILED;
	report_begin(&r, o->json);
	passed = show_counters(&r, "passes", "passed", passes, COUNT(passes), &c, o->json);
	refused = show_refusals(&r, &c, o->json);
	dropped = show_drops(&r, &c, o->json);
	show_counters(&r, "events", "events", events, COUNT(events), &c, o->json);
	report_number(&r, "passed", passed);
	report_number(&r, "refused", refused);
	report_number(&r, "dropped", dropped);
	report_note(&r, "%s packets passed, %s refused, %s dropped", text_number(passed, on),
		    text_number(refused, back), text_number(dropped, off));
	return report_end(&r);
}
