/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Notes that a CPU keeps for itself of how packets went, for the next ones like them (fastpath.h): of frames
 * in l2_cache.h, of flows in flow_cache.h. This is what they share.
 *
 * A note holds while nothing has changed that it was made from. It lies in a PERCPU_ARRAY at the hash of what
 * it is about: no packet waits for another CPU's line of the cache, nothing is searched for, and whoever comes
 * to the same place displaces it. Many lie in one value of the map: where each value of such a map is, is one
 * more line of the cache to read.
 */
#ifndef EBPFNET_BPF_KERN_PERCPU_CACHE_H
#define EBPFNET_BPF_KERN_PERCPU_CACHE_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

/* Fibonacci hashing: the upper bits are the good ones. */
static __always_inline __u32 cache_hash(__u32 x)
{
	return x * 0x9e3779b1u;
}

/* The place of a hash among 2^bits. */
static __always_inline __u32 cache_index(__u32 hash, __u32 bits)
{
	return hash >> (32 - bits);
}

/*
 * The time, in parts of a second: 16 or 1.6, as the kernel was built (CONFIG_HZ). Never 0. It is read in place,
 * which the clock of seconds is not.
 */
static __always_inline __u32 cache_epoch(void)
{
	return bpf_jiffies64() >> 6 | 1u << 31;
}

#endif
