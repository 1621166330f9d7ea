// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Networks beside and including `default`: define, find, make and remove one. Their devices are in gateway.c. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ebpfnet/core/addr.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/model/definition.h"
#include "lib/model/device.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

#define MTU_MIN 68 /* RFC 791 */
#define MTU_MAX 65535

/* Subnets for networks that ask for none: the /24s of it. */
static const struct cidr pool = { { { 10, 89, 0, 0 } }, 16 };
#define POOL_PREFIX 24

/* ---- check a definition ---- */

int network_check_name(const char *name)
{
	size_t len = strlen(name), i;

	if (!len || len >= EBPFNET_NETWORK_LEN)
		return log_err(-EINVAL, "a network needs a name of 1 to %d characters", EBPFNET_NETWORK_LEN - 1);
	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && (!i || !strchr("._-", name[i])))
			return log_err(-EINVAL, "network name '%s' has '%c' %s; a name begins with a letter or a digit "
						"and goes on with those and . _ -", name, name[i],
				       i ? "in it" : "at its beginning");
	return 0;
}

static int check_gateway(const struct network_def *def)
{
	const struct cidr *subnet = &def->subnet;
	char addr[ADDR_TEXT], text[CIDR_TEXT];

	if (addr_in(def->gateway, subnet->addr, subnet->prefix) && !addr_same(def->gateway, subnet->addr) &&
	    !addr_same(def->gateway, addr_broadcast(subnet->addr, subnet->prefix)))
		return 0;
	return log_err(-EINVAL, "gateway %s of network %s is no address of a host in its subnet %s; choose one inside",
		       addr_text(def->gateway, addr), def->name, cidr_text(subnet, text));
}

static int check_range(const struct network_def *def)
{
	char range[CIDR_TEXT], subnet[CIDR_TEXT];

	if (!def->range.prefix || cidr_inside(&def->range, &def->subnet))
		return 0;
	return log_err(-EINVAL, "range %s of network %s is not inside its subnet %s; choose one inside",
		       cidr_text(&def->range, range), def->name, cidr_text(&def->subnet, subnet));
}

static int check_members(const struct network_def *def)
{
	char text[CIDR_TEXT];
	int r;

	r = network_check_name(def->name);
	if (r)
		return r;
	/* RFC 1812 5.3.7: no router forwards from 0/8, 127/8 or multicast addresses */
	if (def->subnet.prefix && (def->subnet.prefix < 8 || def->subnet.prefix > 30 ||
				   addr_martian_source(def->subnet.addr)))
		return log_err(-EINVAL, "subnet %s of network %s is not one of unicast addresses; write 10.1.2.0/24, "
					"with a prefix of 8 to 30",
			       cidr_text(&def->subnet, text), def->name);
	if (!def->subnet.prefix && (def->range.prefix || addr_number(def->gateway)))
		return log_err(-EINVAL, "network %s has a %s but no subnet; choose one with --subnet", def->name,
			       def->range.prefix ? "range" : "gateway");
	if (def->mtu && (def->mtu < MTU_MIN || def->mtu > MTU_MAX))
		return log_err(-EINVAL, "MTU %u of network %s: a number from %d to %d", def->mtu, def->name, MTU_MIN,
			       MTU_MAX);
	if (def->flags & NETWORK_INTERNAL && def->flags & NETWORK_OWN_FORWARDING)
		return log_err(-EINVAL, "network %s is internal: nothing leaves it, so --forwarding has no meaning",
			       def->name);
	if (def->flags & NETWORK_INTERNAL && def->unmasqueraded[0].prefix)
		return log_err(-EINVAL, "network %s is internal: nothing leaves it, so --no-masquerade has no meaning",
			       def->name);
	return 0;
}

