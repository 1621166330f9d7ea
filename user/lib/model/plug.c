// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/portmap_set.h"
#include "lib/base/portmap_text.h"
#include "lib/model/endpoint.h"
#include "lib/model/hosts.h"
#include "lib/model/model.h"
#include "lib/model/plug.h"
#include "lib/model/walk.h"

/* All records, and the one that a key is of. */
struct found {
	struct ns_entry *all;
	size_t count;
	struct ns_entry *e;		/* NULL: there is none */
};

static void found_end(struct found *f)
{
	free(f->all);
}

#define _cleanup_found_ __attribute__((cleanup(found_end)))

const char *plug_id(const char *id, char buf[EBPFNET_ID_LEN])
{
	size_t len = strlen(id);

	if (len < EBPFNET_ID_LEN)
		snprintf(buf, EBPFNET_ID_LEN, "%s", id);
	else
		snprintf(buf, EBPFNET_ID_LEN, "%.47s-%016" PRIx64, id, fnv1a(id, len));
	return buf;
}

static bool is_of(const struct ns_record *rec, const struct plug_key *key)
{
	char id[EBPFNET_ID_LEN];

	return key->client != PLUG_USER && rec->client == key->client && !strcmp(rec->id, plug_id(key->id, id)) &&
	       !strcmp(rec->ifname, key->ifname);
}

/* All of them; of a host that is down, none. */
static int read_all(struct session *x, struct found *f)
{
	*f = (struct found){};
	return x->s.fd[MAP_NAMESPACES] < 0 ? 0 : store_ns_all(&x->s, &f->all, &f->count);
}

static int find(struct session *x, const struct plug_key *key, struct found *f)
{
	size_t i;
	int r;

	r = read_all(x, f);
	for (i = 0; i < f->count && !r; i++)
		if (is_of(&f->all[i].rec, key))
			f->e = &f->all[i];
	return r;
}

static int fill_in(struct session *x, const char *name, const struct ns_record *rec, struct plug_result *out)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	const struct ns_record *first;
	size_t count;
	int r;

	r = store_ns_all(&x->s, &all, &count);
	if (r)
		return r;
	first = endpoint_with_default(x, all, count, name);
	*out = (struct plug_result){ .rec = *rec, .net = *session_net_of(x, rec),
				     .has_default = first && first->net == rec->net };
	snprintf(out->name, sizeof(out->name), "%s", name);
	return 0;
}

int plug_find(struct session *x, const struct plug_key *key, struct plug_result *out)
{
	_cleanup_found_ struct found f;
	int r = find(x, key, &f);

	if (r || !f.e || f.e->rec.flags & NS_PENDING)
		return r ? r : -ENOENT;
	return fill_in(x, f.e->name, &f.e->rec, out);
}

/* ---- removing ---- */

/*
 * The namespace is gone, and with it the pair, now or in a moment. Or nobody can enter it any more, and nobody is in
 * it: what keeps it for another minute are connections that wait for their last packets. One that lives without its
 * device is for `up`, unless its device was moved there by a client.
 */
static bool is_dead(struct session *x, struct found *f, struct ns_entry *e)
{
	struct endpoint_object o = endpoint_object(x, e, f->all, f->count);
	char pid[NETNS_PID];

	if (e->rec.flags & NS_MADE)
		return false;
	if (endpoint_dev(&o))
		return e->rec.flags & NS_LATER || !endpoint_netns_is_there(&e->rec);
	/* it waits on the host, or where it was moved to cannot be seen */
	if (e->rec.flags & NS_LATER && (endpoint_note_netns(&o) || !e->rec.netns_ino))
		return o.dev.peer_ends;
	return o.dev.peer_ends || (access(e->rec.path, F_OK) && errno == ENOENT &&
				   !netns_process(e->rec.netns_dev, e->rec.netns_ino, pid));
}

static bool is_valid(const struct ns_record *rec, const struct plug_key *valid, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (is_of(rec, &valid[i]))
			return true;
	return false;
}

