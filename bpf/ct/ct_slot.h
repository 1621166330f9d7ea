/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Slots of the flow table (map conns): allocation from a free list, expiry, deletion. Lock-free: a slot belongs to
 * the CPU that wins the compare-and-swap on its state word.
 *
 *   delete: claim the slot (CONN_BUSY) -> both keys -> free list, or the caller's next flow
 */
#ifndef EBPFNET_BPF_CT_CT_SLOT_H
#define EBPFNET_BPF_CT_CT_SLOT_H

#include <ebpfnet/core/ct_state.h>
#include <ebpfnet/core/nat.h>
#include "kern/lookup.h"
#include "ct/hold_down.h"
#include "ct/usage.h"

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

/* Tells a flow from those that its memory was used for before. */
static __always_inline __u32 ct_unique(__u32 slot)
{
	struct conn *c = conn_get(slot);

	return slot << 8 | (c ? conn_word(c).use : 0);
}

/*
 * No path, and no answer of the host's rules, in words that the memory of a flow has not had for another: who resolves
 * a path for an earlier flow there, or was told the answer for it, finds that it has gone.
 */
static __always_inline union path_ref ct_no_path(__u32 slot)
{
	return (union path_ref){ .word = (__u64)ct_unique(slot) << 32 }; /* .stamp is 0 */
}

static __always_inline union ask_word ct_not_asked(__u32 slot)
{
	return (union ask_word){ .rules = ct_unique(slot) };
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
	return w.state != CONN_FREE && w.state != CONN_BUSY;
}

/* Callback of ct_timeout(). */
static __always_inline const struct conn_alloc *conn_alloc_of(const void *unused)
{
	return conn_alloc_get();
}

/* Idle timeout of a flow in its state, in seconds. */
static __always_inline __u32 conn_timeout(const struct conn *c, enum conn_state state, const struct config *cfg)
{
	return ct_timeout(cfg, state, c->orig.proto, conn_alloc_of, NULL);
}

/* True if the flow has been idle for its timeout. */
static __noinline _Bool conn_expired(const struct conn *c, enum conn_state state, const struct config *cfg, __u32 now)
{
	return ct_timeout_over(c->seen, now, conn_timeout(c, state, cfg));
}

/* Stored keys of a flow that is deleted; not on the stack, where the deepest calls would not fit. */
struct unlink_keys {
	struct flow_key original, reply;
};
PERCPU_SCRATCH(struct unlink_keys, unlink_keys)

/* Its external port is held down from when the flow ended: by now, or when its time was up. */
static __always_inline void conn_hold_down(const struct conn *c, union conn_word w, const struct flow_key *reply,
					   const struct config *cfg)
{
	__u32 now = now_s(), ended = c->seen + conn_timeout(c, w.state, cfg);

	if (!c->portmap && c->endpoint && cfg->hold_down_s)
		hold_down_set(reply, c->endpoint, (__s32)(ended - now) < 0 ? ended : now, cfg);
}

/*
 * Delete the keys of a flow and keep its slot, CONN_BUSY, for the caller. word: the slot's state word as the
 * caller saw it. Returns 0 if that has changed, or if the flow's original key is not inserted yet.
 */
__noinline int slot_unlink(__u32 slot, __u32 word)
{
	union conn_word seen = { .word = word }, busy = { .state = CONN_BUSY, .use = seen.use };
	struct unlink_keys *k = unlink_keys_get();
	struct config *cfg = config_get();
	struct conn *c = conn_get(slot);
	struct flow *f;

	if (!c || !cfg || !k)
		return 0;
	k->original = nat_stored_key(&c->orig);
	f = bpf_map_lookup_elem(&flows, &k->original);
	if (!f || f->conn != slot || !conn_swap(c, seen, busy))
		return 0;
	k->original = nat_stored_key(&c->orig); /* what this CPU has claimed */
	k->reply = nat_stored_reply_key(f, &c->orig);
	usage_add(c, f->sport_h, -1);
	conn_hold_down(c, seen, &k->reply, cfg);
	bpf_map_delete_elem(&flows, &k->reply);
	bpf_map_delete_elem(&flows, &k->original);
	count(COUNT_flow_ended);
	return 1;
}

/* Delete a flow and free its slot. False: see slot_unlink(). */
static __always_inline _Bool flow_delete(__u32 slot, __u32 word)
{
	return slot_unlink(slot, word) && slot_free(slot);
}

/* True if the endpoint that opened the flow still exists, or is none of ours (ids are not reused). */
static __always_inline _Bool flow_opener_exists(const struct conn *c)
{
	__u32 endpoint = c->endpoint;

	return !endpoint || bpf_map_lookup_elem(&usage, &endpoint);
}

/* True if its port mapping still exists, too. */
static __always_inline _Bool flow_owner_exists(const struct conn *c)
{
	__u32 portmap = c->portmap;

	return flow_opener_exists(c) && (!portmap || bpf_map_lookup_elem(&portmaps, &portmap));
}

#endif
