/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Look-ups in the host's routing table: where a packet would go, and whether an address is the host's. */
#ifndef EBPFNET_BPF_L3_ROUTE_H
#define EBPFNET_BPF_L3_ROUTE_H

#include "kern/fib_trie.h"
#include "kern/lookup.h"
#include "l3/route_cache.h"

/* Question and answer of bpf_fib_lookup(): 64 bytes, too many for the stack. */
PERCPU_SCRATCH(struct bpf_fib_lookup, fib_scratch)

/*
 * One FIB look-up. bpf_fib_lookup() requires forwarding to be on for the ingress device it is given. That is the
 * gateway device, which rules by device name; what is handed to the host there is for the host's own addresses.
 */
static __always_inline long route_ask(ctx_t *ctx, struct bpf_fib_lookup *fib)
{
	struct config *cfg = config_get();

	if (!cfg)
		return -1;
	fib->family = AF_INET;
	fib->ifindex = cfg->fib_ifindex;
	return bpf_fib_lookup(ctx, fib, sizeof(*fib),
			      BPF_FIB_LOOKUP_SKIP_NEIGH | BPF_FIB_LOOKUP_SRC);
}

/* The kernel's route to an address next to another one. */
enum adjacent {
	ADJACENT_ON_LINK,	/* routed without a router */
	ADJACENT_BEHIND_ROUTER,	/* routed by a router */
	ADJACENT_OTHER,		/* local, or not routed */
};

/* number: the address in host byte order. */
static __always_inline enum adjacent route_adjacent(ctx_t *ctx, struct bpf_fib_lookup *fib, __u32 number)
{
	__be32 addr = __builtin_bswap32(number);
	long r;

	*fib = (struct bpf_fib_lookup){ .ipv4_dst = addr };
	r = route_ask(ctx, fib);
	if (r != BPF_FIB_LKUP_RET_SUCCESS && r != BPF_FIB_LKUP_RET_NO_NEIGH)
		return ADJACENT_OTHER;
	return fib->family == AF_INET && fib->ipv4_dst == addr ? ADJACENT_ON_LINK : ADJACENT_BEHIND_ROUTER;
}

/*
 * Without the kernel's table (lockdown) this is a guess from its answers for other addresses. bpf_fib_lookup()
 * answers "not forwarded" both for a local address and for one without a route. A route that covers the address also
 * covers the adjacent one: if that is routed, the address is local. 240.0.0.1 is used as a probe for the default
 * route.
 */
static __always_inline _Bool route_covers(ctx_t *ctx, struct bpf_fib_lookup *fib, __be32 dst)
{
	__u32 number = __builtin_bswap32(dst);

	return route_adjacent(ctx, fib, number ^ 1) != ADJACENT_OTHER ||
	       route_adjacent(ctx, fib, 240u << 24 | 1) != ADJACENT_OTHER;
}

/*
 * Another guess: a local address is a link's broadcast address if the address below is on the link and that of the
 * host there is another one, and the address above is behind a router. Prefixes up to 30 have a broadcast address.
 */
static __always_inline _Bool route_is_broadcast(ctx_t *ctx, __be32 addr)
{
	struct bpf_fib_lookup *fib = fib_scratch_get();
	__u32 number = __builtin_bswap32(addr);

	return fib && (number & 3) == 3 && route_adjacent(ctx, fib, number - 1) == ADJACENT_ON_LINK &&
	       fib->ipv4_src != addr && route_adjacent(ctx, fib, number + 1) == ADJACENT_BEHIND_ROUTER;
}

/* An address that is not forwarded: ROUTE_LOCAL and whether it is a broadcast address, or ROUTE_NONE. */
static __always_inline enum route_kind route_local(ctx_t *ctx, struct bpf_fib_lookup *fib, __be32 dst,
						   struct route *out)
{
	int type = fib_local_type(dst);

	out->broadcast = type == RTN_LOCAL     ? BROADCAST_NO :
			 type == RTN_BROADCAST ? BROADCAST_YES :
						 BROADCAST_UNKNOWN;
	if (type == RTN_LOCAL || type == RTN_BROADCAST || (type < 0 && route_covers(ctx, fib, dst)))
		return ROUTE_LOCAL;
	return ROUTE_NONE;
}

/* A route out of an uplink. The kernel's forwarding takes its MTU, locked or not; bpf_fib_lookup() the locked one. */
static __always_inline enum route_kind route_uplink(const struct route_query *q, __u32 metric,
						    struct route *out)
{
	__u32 mtu = fib_route_mtu(q->dst, q->tos, out->ifindex, metric);

	if (mtu && mtu < out->mtu)
		out->mtu = mtu;
	return q->len > out->mtu ? ROUTE_TOO_BIG : ROUTE_UPLINK;
}