/* Removes each that is chosen. */
static int remove_chosen(struct session *x, bool (*chosen)(struct session *x, struct found *f, struct ns_entry *e,
							    const void *arg),
			 const void *arg, size_t *count)
{
	_cleanup_found_ struct found f;
	size_t i;
	int r;

	*count = 0;
	r = read_all(x, &f);
	for (i = 0; i < f.count && !r; i++) {
		if (!f.all[i].name[0] || !chosen(x, &f, &f.all[i], arg))
			continue;
		r = endpoint_drop(x, &f.all[i], f.all, f.count);
		++*count;
	}
	return r;
}

static bool is_collected(struct session *x, struct found *f, struct ns_entry *e, const void *arg)
{
	const bool *all = arg;

	return (*all || e->rec.client != PLUG_USER || e->rec.id[0]) && is_dead(x, f, e);
}

int plug_collect(struct session *x, bool all, size_t *count)
{
	return remove_chosen(x, is_collected, &all, count);
}

struct garbage {
	enum plug_client client;
	const struct net_entry *net;	/* NULL: any */
	const struct plug_key *valid;
	size_t count;
};

static bool is_garbage(struct session *x, struct found *f, struct ns_entry *e, const void *arg)
{
	const struct garbage *g = arg;

	return e->rec.client == g->client && (!g->net || e->rec.net == g->net->id) &&
	       (!is_valid(&e->rec, g->valid, g->count) || is_dead(x, f, e));
}

int plug_gc(struct session *x, enum plug_client client, const char *network, const struct plug_key *valid,
	    size_t valid_count, size_t *count)
{
	struct garbage g = { client, network ? session_net_named(x, network) : NULL, valid, valid_count };

	*count = 0;
	return network && !g.net ? 0 : remove_chosen(x, is_garbage, &g, count);
}

static bool is_that(struct session *x, struct found *f, struct ns_entry *e, const void *arg)
{
	return is_of(&e->rec, arg);
}

int plug_del(struct session *x, const struct plug_key *key)
{
	size_t count;
	int r;

	r = remove_chosen(x, is_that, key, &count);
	if (r || count)
		return r;
	/* a command that was killed may have removed the record, and not what follows from it */
	r = lo_ensure(x);
	if (!r)
		r = shaper_settle(x);
	return r ? r : hosts_write(x);
}

int plug_unpublish(struct session *x, const struct plug_key *key)
{
	_cleanup_found_ struct found f;
	int r = find(x, key, &f);

	if (r || !f.e)
		return r;
	r = store_repair(&x->s);
	if (!r && f.e->rec.endpoint)
		r = store_portmaps_del(&x->s, f.e->rec.endpoint);
	return r ? r : lo_ensure(x);
}

/* ---- one that comes later ---- */

int plug_place(struct session *x, struct plug_result *at, const char *path)
{
	if (!(at->rec.flags & NS_LATER) || strlen(path) >= sizeof(at->rec.path))
		path = ""; /* it works without */
	if (!strcmp(at->rec.path, path))
		return 0;
	endpoint_identify(&at->rec, &(struct netns_id){});
	snprintf(at->rec.path, sizeof(at->rec.path), "%s", path);
	return store_ns_set(&x->s, at->name, &at->rec);
}

/* ---- comparing ---- */

static int differs(const struct plug_key *key, const char *what)
{
	return log_err(-EEXIST, "%s of %s is attached already, with another %s; detach it first", key->ifname, key->id,
		       what);
}

static bool is_network(const struct net_record *net, const char *given)
{
	return !strcmp(net->name, given) || (net->id[0] && !strcmp(net->id, given));
}

