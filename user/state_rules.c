// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Publish rules. A rule takes effect, and ends, with one write: a key of map published whose rule
 * is missing is void. So the keys are written before the rule and deleted after it, and a command
 * that is killed between leaves void keys, which a later rule may overwrite.
 */
#include <errno.h>
#include <string.h>

#include "addr.h"
#include "cleanup.h"
#include "log.h"
#include "publish.h"
#include "state_map.h"

struct rule_list {
	struct rule_entry *entry;
	size_t count, room;
};

static int collect(const void *key, const void *value, void *arg)
{
	struct rule_list *list = arg;
	struct rule_entry *e;

	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 64;
		e = reallocarray(list->entry, list->room, sizeof(*e));
		if (!e)
			return log_err(-ENOMEM, "no memory to list the rules");
		list->entry = e;
	}
	e = &list->entry[list->count++];
	memcpy(&e->id, key, sizeof(e->id));
	memcpy(&e->rule, value, sizeof(e->rule));
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct rule *x = &((const struct rule_entry *)a)->rule;
	const struct rule *y = &((const struct rule_entry *)b)->rule;

	if (x->proto != y->proto)
		return x->proto - y->proto;
	if (memcmp(&x->addr, &y->addr, sizeof(x->addr)))
		return memcmp(&x->addr, &y->addr, sizeof(x->addr));
	return x->first_h - y->first_h;
}

int state_rules(const struct state *s, struct rule_entry **out, size_t *count)
{
	struct rule_list list = {};
	int r;

	r = map_each(s, MAP_RULES, collect, &list);
	if (r) {
		free(list.entry);
		return r;
	}
	if (list.count)
		qsort(list.entry, list.count, sizeof(*list.entry), by_place);
	*out = list.entry;
	*count = list.count;
	return 0;
}

static const struct ipaddr any;

/* As for sockets: a port on every address is taken by the same port on one address. */
static bool overlap(const struct rule *a, const struct rule *b)
{
	return a->proto == b->proto && a->first_h <= b->last_h && b->first_h <= a->last_h &&
	       (addr_same(a->addr, any) || addr_same(b->addr, any) || addr_same(a->addr, b->addr));
}

static int check_free(const struct rule_entry *rules, size_t count, const struct rule *wanted)
{
	char text[64];
	size_t i;

	for (i = 0; i < count; i++)
		if (overlap(&rules[i].rule, wanted))
			return log_err(-EEXIST,
				       "cannot publish for %s: %s is published already, to %s; "
				       "`ebpfnet unexpose %s %s` ends that",
				       wanted->name, publish_format(&rules[i].rule, text, sizeof(text)),
				       rules[i].rule.name, rules[i].rule.name, text);
	return 0;
}

/* The keys of a rule, in a new array. */
static struct publish_key *rule_keys(const struct rule *rule, uint32_t *count)
{
	struct publish_key *keys;
	uint32_t i;

	*count = rule->last_h - rule->first_h + 1;
	keys = calloc(*count, sizeof(*keys));
	for (i = 0; keys && i < *count; i++)
		keys[i] = (struct publish_key){ .addr = rule->addr,
						.port_h = rule->first_h + i,
						.proto = rule->proto };
	if (!keys)
		log_err(-ENOMEM, "no memory for %u ports", *count);
	return keys;
}

static void mark(uint64_t *words, const struct rule *rule)
{
	uint32_t port;

	for (port = rule->first_h; port <= rule->last_h; port++)
		words[ebpfnet_published_word(rule->proto, port)] |= 1ull << port % 64;
}

/* Marks the ports of all these rules, and of one that is about to be, or NULL; and no others. */
static int mark_published(const struct state *s, const struct rule_entry *rules, size_t count,
			  const struct rule *soon)
{
	uint64_t words[EBPFNET_PUBLISHED_WORDS] = {};
	uint32_t keys[EBPFNET_PUBLISHED_WORDS], at;
	size_t i;

	for (i = 0; i < count; i++)
		mark(words, &rules[i].rule);
	if (soon)
		mark(words, soon);
	for (at = 0; at < EBPFNET_PUBLISHED_WORDS; at++)
		keys[at] = at;
	return map_put_many(s, MAP_PUBLISHED_PORTS, keys, words, EBPFNET_PUBLISHED_WORDS);
}

