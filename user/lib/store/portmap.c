// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Port mappings. A mapping takes effect, and ends, with one write: a key in map portmap_keys whose mapping is missing
 * has no effect. So the keys are written before the mapping and deleted after it; a command that is killed between
 * leaves stale keys, which a later mapping may overwrite.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/portmap_text.h"
#include "lib/store/map.h"

static int by_place(const void *a, const void *b)
{
	const struct portmap *x = &((const struct portmap_entry *)a)->portmap;
	const struct portmap *y = &((const struct portmap_entry *)b)->portmap;

	if (x->proto != y->proto)
		return x->proto - y->proto;
	if (memcmp(&x->addr, &y->addr, sizeof(x->addr)))
		return memcmp(&x->addr, &y->addr, sizeof(x->addr));
	return x->first_h - y->first_h;
}

int store_portmaps(const struct store *s, struct portmap_entry **out, size_t *count)
{
	return map_list(s, MAP_PORTMAPS, sizeof(**out), offsetof(struct portmap_entry, portmap), by_place, out, count);
}

static const struct ipaddr any;

/* As with sockets, a port on all addresses conflicts with the same port on one address. */
static bool overlap(const struct portmap *a, const struct portmap *b)
{
	return a->proto == b->proto && a->first_h <= b->last_h && b->first_h <= a->last_h &&
	       (addr_same(a->addr, any) || addr_same(b->addr, any) || addr_same(a->addr, b->addr));
}

static int check_free(const struct portmap_entry *portmaps, size_t count, const struct portmap *new)
{
	char text[64];
	size_t i;

	for (i = 0; i < count; i++)
		if (overlap(&portmaps[i].portmap, new))
			return log_err(-EEXIST,
				       "cannot publish for %s: %s is published already, to %s; "
				       "`ebpfnet unexpose %s %s` ends that",
				       new->name, portmap_format(&portmaps[i].portmap, text, sizeof(text)),
				       portmaps[i].portmap.name, portmaps[i].portmap.name, text);
	return 0;
}

/* In a new array. Logs. NULL: no memory. */
static struct portmap_key *portmap_keys_of(const struct portmap *portmap, uint32_t *count)
{
	struct portmap_key *keys;
	uint32_t i;

	*count = portmap->last_h - portmap->first_h + 1;
	keys = calloc(*count, sizeof(*keys));
	for (i = 0; keys && i < *count; i++)
		keys[i] = (struct portmap_key){ .addr = portmap->addr,
						.port_h = portmap->first_h + i,
						.proto = portmap->proto };
	if (!keys)
		log_err(-ENOMEM, "no memory for %u ports", *count);
	return keys;
}

static void mark(uint64_t *words, const struct portmap *portmap)
{
	uint32_t port;

	for (port = portmap->first_h; port <= portmap->last_h; port++)
		words[ebpfnet_portmap_word(portmap->proto, port)] |= 1ull << port % 64;
}

/* Sets the bits of exactly these mappings' ports, and of one that is about to be added (NULL: none). */
static int mark_published(const struct store *s, const struct portmap_entry *portmaps, size_t count,
			  const struct portmap *next)
{
	uint64_t words[EBPFNET_PORTMAP_WORDS] = {};
	uint32_t keys[EBPFNET_PORTMAP_WORDS], at;
	size_t i;

	for (i = 0; i < count; i++)
		mark(words, &portmaps[i].portmap);
	if (next)
		mark(words, next);
	for (at = 0; at < EBPFNET_PORTMAP_WORDS; at++)
		keys[at] = at;
	return map_put_many(s, MAP_PORTMAP_BITS, keys, words, EBPFNET_PORTMAP_WORDS);
}

/* After mappings were removed. */
static int mark_remaining(const struct store *s)
{
	_cleanup_free_ struct portmap_entry *portmaps = NULL;
	size_t count;
	int r;

	r = store_portmaps(s, &portmaps, &count);
	return r ? r : mark_published(s, portmaps, count, NULL);
}

int store_portmap(const struct store *s, uint32_t id, struct portmap *out)
{
	return map_get(s, MAP_PORTMAPS, &id, out);
}

/* Its account, its keys, and then the mapping. */
static int portmap_put(const struct store *s, uint32_t id, const struct portmap *portmap)
{
	_cleanup_free_ struct portmap_key *keys = NULL;
	_cleanup_free_ uint32_t *ids = NULL;
	const uint32_t account = ACCOUNT_PORTMAP | id;
	uint32_t i, count;
	int r;

	keys = portmap_keys_of(portmap, &count);
	ids = calloc(count, sizeof(*ids));
	if (!keys || !ids)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		ids[i] = id;
	r = store_account_add(s, account);
	if (!r)
		r = map_put_many(s, MAP_PORTMAP_KEYS, keys, ids, count);
	if (!r)
		r = map_put(s, MAP_PORTMAPS, &id, portmap);
	if (r) {
		map_del_many(s, MAP_PORTMAP_KEYS, keys, count);
		map_del(s, MAP_USAGE, &account);
	}
	return r;
}