int network_check_overlap(struct session *x, const struct cidr *subnet, const char *name)
{
	char ours[CIDR_TEXT], theirs[CIDR_TEXT];
	struct nl_link dev = {};
	struct nl_route route;
	size_t i;
	int r;

	cidr_text(subnet, ours);
	for (i = 0; i < x->net_count; i++) {
		const struct net_record *other = &x->nets[i].rec;

		if (strcmp(other->name, name) && cidr_overlap(subnet, &other->subnet))
			return log_err(-EEXIST, "subnet %s of network %s overlaps %s of network %s; choose another "
						"with --subnet CIDR",
				       ours, name, cidr_text(&other->subnet, theirs), other->name);
	}
	r = nl_route_overlap(&x->nl, subnet->addr, subnet->prefix, -1, &route);
	if (r == -ENOENT)
		return 0;
	if (r)
		return log_err(r, "cannot read the routing table: %s", nl_why(&x->nl, r));
	nl_link_get(&x->nl, NULL, route.ifindex, &dev);
	return log_err(-EEXIST, "subnet %s of network %s overlaps the route to %s on %s; choose another with --subnet "
				"CIDR",
		       ours, name, cidr_text(&(struct cidr){ route.dst, route.prefix }, theirs), dev.name);
}

/* ---- a subnet for who asks for none ---- */

static bool is_free(struct session *x, const struct cidr *subnet)
{
	struct nl_route route;
	size_t i;

	for (i = 0; i < x->net_count; i++)
		if (cidr_overlap(subnet, &x->nets[i].rec.subnet))
			return false;
	return nl_route_overlap(&x->nl, subnet->addr, subnet->prefix, -1, &route) == -ENOENT;
}

/* Those of networks that are defined and not up are left to them. */
static bool is_defined(const struct network_def *defs, size_t count, const struct cidr *subnet)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (cidr_overlap(subnet, &defs[i].subnet))
			return true;
	return false;
}

static size_t read_definitions(struct session *x, struct network_def defs[EBPFNET_MAX_NETWORKS])
{
	char names[EBPFNET_MAX_NETWORKS][EBPFNET_NETWORK_LEN];
	size_t i, count, n = 0;

	if (!definition_is_kept(&x->s))
		return 0;
	count = definition_names(names, EBPFNET_MAX_NETWORKS);
	for (i = 0; i < count; i++)
		if (!session_net_named(x, names[i]) && !definition_read(names[i], &defs[n]))
			n++;
	return n;
}

/*
 * In their order; or for a network that a client alone keeps in an order of its own: what was chosen for others may be
 * in the client's files. The stride is odd, so it meets each of the 2^k.
 */
static int choose_subnet(struct session *x, struct network_def *def)
{
	const uint32_t step = 1u << (32 - POOL_PREFIX), n = 1u << (POOL_PREFIX - pool.prefix);
	struct network_def defs[EBPFNET_MAX_NETWORKS];
	size_t count = read_definitions(x, defs);
	struct cidr subnet = { .prefix = POOL_PREFIX };
	uint64_t hash = def->id[0] && !def->kept ? fnv1a(def->id, strlen(def->id)) : 0;
	uint32_t first = hash, stride = hash >> 32 | 1, i;
	char text[CIDR_TEXT];

	for (i = 0; i < n; i++) {
		subnet.addr = addr_from(addr_number(pool.addr) + (first + i * stride) % n * step);
		if (is_defined(defs, count, &subnet) || !is_free(x, &subnet))
			continue;
		def->subnet = subnet;
		return 0;
	}
	return log_err(-ENOSPC, "no subnet is left for network %s: every /%d of %s is in use; choose one with --subnet "
				"CIDR",
		       def->name, POOL_PREFIX, cidr_text(&pool, text));
}

int network_complete(struct session *x, struct network_def *def)
{
	int r = check_members(def);

	if (!r)
		r = def->subnet.prefix ? network_check_overlap(x, &def->subnet, def->name) : choose_subnet(x, def);
	if (r)
		return r;
	if (!addr_number(def->gateway))
		def->gateway = addr_from(addr_number(def->subnet.addr) + 1);
	r = check_gateway(def);
	return r ? r : check_range(def);
}

/* ---- make one ---- */

/* Made for an attachment by a client that repeats the definition with the next one. */
static bool is_passing(const struct net_record *rec)
{
	return rec->id[0] && !(rec->made & NET_KEPT);
}

