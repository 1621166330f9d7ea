/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Facts that bpf_fib_lookup() does not tell, read from the kernel's routing tables: the type of a route that is not
 * forwarded (local, broadcast, none), and the MTU of a route that is not locked, which the kernel's own forwarding
 * honours (ip_dst_mtu_maybe_forward()).
 *
 * The look-up is fib_table_lookup() of net/ipv4/fib_trie.c, one node for each step. Programs run in an RCU read
 * section, as that function does. If the kernel cannot be read (lockdown), or its table looks different, there is
 * no answer.
 */
#ifndef EBPFNET_BPF_KERN_FIB_TRIE_H
#define EBPFNET_BPF_KERN_FIB_TRIE_H

#include "kern/ctx_tc.h"
#include "kern/maps.h"
#include "kern/netns.h"

/* The kernel's structs: net/ipv4/fib_trie.c, fib_lookup.h; include/net/ip_fib.h. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct fib_table {
	struct hlist_node tb_hlist;
	__u32 tb_id;
	unsigned long *tb_data; /* struct trie */
};

struct key_vector {
	__u32 key;
	__u8 pos, bits, slen;
	union {
		struct hlist_head leaf;
		struct key_vector *tnode[0];
	};
};

struct trie {
	struct key_vector kv[1];
};

struct tnode {
	struct key_vector *parent;
	struct key_vector kv[1];
};

struct dst_metrics {
	__u32 metrics[17];
};

struct fib_nh_common {
	struct net_device *nhc_dev;
};

struct fib_nh {
	struct fib_nh_common nh_common;
};

struct fib_info {
	__u32 fib_priority;
	struct dst_metrics *fib_metrics;
	int fib_nhs;
	struct nexthop *nh;
	struct fib_nh fib_nh[0];
};

struct fib_alias {
	struct hlist_node fa_list;
	struct fib_info *fa_info;
	__u8 fa_dscp, fa_type, fa_slen;
};
#pragma clang attribute pop

#define RT_TABLE_MAIN 254
#define RT_TABLE_LOCAL 255
#define RTN_UNICAST 1
#define RTN_LOCAL 2
#define RTN_BROADCAST 3
#define RTAX_MTU 2

#define FIB_KEY_BITS 32
#define FIB_STEPS 256 /* more than any look-up takes */

/* A look-up. */
struct fib_trie {
	__u32 key;			/* destination, host byte order */
	__u8 tos;
	__u8 descending;		/* by the key; else by zeros, to shorter prefixes */
	__u8 done;
	__u8 type;			/* RTN_* of the route found; 0: none */
	__u64 node, parent;		/* parent: where to turn back to */
	__u64 child;			/* index in it */
	__u64 alias;			/* next route to look at, of a leaf */
	__u32 rest;			/* bits in which the key differs from the leaf's */
	__u64 info;			/* struct fib_info of the route found */
};

PERCPU_SCRATCH(struct fib_trie, fib_trie_scratch)

static __always_inline __u64 fib_child(__u64 node, __u64 index)
{
	struct hlist_head *at =
		(void *)(node + bpf_core_field_offset(struct key_vector, tnode) + index * sizeof(void *));

	return (__u64)kernel_read(at, first);
}

static __always_inline __u64 fib_parent(__u64 node)
{
	struct tnode *t = (void *)(node - bpf_core_field_offset(struct tnode, kv));

	return (__u64)kernel_read(t, parent);
}

/* One route of a leaf: it is the one looked for if it covers the key and is for that TOS. */
static __always_inline void fib_step_alias(struct fib_trie *f)
{
	struct fib_alias *alias = (void *)(f->alias - bpf_core_field_offset(struct fib_alias, fa_list));
	__u8 slen = kernel_read(alias, fa_slen), tos = kernel_read(alias, fa_dscp);
	struct hlist_node *next = (void *)f->alias;

	f->alias = (__u64)kernel_read(next, next);
	if ((__u64)f->rest >> (slen & 63) || (tos && tos != f->tos))
		return;
	f->type = kernel_read(alias, fa_type);
	f->info = (__u64)kernel_read(alias, fa_info);
	f->done = 1;
}

/* To the next child in the direction of shorter prefixes; from the last one, a level up. */
static __always_inline void fib_step_back(struct fib_trie *f)
{
	struct key_vector *parent = (void *)f->parent;
	__u32 key;

	f->descending = 0;
	if (f->child) {
		f->child &= f->child - 1;
		f->node = fib_child(f->parent, f->child);
		return;
	}
	if (kernel_read(parent, pos) >= FIB_KEY_BITS) { /* the root */
		f->done = 1;
		return;
	}
	key = kernel_read(parent, key);
	f->parent = fib_parent(f->parent);
	parent = (void *)f->parent;
	f->child = (__u64)(key ^ kernel_read(parent, key)) >> (kernel_read(parent, pos) & 63);
}

