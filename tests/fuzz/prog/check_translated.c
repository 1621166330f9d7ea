// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A packet that was translated: which of its bytes are others, and whether they are the right ones. */
#include <string.h>

#include "fuzz.h"

struct may_differ {
	bool at[FRAME_MAX];
};

static void allow(struct may_differ *d, uint32_t at, uint32_t len)
{
	memset(d->at + at, true, len);
}

static const char *check_untouched(const struct view *in, const struct view *out,
				   const struct may_differ *d)
{
	uint32_t i;

	MUST(out->len == in->len || out->len == in->end); /* without what Ethernet padded */
	for (i = 0; i < out->len; i++)
		MUST(d->at[i] || in->b[i] == out->b[i]);
	return NULL;
}

/* A router counts; who hands a packet up into its own host, or out of it, does not. */
static const char *check_ttl(const struct shot *s, const struct view *in, const struct view *out,
			     const struct outcome_of *o)
{
	bool routed = (s->hook == HOOK_PORT || s->hook == HOOK_UPLINK) &&
		      (o->went == WENT_UPLINK || o->went == WENT_PORT);

	MUST(out->ttl == in->ttl - routed); /* what went round is routed when it comes in again */
	return NULL;
}

/*
 * Into a namespace: the Ethernet header is its own and its gateway's. A namespace with spoof=allow may have
 * sent from any address of either kind, and then has the answer to that.
 */
static const char *check_delivery(const struct view *out)
{
	const struct endpoint_of *st = endpoint_at(out->dst);
	uint8_t mac[6], gw[6];

	if (world.spoof)
		return NULL;
	MUST(st);
	mac_parse(st->gw_mac, gw);
	mac_parse(st->mac, mac);
	MUST(!memcmp(out->b + 6, gw, 6));
	MUST(!memcmp(out->b, mac, 6));
	return NULL;
}

static const char *check_checks(const struct view *in, const struct view *out)
{
	uint32_t at = check_at(in);

	MUST(ip_wrong_by(out) == ip_wrong_by(in));
	if (!at)
		return NULL;
	if (in->proto == UDP) /* RFC 768: none stays none, and none comes to be none */
		MUST(!get16(in->b + at) == !get16(out->b + at));
	if (in->proto != UDP || get16(in->b + at))
		MUST(l4_wrong_by(out) == l4_wrong_by(in));
	return NULL;
}

static bool same_addr(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, 4);
}

/* The rule by which `at:port` is published and leads to `to:to_port`, and to an endpoint that is there. */
static bool is_published(uint8_t proto, const uint8_t *at, uint16_t port, const uint8_t *to,
			 uint16_t to_port)
{
	int i;

	for (i = 0; i < world.rules_count; i++) {
		const struct portmap *r = &world.portmaps[i];
		const struct endpoint_of *st = endpoint_at(r->to.octet);

		if (r->proto == proto && (!memcmp(&r->addr, "\0\0\0\0", 4) || same_addr(r->addr.octet, at)) &&
		    port >= r->first_h && port <= r->last_h && same_addr(r->to.octet, to) &&
		    to_port == r->to_first_h + (port - r->first_h) && st &&
		    world.endpoint[st->dev] == r->endpoint)
			return true;
	}
	return false;
}

static const char *check_masqueraded(const struct view *in, const struct view *out)
{
	uint16_t port = out->sport;

	MUST(same_addr(in->dst, out->dst));
	MUST(in->kind == QUERY || in->dport == out->dport);
	MUST(is_hosts(out->src) && is_private(in->src));
	if (in->kind == PORTS) { /* RFC 4787 REQ-3; outside of the range are the host's services */
		MUST((port < 1024) == (in->sport < 1024));
		MUST(port < 1024 || (port >= world.cfg.port_min_h && port <= world.cfg.port_max_h));
	}
	if (in->kind == PORTS)
		MUST(!is_published(in->proto, out->src, port, in->src, in->sport) || port == out->sport);
	return NULL;
}

