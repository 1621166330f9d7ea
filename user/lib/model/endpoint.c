// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* An endpoint: a network namespace, its veth pair, its port of the switch, its addresses and names. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/dataplane/dataplane.h"
#include "lib/model/device.h"
#include "lib/model/hosts.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

#define RUNNING_WAIT_MS 1000
#define RUNNING_POLL_MS 2

struct endpoint_object {
	struct session *x;
	const char *name;
	struct ns_record *rec;
	struct nl_link dev;		/* the host's end */
};

static bool is_recorded_netns(const struct ns_record *rec)
{
	struct netns_id id;

	return rec->netns_ino && !netns_stat(rec->path, &id) &&
	       netns_is(&id, rec->netns_dev, rec->netns_ino);
}

static int save(struct endpoint_object *o)
{
	return store_ns_set(&o->x->s, o->name, o->rec);
}

/* ---- the namespace ---- */

static int get_dev(struct endpoint_object *o)
{
	uint8_t mac[6];

	addr_host_mac(o->rec->addr, mac);
	return device_get(&o->x->nl, o->rec->host_dev, mac, &o->dev);
}

/* A path under /proc vanishes with its process. The namespace may outlive it: its device proves that. */
static bool is_by_pid(const struct ns_record *rec)
{
	return !strncmp(rec->path, "/proc/", 6);
}

static bool is_known_by_device(struct endpoint_object *o)
{
	return is_by_pid(o->rec) && o->rec->ifindex && !get_dev(o);
}

/* A namespace that lost its name exists, without a network, while processes are in it. */
static bool has_netns(void *object, struct difference *d)
{
	struct endpoint_object *o = object;
	bool made = o->rec->flags & NS_MADE, there = !netns_stat(o->rec->path, &(struct netns_id){});

	if (is_recorded_netns(o->rec) || is_known_by_device(o))
		return true;
	snprintf(d->what, sizeof(d->what),
		 there ? "namespace %s was replaced by another one of that name" :
			 "namespace %s was deleted externally",
		 o->name);
	/* .apply creates it, creates it again if its name is free, or attaches the one of that name */
	if (!o->rec->netns_ino || (made && !there) || (!made && there && !is_by_pid(o->rec)))
		return false;
	snprintf(d->fix, sizeof(d->fix), "ebpfnet %s %s", made ? "ns del" : "detach", o->name);
	d->action[0] = '\0';
	return false;
}

static int forget_port(struct endpoint_object *o)
{
	const struct store *s = &o->x->s;
	/* a record without an endpoint id has no port mappings: looking for them would read the whole map */
	int r = o->rec->endpoint ? store_portmaps_del(s, o->rec->endpoint) : 0;

	if (!r)
		r = store_port_del(s, o->rec->ifindex);
	if (!r && o->x->host.hook == HOOK_TCX)
		r = dataplane_detach(s, HOOK_TCX, HOOK_PORT, 0, o->rec->host_dev, false);
	o->rec->ifindex = 0;
	return r;
}

/* Removing one end of the pair removes both. */
static int remove_pair(struct endpoint_object *o)
{
	int r = get_dev(o);

	if (r)
		return 0;
	r = nl_link_del(&o->x->nl, o->dev.ifindex);
	return r && r != -ENODEV ? log_err(r, "cannot remove device %s: %s", o->dev.name, nl_why(&o->x->nl, r)) : 0;
}

static int make_netns(void *object)
{
	struct endpoint_object *o = object;
	struct netns_id id;
	int r = 0;

	if (o->rec->flags & NS_MADE) {
		r = forget_port(o);
		if (!r)
			r = remove_pair(o);
		if (!r)
			r = netns_remove(o->name);
		if (!r)
			r = netns_make(o->name);
		if (r)
			return r;
	}
	r = netns_stat(o->rec->path, &id);
	if (r)
		return log_err(r, "cannot open namespace %s at %s: %s", o->name, o->rec->path, strerror(-r));
	o->rec->netns_dev = id.dev;
	o->rec->netns_ino = id.ino;
	o->rec->flags |= NS_PENDING;
	return save(o);
}

/* ---- the pair of devices ---- */

