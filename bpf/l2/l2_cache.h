/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of frames, by their two MAC addresses: that port security lets them in, and where the switch sends them.
 * Good until the configuration changes (config.gen), or a device goes.
 */
#ifndef EBPFNET_BPF_L2_L2_CACHE_H
#define EBPFNET_BPF_L2_L2_CACHE_H

#include "kern/percpu_cache.h"

struct l2_cache_entry {
	__u32 mac[3];			/* destination and source, as they lie in the frame */
	__u32 ifindex;			/* the device it came by */
	__u32 gen;			/* config.gen */
	__u32 to;			/* the port it goes to; 0: the gateway routes it */
	__be32 src;			/* the address that an IPv4 packet must be from; from the host: 0, any */
	union {
		__u32 genid;		/* switched: rt_genid_read(), with which devices go */
		__u32 net;		/* routed: the network id */
	};
};

#define L2_CACHE_BITS 10

struct l2_cache_table {
	struct l2_cache_entry at[1 << L2_CACHE_BITS];
};

PERCPU_SCRATCH(struct l2_cache_table, l2_cache)

/* The place for the note of a frame. mac: three words. */
static __always_inline struct l2_cache_entry *l2_cache_at(const __u32 *mac)
{
	__u32 hash = cache_hash((mac[0] >> 16 | mac[0] << 16) + mac[1] * 31 + mac[2]);
	struct l2_cache_table *cache = l2_cache_get();

	return cache ? &cache->at[cache_index(hash, L2_CACHE_BITS)] : NULL;
}

/* Whether it is of such a frame, and good but for the device. */
static __always_inline _Bool l2_cache_matches(const struct l2_cache_entry *e, const __u32 *mac, __u32 ifindex,
					      __u32 gen)
{
	return !((e->mac[0] ^ mac[0]) | (e->mac[1] ^ mac[1]) | (e->mac[2] ^ mac[2]) |
		 (e->ifindex ^ ifindex) | (e->gen ^ gen));
}

#endif