static bool is_into_port(enum counter counted)
{
	return counted == COUNT_published_in || counted == COUNT_unmasqueraded;
}

static const char *check_tuple(const struct shot *s, const struct view *in, const struct view *out,
			       enum counter counted)
{
	if (in->frag & 0x1fff) { /* its ports are in another fragment; a hairpin changes both ends */
		MUST(same_addr(in->src, out->src) || same_addr(in->dst, out->dst) ||
		     (s->hook == HOOK_PORT && is_into_port(counted)));
		return NULL;
	}
	switch ((int)counted) {
	case COUNT_masqueraded:
	case COUNT_hairpinned:
		return check_masqueraded(in, out);
	case COUNT_unmasqueraded:
		MUST(is_private(out->dst) || world.spoof);
		if (s->hook == HOOK_UPLINK)
			MUST(same_addr(in->src, out->src) &&
			     (in->kind == QUERY || in->sport == out->sport));
		break;
	case COUNT_published_in:
		MUST(in->kind == PORTS);
		MUST(is_published(in->proto, in->dst, in->dport, out->dst, out->dport));
		if (s->hook == HOOK_UPLINK)
			MUST(same_addr(in->src, out->src));
		if (s->hook == HOOK_LO) /* the host's address in the network instead of a loopback address */
			MUST(same_addr(in->src, out->src) || (in->src[0] == 127 && is_private(out->src)));
		else
			MUST(in->src[0] != 127 && in->dst[0] != 127);
		MUST(out->src[0] != 127);
		/* nobody outside has our addresses; with forwarding off the kernel does not say which are the host's */
		if (s->hook == HOOK_UPLINK && !s->ours)
			MUST(!is_private(in->src) && (world.forwarding_off || !is_hosts(in->src)));
		break;
	case COUNT_published_out:
		MUST(in->kind == PORTS);
		MUST(same_addr(in->dst, out->dst) || (out->dst[0] == 127 && is_private(in->dst)));
		MUST(is_published(in->proto, out->src, out->sport, in->src, in->sport));
		break;
	case COUNT_host_snat:
		MUST(same_addr(in->src, out->src) && same_addr(in->dst, out->dst));
		if (s->hook == HOOK_UPLINK_OUT)
			MUST(in->kind == QUERY || in->dport == out->dport);
		else
			MUST(in->kind == QUERY || in->sport == out->sport);
		break;
	default:
		break;
	}
	return NULL;
}

static void allow_l4(struct may_differ *d, const struct view *in)
{
	if (in->kind == PORTS)
		allow(d, in->l4, 4);
	else if (in->kind == QUERY)
		allow(d, in->l4 + 4, 2);
	if (in->kind != NO_L4 && check_at(in))
		allow(d, check_at(in), 2);
}

const char *check_translated(const struct shot *s, const struct view *in, const struct view *out,
			     const struct outcome_of *o)
{
	static struct may_differ d;
	const char *broken;

	MUST(in->ip && out->ip);
	MUST(in->kind != ERROR);
	memset(&d, 0, sizeof(d));
	allow(&d, 22, 1);
	allow(&d, 24, 10);
	allow_l4(&d, in);
	if (o->went == WENT_PORT)
		allow(&d, 0, 12);
	broken = check_untouched(in, out, &d);
	if (!broken)
		broken = check_ttl(s, in, out, o);
	if (!broken)
		broken = check_checks(in, out);
	if (!broken && o->went == WENT_PORT)
		broken = check_delivery(out);
	if (!broken)
		broken = check_tuple(s, in, out, o->counted);
	/* RFC 1812 5.2.2: what is routed has a right header, and no source route */
	if (!broken && o->went != WENT_ON)
		MUST(ip_wrong_by(in) == 0);
	if (!broken && (o->went == WENT_UPLINK || (o->went == WENT_PORT && s->hook != HOOK_LO)))
		MUST(!has_source_route_option(in));
	return broken;
}

/* ---- ICMP errors ---- */

