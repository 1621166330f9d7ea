// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Which external port is tried next: for every range, sender's port, random number and attempt. */
#include <ebpfnet/core/nat.h>
#include "verify.h"

#define MOST_PORTS 32768 /* of one parity */

static _Bool inside(__u16 port, __u16 first, __u16 last)
{
	return port >= first && port <= last;
}

void a_candidate_is_in_the_range(__u16 want, __u32 attempt, __u32 random, __u16 first, __u16 last)
{
	__u16 port = nat_candidate(want, attempt, random, first, last);

	GIVEN(first <= last && attempt < NAT_ATTEMPTS);
	PROVE(inside(port, first, last));
}

/* RFC 4787 REQ-3: well-known ports from well-known ports, others from others. */
void a_candidate_is_of_the_senders_class(__u16 want, __u32 attempt, __u32 random, __u16 min,
					 __u16 max)
{
	enum l4proto proto;
	__u16 first, last;

	GIVEN(min <= max && 1024 <= max && attempt < NAT_ATTEMPTS && proto != L4_ICMP);
	nat_range(want, proto, min, max, &first, &last);
	PROVE(first <= last);
	PROVE((nat_candidate(want, attempt, random, first, last) < 1024) == (want < 1024));
}

void an_identifier_may_be_any_number(__u16 want, __u16 min, __u16 max)
{
	__u16 first, last;

	nat_range(want, L4_ICMP, min, max, &first, &last);
	PROVE(first == 0 && last == 65535);
}

/* REQ-4. A range of one port may have none of the sender's parity. */
void parity_is_kept_as_long_as_it_is_asked_for(__u16 want, __u32 attempt, __u32 random, __u16 first,
					       __u16 last)
{
	__u16 port = nat_candidate(want, attempt, random, first, last);

	GIVEN(first <= last && attempt < NAT_ATTEMPTS_PARITY);
	GIVEN(first != last || ((first ^ want) & 1) == 0);
	PROVE(((port ^ want) & 1) == 0);
}

void the_first_attempt_is_the_senders_own_port(__u16 want, __u32 random, __u16 first, __u16 last)
{
	GIVEN(inside(want, first, last));
	PROVE(nat_candidate(want, 0, random, first, last) == want);
}

/*
 * Attempts a and b stand at the same place exactly if `ports` divides the step (b - a) times: it
 * does not, unless all were visited in between.
 */
void attempts_are_never_a_whole_turn_apart(__u16 ports, __u8 apart)
{
	GIVEN(ports <= MOST_PORTS);
	GIVEN(0 < apart && apart < NAT_ATTEMPTS_PARITY && apart < ports);
	PROVE(nat_leap(apart, ports) != 0);
}

/* From wherever it begins, attempts that leap to different places try different ports. */
void different_leaps_are_different_ports(__u32 start, __u32 a, __u32 b, __u16 base, __u32 ports)
{
	GIVEN(0 < ports && ports <= MOST_PORTS && base + 2 * (ports - 1) <= 65535);
	GIVEN(start < ports && a < ports && b < ports && a != b);
	PROVE(nat_place(base, ports, start, a) != nat_place(base, ports, start, b));
}

/* The search ends after NAT_ATTEMPTS, and of a small range it has passed over no port. */
void of_few_ports_each_is_tried(__u8 ports, __u8 start, __u16 free)
{
	GIVEN(0 < ports && ports <= 4 && start < ports && free < 2 * ports && free % 2 == 0);
	PROVE(free == nat_place(0, ports, start, nat_leap(1, ports)) ||
	      free == nat_place(0, ports, start, nat_leap(2, ports)) ||
	      free == nat_place(0, ports, start, nat_leap(3, ports)) ||
	      free == nat_place(0, ports, start, nat_leap(4, ports)));
}

/* ---- the keys of a flow, and how much of the peer they name ---- */

static enum key_scope any_shape(__u8 n)
{
	return n % 3 == 0 ? KEY_APDF : n % 3 == 1 ? KEY_ADF : KEY_EIM;
}

