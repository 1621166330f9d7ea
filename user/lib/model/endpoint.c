// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Namespaces: reserve, plug in, unplug. */
#include <ctype.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/dataplane/dataplane.h"
#include "lib/model/hosts.h"
#include "lib/base/log.h"
#include "lib/kernel/netns.h"
#include "lib/model/model.h"
#include "lib/model/device.h"

#define SETTLE_WAIT_MS 1000
#define SETTLE_POLL_MS 2

/* ---- checks ---- */

int endpoint_check_name(const char *name)
{
	size_t len = strlen(name), i;

	if (!len)
		return log_err(-EINVAL, "a namespace needs a name of 1 to 15 characters");
	if (len >= EBPFNET_NAME_LEN)
		return log_err(-EINVAL, "namespace name %s is longer than 15 characters; choose a shorter one",
			       name);
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return log_err(-EINVAL, "a namespace cannot be called %s; choose another name", name);
	for (i = 0; i < len; i++)
		if (!isgraph((unsigned char)name[i]) || name[i] == '/')
			return log_err(-EINVAL, "namespace name '%s' has a '%c': only letters, digits and signs "
						"other than / may be in it", name, name[i]);
	return 0;
}

static bool addr_usable(const struct host_record *host, struct ipaddr addr)
{
	return !addr_same(addr, host->subnet) && !addr_same(addr, host->gateway) &&
	       !addr_same(addr, addr_broadcast(host->subnet, host->prefix));
}

int endpoint_check_addr(const struct store *s, const struct host_record *host, struct ipaddr addr, const char *except)
{
	char text[ADDR_TEXT], subnet[ADDR_TEXT];
	_cleanup_free_ struct ns_entry *all = NULL;
	size_t i, count;
	int r;

	addr_text(addr, text);
	addr_text(host->subnet, subnet);
	if (!addr_in(addr, host->subnet, host->prefix))
		return log_err(-EINVAL, "address %s is outside the subnet %s/%u; choose one inside", text,
			       subnet, host->prefix);
	if (addr_same(addr, host->gateway))
		return log_err(-EADDRINUSE, "address %s is the gateway's; choose another", text);
	if (!addr_usable(host, addr))
		return log_err(-EINVAL, "address %s is the network or broadcast address of %s/%u; choose another",
			       text, subnet, host->prefix);
	r = store_ns_all(s, &all, &count);
	if (r)
		return r;
	for (i = 0; i < count; i++)
		if (addr_same(all[i].rec.addr, addr) && (!except || strcmp(all[i].name, except)))
			return log_err(-EADDRINUSE, "address %s is in use by namespace %s; choose another", text,
				       all[i].name);
	return 0;
}

/* ---- reserving ---- */

/* Addresses are given out from .10 on, then those below; the gateway has .1. */
#define FIRST_ADDR 10

static uint32_t subnet_size(const struct host_record *host)
{
	return 1u << (32 - host->prefix);
}

static void take(const struct host_record *host, struct endpoint_taken *t, uint16_t number, struct ipaddr addr)
{
	uint32_t turn = (addr_number(addr) - addr_number(host->subnet) - FIRST_ADDR) & (subnet_size(host) - 1);

	if (number < EBPFNET_MAX_PORTS)
		t->number[number] = true;
	if (turn < ENDPOINT_TURNS)
		t->addr[turn] = true;
}

int endpoint_taken_read(const struct store *s, const struct host_record *host, struct endpoint_taken *out)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	size_t i, count;
	int r;

	*out = (struct endpoint_taken){};
	r = store_ns_all(s, &all, &count);
	for (i = 0; !r && i < count; i++)
		take(host, out, all[i].rec.number, all[i].rec.addr);
	return r;
}

static int next_addr(const struct host_record *host, const struct endpoint_taken *t, struct ipaddr *out)
{
	uint32_t base = addr_number(host->subnet), size = subnet_size(host), i;
	char text[ADDR_TEXT];

	for (i = 0; i < size && i < ENDPOINT_TURNS; i++) {
		*out = addr_from(base + (i + FIRST_ADDR) % size);
		if (addr_usable(host, *out) && !t->addr[i])
			return 0;
	}
	return log_err(-EADDRNOTAVAIL, "subnet %s/%u has no free address; remove a namespace, or `ebpfnet down` "
				       "and choose a larger --subnet", addr_text(host->subnet, text),
		       host->prefix);
}

