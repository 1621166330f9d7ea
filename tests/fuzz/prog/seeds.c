// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <arpa/inet.h>
#include <string.h>

#include "fuzz.h"

static const char *const outside[] = {
	SERVER, SERVER, SERVER2, "8.8.8.8", BEHIND_NEXT_HOP2, BEHIND_MTU_1000, NEXT_HOP,
	IN_BLACKHOLE, IN_UNREACHABLE, IN_PROHIBITED, IN_NO_ROUTE, BEHIND_UNMANAGED,
};
static const char *const near[] = {
	UPLINK, UPLINK_SECOND, GW, NS1, NS2, NS3, NS4, NS_GONE, "192.168.1.255", "192.168.2.1",
	"255.255.255.255", "224.0.0.5", "127.0.0.1", "0.0.0.0", "172.31.15.255", "240.1.2.3",
};
static const char *const macs[] = {
	NS1_MAC, NS2_MAC, NS3_MAC, NS4_MAC, NS_GONE_MAC, GW_MAC, BROADCAST, STRANGER_MAC,
	"01:80:c2:00:00:03", "01:00:5e:00:00:05", "00:00:00:00:00:00",
};
#define ANY(list) ((list)[chance(sizeof(list) / sizeof((list)[0]))])

static const char zeros[2000];

static const char *dst_of_namespace(void)
{
	return one_in(4) ? ANY(near) : one_in(3) ? UPLINK : ANY(outside);
}

static uint16_t some_port(void)
{
	static const uint16_t known[] = { 53, 80, 443, 5000, 5001, 5003, 5004, 3000, 8080, 68, 67, 0 };

	return one_in(2) ? ANY(known) : one_in(2) ? 4000 + chance(8) : one_in(2) ? 40000 + chance(64) :
										    chance(65536);
}

static uint8_t some_flags(void)
{
	static const uint8_t known[] = { SYN, SYN, ACK, SYN | ACK, FIN | ACK, RST, RST | ACK, FIN, 0 };

	return one_in(16) ? chance(256) : ANY(known);
}

/* Header options: no operation, record route, router alert, timestamp, source routes. */
static void some_options(struct frame_spec *s)
{
	static const struct {
		const char *bytes;
		uint8_t len;
	} known[] = {
		{ "\1\1\1\1", 4 },
		{ "\x94\4\0\0", 4 },
		{ "\7\7\4\0\0\0\0\0", 8 },
		{ "\x44\x0c\5\0\0\0\0\0\0\0\0\0", 12 },
		{ "\x83\7\4\1\2\3\4\0", 8 },
		{ "\1\x89\7\4\1\2\3\4\1\1\1\0", 12 },
		{ "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1", 40 },
	};
	int i = chance(sizeof(known) / sizeof(known[0]));

	s->options = known[i].bytes;
	s->options_len = known[i].len;
}

/* Fields that any IPv4 packet may have. */
static void dress(struct frame_spec *s)
{
	s->tos = one_in(3) ? chance(256) : 0;
	s->ttl = one_in(12) ? 1 + chance(2) : 64;
	s->frag = one_in(4) ? DONT_FRAGMENT : 0;
	s->no_check = one_in(10);
	s->no_ip_id = one_in(4);
	s->trailer = one_in(6) ? chance(20) : 0;
	s->payload = zeros;
	s->payload_len = one_in(3) ? chance(40) : one_in(10) ? chance(1900) : 13;
	if (one_in(10))
		some_options(s);
	if (one_in(20))
		s->frag = one_of(MORE_FRAGMENTS, MORE_FRAGMENTS | 4, 4, 185);
}

static void some_transport(struct frame_spec *s)
{
	s->proto = one_of(TCP, TCP, UDP, UDP, UDP, ICMP, ICMP, one_of(SCTP, 47, 50, 2, 136, 33));
	s->sport = some_port();
	s->dport = some_port();
	s->flags = some_flags();
	s->type = one_of(ECHO, ECHO, ECHO, TIMESTAMP, ECHO_REPLY, TIMESTAMP_REPLY, REDIRECT, 10);
	s->id = 4000 + chance(4);
	s->seq = chance(3);
}

