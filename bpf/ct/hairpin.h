/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Flows from a namespace to a published port of this host, by the tuple that their packets have in the host's stack
 * (nat_between()), which is neither of a flow's keys. Noted before a packet goes through the host's rules, and looked
 * up when it comes out, or when a rule answers it.
 */
#ifndef EBPFNET_BPF_CT_HAIRPIN_H
#define EBPFNET_BPF_CT_HAIRPIN_H

#include "ct/ct_update.h"

/* The key of map hairpins for a tuple in the direction of the flow's first packet. */
static __always_inline struct flow_key hairpin_key(const struct nat_tuple *t, enum l4proto proto)
{
	return (struct flow_key){
		.src = t->src, .dst = t->dst, .sport_h = t->sport_h, .dport_h = t->dport_h,
		.zone = EBPFNET_ZONE_FORWARDED, .proto = proto,
	};
}

/* The original direction of the live flow with that key; NULL: none. */
static __noinline struct flow *hairpin_look_up(const struct flow_key *key)
{
	struct config *cfg = config_get();
	struct flow_key stored;
	struct conn *c;
	struct flow *f;
	__u32 *slot;

	if (!key || !cfg)
		return NULL;
	slot = bpf_map_lookup_elem(&hairpins, key);
	c = slot ? conn_get(*slot) : NULL;
	if (!c)
		return NULL;
	stored = nat_stored_key(&c->orig);
	f = bpf_map_lookup_elem(&flows, &stored);
	if (!f || f->conn != *slot || f->to != TO_PORT || stored.proto != key->proto ||
	    !addr_eq(stored.src, key->src) || f->sport_h != key->sport_h || !addr_eq(f->dst, key->dst) ||
	    f->dport_h != key->dport_h)
		return NULL;
	return ct_is_unexpired(f, cfg) ? f : NULL;
}

/* The direction that a packet in the stack, or out of it, belongs to; NULL: no such flow. */
static __always_inline struct flow *hairpin_find(const struct flow_key *key)
{
	struct flow_key k = *key;
	struct flow *f;

	k.zone = EBPFNET_ZONE_FORWARDED;
	f = hairpin_look_up(&k);
	if (f)
		return f;
	k = nat_key_reversed(key, EBPFNET_ZONE_FORWARDED);
	f = hairpin_look_up(&k);
	return f ? flow_opposite(f) : NULL;
}

/* True if another flow has that tuple in the stack, or if both of its directions would have the same one. */
static __always_inline _Bool hairpin_is_taken(const struct flow_key *key)
{
	struct flow_key reversed = nat_key_reversed(key, EBPFNET_ZONE_FORWARDED);

	return flow_key_eq(key, &reversed) || hairpin_look_up(key) || hairpin_look_up(&reversed);
}

/* Note a flow's tuple, of a packet with that key. False: it is another's. */
__noinline int hairpin_note(const struct flow *f, const struct flow_key *key)
{
	struct flow_key k;
	struct nat_tuple t;
	struct flow *has;
	__u32 slot;

	if (!f || !key)
		return 0;
	t = nat_between(f, key);
	k = hairpin_key(&t, key->proto);
	if (f->dir == FLOW_REPLY)
		k = nat_key_reversed(&k, EBPFNET_ZONE_FORWARDED);
	slot = f->conn;
	has = hairpin_look_up(&k);
	if (has)
		return has->conn == slot;
	return !bpf_map_update_elem(&hairpins, &k, &slot, BPF_ANY);
}

#endif
