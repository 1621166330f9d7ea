/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Port security: what a namespace may send. Without spoof=allow, only frames from its own MAC and addresses; in
 * any case no group source address, no gateway address, no router advertisement (CVE-2020-10749).
 */
#ifndef EBPFNET_BPF_L2_PORT_SECURITY_H
#define EBPFNET_BPF_L2_PORT_SECURITY_H

#include <ebpfnet/core/parse.h>
#include "kern/ctx_tc.h"
#include "kern/verdict.h"

/* IPv4. DHCP clients have no address yet (RFC 2131 section 2). */
static __always_inline verdict_t port_security_ipv4(const struct pkt *p, const struct port *port)
{
	if (addr_eq(p->key.src, port->addr))
		return FWD_NEXT;
	if (addr_none(p->key.src) && p->kind == PKT_PORTS && p->key.proto == L4_UDP &&
	    p->key.sport_h == 68 && p->key.dport_h == 67)
		return FWD_NEXT;
	return DROP(spoofed_addr);
}

/* ARP. A probe has no sender address yet (RFC 5227 section 1.1). */
static __always_inline verdict_t port_security_arp(const struct pkt *p, const struct port *port)
{
	if (!mac_eq(p->arp_smac, port->mac))
		return DROP(spoofed_mac);
	if (!addr_eq(p->key.src, port->addr) && !addr_none(p->key.src))
		return DROP(spoofed_addr);
	return FWD_NEXT;
}

#define IPV6_HLEN 40
#define IPV6_HEADERS 4 /* extension headers walked; longer chains have no legitimate use (RFC 7113) */

struct ipv6_addr {
	__be32 word[4];
};

static __always_inline _Bool ipv6_none(const struct ipv6_addr *a)
{
	return !(a->word[0] | a->word[1] | a->word[2] | a->word[3]);
}

/* True for the link-local address derived from the port's MAC (RFC 4291 appendix A). */
static __always_inline _Bool ipv6_is_own(const struct ipv6_addr *a, const struct port *port)
{
	const __u8 *mac = port->mac;
	__u32 high = (mac[0] ^ 2) << 24 | mac[1] << 16 | mac[2] << 8 | 0xff;
	__u32 low = 0xfe000000u | mac[3] << 16 | mac[4] << 8 | mac[5];

	return a->word[0] == __builtin_bswap32(0xfe800000) && !a->word[1] &&
	       a->word[2] == __builtin_bswap32(high) && a->word[3] == __builtin_bswap32(low);
}

/* Offset of the ICMPv6 header; 0: another protocol; negative: cannot be determined. */
static __always_inline int icmpv6_find(const ctx_t *ctx)
{
	__u32 at = ETH_HLEN + IPV6_HLEN;
	__u8 next, ext[2];
	int i;

	if (ctx_load(ctx, ETH_HLEN + 6, &next, 1))
		return -1;
	for (i = 0; i < IPV6_HEADERS; i++) {
		if (next == IPPROTO_ICMPV6)
			return at;
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			return 0;
		if (ctx_load(ctx, at, ext, sizeof(ext)))
			return -1;
		next = ext[0];
		at += (ext[1] + 1) * 8;
	}
	return -1;
}

/*
 * IPv6: from the unspecified address (RFC 4862: DAD) or the port's own link-local one, no router advertisement,
 * and neighbour advertisements only about the port's own address.
 */
static __always_inline verdict_t port_security_ipv6(const ctx_t *ctx, const struct port *port)
{
	struct ipv6_addr src, target;
	int at = icmpv6_find(ctx);
	__u8 type = 0;

	if (at < 0 || ctx_load(ctx, ETH_HLEN + 8, &src, sizeof(src)) ||
	    (at && ctx_load(ctx, at, &type, sizeof(type))))
		return DROP(malformed);
	if (type == ICMPV6_ROUTER_ADVERT)
		return DROP(router_advert);
	if (port->flags & PORT_SPOOF_ALLOW)
		return FWD_NEXT;
	if (!ipv6_none(&src) && !ipv6_is_own(&src, port))
		return DROP(spoofed_addr);
	if (type != ICMPV6_NEIGHBOUR_ADVERT)
		return FWD_NEXT;
	if (ctx_load(ctx, at + 8, &target, sizeof(target)))
		return DROP(malformed);
	return ipv6_is_own(&target, port) ? FWD_NEXT : DROP(spoofed_addr);
}

/* FWD_NEXT if the frame may come from this port. */
static __always_inline verdict_t port_security(const ctx_t *ctx, const struct pkt *p, const struct port *port,
					       const struct network *net)
{
	if (mac_group(p->smac) || mac_zero(p->smac))
		return DROP(bad_source_mac);
	if (mac_eq(p->smac, net->gw_mac))
		return DROP(spoofed_mac);
	/* A receiver strips one priority tag after another, and the headers behind the second are not parsed */
	if (!ctx_vlan(ctx) && (p->eth_type == ETH_P_8021Q || p->eth_type == ETH_P_8021AD))
		return DROP(malformed);
	if (!(port->flags & PORT_SPOOF_ALLOW) && !mac_eq(p->smac, port->mac))
		return DROP(spoofed_mac);
	/* Behind a VLAN tag are other subnets. Tagged frames do not reach the gateway, so the MAC is enough */
	if (ctx_vlan(ctx))
		return FWD_NEXT;
	if (p->kind == PKT_IPV6)
		return port_security_ipv6(ctx, port);
	if (port->flags & PORT_SPOOF_ALLOW)
		return FWD_NEXT;
	switch (p->eth_type) {
	case ETH_P_IP:
		return port_security_ipv4(p, port);
	case ETH_P_ARP:
		return p->kind == PKT_ARP ? port_security_arp(p, port) : DROP(malformed);
	default:
		return FWD_NEXT;
	}
}

#endif
