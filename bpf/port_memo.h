/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Ports, remembered per CPU while the configuration stays as it is (config.gen): one line of the cache
 * instead of the six that two look-ups touch.
 */
#ifndef EBPFNET_BPF_PORT_MEMO_H
#define EBPFNET_BPF_PORT_MEMO_H

#include "lookup.h"
#include "route_clock.h"

/* What was found of a port. */
struct port_memo {
	__u32 ifindex;			/* 0: nothing yet */
	__u32 gen;			/* config.gen */
	__u32 clock;			/* route_clock() when its device was seen to be there, if it was: .there */
	_Bool there;
	struct port port;
};

#define PORT_MEMOS 256

/* By the low bits of the ifindex, which the kernel gives out in order. */
struct port_memos {
	struct port_memo at[PORT_MEMOS];
};

struct port_memos_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct port_memos);
};

/* Of the ports that packets come from, and of those that they go to: one packet may need both at once. */
struct port_memos_map ports_from SEC(".maps");
struct port_memos_map ports_to SEC(".maps");

/* NULL: there is no such port. Good until the next call for the same map. */
static __always_inline struct port_memo *port_remember(struct port_memos_map *map, __u32 ifindex)
{
	__u32 zero = 0;
	struct port_memos *memos = bpf_map_lookup_elem(map, &zero);
	struct config *cfg = config_get();
	struct port_memo *m;
	struct port *port;
	__u32 gen;

	if (!memos || !cfg)
		return NULL;
	m = &memos->at[ifindex % PORT_MEMOS];
	gen = config_gen(cfg);
	if (m->ifindex == ifindex && m->gen == gen)
		return m;
	port = port_get(ifindex);
	if (!port)
		return NULL;
	m->gen = gen;
	m->ifindex = ifindex;
	m->there = 0;
	m->port = *port;
	return m;
}

/* Whether the port's device is there still. */
static __always_inline _Bool port_device_is_there(ctx_t *ctx, struct port_memo *m)
{
	_Bool timed, there;

	if (m->there && device_is_there_still(ctx, m->ifindex, m->clock))
		return 1;
	timed = route_clock(ctx, &m->clock);
	there = ctx_device_exists(ctx, m->ifindex);
	m->there = timed && there;
	return there;
}

#endif
