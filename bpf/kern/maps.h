/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The maps of the dataplane, each with the reason for its type. All are pinned by name; the first
 * object that is loaded makes them, the others find them. Sizes marked * are set by the loader. What
 * only one header uses while it handles a packet is there: pkt_scratch, ct_scratch, icmp_budget.
 */
#ifndef EBPFNET_BPF_KERN_MAPS_H
#define EBPFNET_BPF_KERN_MAPS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <ebpfnet/abi.h>
#include <ebpfnet/counters.h>
#include "kern/map_values.h"

/* ARRAY: one entry, and a look-up that the verifier turns into an address. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct config);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} config SEC(".maps");

/* ARRAY, by network id: few, and asked for by every routed packet. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EBPFNET_MAX_NETWORKS);
	__type(key, __u32);
	__type(value, struct network);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} networks SEC(".maps");

/* HASH: an interface index has no upper bound. NO_PREALLOC: userspace alone adds to it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_PORTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct port);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_NETWORKS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u32); /* network id */
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} gateways SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_UPLINKS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct uplink);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} uplinks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_PORTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct endpoint_key);
	__type(value, struct endpoint);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} endpoints SEC(".maps");

/* HASH: the addresses that userspace knows. A flood of learned ones cannot push these out. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_PORTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct fdb_key);
	__type(value, struct fdb_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} fdb SEC(".maps");

/* LRU_HASH: bounded, and under a flood of new addresses the busy ones stay. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, EBPFNET_MAX_FDB);
	__type(key, struct fdb_key);
	__type(value, struct fdb_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} fdb_learned SEC(".maps");

/* LRU_HASH: MAC addresses of what is behind ports with spoof=allow, for the router's answers. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, EBPFNET_MAX_NEIGH);
	__type(key, struct endpoint_key);
	__type(value, struct neigh_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} neigh SEC(".maps");

/* HASH, a key for each port: a look-up costs the same with one port published or all of them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_PORTMAP_KEYS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct portmap_key);
	__type(value, __u32); /* rule id */
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} portmap_keys SEC(".maps");

/* ARRAY of bits: most packets that belong to no flow are for no published port, and need not be looked up. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EBPFNET_PORTMAP_WORDS);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} portmap_bits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_PORTMAPS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct portmap);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} portmaps SEC(".maps");

/*
 * HASH: a key for each direction of each flow, so two for a flow *. Never LRU: half a flow evicted
 * is a live connection broken. Preallocated: an insert cannot fail for lack of memory, and is
 * twice as fast.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * EBPFNET_MAX_FLOWS);
	__type(key, struct flow_key);
	__type(value, struct flow);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flows SEC(".maps");

/* ARRAY of slots *: a sweep can walk it a few at a time, and an index cannot dangle. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EBPFNET_MAX_FLOWS);
	__type(key, __u32);
	__type(value, struct conn);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} conns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct conn_alloc);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} conn_alloc SEC(".maps");

/* HASH, by endpoint id: userspace makes the entry of an endpoint, packets count in it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_PORTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct usage);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} usage SEC(".maps");

/* ARRAY, by port: asked for by TCP packets that belong to no flow, and counted by those that begin or end one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u32); /* masqueraded TCP flows with that external port */
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} tcp_ports_in_use SEC(".maps");

/* PERCPU_ARRAY: no packet waits for another CPU's cache line to be counted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} counters SEC(".maps");

/* ARRAY: a lock may be in it, and it has all its memory from the beginning. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FRAG_BUCKETS);
	__type(key, __u32);
	__type(value, struct frag_bucket);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} frags SEC(".maps");

/* ARRAY of one: all heads together, quickly looked through. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fragq);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} fragq SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FRAGQ_SLOTS);
	__type(key, __u32);
	__type(value, struct fragq_frame);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} fragq_frames SEC(".maps");

/* ARRAY: too large for a per-CPU map, whose values may have 32 KiB. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, REINJECT_BUFS);
	__type(key, __u32);
	__type(value, struct reinject_buf);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} reinject_bufs SEC(".maps");

/* PERCPU_ARRAY: a budget for each CPU needs no lock. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct icmp_budget);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} icmp_budget SEC(".maps");

/* A value for each CPU, and name_get(), NULL never in practice. Not pinned: each object has its own. */
#define PERCPU_SCRATCH(type_, name_)						\
	struct {								\
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);			\
		__uint(max_entries, 1);						\
		__type(key, __u32);						\
		__type(value, type_);						\
	} name_ SEC(".maps");							\
										\
	static __always_inline type_ *name_##_get(void)				\
	{									\
		__u32 zero = 0;							\
										\
		return bpf_map_lookup_elem(&name_, &zero);			\
	}

#endif