static bool has_pair(void *object, struct difference *d)
{
	struct endpoint_object *o = object;
	int r = get_dev(o);

	return holds_if(!r, d,
			r == -EEXIST ? "device %s, needed for namespace %s, was not made by ebpfnet" :
				       "device %s of namespace %s is gone",
			o->rec->host_dev, o->name);
}

/* Reuse a pair that a killed command left. */
static int make_pair(void *object)
{
	struct endpoint_object *o = object;
	struct nl_veth v = { .name = o->rec->host_dev, .peer = o->rec->ns_dev };
	_cleanup_fd_ int netns = netns_open(o->rec->path, NULL);
	struct nl *nl = &o->x->nl;
	struct nl_link gw;
	int r;

	if (netns < 0)
		return log_err(netns, "cannot open namespace %s at %s: %s", o->name, o->rec->path, strerror(-netns));
	r = get_dev(o);
	if (r != -ENODEV)
		return device_error(nl, v.name, r);
	r = nl_link_get(nl, o->x->host.gw_dev, 0, &gw);
	if (r)
		return log_err(r, "gateway device %s is gone; `ebpfnet up` makes it again", o->x->host.gw_dev);
	v.mtu = gw.mtu;
	v.peer_netns = netns;
	addr_host_mac(o->rec->addr, v.mac);
	memcpy(v.peer_mac, o->rec->mac, sizeof(v.peer_mac));
	r = nl_veth_add(nl, &v);
	if (r)
		return log_err(r, "cannot make the devices %s and %s: %s", v.name, v.peer, nl_why(nl, r));
	r = get_dev(o);
	return r ? device_error(nl, v.name, r) : 0;
}

static bool without_ipv6(void *object, struct difference *d)
{
	struct endpoint_object *o = object;

	return holds_if(!device_has_ipv6(o->dev.name), d, "IPv6 is switched on on %s", o->dev.name);
}

static int disable_ipv6(void *object)
{
	struct endpoint_object *o = object;

	return device_no_ipv6(o->dev.name);
}

/* ---- the port of the switch ---- */

static bool hooked(void *object, struct difference *d)
{
	struct endpoint_object *o = object;

	return hook_holds(o->x, HOOK_PORT, &o->dev, o->dev.name, d);
}

static int hook(void *object)
{
	struct endpoint_object *o = object;

	return dataplane_attach(&o->x->s, o->x->host.hook, HOOK_PORT, o->dev.ifindex, o->dev.name);
}

static bool is_port(void *object, struct difference *d)
{
	struct endpoint_object *o = object;

	return holds_if(o->rec->ifindex == (uint32_t)o->dev.ifindex && o->rec->endpoint &&
				!(o->rec->flags & NS_PENDING),
			d, "the programs do not know device %s of namespace %s", o->dev.name, o->name);
}

static int add_port(void *object)
{
	struct endpoint_object *o = object;
	const struct store *s = &o->x->s;
	struct port p = { .addr = o->rec->addr, .net = o->rec->net, .flags = o->rec->port_flags,
			  .number = o->rec->number };
	bool had_endpoint = o->rec->endpoint;
	int r = 0;

	if (o->rec->ifindex && o->rec->ifindex != (uint32_t)o->dev.ifindex)
		r = store_port_del(s, o->rec->ifindex);
	/* a new device gets a new endpoint id, which ends flows to the old one; port mappings stay */
	if (!r)
		r = store_new_endpoint(s, &o->rec->endpoint);
	if (!r && had_endpoint)
		r = store_portmaps_move(s, o->name, o->rec->endpoint);
	if (r)
		return r;
	o->rec->ifindex = o->dev.ifindex;
	r = save(o);
	if (r)
		return r;
	p.endpoint = o->rec->endpoint;
	snprintf(p.name, sizeof(p.name), "%s", o->name);
	memcpy(p.mac, o->rec->mac, sizeof(p.mac));
	return store_port_set(s, o->dev.ifindex, &p);
}

static bool is_up(void *object, struct difference *d)
{
	struct endpoint_object *o = object;

	return holds_if(o->dev.up, d, "device %s of namespace %s is down", o->dev.name, o->name);
}

static int set_up(void *object)
{
	struct endpoint_object *o = object;

	return device_up(&o->x->nl, &o->dev);
}

/* ---- inside the namespace: lo, device, address, default route ---- */

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

