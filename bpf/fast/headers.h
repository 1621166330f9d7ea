/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Headers of an ordinary frame, copied in one pass: unfragmented IPv4 without options, TCP or UDP. */
#ifndef EBPFNET_BPF_FAST_HEADERS_H
#define EBPFNET_BPF_FAST_HEADERS_H

#include <ebpfnet/core/parse.h>
#include "kern/ctx_tc.h"
#include "kern/percpu_cache.h"

/* An IP header without options. */
union ip_words {
	__u32 word[5];
	struct {
		__u8 version_ihl, tos;
		__be16 len, id, frag;
		__u8 ttl, proto;
		__sum16 check;
		__be32 src, dst;
	};
};

/* The first words of a UDP or TCP header. */
union l4_words {
	__u32 word[5];
	struct {
		union {
			struct {
				__be16 sport, dport;
			};
			__be32 ports;
		};
		union {
			struct {
				__be16 len;
				__sum16 check;
			} udp;
			struct {
				__be32 seq, ack;
				__u8 doff, flags;
				__be16 window;
				__sum16 check;
				__be16 urgent;
			} tcp;
		};
	};
};

/* The rewrite of a packet, and its path. */
struct fast_action {
	__be32 src, dst, ports;
	__u16 path;			/* index in map paths */
	__u8 counter;			/* enum counter */
	__u8 zero;
};

/* The headers of a frame, what follows from them, and how to forward it. */
struct fast_headers {
	__u32 mac[3];
	/* headers as they will be written back in one store */
	__u16 unused;			/* alignment */
	__u16 new_mac[6];
	__be16 eth_type;
	union ip_words ip;
	union l4_words l4;
	/* derived from them */
	__u32 edge;			/* TCP: see struct pkt; UDP: 0 */
	__u16 ip_len;
	__u8 headers;			/* bytes of IP and transport header */
	__u8 dscp;			/* TOS without the ECN bits */
	_Bool no_control;		/* no SYN, FIN or RST: cannot change the connection's state */
	__u16 zone;			/* that it arrived in */
	__u32 stamp;			/* cache_stamp_of_packet() before anything is looked up */
	struct fast_action action;
	__u32 missed;			/* packets of this CPU that the flow cache had not */
};

/* Per-CPU scratch; too large for the stack (see scratch.h). */
PERCPU_SCRATCH(struct fast_headers, fast_scratch)

static __always_inline _Bool fast_is_tcp(const struct fast_headers *h)
{
	return h->ip.proto == L4_TCP;
}

/* Copy the transport header. False: incomplete, or another protocol. */
static __always_inline _Bool fast_headers_read_l4(const __u32 *l4, const void *end, struct fast_headers *h)
{
	int i;

	h->l4 = (union l4_words){ .word = { l4[0], l4[1] } };
	h->headers = IP_MIN_HLEN + 8;
	h->edge = 0;
	h->no_control = 1;
	if (h->ip.proto == L4_UDP)
		return 1;
	if (!fast_is_tcp(h) || (const void *)(l4 + 5) > end)
		return 0;
	for (i = 2; i < 5; i++)
		h->l4.word[i] = l4[i];
	h->headers = IP_MIN_HLEN + (h->l4.tcp.doff >> 4 << 2);
	h->edge = tcp_edge(0, __builtin_bswap32(h->l4.tcp.ack), __builtin_bswap16(h->l4.tcp.window), TCP_ACK);
	h->no_control = (h->l4.tcp.flags & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK;
	return h->headers >= IP_MIN_HLEN + 20;
}

static __always_inline _Bool fast_is_ipv4(const ctx_t *ctx, const __u8 *data)
{
	return LINK_HLEN ? *(__be16 *)(data + 12) == __builtin_bswap16(ETH_P_IP) : ctx_protocol(ctx) == ETH_P_IP;
}

/*
 * Copy the headers. False unless the frame is ordinary: no VLAN tag, well formed. Reads words: the IP header is
 * aligned to four bytes (NET_IP_ALIGN), or the CPU does not care.
 */
static __always_inline _Bool fast_headers_read(ctx_t *ctx, struct fast_headers *h)
{
	const __u8 *data = ctx_data(ctx), *end = ctx_data_end(ctx);
	const __u32 *mac = (const __u32 *)data, *ip = (const __u32 *)(data + LINK_HLEN);
	int i;

	if (data + LINK_HLEN + IP_MIN_HLEN + 8 > end || !fast_is_ipv4(ctx, data) || ctx->vlan_present)
		return 0;
	for (i = 0; i < LINK_HLEN / 4; i++)
		h->mac[i] = mac[i];
	for (i = 0; i < 5; i++)
		h->ip.word[i] = ip[i];
	h->ip_len = __builtin_bswap16(h->ip.len);
	h->dscp = h->ip.tos & IP_DSCP;
	return h->ip.version_ihl == 0x45 && !(h->ip.frag & __builtin_bswap16(IP_FRAG_MASK)) &&
	       ctx->len == LINK_HLEN + h->ip_len && fast_headers_read_l4(ip + 5, end, h) && h->headers <= h->ip_len;
}

/* The packet's key in a zone. */
static __always_inline struct flow_key fast_key(const struct fast_headers *h, __u16 zone)
{
	return (struct flow_key){
		.src = addr_of(h->ip.src),
		.dst = addr_of(h->ip.dst),
		.sport_h = __builtin_bswap16(h->l4.sport),
		.dport_h = __builtin_bswap16(h->l4.dport),
		.zone = zone,
		.proto = h->ip.proto,
	};
}

static __always_inline _Bool fast_ip_csum_ok(const struct fast_headers *h)
{
	const __u32 *w = h->ip.word;

	return csum_fold16((__u64)w[0] + w[1] + w[2] + w[3] + w[4]) == 0xffff;
}

#endif
