/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * PURE. Translation as arithmetic on tuples: external port candidates, keys, and translated tuples.
 *
 * A flow has two keys. A packet with the original key k is translated to the tuple t. Its reply has t reversed,
 * in the zone that t went to, and is translated to k reversed. This holds for every kind of flow:
 *
 *      masquerade   k: 1/192.168.1.10:4000 -> 203.0.113.10:80    t: 172.31.13.55:4000 -> 203.0.113.10:80
 *      publish      k: 0/203.0.113.10:999 -> 172.31.13.55:5000   t: 203.0.113.10:999 -> 192.168.1.10:3000
 *      hairpin      k: 1/192.168.1.11:70 -> 172.31.13.55:5000    t: 172.31.13.55:70 -> 192.168.1.10:3000
 */
#ifndef EBPFNET_CORE_NAT_H
#define EBPFNET_CORE_NAT_H

#include <ebpfnet/core/addr.h>

#define NAT_ATTEMPTS 128 /* source ports tried for a new flow */
#define NAT_ATTEMPTS_PARITY 96 /* the first of these keep the sender's parity */

/*
 * Distance between candidates: large, as ports in use are contiguous (one busy client fills the ephemeral
 * range), and a prime above the size of any range, so that each port comes up once.
 */
#define NAT_STEP 53017

static __always_inline _Bool flow_key_eq(const struct flow_key *a, const struct flow_key *b)
{
	const __u32 *x = (const __u32 *)a, *y = (const __u32 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]));
}

static __always_inline __u32 flow_key_hash(const struct flow_key *key, __u32 salt)
{
	const __u32 *word = (const __u32 *)key;
	__u32 h = salt;
	int i;

	for (i = 0; i < 4; i++) {
		h = (h ^ word[i]) * 0x85ebca6bu;
		h ^= h >> 15;
	}
	h *= 0x9e3779b1u;
	return h ^ h >> 16;
}

/* A tuple without a zone: what a packet carries after translation. */
struct nat_tuple {
	struct ipaddr src, dst;
	__u16 sport_h, dport_h;
};

/* The key of the reply to a packet with tuple t that arrives in a zone. */
static __always_inline struct flow_key nat_reply_key(const struct nat_tuple *t, __u16 zone,
						     enum l4proto proto)
{
	struct flow_key key = {
		.src = t->dst,
		.dst = t->src,
		.sport_h = t->dport_h,
		.dport_h = t->sport_h,
		.zone = zone,
		.proto = proto,
	};

	if (proto == L4_ICMP) /* a query has one identifier, in both ports */
		key.sport_h = key.dport_h = t->sport_h;
	return key;
}

/* The same for a direction of a flow. */
static __always_inline struct flow_key nat_reply_key_of(const struct flow *f, enum l4proto proto)
{
	struct nat_tuple t = { f->src, f->dst, f->sport_h, f->dport_h };

	return nat_reply_key(&t, f->answer_zone, proto);
}

/* Reduce a key to a scope. inside: key of a packet from inside, whose peer is the destination. */
static __always_inline struct flow_key nat_scope_key(const struct flow_key *of, enum key_scope scope, _Bool inside)
{
	struct flow_key key = *of;

	key.scope = scope;
	if (scope == KEY_APDF)
		return key;
	if (inside)
		key.dport_h = 0;
	else
		key.sport_h = 0;
	if (scope == KEY_ADF)
		return key;
	if (inside)
		key.dst = addr_of(0);
	else
		key.src = addr_of(0);
	return key;
}

/* The original key as it is in map flows. orig: struct conn.orig. */
static __always_inline struct flow_key nat_stored_key(const struct flow_key *orig)
{
	return nat_scope_key(orig, orig->scope, 1);
}

/* And the key of the reply direction. f: the original one. */
static __always_inline struct flow_key nat_stored_reply_key(const struct flow *f,
							    const struct flow_key *orig)
{
	struct flow_key reply = nat_reply_key_of(f, orig->proto);

	return nat_scope_key(&reply, orig->scope, 0);
}

/* True if a packet's peer is the one that the mapping was created for. */
static __always_inline _Bool nat_is_first_peer(const struct flow *f, const struct flow_key *key)
{
	if (f->dir == FLOW_ORIGINAL)
		return addr_eq(f->dst, key->dst) && f->dport_h == key->dport_h;
	return addr_eq(f->src, key->src) && f->sport_h == key->sport_h;
}

/* True if the flow is a mapping for any peer, and the packet's peer is not the one that it was created for. */
static __always_inline _Bool nat_is_further_peer(const struct flow *f, const struct flow_key *key)
{
	return f->flags & FLOW_ANY_PEER && !nat_is_first_peer(f, key);
}

/* As nat_is_first_peer(), whatever the peer's port. */
static __always_inline _Bool nat_is_first_address(const struct flow *f, const struct flow_key *key)
{
	return f->dir == FLOW_ORIGINAL ? addr_eq(f->dst, key->dst) : addr_eq(f->src, key->src);
}

