// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * core/nat.h: the ports that are tried for a flow, the keys of a flow, and a small NAT made of both: many
 * flows over few ports, whose answers must find back to the sender.
 */
#include <ebpfnet/core/nat.h>
#include "input.h"

/* ---- the candidates ---- */

static void check_candidates(struct input *in)
{
	uint16_t want = take16(in), min = take16(in), max = take16(in) | 1024, first, last;
	enum l4proto proto = take8(in) & 1 ? L4_ICMP : L4_UDP;
	uint32_t random = take32(in), attempt, count, seen[65536 / 32] = {};

	if (max < min)
		max = min;
	nat_range(want, proto, min, max, &first, &last);
	MUST(first <= last);
	count = (last - first) / 2 + 1; /* of one parity, at most */
	for (attempt = 0; attempt < NAT_ATTEMPTS; attempt++) {
		uint16_t port = nat_candidate(want, attempt, random, first, last);

		MUST(port >= first && port <= last);
		MUST(proto == L4_ICMP || (port < 1024) == (want < 1024));
		MUST(attempt >= NAT_ATTEMPTS_PARITY || first == last || !((port ^ want) & 1));
		if (attempt == 0 || attempt >= NAT_ATTEMPTS_PARITY || attempt >= count - 1)
			continue;
		/* from the second on, none comes twice before all came once */
		MUST(!(seen[port / 32] & 1u << port % 32));
		seen[port / 32] |= 1u << port % 32;
	}
}

/* ---- the keys ---- */

static struct flow_key take_key(struct input *in)
{
	static const enum l4proto protos[] = { L4_TCP, L4_UDP, L4_ICMP, (enum l4proto)132 };
	struct flow_key k = {
		.src = addr_of(take32(in)),
		.dst = addr_of(take32(in)),
		.sport_h = take16(in),
		.dport_h = take16(in),
		.zone = take8(in),
		.proto = protos[take8(in) % 4],
	};

	if (k.proto == L4_ICMP) /* as the parser makes them */
		k.dport_h = k.sport_h;
	return k;
}

/* The part of the packet that a key of a scope still has. */
static _Bool same_but_for_peer(const struct flow_key *a, const struct flow_key *b,
			       enum key_scope scope, _Bool inside)
{
	_Bool own = inside ? addr_eq(a->src, b->src) && a->sport_h == b->sport_h :
			     addr_eq(a->dst, b->dst) && a->dport_h == b->dport_h;
	_Bool peer = inside ? addr_eq(a->dst, b->dst) : addr_eq(a->src, b->src);
	_Bool peer_port = inside ? a->dport_h == b->dport_h : a->sport_h == b->sport_h;

	return own && a->zone == b->zone && a->proto == b->proto && (scope == KEY_EIM || peer) &&
	       (scope != KEY_APDF || peer_port);
}

static void check_shapes(struct input *in)
{
	struct flow_key a = take_key(in), b = take_key(in), x, y;
	_Bool inside = take8(in) & 1;
	enum key_scope scope = take8(in) % 3;

	if (take8(in) & 1) { /* near each other */
		b = a;
		b.dport_h ^= take8(in);
		b.dst.octet[3] ^= take8(in);
		b.sport_h ^= take8(in);
	}
	x = nat_scope_key(&a, scope, inside);
	y = nat_scope_key(&x, scope, inside);
	MUST(flow_key_eq(&x, &y));
	y = nat_scope_key(&b, scope, inside);
	MUST(flow_key_eq(&x, &y) == same_but_for_peer(&a, &b, scope, inside));
	a.scope = scope;
	x = nat_stored_key(&a);
	MUST(x.scope == scope && same_but_for_peer(&x, &a, scope, 1));
}

/* ---- a small NAT ---- */

#define FLOWS 10

struct nat_flow {
	struct flow_key key;			/* of the packet that began it */
	struct flow_key entry, reply_entry;	/* as they are in the table */
	struct flow original, reply;
	enum key_scope scope;
};

static _Bool taken(const struct nat_flow *flows, int count, const struct flow_key *k)
{
	int i;

	for (i = 0; i < count; i++)
		if (flow_key_eq(k, &flows[i].entry) || flow_key_eq(k, &flows[i].reply_entry))
			return 1;
	return 0;
}

static struct flow direction(const struct nat_tuple *t, enum flow_dir dir, uint8_t answer_zone,
			     enum key_scope scope)
{
	return (struct flow){ .src = t->src, .dst = t->dst, .sport_h = t->sport_h,
			      .dport_h = t->dport_h, .dir = dir, .answer_zone = answer_zone,
			      .flags = scope == KEY_APDF ? 0 : FLOW_ANY_PEER };
}

