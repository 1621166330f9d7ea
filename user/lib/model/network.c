// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The host and its network `default`: bring it up from a spec, and remove all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/forwarding_text.h"
#include "lib/base/log.h"
#include "lib/dataplane/dataplane.h"
#include "lib/model/endpoint.h"
#include "lib/model/hosts.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

static const struct endpoint_spec default_endpoints[] = { { "ns1" }, { "ns2" } };

/* State of `up`: the host record is in the session, records of new endpoints are at the end of used. */
struct request {
	const struct network_spec *spec;
	const struct endpoint_spec *endpoints;
	size_t endpoint_count;
	struct ipam used;
	size_t before;			/* number of entries of used that are in the journal */
	bool fresh;			/* nothing is up */
	bool makes_default;		/* there is no network `default` yet */
	bool changes_forwarding;	/* config.forwarding is the spec's now, */
	enum forwarding forwarding;	/* and was this */
};

static void request_free(struct request *q)
{
	ipam_free(&q->used);
}

/* ---- check a spec against the host, without changes ---- */

static int contradiction(const char *what, const char *is, const char *requested)
{
	return log_err(-EEXIST, "the network is up with %s %s, not %s; `ebpfnet down` first, then `ebpfnet up`", what,
		       is, requested);
}

/* The flow table is allocated once. An interrupted first `up` may not have done it yet. */
static int check_same_flows(const struct session *x, uint32_t max_flows)
{
	uint32_t has = dataplane_flows(&x->s);
	char is[16], requested[16];

	if (!max_flows || !has || has == max_flows)
		return 0;
	snprintf(is, sizeof(is), "%u", has);
	snprintf(requested, sizeof(requested), "%u", max_flows);
	return contradiction("--flows", is, requested);
}

static int check_same(struct session *x, const struct network_spec *spec)
{
	const struct host_record *host = &x->host;
	const struct net_entry *e = session_net(x, NETWORK_DEFAULT_ID);
	const struct cidr wish = { spec->subnet, spec->prefix };
	char is[CIDR_TEXT], requested[CIDR_TEXT];

	if (spec->hook && *spec->hook != host->hook)
		return contradiction("hooks", hook_kind_name(host->hook), hook_kind_name(*spec->hook));
	if (e && spec->prefix && memcmp(&wish, &e->rec.subnet, sizeof(wish)))
		return contradiction("subnet", cidr_text(&e->rec.subnet, is), cidr_text(&wish, requested));
	return check_same_flows(x, spec->max_flows);
}

/* A new network without uplinks by name takes those that routes lead to, of which there may be none yet. */
static int want_uplinks(struct session *x, const struct request *q)
{
	size_t i;
	int r = 0;

	if (q->fresh && !q->spec->uplink_count)
		return uplinks_follow(x);
	for (i = 0; i < q->spec->uplink_count && !r; i++)
		r = uplink_want(x, q->spec->uplinks[i], 0);
	return r;
}

/* Fill in the host record where nothing is up; use defaults where the spec has no value. */
static int begin(struct session *x, const struct request *q)
{
	const struct network_spec *spec = q->spec;
	int r;

	x->host = (struct host_record){
		.abi = EBPFNET_ABI,
		.hook = spec->hook ? *spec->hook : dataplane_has_tcx() ? HOOK_TCX : HOOK_CLSACT,
		.next_endpoint = 1,
		.next_portmap = 1,
		.made = COMING_UP | (hosts_etc_missing() ? MADE_ETC_NETNS : 0),
		.netns_cookie = x->netns_cookie,
	};
	r = dataplane_probe(x->host.hook);
	return r ? r : want_uplinks(x, q);
}

/* Enter the network `default` in the session. */
static int begin_default(struct session *x, struct request *q)
{
	const struct network_spec *spec = q->spec;
	struct network_def def = { .name = NETWORK_DEFAULT, .subnet = { { { 192, 168, 1, 0 } }, 24 } };
	struct net_entry *ignored;
	int r;

	if (spec->prefix)
		def.subnet = (struct cidr){ spec->subnet, spec->prefix };
	r = network_complete(x, &def);
	if (!r)
		r = network_enter(x, &def, NETWORK_DEFAULT_ID, 0, &ignored);
	q->makes_default = true;
	if (!spec->endpoint_count && !spec->no_endpoints)
		x->host.made |= UP_DEFAULTS;
	return r;
}

