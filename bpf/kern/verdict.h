/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The result of a stage. */
#ifndef EBPFNET_BPF_KERN_VERDICT_H
#define EBPFNET_BPF_KERN_VERDICT_H

#include <ebpfnet/counters.h>

enum verdict {
	FWD_NEXT,			/* undecided: the next stage decides */
	FWD_PASS,			/* not handled here: to the next program, or the stack */
	FWD_PORT,			/* into the namespace behind port fwd_out.ifindex */
	FWD_FLOOD,			/* to the network's ports but the ingress port */
	FWD_TX,				/* out of the device it came from (ARP reply, ICMP error) */
	FWD_HOST,			/* up into the host, through the gateway device */
	FWD_HOST_LO,			/* up into the host's own sockets, over lo */
	FWD_UPLINK,			/* out of fwd_out.ifindex to fwd_out.nexthop */
	FWD_HAIRPIN,			/* re-injected at the ingress of uplink fwd_out.ifindex */
	FWD_STOLEN,			/* consumed: queued or fragmented, and re-injected later; or a copy */
	FWD_THROUGH,			/* up into the stack, to be forwarded by it, through the host's rules */
};

/* An enum verdict, or -COUNT_reason: drop. */
typedef int verdict_t;

#define DROP(reason) (-(verdict_t)COUNT_##reason)

_Static_assert(COUNT_unknown_ifindex > 0, "a drop code is negative: counter 0 must not be a drop");

/* Output device, next hop and counter of a verdict. */
struct fwd_out {
	__u32 ifindex;
	__be32 nexthop;
	enum counter counter;
	_Bool recheck;			/* FWD_UPLINK: the flow has just begun (nat/recheck.h) */
	__u16 port_flags;		/* FWD_FLOOD: only to ports with these PORT_*; 0: to all */
};

#endif
