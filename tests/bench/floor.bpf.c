/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The floor of two hops: a namespace's packets go to the outside and back by the two redirects that
 * ebpfnet uses, and nothing else is done to them. tests/bench/floor.c attaches it.
 */
#include <vmlinux.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/uapi.h"

const volatile __u32 floor_uplink, floor_port; /* ifindexes */
const volatile __be32 floor_addr, floor_nexthop; /* the namespace's; the outside's */
const volatile __u8 floor_mac[6];

struct headers {
	struct ethhdr eth;
	struct iphdr ip;
} __attribute__((packed));

SEC("tc")
int floor_out(struct __sk_buff *ctx)
{
	struct bpf_redir_neigh nh = { .nh_family = AF_INET, .ipv4_nh = floor_nexthop };

	if (ctx->protocol != bpf_htons(ETH_P_IP))
		return -1;
	return bpf_redirect_neigh(floor_uplink, &nh, sizeof(nh), 0);
}

SEC("tc")
int floor_in(struct __sk_buff *ctx)
{
	struct headers *h = (void *)(long)ctx->data;
	int i;

	if (ctx->protocol != bpf_htons(ETH_P_IP) || (void *)(h + 1) > (void *)(long)ctx->data_end ||
	    h->ip.daddr != floor_addr)
		return -1;
	for (i = 0; i < 6; i++)
		h->eth.h_dest[i] = floor_mac[i];
	return bpf_redirect_peer(floor_port, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
