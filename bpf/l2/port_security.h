/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Port security: what a namespace may send. Without spoof=allow, only frames from its own MAC and addresses; in
 * any case no group source address, no address of the gateway or of another endpoint, no router advertisement
 * (CVE-2020-10749), and no ICMP error about a packet that went elsewhere.
 */
#ifndef EBPFNET_BPF_L2_PORT_SECURITY_H
#define EBPFNET_BPF_L2_PORT_SECURITY_H

#include <ebpfnet/core/parse.h>
#include "kern/ctx_tc.h"
#include "kern/lookup.h"
#include "kern/verdict.h"
#include "l2/nd.h"

/* True if an address is the port's, or nobody's and may be used because of spoof=allow. */
static __always_inline _Bool port_may_use(const ctx_t *ctx, const struct port *port, struct ipaddr addr)
{
	struct endpoint *owner;

	if (addr_eq(addr, port->addr))
		return 1;
	if (!(port->flags & PORT_SPOOF_ALLOW))
		return 0;
	owner = endpoint_get(port->net, addr);
	return !owner || owner->ifindex == ctx->ifindex;
}

/*
 * An ICMP message about a packet must come from where that packet went: its sender ends or slows down the
 * conversation. RFC 5508 leaves this to the NAT (section 8), the kernel's sockets look at ports only.
 */
static __always_inline verdict_t port_security_error(const ctx_t *ctx, const struct pkt *p, const struct port *port)
{
	struct ipaddr went_to;

	if (p->kind != PKT_ERROR && !(p->kind == PKT_OTHER && p->key.proto == L4_ICMP && icmp_quotes(p->icmp_type)))
		return FWD_NEXT;
	if (p->ip_len < p->ihl + 8 + IP_MIN_HLEN || ctx_load(ctx, p->l4 + 8 + 16, &went_to, sizeof(went_to)))
		return DROP(icmp_error);
	return port_may_use(ctx, port, went_to) ? FWD_NEXT : DROP(foreign_error);
}

/* IPv4. DHCP clients have no address yet (RFC 2131 section 2). */
static __always_inline verdict_t port_security_ipv4(const ctx_t *ctx, const struct pkt *p, const struct port *port)
{
	if (port_may_use(ctx, port, p->key.src)) {
		/* valid on no link (RFC 1122); with route_localnet the host takes them from flooded frames */
		if (addr_loopback(p->key.src) || addr_loopback(p->key.dst))
			return DROP(martian);
		return port_security_error(ctx, p, port);
	}
	if (addr_none(p->key.src) && p->kind == PKT_PORTS && p->key.proto == L4_UDP &&
	    p->key.sport_h == 68 && p->key.dport_h == 67)
		return FWD_NEXT;
	return DROP(spoofed_addr);
}

/*
 * ARP, whose receivers believe any sender, in requests too. A probe has no sender address yet (RFC 5227 section
 * 1.1). Other layouts are malformed: Linux believes some (hardware type 6, IEEE 802).
 */
static __always_inline verdict_t port_security_arp(const ctx_t *ctx, const struct pkt *p, const struct port *port,
						   const struct network *net)
{
	_Bool any_mac = port->flags & PORT_SPOOF_ALLOW && !mac_eq(p->arp_smac, net->gw_mac);

	if (p->kind != PKT_ARP)
		return DROP(malformed);
	if (!any_mac && !mac_eq(p->arp_smac, port->mac))
		return DROP(spoofed_mac);
	if (!addr_none(p->key.src) && !port_may_use(ctx, port, p->key.src))
		return DROP(spoofed_addr);
	return FWD_NEXT;
}

#define IPV6_HLEN 40
#define ND_OPTIONS 8 /* looked at; Linux sends one or two */
#define IPV6_HEADERS 4 /* extension headers walked; longer chains have no legitimate use (RFC 7113) */

/* Offset of the ICMPv6 header; 0: another protocol; negative: cannot be determined. */
static __always_inline int icmpv6_find(const ctx_t *ctx)
{
	__u32 at = ETH_HLEN + IPV6_HLEN;
	__u8 next, ext[4];
	int i;

	if (ctx_load(ctx, ETH_HLEN + 6, &next, 1))
		return -1;
	for (i = 0; i < IPV6_HEADERS; i++) {
		if (next == IPPROTO_ICMPV6)
			return at;
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT)
			return 0;
		if (ctx_load(ctx, at, ext, sizeof(ext)))
			return -1;
		if (next == IPPROTO_FRAGMENT && (ext[2] || ext[3] & 0xf8)) /* but the first, which was checked */
			return 0;
		next = ext[0];
		at += (ext[1] + 1) * 8;
	}
	return -1;
}

/* True for an address that a node has: not unspecified, loopback, with an IPv4 one inside (RFC 4291), of a group. */
static __always_inline _Bool ipv6_of_node(const struct ipv6_addr *a)
{
	return a->word[0] | a->word[1] && *(const __u8 *)a != 0xff;
}

/* Options of neighbour discovery (RFC 4861 section 4.6) tell MAC addresses: the port's own only. */
static __always_inline verdict_t nd_check_options(const ctx_t *ctx, __u32 at, const struct port *port)
{
	__u8 option[8];
	__be16 len;
	__u32 end;
	int i;

	if (ctx_load(ctx, ETH_HLEN + 4, &len, sizeof(len)))
		return DROP(malformed);
	end = ETH_HLEN + IPV6_HLEN + __builtin_bswap16(len);
	for (i = 0; i < ND_OPTIONS && at < end; i++) {
		if (ctx_load(ctx, at, option, sizeof(option)) || !option[1])
			return DROP(malformed);
		if ((option[0] == ND_OPT_SOURCE_MAC || option[0] == ND_OPT_TARGET_MAC) &&
		    !mac_eq(option + 2, port->mac))
			return DROP(spoofed_mac);
		at += option[1] * 8;
	}
	return at == end ? FWD_NEXT : DROP(malformed);
}

