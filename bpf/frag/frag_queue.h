/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Queue for fragments that precede the first one, 2 s each: slots for small and for large frames, as a datagram may
 * be cut into hundreds of pieces, or into a few of the size of the MTU. No garbage collection: allocation scans all
 * slots of a size. A slot belongs to the CPU that wins the compare-and-swap on its state word, as in ct_slot.h.
 *
 * Shares (docs/dev/capacity.md): a source of which no flow is known may be forged. Such strangers leave a
 * quarter to the others, and make room for them.
 */
#ifndef EBPFNET_BPF_FRAG_FRAG_QUEUE_H
#define EBPFNET_BPF_FRAG_FRAG_QUEUE_H

#include "ct/usage.h"
#include "kern/lookup.h"
#include "frag/reinject.h"

#define FRAGQ_PER_SOURCE 45 /* large ones: 64 KiB in fragments of 1500 bytes, less the first */
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

_Static_assert((FRAGQ_SLOTS & (FRAGQ_SLOTS - 1)) == 0, "fragq_index() masks");

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

static __always_inline void fragq_set(struct fragq_slot *slot, enum fragq_state state, _Bool stranger, __u16 use)
{
	union fragq_word w = { .state = state, .stranger = stranger, .use = use };

	*(volatile __u32 *)&slot->word = w.word;
}

/* Take a USED slot from its datagram's list: claims it. False: the reference is stale. */
static __always_inline _Bool fragq_take(struct fragq_slot *slot, __u32 ref)
{
	union fragq_word w = { .word = *(volatile __u32 *)&slot->word };

	return w.state == FRAGQ_USED && w.use == (__u16)(ref >> 16) && fragq_claim(slot, w, w.use);
}

/* The search for a slot. */
struct fragq_search {
	__u32 now, source;
	__u32 base, count;	/* slots of the size that is wanted */
	__u32 first;		/* index to start at, from .base */
	_Bool stranger;		/* the source has no flow */
	__u32 free, strangers, own; /* slots: free or expired; of strangers; of this source */
	__u32 free_at, stranger_at, any_at; /* a free one; the oldest of a stranger, of anyone; FRAGQ_SLOTS: none */
	__u32 free_age, stranger_age, any_age; /* in ticks */
};

/* In a map, whose values the verifier does not follow. */
PERCPU_SCRATCH(struct fragq_search, fragq_search)

/* bpf_loop callback: count, and find the oldest. The random start decides between equals. */
static long fragq_scan(__u32 n, void *unused)
{
	struct fragq_search *s = fragq_search_get();
	struct fragq_slot *slot;
	union fragq_word w;
	__u32 i, age;

	if (!s)
		return 1;
	i = n + s->first;
	i = s->base + (i >= s->count ? i - s->count : i);
	slot = fragq_get(i + 1);
	if (!slot)
		return 1;
	w.word = *(volatile __u32 *)&slot->word;
	if (w.state == FRAGQ_BUSY)
		return 0;
	age = frag_age(slot->seen, s->now);
	if (w.state == FRAGQ_FREE || age >= FRAGQ_TICKS) {
		age = w.state == FRAGQ_FREE ? 0 : age; /* fragments that are lost are counted soon */
		s->free++;
		if (age >= s->free_age) {
			s->free_age = age;
			s->free_at = i;
		}
		return 0;
	}
	if (slot->source == s->source)
		s->own++;
	if (w.stranger) {
		s->strangers++;
		if (age >= s->stranger_age) {
			s->stranger_age = age;
			s->stranger_at = i;
		}
	}
	if (age >= s->any_age) {
		s->any_age = age;
		s->any_at = i;
	}
	return 0;
}

/* The slot for a source, by what is taken. FRAGQ_SLOTS: none. */
static __always_inline __u32 fragq_choose(const struct fragq_search *s)
{
	__u32 room = s->stranger ? s->free : s->free + s->strangers;
	_Bool large = s->base != 0;

	if (large ? s->own >= FRAGQ_PER_SOURCE || s->own > room : s->own > SHARE_MULTIPLE * room)
		return FRAGQ_SLOTS;
	if (s->stranger)
		return s->strangers < s->count / 4 * 3 && s->free ? s->free_at : s->stranger_at;
	if (s->free)
		return s->free_at;
	return s->strangers ? s->stranger_at : s->any_at;
}

/*
 * Allocate a slot for a frame of len bytes, BUSY; returns a reference, 0: none. A source's part shrinks as slots run
 * out. One without a slot always gets one, if need be the oldest.
 */
