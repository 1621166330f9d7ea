// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* include/ebpfnet/core/addr.h: against the same things said bit by bit and octet by octet. */
#include <ebpfnet/core/addr.h>
#include "input.h"

static _Bool same_bits(struct ipaddr a, struct ipaddr b, unsigned int bits)
{
	unsigned int i;

	for (i = 0; i < bits; i++)
		if ((a.octet[i / 8] ^ b.octet[i / 8]) & 0x80 >> i % 8)
			return 0;
	return 1;
}

static struct ipaddr mask_of(unsigned int bits)
{
	struct ipaddr mask = {};
	unsigned int i;

	for (i = 0; i < bits; i++)
		mask.octet[i / 8] |= 0x80 >> i % 8;
	return mask;
}

static struct ipaddr take_addr(struct input *in)
{
	struct ipaddr a;
	int i;

	for (i = 0; i < 4; i++)
		a.octet[i] = take8(in);
	return a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint16_t words[6] = {};
	uint8_t *mac = (uint8_t *)words, *other = (uint8_t *)(words + 3);
	unsigned int bits = take8(&in) % 33, i;
	struct ipaddr a = take_addr(&in), b = take_addr(&in);

	MUST(addr_inside(a, b, mask_of(bits)) == same_bits(a, b, bits));
	MUST(addr_eq(a, b) == same_bits(a, b, 32));
	MUST(addr_none(a) == !memcmp(&a, "\0\0\0\0", 4));
	MUST(addr_eq(addr_of(addr_be32(a)), a));
	MUST(addr_group(a) == ((a.octet[0] > 223 && a.octet[0] < 240) || !memcmp(&a, "\xff\xff\xff\xff", 4)));
	MUST(addr_martian_source(a) == (a.octet[0] == 0 || a.octet[0] == 127 || addr_group(a)));
	MUST(addr_martian_dest(a) == addr_martian_source(a));

	for (i = 0; i < 6; i++)
		mac[i] = take8(&in);
	mac_copy(other, mac);
	MUST(!memcmp(mac, other, 6) && mac_eq(mac, other));
	for (i = 0; i < 6; i++)
		other[i] = take8(&in);
	MUST(mac_eq(mac, other) == !memcmp(mac, other, 6));
	MUST(mac_zero(mac) == !memcmp(mac, "\0\0\0\0\0\0", 6));
	MUST(mac_group(mac) == (mac[0] & 1));
	return 0;
}
