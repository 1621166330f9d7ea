/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * net.ipv4.ip_local_port_range: ports that the kernel takes for connections of the host's own (struct
 * netns_ipv4.ip_local_ports). Asked when a flow begins that shares an address with them.
 */
#ifndef EBPFNET_BPF_KERN_LOCAL_PORTS_H
#define EBPFNET_BPF_KERN_LOCAL_PORTS_H

#include "kern/netns.h"

#define LOCAL_PORTS_ENOUGH 1024	/* for flows beside the range */

/* Inclusive, in host byte order. */
struct local_ports_range {
	__u32 first_h, last_h;
};

/* Read the range of the packet's network namespace; where that cannot be, Linux' default is left. */
static __always_inline void local_ports_read(struct local_ports_range *out)
{
	struct net *net = netns_get();
	int pair[2] = {};
	__u32 word = 0;

	*out = (struct local_ports_range){ 32768, 60999 };
	if (!net)
		return;
	if (bpf_core_field_exists(struct local_ports, range)) {
		if (!bpf_probe_read_kernel(&word, sizeof(word), &net->ipv4.ip_local_ports.range) && word)
			*out = (struct local_ports_range){ word & 0xffff, word >> 16 };
	} else if (bpf_core_field_exists(struct local_ports___pair, range)) {
		if (!bpf_probe_read_kernel(pair, sizeof(pair),
					   &((struct netns_ipv4___pair *)&net->ipv4)->ip_local_ports.range) && pair[0])
			*out = (struct local_ports_range){ pair[0], pair[1] };
	}
}

/*
 * Narrow [*first_h, *last_h], 1024 to 65535, to the larger part beside the kernel's range: a connection of the host's
 * that comes later then has another port. Left as they are if the kernel's range leaves too little.
 */
__noinline int local_ports_avoid(__u16 *first_h, __u16 *last_h)
{
	struct local_ports_range own;

	if (!first_h || !last_h)
		return 0;
	local_ports_read(&own);
	if (own.first_h >= 1024 + LOCAL_PORTS_ENOUGH && own.first_h - 1024 >= 65535 - own.last_h)
		*last_h = own.first_h - 1;
	else if (own.last_h + LOCAL_PORTS_ENOUGH <= 65535)
		*first_h = own.last_h + 1;
	return 0;
}

#endif
