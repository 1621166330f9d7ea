// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* include/ebpfnet/core/parse.h on a part of a frame: its result, and that it never reads beyond that part. */
#include "frame.h"

static struct frame sample_lldp(void)
{
	return eth(0x88cc, 46);
}

static struct frame sample_ipv6(void)
{
	return eth(ETH_P_IPV6, 60);
}

static struct frame sample_arp(void)
{
	struct frame f = arp(ARPOP_REQUEST);

	f.len = 60;
	return f;
}

static struct frame sample_udp(void)
{
	return udp(20, 30);
}

static struct frame sample_udp_options(void)
{
	return udp(60, 30);
}

static struct frame sample_tcp(void)
{
	return tcp(20, 20, TCP_SYN, 20);
}

static struct frame sample_tcp_options(void)
{
	return tcp(40, 40, TCP_SYN, 60);
}

static struct frame sample_tcp_bad(void)
{
	return tcp(20, 16, TCP_SYN, 40);
}

static struct frame sample_echo(void)
{
	return icmp(ICMP_ECHO, 24, 56);
}

static struct frame sample_error(void)
{
	return icmp(ICMP_TIME_EXCEEDED, 20, 28);
}

static struct frame sample_fragment(void)
{
	return fragment(udp(20, 64), IP_MF | 10);
}

static struct frame sample_gre(void)
{
	return ipv4(47, 60, 20);
}

static struct frame sample_too_long(void)
{
	struct frame f = udp(20, 20);

	f.len--;
	return f;
}

/* How many bytes must be visible for the parser to know all it wants. */
static const struct {
	const char *name;
	struct frame (*make)(void);
	size_t needs;
	enum parsed result;
} samples[] = {
	{ "lldp", sample_lldp, 14, PARSED },
	{ "ipv6", sample_ipv6, 14, PARSED },
	{ "arp", sample_arp, 14 + 28, PARSED },
	{ "udp", sample_udp, 14 + 20 + 8, PARSED },
	{ "udp with ip options", sample_udp_options, 14 + 60 + 8, PARSED },
	{ "tcp", sample_tcp, 14 + 20 + 20, PARSED },
	{ "tcp with options", sample_tcp_options, 14 + 40 + 20, PARSED },
	{ "tcp, header too short", sample_tcp_bad, 14 + 20 + 20, PARSE_BAD },
	{ "icmp echo", sample_echo, 14 + 24 + 8, PARSED },
	{ "icmp error", sample_error, 14 + 20 + 8, PARSED },
	{ "fragment", sample_fragment, 14 + 20, PARSED },
	{ "gre", sample_gre, 14 + 20, PARSED },
	{ "length beyond the frame", sample_too_long, 14 + 20, PARSE_BAD },
};

/* Too few bytes ask for more; enough give one answer, which more of them do not change. */
static void truncated_frames_are_short_until_all_headers_are_visible(void **state)
{
	struct pkt whole, p;
	struct frame f;
	enum parsed r;
	size_t i, n;

	for (i = 0; i < COUNT(samples); i++) {
		f = samples[i].make();
		assert_int_equal(parse(f, &whole), samples[i].result);
		for (n = 0; n <= f.len; n++) {
			r = parse_visible(&f, n, &p);
			if (r != (n < samples[i].needs ? PARSE_SHORT : samples[i].result))
				fail_msg("%s, %zu bytes: %d", samples[i].name, n, r);
			if (r == PARSED)
				assert_memory_equal(&p, &whole, sizeof(p));
		}
	}
}

/* The program parses again after a pull, into the same struct: what is left must not matter. */
static void parsing_again_after_a_short_try_gives_the_same(void **state)
{
	struct pkt whole, p;
	struct frame f;
	void *memory;
	uint8_t *data;
	size_t i, n;

	for (i = 0; i < COUNT(samples); i++) {
		f = samples[i].make();
		parse(f, &whole);
		for (n = 0; n < samples[i].needs; n++) {
			parse_visible(&f, n, &p);
			data = exact(&f, f.len, &memory);
			assert_int_equal(parse_frame(data, data + f.len, f.len, &p),
					 samples[i].result);
			assert_memory_equal(&p, &whole, sizeof(p));
			free(memory);
		}
	}
}

/* A sample with some bytes of it changed, cut off or padded anywhere. */
static struct frame random_frame(void)
{
	struct frame f = samples[random_in(0, COUNT(samples) - 1)].make();
	int changes = random_in(0, 6);

	while (changes--)
		f.bytes[random_in(0, f.len - 1)] = random_u32();
	if (random_u32() % 4 == 0)
		f.len = random_in(0, sizeof(f.bytes));
	return f;
}

static void random_frames_are_never_read_beyond_their_end(void **state)
{
	struct frame f;
	struct pkt p;
	int i;

	for (i = 0; i < 200000; i++) {
		f = random_frame();
		if (parse_visible(&f, random_in(0, f.len), &p) != PARSED || p.eth_type != ETH_P_IP)
			continue;
		assert_in_range(p.ihl, 20, 60);
		assert_in_range(p.ip_len, p.ihl, f.len - ETH_HLEN);
		if (p.kind == PKT_PORTS || p.kind == PKT_QUERY || p.kind == PKT_ERROR)
			assert_in_range(p.l4 + p.l4_hlen, ETH_HLEN + 28, ETH_HLEN + p.ip_len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truncated_frames_are_short_until_all_headers_are_visible),
		cmocka_unit_test(parsing_again_after_a_short_try_gives_the_same),
		cmocka_unit_test(random_frames_are_never_read_beyond_their_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
