/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * PURE. Connection states and their timeouts. A NAT sees TCP from the middle (RFC 5382, RFC 7857): it follows
 * SYN, FIN and RST of both sides and trusts neither further.
 *
 *                 original SYN            reply SYN+ACK         original ACK
 *     (none) ---> SYN_SENT ------------> SYN_RECV ------------> ESTABLISHED
 *     (none) -- no SYN: picked up in mid-stream, as by nf_conntrack_tcp_loose=1 ---> SYN_SENT, and
 *     SYN_SENT -- reply without SYN ---> ESTABLISHED: without a reply the short timeout stays
 *     ESTABLISHED -- FIN from one side --> FIN_WAIT -- FIN from the other --> CLOSING
 *     SYN_SENT, SYN_RECV -- a FIN that answers nothing: recorded, and FIN_WAIT takes ESTABLISHED's place
 *     any -- RST --> RESET;    CLOSING, RESET -- original SYN --> SYN_SENT (a new connection)
 *
 * Other protocols, as netfilter's UDP:
 *     UNREPLIED -- reply --> REPLIED -- original packet, CT_ASSURED_S later --> ASSURED
 */
#ifndef EBPFNET_CORE_CT_STATE_H
#define EBPFNET_CORE_CT_STATE_H

#include <ebpfnet/abi.h>
#include <ebpfnet/core/addr.h>
#include <ebpfnet/core/uapi.h>

/* State of a new flow. */
static __always_inline enum conn_state ct_first_state(enum l4proto proto)
{
	return proto == L4_TCP ? CONN_SYN_SENT : CONN_UNREPLIED;
}

/* True if a packet may create a flow: not a RST, which ends one, nor a SYN+ACK, which answers one. */
static __always_inline _Bool ct_may_create(enum l4proto proto, __u8 tcp_flags)
{
	if (proto != L4_TCP)
		return 1;
	if (tcp_flags & TCP_RST)
		return 0;
	if (tcp_flags & TCP_SYN)
		return !(tcp_flags & (TCP_ACK | TCP_FIN));
	return (tcp_flags & TCP_ACK) != 0;
}

/* True during the TCP handshake. */
static __always_inline _Bool ct_opening(enum conn_state state)
{
	return state == CONN_SYN_SENT || state == CONN_SYN_RECV;
}

/* Next TCP state. *fin: sides that sent FIN so far, bit 1 << enum flow_dir; updated. */
static __always_inline enum conn_state ct_tcp_next(enum conn_state state, enum flow_dir dir,
						   __u8 tcp_flags, __u8 *fin)
{
	_Bool answers;

	if (tcp_flags & TCP_RST)
		return CONN_RESET;
	if (tcp_flags & TCP_SYN) {
		if (dir == FLOW_REPLY)
			return state == CONN_SYN_SENT ? CONN_SYN_RECV : state;
		if (state != CONN_SYN_SENT && state != CONN_CLOSING && state != CONN_RESET)
			return state;
		*fin = 0;
		return CONN_SYN_SENT;
	}
	if (state == CONN_RESET)
		return state;
	answers = state == (dir == FLOW_ORIGINAL ? CONN_SYN_RECV : CONN_SYN_SENT);
	if (tcp_flags & TCP_FIN) {
		*fin |= 1 << dir;
		if (*fin == 3)
			return CONN_CLOSING;
		/* unanswered, it stays half open, and may be evicted */
		return ct_opening(state) && !answers ? state : CONN_FIN_WAIT;
	}
	if (answers)
		return *fin ? CONN_FIN_WAIT : CONN_ESTABLISHED;
	return state;
}

/* One answer proves little: whoever forges a source address can have one sent. */
#define CT_ASSURED_S 2

/*
 * Next state of a flow of any protocol, at a time in seconds. *fin: for TCP as above; for others the low byte of
 * the time of the first reply (should it wrap, the flow is assured a few seconds later).
 */
static __always_inline enum conn_state ct_next(enum conn_state state, enum l4proto proto, enum flow_dir dir,
					       __u8 tcp_flags, __u32 now, __u8 *fin)
{
	if (proto == L4_TCP)
		return ct_tcp_next(state, dir, tcp_flags, fin);
	if (state == CONN_UNREPLIED && dir == FLOW_REPLY) {
		*fin = now;
		return CONN_REPLIED;
	}
	if (state == CONN_REPLIED && dir == FLOW_ORIGINAL && (__u8)(now - *fin) >= CT_ASSURED_S)
		return CONN_ASSURED;
	return state;
}

/* True if both sides have sent packets, and neither is closing. */
static __always_inline _Bool ct_settled(enum conn_state state)
{
	return state == CONN_REPLIED || state == CONN_ASSURED || state == CONN_ESTABLISHED;
}

