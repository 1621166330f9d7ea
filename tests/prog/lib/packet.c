// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"

#define FRAMES 64

static const char default_payload[] = "abcdefghijklm";

static struct frame *new_frame(void)
{
	static struct frame ring[FRAMES];
	static unsigned int next;
	struct frame *f = &ring[next++ % FRAMES];

	memset(f, 0, sizeof(*f));
	return f;
}

static void put8(struct frame *f, uint8_t value)
{
	f->bytes[f->len++] = value;
}

static void put16(struct frame *f, uint16_t value)
{
	put8(f, value >> 8);
	put8(f, value);
}

static void put32(struct frame *f, uint32_t value)
{
	put16(f, value >> 16);
	put16(f, value);
}

static void put(struct frame *f, const void *from, uint32_t len)
{
	if (f->len + len > FRAME_MAX)
		abort();
	memcpy(f->bytes + f->len, from, len);
	f->len += len;
}

static void put_addr(struct frame *f, const char *text)
{
	uint8_t addr[4];

	if (inet_pton(AF_INET, text, addr) != 1)
		abort();
	put(f, addr, sizeof(addr));
}

void mac_parse(const char *text, uint8_t mac[6])
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) != 6)
		abort();
}

static void put_mac(struct frame *f, const char *text)
{
	uint8_t mac[6];

	mac_parse(text, mac);
	put(f, mac, sizeof(mac));
}

uint16_t frame_u16(const struct frame *f, uint32_t at)
{
	return f->bytes[at] << 8 | f->bytes[at + 1];
}

void frame_set_u16(struct frame *f, uint32_t at, uint16_t value)
{
	f->bytes[at] = value >> 8;
	f->bytes[at + 1] = value;
}

