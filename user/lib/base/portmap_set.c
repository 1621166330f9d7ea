// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/log.h"
#include "lib/base/portmap_set.h"
#include "lib/base/portmap_text.h"

static const struct ipaddr any;

static int by_port(const void *a, const void *b)
{
	const struct portmap *x = a, *y = b;

	if (x->proto != y->proto)
		return x->proto - y->proto;
	if (memcmp(&x->addr, &y->addr, sizeof(x->addr)))
		return memcmp(&x->addr, &y->addr, sizeof(x->addr));
	if (x->first_h != y->first_h)
		return x->first_h - y->first_h;
	return y->last_h - x->last_h;
}

static bool same_kind(const struct portmap *a, const struct portmap *b)
{
	return a->proto == b->proto && addr_same(a->addr, b->addr);
}

static bool same_step(const struct portmap *a, const struct portmap *b)
{
	return a->first_h - a->to_first_h == b->first_h - b->to_first_h;
}

bool portmap_overlap(const struct portmap *a, const struct portmap *b)
{
	return a->proto == b->proto && a->first_h <= b->last_h && b->first_h <= a->last_h &&
	       (addr_same(a->addr, any) || addr_same(b->addr, any) || addr_same(a->addr, b->addr));
}

static int conflict(const struct portmap *a, const struct portmap *b)
{
	char one[PORTMAP_TEXT], other[PORTMAP_TEXT];

	return log_err(-EEXIST, "%s and %s are asked for, and want the same port of the host",
		       portmap_format(a, one, sizeof(one)), portmap_format(b, other, sizeof(other)));
}

/* Sorted by kind, those on all addresses come first: only these overlap ones of another kind. */
static int check_kinds(const struct portmap *list, size_t count)
{
	size_t i, k;

	for (i = 0; i < count && list[i].proto == list[0].proto; i++)
		;
	if (i < count) {
		int r = check_kinds(list + i, count - i);

		return r ? r : check_kinds(list, i);
	}
	for (i = 0; i < count && addr_same(list[i].addr, any); i++)
		for (k = i + 1; k < count; k++)
			if (!addr_same(list[k].addr, any) && portmap_overlap(&list[i], &list[k]))
				return conflict(&list[i], &list[k]);
	return 0;
}

int portmap_fold(struct portmap *list, size_t *count)
{
	struct portmap *last = NULL;
	size_t i, n = 0;

	qsort(list, *count, sizeof(*list), by_port);
	for (i = 0; i < *count; i++) {
		struct portmap *p = &list[i];

		if (last && same_kind(last, p) && p->first_h <= last->last_h && !same_step(last, p))
			return conflict(last, p);
		if (last && same_kind(last, p) && p->first_h <= last->last_h + 1 && same_step(last, p)) {
			if (p->last_h > last->last_h)
				last->last_h = p->last_h;
			continue;
		}
		last = &list[n++];
		*last = *p;
	}
	*count = n;
	return check_kinds(list, n);
}

bool portmap_set_has(const struct portmap *list, size_t count, const struct portmap *one)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (same_kind(&list[i], one) && same_step(&list[i], one) && list[i].first_h <= one->first_h &&
		    one->last_h <= list[i].last_h)
			return true;
	return false;
}

void port_set_add(uint64_t words[PORT_WORDS], uint16_t first_h, uint16_t last_h)
{
	uint32_t port;

	for (port = first_h; port <= last_h; port++)
		words[port / 64] |= 1ull << port % 64;
}

bool port_set_has(const uint64_t words[PORT_WORDS], uint16_t port_h)
{
	return words[port_h / 64] >> port_h % 64 & 1;
}
