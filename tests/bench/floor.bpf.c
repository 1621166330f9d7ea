/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The floor of redirects: forward packets between namespaces, host and outside by the redirects that ebpfnet
 * uses, without any other work. tests/bench/floor.c attaches the programs.
 */
#include <vmlinux.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <ebpfnet/core/uapi.h>
#include "floor.h"

const volatile __u32 floor_ifindex[FLOOR_DEVS];
const volatile __be32 floor_addr[FLOOR_DEVS];
const volatile __u8 floor_mac[6]; /* of ns1; frames from outside have the uplink's */

struct headers {
	struct ethhdr eth;
	struct iphdr ip;
} __attribute__((packed));

static __always_inline _Bool is_ipv4(const struct __sk_buff *ctx, const struct headers *h)
{
	return ctx->protocol == bpf_htons(ETH_P_IP) && (void *)(h + 1) <= (void *)(long)ctx->data_end;
}

/* Ingress of a namespace's veth. */
SEC("tc")
int floor_port(struct __sk_buff *ctx)
{
	const struct headers *h = (void *)(long)ctx->data;
	struct bpf_redir_neigh nh = { .nh_family = AF_INET, .ipv4_nh = floor_addr[UPLINK] };

	if (!is_ipv4(ctx, h))
		return -1;
	if (h->ip.daddr == floor_addr[NS1])
		return bpf_redirect_peer(floor_ifindex[NS1], 0);
	if (h->ip.daddr == floor_addr[NS2])
		return bpf_redirect_peer(floor_ifindex[NS2], 0);
	if (h->ip.daddr == floor_addr[GATEWAY])
		return bpf_redirect(floor_ifindex[GATEWAY], BPF_F_INGRESS);
	return bpf_redirect_neigh(floor_ifindex[UPLINK], &nh, sizeof(nh), 0);
}

/* Egress of the gateway device. */
SEC("tc")
int floor_gateway(struct __sk_buff *ctx)
{
	const struct headers *h = (void *)(long)ctx->data;

	if (!is_ipv4(ctx, h) || h->ip.daddr != floor_addr[NS1])
		return -1;
	return bpf_redirect(floor_ifindex[NS1], 0);
}

/* Ingress of the uplink. */
SEC("tc")
int floor_uplink(struct __sk_buff *ctx)
{
	struct headers *h = (void *)(long)ctx->data;
	int i;

	if (!is_ipv4(ctx, h) || h->ip.daddr != floor_addr[NS1])
		return -1;
	for (i = 0; i < 6; i++)
		h->eth.h_dest[i] = floor_mac[i];
	return bpf_redirect_peer(floor_ifindex[NS1], 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
