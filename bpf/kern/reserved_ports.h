/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * net.ipv4.ip_local_reserved_ports: ports that the host keeps for services, and takes for no connection of its own.
 * The kernel's bit map is read, as no helper tells (struct netns_ipv4.sysctl_local_reserved_ports).
 */
#ifndef EBPFNET_BPF_KERN_RESERVED_PORTS_H
#define EBPFNET_BPF_KERN_RESERVED_PORTS_H

#include "kern/maps.h"
#include "kern/netns.h"

/* Kernel address of the bit map. It is constant, as is netns_addr. 0: not looked for yet. */
PERCPU_SCRATCH(__u64, reserved_ports_ptr)

/* Address of the map of the packet's network namespace; 0: unreadable. */
static __always_inline __u64 reserved_ports_find(void)
{
	struct net *net = netns_get();
	unsigned long *bits = NULL;

	if (!net || bpf_probe_read_kernel(&bits, sizeof(bits), &net->ipv4.sysctl_local_reserved_ports))
		return 0;
	return (__u64)bits;
}

/* True if the port is reserved, as far as that can be read. Host byte order. */
__noinline int port_is_reserved(__u16 port_h)
{
	__u64 *at = reserved_ports_ptr_get(), bits = 0;

	if (!at || kernel_memory == KERNEL_MEMORY_CLOSED ||
	    !bpf_core_field_exists(struct netns_ipv4, sysctl_local_reserved_ports))
		return 0;
	if (!*at)
		*at = reserved_ports_find();
	if (!*at || bpf_probe_read_kernel(&bits, sizeof(bits), (void *)(*at + port_h / 64 * 8)))
		return 0;
	return bits >> port_h % 64 & 1;
}

#endif
