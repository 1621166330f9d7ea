/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Cached decisions of port security and the switch, keyed by both MAC addresses and the ingress device. */
#ifndef EBPFNET_BPF_L2_L2_CACHE_H
#define EBPFNET_BPF_L2_L2_CACHE_H

#include <ebpfnet/core/parse.h>
#include "kern/percpu_cache.h"

/* A decision. */
struct l2_cache_entry {
	__u32 mac[3];			/* destination and source, as in the frame */
	__u32 ifindex;			/* ingress device */
	__u32 stamp;
	__u32 to;			/* output port; 0: to the gateway, to be routed */
	__be32 src;			/* source address that IPv4 packets must have; 0 from the host: any */
	__u32 net;			/* network id */
};

#define L2_CACHE_BITS 10

struct l2_cache_table {
	struct l2_cache_entry at[1 << L2_CACHE_BITS];
};

PERCPU_SCRATCH(struct l2_cache_table, l2_cache)

/* The entry for a frame's MAC addresses, whose key may differ. mac: as in the frame, 12 bytes. */
static __always_inline struct l2_cache_entry *l2_cache_at(const __u32 *mac)
{
	__u32 hash = cache_hash((mac[0] >> 16 | mac[0] << 16) + mac[1] * 31 + mac[2]);
	struct l2_cache_table *cache = l2_cache_get();

	return cache ? &cache->at[cache_index(hash, L2_CACHE_BITS)] : NULL;
}

/* True if it is the frame's, and valid. */
static __always_inline _Bool l2_cache_valid(const struct l2_cache_entry *e, const __u32 *mac, __u32 ifindex,
					    __u32 stamp)
{
	return !((e->mac[0] ^ mac[0]) | (e->mac[1] ^ mac[1]) | (e->mac[2] ^ mac[2]) |
		 (e->ifindex ^ ifindex) | (e->stamp ^ stamp));
}

/* Keep a decision about a packet from a device. src: the ingress port's address. */
static __always_inline void l2_cache_set(struct l2_cache_entry *e, const struct pkt *p, __u32 ifindex, __u32 to,
					 __be32 src, __u16 net)
{
	const __u32 *mac = (const __u32 *)p->dmac; /* and the source's behind it */

	e->mac[0] = mac[0];
	e->mac[1] = mac[1];
	e->mac[2] = mac[2];
	e->ifindex = ifindex;
	e->to = to;
	e->src = src;
	e->net = net;
	e->stamp = p->stamp;
}

#endif