static int compare(struct session *x, const struct plug_request *q, const struct ns_record *rec)
{
	const struct endpoint_spec *spec = &q->spec;
	struct netns_id id;
	int r;

	if (spec->path) {
		r = netns_stat(spec->path, &id);
		if (r)
			return log_err(r, "%s is not a network namespace: %s", spec->path, strerror(-r));
		if (!endpoint_is_netns(rec, &id))
			return differs(&q->key, "network namespace");
	}
	if (spec->network && !is_network(session_net_of(x, rec), spec->network))
		return differs(&q->key, "network");
	if (addr_number(spec->addr) && !addr_same(spec->addr, rec->addr))
		return differs(&q->key, "address");
	if (spec->has_mac && memcmp(spec->mac, rec->mac, sizeof(rec->mac)))
		return differs(&q->key, "MAC address");
	if ((spec->in.rate && memcmp(&spec->in, &rec->in, sizeof(rec->in))) ||
	    (spec->out.rate && memcmp(&spec->out, &rec->out, sizeof(rec->out))))
		return differs(&q->key, "limit");
	return spec->mtu && spec->mtu != rec->mtu ? differs(&q->key, "MTU") : 0;
}

/* The mapping that was chosen for one without a port of the host. */
static bool find_chosen(const struct portmap_entry *all, size_t there, struct portmap *p)
{
	size_t i;

	for (i = 0; i < there; i++) {
		const struct portmap *q = &all[i].portmap;

		if (q->endpoint != p->endpoint || q->proto != p->proto || !addr_same(q->addr, p->addr) ||
		    q->to_first_h != p->to_first_h || q->first_h != q->last_h)
			continue;
		p->first_h = p->last_h = q->first_h;
		return true;
	}
	return false;
}

/* How many of q's are not published; those of chosen ports are completed. */
static int missing(struct session *x, const struct plug_request *q, const struct ns_record *rec, size_t *count)
{
	_cleanup_free_ struct portmap_entry *all = NULL;
	size_t i, k, there;
	int r;

	*count = 0;
	r = store_portmaps(&x->s, &all, &there);
	for (i = 0; i < q->publish_count && !r; i++) {
		struct portmap *p = &q->publish[i];
		bool has = false;

		p->endpoint = rec->endpoint;
		if (!p->first_h)
			has = find_chosen(all, there, p);
		for (k = 0; k < there && !has; k++)
			has = all[k].portmap.endpoint == rec->endpoint && portmap_set_has(&all[k].portmap, 1, p);
		*count += !has;
	}
	return r;
}

static int check_walk(struct session *x, struct found *f)
{
	struct net_entry *net = session_net(x, f->e->rec.net);
	_cleanup_diff_ struct diff d = {};
	struct walk w = { .x = x, .diff = &d };
	size_t i;
	int r = 0;

	if (net)
		r = walk_gateway(&w, net);
	if (!r && endpoint_is_limited(&f->e->rec))
		r = walk_shaper(&w);
	if (!r)
		r = walk_endpoint(&w, f->e, f->all, f->count);
	for (i = 0; i < d.count && !r; i++)
		if (!d.list[i].note)
			r = log_err(-EUCLEAN, "%s%s%s", d.list[i].what, d.list[i].fix[0] ? "; " : "", d.list[i].fix);
	return r;
}

int plug_check(struct session *x, const struct plug_request *q)
{
	_cleanup_found_ struct found f;
	size_t count;
	int r;

	r = find(x, &q->key, &f);
	if (!r && (!f.e || f.e->rec.flags & NS_PENDING))
		r = log_err(-ENOENT, "%s of %s is not attached", q->key.ifname, q->key.id);
	if (!r)
		r = compare(x, q, &f.e->rec);
	if (!r)
		r = check_walk(x, &f);
	if (!r)
		r = missing(x, q, &f.e->rec, &count);
	if (!r && count)
		r = log_err(-EUCLEAN, "%zu of its %zu port mappings are not published", count, q->publish_count);
	return r;
}

/* ---- adding ---- */

