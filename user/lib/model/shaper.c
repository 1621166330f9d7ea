// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The shaper: a pair of devices, there while a namespace is limited. One end has HTB, with a class for each direction
 * of each limited port; at the other the shaper program takes what has waited (bpf/kern/shaper.h).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/dataplane/dataplane.h"
#include "lib/model/device.h"
#include "lib/model/model.h"
#include "lib/model/shaper.h"
#include "lib/model/walk.h"

#define SHAPER_MTU 65535		/* the most that a veth can have: no frame is dropped */
#define LARGEST_PACKET 65536		/* with GSO */
#define BURST_MS 2
#define QUEUE_MS 50
#define DRAIN_RATE (UINT64_C(10000000000) / 8)
#define DRAIN_WAIT_MS 300
#define DRAIN_POLL_MS 2

struct shaper {
	struct session *x;
	struct ns_entry *all;
	size_t count;
	bool keeps;			/* classes that are of no use stay */
	struct nl_link dev, peer;
	struct nl_class *is;		/* the kernel's */
	size_t is_count;
};

/* ---- what a rate needs ---- */

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t shaper_burst(const struct ns_limit *l)
{
	return l->burst ? l->burst : larger(l->rate / 8 / 1000 * BURST_MS, LARGEST_PACKET / 2);
}

/* Two of the largest packets at least: a TCP sender that has one alone waiting stops at each loss. */
uint64_t shaper_queue(const struct ns_limit *l)
{
	uint64_t bytes = larger(l->rate / 8 / 1000 * QUEUE_MS, 2 * LARGEST_PACKET);

	return bytes > UINT32_MAX ? UINT32_MAX : bytes;
}

uint64_t shaper_time(uint64_t rate, uint64_t bytes)
{
	__extension__ unsigned __int128 ns = (unsigned __int128)bytes * 1000000000 / rate;

	return ns > INT64_MAX ? INT64_MAX : ns;
}

static struct nl_class class_of(const struct ns_record *rec, uint16_t which)
{
	const struct ns_limit *l = which == PORT_LIMIT_IN ? &rec->in : &rec->out;
	struct nl_class c = { .id = ebpfnet_shaper_class(rec->number, which), .rate = l->rate / 8, .has_queue = true };
	uint64_t ticks;

	if (!c.rate)
		return c;
	ticks = shaper_time(c.rate, shaper_burst(l)) / NL_TICK_NS;
	c.burst_ticks = ticks > UINT32_MAX ? UINT32_MAX : ticks;
	c.queue = shaper_queue(l);
	return c;
}

static const struct nl_class *find_class(const struct shaper *s, uint32_t id)
{
	size_t i;

	for (i = 0; i < s->is_count; i++)
		if (s->is[i].id == id)
			return &s->is[i];
	return NULL;
}

/* ---- the pair of devices ---- */

static const struct device_id dev_id = { .name = SHAPER_DEV, .alias = DEVICE_ALIAS_SHAPER,
					 .mac = { 0x02, 0xeb, 0xff, 0xff, 0xff, 0xf0 } };
static const struct device_id peer_id = { .name = SHAPER_PEER, .alias = DEVICE_ALIAS_SHAPER_PEER,
					  .mac = { 0x02, 0xeb, 0xff, 0xff, 0xff, 0xf1 } };

/* Finds the pair by any name: the programs have the one's index, and the kernel has the other's with it. */
static int get_pair(struct shaper *s, const char **failed)
{
	struct device_id dev = dev_id, peer = peer_id;
	struct config cfg;
	int r;

	if (s->x->s.fd[MAP_CONFIG] >= 0 && !store_config(&s->x->s, &cfg))
		dev.ifindex = cfg.shaper_ifindex;
	*failed = dev.name;
	r = device_get(&s->x->nl, &dev, &s->dev);
	if (r)
		return r;
	if (!s->dev.peer_elsewhere)
		peer.ifindex = s->dev.peer;
	*failed = peer.name;
	return device_get(&s->x->nl, &peer, &s->peer);
}

static bool has_pair(void *object, struct difference *d)
{
	struct shaper *s = object;
	const char *dev;
	int r = get_pair(s, &dev);

	snprintf(d->what, sizeof(d->what),
		 r == -EEXIST ? "device %s was not made by ebpfnet" : "device %s, in which limited namespaces' packets "
								       "wait, is gone", dev);
	if (r == -EEXIST)
		snprintf(d->fix, sizeof(d->fix), "ip link del %s; ebpfnet up", dev);
	return !r && s->x->host.made & MADE_SHAPER;
}

