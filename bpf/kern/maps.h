/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The pinned maps of the dataplane, each with the reason for its type, and PERCPU_SCRATCH(). The first object
 * that is loaded creates a map, the others find it by its pin. Sizes marked * are set by the loader. Keys and
 * values: include/ebpfnet/abi.h, ebpfnet/core/map_values.h.
 */
#ifndef EBPFNET_BPF_KERN_MAPS_H
#define EBPFNET_BPF_KERN_MAPS_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <ebpfnet/abi.h>
#include <ebpfnet/counters.h>
#include <ebpfnet/core/map_values.h>

/* ARRAY: one entry, and a look-up that the verifier turns into an address. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct config);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} config SEC(".maps");

/* ARRAY, by network id: few, and read for every routed packet. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EBPFNET_MAX_NETWORKS + 1);
	__type(key, __u32);
	__type(value, struct network);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} networks SEC(".maps");

/* LPM_TRIE: one look-up, whatever the number of networks. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, EBPFNET_MAX_SUBNETS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct subnet_key);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} subnets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EBPFNET_SUBNET_WORDS);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} subnet_bits SEC(".maps");

/* HASH: an ifindex has no upper bound. NO_PREALLOC: only userspace adds entries. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_PORTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct port);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ports SEC(".maps");

/* HASH, as ports. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_PORTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct limit);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} limits SEC(".maps");

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

/* HASH: static addresses. A flood of learned ones cannot evict them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_PORTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct fdb_key);
	__type(value, struct fdb_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} fdb SEC(".maps");

/* LRU_HASH: bounded, and a flood of new addresses evicts the idle ones first. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, EBPFNET_MAX_FDB);
	__type(key, struct fdb_key);
	__type(value, struct fdb_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} fdb_learned SEC(".maps");

/* LRU_HASH: MAC addresses behind ports with spoof=allow, for packets routed to them. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, EBPFNET_MAX_NEIGH);
	__type(key, struct endpoint_key);
	__type(value, struct neigh_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} neigh SEC(".maps");

/* HASH: given addresses. A flood of learned ones cannot evict them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_GIVEN_IPV6 * EBPFNET_MAX_PORTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ipv6_key);
	__type(value, __u32); /* endpoint id */
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ipv6_given SEC(".maps");

/* LRU_HASH: bounded; each port has its share, so that the idle ones go only with more than 1,024 busy ports. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, EBPFNET_MAX_IPV6);
	__type(key, struct ipv6_key);
	__type(value, struct ipv6_owner);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ipv6_learned SEC(".maps");

/* HASH, by endpoint id: userspace creates an endpoint's entry, the programs write in it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_PORTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct ipv6_ring);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ipv6_rings SEC(".maps");

/* HASH, a key for each port: a look-up costs the same with one port published or all of them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_PORTMAP_KEYS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct portmap_key);
	__type(value, __u32); /* port mapping id */
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} portmap_keys SEC(".maps");

/* ARRAY of bits: spares most packets without a flow the look-up of a port mapping. */
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
 * HASH *: two keys for each flow, one for each direction. Not LRU: evicting one key of a flow would break a
 * live connection. Preallocated: an insert cannot fail for lack of memory, and is twice as fast.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * EBPFNET_MAX_FLOWS);
	__type(key, struct flow_key);
	__type(value, struct flow);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flows SEC(".maps");

/* ARRAY: an index is found in a flow, and no entry is ever removed, so that none dangles. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EBPFNET_PATHS);
	__type(key, __u32);
	__type(value, struct flow_path);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} paths SEC(".maps");

/* ARRAY of slots *: a sweep can walk a few at a time, and an index cannot dangle. */
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

/* HASH, by account: userspace creates the entries of endpoints and port mappings, the programs count in them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_PORTS + EBPFNET_MAX_PORTMAPS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct usage);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} usage SEC(".maps");

/* ARRAY *: as many as flows. One that is overwritten is a hold-down that ends early, and nothing worse. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EBPFNET_MAX_FLOWS);
	__type(key, __u32);
	__type(value, struct hold_down);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} hold_down SEC(".maps");

/* ARRAY: peers outside cannot be listed, as anybody can forge a new one; but each is always in one bucket. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, OUTSIDE_PEERS);
	__type(key, __u32);
	__type(value, struct outside_peer);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} outside_peers SEC(".maps");

/* LRU_HASH: bounded; an entry that is evicted comes again with the next packet that goes through the host's rules. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, EBPFNET_MAX_HAIRPINS);
	__type(key, struct flow_key);
	__type(value, __u32); /* slot of the flow */
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} hairpins SEC(".maps");

/* ARRAY, by port: read by TCP packets without a flow, written when a masqueraded TCP flow begins or ends. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u32); /* masqueraded TCP flows with that external port */
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} tcp_ports_in_use SEC(".maps");

/* PERCPU_ARRAY: counting takes no cache line from another CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} counters SEC(".maps");

/* ARRAY: a value may hold a bpf_spin_lock, and all memory is allocated at creation. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FRAG_BUCKETS);
	__type(key, __u32);
	__type(value, struct frag_bucket);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} frags SEC(".maps");

/* ARRAY of one: all slots in one value, for quick scans. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fragq);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} fragq SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FRAGQ_LARGE_SLOTS);
	__type(key, __u32);
	__type(value, struct fragq_frame);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} fragq_frames SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FRAGQ_SMALL_SLOTS);
	__type(key, __u32);
	__type(value, struct fragq_small_frame);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} fragq_small SEC(".maps");

/* ARRAY: the value is too large for a per-CPU map (32 KiB). */
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
	__uint(max_entries, ICMP_BUDGETS);
	__type(key, __u32);
	__type(value, struct icmp_budget);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} icmp_budget SEC(".maps");

/* PERCPU_ARRAY, pinned: one program writes it, and others read it later in the same softirq. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ask_sent);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ask_sent SEC(".maps");

/*
 * Define a per-CPU value that one packet uses, or one CPU's cache, and name_get(), which returns it (not NULL,
 * but the verifier wants a check). Not pinned: each object has its own. For values that would not fit into 512
 * bytes of stack, Linux 6.1's limit over all calls.
 */
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
