// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Adding an endpoint to the network, and removing it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/model/device.h"
#include "lib/model/endpoint.h"
#include "lib/model/hosts.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

void endpoint_wait(struct session *x, const struct ns_record *rec)
{
	int waited = 0;

	store_unlock(&x->s);
	device_wait_running(&x->nl, rec->host_dev, &waited);
}

void endpoints_wait_running(struct session *x)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	size_t i, count;
	int waited = 0;

	if (store_ns_all(&x->s, &all, &count))
		return;
	for (i = 0; i < count; i++)
		if (!(all[i].rec.flags & NS_LATER))
			device_wait_running(&x->nl, all[i].rec.host_dev, &waited);
}

/* ---- adding ---- */

/* An IPv6 address belongs to one namespace. */
static int check_ipv6(const struct endpoint_spec *spec, const struct ipam *used)
{
	char text[IPV6_TEXT];
	size_t i, j, n;

	for (n = 0; n < EBPFNET_GIVEN_IPV6 && !ipv6_is_none(&spec->ipv6[n]); n++)
		for (i = 0; i < used->count; i++)
			for (j = 0; j < EBPFNET_GIVEN_IPV6; j++)
				if (ipv6_same(&spec->ipv6[n], &used->endpoint[i].rec.ipv6[j]))
					return log_err(-EADDRINUSE, "%s is namespace %s's; choose another address",
						       ipv6_text(&spec->ipv6[n], text), used->endpoint[i].name);
	return 0;
}

/* *id: which namespace is to be attached. */
static int check_path(struct session *x, const struct endpoint_spec *spec, const struct ipam *used, struct netns_id *id)
{
	size_t i;
	int r;

	r = netns_stat(spec->path, id);
	if (r)
		return log_err(r, "cannot attach %s: %s is not a network namespace", spec->name, spec->path);
	if (id->cookie == x->netns_cookie)
		return log_err(-EINVAL, "cannot attach %s: that is the host's own network namespace", spec->path);
	for (i = 0; i < used->count; i++)
		if (endpoint_is_netns(&used->endpoint[i].rec, id))
			return log_err(-EEXIST, "cannot attach %s: it is attached already, as %s", spec->path,
				       used->endpoint[i].name);
	return 0;
}

static int check_new(struct session *x, const struct endpoint_spec *spec, const struct ipam *used, struct netns_id *id)
{
	size_t i;
	int r;

	for (i = 0; i < used->count; i++) {
		const struct ns_entry *e = &used->endpoint[i];

		if (spec->id && !strcmp(e->rec.id, spec->id))
			return log_err(-EEXIST, "id %s is attached already, as %s; `ebpfnet detach %s` first", spec->id,
				       e->name, e->name);
		if (!strcmp(e->name, spec->name))
			return log_err(-EEXIST, "namespace %s is attached already; choose another name%s", spec->name,
				       spec->path ? " with --name" : "");
	}
	if (spec->later)
		return 0;
	if (spec->path)
		return check_path(x, spec, used, id);
	r = endpoint_check_free(spec->name);
	return r ? r : netns_check_folder();
}

/* Make what is reserved as the last entry of used. What is there already of the namespace gets to know of it. */
static int make(struct session *x, struct ipam *used, const struct endpoint_spec *spec, const struct netns_id *id,
		struct ns_record *out)
{
	struct ns_entry *e = &used->endpoint[used->count - 1];
	struct walk w = { .x = x, .apply = true, .warn = true };
	size_t i;
	int r;

	endpoint_identify(&e->rec, id);
	memcpy(e->rec.ipv6, spec->ipv6, sizeof(e->rec.ipv6));
	e->rec.in = spec->in;
	e->rec.out = spec->out;
	r = store_ns_set(&x->s, e->name, &e->rec);
	if (r)
		return r;
	if (endpoint_is_limited(&e->rec))
		r = shaper_ensure(x);
	for (i = used->count; i-- && !r;)
		if (!strcmp(used->endpoint[i].name, e->name))
			r = walk_endpoint(&w, &used->endpoint[i], used->endpoint, used->count);
	if (!r)
		r = store_ports_count(&x->s, e->rec.net);
	if (!r)
		r = hosts_write(x);
	if (r) {
		endpoint_remove(x, e, used->endpoint, used->count);
		shaper_settle(x);
		hosts_write(x);
		return r;
	}
	*out = e->rec;
	return 0;
}

int endpoint_add(struct session *x, const struct endpoint_spec *spec, struct ns_record *out)
{
	_cleanup_ipam_ struct ipam used = {};
	const struct net_entry *net;
	struct netns_id id = {};
	int r;

	r = endpoint_check_name(spec->name);
	if (!r)
		r = network_find(x, spec->network, &net);
	if (!r)
		r = ipam_read(x, net, &used);
	if (!r)
		r = check_new(x, spec, &used, &id);
	if (!r)
		r = check_ipv6(spec, &used);
	if (!r)
		r = ipam_reserve(x, &used, spec, 0, out);
	if (!r)
		r = make(x, &used, spec, &id, out);
	if (!r)
		hosts_say_resolver(spec->path || spec->later ? spec->name : NULL);
	return r;
}