static bool configured(void *object, struct difference *d)
{
	struct endpoint_object *o = object;
	struct inside in = { &o->x->host, o->rec, NULL };
	_cleanup_fd_ int netns = -1;

	/* a process id may be another process's by now, in another namespace */
	if (is_recorded_netns(o->rec))
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

static int configure_netns(void *object)
{
	struct endpoint_object *o = object;
	struct inside in = { &o->x->host, o->rec, NULL };
	_cleanup_fd_ int netns = netns_open(o->rec->path, NULL);

	if (netns < 0)
		return log_err(netns, "cannot open namespace %s at %s: %s", o->name, o->rec->path, strerror(-netns));
	return netns_run(netns, configure, &in);
}

/* ---- hosts file, completion ---- */

/* Names of other endpoints resolve inside a namespace that has a name under /run/netns. */
static bool has_hosts(void *object, struct difference *d)
{
	struct endpoint_object *o = object;

	snprintf(d->what, sizeof(d->what), "the hosts file of namespace %s is gone", o->name);
	if (strncmp(o->rec->path, NETNS_DIR, strlen(NETNS_DIR)))
		return true;
	return o->rec->flags & NS_HOSTS_LINK ? hosts_is_linked(o->name) : !(o->rec->flags & NS_PENDING);
}

static int link_hosts(void *object)
{
	struct endpoint_object *o = object;
	int r = 0;

	if (!(o->rec->flags & NS_HOSTS_LINK)) {
		hosts_plan(o->name, &o->rec->flags);
		r = save(o);
	}
	return r ? r : hosts_link(o->name, o->rec->flags);
}

static bool is_complete(void *object, struct difference *d)
{
	struct endpoint_object *o = object;

	return holds_if(!(o->rec->flags & NS_PENDING), d, "namespace %s is incomplete", o->name);
}

/* The properties that follow complete it. */
static int go_on(void *object)
{
	return 0;
}

static int complete(void *object)
{
	struct endpoint_object *o = object;

	o->rec->flags &= ~NS_PENDING;
	return save(o);
}

static const struct property properties[] = {
	{ is_complete, go_on, "finish it", .stops = true },
	{ has_netns, make_netns, "make the namespace", .stops = true },
	{ has_pair, make_pair, "make its pair of devices", .stops = true },
	{ without_ipv6, disable_ipv6, "switch IPv6 off on the host's end" },
	{ hooked, hook, "attach the port program" },
	{ is_port, add_port, "enter its port in the maps" },
	{ is_up, set_up, "set the host's end up" },
	{ configured, configure_netns, "set up device, address and default route inside" },
	{ has_hosts, link_hosts, "link its hosts file" },
	{ is_complete, complete, "say so in the journal" },
	{},
};

int walk_endpoint(struct walk *w, struct ns_entry *e)
{
	struct endpoint_object o = { .x = w->x, .name = e->name, .rec = &e->rec };
	char name[48];

	snprintf(name, sizeof(name), "namespace %s", e->name);
	return walk_object(w, name, properties, &o);
}

const char *endpoint_state(const struct ns_record *rec)
{
	char dev[IF_NAMESIZE];

	if (rec->flags & NS_PENDING)
		return "incomplete";
	return is_recorded_netns(rec) || (is_by_pid(rec) && if_indextoname(rec->ifindex, dev)) ? "up" : "gone";
}

/*
 * Of a pair, the end that is set up last works at once. The other end then gets its carrier, but drops packets until
 * a worker of the kernel (net/core/link_watch.c) activates its queue a moment later.
 */
static void wait_running(struct session *x, const struct ns_record *rec, int *waited)
{
	const struct timespec poll = { .tv_nsec = RUNNING_POLL_MS * 1000000 };
	struct nl_link dev;

	for (; *waited < RUNNING_WAIT_MS; *waited += RUNNING_POLL_MS) {
		if (nl_link_get(&x->nl, rec->host_dev, 0, &dev) || dev.running)
			return;
		nanosleep(&poll, NULL);
	}
}

void endpoints_wait_running(struct session *x)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	size_t i, count;
	int waited = 0;

	if (store_ns_all(&x->s, &all, &count))
		return;
	for (i = 0; i < count; i++)
		wait_running(x, &all[i].rec, &waited);
}

