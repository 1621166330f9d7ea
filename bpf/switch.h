/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The switch (IEEE 802.1D) and its ARP answers (RFC 826): for frames of namespaces and of the
 * gateway device alike.
 */
#ifndef EBPFNET_BPF_SWITCH_H
#define EBPFNET_BPF_SWITCH_H

#include "ctx_tc.h"
#include "fdb.h"
#include "frame_note.h"
#include "parse.h"
#include "verdict.h"

/* IEEE 802.1D table 7-10: 01-80-C2-00-00-00 to -0F never leave the segment. */
static __always_inline _Bool mac_link_local_group(const __u8 *mac)
{
	const __u16 *w = (const __u16 *)mac;

	return w[0] == __builtin_bswap16(0x0180) && w[1] == __builtin_bswap16(0xc200) &&
	       mac[4] == 0 && mac[5] < 0x10;
}

/* The bytes of an ARP packet from the operation to the end; a MAC is on an odd boundary there. */
struct arp_tail {
	__be16 op;
	__u8 sender_mac[6];
	struct ipaddr sender __attribute__((packed));
	__u8 target_mac[6];
	struct ipaddr target __attribute__((packed));
} __attribute__((packed, aligned(2)));

/*
 * Turns a request for an address we know into its answer. Unknown addresses, and a station that
 * asks about its own (RFC 5227 announcements and probes), are left to the other stations.
 */
static __always_inline verdict_t arp_answer(ctx_t *ctx, const struct pkt *p, __u16 net,
					    struct way *way)
{
	struct endpoint *who = endpoint_get(net, p->key.dst);
	struct arp_tail arp = { .op = __builtin_bswap16(ARPOP_REPLY) };
	__u8 eth[12];

	if (!who || mac_eq(who->mac, p->arp_smac))
		return NEXT;
	mac_copy(eth, p->smac);
	mac_copy(eth + 6, who->mac);
	mac_copy(arp.sender_mac, who->mac);
	arp.sender = p->key.dst;
	mac_copy(arp.target_mac, p->arp_smac);
	arp.target = p->key.src;
	if (ctx_store(ctx, 0, eth, sizeof(eth)) || ctx_store(ctx, ETH_HLEN + 6, &arp, sizeof(arp)))
		return DROP(helper_failed);
	way->count = COUNT_arp_answered;
	return BACK;
}

/*
 * Notes where a frame of this kind goes, that port security let in. from: the port it came by, NULL: from the
 * gateway. A port with spoof=allow has no notes: each of its frames may be from somebody else.
 */
static __always_inline void switch_note(ctx_t *ctx, struct frame_note *n, const __u32 *mac,
					const struct port *from, __u32 to)
{
	struct config *cfg = config_get();

	if (n && cfg && !(from && from->flags & PORT_SPOOF_ALLOW))
		frame_note_make(ctx, n, mac, cfg, from ? addr_be32(from->addr) : 0, from ? from->net : 0, to);
}

/*
 * Where a frame goes that came in by a device; NEXT: it is for the gateway, to be routed. from: as above.
 */
static __always_inline verdict_t switch_frame(ctx_t *ctx, const struct pkt *p, __u16 net_id,
					      const struct network *net, const struct port *from,
					      struct way *way)
{
	const __u32 *mac = (const __u32 *)p->dmac; /* and the source's behind it */
	struct frame_note *n = frame_note_at(mac);
	struct config *cfg = config_get();
	_Bool noted = n && cfg && frame_note_is_of(n, mac, ctx->ifindex, cfg);
	struct fdb_entry *e;
	verdict_t v;

	if (p->kind == PKT_ARP && p->arp_op == ARPOP_REQUEST && !ctx_vlan(ctx)) {
		v = arp_answer(ctx, p, net_id, way);
		if (v != NEXT)
			return v;
	}
	if (mac_group(p->dmac)) {
		if (mac_link_local_group(p->dmac))
			return DROP(link_local_group);
		way->count = COUNT_flooded;
		return FLOOD;
	}
	if (mac_eq(p->dmac, net->gw_mac)) {
		if (ctx_vlan(ctx))
			return DROP(vlan_to_gateway);
		if (!noted && from)
			switch_note(ctx, n, mac, from, 0);
		return NEXT;
	}
	way->count = COUNT_switched;
	if (noted) {
		way->ifindex = n->to;
		return DELIVER;
	}
	e = fdb_find(net_id, p->dmac);
	if (!e) {
		way->count = COUNT_flooded;
		return FLOOD;
	}
	if (e->ifindex == ctx->ifindex)
		return DROP(reflected);
	if (e->kind != FDB_LEARNED) /* that may move */
		switch_note(ctx, n, mac, from, e->ifindex);
	way->ifindex = e->ifindex;
	return DELIVER;
}

#endif
