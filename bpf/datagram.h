/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is remembered of datagrams that come in pieces: the ports that their first piece has, so that
 * the others can be looked up as if they had them too, and which pieces there were.
 *
 * Bounded by its layout: a source has one bucket, and in it room for so many datagrams at a time; the
 * oldest makes room for the next. Who floods, from wherever it says it is, floods its own.
 */
#ifndef EBPFNET_BPF_DATAGRAM_H
#define EBPFNET_BPF_DATAGRAM_H

#include "hold.h"
#include "lookup.h"
#include "parse.h"
#include "pieces.h"

#define DATAGRAM_BUCKETS 512
#define DATAGRAM_WAYS 8

/* RFC 791: what makes pieces those of one datagram; and where it entered. */
struct datagram_key {
	struct ipaddr src, dst;
	__be16 id;
	__u8 net;
	enum l4proto proto;
};

enum datagram_state {
	DATAGRAM_NONE,
	DATAGRAM_AWAITED,	/* its first piece has not come; the others are held */
	DATAGRAM_KNOWN,
	DATAGRAM_HOSTS,		/* not ours: left to the stack, whatever its pieces are like */
	DATAGRAM_REFUSED,	/* its first piece went no further, or its pieces overlap */
} __attribute__((packed));

struct datagram {
	struct datagram_key key;
	__u32 seen;		/* ticks */
	__u32 held;		/* AWAITED: the last piece that is held (hold.h) */
	__u16 sport_h, dport_h;
	__u16 end;		/* where it ends, in units; 0: its last piece has not come */
	enum datagram_state state;
	_Bool tuple;		/* KNOWN: the ports are ports, or an identifier */
	struct span span[PIECE_SPANS];	/* KNOWN: what there was of it */
};

struct datagram_bucket {
	struct bpf_spin_lock lock;	/* of all below */
	__u32 at;			/* datagram_search()'s result */
	__u32 next;			/* in turn */
	struct span piece;		/* in hand */
	struct datagram way[DATAGRAM_WAYS];
};

/* ARRAY: a lock may be in it, and it has all its memory from the beginning. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DATAGRAM_BUCKETS);
	__type(key, __u32);
	__type(value, struct datagram_bucket);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} datagrams SEC(".maps");

/* The same bucket for all that a source sends, and nobody outside can tell which. */
static __always_inline __u32 datagram_bucket_of(const struct pkt *p)
{
	struct config *cfg = config_get();
	__u32 h = addr_be32(p->key.src) ^ (cfg ? cfg->mark : 0) ^ p->key.net * 0x9e3779b1u;

	h = (h ^ h >> 16) * 0x85ebca6bu;
	h = (h ^ h >> 13) * 0xc2b2ae35u;
	return (h ^ h >> 16) & (DATAGRAM_BUCKETS - 1);
}

static __always_inline struct datagram_key datagram_key_of(const struct pkt *p)
{
	struct datagram_key key = {
		.src = p->key.src,
		.dst = p->key.dst,
		.id = p->ip_id,
		.net = p->key.net,
		.proto = p->key.proto,
	};

	return key;
}

static __always_inline _Bool datagram_is(const struct datagram *d, const struct datagram_key *key)
{
	const __u32 *x = (const __u32 *)&d->key, *y = (const __u32 *)key;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]));
}

/*
 * Under the lock: b->at is where the datagram is (true) or where it may be: a place that is free, or the
 * next in turn. Through memory, so that the verifier follows one way on, and not one for each place.
 */
static __always_inline _Bool datagram_search(struct datagram_bucket *b,
					     const struct datagram_key *key, __u32 now)
{
	__u32 i;

	b->at = b->next;
	for (i = DATAGRAM_WAYS; i-- > 0;) {
		const struct datagram *d = &b->way[i];

		if (d->state == DATAGRAM_NONE || hold_age(d->seen, now) >= HOLD_TICKS) {
			b->at = i;
		} else if (datagram_is(d, key)) {
			b->at = i;
			return 1;
		}
	}
	return 0;
}

/* Under the lock, at b->at. */
static __always_inline struct datagram *datagram_at(struct datagram_bucket *b)
{
	return &b->way[*(volatile __u32 *)&b->at & (DATAGRAM_WAYS - 1)];
}

/* A place that is not the datagram's yet: next in turn is who has been there longest. */
static __always_inline struct datagram *datagram_new(struct datagram_bucket *b)
{
	b->next = b->at + 1;
	return datagram_at(b);
}