/* An ICMP error of anybody's about a packet of anybody's. */
static const struct frame *stray_error(struct frame_spec *s, const char *src, const char *dst)
{
	struct frame_spec quoted = { .smac = NS1_MAC, .dmac = GW_MAC, .src = dst, .dst = src };

	some_transport(&quoted);
	dress(&quoted);
	s->proto = ICMP;
	s->type = one_of(UNREACHABLE, TIME_EXCEEDED, PARAMETER_PROBLEM);
	s->code = chance(6);
	s->inner = frame_make(&quoted);
	s->inner_len = one_in(2) ? 28 : 0;
	return s->inner;
}

static struct frame *ipv4_of(const char *smac, const char *dmac, const char *src, const char *dst)
{
	struct frame_spec s = { .smac = smac, .dmac = dmac, .src = src, .dst = dst };

	dress(&s);
	some_transport(&s);
	if (one_in(12))
		stray_error(&s, src, dst);
	return frame_make(&s);
}

/* ---- what the other end of a live flow sends ---- */

static void swap(uint8_t *a, uint8_t *b, int len)
{
	uint8_t t[6];

	memcpy(t, a, len);
	memcpy(a, b, len);
	memcpy(b, t, len);
}

static void set_macs(struct frame *f, const char *smac, const char *dmac)
{
	mac_parse(dmac, f->bytes);
	mac_parse(smac, f->bytes + 6);
}

/* Where the other end is: the hook, the device and the Ethernet header. false: the host itself. */
static bool other_end(struct shot *s, const struct live *l)
{
	struct view v = view_of(l->out.bytes, l->out.len);
	const struct endpoint_of *st;

	if (l->went == WENT_UPLINK || (l->went == WENT_ON && l->sent.hook == HOOK_UPLINK_OUT)) {
		s->hook = HOOK_UPLINK;
		s->dev = DEV_UPLINK;
		set_macs(&s->in, ISP_MAC, UPLINK_MAC);
		return true;
	}
	st = v.ip ? endpoint_at(v.dst) : NULL;
	if (l->went != WENT_PORT || !st)
		return false;
	s->hook = HOOK_PORT;
	s->dev = st->dev;
	set_macs(&s->in, st->mac, st->gw_mac);
	return true;
}

static bool answer(struct shot *s, const struct live *l)
{
	struct view v = view_of(l->out.bytes, l->out.len);
	uint8_t *b = s->in.bytes;

	if (!v.ip || v.kind == NO_L4 || v.kind == ERROR)
		return false;
	s->in = l->out;
	if (!other_end(s, l))
		return false;
	swap(b + 26, b + 30, 4);
	b[22] = one_in(16) ? 1 : 60;
	if (v.kind == PORTS) {
		swap(b + v.l4, b + v.l4 + 2, 2);
		if (v.proto == TCP)
			b[v.l4 + 13] = one_in(3) ? (SYN | ACK) : one_in(3) ? some_flags() : ACK;
		if (one_in(16)) /* another peer */
			set16(b + v.l4, some_port());
	} else {
		b[v.l4] = b[v.l4] == ECHO ? ECHO_REPLY : b[v.l4] == TIMESTAMP ? TIMESTAMP_REPLY : ECHO;
	}
	fix_checks(&s->in);
	return true;
}

