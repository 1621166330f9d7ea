/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Fragments (RFC 791; RFC 4787 REQ-14: in any order), before and after the stages. The first is translated like
 * any packet and its ports are recorded. Later ones are looked up with these, and only their IP header is
 * rewritten: the checksum over the datagram is in the first. They create no flow. Fragments that precede the
 * first are queued, and re-injected at their ingress after it.
 */
#ifndef EBPFNET_BPF_FRAG_FRAG_INPUT_H
#define EBPFNET_BPF_FRAG_FRAG_INPUT_H

#include "kern/scratch.h"
#include "kern/verdict.h"
#include "l3/route.h"
#include "frag/frag_queue.h"
#include "frag/frag_track.h"
#include "frag/reinject.h"

/* Queue first, then look up again (the first fragment may have arrived meanwhile). */
static __always_inline enum frag_result frag_enqueue(ctx_t *ctx, struct pkt *p)
{
	struct outside_peer *peer = outside_peer_get(outside_peer_bucket(p->key.src));
	_Bool stranger = p->key.zone == EBPFNET_ZONE_OUTSIDE && peer && !peer->flows;
	__u32 len = p->ip_len, ref = fragq_alloc(frag_bucket_of(p), stranger, len);
	enum frag_result r;

	if (!ref)
		return FRAG_QUEUE_FULL;
	if (ctx->gso_size || fragq_store(ctx, ref, len, stranger)) {
		fragq_free(ref);
		return FRAG_QUEUE_FULL;
	}
	r = frag_lookup(p, ref);
	if (r == FRAG_WAIT)
		count(COUNT_frag_queued);
	else
		fragq_drop(ref);
	return r;
}

/*
 * Before the stages. FWD_NEXT: go on; p->key has the datagram's tuple. outside: it arrived for the host, and
 * may be the host's. may_queue: it may wait for the first fragment.
 */
__noinline verdict_t frag_input(ctx_t *ctx, _Bool outside, _Bool may_queue)
{
	struct pkt *p = pkt_scratch_get();
	enum frag_result r;

	if (!p || ctx_load(ctx, LINK_HLEN + 4, &p->ip_id, sizeof(p->ip_id)))
		return DROP(helper_failed);
	if (!frag_is_sound(p->frag, p->ihl, p->ip_len - p->ihl, p->key.proto))
		return outside ? FWD_PASS : DROP(malformed);
	r = frag_lookup(p, 0);
	if (r == FRAG_WAIT)
		r = may_queue && (!outside || addr_is_local(ctx, p->key.dst)) ? frag_enqueue(ctx, p) :
										FRAG_QUEUE_FULL;
	switch (r) {
	case FRAG_PASS:
		return FWD_NEXT;
	case FRAG_WAIT:
		return FWD_STOLEN;
	case FRAG_HOST:
		return FWD_PASS;
	case FRAG_OVERLAP:
		return DROP(frag_overlap);
	case FRAG_DROP:
		return DROP(frag_no_first);
	default:
		return outside ? FWD_PASS : DROP(frag_queue_full);
	}
}

/*
 * Re-inject queued fragments behind the link-layer header that the current packet came with, as a fragment may have
 * come by a device with another one; and restore the current packet, which may be translated.
 */
static __always_inline int frag_release(ctx_t *ctx, const struct pkt *p, __u32 queued)
{
	struct fragq_release r = { .ctx = ctx, .ref = queued };
	struct reinject_buf *buf = reinject_buf_get();
	__u32 len = ctx->len;
	int failed = 1;

	if (!buf)
		return 0;
	if (!OUTSIDE(len, ETH_HLEN, REINJECT_FRAME_MAX) && !ctx_load(ctx, 0, buf->bytes, len) &&
	    !ctx_reset_l3(ctx, IP_MIN_HLEN + 8) && !reinject_macs(ctx, p->dmac)) {
		bpf_loop(FRAGQ_SLOTS, fragq_release_one, &r, 0);
		failed = reinject_macs(ctx, buf->bytes) ||
			 reinject_write(ctx, buf->bytes + LINK_HLEN, len - LINK_HLEN, REINJECT_FRAME_MAX - LINK_HLEN);
	}
	reinject_buf_put(buf);
	return failed;
}

/* After the stages: record the fragment and release those that waited for it. Returns v. */
__noinline verdict_t frag_done(ctx_t *ctx, verdict_t v)
{
	enum frag_state state = FRAG_ENTRY_KNOWN;
	struct pkt *p = pkt_scratch_get();
	__u32 queued;

	if (!p)
		return DROP(helper_failed);
	if (v == FWD_STOLEN || (v < 0 && !frag_is_first(p->frag)))
		return v;
	if (v < 0 || v == FWD_TX)
		state = FRAG_ENTRY_REFUSED;
	else if (v == FWD_PASS)
		state = FRAG_ENTRY_HOST;
	queued = frag_update(p, state);
	if (!queued)
		return v;
	if (state == FRAG_ENTRY_REFUSED)
		bpf_loop(FRAGQ_SLOTS, fragq_drop_one, &queued, 0);
	else if (frag_release(ctx, p, queued))
		return DROP(helper_failed);
	return v;
}

#endif
