// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Uplinks: the devices to the outside that have programs of ebpfnet.
 *
 * The programs send packets out of no other device, with the address that the device has at that moment. So addresses,
 * carriers and names may change without a command: without this file packets may be refused, but never mistranslated.
 * A device that was created again, or that a route leads to since, has no programs: `up` and `monitor --repair` attach
 * them (uplink_follow.c).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/dataplane/dataplane.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

#define GONE "uplink %s is gone: packets routed there are refused"
#define MADE_AGAIN "uplink %s was removed and made again, without programs: packets routed there are refused"
#define BRING_BACK "bring it back, then `ebpfnet up`"

/* ---- which devices ---- */

bool uplink_is_recorded(const struct host_record *host, int ifindex)
{
	int i;

	for (i = 0; i < EBPFNET_HOST_UPLINKS; i++)
		if (host->uplinks[i].ifindex == (uint32_t)ifindex)
			return true;
	return false;
}

bool uplink_is_named(const struct host_record *host, const char *name)
{
	int i;

	for (i = 0; i < EBPFNET_HOST_UPLINKS; i++)
		if (!strcmp(host->uplinks[i].name, name))
			return true;
	return false;
}

int uplink_device(struct session *x, const struct uplink_record *u, struct nl_link *out)
{
	int r;

	*out = (struct nl_link){};
	if (u->ifindex && !nl_link_get(&x->nl, NULL, u->ifindex, out))
		return 0;
	r = nl_link_get(&x->nl, u->name, 0, out);
	/* another uplink may have the name now */
	if (!r && uplink_is_recorded(&x->host, out->ifindex))
		r = -ENODEV;
	if (r)
		*out = (struct nl_link){};
	return r;
}

/* Find the named device. Logs. */
static int find_device(struct nl *nl, const char *name, struct nl_link *out)
{
	int r = nl_link_get(nl, name, 0, out);

	if (r == -ENODEV)
		return log_err(r, "uplink %s does not exist; `ip link` lists the devices there are", name);
	if (r)
		return log_err(r, "cannot read device %s: %s", name, nl_why(nl, r));
	if (uplink_type_unfit(out))
		return log_err(-EINVAL, "uplink %s %s; name another with --uplink DEV", out->name,
			       uplink_type_unfit(out));
	if (!out->up)
		return log_err(-ENETDOWN, "uplink %s is down; `ip link set %s up` first", out->name, out->name);
	return 0;
}

/* Find the record of a device, or a free one; NULL: all are in use. */
static struct uplink_record *record_of(struct session *x, int ifindex)
{
	struct nl_link dev;
	int i;

	for (i = 0; i < EBPFNET_HOST_UPLINKS; i++)
		if (!x->host.uplinks[i].name[0] ||
		    (!uplink_device(x, &x->host.uplinks[i], &dev) && dev.ifindex == ifindex))
			return &x->host.uplinks[i];
	return NULL;
}

int uplink_want(struct session *x, const char *name, uint32_t flags)
{
	struct uplink_record *u;
	struct nl_link dev;
	int r;

	r = find_device(&x->nl, name, &dev);
	if (!r && session_is_gateway(x, dev.name))
		r = log_err(-EINVAL, "%s is a network's gateway device, not an uplink; name another", dev.name);
	if (r)
		return r;
	u = record_of(x, dev.ifindex);
	if (!u)
		return log_err(-ENOSPC, "cannot add uplink %s: there are %d, the maximum", dev.name,
			       EBPFNET_HOST_UPLINKS);
	if (!u->name[0]) {
		memcpy(u->name, dev.name, sizeof(u->name));
		u->flags = flags;
	} else if (!flags) {
		u->flags &= ~UPLINK_BY_ROUTE;
	}
	return 0;
}

const char *uplinks_text(const struct host_record *host, char buf[UPLINKS_TEXT])
{
	size_t i, len = 0;

	buf[0] = '\0';
	for (i = 0; i < EBPFNET_HOST_UPLINKS && host->uplinks[i].name[0]; i++)
		len += snprintf(buf + len, UPLINKS_TEXT - len, "%s%s", i ? ", " : "", host->uplinks[i].name);
	if (!len)
		snprintf(buf, UPLINKS_TEXT, "no device yet");
	return buf;
}

