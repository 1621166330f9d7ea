// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The walk over all objects of a network: what differs, and applying it. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/model/hosts.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

/* Whatever is wrong with one namespace, the others and the uplinks are repaired. */
static int walk_endpoints(struct walk *w)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	struct session *x = w->x;
	size_t i, count;
	int r;

	r = store_ns_all(&x->s, &all, &count);
	for (i = 0; i < count && !r; i++)
		walk_endpoint(w, &all[i], all, count); /* logs; the record of a new one stays incomplete */
	for (i = 0; i < x->net_count && w->apply && !r; i++)
		r = store_ports_count(&x->s, x->nets[i].id);
	return r;
}

/* Walk in the order in which a packet needs the objects. Removes leftovers of killed commands. */
static int walk_all(struct walk *w, enum network_scope scope)
{
	int r = 0;

	if (w->apply)
		r = uplinks_forward(w);
	if (!r)
		r = walk_gateways(w);
	if (!r)
		r = walk_shaper(w);
	if (!r && scope != NETWORK_HOST && scope != NETWORK_HOST_PLAN)
		r = walk_endpoints(w);
	if (!r)
		r = walk_uplinks(w);
	if (!r && w->apply && w->changed && scope == NETWORK_ALL)
		endpoints_wait_running(w->x);
	if (!r && w->apply)
		r = store_repair(&w->x->s);
	if (!r)
		r = walk_lo(w);
	if (!r && w->apply && scope == NETWORK_ALL)
		r = hosts_write(w->x);
	return r;
}

enum network_state network_state(const struct session *x)
{
	if (!x->host.abi && x->s.fd[MAP_CONFIG] < 0)
		return NETWORK_DOWN;
	return !store_whole(&x->s) || x->host.made & COMING_UP ? NETWORK_INCOMPLETE : NETWORK_UP;
}

/* Not what follows from it: a hundred lines that one command mends. */
static bool is_incomplete(struct session *x, enum network_scope scope, struct diff *out)
{
	enum network_state state = network_state(x);

	if (state == NETWORK_UP || (scope != NETWORK_ALL && store_whole(&x->s)))
		return false;
	if (state == NETWORK_DOWN)
		diff_add(out, "network", "ebpfnet up", "nothing is up");
	else if (x->host.made & GOING_DOWN)
		diff_add(out, "network", "ebpfnet down",
			 "the network is incomplete: an `ebpfnet down` is at work, or was interrupted");
	else
		diff_add(out, "network", "ebpfnet up",
			 "the network is incomplete: an `ebpfnet up` is at work, or was interrupted");
	return true;
}

int network_diff(struct session *x, enum network_scope scope, struct diff *out)
{
	struct walk w = { .x = x, .minor = scope == NETWORK_PLAN || scope == NETWORK_HOST_PLAN, .diff = out };
	int r;

	if (is_incomplete(x, scope, out))
		return 0;
	r = walk_all(&w, scope);
	return r || scope != NETWORK_ALL ? r : network_findings(x, out);
}

int network_repair(struct session *x, enum network_scope scope, struct diff *done)
{
	struct walk w = { .x = x, .apply = true, .warn = scope != NETWORK_HOST, .diff = done };

	return walk_all(&w, scope);
}