static _Bool same_own_end(const struct flow_key *a, const struct flow_key *b, _Bool inside)
{
	_Bool same = a->zone == b->zone && a->proto == b->proto;

	if (inside)
		return same && addr_eq(a->src, b->src) && a->sport_h == b->sport_h;
	return same && addr_eq(a->dst, b->dst) && a->dport_h == b->dport_h;
}

static struct ipaddr peer_of(const struct flow_key *k, _Bool inside)
{
	return inside ? k->dst : k->src;
}

static __u16 peer_port_of(const struct flow_key *k, _Bool inside)
{
	return inside ? k->dport_h : k->sport_h;
}

/* A key of a shape tells what the shape names, all of it, and nothing else. */
void a_key_tells_what_its_shape_names(struct flow_key a, struct flow_key b, __u8 n, _Bool inside)
{
	enum key_scope scope = any_shape(n);
	struct flow_key x = nat_scope_key(&a, scope, inside), y = nat_scope_key(&b, scope, inside);
	_Bool same = same_own_end(&a, &b, inside);

	if (scope != KEY_EIM)
		same = same && addr_eq(peer_of(&a, inside), peer_of(&b, inside));
	if (scope == KEY_APDF)
		same = same && peer_port_of(&a, inside) == peer_port_of(&b, inside);
	PROVE(flow_key_eq(&x, &y) == same);
}

void a_key_of_a_shape_has_it_already(struct flow_key a, __u8 n, _Bool inside)
{
	struct flow_key x = nat_scope_key(&a, any_shape(n), inside);
	struct flow_key y = nat_scope_key(&x, any_shape(n), inside);

	PROVE(flow_key_eq(&x, &y));
	a.scope = any_shape(n);
	y = nat_stored_key(&a);
	PROVE(!inside || flow_key_eq(&x, &y));
}

/*
 * All shapes are in one table. Whatever the shapes, one key is of one end; and no peer, whose address is
 * not zero, is taken for all, nor one with a port for all ports.
 */
void keys_of_different_mappings_differ(struct flow_key a, struct flow_key b, __u8 m, __u8 n,
				       _Bool inside)
{
	struct flow_key x = nat_scope_key(&a, any_shape(m), inside);
	struct flow_key y = nat_scope_key(&b, any_shape(n), inside);

	GIVEN(flow_key_eq(&x, &y));
	PROVE(same_own_end(&a, &b, inside));
	GIVEN(!addr_none(peer_of(&a, inside)) && !addr_none(peer_of(&b, inside)));
	GIVEN(peer_port_of(&a, inside) && peer_port_of(&b, inside));
	PROVE(any_shape(m) == any_shape(n));
}

static _Bool tuple_eq(struct nat_tuple a, struct nat_tuple b)
{
	return addr_eq(a.src, b.src) && addr_eq(a.dst, b.dst) && a.sport_h == b.sport_h &&
	       a.dport_h == b.dport_h;
}

/* The first peer is the one whose packets a mapping translates as if it were his alone. */
void the_first_peer_is_translated_as_by_a_flow_of_his_own(struct flow f, struct flow_key key)
{
	struct flow own = f;

	GIVEN(f.dir == FLOW_ORIGINAL || f.dir == FLOW_REPLY);
	f.flags |= FLOW_ANY_PEER;
	own.flags &= ~FLOW_ANY_PEER;
	PROVE(nat_is_first_peer(&f, &key) ==
	      tuple_eq(nat_translate(&f, &key), nat_translate(&own, &key)));
}

void the_first_peer_has_the_first_address(struct flow f, struct flow_key key)
{
	_Bool original = f.dir == FLOW_ORIGINAL;
	struct nat_tuple t = { f.src, f.dst, f.sport_h, f.dport_h };

	GIVEN(original || f.dir == FLOW_REPLY);
	PROVE(!nat_is_first_peer(&f, &key) || nat_is_first_address(&f, &key));
	PROVE(nat_is_first_address(&f, &key) ==
	      (original ? addr_eq(key.dst, t.dst) : addr_eq(key.src, t.src)));
}
