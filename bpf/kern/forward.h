/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * From verdict to action. At the TC hooks passes and drops are counted here (of queued fragments, in
 * frag/frag_queue.h), and packets sent (but for frag/, which re-injects): rules of tests/style.
 */
#ifndef EBPFNET_BPF_KERN_FORWARD_H
#define EBPFNET_BPF_KERN_FORWARD_H

#include "kern/ctx_tc.h"
#include "kern/device.h"
#include "kern/link_header.h"
#include "kern/lookup.h"
#include "kern/shaper.h"
#include "kern/verdict.h"

/* Out of a port's device, whose packet sockets see it, unless the device inside would drop it there in silence. */
__noinline int send_tapped(ctx_t *ctx, __u32 ifindex)
{
	return veth_takes(ctx, ifindex) ? ctx_send(ctx, ifindex) : ctx_to_port(ctx, ifindex);
}

/*
 * Into a port, past the packet sockets of the devices on the way. The gateway device's see what leaves it: a copy goes
 * to the port, and the packet on to the gateway's peer, where the port program drops it.
 */
static __always_inline int send_to_port(ctx_t *ctx, __u32 ifindex)
{
	/* at an uplink's egress, an ICMP error that must not go on */
	if ((HOOK_IS_EGRESS && !HOOK_IS_GATEWAY) || !device_tapped(HOOK_IS_GATEWAY ? ctx->ifindex : ifindex))
		return ctx_to_port(ctx, ifindex);
	if (HOOK_IS_GATEWAY)
		return ctx_copy_to(ctx, ifindex) ? ctx_to_port(ctx, ifindex) : ACTION_PASS;
	return send_tapped(ctx, ifindex);
}

/*
 * A walk along a network's ports. Verifiers before Linux 6.7 follow a callback once and remove a branch that its first
 * call cannot take: so no member that it changes is a constant at first.
 */
struct flood {
	ctx_t *ctx;
	__u32 in_ifindex;
	__u32 next;			/* port to look at next; 0: the end */
	__u32 last;			/* last one that gets the frame; in_ifindex: none yet */
	__u16 net, flags;
};

static __always_inline _Bool flood_any(const struct flood *f)
{
	return f->last != f->in_ifindex;
}

/* True if a copy arrives: the driver of a veth drops in silence what its peer does not take. */
static __always_inline _Bool flood_arrives(ctx_t *ctx, __u32 ifindex)
{
	if (device_running(ifindex) && veth_takes(ctx, ifindex))
		return 1;
	count(COUNT_flood_missed);
	return 0;
}

/*
 * bpf_loop() callback for one port: copy to the previous one, so that the last one gets the original. It reads at once
 * all that it needs of the port, as a command may remove it. Ports lie in descending order of their ifindex, so no walk
 * visits one twice, whatever changes meanwhile.
 */
static long flood_port(__u32 i, struct flood *f)
{
	__u32 ifindex = f->next, next;
	struct port *port = port_get(ifindex);
	_Bool wanted;

	if (!port)
		return 1;
	next = port->next;
	wanted = (port->flags & f->flags) == f->flags && ifindex != f->in_ifindex;
	if (port->net != f->net)
		return 1;
	f->next = next < ifindex ? next : 0;
	if (wanted && flood_arrives(f->ctx, ifindex)) {
		if (flood_any(f))
			ctx_copy_to(f->ctx, f->last);
		f->last = ifindex;
	}
	return !f->next;
}

/*
 * To the ports of the network with these flags (0: all) but the ingress port, and to the host, unless from there or
 * VLAN-tagged. Only this network's ports are looked at.
 */
static __always_inline int flood(ctx_t *ctx, __u16 net_id, const struct network *net, __u16 flags)
{
	struct flood f = {
		.ctx = ctx, .in_ifindex = ctx->ifindex, .next = net->first_port, .last = ctx->ifindex,
		.net = net_id, .flags = flags,
	};

	if (f.next)
		bpf_loop(EBPFNET_MAX_PORTS, flood_port, &f, 0);
	if (HOOK_IS_EGRESS)
		return flood_any(&f) ? send_to_port(ctx, f.last) : ACTION_DROP;
	if (ctx_vlan(ctx))
		return flood_any(&f) ? ctx_send(ctx, f.last) : ACTION_DROP;
	if (flood_any(&f))
		ctx_copy_to(ctx, f.last);
	return ctx_receive(ctx, net->gw_ifindex);
}

