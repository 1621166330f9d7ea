/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The TCP option that connection tracking needs: window scale (RFC 7323 section 2). */
#ifndef EBPFNET_BPF_CT_TCP_OPTION_H
#define EBPFNET_BPF_CT_TCP_OPTION_H

#include <ebpfnet/core/parse.h>
#include "kern/ctx_tc.h"

#define TCPOPT_END 0
#define TCPOPT_NOOP 1
#define TCPOPT_WINDOW 3

/* State of the walk through the options of a TCP header. */
struct tcp_options {
	ctx_t *ctx;
	__u32 at, end;			/* offsets of the next option, and of the header's end */
	__u8 scale;
};

/* First bytes of the next option. Read directly where possible: a helper call for each is expensive. */
static __always_inline long tcp_option_load(const struct tcp_options *o, __u8 option[3])
{
	const __u8 *from = (const __u8 *)ctx_data(o->ctx) + (o->at & 0xff);

	/* the packet holds the whole TCP header, but the last option may be shorter */
	if (from + 3 > (const __u8 *)ctx_data_end(o->ctx))
		return ctx_load(o->ctx, o->at, option, o->at + 3 <= o->end ? 3 : 1);
	option[0] = from[0];
	option[1] = from[1];
	option[2] = from[2];
	return 0;
}

/* bpf_loop callback: one option. Returns 1 at the window scale, or at the end. */
static long tcp_option_next(__u32 i, struct tcp_options *o)
{
	__u8 option[3];

	if (o->at >= o->end || tcp_option_load(o, option) || option[0] == TCPOPT_END)
		return 1;
	if (option[0] == TCPOPT_NOOP) {
		o->at++;
		return 0;
	}
	if (o->at + 3 > o->end || option[1] < 2)
		return 1;
	o->at += option[1];
	if (option[0] != TCPOPT_WINDOW)
		return 0;
	o->scale = option[2] < TCP_SCALE_MAX ? option[2] : TCP_SCALE_MAX;
	return 1;
}

/* Set p->scale from the options of a parsed SYN, at most TCP_SCALE_MAX; TCP_SCALE_NONE without the option. */
__noinline int tcp_option_read(ctx_t *ctx, struct pkt *p)
{
	struct tcp_options o = { .ctx = ctx, .scale = TCP_SCALE_NONE };

	if (!p)
		return 0;
	o.at = p->l4 + 20;
	o.end = p->l4 + p->l4_hlen;
	bpf_loop(40, tcp_option_next, &o, 0);
	p->scale = o.scale;
	return 0;
}

/* The same, for callers that do not know whether the packet is a SYN. */
static __always_inline void tcp_option_scale(ctx_t *ctx, struct pkt *p)
{
	if (p->tcp_flags & TCP_SYN)
		tcp_option_read(ctx, p);
}

#endif
