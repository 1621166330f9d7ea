// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Every frame of up to 128 bytes, of which any part is visible. That the parser reads no byte beyond
 * the visible part, and ends, are checks that CBMC makes of every access and every loop.
 */
#include <stdlib.h>
#include <ebpfnet/core/parse.h>
#include "verify.h"

#define LONGEST 128

/* A block of exactly that many bytes, each of them any. */
static const __u8 *visible(__u8 len)
{
	const __u8 *data = malloc(len);

	GIVEN(len <= LONGEST && data);
	return data;
}

static enum parsed parse(__u8 len, __u32 frame_len, struct pkt *p)
{
	const __u8 *data = visible(len);

	GIVEN(frame_len >= len);
	return parse_frame(data, data + len, frame_len, p);
}

void offsets_are_inside_the_packet(__u8 len, __u32 frame_len)
{
	struct pkt p = {};

	if (parse(len, frame_len, &p) != PARSED || p.eth_type != ETH_P_IP)
		return;
	PROVE(p.ihl >= 20 && p.ihl <= 60 && p.ihl <= p.ip_len);
	PROVE(p.l4 == ETH_HLEN + p.ihl);
	PROVE(ETH_HLEN + p.ip_len <= frame_len);
}

/* So what rewrites ports, identifier or checksum writes inside what was seen. */
void a_transport_header_that_is_used_is_whole(__u8 len, __u32 frame_len)
{
	struct pkt p = {};

	if (parse(len, frame_len, &p) != PARSED)
		return;
	if (p.kind != PKT_PORTS && p.kind != PKT_QUERY && p.kind != PKT_ERROR)
		return;
	PROVE(p.l4_hlen >= 8 && p.l4 + p.l4_hlen <= ETH_HLEN + p.ip_len);
	PROVE(p.l4 + (p.key.proto == L4_TCP ? 20 : 8) <= len);
}

/* No answer is given on guesses: with all of the frame visible, none is put off. */
void the_parser_knows_what_it_wants(__u8 len)
{
	struct pkt p = {};

	GIVEN(len >= ETH_HLEN + 60 + 20);
	PROVE(parse(len, len, &p) != PARSE_SHORT);
}

/* A second look after a pull goes into the same struct: what the first left does not matter. */
void what_was_in_the_struct_does_not_matter(__u8 len, __u32 frame_len, struct pkt p)
{
	const __u8 *data = visible(len);
	struct pkt q = {};
	enum parsed r;

	GIVEN(frame_len >= len);
	r = parse_frame(data, data + len, frame_len, &q);
	PROVE(parse_frame(data, data + len, frame_len, &p) == r);
	PROVE(r != PARSED || p.kind == q.kind);
}

void the_header_sum_reads_no_byte_beyond(__u8 len, __u32 ihl)
{
	const __u8 *data = visible(len);

	GIVEN(len >= ETH_HLEN);
	ip_header_sum_ok(data, data + len, ihl);
}

/* And is over every word, options included: that folding it is RFC 1071's sum is proved in csum.c. */
void the_header_sum_is_the_full_one(__u8 ihl)
{
	const __u8 *data = visible(LONGEST);
	__u64 sum = 0;
	__u32 i;

	GIVEN(ihl >= 20 && ihl <= 60 && ihl % 4 == 0);
	for (i = 0; i < ihl; i += 2)
		sum += *(__u16 *)(data + ETH_HLEN + i);
	PROVE(ip_header_sum_ok(data, data + LONGEST, ihl) == (csum_fold16(sum) == 0xffff));
}
