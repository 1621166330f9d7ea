// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * An ICMP error about a translated packet: for every error of 128 bytes, every flow, and packets of
 * both of its directions. That a checksum is updated by what changed in the bytes it covers is
 * proved here, that this is right in csum.c.
 */
#include "kernel.h"
#include "bpf/icmp.h"

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
		.net = net,
		.proto = quoted_proto(p),
	};

	if (k.proto == L4_ICMP)
		k.sport_h = k.dport_h = __builtin_bswap16(word_at(p, l4 + 4));
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

	return quoted_check(p) + 2 <= end &&
	       (quoted_proto(p) != L4_UDP || word_at(p, quoted_check(p)) != 0);
}

/* Any flow, in the table as ct_begin() enters it; its two keys differ, or it would not have. */
static void given_a_flow(void)
{
	struct ct_new n;
	struct conn any;

	GIVEN(n.key.zero == 0 && n.key.net <= EBPFNET_NET_HOST);
	GIVEN(n.key.proto != L4_ICMP ||
	      (n.key.sport_h == n.key.dport_h && n.t.sport_h == n.t.dport_h));
	table.original = ct_original(&n, 0, 0);
	table.reply = ct_reply(&n, 0, 0);
	table.conn = any;
	table.original_key = n.key;
	table.reply_key = nat_reply_key(&n.t, n.answer_net, n.key.proto);
	GIVEN(!flow_key_eq(&table.original_key, &table.reply_key));
}

static verdict_t translate_error(const struct packet *before, __u16 net)
{
	struct nat_tuple outer;
	struct config cfg;
	struct pkt p = {};
	struct flow *out;
	ctx_t ctx;

	given_a_flow();
	packet = *before;
	GIVEN(parse_frame(packet.bytes, packet.bytes + PACKET_MAX, PACKET_MAX, &p) == PARSED);
	GIVEN(p.kind == PKT_ERROR);
	return icmp_translate(&ctx, &p, net, &cfg, &out, &outer);
}

/*
 * The quoted packet of one direction, with the tuple that it had after its translation, is found by
 * the key of the answer to it, and gets the tuple that it was sent with.
 */
void the_quote_is_put_back_as_it_was_sent(struct packet before, __u16 net, _Bool reply)
{
	struct flow_key *sent = reply ? &table.reply_key : &table.original_key;
	struct flow_key *answer = reply ? &table.original_key : &table.reply_key;
	verdict_t v = translate_error(&before, net);
	struct nat_tuple t = { answer->src, answer->dst, answer->sport_h, answer->dport_h };
	struct flow_key seen = nat_reply_key(&t, net, answer->proto), is;

	GIVEN(v == NEXT && net == answer->net);
	is = quoted(&before, net);
	GIVEN(flow_key_eq(&is, &seen));
	is = quoted(&packet, sent->net);
	PROVE(flow_key_eq(&is, sent));
}

void what_is_of_no_flow_is_left_alone(struct packet before, __u16 net, __u8 at)
{
	GIVEN(at < PACKET_MAX && translate_error(&before, net) != NEXT);
	PROVE(packet.bytes[at] == before.bytes[at]);
}

static _Bool within(__u32 at, __u32 first, __u32 len)
{
	return at >= first && at < first + len;
}

void nothing_but_tuple_and_checksums_is_written(struct packet before, __u16 net, __u8 at)
{
	__u32 l4 = quoted_l4(&before);

	GIVEN(at < PACKET_MAX && translate_error(&before, net) == NEXT);
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

	GIVEN(translate_error(&before, net) == NEXT);
	addrs = changed32(&before, ip + 12) + changed32(&before, ip + 16);
	PROVE(word_at(&packet, ip + 10) == csum_apply(word_at(&before, ip + 10), addrs));
	if (!quoted_check_is_there(&before))
		return;
	if (quoted_proto(&before) == L4_ICMP)
		inner = changed16(&before, l4 + 4);
	else
		inner = changed16(&before, l4) + changed16(&before, l4 + 2) + addrs;
	PROVE(word_at(&packet, check) == csum_apply(word_at(&before, check), inner));
}

/* The error's own checksum is over the quote, checksums included. */
void the_errors_checksum_is_updated_by_what_changed(struct packet before, __u16 net)
{
	__u32 ip = quoted_ip(&before), l4 = quoted_l4(&before), check = outer_l4(&before) + 2;
	__u64 sum;

	GIVEN(translate_error(&before, net) == NEXT);
	sum = changed32(&before, ip + 12) + changed32(&before, ip + 16) +
	      changed16(&before, ip + 10);
	if (quoted_proto(&before) == L4_ICMP)
		sum += changed16(&before, l4 + 4);
	else
		sum += changed16(&before, l4) + changed16(&before, l4 + 2);
	if (quoted_check_is_there(&before))
		sum += changed16(&before, quoted_check(&before));
	PROVE(word_at(&packet, check) == replaced(word_at(&before, check), csum_fold32(sum), 0));
}