/*
 * Neighbour discovery. at: of the ICMPv6 header. dad: sent from the unspecified address (RFC 4862 section 5.4): it
 * claims the target, unless that has an owner, who is asked when his own detection is over: before, the question
 * would end it.
 */
__noinline verdict_t port_security_nd(ctx_t *ctx, const struct port *port, __u32 at_type)
{
	__u32 at = at_type & 0xffff, options = at + 24;
	__u8 type = at_type >> 16;
	_Bool dad = at_type >> 24;
	struct ipv6_addr target;
	enum nd_owner owner;

	if (!port)
		return DROP(helper_failed);
	if (type == ICMPV6_ROUTER_SOLICIT)
		options = at + 8;
	else if (ctx_load(ctx, at + 8, &target, sizeof(target)))
		return DROP(malformed);
	if (type == ICMPV6_NEIGHBOUR_ADVERT || (type == ICMPV6_NEIGHBOUR_SOLICIT && dad)) {
		owner = ipv6_of_node(&target) ? nd_use(port, &target, dad) : ND_OTHERS;
		if (owner == ND_OTHERS || (owner == ND_OTHERS_SETTLED && type == ICMPV6_NEIGHBOUR_ADVERT))
			return DROP(spoofed_addr);
	}
	return port->flags & PORT_SPOOF_ALLOW ? FWD_NEXT : nd_check_options(ctx, options, port);
}

/* As port_security_error(). */
static __always_inline verdict_t port_security_error6(const ctx_t *ctx, const struct port *port, __u32 at)
{
	struct ipv6_addr went_to;

	if (ctx_load(ctx, at + 8 + 24, &went_to, sizeof(went_to)))
		return DROP(icmp_error);
	return nd_owner(port, &went_to, 0) >= ND_OTHERS ? DROP(foreign_error) : FWD_NEXT;
}

/* IPv6: no router advertisement, and nothing from, about or against an address of another port. */
static __always_inline verdict_t port_security_ipv6(ctx_t *ctx, const struct port *port)
{
	int at = icmpv6_find(ctx);
	struct ipv6_addr src;
	__u8 type = 0, next;

	if (at < 0 || ctx_load(ctx, ETH_HLEN + 6, &next, 1) || ctx_load(ctx, ETH_HLEN + 8, &src, sizeof(src)) ||
	    (at && ctx_load(ctx, at, &type, sizeof(type))))
		return DROP(malformed);
	if (type == ICMPV6_ROUTER_ADVERT)
		return DROP(router_advert);
	if (!ipv6_none(&src) && (!ipv6_of_node(&src) || nd_use(port, &src, 0) >= ND_OTHERS))
		return DROP(spoofed_addr);
	if (type >= ICMPV6_ROUTER_SOLICIT && type <= ICMPV6_NEIGHBOUR_ADVERT) {
		/* RFC 6980: not in fragments, nor behind other headers of the kind that hide one */
		if (next == IPPROTO_FRAGMENT)
			return DROP(malformed);
		return port_security_nd(ctx, port, (__u32)ipv6_none(&src) << 24 | (__u32)type << 16 | (at & 0xffff));
	}
	return at && type >= 1 && type <= 4 ? port_security_error6(ctx, port, at) : FWD_NEXT;
}

/*
 * A checksum that a device is to write behind our programs may change what they have checked and translated: the
 * source port, an address. It may be the packet's own, or lie in what they do not look at.
 */
static __always_inline verdict_t port_security_offload(ctx_t *ctx, const struct pkt *p)
{
	struct csum_pending csum;
	__u32 from = ETH_HLEN;

	if (!ctx_pending_csum(ctx, &csum))
		return FWD_NEXT;
	switch (p->kind) {
	case PKT_PORTS:
		if (p->frag & IP_FRAG_MASK)
			return DROP(bad_offload);
		if (csum.start == p->l4 && csum.offset == (p->key.proto == L4_UDP ? 6 : 16))
			return FWD_NEXT;
		from = p->l4 + p->l4_hlen;
		break;
	case PKT_OTHER: /* protocols without ports are translated by address alone */
		if (p->key.proto == L4_ICMP || p->frag & IP_FRAG_MASK)
			return DROP(bad_offload);
		from = p->l4;
		break;
	case PKT_IPV6:
		from = ETH_HLEN + IPV6_HLEN;
		if (icmpv6_find(ctx))
			return DROP(bad_offload);
		break;
	case PKT_FOREIGN:
		break;
	default:
		return DROP(bad_offload);
	}
	return pending_csum_behind(&csum, from) ? FWD_NEXT : DROP(bad_offload);
}

/* FWD_NEXT if the frame may come from this port. Not inlined: its frame would be on the stack of all that follows. */
static __noinline verdict_t port_security(ctx_t *ctx, const struct pkt *p, const struct port *port,
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
	if (port_security_offload(ctx, p) != FWD_NEXT)
		return DROP(bad_offload);
	/* Behind a VLAN tag are other subnets. Tagged frames do not reach the gateway, so the MAC is enough */
	if (ctx_vlan(ctx))
		return FWD_NEXT;
	if (p->kind == PKT_IPV6)
		return port_security_ipv6(ctx, port);
	switch (p->eth_type) {
	case ETH_P_IP:
		return port_security_ipv4(ctx, p, port);
	case ETH_P_ARP:
		return port_security_arp(ctx, p, port, net);
	default:
		return FWD_NEXT;
	}
}

#endif