/* An error about what came out, from a router, or from the one it went to. */
static bool error_about(struct shot *s, const struct live *l)
{
	struct view v = view_of(l->out.bytes, l->out.len);
	char src[16], dst[16];
	struct frame_spec e = {
		.smac = NS1_MAC, .dmac = GW_MAC, .proto = ICMP, .src = SERVER2, .dst = dst, .ttl = 60,
	};

	if (!v.ip || v.kind == NO_L4)
		return false;
	inet_ntop(AF_INET, v.src, dst, sizeof(dst));
	inet_ntop(AF_INET, v.dst, src, sizeof(src));
	if (l->went == WENT_PORT || one_in(2))
		e.src = src;
	e.type = one_of(UNREACHABLE, UNREACHABLE, TIME_EXCEEDED, PARAMETER_PROBLEM, REDIRECT);
	e.code = one_of(0, 1, 3, 4);
	e.seq = 1400;
	e.inner = &l->out;
	e.inner_len = v.end - ETH_LEN;
	if (one_in(3))
		e.inner_len = v.ihl + 8;
	else if (one_in(2) && e.inner_len > v.ihl + 8)
		e.inner_len = v.ihl + 8 + chance(e.inner_len - v.ihl - 8);
	if (e.inner_len > 1900)
		e.inner_len = 1900;
	s->in = *frame_make(&e);
	return other_end(s, l);
}

/* The flow goes on. */
static bool again(struct shot *s, const struct live *l)
{
	struct view v = view_of(l->sent.in.bytes, l->sent.in.len);

	*s = l->sent;
	if (v.kind == PORTS && v.proto == TCP)
		s->in.bytes[v.l4 + 13] = some_flags();
	if (v.kind == PORTS && one_in(8))
		set16(s->in.bytes + v.l4 + 2, some_port());
	if (v.ip)
		fix_checks(&s->in);
	return true;
}

/* It comes in again, with our mark. */
static bool round_again(struct shot *s, const struct live *l)
{
	s->hook = HOOK_UPLINK;
	s->dev = DEV_UPLINK;
	s->ours = true;
	s->in = l->out;
	return true;
}

/* A namespace sends to what another has sent from. */
static bool to_external_port(struct shot *s, const struct live *l)
{
	const struct endpoint_of *st = &all_endpoints[chance(ENDPOINTS)];
	struct view v = view_of(l->out.bytes, l->out.len);
	char dst[16];

	if (!v.ip || v.kind != PORTS || !is_hosts(v.src))
		return false;
	inet_ntop(AF_INET, v.src, dst, sizeof(dst));
	s->hook = HOOK_PORT;
	s->dev = st->dev;
	s->in = *frame(.smac = st->mac, .dmac = st->gw_mac, .src = st->addr, .dst = dst,
		       .proto = v.proto, .sport = 4000 + chance(8), .dport = v.sport, .flags = SYN);
	return true;
}

static bool of_a_flow(struct shot *s)
{
	const struct live *l = live_any();

	if (!l)
		return false;
	if (l->went == WENT_ROUND && !one_in(4))
		return round_again(s, l);
	if (one_in(8))
		return to_external_port(s, l);
	switch (chance(4)) {
	case 0:
		return again(s, l);
	case 1:
		return error_about(s, l);
	default:
		return answer(s, l);
	}
}

/* ---- new packets, hook by hook ---- */

static struct frame *some_arp(const struct endpoint_of *st)
{
	bool probe = one_in(6);

	return arp(.smac = st->mac, .dmac = one_in(3) ? GW_MAC : BROADCAST,
		   .op = one_of(ARP_REQUEST, ARP_REQUEST, ARP_REPLY), .sender_mac = st->mac,
		   .sender = probe ? "0.0.0.0" : st->addr, .target = ANY(near));
}

static struct frame *some_ipv6(const struct endpoint_of *st)
{
	return ipv6(.smac = st->mac, .dmac = "33:33:00:00:00:01",
		    .src = one_in(2) ? "::" : "fe80::42:c0ff:fea8:10a", .dst = "ff02::1",
		    .ext = "\x3a\0\1\4\0\0\0", .ext_len = one_in(3) ? 8 : 0, .next = one_of(0, 60, 43, 44),
		    .type = one_of(134, 135, 136, 128), .target = one_in(2) ? "fe80::1" : NULL);
}

