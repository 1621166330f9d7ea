/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Packets made here come in again by the device of the packet in hand: as copies of it, written anew.
 * So what was held, and what was cut, takes the same way as any other packet, in its own turn. It
 * leaves no trace on the packet in hand if that is put back at the end.
 */
#ifndef EBPFNET_BPF_FRAG_REINJECT_H
#define EBPFNET_BPF_FRAG_REINJECT_H

#include <ebpfnet/core/frag.h>
#include <ebpfnet/core/parse.h>
#include "kern/ctx_tc.h"

/* NULL: all are in use. */
static __always_inline struct reinject_buf *reinject_buf_get(void)
{
	__u32 i, n, cpu = bpf_get_smp_processor_id();
	struct reinject_buf *buf;

	for (i = 0; i < REINJECT_BUFS; i++) {
		n = (cpu + i) & (REINJECT_BUFS - 1);
		buf = bpf_map_lookup_elem(&reinject_bufs, &n);
		if (buf && !__sync_val_compare_and_swap(&buf->taken, 0, 1))
			return buf;
	}
	return NULL;
}

static __always_inline void reinject_buf_put(struct reinject_buf *buf)
{
	*(volatile __u32 *)&buf->taken = 0;
}

/* Gives the packet in hand other bytes: a frame of len, at most max (constant). */
static __always_inline int reinject_write(ctx_t *ctx, const __u8 *frame, __u32 len, __u32 max)
{
	__u32 body = len - ETH_HLEN;

	if (ctx_resize(ctx, len) || ctx_store(ctx, 0, frame, ETH_HLEN) ||
	    OUTSIDE(body, IP_MIN_HLEN, max - ETH_HLEN))
		return -1;
	return ctx_store_body(ctx, ETH_HLEN, frame + ETH_HLEN, body);
}

/* And sends a copy of it in again. */
static __always_inline int reinject_send(ctx_t *ctx, const __u8 *frame, __u32 len, __u32 max)
{
	return reinject_write(ctx, frame, len, max) ? -1 : ctx_reinject_clone(ctx);
}

#endif