/* ---- an uplink ---- */

struct uplink_object {
	struct session *x;
	struct uplink_record *u;
	struct nl_link dev;		/* .ifindex 0: there is none */
	const struct nl_ways *ways;
	const struct nl_way *way;	/* to it; NULL: none */
	bool minor;			/* UPLINK_BY_ROUTE, and no default route has come to lead to it */
};

static bool is_gone(struct session *x, const struct uplink_record *u)
{
	struct nl_link ignored;

	return uplink_device(x, u, &ignored);
}

/*
 * One that was added by a default route is not missed if there is another; one that was added by another route is not
 * needed without it.
 */
static bool is_unneeded(const struct uplink_object *o)
{
	const struct host_record *host = &o->x->host;
	int i;

	if (!(host->made & UPLINKS_FOLLOW))
		return false;
	if (o->u->flags & UPLINK_BY_ROUTE)
		return !o->way && o->ways->count < NL_WAYS;
	if (o->dev.ifindex)
		return false;
	for (i = 0; i < EBPFNET_HOST_UPLINKS && host->uplinks[i].name[0]; i++)
		if (&host->uplinks[i] != o->u && !(host->uplinks[i].flags & UPLINK_BY_ROUTE) &&
		    !is_gone(o->x, &host->uplinks[i]))
			return true;
	return o->ways->way[0].is_default;
}

/* The device of the record's ifindex is gone: its map entry and its pins are stale. */
static bool not_stale(void *object, struct difference *d)
{
	struct uplink_object *o = object;

	snprintf(d->what, sizeof(d->what), o->dev.ifindex ? MADE_AGAIN : GONE, o->u->name);
	if (!o->dev.ifindex && !is_unneeded(o))
		snprintf(d->fix, sizeof(d->fix), "%s", BRING_BACK);
	return !o->u->ifindex || o->u->ifindex == (uint32_t)o->dev.ifindex;
}

static int forget(void *object)
{
	struct uplink_object *o = object;
	const struct store *s = &o->x->s;
	struct uplink_record *u = o->u;
	int r = store_uplink_del(s, u->ifindex);

	u->ifindex = 0;
	if (!r && o->x->host.hook == HOOK_TCX)
		r = dataplane_detach(s, HOOK_TCX, uplink_egress_hook(u), 0, u->name, false);
	if (!r && o->x->host.hook == HOOK_TCX)
		r = dataplane_detach(s, HOOK_TCX, uplink_hook(u), 0, u->name, false);
	u->flags &= UPLINK_BY_ROUTE;
	return r ? r : dataplane_xdp_detach(s, u->name);
}

static bool exists(void *object, struct difference *d)
{
	const struct uplink_object *o = object;

	snprintf(d->what, sizeof(d->what), GONE, o->u->name);
	snprintf(d->fix, sizeof(d->fix), "%s", BRING_BACK);
	return o->dev.ifindex;
}

static bool fits(void *object, struct difference *d)
{
	const struct uplink_object *o = object;
	const char *unfit = uplink_type_unfit(&o->dev);

	return holds_if(!unfit, d, "uplink %s %s: packets routed there are refused", o->dev.name, unfit ? unfit : "");
}

/* Journal the device before attaching programs, so that nothing is left unrecorded if the command is killed. */
static bool claimed(void *object, struct difference *d)
{
	const struct uplink_object *o = object;

	return holds_if(o->u->ifindex == (uint32_t)o->dev.ifindex, d, MADE_AGAIN, o->dev.name);
}

static int claim(void *object)
{
	struct uplink_object *o = object;

	o->u->ifindex = o->dev.ifindex;
	o->u->flags &= UPLINK_BY_ROUTE;
	o->u->flags |= uplink_type_is_l3(&o->dev) ? UPLINK_L3 : 0;
	if (o->x->host.hook == HOOK_CLSACT && !dataplane_has_qdisc(o->dev.ifindex))
		o->u->flags |= UPLINK_MADE_QDISC;
	return session_save(o->x);
}