int store_portmap_add(const struct store *s, uint32_t id, const struct portmap *portmap)
{
	_cleanup_free_ struct portmap_entry *portmaps = NULL;
	size_t there = 0;
	int r;

	r = store_portmaps(s, &portmaps, &there);
	if (!r)
		r = check_free(portmaps, there, portmap);
	if (!r)
		r = mark_published(s, portmaps, there, portmap);
	if (!r)
		r = portmap_put(s, id, portmap);
	return r ? r : config_touch(s, 1);
}

/* Leaves the bits set. */
static int portmap_del(const struct store *s, uint32_t id)
{
	_cleanup_free_ struct portmap_key *keys = NULL;
	const uint32_t account = ACCOUNT_PORTMAP | id;
	struct portmap portmap;
	uint32_t count;
	int r;

	if (store_portmap(s, id, &portmap))
		return 0;
	keys = portmap_keys_of(&portmap, &count);
	if (!keys)
		return -ENOMEM;
	r = map_del(s, MAP_PORTMAPS, &id);
	if (!r)
		r = map_del_many(s, MAP_PORTMAP_KEYS, keys, count);
	if (!r)
		r = map_del(s, MAP_USAGE, &account);
	return r ? r : config_touch(s, -1);
}

int store_portmap_del(const struct store *s, uint32_t id)
{
	int r = portmap_del(s, id);

	return r ? r : mark_remaining(s);
}

int store_portmaps_del(const struct store *s, uint32_t endpoint)
{
	_cleanup_free_ struct portmap_entry *portmaps = NULL;
	size_t i, count = 0;
	int r;

	r = store_portmaps(s, &portmaps, &count);
	for (i = 0; i < count && !r; i++)
		if (portmaps[i].portmap.endpoint == endpoint)
			r = portmap_del(s, portmaps[i].id);
	return r || !count ? r : mark_remaining(s);
}

/* The keys lead to the old mapping, or to the new one: no packet finds the port unpublished. */
static int portmap_move(const struct store *s, struct portmap_entry *e, uint32_t endpoint)
{
	const uint32_t account = ACCOUNT_PORTMAP | e->id;
	uint32_t id;
	int r;

	e->portmap.endpoint = endpoint;
	r = store_new_portmap(s, &id);
	if (!r)
		r = portmap_put(s, id, &e->portmap);
	if (!r)
		r = map_del(s, MAP_PORTMAPS, &e->id);
	return r ? r : map_del(s, MAP_USAGE, &account);
}

int store_portmaps_move(const struct store *s, const char *name, uint16_t net, uint32_t endpoint)
{
	_cleanup_free_ struct portmap_entry *portmaps = NULL;
	size_t i, count = 0;
	int r;

	r = store_portmaps(s, &portmaps, &count);
	for (i = 0; i < count && !r; i++)
		if (!strcmp(portmaps[i].portmap.name, name) && portmaps[i].portmap.net == net)
			r = portmap_move(s, &portmaps[i], endpoint);
	return r;
}

static int drop_stale_key(const void *key, const void *value, void *arg)
{
	const struct store *s = arg;
	struct portmap portmap;

	return map_get(s, MAP_PORTMAPS, value, &portmap) ? map_del(s, MAP_PORTMAP_KEYS, key) : 0;
}

int store_repair(const struct store *s)
{
	_cleanup_free_ struct portmap_entry *portmaps = NULL;
	struct config cfg;
	size_t i, count = 0;
	int r;

	r = store_portmaps(s, &portmaps, &count);
	for (i = 0; i < count && !r; i++) {
		const struct portmap *portmap = &portmaps[i].portmap;
		struct endpoint_key key = { .addr = portmap->to, .net = portmap->net };
		struct endpoint e;

		if (map_get(s, MAP_ENDPOINTS, &key, &e) || e.id != portmap->endpoint)
			r = portmap_del(s, portmaps[i].id);
	}
	if (!r)
		r = map_each(s, MAP_PORTMAP_KEYS, drop_stale_key, (void *)s);
	free(TAKE_PTR(portmaps));
	if (!r)
		r = store_portmaps(s, &portmaps, &count);
	if (!r)
		r = mark_published(s, portmaps, count, NULL);
	if (!r)
		r = store_config(s, &cfg);
	if (r || cfg.portmaps == count)
		return r;
	cfg.portmaps = count;
	return store_config_set(s, &cfg);
}
