/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The host's routing table, asked for a packet of a namespace. */
#ifndef EBPFNET_BPF_L3_ROUTE_H
#define EBPFNET_BPF_L3_ROUTE_H

#include "kern/lookup.h"
#include "l3/route_cache.h"

/* PERCPU_ARRAY: the question and its answer, 64 bytes that the stack has not got. */
PERCPU_SCRATCH(struct bpf_fib_lookup, fib_scratch)

/*
 * bpf_fib_lookup() refuses unless forwarding is on for the device in whose name it asks, so it asks
 * in the name of the gateway's peer, where it is on and whose packets never reach the stack.
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
 * A destination that is the host's own and one without any route give the same answer, "not
 * forwarded". What has a route covers its neighbours too: if one of those is routed and this is
 * not, then this is the host's. Class E stands for what only a default route covers.
 */
static __always_inline _Bool route_covers(ctx_t *ctx, struct bpf_fib_lookup *fib, struct ipaddr dst)
{
	struct ipaddr adjacent = dst, far = { { 240, 0, 0, 1 } };

	adjacent.octet[3] ^= 1;
	return route_ask(ctx, fib, addr_of(0), adjacent, 0, 0) != BPF_FIB_LKUP_RET_NOT_FWDED ||
	       route_ask(ctx, fib, addr_of(0), far, 0, 0) != BPF_FIB_LKUP_RET_NOT_FWDED;
}

/* As route_find() says it, and nothing remembered. */
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
		/* the route is too narrow, which has no .ifindex; or with len 0 the device for the packet itself */
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
 * Where the kernel would send a packet. tos_len: its TOS above 16 bits of its length on the wire from the IP
 * header on, which counts against the way's MTU; 0: it is no packet that is asked for.
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

enum adjacent {
	ADJACENT_ON_LINK,	/* routed without a router */
	ADJACENT_BEHIND_ROUTER,	/* routed by one */
	ADJACENT_OTHER,	/* the host's own, or not routed */
};

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
 * Whether an address that is "here" is the broadcast address of a link: the one before it is on the
 * link, the one behind it is behind a router. Prefixes up to 30 have one.
 */
static __always_inline _Bool route_is_broadcast(ctx_t *ctx, struct ipaddr addr)
{
	struct bpf_fib_lookup *fib = fib_scratch_get();
	__u32 number = __builtin_bswap32(addr_be32(addr));

	return fib && (number & 3) == 3 && route_adjacent(ctx, fib, number - 1) == ADJACENT_ON_LINK &&
	       route_adjacent(ctx, fib, number + 1) == ADJACENT_BEHIND_ROUTER;
}

/* Whether an address is one of the host's own now, be it that of a broadcast. */
static __always_inline _Bool addr_is_local(ctx_t *ctx, struct ipaddr addr)
{
	struct route ignored;

	return route_find(ctx, 0, addr_be32(addr), 0, &ignored) == ROUTE_LOCAL;
}

/*
 * The same but for broadcasts: ROUTE_LOCAL, or what route_find() says. What it remembers of the address is in
 * its place still.
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
