// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * How packets pass the host's own rules: the mode of the host and of each network, and what the kernel needs for any
 * but `fast`, net.ipv4.conf.UPLINK.forwarding. (That of the gateway devices is on in any mode: gateway.c.)
 *
 * With it the kernel forwards whatever an uplink receives, for strangers, too. So where it was off before, the programs
 * know (UPLINK_NO_TRANSIT) before it is switched on, and until after it is switched off again: the order is the
 * journal, map uplinks, the sysctl, and back. Whoever writes net.ipv4.ip_forward sets all devices; nothing here does.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/forwarding_text.h"
#include "lib/base/log.h"
#include "lib/model/definition.h"
#include "lib/model/device.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

/* ---- the mode ---- */

enum forwarding forwarding_of(const struct config *cfg, const struct net_record *net)
{
	if (net->flags & NETWORK_INTERNAL)
		return FORWARDING_FAST;
	return net->flags & NETWORK_OWN_FORWARDING ? net->forwarding : cfg->forwarding;
}

bool forwarding_is_needed(const struct session *x)
{
	struct config cfg;
	size_t i;

	if (store_config(&x->s, &cfg))
		return false;
	for (i = 0; i < x->net_count; i++)
		if (forwarding_of(&cfg, &x->nets[i].rec) != FORWARDING_FAST)
			return true;
	return false;
}

/* ---- an uplink ---- */

/*
 * Somebody has made the host a router since forwarding was switched on on this uplink: that set it on all devices, so
 * it is theirs now.
 */
static bool became_router(const struct uplink_record *u)
{
	return u->flags & UPLINK_SET_FORWARDING && !(u->flags & UPLINK_OF_ROUTER) && host_forwards();
}

int uplink_tell(struct session *x, const struct uplink_record *u, const struct nl_link *dev)
{
	struct uplink up = { .flags = uplink_type_flags(dev) };

	if (u->flags & UPLINK_SET_FORWARDING)
		up.flags |= UPLINK_NO_TRANSIT;
	memcpy(up.name, dev->name, sizeof(up.name));
	return store_uplink_set(&x->s, dev->ifindex, &up);
}

bool uplink_forwards(struct session *x, const struct uplink_record *u, const struct nl_link *dev, struct difference *d)
{
	bool needed = forwarding_is_needed(x), set = u->flags & UPLINK_SET_FORWARDING;
	struct uplink up;

	if (store_uplink(&x->s, dev->ifindex, &up))
		return true; /* the programs do not use it yet */
	if (!needed)
		return holds_if(!set && !(up.flags & UPLINK_NO_TRANSIT), d,
				"forwarding is still on on %s, though no network needs it", dev->name);
	if (device_forwarding(dev->name) != 1)
		return holds_if(false, d,
				"forwarding is switched off on %s: what would pass the host's rules is dropped",
				dev->name);
	if (became_router(u))
		return holds_if(false, d,
				"the host has become a router (net.ipv4.ip_forward), but what it would forward for "
				"others from %s is dropped", dev->name);
	return holds_if(set == !!(up.flags & UPLINK_NO_TRANSIT), d,
			set ? "the kernel forwards for others what %s receives" :
			      "what the host would forward for others from %s is dropped", dev->name);
}

/* It is the administrator's from now on: the journal says so first, lest it be switched off by halves. */
static int leave_to_router(struct session *x, struct uplink_record *u)
{
	u->flags &= ~UPLINK_SET_FORWARDING;
	return session_save(x);
}

int forwarding_undo(struct session *x, struct uplink_record *u, const struct nl_link *dev)
{
	struct uplink_record without = *u;
	struct uplink up;
	int r = 0;

	without.flags &= ~(UPLINK_SET_FORWARDING | UPLINK_OF_ROUTER);
	if (u->flags & UPLINK_SET_FORWARDING && dev->ifindex && !became_router(u))
		r = device_set_forwarding(dev->name, false);
	if (!r && dev->ifindex && !store_uplink(&x->s, dev->ifindex, &up) && up.flags & UPLINK_NO_TRANSIT)
		r = uplink_tell(x, &without, dev);
	if (r || without.flags == u->flags)
		return r;
	*u = without;
	return session_save(x);
}

