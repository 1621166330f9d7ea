/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The host's rules for what it forwards, as far as the kernel tells without asking them: are there any, and changed? */
#ifndef EBPFNET_BPF_KERN_RULESET_H
#define EBPFNET_BPF_KERN_RULESET_H

#include "kern/kernel.h"
#include "kern/netns.h"

#define NF_INET_FORWARD 2 /* enum nf_inet_hooks */

const volatile struct kernel_nft kernel_nft SEC(".rodata.nft") = {};

/* The same of older kernels. Each step by itself, as the module may be unloaded at any time. */
__noinline __u32 ruleset_gen_of_module(void)
{
	struct net *net = netns_get();
	__u64 gen = net ? (__u64)kernel_read(net, gen) : 0, of_module;
	__u32 id, seq;

	if (!gen || bpf_probe_read_kernel(&id, sizeof(id), (void *)kernel_nft.net_id) || !id ||
	    bpf_probe_read_kernel(&of_module, sizeof(of_module), (void *)(gen + 8ull * id)) || !of_module ||
	    bpf_probe_read_kernel(&seq, sizeof(seq), (void *)(of_module + kernel_nft.base_seq)))
		return 0;
	return seq;
}

/*
 * Generation of the nft ruleset (struct netns_nftables.base_seq), raised by each transaction of nft and iptables-nft
 * that changes it. 0: it cannot be read, or does not exist: then answers of the rules only age. Inline for what asks it
 * of every packet; a function, which the verifier checks once, for the rest.
 */
static __always_inline __u32 ruleset_gen_inline(void)
{
	struct net *net;

	if (kernel_nft.net_id && kernel_memory != KERNEL_MEMORY_CLOSED)
		return ruleset_gen_of_module();
	net = netns_get();
	if (!net || !bpf_core_field_exists(struct netns_nftables, base_seq))
		return 0;
	return kernel_read(net, nft.base_seq);
}

__noinline __u32 ruleset_gen(void)
{
	return ruleset_gen_inline();
}

/* True if a program of netfilter, nft or iptables, sees what the host forwards; also if that cannot be read. */
__noinline _Bool ruleset_at_forward(void)
{
	struct net *net = netns_get();

	if (!net)
		return 1;
	if (!bpf_core_field_exists(struct netns_nf, hooks_ipv4)) /* a kernel without netfilter */
		return 0;
	return kernel_read(net, nf.hooks_ipv4[NF_INET_FORWARD]) != NULL;
}

#endif
