/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The one TCP option that matters here: how far a side shifts its window (RFC 7323 section 2). */
#ifndef EBPFNET_BPF_TCP_OPTION_H
#define EBPFNET_BPF_TCP_OPTION_H

#include "ctx_tc.h"
#include "parse.h"

#define TCPOPT_END 0
#define TCPOPT_NOOP 1
#define TCPOPT_WINDOW 3

__noinline int tcp_option_read(ctx_t *ctx, struct pkt *p)
{
	__u32 at, end;
	__u8 option[3];
	int i;

	if (!p)
		return 0;
	p->scale = TCP_SCALE_NONE;
	at = p->l4 + 20;
	end = p->l4 + p->l4_hlen;
	for (i = 0; i < 40 && at < end; i++) {
		/* a packet is not shorter than its TCP header, but the last option may be */
		if (ctx_load(ctx, at, option, at + 3 <= end ? 3 : 1) || option[0] == TCPOPT_END)
			return 0;
		if (option[0] == TCPOPT_NOOP) {
			at++;
			continue;
		}
		if (at + 3 > end || option[1] < 2)
			return 0;
		if (option[0] == TCPOPT_WINDOW) {
			p->scale = option[2] < TCP_SCALE_MAX ? option[2] : TCP_SCALE_MAX;
			return 0;
		}
		at += option[1];
	}
	return 0;
}

/* Fills in p->scale of a SYN, which is only asked for where connections are followed. */
static __always_inline void tcp_option_scale(ctx_t *ctx, struct pkt *p)
{
	if (p->tcp_flags & TCP_SYN)
		tcp_option_read(ctx, p);
}

#endif