static int make_pair(void *object)
{
	struct nl_veth v = { .name = SHAPER_DEV, .peer = SHAPER_PEER, .mtu = SHAPER_MTU, .peer_netns = -1 };
	struct shaper *s = object;
	struct session *x = s->x;
	const char *dev;
	int r;

	r = get_pair(s, &dev);
	if (r && r != -ENODEV)
		return device_error(&x->nl, dev, r);
	if (!(x->host.made & MADE_SHAPER)) {
		x->host.made |= MADE_SHAPER;
		r = session_save(x);
		if (r)
			return r;
	}
	r = dataplane_load_shaper(&x->s);
	if (r || !get_pair(s, &dev))
		return r;
	memcpy(v.mac, dev_id.mac, sizeof(v.mac));
	memcpy(v.peer_mac, peer_id.mac, sizeof(v.peer_mac));
	r = nl_veth_add(&x->nl, &v);
	if (r)
		return log_err(r, "cannot make the devices %s and %s: %s", v.name, v.peer, nl_why(&x->nl, r));
	r = get_pair(s, &dev);
	return r ? device_error(&x->nl, dev, r) : 0;
}

static bool marked(void *object, struct difference *d)
{
	struct shaper *s = object;

	return holds_if(device_is_marked(&dev_id, &s->dev) && device_is_marked(&peer_id, &s->peer), d,
			"%s or %s has another MAC address or alias", s->dev.name, s->peer.name);
}

static int mark(void *object)
{
	struct shaper *s = object;
	int r = device_mark(&s->x->nl, &dev_id, &s->dev);

	return r ? r : device_mark(&s->x->nl, &peer_id, &s->peer);
}

static bool has_mtu(void *object, struct difference *d)
{
	struct shaper *s = object;

	return holds_if(s->dev.mtu == SHAPER_MTU && s->peer.mtu == SHAPER_MTU, d, "%s or %s has not the MTU %d",
			s->dev.name, s->peer.name, SHAPER_MTU);
}

static int set_mtu(void *object)
{
	struct shaper *s = object;
	int r = nl_link_set_mtu(&s->x->nl, s->dev.ifindex, SHAPER_MTU);

	if (!r)
		r = nl_link_set_mtu(&s->x->nl, s->peer.ifindex, SHAPER_MTU);
	return r ? log_err(r, "cannot set the MTU of %s and %s: %s", s->dev.name, s->peer.name, nl_why(&s->x->nl, r)) :
		   0;
}

static bool without_ipv6(void *object, struct difference *d)
{
	struct shaper *s = object;

	return holds_if(!device_has_ipv6(s->dev.name) && !device_has_ipv6(s->peer.name), d,
			"IPv6 is switched on on %s", s->dev.name);
}

static int disable_ipv6(void *object)
{
	struct shaper *s = object;
	int r = device_no_ipv6(s->dev.name);

	return r ? r : device_no_ipv6(s->peer.name);
}

static bool hooked(void *object, struct difference *d)
{
	struct shaper *s = object;

	return hook_holds(s->x, HOOK_SHAPER, &s->peer, SHAPER_PEER, d);
}

static int hook(void *object)
{
	struct shaper *s = object;
	int r = dataplane_load_shaper(&s->x->s);

	return r ? r : dataplane_attach(&s->x->s, s->x->host.hook, HOOK_SHAPER, s->peer.ifindex, SHAPER_PEER);
}

static bool both_up(void *object, struct difference *d)
{
	struct shaper *s = object;

	return holds_if(s->dev.up && s->peer.up, d, "device %s is down", s->dev.up ? s->peer.name : s->dev.name);
}

static int set_up(void *object)
{
	struct shaper *s = object;
	int waited = 0, r = device_up(&s->x->nl, &s->peer);

	if (!r)
		r = device_up(&s->x->nl, &s->dev);
	if (!r) /* until then it drops packets */
		device_wait_running(&s->x->nl, s->peer.name, &waited);
	return r;
}

/* ---- the queues ---- */

static bool has_htb(void *object, struct difference *d)
{
	struct shaper *s = object;

	return holds_if(nl_htb_is_root(&s->x->nl, s->dev.ifindex), d,
			"the root qdisc of %s is not HTB: nothing is limited", s->dev.name);
}

static int make_htb(void *object)
{
	struct shaper *s = object;
	int r = nl_htb_make(&s->x->nl, s->dev.ifindex);

	if (r == -ENOENT)
		return log_err(-EOPNOTSUPP, "cannot limit: this kernel has no HTB queueing discipline "
					    "(CONFIG_NET_SCH_HTB, module sch_htb)");
	return r ? log_err(r, "cannot make the qdisc HTB on %s: %s", s->dev.name, nl_why(&s->x->nl, r)) : 0;
}

