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
#include "lib/base/portmap_set.h"
#include "lib/base/portmap_text.h"
#include "lib/kernel/listeners.h"
#include "lib/kernel/local_ports.h"
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

const struct ns_record *endpoint_with_default(struct session *x, const struct ns_entry *all, size_t count,
					      const char *name)
{
	const struct ns_record *best = NULL;
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(all[i].name, name) && !(session_net_of(x, &all[i].rec)->flags & NETWORK_INTERNAL) &&
		    (!best || all[i].rec.order < best->order))
			best = &all[i].rec;
	return best;
}

/*
 * The port of a namespace to which mappings lead: its first one outside internal networks. Answers of another would
 * leave by the default route of this one, with a source that is not its own.
 */
static int find_endpoint(struct session *x, const char *name, struct ns_record *rec)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	const struct ns_record *best;
	size_t count;
	int r;

	r = store_ns_all(&x->s, &all, &count);
	if (r)
		return r;
	best = endpoint_with_default(x, all, count, name);
	if (best) {
		*rec = *best;
		return 0;
	}
	r = store_ns(&x->s, name, rec);
	if (r)
		return log_err(-ENOENT, "no namespace %s; `ebpfnet ns list` shows them", name);
	return log_err(-EPERM, "cannot publish for %s: network %s is internal; `ebpfnet connect %s NETWORK` puts it "
			       "into another one, too", name, session_net_of(x, rec)->name, name);
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

/* What is to be published for a client, whose own sockets do not count. */
struct publication {
	const struct portmap *list;	/* folded */
	size_t count;
	enum l4proto proto;		/* that is being looked at */
	bool is_clients;
	bool knows_sockets;
	struct client_sockets sockets;
};

static void publication_end(struct publication *p)
{
	free(p->sockets.inode);
}

static int check_listener(const struct listener *l, void *arg)
{
	struct publication *pub = arg;
	size_t i;
	int r = 0;

	for (i = 0; i < pub->count && !r; i++) {
		const struct portmap *p = &pub->list[i];

		if (p->proto != pub->proto || l->port_h < p->first_h || l->port_h > p->last_h)
			continue;
		if (pub->is_clients && !pub->knows_sockets)
			r = client_sockets_read(&pub->sockets);
		pub->knows_sockets = pub->is_clients;
		if (!r && !client_sockets_has(&pub->sockets, l->inode))
			r = check_not_bound(l, (void *)p);
	}
	return r;
}

