// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * include/ebpfnet/core/ct_state.h: the life of a flow, packet by packet, against what its two ends have said so far.
 */
#include <ebpfnet/core/ct_state.h>
#include "input.h"

/* A model of the flow, apart from the state machine. */
struct life {
	enum l4proto proto;
	enum conn_state state;
	uint8_t fin;
	uint8_t fin_seen;	/* since the connection began: bit 1 << dir */
	_Bool rst_seen, reply_seen;
	uint32_t now, replied;	/* the time, and that of the first reply */
};

/* The only caller of the machine. */
static void step(struct life *l, enum flow_dir dir, uint8_t flags)
{
	l->state = ct_next(l->state, l->proto, dir, flags, l->now, &l->fin);
}

static _Bool in_use(enum conn_state s)
{
	return s == CONN_ESTABLISHED || s == CONN_FIN_WAIT || s == CONN_REPLIED || s == CONN_ASSURED;
}

static void check_state(const struct life *l)
{
	enum timeout_class class = ct_timeout_class(l->state, l->proto);

	MUST(l->state > CONN_BUSY && l->state < CONN_STATES);
	MUST(class < TIMEOUT_CLASSES);
	MUST((class == TIMEOUT_TCP_ESTABLISHED) == (l->state == CONN_ESTABLISHED));
	MUST((l->proto == L4_TCP) == (l->state >= CONN_SYN_SENT));
	MUST((l->proto == L4_ICMP) == (class == TIMEOUT_ICMP));
	/* a flow that is relied on stays so */
	MUST(ct_yield(l->state) == YIELD_NEVER || l->state == CONN_REPLIED || !in_use(l->state));
	MUST(l->state != CONN_ASSURED || l->now - l->replied >= CT_ASSURED_S);
	MUST(!ct_settled(l->state) || in_use(l->state));
	MUST(l->proto != L4_TCP || !(l->fin & ~l->fin_seen));
	MUST(l->state != CONN_RESET || l->rst_seen);
	MUST(l->state != CONN_CLOSING || l->fin_seen == 3);
	MUST((l->state != CONN_ESTABLISHED && l->state != CONN_REPLIED) || l->reply_seen);
}

static void packet(struct life *l, enum flow_dir dir, uint8_t flags)
{
	struct life was = *l;

	if (dir == FLOW_REPLY && !l->reply_seen) {
		l->reply_seen = 1;
		l->replied = l->now;
	}
	if (l->proto == L4_TCP) {
		l->rst_seen |= !!(flags & TCP_RST);
		if (flags & TCP_FIN)
			l->fin_seen |= 1 << dir;
	}
	step(l, dir, flags);
	if (l->proto == L4_TCP && l->state == CONN_SYN_SENT && was.state != CONN_SYN_SENT) {
		/* a connection begins anew: by a SYN of who began the last, once that is over */
		MUST(dir == FLOW_ORIGINAL && flags & TCP_SYN && !(flags & TCP_RST));
		MUST(was.state == CONN_CLOSING || was.state == CONN_RESET);
		MUST(!l->fin);
		l->fin_seen = 0;
		l->rst_seen = 0;
	}
	check_state(l);
	if (in_use(was.state) && !in_use(l->state))
		MUST(l->proto == L4_TCP && (flags & TCP_RST || l->fin_seen == 3));
	if (ct_steady(was.state, dir) &&
	    (l->proto != L4_TCP || !(flags & (TCP_SYN | TCP_FIN | TCP_RST))))
		MUST((l->state == was.state || (was.state == CONN_REPLIED && l->state == CONN_ASSURED)) &&
		     l->fin == was.fin);
}

/* A table that fills up shortens times, never below the least, nor lengthens them. */
static void check_pressure(struct input *in)
{
	uint32_t seconds = take32(in), max = take32(in), used = take32(in) % (max | 1);
	uint32_t now, fuller, least = seconds < CT_TIMEOUT_MIN_S ? seconds : CT_TIMEOUT_MIN_S;

	if (take8(in) & 1)
		max %= 8;
	now = ct_under_pressure(seconds, used, max);
	fuller = ct_under_pressure(seconds, used + 1, max);
	MUST(now <= seconds && now >= least);
	MUST(fuller <= now);
	MUST(max < 4 || used >= max || max - used < max / 4 || now == seconds);
	/* with three slots or fewer there is no quarter to share out: times stay */
	if (max >= 4)
		MUST(ct_under_pressure(seconds, max, max) == least);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum l4proto protos[] = { L4_TCP, L4_TCP, L4_UDP, L4_ICMP, (enum l4proto)47 };
	struct input in = { data, size };
	struct life l = { .proto = protos[take8(&in) % 5] };
	uint8_t flags = take8(&in);

	check_pressure(&in);
	/* a connection begins with a SYN alone, or is joined half-way by what carries an ACK */
	MUST(ct_may_create(l.proto, flags) ==
	     (l.proto != L4_TCP ||
	      (!(flags & TCP_RST) && (flags & TCP_SYN ? !(flags & (TCP_ACK | TCP_FIN)) : (flags & TCP_ACK) != 0))));
	l.state = ct_first_state(l.proto);
	check_state(&l);
	while (in.left) {
		uint8_t dir = take8(&in);

		l.now += dir >> 1;
		packet(&l, dir & 1 ? FLOW_REPLY : FLOW_ORIGINAL, take8(&in));
	}
	return 0;
}
