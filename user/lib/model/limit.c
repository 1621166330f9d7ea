// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Limits of a port: the record, and what the programs know of it. The queues are shaper.c's. */
#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/model/endpoint.h"
#include "lib/model/model.h"
#include "lib/model/shaper.h"

bool endpoint_is_limited(const struct ns_record *rec)
{
	return rec->in.rate || rec->out.rate;
}

/* ---- what the programs know ---- */

static uint16_t limit_flags(const struct ns_record *rec)
{
	return (rec->in.rate ? PORT_LIMIT_IN : 0) | (rec->out.rate ? PORT_LIMIT_OUT : 0);
}

static struct limit limit_of(const struct ns_limit *l)
{
	uint64_t rate = l->rate / 8;

	if (!rate)
		return (struct limit){};
	return (struct limit){ .rate = rate,
			       .burst_ns = shaper_time(rate, shaper_burst(l)),
			       .horizon_ns = shaper_time(rate, shaper_queue(l)) };
}

static bool is_same(const struct limit *a, const struct limit *b)
{
	return a->rate == b->rate && a->burst_ns == b->burst_ns && a->horizon_ns == b->horizon_ns;
}

bool endpoint_has_limits(void *object, struct difference *d)
{
	struct endpoint_object *o = object;
	struct limit want = limit_of(&o->rec->out), is;
	struct port p;

	if (store_port(&o->x->s, o->rec->ifindex, &p, &is))
		return true; /* another property says it */
	return holds_if((p.flags & PORT_LIMITED) == limit_flags(o->rec) && is_same(&want, &is), d,
			"the programs do not know the limits of namespace %s", o->name);
}

int endpoint_set_limits(void *object)
{
	struct endpoint_object *o = object;
	struct limit out = limit_of(&o->rec->out);

	return store_port_limit(&o->x->s, o->rec->ifindex, limit_flags(o->rec), &out);
}

/* ---- setting them ---- */

/* The queues are there before a packet is sent to them, and as long as one is. */
static int apply(struct session *x, struct ns_entry *e, struct ns_entry *all, size_t count)
{
	struct walk w = { .x = x, .apply = true, .warn = true };
	int r;

	r = store_ns_set(&x->s, e->name, &e->rec);
	if (!r && endpoint_is_limited(&e->rec))
		r = shaper_widen(x);
	if (!r)
		r = walk_endpoint(&w, e, all, count);
	return r ? r : shaper_ensure(x);
}

int endpoint_limit(struct session *x, const char *name, const char *network, const struct ns_limit *in,
		   const struct ns_limit *out, bool *changed)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	struct ns_record was;
	struct ns_entry *e = NULL;
	size_t count;
	int r;

	*changed = false;
	r = store_ns_all(&x->s, &all, &count);
	if (!r)
		r = endpoint_select(x, name, network, all, count, &e);
	if (r)
		return r;
	if (e->rec.flags & NS_PENDING)
		return log_err(-EAGAIN, "namespace %s is incomplete; run `ebpfnet up`", name);
	was = e->rec;
	e->rec.in = in ? *in : was.in;
	e->rec.out = out ? *out : was.out;
	*changed = memcmp(&was.in, &e->rec.in, sizeof(was.in)) || memcmp(&was.out, &e->rec.out, sizeof(was.out));
	r = apply(x, e, all, count);
	if (r) {
		e->rec.in = was.in;
		e->rec.out = was.out;
		apply(x, e, all, count);
	}
	return r;
}