/* The host's sockets are asked for once, for each protocol. */
static int check_sockets(struct publication *pub)
{
	static const enum l4proto protos[] = { L4_TCP, L4_UDP };
	uint64_t ports[PORT_WORDS];
	size_t i, k;
	int r = 0;

	for (k = 0; k < sizeof(protos) / sizeof(protos[0]) && !r; k++) {
		memset(ports, 0, sizeof(ports));
		pub->proto = protos[k];
		for (i = 0; i < pub->count; i++)
			if (pub->list[i].proto == pub->proto)
				port_set_add(ports, pub->list[i].first_h, pub->list[i].last_h);
		r = listeners_each_in(pub->proto, LISTENING_OR_BOUND, ports, check_listener, pub);
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

/* Leave out those that the endpoint has already. */
static void skip_same(const struct portmap_entry *all, size_t there, struct portmap *list, size_t *count)
{
	size_t i, k, n = 0;

	for (i = 0; i < *count; i++) {
		bool has = false;

		for (k = 0; k < there && !has; k++)
			has = all[k].portmap.endpoint == list[i].endpoint &&
			      portmap_set_has(&all[k].portmap, 1, &list[i]);
		if (!has)
			list[n++] = list[i];
	}
	*count = n;
}

static int write_new(struct session *x, const struct portmap *list, size_t count)
{
	uint32_t id, i;
	int r;

	r = store_new_portmaps(&x->s, count, &id);
	if (!r)
		r = store_portmaps_add(&x->s, id, list, count);
	if (r)
		return r;
	r = lo_ensure(x);
	if (r) {
		for (i = 0; i < count; i++)
			store_portmap_del(&x->s, id + i);
		lo_ensure(x);
	}
	return r;
}

int portmap_publish(struct session *x, const char *name, const struct ns_record *rec, struct portmap *list,
		    size_t *count)
{
	__attribute__((cleanup(publication_end))) struct publication pub = { .list = list,
									     .is_clients = rec->client != PLUG_USER };
	_cleanup_free_ struct portmap_entry *all = NULL;
	size_t i, there;
	int r;

	r = store_repair(&x->s);
	if (!r)
		r = store_portmaps(&x->s, &all, &there);
	if (!r)
		r = portmap_fold(list, count);
	for (i = 0; i < *count && !r; i++) {
		lead_to(&list[i], name, rec);
		if (!addr_same(list[i].addr, any))
			r = check_host_address(list[i].addr);
	}
	if (r)
		return r;
	skip_same(all, there, list, count);
	if (!*count)
		return lo_ensure(x);
	pub.count = *count;
	r = check_sockets(&pub);
	return r ? r : write_new(x, list, *count);
}

int portmap_add(struct session *x, const char *name, struct portmap *p, bool *added)
{
	struct ns_record rec;
	size_t count = 1;
	int r = 0;

	if (!addr_same(p->addr, any))
		r = check_host_address(p->addr);
	if (!r)
		r = find_endpoint(x, name, &rec);
	if (!r)
		r = check_endpoint(name, &rec);
	if (r)
		return r;
	rec.client = PLUG_USER; /* who runs the command does not reserve ports */
	r = portmap_publish(x, name, &rec, p, &count);
	*added = count;
	return r;
}

/* ---- choosing ---- */

static int take_port(const struct listener *l, void *arg)
{
	port_set_add(arg, l->port_h, l->port_h);
	return 0;
}

/* The ports that are published, bound, or to be published. */
static int ports_in_use(struct session *x, enum l4proto proto, const struct portmap *list, size_t count,
			uint64_t used[PORT_WORDS])
{
	_cleanup_free_ struct portmap_entry *all = NULL;
	uint16_t min_h, max_h;
	size_t i, there;
	int r;

	memset(used, 0, PORT_WORDS * sizeof(*used));
	r = store_portmaps(&x->s, &all, &there);
	for (i = 0; i < there && !r; i++)
		if (all[i].portmap.proto == proto)
			port_set_add(used, all[i].portmap.first_h, all[i].portmap.last_h);
	for (i = 0; i < count; i++)
		if (list[i].proto == proto && list[i].first_h)
			port_set_add(used, list[i].first_h, list[i].last_h);
	local_port_range(&min_h, &max_h);
	return r ? r : listeners_each(proto, LISTENING_OR_BOUND, min_h, max_h, take_port, used);
}

static int choose(struct session *x, const uint64_t used[PORT_WORDS], struct portmap *p)
{
	uint16_t min_h, max_h;
	uint32_t i, turns, port;

	local_port_range(&min_h, &max_h);
	turns = max_h - min_h + 1;
	for (i = 1; i <= turns; i++) {
		port = min_h + (x->host.last_chosen + i) % turns;
		if (port_set_has(used, port))
			continue;
		p->first_h = p->last_h = port;
		x->host.last_chosen = port - min_h;
		return 0;
	}
	return log_err(-EADDRNOTAVAIL, "no port of the host from %u to %u is free; name one", min_h, max_h);
}

int portmap_choose(struct session *x, struct portmap *list, size_t count)
{
	uint64_t used[PORT_WORDS];
	bool any_chosen = false;
	size_t i;
	int r = 0;

	for (i = 0; i < count && !r; i++) {
		if (list[i].first_h)
			continue;
		r = ports_in_use(x, list[i].proto, list, count, used);
		if (!r)
			r = choose(x, used, &list[i]);
		any_chosen = true;
	}
	return r || !any_chosen ? r : session_save(x);
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
