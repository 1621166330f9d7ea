/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of flows, by a packet's tuple: what it becomes, and which way it goes. Good until the configuration changes
 * (config.gen), the flow's slot (struct conn: it ends, or closes), for a way out the routing table, for one
 * in the device (rt_genid.h); and no longer than a tick, so that a flow is seen to be alive.
 *
 * A note is worth making, and looking for, only if there will be more packets like it. So each place has a tag
 * of two bytes, which stay in the first cache: whose it is, by its hash, and how many came by that had no note.
 */
#ifndef EBPFNET_BPF_FAST_FLOW_CACHE_H
#define EBPFNET_BPF_FAST_FLOW_CACHE_H

#include <ebpfnet/core/tcp_window.h>
#include "kern/percpu_cache.h"
#include "ct/ct_lookup.h"
#include "ct/ct_slot.h"

/* What a packet becomes, and where it goes. */
struct fwd_action {
	__be32 src, dst, ports;
	__u32 ifindex;
	__be32 nexthop;			/* UPLINK */
	__u16 mac[6];			/* DELIVER: destination and source */
	__u8 verdict;			/* UPLINK or DELIVER */
	__u8 counter;			/* enum counter */
	__u16 mtu;			/* UPLINK: what is larger does not go this way */
};

struct flow_cache_entry {
	/* of which packets */
	__u32 ifindex;			/* the device they come by */
	__be32 src, dst, ports;		/* as they lie in the packet */
	enum l4proto proto;
	__u8 dscp;			/* the TOS byte without what is congestion's */
	__u8 scale;			/* TCP: of .edge */
	__u8 zero;
	/* how long */
	__u32 epoch;			/* the one it was made in; 0: it is none */
	__u32 gen;			/* config.gen */
	__u32 genid;			/* rt_genid_read(): for a way out as routes go, for one in as devices */
	__u32 slot, word;		/* index in map conns, and union conn_word there */
	__u32 edge;			/* TCP: the flow's (tcp_window.h) */
	struct fwd_action action;
};

#define FLOW_CACHE_BITS 11
#define FLOW_CACHE_ROW_BITS 8	/* of them in one value, for which Linux sets a limit of 32 KiB */

struct flow_cache_row {
	struct flow_cache_entry at[1 << FLOW_CACHE_ROW_BITS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << (FLOW_CACHE_BITS - FLOW_CACHE_ROW_BITS));
	__type(key, __u32);
	__type(value, struct flow_cache_row);
} flow_cache SEC(".maps");

/* Tags, where notes are: the hash that chose the place has more bits to tell by, and the low ones count. */
#define FLOW_SIG_COUNT 3u
#define FLOW_SIG_CACHED 3u	/* there is a note; less: so many such packets came by after the first */

struct flow_cache_sigs {
	__u16 at[1 << FLOW_CACHE_BITS];
};

PERCPU_SCRATCH(struct flow_cache_sigs, flow_cache_sigs)

/* Of a packet, to find its note by. ports: as they lie in it. */
static __always_inline __u32 flow_cache_hash(__be32 src, __be32 dst, __be32 ports)
{
	return cache_hash((src * 31 + dst) * 31 + ports);
}

static __always_inline struct flow_cache_entry *flow_cache_at(__u32 hash)
{
	__u32 at = cache_index(hash, FLOW_CACHE_BITS), row = at >> FLOW_CACHE_ROW_BITS;
	struct flow_cache_row *cache = bpf_map_lookup_elem(&flow_cache, &row);

	return cache ? &cache->at[at % (1 << FLOW_CACHE_ROW_BITS)] : NULL;
}

static __always_inline __u16 *flow_cache_sig_at(__u32 hash)
{
	struct flow_cache_sigs *sigs = flow_cache_sigs_get();

	return sigs ? &sigs->at[cache_index(hash, FLOW_CACHE_BITS)] : NULL;
}

/* The tag of such packets, of which none came by yet. */
static __always_inline __u16 flow_cache_sig(__u32 hash)
{
	return hash >> 4 & ~FLOW_SIG_COUNT;
}

/* The note of such packets, or one that looks like it; NULL: there is none. */
static __always_inline struct flow_cache_entry *flow_cache_find(__u32 hash)
{
	__u16 *sig = flow_cache_sig_at(hash);

	return sig && *sig == (flow_cache_sig(hash) | FLOW_SIG_CACHED) ? flow_cache_at(hash) : NULL;
}

/* Whether it is of such a packet, good or not. */
static __always_inline _Bool flow_cache_matches(const struct flow_cache_entry *e, __be32 src, __be32 dst,
						__be32 ports, enum l4proto proto, __u8 dscp, __u32 ifindex)
{
	return !((e->src ^ src) | (e->dst ^ dst) | (e->ports ^ ports) | (e->ifindex ^ ifindex) |
		 (e->proto ^ proto) | (e->dscp ^ dscp));
}

/* The place for a note of such packets, when enough of them came by; NULL: not yet, or it is taken. */
static __always_inline struct flow_cache_entry *flow_cache_slot(__u32 hash)
{
	__u16 *sig = flow_cache_sig_at(hash);
	struct flow_cache_entry *e;
	_Bool match;

	if (!sig)
		return NULL;
	match = !((*sig ^ flow_cache_sig(hash)) & ~FLOW_SIG_COUNT);
	if ((*sig & FLOW_SIG_COUNT) != FLOW_SIG_CACHED) {
		*sig = match ? *sig + 1 : flow_cache_sig(hash);
		if ((*sig & FLOW_SIG_COUNT) != FLOW_SIG_CACHED)
			return NULL;
	}
	e = flow_cache_at(hash);
	if (match || !e)
		return e;
	if (e->epoch != cache_epoch()) /* what is in use keeps its place */
		*sig = flow_cache_sig(hash);
	return NULL;
}

/* Says of which packets a note is, which is none yet: flow_cache_fill() makes it one. */
static __always_inline void flow_cache_set_key(struct flow_cache_entry *e, __be32 src, __be32 dst, __be32 ports,
					       enum l4proto proto, __u8 dscp, __u32 ifindex)
{
	e->epoch = 0;
	e->ifindex = ifindex;
	e->src = src;
	e->dst = dst;
	e->ports = ports;
	e->proto = proto;
	e->dscp = dscp;
}

/*
 * Notes what a packet of a flow becomes, if each one like it will. gen, clock: of before anything was looked up,
 * so that a change in between undoes the note.
 */
static __always_inline void flow_cache_fill(struct flow_cache_entry *e, const struct flow *f,
					    const struct flow_key *key, const struct fwd_action *action, __u32 gen,
					    __u32 genid)
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
	e->gen = gen;
	e->genid = genid;
	e->slot = slot;
	e->word = w.word;
	e->edge = f->edge;
	e->scale = tcp_scale_of(w.scales, f->dir);
	e->action = *action;
	e->epoch = cache_epoch();
}

#endif
