/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Cached action of a flow, keyed by the packet's tuple. An entry is valid while these are unchanged:
 * config.gen, the state word of the flow's slot, rt_genid (routes, or the output device), and the epoch, so
 * that the flow's last use is recorded in time.
 *
 * Only flows with several packets are cached. Each entry has a signature of two bytes, small enough for the L1
 * cache: bits of the hash, and how many packets came without an entry.
 */
#ifndef EBPFNET_BPF_FAST_FLOW_CACHE_H
#define EBPFNET_BPF_FAST_FLOW_CACHE_H

#include <ebpfnet/core/tcp_window.h>
#include "kern/percpu_cache.h"
#include "ct/ct_lookup.h"
#include "ct/ct_slot.h"

/* The rewrite of a packet, and its output. */
struct fwd_action {
	__be32 src, dst, ports;
	__u32 ifindex;
	__be32 nexthop;			/* FWD_UPLINK */
	__u16 mac[6];			/* FWD_PORT: destination and source */
	__u8 verdict;			/* FWD_UPLINK or FWD_PORT */
	__u8 counter;			/* enum counter */
	__u16 mtu;			/* FWD_UPLINK: larger packets take the slow path */
};

/* A flow's cached action. */
struct flow_cache_entry {
	/* key */
	__u32 ifindex;			/* ingress device */
	__be32 src, dst, ports;		/* as in the packet */
	enum l4proto proto;
	__u8 dscp;			/* TOS without the ECN bits */
	__u8 scale;			/* TCP: window scale of .edge */
	__u8 zero;
	/* validity */
	__u32 epoch;			/* cache_epoch() of its creation; 0: no entry */
	__u32 gen;			/* config.gen */
	__u32 genid;			/* rt_genid_read() */
	__u32 slot, word;		/* index in map conns, and the union conn_word there */
	__u32 edge;			/* TCP: struct flow.edge */
	struct fwd_action action;
};

#define FLOW_CACHE_BITS 11
#define FLOW_CACHE_ROW_BITS 8	/* entries in one map value, which Linux limits to 32 KiB */

struct flow_cache_row {
	struct flow_cache_entry at[1 << FLOW_CACHE_ROW_BITS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << (FLOW_CACHE_BITS - FLOW_CACHE_ROW_BITS));
	__type(key, __u32);
	__type(value, struct flow_cache_row);
} flow_cache SEC(".maps");

/* Signatures of the entries: hash bits that did not choose the index, and a packet counter in the low bits. */
#define FLOW_SIG_COUNT 3u
#define FLOW_SIG_CACHED 3u	/* has an entry; less: packets seen after the first */

struct flow_cache_sigs {
	__u16 at[1 << FLOW_CACHE_BITS];
};

PERCPU_SCRATCH(struct flow_cache_sigs, flow_cache_sigs)

/* Hash of a tuple as it is in the packet. */
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

/* Signature of a tuple of which no packet was seen yet. */
static __always_inline __u16 flow_cache_sig(__u32 hash)
{
	return hash >> 4 & ~FLOW_SIG_COUNT;
}

/* The entry whose signature matches; its key may differ. NULL: none. */
static __always_inline struct flow_cache_entry *flow_cache_find(__u32 hash)
{
	__u16 *sig = flow_cache_sig_at(hash);

	return sig && *sig == (flow_cache_sig(hash) | FLOW_SIG_CACHED) ? flow_cache_at(hash) : NULL;
}

/* True if the entry's key matches. Does not check validity. */
static __always_inline _Bool flow_cache_matches(const struct flow_cache_entry *e, __be32 src, __be32 dst,
						__be32 ports, enum l4proto proto, __u8 dscp, __u32 ifindex)
{
	return !((e->src ^ src) | (e->dst ^ dst) | (e->ports ^ ports) | (e->ifindex ^ ifindex) |
		 (e->proto ^ proto) | (e->dscp ^ dscp));
}

/* Claim an entry for a tuple when enough of its packets were seen. NULL: not yet, or another flow uses it. */
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
	if (e->epoch != cache_epoch()) /* an entry in use is not evicted */
		*sig = flow_cache_sig(hash);
	return NULL;
}

/* Set an entry's key and invalidate it, until flow_cache_fill(). */
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
 * Fill in the action, if all packets of the flow get the same. gen, genid: sampled before the look-ups, so that
 * a change in between invalidates the entry.
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
	/* and f is still the key's flow: its map memory has not been reused */
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