/* RFC 1071, as it is written there. */
static uint32_t sum16(const uint8_t *p, uint32_t len)
{
	uint32_t sum = 0;

	for (; len > 1; p += 2, len -= 2)
		sum += p[0] << 8 | p[1];
	return len ? sum + (p[0] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void ethernet_header(struct frame *f, const char *smac, const char *dmac, uint16_t type)
{
	put_mac(f, dmac);
	put_mac(f, smac);
	put16(f, type);
}

static void ip_header(struct frame *f, const struct frame_spec *s)
{
	put8(f, 0x45 + s->options_len / 4);
	put8(f, s->tos);
	put16(f, 0); /* length: known later */
	put16(f, s->no_ip_id ? 0 : 0x5d17);
	put16(f, s->frag);
	put8(f, s->ttl ? s->ttl : 64);
	put8(f, s->proto ? s->proto : UDP);
	put16(f, 0); /* checksum */
	put_addr(f, s->src);
	put_addr(f, s->dst);
	put(f, s->options, s->options_len);
}

static void payload(struct frame *f, const struct frame_spec *s)
{
	const char *text = s->payload ? s->payload : default_payload;

	if (s->inner)
		put(f, s->inner->bytes + ETH_LEN,
		    s->inner_len ? s->inner_len : s->inner->len - ETH_LEN);
	else
		put(f, text, s->payload_len ? s->payload_len : strlen(text));
}

/* Other protocols have a payload only. 0: UDP. */
static bool has_header(uint8_t proto)
{
	return !proto || proto == UDP || proto == TCP || proto == ICMP;
}

/* Returns where the checksum is, or 0: there is none. */
static uint32_t transport(struct frame *f, const struct frame_spec *s)
{
	uint32_t at = f->len;

	if ((s->frag & 0x1fff) || !has_header(s->proto)) {
		payload(f, s);
		return 0;
	}
	if (s->proto == ICMP) {
		put8(f, s->type);
		put8(f, s->code);
		put16(f, 0);
		put16(f, s->id);
		put16(f, s->seq);
		payload(f, s);
		return at + 2;
	}
	put16(f, s->sport);
	put16(f, s->dport);
	if (s->proto == TCP) {
		put32(f, s->tcp_seq ? s->tcp_seq : TCP_NUMBER);
		put32(f, s->tcp_ack ? s->tcp_ack : TCP_NUMBER);
		put8(f, (20 + s->tcp_options_len) / 4 << 4);
		put8(f, s->flags);
		put16(f, s->window ? s->window : 64240);
		put16(f, 0);
		put16(f, 0);
		put(f, s->tcp_options, s->tcp_options_len);
		payload(f, s);
		return at + 16;
	}
	put16(f, 0);
	put16(f, 0);
	payload(f, s);
	frame_set_u16(f, at + 4, f->len - at);
	return s->no_check ? 0 : at + 6;
}

/* The transport checksum at an offset, of a packet that ends where the frame ends now. */
static void transport_check(struct frame *f, uint32_t l4, uint32_t at, const struct frame_spec *s)
{
	uint32_t len = f->len - l4, sum = sum16(f->bytes + l4, len);
	uint8_t proto = f->bytes[ETH_LEN + 9];
	uint16_t check;

	if (proto != ICMP) /* the pseudo header */
		sum += sum16(f->bytes + ETH_LEN + 12, 8) + proto + len;
	check = ~fold(fold(sum) + s->check_error);
	frame_set_u16(f, at, proto == UDP && !check ? 0xffff : check);
}

static void ip_check(struct frame *f, uint16_t error)
{
	uint32_t hlen = (f->bytes[ETH_LEN] & 15) * 4;

	frame_set_u16(f, ETH_LEN + 10, 0);
	frame_set_u16(f, ETH_LEN + 10, ~fold(sum16(f->bytes + ETH_LEN, hlen) + error));
}

void frame_fix_ip(struct frame *f)
{
	ip_check(f, 0);
}

struct frame *frame_make(const struct frame_spec *s)
{
	struct frame *f = new_frame();
	uint32_t l4, check;

	ethernet_header(f, s->smac, s->dmac, 0x0800);
	ip_header(f, s);
	l4 = f->len;
	check = transport(f, s);
	frame_set_u16(f, ETH_LEN + 2, f->len - ETH_LEN);
	if (check)
		transport_check(f, l4, check, s);
	ip_check(f, s->ip_check_error);
	memset(f->bytes + f->len, 0xee, s->trailer);
	f->len += s->trailer;
	return f;
}

struct frame *arp_make(const struct arp_spec *s)
{
	static const char nobody[] = "00:00:00:00:00:00";
	struct frame *f = new_frame();

	ethernet_header(f, s->smac, s->dmac, 0x0806);
	put(f, "\0\1\x08\0\6\4", 6);
	put16(f, s->op);
	put_mac(f, s->sender_mac ? s->sender_mac : nobody);
	put_addr(f, s->sender);
	put_mac(f, s->target_mac ? s->target_mac : nobody);
	put_addr(f, s->target);
	return f;
}

static void put_ipv6_addr(struct frame *f, const char *text)
{
	uint8_t addr[16];

	if (inet_pton(AF_INET6, text, addr) != 1)
		abort();
	put(f, addr, sizeof(addr));
}

struct frame *ipv6_make(const struct ipv6_spec *s)
{
	struct frame *f = new_frame();

	ethernet_header(f, s->smac, s->dmac, 0x86dd);
	put(f, "\x60\0\0\0", 4);
	put16(f, s->ext_len + 8 + (s->target ? 16 : 0) + (s->option ? 8 : 0) + (s->went_to ? 40 : 0));
	put8(f, s->ext_len ? s->next : ICMPV6);
	put8(f, 255);
	put_ipv6_addr(f, s->src);
	put_ipv6_addr(f, s->dst);
	put(f, s->ext, s->ext_len);
	put8(f, s->type);
	put(f, "\0\0\0\0\0\0\0", 7);
	if (s->target)
		put_ipv6_addr(f, s->target);
	if (s->option) {
		put8(f, s->option);
		put8(f, 1);
		put_mac(f, s->mac);
	}
	if (s->went_to) {
		put(f, "\x60\0\0\0\0\x8\x3a\xff", 8);
		put_ipv6_addr(f, s->dst);
		put_ipv6_addr(f, s->went_to);
	}
	return f;
}

struct frame *ethernet(const char *smac, const char *dmac, uint16_t eth_type, const char *text)
{
	struct frame *f = new_frame();

	ethernet_header(f, smac, dmac, eth_type);
	put(f, text, strlen(text));
	return f;
}

static struct frame *tagged_as(uint16_t tpid, const struct frame *f, uint16_t tci)
{
	struct frame *t = new_frame();

	put(t, f->bytes, 12);
	put16(t, tpid);
	put16(t, tci);
	put(t, f->bytes + 12, f->len - 12);
	return t;
}

struct frame *frame_tagged(const struct frame *f, uint16_t tci)
{
	return tagged_as(0x8100, f, tci);
}

struct frame *frame_tagged_ad(const struct frame *f, uint16_t tci)
{
	return tagged_as(0x88a8, f, tci);
}

/* Beginning at an offset of two, so that the IP header stands at the beginning of a line. */
struct frame *frame_fragment(const struct frame *whole, uint32_t from, uint32_t len)
{
	uint32_t at = ETH_LEN + 4 * (whole->bytes[ETH_LEN] & 15);
	uint32_t frag = frame_u16(whole, ETH_LEN + 6) + from / 8;
	struct frame *f = new_frame();

	put(f, whole->bytes, at);
	put(f, whole->bytes + at + from, len);
	if (at + from + len < whole->len)
		frag |= MORE_FRAGMENTS;
	frame_set_u16(f, ETH_LEN + 2, f->len - ETH_LEN);
	frame_set_u16(f, ETH_LEN + 6, frag);
	frame_fix_ip(f);
	return f;
}

void frame_print(const char *what, const struct frame *f)
{
	uint32_t i;

	fprintf(stderr, "%s, %u bytes:", what, f->len);
	for (i = 0; i < f->len; i++)
		fprintf(stderr, "%s%02x", i == 0 || (i + 2) % 16 == 0 ? "\n  " : " ", f->bytes[i]);
	fprintf(stderr, "\n");
}