/* One of that name, in whichever network. */
static const struct ns_entry *find_named(const struct ipam *used, const char *name)
{
	size_t i;

	for (i = 0; i < used->count; i++)
		if (!strcmp(used->endpoint[i].name, name))
			return &used->endpoint[i];
	return NULL;
}

/* Check that an endpoint of the spec exists as specified, or can be made. */
static int check_endpoint(struct session *x, const struct request *q, const struct endpoint_spec *e)
{
	const struct ns_record *rec = ipam_find(&q->used, e->name);
	const struct ns_entry *other = rec ? NULL : find_named(&q->used, e->name);
	char is[ADDR_TEXT], requested[ADDR_TEXT];

	if (other)
		return log_err(-EEXIST,
			       "namespace %s is in network %s; choose others with --ns, or `ebpfnet %s %s` first",
			       e->name, session_net_of(x, &other->rec)->name,
			       other->rec.flags & NS_MADE ? "ns del" : "detach", e->name);
	if (rec && addr_number(e->addr) && !addr_same(e->addr, rec->addr))
		return log_err(-EEXIST, "namespace %s has the address %s, not %s; `ebpfnet %s %s` first", e->name,
			       addr_text(rec->addr, is), addr_text(e->addr, requested),
			       rec->flags & NS_MADE ? "ns del" : "detach", e->name);
	return 0;
}

/* A new endpoint. Attaches the namespace of that name if there is an unused one. */
static int reserve_new(struct session *x, struct request *q, const struct endpoint_spec *e)
{
	struct endpoint_spec spec = *e;
	struct netns_id id = {};
	char path[NETNS_PATH];
	struct ns_record rec;
	int r;

	r = endpoint_adopt(e->name, path, &id);
	if (r > 0)
		spec.path = path;
	if (r >= 0)
		r = ipam_reserve(x, &q->used, &spec, NS_DECLARED, &rec);
	if (!r)
		endpoint_identify(&q->used.endpoint[q->used.count - 1].rec, &id);
	return r;
}

/* Reserve specified addresses first, so that no other endpoint gets them. */
static int reserve(struct session *x, struct request *q)
{
	int pass, r = 0;
	size_t i;

	for (i = 0; i < q->endpoint_count && !r; i++)
		r = check_endpoint(x, q, &q->endpoints[i]);
	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < q->endpoint_count && !r; i++) {
			const struct endpoint_spec *e = &q->endpoints[i];

			if ((pass == 0) == (addr_number(e->addr) != 0) && !ipam_find(&q->used, e->name))
				r = reserve_new(x, q, e);
		}
	return r;
}

/* Before the first change: what was made or removed by halves would have to be undone without it, too. */
static int check_names(const struct ns_entry *all, size_t first, size_t count)
{
	size_t i;

	for (i = first; i < count; i++)
		if (all[i].rec.flags & NS_MADE && (all[i].rec.flags & NS_PENDING || netns_name_taken(all[i].name)))
			return netns_check_folder();
	return 0;
}

/* Fills in x->host and q, in memory. */
static int prepare(struct session *x, struct request *q)
{
	const struct network_spec *spec = q->spec;
	int r;

	q->fresh = !x->host.abi;
	q->endpoints = spec->endpoints;
	q->endpoint_count = spec->endpoint_count;
	r = q->fresh ? begin(x, q) : check_same(x, spec);
	if (!r && !q->fresh)
		r = want_uplinks(x, q);
	if (spec->xdp)
		x->host.made = (x->host.made & ~XDP_MODE_ANY) | *spec->xdp;
	if (spec->host_only)
		return r;
	if (!r && !session_net(x, NETWORK_DEFAULT_ID))
		r = begin_default(x, q);
	if (r)
		return r;
	if (!q->endpoint_count && x->host.made & UP_DEFAULTS) {
		q->endpoints = default_endpoints;
		q->endpoint_count = sizeof(default_endpoints) / sizeof(default_endpoints[0]);
	}
	r = ipam_read(x, session_net(x, NETWORK_DEFAULT_ID), &q->used);
	q->before = q->used.count;
	if (!r)
		r = reserve(x, q);
	return r ? r : check_names(q->used.endpoint, q->before, q->used.count);
}

/* ---- up ---- */

