// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/kernel/netns.h"
#include "lib/model/session.h"

/* One bpffs may be seen from several network namespaces, but its devices are in one. */
static int check_host(const struct session *x)
{
	/* an older release recorded none */
	if (!x->host.netns_cookie || x->host.netns_cookie == x->netns_cookie)
		return 0;
	return log_err(-EXDEV,
		       "%s is of a network in another network namespace; run ebpfnet there, or give this one a bpffs "
		       "of its own with --bpffs (if that namespace is gone: rm -r %s)", x->s.dir, x->s.dir);
}

int session_open(struct session *x, const char *bpffs, enum store_mode mode)
{
	int r;

	r = nl_open(&x->nl);
	if (r)
		return log_err(r, "cannot open a netlink socket: %s", strerror(-r));
	r = netns_own_cookie(&x->netns_cookie);
	if (r)
		return log_err(r, "cannot read the cookie of the network namespace: %s", strerror(-r));
	r = store_open(&x->s, bpffs, mode);
	if (!r)
		r = store_host(&x->s, &x->host);
	if (!r)
		r = store_nets(&x->s, x->nets, &x->net_count);
	return r ? r : check_host(x);
}

void session_close(struct session *x)
{
	nl_close(&x->nl);
	store_close(&x->s);
}

int session_save(struct session *x)
{
	return store_host_set(&x->s, &x->host);
}

/* ---- networks */

struct net_entry *session_net(struct session *x, uint32_t id)
{
	size_t i;

	for (i = 0; i < x->net_count; i++)
		if (x->nets[i].id == id)
			return &x->nets[i];
	return NULL;
}

struct net_entry *session_net_named(struct session *x, const char *name)
{
	size_t i;

	for (i = 0; i < x->net_count; i++)
		if (!strcmp(x->nets[i].rec.name, name))
			return &x->nets[i];
	return NULL;
}

const struct net_record *session_net_of(struct session *x, const struct ns_record *rec)
{
	static const struct net_record none;
	const struct net_entry *e = session_net(x, rec->net);

	return e ? &e->rec : &none;
}

struct net_entry *session_net_add(struct session *x, const struct net_entry *e)
{
	size_t at = x->net_count;

	if (at == EBPFNET_MAX_NETWORKS)
		return NULL;
	for (; at && x->nets[at - 1].id > e->id; at--)
		x->nets[at] = x->nets[at - 1];
	x->nets[at] = *e;
	x->net_count++;
	return &x->nets[at];
}

void session_net_drop(struct session *x, uint32_t id)
{
	struct net_entry *e = session_net(x, id), *end = &x->nets[x->net_count];

	if (!e)
		return;
	memmove(e, e + 1, (char *)end - (char *)(e + 1));
	x->net_count--;
}

bool session_is_gateway(const struct session *x, const char *dev)
{
	size_t i;

	if (x->host.made & MADE_SHAPER && (!strcmp(dev, SHAPER_DEV) || !strcmp(dev, SHAPER_PEER)))
		return true;
	for (i = 0; i < x->net_count; i++)
		if (!strcmp(dev, x->nets[i].rec.gw_dev) || !strcmp(dev, x->nets[i].rec.gw_peer))
			return true;
	return false;
}
