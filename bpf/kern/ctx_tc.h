/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Access to a packet at a TC hook (TCX or clsact, whose verdicts OK, SHOT, REDIRECT and UNSPEC mean the same).
 * No other header of bpf/ names __sk_buff or TC_ACT_*; ctx_xdp.h is its counterpart.
 *
 * The object that includes this header defines the direction of its hook: HOOK_IS_EGRESS 0 or 1; that of the gateway
 * device also HOOK_IS_GATEWAY. Functions return 0 or a negative errno, unless they say otherwise. Offsets count from
 * the link-layer header. A call that changes the packet invalidates ctx_data().
 */
#ifndef EBPFNET_BPF_KERN_CTX_TC_H
#define EBPFNET_BPF_KERN_CTX_TC_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <ebpfnet/core/compiler.h>
#include <ebpfnet/core/uapi.h>
#include "kern/kernel.h"

#ifndef HOOK_IS_GATEWAY
#define HOOK_IS_GATEWAY 0
#endif

typedef struct __sk_buff ctx_t;

enum action {
	ACTION_PASS = TC_ACT_UNSPEC,
	ACTION_DROP = TC_ACT_SHOT,
	ACTION_SLOW_PATH = -2,	/* not a verdict: the fast path has declined the packet */
};

/* The linear area: [ctx_data, ctx_data_end). */
static __always_inline const void *ctx_data(const ctx_t *ctx)
{
	return (const void *)(long)ctx->data;
}

static __always_inline const void *ctx_data_end(const ctx_t *ctx)
{
	return (const void *)(long)ctx->data_end;
}

/* Make the first len bytes part of the linear area; of a shorter packet, all. */
static __always_inline int ctx_pull(ctx_t *ctx, __u32 len)
{
	return bpf_skb_pull_data(ctx, len < ctx->len ? len : ctx->len);
}

/* Copy len bytes (not 0) at off out of the packet, and into it. */
static __always_inline int ctx_load(const ctx_t *ctx, __u32 off, void *to, __u32 len)
{
	return bpf_skb_load_bytes(ctx, off, to, len);
}

static __always_inline int ctx_store(ctx_t *ctx, __u32 off, const void *from, __u32 len)
{
	return bpf_skb_store_bytes(ctx, off, from, len, 0);
}

/* Store behind the link-layer header. Updates the device's checksum over the packet, too (CHECKSUM_COMPLETE). */
static __always_inline int ctx_store_body(ctx_t *ctx, __u32 off, const void *from, __u32 len)
{
	return bpf_skb_store_bytes(ctx, off, from, len, BPF_F_RECOMPUTE_CSUM);
}

/*
 * Add a difference (csum.h) to the transport checksum at off. The pseudo header's part and the rest are two
 * calls: if a device is to finish the checksum (CHECKSUM_PARTIAL), only the first may apply. flags:
 * BPF_F_MARK_MANGLED_0 or 0.
 */
static __always_inline int ctx_csum_pseudo(ctx_t *ctx, __u32 off, __u32 diff, __u64 flags)
{
	return bpf_l4_csum_replace(ctx, off, 0, diff, BPF_F_PSEUDO_HDR | flags);
}

static __always_inline int ctx_csum(ctx_t *ctx, __u32 off, __u32 diff, __u64 flags)
{
	return bpf_l4_csum_replace(ctx, off, 0, diff, flags);
}

/* Values of sk_buff.ip_summed (linux/skbuff.h). With the others the checksum is in the packet's bytes alone. */
#define CHECKSUM_COMPLETE 2	/* the device summed up the whole packet; the sum is in skb->csum */
#define CHECKSUM_PARTIAL 3	/* the field holds the pseudo header's sum; a device adds the rest */

/* sk_buff.ip_summed, or CHECKSUM_COMPLETE if it cannot be read. */
static __always_inline __u8 ctx_summed(ctx_t *ctx)
{
	struct sk_buff *skb;

	if (kernel_memory != KERNEL_MEMORY_IN_PLACE || !bpf_core_field_exists(struct sk_buff, ip_summed))
		return CHECKSUM_COMPLETE;
	skb = bpf_cast_to_kern_ctx(ctx);
	return BPF_CORE_READ_BITFIELD(skb, ip_summed);
}

/*
 * Place where a device, or the kernel, is to write a checksum behind our programs (CHECKSUM_PARTIAL): the sum
 * starts at one offset, and its field lies so many bytes behind. A sender chooses both by AF_PACKET, tun or AF_XDP.
 */