/* The lowest N that no record has and that no device of somebody else's is called after. */
static int next_number(struct nl *nl, const struct endpoint_taken *t, uint16_t *out)
{
	struct nl_link ignored;
	char dev[IFNAMSIZ];
	uint16_t n;

	for (n = 0; n < EBPFNET_MAX_PORTS; n++) {
		snprintf(dev, sizeof(dev), "veth%u", n);
		if (!t->number[n] && nl_link_get(nl, dev, 0, &ignored) == -ENODEV) {
			*out = n;
			return 0;
		}
	}
	return log_err(-ENOSPC, "all %d ports are in use; remove a namespace first", EBPFNET_MAX_PORTS);
}

int endpoint_reserve(const struct store *s, struct nl *nl, const struct host_record *host,
		     struct endpoint_taken *taken, const char *name, struct ipaddr addr, uint16_t flags,
		     uint16_t port_flags, const char *path, struct ns_record *out)
{
	struct ns_record rec = { .net = host->net, .flags = flags | NS_PENDING, .port_flags = port_flags };
	int r;

	r = next_number(nl, taken, &rec.number);
	if (!r && addr_number(addr))
		rec.addr = addr;
	else if (!r)
		r = next_addr(host, taken, &rec.addr);
	if (r)
		return r;
	addr_mac(rec.addr, rec.mac);
	snprintf(rec.host_dev, sizeof(rec.host_dev), "veth%u", rec.number);
	snprintf(rec.ns_dev, sizeof(rec.ns_dev), "ceth%u", rec.number);
	snprintf(rec.path, sizeof(rec.path), "%s", path);
	r = store_ns_set(s, name, &rec);
	if (r)
		return r;
	take(host, taken, rec.number, rec.addr);
	*out = rec;
	return 0;
}

/* ---- plugging in ---- */

static int forget_port(const struct store *s, const struct host_record *host, struct ns_record *rec)
{
	/* one that never had an endpoint has no rules: to look for them is to read the whole map */
	int r = rec->endpoint ? store_portmaps_del(s, rec->endpoint) : 0;

	if (!r)
		r = store_port_del(s, rec->ifindex);
	if (!r && host->hook == HOOK_TCX)
		r = dataplane_detach(s, HOOK_TCX, HOOK_PORT, 0, rec->host_dev, false);
	rec->ifindex = 0;
	return r;
}

/* The pair of devices, if it is there; to remove one end is to remove both. */
static int remove_pair(struct nl *nl, const struct ns_record *rec)
{
	struct nl_link dev;
	uint8_t mac[6];
	int r;

	addr_host_mac(rec->addr, mac);
	if (device_get(nl, rec->host_dev, mac, &dev))
		return 0;
	r = nl_link_del(nl, dev.ifindex);
	return r && r != -ENODEV ? log_err(r, "cannot remove device %s: %s", dev.name, nl_why(nl, r)) : 0;
}

/*
 * The namespace of the record: as it was, or made again under its name. One that lost its name lives on
 * while processes are in it, without us.
 */
static int ensure_namespace(const struct store *s, struct nl *nl, const struct host_record *host, const char *name,
			    struct ns_record *rec, bool *changed)
{
	struct netns_id id;
	int r;

	if (rec->netns_ino && !netns_stat(rec->path, &id) && id.ino == rec->netns_ino &&
	    id.dev == rec->netns_dev)
		return 0;
	*changed = true;
	if (rec->flags & NS_MADE) {
		/* gone behind our back, or never finished */
		if (rec->netns_ino && !netns_stat(rec->path, &id))
			return log_err(-EEXIST, "namespace %s is another one than we made: somebody made it "
						"again; `ebpfnet ns del %s`, then attach it", name, name);
		r = forget_port(s, host, rec);
		if (!r)
			r = remove_pair(nl, rec);
		if (!r)
			r = netns_remove(name);
		if (!r)
			r = netns_make(name);
		if (r)
			return r;
	}
	r = netns_stat(rec->path, &id);
	if (r)
		return log_err(r, "cannot open namespace %s at %s: %s", name, rec->path, strerror(-r));
	rec->netns_dev = id.dev;
	rec->netns_ino = id.ino;
	rec->flags |= NS_PENDING;
	return store_ns_set(s, name, rec);
}

