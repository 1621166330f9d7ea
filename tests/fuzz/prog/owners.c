// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The last one inside who had a conversation by an external port. Answers go to it alone. A UDP port may
 * be answered by whom nothing was sent to (RFC 4787 REQ-8), a TCP port and an identifier may not.
 */
#include <string.h>

#include "fuzz.h"

#define OWNERS (1 << 16)

struct owner {
	uint8_t key[14];	/* external address, port, peer's address and port, protocol, which peers */
	uint8_t used;
	uint8_t who[6];		/* address and port inside */
	uint8_t before[6];	/* whose it was before */
};
static struct owner owners[OWNERS];

void owners_forget(void)
{
	memset(owners, 0, sizeof(owners));
}

static struct owner *owner_of(const uint8_t key[14])
{
	uint32_t hash = 2166136261u, i;

	for (i = 0; i < 14; i++)
		hash = (hash ^ key[i]) * 16777619u;
	for (i = hash % OWNERS; owners[i].used; i = (i + 1) % OWNERS)
		if (!memcmp(owners[i].key, key, 14))
			break;
	memcpy(owners[i].key, key, 14);
	return &owners[i];
}

static struct owner *owner_for_peer(uint8_t proto, const uint8_t *ext, uint16_t port,
				    const uint8_t *peer, uint16_t peer_port)
{
	uint8_t key[14] = { [12] = proto };

	memcpy(key, ext, 4);
	set16(key + 4, port);
	memcpy(key + 6, peer, 4);
	set16(key + 10, peer_port);
	return owner_of(key);
}

static struct owner *owner_for_all(uint8_t proto, const uint8_t *ext, uint16_t port)
{
	uint8_t key[14] = { [12] = proto, [13] = 1 };

	memcpy(key, ext, 4);
	set16(key + 4, port);
	return owner_of(key);
}

/* Of whatever port of that peer's address: filtering by address. */
static struct owner *owner_for_address(uint8_t proto, const uint8_t *ext, uint16_t port, const uint8_t *peer)
{
	uint8_t key[14] = { [12] = proto, [13] = 2 };

	memcpy(key, ext, 4);
	set16(key + 4, port);
	memcpy(key + 6, peer, 4);
	return owner_of(key);
}

static void own(struct owner *o, const uint8_t *addr, uint16_t port)
{
	uint8_t who[6];

	memcpy(who, addr, 4);
	set16(who + 4, port);
	if (memcmp(o->who, who, 6))
		memcpy(o->before, o->who, 6);
	memcpy(o->who, who, 6);
	o->used = 1;
}

static bool owns(const struct owner *o, const uint8_t *addr, uint16_t port)
{
	return o->used && !memcmp(o->who, addr, 4) && get16(o->who + 4) == port;
}

/* The port of a mapping that ended before a further peer's flow may be another's now. */
static bool owned(const struct owner *o, const uint8_t *addr, uint16_t port)
{
	return flows_outlive_mappings() && o->used && !memcmp(o->before, addr, 4) && get16(o->before + 4) == port;
}

/* Filtering by address: one that has sent to an address keeps hearing all of its ports, too. */
static bool admits_address(const struct owner *o, const uint8_t *addr, uint16_t port)
{
	return world.cfg.filtering == FILTER_ADDRESS && flows_outlive_mappings() &&
	       (owns(o, addr, port) || owned(o, addr, port));
}

/* A query's identifier is its port at both ends, translated. */
const char *check_owner(const struct shot *s, const struct view *in, const struct view *out,
			const struct outcome_of *o)
{
	struct owner *peer, *all, *address;

	if (in->frag & 0x1fff)
		return NULL;
	if (o->counted == COUNT_masqueraded || o->counted == COUNT_hairpinned) {
		own(owner_for_peer(out->proto, out->src, out->sport, out->dst, out->dport), in->src,
		    in->sport);
		own(owner_for_all(out->proto, out->src, out->sport), in->src, in->sport);
		own(owner_for_address(out->proto, out->src, out->sport, out->dst), in->src, in->sport);
	} else if (o->counted == COUNT_unmasqueraded && s->hook == HOOK_UPLINK) {
		peer = owner_for_peer(in->proto, in->dst, in->dport, in->src, in->sport);
		all = owner_for_all(in->proto, in->dst, in->dport);
		address = owner_for_address(in->proto, in->dst, in->dport, in->src);
		MUST(owns(peer, out->dst, out->dport) ||
		     (in->proto == UDP && (owns(all, out->dst, out->dport) ||
					   owned(peer, out->dst, out->dport) ||
					   admits_address(address, out->dst, out->dport))));
		/* that conversation may outlive the mapping by which it began */
		if (in->proto == UDP)
			own(peer, out->dst, out->dport);
	}
	return NULL;
}
