// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Adding an endpoint to the network, and removing it. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/model/endpoint.h"
#include "lib/model/hosts.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

#define RUNNING_WAIT_MS 1000
#define RUNNING_POLL_MS 2

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

/* ---- adding ---- */

/* *id: which namespace is to be attached. */
/* An IPv6 address belongs to one namespace. */
static int check_ipv6(const struct endpoint_spec *spec, const struct ns_entry *all, size_t count)
{
	char text[IPV6_TEXT];
	size_t i, j, n;

	for (n = 0; n < EBPFNET_GIVEN_IPV6 && !ipv6_is_none(&spec->ipv6[n]); n++)
		for (i = 0; i < count; i++)
			for (j = 0; j < EBPFNET_GIVEN_IPV6; j++)
				if (ipv6_same(&spec->ipv6[n], &all[i].rec.ipv6[j]))
					return log_err(-EADDRINUSE, "%s is namespace %s's; choose another address",
						       ipv6_text(&spec->ipv6[n], text), all[i].name);
	return 0;
}

static int check_new(struct session *x, const struct endpoint_spec *spec, struct netns_id *id)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	size_t i, count;
	int r;

	r = store_ns_all(&x->s, &all, &count);
	for (i = 0; i < count && !r; i++) {
		if (spec->id && !strcmp(all[i].rec.id, spec->id))
			return log_err(-EEXIST, "id %s is attached already, as %s; `ebpfnet detach %s` first", spec->id,
				       all[i].name, all[i].name);
		if (!strcmp(all[i].name, spec->name))
			return log_err(-EEXIST, "namespace %s is attached already; choose another name%s", spec->name,
				       spec->path ? " with --name" : "");
	}
	if (!r)
		r = check_ipv6(spec, all, count);
	if (r)
		return r;
	if (!spec->path) {
		r = endpoint_check_free(spec->name);
		return r ? r : netns_check_folder();
	}
	r = netns_stat(spec->path, id);
	if (r)
		return log_err(r, "cannot attach %s: %s is not a network namespace", spec->name, spec->path);
	if (id->cookie == x->netns_cookie)
		return log_err(-EINVAL, "cannot attach %s: that is the host's own network namespace", spec->path);
	for (i = 0; i < count; i++)
		if (endpoint_is_netns(&all[i].rec, id))
			return log_err(-EEXIST, "cannot attach %s: it is attached already, as %s", spec->path,
				       all[i].name);
	return 0;
}

int endpoint_add(struct session *x, const struct endpoint_spec *spec, struct ns_record *out)
{
	_cleanup_ipam_ struct ipam used = {};
	struct walk w = { .x = x, .apply = true, .warn = true };
	struct ns_entry e = {};
	struct netns_id id = {};
	int r, waited = 0;

	r = endpoint_check_name(spec->name);
	if (!r)
		r = check_new(x, spec, &id);
	if (!r)
		r = ipam_read(x, &used);
	if (!r)
		r = ipam_reserve(x, &used, spec, 0, &e.rec);
	endpoint_identify(&e.rec, &id);
	memcpy(e.rec.ipv6, spec->ipv6, sizeof(e.rec.ipv6));
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
	hosts_say_resolver(spec->path ? spec->name : NULL);
	return 0;
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
 * /etc/netns/NAME is of all who use it: a namespace attached by its path /run/netns/NAME under another name, and one
 * that is attached by a process as NAME. The last one removes it; until then another one's record says who made it.
 */
static int leave_etc(struct endpoint_object *o)
{
	const char *etc = endpoint_etc_name(o->rec, o->name);
	_cleanup_free_ struct ns_entry *all = NULL;
	size_t i, count;
	int r;

	r = store_ns_all(&o->x->s, &all, &count);
	if (r)
		return r;
	for (i = 0; i < count; i++) {
		struct ns_entry *e = &all[i];

		if (strcmp(e->name, o->name) && !strcmp(endpoint_etc_name(&e->rec, e->name), etc)) {
			e->rec.flags |= o->rec->flags & (NS_HOSTS_LINK | NS_HOSTS_DIR);
			hosts_link(etc, e->rec.flags);
			return store_ns_set(&o->x->s, e->name, &e->rec);
		}
	}
	hosts_unlink(etc, o->rec->flags);
	return 0;
}

int endpoint_remove(struct session *x, const char *name, struct ns_record *rec)
{
	struct endpoint_object o = { .x = x, .name = name, .rec = rec };
	int r;

	store_ns(&x->s, name, rec); /* it may have become the owner of its files since the caller read it */
	rec->flags |= NS_PENDING;
	r = endpoint_save(&o);
	if (!r)
		r = endpoint_forget_port(&o);
	if (!r)
		r = endpoint_remove_pair(&o);
	if (!r)
		r = remove_netns(&o);
	if (!r)
		r = leave_etc(&o);
	return r ? r : store_ns_del(&x->s, name);
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
	if (made)
		r = netns_check_folder();
	if (!r)
		r = endpoint_remove(x, name, &rec);
	if (!r)
		r = lo_ensure(x);
	return r ? r : hosts_write(&x->s);
}
