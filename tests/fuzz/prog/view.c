// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <string.h>

#include "fuzz.h"

uint16_t get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

void set16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void read_transport(struct view *v)
{
	const uint8_t *l4 = v->b + v->l4;
	uint32_t room = v->end - v->l4;

	if (v->frag & 0x1fff || room < 8)
		return;
	if (v->proto == ICMP) {
		if (l4[0] == 3 || l4[0] == 11 || l4[0] == 12)
			v->kind = ERROR;
		if (l4[0] == 0 || l4[0] == 8 || l4[0] == 13 || l4[0] == 14) {
			v->kind = QUERY;
			v->sport = v->dport = get16(l4 + 4);
		}
	} else if (v->proto == UDP || (v->proto == TCP && room >= 20)) {
		v->kind = PORTS;
		v->sport = get16(l4);
		v->dport = get16(l4 + 2);
	}
}

static void read_ip(struct view *v, const uint8_t *ip)
{
	v->ip = true;
	v->frag = get16(ip + 6);
	v->ttl = ip[8];
	v->proto = ip[9];
	v->src = ip + 12;
	v->dst = ip + 16;
}

struct view view_of(const uint8_t *bytes, uint32_t len)
{
	struct view v = { .b = bytes, .len = len };
	const uint8_t *ip = bytes + ETH_LEN;

	if (len < ETH_LEN)
		return v;
	v.eth = get16(bytes + 12);
	if (v.eth != 0x0800 || len < ETH_LEN + IP_LEN || ip[0] >> 4 != 4)
		return v;
	v.ihl = (ip[0] & 15) * 4;
	v.l4 = ETH_LEN + v.ihl;
	v.end = ETH_LEN + get16(ip + 2);
	if (v.ihl < 20 || v.end < v.l4 || v.end > len)
		return v;
	read_ip(&v, ip);
	read_transport(&v);
	return v;
}

/* Its length field is about more than what is quoted: the quote ends where the error does. */
struct view view_embedded(const struct view *error)
{
	const uint8_t *ip = error->b + error->l4 + 8;
	struct view q = { .b = ip - ETH_LEN, .len = error->end - error->l4 - 8 + ETH_LEN, .eth = 0x0800 };

	if (q.len < ETH_LEN + IP_LEN || ip[0] >> 4 != 4)
		return q;
	q.ihl = (ip[0] & 15) * 4;
	q.l4 = ETH_LEN + q.ihl;
	q.end = q.len;
	if (q.ihl < 20 || q.end < q.l4)
		return q;
	read_ip(&q, ip);
	if (q.proto == TCP && q.end - q.l4 >= 8) { /* ports are enough */
		q.kind = PORTS;
		q.sport = get16(q.b + q.l4);
		q.dport = get16(q.b + q.l4 + 2);
	} else {
		read_transport(&q);
	}
	return q;
}

uint32_t check_at(const struct view *v)
{
	uint32_t at = v->proto == TCP ? 16 : v->proto == UDP ? 6 : v->proto == ICMP ? 2 : 0;

	return !v->ip || !at || v->frag & 0x1fff || v->l4 + at + 2 > v->end ? 0 : v->l4 + at;
}

static uint32_t sum_of(const uint8_t *p, uint32_t len)
{
	uint32_t sum = 0, i;

	for (i = 0; i < len; i++)
		sum += i % 2 ? p[i] : p[i] << 8;
	return sum;
}

uint16_t ip_wrong_by(const struct view *v)
{
	return sum_of(v->b + ETH_LEN, v->ihl) % 0xffff;
}

uint16_t l4_wrong_by(const struct view *v)
{
	uint32_t sum = sum_of(v->b + v->l4, v->end - v->l4);

	if (v->proto != ICMP)
		sum += sum_of(v->src, 8) + v->proto + v->end - v->l4;
	return sum % 0xffff;
}

static uint16_t complement(uint32_t wrong_by)
{
	return 0xffff - wrong_by;
}

static void fix_header(uint8_t *ip, uint32_t ihl)
{
	set16(ip + 10, 0);
	set16(ip + 10, complement(sum_of(ip, ihl) % 0xffff));
}

void fix_checks(struct frame *f)
{
	struct view v = view_of(f->bytes, f->len), q;
	uint32_t at = check_at(&v);

	if (!v.ip)
		return;
	if (v.kind == ERROR) {
		q = view_embedded(&v);
		if (q.ip)
			fix_header(f->bytes + v.l4 + 8, q.ihl);
	}
	if (at && !(v.proto == UDP && !get16(f->bytes + at))) {
		set16(f->bytes + at, 0);
		set16(f->bytes + at, complement(l4_wrong_by(&v)));
	}
	fix_header(f->bytes + ETH_LEN, v.ihl);
}

bool has_source_route_option(const struct view *v)
{
	uint32_t at = ETH_LEN + IP_LEN;

	while (at < v->l4) {
		uint8_t type = v->b[at];

		if (type == 0)
			return false;
		if (type == 131 || type == 137)
			return true;
		if (type == 1) {
			at++;
			continue;
		}
		if (at + 1 >= v->l4 || v->b[at + 1] < 2)
			return false; /* what is behind it nobody can tell */
		at += v->b[at + 1];
	}
	return false;
}
