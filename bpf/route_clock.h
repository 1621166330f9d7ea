/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * When the routing table last changed. The kernel counts each change of a route, rule, address or link
 * of a network namespace, so that its own cached routes go stale at once (struct netns_ipv4.rt_genid,
 * net/ipv4/route.c: rt_cache_flush()). This reads the count.
 */
#ifndef EBPFNET_BPF_ROUTE_CLOCK_H
#define EBPFNET_BPF_ROUTE_CLOCK_H

#include "ctx_tc.h"
#include <bpf/bpf_core_read.h>

/* The kernel's own, as far as they are read: libbpf puts in where the fields are in the running kernel. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
typedef struct {
	int counter;
} atomic_t;

struct netns_ipv4 {
	atomic_t rt_genid;
};

struct net {
	struct netns_ipv4 ipv4;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	possible_net_t nd_net;
};

struct sk_buff {
	struct net_device *dev;
};
#pragma clang attribute pop

/*
 * Whether kernel memory may be read. The loader says so before the verifier comes: a kernel in lockdown
 * (confidentiality) knows no bpf_probe_read_kernel(), and does not miss it in code that is never reached.
 */
const volatile _Bool may_read_kernel SEC(".rodata.kernel") = 1;

/* Where the count is in the kernel's memory, for a packet of this host's; 0: this kernel has none. */
static __always_inline __u64 route_clock_at(ctx_t *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx;
	struct net_device *dev;
	struct net *net;

	if (!bpf_core_field_exists(struct netns_ipv4, rt_genid) ||
	    bpf_probe_read_kernel(&dev, sizeof(dev), &skb->dev) ||
	    bpf_probe_read_kernel(&net, sizeof(net), &dev->nd_net.net))
		return 0;
	return (__u64)&net->ipv4.rt_genid.counter;
}

/* PERCPU_ARRAY: where the clock is. It stays there as long as the network namespace, and so this program. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} route_clock_is_at SEC(".maps");

/* The count; false: it cannot be read. */
static __always_inline _Bool route_clock(ctx_t *ctx, __u32 *out)
{
	__u32 zero = 0;
	__u64 *at = bpf_map_lookup_elem(&route_clock_is_at, &zero);

	if (!at || !may_read_kernel)
		return 0;
	if (!*at)
		*at = route_clock_at(ctx);
	return *at && !bpf_probe_read_kernel(out, sizeof(*out), (void *)*at);
}

#endif
