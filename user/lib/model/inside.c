// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The end of an endpoint that is inside its namespace: device, address, default route, lo. */
#include <linux/rtnetlink.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/model/endpoint.h"
#include "lib/model/model.h"

struct inside {
	const struct host_record *host;
	const struct ns_record *rec;
	const char *missing;
};

static int inspect(void *arg)
{
	struct inside *in = arg;
	struct nl_link dev, lo;
	_cleanup_nl_ struct nl nl;
	int r, ifindex;

	r = nl_open(&nl);
	if (r)
		return r;
	if (nl_link_get(&nl, in->rec->ns_dev, 0, &dev))
		in->missing = "its device is gone";
	else if (!dev.up)
		in->missing = "its device is down";
	else if (!nl_addr_has(&nl, dev.ifindex, in->rec->addr))
		in->missing = "its address is gone";
	else if (nl_route_default(&nl, &ifindex))
		in->missing = "its default route is gone";
	else if (nl_link_get(&nl, "lo", 0, &lo) || !lo.up)
		in->missing = "its lo is down";
	return 0;
}

bool endpoint_is_configured(void *object, struct difference *d)
{
	struct endpoint_object *o = object;
	struct inside in = { &o->x->host, o->rec, NULL };
	_cleanup_fd_ int netns = -1;

	/* a process id may be another process's by now, in another namespace */
	if (endpoint_netns_is_there(o->rec))
		netns = netns_open(o->rec->path, NULL);
	if (netns >= 0)
		netns_run(netns, inspect, &in);
	return holds_if(!in.missing, d, "inside namespace %s, %s", o->name, in.missing ? in.missing : "");
}

static int configure(void *arg)
{
	const struct inside *in = arg;
	bool added = false;
	struct nl_link dev, lo;
	_cleanup_nl_ struct nl nl;
	int r;

	r = nl_open(&nl);
	if (r)
		return log_err(r, "cannot open a netlink socket inside a namespace: %s", strerror(-r));
	r = nl_link_get(&nl, in->rec->ns_dev, 0, &dev);
	if (r)
		return log_err(r, "device %s is not inside its namespace: %s; `ebpfnet ns del` and add it again",
			       in->rec->ns_dev, nl_why(&nl, r));
	r = nl_link_get(&nl, "lo", 0, &lo);
	if (!r && !lo.up)
		r = nl_link_up(&nl, lo.ifindex);
	if (!r && !nl_addr_has(&nl, dev.ifindex, in->rec->addr))
		r = nl_addr_add(&nl, dev.ifindex, in->rec->addr, in->host->prefix, RT_SCOPE_UNIVERSE);
	if (!r && !dev.up)
		r = nl_link_up(&nl, dev.ifindex);
	if (!r)
		r = nl_route_default_add(&nl, dev.ifindex, in->host->gateway, &added);
	return r ? log_err(r, "cannot set up %s inside its namespace: %s", in->rec->ns_dev, nl_why(&nl, r)) : 0;
}

int endpoint_configure(void *object)
{
	struct endpoint_object *o = object;
	struct inside in = { &o->x->host, o->rec, NULL };
	_cleanup_fd_ int netns = netns_open(o->rec->path, NULL);

	if (netns < 0)
		return log_err(netns, "cannot open namespace %s at %s: %s", o->name, o->rec->path, strerror(-netns));
	return netns_run(netns, configure, &in);
}
