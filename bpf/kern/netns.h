/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The programs' network namespace in kernel memory, where its routes' generation, rules, devices and settings are. */
#ifndef EBPFNET_BPF_KERN_NETNS_H
#define EBPFNET_BPF_KERN_NETNS_H

#include "kern/ctx_tc.h"

/*
 * Kernel address of the programs' network namespace; 0: unreadable, or not looked for yet. It is constant: a program
 * lives no longer than the network namespace, and all its devices are there.
 */
__u64 netns_addr SEC(".data.netns") = 0;

/* Look for it by a packet. Returns 0. */
__noinline int netns_find(ctx_t *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx;
	struct net_device *dev;
	struct net *net;

	if (!bpf_probe_read_kernel(&dev, sizeof(dev), &skb->dev) &&
	    !bpf_probe_read_kernel(&net, sizeof(net), &dev->nd_net.net))
		netns_addr = (__u64)net;
	return 0;
}

/* Each program calls this before anything that calls netns_get(). */
static __always_inline void netns_note(ctx_t *ctx)
{
	if (kernel_memory != KERNEL_MEMORY_CLOSED && !netns_addr)
		netns_find(ctx);
}

/* For kernel_read(); NULL: unreadable. */
static __always_inline struct net *netns_get(void)
{
	return kernel_memory == KERNEL_MEMORY_CLOSED ? NULL : (struct net *)netns_addr;
}

#endif
