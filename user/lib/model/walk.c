// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/model/walk.h"

/* ---- lists of differences ---- */

void diff_free(struct diff *d)
{
	free(d->list);
	*d = (struct diff){};
}

static void append(struct diff *d, const struct difference *one)
{
	struct difference *list = reallocarray(d->list, d->count + 1, sizeof(*list));

	if (!list) {
		log_err(-ENOMEM, "no memory to list: %s", one->what);
		return;
	}
	list[d->count++] = *one;
	d->list = list;
}

static void add(struct diff *d, bool note, const char *object, const char *fix, const char *fmt, va_list ap)
{
	struct difference one = { .note = note };

	snprintf(one.object, sizeof(one.object), "%s", object);
	snprintf(one.fix, sizeof(one.fix), "%s", fix ? fix : "");
	vsnprintf(one.what, sizeof(one.what), fmt, ap);
	append(d, &one);
}

void diff_add(struct diff *d, const char *object, const char *fix, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, false, object, fix, fmt, ap);
	va_end(ap);
}

void diff_note(struct diff *d, const char *object, const char *fix, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, true, object, fix, fmt, ap);
	va_end(ap);
}

bool holds_if(bool holds, struct difference *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!holds)
		vsnprintf(d->what, sizeof(d->what), fmt, ap);
	va_end(ap);
	return holds;
}

/* ---- the walk ---- */

int walk_object(struct walk *w, const char *name, const struct property *properties, void *object)
{
	const struct property *p;
	int r = 0;

	for (p = properties; p->holds && !r; p++) {
		struct difference d = {};

		snprintf(d.object, sizeof(d.object), "%s", name);
		if (p->apply) {
			snprintf(d.fix, sizeof(d.fix), "ebpfnet up");
			snprintf(d.action, sizeof(d.action), "%s", p->action);
		}
		if (p->holds(object, &d) || (p->minor && !w->apply && !w->minor))
			continue;
		if (w->diff && (d.action[0] || !w->apply))
			append(w->diff, &d);
		if (w->apply && d.action[0]) {
			w->changed = true;
			r = p->apply(object);
			continue;
		}
		if (w->apply && w->warn && (p->apply || p->stops)) /* the object stays incomplete */
			log_warn("%s%s%s", d.what, d.fix[0] ? "; " : "", d.fix);
		if (p->stops)
			break;
	}
	return r;
}

bool hook_holds(const struct session *x, enum hook hook, const struct nl_link *dev, const char *pin,
		struct difference *d)
{
	return holds_if(dataplane_attached(&x->s, x->host.hook, hook, dev->ifindex, pin), d,
			"the %s program is missing from %s", hook_name(hook), dev->name);
}
