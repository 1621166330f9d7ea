/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Slots of the flow table (map conns): allocation from a free list, expiry, deletion, sweeping. Lock-free: a
 * slot belongs to the CPU that wins the compare-and-swap on its state word.
 *
 *   delete: claim the slot (CONN_BUSY) -> both keys -> free list, or the caller's next flow
 */
#ifndef EBPFNET_BPF_CT_CT_SLOT_H
#define EBPFNET_BPF_CT_CT_SLOT_H

#include <ebpfnet/core/ct_state.h>
#include <ebpfnet/core/nat.h>
#include "kern/lookup.h"

#define CONN_SWEEP 2	/* slots checked per new flow: expired flows must not outnumber live ones */
#define CONN_SWEEP_FULL 64 /* the same in a full table */

/*
 * state, fin, scales and use of a slot, changed together. use is incremented at each allocation, so that a
 * stale reader cannot delete a later flow in the slot.
 */
union conn_word {
	struct {
		enum conn_state state;
		__u8 fin, scales;
		__u8 use;
	};
	__u32 word;
};

/* One read of the word. */
static __always_inline union conn_word conn_word(const struct conn *c)
{
	return (union conn_word){ .word = *(volatile __u32 *)&c->state };
}

/* Returns false if another CPU has changed the word since it was read as old. */
static __always_inline _Bool conn_swap(struct conn *c, union conn_word old, union conn_word new)
{
	return __sync_val_compare_and_swap((__u32 *)&c->state, old.word, new.word) == old.word;
}

static __always_inline struct conn *conn_get(__u32 slot)
{
	return bpf_map_lookup_elem(&conns, &slot);
}

/* True if a packet from outside could be for a namespace: flows exist, or ports are published. */
static __always_inline _Bool ct_any_flow(const struct config *cfg)
{
	struct conn_alloc *a = conn_alloc_get();

	return cfg->portmaps || (a && a->live);
}

#define NO_SLOT 0xffffffffu

/* Take a slot off the free list, or one never used. NO_SLOT: all are in use. */
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

/* Return a slot to the free list. It must be CONN_BUSY or unpublished, so that no key refers to it. Returns 1. */
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

/* True if the flow carries packets, unless it has expired. */
static __always_inline _Bool conn_live(union conn_word w)
{
	return w.state != CONN_FREE && w.state != CONN_BUSY && w.state != CONN_HOLD_DOWN;
}

/* A timeout as it is while the table fills up (ct_under_pressure()). */
static __always_inline __u32 timeout_scaled(__u32 seconds, const struct config *cfg)
{
	struct conn_alloc *a = conn_alloc_get();

	return a ? ct_under_pressure(seconds, a->live, cfg->max_flows) : seconds;
}

/* Callback of ct_timeout(). */
static __always_inline const struct conn_alloc *conn_alloc_of(const void *unused)
{
	return conn_alloc_get();
}

/* Idle timeout of a flow in its state, in seconds. */
static __always_inline __u32 conn_timeout(const struct conn *c, union conn_word w, const struct config *cfg)
{
	return ct_timeout(cfg, w.state, c->orig.proto, conn_alloc_of, NULL);
}

/* True if the flow has been idle for its timeout. */
static __always_inline _Bool conn_expired(const struct conn *c, union conn_word w,
					  const struct config *cfg, __u32 now)
{
	return ct_idle(c->seen, now) >= conn_timeout(c, w, cfg);
}

/*
 * True if another endpoint may have the flow's keys. An external port is held down for a while, so that packets
 * to its last owner do not reach the next (RFC 6888 REQ-8).
 */
static __always_inline _Bool hold_down_over(const struct conn *c, union conn_word w, const struct config *cfg,
					    __u32 now)
{
	__u32 hold_down = c->portmap ? 0 : timeout_scaled(cfg->hold_down_s, cfg);

	return ct_idle(c->seen, now) >= conn_timeout(c, w, cfg) + hold_down;
}

/* A mapping's flow to a further peer: it shares the mapping's external port. */
static __always_inline _Bool conn_is_further_peer(const struct conn *c)
{
	return c->orig.proto == L4_UDP && !c->portmap && c->endpoint && c->orig.scope != KEY_EIM;
}

/* Count a flow that begins (1) or ends (-1): in total, for its endpoint, for its external port. */
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
 * Delete the keys of a flow and keep its slot, CONN_BUSY, for the caller. word: the slot's state word as the
 * caller saw it. Returns 0 if that has changed, or if the flow's original key is not inserted yet.
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

/* Delete a flow and free its slot. False: see slot_unlink(). */
static __always_inline _Bool flow_delete(__u32 slot, __u32 word)
{
	return slot_unlink(slot, word) && slot_free(slot);
}

/* True if the flow's external port is held down before it is given to another endpoint. */
static __always_inline _Bool flow_needs_hold_down(const struct conn *c, const struct config *cfg)
{
	return !c->portmap && cfg->hold_down_s;
}

/* Begin the hold-down of a flow that carries no more packets. */
static __always_inline void flow_hold_down(struct conn *c, union conn_word w)
{
	union conn_word held_down = { .state = CONN_HOLD_DOWN, .use = w.use };

	if (conn_swap(c, w, held_down))
		c->seen = now_s();
}

/* End a flow: hold its port down, or delete it. */
static __always_inline void flow_retire(__u32 slot, struct conn *c, union conn_word w, const struct config *cfg)
{
	if (flow_needs_hold_down(c, cfg))
		flow_hold_down(c, w);
	else
		flow_delete(slot, w.word);
}

/* True if the flow's port mapping or endpoint still exists (ids are not reused), or the flow is the host's. */
static __always_inline _Bool flow_owner_exists(const struct conn *c)
{
	__u32 id = c->portmap ? c->portmap : c->endpoint;
	struct portmap *pm;

	if (!c->portmap)
		return !id || bpf_map_lookup_elem(&usage, &id);
	pm = bpf_map_lookup_elem(&portmaps, &id);
	return pm && pm->endpoint == c->endpoint;
}

/* Argument of the sweep. */
struct conn_sweep {
	_Bool make_room;
	__u32 room;	/* slot left to the caller, with .make_room */
};

/*
 * bpf_loop callback: check the next slot, and delete its flow if it has expired or its owner is gone. With
 * .make_room, also if it may be evicted; then keep the slot and end the loop.
 */
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
	/* wrap explicitly: `slot % used` would skip slots while `used` grows */
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

/* Sweep the next slots. */
static __always_inline void conn_sweep(void)
{
	struct conn_sweep sweep = {};

	bpf_loop(CONN_SWEEP, conn_sweep_one, &sweep, 0);
}

/*
 * Sweep in a full table until a slot is free, evicting a half-open flow if need be: a flood evicts its own, and
 * established flows stay. The slot goes straight to the caller, else the flood would take it off the free list.
 * NO_SLOT: none found.
 */
static __always_inline __u32 slot_make_room(void)
{
	struct conn_sweep sweep = { .make_room = 1, .room = NO_SLOT };

	bpf_loop(CONN_SWEEP_FULL, conn_sweep_one, &sweep, 0);
	return sweep.room;
}

#endif
