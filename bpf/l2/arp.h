/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Replies to ARP requests (RFC 826) for the addresses in map endpoints. Used by the switch. */
#ifndef EBPFNET_BPF_L2_ARP_H
#define EBPFNET_BPF_L2_ARP_H

#include <ebpfnet/core/parse.h>
#include "kern/ctx_tc.h"
#include "kern/lookup.h"
#include "kern/verdict.h"

/* An ARP packet from the operation to the end. MAC addresses lie on odd boundaries there. */
struct arp_tail {
	__be16 op;
	__u8 sender_mac[6];
	struct ipaddr sender __attribute__((packed));
	__u8 target_mac[6];
	struct ipaddr target __attribute__((packed));
} __attribute__((packed, aligned(2)));

/*
 * Turn a request for an address in map endpoints into the reply. FWD_NEXT leaves it to the other endpoints:
 * unknown addresses, and an endpoint that asks for its own (RFC 5227 announcements and probes).
 */
static __always_inline verdict_t arp_answer(ctx_t *ctx, const struct pkt *p, __u16 net,
					    struct fwd_out *fwd)
{
	struct endpoint *owner = endpoint_get(net, p->key.dst);
	struct arp_tail arp = { .op = __builtin_bswap16(ARPOP_REPLY) };
	__u8 eth[12];

	if (!owner || mac_eq(owner->mac, p->arp_smac))
		return FWD_NEXT;
	mac_copy(eth, p->smac);
	mac_copy(eth + 6, owner->mac);
	mac_copy(arp.sender_mac, owner->mac);
	arp.sender = p->key.dst;
	mac_copy(arp.target_mac, p->arp_smac);
	arp.target = p->key.src;
	if (ctx_store(ctx, 0, eth, sizeof(eth)) || ctx_store(ctx, ETH_HLEN + 6, &arp, sizeof(arp)))
		return DROP(helper_failed);
	fwd->counter = COUNT_arp_answered;
	return FWD_TX;
}

/*
 * The flags of the ports that a broadcast request is for, which arp_answer() has left: 0 for all. Only the host
 * and ports with spoof=allow can have an address of no endpoint, so the others are spared it (as in RFC 9161).
 * All get probes and announcements (RFC 5227), which ask or tell everybody; and what a port with spoof=allow asks,
 * since receivers learn from it where an address is now (RFC 826). from: the ingress port's flags.
 */
static __always_inline __u16 arp_asked(const struct pkt *p, __u16 net, __u16 from)
{
	if (from & PORT_SPOOF_ALLOW || addr_none(p->key.src) || addr_eq(p->key.src, p->key.dst))
		return 0;
	return endpoint_get(net, p->key.dst) ? 0 : PORT_SPOOF_ALLOW;
}

#endif
