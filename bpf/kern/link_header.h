/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The Ethernet header of a packet that goes into a namespace. A packet from a device that has none (LINK_HLEN 0) stays
 * without one until it is sent there, so that the host gets its own packets as they came, and ICMP errors and
 * fragments are made at the same offsets before and after translation.
 */
#ifndef EBPFNET_BPF_KERN_LINK_HEADER_H
#define EBPFNET_BPF_KERN_LINK_HEADER_H

#include <ebpfnet/core/addr.h>
#include "kern/ctx_tc.h"
#include "kern/maps.h"

struct link_header {
	__u8 dmac[6], smac[6];
	__be16 type;
};

#if LINK_HLEN

/* Write both addresses. */
static __always_inline int link_header_write(ctx_t *ctx, const __u8 *dmac, const __u8 *smac)
{
	__u8 eth[12];

	mac_copy(eth, dmac);
	mac_copy(eth + 6, smac);
	return ctx_store(ctx, 0, eth, sizeof(eth));
}

/* Before the packet is sent to another device: nothing to do. */
static __always_inline int link_header_push(ctx_t *ctx)
{
	return 0;
}

#else

PERCPU_SCRATCH(struct link_header, link_header)

/* Keep the addresses for link_header_push(). */
static __always_inline int link_header_write(ctx_t *ctx, const __u8 *dmac, const __u8 *smac)
{
	struct link_header *eth = link_header_get();

	if (!eth)
		return -1;
	mac_copy(eth->dmac, dmac);
	mac_copy(eth->smac, smac);
	return 0;
}

/* Put the header in front. From here on offsets count from it. */
static __always_inline int link_header_push(ctx_t *ctx)
{
	struct link_header *eth = link_header_get();

	if (!eth)
		return -1;
	eth->type = __builtin_bswap16(ETH_P_IP);
	return ctx_push_eth(ctx) || ctx_store(ctx, 0, eth, sizeof(*eth));
}

#endif

#endif
