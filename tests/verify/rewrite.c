// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * A packet gets another tuple and TTL: every packet of 128 bytes that the parser takes. That a checksum
 * is updated by what changed in the bytes it covers is proved here, that this is right in csum.c.
 */
#include "kernel.h"
#include "bpf/l3/rewrite.h"

/* The packet, parsed and rewritten. */
static struct pkt rewrite(const struct packet *before, struct nat_tuple to, __u8 ttl)
{
	struct pkt p = {};
	ctx_t ctx;

	packet = *before;
	GIVEN(parse_frame(packet.bytes, packet.bytes + PACKET_MAX, PACKET_MAX, &p) == PARSED);
	GIVEN(p.kind >= PKT_PORTS);
	PROVE(rewrite_tuple(&ctx, &p, &to, ttl) == FWD_NEXT);
	return p;
}

/* Parsed again, it is the same packet with the tuple and the TTL asked for. */
void the_packet_has_the_new_tuple(struct packet before, struct nat_tuple to, __u8 ttl)
{
	struct pkt p = rewrite(&before, to, ttl), q = {};

	PROVE(parse_frame(packet.bytes, packet.bytes + PACKET_MAX, PACKET_MAX, &q) == PARSED);
	PROVE(addr_eq(q.key.src, to.src) && addr_eq(q.key.dst, to.dst) && q.ttl == ttl);
	PROVE(q.kind == p.kind && q.key.proto == p.key.proto && q.l4 == p.l4);
	if (p.kind == PKT_PORTS)
		PROVE(q.key.sport_h == to.sport_h && q.key.dport_h == to.dport_h);
	else if (p.kind == PKT_QUERY)
		PROVE(q.key.sport_h == to.sport_h && q.key.dport_h == to.sport_h);
	else
		PROVE(q.key.sport_h == p.key.sport_h && q.key.dport_h == p.key.dport_h);
}

static __u32 check_at(const struct pkt *p)
{
	return p->l4 + (p->key.proto == L4_TCP ? 16 : p->key.proto == L4_UDP ? 6 : 2);
}

void nothing_but_tuple_ttl_and_checksums_is_written(struct packet before, struct nat_tuple to,
						    __u8 ttl, __u8 at)
{
	struct pkt p = rewrite(&before, to, ttl);
	_Bool l4 = p.kind == PKT_PORTS || p.kind == PKT_QUERY;
	__u32 tuple = p.kind == PKT_PORTS ? p.l4 : p.l4 + 4;

	GIVEN(at < PACKET_MAX && at != ETH_HLEN + 8);
	GIVEN(at < ETH_HLEN + 10 || at >= ETH_HLEN + 20);
	GIVEN(!l4 || at < tuple || at >= tuple + (p.kind == PKT_PORTS ? 4 : 2));
	GIVEN(!l4 || (at != check_at(&p) && at != check_at(&p) + 1));
	PROVE(packet.bytes[at] == before.bytes[at]);
}

void the_header_checksum_is_updated_by_what_changed(struct packet before, struct nat_tuple to,
						    __u8 ttl)
{
	__u64 diff;

	rewrite(&before, to, ttl);
	diff = changed32(&before, ETH_HLEN + 12) + changed32(&before, ETH_HLEN + 16) +
	       csum_diff16(before.bytes[ETH_HLEN + 8],
			   ttl); /* and the protocol, which is the same */
	PROVE(word_at(&packet, ETH_HLEN + 10) == csum_apply(word_at(&before, ETH_HLEN + 10), diff));
}

/* TCP and UDP sum the addresses too (the pseudo header). */
void the_transport_checksum_is_updated_by_what_changed(struct packet before, struct nat_tuple to,
						       __u8 ttl)
{
	struct pkt p = rewrite(&before, to, ttl);
	_Bool udp = p.key.proto == L4_UDP;
	__u16 check = word_at(&before, check_at(&p));
	__u64 addrs = changed32(&before, ETH_HLEN + 12) + changed32(&before, ETH_HLEN + 16);
	__u64 ports = changed16(&before, p.l4) + changed16(&before, p.l4 + 2);

	GIVEN(p.kind == PKT_PORTS);
	check = replaced(check, csum_fold32(addrs), udp);
	if (p.key.sport_h != to.sport_h || p.key.dport_h != to.dport_h)
		check = replaced(check, csum_fold32(ports), udp);
	PROVE(word_at(&packet, check_at(&p)) == check);
}

/* RFC 768: 0 is no checksum. It stays, and never comes to be. */
void no_udp_checksum_stays_none(struct packet before, struct nat_tuple to, __u8 ttl)
{
	struct pkt p = rewrite(&before, to, ttl);

	GIVEN(p.kind == PKT_PORTS && p.key.proto == L4_UDP);
	PROVE(!word_at(&packet, p.l4 + 6) == !word_at(&before, p.l4 + 6));
}

void the_checksum_of_a_query_is_updated_by_what_changed(struct packet before, struct nat_tuple to,
							__u8 ttl)
{
	struct pkt p = rewrite(&before, to, ttl);
	__u16 was = word_at(&before, check_at(&p)), is = word_at(&packet, check_at(&p));
	__u64 diff = changed16(&before, p.l4 + 4);

	GIVEN(p.kind == PKT_QUERY);
	PROVE(is == (p.key.sport_h == to.sport_h ? was : replaced(was, csum_fold32(diff), 0)));
}
