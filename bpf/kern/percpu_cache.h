/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The common part of l2_cache.h, route_cache.h, flow_cache.h and path.h, which keep what was resolved for a packet for
 * the next.
 *
 * One rule of validity: all that a decision is derived from has a generation, none of which ever decreases, and their
 * sum is the stamp. An entry with the stamp of now is valid. A stamp is sampled before what it is for is looked up.
 *
 * The caches are direct-mapped by hash, so a collision overwrites; per CPU, so no packet waits for another CPU's cache
 * line; and many entries lie in one map value, as the address of each value costs one more cache line to read.
 */
#ifndef EBPFNET_BPF_KERN_PERCPU_CACHE_H
#define EBPFNET_BPF_KERN_PERCPU_CACHE_H

#include "kern/lookup.h"
#include "kern/rt_genid.h"
#include "kern/ruleset.h"

/* Fibonacci hashing: the upper bits are the well mixed ones. */
static __always_inline __u32 cache_hash(__u32 x)
{
	return x * 0x9e3779b1u;
}

/* Index of a hash among 2^bits entries. */
static __always_inline __u32 cache_index(__u32 hash, __u32 bits)
{
	return hash >> (32 - bits);
}

/*
 * A coarse time, never 0 nor PATH_BUSY: steps of 64 jiffies, 64 to 640 ms (CONFIG_HZ). For changes without a
 * generation: path MTUs that the host learns, and the last use of a flow. Cheaper to read than now_s().
 */
static __always_inline __u32 cache_epoch(void)
{
	return bpf_jiffies64() >> 6 | 1u << 31;
}

/* The stamp of now: configuration, routes and devices, time. 0: rt_genid cannot be read, and nothing may be kept. */
static __always_inline __u32 cache_stamp(const struct config *cfg)
{
	__u32 genid, stamp;

	if (!rt_genid_read(&genid))
		return 0;
	stamp = config_gen(cfg) + genid + cache_epoch();
	return stamp ? stamp : 1;
}

/* The same for what becomes of a packet, on which the host's rules may have a say. */
static __always_inline __u32 cache_stamp_of_packet(const struct config *cfg)
{
	__u32 stamp = cache_stamp(cfg);

	if (!cfg->has_rules || !stamp)
		return stamp;
	/* it may become lower: with the last network that obeys rules, or when the module is loaded again */
	stamp += ruleset_gen_inline() * 0x9e3779b1u;
	return stamp ? stamp : 1;
}

#endif
