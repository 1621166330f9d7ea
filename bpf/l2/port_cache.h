/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Ports cached per CPU while config.gen is unchanged: one cache line instead of the six of two look-ups. */
#ifndef EBPFNET_BPF_L2_PORT_CACHE_H
#define EBPFNET_BPF_L2_PORT_CACHE_H

#include "kern/lookup.h"
#include "kern/device.h"

/* A cached port. */
struct port_cache_entry {
	__u32 ifindex;			/* 0: empty */
	__u32 gen;			/* config.gen */
	__u32 genid;			/* if .device_seen: rt_genid_read() when the device took packets */
	_Bool device_seen;
	struct port port;
};

#define PORT_CACHE_SIZE 256

/* Indexed by the low bits of the ifindex, which the kernel assigns in order. */
struct port_cache_table {
	struct port_cache_entry at[PORT_CACHE_SIZE];
};

/* Ingress ports, and output ports: a packet may need one of each at once. */
PERCPU_SCRATCH(struct port_cache_table, port_cache_in)
PERCPU_SCRATCH(struct port_cache_table, port_cache_out)

/* A device's port, or NULL. The pointer is valid until the next port_cache_get() on the same map. */
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

/* True if the port's device takes packets. */
static __always_inline _Bool port_device_usable(ctx_t *ctx, struct port_cache_entry *e)
{
	_Bool has_genid, usable;

	if (e->device_seen && device_unchanged_since(ctx, e->ifindex, e->genid))
		return 1;
	has_genid = rt_genid_read(ctx, &e->genid);
	usable = device_check(ctx, e->ifindex, DROP(port_down)) == FWD_NEXT;
	e->device_seen = has_genid && usable;
	return usable;
}

#endif
