// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Which devices become uplinks, unless `up` names them: those that the host's routes lead to, of whichever table. So a
 * namespace reaches what the host reaches, and a published port answers wherever the host has an address. To any other
 * device no packet of a namespace leaves: it is refused by an ICMP error (egress_unmanaged).
 *
 * Where most packets go, by the default route with the lowest metric, a device that cannot be an uplink is a problem;
 * elsewhere it is left alone, as are devices of a VRF, whose routes do not hold for the networks.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

/* A device that routes lead to. */
struct way {
	struct session *x;
	struct nl_link dev;
	bool is_default;		/* a default route does */
	bool best;			/* the one with the lowest metric: most packets take it */
};

int routes_read(struct session *x, struct nl_ways *out)
{
	int r = nl_route_ways(&x->nl, out);

	return r ? log_err(r, "cannot read the routing table: %s", nl_why(&x->nl, r)) : 0;
}

/* ---- properties of a device that is no uplink ---- */

static bool is_usable(void *object, struct difference *d)
{
	const struct way *o = object;
	const char *unfit = uplink_type_unfit(&o->dev);

	return holds_if(!unfit || !o->best, d,
			"the default route leads through %s, which %s: packets routed there are refused", o->dev.name,
			unfit ? unfit : "");
}

static bool leads_out(void *object, struct difference *d)
{
	const struct way *o = object;

	return holds_if(!o->best, d, "the default route leads through %s, into the network: nothing leaves it",
			o->dev.name);
}

/* Of the default routes only the best matters where the administrator has chosen. */
static bool is_chosen(void *object, struct difference *d)
{
	const struct way *o = object;

	if (!o->best)
		return true;
	snprintf(d->fix, sizeof(d->fix), "ebpfnet up --uplink %s", o->dev.name);
	return holds_if(false, d, "the default route leads through %s, which has no programs: packets routed there "
				  "are refused", o->dev.name);
}

static bool is_full(const struct host_record *host)
{
	return host->uplinks[EBPFNET_HOST_UPLINKS - 1].name[0];
}

/* The default route's device takes the place of another one's. */
static bool has_room(void *object, struct difference *d)
{
	const struct way *o = object;

	snprintf(d->fix, sizeof(d->fix), "ebpfnet down; ebpfnet up --uplink DEV, for those that matter");
	return holds_if(o->is_default || !is_full(&o->x->host), d,
			"the host's routes lead to more than %d devices: packets that are routed to %s, or further "
			"ones, are refused", EBPFNET_HOST_UPLINKS, o->dev.name);
}

static bool is_uplink(void *object, struct difference *d)
{
	const struct way *o = object;

	return holds_if(false, d, "%s through %s, which has no programs: packets routed there are refused",
			o->is_default ? "the default route leads" : "routes lead", o->dev.name);
}

static int adopt(void *object)
{
	struct way *o = object;
	int r = is_full(&o->x->host) ? uplink_make_room(o->x) : 0;

	return r ? r : uplink_want(o->x, o->dev.name, o->is_default ? 0 : UPLINK_BY_ROUTE);
}

/* ---- the walk ---- */

/* Offline, or before DHCP: packets to the outside get an ICMP error, net unreachable. */
static bool is_online(void *object, struct difference *d)
{
	const struct walk *w = object;

	if (!w->x->host.uplinks[0].name[0])
		snprintf(d->fix, sizeof(d->fix), "ebpfnet up, once there is one (ebpfnet monitor --repair does it)");
	return holds_if(false, d, "the host has no default route: packets that have no other are refused");
}

static int walk_offline(struct walk *w)
{
	static const struct property properties[] = { { is_online, .stops = true }, {} };

	return walk_object(w, "default route", properties, w);
}

static bool matters(const struct way *o)
{
	return o->best || uplink_type_followed(&o->dev);
}

static const struct property *properties_of(const struct way *o)
{
	static const struct property followed[] = { { is_usable, .stops = true },
						    { has_room, .stops = true },
						    { is_uplink, adopt, "make it an uplink" },
						    {} };
	static const struct property named[] = { { is_usable, .stops = true }, { is_chosen }, {} };
	static const struct property inward[] = { { leads_out }, {} };

	if (session_is_gateway(o->x, o->dev.name))
		return inward;
	return o->x->host.made & UPLINKS_FOLLOW ? followed : named;
}

int walk_ways(struct walk *w, const struct nl_ways *ways)
{
	const struct host_record *host = &w->x->host;
	bool follow = host->made & UPLINKS_FOLLOW, full = false;
	struct way o = { w->x };
	size_t i;
	int r = 0;

	if (!ways->way[0].is_default && follow)
		r = walk_offline(w);
	for (i = 0; i < ways->count && !full && !r; i++) {
		o.is_default = ways->way[i].is_default;
		o.best = o.is_default && i == 0;
		if (!o.best && !follow)
			break;
		if (uplink_is_recorded(host, ways->way[i].ifindex) ||
		    nl_link_get(&w->x->nl, NULL, ways->way[i].ifindex, &o.dev) ||
		    uplink_is_named(host, o.dev.name) || !matters(&o))
			continue;
		full = follow && is_full(host) && !o.is_default; /* said once */
		r = walk_object(w, o.dev.name, properties_of(&o), &o);
		if (!o.is_default) /* logged: it went away just now, and the others do not wait for it */
			r = 0;
	}
	return r;
}

int uplinks_follow(struct session *x)
{
	struct walk w = { .x = x, .apply = true };
	struct nl_ways ways;
	int r;

	x->host.made |= UPLINKS_FOLLOW;
	r = routes_read(x, &ways);
	return r ? r : walk_ways(&w, &ways);
}
