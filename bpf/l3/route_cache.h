/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Results of route look-ups, cached per CPU. */
#ifndef EBPFNET_BPF_L3_ROUTE_CACHE_H
#define EBPFNET_BPF_L3_ROUTE_CACHE_H

#include "kern/lookup.h"
#include "kern/percpu_cache.h"
#include "kern/netns.h"

/* Kind of a result. */
enum route_kind {
	ROUTE_UPLINK,		/* out of .ifindex, a device with our programs */
	ROUTE_LOCAL,		/* an address of the host */
	ROUTE_HAIRPIN,		/* local, and a namespace's external port there: .ifindex is its uplink */
	ROUTE_TOO_BIG,		/* out, but larger than .mtu */
	ROUTE_UNMANAGED,	/* out of a device without our programs, where replies would not be seen */
	ROUTE_PROHIBITED,
	ROUTE_BLACKHOLE,
	ROUTE_NONE,		/* no route */
	ROUTE_DISABLED,		/* unknown: forwarding has been switched off on the gateway device */
	ROUTE_FAILED,
};

/* Whether a local address is a broadcast address of a link. */
enum broadcast {
	BROADCAST_NO,
	BROADCAST_YES,
	BROADCAST_UNKNOWN,
} __attribute__((packed));

/* A result. */
struct route {
	__be32 nexthop;		/* 0: left to the kernel (a gateway with an IPv6 address, UPLINK_NEEDS_ROUTE) */
	struct ipaddr src;	/* source address that the kernel would choose */
	__u32 ifindex;
	__u16 mtu;		/* path MTU; ROUTE_TOO_BIG: the MTU exceeded */
	enum broadcast broadcast; /* ROUTE_LOCAL */
	__u8 network;		/* id of the network that the destination is in; 0: none of ours */
};

/* A question: a packet, as the kernel's rules see it when it is routed. In scratch memory: see PERCPU_SCRATCH(). */
struct route_query {
	__be32 src, dst;	/* src: the one it will carry, if it is that of the host */
	__u16 len;		/* on the wire, from the IP header on; 0: no packet, the MTU is not checked */
	__u8 tos;
	enum l4proto proto;	/* L4_ANY: no packet */
	__u16 sport_h, dport_h;
};

PERCPU_SCRATCH(struct route_query, route_query)

/* A cached result. */
struct route_cache_entry {
	struct ipaddr src, dst;
	__u32 stamp;
	__u8 tos;
	__u8 kind;			/* ROUTE_UPLINK or ROUTE_LOCAL */
	enum l4proto proto;		/* with .ports: 0 unless routes depend on them */
	__u8 zero;
	__u32 ports;
	struct route route;		/* .mtu: the path's */
};

#define ROUTE_CACHE_BITS 8

struct route_cache_row {
	struct route_cache_entry at[1 << ROUTE_CACHE_BITS];
};

/* By a hash of both addresses: a FIB look-up costs more than the rest of a packet. */
PERCPU_SCRATCH(struct route_cache_row, route_cache)

static __always_inline struct route_cache_entry *route_cache_at(__be32 src, __be32 dst)
{
	__u32 hash = cache_hash(src * 31 + dst);
	struct route_cache_row *table = route_cache_get();

	return table ? &table->at[cache_index(hash, ROUTE_CACHE_BITS)] : NULL;
}

/*
 * True if there is a rule by protocol or port, or paths are chosen by ports: the kernel's forwarding looks at them in
 * no other case. A rule changes rt_genid after it changes this.
 */
static __always_inline _Bool route_by_ports(void)
{
	struct net *net = netns_get();

	if (!net || !bpf_core_field_exists(struct netns_ipv4, fib_rules_require_fldissect))
		return 1;
	if (kernel_read(net, ipv4.fib_rules_require_fldissect))
		return 1;
	return bpf_core_field_exists(struct netns_ipv4, sysctl_fib_multipath_hash_policy) &&
	       kernel_read(net, ipv4.sysctl_fib_multipath_hash_policy);
}

/* Both ports of a question, of one whose answer depends on them. */
static __always_inline __u32 route_ports(const struct route_query *q)
{
	return (__u32)q->sport_h << 16 | q->dport_h;
}

/* by_ports: see route_by_ports(). */
static __always_inline _Bool route_cache_valid(const struct route_cache_entry *e, const struct route_query *q,
					       __u32 stamp, _Bool by_ports)
{
	if (by_ports ? e->proto != q->proto || e->ports != route_ports(q) : e->proto != L4_ANY)
		return 0;
	return e->stamp == stamp && e->tos == q->tos && addr_be32(e->src) == q->src && addr_be32(e->dst) == q->dst;
}

#endif
