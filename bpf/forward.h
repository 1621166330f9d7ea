/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From verdict to action: the only place that sends a packet anywhere, and the only one that counts. */
#ifndef EBPFNET_BPF_FORWARD_H
#define EBPFNET_BPF_FORWARD_H

#include "ctx_tc.h"
#include "lookup.h"
#include "verdict.h"

struct flood {
	ctx_t *ctx;
	__u32 in_ifindex, last;
	__u16 net;
};

/* bpf_for_each_map_elem callback over ports: a copy to the last one found, so that the final one gets the original. */
static long flood_port(void *map, const __u32 *ifindex, struct port *port, struct flood *f)
{
	if (port->net != f->net || *ifindex == f->in_ifindex)
		return 0;
	if (f->last)
		ctx_copy_to(f->ctx, f->last);
	f->last = *ifindex;
	return 0;
}

/* To every port of the network but the one it came from, and to the host unless it came from there or is tagged. */
static __always_inline int flood(ctx_t *ctx, __u16 net, __u32 in_ifindex, __u32 gw_ifindex)
{
	struct flood f = { .ctx = ctx, .in_ifindex = in_ifindex, .net = net };

	bpf_for_each_map_elem(&ports, flood_port, &f, 0);
	if (HOOK_IS_EGRESS || ctx_vlan(ctx))
		return f.last ? ctx_send(ctx, f.last) : ACTION_DROP;
	if (f.last)
		ctx_copy_to(ctx, f.last);
	return ctx_receive(ctx, gw_ifindex);
}

/* By an uplink, marked as ours. */
static __always_inline int send_out(ctx_t *ctx, const struct config *cfg, const struct way *way)
{
	ctx_mark_ours(ctx, cfg->mark);
	return ctx_send_via(ctx, way->ifindex, way->nexthop);
}

/* By express lane: the device is there, and few ways lead from here. GATEWAY: it is way.ifindex. */
static __always_inline int forward_fast(ctx_t *ctx, verdict_t v, const struct way *way)
{
	struct config *cfg = config_get();

	if (v < 0) {
		count(-v);
		return ACTION_DROP;
	}
	count(way->count);
	if (v == DELIVER)
		return ctx_to_port(ctx, way->ifindex);
	if (v == GATEWAY)
		return ctx_receive(ctx, way->ifindex);
	return cfg ? send_out(ctx, cfg, way) : ACTION_DROP;
}

/* net: the network whose gateway and ports the verdict speaks of; NULL for hooks that flood nothing. */
static __always_inline int forward(ctx_t *ctx, verdict_t v, const struct way *way, __u16 net_id,
				   const struct network *net)
{
	struct config *cfg = config_get();

	if (v == DELIVER && !ctx_device_exists(ctx, way->ifindex))
		v = DROP(port_gone);
	if (v < 0) {
		count(-v);
		return ACTION_DROP;
	}
	if (v == AGAIN) /* it is counted then */
		return ACTION_DROP;
	count(way->count);
	switch (v) {
	case DELIVER:
		return ctx_to_port(ctx, way->ifindex);
	case FLOOD:
		return net ? flood(ctx, net_id, ctx->ifindex, net->gw_ifindex) : ACTION_DROP;
	case BACK:
		return HOOK_IS_EGRESS ? ctx_receive(ctx, ctx->ifindex) : ctx_send(ctx, ctx->ifindex);
	case GATEWAY:
		return net ? ctx_receive(ctx, net->gw_ifindex) : ACTION_DROP;
	case LOCAL:
		return cfg ? ctx_to_local(ctx, cfg->lo_ifindex) : ACTION_DROP;
	case UPLINK:
		return cfg ? send_out(ctx, cfg, way) : ACTION_DROP;
	case HAIRPIN:
		if (!cfg)
			return ACTION_DROP;
		ctx_mark_ours(ctx, cfg->mark);
		return ctx_receive(ctx, way->ifindex);
	default:
		return ACTION_PASS;
	}
}

#endif
