// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The state machine, one step at a time: what holds at a flow's first packet, and of the next state
 * if it holds of the one before, holds always. A rule added to the machine (a window for RST, say)
 * needs no more here than what it takes to end a flow, in may_end().
 */
#include <ebpfnet/core/ct_state.h>
#include "verify.h"

/* The states that a live flow may be in, and who has sent FIN when it is. */
static _Bool live(enum l4proto proto, enum conn_state state, __u8 fin)
{
	if (proto != L4_TCP)
		return (state == CONN_UNREPLIED && fin == 0) || state == CONN_REPLIED || state == CONN_ASSURED;
	switch (state) {
	case CONN_SYN_SENT:
	case CONN_SYN_RECV: /* a FIN that answers nothing is noted */
		return fin < 3;
	case CONN_ESTABLISHED:
		return fin == 0;
	case CONN_FIN_WAIT:
		return fin == 1 || fin == 2;
	case CONN_CLOSING:
		return fin == 3;
	case CONN_RESET:
		return fin <= 3;
	default:
		return 0;
	}
}

/* Established for both, though one of them may have said all it has to say. */
static _Bool in_use(enum conn_state state)
{
	return state == CONN_ESTABLISHED || state == CONN_FIN_WAIT || state == CONN_REPLIED || state == CONN_ASSURED;
}

/* The events that may end such a flow, but for time. fin: after the packet. */
static _Bool may_end(enum l4proto proto, __u8 tcp_flags, __u8 fin)
{
	return proto == L4_TCP && ((tcp_flags & TCP_RST) || fin == 3);
}

void a_flow_begins_live(enum l4proto proto)
{
	PROVE(live(proto, ct_first_state(proto), 0));
}

void a_live_flow_stays_live_until_its_time_is_up(enum l4proto proto, enum conn_state state,
						 __u8 fin, _Bool reply, __u8 tcp_flags, __u32 now)
{
	GIVEN(live(proto, state, fin));
	state = ct_next(state, proto, reply ? FLOW_REPLY : FLOW_ORIGINAL, tcp_flags, now, &fin);
	PROVE(live(proto, state, fin));
}

void a_live_flow_has_a_timer(enum l4proto proto, enum conn_state state, __u8 fin)
{
	enum timeout_class class = ct_timeout_class(state, proto);

	GIVEN(live(proto, state, fin));
	PROVE(class < TIMEOUT_CLASSES);
	PROVE((proto == L4_ICMP) == (class == TIMEOUT_ICMP));
	PROVE((proto == L4_UDP) ==
	      (class == TIMEOUT_UDP_UNREPLIED || class == TIMEOUT_UDP_REPLIED));
	PROVE((proto == L4_TCP) == (class >= TIMEOUT_TCP_HALF_OPEN && class <= TIMEOUT_TCP_RESET));
}

/* Only an established flow may be idle for hours; a flood would have to be answered first. */
void only_established_has_the_long_timer(enum l4proto proto, enum conn_state state)
{
	PROVE((ct_timeout_class(state, proto) == TIMEOUT_TCP_ESTABLISHED) ==
	      (state == CONN_ESTABLISHED));
}

void only_rst_or_fin_of_both_ends_a_flow_in_use(enum l4proto proto, enum conn_state state, __u8 fin,
						_Bool reply, __u8 tcp_flags, __u32 now)
{
	enum conn_state next;

	GIVEN(live(proto, state, fin) && in_use(state));
	next = ct_next(state, proto, reply ? FLOW_REPLY : FLOW_ORIGINAL, tcp_flags, now, &fin);
	PROVE(in_use(next) || may_end(proto, tcp_flags, fin));
}

/* A side's bit is set by its own FIN alone, and stays until a new connection. */
void a_fin_counts_for_its_sender(enum conn_state state, __u8 fin, _Bool reply, __u8 tcp_flags)
{
	__u8 before = fin, own = reply ? 1 << FLOW_REPLY : 1 << FLOW_ORIGINAL;
	enum conn_state next;

	GIVEN(live(L4_TCP, state, fin));
	next = ct_next(state, L4_TCP, reply ? FLOW_REPLY : FLOW_ORIGINAL, tcp_flags, 0, &fin);
	PROVE(!(fin & ~before) || ((fin & ~before) == own && (tcp_flags & TCP_FIN)));
	PROVE(!(before & ~fin) || (next == CONN_SYN_SENT && !in_use(state)));
}

void nobody_is_established_before_both_were_heard(enum conn_state state, __u8 fin, _Bool reply,
						  __u8 tcp_flags)
{
	GIVEN(live(L4_TCP, state, fin) && state != CONN_ESTABLISHED);
	if (ct_next(state, L4_TCP, reply ? FLOW_REPLY : FLOW_ORIGINAL, tcp_flags, 0, &fin) !=
	    CONN_ESTABLISHED)
		return;
	PROVE(reply ? state == CONN_SYN_SENT : state == CONN_SYN_RECV);
	PROVE(!(tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)));
}

/*
 * What FLOW_STEADY promises: such a packet need not be shown to the machine, but for one a second, which may make a
 * flow assured.
 */
void a_steady_flow_is_changed_by_syn_fin_and_rst_alone(enum l4proto proto, enum conn_state state, __u8 fin,
						       _Bool reply, __u8 tcp_flags, __u32 now)
{
	enum flow_dir dir = reply ? FLOW_REPLY : FLOW_ORIGINAL;
	enum conn_state next;
	__u8 before = fin;

	GIVEN(live(proto, state, fin) && ct_steady(state, dir));
	GIVEN(proto != L4_TCP || !(tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)));
	next = ct_next(state, proto, dir, tcp_flags, now, &fin);
	PROVE(next == state || (state == CONN_REPLIED && next == CONN_ASSURED && !reply));
	PROVE(fin == before);
}

/* ---- times when the table fills up ---- */

static __u32 least_of(__u32 seconds)
{
	return seconds < CT_TIMEOUT_MIN_S ? seconds : CT_TIMEOUT_MIN_S;
}

/* Of a table whose quarter is a power of two: a solver is lost in other quotients, and tests/fuzz tries those. */
void pressure_never_lengthens_a_time_nor_ends_it(__u16 seconds, __u32 used)
{
	__u32 now = ct_under_pressure(seconds, used, 65536);

	PROVE(now <= seconds && now >= least_of(seconds));
}

void without_pressure_a_time_is_as_it_was_set(__u32 seconds, __u32 used, __u32 max)
{
	GIVEN(max < 4 || (used < max && max - used >= max / 4));
	PROVE(ct_under_pressure(seconds, used, max) == seconds);
}

void in_a_full_table_a_time_is_the_least(__u32 seconds, __u32 used, __u32 max)
{
	GIVEN(max >= 4 && used >= max);
	PROVE(ct_under_pressure(seconds, used, max) == least_of(seconds));
}

/* Less room, less time: of times up to a minute. */
void one_flow_more_never_lengthens_a_time(__u8 seconds, __u16 used)
{
	GIVEN(seconds < 64 && used < 4096);
	PROVE(ct_under_pressure(seconds, used + 1, 4096) <= ct_under_pressure(seconds, used, 4096));
}
