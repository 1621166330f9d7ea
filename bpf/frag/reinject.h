/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Packets made here are re-injected at the current packet's ingress: it is rewritten and cloned for each, so
 * they pass the hook like any other packet. Restore the current packet after that if it is still needed.
 */
#ifndef EBPFNET_BPF_FRAG_REINJECT_H
#define EBPFNET_BPF_FRAG_REINJECT_H

#include <ebpfnet/core/frag.h>
#include <ebpfnet/core/parse.h>
#include "kern/ctx_tc.h"

/* Take a buffer; NULL: all are in use. A taken buffer belongs to the caller until reinject_buf_put(). */
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

/* Write both MAC addresses of the current packet, 12 bytes; a device without a link-layer header has none. */
static __always_inline int reinject_macs(ctx_t *ctx, const __u8 *macs)
{
	return LINK_HLEN ? ctx_store(ctx, 0, macs, 12) : 0;
}

/* Write an IP packet of len bytes behind the current packet's link-layer header. max: a constant upper bound of len. */
static __always_inline int reinject_write(ctx_t *ctx, const __u8 *packet, __u32 len, __u32 max)
{
	if (ctx_resize(ctx, LINK_HLEN + len) || OUTSIDE(len, IP_MIN_HLEN, max))
		return -1;
	return ctx_store_body(ctx, LINK_HLEN, packet, len);
}

/* Then re-inject a clone at the ingress. */
static __always_inline int reinject_send(ctx_t *ctx, const __u8 *packet, __u32 len, __u32 max)
{
	return reinject_write(ctx, packet, len, max) ? -1 : ctx_reinject_clone(ctx);
}

#endif
