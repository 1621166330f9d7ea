// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A field, a length, an option: and then the checksums are put right, or not. */
#include <string.h>

#include "fuzz.h"

static const uint8_t odd_bytes[] = { 0, 1, 4, 5, 6, 15, 17, 20, 0x40, 0x45, 0x46, 0x4f, 0x7f, 0x80, 0xff };
static const char *const addrs[] = {
	UPLINK, UPLINK_SECOND, SERVER, SERVER2, NS1, NS2, NS3, NS4, GW, "127.0.0.1", "0.0.0.0",
	"255.255.255.255", "224.0.0.1", "192.168.1.255", "192.168.1.99", "10.0.0.1", NEXT_HOP,
};
#define ANY(list) ((list)[chance(sizeof(list) / sizeof((list)[0]))])

static void insert(struct frame *f, uint32_t at, const void *what, uint32_t len)
{
	if (at > f->len || f->len + len > FRAME_MAX - 64)
		return;
	memmove(f->bytes + at + len, f->bytes + at, f->len - at);
	memcpy(f->bytes + at, what, len);
	f->len += len;
}

static void resize(struct frame *f, uint32_t len)
{
	uint32_t i;

	for (i = f->len; i < len; i++)
		f->bytes[i] = chance(256);
	f->len = len;
}

/* The frame is cut or grown; its length field may say so, or not. */
static void mutate_length(struct frame *f)
{
	uint32_t len = one_in(2) ? 15 + chance(90) : f->len + chance(40);

	if (len > FRAME_MAX - 64)
		return;
	resize(f, len);
	if (one_in(2) && f->len >= ETH_LEN + IP_LEN)
		set16(f->bytes + 16, f->len - ETH_LEN);
}

static void mutate_options(struct frame *f)
{
	uint8_t opts[40], words = 1 + chance(10), i;
	uint32_t ihl = f->bytes[14] & 15;

	if (ihl + words > 15)
		return;
	for (i = 0; i < 4 * words; i++)
		opts[i] = one_in(3) ? one_of(0u, 1, 7, 0x44, 131, 137, 148, 3) : chance(12);
	insert(f, ETH_LEN + 20, opts, 4 * words);
	f->bytes[14] += words;
	set16(f->bytes + 16, get16(f->bytes + 16) + 4 * words);
}

static void mutate_addr(uint8_t *at)
{
	struct ipaddr a = address(ANY(addrs));

	if (one_in(4))
		at[chance(4)] = chance(256);
	else
		memcpy(at, &a, 4);
}

static void mutate_ip(struct frame *f)
{
	uint8_t *b = f->bytes, t[4];

	switch (chance(12)) {
	case 0:
		b[14] = one_in(2) ? 0x40 | chance(16) : ANY(odd_bytes);
		break;
	case 1:
		set16(b + 16, one_in(2) ? get16(b + 16) + chance(16) - 8 : chance(2100));
		break;
	case 2:
		set16(b + 20, one_of(0, 0x2000, 0x4000, 0x8000, 0x2001, 1, 0x1fff, 0x6000));
		break;
	case 3:
		b[22] = one_of(0, 1, 2, 255);
		break;
	case 4:
		b[23] = one_of(1, 6, 17, 47, 50, 132, 136, 0, 255, 2, 4);
		break;
	case 5:
		mutate_addr(b + 26);
		break;
	case 6:
		mutate_addr(b + 30);
		break;
	case 7:
		memcpy(t, b + 26, 4);
		memcpy(b + 26, b + 30, 4);
		memcpy(b + 30, t, 4);
		break;
	case 8:
		b[15] = chance(256);
		break;
	default:
		mutate_options(f);
	}
}