static int journal(struct session *x, const struct request *q)
{
	size_t i;
	int r = 0;

	if (q->fresh)
		r = dataplane_journal(&x->s);
	if (!r && (q->fresh || q->makes_default))
		r = session_save(x);
	if (!r && q->makes_default)
		r = store_net_set(&x->s, session_net(x, NETWORK_DEFAULT_ID));
	if (!r)
		r = dataplane_load(&x->s, q->spec->max_flows ? q->spec->max_flows : EBPFNET_MAX_FLOWS);
	for (i = q->before; i < q->used.count && !r; i++)
		r = store_ns_set(&x->s, q->used.endpoint[i].name, &q->used.endpoint[i].rec);
	return r;
}

static void list_forwarding(struct diff *out, enum forwarding is, enum forwarding wish)
{
	diff_add(out, "host", NULL, "set forwarding to %s (it is %s)", forwarding_text(wish), forwarding_text(is));
}

/* What follows from it is the walk's. */
static int set_forwarding(struct session *x, struct request *q, struct diff *done)
{
	const enum forwarding *wish = q->spec->forwarding;
	struct config cfg;
	int r = store_config(&x->s, &cfg);

	if (r || !wish || cfg.forwarding == *wish)
		return r;
	list_forwarding(done, cfg.forwarding, *wish);
	q->changes_forwarding = true;
	q->forwarding = cfg.forwarding;
	cfg.forwarding = *wish;
	return store_config_set(&x->s, &cfg);
}

/* A new endpoint that could not be made, for a reason that is logged, fails the command; an old one does not. */
static int check_made(const struct session *x, const struct request *q)
{
	struct ns_record rec;
	size_t i;
	int r = 0;

	for (i = q->before; i < q->used.count && !r; i++) {
		r = store_ns_in(&x->s, q->used.endpoint[i].name, NETWORK_DEFAULT_ID, &rec);
		if (!r && rec.flags & NS_PENDING)
			r = -EIO;
	}
	return r;
}

/* Remove what is new. Leave what was up before, repaired or not. */
static void roll_back(struct session *x, struct request *q)
{
	struct ns_entry *e;
	bool ignored;
	size_t i;

	if (q->fresh) {
		network_down(x, &ignored);
		return;
	}
	for (i = q->before; i < q->used.count; i++) {
		e = &q->used.endpoint[i];
		if (!store_ns_in(&x->s, e->name, NETWORK_DEFAULT_ID, &e->rec))
			endpoint_remove(x, e, q->used.endpoint, q->used.count);
	}
	if (q->makes_default)
		network_remove(x, NETWORK_DEFAULT_ID);
	if (q->changes_forwarding)
		forwarding_set(x, NULL, &q->forwarding);
	shaper_settle(x);
	hosts_write(x);
}

/* List new objects, which have no properties to compare yet. */
static void list_new(struct session *x, const struct request *q, struct diff *out)
{
	char addr[ADDR_TEXT], subnet[CIDR_TEXT], uplinks[UPLINKS_TEXT], name[48];
	const struct net_record *net;
	size_t i;

	if (q->makes_default) {
		net = &session_net(x, NETWORK_DEFAULT_ID)->rec;
		diff_add(out, "network", NULL, "make %s, gateway on %s, out through %s",
			 cidr_text(&net->subnet, subnet), net->gw_dev, uplinks_text(&x->host, uplinks));
	}
	for (i = q->before; i < q->used.count; i++) {
		const struct ns_entry *e = &q->used.endpoint[i];

		snprintf(name, sizeof(name), "namespace %s", e->name);
		diff_add(out, name, NULL, "%s it, with %s on %s, its end of %s",
			 e->rec.flags & NS_MADE ? "make" : "attach", addr_text(e->rec.addr, addr), e->rec.ns_dev,
			 e->rec.host_dev);
	}
}

/* Facts about the new namespaces that the list of them does not tell. */
static void say_new(const struct request *q)
{
	bool is_attached;
	size_t i;

	for (i = q->before; i < q->used.count; i++) {
		const struct ns_entry *e = &q->used.endpoint[i];

		is_attached = !(e->rec.flags & NS_MADE);
		if (is_attached)
			log_info("namespace %s was there, unused, and is attached: `ebpfnet down` leaves it", e->name);
		if (!hosts_say_resolver(is_attached ? e->name : NULL))
			return;
	}
}

