// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Names, addresses and device numbers of endpoints: valid, in use, next free. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/model/model.h"

/* Allocate addresses from .10 on, then those below; the gateway has .1. */
#define FIRST_ADDR 10

/* Names in the hosts file that mean something else, and words that options understand. */
static bool is_reserved(const char *name)
{
	static const char *const words[] = { ".", "..", "gateway", "localhost", "none" };
	struct ipaddr ignored;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcasecmp(name, words[i]))
			return true;
	return !addr_parse(name, &ignored);
}

/* Safe in a hosts file, a path and a command line: no '#', no '=', no option, nothing that a shell expands. */
static bool is_name_char(char c, bool is_first)
{
	return isalnum((unsigned char)c) || c == '_' || (!is_first && c && strchr(".+:@-", c));
}

bool endpoint_is_word(const char *name)
{
	return is_reserved(name);
}

int endpoint_check_name(const char *name)
{
	size_t len = strlen(name), i;

	if (!len)
		return log_err(-EINVAL, "a namespace needs a name of 1 to 15 characters");
	if (len >= EBPFNET_NAME_LEN)
		return log_err(-EINVAL, "namespace name %s is longer than 15 characters; choose a shorter one", name);
	if (is_reserved(name))
		return log_err(-EINVAL, "a namespace cannot be called %s, which means something else; choose another "
					"name", name);
	for (i = 0; i < len; i++)
		if (!is_name_char(name[i], !i))
			return log_err(-EINVAL, "namespace name '%s' has '%c' %s; a name begins with a letter, a digit "
						"or _ and goes on with those and . + : @ -", name, name[i],
				       i ? "in it" : "at its beginning");
	return 0;
}

static int check_text(const char *what, const char *text, size_t room, int (*allowed)(int c))
{
	size_t i;

	if (!text[0] || strlen(text) >= room)
		return log_err(-EINVAL, "%s: 1 to %zu characters, not %zu", what, room - 1, strlen(text));
	for (i = 0; text[i]; i++)
		if (!allowed((unsigned char)text[i]))
			return log_err(-EINVAL, "%s: character %zu is not a printable ASCII character%s", what, i + 1,
				       allowed == isgraph ? " other than a space" : "");
	return 0;
}

int endpoint_check_id(const char *id)
{
	return check_text("--id", id, EBPFNET_ID_LEN, isgraph);
}

int endpoint_check_label(const char *label)
{
	return check_text("--label", label, EBPFNET_LABEL_LEN, isprint);
}