struct csum_pending {
	__u32 start, offset;		/* start: from the Ethernet header on */
};

/*
 * KERNEL_MEMORY_COPIED: reading costs more than the rest of a hot packet, so packets that a socket of the kernel's
 * own protocols sent are not asked about: these choose the right place.
 */
__noinline int ctx_pending_copied(ctx_t *ctx, struct csum_pending *out)
{
	struct sk_buff *skb = (struct sk_buff *)ctx;
	struct bpf_sock *sk = ctx->sk;
	unsigned char *head, *data;
	__u16 start, offset;

	if (!out || (sk && (sk->family == AF_INET || sk->family == AF_INET6)))
		return 0;
	if (BPF_CORE_READ_BITFIELD_PROBED(skb, ip_summed) != CHECKSUM_PARTIAL)
		return 0;
	if (bpf_probe_read_kernel(&start, sizeof(start), &skb->csum_start) ||
	    bpf_probe_read_kernel(&offset, sizeof(offset), &skb->csum_offset) ||
	    bpf_probe_read_kernel(&head, sizeof(head), &skb->head) ||
	    bpf_probe_read_kernel(&data, sizeof(data), &skb->data))
		return 0;
	out->start = start - (__u32)(data - head);
	out->offset = offset;
	return 1;
}

/* True if a checksum is pending, and where. False, too, if that cannot be read (lockdown). */
static __always_inline _Bool ctx_pending_csum(ctx_t *ctx, struct csum_pending *out)
{
	struct sk_buff *skb;

	if (kernel_memory == KERNEL_MEMORY_CLOSED || !bpf_core_field_exists(struct sk_buff, ip_summed))
		return 0;
	if (kernel_memory == KERNEL_MEMORY_COPIED)
		return ctx_pending_copied(ctx, out);
	skb = bpf_cast_to_kern_ctx(ctx);
	if (BPF_CORE_READ_BITFIELD(skb, ip_summed) != CHECKSUM_PARTIAL)
		return 0;
	out->start = skb->csum_start - (__u32)((__u64)skb->data - (__u64)skb->head);
	out->offset = skb->csum_offset;
	return 1;
}

/* True if the field lies behind an offset. The start is below 0 if it lies in front of the frame. */
static __always_inline _Bool pending_csum_behind(const struct csum_pending *csum, __u32 at)
{
	return csum->start <= 0xffff && csum->start + csum->offset >= at;
}

/*
 * True if no checksum is pending, or the one of a transport header at l4 in its own field, or one behind hlen bytes
 * of that header: in the payload, as of a tunnel.
 */
static __always_inline _Bool ctx_pending_is_own(ctx_t *ctx, __u32 l4, __u32 field, __u32 hlen)
{
	struct csum_pending csum;

	if (!ctx_pending_csum(ctx, &csum))
		return 1;
	return (csum.start == l4 && csum.offset == field) || pending_csum_behind(&csum, l4 + hlen);
}

/* Trim Ethernet padding, which belongs to this link (RFC 1042), off a packet of len bytes; not with GSO. */
static __always_inline int ctx_trim(ctx_t *ctx, __u32 len)
{
	return ctx->len > len && !ctx->gso_size ? bpf_skb_change_tail(ctx, len, 0) : 0;
}

/* Make the packet len bytes long. New bytes are zero. */
static __always_inline int ctx_resize(ctx_t *ctx, __u32 len)
{
	return bpf_skb_change_tail(ctx, len, 0);
}

/*
 * Reduce the packet to its link-layer header and len bytes, to be rewritten. change_tail ends GSO. A checksum
 * that a device is to finish (CHECKSUM_PARTIAL) is cancelled by removing the header that it lies in.
 */
static __always_inline int ctx_reset_l3(ctx_t *ctx, __u32 len)
{
	return bpf_skb_change_tail(ctx, LINK_HLEN + 80, 0) ||
	       bpf_skb_adjust_room(ctx, -56, BPF_ADJ_ROOM_MAC, 0) ||
	       bpf_skb_adjust_room(ctx, 32, BPF_ADJ_ROOM_MAC, 0) ||
	       bpf_skb_change_tail(ctx, LINK_HLEN + len, 0);
}

/* The Ethertype that the kernel takes the packet for, in host order. A device without a header has no other. */
static __always_inline __u16 ctx_protocol(const ctx_t *ctx)
{
	return __builtin_bswap16(ctx->protocol);
}

/* Make room for an Ethernet header in front of a packet that has none. */
static __always_inline int ctx_push_eth(ctx_t *ctx)
{
	return bpf_skb_change_head(ctx, ETH_HLEN, 0);
}