/* The tuple of a packet with that key after translation. */
static __always_inline struct nat_tuple nat_translate(const struct flow *f, const struct flow_key *key)
{
	struct nat_tuple t = { f->src, f->dst, f->sport_h, f->dport_h };

	if (!(f->flags & FLOW_ANY_PEER))
		return t;
	if (f->dir == FLOW_ORIGINAL) {
		t.dst = key->dst;
		t.dport_h = key->dport_h;
	} else {
		t.src = key->src;
		t.sport_h = key->sport_h;
	}
	return t;
}

/*
 * The tuple that a hairpinned packet has in the host's stack, for the host's rules: both ends by their own addresses,
 * and the client with the port that the server sees, as that is what tells flows with one server apart. 70 and 71: the
 * client's port, and the one that the flow has got.
 *
 *      as it comes      192.168.1.11:70 -> 172.31.13.55:5000       192.168.1.10:3000 -> 172.31.13.55:71
 *      in the stack     192.168.1.11:71 -> 192.168.1.10:3000       192.168.1.10:3000 -> 192.168.1.11:71
 *      as it arrives    172.31.13.55:71 -> 192.168.1.10:3000       172.31.13.55:5000 -> 192.168.1.11:70
 */
static __always_inline struct nat_tuple nat_between(const struct flow *f, const struct flow_key *key)
{
	struct nat_tuple t = { key->src, f->dst, key->sport_h, key->dport_h };

	if (f->dir == FLOW_ORIGINAL) {
		t.sport_h = f->sport_h;
		t.dport_h = f->dport_h;
	}
	return t;
}

/* The tuple that a packet with that key has in the host's stack, whose rules it passes. */
static __always_inline struct nat_tuple nat_to_rules(const struct flow *f, const struct flow_key *key)
{
	struct nat_tuple as_it_is = { key->src, key->dst, key->sport_h, key->dport_h };

	if (key->zone == EBPFNET_ZONE_OUTSIDE)
		return nat_translate(f, key);
	return f->to == TO_PORT ? nat_between(f, key) : as_it_is;
}

/*
 * The range that a source port is chosen from: of [min_h, max_h] the sender's class, below 1024 or not (RFC 4787
 * REQ-3). If the range has no port below 1024, that class has 600 to 1023, from which bindresvport() takes: services
 * have the well-known ports below (NTP 123, IKE 500), and may come later than the flow.
 */
static __always_inline void nat_range(__u16 want_h, enum l4proto proto, __u16 min_h, __u16 max_h,
				      __u16 *first_h, __u16 *last_h)
{
	*first_h = min_h;
	*last_h = max_h;
	if (proto == L4_ICMP) {
		*first_h = 0;
		*last_h = 65535;
	} else if (want_h < 1024) {
		*first_h = min_h < 1024 ? min_h : 600;
		*last_h = min_h < 1024 && max_h < 1024 ? max_h : 1023;
	} else if (min_h < 1024 && max_h >= 1024) {
		*first_h = 1024;
	}
}

/* Offset of an attempt from the start of the search, modulo the ports of one parity. */
static __always_inline __u32 nat_leap(__u32 attempt, __u32 ports)
{
	return attempt * NAT_STEP % ports;
}

/* The port at that offset. base: first port of the parity; start and leap are below ports. */
static __always_inline __u16 nat_place(__u32 base, __u32 ports, __u32 start, __u32 leap)
{
	return base + 2 * ((start + leap) % ports);
}

/*
 * The source port to try at an attempt: first the sender's, then ports of its class and parity (RFC 4787 REQ-4)
 * from a random start, each once, at last those of the other parity. All are in [first_h, last_h]: a port outside is
 * not kept, as a service of the host's may be there, or come.
 */
static __always_inline __u16 nat_candidate(__u16 want_h, __u32 attempt, __u32 random,
					   __u16 first_h, __u16 last_h)
{
	__u32 other = attempt >= NAT_ATTEMPTS_PARITY;
	__u32 base = first_h + ((first_h ^ want_h ^ other) & 1); /* first port of the parity */
	__u32 ports;

	if (attempt == 0 && want_h >= first_h && want_h <= last_h)
		return want_h;
	if (base >= last_h)
		return last_h;
	ports = (last_h - base) / 2 + 1;
	return nat_place(base, ports, random % ports, nat_leap(attempt, ports));
}

/* Key of the answers to a packet that no flow translates, in the zone where they arrive. */
static __always_inline struct flow_key nat_key_reversed(const struct flow_key *key, __u16 zone)
{
	return (struct flow_key){
		.src = key->dst,
		.dst = key->src,
		.sport_h = key->dport_h,
		.dport_h = key->sport_h,
		.zone = zone,
		.proto = key->proto,
	};
}

#endif
