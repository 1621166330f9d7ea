/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Queue for fragments that precede the first one: FRAGQ_SLOTS slots, at most FRAGQ_PER_SOURCE per source, 2 s
 * each. No garbage collection: allocation scans all slots. A slot belongs to the CPU that wins the
 * compare-and-swap on its state word, as in ct_slot.h.
 */
#ifndef EBPFNET_BPF_FRAG_FRAG_QUEUE_H
#define EBPFNET_BPF_FRAG_FRAG_QUEUE_H

#include "kern/lookup.h"
#include "frag/reinject.h"

#define FRAGQ_PER_SOURCE 45 /* 64 KiB in fragments of 1500 bytes, less the first */
#define FRAGQ_TICKS 30 /* of 2^26 ns: 2 s; wraps after nine years */

static __always_inline __u32 frag_ticks(void)
{
	return bpf_ktime_get_coarse_ns() >> 26;
}

/* In ticks. Another CPU's clock may be one ahead. */
static __always_inline __u32 frag_age(__u32 seen, __u32 now)
{
	return (__s32)(now - seen) > 0 ? now - seen : 0;
}

static __always_inline __u32 fragq_index(__u32 ref)
{
	return (ref - 1) & (FRAGQ_SLOTS - 1);
}

/* The slot of a reference; of 0, some slot. */
static __always_inline struct fragq_slot *fragq_get(__u32 ref)
{
	__u32 zero = 0;
	struct fragq *all = bpf_map_lookup_elem(&fragq, &zero);

	return all ? &all->slot[fragq_index(ref)] : NULL;
}

/* Make the slot BUSY for this CPU. False: its state has changed. */
static __always_inline _Bool fragq_claim(struct fragq_slot *slot, union fragq_word old, __u16 use)
{
	union fragq_word busy = { .state = FRAGQ_BUSY, .use = use };

	return __sync_val_compare_and_swap(&slot->word, old.word, busy.word) == old.word;
}

static __always_inline void fragq_set(struct fragq_slot *slot, enum fragq_state state, __u16 use)
{
	union fragq_word w = { .state = state, .use = use };

	*(volatile __u32 *)&slot->word = w.word;
}

/* The search for a slot. */
struct fragq_search {
	__u32 now, source;
	__u32 first;		/* index to start at */
	__u32 free, own;	/* free slots; slots of this source */
	__u32 oldest;		/* age in ticks of the slot .at */
	__u32 at;
};

/* bpf_loop callback: count, and find the oldest slot. The random start decides between equals. */
static long fragq_scan(__u32 n, struct fragq_search *s)
{
	__u32 i = (n + s->first) & (FRAGQ_SLOTS - 1), age;
	struct fragq_slot *slot = fragq_get(i + 1);
	union fragq_word w;

	if (!slot)
		return 1;
	w.word = *(volatile __u32 *)&slot->word;
	if (w.state == FRAGQ_BUSY)
		return 0;
	age = w.state == FRAGQ_FREE ? FRAGQ_TICKS : frag_age(slot->seen, s->now);
	if (age >= FRAGQ_TICKS)
		s->free++;
	else if (slot->source == s->source)
		s->own++;
	if (age >= s->oldest) {
		s->oldest = age;
		s->at = i;
	}
	return 0;
}

/*
 * Allocate a slot, BUSY; returns a reference, 0: none. The per-source share shrinks as slots run out. A source
 * without a slot always gets one, if need be the globally oldest.
 */
static __always_inline __u32 fragq_alloc(__u32 source)
{
	struct fragq_search s = {
		.now = frag_ticks(), .source = source, .at = FRAGQ_SLOTS, .first = bpf_get_prandom_u32()
	};
	union fragq_word old;
	struct fragq_slot *slot;

	bpf_loop(FRAGQ_SLOTS, fragq_scan, &s, 0);
	if (s.at >= FRAGQ_SLOTS || s.own >= FRAGQ_PER_SOURCE || s.own > s.free)
		return 0;
	slot = fragq_get(s.at + 1);
	if (!slot)
		return 0;
	old.word = *(volatile __u32 *)&slot->word;
	if (old.state == FRAGQ_BUSY || !fragq_claim(slot, old, old.use + 1))
		return 0;
	if (old.state == FRAGQ_USED)
		count(s.oldest >= FRAGQ_TICKS ? COUNT_frag_no_first : COUNT_frag_queue_full);
	slot->seen = s.now;
	slot->source = source;
	return (__u32)(__u16)(old.use + 1) << 16 | (s.at + 1);
}

/* Store a frame of len bytes: USED. Not inlined, so that len stays in the register that is compared. */
static __noinline int fragq_store(ctx_t *ctx, __u32 ref, __u32 len)
{
	__u32 i = fragq_index(ref);
	struct fragq_frame *f = bpf_map_lookup_elem(&fragq_frames, &i);
	struct fragq_slot *slot = fragq_get(ref);

	if (!f || !slot || OUTSIDE(len, ETH_HLEN, FRAGQ_FRAME_MAX) || ctx_load(ctx, 0, f->bytes, len))
		return -1;
	slot->len = len;
	fragq_set(slot, FRAGQ_USED, ref >> 16);
	return 0;
}

/* Free a BUSY slot. */
static __always_inline void fragq_free(__u32 ref)
{
	struct fragq_slot *slot = fragq_get(ref);

	if (slot)
		fragq_set(slot, FRAGQ_FREE, ref >> 16);
}

/* Free a slot, if the reference is not stale. Returns the next fragment of the datagram. */
static __always_inline __u32 fragq_drop(__u32 ref)
{
	union fragq_word taken = { .state = FRAGQ_USED, .use = ref >> 16 };
	struct fragq_slot *slot = fragq_get(ref);
	__u32 next;

	if (!slot || !fragq_claim(slot, taken, taken.use))
		return 0;
	next = slot->next;
	fragq_set(slot, FRAGQ_FREE, taken.use);
	return next;
}

struct fragq_release {
	ctx_t *ctx;
	__u32 ref;
};

/* bpf_loop callback: re-inject a fragment and free its slot. */
static long fragq_release_one(__u32 n, struct fragq_release *r)
{
	union fragq_word taken = { .state = FRAGQ_USED, .use = r->ref >> 16 };
	__u32 i = fragq_index(r->ref);
	struct fragq_frame *f = bpf_map_lookup_elem(&fragq_frames, &i);
	struct fragq_slot *slot = fragq_get(r->ref);

	if (!f || !slot || !r->ref || !fragq_claim(slot, taken, taken.use))
		return 1;
	if (!reinject_send(r->ctx, f->bytes, slot->len, FRAGQ_FRAME_MAX))
		count(COUNT_frag_reinjected);
	r->ref = slot->next;
	fragq_set(slot, FRAGQ_FREE, taken.use);
	return 0;
}

/* bpf_loop callback: drop a fragment. */
static long fragq_drop_one(__u32 n, __u32 *ref)
{
	if (!*ref)
		return 1;
	*ref = fragq_drop(*ref);
	count(COUNT_frag_no_first);
	return 0;
}

#endif
