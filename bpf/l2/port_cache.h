/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ports, remembered per CPU while the configuration stays as it is (config.gen): one line of the cache
 * instead of the six that two look-ups touch.
 */
#ifndef EBPFNET_BPF_L2_PORT_CACHE_H
#define EBPFNET_BPF_L2_PORT_CACHE_H

#include "kern/lookup.h"
#include "kern/rt_genid.h"

/* What was found of a port. */
struct port_cache_entry {
	__u32 ifindex;			/* 0: nothing yet */
	__u32 gen;			/* config.gen */
	__u32 genid;			/* rt_genid_read() when its device was seen to be there, if it was: .there */
	_Bool device_seen;
	struct port port;
};

#define PORT_CACHE_SIZE 256

/* By the low bits of the ifindex, which the kernel gives out in order. */
struct port_cache_table {
	struct port_cache_entry at[PORT_CACHE_SIZE];
};

/* Of the ports that packets come from, and of those that they go to: one packet may need both at once. */
PERCPU_SCRATCH(struct port_cache_table, port_cache_in)
PERCPU_SCRATCH(struct port_cache_table, port_cache_out)

/* NULL: there is no such port. Good until the next call for the same map. */
static __always_inline struct port_cache_entry *port_cache_get(void *map, __u32 ifindex)
{
	__u32 zero = 0;
	struct port_cache_table *table = bpf_map_lookup_elem(map, &zero);
	struct config *cfg = config_get();
	struct port_cache_entry *e;
	struct port *port;
	__u32 gen;

	if (!table || !cfg)
		return NULL;
	e = &table->at[ifindex % PORT_CACHE_SIZE];
	gen = config_gen(cfg);
	if (e->ifindex == ifindex && e->gen == gen)
		return e;
	port = port_get(ifindex);
	if (!port)
		return NULL;
	e->gen = gen;
	e->ifindex = ifindex;
	e->device_seen = 0;
	e->port = *port;
	return e;
}

/* Whether the port's device is there still. */
static __always_inline _Bool port_device_exists(ctx_t *ctx, struct port_cache_entry *e)
{
	_Bool has_genid, exists;

	if (e->device_seen && device_unchanged_since(ctx, e->ifindex, e->genid))
		return 1;
	has_genid = rt_genid_read(ctx, &e->genid);
	exists = ctx_device_exists(ctx, e->ifindex);
	e->device_seen = has_genid && exists;
	return exists;
}

#endif
