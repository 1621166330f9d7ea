/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Packets made here come in again by the device of the packet in hand: as copies of it, written anew.
 * So what was held, and what was cut, takes the same way as any other packet, in its own turn. It
 * leaves no trace on the packet in hand if that is put back at the end.
 */
#ifndef EBPFNET_BPF_AGAIN_H
#define EBPFNET_BPF_AGAIN_H

#include "ctx_tc.h"
#include "parse.h"
#include "pieces.h"

#define AGAIN_DESKS 4 /* more CPUs than this at once go without */
#define AGAIN_FRAME 65552 /* the longest IP packet, and its Ethernet header */
#define AGAIN_PART 8192 /* of a payload, at most */

/* A packet that is cut up (cut.h): in a map, where the stack is short. */
struct cut {
	__u32 ihl;
	__u32 size;		/* of a piece's payload */
	__u32 len, done, now;	/* of the whole payload; how much of it is sent, how much the next piece has */
	__u16 frag;		/* flags and offset of the whole */
	struct cut_option option;
	__u8 ip[60];		/* header of the next piece */
};

/* Room to write on: a packet, whole. */
struct again_desk {
	__u32 taken;
	struct cut cut;
	__u8 bytes[AGAIN_FRAME + AGAIN_PART];
};

/* ARRAY: too large for a per-CPU map, whose values may have 32 KiB. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, AGAIN_DESKS);
	__type(key, __u32);
	__type(value, struct again_desk);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} again_desks SEC(".maps");

/* NULL: all are in use. */
static __always_inline struct again_desk *again_begin(void)
{
	__u32 i, n, cpu = bpf_get_smp_processor_id();
	struct again_desk *desk;

	for (i = 0; i < AGAIN_DESKS; i++) {
		n = (cpu + i) & (AGAIN_DESKS - 1);
		desk = bpf_map_lookup_elem(&again_desks, &n);
		if (desk && !__sync_val_compare_and_swap(&desk->taken, 0, 1))
			return desk;
	}
	return NULL;
}

static __always_inline void again_end(struct again_desk *desk)
{
	*(volatile __u32 *)&desk->taken = 0;
}

/* Gives the packet in hand other bytes: a frame of len, at most max (constant). */
static __always_inline int again_write(ctx_t *ctx, const __u8 *frame, __u32 len, __u32 max)
{
	__u32 body = len - ETH_HLEN;

	if (ctx_resize(ctx, len) || ctx_store(ctx, 0, frame, ETH_HLEN) ||
	    OUTSIDE(body, IP_MIN_HLEN, max - ETH_HLEN))
		return -1;
	return ctx_store_body(ctx, ETH_HLEN, frame + ETH_HLEN, body);
}

/* And sends a copy of it in again. */
static __always_inline int again_send(ctx_t *ctx, const __u8 *frame, __u32 len, __u32 max)
{
	return again_write(ctx, frame, len, max) ? -1 : ctx_copy_again(ctx);
}

#endif
