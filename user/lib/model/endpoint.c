// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* An endpoint: a network namespace, its veth pair, its port of the switch, its addresses and names. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/dataplane/dataplane.h"
#include "lib/model/device.h"
#include "lib/model/endpoint.h"
#include "lib/model/hosts.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

bool endpoint_is_netns(const struct ns_record *rec, const struct netns_id *id)
{
	/* a record of an older release has no cookie */
	return rec->netns_cookie ? rec->netns_cookie == id->cookie :
				   rec->netns_ino && rec->netns_ino == id->ino && rec->netns_dev == id->dev;
}

int endpoint_open(const struct ns_record *rec)
{
	struct netns_id id;
	_cleanup_fd_ int fd = netns_open(rec->path, &id);

	if (fd < 0)
		return fd;
	if (rec->flags & NS_LATER ? !endpoint_is_inside(fd, rec) : !endpoint_is_netns(rec, &id))
		return -ESTALE;
	return TAKE_FD(fd);
}

bool endpoint_netns_is_there(const struct ns_record *rec)
{
	_cleanup_fd_ int fd = endpoint_open(rec);

	return fd >= 0;
}

void endpoint_identify(struct ns_record *rec, const struct netns_id *id)
{
	rec->netns_dev = id->dev;
	rec->netns_ino = id->ino;
	rec->netns_cookie = id->cookie;
}

struct endpoint_object endpoint_object(struct session *x, struct ns_entry *e, struct ns_entry *all, size_t count)
{
	return (struct endpoint_object){ .x = x, .name = e->name, .rec = &e->rec, .all = all, .count = count,
					 .net = session_net_of(x, &e->rec) };
}

bool endpoint_is_sibling(const struct endpoint_object *o, int ifindex)
{
	size_t i;

	for (i = 0; i < o->count; i++)
		if (&o->all[i].rec != o->rec && o->all[i].rec.ifindex == (uint32_t)ifindex &&
		    !strcmp(o->all[i].name, o->name))
			return true;
	return false;
}

int endpoint_save(struct endpoint_object *o)
{
	return store_ns_set(&o->x->s, o->name, o->rec);
}

/* ---- the namespace ---- */

static struct device_id dev_id(const struct endpoint_object *o)
{
	const struct ns_record *rec = o->rec;
	/* one that comes later is not known when its device is made */
	uint64_t cookie = rec->flags & NS_LATER ? 0 : rec->netns_cookie;
	struct device_id id = { rec->host_dev, rec->ifindex };

	snprintf(id.alias, sizeof(id.alias), DEVICE_ALIAS_ENDPOINT, rec->flags & NS_MADE ? "made" : "attached",
		 o->name, (unsigned long long)cookie);
	addr_host_mac(rec->addr, id.mac);
	return id;
}

int endpoint_dev(struct endpoint_object *o)
{
	struct device_id id = dev_id(o);

	return device_get(&o->x->nl, &id, &o->dev);
}

/* A path under /proc vanishes with its process. The namespace may outlive it: its device proves that. */
static bool is_by_pid(const struct ns_record *rec)
{
	static const char end[] = "/ns/net";
	size_t len = strlen(rec->path);

	return !strncmp(rec->path, "/proc/", 6) || (len >= strlen(end) && !strcmp(rec->path + len - strlen(end), end));
}

static bool is_known_by_device(struct endpoint_object *o)
{
	return is_by_pid(o->rec) && o->rec->ifindex && !endpoint_dev(o);
}

/*
 * Another namespace may be at the path by now: that of a process which got the id of one that ended, even the
 * host's own. So only one that ebpfnet made is made again, if its name is free, and no other is ever entered. Without
 * an identity, it is not made yet.
 */
static bool is_for_up(const struct ns_record *rec)
{
	return rec->flags & NS_MADE && (!rec->netns_ino || netns_stat(rec->path, NULL));
}

const char *endpoint_remedy(const char *name, const struct ns_record *rec, char buf[REMEDY_TEXT])
{
	if (is_for_up(rec))
		snprintf(buf, REMEDY_TEXT, "ebpfnet up");
	else
		snprintf(buf, REMEDY_TEXT, "ebpfnet %s %s", rec->flags & NS_MADE ? "ns del" : "detach", name);
	return buf;
}