static __always_inline __u32 fragq_alloc(__u32 source, _Bool stranger, __u32 len)
{
	_Bool small = len <= FRAGQ_SMALL_MAX;
	struct fragq_search *s = fragq_search_get();
	union fragq_word old;
	struct fragq_slot *slot;
	__u32 at;

	if (!s)
		return 0;
	__builtin_memset(s, 0, sizeof(*s)); /* not by an initialiser, which would be a copy on the stack */
	s->now = frag_ticks();
	s->source = source;
	s->stranger = stranger;
	s->base = small ? 0 : FRAGQ_SMALL_SLOTS;
	s->count = small ? FRAGQ_SMALL_SLOTS : FRAGQ_LARGE_SLOTS;
	s->free_at = s->stranger_at = s->any_at = FRAGQ_SLOTS;
	s->first = bpf_get_prandom_u32() % (small ? FRAGQ_SMALL_SLOTS : FRAGQ_LARGE_SLOTS);
	bpf_loop(small ? FRAGQ_SMALL_SLOTS : FRAGQ_LARGE_SLOTS, fragq_scan, NULL, 0);
	at = fragq_choose(s);
	if (at >= FRAGQ_SLOTS)
		return 0;
	slot = fragq_get(at + 1);
	if (!slot)
		return 0;
	old.word = *(volatile __u32 *)&slot->word;
	if (old.state == FRAGQ_BUSY || !fragq_claim(slot, old, old.use + 1))
		return 0;
	if (old.state == FRAGQ_USED)
		count(frag_age(slot->seen, s->now) >= FRAGQ_TICKS ? COUNT_frag_no_first : COUNT_frag_queue_full);
	slot->seen = s->now;
	slot->source = source;
	return (__u32)(__u16)(old.use + 1) << 16 | (at + 1);
}

/* The buffer of a slot, FRAGQ_SMALL_MAX or FRAGQ_FRAME_MAX bytes. NULL never, but the verifier wants a check. */
static __always_inline __u8 *fragq_large(__u32 i)
{
	__u32 at = i - FRAGQ_SMALL_SLOTS;
	struct fragq_frame *f = bpf_map_lookup_elem(&fragq_frames, &at);

	return f ? f->bytes : NULL;
}

static __always_inline __u8 *fragq_small_frame(__u32 i)
{
	struct fragq_small_frame *f = bpf_map_lookup_elem(&fragq_small, &i);

	return f ? f->bytes : NULL;
}

/* Copy the frame into its slot's buffer. Not inlined, so that len stays in the register that is compared. */
static __noinline int fragq_load(ctx_t *ctx, __u32 i, __u32 len)
{
	__u8 *to;

	if (i < FRAGQ_SMALL_SLOTS) {
		to = fragq_small_frame(i);
		return !to || OUTSIDE(len, IP_MIN_HLEN, FRAGQ_SMALL_MAX) || ctx_load(ctx, LINK_HLEN, to, len) ? -1 : 0;
	}
	to = fragq_large(i);
	return !to || OUTSIDE(len, IP_MIN_HLEN, FRAGQ_FRAME_MAX) || ctx_load(ctx, LINK_HLEN, to, len) ? -1 : 0;
}

/* Store a frame of len bytes: USED. */
static __always_inline int fragq_store(ctx_t *ctx, __u32 ref, __u32 len, _Bool stranger)
{
	struct fragq_slot *slot = fragq_get(ref);

	if (!slot || fragq_load(ctx, fragq_index(ref), len))
		return -1;
	slot->len = len;
	fragq_set(slot, FRAGQ_USED, stranger, ref >> 16);
	return 0;
}

/* Free a BUSY slot. */
static __always_inline void fragq_free(__u32 ref)
{
	struct fragq_slot *slot = fragq_get(ref);

	if (slot)
		fragq_set(slot, FRAGQ_FREE, 0, ref >> 16);
}

/* Free a slot, if the reference is not stale. Returns the next fragment of the datagram. */
static __always_inline __u32 fragq_drop(__u32 ref)
{
	struct fragq_slot *slot = fragq_get(ref);
	__u32 next;

	if (!slot || !fragq_take(slot, ref))
		return 0;
	next = slot->next;
	fragq_set(slot, FRAGQ_FREE, 0, ref >> 16);
	return next;
}

struct fragq_release {
	ctx_t *ctx;
	__u32 ref;
};

/* bpf_loop callback: re-inject a fragment and free its slot. */
static long fragq_release_one(__u32 n, struct fragq_release *r)
{
	__u32 i = fragq_index(r->ref), failed = 1;
	struct fragq_slot *slot = fragq_get(r->ref);
	__u8 *frame;

	if (!slot || !r->ref || !fragq_take(slot, r->ref))
		return 1;
	if (i < FRAGQ_SMALL_SLOTS) {
		frame = fragq_small_frame(i);
		if (frame)
			failed = reinject_send(r->ctx, frame, slot->len, FRAGQ_SMALL_MAX);
	} else {
		frame = fragq_large(i);
		if (frame)
			failed = reinject_send(r->ctx, frame, slot->len, FRAGQ_FRAME_MAX);
	}
	if (!failed)
		count(COUNT_frag_reinjected);
	i = r->ref >> 16;
	r->ref = slot->next;
	fragq_set(slot, FRAGQ_FREE, 0, i);
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
