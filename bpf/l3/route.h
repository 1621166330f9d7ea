/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Look-ups in the host's routing table: where a packet would go, and whether an address is the host's. */
#ifndef EBPFNET_BPF_L3_ROUTE_H
#define EBPFNET_BPF_L3_ROUTE_H

#include "kern/lookup.h"
#include "l3/route_cache.h"

/* Question and answer of bpf_fib_lookup(): 64 bytes, too many for the stack. */
PERCPU_SCRATCH(struct bpf_fib_lookup, fib_scratch)

/*
 * One FIB look-up. bpf_fib_lookup() requires forwarding to be on for the ingress device it is given. That is
 * the gateway's peer: there it is on, and packets from there do not reach the stack.
 */
static __always_inline long route_ask(ctx_t *ctx, struct bpf_fib_lookup *fib, struct ipaddr src,
				      struct ipaddr dst, __u8 tos, __u16 len)
{
	struct config *cfg = config_get();

	if (!cfg)
		return -1;
	*fib = (struct bpf_fib_lookup){
		.family = AF_INET,
		.tos = tos,
		.tot_len = len,
		.ifindex = cfg->fib_ifindex,
		.ipv4_src = addr_be32(src),
		.ipv4_dst = addr_be32(dst),
	};
	return bpf_fib_lookup(ctx, fib, sizeof(*fib),
			      BPF_FIB_LOOKUP_SKIP_NEIGH | BPF_FIB_LOOKUP_SRC);
}

/*
 * bpf_fib_lookup() answers "not forwarded" both for a local address and for one without a route. A route that
 * covers the address also covers the adjacent one: if that is routed, the address is local. 240.0.0.1 is used
 * as a probe for the default route.
 */
static __always_inline _Bool route_covers(ctx_t *ctx, struct bpf_fib_lookup *fib, struct ipaddr dst)
{
	struct ipaddr adjacent = dst, far = { { 240, 0, 0, 1 } };

	adjacent.octet[3] ^= 1;
	return route_ask(ctx, fib, addr_of(0), adjacent, 0, 0) != BPF_FIB_LKUP_RET_NOT_FWDED ||
	       route_ask(ctx, fib, addr_of(0), far, 0, 0) != BPF_FIB_LKUP_RET_NOT_FWDED;
}

/* route_find() without the cache. */
static __always_inline enum route_kind route_look_up(ctx_t *ctx, struct ipaddr src, struct ipaddr dst,
						     __u8 tos, __u16 len, struct route *out)
{
	struct bpf_fib_lookup *fib = fib_scratch_get();
	__u32 ifindex;
	long r;

	if (!fib)
		return ROUTE_FAILED;
	r = route_ask(ctx, fib, src, dst, tos, len);
	ifindex = fib->ifindex;
	out->ifindex = ifindex;
	out->nexthop = fib->family == AF_INET ? fib->ipv4_dst : 0;
	out->src = addr_of(fib->ipv4_src);
	out->mtu = fib->mtu_result;
	switch (r) {
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		if (!bpf_map_lookup_elem(&uplinks, &ifindex))
			return ROUTE_UNMANAGED;
		return ROUTE_UPLINK;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		/* the route's MTU is exceeded (no .ifindex); or with len 0 the device's, by the packet itself */
		if (!len && !bpf_map_lookup_elem(&uplinks, &ifindex))
			return ROUTE_UNMANAGED;
		return ROUTE_TOO_BIG;
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		return route_covers(ctx, fib, dst) ? ROUTE_LOCAL : ROUTE_NONE;
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

/*
 * Where the kernel would route a packet. tos_len: its TOS << 16 | its length on the wire from the IP header on,
 * which is checked against the path MTU; length 0: no packet, no check.
 */
__noinline enum route_kind route_find(ctx_t *ctx, __be32 src, __be32 dst, __u32 tos_len, struct route *out)
{
	struct route_cache_entry *e = route_cache_at(addr_of(src), addr_of(dst));
	struct config *cfg = config_get();
	__u8 tos = tos_len >> 16;
	__u16 len = tos_len;
	struct route_gens now;
	enum route_kind kind;

	if (!e || !cfg || !out)
		return ROUTE_FAILED;
	if (!route_gens(ctx, cfg, &now))
		return route_look_up(ctx, addr_of(src), addr_of(dst), tos, len, out);
	if (route_cache_valid(e, src, dst, tos, &now) && (len <= e->route.mtu || e->kind == ROUTE_LOCAL)) {
		*out = e->route;
		return e->kind;
	}
	kind = route_look_up(ctx, addr_of(src), addr_of(dst), tos, len, out);
	if (kind != ROUTE_UPLINK && kind != ROUTE_LOCAL)
		return kind;
	e->src = addr_of(src);
	e->dst = addr_of(dst);
	e->genid = now.genid;
	e->gen = now.gen;
	e->epoch = now.epoch;
	e->tos = tos;
	e->kind = kind;
	e->unicast = 0;
	e->route = *out;
	return kind;
}

/* How the kernel routes an address next to another one. */
enum adjacent {
	ADJACENT_ON_LINK,	/* routed without a router */
	ADJACENT_BEHIND_ROUTER,	/* routed by a router */
	ADJACENT_OTHER,		/* local, or not routed */
};

/* number: the address in host byte order. */
static __always_inline enum adjacent route_adjacent(ctx_t *ctx, struct bpf_fib_lookup *fib, __u32 number)
{
	struct ipaddr a = addr_of(__builtin_bswap32(number));
	long r = route_ask(ctx, fib, addr_of(0), a, 0, 0);

	if (r != BPF_FIB_LKUP_RET_SUCCESS && r != BPF_FIB_LKUP_RET_NO_NEIGH)
		return ADJACENT_OTHER;
	return fib->family == AF_INET && addr_eq(addr_of(fib->ipv4_dst), a) ? ADJACENT_ON_LINK :
									      ADJACENT_BEHIND_ROUTER;
}

/*
 * True if a local address is a link's broadcast address: the address below is on the link, the one above is
 * behind a router. Prefixes up to 30 have a broadcast address.
 */
static __always_inline _Bool route_is_broadcast(ctx_t *ctx, struct ipaddr addr)
{
	struct bpf_fib_lookup *fib = fib_scratch_get();
	__u32 number = __builtin_bswap32(addr_be32(addr));

	return fib && (number & 3) == 3 && route_adjacent(ctx, fib, number - 1) == ADJACENT_ON_LINK &&
	       route_adjacent(ctx, fib, number + 1) == ADJACENT_BEHIND_ROUTER;
}

/* True if the address is one of the host's own, broadcast addresses included. */
static __always_inline _Bool addr_is_local(ctx_t *ctx, struct ipaddr addr)
{
	struct route ignored;

	return route_find(ctx, 0, addr_be32(addr), 0, &ignored) == ROUTE_LOCAL;
}

/*
 * ROUTE_LOCAL if the address is one of the host's own and no broadcast address, else not. The look-up leaves
 * the cache entry in place, where the answer is kept.
 */
static __always_inline enum route_kind route_local_unicast(ctx_t *ctx, struct ipaddr addr)
{
	struct route_cache_entry *e = route_cache_at(addr_of(0), addr);
	struct route ignored;
	enum route_kind kind = route_find(ctx, 0, addr_be32(addr), 0, &ignored);

	if (kind != ROUTE_LOCAL || !e || e->unicast)
		return kind;
	if (route_is_broadcast(ctx, addr))
		return ROUTE_NONE;
	e->unicast = addr_eq(e->dst, addr) && e->kind == ROUTE_LOCAL;
	return kind;
}

#endif
