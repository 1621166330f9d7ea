/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Helpers for tests of flows: NS1 calls a server, and the server answers. */
#ifndef TESTS_PROG_FLOW_H
#define TESTS_PROG_FLOW_H

#include "lib/harness.h"

#define OUT NS1_TO_GW, .src = NS1, .dst = SERVER
#define IN FROM_ISP, .src = SERVER, .dst = UPLINK

static inline void ns1_udp(uint16_t sport)
{
	ns1_sends(frame(OUT, .sport = sport, .dport = 53));
}

static inline void server_udp(uint16_t dport)
{
	uplink_gets(frame(IN, .sport = 53, .dport = dport));
}

/* A flow with an answer at its external port, after which its sender goes on: it does not yield to another. */
static inline void assure(uint16_t sport, uint16_t external)
{
	server_udp(external);
	age_flows(2);
	ns1_udp(sport);
}

static inline uint16_t external_port(void)
{
	return frame_u16(output(), ETH_LEN + IP_LEN);
}

/* ICMP 3/13, as the sender may read it, counted by its reason. */
static inline void expect_refused(uint16_t sport, enum counter why)
{
	expect_outcome(SENT);
	expect_packet(frame(GW_TO_NS1, .src = GW, .dst = NS1, .proto = ICMP, .type = UNREACHABLE,
			    .code = 13, .tos = 0xc0, .no_ip_id = true,
			    .inner = frame(OUT, .sport = sport, .dport = 53), .inner_len = 28));
	expect_counted(why, COUNT_flow_refused);
}

#endif
