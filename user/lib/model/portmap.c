// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Port mappings: ports of the host that lead into a namespace. */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/portmap_text.h"
#include "lib/kernel/listeners.h"
#include "lib/model/model.h"

static const struct ipaddr any;

static uint16_t inside_last(const struct portmap *p)
{
	return p->to_first_h + (p->last_h - p->first_h);
}

/* ---- conflicts ---- */

static int check_host_address(struct ipaddr addr)
{
	struct ifaddrs *all, *a;
	char text[ADDR_TEXT];
	bool found = false;

	addr_text(addr, text);
	if (addr_is_loopback(addr))
		return 0;
	if (getifaddrs(&all))
		return log_err(-errno, "cannot list the host's addresses: %s", strerror(errno));
	for (a = all; a && !found; a = a->ifa_next)
		found = a->ifa_addr && a->ifa_addr->sa_family == AF_INET &&
			!memcmp(&((struct sockaddr_in *)a->ifa_addr)->sin_addr, &addr, sizeof(addr));
	freeifaddrs(all);
	return found ? 0 : log_err(-EADDRNOTAVAIL, "cannot publish on %s: it is not an address of this host", text);
}

/*
 * Reject a port that a socket of the host has. One on a loopback address keeps that, unless the port is published on
 * that very address.
 */
static int check_not_bound(const struct listener *l, void *arg)
{
	const struct portmap *p = arg;
	char addr[ADDR_TEXT], comm[16] = "?";
	pid_t pid = 0;

	if (addr_is_loopback(l->addr) && !addr_same(l->addr, p->addr))
		return 0;
	if (!addr_same(p->addr, any) && !addr_same(l->addr, any) && !addr_same(l->addr, p->addr))
		return 0;
	if (l->is_ipv6 && addr_same(l->addr, any))
		snprintf(addr, sizeof(addr), "[::]");
	else
		addr_text(l->addr, addr);
	if (!l->inode) /* of which only the port is known */
		return log_err(-EADDRINUSE, "cannot publish %s %u: a socket of this host is bound to port %u; publish "
					    "another port", proto_name(p->proto), l->port_h, l->port_h);
	if (!socket_owner(l->inode, &pid, comm))
		return log_err(-EADDRINUSE,
			       "cannot publish %s %u: a socket of this host is bound to %s:%u; publish "
			       "another port",
			       proto_name(p->proto), l->port_h, addr, l->port_h);
	return log_err(-EADDRINUSE,
		       "cannot publish %s %u: %s (pid %d) of this host is bound to %s:%u; stop it or publish "
		       "another port",
		       proto_name(p->proto), l->port_h, comm, pid, addr, l->port_h);
}

/*
 * The port of a namespace to which mappings lead: its first one outside internal networks. Answers of another would
 * leave by the default route of this one, with a source that is not its own.
 */
static int find_endpoint(struct session *x, const char *name, struct ns_record *rec)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	const struct ns_record *best = NULL, *internal = NULL;
	size_t i, count;
	int r;

	r = store_ns_all(&x->s, &all, &count);
	for (i = 0; i < count && !r; i++) {
		const struct ns_record *one = &all[i].rec;

		if (strcmp(all[i].name, name))
			continue;
		if (session_net_of(x, one)->flags & NETWORK_INTERNAL)
			internal = one;
		else if (!best || one->order < best->order)
			best = one;
	}
	if (r)
		return r;
	if (!best && internal)
		return log_err(-EPERM, "cannot publish for %s: network %s is internal; `ebpfnet connect %s NETWORK` "
				       "puts it into another one, too",
			       name, session_net_of(x, internal)->name, name);
	if (!best)
		return log_err(-ENOENT, "no namespace %s; `ebpfnet ns list` shows them", name);
	*rec = *best;
	return 0;
}

static int check_endpoint(const char *name, const struct ns_record *rec)
{
	char dev[IF_NAMESIZE], remedy[REMEDY_TEXT];

	if (rec->flags & NS_PENDING)
		return log_err(-EBUSY, "namespace %s is incomplete; run `ebpfnet up` or `ebpfnet %s %s`", name,
			       rec->flags & NS_MADE ? "ns del" : "detach", name);
	if (!if_indextoname(rec->ifindex, dev))
		return log_err(-ENODEV, "namespace %s was deleted externally; run `%s`", name,
			       endpoint_remedy(name, rec, remedy));
	return 0;
}

/* ---- adding ---- */

/* The mapping of the same endpoint, protocol, address and ports; NULL: none. */
static const struct portmap_entry *find_same(const struct portmap_entry *all, size_t count, const struct portmap *p)
{
	size_t i;

	for (i = 0; i < count; i++) {
		const struct portmap *q = &all[i].portmap;

		if (q->endpoint == p->endpoint && q->proto == p->proto && addr_same(q->addr, p->addr) &&
		    q->first_h == p->first_h && q->last_h == p->last_h)
			return &all[i];
	}
	return NULL;
}

static int publish(struct session *x, const struct portmap *p)
{
	uint32_t id;
	int r;

	r = listeners_each(p->proto, LISTENING_OR_BOUND, p->first_h, p->last_h, check_not_bound, (void *)p);
	if (!r)
		r = store_new_portmap(&x->s, &id);
	if (!r)
		r = store_portmap_add(&x->s, id, p);
	if (r)
		return r;
	r = lo_ensure(x);
	if (r) {
		store_portmap_del(&x->s, id);
		lo_ensure(x);
	}
	return r;
}

