/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Direct reads of kernel memory, to go faster, and to ask what no helper answers (fib_trie.h). Optional. */
#ifndef EBPFNET_BPF_KERN_KERNEL_H
#define EBPFNET_BPF_KERN_KERNEL_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <ebpfnet/abi.h>

/* The kernel's structs, as far as they are read. libbpf relocates the fields to the running kernel (CO-RE). */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
typedef struct {
	int counter;
} atomic_t;

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct list_head {
	struct list_head *next;
};

/* net.ipv4.ip_local_port_range: the upper end in the high half. */
struct local_ports {
	__u32 range;
};

/* Before Linux 6.8. */
struct local_ports___pair {
	int range[2];
};

struct netns_ipv4 {
	struct local_ports ip_local_ports;
	atomic_t rt_genid;
	struct hlist_head *fib_table_hash;
	unsigned int fib_rules_require_fldissect; /* rules by protocol or port */
	__u8 sysctl_fib_multipath_hash_policy;
	unsigned long *sysctl_local_reserved_ports;
};

struct netns_ipv4___pair {
	struct local_ports___pair ip_local_ports;
};

struct nf_hook_entries;

struct netns_nf {
	struct nf_hook_entries *hooks_ipv4[5]; /* by enum nf_inet_hooks; NULL: nothing is there */
};

struct netns_nftables {
	unsigned int base_seq; /* generation of the ruleset; before Linux 6.2 in struct nftables_pernet */
};

struct net_generic;

struct net {
	struct netns_ipv4 ipv4;
	struct net_generic *gen;
	struct netns_nf nf;
	struct netns_nftables nft;
	struct hlist_head *dev_index_head; /* devices, by the low eight bits of ifindex */
};

typedef struct {
	struct net *net;
} possible_net_t;

struct Qdisc_ops {
	char id[16];
};

struct Qdisc {
	const struct Qdisc_ops *ops;
};

struct netdev_queue {
	struct Qdisc *qdisc;
};

struct in_ifaddr {
	__be32 ifa_local;
};

struct in_device {
	struct in_ifaddr *ifa_list;
};

struct net_device {
	int ifindex;
	struct in_device *ip_ptr;
	struct Qdisc *qdisc; /* the root */
	struct netdev_queue *_tx;
	unsigned int num_tx_queues;
	unsigned int mtu;
	unsigned int flags;
	unsigned long state;
	struct hlist_node index_hlist;
	struct list_head ptype_all;
	possible_net_t nd_net;
	const unsigned char *dev_addr;
	__u8 priv[0]; /* since Linux 6.11; before, the driver's part follows the struct */
};

struct sk_buff {
	struct net_device *dev;
	unsigned char *head, *data;
	__u16 csum_start, csum_offset;
	__u8 ip_summed : 2;
};

struct xdp_rxq_info {
	struct net_device *dev;
};

struct xdp_buff {
	struct xdp_rxq_info *rxq;
};
#pragma clang attribute pop

/*
 * Access to kernel memory (enum kernel_memory). The loader sets it before the verifier runs, which skips
 * unreachable code: under lockdown=confidentiality there is no bpf_probe_read_kernel(), and before Linux 6.2
 * there are none of the functions below, which give typed access to the hook's context and to an address.
 */
const volatile __u8 kernel_memory SEC(".rodata.kernel") = KERNEL_MEMORY_COPIED;

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

/* A field of a struct of the kernel, through a pointer of any origin; 0 if it cannot be read. */
#define kernel_read(ptr, field)                                                                     \
	({                                                                                          \
		typeof((ptr)->field) value_ = 0;                                                    \
		if (kernel_memory == KERNEL_MEMORY_IN_PLACE)                                        \
			value_ = ((typeof(ptr))bpf_rdonly_cast((ptr), bpf_core_type_id_kernel(      \
								       typeof(*(ptr)))))            \
					 ->field;                                                   \
		else if (kernel_memory == KERNEL_MEMORY_COPIED)                                     \
			bpf_probe_read_kernel(&value_, sizeof(value_), &(ptr)->field);              \
		value_;                                                                             \
	})

#endif
