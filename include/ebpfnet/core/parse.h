/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* PURE. Parse Ethernet to transport headers in one pass into struct pkt, which the stages decide by. */
#ifndef EBPFNET_CORE_PARSE_H
#define EBPFNET_CORE_PARSE_H

#include <ebpfnet/core/addr.h>
#include <ebpfnet/core/csum.h>
#include <ebpfnet/core/tcp_window.h>
#include <ebpfnet/core/uapi.h>

#define IP_MIN_HLEN 20

/* Kind of a packet, by its headers. */
enum pkt_kind {
	PKT_FOREIGN,		/* neither ARP nor IP: switched only */
	PKT_ARP,		/* key.src, key.dst: sender and target protocol addresses */
	PKT_IPV6,
	PKT_PORTS,		/* TCP, UDP: tuple complete */
	PKT_QUERY,		/* ICMP query: tuple complete, identifier in both ports */
	PKT_ERROR,		/* ICMP error: its flow is that of the embedded packet */
	PKT_FRAG,		/* a later fragment: no ports, until frag_input.h knows them */
	PKT_OTHER,		/* another protocol over IPv4: no ports */
};

/* A parsed packet. The first part is filled in by parse_frame(), the rest as said. */
struct pkt {
	struct flow_key key;	/* .zone is set by the hook's program */
	__u8 dmac[6], smac[6];	/* in this order: they are written as one */
	__u16 eth_type;		/* host order */
	__u16 l4;		/* offset of the transport header; the IP header is at LINK_HLEN */
	__u16 ip_len;		/* total length in the IP header */
	__u16 ihl;		/* header length in bytes */
	__u16 frag;		/* flags and offset, host order */
	__u16 arp_op;		/* host order */
	__u8 arp_smac[6];
	__u8 ttl, tos;
	__sum16 ip_check;
	__u32 seq, ack, edge;	/* TCP, host order; edge: see tcp_window.h */
	__u8 tcp_flags;
	__u8 scale;		/* TCP SYN: window scale, or TCP_SCALE_NONE; set by tcp_option_scale() */
	_Bool out_of_window;	/* TCP: RST or FIN that its receiver would not accept; set by ct_update() */
	__u8 icmp_type;
	__u8 l4_hlen;		/* TCP: with options; else 8 */
	_Bool has_frag_tuple;	/* PKT_FRAG: key has the datagram's tuple; set by frag_input() */
	__be16 ip_id;		/* fragments; set by frag_input() */
	__u32 stamp;		/* of what is kept of it (kern/percpu_cache.h); 0: nothing may be. Set by pkt_begin() */
	enum pkt_kind kind;
};

/*
 * True for protocols that a NAT translates by address alone (GRE, ESP, SCTP, tunnels): no known ports, no
 * checksum over the addresses (UDP-Lite and DCCP have one), and no signature over them (AH).
 */
static __always_inline _Bool l4_by_address(enum l4proto proto)
{
	return proto != L4_TCP && proto != L4_UDP && proto != L4_ICMP && proto != L4_DCCP &&
	       proto != L4_AH && proto != L4_UDPLITE;
}

/* True if the key has a tuple that flows can have. Without it, as in tuples without ports, the ports are zero. */
static __always_inline _Bool pkt_has_tuple(const struct pkt *p)
{
	return p->kind == PKT_PORTS || p->kind == PKT_QUERY || p->has_frag_tuple ||
	       (p->kind == PKT_OTHER && l4_by_address(p->key.proto));
}

/* Result of parse_frame(). */
enum parsed {
	PARSED,
	PARSE_SHORT,		/* more bytes are needed: pull them and try again */
	PARSE_BAD,		/* malformed */
};

/* Load from an address with an alignment of two. */
static __always_inline struct ipaddr addr_at(const __u8 *at)
{
	return addr_of(*(__u16 *)at | (__u32) * (__u16 *)(at + 2) << 16);
}

static __always_inline enum parsed parse_arp(const __u8 *data, const __u8 *end, struct pkt *p)
{
	const __u8 *arp = data + LINK_HLEN;

	if (arp + 28 > end)
		return PARSE_SHORT;
	p->kind = PKT_ARP;
	/* RFC 826: Ethernet, IPv4, 6, 4; others are only switched */
	if (*(__be32 *)arp != __builtin_bswap32(0x00010800) || arp[4] != 6 || arp[5] != 4) {
		p->kind = PKT_FOREIGN;
		return PARSED;
	}
	p->arp_op = arp[6] << 8 | arp[7];
	mac_copy(p->arp_smac, arp + 8);
	p->key.src = addr_at(arp + 14);
	p->key.dst = addr_at(arp + 24);
	return PARSED;
}

static __always_inline _Bool icmp_is_query(__u8 type)
{
	return type == ICMP_ECHO || type == ICMP_ECHOREPLY || type == ICMP_TIMESTAMP ||
	       type == ICMP_TIMESTAMPREPLY;
}

static __always_inline _Bool icmp_is_request(__u8 type)
{
	return type == ICMP_ECHO || type == ICMP_TIMESTAMP;
}

/* RFC 5508 section 3: errors that a NAT translates. Redirects (type 5) are not among them. */
static __always_inline _Bool icmp_is_error(__u8 type)
{
	return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
	       type == ICMP_PARAMETERPROB;
}

/* All types that embed the packet they are about: errors, and the source quench and redirect that hosts know. */
static __always_inline _Bool icmp_quotes(__u8 type)
{
	return icmp_is_error(type) || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT;
}