/* ---- adding and removing ---- */

static bool is_own_netns(const struct netns_id *id)
{
	struct netns_id own;

	return !netns_stat("/proc/self/ns/net", &own) && netns_is(&own, id->dev, id->ino);
}

static int check_new(struct session *x, const struct endpoint_spec *spec)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	struct netns_id id;
	size_t i, count;
	int r;

	r = store_ns_all(&x->s, &all, &count);
	for (i = 0; i < count && !r; i++)
		if (!strcmp(all[i].name, spec->name))
			return log_err(-EEXIST, "namespace %s is attached already; choose another name", spec->name);
	if (r)
		return r;
	if (!spec->path)
		return endpoint_check_free(spec->name);
	r = netns_stat(spec->path, &id);
	if (r)
		return log_err(r, "cannot attach %s: %s is not a network namespace", spec->name, spec->path);
	if (is_own_netns(&id))
		return log_err(-EINVAL, "cannot attach %s: that is the host's own network namespace", spec->path);
	for (i = 0; i < count; i++)
		if (netns_is(&id, all[i].rec.netns_dev, all[i].rec.netns_ino))
			return log_err(-EEXIST, "cannot attach %s: it is attached already, as %s", spec->path,
				       all[i].name);
	return 0;
}

int endpoint_add(struct session *x, const struct endpoint_spec *spec, struct ns_record *out)
{
	_cleanup_ipam_ struct ipam used = {};
	struct walk w = { .x = x, .apply = true, .warn = true };
	struct ns_entry e = {};
	int r, waited = 0;

	r = endpoint_check_name(spec->name);
	if (!r)
		r = check_new(x, spec);
	if (!r)
		r = ipam_read(x, &used);
	if (!r)
		r = ipam_reserve(x, &used, spec, 0, &e.rec);
	if (!r)
		r = store_ns_set(&x->s, spec->name, &e.rec);
	if (r)
		return r;
	memcpy(e.name, spec->name, sizeof(e.name));
	r = walk_endpoint(&w, &e);
	if (!r)
		r = store_ports_count(&x->s, x->host.net);
	if (!r)
		wait_running(x, &e.rec, &waited);
	if (!r)
		r = hosts_write(&x->s);
	if (r) {
		endpoint_remove(x, e.name, &e.rec);
		hosts_write(&x->s);
		return r;
	}
	*out = e.rec;
	return 0;
}

/* Remove only the namespace that ebpfnet made, or one that a killed command left incomplete. */
static int remove_netns(struct endpoint_object *o)
{
	if (!(o->rec->flags & NS_MADE))
		return 0;
	if (o->rec->netns_ino && !netns_stat(o->rec->path, &(struct netns_id){}) && !is_recorded_netns(o->rec)) {
		log_warn("namespace %s is another one than ebpfnet made, so it stays", o->name);
		return 0;
	}
	return netns_remove(o->name);
}

int endpoint_remove(struct session *x, const char *name, struct ns_record *rec)
{
	struct endpoint_object o = { .x = x, .name = name, .rec = rec };
	int r;

	rec->flags |= NS_PENDING;
	r = save(&o);
	if (!r)
		r = forget_port(&o);
	if (!r)
		r = remove_pair(&o);
	if (!r)
		r = remove_netns(&o);
	if (r)
		return r;
	hosts_unlink(name, rec->flags);
	return store_ns_del(&x->s, name);
}

int endpoint_del(struct session *x, const char *name, bool made)
{
	struct ns_record rec;
	int r;

	r = store_ns(&x->s, name, &rec);
	if (r)
		return log_err(r, "no namespace %s; `ebpfnet ns list` shows them", name);
	if (made && !(rec.flags & NS_MADE))
		return log_err(-EINVAL,
			       "namespace %s was attached, not made; `ebpfnet detach %s` detaches it and "
			       "leaves it",
			       name, name);
	if (!made && rec.flags & NS_MADE)
		return log_err(-EINVAL,
			       "namespace %s was made by ebpfnet, not attached; `ebpfnet ns del %s` removes it", name,
			       name);
	r = endpoint_remove(x, name, &rec);
	if (!r)
		r = lo_ensure(x);
	return r ? r : hosts_write(&x->s);
}
