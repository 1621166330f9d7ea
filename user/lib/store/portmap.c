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
#include "lib/base/portmap_set.h"
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

/* As with sockets, a port on all addresses conflicts with the same port on one address. */
static int check_free(const struct portmap_entry *portmaps, size_t count, const struct portmap *new)
{
	char text[64];
	size_t i;

	for (i = 0; i < count; i++)
		if (portmap_overlap(&portmaps[i].portmap, new))
			return log_err(-EEXIST,
				       "cannot publish for %s: %s is published already, to %s; "
				       "`ebpfnet unexpose %s %s` ends that",
				       new->name, portmap_format(&portmaps[i].portmap, text, sizeof(text)),
				       portmaps[i].portmap.name, portmaps[i].portmap.name, text);
	return 0;
}

/* Those of several mappings, in a new array. Logs. NULL: no memory. */
static struct portmap_key *portmap_keys_of(const struct portmap *list, uint32_t n, uint32_t *count)
{
	struct portmap_key *keys, *key;
	uint32_t i, port;

	for (*count = i = 0; i < n; i++)
		*count += list[i].last_h - list[i].first_h + 1;
	key = keys = calloc(*count, sizeof(*keys));
	for (i = 0; keys && i < n; i++)
		for (port = list[i].first_h; port <= list[i].last_h; port++)
			*key++ = (struct portmap_key){ .addr = list[i].addr, .port_h = port, .proto = list[i].proto };
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

/* Sets the bits of exactly these mappings' ports, and of those that are about to be added. */
static int mark_published(const struct store *s, const struct portmap_entry *portmaps, size_t count,
			  const struct portmap *next, uint32_t next_count)
{
	uint64_t words[EBPFNET_PORTMAP_WORDS] = {};
	uint32_t keys[EBPFNET_PORTMAP_WORDS], at;
	size_t i;

	for (i = 0; i < count; i++)
		mark(words, &portmaps[i].portmap);
	for (i = 0; i < next_count; i++)
		mark(words, &next[i]);
	for (at = 0; at < EBPFNET_PORTMAP_WORDS; at++)
		keys[at] = at;
	return map_put_many(s, MAP_PORTMAP_BITS, keys, words, EBPFNET_PORTMAP_WORDS);
}

/* Sets the number of mappings, and so the generation, too; if it is only to be mended, unless it is right. */
static int set_count(const struct store *s, size_t count, bool mend)
{
	struct config cfg;
	int r;

	if (s->fd[MAP_CONFIG] < 0)
		return 0;
	r = store_config(s, &cfg);
	if (r || (mend && cfg.portmaps == count))
		return r;
	cfg.portmaps = count;
	return store_config_set(s, &cfg);
}

/* After mappings were removed. */
static int mark_remaining(const struct store *s)
{
	_cleanup_free_ struct portmap_entry *portmaps = NULL;
	size_t count;
	int r;

	r = store_portmaps(s, &portmaps, &count);
	if (!r)
		r = mark_published(s, portmaps, count, NULL, 0);
	return r ? r : set_count(s, count, true);
}

int store_portmap(const struct store *s, uint32_t id, struct portmap *out)
{
	return map_get(s, MAP_PORTMAPS, &id, out);
}

/* The ids of their keys: in a new array. Logs. NULL: no memory. */
static uint32_t *key_ids_of(uint32_t first_id, const struct portmap *list, uint32_t n, uint32_t count)
{
	uint32_t *ids = calloc(count, sizeof(*ids)), *id = ids, i, port;

	for (i = 0; ids && i < n; i++)
		for (port = list[i].first_h; port <= list[i].last_h; port++)
			*id++ = first_id + i;
	if (!ids)
		log_err(-ENOMEM, "no memory for %u ports", count);
	return ids;
}

/* Accounts of mappings with ids from first_id on; usage NULL: delete them. */
static int put_accounts(const struct store *s, uint32_t first_id, uint32_t n, const struct usage *usage)
{
	uint32_t i, account;
	int r = 0;

	for (i = 0; i < n && !r; i++) {
		account = ACCOUNT_PORTMAP | (first_id + i);
		r = usage ? map_put(s, MAP_USAGE, &account, usage) : map_del(s, MAP_USAGE, &account);
	}
	return r;
}

/* Their accounts, their keys, and then the mappings, by one call. */
static int portmaps_put(const struct store *s, uint32_t first_id, const struct portmap *list, uint32_t n)
{
	_cleanup_free_ uint32_t *ids = NULL, *numbers = calloc(n, sizeof(*numbers));
	_cleanup_free_ struct portmap_key *keys = NULL;
	const struct usage none = {};
	uint32_t i, count;
	int r;

	keys = portmap_keys_of(list, n, &count);
	ids = key_ids_of(first_id, list, n, count);
	if (!keys || !ids || !numbers)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		numbers[i] = first_id + i;
	r = put_accounts(s, first_id, n, &none);
	if (!r)
		r = map_put_many(s, MAP_PORTMAP_KEYS, keys, ids, count);
	if (!r)
		r = map_put_many(s, MAP_PORTMAPS, numbers, list, n);
	if (r) {
		map_del_many(s, MAP_PORTMAPS, numbers, n);
		map_del_many(s, MAP_PORTMAP_KEYS, keys, count);
		put_accounts(s, first_id, n, NULL);
	}
	return r;
}

int store_portmaps_add(const struct store *s, uint32_t first_id, const struct portmap *list, uint32_t count)
{
	_cleanup_free_ struct portmap_entry *portmaps = NULL;
	size_t there = 0;
	uint32_t i;
	int r;

	r = store_portmaps(s, &portmaps, &there);
	for (i = 0; i < count && !r; i++)
		r = check_free(portmaps, there, &list[i]);
	if (!r)
		r = mark_published(s, portmaps, there, list, count);
	if (!r)
		r = portmaps_put(s, first_id, list, count);
	return r ? r : set_count(s, there + count, false);
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
	keys = portmap_keys_of(&portmap, 1, &count);
	if (!keys)
		return -ENOMEM;
	r = map_del(s, MAP_PORTMAPS, &id);
	if (!r)
		r = map_del_many(s, MAP_PORTMAP_KEYS, keys, count);
	if (!r)
		r = map_del(s, MAP_USAGE, &account);
	return r ? r : config_touch(s);
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
	bool any = false;
	int r;

	r = store_portmaps(s, &portmaps, &count);
	for (i = 0; i < count && !r; i++)
		if (portmaps[i].portmap.endpoint == endpoint) {
			r = portmap_del(s, portmaps[i].id);
			any = true;
		}
	if (r)
		return r;
	return any ? mark_remaining(s) : set_count(s, count, true);
}

/* The keys lead to the old mapping, or to the new one: no packet finds the port unpublished. */
static int portmap_move(const struct store *s, struct portmap_entry *e, uint32_t endpoint)
{
	const uint32_t account = ACCOUNT_PORTMAP | e->id;
	uint32_t id;
	int r;

	e->portmap.endpoint = endpoint;
	r = store_new_portmaps(s, 1, &id);
	if (!r)
		r = portmaps_put(s, id, &e->portmap, 1);
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
		r = mark_published(s, portmaps, count, NULL, 0);
	return r ? r : set_count(s, count, true);
}
