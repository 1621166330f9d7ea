/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Pieces of datagrams that came before their first one, held until that comes: in so many places, a
 * share of them for each source, for two seconds. Nobody sweeps: who needs a place looks through all.
 *
 * Who may touch a place is settled by a compare-and-swap of one word, as with flows (conn.h).
 */
#ifndef EBPFNET_BPF_HOLD_H
#define EBPFNET_BPF_HOLD_H

#include "again.h"
#include "lookup.h"

#define HOLDS 128
#define HOLDS_EACH 45 /* for one source: all of 64 KiB by 1500 bytes, but the first piece */
#define HOLD_FRAME 9232 /* bytes, of a frame: MTUs up to 9218 */
#define HOLD_TICKS 30 /* of 2^26 ns: two seconds. They begin anew after nine years */

enum hold_state {
	HOLD_FREE,
	HOLD_BUSY,		/* being filled or emptied */
	HOLD_TAKEN,
} __attribute__((packed));

union hold_word {
	struct {
		enum hold_state state;
		__u8 zero;
		__u16 use;	/* another each time, so that a stale reference is seen to be one */
	};
	__u32 word;
};

/*
 * A place. A reference to it, in datagrams and here, is its number plus one in the low half, its use
 * in the high half; 0: none.
 */
struct hold {
	__u32 word;		/* union hold_word */
	__u32 seen;		/* ticks */
	__u32 next;		/* reference to the next piece of the datagram */
	__u16 len;
	__u16 source;		/* bucket of the source (datagram.h) */
};

struct holds {
	struct hold hold[HOLDS];
};

struct held_frame {
	__u8 bytes[HOLD_FRAME];
};

/* ARRAY of one: all heads together, quickly looked through. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct holds);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} holds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HOLDS);
	__type(key, __u32);
	__type(value, struct held_frame);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} held_frames SEC(".maps");

static __always_inline __u32 hold_now(void)
{
	return bpf_ktime_get_coarse_ns() >> 26;
}

/* In ticks; another CPU's clock may be one ahead. */
static __always_inline __u32 hold_age(__u32 seen, __u32 now)
{
	return (__s32)(now - seen) > 0 ? now - seen : 0;
}

static __always_inline __u32 hold_index(__u32 ref)
{
	return (ref - 1) & (HOLDS - 1);
}

/* Some place, if the reference is none. NULL never in practice. */
static __always_inline struct hold *hold_get(__u32 ref)
{
	__u32 zero = 0;
	struct holds *all = bpf_map_lookup_elem(&holds, &zero);

	return all ? &all->hold[hold_index(ref)] : NULL;
}

static __always_inline _Bool hold_claim(struct hold *h, union hold_word old, __u16 use)
{
	union hold_word busy = { .state = HOLD_BUSY, .use = use };

	return __sync_val_compare_and_swap(&h->word, old.word, busy.word) == old.word;
}

static __always_inline void hold_set(struct hold *h, enum hold_state state, __u16 use)
{
	union hold_word w = { .state = state, .use = use };

	*(volatile __u32 *)&h->word = w.word;
}

/* The search for a place. */
struct hold_search {
	__u32 now, source;
	__u32 first;		/* where it begins */
	__u32 free, own;	/* how many there are, how many of them the source has */
	__u32 oldest;		/* age */
	__u32 at;
};

/* bpf_loop callback. Of two that are equally old it is chance which is taken. */
static long hold_look(__u32 n, struct hold_search *s)
{
	__u32 i = (n + s->first) & (HOLDS - 1), age;
	struct hold *h = hold_get(i + 1);
	union hold_word w;

	if (!h)
		return 1;
	w.word = *(volatile __u32 *)&h->word;
	if (w.state == HOLD_BUSY)
		return 0;
	age = w.state == HOLD_FREE ? HOLD_TICKS : hold_age(h->seen, s->now);
	if (age >= HOLD_TICKS)
		s->free++;
	else if (h->source == s->source)
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
static __always_inline __u32 hold_take(__u32 source)
{
	struct hold_search s = { .now = hold_now(), .source = source, .at = HOLDS,
				 .first = bpf_get_prandom_u32() };
	union hold_word old;
	struct hold *h;

	bpf_loop(HOLDS, hold_look, &s, 0);
	if (s.at >= HOLDS || s.own >= HOLDS_EACH || s.own > s.free)
		return 0;
	h = hold_get(s.at + 1);
	if (!h)
		return 0;
	old.word = *(volatile __u32 *)&h->word;
	if (old.state == HOLD_BUSY || !hold_claim(h, old, old.use + 1))
		return 0;
	if (old.state == HOLD_TAKEN)
		count(s.oldest >= HOLD_TICKS ? COUNT_fragment : COUNT_fragment_no_room);
	h->seen = s.now;
	h->source = source;
	return (__u32)(__u16)(old.use + 1) << 16 | (s.at + 1);
}

/* Keeps a frame of len bytes there. A function, so that len stays in the register that is compared. */
static __noinline int hold_fill(ctx_t *ctx, __u32 ref, __u32 len)
{
	__u32 i = hold_index(ref);
	struct held_frame *f = bpf_map_lookup_elem(&held_frames, &i);
	struct hold *h = hold_get(ref);

	if (!f || !h || OUTSIDE(len, ETH_HLEN, HOLD_FRAME) || ctx_load(ctx, 0, f->bytes, len))
		return -1;
	h->len = len;
	hold_set(h, HOLD_TAKEN, ref >> 16);
	return 0;
}

/* Empty again, BUSY as it is. */
static __always_inline void hold_empty(__u32 ref)
{
	struct hold *h = hold_get(ref);

	if (h)
		hold_set(h, HOLD_FREE, ref >> 16);
}

/* Empty again, if it is still what the reference means. Gives the next of the row. */
static __always_inline __u32 hold_drop(__u32 ref)
{
	union hold_word taken = { .state = HOLD_TAKEN, .use = ref >> 16 };
	struct hold *h = hold_get(ref);
	__u32 next;

	if (!h || !hold_claim(h, taken, taken.use))
		return 0;
	next = h->next;
	hold_set(h, HOLD_FREE, taken.use);
	return next;
}

struct hold_release {
	ctx_t *ctx;
	__u32 ref;
};

/* bpf_loop callback: sends one in again. */
static long hold_release_one(__u32 n, struct hold_release *r)
{
	union hold_word taken = { .state = HOLD_TAKEN, .use = r->ref >> 16 };
	__u32 i = hold_index(r->ref);
	struct held_frame *f = bpf_map_lookup_elem(&held_frames, &i);
	struct hold *h = hold_get(r->ref);

	if (!f || !h || !r->ref || !hold_claim(h, taken, taken.use))
		return 1;
	if (!again_send(r->ctx, f->bytes, h->len, HOLD_FRAME))
		count(COUNT_fragment_released);
	r->ref = h->next;
	hold_set(h, HOLD_FREE, taken.use);
	return 0;
}

/* bpf_loop callback: forgets one. */
static long hold_forget_one(__u32 n, __u32 *ref)
{
	if (!*ref)
		return 1;
	*ref = hold_drop(*ref);
	count(COUNT_fragment);
	return 0;
}

#endif