/* route_find() without the cache. */
static __always_inline enum route_kind route_look_up(ctx_t *ctx, const struct route_query *q, struct route *out)
{
	struct bpf_fib_lookup *fib = fib_scratch_get();
	struct uplink *uplink;
	__u32 ifindex;
	long r;

	if (!fib)
		return ROUTE_FAILED;
	*fib = (struct bpf_fib_lookup){
		.tos = q->tos,
		.tot_len = q->len,
		.l4_protocol = q->proto,
		.sport = __builtin_bswap16(q->sport_h),
		.dport = __builtin_bswap16(q->dport_h),
		.ipv4_src = q->src,
		.ipv4_dst = q->dst,
	};
	r = route_ask(ctx, fib);
	ifindex = fib->ifindex;
	out->ifindex = ifindex;
	out->nexthop = fib->family == AF_INET ? fib->ipv4_dst : 0;
	out->src = addr_of(fib->ipv4_src);
	out->mtu = fib->mtu_result;
	out->broadcast = BROADCAST_NO;
	out->network = address_is_private((const struct ipaddr *)&q->dst);
	switch (r) {
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		uplink = bpf_map_lookup_elem(&uplinks, &ifindex);
		if (!uplink)
			return ROUTE_UNMANAGED;
		if (uplink->flags & UPLINK_NEEDS_ROUTE)
			out->nexthop = 0;
		return route_uplink(q, fib->rt_metric, out);
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		/* the route's MTU is exceeded (no .ifindex); or with len 0 the device's, by the packet itself */
		if (!q->len && !bpf_map_lookup_elem(&uplinks, &ifindex))
			return ROUTE_UNMANAGED;
		return ROUTE_TOO_BIG;
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		return route_local(ctx, fib, q->dst, out);
	case BPF_FIB_LKUP_RET_BLACKHOLE:
		return ROUTE_BLACKHOLE;
	case BPF_FIB_LKUP_RET_UNREACHABLE:
	case BPF_FIB_LKUP_RET_PROHIBIT:
		return ROUTE_PROHIBITED;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		count(COUNT_fib_fwd_disabled);
		return ROUTE_DISABLED;
	default:
		return ROUTE_FAILED;
	}
}

/* The kernel's route for a packet. */
__noinline enum route_kind route_find(ctx_t *ctx, const struct route_query *q, struct route *out)
{
	struct route_cache_entry *e = q ? route_cache_at(q->src, q->dst) : NULL;
	struct config *cfg = config_get();
	enum route_kind kind;
	_Bool by_ports;
	__u32 stamp;

	if (!e || !cfg || !out || !q)
		return ROUTE_FAILED;
	stamp = cache_stamp(cfg);
	by_ports = route_by_ports();
	if (stamp && route_cache_valid(e, q, stamp, by_ports) && (q->len <= e->route.mtu || e->kind == ROUTE_LOCAL)) {
		*out = e->route;
		return e->kind;
	}
	kind = route_look_up(ctx, q, out);
	if (!stamp || (kind != ROUTE_UPLINK && kind != ROUTE_LOCAL))
		return kind;
	e->src = addr_of(q->src);
	e->dst = addr_of(q->dst);
	e->stamp = stamp;
	e->tos = q->tos;
	e->kind = kind;
	e->proto = by_ports ? q->proto : L4_ANY;
	e->ports = by_ports ? route_ports(q) : 0;
	e->route = *out;
	return kind;
}

/* The kernel's route to an address. */
static __always_inline enum route_kind route_to(ctx_t *ctx, struct ipaddr dst, struct route *out)
{
	struct route_query *q = route_query_get();

	if (!q)
		return ROUTE_FAILED;
	*q = (struct route_query){ .dst = addr_be32(dst) };
	return route_find(ctx, q, out);
}

/* True if the address is one of the host's own, broadcast addresses included. */
static __always_inline _Bool addr_is_local(ctx_t *ctx, struct ipaddr addr)
{
	struct route ignored;

	return route_to(ctx, addr, &ignored) == ROUTE_LOCAL;
}

/* ROUTE_LOCAL if the address is one of the host's own and no broadcast address, else not. */
static __always_inline enum route_kind route_local_unicast(ctx_t *ctx, struct ipaddr addr)
{
	struct route route;
	enum route_kind kind = route_to(ctx, addr, &route);

	if (kind == ROUTE_LOCAL && (route.broadcast == BROADCAST_YES ||
				    (route.broadcast == BROADCAST_UNKNOWN && route_is_broadcast(ctx, addr_be32(addr)))))
		return ROUTE_NONE;
	return kind;
}

#endif
