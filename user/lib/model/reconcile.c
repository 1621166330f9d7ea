// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The walk over all objects of a network: what differs, and applying it. */
#include <stdio.h>
#include <string.h>

#include <ebpfnet/core/ct_share.h>
#include "lib/base/cleanup.h"
#include "lib/model/hosts.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

/* Whatever is wrong with one namespace, the others and the uplinks are repaired. */
static int walk_endpoints(struct walk *w)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	size_t i, count;
	int r;

	r = store_ns_all(&w->x->s, &all, &count);
	for (i = 0; i < count && !r; i++)
		walk_endpoint(w, &all[i]); /* logs; the record of a new one stays incomplete */
	if (!r && w->apply)
		r = store_ports_count(&w->x->s, w->x->host.net);
	return r;
}

/* Walk in the order in which a packet needs the objects. Removes leftovers of killed commands. */
static int walk_all(struct walk *w, enum network_scope scope)
{
	int r;

	r = walk_gateway(w);
	if (!r && scope != NETWORK_HOST)
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
		r = hosts_write(&w->x->s);
	return r;
}

/* A limit that is reached; whether to raise it is for the administrator. */
/* A namespace at its share is well as long as flows of its own yield. left: its share is not used up. */
#define REFUSED_LATELY_S 60

static void check_share(struct diff *out, const char *name, const char *what, uint32_t has, bool left)
{
	char fix[64];

	if (left)
		return;
	snprintf(fix, sizeof(fix), "ebpfnet set %s-per-namespace N", what);
	diff_add(out, what, fix, "namespace %s has %u %s, as many as it may have", name, has, what);
}

static int check_capacity(struct session *x, struct diff *out)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	struct conn_alloc alloc;
	struct config cfg;
	uint32_t live, udp_ports, ports;
	struct usage usage;
	size_t i, count;
	int r;

	r = store_config(&x->s, &cfg);
	if (!r)
		r = store_conn_alloc(&x->s, &alloc);
	if (!r)
		r = store_ns_all(&x->s, &all, &count);
	if (r)
		return r;
	if (alloc.live > 0 && (uint32_t)alloc.live >= cfg.max_flows)
		diff_add(out, "flows", "ebpfnet down; ebpfnet up --flows N", "the flow table is full");
	live = alloc.live > 0 ? alloc.live : 0;
	udp_ports = alloc.udp_ports > 0 ? alloc.udp_ports : 0;
	ports = cfg.port_max_h - cfg.port_min_h + 1u;
	for (i = 0; i < count; i++) {
		if (store_usage(&x->s, all[i].rec.endpoint, &usage))
			continue;
		if (!usage.searched || store_now() - usage.searched > REFUSED_LATELY_S)
			continue;
		check_share(out, all[i].name, "flows", usage.flows,
			    share_of_namespace(usage.flows, cfg.max_flows_ns, live, cfg.max_flows));
		check_share(out, all[i].name, "ports", usage.ports,
			    usage.ports < cfg.max_ports_ns && share_of_ports(usage.udp_ports, udp_ports, ports));
	}
	return 0;
}

int network_diff(struct session *x, enum network_scope scope, struct diff *out)
{
	struct walk w = { .x = x, .minor = scope == NETWORK_PLAN, .diff = out };
	int r;

	if (!store_whole(&x->s)) {
		diff_add(out, "network", "ebpfnet up", "an `ebpfnet up` or `down` was interrupted: it is incomplete");
		return 0;
	}
	r = walk_all(&w, scope);
	return r || scope != NETWORK_ALL ? r : check_capacity(x, out);
}

int network_repair(struct session *x, enum network_scope scope, struct diff *done)
{
	struct walk w = { .x = x, .apply = true, .warn = scope != NETWORK_HOST, .diff = done };

	return walk_all(&w, scope);
}