/* Set the endpoint of p from its current record. */
static void lead_to(struct portmap *p, const char *name, const struct ns_record *rec)
{
	strncpy(p->name, name, sizeof(p->name) - 1);
	p->to = rec->addr;
	p->net = rec->net;
	p->endpoint = rec->endpoint;
}

int portmap_add(struct session *x, const char *name, struct portmap *p, bool *added)
{
	_cleanup_free_ struct portmap_entry *all = NULL;
	const struct portmap_entry *old;
	struct ns_record rec;
	size_t count;
	int r = 0;

	if (!addr_same(p->addr, any))
		r = check_host_address(p->addr);
	if (!r)
		r = store_repair(&x->s);
	if (!r)
		r = find_endpoint(x, name, &rec);
	if (!r)
		r = check_endpoint(name, &rec);
	if (!r)
		r = store_portmaps(&x->s, &all, &count);
	if (r)
		return r;
	lead_to(p, name, &rec);
	old = find_same(all, count, p);
	*added = !old || old->portmap.to_first_h != p->to_first_h;
	return *added ? publish(x, p) : lo_ensure(x);
}

/* ---- listeners inside ---- */

#define LOOK_AT 1000	/* sockets beside the mapped ports */

struct listening {
	const struct portmap *p;
	struct portmap_listeners *out;
	unsigned int seen;
};

static bool is_reachable(const struct listener *l, const struct portmap *p)
{
	return addr_same(l->addr, any) || addr_same(l->addr, p->to);
}

static int find_mapped(const struct listener *l, void *arg)
{
	struct listening *in = arg;

	in->out->listening = is_reachable(l, in->p);
	return in->out->listening;
}

static int find_other(const struct listener *l, void *arg)
{
	struct listening *in = arg;

	if (is_reachable(l, in->p))
		in->out->other_h = l->port_h;
	return in->out->other_h || ++in->seen == LOOK_AT;
}

static int list_listeners(void *arg)
{
	struct listening *in = arg;
	const struct portmap *p = in->p;
	int r;

	r = listeners_each(p->proto, LISTENING, p->to_first_h, inside_last(p), find_mapped, in);
	if (!r)
		r = listeners_each(p->proto, LISTENING, 1, UINT16_MAX, find_other, in);
	return r < 0 ? r : 0;
}

void portmap_listeners(struct session *x, const struct portmap *p, struct portmap_listeners *out)
{
	struct listening in = { .p = p, .out = out };
	_cleanup_fd_ int fd = -1;
	struct ns_record rec;

	*out = (struct portmap_listeners){};
	if (store_ns_in(&x->s, p->name, p->net, &rec))
		return;
	fd = endpoint_open(&rec);
	out->known = fd >= 0 && !netns_run(fd, list_listeners, &in);
}

/* ---- deleting ---- */

/* No mapping has exactly these ports. Check if they are part of a range. */
static int not_published(const struct portmap *p, const struct portmap_entry *all, size_t count)
{
	char text[PORTMAP_TEXT], whole[PORTMAP_TEXT];
	size_t i;

	portmap_format(p, text, sizeof(text));
	for (i = 0; i < count; i++) {
		const struct portmap *q = &all[i].portmap;

		if (q->endpoint == p->endpoint && q->proto == p->proto && p->first_h >= q->first_h &&
		    p->last_h <= q->last_h)
			return log_err(-ENOENT, "%s is published as %s; unexpose that as a whole", text,
				       portmap_format(q, whole, sizeof(whole)));
	}
	return log_err(-ENOENT, "%s does not publish %s; `ebpfnet exposed` lists what is published", p->name, text);
}

/* Read all mappings, to delete some of an endpoint. */
static int begin_delete(struct session *x, const char *name, struct ns_record *rec, struct portmap_entry **all,
			size_t *count)
{
	int r;

	r = store_repair(&x->s);
	if (!r)
		r = find_endpoint(x, name, rec);
	return r ? r : store_portmaps(&x->s, all, count);
}

int portmap_del(struct session *x, const char *name, struct portmap *p)
{
	_cleanup_free_ struct portmap_entry *all = NULL;
	const struct portmap_entry *e;
	struct ns_record rec;
	size_t count;
	int r;

	r = begin_delete(x, name, &rec, &all, &count);
	if (r)
		return r;
	lead_to(p, name, &rec);
	e = find_same(all, count, p);
	/* without a port inside, any matches */
	if (!e || (p->to_first_h != p->first_h && p->to_first_h != e->portmap.to_first_h))
		return not_published(p, all, count);
	*p = e->portmap;
	r = store_portmap_del(&x->s, e->id);
	return r ? r : lo_ensure(x);
}

int portmap_del_all(struct session *x, const char *name, size_t *count)
{
	_cleanup_free_ struct portmap_entry *all = NULL;
	struct ns_record rec;
	size_t i, n;
	int r;

	*count = 0;
	r = begin_delete(x, name, &rec, &all, &n);
	for (i = 0; !r && i < n; i++) {
		if (strcmp(all[i].portmap.name, name))
			continue;
		r = store_portmap_del(&x->s, all[i].id);
		++*count;
	}
	return r ? r : lo_ensure(x);
}