/* Out of an uplink, with our mark, which datapath_uplink_out() lets pass, or with the one to look once more. */
static __always_inline int send_out(ctx_t *ctx, const struct config *cfg, const struct fwd_out *fwd)
{
	ctx_mark_ours(ctx, fwd->recheck ? ~cfg->mark : cfg->mark);
	return ctx_send_via(ctx, fwd->ifindex, fwd->nexthop);
}

/* FWD_HOST_LO, or FWD_HAIRPIN at that uplink. */
static __always_inline int send_back(ctx_t *ctx, verdict_t v, const struct config *cfg, __u32 ifindex)
{
	if (v == FWD_HOST_LO)
		return ctx_to_local(ctx, cfg->lo_ifindex);
	ctx_mark_ours(ctx, cfg->mark);
	return ctx_receive(ctx, ifindex);
}

/* Of the fast path, which has checked the device: FWD_PORT, FWD_UPLINK, drops, or FWD_HOST by fwd->ifindex. */
static __always_inline int forward_fast(ctx_t *ctx, verdict_t v, const struct fwd_out *fwd)
{
	struct config *cfg = config_get();

	if (v < 0) {
		count(-v);
		return ACTION_DROP;
	}
	count(fwd->counter);
	if (v == FWD_PORT)
		return send_to_port(ctx, fwd->ifindex);
	if (v == FWD_HOST)
		return ctx_receive(ctx, fwd->ifindex);
	return cfg ? send_out(ctx, cfg, fwd) : ACTION_DROP;
}

/* The verdict, or a drop if its output device would drop the packet in silence. */
__noinline verdict_t forward_check(ctx_t *ctx, verdict_t v, const struct fwd_out *fwd, const struct network *net)
{
	verdict_t usable = FWD_NEXT;

	if (!fwd)
		return DROP(helper_failed);
	if (v == FWD_PORT || v == FWD_UPLINK)
		usable = device_check(ctx, fwd->ifindex, v == FWD_PORT ? DROP(port_down) : DROP(link_down));
	else if (v == FWD_HOST && net)
		usable = device_check(ctx, net->gw_ifindex, DROP(link_down));
	return usable == FWD_NEXT ? v : usable;
}

/* Into the queue of a class of the shaper. The gateway device's packet sockets see the packet as by send_to_port(). */
static __always_inline int send_shaped(ctx_t *ctx, const struct config *cfg, __u32 class)
{
	__u32 shaper = cfg->shaper_ifindex;

	ctx_mark_ours(ctx, cfg->mark);
	ctx_classify(ctx, class);
	if (HOOK_IS_GATEWAY && device_tapped(ctx->ifindex))
		return ctx_copy_to(ctx, shaper) ? ctx_send(ctx, shaper) : ACTION_PASS;
	return ctx_send(ctx, shaper);
}

/*
 * A packet whose sender or receiver is limited. It is counted when it leaves the shaper (forward_shaped()). host: the
 * gateway device, for FWD_HOST. ACTION_SLOW_PATH: it is not limited.
 */
__noinline int shape(ctx_t *ctx, verdict_t v, const struct fwd_out *fwd, __u32 host)
{
	struct config *cfg = config_get();
	struct shaper_classes c;
	struct ctx_parcel p;

	if (!cfg || !fwd)
		return ACTION_SLOW_PATH;
	c = shaper_classes(ctx->ifindex, v, fwd->ifindex);
	if (!c.out && !c.in)
		return ACTION_SLOW_PATH;
	if (v == FWD_UPLINK && device_has_fq(fwd->ifindex)) {
		v = shaper_depart(ctx, ctx->ifindex);
		count(v < 0 ? -v : fwd->counter);
		return v < 0 ? ACTION_DROP : send_out(ctx, cfg, fwd);
	}
	p.ifindex = v == FWD_HOST ? host : fwd->ifindex;
	p.nexthop = fwd->nexthop;
	p.what = shaped_pack(v, fwd);
	p.class = c.out ? c.in : 0;
	ctx_parcel_put(ctx, p);
	return send_shaped(ctx, cfg, c.out ? c.out : c.in);
}