static int make_pair(struct nl *nl, const struct host_record *host, const struct ns_record *rec,
		     int netns)
{
	struct nl_veth v = { .name = rec->host_dev, .peer = rec->ns_dev, .peer_netns = netns };
	struct nl_link gw;
	int r;

	r = nl_link_get(nl, host->gw_dev, 0, &gw);
	if (r)
		return log_err(r, "gateway device %s is gone; `ebpfnet up` makes it again", host->gw_dev);
	v.mtu = gw.mtu;
	addr_host_mac(rec->addr, v.mac);
	memcpy(v.peer_mac, rec->mac, sizeof(v.peer_mac));
	r = nl_veth_add(nl, &v);
	return r ? log_err(r, "cannot make the devices %s and %s: %s", rec->host_dev, rec->ns_dev,
			   nl_why(nl, r)) : 0;
}

/* The host's end; a new pair if there is none. A pair that a killed command left is used. */
static int ensure_pair(struct nl *nl, const struct host_record *host, const struct ns_record *rec,
		       int netns, struct nl_link *dev, bool *changed)
{
	uint8_t mac[6];
	int r;

	addr_host_mac(rec->addr, mac);
	r = device_get(nl, rec->host_dev, mac, dev);
	if (r != -ENODEV)
		return r;
	*changed = true;
	r = make_pair(nl, host, rec, netns);
	return r ? r : device_get(nl, rec->host_dev, mac, dev);
}

struct furnishing {
	const struct host_record *host;
	const struct ns_record *rec;
	bool *changed;
};

/* Inside the namespace: lo, address, device, default route. */
static int configure_netns(void *arg)
{
	const struct furnishing *f = arg;
	struct nl_link dev, lo;
	_cleanup_nl_ struct nl nl;
	int r;

	r = nl_open(&nl);
	if (r)
		return log_err(r, "cannot talk to the kernel inside a namespace: %s", strerror(-r));
	r = nl_link_get(&nl, f->rec->ns_dev, 0, &dev);
	if (r)
		return log_err(r, "device %s is not inside its namespace: %s; `ebpfnet ns del` and add it again",
			       f->rec->ns_dev, nl_why(&nl, r));
	r = nl_link_get(&nl, "lo", 0, &lo);
	if (!r)
		r = device_up(&nl, &lo, f->changed);
	if (!r && !nl_addr_has(&nl, dev.ifindex, f->rec->addr)) {
		*f->changed = true;
		r = nl_addr_add(&nl, dev.ifindex, f->rec->addr, f->host->prefix, RT_SCOPE_UNIVERSE);
	}
	if (!r && !dev.up) {
		*f->changed = true;
		r = nl_link_up(&nl, dev.ifindex);
	}
	if (!r)
		r = nl_route_default_add(&nl, dev.ifindex, f->host->gateway, f->changed);
	return r ? log_err(r, "cannot set up %s inside its namespace: %s", f->rec->ns_dev, nl_why(&nl, r)) : 0;
}

struct inspection {
	const struct ns_record *rec;
	const char *missing;
};

static int inspect(void *arg)
{
	struct inspection *x = arg;
	struct nl_link dev, lo;
	_cleanup_nl_ struct nl nl;
	int r, ifindex;

	r = nl_open(&nl);
	if (r)
		return r;
	if (nl_link_get(&nl, x->rec->ns_dev, 0, &dev))
		x->missing = "its device is gone";
	else if (!dev.up)
		x->missing = "its device is down";
	else if (!nl_addr_has(&nl, dev.ifindex, x->rec->addr))
		x->missing = "its address is gone";
	else if (nl_route_default(&nl, &ifindex))
		x->missing = "its default route is gone";
	else if (nl_link_get(&nl, "lo", 0, &lo) || !lo.up)
		x->missing = "its lo is down";
	return 0;
}

const char *endpoint_missing_inside(const struct ns_record *rec)
{
	struct inspection x = { rec, NULL };
	_cleanup_fd_ int netns = netns_open(rec->path, NULL);

	if (netns >= 0)
		netns_run(netns, inspect, &x);
	return x.missing;
}

static int sync_port(const struct store *s, const char *name, struct ns_record *rec, const struct nl_link *dev,
		     bool *changed)
{
	struct port p = { .addr = rec->addr, .net = rec->net, .flags = rec->port_flags,
			  .number = rec->number };
	bool had_endpoint;
	int r;

	if (rec->ifindex == (uint32_t)dev->ifindex && rec->endpoint && !(rec->flags & NS_PENDING))
		return 0;
	*changed = true;
	if (rec->ifindex && rec->ifindex != (uint32_t)dev->ifindex) {
		r = store_port_del(s, rec->ifindex);
		if (r)
			return r;
	}
	/* another device is another endpoint: flows that lead to the old one end, rules are for the namespace */
	had_endpoint = rec->endpoint;
	r = store_new_endpoint(s, &rec->endpoint);
	/* a namespace is published once it is plugged in: a new one has no rules to look for */
	if (!r && had_endpoint)
		r = store_portmaps_move(s, name, rec->endpoint);
	if (r)
		return r;
	rec->ifindex = dev->ifindex;
	r = store_ns_set(s, name, rec);
	if (r)
		return r;
	p.endpoint = rec->endpoint;
	snprintf(p.name, sizeof(p.name), "%s", name);
	memcpy(p.mac, rec->mac, sizeof(p.mac));
	return store_port_set(s, dev->ifindex, &p);
}