static int read_classes(struct shaper *s)
{
	int r;

	free(s->is);
	s->is = NULL;
	s->is_count = 0;
	r = nl_class_all(&s->x->nl, s->dev.ifindex, &s->is, &s->is_count);
	return r ? log_err(r, "cannot read the classes of %s: %s", s->dev.name, nl_why(&s->x->nl, r)) : 0;
}

static bool class_holds(const struct shaper *s, const struct nl_class *want)
{
	const struct nl_class *is = find_class(s, want->id);

	if (!want->rate)
		return !is || s->keeps;
	return is && is->rate == want->rate && is->burst_ticks == want->burst_ticks && is->has_queue;
}

static const uint16_t directions[] = { PORT_LIMIT_IN, PORT_LIMIT_OUT };

/* The class that a record asks for; rate 0: none does. */
static struct nl_class wanted(const struct shaper *s, uint32_t id)
{
	size_t i, k;

	for (i = 0; i < s->count; i++)
		for (k = 0; k < 2; k++)
			if (ebpfnet_shaper_class(s->all[i].rec.number, directions[k]) == id)
				return class_of(&s->all[i].rec, directions[k]);
	return (struct nl_class){ .id = id };
}

static bool has_classes(void *object, struct difference *d)
{
	struct shaper *s = object;
	struct nl_class want;
	size_t i, k;

	if (read_classes(s))
		return holds_if(false, d, "the classes of %s cannot be read", s->dev.name);
	for (i = 0; i < s->count; i++)
		for (k = 0; k < 2; k++) {
			want = class_of(&s->all[i].rec, directions[k]);
			if (!class_holds(s, &want))
				return holds_if(false, d, "the queue of %s for namespace %s is not as its limit says",
						s->dev.name, s->all[i].name);
		}
	for (i = 0; i < s->is_count; i++) {
		want = wanted(s, s->is[i].id);
		if (!class_holds(s, &want))
			return holds_if(false, d, "%s has a queue for no namespace", s->dev.name);
	}
	return true;
}

/* Lets a queue that is to go send what waits in it, so that no stream loses packets when its limit ends. */
static void drain(struct shaper *s, const struct nl_class *is)
{
	const struct timespec poll = { .tv_nsec = DRAIN_POLL_MS * 1000000 };
	struct nl_class fast = { .id = is->id, .rate = DRAIN_RATE, .burst_ticks = is->burst_ticks,
				 .queue = UINT32_MAX };
	const struct nl_class *now = is;
	uint32_t id = is->id;
	int waited;

	if (!is->waiting || nl_class_set(&s->x->nl, s->dev.ifindex, &fast))
		return;
	for (waited = 0; now && now->waiting && waited < DRAIN_WAIT_MS; waited += DRAIN_POLL_MS) {
		nanosleep(&poll, NULL);
		now = read_classes(s) ? NULL : find_class(s, id);
	}
}

static int remove_class(struct shaper *s, uint32_t id)
{
	const struct nl_class *is = find_class(s, id);
	int r;

	if (is)
		drain(s, is);
	r = nl_class_del(&s->x->nl, s->dev.ifindex, id);
	return r && r != -ENOENT ? log_err(r, "cannot remove a class of %s: %s", s->dev.name, nl_why(&s->x->nl, r)) :
				   0;
}

static int remove_unwanted(struct shaper *s)
{
	struct nl_class want;
	size_t i;
	int r = 0;

	for (i = 0; i < s->is_count && !r;) {
		want = wanted(s, s->is[i].id);
		if (class_holds(s, &want) || want.rate) {
			i++;
			continue;
		}
		r = remove_class(s, want.id);
		if (!r)
			r = read_classes(s);
		i = 0;
	}
	return r;
}

static int sync_classes(void *object)
{
	struct shaper *s = object;
	struct nl_class want;
	size_t i, k;
	int r = 0;

	for (i = 0; i < s->count && !r; i++)
		for (k = 0; k < 2 && !r; k++) {
			want = class_of(&s->all[i].rec, directions[k]);
			if (!want.rate || class_holds(s, &want))
				continue;
			r = nl_class_set(&s->x->nl, s->dev.ifindex, &want);
			if (r)
				log_err(r, "cannot limit namespace %s: %s", s->all[i].name, nl_why(&s->x->nl, r));
		}
	return r ? r : remove_unwanted(s);
}

/* ---- the programs' record of it ---- */

static int set_config(struct session *x, uint32_t ifindex)
{
	struct config cfg;
	int r = store_config(&x->s, &cfg);

	if (r || cfg.shaper_ifindex == ifindex)
		return r;
	cfg.shaper_ifindex = ifindex;
	return store_config_set(&x->s, &cfg);
}

