/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The device inside a namespace, behind a port. A frame that is sent to the port (not by bpf_redirect_peer()) and is
 * larger than that device's MTU is dropped by the veth driver, which no helper tells.
 */
#ifndef EBPFNET_BPF_KERN_VETH_H
#define EBPFNET_BPF_KERN_VETH_H

#include "kern/ctx_tc.h"
#include "kern/maps.h"
#include "kern/rt_genid.h"

#define VETH_SIZE 256
#define VETH_CHAIN 64		/* devices whose ifindex has the same low bits */
#define NETDEV_ALIGN 32
#define VETH_MTU_MIN 68		/* RFC 791: no device of IPv4 has less */
#define VETH_ROOM (ETH_HLEN + 4) /* that a driver allows beyond the MTU: is_skb_forwardable() */

/* A port's peer in kernel memory, per CPU: valid while the host's rt_genid is, which the end of a device changes. */
struct veth_entry {
	__u32 ifindex;		/* of the port; 0: empty */
	__u32 genid;
	__u64 peer;		/* struct net_device; 0: unknown */
};

struct veth_table {
	struct veth_entry at[VETH_SIZE];
};

PERCPU_SCRATCH(struct veth_table, veth_table)

/* Put the kernel address of the device of that ifindex into *found; 0: none. Returns 0: the address is no scalar. */
__noinline int device_find(__u32 ifindex, __u64 *found)
{
	struct net *net = netns_get();
	struct hlist_head *bucket;
	struct hlist_node *node;
	struct net_device *dev;
	int i;

	if (!found)
		return 0;
	*found = 0;
	if (!net)
		return 0;
	bucket = (void *)((__u64)kernel_read(net, dev_index_head) + (ifindex & 255) * sizeof(void *));
	node = kernel_read(bucket, first);
	for (i = 0; i < VETH_CHAIN && node; i++) {
		dev = (void *)((__u64)node - bpf_core_field_offset(struct net_device, index_hlist));
		if ((__u32)kernel_read(dev, ifindex) == ifindex) {
			*found = (__u64)dev;
			break;
		}
		node = kernel_read(node, next);
	}
	return 0;
}

/* Its peer, the first member of the driver's part of a veth (struct veth_priv); 0: unknown. */
static __always_inline __u64 veth_peer(__u64 dev)
{
	__u64 size = bpf_core_type_size(struct net_device);
	struct hlist_head *priv;

	if (bpf_core_field_exists(struct net_device, priv))
		size = bpf_core_field_offset(struct net_device, priv);
	priv = (void *)(dev + (size + NETDEV_ALIGN - 1) / NETDEV_ALIGN * NETDEV_ALIGN);
	return dev ? (__u64)kernel_read(priv, first) : 0;
}

/* The MTU of the device inside, behind a port that is a veth; 0: unknown. */
__noinline __u32 veth_inner_mtu(__u32 ifindex)
{
	struct veth_table *table = veth_table_get();
	struct net_device *peer;
	struct veth_entry *e;
	__u64 dev = 0;
	__u32 genid;

	if (!table || !rt_genid_read(&genid))
		return 0;
	e = &table->at[ifindex % VETH_SIZE];
	if (e->ifindex != ifindex || e->genid != genid) {
		device_find(ifindex, &dev);
		e->peer = veth_peer(dev);
		e->ifindex = ifindex;
		e->genid = genid;
	}
	peer = (void *)e->peer;
	return peer ? kernel_read(peer, mtu) : 0;
}

/* True if the device behind a port takes the frame, or may. */
static __always_inline _Bool veth_takes(ctx_t *ctx, __u32 ifindex)
{
	__u32 mtu;

	if (ctx->len <= VETH_MTU_MIN + VETH_ROOM || ctx_is_gso(ctx))
		return 1;
	mtu = veth_inner_mtu(ifindex);
	return !mtu || ctx->len <= mtu + VETH_ROOM;
}

#endif