/* The file that names resolve by inside; a namespace without a name of its own has none. */
static int ensure_hosts(const struct store *s, const char *name, struct ns_record *rec)
{
	int r = 0;

	if (strncmp(rec->path, NETNS_DIR, strlen(NETNS_DIR)))
		return 0;
	if (rec->flags & NS_PENDING && !(rec->flags & NS_HOSTS_LINK)) {
		hosts_plan(name, &rec->flags);
		r = store_ns_set(s, name, rec);
	}
	return r ? r : hosts_link(name, rec->flags);
}

int endpoint_ensure(const struct store *s, struct nl *nl, const struct host_record *host, const char *name,
		    struct ns_record *rec, bool *changed)
{
	struct furnishing f = { host, rec, changed };
	_cleanup_fd_ int netns = -1;
	struct nl_link dev;
	int r;

	r = ensure_namespace(s, nl, host, name, rec, changed);
	if (r)
		return r;
	netns = netns_open(rec->path, NULL);
	if (netns < 0)
		return log_err(netns, "cannot open namespace %s at %s: %s", name, rec->path,
			       strerror(-netns));
	r = ensure_pair(nl, host, rec, netns, &dev, changed);
	if (!r)
		r = device_no_ipv6(dev.name);
	if (!r)
		r = dataplane_attach(s, host->hook, HOOK_PORT, dev.ifindex, dev.name, changed, NULL);
	if (!r)
		r = sync_port(s, name, rec, &dev, changed);
	if (!r)
		r = device_up(nl, &dev, changed);
	if (!r)
		r = netns_run(netns, configure_netns, &f);
	if (!r)
		r = ensure_hosts(s, name, rec);
	if (r || !(rec->flags & NS_PENDING))
		return r;
	rec->flags &= ~NS_PENDING;
	return store_ns_set(s, name, rec);
}

/*
 * The end of a pair that is set up last works at once. The other gets its carrier then, and its queue
 * a moment later from a worker of the kernel's (net/core/link_watch.c); until then it drops.
 */
static void settle(struct nl *nl, const struct ns_record *rec, int *waited)
{
	const struct timespec poll = { .tv_nsec = SETTLE_POLL_MS * 1000000 };
	struct nl_link dev;

	for (; *waited < SETTLE_WAIT_MS; *waited += SETTLE_POLL_MS) {
		if (nl_link_get(nl, rec->host_dev, 0, &dev) || dev.running)
			return;
		nanosleep(&poll, NULL);
	}
}

void endpoint_wait_running(struct nl *nl, const struct ns_record *rec)
{
	int waited = 0;

	settle(nl, rec, &waited);
}

void endpoints_wait_running(const struct store *s, struct nl *nl)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	size_t i, count;
	int waited = 0;

	if (store_ns_all(s, &all, &count))
		return;
	for (i = 0; i < count; i++)
		settle(nl, &all[i].rec, &waited);
}

/* ---- unplugging ---- */

/* Only what is still the namespace that we made, or what a killed command left half made. */
static int remove_namespace(const char *name, const struct ns_record *rec)
{
	struct netns_id id;

	if (!(rec->flags & NS_MADE))
		return 0;
	if (rec->netns_ino && !netns_stat(rec->path, &id) &&
	    (id.ino != rec->netns_ino || id.dev != rec->netns_dev)) {
		log_warn("namespace %s is another one than we made, so it stays", name);
		return 0;
	}
	return netns_remove(name);
}

int endpoint_remove(const struct store *s, struct nl *nl, const struct host_record *host, const char *name,
		    struct ns_record *rec)
{
	int r;

	rec->flags |= NS_PENDING;
	r = store_ns_set(s, name, rec);
	if (!r)
		r = forget_port(s, host, rec);
	if (!r)
		r = remove_pair(nl, rec);
	if (!r)
		r = remove_namespace(name, rec);
	if (r)
		return r;
	hosts_unlink(name, rec->flags);
	return store_ns_del(s, name);
}
