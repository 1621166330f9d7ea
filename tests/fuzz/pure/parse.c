// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * include/ebpfnet/core/parse.h: any bytes as a frame, of which only a part is visible, in a block that ends where that
 * part ends. What the parser says is compared with the bytes, read one by one.
 */
#include <ebpfnet/core/parse.h>
#include "input.h"
#include "tests/unit/rfc1071.h"

#define SLACK 64 /* bytes of the frame that are not in the input */

/* A block of exactly len bytes, so that ASan sees a read behind it; the IP header is aligned in it. */
static uint8_t *block_of(const uint8_t *from, size_t len)
{
	uint8_t *block = malloc(len + 2);

	MUST(block);
	memcpy(block + 2, from, len);
	return block;
}

static enum parsed parse(const uint8_t *bytes, size_t visible, uint32_t frame_len, struct pkt *p)
{
	uint8_t *block = block_of(bytes, visible);
	enum parsed r;

	memset(p, 0, sizeof(*p));
	r = parse_frame(block + 2, block + 2 + visible, frame_len, p);
	free(block);
	return r;
}

/* Steers bytes towards what is a frame, or nearly: how, the input says. */
static void steer(uint8_t *f, size_t len, uint8_t how, uint8_t proto)
{
	static const uint16_t types[] = { ETH_P_IP, ETH_P_IP, ETH_P_ARP, ETH_P_IPV6 };
	static const uint8_t protos[] = { L4_TCP, L4_UDP, L4_ICMP };
	uint16_t type = types[how & 3];
	size_t ihl;

	if (how & 4 || len < ETH_HLEN + 20)
		return;
	f[12] = type >> 8;
	f[13] = type;
	if (type == ETH_P_ARP && how & 8)
		memcpy(f + ETH_HLEN, "\0\1\x08\0\6\4", 6);
	if (type != ETH_P_IP || how & 8)
		return;
	f[14] = 0x40 | (f[14] & 15);
	if (how & 16)
		f[23] = protos[proto % 3];
	if (how & 32)
		f[20] = f[21] = 0;
	if (how & 64) {
		f[16] = (len - ETH_HLEN) >> 8;
		f[17] = len - ETH_HLEN;
	}
	ihl = (f[14] & 15) * 4;
	if (how & 128 && ihl >= 20 && ETH_HLEN + ihl <= len)
		rfc1071_fill(f + ETH_HLEN, ihl, 10);
}

static uint16_t read16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

/* RFC 791: a header that may be believed, of a packet that is in the frame. */
static int header_is_sound(const uint8_t *ip, uint32_t frame_len)
{
	return ip[0] >> 4 == 4 && (ip[0] & 15) >= 5 && read16(ip + 2) >= (ip[0] & 15) * 4u &&
	       ETH_HLEN + read16(ip + 2) <= frame_len;
}

static void check_transport(const uint8_t *f, size_t visible, const struct pkt *p)
{
	const uint8_t *l4 = f + p->l4;
	uint8_t type;

	if (f[20] & 0x1f || f[21]) {
		MUST(p->kind == PKT_FRAG);
		return;
	}
	if (p->key.proto != L4_TCP && p->key.proto != L4_UDP && p->key.proto != L4_ICMP) {
		MUST(p->kind == PKT_OTHER);
		return;
	}
	MUST(p->l4 + (p->key.proto == L4_TCP ? 20u : 8u) <= visible);
	type = l4[0];
	if (p->key.proto == L4_ICMP) {
		MUST(p->icmp_type == type);
		MUST((p->kind == PKT_QUERY) == (type == 0 || type == 8 || type == 13 || type == 14));
		MUST((p->kind == PKT_ERROR) == (type == 3 || type == 11 || type == 12));
		MUST(p->kind == PKT_QUERY || p->kind == PKT_ERROR || p->kind == PKT_OTHER);
		if (p->kind == PKT_QUERY)
			MUST(p->key.sport_h == read16(l4 + 4) && p->key.dport_h == read16(l4 + 4));
	} else {
		MUST(p->kind == PKT_PORTS);
		MUST(p->key.sport_h == read16(l4) && p->key.dport_h == read16(l4 + 2));
	}
	if (p->key.proto == L4_TCP) {
		MUST(p->l4_hlen == (l4[12] >> 4) * 4 && p->l4_hlen >= 20);
		MUST(p->tcp_flags == l4[13]);
		MUST(p->seq == ((uint32_t)read16(l4 + 4) << 16 | read16(l4 + 6)));
		MUST(p->ack == ((uint32_t)read16(l4 + 8) << 16 | read16(l4 + 10)));
	}
	if (p->kind != PKT_OTHER)
		MUST(p->l4 + p->l4_hlen <= ETH_HLEN + p->ip_len);
}

