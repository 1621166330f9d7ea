/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The decision about a routed packet: its flow, or the one that it is to begin, and the way out. from_port.h,
 * from_uplink.h and from_host.h decide, each for packets of one origin, and pipeline.h carries it out.
 */
#ifndef EBPFNET_BPF_NAT_DECISION_H
#define EBPFNET_BPF_NAT_DECISION_H

#include "kern/lookup.h"
#include "l3/route_cache.h"

enum origin {
	FROM_PORT,			/* a namespace's packet to the gateway's MAC address */
	FROM_UPLINK,			/* arrived for the host, by an uplink or lo */
	FROM_HOST,			/* leaves by an uplink: the host's own, or forwarded by it */
	FROM_STACK,			/* leaves by an uplink: a namespace's, through the host's rules */
};

/* The part that functions fill in which are not inlined; not on the stack, which is 512 bytes in all. */
struct resolved {
	struct route route;
	__u32 portmap;			/* id of struct decision.portmap */
};

PERCPU_SCRATCH(struct resolved, resolved)

struct decision {
	enum origin from;
	_Bool routed;			/* through a router: the TTL counts */
	_Bool hairpin;			/* FROM_UPLINK: of a namespace */
	_Bool copy;			/* FROM_UPLINK: asks the host's rules (nat/ask.h) */
	enum flow_target back_to;	/* of a flow to .portmap: target of its replies */
	struct flow *f;			/* the packet's flow; NULL: it is to begin one */
	const struct portmap *portmap;	/* that one leads to a published port; NULL: it leaves by the route */
	const struct port *port;	/* FROM_PORT, FROM_STACK: the sender's, and its network; else NULL */
	__u32 port_ifindex;
	const struct network *net;
	struct ipaddr router;		/* source of ICMP errors */
	enum route_kind kind;		/* of what leaves */
	struct resolved *resolved;
};

/* For a new decision. NULL: there is none. */
static __always_inline struct resolved *resolved_begin(void)
{
	struct resolved *r = resolved_get();

	if (r)
		*r = (struct resolved){};
	return r;
}

/* True if the packet is to leave by an uplink that the routing table chooses. */
static __always_inline _Bool decision_leaves(const struct decision *d)
{
	return d->from == FROM_PORT && (d->f ? d->f->to == TO_UPLINK : !d->portmap);
}

/* True if it leads from one namespace to another, or to itself, by a published port (hairpin). */
static __always_inline _Bool decision_is_between(const struct decision *d)
{
	return d->from == FROM_PORT && (d->f ? d->f->to == TO_PORT : d->portmap != NULL);
}

/* True if the packet passes a router: one that is for the host, or of it, does not. */
static __always_inline _Bool decision_is_routed(const struct decision *d)
{
	return d->routed && !(d->f && (d->f->to == TO_LOCAL || d->f->to == TO_STACK));
}

#endif