/* Ids go round, so that what may still be cached under one is old when it is given again. */
static int choose_id(struct session *x, const char *name, uint32_t *out)
{
	struct nl_link ignored;
	char dev[IFNAMSIZ];
	struct config cfg;
	uint32_t i, id;
	int r;

	r = store_config(&x->s, &cfg);
	if (r)
		return r;
	for (i = 0; i < EBPFNET_MAX_NETWORKS; i++) {
		id = 1 + (cfg.last_network + i) % EBPFNET_MAX_NETWORKS;
		snprintf(dev, sizeof(dev), "ebpfnet%u", id - 1);
		if (id == NETWORK_DEFAULT_ID || session_net(x, id) ||
		    nl_link_get(&x->nl, dev, 0, &ignored) != -ENODEV)
			continue;
		*out = id;
		return 0;
	}
	return log_err(-ENOSPC, "cannot make network %s: there are %d, the maximum", name, EBPFNET_MAX_NETWORKS);
}

int network_enter(struct session *x, const struct network_def *def, uint32_t id, uint32_t made, struct net_entry **out)
{
	struct net_entry e = { .id = id, .rec = { .subnet = def->subnet,
						  .range = def->range,
						  .gateway = def->gateway,
						  .flags = def->flags,
						  .forwarding = def->forwarding,
						  .mtu = def->mtu,
						  .made = NET_PENDING | made } };
	int r = 0;

	if (!id)
		r = choose_id(x, def->name, &e.id);
	if (r)
		return r;
	memcpy(e.rec.name, def->name, sizeof(e.rec.name));
	memcpy(e.rec.id, def->id, sizeof(e.rec.id));
	memcpy(e.rec.unmasqueraded, def->unmasqueraded, sizeof(e.rec.unmasqueraded));
	snprintf(e.rec.gw_dev, sizeof(e.rec.gw_dev), "ebpfnet%u", e.id - 1);
	snprintf(e.rec.gw_peer, sizeof(e.rec.gw_peer), "ebpfnet%up", e.id - 1);
	*out = session_net_add(x, &e);
	return *out ? 0 : log_err(-ENOSPC, "cannot make network %s: there are %d, the maximum", def->name,
				  EBPFNET_MAX_NETWORKS);
}

/* Its definition is in the journal first. */
static int make(struct session *x, const struct network_def *def, const struct net_entry **out)
{
	struct walk w = { .x = x, .apply = true, .warn = true };
	struct net_entry *e;
	uint32_t id = 0;
	int r, waited = 0;

	if (!strcmp(def->name, NETWORK_DEFAULT))
		id = NETWORK_DEFAULT_ID;
	r = network_enter(x, def, id, def->kept ? NET_KEPT : 0, &e);
	if (r)
		return r;
	id = e->id;
	r = store_net_set(&x->s, e);
	if (!r)
		r = uplinks_forward(&w);
	if (!r)
		r = walk_gateway(&w, e);
	if (r) {
		network_remove(x, id);
		return r;
	}
	e = session_net(x, id);
	device_wait_running(&x->nl, e->rec.gw_dev, &waited);
	device_wait_running(&x->nl, e->rec.gw_peer, &waited);
	if (out)
		*out = e;
	return 0;
}

int network_add(struct session *x, const struct network_def *wish, const struct net_entry **out)
{
	const struct net_entry *e = session_net_named(x, wish->name);
	struct network_def def = *wish;
	int r;

	if (e && e->rec.made & NET_PENDING)
		return log_err(-EEXIST, "network %s is incomplete; run `ebpfnet up` or `ebpfnet network del %s`",
			       wish->name, wish->name);
	if (e || (wish->kept && definition_is_there(wish->name)))
		return log_err(-EEXIST, "network %s is there already%s; choose another name, or `ebpfnet network del "
					"%s` first",
			       wish->name, e ? "" : ", and comes up with the next `ebpfnet up`", wish->name);
	r = network_complete(x, &def);
	return r ? r : make(x, &def, out);
}

