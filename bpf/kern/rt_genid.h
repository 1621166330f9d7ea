/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's route generation id, which changes with each route, rule, address or link of a network
 * namespace, to invalidate the kernel's own cached routes (struct netns_ipv4.rt_genid, net/ipv4/route.c:
 * rt_cache_flush()). Caches of route look-ups and of devices go by it.
 */
#ifndef EBPFNET_BPF_KERN_RT_GENID_H
#define EBPFNET_BPF_KERN_RT_GENID_H

#include "kern/netns.h"

/* Read the id. False if it cannot be read: results must not be cached. */
static __always_inline _Bool rt_genid_read(__u32 *out)
{
	struct net *net;

	if (!bpf_core_field_exists(struct netns_ipv4, rt_genid))
		return 0;
	net = netns_get();
	if (net)
		*out = kernel_read(net, ipv4.rt_genid.counter);
	return net;
}

#endif