/* The same, to host byte order. */
static __always_inline __u32 be32_at(const __u8 *at)
{
	return (__u32)__builtin_bswap16(*(__be16 *)at) << 16 | __builtin_bswap16(*(__be16 *)(at + 2));
}

static __always_inline enum parsed parse_l4(const __u8 *l4, const __u8 *end, struct pkt *p)
{
	switch (p->key.proto) {
	case L4_TCP:
		if (l4 + 20 > end)
			return PARSE_SHORT;
		p->l4_hlen = l4[12] >> 4 << 2;
		if (p->l4_hlen < 20)
			return PARSE_BAD;
		p->tcp_flags = l4[13];
		p->seq = be32_at(l4 + 4);
		p->ack = be32_at(l4 + 8);
		p->edge = tcp_edge(p->seq, p->ack, l4[14] << 8, p->tcp_flags);
		break;
	case L4_UDP:
		if (l4 + 8 > end)
			return PARSE_SHORT;
		p->l4_hlen = 8;
		break;
	case L4_ICMP:
		if (l4 + 8 > end)
			return PARSE_SHORT;
		p->l4_hlen = 8;
		p->icmp_type = l4[0];
		p->kind = icmp_is_error(l4[0]) ? PKT_ERROR : PKT_OTHER;
		if (icmp_is_query(l4[0])) {
			p->kind = PKT_QUERY;
			p->key.sport_h = p->key.dport_h = l4[4] << 8 | l4[5];
		}
		return PARSED;
	default:
		p->kind = PKT_OTHER;
		return PARSED;
	}
	p->kind = PKT_PORTS;
	p->key.sport_h = __builtin_bswap16(*(__be16 *)l4);
	p->key.dport_h = __builtin_bswap16(*(__be16 *)(l4 + 2));
	return PARSED;
}

static __always_inline enum parsed parse_ipv4(const __u8 *data, const __u8 *end, struct pkt *p,
					      __u32 frame_len)
{
	const __u8 *ip = data + LINK_HLEN, *l4;

	if (ip + IP_MIN_HLEN > end)
		return PARSE_SHORT;
	p->ihl = (ip[0] & 0x0f) << 2;
	p->tos = ip[1];
	p->ip_len = __builtin_bswap16(*(__be16 *)(ip + 2));
	p->frag = __builtin_bswap16(*(__be16 *)(ip + 6));
	p->ttl = ip[8];
	p->key.proto = ip[9];
	p->ip_check = *(__sum16 *)(ip + 10);
	p->key.src = addr_at(ip + 12);
	p->key.dst = addr_at(ip + 16);
	if (ip[0] >> 4 != 4 || p->ihl < IP_MIN_HLEN || p->ip_len < p->ihl ||
	    (__u32)(LINK_HLEN + p->ip_len) > frame_len)
		return PARSE_BAD;

	p->l4 = LINK_HLEN + p->ihl;
	if (p->frag & IP_OFFSET) {
		p->kind = PKT_FRAG;
		return PARSED;
	}
	l4 = ip + p->ihl;
	return parse_l4(l4, end, p);
}

/* Parse what is behind the link-layer header, of the type p->eth_type. Otherwise as parse_frame(). */
static __always_inline enum parsed parse_network(const __u8 *data, const __u8 *end, __u32 frame_len, struct pkt *p)
{
	enum parsed r;

	p->l4 = LINK_HLEN;
	switch (p->eth_type) {
	case ETH_P_IP:
		r = parse_ipv4(data, end, p, frame_len);
		/* the transport header must end within the packet, not only within the frame */
		if (r == PARSED && p->kind != PKT_FRAG && p->kind != PKT_OTHER &&
		    p->l4 + p->l4_hlen > LINK_HLEN + p->ip_len)
			return PARSE_BAD;
		return r;
	case ETH_P_ARP:
		return parse_arp(data, end, p);
	case ETH_P_IPV6:
		p->kind = PKT_IPV6;
		return PARSED;
	default:
		p->kind = PKT_FOREIGN;
		return PARSED;
	}
}

/* Parse [data, end), the readable part of a frame of frame_len bytes, into *p, which must be zeroed. */
static __always_inline enum parsed parse_frame(const __u8 *data, const __u8 *end, __u32 frame_len,
					       struct pkt *p)
{
	if (data + ETH_HLEN > end)
		return PARSE_SHORT;
	mac_copy(p->dmac, data);
	mac_copy(p->smac, data + 6);
	p->eth_type = data[12] << 8 | data[13];
	return parse_network(data, end, frame_len, p);
}

/* RFC 1071 over the IP header of a parsed packet. False too if it is not all in [data, end). */
static __always_inline _Bool ip_header_sum_ok(const __u8 *data, const __u8 *end, __u32 ihl)
{
	const __u8 *ip = data + LINK_HLEN;
	const __u16 *word = (const __u16 *)ip;
	__u64 sum;
	__u32 i;

	if (ip + IP_MIN_HLEN > end)
		return 0;
	sum = (__u64)word[0] + word[1] + word[2] + word[3] + word[4] + word[5] + word[6] + word[7] +
	      word[8] + word[9];
	for (i = IP_MIN_HLEN; i < 60; i += 2) {
		OPAQUE(i);
		if (i >= ihl)
			break;
		if (ip + i + 2 > end)
			return 0;
		sum += *(__u16 *)(ip + i);
	}
	return csum_fold16(sum) == 0xffff;
}

#endif
