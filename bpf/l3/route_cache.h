/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Results of route look-ups, per CPU: good while nothing has changed that they depend on. */
#ifndef EBPFNET_BPF_L3_ROUTE_CACHE_H
#define EBPFNET_BPF_L3_ROUTE_CACHE_H

#include "kern/lookup.h"
#include "kern/percpu_cache.h"
#include "kern/rt_genid.h"

enum route_kind {
	ROUTE_UPLINK,		/* out of .ifindex, which has our programs */
	ROUTE_LOCAL,		/* an address of the host's own */
	ROUTE_HAIRPIN,		/* that, and there a namespace's external port: .ifindex is the uplink it is on */
	ROUTE_TOO_BIG,		/* out, but larger than .mtu */
	ROUTE_UNMANAGED,		/* out of a device where we could not see the answer */
	ROUTE_PROHIBITED,
	ROUTE_BLACKHOLE,
	ROUTE_NONE,		/* no route at all */
	ROUTE_DISABLED,		/* the kernel does not say: somebody switched forwarding off on our device */
	ROUTE_FAILED,
};

struct route {
	__be32 nexthop;		/* 0: the kernel finds it (a gateway that has an IPv6 address) */
	struct ipaddr src;	/* what the kernel would send from there now */
	__u32 ifindex;
	__u16 mtu;
};

/* What the routing table said, while nothing has changed since. */
struct route_cache_entry {
	struct ipaddr src, dst;
	__u32 genid;			/* rt_genid_read() */
	__u32 gen;			/* config.gen */
	__u32 epoch;			/* for what that clock does not count: what the host learns of a path's MTU */
	__u8 tos;
	__u8 kind;			/* enum route_kind: ROUTE_UPLINK or ROUTE_LOCAL */
	_Bool unicast;			/* ROUTE_LOCAL: and found to be no broadcast address */
	__u8 zero;
	struct route route;		/* .mtu: the way's */
};

#define ROUTE_CACHE_BITS 8

struct route_cache_row {
	struct route_cache_entry at[1 << ROUTE_CACHE_BITS];
};

/* PERCPU_ARRAY, by a hash of both addresses: a look-up in the table costs more than the rest of a packet. */
PERCPU_SCRATCH(struct route_cache_row, route_cache)

static __always_inline struct route_cache_entry *route_cache_at(struct ipaddr src, struct ipaddr dst)
{
	__u32 hash = cache_hash(addr_be32(src) * 31 + addr_be32(dst));
	struct route_cache_row *table = route_cache_get();

	return table ? &table->at[cache_index(hash, ROUTE_CACHE_BITS)] : NULL;
}

/* What it was told by at one moment, before the table is asked. */
struct route_gens {
	__u32 genid, gen, epoch;
};

/* False: nothing may be remembered, as nobody would say when it is no longer so. */
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