static int no_namespace(int r, const char *name)
{
	return log_err(r, "no namespace %s; `ebpfnet ns list` shows them", name);
}

/* One of the namespace's ports, whose namespace and names another one shares. Logs. */
static int find_other(const struct ipam *used, const char *name, const struct ns_record **other)
{
	const struct ns_record *in = ipam_find(used, name);
	size_t i;

	if (in)
		return log_err(-EEXIST, in->flags & NS_PENDING ?
						"namespace %s is incomplete in network %s; run `ebpfnet up`" :
						"namespace %s is in network %s already",
			       name, used->net->rec.name);
	*other = NULL;
	for (i = 0; i < used->count; i++)
		if (!strcmp(used->endpoint[i].name, name))
			*other = &used->endpoint[i].rec;
	return *other ? 0 : no_namespace(-ENOENT, name);
}

int endpoint_connect(struct session *x, const struct endpoint_spec *wish, struct ns_record *out)
{
	struct endpoint_spec spec = *wish;
	_cleanup_ipam_ struct ipam used = {};
	char remedy[REMEDY_TEXT], path[EBPFNET_PATH_LEN];
	const struct ns_record *other;
	const struct net_entry *net;
	struct netns_id id;
	uint16_t flags;
	int r;

	r = network_find(x, spec.network, &net);
	if (!r)
		r = ipam_read(x, net, &used);
	if (!r)
		r = check_ipv6(&spec, &used);
	if (!r)
		r = find_other(&used, spec.name, &other);
	if (r)
		return r;
	if (!endpoint_netns_is_there(other))
		return log_err(-ENOENT, "namespace %s was deleted externally; run `%s`", spec.name,
			       endpoint_remedy(spec.name, other, remedy));
	id = (struct netns_id){ other->netns_dev, other->netns_ino, other->netns_cookie };
	memcpy(path, other->path, sizeof(path));
	spec.path = path;
	flags = other->flags & (NS_MADE | NS_HOSTS_LINK | NS_HOSTS_DIR);
	spec.label = other->label;
	r = ipam_reserve(x, &used, &spec, flags, out);
	return r ? r : make(x, &used, &spec, &id, out);
}

/* ---- removing ---- */

/* Remove only the namespace that ebpfnet made, or one that a killed command left incomplete. */
static int remove_netns(struct endpoint_object *o)
{
	if (!(o->rec->flags & NS_MADE))
		return 0;
	if (o->rec->netns_ino && !netns_stat(o->rec->path, NULL) && !endpoint_netns_is_there(o->rec)) {
		log_warn("namespace %s is another one than ebpfnet made, so it stays", o->name);
		return 0;
	}
	return netns_remove(o->name);
}

/*
 * /etc/netns/NAME is of all who use it: the namespace's other ports, a namespace attached by its path /run/netns/NAME
 * under another name, and one that is attached by a process as NAME. The last one removes it; until then another one's
 * record says who made it.
 */
static int leave_etc(struct endpoint_object *o, struct ns_entry *gone)
{
	char file[HOSTS_PATH], etc[EBPFNET_PATH_LEN], first = gone->name[0];
	size_t i;

	snprintf(etc, sizeof(etc), "%s", endpoint_etc_name(o->rec, o->name));
	for (i = 0; i < o->count; i++) {
		struct ns_entry *e = &o->all[i];

		if (&e->rec == o->rec || !e->name[0] || strcmp(endpoint_etc_name(&e->rec, e->name), etc))
			continue;
		e->rec.flags |= o->rec->flags & (NS_HOSTS_LINK | NS_HOSTS_DIR);
		gone->name[0] = '\0'; /* its network does not count */
		hosts_link(etc, hosts_file(o->all, o->count, e->name, file), e->rec.flags);
		gone->name[0] = first;
		return store_ns_set(&o->x->s, e->name, &e->rec);
	}
	hosts_unlink(etc, o->rec->flags);
	return 0;
}

static bool is_last(const struct ns_entry *e, const struct ns_entry *all, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (&all[i] != e && !strcmp(all[i].name, e->name))
			return false;
	return true;
}

int endpoint_remove(struct session *x, struct ns_entry *e, struct ns_entry *all, size_t count)
{
	struct endpoint_object o = endpoint_object(x, e, all, count);
	bool last = is_last(e, all, count);
	int r;

	o.rec->flags |= NS_PENDING;
	r = endpoint_save(&o);
	if (!r)
		r = endpoint_forget_port(&o);
	if (!r)
		r = endpoint_remove_pair(&o);
	if (!r && last)
		r = remove_netns(&o);
	if (!r)
		r = leave_etc(&o, e);
	if (!r)
		r = store_ns_del(&x->s, o.name, o.rec->net);
	if (!r)
		e->name[0] = '\0';
	return r;
}