static void mutate_l4(struct frame *f, const struct view *v)
{
	uint8_t *l4 = f->bytes + v->l4;
	const struct live *l = live_any();
	struct view lv;

	if (v->end - v->l4 < 8)
		return;
	switch (chance(8)) {
	case 0:
	case 1: /* another's port */
		lv = l ? view_of(l->out.bytes, l->out.len) : *v;
		set16(l4 + 2 * chance(2), one_in(2) ? lv.sport : chance(65536));
		break;
	case 2:
		if (v->end - v->l4 >= 20)
			l4[12] = chance(16) << 4;
		break;
	case 3:
		if (v->end - v->l4 >= 20)
			l4[13] = chance(256);
		break;
	case 4: /* UDP: its length, or no checksum */
		set16(l4 + one_of(4, 6), one_in(2) ? 0 : chance(2048));
		break;
	case 5: /* ICMP: type, code */
		l4[chance(2)] = one_of(0, 3, 5, 8, 11, 12, 13, 14, 17, 255);
		break;
	default:
		l4[chance(v->end - v->l4)] = chance(256);
	}
}

/* The packet that an ICMP error embeds. */
static void mutate_quote(struct frame *f, const struct view *v)
{
	uint8_t *ip = f->bytes + v->l4 + 8;
	uint32_t room = v->end - v->l4 - 8;

	if (room < 28)
		return;
	switch (chance(7)) {
	case 0:
		ip[0] = one_in(2) ? 0x40 | chance(16) : ANY(odd_bytes);
		break;
	case 1:
		ip[9] = one_of(1, 6, 17, 47, 0);
		break;
	case 2:
		set16(ip + 6, one_of(0x2000, 1, 0x4000));
		break;
	case 3:
		mutate_addr(ip + 12 + 4 * chance(2));
		break;
	case 4: /* the transport checksum, and about it */
		ip[20 + chance(room - 20)] = one_in(2) ? 0 : chance(256);
		break;
	case 5: /* less of it */
		set16(f->bytes + 16, v->l4 - ETH_LEN + 8 + chance(room));
		break;
	default:
		set16(ip + 20 + 2 * chance(2), chance(65536));
	}
}

static void mutate_ethernet(struct frame *f)
{
	static const char *const macs[] = { NS1_MAC, NS2_MAC, GW_MAC,	 UPLINK_MAC,
					    ISP_MAC, BROADCAST, STRANGER_MAC };
	uint16_t tci = one_of(0, 5, 0x2000, 0xfff);
	uint8_t sig[4] = { 0x81, 0, tci >> 8, tci };

	switch (chance(4)) {
	case 0:
		mac_parse(ANY(macs), f->bytes + 6 * chance(2));
		break;
	case 1:
		f->bytes[chance(12)] = chance(256);
		break;
	case 2:
		set16(f->bytes + 12, one_of(0x0800, 0x0806, 0x86dd, 0x8100, 0x88a8, 0x88cc, 40));
		break;
	default:
		if (one_in(2))
			memcpy(sig, "\x88\xa8", 2);
		insert(f, 12, sig, 4);
	}
}

static void mutate_once(struct frame *f)
{
	struct view v = view_of(f->bytes, f->len);

	if (v.ip && one_in(3)) {
		mutate_ip(f);
	} else if (v.kind == ERROR && one_in(2)) {
		mutate_quote(f, &v);
	} else if (v.ip && one_in(2)) {
		mutate_l4(f, &v);
	} else if (one_in(4)) {
		mutate_length(f);
	} else if (one_in(3)) {
		mutate_ethernet(f);
	} else {
		uint32_t at = chance(f->len < 80 ? f->len : 80);

		f->bytes[at] = one_in(2) ? f->bytes[at] ^ 1 << chance(8) : ANY(odd_bytes);
	}
}

/* Right, one of them wrong, or as they have become. */
static void finish_checks(struct frame *f)
{
	struct view v;
	uint32_t at;

	if (one_in(4))
		return;
	fix_checks(f);
	v = view_of(f->bytes, f->len);
	at = check_at(&v);
	if (!v.ip || !one_in(8))
		return;
	if (at && !one_in(4))
		set16(f->bytes + at, get16(f->bytes + at) + 1 + chance(65534));
	else
		set16(f->bytes + 24, get16(f->bytes + 24) + 1 + chance(65534));
}

void mutate(struct shot *s)
{
	int times = 1 + chance(3);

	while (times--)
		mutate_once(&s->in);
	finish_checks(&s->in);
	if (one_in(30))
		s->gso_size = 1 + chance(1500);
	if (s->in.len < ETH_LEN + 60)
		s->gso_size = 0;
}