/* The list stays as the caller has it, but for the ports that are chosen. */
static int publish(struct session *x, const struct plug_result *to, struct plug_request *q)
{
	size_t count = q->publish_count;
	_cleanup_free_ struct portmap *folded = NULL;
	int r;

	if (!count || (q->publish_elsewhere && !to->has_default))
		return 0;
	if (to->net.flags & NETWORK_INTERNAL)
		return log_err(-EPERM, "cannot publish for %s: network %s is internal", to->name, to->net.name);
	if (!to->has_default)
		return log_err(-EPERM, "cannot publish for %s in network %s: answers leave by its default route, which "
				       "leads to another network; publish there", to->name, to->net.name);
	r = portmap_choose(x, q->publish, count);
	if (r)
		return r;
	folded = reallocarray(NULL, count, sizeof(*folded));
	if (!folded)
		return log_err(-ENOMEM, "no memory for %zu port mappings", count);
	memcpy(folded, q->publish, count * sizeof(*folded));
	return portmap_publish(x, to->name, &to->rec, folded, &count);
}

int plug_publish_rest(struct session *x, enum plug_client client, const char *id, struct portmap *list, size_t count)
{
	struct plug_request q = { .publish = list, .publish_count = count, .publish_elsewhere = true };
	_cleanup_found_ struct found f;
	char text[EBPFNET_ID_LEN];
	struct plug_result to;
	size_t i;
	int r;

	plug_id(id, text);
	r = read_all(x, &f);
	for (i = 0; i < f.count && !r; i++) {
		if (f.all[i].rec.client != client || strcmp(f.all[i].rec.id, text))
			continue;
		r = fill_in(x, f.all[i].name, &f.all[i].rec, &to);
		if (!r)
			r = publish(x, &to, &q);
	}
	return r;
}

/* What is there is what is asked for: mend it. */
static int again(struct session *x, struct plug_request *q, struct found *f, struct plug_result *out)
{
	struct walk w = { .x = x, .apply = true };
	size_t count;
	int r;

	r = compare(x, q, &f->e->rec);
	if (!r)
		r = shaper_settle(x);
	if (!r)
		r = walk_endpoint(&w, f->e, f->all, f->count);
	if (!r)
		r = fill_in(x, f->e->name, &f->e->rec, out);
	if (!r)
		r = missing(x, q, &f->e->rec, &count);
	if (!r)
		r = count ? publish(x, out, q) : lo_ensure(x);
	out->was_there = true;
	return r;
}

int plug_publish(struct session *x, const struct plug_key *key, struct portmap *list, size_t count)
{
	struct plug_request q = { .key = *key, .publish = list, .publish_count = count };
	_cleanup_found_ struct found f;
	struct plug_result ignored;
	int r = find(x, key, &f);

	if (r || !f.e || f.e->rec.flags & NS_PENDING)
		return r ? r : -ENOENT;
	return again(x, &q, &f, &ignored);
}

/* The name of the container's other attachments; or a new one, by its id. 1: the former. */
static int choose_name(const struct found *f, const struct plug_key *key, const char *id, char name[EBPFNET_NAME_LEN])
{
	char text[EBPFNET_ID_LEN + 16];
	unsigned int turn;
	bool is_taken;
	size_t i;

	for (i = 0; i < f->count; i++)
		if (f->all[i].rec.client == key->client && !strcmp(f->all[i].rec.id, id)) {
			memcpy(name, f->all[i].name, EBPFNET_NAME_LEN);
			return 1;
		}
	for (turn = 0; turn <= f->count; turn++) {
		snprintf(text, sizeof(text), turn ? "%s/%u" : "%s", id, turn);
		endpoint_short_name(text, name);
		is_taken = endpoint_is_word(name);
		for (i = 0; i < f->count && !is_taken; i++)
			is_taken = !strcmp(f->all[i].name, name);
		if (!is_taken)
			break;
	}
	return 0;
}

/* A container's attachments are in one namespace. */
static int check_same_netns(const struct found *f, const struct plug_request *q, const char *name)
{
	struct netns_id id;
	size_t i;
	int r;

	r = netns_stat(q->spec.path, &id);
	if (r)
		return log_err(r, "%s is not a network namespace: %s", q->spec.path, strerror(-r));
	for (i = 0; i < f->count; i++)
		if (!strcmp(f->all[i].name, name) && !endpoint_is_netns(&f->all[i].rec, &id))
			return log_err(-EEXIST, "%s is attached already, with another network namespace; detach it "
						"first", q->key.id);
	return 0;
}