/* True if packets of that direction without SYN, FIN or RST do not change the state. */
static __always_inline _Bool ct_steady(enum conn_state state, enum flow_dir dir)
{
	return ct_settled(state) || (state == CONN_UNREPLIED && dir == FLOW_ORIGINAL);
}

/* The timeout that applies in a state (RFC 4787 REQ-5, RFC 5382 REQ-5, RFC 5508 REQ-2, RFC 7857 section 2). */
static __always_inline enum timeout_class ct_timeout_class(enum conn_state state,
							   enum l4proto proto)
{
	switch (state) {
	case CONN_SYN_SENT:
	case CONN_SYN_RECV:
		return TIMEOUT_TCP_HALF_OPEN;
	case CONN_ESTABLISHED:
		return TIMEOUT_TCP_ESTABLISHED;
	case CONN_FIN_WAIT:
	case CONN_CLOSING:
		return TIMEOUT_TCP_CLOSING;
	case CONN_RESET:
		return TIMEOUT_TCP_RESET;
	default:
		break;
	}
	if (proto == L4_ICMP)
		return TIMEOUT_ICMP;
	if (proto != L4_UDP)
		return TIMEOUT_OTHER;
	return state == CONN_UNREPLIED ? TIMEOUT_UDP_UNREPLIED : TIMEOUT_UDP_REPLIED;
}

/*
 * A timeout while the table fills up: unchanged up to three quarters, then linearly shorter, CT_TIMEOUT_MIN_S
 * when full. For flows that are not established (RFC 5382 REQ-5 allows it under pressure).
 */
#define CT_TIMEOUT_MIN_S 5

static __always_inline __u32 ct_under_pressure(__u32 seconds, __u32 used, __u32 max)
{
	__u32 quarter = max / 4, room = used < max ? max - used : 0;

	if (room >= quarter || seconds <= CT_TIMEOUT_MIN_S)
		return seconds;
	return CT_TIMEOUT_MIN_S + (__u64)(seconds - CT_TIMEOUT_MIN_S) * room / quarter;
}

/*
 * Idle timeout in a state, in seconds; 0: expired. While the table fills up, only flows with packets in both
 * directions keep it in full. alloc() is called only if the number of flows matters, and may return NULL.
 */
typedef const struct conn_alloc *ct_alloc_fn(const void *arg);

static __always_inline __u32 ct_timeout(const struct config *cfg, enum conn_state state, enum l4proto proto,
					ct_alloc_fn *alloc, const void *arg)
{
	enum timeout_class class = ct_timeout_class(state, proto);
	const struct conn_alloc *a;
	__u32 limit;

	if (class >= TIMEOUT_CLASSES)
		return 0;
	limit = cfg->timeout_s[class];
	if (ct_settled(state))
		return limit;
	a = alloc(arg);
	return a ? ct_under_pressure(limit, a->live, cfg->max_flows) : limit;
}

/* Seconds since a flow's last packet. Another CPU's clock may be a tick ahead. */
static __always_inline __u32 ct_idle(__u32 seen, __u32 now)
{
	return (__s32)(now - seen) > 0 ? now - seen : 0;
}

/*
 * True if the timeout is over. Times are whole seconds, of which one may be too many, and timeouts are minimums
 * (RFC 4787 REQ-5, RFC 5382 REQ-5): it ends up to a second late and never early. timeout_s: below 2^31.
 */
static __always_inline _Bool ct_timeout_over(__u32 since, __u32 now, __u32 timeout_s)
{
	return (__s32)(now - since) > (__s32)timeout_s;
}

/* Readiness of a flow to yield when room is short (docs/dev/capacity.md): the greater goes first. */
enum ct_yield {
	YIELD_NEVER,		/* established or assured */
	YIELD_REPLIED,		/* answered once */
	YIELD_UNREPLIED,
	YIELD_CLOSING,
	YIELD_EXPIRED,
};

static __always_inline enum ct_yield ct_yield(enum conn_state state)
{
	switch (state) {
	case CONN_CLOSING:
	case CONN_RESET:
		return YIELD_CLOSING;
	case CONN_UNREPLIED:
	case CONN_SYN_SENT:
		return YIELD_UNREPLIED;
	case CONN_REPLIED:
	case CONN_SYN_RECV:
		return YIELD_REPLIED;
	default:
		return YIELD_NEVER;
	}
}

/*
 * The same as a number that grows with the time that the flow has been idle: among flows in the same state the
 * oldest goes first. 0: never. patience: how long a flow may wait for its next packet before it yields, in seconds.
 */
static __always_inline __u32 ct_yield_order(enum ct_yield yield, __u32 idle, __u32 patience)
{
	if (yield == YIELD_NEVER || (yield < YIELD_CLOSING && idle < patience))
		return 0;
	return yield << 24 | (idle < 0xffffff ? idle + 1 : 0xffffff);
}

#endif