int endpoint_find_id(struct session *x, const char *id, char name[EBPFNET_NAME_LEN])
{
	_cleanup_free_ struct ns_entry *all = NULL;
	size_t i, count;
	int r;

	r = store_ns_all(&x->s, &all, &count);
	for (i = 0; i < count && !r; i++)
		if (!strcmp(all[i].rec.id, id)) {
			memcpy(name, all[i].name, EBPFNET_NAME_LEN);
			return 0;
		}
	return r ? r : log_err(-ENOENT, "no namespace with the id %s; `ebpfnet ns list` shows them", id);
}

static bool is_called(const struct ns_record *rec, const char *given)
{
	const char *last = strrchr(rec->label, '/');

	return !strcmp(rec->label, given) || !strcmp(rec->id, given) || (last && !strcmp(last + 1, given));
}

int endpoint_resolve(const struct store *s, const char *given, char name[EBPFNET_NAME_LEN])
{
	_cleanup_free_ struct ns_entry *all = NULL;
	const struct ns_entry *found = NULL;
	size_t i, count;
	int r;

	snprintf(name, EBPFNET_NAME_LEN, "%s", given);
	r = store_ns_all(s, &all, &count);
	for (i = 0; i < count && !r; i++) {
		if (!strcmp(all[i].name, given))
			return 0;
		if (!is_called(&all[i].rec, given) || (found && !strcmp(found->name, all[i].name)))
			continue;
		if (found)
			return log_err(-EEXIST, "%s may be %s or %s; use one of these names", given, found->name,
				       all[i].name);
		found = &all[i];
	}
	if (!r && found)
		memcpy(name, found->name, EBPFNET_NAME_LEN);
	return r || found || strlen(given) < EBPFNET_NAME_LEN ? r : no_namespace(-ENOENT, given);
}

static int remove_all_ports(struct session *x, const char *name)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	size_t i, count;
	int r;

	r = store_ns_all(&x->s, &all, &count);
	for (i = 0; i < count && !r; i++)
		if (!strcmp(all[i].name, name))
			r = endpoint_remove(x, &all[i], all, count);
	return r;
}

int endpoint_del(struct session *x, const char *name, bool made)
{
	struct ns_record rec;
	int r;

	r = store_ns(&x->s, name, &rec);
	if (r)
		return no_namespace(r, name);
	if (made && !(rec.flags & NS_MADE))
		return log_err(-EINVAL,
			       "namespace %s was attached, not made; `ebpfnet detach %s` detaches it and "
			       "leaves it",
			       name, name);
	if (!made && rec.flags & NS_MADE)
		return log_err(-EINVAL,
			       "namespace %s was made by ebpfnet, not attached; `ebpfnet ns del %s` removes it", name,
			       name);
	if (made)
		r = netns_check_folder();
	if (!r)
		r = remove_all_ports(x, name);
	if (!r)
		r = lo_ensure(x);
	if (!r)
		r = shaper_settle(x);
	return r ? r : hosts_write(x);
}

/* Of a namespace that has lost a port: its default route led there, maybe, and its hosts file has names of there. */
static int settle(struct session *x, const char *name, struct ns_entry *all, size_t count)
{
	struct walk w = { .x = x, .apply = true, .warn = true };
	size_t i;
	int r = 0;

	for (i = 0; i < count && !r; i++)
		if (!strcmp(all[i].name, name))
			r = walk_endpoint(&w, &all[i], all, count);
	if (!r)
		r = lo_ensure(x);
	if (!r)
		r = shaper_settle(x);
	return r ? r : hosts_write(x);
}

int endpoint_drop(struct session *x, struct ns_entry *e, struct ns_entry *all, size_t count)
{
	char name[EBPFNET_NAME_LEN];
	int r;

	memcpy(name, e->name, sizeof(name));
	r = endpoint_remove(x, e, all, count);
	return r ? r : settle(x, name, all, count);
}

int endpoint_select(struct session *x, const char *name, const char *network, struct ns_entry *all, size_t count,
		    struct ns_entry **out)
{
	const struct net_entry *net = network ? session_net_named(x, network) : NULL;
	bool is_there = false;
	size_t i;

	*out = NULL;
	if (network && !net)
		return log_err(-ENOENT, "no network %s; `ebpfnet network list` shows them", network);
	for (i = 0; i < count; i++) {
		if (strcmp(all[i].name, name))
			continue;
		is_there = true;
		if (net && all[i].rec.net != net->id)
			continue;
		if (*out)
			return log_err(-EINVAL, "namespace %s is in several networks; say which one with --network",
				       name);
		*out = &all[i];
	}
	if (*out)
		return 0;
	return is_there ? log_err(-ENOENT, "namespace %s is not in network %s; `ebpfnet ns list` shows who is", name,
				  network) :
			  no_namespace(-ENOENT, name);
}

int endpoint_disconnect(struct session *x, const char *name, const char *network)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	struct ns_entry *e;
	size_t count;
	int r;

	r = store_ns_all(&x->s, &all, &count);
	if (!r)
		r = endpoint_select(x, name, network, all, count, &e);
	if (r)
		return r;
	if (is_last(e, all, count))
		return log_err(-EBUSY, "network %s is the only one that namespace %s is in; `ebpfnet %s %s` removes it",
			       network, name, e->rec.flags & NS_MADE ? "ns del" : "detach", name);
	return endpoint_drop(x, e, all, count);
}
