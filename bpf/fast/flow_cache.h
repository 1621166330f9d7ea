/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * In front of the flow table: what a CPU's few busy flows do with their packets, by the packet's tuple. It spares
 * them the look-up of the flow, and nothing else. An entry is valid by its stamp, while the flow's slot is in the same
 * state.
 *
 * One of FLOW_CACHE_TURN packets that find no entry makes one, as in the exact match cache of Open vSwitch: a flow of
 * few packets seldom does. An entry stays until its stamp is old, whoever else wants its place.
 */
#ifndef EBPFNET_BPF_FAST_FLOW_CACHE_H
#define EBPFNET_BPF_FAST_FLOW_CACHE_H

#include <ebpfnet/core/tcp_window.h>
#include "ct/ct_lookup.h"
#include "ct/ct_slot.h"
#include "fast/headers.h"

/* The action for packets of a tuple. */
struct flow_cache_entry {
	/* key */
	__be32 src, dst, ports;		/* as in the packet */
	__u32 ifindex;			/* ingress device */
	enum l4proto proto;
	__u8 dscp;			/* TOS without the ECN bits */
	__u8 scale;			/* TCP: window scale of .edge */
	__u8 zero;
	/* validity */
	__u32 stamp;			/* cache_stamp_of_packet() */
	__u32 slot, word;		/* index in map conns, and the union conn_word there */
	__u32 edge;			/* TCP: struct flow.edge */
	struct fast_action action;
};

#define FLOW_CACHE_BITS 9
#define FLOW_CACHE_TURN 4

struct flow_cache_table {
	struct flow_cache_entry at[1 << FLOW_CACHE_BITS];
};

PERCPU_SCRATCH(struct flow_cache_table, flow_cache)

/* The entry of a tuple, which may be another's. */
static __always_inline struct flow_cache_entry *flow_cache_at(const struct fast_headers *h)
{
	__u32 hash = cache_hash((h->ip.src * 31 + h->ip.dst) * 31 + h->l4.ports);
	struct flow_cache_table *table = flow_cache_get();

	return table ? &table->at[cache_index(hash, FLOW_CACHE_BITS)] : NULL;
}

/* Bits in which the key is not the packet's; 0: it is. */
static __always_inline __u32 flow_cache_differs(const struct flow_cache_entry *e, const struct fast_headers *h,
						__u32 ifindex)
{
	return (e->src ^ h->ip.src) | (e->dst ^ h->ip.dst) | (e->ports ^ h->l4.ports) | (e->ifindex ^ ifindex) |
	       (e->proto ^ h->ip.proto) | (e->dscp ^ h->dscp);
}

/* True if it is the packet's, and valid. */
static __always_inline _Bool flow_cache_valid(const struct flow_cache_entry *e, const struct fast_headers *h,
					      __u32 ifindex)
{
	struct conn *c;

	if (flow_cache_differs(e, h, ifindex) | (e->stamp ^ h->stamp))
		return 0;
	c = conn_get(e->slot);
	return c && h->no_control && conn_word(c).word == e->word &&
	       !(h->edge && !tcp_edge_covers(e->edge, h->edge, e->scale));
}

/* Keep the action of a packet's flow, f, if all packets of it get the same. key: of the packet. */
static __always_inline void flow_cache_fill(struct flow_cache_entry *e, struct fast_headers *h, __u32 ifindex,
					    const struct flow *f, const struct flow_key *key)
{
	__u32 slot = f->conn;
	struct conn *c = conn_get(slot);
	union conn_word w;

	if (h->missed++ % FLOW_CACHE_TURN || !c || !h->no_control || !(f->flags & FLOW_STEADY) ||
	    (e->stamp == h->stamp && flow_cache_differs(e, h, ifindex)))
		return;
	w = conn_word(c);
	/* and f is still the key's flow: its map memory has not been reused */
	if (!ct_steady(w.state, f->dir) || ct_lookup(key) != f)
		return;
	e->src = h->ip.src;
	e->dst = h->ip.dst;
	e->ports = h->l4.ports;
	e->ifindex = ifindex;
	e->proto = h->ip.proto;
	e->dscp = h->dscp;
	e->scale = tcp_scale_of(w.scales, f->dir);
	e->stamp = h->stamp;
	e->slot = slot;
	e->word = w.word;
	e->edge = f->edge;
	e->action = h->action;
}

#endif