/* The quote: its checksums, and who is named in it. */
static const char *check_quote(const struct view *in, const struct view *out,
			       const struct outcome_of *o, struct may_differ *d)
{
	struct view was = view_embedded(in), is = view_embedded(out);
	uint32_t ip = in->l4 + 8, at;

	MUST(was.ip && is.ip && was.ihl == is.ihl && was.proto == is.proto);
	MUST(!(was.frag & 0x1fff) && was.end - was.l4 >= 8);
	MUST(was.kind == PORTS || was.kind == QUERY ||
	     (was.proto != TCP && was.proto != UDP && was.proto != ICMP));
	allow(d, ip + 10, 10);
	if (was.kind != NO_L4)
		allow(d, ip + was.ihl + (was.kind == QUERY ? 4 : 0), was.kind == QUERY ? 2 : 4);
	at = was.kind == NO_L4 ? 0 : check_at(&was);
	if (at)
		allow(d, ip + at - ETH_LEN, 2);
	MUST(ip_wrong_by(&was) == 0 && ip_wrong_by(&is) == 0);
	/* what the sum over the part that is quoted was wrong by, it still is */
	if (at && (was.proto != UDP || get16(was.b + at)))
		MUST(l4_wrong_by(&was) == l4_wrong_by(&is));
	if (at && was.proto == UDP && !get16(was.b + at))
		MUST(!get16(is.b + at));
	if (o->went == WENT_UPLINK)
		MUST(!is_private(is.dst));
	if (o->went != WENT_ON)
		MUST(same_addr(is.src, out->dst)); /* it goes to who sent what is quoted */
	return NULL;
}

const char *check_error_translated(const struct shot *s, const struct view *in,
				   const struct view *out, const struct outcome_of *o)
{
	static struct may_differ d;
	const char *broken;

	MUST(in->ip && out->ip && in->kind == ERROR && out->kind == ERROR);
	memset(&d, 0, sizeof(d));
	broken = check_quote(in, out, o, &d);
	if (broken)
		return broken;
	allow(&d, 22, 1);
	allow(&d, 24, 10);
	allow(&d, in->l4 + 2, 2);
	if (o->went == WENT_PORT)
		allow(&d, 0, 12);
	broken = check_untouched(in, out, &d);
	if (!broken)
		broken = check_ttl(s, in, out, o);
	if (!broken && o->went == WENT_PORT)
		broken = check_delivery(out);
	MUST(broken || ip_wrong_by(in) == ip_wrong_by(out));
	MUST(broken || (l4_wrong_by(in) == 0 && l4_wrong_by(out) == 0)); /* RFC 5508 REQ-3 */
	return broken;
}

/* An error of our own, RFC 1812 4.3.2: to whom, about what, and from where. */
const char *check_error_sent(const struct shot *s, const struct view *in, const struct view *out)
{
	uint32_t quote = in->ihl + 8;

	MUST(in->ip && in->kind != ERROR && !(in->frag & 0x1fff));
	MUST(!(in->b[0] & 1) && !is_group(in->dst) && in->src[0] != 0 && in->src[0] != 127);
	MUST(out->ip && out->ihl == 20 && out->kind == ERROR && out->ttl == 64);
	MUST(out->len == out->end && out->len == ETH_LEN + 28 + quote);
	MUST(!memcmp(out->b, in->b + 6, 6) && !memcmp(out->b + 6, in->b, 6));
	MUST(same_addr(out->dst, in->src));
	MUST(ip_wrong_by(out) == 0 && l4_wrong_by(out) == 0);
	MUST(!memcmp(out->b + out->l4 + 8, in->b + ETH_LEN, quote)); /* as that side knows it */
	/* to the host about a packet into a namespace: in the name of its destination, as a bridge has no address */
	MUST(s->hook == HOOK_PORT || !is_private(out->src) ||
	     (s->hook == HOOK_GATEWAY && same_addr(out->src, in->dst)));
	return NULL;
}