static bool recorded(void *object, struct difference *d)
{
	struct shaper *s = object;
	struct config cfg;

	return store_config(&s->x->s, &cfg) || holds_if(cfg.shaper_ifindex == (uint32_t)s->dev.ifindex, d,
							"the programs do not know %s", s->dev.name);
}

static int record(void *object)
{
	struct shaper *s = object;

	return set_config(s->x, s->dev.ifindex);
}

static const struct property properties[] = {
	{ has_pair, make_pair, "make the pair of devices", .stops = true },
	{ marked, mark, "set alias and MAC address" },
	{ has_mtu, set_mtu, "set the MTU of both devices" },
	{ without_ipv6, disable_ipv6, "switch IPv6 off on both devices" },
	{ hooked, hook, "attach the shaper program" },
	{ has_htb, make_htb, "make the qdisc HTB", .stops = true },
	{ has_classes, sync_classes, "make the classes" },
	{ both_up, set_up, "set both devices up" },
	{ recorded, record, "enter it in the maps" },
	{},
};

/* ---- its end ---- */

/* In reverse: the programs send nothing there any more, and what waits leaves. */
int shaper_remove(struct session *x)
{
	struct shaper s = { .x = x };
	bool is_there;
	const char *dev;
	size_t i;
	int r;

	is_there = !get_pair(&s, &dev);
	r = x->s.fd[MAP_CONFIG] < 0 ? 0 : set_config(x, 0);
	if (r)
		return r;
	if (is_there) {
		if (nl_htb_is_root(&x->nl, s.dev.ifindex) && !read_classes(&s))
			for (i = 0; i < s.is_count; i++)
				drain(&s, &(struct nl_class){ .id = s.is[i].id, .burst_ticks = s.is[i].burst_ticks,
							      .waiting = s.is[i].waiting });
		r = nl_link_del(&x->nl, s.dev.ifindex);
	}
	free(s.is);
	if (r && r != -ENODEV)
		return log_err(r, "cannot remove device %s: %s", s.dev.name, nl_why(&x->nl, r));
	if (x->host.hook == HOOK_TCX)
		dataplane_detach(&x->s, HOOK_TCX, HOOK_SHAPER, 0, SHAPER_PEER, false);
	x->host.made &= ~MADE_SHAPER;
	return session_save(x);
}

static bool is_gone(void *object, struct difference *d)
{
	return holds_if(false, d, "%s is there though no namespace is limited", SHAPER_DEV);
}

static int remove_all(void *object)
{
	struct shaper *s = object;

	return shaper_remove(s->x);
}

/* ---- the walk ---- */

static bool is_any_limited(const struct shaper *s)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (endpoint_is_limited(&s->all[i].rec))
			return true;
	return false;
}

static int walk(struct walk *w, bool keeps)
{
	static const struct property none[] = {
		{ is_gone, remove_all, "remove the pair of devices" },
		{},
	};
	struct shaper s = { .x = w->x, .keeps = keeps };
	int r = 0;

	r = store_ns_all(&w->x->s, &s.all, &s.count);
	if (!r && is_any_limited(&s))
		r = walk_object(w, "shaper " SHAPER_DEV, properties, &s);
	else if (!r && w->x->host.made & MADE_SHAPER && !keeps)
		r = walk_object(w, "shaper " SHAPER_DEV, none, &s);
	free(s.all);
	free(s.is);
	return r;
}

int walk_shaper(struct walk *w)
{
	return walk(w, false);
}

int shaper_ensure(struct session *x)
{
	struct walk w = { .x = x, .apply = true };

	return walk(&w, false);
}

int shaper_widen(struct session *x)
{
	struct walk w = { .x = x, .apply = true };

	return walk(&w, true);
}

int shaper_settle(struct session *x)
{
	return x->host.made & MADE_SHAPER ? shaper_ensure(x) : 0;
}

int shaper_dropped(struct session *x, const struct ns_entry *all, size_t count, struct shaper_dropped *out)
{
	struct shaper s = { .x = x };
	const struct nl_class *c;
	const char *dev;
	size_t i;
	int r = 0;

	memset(out, 0, count * sizeof(*out));
	if (!(x->host.made & MADE_SHAPER) || get_pair(&s, &dev))
		return 0;
	r = read_classes(&s);
	for (i = 0; i < count && !r; i++) {
		c = find_class(&s, ebpfnet_shaper_class(all[i].rec.number, PORT_LIMIT_IN));
		out[i].in = c ? c->dropped : 0;
		c = find_class(&s, ebpfnet_shaper_class(all[i].rec.number, PORT_LIMIT_OUT));
		out[i].out = c ? c->dropped : 0;
	}
	free(s.is);
	return r;
}
