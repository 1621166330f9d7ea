/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Results of route look-ups, cached per CPU while rt_genid, config.gen and the epoch are unchanged. */
#ifndef EBPFNET_BPF_L3_ROUTE_CACHE_H
#define EBPFNET_BPF_L3_ROUTE_CACHE_H

#include "kern/lookup.h"
#include "kern/percpu_cache.h"
#include "kern/rt_genid.h"

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
	ROUTE_DISABLED,		/* unknown: forwarding has been switched off on the gateway's peer */
	ROUTE_FAILED,
};

/* A result. */
struct route {
	__be32 nexthop;		/* 0: left to the kernel (a gateway with an IPv6 address) */
	struct ipaddr src;	/* source address that the kernel would choose */
	__u32 ifindex;
	__u16 mtu;		/* path MTU; ROUTE_TOO_BIG: the MTU exceeded */
};

/* A cached result. */
struct route_cache_entry {
	struct ipaddr src, dst;
	__u32 genid;			/* rt_genid_read() */
	__u32 gen;			/* config.gen */
	__u32 epoch;			/* for changes without rt_genid: path MTUs that the host learns */
	__u8 tos;
	__u8 kind;			/* ROUTE_UPLINK or ROUTE_LOCAL */
	_Bool unicast;			/* ROUTE_LOCAL: known to be no broadcast address */
	__u8 zero;
	struct route route;		/* .mtu: the path's */
};

#define ROUTE_CACHE_BITS 8

struct route_cache_row {
	struct route_cache_entry at[1 << ROUTE_CACHE_BITS];
};

/* By a hash of both addresses: a FIB look-up costs more than the rest of a packet. */
PERCPU_SCRATCH(struct route_cache_row, route_cache)

static __always_inline struct route_cache_entry *route_cache_at(struct ipaddr src, struct ipaddr dst)
{
	__u32 hash = cache_hash(addr_be32(src) * 31 + addr_be32(dst));
	struct route_cache_row *table = route_cache_get();

	return table ? &table->at[cache_index(hash, ROUTE_CACHE_BITS)] : NULL;
}

/* Generation counters, sampled before the FIB look-up. */
struct route_gens {
	__u32 genid, gen, epoch;
};

/* Sample them. False if rt_genid cannot be read: results must not be cached. */
static __always_inline _Bool route_gens(ctx_t *ctx, const struct config *cfg, struct route_gens *now)
{
	now->gen = config_gen(cfg);
	now->epoch = cache_epoch();
	return rt_genid_read(ctx, &now->genid);
}

static __always_inline _Bool route_cache_valid(const struct route_cache_entry *e, __be32 src, __be32 dst, __u8 tos,
					       const struct route_gens *now)
{
	return e->genid == now->genid && e->epoch == now->epoch && e->gen == now->gen && e->tos == tos &&
	       addr_be32(e->src) == src && addr_be32(e->dst) == dst;
}

#endif
