// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The floor of conntrack: one look-up in the flow table, by a key in the packet's payload. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <ebpfnet/abi.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * EBPFNET_MAX_FLOWS);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

SEC("tc")
int look_up(struct __sk_buff *ctx)
{
	struct flow_key key;
	struct flow *f;

	if (bpf_skb_load_bytes(ctx, 14, &key, sizeof(key)))
		return -1;
	f = bpf_map_lookup_elem(&flows, &key);
	return f ? f->conn & 1 : -1;
}

char look_license[] SEC("license") = "Dual BSD/GPL";
