/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the stages may do with a packet, at a TC hook (TCX or clsact, whose verdicts OK, SHOT,
 * REDIRECT and UNSPEC mean the same). Nothing else names __sk_buff or TC_ACT_*.
 *
 * The object that includes this says on which side of the device its hook is: HOOK_IS_EGRESS 0/1.
 */
#ifndef EBPFNET_BPF_KERN_CTX_TC_H
#define EBPFNET_BPF_KERN_CTX_TC_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <ebpfnet/core/compiler.h>
#include <ebpfnet/core/uapi.h>
#include "kern/kernel.h"

typedef struct __sk_buff ctx_t;

enum action {
	ACTION_PASS = TC_ACT_UNSPEC,
	ACTION_DROP = TC_ACT_SHOT,
	ACTION_SLOW_PATH = -2,	/* of a part of the way: the next one decides */
};

static __always_inline const void *ctx_data(const ctx_t *ctx)
{
	return (const void *)(long)ctx->data;
}

static __always_inline const void *ctx_data_end(const ctx_t *ctx)
{
	return (const void *)(long)ctx->data_end;
}

/* Makes the first len bytes readable in place; shorter packets whole. */
static __always_inline int ctx_pull(ctx_t *ctx, __u32 len)
{
	return bpf_skb_pull_data(ctx, len < ctx->len ? len : ctx->len);
}

static __always_inline int ctx_load(const ctx_t *ctx, __u32 off, void *to, __u32 len)
{
	return bpf_skb_load_bytes(ctx, off, to, len);
}

static __always_inline int ctx_store(ctx_t *ctx, __u32 off, const void *from, __u32 len)
{
	return bpf_skb_store_bytes(ctx, off, from, len, 0);
}

/* The same for what is behind the link's header, of a packet that the device may have summed up. */
static __always_inline int ctx_store_body(ctx_t *ctx, __u32 off, const void *from, __u32 len)
{
	return bpf_skb_store_bytes(ctx, off, from, len, BPF_F_RECOMPUTE_CSUM);
}

/*
 * Updates the transport checksum at off by a difference (csum.h). The part that the pseudo header
 * covers and the rest are two calls: of a packet whose checksum the device is to finish
 * (CHECKSUM_PARTIAL) only the first may be applied.
 */
static __always_inline int ctx_csum_pseudo(ctx_t *ctx, __u32 off, __u32 diff, __u64 flags)
{
	return bpf_l4_csum_replace(ctx, off, 0, diff, BPF_F_PSEUDO_HDR | flags);
}

static __always_inline int ctx_csum(ctx_t *ctx, __u32 off, __u32 diff, __u64 flags)
{
	return bpf_l4_csum_replace(ctx, off, 0, diff, flags);
}

/* Values of sk_buff.ip_summed (linux/skbuff.h); the others leave nothing to do beside the packet's bytes. */
#define CHECKSUM_COMPLETE 2	/* the device gave a sum over all, which the kernel keeps beside */
#define CHECKSUM_PARTIAL 3	/* the field has the pseudo header's sum, a device is to add the rest */

/* How the transport checksum stands; CHECKSUM_COMPLETE, too, if that cannot be read. */
static __always_inline __u8 ctx_summed(ctx_t *ctx)
{
	struct sk_buff *skb;

	if (kernel_memory != KERNEL_MEMORY_IN_PLACE || !bpf_core_field_exists(struct sk_buff, ip_summed))
		return CHECKSUM_COMPLETE;
	skb = bpf_cast_to_kern_ctx(ctx);
	return BPF_CORE_READ_BITFIELD(skb, ip_summed);
}

/* Takes off what is behind the packet's end: Ethernet padding is this link's (RFC 1042), not the next one's. */
static __always_inline int ctx_trim(ctx_t *ctx, __u32 len)
{
	return ctx->len > len && !ctx->gso_size ? bpf_skb_change_tail(ctx, len, 0) : 0;
}

/* Makes the packet longer, with zeros, or shorter. */
static __always_inline int ctx_resize(ctx_t *ctx, __u32 len)
{
	return bpf_skb_change_tail(ctx, len, 0);
}

/*
 * Cuts the packet down to its Ethernet header and len bytes, to be written anew. Its checksum may
 * be the device's to finish (CHECKSUM_PARTIAL): pulling the header that it lies in out of the
 * packet is what ends that, and change_tail ends GSO.
 */
static __always_inline int ctx_reset_l3(ctx_t *ctx, __u32 len)
{
	return bpf_skb_change_tail(ctx, ETH_HLEN + 80, 0) ||
	       bpf_skb_adjust_room(ctx, -56, BPF_ADJ_ROOM_MAC, 0) ||
	       bpf_skb_adjust_room(ctx, 32, BPF_ADJ_ROOM_MAC, 0) ||
	       bpf_skb_change_tail(ctx, ETH_HLEN + len, 0);
}

