/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The slots of the flow table (map conns): taken from a free list, given back, and looked through in
 * turn. Nothing here takes a lock: who may change a slot is settled by a compare-and-swap of one word.
 *
 *   end: claim the slot (compare-and-swap to CONN_BUSY) -> both keys -> free list, or the next flow
 */
#ifndef EBPFNET_BPF_CT_CT_SLOT_H
#define EBPFNET_BPF_CT_CT_SLOT_H

#include <ebpfnet/core/ct_state.h>
#include <ebpfnet/core/nat.h>
#include "kern/lookup.h"

#define CONN_SWEEP 2	/* slots looked at for each new flow: garbage never outgrows live flows */
#define CONN_SWEEP_FULL 64 /* and when the table is full */

/*
 * state, fin, scales and use of a slot, as the one word that changes hands. use is another each time the slot
 * is taken, so that whoever has seen an earlier flow in it cannot end this one.
 */
union conn_word {
	struct {
		enum conn_state state;
		__u8 fin, scales;
		__u8 use;
	};
	__u32 word;
};

static __always_inline union conn_word conn_word(const struct conn *c)
{
	return (union conn_word){ .word = *(volatile __u32 *)&c->state };
}

/* True if nobody else changed it since it was read as old. */
static __always_inline _Bool conn_swap(struct conn *c, union conn_word old, union conn_word new)
{
	return __sync_val_compare_and_swap((__u32 *)&c->state, old.word, new.word) == old.word;
}

static __always_inline struct conn *conn_get(__u32 slot)
{
	return bpf_map_lookup_elem(&conns, &slot);
}

/* Whether there is anything that a packet from outside could be for: flows, or published ports. */
static __always_inline _Bool ct_any_flow(const struct config *cfg)
{
	struct conn_alloc *a = conn_alloc_get();

	return cfg->portmaps || (a && a->live);
}

#define NO_SLOT 0xffffffffu

/* A slot off the free list, or one never used; NO_SLOT: all are in use. */
static __always_inline __u32 slot_alloc(const struct config *cfg)
{
	struct conn_alloc *a = conn_alloc_get();
	__u32 fresh;
	int i;

	if (!a)
		return NO_SLOT;
	for (i = 0; i < 64; i++) { /* a lost race is another CPU's success */
		__u64 head = *(volatile __u64 *)&a->free_head, next;
		struct conn *c;

		if (!(__u32)head)
			break;
		c = conn_get((__u32)head - 1);
		if (!c)
			break;
		next = ((head >> 32) + 1) << 32 | *(volatile __u32 *)&c->portmap;
		if (__sync_val_compare_and_swap(&a->free_head, head, next) == head)
			return (__u32)head - 1;
	}
	if (*(volatile __u32 *)&a->never_used >= cfg->max_flows)
		return NO_SLOT;
	fresh = __sync_fetch_and_add(&a->never_used, 1);
	return fresh < cfg->max_flows ? fresh : NO_SLOT;
}

/* Back on the free list. The slot is CONN_BUSY, or never led to: no key leads to it. Returns 1. */
__noinline int slot_free(__u32 slot)
{
	struct conn_alloc *a = conn_alloc_get();
	struct conn *c = conn_get(slot);
	union conn_word free;
	int i;

	if (!a || !c)
		return 1;
	free = conn_word(c);
	free.state = CONN_FREE;
	free.fin = 0;
	*(volatile __u32 *)&c->state = free.word;
	for (i = 0; i < 64; i++) {
		__u64 head = *(volatile __u64 *)&a->free_head;

		*(volatile __u32 *)&c->portmap = (__u32)head;
		if (__sync_val_compare_and_swap(&a->free_head, head,
						((head >> 32) + 1) << 32 | (slot + 1)) == head)
			break;
	}
	return 1;
}

/* Packets of the flow are still carried, if its time is not up. */
static __always_inline _Bool conn_live(union conn_word w)
{
	return w.state != CONN_FREE && w.state != CONN_BUSY && w.state != CONN_HOLD_DOWN;
}

static __always_inline __u32 timeout_scaled(__u32 seconds, const struct config *cfg)
{
	struct conn_alloc *a = conn_alloc_get();

	return a ? ct_under_pressure(seconds, a->live, cfg->max_flows) : seconds;
}

static __always_inline const struct conn_alloc *conn_alloc_of(const void *unused)
{
	return conn_alloc_get();
}

static __always_inline __u32 conn_timeout(const struct conn *c, union conn_word w, const struct config *cfg)
{
	return ct_timeout(cfg, w.state, c->orig.proto, conn_alloc_of, NULL);
}

static __always_inline _Bool conn_expired(const struct conn *c, union conn_word w,
					  const struct config *cfg, __u32 now)
{
	return ct_idle(c->seen, now) >= conn_timeout(c, w, cfg);
}

/*
 * Whether somebody else may have what the flow held. An external port rests for a while, so that
 * what is still under way to its last owner does not reach the next (RFC 6888 REQ-8).
 */
static __always_inline _Bool hold_down_over(const struct conn *c, union conn_word w, const struct config *cfg,
					    __u32 now)
{
	__u32 hold_down = c->portmap ? 0 : timeout_scaled(cfg->hold_down_s, cfg);

	return ct_idle(c->seen, now) >= conn_timeout(c, w, cfg) + hold_down;
}

/* A flow of a mapping that was made for another peer: it has the mapping's external port. */
static __always_inline _Bool conn_is_further_peer(const struct conn *c)
{
	return c->orig.proto == L4_UDP && !c->portmap && c->endpoint && c->orig.scope != KEY_EIM;
}

