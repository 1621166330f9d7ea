/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a stage says of a packet. */
#ifndef EBPFNET_BPF_VERDICT_H
#define EBPFNET_BPF_VERDICT_H

#include <ebpfnet/drop.h>

enum verdict {
	NEXT,			/* nothing yet: the next stage decides */
	PASS,			/* not ours: the next program, or the stack */
	DELIVER,		/* into the namespace behind port way.ifindex */
	FLOOD,			/* to every port of the network but the one it came from */
	BACK,			/* out of the device it came from (an answer of ours) */
	GATEWAY,		/* up into the host, through the gateway device */
	LOCAL,			/* up into the host's own sockets, over lo */
	UPLINK,			/* out of way.ifindex to way.nexthop */
	HAIRPIN,		/* back in by the uplink way.ifindex, as if the outside had sent it */
	AGAIN,			/* not now: kept, or in pieces, it comes in once more */
};

/* An enum verdict, or -COUNT_reason: dropped. */
typedef int verdict_t;

#define DROP(reason) (-(verdict_t)COUNT_##reason)

_Static_assert(COUNT_no_port > 0, "a drop code is negative: counter 0 must not be a drop");

/* Where to, for the verdicts that go somewhere, and as what it is counted. */
struct way {
	__u32 ifindex;
	__be32 nexthop;
	enum counter count;
};

#endif