static bool has_netns(void *object, struct difference *d)
{
	struct endpoint_object *o = object;
	bool there = !netns_stat(o->rec->path, NULL);

	if (endpoint_netns_is_there(o->rec) || is_known_by_device(o))
		return true;
	snprintf(d->what, sizeof(d->what),
		 there ? "namespace %s was replaced by another one" : "namespace %s was deleted externally", o->name);
	endpoint_remedy(o->name, o->rec, d->fix);
	if (!is_for_up(o->rec))
		d->action[0] = '\0';
	return false;
}

/* One that a client moves is known by its pair, which ends with the namespace. */
static bool is_not_lost(void *object, struct difference *d)
{
	struct endpoint_object *o = object;

	if (o->rec->flags & NS_PENDING || !endpoint_dev(o))
		return true;
	snprintf(d->what, sizeof(d->what), "namespace %s was deleted externally", o->name);
	endpoint_remedy(o->name, o->rec, d->fix);
	return false;
}

int endpoint_forget_port(struct endpoint_object *o)
{
	const struct store *s = &o->x->s;
	/* a record without an endpoint id has no port mappings: looking for them would read the whole map */
	int r = o->rec->endpoint ? store_portmaps_del(s, o->rec->endpoint) : 0;

	if (!r)
		r = store_port_del(s, o->rec->ifindex);
	if (!r && o->x->host.hook == HOOK_TCX)
		r = dataplane_detach(s, HOOK_TCX, HOOK_PORT, 0, o->rec->host_dev, false);
	return r;
}

/* Removing one end of the pair removes both. */
int endpoint_remove_pair(struct endpoint_object *o)
{
	int r = endpoint_dev(o);

	if (r) {
		endpoint_remove_inside(o);
		return 0;
	}
	r = nl_link_del(&o->x->nl, o->dev.ifindex);
	return r && r != -ENODEV ? log_err(r, "cannot remove device %s: %s", o->dev.name, nl_why(&o->x->nl, r)) : 0;
}

/* The namespace's other ports are in the new one, too. */
static int move_siblings(struct endpoint_object *o, const struct netns_id *id)
{
	struct endpoint_object s;
	size_t i;
	int r = 0;

	for (i = 0; i < o->count && !r; i++) {
		s = endpoint_object(o->x, &o->all[i], o->all, o->count);
		if (s.rec == o->rec || strcmp(s.name, o->name))
			continue;
		r = endpoint_forget_port(&s);
		if (!r)
			r = endpoint_remove_pair(&s);
		endpoint_identify(s.rec, id);
		s.rec->ifindex = 0;
		s.rec->flags |= NS_PENDING;
		if (!r)
			r = endpoint_save(&s);
	}
	return r;
}

/* Only for a namespace that ebpfnet makes: has_netns() */
static int make_netns(void *object)
{
	struct endpoint_object *o = object;
	struct netns_id id;
	int r;

	r = endpoint_forget_port(o);
	if (!r)
		r = endpoint_remove_pair(o);
	if (!r)
		r = netns_remove(o->name);
	if (!r)
		r = netns_make(o->name);
	if (r)
		return r;
	r = netns_stat(o->rec->path, &id);
	if (r)
		return log_err(r, "cannot open namespace %s at %s: %s", o->name, o->rec->path, strerror(-r));
	r = move_siblings(o, &id);
	endpoint_identify(o->rec, &id);
	o->rec->ifindex = 0;
	o->rec->flags |= NS_PENDING;
	return r ? r : endpoint_save(o);
}

/* ---- the pair of devices ---- */

static bool has_pair(void *object, struct difference *d)
{
	struct endpoint_object *o = object;
	int r = endpoint_dev(o);

	return holds_if(!r, d,
			r == -EEXIST ? "device %s, needed for namespace %s, was not made by ebpfnet" :
				       "device %s of namespace %s is gone",
			o->rec->host_dev, o->name);
}

/* Where the pair's end inside is made: in the namespace, or on the host (-1), where a client finds it. Logs. */
static int place_of_peer(struct endpoint_object *o, int *netns)
{
	*netns = -1;
	if (o->rec->flags & NS_LATER)
		return 0;
	*netns = endpoint_open(o->rec);
	return *netns >= 0 ? 0 : log_err(*netns, "cannot open namespace %s at %s: %s", o->name, o->rec->path,
					 strerror(-*netns));
}

