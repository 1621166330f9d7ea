/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Fragment tracker: the ports of a datagram's first fragment, for the look-up of the others, and which parts
 * have passed.
 *
 * Bounded by its layout: a source has one bucket of FRAG_WAYS datagrams, where the oldest makes room. A flood,
 * spoofed or not, evicts only entries of its own bucket.
 */
#ifndef EBPFNET_BPF_FRAG_FRAG_TRACK_H
#define EBPFNET_BPF_FRAG_FRAG_TRACK_H

#include "frag/frag_queue.h"

/* The bucket of a packet's source. */
static __always_inline __u32 frag_bucket_of(const struct pkt *p)
{
	return address_hash(p->key.src, p->key.zone) & (FRAG_BUCKETS - 1);
}

static __always_inline struct frag_key frag_key_of(const struct pkt *p)
{
	struct frag_key key = {
		.src = p->key.src,
		.dst = p->key.dst,
		.id = p->ip_id,
		.zone = p->key.zone,
		.proto = p->key.proto,
	};

	return key;
}

static __always_inline _Bool frag_entry_is(const struct frag_entry *e, const struct frag_key *key)
{
	const __u32 *x = (const __u32 *)&e->key, *y = (const __u32 *)key;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]));
}

/*
 * Under the lock: set b->at to the datagram's entry (true), else to a free one or the next to evict. The index
 * goes through memory, so that the verifier follows one path and not one for each entry.
 */
static __always_inline _Bool frag_search(struct frag_bucket *b, const struct frag_key *key, __u32 now)
{
	__u32 i;

	b->at = b->next;
	for (i = FRAG_WAYS; i-- > 0;) {
		const struct frag_entry *e = &b->entry[i];

		if (e->state == FRAG_ENTRY_FREE || frag_age(e->seen, now) >= FRAGQ_TICKS) {
			b->at = i;
		} else if (frag_entry_is(e, key)) {
			b->at = i;
			return 1;
		}
	}
	return 0;
}

/* Under the lock: the entry b->at. */
static __always_inline struct frag_entry *frag_entry_at(struct frag_bucket *b)
{
	return &b->entry[*(volatile __u32 *)&b->at & (FRAG_WAYS - 1)];
}

/* Under the lock: take the entry for a new datagram. Entries are evicted in turn, the oldest first. */
static __always_inline struct frag_entry *frag_entry_new(struct frag_bucket *b)
{
	b->next = b->at + 1;
	return frag_entry_at(b);
}

/* Result of matching a fragment. */
enum frag_result {
	FRAG_PASS, /* go on: it is the first, or its key has the tuple now */
	FRAG_HOST,
	FRAG_WAIT, /* wait for the first: queued, if a reference was given */
	FRAG_DROP,
	FRAG_OVERLAP,
	FRAG_QUEUE_FULL,
};

/* Match a later fragment of a datagram whose first has passed. */
static __always_inline enum frag_result frag_lookup_known(struct frag_entry *e, struct pkt *p)
{
	enum frag_range_result r = frag_ranges_test(e->range, frag_range_of(p->frag, p->ip_len - p->ihl));

	if (r == FRAG_RANGE_OVERLAP)
		e->state = FRAG_ENTRY_REFUSED;
	if (r != FRAG_RANGE_NEW)
		return FRAG_OVERLAP;
	p->has_frag_tuple = e->tuple;
	p->key.sport_h = e->sport_h;
	p->key.dport_h = e->dport_h;
	return FRAG_PASS;
}

/*
 * Match a fragment. ref, not 0: the slot it is queued in, which joins the datagram's list if the first fragment
 * is still missing. Under one lock, so that either the first fragment finds this one, or this one finds it.
 */
static __noinline int frag_lookup(struct pkt *p, __u32 ref)
{
	enum frag_result r = FRAG_WAIT;
	struct frag_bucket *b;
	struct frag_key key;
	__u32 n, now = frag_ticks();
	struct fragq_slot *slot = fragq_get(ref);
	struct frag_entry *e;

	if (!p || !slot)
		return FRAG_QUEUE_FULL;
	n = frag_bucket_of(p);
	b = bpf_map_lookup_elem(&frags, &n);
	if (!b)
		return FRAG_QUEUE_FULL;
	key = frag_key_of(p);

	bpf_spin_lock(&b->lock);
	if (frag_search(b, &key, now)) {
		e = frag_entry_at(b);
		if (e->state == FRAG_ENTRY_KNOWN)
			r = frag_lookup_known(e, p);
		else if (e->state == FRAG_ENTRY_HOST)
			r = FRAG_HOST;
		else if (e->state == FRAG_ENTRY_REFUSED)
			r = FRAG_DROP;
		else if (frag_is_first(p->frag))
			r = FRAG_PASS;
		else if (ref) {
			slot->next = e->queued;
			e->queued = ref;
		}
	} else if (frag_is_first(p->frag)) {
		r = FRAG_PASS;
	} else if (ref) {
		e = frag_entry_new(b);
		*e = (struct frag_entry){ .key = key, .seen = now, .queued = ref,
					.state = FRAG_ENTRY_AWAITING };
		slot->next = 0;
	}
	bpf_spin_unlock(&b->lock);
	return r;
}

/* Record a forwarded fragment. Free the entry once all have passed. */
static __always_inline void frag_entry_add(struct frag_bucket *b, struct frag_entry *e, const struct pkt *p,
					   __u32 now)
{
	if (e->state != FRAG_ENTRY_KNOWN)
		return;
	e->seen = now;
	b->current = frag_range_of(p->frag, p->ip_len - p->ihl);
	if (frag_is_last(p->frag))
		e->end = b->current.to;
	frag_ranges_add(e->range, &b->current);
	if (frag_ranges_complete(e->range, e->end))
		e->state = FRAG_ENTRY_FREE;
}

/*
 * Record a fragment's fate. state: of the datagram, if it was the first; else it has passed. Returns the last
 * of the fragments queued for it, a reference; 0: none.
 */
static __noinline __u32 frag_update(const struct pkt *p, enum frag_state state)
{
	struct frag_bucket *b;
	struct frag_key key;
	__u32 n, queued = 0, now = frag_ticks();
	struct frag_entry *e;
	_Bool found;

	if (!p)
		return 0;
	n = frag_bucket_of(p);
	b = bpf_map_lookup_elem(&frags, &n);
	if (!b)
		return 0;
	key = frag_key_of(p);

	bpf_spin_lock(&b->lock);
	found = frag_search(b, &key, now);
	e = found ? frag_entry_at(b) : frag_entry_new(b);
	if (frag_is_first(p->frag)) {
		if (found && e->state == FRAG_ENTRY_AWAITING)
			queued = e->queued;
		*e = (struct frag_entry){
			.key = key,
			.seen = now,
			.sport_h = p->key.sport_h,
			.dport_h = p->key.dport_h,
			.state = state,
			.tuple = pkt_has_tuple(p),
			.range = { frag_range_of(p->frag, p->ip_len - p->ihl) },
		};
	} else if (found) {
		frag_entry_add(b, e, p, now);
	}
	bpf_spin_unlock(&b->lock);
	return queued;
}

#endif