/* Write the map entry last: the programs use an uplink once it has both programs. */
static bool recorded(void *object, struct difference *d)
{
	const struct uplink_object *o = object;
	struct uplink ignored;

	return holds_if(!store_uplink(&o->x->s, o->dev.ifindex, &ignored), d,
			"the programs do not know uplink %s", o->dev.name);
}

static int write_record(void *object)
{
	const struct uplink_object *o = object;

	return uplink_tell(o->x, o->u, &o->dev);
}

static bool forwards(void *object, struct difference *d)
{
	const struct uplink_object *o = object;

	return uplink_forwards(o->x, o->u, &o->dev, d);
}

static int set_forwarding(void *object)
{
	struct uplink_object *o = object;

	return uplink_set_forwarding(o->x, o->u, &o->dev);
}

static bool has_name(void *object, struct difference *d)
{
	const struct uplink_object *o = object;

	return holds_if(!strcmp(o->u->name, o->dev.name), d, "uplink %s is called %s now", o->u->name, o->dev.name);
}

/* The programs stay attached. */
static int rename_pins(void *object)
{
	struct uplink_object *o = object;
	const struct store *s = &o->x->s;
	int r;

	r = dataplane_rename(s, uplink_egress_hook(o->u), o->u->name, o->dev.name);
	if (!r)
		r = dataplane_rename(s, uplink_hook(o->u), o->u->name, o->dev.name);
	if (!r)
		r = dataplane_rename(s, HOOK_UPLINK_XDP, o->u->name, o->dev.name);
	memcpy(o->u->name, o->dev.name, sizeof(o->u->name));
	return r ? r : write_record(o);
}

static bool out_hooked(void *object, struct difference *d)
{
	struct uplink_object *o = object;

	return hook_holds(o->x, uplink_egress_hook(o->u), &o->dev, o->u->name, d);
}

static bool in_hooked(void *object, struct difference *d)
{
	struct uplink_object *o = object;

	return hook_holds(o->x, uplink_hook(o->u), &o->dev, o->u->name, d);
}

static int hook(struct uplink_object *o, enum hook which)
{
	int r = o->u->flags & UPLINK_L3 ? dataplane_load_l3(&o->x->s) : 0;

	return r ? r : dataplane_attach(&o->x->s, o->x->host.hook, which, o->dev.ifindex, o->dev.name);
}

static int hook_out(void *object)
{
	struct uplink_object *o = object;

	return hook(o, uplink_egress_hook(o->u));
}

static int hook_in(void *object)
{
	struct uplink_object *o = object;

	return hook(o, uplink_hook(o->u));
}

/* ---- the XDP prefilter, attached last: it is optional ---- */

/*
 * A device may strip the VLAN tag from a frame before XDP sees it. The prefilter would then treat a frame of another
 * VLAN as one for this host.
 */
static const char *vlan_of(struct nl *nl, const struct nl_link *dev, char vlan[EBPFNET_NAME_LEN])
{
	struct nl_link found;

	if (nl_link_vlan(nl, dev->ifindex, &found))
		return NULL;
	snprintf(vlan, EBPFNET_NAME_LEN, "%s", found.name);
	return vlan;
}

const char *xdp_mode_text(uint32_t modes)
{
	return modes == XDP_MODE_ANY ? "any" : modes == XDP_MODE_NATIVE ? "native" : modes ? "generic" : "off";
}

/* XDP programs get Ethernet frames. Floods that they are for come from the internet, not from a bridge of the host. */
static uint32_t xdp_modes(const struct uplink_object *o)
{
	return o->u->flags & UPLINK_L3 || o->minor ? 0 : o->x->host.made & XDP_MODE_ANY;
}