/* The next choice of an address begins behind this one. */
static int go_round(struct session *x, const struct plug_request *q, const struct ns_record *rec)
{
	struct net_entry *net = session_net(x, rec->net);

	if (q->key.client == PLUG_USER || addr_number(q->spec.addr) || !net)
		return 0;
	net->rec.next_addr = ipam_turn_after(&net->rec, rec->addr);
	return store_net_set(&x->s, net);
}

static int undo(struct session *x, const char *name, uint16_t net)
{
	_cleanup_found_ struct found f;
	size_t i;
	int r;

	r = read_all(x, &f);
	for (i = 0; i < f.count && !r; i++)
		if (!strcmp(f.all[i].name, name) && f.all[i].rec.net == net)
			return endpoint_drop(x, &f.all[i], f.all, f.count);
	return r;
}

static int add_new(struct session *x, struct plug_request *q, const struct found *f, struct plug_result *out)
{
	struct endpoint_spec spec = q->spec;
	char id[EBPFNET_ID_LEN];
	struct ns_record rec;
	bool is_there = false;
	int r = 0;

	spec.client = q->key.client;
	if (q->key.id)
		spec.id = plug_id(q->key.id, id);
	if (q->key.ifname)
		spec.dev = q->key.ifname; /* later: the client's name for it, which is not known yet */
	if (spec.client != PLUG_USER)
		is_there = choose_name(f, &q->key, id, spec.name);
	if (is_there)
		r = check_same_netns(f, q, spec.name);
	if (!r)
		r = is_there ? endpoint_connect(x, &spec, &rec) : endpoint_add(x, &spec, &rec);
	if (r)
		return r;
	r = go_round(x, q, &rec);
	if (!r)
		r = fill_in(x, spec.name, &rec, out);
	if (!r)
		r = publish(x, out, q);
	if (r)
		undo(x, spec.name, rec.net);
	return r;
}

static bool is_displaced(struct session *x, struct found *f, struct ns_entry *e, const void *arg)
{
	const struct plug_request *q = arg;

	return e->rec.client == q->key.client && addr_same(e->rec.addr, q->spec.addr) && !is_of(&e->rec, &q->key) &&
	       is_network(session_net_of(x, &e->rec), q->spec.network);
}

static int collect(struct session *x, const struct plug_request *q)
{
	size_t ignored;
	int r = plug_collect(x, false, &ignored);

	if (!r && q->owns_addr && addr_number(q->spec.addr))
		r = remove_chosen(x, is_displaced, q, &ignored);
	return r;
}

/* The network is there, and what is dead is not. */
static int attach(struct session *x, struct plug_request *q, struct plug_result *out)
{
	_cleanup_found_ struct found f = {};
	int r;

	r = collect(x, q);
	if (!r)
		r = find(x, &q->key, &f);
	if (!r && f.e && !(f.e->rec.flags & NS_PENDING))
		return again(x, q, &f, out);
	/* a killed command left it, and told nobody */
	if (!r && f.e) {
		r = endpoint_drop(x, f.e, f.all, f.count);
		found_end(&f);
		f = (struct found){};
		if (!r)
			r = find(x, &q->key, &f);
	}
	return r ? r : add_new(x, q, &f, out);
}

/* A network that was made for nothing goes again; so does all, if nothing was up. */
static void undo_network(struct session *x, const char *name, bool was_up)
{
	const struct net_entry *net = session_net_named(x, name);
	bool ignored;

	if (!was_up)
		network_down(x, &ignored);
	else if (net)
		network_remove(x, net->id);
}

int plug_add(struct session *x, struct plug_request *q, struct plug_result *out)
{
	bool was_up = network_state(x) != NETWORK_DOWN, was_there;
	int r;

	if (!q->define)
		return attach(x, q, out);
	q->spec.network = q->define->name;
	was_there = session_net_named(x, q->define->name);
	r = network_ensure(x, q->define, NULL);
	if (!r)
		r = attach(x, q, out);
	if (r && !was_there)
		undo_network(x, q->define->name, was_up);
	return r;
}