static bool same_list(const struct cidr *a, const struct cidr *b)
{
	return !memcmp(a, b, EBPFNET_UNMASQUERADED * sizeof(*a));
}

/* The first thing that is otherwise than def asks for; NULL: nothing. */
static const char *differs(const struct net_record *rec, const struct network_def *def)
{
	if (def->subnet.prefix && memcmp(&def->subnet, &rec->subnet, sizeof(rec->subnet)))
		return "subnet";
	if (addr_number(def->gateway) && !addr_same(def->gateway, rec->gateway))
		return "gateway";
	if (def->range.prefix && memcmp(&def->range, &rec->range, sizeof(rec->range)))
		return "range";
	/* its forwarding is the administrator's: no client asks for one */
	if ((def->flags ^ rec->flags) & (NETWORK_INTERNAL | NETWORK_ISOLATED))
		return "way of isolation";
	if (def->mtu && def->mtu != rec->mtu)
		return "MTU";
	return same_list(def->unmasqueraded, rec->unmasqueraded) ? NULL : "list of what is not masqueraded";
}

static int check_same(const struct net_record *rec, const struct network_def *def)
{
	const char *other = differs(rec, def);

	return other ? log_err(-EEXIST, "network %s is there already with another %s; `ebpfnet network del %s` first",
			       def->name, other, def->name) : 0;
}

int network_check(struct session *x, struct network_def *def)
{
	const struct net_entry *e = session_net_named(x, def->name);
	int r;

	/* one that goes with its last attachment may be another by then */
	if (!e || is_passing(&e->rec))
		return network_complete(x, def);
	r = check_same(&e->rec, def);
	if (r)
		return r;
	def->subnet = e->rec.subnet;
	def->gateway = e->rec.gateway;
	return 0;
}

static int bring_host_up(struct session *x)
{
	const struct network_spec host = { .host_only = true, .no_endpoints = true };
	_cleanup_diff_ struct diff done = {};

	return network_state(x) == NETWORK_UP ? 0 : network_up(x, &host, &done);
}

int network_ensure(struct session *x, const struct network_def *def, const struct net_entry **out)
{
	const struct net_entry *e;
	int r;

	r = bring_host_up(x);
	if (r)
		return r;
	e = session_net_named(x, def->name);
	if (!e)
		return network_add(x, def, out);
	r = check_same(&e->rec, def);
	if (!r && e->rec.made & NET_PENDING)
		r = network_repair(x, NETWORK_HOST, NULL);
	if (out)
		*out = r ? NULL : session_net_named(x, def->name);
	return r;
}

static struct net_entry *find_by_id(struct session *x, const char *id)
{
	size_t i;

	for (i = 0; i < x->net_count; i++)
		if (!strcmp(x->nets[i].rec.id, id))
			return &x->nets[i];
	return NULL;
}

int network_find(struct session *x, const char *name, const struct net_entry **out)
{
	struct network_def defs[EBPFNET_MAX_NETWORKS];
	size_t i, count;
	int r;

	if (!name)
		name = NETWORK_DEFAULT;
	*out = session_net_named(x, name);
	if (!*out && *name)
		*out = find_by_id(x, name);
	if (*out)
		return 0;
	count = read_definitions(x, defs);
	for (i = 0; i < count; i++) {
		if (strcmp(defs[i].name, name) && strcmp(defs[i].id, name))
			continue;
		r = network_complete(x, &defs[i]);
		return r ? r : make(x, &defs[i], out);
	}
	return log_err(-ENOENT, strcmp(name, NETWORK_DEFAULT) ? "no network %s; `ebpfnet network list` shows them" :
								"no network %s; `ebpfnet up` makes it", name);
}

int network_wake(struct session *x, const char *name, const struct net_entry **out)
{
	int r = bring_host_up(x);

	return r ? r : network_find(x, name, out);
}