/* The outer VLAN id, which the kernel has moved out of the bytes. 0: no tag, or a priority tag. */
static __always_inline __u16 ctx_vlan(const ctx_t *ctx)
{
	return ctx->vlan_present ? ctx->vlan_tci & 0x0fff : 0;
}

static __always_inline void ctx_pop_priority_tag(ctx_t *ctx)
{
	if (ctx->vlan_present)
		bpf_skb_vlan_pop(ctx);
}

/* True if the frame was sent to the device's own MAC address (pkt_type). */
static __always_inline _Bool ctx_is_for_us(const ctx_t *ctx)
{
	return ctx->pkt_type == PACKET_HOST;
}

/* At egress: true if the host forwards the packet, false if it is its own. */
static __always_inline _Bool ctx_forwarded(const ctx_t *ctx)
{
	return ctx->ingress_ifindex != 0;
}

/* Length on the wire, from the IP header on, of the largest segment. headers: of IP and transport, in bytes. */
static __always_inline __u32 ctx_segment_len(const ctx_t *ctx, __u32 ip_len, __u32 headers)
{
	return ctx->gso_size ? headers + ctx->gso_size : ip_len;
}

/* True if a device is to segment the packet. */
static __always_inline _Bool ctx_is_gso(const ctx_t *ctx)
{
	return ctx->gso_size;
}

#define ROOM_MAX 0xfff /* of bpf_skb_adjust_room() */

/*
 * Make the segments that a device cuts out of a TCP packet at most size bytes of payload each. No helper sets
 * gso_size, but making room for a header takes it off gso_size, and with FIXED_GSO removing the room does not add it.
 */
