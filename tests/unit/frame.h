/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Frames to parse, built by hand, and how to let the parser see only the first bytes of one. */
#ifndef EBPFNET_TESTS_FRAME_H
#define EBPFNET_TESTS_FRAME_H

#include <ebpfnet/core/parse.h>
#include "rfc1071.h"
#include "unit.h"

/* ---- frames ---- */

struct frame {
	uint8_t bytes[256];
	size_t len;
};

static inline void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static inline struct frame eth(uint16_t type, size_t payload)
{
	static const uint8_t macs[12] = { 0x02, 0xeb, 1, 2, 3, 4, 0xfe, 0xeb, 5, 6, 7, 8 };
	struct frame f = { .len = ETH_HLEN + payload };

	memcpy(f.bytes, macs, sizeof(macs));
	put16(f.bytes + 12, type);
	return f;
}

/* ihl in bytes; payload: what the header says and what there is. */
static inline struct frame ipv4(uint8_t proto, size_t ihl, size_t payload)
{
	static const uint8_t addrs[8] = { 192, 0, 2, 1, 203, 0, 113, 9 };
	struct frame f = eth(ETH_P_IP, ihl + payload);
	uint8_t *ip = f.bytes + ETH_HLEN;

	ip[0] = 0x40 | ihl / 4;
	ip[1] = 0xb8;
	put16(ip + 2, ihl + payload);
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, addrs, sizeof(addrs));
	memset(ip + 20, 1, ihl - 20); /* options: no operation */
	rfc1071_fill(ip, ihl, 10);
	return f;
}

static inline uint8_t *ip_of(struct frame *f)
{
	return f->bytes + ETH_HLEN;
}

static inline uint8_t *l4_of(struct frame *f)
{
	return ip_of(f) + (ip_of(f)[0] & 0x0f) * 4;
}

static inline struct frame udp(size_t ihl, size_t data)
{
	struct frame f = ipv4(L4_UDP, ihl, 8 + data);

	put16(l4_of(&f), 4000);
	put16(l4_of(&f) + 2, 53);
	put16(l4_of(&f) + 4, 8 + data);
	return f;
}

static inline struct frame tcp(size_t ihl, size_t doff, uint8_t flags, size_t payload)
{
	struct frame f = ipv4(L4_TCP, ihl, payload);

	put16(l4_of(&f), 4000);
	put16(l4_of(&f) + 2, 80);
	l4_of(&f)[12] = doff / 4 << 4;
	l4_of(&f)[13] = flags;
	return f;
}

static inline struct frame icmp(uint8_t type, size_t ihl, size_t data)
{
	struct frame f = ipv4(L4_ICMP, ihl, 8 + data);

	l4_of(&f)[0] = type;
	put16(l4_of(&f) + 4, 0xabcd);
	return f;
}

static inline struct frame arp(uint16_t op)
{
	static const uint8_t head[6] = { 0, 1, 8, 0, 6, 4 };
	static const uint8_t tail[20] = { 0xfe, 0xeb, 5, 6, 7, 8, 192, 0, 2, 1,
					  0,	0,    0, 0, 0, 0, 192, 0, 2, 2 };
	struct frame f = eth(ETH_P_ARP, 28);

	memcpy(ip_of(&f), head, sizeof(head));
	put16(ip_of(&f) + 6, op);
	memcpy(ip_of(&f) + 8, tail, sizeof(tail));
	return f;
}

static inline struct frame fragment(struct frame f, uint16_t frag)
{
	put16(ip_of(&f) + 6, frag);
	return f;
}

/* ---- parsing ---- */

/*
 * Two bytes into an allocation that ends where the frame does: an IP header is aligned as drivers
 * align it (NET_IP_ALIGN), and a byte read behind the end is found.
 */
static inline uint8_t *exact(const struct frame *f, size_t visible, void **memory)
{
	uint8_t *data = (uint8_t *)(*memory = malloc(2 + visible)) + 2;

	assert_non_null(*memory);
	memcpy(data, f->bytes, visible);
	return data;
}

/* Parses the frame as if no more than its first bytes were in reach. */
static inline enum parsed parse_visible(const struct frame *f, size_t visible, struct pkt *p)
{
	void *memory;
	uint8_t *data = exact(f, visible, &memory);
	enum parsed r;

	memset(p, 0, sizeof(*p));
	r = parse_frame(data, data + visible, f->len, p);
	free(memory);
	return r;
}

static inline enum parsed parse(struct frame f, struct pkt *p)
{
	return parse_visible(&f, f.len, p);
}

#endif