/* Enters a flow as ct_create() does; 0: no port is free, or the key is taken. */
static int begin(struct nat_flow *flows, int count, struct flow_key key, enum key_scope scope, uint32_t random,
		 uint16_t first, uint16_t last)
{
	struct nat_tuple t = { addr_of(__builtin_bswap32(0xac1f0d37)), key.dst, 0, key.dport_h };
	struct nat_tuple back = { key.dst, key.src, key.dport_h, key.sport_h };
	struct nat_flow *f = &flows[count];
	uint32_t attempt;

	f->key = key;
	f->scope = scope;
	f->entry = nat_scope_key(&key, scope, 1);
	for (attempt = 0; attempt < NAT_ATTEMPTS; attempt++) {
		t.sport_h = nat_candidate(key.sport_h, attempt, random, first, last);
		f->reply_entry = nat_reply_key(&t, EBPFNET_ZONE_OUTSIDE, key.proto);
		f->reply_entry = nat_scope_key(&f->reply_entry, scope, 0);
		if (!taken(flows, count, &f->reply_entry))
			break;
	}
	if (attempt == NAT_ATTEMPTS || taken(flows, count, &f->entry))
		return 0;
	f->original = direction(&t, FLOW_ORIGINAL, EBPFNET_ZONE_OUTSIDE, scope);
	f->reply = direction(&back, FLOW_REPLY, key.zone, scope);
	return 1;
}

/* Out and back: the answer to what was translated, translated, is an answer to what was sent. */
static void check_there_and_back(const struct nat_flow *f, struct flow_key key)
{
	struct nat_tuple t = nat_translate(&f->original, &key);
	struct flow_key answer = {
		.src = t.dst,
		.dst = t.src,
		.sport_h = key.proto == L4_ICMP ? t.sport_h : t.dport_h, /* an identifier is both */
		.dport_h = t.sport_h,
		.zone = f->original.answer_zone,
		.proto = key.proto,
	}, x;

	x = nat_scope_key(&answer, f->scope, 0);
	MUST(flow_key_eq(&x, &f->reply_entry));
	x = nat_reply_key_of(&f->original, key.proto);
	x = nat_scope_key(&x, f->scope, 0);
	MUST(flow_key_eq(&x, &f->reply_entry));
	MUST(addr_eq(t.dst, key.dst) && t.dport_h == key.dport_h);
	t = nat_translate(&f->reply, &answer);
	x = nat_reply_key(&t, f->reply.answer_zone, key.proto);
	MUST(flow_key_eq(&x, &key));
	if (key.proto == L4_ICMP) /* has no mappings, and so no further peers */
		return;
	MUST(nat_is_first_peer(&f->original, &key) == nat_is_first_peer(&f->reply, &answer));
	MUST(nat_is_first_address(&f->original, &key) == nat_is_first_address(&f->reply, &answer));
	MUST(!nat_is_first_peer(&f->reply, &answer) || nat_is_first_address(&f->reply, &answer));
}

static void check_small_nat(struct input *in)
{
	struct nat_flow flows[FLOWS];
	uint16_t first = 40000, last = first + take8(in) % 8;
	int count = 0, i;

	while (in->left && count < FLOWS) {
		/* few endpoints and few peers, so that they meet */
		uint8_t who = take8(in), peer = take8(in);
		struct flow_key key = {
			.src = addr_of(__builtin_bswap32(0xc0a8010a + (who & 1))),
			.dst = addr_of(__builtin_bswap32(0xcb00710a + (peer & 1))),
			.sport_h = first + (who >> 1 & 7),
			.dport_h = 80 + (peer >> 1 & 1),
			.zone = 1,
			.proto = peer & 4 ? L4_UDP : L4_ICMP,
		};
		enum key_scope scope = key.proto == L4_UDP ? (peer >> 3) % 3 : KEY_APDF;

		if (key.proto == L4_ICMP)
			key.dport_h = key.sport_h;
		count += begin(flows, count, key, scope, take16(in), first, last);
	}
	for (i = 0; i < count; i++) {
		struct flow_key other = flows[i].key;

		check_there_and_back(&flows[i], flows[i].key);
		if (flows[i].scope == KEY_APDF)
			continue;
		other.dport_h ^= 5; /* another peer of the mapping */
		if (flows[i].scope == KEY_EIM)
			other.dst.octet[3] ^= 7;
		check_there_and_back(&flows[i], other);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	check_candidates(&in);
	check_shapes(&in);
	check_small_nat(&in);
	return 0;
}