static __always_inline int ctx_smaller_segments(ctx_t *ctx, __u32 size)
{
	__u32 i, less;

	for (i = 0; i < 0x10000 / ROOM_MAX + 1 && ctx->gso_size > size; i++) {
		less = ctx->gso_size - size;
		if (less > ROOM_MAX)
			less = ROOM_MAX;
		if (bpf_skb_adjust_room(ctx, less, BPF_ADJ_ROOM_MAC, 0) ||
		    bpf_skb_adjust_room(ctx, -(__s32)less, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
			return -1;
	}
	return ctx->gso_size > size ? -1 : 0;
}

/*
 * Into the namespace behind a port. From ingress, straight to the other end of the veth: no queue, no second
 * softirq. The peer accepts any MAC, so this is for a known port, not for a flood. redirect_peer would carry
 * the host's mark and priority into the namespace.
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

/* True if the device exists. A redirect to a missing device would drop the packet uncounted. */
static __always_inline _Bool ctx_device_exists(ctx_t *ctx, __u32 ifindex)
{
	__u32 mtu = 0;

	return bpf_check_mtu(ctx, ifindex, &mtu, 0, 0) != -ENODEV;
}

/* Send a copy out of a device. The packet stays with the caller. */
static __always_inline int ctx_copy_to(ctx_t *ctx, __u32 ifindex)
{
	return bpf_clone_redirect(ctx, ifindex, 0);
}

/* A copy up into the host's stack, as if received by a device; it is processed after this packet. */
static __always_inline int ctx_copy_up(ctx_t *ctx, __u32 ifindex)
{
	return bpf_clone_redirect(ctx, ifindex, BPF_F_INGRESS);
}

/* Re-inject a copy at the ingress of the packet's device; it is processed after this packet. */
static __always_inline int ctx_reinject_clone(ctx_t *ctx)
{
	return ctx_copy_up(ctx, ctx->ifindex);
}

/* Out of a device, as if sent by the host. */
static __always_inline int ctx_send(ctx_t *ctx, __u32 ifindex)
{
	return bpf_redirect(ifindex, 0);
}

/* Up into the host's stack, as if received by that device. */
static __always_inline int ctx_receive(ctx_t *ctx, __u32 ifindex)
{
	ctx->mark = 0;
	return bpf_redirect(ifindex, BPF_F_INGRESS);
}

/*
 * A mark that stays with the packet until it leaves, through redirect_neigh and the neighbour's queue. The IP
 * stack overwrites it in packets that it sends or forwards itself.
 */
static __always_inline void ctx_mark_ours(ctx_t *ctx, __u32 mark)
{
	ctx->cb[0] = mark;
}

static __always_inline _Bool ctx_is_ours(const ctx_t *ctx, __u32 mark)
{
	return ctx->cb[0] == mark;
}

/*
 * A label that stays with a packet on its way up, through the kernel's forwarding, and down to an egress hook
 * (skb->tc_index). Senders inside can set it too. One instruction each, as below.
 */
static __always_inline void ctx_label_put(ctx_t *ctx, __u16 label)
{
	__u64 value = label;

	asm volatile("*(u32 *)(%0 + %1) = %2" : : "r"(ctx), "i"(offsetof(ctx_t, tc_index)), "r"(value) : "memory");
}

static __always_inline __u32 ctx_label(const ctx_t *ctx)
{
	__u32 label;

	asm volatile("%0 = *(u32 *)(%1 + %2)" : "=r"(label) : "r"(ctx), "i"(offsetof(ctx_t, tc_index)));
	return label;
}

/* A packet takes this along through the shaper, in the other words of skb->cb. Neither HTB nor bfifo use them. */
struct ctx_parcel {
	__u32 ifindex;
	__be32 nexthop;
	__u32 what, class;
};

/* One instruction each: a compiler that adds to the pointer first makes what the verifier refuses. */
#define CTX_CB_GET(ctx, i, value)                                \
	asm volatile("%0 = *(u32 *)(%1 + %2)" : "=r"(value) : "r"(ctx), "i"(offsetof(ctx_t, cb) + 4 * (i)))
#define CTX_CB_PUT(ctx, i, value)                                \
	asm volatile("*(u32 *)(%0 + %1) = %2" : : "r"(ctx), "i"(offsetof(ctx_t, cb) + 4 * (i)), "r"(value) : "memory")

static __always_inline void ctx_parcel_put(ctx_t *ctx, struct ctx_parcel p)
{
	CTX_CB_PUT(ctx, 1, p.ifindex);
	CTX_CB_PUT(ctx, 2, p.nexthop);
	CTX_CB_PUT(ctx, 3, p.what);
	CTX_CB_PUT(ctx, 4, p.class);
}

static __always_inline struct ctx_parcel ctx_parcel_get(const ctx_t *ctx)
{
	__u32 ifindex, nexthop, what, class;

	CTX_CB_GET(ctx, 1, ifindex);
	CTX_CB_GET(ctx, 2, nexthop);
	CTX_CB_GET(ctx, 3, what);
	CTX_CB_GET(ctx, 4, class);
	return (struct ctx_parcel){ .ifindex = ifindex, .nexthop = nexthop, .what = what, .class = class };
}

/* Choose a class of HTB. The veth pair behind it sets it to 0 again, as the port of the sender has. */
static __always_inline void ctx_classify(ctx_t *ctx, __u32 class)
{
	ctx->priority = class;
}

/* BPF_SKB_TSTAMP_DELIVERY_MONO; newer kernels call it BPF_SKB_CLOCK_MONOTONIC, and their BTF has that alone. */
#define DELIVERY_MONO 1

/* The time at which fq is to send the packet: CLOCK_MONOTONIC, ns. It stays with the packet through redirect_neigh. */
static __always_inline int ctx_depart_at(ctx_t *ctx, __u64 ns)
{
	return bpf_skb_set_tstamp(ctx, ns, DELIVERY_MONO);
}

/* Length on the wire of all that a device makes of the packet, which begins with so many bytes of headers. */
static __always_inline __u64 ctx_wire_len(const ctx_t *ctx, __u32 headers)
{
	__u32 size = ctx->gso_size, len = ctx->len;

	/* not by gso_segs, which a sender chooses */
	return !size || len <= headers + size ? len : len + (__u64)((len - headers - 1) / size) * headers;
}

/* Out of a device to a next hop, whose MAC the kernel resolves. 0: the next hop of the kernel's route. */
static __always_inline int ctx_send_via(ctx_t *ctx, __u32 ifindex, __be32 nexthop)
{
	struct bpf_redir_neigh nh = { .nh_family = AF_INET, .ipv4_nh = nexthop };

	if (!nexthop)
		return bpf_redirect_neigh(ifindex, NULL, 0, 0);
	return bpf_redirect_neigh(ifindex, &nh, sizeof(nh), 0);
}

/* To the host's sockets over lo, by a local route: source validation, rp_filter and forwarding do not apply. */
static __always_inline int ctx_to_local(ctx_t *ctx, __u32 lo_ifindex)
{
	ctx->mark = 0;
	/* the frame went to the gateway's MAC, not the veth's, and lo keeps the type */
	bpf_skb_change_type(ctx, PACKET_HOST);
	return bpf_redirect_neigh(lo_ifindex, NULL, 0, 0);
}

#endif