/* All verdicts but FWD_PASS. Not inlined: many paths end here, and the verifier would follow each. */
__noinline int forward_verdict(ctx_t *ctx, verdict_t v, const struct fwd_out *fwd, __u32 net_id,
			       const struct network *net)
{
	struct config *cfg = config_get();
	int action;

	if (!fwd)
		return ACTION_DROP;
	v = forward_check(ctx, v, fwd, net);
	if (v >= 0 && v != FWD_TX && v != FWD_STOLEN && link_header_push(ctx))
		v = DROP(helper_failed);
	if (v < 0) {
		count(-v);
		return ACTION_DROP;
	}
	if (v == FWD_STOLEN) /* counted when it is re-injected, or where it is dropped */
		return ACTION_DROP;
	if (cfg && cfg->shaper_ifindex && verdict_is_shaped(v)) {
		action = shape(ctx, v, fwd, net ? net->gw_ifindex : 0);
		if (action != ACTION_SLOW_PATH)
			return action;
	}
	count(fwd->counter);
	switch (v) {
	case FWD_PORT:
		return send_to_port(ctx, fwd->ifindex);
	case FWD_FLOOD:
		return net ? flood(ctx, net_id, net, fwd->port_flags) : ACTION_DROP;
	case FWD_TX:
		return HOOK_IS_EGRESS ? ctx_receive(ctx, ctx->ifindex) : ctx_send(ctx, ctx->ifindex);
	case FWD_HOST:
		return net ? ctx_receive(ctx, net->gw_ifindex) : ACTION_DROP;
	case FWD_UPLINK:
		return cfg ? send_out(ctx, cfg, fwd) : ACTION_DROP;
	case FWD_HOST_LO:
	case FWD_HAIRPIN:
		return cfg ? send_back(ctx, v, cfg, fwd->ifindex) : ACTION_DROP;
	default:
		return ACTION_PASS;
	}
}

/* Carry out and count a verdict. net_id, net: of FWD_FLOOD and FWD_HOST, else NULL. */
static __always_inline int forward(ctx_t *ctx, verdict_t v, const struct fwd_out *fwd, __u16 net_id,
				   const struct network *net)
{
	if (v != FWD_PASS)
		return forward_verdict(ctx, v, fwd, net_id, net);
	count(fwd->counter);
	return ACTION_PASS;
}

/*
 * A packet that comes out of the shaper's queues, by its other end. A frame that does not come from shape() lacks the
 * mark, which nobody can guess: if a process of the host sends one out of the pair, it goes nowhere.
 */
static __always_inline int forward_shaped(ctx_t *ctx)
{
	struct config *cfg = config_get();
	struct ctx_parcel p = ctx_parcel_get(ctx);
	struct fwd_out fwd = {};
	verdict_t v = shaped_unpack(p, &fwd), usable;

	netns_note(ctx);
	if (!cfg || !ctx_is_ours(ctx, cfg->mark)) {
		count(COUNT_unknown_ifindex);
		return ACTION_DROP;
	}
	if (p.class && cfg->shaper_ifindex) {
		__u32 class = p.class;

		p.class = 0;
		ctx_parcel_put(ctx, p);
		return send_shaped(ctx, cfg, class);
	}
	ctx_mark_ours(ctx, 0);
	ctx_parcel_put(ctx, (struct ctx_parcel){});
	/* it may have gone while the packet waited */
	usable = v == FWD_HOST_LO ? FWD_NEXT :
				    device_check(ctx, fwd.ifindex, v == FWD_PORT ? DROP(port_down) : DROP(link_down));
	if (usable != FWD_NEXT || (v != FWD_HOST_LO && v != FWD_HAIRPIN))
		return forward_fast(ctx, usable == FWD_NEXT ? v : usable, &fwd);
	count(fwd.counter);
	return send_back(ctx, v, cfg, fwd.ifindex);
}

#endif