int uplink_set_forwarding(struct session *x, struct uplink_record *u, const struct nl_link *dev)
{
	bool on = device_forwarding(dev->name) == 1;
	int r = 0;

	if (!forwarding_is_needed(x))
		return forwarding_undo(x, u, dev);
	if (became_router(u))
		r = leave_to_router(x, u);
	if (!r && !on) {
		u->flags &= ~UPLINK_OF_ROUTER;
		u->flags |= UPLINK_SET_FORWARDING | (host_forwards() ? UPLINK_OF_ROUTER : 0);
		r = session_save(x);
	}
	if (!r)
		r = uplink_tell(x, u, dev);
	return r || on ? r : device_set_forwarding(dev->name, true);
}

struct forwarding_uplink {
	struct session *x;
	struct uplink_record *u;
	struct nl_link dev;
};

static bool holds(void *object, struct difference *d)
{
	const struct forwarding_uplink *o = object;

	return uplink_forwards(o->x, o->u, &o->dev, d);
}

static int apply(void *object)
{
	struct forwarding_uplink *o = object;

	return uplink_set_forwarding(o->x, o->u, &o->dev);
}

static int walk_known_uplinks(struct walk *w)
{
	static const struct property properties[] = { { holds, apply, "set forwarding on it" }, {} };
	struct uplink_record *list = w->x->host.uplinks;
	struct forwarding_uplink o = { w->x };
	int i, r = 0;

	for (i = 0; i < EBPFNET_HOST_UPLINKS && list[i].name[0] && !r; i++) {
		o.u = &list[i];
		if (uplink_device(w->x, o.u, &o.dev) || o.u->ifindex != (uint32_t)o.dev.ifindex)
			continue;
		r = walk_object(w, o.dev.name, properties, &o);
	}
	return r;
}

int uplinks_forward(struct walk *w)
{
	return forwarding_is_needed(w->x) ? walk_known_uplinks(w) : 0;
}

/* ---- changes ---- */

/* Uplinks before the first packet that needs them, and after the last. */
int forwarding_apply(struct session *x)
{
	struct walk w = { .x = x, .apply = true };
	int r;

	r = uplinks_forward(&w);
	if (!r)
		r = gateways_serve_fib(&w);
	return r ? r : walk_known_uplinks(&w);
}

static int set_host(struct session *x, enum forwarding mode)
{
	struct config cfg;
	int r;

	r = store_config(&x->s, &cfg);
	if (r)
		return r;
	cfg.forwarding = mode;
	r = store_config_set(&x->s, &cfg);
	return r ? r : forwarding_apply(x);
}

static int set_network(struct session *x, struct net_entry *net, const struct net_record *as)
{
	int r;

	net->rec.flags = as->flags;
	net->rec.forwarding = as->forwarding;
	if (net->rec.made & NET_KEPT)
		net->rec.made |= NET_CHANGED;
	r = store_net_set(&x->s, net);
	return r ? r : forwarding_apply(x);
}

static int change_host(struct session *x, enum forwarding mode)
{
	struct config cfg;
	int r;

	r = store_config(&x->s, &cfg);
	if (r)
		return r;
	r = set_host(x, mode);
	if (r)
		set_host(x, cfg.forwarding);
	return r;
}

static int change_network(struct session *x, const char *name, const enum forwarding *mode)
{
	const struct net_entry *found;
	struct net_record before, after;
	struct net_entry *net;
	int r, kept;

	r = network_find(x, name, &found);
	if (r)
		return r;
	net = session_net(x, found->id);
	before = after = net->rec;
	if (mode && net->rec.flags & NETWORK_INTERNAL)
		return log_err(-EINVAL, "network %s is internal: nothing leaves it, so forwarding has no meaning",
			       net->rec.name);
	after.flags &= ~NETWORK_OWN_FORWARDING;
	if (mode)
		after.flags |= NETWORK_OWN_FORWARDING;
	after.forwarding = mode ? *mode : FORWARDING_FAST;
	r = set_network(x, net, &after);
	if (r)
		set_network(x, net, &before);
	kept = network_keep(x, net);
	return r ? r : kept;
}

int forwarding_set(struct session *x, const char *network, const enum forwarding *mode)
{
	return network ? change_network(x, network, mode) : change_host(x, *mode);
}
