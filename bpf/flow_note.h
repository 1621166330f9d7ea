/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of flows, by a packet's tuple: what it becomes, and which way it goes. Good until the configuration changes
 * (config.gen), the flow's slot (struct conn: it ends, or closes), for a way out the routing table, for one
 * in the device (route_clock.h); and no longer than a tick, so that a flow is seen to be alive.
 *
 * A note is worth making, and looking for, only if there will be more packets like it. So each place has a tag
 * of two bytes, which stay in the first cache: whose it is, by its hash, and how many came by that had no note.
 */
#ifndef EBPFNET_BPF_FLOW_NOTE_H
#define EBPFNET_BPF_FLOW_NOTE_H

#include "ct.h"
#include "note.h"
#include "route_clock.h"

/* What a packet becomes, and where it goes. */
struct becomes {
	__be32 src, dst, ports;
	__u32 ifindex;
	__be32 nexthop;			/* UPLINK */
	__u16 mac[6];			/* DELIVER: destination and source */
	__u8 verdict;			/* UPLINK or DELIVER */
	__u8 count;			/* enum counter */
	__u16 mtu;			/* UPLINK: what is larger does not go this way */
};

struct flow_note {
	/* of which packets */
	__u32 ifindex;			/* the device they come by */
	__be32 src, dst, ports;		/* as they lie in the packet */
	enum l4proto proto;
	__u8 dscp;			/* the TOS byte without what is congestion's */
	__u8 scale;			/* TCP: of .edge */
	__u8 zero;
	/* how long */
	__u32 tick;			/* the one it was made in; 0: it is none */
	__u32 gen;			/* config.gen */
	__u32 clock;			/* route_clock(): for a way out as routes go, for one in as devices */
	__u32 slot, word;		/* index in map conns, and union conn_word there */
	__u32 edge;			/* TCP: the flow's (tcp_window.h) */
	struct becomes becomes;
};

#define FLOW_NOTES_BITS 11
#define FLOW_NOTES_ROW_BITS 8	/* of them in one value, for which Linux sets a limit of 32 KiB */

struct flow_notes {
	struct flow_note at[1 << FLOW_NOTES_ROW_BITS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << (FLOW_NOTES_BITS - FLOW_NOTES_ROW_BITS));
	__type(key, __u32);
	__type(value, struct flow_notes);
} flow_notes SEC(".maps");

/* Tags, where notes are: the hash that chose the place has more bits to tell by, and the low ones count. */
#define FLOW_TAG_COUNT 3u
#define FLOW_TAG_NOTED 3u	/* there is a note; less: so many such packets came by after the first */

struct flow_tags {
	__u16 at[1 << FLOW_NOTES_BITS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_tags);
} flow_tags SEC(".maps");

/* Of a packet, to find its note by. ports: as they lie in it. */
static __always_inline __u32 flow_note_hash(__be32 src, __be32 dst, __be32 ports)
{
	return note_hash((src * 31 + dst) * 31 + ports);
}

static __always_inline struct flow_note *flow_note_at(__u32 hash)
{
	__u32 at = note_place(hash, FLOW_NOTES_BITS), row = at >> FLOW_NOTES_ROW_BITS;
	struct flow_notes *notes = bpf_map_lookup_elem(&flow_notes, &row);

	return notes ? &notes->at[at % (1 << FLOW_NOTES_ROW_BITS)] : NULL;
}

static __always_inline __u16 *flow_tag_at(__u32 hash)
{
	__u32 zero = 0;
	struct flow_tags *tags = bpf_map_lookup_elem(&flow_tags, &zero);

	return tags ? &tags->at[note_place(hash, FLOW_NOTES_BITS)] : NULL;
}

/* The tag of such packets, of which none came by yet. */
static __always_inline __u16 flow_tag(__u32 hash)
{
	return hash >> 4 & ~FLOW_TAG_COUNT;
}

/* The note of such packets, or one that looks like it; NULL: there is none. */
static __always_inline struct flow_note *flow_note_find(__u32 hash)
{
	__u16 *tag = flow_tag_at(hash);

	return tag && *tag == (flow_tag(hash) | FLOW_TAG_NOTED) ? flow_note_at(hash) : NULL;
}

/* Whether it is of such a packet, good or not. */
static __always_inline _Bool flow_note_is_of(const struct flow_note *n, __be32 src, __be32 dst, __be32 ports,
					     enum l4proto proto, __u8 dscp, __u32 ifindex)
{
	return !((n->src ^ src) | (n->dst ^ dst) | (n->ports ^ ports) | (n->ifindex ^ ifindex) |
		 (n->proto ^ proto) | (n->dscp ^ dscp));
}

/* The place for a note of such packets, when enough of them came by; NULL: not yet, or it is taken. */
static __always_inline struct flow_note *flow_note_claim(__u32 hash)
{
	__u16 *tag = flow_tag_at(hash);
	struct flow_note *n;
	_Bool ours;

	if (!tag)
		return NULL;
	ours = !((*tag ^ flow_tag(hash)) & ~FLOW_TAG_COUNT);
	if ((*tag & FLOW_TAG_COUNT) != FLOW_TAG_NOTED) {
		*tag = ours ? *tag + 1 : flow_tag(hash);
		if ((*tag & FLOW_TAG_COUNT) != FLOW_TAG_NOTED)
			return NULL;
	}
	n = flow_note_at(hash);
	if (ours || !n)
		return n;
	if (n->tick != note_tick()) /* what is in use keeps its place */
		*tag = flow_tag(hash);
	return NULL;
}

/* Says of which packets a note is, which is none yet: flow_note_make() makes it one. */
static __always_inline void flow_note_of(struct flow_note *n, __be32 src, __be32 dst, __be32 ports,
					 enum l4proto proto, __u8 dscp, __u32 ifindex)
{
	n->tick = 0;
	n->ifindex = ifindex;
	n->src = src;
	n->dst = dst;
	n->ports = ports;
	n->proto = proto;
	n->dscp = dscp;
}

/*
 * Notes what a packet of a flow becomes, if each one like it will. gen, clock: of before anything was looked up,
 * so that a change in between undoes the note.
 */
static __always_inline void flow_note_make(struct flow_note *n, const struct flow *f, const struct flow_key *key,
					   const struct becomes *becomes, __u32 gen, __u32 clock)
{
	__u32 slot = f->conn;
	struct conn *c = conn_get(slot);
	union conn_word w;

	if (!c)
		return;
	w = conn_word(c);
	/* and the flow is that of the key still, not another that has got its memory */
	if (!ct_steady(w.state, f->dir) || ct_lookup(key) != f)
		return;
	n->gen = gen;
	n->clock = clock;
	n->slot = slot;
	n->word = w.word;
	n->edge = f->edge;
	n->scale = tcp_scale_of(w.scales, f->dir);
	n->becomes = *becomes;
	n->tick = note_tick();
}

#endif