void endpoint_short_name(const char *text, char name[EBPFNET_NAME_LEN])
{
	uint32_t hash = 0x811c9dc5; /* FNV-1a */
	const char *c;

	for (c = text; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x01000193;
	if (strlen(text) < EBPFNET_NAME_LEN)
		snprintf(name, EBPFNET_NAME_LEN, "%s", text);
	else
		snprintf(name, EBPFNET_NAME_LEN, "%.8s-%06x", text, (hash ^ hash >> 24) & 0xffffff);
}

int endpoint_check_free(const char *name)
{
	if (!netns_name_taken(name))
		return 0;
	return log_err(-EEXIST,
		       "namespace %s is there already; choose another name, or attach it with `ebpfnet attach %s`",
		       name, name);
}

static bool is_assignable(const struct net_record *net, struct ipaddr addr)
{
	return !addr_same(addr, net->subnet.addr) && !addr_same(addr, net->gateway) &&
	       !addr_same(addr, addr_broadcast(net->subnet.addr, net->subnet.prefix));
}

static int check_addr(const struct net_record *net, const struct ipam *used, struct ipaddr addr)
{
	char text[ADDR_TEXT], subnet[ADDR_TEXT];
	size_t i;

	addr_text(addr, text);
	addr_text(net->subnet.addr, subnet);
	if (!addr_in(addr, net->subnet.addr, net->subnet.prefix))
		return log_err(-EINVAL, "address %s is outside the subnet %s/%u; choose one inside", text, subnet,
			       net->subnet.prefix);
	if (addr_same(addr, net->gateway))
		return log_err(-EADDRINUSE, "address %s is the gateway's; choose another", text);
	if (!is_assignable(net, addr))
		return log_err(-EINVAL, "address %s is the network or broadcast address of %s/%u; choose another",
			       text, subnet, net->subnet.prefix);
	for (i = 0; i < used->count; i++)
		if (used->endpoint[i].rec.net == used->net->id && addr_same(used->endpoint[i].rec.addr, addr))
			return log_err(-EADDRINUSE, "address %s is in use by namespace %s; choose another", text,
				       used->endpoint[i].name);
	return 0;
}

/* ---- in use ---- */

/* What addresses are chosen from, and the first of them. */
static const struct cidr *pool(const struct net_record *net, uint32_t *first)
{
	*first = net->range.prefix ? 0 : FIRST_ADDR;
	return net->range.prefix ? &net->range : &net->subnet;
}

/* Which turn of next_addr() an address has; -1: none. */
static int64_t turn_of(const struct net_record *net, struct ipaddr addr)
{
	uint32_t first;
	const struct cidr *from = pool(net, &first);

	if (!addr_in(addr, from->addr, from->prefix))
		return -1;
	return (addr_number(addr) - addr_number(from->addr) - first) & ((1u << (32 - from->prefix)) - 1);
}

uint32_t ipam_turn_after(const struct net_record *net, struct ipaddr addr)
{
	return turn_of(net, addr) + 1;
}

static void take(struct ipam *used, const struct ns_record *rec)
{
	int64_t turn;

	if (rec->number < EBPFNET_MAX_PORTS)
		used->number[rec->number] = true;
	if (rec->net != used->net->id)
		return;
	turn = turn_of(&used->net->rec, rec->addr);
	if (turn >= 0 && turn < IPAM_TURNS)
		used->addr[turn] = true;
}

int ipam_read(const struct session *x, const struct net_entry *net, struct ipam *out)
{
	size_t i;
	int r;

	*out = (struct ipam){ .net = net };
	if (x->s.fd[MAP_NAMESPACES] < 0)
		return 0;
	r = store_ns_all(&x->s, &out->endpoint, &out->count);
	for (i = 0; !r && i < out->count; i++)
		take(out, &out->endpoint[i].rec);
	return r;
}

void ipam_free(struct ipam *used)
{
	free(used->endpoint);
}

const struct ns_record *ipam_find(const struct ipam *used, const char *name)
{
	size_t i;

	for (i = 0; i < used->count; i++)
		if (!strcmp(used->endpoint[i].name, name) && used->endpoint[i].rec.net == used->net->id)
			return &used->endpoint[i].rec;
	return NULL;
}

/* ---- next free ---- */

/*
 * A client's addresses go round: one that was given back is not given out while old ARP entries and DNS answers lead
 * there.
 */
static int next_addr(const struct ipam *used, bool is_clients, struct ipaddr *out)
{
	const struct net_record *net = &used->net->rec;
	uint32_t first, size, turns, begin, i, turn;
	const struct cidr *from = pool(net, &first);
	char text[ADDR_TEXT];

	size = 1u << (32 - from->prefix);
	turns = size < IPAM_TURNS ? size : IPAM_TURNS;
	begin = is_clients ? net->next_addr : 0;
	for (i = 0; i < turns; i++) {
		turn = (begin + i) % turns;
		*out = addr_from(addr_number(from->addr) + (turn + first) % size);
		if (is_assignable(net, *out) && !used->addr[turn])
			return 0;
	}
	if (net->range.prefix)
		return log_err(-EADDRNOTAVAIL, "range %s/%u of network %s has no free address; remove a namespace, or "
					       "choose an address outside with --addr",
			       addr_text(from->addr, text), from->prefix, net->name);
	return log_err(-EADDRNOTAVAIL,
		       "subnet %s/%u has no free address; remove a namespace, or `ebpfnet %s` "
		       "and choose a larger --subnet",
		       addr_text(from->addr, text), from->prefix,
		       used->net->id == NETWORK_DEFAULT_ID ? "down" : "network del");
}

static bool is_free_dev(struct nl *nl, const char *prefix, uint16_t n)
{
	struct nl_link ignored;
	char dev[IFNAMSIZ];

	snprintf(dev, sizeof(dev), "%s%u", prefix, n);
	return nl_link_get(nl, dev, 0, &ignored) == -ENODEV;
}

/* The lowest N that no record and no other device's name has. A device inside may have to wait on the host. */
static int next_number(struct nl *nl, const struct ipam *used, bool is_later, uint16_t *out)
{
	uint16_t n;

	for (n = 0; n < EBPFNET_MAX_PORTS; n++)
		if (!used->number[n] && is_free_dev(nl, "veth", n) && (!is_later || is_free_dev(nl, "ceth", n))) {
			*out = n;
			return 0;
		}
	return log_err(-ENOSPC, "all %d ports are in use; remove a namespace first", EBPFNET_MAX_PORTS);
}

static int keep(struct ipam *used, const char *name, const struct ns_record *rec)
{
	struct ns_entry *list = reallocarray(used->endpoint, used->count + 1, sizeof(*list));

	if (!list)
		return log_err(-ENOMEM, "no memory for namespace %s", name);
	used->endpoint = list;
	list[used->count].rec = *rec;
	snprintf(list[used->count++].name, sizeof(list->name), "%s", name);
	return 0;
}

static int choose_addr(const struct ipam *used, const struct endpoint_spec *spec, struct ns_record *rec)
{
	size_t i;
	int r;

	rec->addr = spec->addr;
	r = addr_number(spec->addr) ? check_addr(&used->net->rec, used, rec->addr) :
				     next_addr(used, spec->client != PLUG_USER, &rec->addr);
	if (r)
		return r;
	addr_mac(rec->addr, rec->mac);
	if (!spec->has_mac)
		return 0;
	memcpy(rec->mac, spec->mac, sizeof(rec->mac));
	for (i = 0; i < used->count; i++)
		if (used->endpoint[i].rec.net == used->net->id &&
		    !memcmp(used->endpoint[i].rec.mac, rec->mac, sizeof(rec->mac)))
			return log_err(-EADDRINUSE, "the MAC address is in use by namespace %s; choose another",
				       used->endpoint[i].name);
	return 0;
}

/* Behind the ports that the namespace has already. */
static uint16_t next_order(const struct ipam *used, const char *name)
{
	uint16_t order = 0;
	size_t i;

	for (i = 0; i < used->count; i++)
		if (!strcmp(used->endpoint[i].name, name) && used->endpoint[i].rec.order >= order)
			order = used->endpoint[i].rec.order + 1;
	return order;
}

int ipam_reserve(struct session *x, struct ipam *used, const struct endpoint_spec *spec, uint16_t flags,
		 struct ns_record *out)
{
	struct ns_record rec = { .net = used->net->id, .flags = flags | NS_PENDING, .port_flags = spec->port_flags,
				 .client = spec->client, .mtu = spec->mtu, .order = next_order(used, spec->name) };
	int r;

	r = next_number(&x->nl, used, spec->later, &rec.number);
	if (!r)
		r = choose_addr(used, spec, &rec);
	if (r)
		return r;
	if (!spec->path)
		rec.flags |= spec->later ? NS_LATER : NS_MADE;
	snprintf(rec.host_dev, sizeof(rec.host_dev), "veth%u", rec.number);
	if (spec->dev && !spec->later)
		snprintf(rec.ns_dev, sizeof(rec.ns_dev), "%s", spec->dev);
	else
		snprintf(rec.ns_dev, sizeof(rec.ns_dev), "ceth%u", rec.number);
	if (spec->path)
		snprintf(rec.path, sizeof(rec.path), "%s", spec->path);
	else if (!spec->later)
		netns_path(spec->name, rec.path);
	snprintf(rec.id, sizeof(rec.id), "%s", spec->id ? spec->id : "");
	snprintf(rec.label, sizeof(rec.label), "%s", spec->label ? spec->label : "");
	snprintf(rec.aliases, sizeof(rec.aliases), "%s", spec->aliases ? spec->aliases : "");
	snprintf(rec.ifname, sizeof(rec.ifname), "%s", spec->client != PLUG_USER && spec->dev ? spec->dev : "");
	take(used, &rec);
	*out = rec;
	return keep(used, spec->name, &rec);
}
