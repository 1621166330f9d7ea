/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Per-CPU caches of forwarding decisions: the common part of l2_cache.h, route_cache.h and flow_cache.h.
 *
 * An entry is valid while nothing has changed that it was derived from. Direct-mapped by hash, so a collision
 * overwrites. Per CPU, so no packet waits for another CPU's cache line. Many entries lie in one map value: the
 * address of each value costs one more cache line to read.
 */
#ifndef EBPFNET_BPF_KERN_PERCPU_CACHE_H
#define EBPFNET_BPF_KERN_PERCPU_CACHE_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

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

/* A coarse time, never 0: steps of 64 jiffies, 64 to 640 ms (CONFIG_HZ). Cheaper to read than now_s(). */
static __always_inline __u32 cache_epoch(void)
{
	return bpf_jiffies64() >> 6 | 1u << 31;
}

#endif