static struct frame *frame_of_port(const struct endpoint_of *st)
{
	switch (chance(12)) {
	case 0:
		return some_arp(st);
	case 1:
		return some_ipv6(st);
	case 2:
		return ethernet(st->mac, ANY(macs), one_of(0x88cc, 0x26, 0x88a8, 0x8100, 0x8863),
				"a frame of another protocol");
	case 3: /* switched */
		return ipv4_of(st->mac, ANY(macs), st->addr, ANY(near));
	case 4: /* not its own address */
		return ipv4_of(st->mac, st->gw_mac, ANY(near), dst_of_namespace());
	case 5: /* behind a nested switch */
		return ipv4_of("02:00:00:00:33:01", GW_MAC, one_in(2) ? "192.168.1.77" : "10.1.1.1",
			       ANY(outside));
	default:
		return ipv4_of(st->mac, st->gw_mac, st->addr, dst_of_namespace());
	}
}

static struct frame *frame_of_uplink(void)
{
	const char *src = one_in(5) ? ANY(near) : ANY(outside);

	return ipv4_of(ISP_MAC, one_in(10) ? ANY(macs) : UPLINK_MAC, src,
		       one_in(5) ? ANY(near) : one_in(2) ? UPLINK : UPLINK_SECOND);
}

static struct frame *frame_leaving(void)
{
	const struct live *l = live_any();
	struct frame *f = ipv4_of(UPLINK_MAC, ISP_MAC, one_in(4) ? ANY(near) : UPLINK, ANY(outside));

	/* the host sends by the very port that a namespace's flow has */
	if (l && l->went == WENT_UPLINK && l->sent.hook == HOOK_PORT && one_in(2)) {
		*f = l->out;
		set_macs(f, UPLINK_MAC, ISP_MAC);
	}
	return f;
}

static struct frame *frame_of_gateway(void)
{
	const struct endpoint_of *st = &all_endpoints[chance(3)];

	if (one_in(5))
		return arp(.smac = GW_MAC, .dmac = BROADCAST, .op = ARP_REQUEST, .sender_mac = GW_MAC,
			   .sender = GW, .target = ANY(near));
	return ipv4_of(GW_MAC, one_in(5) ? ANY(macs) : st->mac, GW, st->addr);
}

static const char *host_to_itself(void)
{
	return one_in(4) ? ANY(near) : one_in(2) ? UPLINK : one_in(2) ? "127.0.0.1" : "127.9.9.9";
}

/* A well-formed packet, at its hook. */
void seed(struct shot *s)
{
	const struct endpoint_of *st = &all_endpoints[chance(ENDPOINTS)];

	memset(s, 0, sizeof(*s));
	if (one_in(2) && of_a_flow(s))
		return;
	memset(s, 0, sizeof(*s));
	switch (chance(10)) {
	case 0:
	case 1:
	case 2:
		s->hook = HOOK_UPLINK;
		s->dev = DEV_UPLINK;
		s->in = *frame_of_uplink();
		break;
	case 3:
		s->hook = HOOK_UPLINK_OUT;
		s->dev = DEV_UPLINK;
		s->forwarded = one_in(6);
		s->ours = one_in(10);
		s->in = *frame_leaving();
		break;
	case 4:
		s->hook = HOOK_LO;
		s->dev = DEV_LO;
		s->in = *ipv4_of("00:00:00:00:00:00", "00:00:00:00:00:00", host_to_itself(), host_to_itself());
		break;
	case 5:
		s->hook = HOOK_GATEWAY;
		s->dev = DEV_GW;
		s->forwarded = one_in(10);
		s->in = *frame_of_gateway();
		break;
	default:
		s->hook = HOOK_PORT;
		s->dev = one_in(60) ? DEV_UNMANAGED : st->dev;
		s->in = *frame_of_port(st);
	}
	if (s->in.len > 400 && one_in(4))
		s->gso_size = 100 + chance(1400);
}
