/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * When the routing table last changed. The kernel counts each change of a route, rule, address or link
 * of a network namespace, so that its own cached routes go stale at once (struct netns_ipv4.rt_genid,
 * net/ipv4/route.c: rt_cache_flush()). This reads the count.
 */
#ifndef EBPFNET_BPF_KERN_RT_GENID_H
#define EBPFNET_BPF_KERN_RT_GENID_H

#include "kern/ctx_tc.h"
#include "kern/maps.h"

/* Where the count is in the kernel's memory, for a packet of this host's; 0: it cannot be read. */
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

/* PERCPU_ARRAY: where the count is. It stays there as long as the network namespace, and so this program. */
PERCPU_SCRATCH(__u64, rt_genid_ptr)

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

/* The count; false: it cannot be read. */
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

/*
 * Whether a device that was there at that time is there still: the count goes up too when one goes
 * (net/ipv4/fib_frontend.c: fib_netdev_event()).
 */
static __always_inline _Bool device_unchanged_since(ctx_t *ctx, __u32 ifindex, __u32 then)
{
	__u32 now;

	if (kernel_memory != KERNEL_MEMORY_IN_PLACE) /* then it is cheaper to ask */
		return ctx_device_exists(ctx, ifindex);
	return rt_genid_read(ctx, &now) && now == then;
}

#endif