/* Reuse a pair that a killed command left. */
static int make_pair(void *object)
{
	struct endpoint_object *o = object;
	struct nl_veth v = { .name = o->rec->host_dev, .peer = o->rec->ns_dev };
	struct nl *nl = &o->x->nl;
	_cleanup_fd_ int netns = -1;
	struct nl_link gw;
	int r;

	r = place_of_peer(o, &netns);
	if (r)
		return r;
	r = endpoint_dev(o);
	if (r != -ENODEV)
		return device_error(nl, v.name, r);
	r = nl_link_get(nl, o->net->gw_dev, 0, &gw);
	if (r)
		return log_err(r, "gateway device %s is gone; `ebpfnet up` makes it again", o->net->gw_dev);
	v.mtu = o->rec->mtu ? o->rec->mtu : gw.mtu;
	v.peer_netns = netns;
	addr_host_mac(o->rec->addr, v.mac);
	memcpy(v.peer_mac, o->rec->mac, sizeof(v.peer_mac));
	endpoint_remove_inside(o);
	r = nl_veth_add(nl, &v);
	if (r == -EEXIST)
		return log_err(r, "cannot make the devices %s and %s: namespace %s has a device %s already; choose "
				  "another name with --dev", v.name, v.peer, o->name, v.peer);
	if (r)
		return log_err(r, "cannot make the devices %s and %s: %s", v.name, v.peer, nl_why(nl, r));
	r = endpoint_dev(o);
	return r ? device_error(nl, v.name, r) : 0;
}

static bool has_dev_name(void *object, struct difference *d)
{
	struct endpoint_object *o = object;

	return holds_if(!strcmp(o->rec->host_dev, o->dev.name), d, "device %s of namespace %s is called %s now",
			o->rec->host_dev, o->name, o->dev.name);
}

static int follow_dev_name(void *object)
{
	struct endpoint_object *o = object;
	int r = dataplane_rename(&o->x->s, HOOK_PORT, o->rec->host_dev, o->dev.name);

	memcpy(o->rec->host_dev, o->dev.name, sizeof(o->rec->host_dev));
	return r ? r : endpoint_save(o);
}

static bool marked(void *object, struct difference *d)
{
	struct endpoint_object *o = object;
	struct device_id id = dev_id(o);

	return holds_if(device_is_marked(&id, &o->dev), d, "device %s of namespace %s has another MAC address or alias",
			o->dev.name, o->name);
}

static int mark(void *object)
{
	struct endpoint_object *o = object;
	struct device_id id = dev_id(o);

	return device_mark(&o->x->nl, &id, &o->dev);
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
			  .number = o->rec->number };	/* endpoint_set_limits() adds PORT_LIMIT_* */
	bool had_endpoint = o->rec->endpoint;
	int r = 0;

	if (o->rec->ifindex && o->rec->ifindex != (uint32_t)o->dev.ifindex)
		r = store_port_del(s, o->rec->ifindex);
	/* a new device gets a new endpoint id, which ends flows to the old one; port mappings stay */
	if (!r)
		r = store_new_endpoint(s, &o->rec->endpoint);
	if (!r && had_endpoint)
		r = store_portmaps_move(s, o->name, o->rec->net, o->rec->endpoint);
	if (r)
		return r;
	o->rec->ifindex = o->dev.ifindex;
	r = endpoint_save(o);
	if (r)
		return r;
	p.endpoint = o->rec->endpoint;
	snprintf(p.name, sizeof(p.name), "%s", o->name);
	memcpy(p.mac, o->rec->mac, sizeof(p.mac));
	r = store_ipv6_give(s, &p, o->rec->ipv6);
	return r ? r : store_port_set(s, o->dev.ifindex, &p);
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

/* ---- hosts file, completion ---- */

const char *endpoint_etc_name(const struct ns_record *rec, const char *name)
{
	const char *end = rec->path + strlen(NETNS_DIR "/");

	/* `ip netns` knows no names in folders below */
	return strncmp(rec->path, NETNS_DIR "/", strlen(NETNS_DIR "/")) || strchr(end, '/') ? name : end;
}

/* Names of other endpoints resolve inside; by `ip netns exec` only if it has its name under /run/netns. */
static bool has_hosts(void *object, struct difference *d)
{
	struct endpoint_object *o = object;

	char file[HOSTS_PATH];
	const char *problem = hosts_problem(endpoint_etc_name(o->rec, o->name),
					    hosts_file(o->all, o->count, o->name, file), o->rec->flags);
	bool is_planned = (o->rec->flags & (NS_HOSTS_LINK | NS_PENDING)) != NS_PENDING;

	return holds_if(!problem && is_planned, d, "%s of namespace %s is gone", problem ? problem : "the hosts file",
			o->name);
}

