/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Facts from the kernel's struct net_device about a device that packets are redirected to.
 *
 * Whether it takes them: without it, or while it is down, a redirect drops what it gets in silence, and no helper
 * tells. And whether a packet socket is bound to it (tcpdump -i): bpf_redirect_peer() goes round the host's end of a
 * pair, where such a socket listens.
 *
 * What is read is kept per CPU, while rt_genid is unchanged: the kernel raises it when a device is removed, goes up
 * or down or changes its carrier (net/ipv4/fib_frontend.c: fib_netdev_event()). Of a pair of veth devices both lose
 * their carrier when one is down. Where kernel memory is copied, a copy of rt_genid costs more than it spares, and
 * what is read is kept for a tick.
 */
#ifndef EBPFNET_BPF_KERN_DEVICE_H
#define EBPFNET_BPF_KERN_DEVICE_H

#include "kern/verdict.h"
#include "kern/veth.h"

#define DEV_IFF_UP 1			/* net_device.flags */
#define DEV_NOCARRIER (1ul << 2)	/* net_device.state: __LINK_STATE_NOCARRIER */

/* A device, as last read. */
struct device_entry {
	__u32 ifindex;			/* 0: nothing */
	__u32 then;			/* rt_genid or tick of that time */
	__u8 running;			/* up, with a carrier; also if that is unknown */
	__u8 tapped;			/* KERNEL_MEMORY_COPIED: a packet socket is bound to it */
	__u8 zero[6];
	__u64 taps;			/* kernel address of its list of packet sockets; 0: unknown */
};

#define DEVICE_TABLE_SIZE 256

/* Indexed by the low bits of the ifindex. */
struct device_table {
	struct device_entry at[DEVICE_TABLE_SIZE];
};

PERCPU_SCRATCH(struct device_table, device_table)

/* Read a device anew. */
__noinline int device_read(struct device_entry *e, __u32 ifindex, __u32 now)
{
	struct net_device *dev;
	unsigned long state;
	unsigned int flags;
	__u64 at = 0, first;

	if (!e)
		return 0;
	device_find(ifindex, &at);
	dev = (struct net_device *)at;
	e->running = !dev || bpf_probe_read_kernel(&flags, sizeof(flags), &dev->flags) ||
		     bpf_probe_read_kernel(&state, sizeof(state), &dev->state) ||
		     (flags & DEV_IFF_UP && !(state & DEV_NOCARRIER));
	e->taps = dev && bpf_core_field_exists(struct net_device, ptype_all) ? (__u64)&dev->ptype_all : 0;
	e->tapped = e->taps && !bpf_probe_read_kernel(&first, sizeof(first), (void *)e->taps) && first != e->taps;
	e->then = now;
	e->ifindex = ifindex;
	return 0;
}

/* A device as it is now; NULL: kernel memory is not read. */
static __always_inline struct device_entry *device_get(__u32 ifindex)
{
	struct device_table *table = device_table_get();
	struct device_entry *e;
	__u32 now;

	if (!table || kernel_memory == KERNEL_MEMORY_CLOSED || !bpf_core_field_exists(struct net, dev_index_head))
		return NULL;
	if (kernel_memory == KERNEL_MEMORY_COPIED)
		now = bpf_jiffies64();
	else if (!rt_genid_read(&now))
		return NULL;
	e = &table->at[ifindex % DEVICE_TABLE_SIZE];
	if (e->ifindex != ifindex || e->then != now)
		device_read(e, ifindex, now);
	return e;
}

/* True if a device that exists takes packets, or if that is unknown. */
__noinline int device_running(__u32 ifindex)
{
	struct device_entry *e = device_get(ifindex);

	return !e || e->running;
}

/*
 * True if a packet socket is bound to a device: one that was just found to take packets, which has read it anew if
 * anything has changed, or at egress the hook's own. A packet socket changes no id, so its list is looked at for each
 * packet, inline: a call costs more.
 */
static __always_inline _Bool device_tapped(__u32 ifindex)
{
	struct device_table *table = device_table_get();
	struct device_entry *e;
	struct list_head *taps;

	if (!table || kernel_memory == KERNEL_MEMORY_CLOSED || !bpf_core_field_exists(struct net, dev_index_head))
		return 0;
	e = &table->at[ifindex % DEVICE_TABLE_SIZE];
	if (e->ifindex != ifindex || (HOOK_IS_EGRESS && kernel_memory == KERNEL_MEMORY_COPIED))
		device_running(ifindex);
	if (kernel_memory == KERNEL_MEMORY_COPIED)
		return e->tapped;
	taps = bpf_rdonly_cast((void *)e->taps, bpf_core_type_id_kernel(struct list_head));
	return e->taps && (__u64)taps->next != e->taps;
}

/* The first IPv4 address of a device; 0: none, or it cannot be read. */
__noinline __be32 device_address(__u32 ifindex)
{
	struct net_device *dev;
	struct in_ifaddr *ifa;
	struct in_device *in;
	__u64 at = 0;

	device_find(ifindex, &at);
	dev = (struct net_device *)at;
	in = dev ? (struct in_device *)kernel_read(dev, ip_ptr) : NULL;
	ifa = in ? (struct in_ifaddr *)kernel_read(in, ifa_list) : NULL;
	return ifa ? kernel_read(ifa, ifa_local) : 0;
}

/* FWD_NEXT if a device takes packets; DROP(port_gone): it does not exist; DROP(down): it is down. */
__noinline verdict_t device_check(ctx_t *ctx, __u32 ifindex, verdict_t down)
{
	if (!ctx_device_exists(ctx, ifindex))
		return DROP(port_gone);
	return device_running(ifindex) ? FWD_NEXT : down;
}

#endif
