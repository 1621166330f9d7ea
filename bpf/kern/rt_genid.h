/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's route generation id, which changes with each route, rule, address or link of a network
 * namespace, to invalidate the kernel's own cached routes (struct netns_ipv4.rt_genid, net/ipv4/route.c:
 * rt_cache_flush()). Caches of route look-ups and of devices go by it.
 */
#ifndef EBPFNET_BPF_KERN_RT_GENID_H
#define EBPFNET_BPF_KERN_RT_GENID_H

#include "kern/ctx_tc.h"
#include "kern/maps.h"

/* The packet's network namespace in kernel memory, for kernel_read(); NULL: unreadable. */
static __always_inline struct net *netns_of(ctx_t *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx;
	struct net_device *dev;

	if (kernel_memory == KERNEL_MEMORY_CLOSED)
		return NULL;
	if (kernel_memory == KERNEL_MEMORY_IN_PLACE) {
		skb = bpf_cast_to_kern_ctx(ctx);
		return skb->dev->nd_net.net;
	}
	dev = kernel_read(skb, dev);
	return kernel_read(dev, nd_net.net);
}

/* Kernel address of the id of the packet's network namespace; 0: unreadable. */
static __always_inline __u64 rt_genid_find(ctx_t *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx;
	struct net_device *dev;
	struct net *net;

	if (bpf_probe_read_kernel(&dev, sizeof(dev), &skb->dev) ||
	    bpf_probe_read_kernel(&net, sizeof(net), &dev->nd_net.net))
		return 0;
	return (__u64)&net->ipv4.rt_genid.counter;
}

/* That address. It is constant: the program lives no longer than the network namespace. */
PERCPU_SCRATCH(__u64, rt_genid_ptr)

/* KERNEL_MEMORY_COPIED: read the id by copying. */
static __always_inline _Bool rt_genid_copied(ctx_t *ctx, __u32 *out)
{
	__u32 zero = 0;
	__u64 *at = bpf_map_lookup_elem(&rt_genid_ptr, &zero);

	if (!at)
		return 0;
	if (!*at)
		*at = rt_genid_find(ctx);
	return *at && !bpf_probe_read_kernel(out, sizeof(*out), (void *)*at);
}

/* Read the id. False if it cannot be read: results must not be cached. */
static __always_inline _Bool rt_genid_read(ctx_t *ctx, __u32 *out)
{
	struct sk_buff *skb;

	if (kernel_memory == KERNEL_MEMORY_CLOSED || !bpf_core_field_exists(struct netns_ipv4, rt_genid))
		return 0;
	if (kernel_memory == KERNEL_MEMORY_COPIED)
		return rt_genid_copied(ctx, out);
	skb = bpf_cast_to_kern_ctx(ctx);
	*out = skb->dev->nd_net.net->ipv4.rt_genid.counter;
	return 1;
}

#endif
