/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's own memory, as far as programs look at it: nothing depends on that, some things are
 * faster by it.
 */
#ifndef EBPFNET_BPF_KERNEL_H
#define EBPFNET_BPF_KERNEL_H

#include "ctx_tc.h"
#include <bpf/bpf_core_read.h>

/* The kernel's own structs, as far as they are read: libbpf puts in where the fields are in the running kernel. */
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
	__u8 ip_summed : 2;
};
#pragma clang attribute pop

/* Values of sk_buff.ip_summed (linux/skbuff.h); the others leave nothing to do beside the packet's bytes. */
#define CHECKSUM_COMPLETE 2	/* the device gave a sum over all, which the kernel keeps beside */
#define CHECKSUM_PARTIAL 3	/* the field has the pseudo header's sum, a device is to add the rest */

/*
 * How it may be read (enum kernel_memory). The loader says so before the verifier comes, which does not
 * look at what is never reached: a kernel in lockdown (confidentiality) knows no bpf_probe_read_kernel(),
 * and one before Linux 6.2 no bpf_cast_to_kern_ctx().
 */
const volatile __u8 kernel_memory SEC(".rodata.kernel") = KERNEL_MEMORY_COPIED;

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

/* The packet as the kernel has it, to be read in place; only if kernel_memory is KERNEL_MEMORY_IN_PLACE. */
static __always_inline struct sk_buff *kernel_skb(ctx_t *ctx)
{
	return bpf_cast_to_kern_ctx(ctx);
}

/* How the transport checksum stands: what sk_buff.ip_summed says. If it cannot be read, CHECKSUM_COMPLETE. */
static __always_inline __u8 kernel_summed(ctx_t *ctx)
{
	struct sk_buff *skb;

	if (kernel_memory != KERNEL_MEMORY_IN_PLACE || !bpf_core_field_exists(struct sk_buff, ip_summed))
		return CHECKSUM_COMPLETE;
	skb = kernel_skb(ctx);
	return BPF_CORE_READ_BITFIELD(skb, ip_summed);
}

#endif
