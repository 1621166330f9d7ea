// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The end of an endpoint that is inside its namespace: device, address, default route, lo. Root inside may rename the
 * device, as container runtimes do, or move it away: it is found by its index, as the other end of the host's.
 */
#include <ctype.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/model/endpoint.h"
#include "lib/model/model.h"

/* Handed to a function that runs inside. */
struct inside {
	const struct endpoint_object *o;
	const struct ns_record *rec;
	const struct nl_link *outer;	/* the host's end */
	struct nl_link dev;		/* its peer; .ifindex 0: it is not in this namespace */
	struct endpoint_additions *additions;
	const char *missing;
};

/* Nothing leaves it, so it has no default route. */
static bool is_internal(const struct inside *in)
{
	return in->o->net->flags & NETWORK_INTERNAL;
}

static bool find_device(struct nl *nl, struct inside *in)
{
	if (!nl_link_get(nl, NULL, in->outer->peer, &in->dev) && !strcmp(in->dev.kind, "veth") &&
	    in->dev.peer == in->outer->ifindex)
		return true;
	in->dev = (struct nl_link){};
	return false;
}

static int inspect(void *arg)
{
	struct inside *in = arg;
	struct nl_link lo;
	_cleanup_nl_ struct nl nl;
	int r, ifindex;

	r = nl_open(&nl);
	if (r)
		return r;
	if (!find_device(&nl, in))
		in->missing = "its device was moved to another namespace";
	else if (memcmp(in->dev.mac, in->rec->mac, sizeof(in->dev.mac)))
		in->missing = "the MAC address of its device was changed: its packets are dropped";
	else if (!in->dev.up)
		in->missing = "its device is down";
	else if (!nl_addr_has(&nl, in->dev.ifindex, in->rec->addr))
		in->missing = "its address is gone";
	else if (!is_internal(in) && nl_route_default(&nl, &ifindex))
		in->missing = "its default route is gone";
	else if (nl_link_get(&nl, "lo", 0, &lo) || !lo.up)
		in->missing = "its lo is down";
	endpoint_find_additions(&nl, &in->dev, in->o, in->additions);
	return 0;
}

bool endpoint_is_configured(void *object, struct difference *d)
{
	struct endpoint_object *o = object;
	struct inside in = { o, o->rec, &o->dev, .additions = &o->additions };
	_cleanup_fd_ int netns = endpoint_open(o->rec);

	o->inside_name[0] = '\0';
	if (netns < 0 || netns_run(netns, inspect, &in))
		return true; /* it lives without the path that it was found at, and is not entered */
	memcpy(o->inside_name, in.dev.name, sizeof(o->inside_name));
	if (in.missing && !in.dev.ifindex) {
		d->action[0] = '\0';
		snprintf(d->fix, sizeof(d->fix), "ebpfnet %s %s", o->rec->flags & NS_MADE ? "ns del" : "detach",
			 o->name);
	}
	return holds_if(!in.missing, d, "inside namespace %s, %s", o->name, in.missing ? in.missing : "");
}

static int configure(void *arg)
{
	struct inside *in = arg;
	bool added = false;
	struct nl_link lo;
	_cleanup_nl_ struct nl nl;
	int r;

	r = nl_open(&nl);
	if (r)
		return log_err(r, "cannot open a netlink socket inside a namespace: %s", strerror(-r));
	if (!find_device(&nl, in))
		return log_err(-ENODEV, "the other end of %s is not inside its namespace", in->outer->name);
	r = nl_link_get(&nl, "lo", 0, &lo);
	if (!r && !lo.up)
		r = nl_link_up(&nl, lo.ifindex);
	if (!r && memcmp(in->dev.mac, in->rec->mac, sizeof(in->dev.mac)))
		r = nl_link_mac(&nl, in->dev.ifindex, in->rec->mac);
	if (!r && !nl_addr_has(&nl, in->dev.ifindex, in->rec->addr))
		r = nl_addr_add(&nl, in->dev.ifindex, in->rec->addr, in->o->net->subnet.prefix, RT_SCOPE_UNIVERSE);
	if (!r && !in->dev.up)
		r = nl_link_up(&nl, in->dev.ifindex);
	if (!r && !is_internal(in))
		r = nl_route_default_add(&nl, in->dev.ifindex, in->o->net->gateway, &added);
	return r ? log_err(r, "cannot set up the other end of %s inside its namespace: %s", in->outer->name,
			   nl_why(&nl, r)) : 0;
}

int endpoint_configure(void *object)
{
	struct endpoint_object *o = object;
	struct inside in = { o, o->rec, &o->dev };
	_cleanup_fd_ int netns = endpoint_open(o->rec);

	if (netns < 0)
		return log_err(netns, "cannot open namespace %s at %s: %s", o->name, o->rec->path, strerror(-netns));
	return netns_run(netns, configure, &in);
}

/* The kernel lets a name have any byte but a few: one that would disturb a terminal is not taken over. */
static bool is_printable(const char *name)
{
	while (*name && isgraph((unsigned char)*name))
		name++;
	return !*name;
}

bool endpoint_has_inside_name(void *object, struct difference *d)
{
	struct endpoint_object *o = object;

	return holds_if(!o->inside_name[0] || !is_printable(o->inside_name) ||
				!strcmp(o->inside_name, o->rec->ns_dev),
			d, "device %s of namespace %s is called %s now", o->rec->ns_dev, o->name, o->inside_name);
}

int endpoint_follow_inside_name(void *object)
{
	struct endpoint_object *o = object;

	memcpy(o->rec->ns_dev, o->inside_name, sizeof(o->rec->ns_dev));
	return endpoint_save(o);
}

/* ---- who moved a device knows where to, and the device shows whether that is true ---- */

struct search {
	const struct ns_record *rec;
	bool found;
};

static int find_moved(void *arg)
{
	_cleanup_free_ struct nl_link *all = NULL;
	struct search *s = arg;
	_cleanup_nl_ struct nl nl;
	size_t i, count = 0;
	int r;

	r = nl_open(&nl);
	if (!r)
		r = nl_link_all(&nl, &all, &count);
	for (i = 0; i < count && !r; i++)
		s->found |= !strcmp(all[i].kind, "veth") && all[i].peer_elsewhere &&
			    all[i].peer == (int)s->rec->ifindex;
	return r;
}

bool endpoint_is_inside(int netns, const struct ns_record *rec)
{
	struct search s = { .rec = rec };

	return !netns_run(netns, find_moved, &s) && s.found;
}

/* ---- the other end of a pair whose end on the host was moved away ---- */

static int remove_inside(void *arg)
{
	_cleanup_free_ struct nl_link *all = NULL;
	const struct ns_record *rec = arg;
	_cleanup_nl_ struct nl nl;
	size_t i, count;
	int r;

	r = nl_open(&nl);
	if (!r)
		r = nl_link_all(&nl, &all, &count);
	for (i = 0; !r && i < count; i++)
		if (!strcmp(all[i].kind, "veth") && !memcmp(all[i].mac, rec->mac, sizeof(rec->mac)))
			r = nl_link_del(&nl, all[i].ifindex);
	return r;
}

void endpoint_remove_inside(struct endpoint_object *o)
{
	_cleanup_fd_ int netns = endpoint_open(o->rec);

	if (netns >= 0)
		netns_run(netns, remove_inside, o->rec);
}
