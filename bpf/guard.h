/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Port security: what a namespace may send. From its own MAC and addresses only, unless its port
 * says spoof=allow; never with a group source address, never as the gateway, never a router
 * advertisement (CVE-2020-10749).
 */
#ifndef EBPFNET_BPF_GUARD_H
#define EBPFNET_BPF_GUARD_H

#include "ctx_tc.h"
#include "lookup.h"
#include "parse.h"
#include "verdict.h"

/* DHCP clients and ARP probes have no address yet (RFC 2131 section 2, RFC 5227 section 1.1). */
static __always_inline verdict_t guard_ipv4(const struct pkt *p, const struct port *port)
{
	if (addr_eq(p->key.src, port->addr))
		return NEXT;
	if (addr_none(p->key.src) && p->kind == PKT_PORTS && p->key.proto == L4_UDP &&
	    p->key.sport_h == 68 && p->key.dport_h == 67)
		return NEXT;
	return DROP(spoofed_addr);
}

static __always_inline verdict_t guard_arp(const struct pkt *p, const struct port *port)
{
	if (!mac_eq(p->arp_smac, port->mac))
		return DROP(spoofed_mac);
	if (!addr_eq(p->key.src, port->addr) && !addr_none(p->key.src))
		return DROP(spoofed_addr);
	return NEXT;
}

/* The unspecified address (RFC 4862: DAD) and the link-local one made from the MAC (RFC 4291 A). */
static __always_inline verdict_t guard_ipv6(const ctx_t *ctx, const struct port *port)
{
	struct {
		__u32 word[4];
	} src;
	__be32 high, low;

	if (ctx_load(ctx, ETH_HLEN + 8, &src, sizeof(src)))
		return DROP(malformed);
	if (!(src.word[0] | src.word[1] | src.word[2] | src.word[3]))
		return NEXT;
	high = __builtin_bswap32((port->mac[0] ^ 2) << 24 | port->mac[1] << 16 | port->mac[2] << 8 | 0xff);
	low = __builtin_bswap32(0xfe000000u | port->mac[3] << 16 | port->mac[4] << 8 | port->mac[5]);
	if (src.word[0] != __builtin_bswap32(0xfe800000) || src.word[1] || src.word[2] != high ||
	    src.word[3] != low)
		return DROP(spoofed_addr);
	return NEXT;
}

static __always_inline _Bool is_router_advert(const ctx_t *ctx)
{
	__u8 next = 0, type = 0;

	ctx_load(ctx, ETH_HLEN + 6, &next, 1);
	ctx_load(ctx, ETH_HLEN + 40, &type, 1);
	return next == IPPROTO_ICMPV6 && type == ICMPV6_ROUTER_ADVERT;
}

/* NEXT if the frame may come from this port. */
static __always_inline verdict_t guard(const ctx_t *ctx, const struct pkt *p,
				       const struct port *port, const struct network *net)
{
	if (mac_group(p->smac) || mac_zero(p->smac))
		return DROP(bad_source_mac);
	if (mac_eq(p->smac, net->gw_mac))
		return DROP(spoofed_mac);
	if (p->kind == PKT_IPV6 && is_router_advert(ctx))
		return DROP(router_advert);
	if (port->flags & PORT_SPOOF_ALLOW)
		return NEXT;
	if (!mac_eq(p->smac, port->mac))
		return DROP(spoofed_mac);
	/* Behind a VLAN tag are other subnets: the tag never reaches the gateway, so the MAC is enough */
	if (ctx_vlan(ctx))
		return NEXT;
	switch (p->eth_type) {
	case ETH_P_IP:
		return guard_ipv4(p, port);
	case ETH_P_ARP:
		return p->kind == PKT_ARP ? guard_arp(p, port) : DROP(malformed);
	case ETH_P_IPV6:
		return guard_ipv6(ctx, port);
	default:
		return NEXT;
	}
}

#endif