/* The outer VLAN tag; the kernel has taken it out of the bytes. 0: none, or a priority tag. */
static __always_inline __u16 ctx_vlan(const ctx_t *ctx)
{
	return ctx->vlan_present ? ctx->vlan_tci & 0x0fff : 0;
}

static __always_inline void ctx_pop_priority_tag(ctx_t *ctx)
{
	if (ctx->vlan_present)
		bpf_skb_vlan_pop(ctx);
}

/* Whether the frame was sent to this station (and not to another, or to a group). */
static __always_inline _Bool ctx_is_for_us(const ctx_t *ctx)
{
	return ctx->pkt_type == PACKET_HOST;
}

/* On egress: the host forwards it for somebody else, it did not begin here. */
static __always_inline _Bool ctx_forwarded(const ctx_t *ctx)
{
	return ctx->ingress_ifindex != 0;
}

/* How long its largest piece is on the wire, from the network header on. l4_len: IP and transport headers. */
static __always_inline __u32 ctx_segment_len(const ctx_t *ctx, __u32 ip_len, __u32 headers)
{
	return ctx->gso_size ? headers + ctx->gso_size : ip_len;
}

/*
 * Into the namespace behind a port. From ingress straight to the other end of the veth: no queue,
 * no second softirq. The peer accepts any MAC, so this is for one port, never for a flood.
 * redirect_peer leaves mark and priority of the host's on the packet: not the namespace's business.
 */
static __always_inline int ctx_to_port(ctx_t *ctx, __u32 ifindex)
{
#if HOOK_IS_EGRESS
	return bpf_redirect(ifindex, 0);
#else
	ctx->mark = 0;
	ctx->priority = 0;
	return bpf_redirect_peer(ifindex, 0);
#endif
}

/* Whether a device is there: a redirect to one that is not would drop the packet in silence. */
static __always_inline _Bool ctx_device_exists(ctx_t *ctx, __u32 ifindex)
{
	__u32 mtu = 0;

	return bpf_check_mtu(ctx, ifindex, &mtu, 0, 0) != -ENODEV;
}

/* A copy out of a device; the packet itself stays. */
static __always_inline int ctx_copy_to(ctx_t *ctx, __u32 ifindex)
{
	return bpf_clone_redirect(ctx, ifindex, 0);
}

/* A copy comes in again by the device that the packet came by, after this one is done with. */
static __always_inline int ctx_reinject_clone(ctx_t *ctx)
{
	return bpf_clone_redirect(ctx, ctx->ifindex, BPF_F_INGRESS);
}

/* Out of a device, as if the host sent it there. */
static __always_inline int ctx_send(ctx_t *ctx, __u32 ifindex)
{
	return bpf_redirect(ifindex, 0);
}

/* Up into the host's stack, as if it came in by that device. */
static __always_inline int ctx_receive(ctx_t *ctx, __u32 ifindex)
{
	ctx->mark = 0;
	return bpf_redirect(ifindex, BPF_F_INGRESS);
}

/*
 * A mark that stays with a packet until it leaves, past redirect_neigh and the neighbour's queue, and
 * that the IP stack overwrites in what it sends or forwards itself.
 */
static __always_inline void ctx_mark_ours(ctx_t *ctx, __u32 mark)
{
	ctx->cb[0] = mark;
}

static __always_inline _Bool ctx_is_ours(const ctx_t *ctx, __u32 mark)
{
	return ctx->cb[0] == mark;
}

/* Out of a device to a next hop, 0: the one of the kernel's route; the kernel resolves its MAC. */
static __always_inline int ctx_send_via(ctx_t *ctx, __u32 ifindex, __be32 nexthop)
{
	struct bpf_redir_neigh nh = { .nh_family = AF_INET, .ipv4_nh = nexthop };

	if (!nexthop)
		return bpf_redirect_neigh(ifindex, NULL, 0, 0);
	return bpf_redirect_neigh(ifindex, &nh, sizeof(nh), 0);
}

/*
 * To the host's own sockets, over lo: the kernel attaches a local route, so that source
 * validation, rp_filter and forwarding do not see it.
 */
static __always_inline int ctx_to_local(ctx_t *ctx, __u32 lo_ifindex)
{
	ctx->mark = 0;
	/* it was sent to the gateway's MAC, not the veth's, and lo leaves the type as it finds it */
	bpf_skb_change_type(ctx, PACKET_HOST);
	return bpf_redirect_neigh(lo_ifindex, NULL, 0, 0);
}

#endif
