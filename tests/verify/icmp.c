// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * An ICMP error about a translated packet: for every error of 128 bytes, every flow of one peer or of all,
 * and packets of both of its directions. That a checksum is updated by what changed in the bytes it covers
 * is proved here, that this is right in csum.c. What csum_packet_ok() says of a part of a packet is
 * proved in check.c, and here any answer, and remembered.
 */
#include "kernel.h"
#define csum_packet_ok real_csum_packet_ok
#include "bpf/l3/ip_check.h"
#undef csum_packet_ok

static int csum_packet_ok(ctx_t *ctx, __u32 off, __u32 len);

#include "bpf/l3/icmp_xlate.h"

static struct {
	__u32 off, len;
	_Bool right;
} summed[2];
static int sums;

static int csum_packet_ok(ctx_t *ctx, __u32 off, __u32 len)
{
	_Bool any;

	PROVE(sums < 2);
	summed[sums].off = off;
	summed[sums].len = len;
	summed[sums].right = any;
	sums++;
	return any;
}

/* Where things are in an error. */
static __u32 outer_l4(const struct packet *p)
{
	return ETH_HLEN + (p->bytes[ETH_HLEN] & 15) * 4;
}

static __u32 quoted_ip(const struct packet *p)
{
	return outer_l4(p) + 8;
}

static __u32 quoted_l4(const struct packet *p)
{
	return quoted_ip(p) + (p->bytes[quoted_ip(p)] & 15) * 4;
}

static enum l4proto quoted_proto(const struct packet *p)
{
	return p->bytes[quoted_ip(p) + 9];
}

/* The tuple of the quoted packet, as it stands in the bytes. */
static struct flow_key quoted(const struct packet *p, __u16 net)
{
	__u32 ip = quoted_ip(p), l4 = quoted_l4(p);
	struct flow_key k = {
		.src = addr_of(long_at(p, ip + 12)),
		.dst = addr_of(long_at(p, ip + 16)),
		.sport_h = __builtin_bswap16(word_at(p, l4)),
		.dport_h = __builtin_bswap16(word_at(p, l4 + 2)),
		.zone = net,
		.proto = quoted_proto(p),
	};

	if (k.proto == L4_ICMP)
		k.sport_h = k.dport_h = __builtin_bswap16(word_at(p, l4 + 4));
	if (l4_by_address(k.proto))
		k.sport_h = k.dport_h = 0;
	return k;
}

/* Where the checksum of the quoted transport header is, and whether it is in the quote. */
static __u32 quoted_check(const struct packet *p)
{
	return quoted_l4(p) + (quoted_proto(p) == L4_TCP ? 16 : quoted_proto(p) == L4_UDP ? 6 : 2);
}

static _Bool quoted_check_is_there(const struct packet *p)
{
	__u32 end = ETH_HLEN + (p->bytes[ETH_HLEN + 2] << 8 | p->bytes[ETH_HLEN + 3]);

	return !l4_by_address(quoted_proto(p)) && quoted_check(p) + 2 <= end &&
	       (quoted_proto(p) != L4_UDP || word_at(p, quoted_check(p)) != 0);
}

/* A direction of a flow: what it becomes, t, and where the answer to that enters. */
static struct flow direction(struct nat_tuple t, enum flow_dir dir, __u8 answer_zone, _Bool mapping)
{
	struct flow any;

	GIVEN(any.conn == 0);
	any.src = t.src;
	any.dst = t.dst;
	any.sport_h = t.sport_h;
	any.dport_h = t.dport_h;
	any.dir = dir;
	any.answer_zone = answer_zone;
	any.flags = (any.flags & FLOW_STEADY) | (mapping ? FLOW_ANY_PEER : 0);
	return any;
}

/*
 * Any flow, in the table as ct_create() enters it (translate.c), of one peer or, UDP, a mapping for all. Its
 * two keys differ, or it would not be there. (A further peer's entry by address stands beside its mapping,
 * and is found by the same look-up with other keys.)
 */
static void given_a_flow(struct flow_key key, struct nat_tuple t, __u8 answer_zone, _Bool mapping)
{
	struct nat_tuple back = { key.dst, key.src, key.dport_h, key.sport_h };
	enum key_scope scope = mapping ? KEY_EIM : KEY_APDF;
	struct config cfg;
	struct conn c;

	GIVEN(key.scope == KEY_APDF && key.zone <= EBPFNET_ZONE_HOST);
	/* an address of zeros is a martian */
	GIVEN(!addr_none(key.src) && !addr_none(key.dst) && !addr_none(t.src) && !addr_none(t.dst));
	GIVEN(!mapping || (key.proto == L4_UDP && key.zone != EBPFNET_ZONE_OUTSIDE &&
			   answer_zone == EBPFNET_ZONE_OUTSIDE && t.dport_h == key.dport_h && addr_eq(t.dst, key.dst)));
	GIVEN(key.proto != L4_ICMP || (key.sport_h == key.dport_h && t.sport_h == t.dport_h));
	table.conn = c;
	table.cfg = cfg;
	table.original = direction(t, FLOW_ORIGINAL, answer_zone, mapping);
	table.reply = direction(back, FLOW_REPLY, key.zone, mapping);
	table.original_key = nat_scope_key(&key, scope, 1);
	table.reply_key = nat_reply_key(&t, answer_zone, key.proto);
	table.reply_key = nat_scope_key(&table.reply_key, scope, 0);
	GIVEN(!flow_key_eq(&table.original_key, &table.reply_key));
}