bool network_name_of(struct session *x, const char *given, char name[EBPFNET_NETWORK_LEN])
{
	struct network_def defs[EBPFNET_MAX_NETWORKS];
	const struct net_entry *e = session_net_named(x, given);
	size_t i, count;

	if (!e)
		e = find_by_id(x, given);
	if (e)
		memcpy(name, e->rec.name, EBPFNET_NETWORK_LEN);
	count = e ? 0 : read_definitions(x, defs);
	for (i = 0; i < count; i++)
		if (!strcmp(defs[i].name, given) || !strcmp(defs[i].id, given)) {
			memcpy(name, defs[i].name, EBPFNET_NETWORK_LEN);
			return true;
		}
	return e;
}

int networks_bring_back(struct session *x, bool plan, struct diff *done)
{
	struct network_def defs[EBPFNET_MAX_NETWORKS];
	size_t i, count = read_definitions(x, defs);
	char object[48], subnet[CIDR_TEXT];
	struct net_entry *e;
	int r = 0;

	for (i = 0; i < count && !r; i++) {
		if (network_complete(x, &defs[i])) {
			log_warn("network %s is not made", defs[i].name);
			continue;
		}
		if (done) {
			snprintf(object, sizeof(object), "network %.30s", defs[i].name);
			diff_add(done, object, NULL, "make %s, as " DEFINITION_DIR " says",
				 cidr_text(&defs[i].subnet, subnet));
		}
		if (!plan && !network_enter(x, &defs[i], 0, NET_KEPT, &e))
			r = store_net_set(&x->s, e);
	}
	return r;
}

/* ---- remove one ---- */

int network_remove(struct session *x, uint32_t id)
{
	struct walk w = { .x = x, .apply = true };
	struct net_entry *e = session_net(x, id);
	int r;

	e->rec.made |= NET_PENDING;
	r = store_net_set(&x->s, e);
	/* another gateway device has to serve FIB look-ups before this one goes */
	if (!r && x->net_count > 1)
		r = gateways_serve_fib(&w);
	if (!r && e->rec.made & NET_KEPT)
		r = definition_remove(e->rec.name);
	if (!r)
		r = gateway_remove(x, e);
	if (!r)
		r = gateway_forget(x, e);
	if (!r)
		r = store_net_del(&x->s, id);
	if (r)
		return r;
	session_net_drop(x, id);
	return forwarding_apply(x);
}

/* "ns1, ns2 and 3 more" of those in the network; 0: none. */
static size_t inhabitants(const struct ns_entry *all, size_t count, uint32_t id, char *text, size_t room)
{
	size_t i, n = 0, len = 0;

	for (i = 0; i < count; i++) {
		if (all[i].rec.net != id)
			continue;
		if (n < 3)
			len += snprintf(text + len, room - len, "%s%s", n ? ", " : "", all[i].name);
		n++;
	}
	if (n > 3)
		snprintf(text + len, room - len, " and %zu more", n - 3);
	return n;
}

int network_del(struct session *x, const char *name)
{
	const struct net_entry *e = session_net_named(x, name);
	_cleanup_free_ struct ns_entry *all = NULL;
	char text[96];
	size_t count;
	int r;

	r = network_check_name(name);
	if (!r && !e && definition_is_kept(&x->s) && definition_is_there(name))
		return definition_remove(name);
	if (!r && !e)
		r = log_err(-ENOENT, "no network %s; `ebpfnet network list` shows them", name);
	if (!r)
		r = store_ns_all(&x->s, &all, &count);
	if (r)
		return r;
	if (inhabitants(all, count, e->id, text, sizeof(text)))
		return log_err(-EBUSY, "network %s has namespaces: %s; remove or disconnect them first", name, text);
	return network_remove(x, e->id);
}

int network_del_unused(struct session *x)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	char ignored[96];
	size_t i, count;
	int r = 0;

	if (x->s.fd[MAP_NAMESPACES] >= 0)
		r = store_ns_all(&x->s, &all, &count);
	for (i = x->net_count; i-- && !r;)
		if (is_passing(&x->nets[i].rec) && !inhabitants(all, count, x->nets[i].id, ignored, sizeof(ignored)))
			r = network_remove(x, x->nets[i].id);
	return r;
}
