// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Walks through the flow table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include <ebpfnet/core/ct_state.h>
#include <ebpfnet/core/nat.h>
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/store/map.h"

#define BATCH 1024

uint32_t store_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ebpfnet_seconds(t.tv_sec * 1000000000ull + t.tv_nsec);
}

int store_conn_alloc(const struct store *s, struct conn_alloc *out)
{
	return map_get_only(s, MAP_CONN_ALLOC, out);
}

uint64_t store_flows_memory(const struct store *s)
{
	return map_memory(s, MAP_FLOWS) + map_memory(s, MAP_CONNS);
}

static const struct conn_alloc *alloc_as_given(const void *alloc)
{
	return alloc;
}

static uint32_t flow_timeout(const struct config *cfg, const struct conn_alloc *alloc, const struct conn *c)
{
	return ct_timeout(cfg, c->state, c->orig.proto, alloc_as_given, alloc);
}

uint32_t store_flow_ttl(const struct config *cfg, const struct conn_alloc *alloc, const struct conn *c, uint32_t now)
{
	uint32_t timeout = flow_timeout(cfg, alloc, c), idle = ct_idle(c->seen, now);

	return idle < timeout ? timeout - idle : 0;
}

struct flow_walk {
	const struct store *s;
	struct config cfg;
	struct conn_alloc alloc;
	uint32_t now;
	/* the last answer of owner_exists(): adjacent slots mostly have the same owner */
	uint32_t portmap, endpoint;
	bool asked, exists;
};

/* As flow_owner_exists() in bpf/ct/ct_slot.h: the programs drop the packets of a flow without owner. */
static bool owner_exists(struct flow_walk *w, const struct conn *c)
{
	struct usage usage;
	struct portmap portmap;

	if (w->asked && w->portmap == c->portmap && w->endpoint == c->endpoint)
		return w->exists;
	w->asked = true;
	w->portmap = c->portmap;
	w->endpoint = c->endpoint;
	w->exists = true;
	if (c->portmap)
		w->exists = !store_portmap(w->s, c->portmap, &portmap);
	if (w->exists && c->endpoint)
		w->exists = !store_usage(w->s, c->endpoint, &usage);
	return w->exists;
}

/* A slot holds a live flow if its key leads back to it and it has not expired. */
static bool live(struct flow_walk *w, uint32_t slot, const struct conn *c, struct flow *original)
{
	struct flow_key key = nat_stored_key(&c->orig);

	return c->state != CONN_FREE && c->state != CONN_BUSY && c->state < CONN_STATES &&
	       !ct_timeout_over(c->seen, w->now, flow_timeout(&w->cfg, &w->alloc, c)) && owner_exists(w, c) &&
	       !map_get(w->s, MAP_FLOWS, &key, original) && original->conn == slot && original->dir == FLOW_ORIGINAL;
}

int store_flows(const struct store *s, bool published,
		int (*fn)(const struct conn *c, const struct flow *original, void *arg), void *arg)
{
	struct flow_walk w = { .s = s, .now = store_now() };
	uint32_t keys[BATCH], count, i, cursor = 0;
	_cleanup_free_ struct conn *conns = NULL;
	struct flow original;
	bool first = true;
	int r, fn_r;

	r = store_config(s, &w.cfg);
	if (!r)
		r = store_conn_alloc(s, &w.alloc);
	if (r)
		return r;
	conns = calloc(BATCH, sizeof(*conns));
	if (!conns)
		return log_err(-ENOMEM, "no memory to read the flows");
	while (!r && (first || cursor < w.alloc.never_used)) {
		count = BATCH;
		r = bpf_map_lookup_batch(s->fd[MAP_CONNS], first ? NULL : &cursor, &cursor, keys,
					 conns, &count, NULL);
		if (r && r != -ENOENT)
			return log_err(r, "cannot read map %s/conns: %s", s->dir, strerror(-r));
		first = false;
		for (i = 0; i < count; i++) {
			if ((published && !conns[i].portmap) || !live(&w, keys[i], &conns[i], &original))
				continue;
			fn_r = fn(&conns[i], &original, arg);
			if (fn_r)
				return fn_r;
		}
	}
	return 0;
}
