// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Frames whose headers make no sense, or end too soon: they are dropped, not translated. */
#include "lib/harness.h"

static void refused_as_malformed(struct frame *f)
{
	ns1_sends(f);
	expect_dropped(COUNT_malformed);
}

static struct frame *to_ns2(uint8_t proto)
{
	return frame(NS1_TO_NS2, .src = NS1, .dst = NS2, .proto = proto, .flags = ACK,
		     .type = ECHO);
}

static void an_ip_header_makes_sense(void **s)
{
	struct frame *f = to_ns2(UDP);

	f->bytes[ETH_LEN] = 0x65;
	refused_as_malformed(f);
	f->bytes[ETH_LEN] = 0x44;
	refused_as_malformed(f);
	f->bytes[ETH_LEN] = 0x45;
	frame_set_u16(f, ETH_LEN + 2, IP_LEN - 1);
	refused_as_malformed(f);
	frame_set_u16(f, ETH_LEN + 2, f->len - ETH_LEN + 1);
	refused_as_malformed(f);
}

static void a_transport_header_ends_within_its_packet(void **s)
{
	static const struct {
		uint8_t proto, hlen;
	} header[] = { { TCP, 20 }, { UDP, 8 }, { ICMP, 8 } };
	size_t i;

	for (i = 0; i < 3; i++) {
		struct frame *f = to_ns2(header[i].proto);

		/* bytes enough in the frame, but not in the packet */
		frame_set_u16(f, ETH_LEN + 2, IP_LEN + header[i].hlen - 1);
		refused_as_malformed(f);
		/* nor in the frame */
		f->len = ETH_LEN + IP_LEN + header[i].hlen - 1;
		refused_as_malformed(f);
		frame_set_u16(f, ETH_LEN + 2, IP_LEN + header[i].hlen);
		f->len++;
		ns1_sends(f);
		expect_counted(COUNT_switched);
	}
}

static void a_tcp_header_is_as_long_as_it_says(void **s)
{
	struct frame *f = to_ns2(TCP);

	f->bytes[ETH_LEN + IP_LEN + 12] = 0x40;
	refused_as_malformed(f);
	f->bytes[ETH_LEN + IP_LEN + 12] = 0xf0; /* 60 bytes: more than there are */
	refused_as_malformed(f);
}

static void a_header_with_options_has_them(void **s)
{
	struct frame *f = to_ns2(UDP);

	f->bytes[ETH_LEN] = 0x4f;
	refused_as_malformed(f);
}

int main(void)
{
	static const struct CMUnitTest specs[] = {
		spec(an_ip_header_makes_sense),
		spec(a_transport_header_ends_within_its_packet),
		spec(a_tcp_header_is_as_long_as_it_says),
		spec(a_header_with_options_has_them),
	};

	return run_specs("malformed", specs);
}
