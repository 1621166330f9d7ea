/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of flows, by a packet's tuple: what it becomes, and which way it goes. Good until the configuration changes
 * (config.gen), the flow's slot (struct conn: it ends, or closes), for a way out the routing table, for one
 * in the device (route_clock.h); and no longer than a tick, so that a flow is seen to be alive.
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
	__u32 tick;			/* the one it was made in; 0: not yet, such a packet came by once */
	__u32 gen;			/* config.gen */
	__u32 clock;			/* route_clock(): for a way out as routes go, for one in as devices */
	__u32 slot, word;		/* index in map conns, and union conn_word there */
	__u32 edge;			/* TCP: the flow's (tcp_window.h) */
	struct becomes becomes;
};

#define FLOW_NOTES_BITS 11

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << FLOW_NOTES_BITS);
	__type(key, __u32);
	__type(value, struct flow_note);
} flow_notes SEC(".maps");

/* The place for the note of a packet. ports: as they lie in it. */
static __always_inline struct flow_note *flow_note_at(__be32 src, __be32 dst, __be32 ports)
{
	__u32 at = note_place((src * 31 + dst) * 31 + ports, FLOW_NOTES_BITS);

	return bpf_map_lookup_elem(&flow_notes, &at);
}

/* Whether it is of such a packet, good or not. */
static __always_inline _Bool flow_note_is_of(const struct flow_note *n, __be32 src, __be32 dst, __be32 ports,
					     enum l4proto proto, __u8 dscp, __u32 ifindex)
{
	return !((n->src ^ src) | (n->dst ^ dst) | (n->ports ^ ports) | (n->ifindex ^ ifindex) |
		 (n->proto ^ proto) | (n->dscp ^ dscp));
}

/* The time, in parts of a second: 16 or 1.6, as the kernel was built (CONFIG_HZ). Never 0. */
static __always_inline __u32 note_tick(void)
{
	return bpf_jiffies64() >> 6 | 1u << 31;
}

/* A place for such packets, if it is theirs already: a short connection is not worth a note. NULL: not yet. */
static __always_inline struct flow_note *flow_note_claim(__be32 src, __be32 dst, __be32 ports, enum l4proto proto,
							 __u8 dscp, __u32 ifindex)
{
	struct flow_note *n = flow_note_at(src, dst, ports);

	if (!n || flow_note_is_of(n, src, dst, ports, proto, dscp, ifindex))
		return n;
	if (n->tick == note_tick()) /* what is in use keeps its place */
		return NULL;
	n->ifindex = ifindex;
	n->src = src;
	n->dst = dst;
	n->ports = ports;
	n->proto = proto;
	n->dscp = dscp;
	n->tick = 0;
	return NULL;
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

	n->tick = 0;
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
