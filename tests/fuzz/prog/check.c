// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Properties of every packet: verdict, count, length, bytes. And of what is
 * translated: who may see which address, TTL, checksums, nothing else touched.
 */
#include <string.h>

#include "fuzz.h"

#define UPLINK_MTU 1500
#define NARROW_MTU 1000 /* to BEHIND_MTU_1000 */

static bool same(const struct frame *a, const struct frame *b)
{
	return a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

/* Answered with an ICMP error. */
#define FIRST_REFUSAL COUNT_refused_ttl_exceeded
#define LAST_REFUSAL COUNT_refused_bad_protocol

/* Where a packet that is counted as that may have gone. */
static const char *check_way(const struct shot *s, const struct outcome_of *o)
{
	bool egress = s->hook == HOOK_GATEWAY;

	switch ((int)o->counted) {
	case COUNT_switched:
		MUST(o->went == (egress ? WENT_OUT : WENT_PORT));
		break;
	case COUNT_arp_suppressed:
	case COUNT_flooded: /* an egress may find nobody to flood to */
		MUST(egress ? o->went == WENT_OUT || o->went == WENT_NOWHERE : o->went == WENT_HOST);
		break;
	case COUNT_arp_answered:
	case FIRST_REFUSAL ... LAST_REFUSAL:
		MUST(o->went == (egress ? WENT_HOST : WENT_OUT));
		break;
	case COUNT_to_host:
		MUST(o->went == WENT_HOST && s->hook == HOOK_PORT);
		break;
	case COUNT_hairpinned:
		MUST(o->went == WENT_ROUND && s->hook == HOOK_PORT);
		break;
	case COUNT_masqueraded:
		MUST(o->went == WENT_UPLINK && s->hook == HOOK_PORT);
		break;
	case COUNT_unmasqueraded:
	case COUNT_published_in:
		MUST(o->went == WENT_PORT);
		break;
	case COUNT_published_out:
		MUST((o->went == WENT_UPLINK || o->went == WENT_HOST) && s->hook == HOOK_PORT);
		break;
	case COUNT_host_snat:
		MUST(o->went == WENT_ON && (s->hook == HOOK_UPLINK || s->hook == HOOK_UPLINK_OUT));
		break;
	case COUNT_not_ours:
		MUST(o->went == WENT_ON && s->hook != HOOK_PORT && s->hook != HOOK_GATEWAY);
		MUST(!s->ours); /* a namespace's, turned round, is not the host's affair */
		break;
	default:
		break;
	}
	return NULL;
}

static bool is_drop(enum counter c)
{
	return c >= COUNT_unknown_ifindex && c < FIRST_REFUSAL;
}

static bool is_refusal(enum counter c)
{
	return c >= FIRST_REFUSAL && c <= LAST_REFUSAL;
}

/* A fragment may be kept, and a large packet cut up: each is counted when it comes in once more. */
static bool may_be_for_later(const struct view *in)
{
	return in->ip && (in->frag & 0x3fff || (!(in->frag & 0x4000) && in->end - ETH_LEN > NARROW_MTU));
}

/* Every packet is counted once, but for what we sent ourselves, on its way out. */
static const char *check_count(const struct shot *s, const struct view *in,
			       const struct outcome_of *o)
{
	if (s->hook == HOOK_UPLINK_OUT && s->ours) {
		MUST(o->counts == 0 && o->went == WENT_ON);
		return NULL;
	}
	if (o->counts == 0 && o->went == WENT_NOWHERE && may_be_for_later(in))
		return NULL;
	MUST(o->counts == 1);
	MUST(o->went != WENT_ASTRAY);
	MUST(o->counted != COUNT_helper_failed);
	if (is_drop(o->counted))
		MUST(o->went == WENT_NOWHERE);
	return check_way(s, o);
}

/* Nothing private leaves: neither what the programs send out, nor what they let pass out. */
static const char *check_nothing_private_leaves(const struct shot *s, const struct view *in,
						const struct view *out, const struct outcome_of *o)
{
	if (o->went == WENT_UPLINK || o->went == WENT_ROUND) {
		MUST(out->ip);
		MUST(is_hosts(out->src) || world.forwarding_off);
		MUST(!is_private(out->src) && !is_private(out->dst));
	}
	if (s->hook == HOOK_UPLINK_OUT && !s->ours && in->eth == 0x0800 &&
	    in->len >= ETH_LEN + IP_LEN && is_private(in->b + 26))
		MUST(o->went == WENT_NOWHERE);
	return NULL;
}

static const char *check_length(const struct shot *s, const struct view *in,
				const struct view *out, const struct outcome_of *o)
{
	uint32_t wire = out->len - ETH_LEN;

	if (is_refusal(o->counted))
		return NULL;
	MUST(out->len <= in->len);
	if (o->went != WENT_UPLINK || world.forwarding_off)
		return NULL;
	if (s->gso_size)
		wire = out->l4 - ETH_LEN + (out->proto == TCP ? (out->b[out->l4 + 12] >> 4) * 4 : 8) +
		       s->gso_size;
	MUST(wire <= UPLINK_MTU);
	/* 203.0.113.128/28 is behind a narrow place; where an error goes may be another than it was sent to */
	if (out->kind != ERROR && !memcmp(out->dst, "\xcb\x00\x71", 3) && out->dst[3] >> 4 == 8)
		MUST(wire <= NARROW_MTU);
	return NULL;
}

/* RFC 1812: what no router passes on. */
static const char *check_may_be_routed(const struct view *in)
{
	MUST(in->ip && in->ttl > 1);
	MUST(in->src[0] != 0 && in->src[0] != 127 && !is_group(in->src));
	MUST(in->dst[0] != 0 && in->dst[0] != 127 && !is_group(in->dst));
	return NULL;
}

/* Only our answers, ICMP errors among them, are not the packet that came. */
static const char *check_bytes(const struct shot *s, const struct view *in, const struct view *out,
			       const struct outcome_of *o)
{
	switch ((int)o->counted) {
	case COUNT_masqueraded:
	case COUNT_unmasqueraded:
	case COUNT_published_in:
	case COUNT_published_out:
		return check_translated(s, in, out, o);
	case COUNT_hairpinned:
	case COUNT_host_snat: /* or an error about a packet that was */
		return in->kind == ERROR ? check_error_translated(s, in, out, o) :
					   check_translated(s, in, out, o);
	case COUNT_routed:
		MUST(!memcmp(in->src, out->src, 4) && !memcmp(in->dst, out->dst, 4));
		MUST(in->sport == out->sport && in->dport == out->dport);
		return check_translated(s, in, out, o);
	case COUNT_icmp_translated:
		return check_error_translated(s, in, out, o);
	case FIRST_REFUSAL ... LAST_REFUSAL:
		return check_error_sent(s, in, out);
	case COUNT_arp_answered:
		return NULL; /* in check_switched() */
	case COUNT_switched:
	case COUNT_flooded:
	case COUNT_arp_suppressed:
	case COUNT_to_host:
	case COUNT_not_ours:
		MUST(same(&s->in, &o->out));
		return NULL;
	default:
		return NULL;
	}
}

static bool is_routed(const struct shot *s, const struct outcome_of *o)
{
	if (o->counted == COUNT_switched || (s->hook != HOOK_PORT && s->hook != HOOK_UPLINK))
		return false;
	return o->went == WENT_UPLINK || o->went == WENT_PORT;
}

/* The uplink's program drops what the XDP prefilter drops, too, and for the same reason. */
static const char *check_early(const struct outcome_of *o)
{
	if (o->early == COUNTERS)
		return NULL;
	MUST(o->went == WENT_NOWHERE && o->counts == 1);
	MUST(o->counted == o->early);
	return NULL;
}

const char *check_packet(const struct shot *s, const struct outcome_of *o)
{
	struct view in = view_of(s->in.bytes, s->in.len), out = view_of(o->out.bytes, o->out.len);
	const char *broken = check_count(s, &in, o);

	if (!broken)
		broken = check_early(o);
	if (!broken)
		broken = check_nothing_private_leaves(s, &in, &out, o);
	if (!broken && o->went != WENT_NOWHERE)
		broken = check_length(s, &in, &out, o);
	if (!broken && is_routed(s, o))
		broken = check_may_be_routed(&in);
	if (!broken && (s->hook == HOOK_PORT || s->hook == HOOK_GATEWAY))
		broken = check_switched(s, o);
	if (!broken && o->counts == 1)
		broken = check_bytes(s, &in, &out, o);
	if (!broken)
		broken = check_owner(s, &in, &out, o);
	return broken;
}