/* If another program or a VLAN prevents the prefilter, `up` cannot attach it: leave d->action empty. */
static bool prefiltered(void *object, struct difference *d)
{
	const struct uplink_object *o = object;
	uint32_t configured = xdp_modes(o);
	const char *dev = o->dev.name, *vlan;
	char name[EBPFNET_NAME_LEN];
	struct xdp_state xdp;

	dataplane_xdp_state(&o->x->s, o->dev.ifindex, o->u->name, &xdp);
	vlan = configured ? vlan_of(&o->x->nl, &o->dev, name) : NULL;
	if (xdp.how && (vlan || !(xdp.how & configured))) {
		snprintf(d->what, sizeof(d->what), "the XDP prefilter of %s is not as it should be: %s%s", dev,
			 vlan ? "it may not see the tags of " : xdp_mode_text(xdp.how), vlan ? vlan : "");
		return false;
	}
	if (!configured || xdp.how)
		return true;
	snprintf(d->what, sizeof(d->what), "the XDP prefilter is missing from %s", dev);
	if (!vlan && !xdp.other[0])
		return false;
	d->action[0] = '\0';
	if (vlan) {
		snprintf(d->what, sizeof(d->what),
			 "no XDP prefilter on %s: it has a VLAN (%s), and XDP may miss the VLAN tag", dev, vlan);
		snprintf(d->fix, sizeof(d->fix), "ebpfnet up --xdp off");
	} else {
		snprintf(d->what, sizeof(d->what),
			 "no XDP prefilter on %s: another owner's XDP program (%s) is there, and a device has one", dev,
			 xdp.other);
		snprintf(d->fix, sizeof(d->fix), "ip link set dev %s xdp off; ebpfnet up", dev);
	}
	return false;
}

static int prefilter(void *object)
{
	struct uplink_object *o = object;
	uint32_t modes = xdp_modes(o);
	char vlan[EBPFNET_NAME_LEN];
	int r;

	if (!modes || vlan_of(&o->x->nl, &o->dev, vlan))
		return dataplane_xdp_detach(&o->x->s, o->dev.name);
	r = dataplane_load_xdp(&o->x->s);
	if (!r)
		dataplane_xdp_attach(&o->x->s, modes, o->dev.ifindex, o->dev.name);
	return r;
}

/* ---- for the administrator: of a minor uplink, as docker0 without containers, nothing ---- */

static bool is_up(void *object, struct difference *d)
{
	const struct uplink_object *o = object;

	snprintf(d->what, sizeof(d->what), "uplink %s is down", o->dev.name);
	snprintf(d->fix, sizeof(d->fix), "ip link set %s up", o->dev.name);
	return o->dev.up || o->minor;
}

static bool has_carrier(void *object, struct difference *d)
{
	const struct uplink_object *o = object;

	return holds_if(!o->dev.up || o->dev.carrier || o->minor, d,
			"uplink %s has no carrier: its cable or its other end is down", o->dev.name);
}

static bool has_address(void *object, struct difference *d)
{
	const struct uplink_object *o = object;
	struct ipaddr ignored;

	return holds_if(!o->dev.up || o->minor || uplink_address(o->dev.name, &ignored), d,
			"uplink %s has no IPv4 address to masquerade as", o->dev.name);
}

static const struct property uplink_properties[] = {
	{ not_stale, forget, "forget the old device", .stops = true },
	{ exists, .stops = true },
	{ fits, .stops = true },
	{ has_name, rename_pins, "follow its new name", .minor = true },
	{ claimed, claim, "enter it in the journal", .stops = true },
	{ out_hooked, hook_out, "attach the egress program" },
	{ in_hooked, hook_in, "attach the ingress program" },
	{ recorded, write_record, "enter it in the maps" },
	{ forwards, set_forwarding, "set forwarding on it" },
	{ prefiltered, prefilter, "set the XDP prefilter" },
	{ is_up },
	{ has_carrier },
	{ has_address },
	{},
};

/* Detaches the programs if they are attached; the record stays. */
int uplink_remove(struct session *x, struct uplink_record *u)
{
	enum hook_kind kind = x->host.hook;
	struct nl_link dev = {};
	int r;

	if (!u->ifindex)
		return 0;
	nl_link_get(&x->nl, NULL, u->ifindex, &dev);
	r = forwarding_undo(x, u, &dev);
	if (!r)
		r = dataplane_xdp_detach(&x->s, u->name);
	if (!r)
		r = store_uplink_del(&x->s, u->ifindex);
	if (r)
		return r;
	if (kind == HOOK_CLSACT && !dev.ifindex)
		return 0;
	r = dataplane_detach(&x->s, kind, uplink_egress_hook(u), dev.ifindex, u->name, false);
	return r ? r : dataplane_detach(&x->s, kind, uplink_hook(u), dev.ifindex, u->name,
					u->flags & UPLINK_MADE_QDISC);
}