/* One node. */
static __always_inline void fib_step_node(struct fib_trie *f)
{
	struct key_vector *n = (void *)f->node;
	__u32 key = kernel_read(n, key), rest = f->key ^ key;
	__u8 pos = kernel_read(n, pos), bits = kernel_read(n, bits), slen = kernel_read(n, slen);
	__u64 index = (__u64)rest >> (pos & 63);

	if (f->descending && index >> (bits & 63))
		f->descending = 0;
	if (!f->descending && (rest & (key | -key) || slen == pos)) {
		f->node = 0; /* this subtree has no prefix of the key */
		return;
	}
	if (!bits) {
		f->rest = rest;
		f->alias = (__u64)kernel_read(n, leaf.first);
		f->node = 0;
		return;
	}
	if (f->descending && slen > pos) {
		f->parent = f->node;
		f->child = index;
	}
	f->node = fib_child(f->node, f->descending ? index : 0);
}

/* bpf_loop callback */
static long fib_step(__u32 i, void *ignored)
{
	struct fib_trie *f = fib_trie_scratch_get();

	if (!f || f->done)
		return 1;
	if (f->alias)
		fib_step_alias(f);
	else if (f->node)
		fib_step_node(f);
	else
		fib_step_back(f);
	return 0;
}

/* The root of a routing table; 0: there is no such table, or it cannot be read. */
static __always_inline __u64 fib_root(__u32 id)
{
	struct net *net = netns_get();
	struct hlist_head *bucket;
	struct fib_table *table;
	struct hlist_node *node;
	int i;

	if (!net || !bpf_core_field_exists(struct netns_ipv4, fib_rules_require_fldissect) ||
	    !bpf_core_type_exists(struct key_vector) || !bpf_core_field_exists(struct fib_alias, fa_dscp))
		return 0;
	bucket = (void *)((__u64)kernel_read(net, ipv4.fib_table_hash) + id * sizeof(void *));
	node = kernel_read(bucket, first);
	for (i = 0; i < 4 && node; i++) {
		table = (void *)((__u64)node - bpf_core_field_offset(struct fib_table, tb_hlist));
		if (kernel_read(table, tb_id) == id)
			return (__u64)kernel_read(table, tb_data);
		node = kernel_read(node, next);
	}
	return 0;
}

/* Look a destination up in a routing table. NULL: unknown; else .type, and .info unless that is 0. */
static __always_inline struct fib_trie *fib_trie_find(__u32 table, struct ipaddr dst, __u8 tos)
{
	struct fib_trie *f = fib_trie_scratch_get();
	__u64 root = fib_root(table);

	if (!f || !root)
		return NULL;
	*f = (struct fib_trie){
		.key = __builtin_bswap32(addr_be32(dst)),
		.tos = tos,
		.descending = 1,
		.parent = root,
		.node = fib_child(root, 0),
	};
	bpf_loop(FIB_STEPS, fib_step, NULL, 0);
	return f->done ? f : NULL;
}

/* RTN_* of an address in the table of the host's own addresses; 0: it is not there; negative: unknown. */
static __always_inline int fib_local_type(__be32 addr)
{
	struct fib_trie *f = fib_trie_find(RT_TABLE_LOCAL, addr_of(addr), 0);

	return f ? f->type : -1;
}

/* True if the route found leads out of a device with a metric, as the kernel's look-up by all rules has said. */
static __always_inline _Bool fib_info_is(struct fib_info *info, __u32 ifindex, __u32 metric)
{
	struct fib_nh *nh = (void *)((__u64)info + bpf_core_field_offset(struct fib_info, fib_nh));
	struct net_device *dev;

	if (kernel_read(info, fib_priority) != metric)
		return 0;
	if (kernel_read(info, nh) || kernel_read(info, fib_nhs) != 1)
		return 1;
	dev = kernel_read(nh, nh_common.nhc_dev);
	return (__u32)kernel_read(dev, ifindex) == ifindex;
}

/*
 * The MTU that a route of the main table gives, locked or not; 0: none, or unknown. ifindex, metric: the device and
 * the metric of the route that was taken, which may be of another table.
 */
static __always_inline __u32 fib_route_mtu(__be32 dst, __u8 tos, __u32 ifindex, __u32 metric)
{
	struct fib_trie *f = fib_trie_find(RT_TABLE_MAIN, addr_of(dst), tos);
	struct dst_metrics *metrics;
	struct fib_info *info;
	__u32 mtu;

	if (!f || f->type != RTN_UNICAST)
		return 0;
	info = (void *)f->info;
	if (!fib_info_is(info, ifindex, metric))
		return 0;
	metrics = kernel_read(info, fib_metrics);
	mtu = kernel_read(metrics, metrics[RTAX_MTU - 1]);
	return mtu > 0xffff ? 0xffff : mtu;
}

#endif