/* What is to become of a piece. */
enum meeting {
	MEET_GO_ON,		/* the first: its headers say what it is; another: its key has the tuple now */
	MEET_HOSTS,
	MEET_AWAIT,		/* held, if ref said where; else it should be */
	MEET_REFUSED,
	MEET_OVERLAP,
	MEET_NO_ROOM,
};

/* Of a datagram whose first piece was here. */
static __always_inline enum meeting datagram_meet_known(struct datagram *d, struct pkt *p)
{
	enum span_said said = spans_look(d->span, piece_span(p->frag, p->ip_len - p->ihl));

	if (said == SPAN_OVERLAP)
		d->state = DATAGRAM_REFUSED;
	if (said != SPAN_NEW)
		return MEET_OVERLAP;
	p->follows = d->tuple;
	p->key.sport_h = d->sport_h;
	p->key.dport_h = d->dport_h;
	return MEET_GO_ON;
}

/*
 * A piece and what is known of its datagram. ref, not 0: where it is held in the meantime; if the first
 * piece has not come even now, the datagram's next in the row. One lock, so either whoever brings the
 * first piece finds this one, or this one finds the first.
 */
static __noinline int datagram_meet(struct pkt *p, __u32 ref)
{
	enum meeting r = MEET_AWAIT;
	struct datagram_bucket *b;
	struct datagram_key key;
	__u32 n, now = hold_now();
	struct hold *h = hold_get(ref);
	struct datagram *d;

	if (!p || !h)
		return MEET_NO_ROOM;
	n = datagram_bucket_of(p);
	b = bpf_map_lookup_elem(&datagrams, &n);
	if (!b)
		return MEET_NO_ROOM;
	key = datagram_key_of(p);

	bpf_spin_lock(&b->lock);
	if (datagram_search(b, &key, now)) {
		d = datagram_at(b);
		if (d->state == DATAGRAM_KNOWN)
			r = datagram_meet_known(d, p);
		else if (d->state == DATAGRAM_HOSTS)
			r = MEET_HOSTS;
		else if (d->state == DATAGRAM_REFUSED)
			r = MEET_REFUSED;
		else if (piece_is_first(p->frag))
			r = MEET_GO_ON;
		else if (ref) {
			h->next = d->held;
			d->held = ref;
		}
	} else if (piece_is_first(p->frag)) {
		r = MEET_GO_ON;
	} else if (ref) {
		d = datagram_new(b);
		*d = (struct datagram){ .key = key, .seen = now, .held = ref,
					.state = DATAGRAM_AWAITED };
		h->next = 0;
	}
	bpf_spin_unlock(&b->lock);
	return r;
}

/* A later piece has gone its way. A datagram of which all has is forgotten. */
static __always_inline void datagram_add(struct datagram_bucket *b, struct datagram *d,
					 const struct pkt *p, __u32 now)
{
	if (d->state != DATAGRAM_KNOWN)
		return;
	d->seen = now;
	b->piece = piece_span(p->frag, p->ip_len - p->ihl);
	if (piece_is_last(p->frag))
		d->end = b->piece.to;
	spans_add(d->span, &b->piece);
	if (spans_are_whole(d->span, d->end))
		d->state = DATAGRAM_NONE;
}

/*
 * What became of a piece: its datagram is KNOWN, HOSTS or REFUSED, if it was the first; else it has been
 * let through. Gives the last of the pieces that were held for it, 0: none.
 */
static __noinline __u32 datagram_settle(const struct pkt *p, enum datagram_state state)
{
	struct datagram_bucket *b;
	struct datagram_key key;
	__u32 n, held = 0, now = hold_now();
	struct datagram *d;
	_Bool found;

	if (!p)
		return 0;
	n = datagram_bucket_of(p);
	b = bpf_map_lookup_elem(&datagrams, &n);
	if (!b)
		return 0;
	key = datagram_key_of(p);

	bpf_spin_lock(&b->lock);
	found = datagram_search(b, &key, now);
	d = found ? datagram_at(b) : datagram_new(b);
	if (piece_is_first(p->frag)) {
		if (found && d->state == DATAGRAM_AWAITED)
			held = d->held;
		*d = (struct datagram){
			.key = key,
			.seen = now,
			.sport_h = p->key.sport_h,
			.dport_h = p->key.dport_h,
			.state = state,
			.tuple = pkt_has_tuple(p),
			.span = { piece_span(p->frag, p->ip_len - p->ihl) },
		};
	} else if (found) {
		datagram_add(b, d, p, now);
	}
	bpf_spin_unlock(&b->lock);
	return held;
}

#endif