int network_up(struct session *x, const struct network_spec *spec, struct diff *done)
{
	__attribute__((cleanup(request_free))) struct request q = { .spec = spec };
	int r;

	r = prepare(x, &q);
	if (r)
		return r;
	list_new(x, &q, done);
	r = journal(x, &q);
	if (!r)
		r = set_forwarding(x, &q, done);
	if (!r && !spec->host_only)
		r = networks_bring_back(x, false, done);
	if (!r)
		r = network_repair(x, NETWORK_ALL, done);
	if (!r)
		r = check_made(x, &q);
	if (r) {
		roll_back(x, &q);
		return r;
	}
	say_new(&q);
	x->host.made &= ~(UP_DEFAULTS | COMING_UP);
	return session_save(x);
}

int network_plan(struct session *x, const struct network_spec *spec, struct diff *plan)
{
	__attribute__((cleanup(request_free))) struct request q = { .spec = spec };
	struct config cfg = { .forwarding = FORWARDING_DEFAULT };
	int r;

	r = prepare(x, &q);
	if (r)
		return r;
	list_new(x, &q, plan);
	r = networks_bring_back(x, true, plan);
	if (r)
		return r;
	if (!q.fresh && dataplane_is_of_another_build(&x->s))
		diff_add(plan, "programs", NULL, "replace those of another build by this one's");
	if (!q.fresh)
		r = store_config(&x->s, &cfg);
	if (!r && spec->forwarding && cfg.forwarding != *spec->forwarding)
		list_forwarding(plan, cfg.forwarding, *spec->forwarding);
	return r || q.fresh ? r : network_diff(x, NETWORK_PLAN, plan);
}

/* ---- down ---- */

static void keep_first(int *first, int r)
{
	if (!*first)
		*first = r;
}

/* Remove everything, whatever its state. Goes on after an error and returns the first. */
static int remove_all(struct session *x)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	size_t i, count;
	int r = 0, first = 0;

	r = store_ns_all(&x->s, &all, &count);
	if (!r)
		r = check_names(all, 0, count);
	if (!r && x->host.abi && !(x->host.made & GOING_DOWN)) {
		x->host.made |= GOING_DOWN;
		r = session_save(x);
	}
	if (r)
		return r;
	for (i = 0; i < count; i++)
		keep_first(&first, endpoint_remove(x, &all[i], all, count));
	if (!x->host.abi)
		return first;
	if (x->host.made & LO_HOOKED)
		keep_first(&first, lo_unhook(x));
	if (x->host.made & MADE_SHAPER)
		keep_first(&first, shaper_remove(x));
	for (i = 0; i < EBPFNET_HOST_UPLINKS; i++)
		keep_first(&first, uplink_remove(x, &x->host.uplinks[i]));
	for (i = 0; i < x->net_count; i++)
		keep_first(&first, gateway_remove(x, &x->nets[i]));
	keep_first(&first, hosts_write(x));
	return first;
}

int network_down(struct session *x, bool *was_up)
{
	bool any = false;
	int r = 0;

	*was_up = x->s.fd[MAP_HOST] >= 0;
	if (*was_up)
		r = remove_all(x);
	if (!r && !x->host.abi)
		r = leftover_remove(x, &any);
	*was_up |= any;
	return r ? r : dataplane_unload(&x->s);
}

int network_down_plan(struct session *x, struct diff *plan)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	const struct host_record *host = &x->host;
	size_t i, count = 0;
	char name[48];
	int r = 0;

	if (!host->abi)
		r = leftover_plan(x, plan);
	if (!r && x->s.fd[MAP_NAMESPACES] >= 0)
		r = store_ns_all(&x->s, &all, &count);
	if (r)
		return r;
	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "namespace %s", all[i].name);
		diff_add(plan, name, NULL, all[i].rec.flags & NS_MADE ? "remove it" : "detach it");
	}
	for (i = 0; i < EBPFNET_HOST_UPLINKS && host->uplinks[i].name[0]; i++) {
		snprintf(name, sizeof(name), "uplink %s", host->uplinks[i].name);
		diff_add(plan, name, NULL, "detach the programs%s",
			 host->uplinks[i].flags & UPLINK_SET_FORWARDING ? ", switch forwarding off" : "");
	}
	if (host->made & MADE_SHAPER)
		diff_add(plan, "shaper " SHAPER_DEV, NULL, "remove the pair of devices");
	for (i = 0; host->abi && i < x->net_count; i++) {
		snprintf(name, sizeof(name), "gateway %s", x->nets[i].rec.gw_dev);
		diff_add(plan, name, NULL, "remove the pair of devices");
	}
	return 0;
}