/* What is published now, after rules were removed. */
static int mark_what_is_left(const struct state *s)
{
	_cleanup_free_ struct rule_entry *rules = NULL;
	size_t count;
	int r;

	r = state_rules(s, &rules, &count);
	return r ? r : mark_published(s, rules, count, NULL);
}

int state_rule_add(const struct state *s, uint32_t id, const struct rule *rule)
{
	_cleanup_free_ struct rule_entry *rules = NULL;
	_cleanup_free_ struct publish_key *keys = NULL;
	_cleanup_free_ uint32_t *ids = NULL;
	size_t there = 0;
	uint32_t i, count;
	int r;

	r = state_rules(s, &rules, &there);
	if (!r)
		r = check_free(rules, there, rule);
	if (r)
		return r;
	keys = rule_keys(rule, &count);
	ids = calloc(count, sizeof(*ids));
	if (!keys || !ids)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		ids[i] = id;
	r = mark_published(s, rules, there, rule);
	if (!r)
		r = map_put_many(s, MAP_PUBLISHED, keys, ids, count);
	if (!r)
		r = map_put(s, MAP_RULES, &id, rule);
	if (!r)
		return config_touch(s, 1);
	map_del_many(s, MAP_PUBLISHED, keys, count);
	return r;
}

/* Its mark stays. */
static int rule_del(const struct state *s, uint32_t id)
{
	_cleanup_free_ struct publish_key *keys = NULL;
	struct rule rule;
	uint32_t count;
	int r;

	if (map_get(s, MAP_RULES, &id, &rule))
		return 0;
	keys = rule_keys(&rule, &count);
	if (!keys)
		return -ENOMEM;
	r = map_del(s, MAP_RULES, &id);
	if (!r)
		r = map_del_many(s, MAP_PUBLISHED, keys, count);
	return r ? r : config_touch(s, -1);
}

int state_rule_del(const struct state *s, uint32_t id)
{
	int r = rule_del(s, id);

	return r ? r : mark_what_is_left(s);
}

int state_rules_del(const struct state *s, uint32_t endpoint)
{
	_cleanup_free_ struct rule_entry *rules = NULL;
	size_t i, count = 0;
	int r;

	r = state_rules(s, &rules, &count);
	for (i = 0; i < count && !r; i++)
		if (rules[i].rule.endpoint == endpoint)
			r = rule_del(s, rules[i].id);
	return r || !count ? r : mark_what_is_left(s);
}

int state_rules_move(const struct state *s, const char *name, uint32_t endpoint)
{
	_cleanup_free_ struct rule_entry *rules = NULL;
	size_t i, count = 0;
	int r;

	r = state_rules(s, &rules, &count);
	for (i = 0; i < count && !r; i++) {
		if (strcmp(rules[i].rule.name, name))
			continue;
		rules[i].rule.endpoint = endpoint;
		r = map_put(s, MAP_RULES, &rules[i].id, &rules[i].rule);
	}
	return r;
}

static int drop_void_key(const void *key, const void *value, void *arg)
{
	const struct state *s = arg;
	struct rule rule;

	return map_get(s, MAP_RULES, value, &rule) ? map_del(s, MAP_PUBLISHED, key) : 0;
}

int state_repair(const struct state *s)
{
	_cleanup_free_ struct rule_entry *rules = NULL;
	struct config cfg;
	size_t i, count = 0;
	int r;

	r = state_rules(s, &rules, &count);
	for (i = 0; i < count && !r; i++) {
		const struct rule *rule = &rules[i].rule;
		struct endpoint_key key = { .addr = rule->to, .net = rule->net };
		struct endpoint e;

		if (map_get(s, MAP_ENDPOINTS, &key, &e) || e.id != rule->endpoint)
			r = rule_del(s, rules[i].id);
	}
	if (!r)
		r = map_each(s, MAP_PUBLISHED, drop_void_key, (void *)s);
	free(TAKE_PTR(rules));
	if (!r)
		r = state_rules(s, &rules, &count);
	if (!r)
		r = mark_published(s, rules, count, NULL);
	if (!r)
		r = state_config(s, &cfg);
	if (r || cfg.published == count)
		return r;
	cfg.published = count;
	return state_config_set(s, &cfg);
}
