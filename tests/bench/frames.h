/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Build a TCP segment without data, fast enough for millions of them. */
#ifndef EBPFNET_BENCH_FRAMES_H
#define EBPFNET_BENCH_FRAMES_H

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#define ETH 14
#define FRAME 64

enum { FIN = 0x01, SYN = 0x02, PSH = 0x08, ACK = 0x10 };

struct tuple {
	uint32_t src, dst;
	uint16_t sport, dport;
};

static inline void put16(uint8_t *p, uint16_t v)
{
	v = htons(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put32(uint8_t *p, uint32_t v)
{
	v = htonl(v);
	memcpy(p, &v, sizeof(v));
}

static inline uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return ntohl(v);
}

static inline void sum_header(uint8_t *ip)
{
	uint32_t sum = 0;
	int i;

	for (i = 0; i < 20; i += 2)
		sum += ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~(sum + (sum >> 16)));
}

static inline void tcp_frame(uint8_t f[FRAME], const uint8_t *smac, const uint8_t *dmac, struct tuple t, uint8_t flags)
{
	uint8_t *ip = f + ETH, *tcp = ip + 20;

	memset(f, 0, FRAME);
	memcpy(f, dmac, 6);
	memcpy(f + 6, smac, 6);
	put16(f + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, FRAME - ETH);
	ip[8] = 64;
	ip[9] = 6;
	put32(ip + 12, t.src);
	put32(ip + 16, t.dst);
	sum_header(ip);
	put16(tcp, t.sport);
	put16(tcp + 2, t.dport);
	put32(tcp + 4, 1000);
	put32(tcp + 8, flags & ACK ? 1000 : 0);
	tcp[12] = 0x50;
	tcp[13] = flags;
	put16(tcp + 14, 64240);
}

#endif