static int link_hosts(void *object)
{
	struct endpoint_object *o = object;
	const char *name = endpoint_etc_name(o->rec, o->name);
	char file[HOSTS_PATH];
	int r = 0;

	if (!(o->rec->flags & NS_HOSTS_LINK)) {
		hosts_plan(name, &o->rec->flags);
		r = endpoint_save(o);
	}
	if (!r)
		hosts_link(name, hosts_file(o->all, o->count, o->name, file), o->rec->flags);
	return r;
}

static bool is_complete(void *object, struct difference *d)
{
	struct endpoint_object *o = object;

	return holds_if(!(o->rec->flags & NS_PENDING), d, "namespace %s is incomplete", o->name);
}

/* ... or cannot be completed, as its namespace is gone: has_netns() says what to do then. */
static bool is_complete_or_lost(void *object, struct difference *d)
{
	struct endpoint_object *o = object;

	return is_complete(object, d) || !(o->rec->flags & NS_MADE || endpoint_netns_is_there(o->rec) ||
					   is_known_by_device(o));
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
	return endpoint_save(o);
}

/* The properties of the host's end, in order. */
#define HOST_END \
	{ has_pair, make_pair, "make its pair of devices", .stops = true }, \
	{ has_dev_name, follow_dev_name, "follow the new name of the host's end", .minor = true }, \
	{ marked, mark, "set alias and MAC address of the host's end" }, \
	{ without_ipv6, disable_ipv6, "switch IPv6 off on the host's end" }, \
	{ hooked, hook, "attach the port program" }, \
	{ is_port, add_port, "enter its port in the maps" }, \
	{ endpoint_has_limits, endpoint_set_limits, "set its limits" }, \
	{ is_up, set_up, "set the host's end up" }

static const struct property properties[] = {
	{ is_complete_or_lost, go_on, "finish it", .stops = true },
	{ has_netns, make_netns, "make the namespace", .stops = true },
	HOST_END,
	{ endpoint_is_configured, endpoint_configure, "set up device, address and default route inside" },
	{ has_hosts, link_hosts, "link its hosts file" },
	{ endpoint_has_inside_name, endpoint_follow_inside_name, "follow the new name of its device inside",
	  .minor = true },
	{ is_complete, complete, "say so in the journal" },
	{ endpoint_is_undisturbed, .stops = true },	/* so that `up` and `attach` warn of it */
	{},
};

/* True if the device was moved to a namespace that is not noted yet, and can be seen. */
static bool has_news(const struct endpoint_object *o)
{
	return !o->rec->netns_ino && o->dev.peer_elsewhere && endpoint_netns_is_there(o->rec);
}

int endpoint_note_netns(struct endpoint_object *o)
{
	struct netns_id id;

	if (!has_news(o) || netns_stat(o->rec->path, &id))
		return 0;
	endpoint_identify(o->rec, &id);
	return endpoint_save(o);
}

/* The namespace that the device was moved to is noted, so that its end can be seen later. */
static bool is_noted(void *object, struct difference *d)
{
	struct endpoint_object *o = object;

	return holds_if(!has_news(o), d, "the device of namespace %s was moved there", o->name);
}

static int note(void *object)
{
	return endpoint_note_netns(object);
}

/* The client configures the inside. */
static const struct property later_properties[] = {
	{ is_not_lost, .stops = true },
	HOST_END,
	{ is_noted, note, "note which namespace it was moved to", .minor = true },
	{ is_complete, complete, "say so in the journal" },
	{},
};

int walk_endpoint(struct walk *w, struct ns_entry *e, struct ns_entry *all, size_t count)
{
	struct endpoint_object o = endpoint_object(w->x, e, all, count);
	char name[48];

	snprintf(name, sizeof(name), "namespace %s", e->name);
	return walk_object(w, name, e->rec.flags & NS_LATER ? later_properties : properties, &o);
}

const char *endpoint_state(const struct ns_record *rec)
{
	bool is_later = rec->flags & NS_LATER;
	char dev[IF_NAMESIZE];

	if (rec->flags & NS_PENDING)
		return "incomplete";
	if (endpoint_netns_is_there(rec))
		return "up";
	if (!(is_later || is_by_pid(rec)) || !if_indextoname(rec->ifindex, dev))
		return "gone";
	return is_later && if_nametoindex(rec->ns_dev) ? "waiting" : "up";
}