static void check_ipv4(const uint8_t *f, size_t visible, uint32_t frame_len, const struct pkt *p)
{
	const uint8_t *ip = f + ETH_HLEN;

	MUST(header_is_sound(ip, frame_len));
	MUST(p->ihl == (ip[0] & 15) * 4 && p->l4 == ETH_HLEN + p->ihl);
	MUST(p->ip_len == read16(ip + 2) && p->frag == read16(ip + 6));
	MUST(p->tos == ip[1] && p->ttl == ip[8] && p->key.proto == ip[9]);
	MUST(!memcmp(&p->key.src, ip + 12, 4) && !memcmp(&p->key.dst, ip + 16, 4));
	check_transport(f, visible, p);
}

static void check_parsed(const uint8_t *f, size_t visible, uint32_t frame_len, const struct pkt *p)
{
	MUST(visible >= ETH_HLEN && p->eth_type == read16(f + 12));
	MUST(!memcmp(p->dmac, f, 6) && !memcmp(p->smac, f + 6, 6));
	switch (p->eth_type) {
	case ETH_P_IP:
		check_ipv4(f, visible, frame_len, p);
		break;
	case ETH_P_ARP:
		MUST(p->kind == (memcmp(f + 14, "\0\1\x08\0\6\4", 6) ? PKT_FOREIGN : PKT_ARP));
		if (p->kind != PKT_ARP)
			break;
		MUST(p->arp_op == read16(f + 20) && !memcmp(p->arp_smac, f + 22, 6));
		MUST(!memcmp(&p->key.src, f + 28, 4) && !memcmp(&p->key.dst, f + 38, 4));
		break;
	default:
		MUST(p->kind == (p->eth_type == ETH_P_IPV6 ? PKT_IPV6 : PKT_FOREIGN));
	}
}

/* With more to see, an answer does not change; and one that is put off needs more than is there. */
static void check_part(const uint8_t *f, size_t len, size_t part, uint32_t frame_len,
		       enum parsed whole, const struct pkt *p)
{
	struct pkt q;
	enum parsed r = parse(f, part, frame_len, &q);

	if (r == PARSED)
		check_parsed(f, part, frame_len, &q);
	MUST(r == PARSE_SHORT || (r == whole && (r == PARSE_BAD || !memcmp(p, &q, sizeof(q)))));
	if (whole == PARSE_SHORT)
		MUST(r == PARSE_SHORT && len < ETH_HLEN + 60 + 20);
}

static void check_header_sum(const uint8_t *f, size_t visible, uint32_t ihl)
{
	uint8_t *block = block_of(f, visible);
	int right = ip_header_sum_ok(block + 2, block + 2 + visible, ihl);

	if (ETH_HLEN + ihl > visible)
		MUST(!right);
	else
		MUST(right == (rfc1071_sum(f + ETH_HLEN, ihl) == 0xffff));
	free(block);
}

/* Four bytes that steer, and a frame. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t frame[512];
	struct input in = { data, size };
	uint8_t how = take8(&in), proto = take8(&in), part = take8(&in), more = take8(&in);
	size_t len = in.left < sizeof(frame) ? in.left : sizeof(frame);
	uint32_t frame_len = len + more % SLACK;
	struct pkt p;
	enum parsed r;

	memset(frame, 0, sizeof(frame)); /* an empty input gives an empty frame */
	if (len)
		memcpy(frame, in.at, len);
	steer(frame, len, how, proto);
	r = parse(frame, len, frame_len, &p);
	if (r == PARSED)
		check_parsed(frame, len, frame_len, &p);
	else if (r == PARSE_BAD)
		MUST(!header_is_sound(frame + ETH_HLEN, frame_len) || !(frame[20] & 0x1f || frame[21]));
	check_part(frame, len, part < len ? part : len, frame_len, r, &p);
	check_header_sum(frame, len, 20 + 4 * (part % 11));
	return 0;
}
