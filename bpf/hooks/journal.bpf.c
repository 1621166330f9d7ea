/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Maps of the journal, in an object of their own: pinned before any other object is loaded. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <ebpfnet/journal.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct host_record);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} host SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_PORTS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ns_key);
	__type(value, struct ns_record);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} namespaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EBPFNET_MAX_NETWORKS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct net_record);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} nets SEC(".maps");

char LICENSE[] SEC("license") = "Dual BSD/GPL";
