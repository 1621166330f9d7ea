/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Access to a frame at an XDP hook. No other header of bpf/ names xdp_md or XDP_*. */
#ifndef EBPFNET_BPF_KERN_CTX_XDP_H
#define EBPFNET_BPF_KERN_CTX_XDP_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <ebpfnet/core/addr.h>
#include "kern/kernel.h"
#include "kern/maps.h"

typedef struct xdp_md ctx_t;

enum action {
	ACTION_PASS = XDP_PASS,
	ACTION_DROP = XDP_DROP,
};

static __always_inline const void *ctx_data(const ctx_t *ctx)
{
	return (const void *)(long)ctx->data;
}

static __always_inline const void *ctx_data_end(const ctx_t *ctx)
{
	return (const void *)(long)ctx->data_end;
}

/* Length of the frame in bytes; [data, data_end) may be a part of it (multi-buffer XDP). */
static __always_inline __u32 ctx_len(ctx_t *ctx)
{
	return bpf_xdp_get_buff_len(ctx);
}

/* True if the whole frame is between data and data_end. */
static __always_inline _Bool ctx_is_whole(ctx_t *ctx)
{
	return ctx_data_end(ctx) - ctx_data(ctx) == ctx_len(ctx);
}

/* Cached location of a device's MAC address. */
struct dev_addr_cache {
	__u32 ifindex, second;
	__u64 at;			/* kernel address of net_device.dev_addr's bytes; 0: unreadable */
};

/* The location is read anew each second, the address each time, as it may change. */
PERCPU_SCRATCH(struct dev_addr_cache, dev_addr_cache)

/* Kernel address of the MAC address of the frame's device; 0: unreadable. */
static __always_inline __u64 mac_at(ctx_t *ctx)
{
	struct xdp_buff *xdp = (struct xdp_buff *)ctx;
	struct xdp_rxq_info *rxq;
	struct net_device *dev;
	const unsigned char *at;

	if (bpf_probe_read_kernel(&rxq, sizeof(rxq), &xdp->rxq) ||
	    bpf_probe_read_kernel(&dev, sizeof(dev), &rxq->dev) ||
	    bpf_probe_read_kernel(&at, sizeof(at), &dev->dev_addr))
		return 0;
	return (__u64)at;
}

/* KERNEL_MEMORY_IN_PLACE: compare with the device's MAC by typed loads. */
static __always_inline _Bool mac_is_in_place(ctx_t *ctx, const __u8 *mac)
{
	struct xdp_buff *xdp = bpf_cast_to_kern_ctx(ctx);
	struct ethhdr *eth = bpf_rdonly_cast(xdp->rxq->dev->dev_addr, bpf_core_type_id_kernel(struct ethhdr));
	const __u8 *own = eth->h_dest;

	return !((own[0] ^ mac[0]) | (own[1] ^ mac[1]) | (own[2] ^ mac[2]) | (own[3] ^ mac[3]) |
		 (own[4] ^ mac[4]) | (own[5] ^ mac[5]));
}

/* KERNEL_MEMORY_COPIED: compare with a copy of the device's MAC. */
static __always_inline _Bool mac_is_copied(ctx_t *ctx, const __u8 *dmac)
{
	__u32 zero = 0, second = ebpfnet_seconds(bpf_ktime_get_coarse_ns());
	__u8 mac[6] __attribute__((aligned(2)));
	struct dev_addr_cache *e = bpf_map_lookup_elem(&dev_addr_cache, &zero);

	if (!e)
		return 0;
	if (e->ifindex != ctx->ingress_ifindex || e->second != second) {
		e->at = mac_at(ctx);
		e->ifindex = ctx->ingress_ifindex;
		e->second = second;
	}
	return e->at && !bpf_probe_read_kernel(mac, sizeof(mac), (void *)e->at) && mac_eq(mac, dmac);
}

/* True if dmac is the device's own: the frame will be PACKET_HOST. False under lockdown, too. */
static __always_inline _Bool ctx_is_for_us(ctx_t *ctx, const __u8 *dmac)
{
	if (kernel_memory == KERNEL_MEMORY_CLOSED)
		return 0;
	return kernel_memory == KERNEL_MEMORY_IN_PLACE ? mac_is_in_place(ctx, dmac) : mac_is_copied(ctx, dmac);
}

#endif