/* ---- uplinks that are not needed any more ---- */

static bool is_needed(void *object, struct difference *d)
{
	const struct uplink_object *o = object;

	if (o->dev.ifindex)
		return holds_if(false, d, "no route leads to uplink %s any more", o->u->name);
	return holds_if(false, d, GONE, o->u->name);
}

static int give_up(void *object)
{
	struct uplink_object *o = object;

	return uplink_remove(o->x, o->u);
}

static void drop_record(struct host_record *host, int i)
{
	struct uplink_record *u = host->uplinks;

	memmove(&u[i], &u[i + 1], (EBPFNET_HOST_UPLINKS - i - 1) * sizeof(*u));
	memset(&u[EBPFNET_HOST_UPLINKS - 1], 0, sizeof(*u));
}

int uplink_make_room(struct session *x)
{
	int i, r;

	for (i = EBPFNET_HOST_UPLINKS - 1; i >= 0; i--) {
		if (!(x->host.uplinks[i].flags & UPLINK_BY_ROUTE))
			continue;
		r = uplink_remove(x, &x->host.uplinks[i]);
		if (!r)
			drop_record(&x->host, i);
		return r;
	}
	return 0;
}

/* ---- all ---- */

/* Find the device of a record, and the way that leads there. Logs. */
static int find_way(struct uplink_object *o)
{
	int r = uplink_device(o->x, o->u, &o->dev);

	if (r && r != -ENODEV)
		return log_err(r, "cannot read device %s: %s", o->u->name, nl_why(&o->x->nl, r));
	o->way = o->dev.ifindex ? nl_way_to(o->ways, o->dev.ifindex) : NULL;
	o->minor = o->u->flags & UPLINK_BY_ROUTE && !(o->way && o->way->is_default);
	return 0;
}

static int walk_unneeded(struct walk *w, struct uplink_object *o)
{
	static const struct property missed[] = { { is_needed, give_up, "forget it" }, {} };
	static const struct property minor[] = { { is_needed, give_up, "forget it", .minor = true }, {} };
	struct host_record *host = &w->x->host;
	char name[48];
	int i, r = 0;

	for (i = 0; i < EBPFNET_HOST_UPLINKS && host->uplinks[i].name[0] && !r; i++) {
		o->u = &host->uplinks[i];
		r = find_way(o);
		if (r || !is_unneeded(o))
			continue;
		snprintf(name, sizeof(name), "uplink %s", o->u->name);
		r = walk_object(w, name, o->minor ? minor : missed, o);
		if (!r && w->apply)
			drop_record(host, i--);
	}
	return r;
}

static int walk_needed(struct walk *w, struct uplink_object *o)
{
	struct host_record *host = &w->x->host;
	char name[48];
	int i, r = 0;

	for (i = 0; i < EBPFNET_HOST_UPLINKS && host->uplinks[i].name[0] && !r; i++) {
		o->u = &host->uplinks[i];
		r = find_way(o);
		if (r || is_unneeded(o))
			continue;
		if (w->apply && !o->minor)
			o->u->flags &= ~UPLINK_BY_ROUTE;
		snprintf(name, sizeof(name), "uplink %s", o->u->name);
		r = walk_object(w, name, uplink_properties, o);
		if (o->minor) /* logged: the others do not wait for it */
			r = 0;
	}
	return r;
}

int walk_uplinks(struct walk *w)
{
	struct nl_ways ways;
	struct uplink_object o = { .x = w->x, .ways = &ways };
	int r;

	r = routes_read(w->x, &ways);
	if (!r)
		r = walk_unneeded(w, &o);
	if (!r)
		r = walk_ways(w, &ways);
	if (!r)
		r = walk_needed(w, &o);
	return r || !w->apply ? r : session_save(w->x);
}
