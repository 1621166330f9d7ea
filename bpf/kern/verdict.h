/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a stage says of a packet. */
#ifndef EBPFNET_BPF_KERN_VERDICT_H
#define EBPFNET_BPF_KERN_VERDICT_H

#include <ebpfnet/counters.h>

enum verdict {
	FWD_NEXT,			/* nothing yet: the next stage decides */
	FWD_PASS,			/* not ours: the next program, or the stack */
	FWD_PORT,		/* into the namespace behind port way.ifindex */
	FWD_FLOOD,			/* to every port of the network but the one it came from */
	FWD_TX,			/* out of the device it came from (an answer of ours) */
	FWD_HOST,		/* up into the host, through the gateway device */
	FWD_HOST_LO,			/* up into the host's own sockets, over lo */
	FWD_UPLINK,			/* out of way.ifindex to way.nexthop */
	FWD_HAIRPIN,		/* back in by the uplink way.ifindex, as if the outside had sent it */
	FWD_STOLEN,			/* not now: kept, or in pieces, it comes in once more */
};

/* An enum verdict, or -COUNT_reason: dropped. */
typedef int verdict_t;

#define DROP(reason) (-(verdict_t)COUNT_##reason)

_Static_assert(COUNT_unknown_ifindex > 0, "a drop code is negative: counter 0 must not be a drop");

/* Where to, for the verdicts that go somewhere, and as what it is counted. */
struct fwd_out {
	__u32 ifindex;
	__be32 nexthop;
	enum counter counter;
};

#endif