static verdict_t translate_error(const struct packet *before, __u16 net)
{
	static struct icmp_xlate any;
	struct flow_key key;
	struct nat_tuple t;
	struct pkt p = {};
	__u8 answer_zone;
	_Bool mapping;
	ctx_t ctx;

	given_a_flow(key, t, answer_zone, mapping);
	sums = 0;
	packet = *before;
	GIVEN(parse_frame(packet.bytes, packet.bytes + PACKET_MAX, PACKET_MAX, &p) == PARSED);
	GIVEN(p.kind == PKT_ERROR);
	scratch.map = &icmp_xlate;
	scratch.value = &any;
	return icmp_translate(&ctx, &p, net);
}

/*
 * A packet of a direction of the flow, translated, is quoted: whoever sent it gets to see it as it was
 * sent.
 */
void the_quote_is_put_back_as_it_was_sent(struct packet before, __u16 net, _Bool reply,
					  struct flow_key sent)
{
	verdict_t v = translate_error(&before, net);
	const struct flow *f = reply ? &table.reply : &table.original;
	struct flow_key of = reply ? table.reply_key : table.original_key, is;
	enum key_scope scope = f->flags & FLOW_ANY_PEER ? KEY_EIM : KEY_APDF;
	struct nat_tuple t = nat_translate(f, &sent);

	is = nat_scope_key(&sent, scope, !reply);
	GIVEN(v == FWD_NEXT && sent.scope == KEY_APDF && flow_key_eq(&is, &of));
	GIVEN(sent.proto != L4_ICMP || sent.sport_h == sent.dport_h);
	GIVEN(!l4_by_address(sent.proto) || (!sent.sport_h && !sent.dport_h));
	is = quoted(&before, f->answer_zone);
	GIVEN(net == f->answer_zone && is.proto == sent.proto && addr_eq(is.src, t.src) &&
	      addr_eq(is.dst, t.dst) && is.sport_h == t.sport_h &&
	      is.dport_h == (is.proto == L4_ICMP ? t.sport_h : t.dport_h));
	is = quoted(&packet, sent.zone);
	PROVE(flow_key_eq(&is, &sent));
}

/* RFC 5508 REQ-3, REQ-4: the sum over all of the error, and the one over the quoted header. */
void nothing_is_translated_whose_sums_are_wrong(struct packet before, __u16 net)
{
	__u32 end = ETH_HLEN + (before.bytes[ETH_HLEN + 2] << 8 | before.bytes[ETH_HLEN + 3]);

	GIVEN(translate_error(&before, net) == FWD_NEXT);
	PROVE(sums == 2 && summed[0].right && summed[1].right);
	PROVE(summed[0].off == outer_l4(&before) && summed[0].off + summed[0].len == end);
	PROVE(summed[1].off == quoted_ip(&before) &&
	      summed[1].off + summed[1].len == quoted_l4(&before));
}

void what_is_of_no_flow_is_left_alone(struct packet before, __u16 net, __u8 at)
{
	GIVEN(at < PACKET_MAX && translate_error(&before, net) != FWD_NEXT);
	PROVE(packet.bytes[at] == before.bytes[at]);
}

static _Bool within(__u32 at, __u32 first, __u32 len)
{
	return at >= first && at < first + len;
}

void nothing_but_tuple_and_checksums_is_written(struct packet before, __u16 net, __u8 at)
{
	__u32 l4 = quoted_l4(&before);

	GIVEN(at < PACKET_MAX && translate_error(&before, net) == FWD_NEXT);
	GIVEN(!within(at, quoted_ip(&before) + 12, 8) && !within(at, quoted_ip(&before) + 10, 2));
	GIVEN(!within(at, quoted_proto(&before) == L4_ICMP ? l4 + 4 : l4,
		      quoted_proto(&before) == L4_ICMP ? 2 : 4));
	GIVEN(!within(at, outer_l4(&before) + 2, 2));
	GIVEN(!within(at, quoted_check(&before), 2) || !quoted_check_is_there(&before));
	PROVE(packet.bytes[at] == before.bytes[at]);
}

void the_quoted_checksums_are_updated_by_what_changed(struct packet before, __u16 net)
{
	__u32 ip = quoted_ip(&before), l4 = quoted_l4(&before), check = quoted_check(&before);
	__u64 addrs, inner;
	__sum16 want;

	GIVEN(translate_error(&before, net) == FWD_NEXT);
	addrs = changed32(&before, ip + 12) + changed32(&before, ip + 16);
	PROVE(word_at(&packet, ip + 10) == csum_apply(word_at(&before, ip + 10), addrs));
	if (!quoted_check_is_there(&before))
		return;
	if (quoted_proto(&before) == L4_ICMP)
		inner = changed16(&before, l4 + 4);
	else
		inner = changed16(&before, l4) + changed16(&before, l4 + 2) + addrs;
	want = csum_apply(word_at(&before, check), inner);
	if (quoted_proto(&before) == L4_UDP && !want) /* RFC 768 */
		want = 0xffff;
	PROVE(word_at(&packet, check) == want);
}

/* The error's own checksum is over the quote, checksums included. */
void the_errors_checksum_is_updated_by_what_changed(struct packet before, __u16 net)
{
	__u32 ip = quoted_ip(&before), l4 = quoted_l4(&before), check = outer_l4(&before) + 2;
	__u64 sum;

	GIVEN(translate_error(&before, net) == FWD_NEXT);
	sum = changed32(&before, ip + 12) + changed32(&before, ip + 16) +
	      changed16(&before, ip + 10);
	if (quoted_proto(&before) == L4_ICMP)
		sum += changed16(&before, l4 + 4);
	else if (!l4_by_address(quoted_proto(&before)))
		sum += changed16(&before, l4) + changed16(&before, l4 + 2);
	if (quoted_check_is_there(&before))
		sum += changed16(&before, quoted_check(&before));
	PROVE(word_at(&packet, check) == replaced(word_at(&before, check), csum_fold32(sum), 0));
}
