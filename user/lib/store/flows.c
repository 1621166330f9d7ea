// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What the programs write, for those who look: flows, learned addresses, counters. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <ebpfnet/core/ct_state.h>
#include <ebpfnet/core/nat.h>
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/store/map.h"

#define BATCH 1024

static const uint32_t zero;	/* the key of maps with one entry */

uint32_t store_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ebpfnet_seconds(t.tv_sec * 1000000000ull + t.tv_nsec);
}

int store_counters(const struct store *s, struct counters *out)
{
	int cpus = libbpf_num_possible_cpus(), cpu, r;
	_cleanup_free_ struct counters *each = NULL;
	uint64_t *sum = (uint64_t *)out;
	size_t i;

	if (cpus < 0)
		return log_err(cpus, "cannot count the CPUs: %s", strerror(-cpus));
	each = calloc(cpus, sizeof(*each));
	if (!each)
		return log_err(-ENOMEM, "no memory for the counters");
	r = map_get(s, MAP_COUNTERS, &zero, each);
	if (r)
		return log_err(r, "cannot read map %s/counters: %s", s->dir, strerror(-r));
	memset(out, 0, sizeof(*out));
	for (cpu = 0; cpu < cpus; cpu++)
		for (i = 0; i < COUNTERS; i++)
			sum[i] += ((const uint64_t *)&each[cpu])[i];
	return 0;
}

int store_conn_alloc(const struct store *s, struct conn_alloc *out)
{
	int r = map_get(s, MAP_CONN_ALLOC, &zero, out);

	return r ? log_err(r, "cannot read map %s/conn_alloc: %s", s->dir, strerror(-r)) : 0;
}

uint64_t store_flows_memory(const struct store *s)
{
	return map_memory(s, MAP_FLOWS) + map_memory(s, MAP_CONNS);
}

int store_usage(const struct store *s, uint32_t endpoint, struct usage *out)
{
	return map_get(s, MAP_USAGE, &endpoint, out);
}

uint32_t store_flow_ttl(const struct config *cfg, const struct conn *c, uint32_t now)
{
	uint32_t timeout = cfg->timeout_s[ct_timeout_class(c->state, c->orig.proto)];
	uint32_t idle = now > c->seen ? now - c->seen : 0;

	return idle < timeout ? timeout - idle : 0;
}

/* What a walk through the slots goes by. */
struct flow_walk {
	const struct store *s;
	struct config cfg;
	uint32_t now;
	/* the last answer of wanted(): neighbours are mostly of one namespace */
	uint32_t portmap, endpoint;
	bool asked, wanted;
};

/* Whether what made it is still there. If not it is dead: the programs give its packets to no one. */
static bool wanted(struct flow_walk *w, const struct conn *c)
{
	struct usage usage;
	struct portmap portmap;

	if (w->asked && w->portmap == c->portmap && w->endpoint == c->endpoint)
		return w->wanted;
	w->asked = true;
	w->portmap = c->portmap;
	w->endpoint = c->endpoint;
	if (c->portmap)
		w->wanted = !map_get(w->s, MAP_PORTMAPS, &c->portmap, &portmap) && portmap.endpoint == c->endpoint;
	else
		w->wanted = !c->endpoint || !store_usage(w->s, c->endpoint, &usage);
	return w->wanted;
}

/* A slot is a live flow if its key leads back to it and it has not expired. */
static bool live(struct flow_walk *w, uint32_t slot, const struct conn *c, struct flow *original)
{
	struct flow_key key = nat_stored_key(&c->orig);

	return c->state != CONN_FREE && c->state != CONN_BUSY && c->state < CONN_HOLD_DOWN &&
	       store_flow_ttl(&w->cfg, c, w->now) && wanted(w, c) && !map_get(w->s, MAP_FLOWS, &key, original) &&
	       original->conn == slot && original->dir == FLOW_ORIGINAL;
}

int store_flows(const struct store *s, int (*fn)(const struct conn *c, const struct flow *original, void *arg),
		void *arg)
{
	struct flow_walk w = { .s = s, .now = store_now() };
	uint32_t keys[BATCH], count, i, cursor = 0;
	_cleanup_free_ struct conn *conns = NULL;
	struct conn_alloc alloc;
	struct flow original;
	bool first = true;
	int r, fn_r;

	r = store_config(s, &w.cfg);
	if (!r)
		r = store_conn_alloc(s, &alloc);
	if (r)
		return r;
	conns = calloc(BATCH, sizeof(*conns));
	if (!conns)
		return log_err(-ENOMEM, "no memory to read the flows");
	while (!r && (first || cursor < alloc.never_used)) {
		count = BATCH;
		r = bpf_map_lookup_batch(s->fd[MAP_CONNS], first ? NULL : &cursor, &cursor, keys,
					 conns, &count, NULL);
		if (r && r != -ENOENT)
			return log_err(r, "cannot read map %s/conns: %s", s->dir, strerror(-r));
		first = false;
		for (i = 0; i < count; i++) {
			if (!live(&w, keys[i], &conns[i], &original))
				continue;
			fn_r = fn(&conns[i], &original, arg);
			if (fn_r)
				return fn_r;
		}
	}
	return 0;
}

/* ---- forwarding database ---- */

struct fdb_walk {
	int (*fn)(const struct fdb_key *k, const struct fdb_entry *e, void *arg);
	void *arg;
	uint32_t now, age_s;
};

static int fdb_visit(const void *key, const void *value, void *arg)
{
	const struct fdb_walk *w = arg;
	const struct fdb_entry *e = value;

	if (e->kind == FDB_LEARNED && w->now > e->seen && w->now - e->seen > w->age_s)
		return 0;
	return w->fn(key, e, w->arg);
}

int store_fdb(const struct store *s, int (*fn)(const struct fdb_key *k, const struct fdb_entry *e, void *arg),
	      void *arg)
{
	struct fdb_walk w = { .fn = fn, .arg = arg, .now = store_now() };
	struct config cfg;
	int r;

	r = store_config(s, &cfg);
	if (r)
		return r;
	w.age_s = cfg.fdb_age_s;
	r = map_each(s, MAP_FDB, fdb_visit, &w);
	return r ? r : map_each(s, MAP_FDB_LEARNED, fdb_visit, &w);
}
