// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Port security, read anew; and the switch's answers. */
#include <string.h>

#include "fuzz.h"

static bool is_link_local_of(const uint8_t *addr, const uint8_t *mac)
{
	const uint8_t own[16] = { 0xfe, 0x80, 0,      0,    0,	  0,	  0,	  0,
				  mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5] };

	return !memcmp(addr, own, 16);
}

static bool all_zero(const uint8_t *p, int len)
{
	while (len--)
		if (*p++)
			return false;
	return true;
}

/* Offset of the ICMPv6 header, behind extension headers that any receiver skips; 0: none. */
static uint32_t icmpv6_at(const uint8_t *b, uint32_t len)
{
	uint32_t at = ETH_LEN + 40;
	uint8_t next = b[20];

	while (next == 0 || next == 43 || next == 60) {
		if (at + 8 > len)
			return 0;
		next = b[at];
		at += (b[at + 1] + 1) * 8;
	}
	return next == ICMPV6 && at + 8 <= len ? at : 0;
}

/*
 * An address that a port may use: its own, or one that no other port of its network has. Which of two claims comes
 * first is checked by prog/nd.c.
 */
static bool may_be_of(const uint8_t *addr, const uint8_t *mac, const char *gw_mac)
{
	uint8_t other[6];
	int i;

	if (is_link_local_of(addr, mac))
		return true;
	for (i = 0; i < ENDPOINTS; i++) {
		mac_parse(all_endpoints[i].mac, other);
		if (!strcmp(all_endpoints[i].gw_mac, gw_mac) && is_link_local_of(addr, other))
			return false;
	}
	return addr[0] != 0xff && !(all_zero(addr, 15) && addr[15] == 1);
}

static const char *check_ipv6(const struct shot *s, const uint8_t *mac, const char *gw_mac, bool spoof)
{
	const uint8_t *b = s->in.bytes;
	uint32_t at;

	MUST(s->in.len >= ETH_LEN + 40);
	at = icmpv6_at(b, s->in.len);
	MUST(!at || b[at] != 134); /* CVE-2020-10749 */
	if (spoof)
		return NULL;
	MUST(all_zero(b + 22, 16) || may_be_of(b + 22, mac, gw_mac));
	if (at && b[at] == 136)
		MUST(at + 24 <= s->in.len && may_be_of(b + at + 8, mac, gw_mac));
	return NULL;
}

/* A frame that went anywhere was one that its port may send. */
static const char *check_port_security(const struct shot *s)
{
	const struct endpoint_of *st = NULL;
	const uint8_t *b = s->in.bytes;
	struct view v = view_of(b, s->in.len);
	struct ipaddr own;
	uint8_t mac[6], gw[6];
	bool spoof;
	int i;

	for (i = 0; i < ENDPOINTS; i++)
		if (all_endpoints[i].dev == s->dev)
			st = &all_endpoints[i];
	MUST(st);
	spoof = world.spoof && st->dev == DEV_NS3;
	mac_parse(st->mac, mac);
	mac_parse(st->gw_mac, gw);
	own = address(st->addr);
	MUST(!(b[6] & 1) && !all_zero(b + 6, 6) && memcmp(b + 6, gw, 6));
	MUST(spoof || !memcmp(b + 6, mac, 6));
	MUST(v.eth != 0x8100 && v.eth != 0x88a8); /* a tag behind the tag */
	if (v.eth == 0x86dd)
		return check_ipv6(s, mac, st->gw_mac, spoof);
	if (spoof)
		return NULL;
	if (v.eth == 0x0800)
		MUST(v.ip && (!memcmp(v.src, &own, 4) ||
			      (all_zero(v.src, 4) && v.kind == PORTS && v.proto == UDP &&
			       v.sport == 68 && v.dport == 67)));
	if (v.eth == 0x0806)
		MUST(s->in.len >= ETH_LEN + 28 && !memcmp(b + 22, mac, 6) &&
		     (!memcmp(b + 28, &own, 4) || all_zero(b + 28, 4)));
	return NULL;
}

static const char *check_arp_answer(const struct shot *s, const struct frame *out)
{
	const uint8_t *in = s->in.bytes, *b = out->bytes;

	MUST(s->in.len >= 42 && out->len == s->in.len);
	MUST(get16(in + 12) == 0x0806 && get16(in + 20) == ARP_REQUEST);
	MUST(get16(b + 12) == 0x0806 && get16(b + 20) == ARP_REPLY);
	MUST(!memcmp(b, in + 6, 6) && !memcmp(b + 6, b + 22, 6));
	MUST(!memcmp(b + 28, in + 38, 4) && !memcmp(b + 38, in + 28, 4));
	MUST(!memcmp(b + 32, in + 22, 6) && memcmp(b + 22, in + 22, 6));
	MUST(!memcmp(b + 42, in + 42, out->len - 42));
	return NULL;
}

const char *check_switched(const struct shot *s, const struct outcome_of *o)
{
	const uint8_t *b = s->in.bytes;

	if (o->went == WENT_NOWHERE)
		return NULL;
	if (o->counted == COUNT_arp_answered) {
		const char *broken = check_arp_answer(s, &o->out);

		if (broken)
			return broken;
	}
	MUST(memcmp(b, "\x01\x80\xc2\0\0", 5) || b[5] > 15); /* 802.1D 7.12.6 */
	MUST(!s->forwarded);
	return s->hook == HOOK_PORT ? check_port_security(s) : NULL;
}
