/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Pieces of datagrams that came before their first one, held until that comes: in so many places, a
 * share of them for each source, for two seconds. Nobody sweeps: who needs a place looks through all.
 *
 * Who may touch a place is settled by a compare-and-swap of one word, as with flows (ct_slot.h).
 */
#ifndef EBPFNET_BPF_FRAG_FRAG_QUEUE_H
#define EBPFNET_BPF_FRAG_FRAG_QUEUE_H

#include "kern/lookup.h"
#include "frag/reinject.h"

#define FRAGQ_PER_SOURCE 45 /* for one source: all of 64 KiB by 1500 bytes, but the first piece */
#define FRAGQ_TICKS 30 /* of 2^26 ns: two seconds. They begin anew after nine years */

static __always_inline __u32 frag_ticks(void)
{
	return bpf_ktime_get_coarse_ns() >> 26;
}

/* In ticks; another CPU's clock may be one ahead. */
static __always_inline __u32 frag_age(__u32 seen, __u32 now)
{
	return (__s32)(now - seen) > 0 ? now - seen : 0;
}

static __always_inline __u32 fragq_index(__u32 ref)
{
	return (ref - 1) & (FRAGQ_SLOTS - 1);
}

/* Some place, if the reference is none. NULL never in practice. */
static __always_inline struct fragq_slot *fragq_get(__u32 ref)
{
	__u32 zero = 0;
	struct fragq *all = bpf_map_lookup_elem(&fragq, &zero);

	return all ? &all->slot[fragq_index(ref)] : NULL;
}

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

/* The search for a place. */
struct fragq_search {
	__u32 now, source;
	__u32 first;		/* where it begins */
	__u32 free, own;	/* how many there are, how many of them the source has */
	__u32 oldest;		/* age */
	__u32 at;
};

/* bpf_loop callback. Of two that are equally old it is chance which is taken. */
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
 * A place for a piece, BUSY: reference; 0: the source has its share. The fewer are free, the less that is,
 * but who has none gets one: then the oldest piece of all makes room.
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

/* Keeps a frame of len bytes there. A function, so that len stays in the register that is compared. */
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

/* Empty again, BUSY as it is. */
static __always_inline void fragq_free(__u32 ref)
{
	struct fragq_slot *slot = fragq_get(ref);

	if (slot)
		fragq_set(slot, FRAGQ_FREE, ref >> 16);
}

/* Empty again, if it is still what the reference means. Gives the next of the row. */
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

/* bpf_loop callback: sends one in again. */
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

/* bpf_loop callback: forgets one. */
static long fragq_drop_one(__u32 n, __u32 *ref)
{
	if (!*ref)
		return 1;
	*ref = fragq_drop(*ref);
	count(COUNT_frag_no_first);
	return 0;
}

#endif
