/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Datagrams in pieces (RFC 791 fragments; RFC 4787 REQ-14: in whatever order they come). A first piece
 * is translated as any packet, and its ports are remembered; the others are looked up with these, and
 * only their IP header is translated: the checksum over the whole datagram is in the first. They never
 * make a flow. What comes before the first piece is held until that has gone its way, then it comes in
 * again by the device that it came from.
 */
#ifndef EBPFNET_BPF_FRAGMENT_H
#define EBPFNET_BPF_FRAGMENT_H

#include "datagram.h"
#include "hand.h"
#include "route.h"
#include "verdict.h"

/*
 * Held first, then asked about again: it may be that the first piece has come in between, and that
 * nobody comes after it who would find this one.
 */
static __always_inline enum meeting fragment_hold(ctx_t *ctx, struct pkt *p)
{
	__u32 ref = hold_take(datagram_bucket_of(p));
	enum meeting r;

	if (!ref)
		return MEET_NO_ROOM;
	if (ctx->gso_size || hold_fill(ctx, ref, ETH_HLEN + p->ip_len)) {
		hold_empty(ref);
		return MEET_NO_ROOM;
	}
	r = datagram_meet(p, ref);
	if (r == MEET_AWAIT)
		count(COUNT_fragment_held);
	else
		hold_drop(ref);
	return r;
}

/*
 * Before a piece goes its way. NEXT: it may, if not the first then with the tuple of the first. outside:
 * it came to the host, perhaps for the host.
 */
__noinline verdict_t fragment_enter(ctx_t *ctx, _Bool outside, _Bool hold)
{
	struct pkt *p = pkt_get();
	enum meeting r;

	if (!p || ctx_load(ctx, ETH_HLEN + 4, &p->ip_id, sizeof(p->ip_id)))
		return DROP(helper_failed);
	if (!piece_is_sound(p->frag, p->ihl, p->ip_len - p->ihl, p->key.proto))
		return outside ? PASS : DROP(malformed);
	r = datagram_meet(p, 0);
	if (r == MEET_AWAIT)
		r = hold && (!outside || route_is_here(ctx, p->key.dst)) ? fragment_hold(ctx, p) :
									   MEET_NO_ROOM;
	switch (r) {
	case MEET_GO_ON:
		return NEXT;
	case MEET_AWAIT:
		return AGAIN;
	case MEET_HOSTS:
		return PASS;
	case MEET_OVERLAP:
		return DROP(fragment_overlap);
	case MEET_REFUSED:
		return DROP(fragment);
	default:
		return outside ? PASS : DROP(fragment_no_room);
	}
}

/* Sends in again what was held, and puts the packet in hand back as it is. */
static __always_inline int fragment_release(ctx_t *ctx, __u32 held)
{
	struct hold_release r = { .ctx = ctx, .ref = held };
	struct again_desk *desk = again_begin();
	__u32 len = ctx->len;
	int failed = 1;

	if (!desk)
		return 0;
	if (!OUTSIDE(len, ETH_HLEN, AGAIN_FRAME) && !ctx_load(ctx, 0, desk->bytes, len) &&
	    !ctx_make_room(ctx, IP_MIN_HLEN + 8)) {
		bpf_loop(HOLDS, hold_release_one, &r, 0);
		failed = again_write(ctx, desk->bytes, len, AGAIN_FRAME);
	}
	again_end(desk);
	return failed;
}

/* After it: what the others of its datagram may do. Gives the verdict back. */
__noinline verdict_t fragment_leave(ctx_t *ctx, verdict_t v)
{
	enum datagram_state state = DATAGRAM_KNOWN;
	struct pkt *p = pkt_get();
	__u32 held;

	if (!p)
		return DROP(helper_failed);
	if (v == AGAIN || (v < 0 && !piece_is_first(p->frag)))
		return v;
	if (v < 0 || v == BACK)
		state = DATAGRAM_REFUSED;
	else if (v == PASS)
		state = DATAGRAM_HOSTS;
	held = datagram_settle(p, state);
	if (!held)
		return v;
	if (state == DATAGRAM_REFUSED)
		bpf_loop(HOLDS, hold_forget_one, &held, 0);
	else if (fragment_release(ctx, held))
		return DROP(helper_failed);
	return v;
}

#endif