/* Counts a flow, begun (1) or ended (-1): in all, as its namespace's, and as its external port's. */
static __always_inline void conn_account(const struct conn *c, __u16 external_h, __s32 flows)
{
	__u32 id = c->endpoint, port_h = external_h, *mapped;
	struct conn_alloc *a = conn_alloc_get();
	struct usage *u;

	if (a)
		__sync_fetch_and_add(&a->live, flows);
	if (c->portmap)
		return;
	if (c->orig.proto == L4_TCP) {
		mapped = bpf_map_lookup_elem(&tcp_ports_in_use, &port_h);
		if (mapped)
			__sync_fetch_and_add(mapped, flows);
	}
	u = bpf_map_lookup_elem(&usage, &id);
	if (!u)
		return;
	__sync_fetch_and_add(&u->flows, flows);
	if (!conn_is_further_peer(c))
		__sync_fetch_and_add(&u->ports, flows);
}

/*
 * Ends a flow: nobody finds it any more, and its slot is the caller's. word: the slot's as the caller saw
 * it. One that is only being made has no original key yet, and cannot be ended.
 */
__noinline int slot_unlink(__u32 slot, __u32 word)
{
	union conn_word seen = { .word = word }, busy = { .state = CONN_BUSY, .use = seen.use };
	struct conn *c = conn_get(slot);
	struct flow_key key;
	struct flow *f;

	if (!c)
		return 0;
	key = nat_stored_key(&c->orig);
	f = bpf_map_lookup_elem(&flows, &key);
	if (!f || f->conn != slot || !conn_swap(c, seen, busy))
		return 0;
	conn_account(c, f->sport_h, -1);
	key = nat_stored_reply_key(f, &c->orig);
	bpf_map_delete_elem(&flows, &key);
	key = nat_stored_key(&c->orig);
	bpf_map_delete_elem(&flows, &key);
	count(COUNT_flow_ended);
	return 1;
}

/* The same, and its slot is anybody's. */
static __always_inline _Bool flow_delete(__u32 slot, __u32 word)
{
	return slot_unlink(slot, word) && slot_free(slot);
}

/* Whether the external port of a flow that may not go on rests before anybody gets it. */
static __always_inline _Bool flow_needs_hold_down(const struct conn *c, const struct config *cfg)
{
	return !c->portmap && cfg->hold_down_s;
}

static __always_inline void flow_hold_down(struct conn *c, union conn_word w)
{
	union conn_word held_down = { .state = CONN_HOLD_DOWN, .use = w.use };

	if (conn_swap(c, w, held_down))
		c->seen = now_s();
}

/* Ends a flow that may not go on. */
static __always_inline void flow_retire(__u32 slot, struct conn *c, union conn_word w, const struct config *cfg)
{
	if (flow_needs_hold_down(c, cfg))
		flow_hold_down(c, w);
	else
		flow_delete(slot, w.word);
}

/*
 * Whether what made a flow is still there: the rule, for the same endpoint, or the endpoint. Neither has
 * its number again once it is gone. The host's own flows have none.
 */
static __always_inline _Bool flow_owner_exists(const struct conn *c)
{
	__u32 id = c->portmap ? c->portmap : c->endpoint;
	struct portmap *pm;

	if (!c->portmap)
		return !id || bpf_map_lookup_elem(&usage, &id);
	pm = bpf_map_lookup_elem(&portmaps, &id);
	return pm && pm->endpoint == c->endpoint;
}

struct conn_sweep {
	_Bool make_room;
	__u32 room;	/* the slot that is the caller's */
};

static long conn_sweep_one(__u32 i, struct conn_sweep *sweep)
{
	struct config *cfg = config_get();
	struct conn_alloc *a = conn_alloc_get();
	_Bool over, stale;
	union conn_word w;
	struct conn *c;
	__u32 slot, used;

	if (!cfg || !a)
		return 1;
	used = a->never_used < cfg->max_flows ? a->never_used : cfg->max_flows;
	if (!used)
		return 1;
	/* from the beginning again at the end: a remainder would run ahead with a table that grows */
	slot = __sync_fetch_and_add(&a->sweep, 1);
	if (slot >= used)
		a->sweep = slot = 0;
	c = conn_get(slot);
	if (!c)
		return 0;
	w = conn_word(c);
	if (w.state == CONN_FREE || w.state == CONN_BUSY)
		return 0;
	over = hold_down_over(c, w, cfg, now_s());
	stale = !over && w.state != CONN_HOLD_DOWN && !flow_owner_exists(c);
	if (stale && flow_needs_hold_down(c, cfg)) {
		flow_hold_down(c, w);
		return 0;
	}
	if (!over && !stale && !(sweep->make_room && ct_may_evict(w.state)))
		return 0;
	if (!slot_unlink(slot, w.word))
		return 0;
	if (!over && !stale)
		count(COUNT_flow_evicted);
	if (!sweep->make_room) {
		slot_free(slot);
		return 0;
	}
	sweep->room = slot;
	return 1;
}

/* Looks at the next slots in turn and ends the flows there whose time is up. */
static __always_inline void conn_sweep(void)
{
	struct conn_sweep sweep = {};

	bpf_loop(CONN_SWEEP, conn_sweep_one, &sweep, 0);
}

/*
 * The same in a full table, until a slot is free, and if need be with one that is half open: a flood of
 * these ends its own, and what is established stays. The slot is handed over: on the free list it would be
 * the flood's again. NO_SLOT: there is none.
 */
static __always_inline __u32 slot_make_room(void)
{
	struct conn_sweep sweep = { .make_room = 1, .room = NO_SLOT };

	bpf_loop(CONN_SWEEP_FULL, conn_sweep_one, &sweep, 0);
	return sweep.room;
}

#endif
