/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Published ports: from (address, protocol, port) to a rule, at one price for one port or all. */
#ifndef EBPFNET_BPF_PUBLISH_H
#define EBPFNET_BPF_PUBLISH_H

#include "ct_begin.h"
#include "route.h"

static __always_inline struct rule *rule_of(const struct publish_key *key, __u32 *id)
{
	__u32 *found = bpf_map_lookup_elem(&published, key);

	if (!found)
		return NULL;
	*id = *found;
	return bpf_map_lookup_elem(&rules, id);
}

/*
 * Whether a packet goes to an address that is the host's own now. When the kernel does not say,
 * what came to the host from outside, or from itself over lo, is taken to be for it.
 */
static __always_inline _Bool publish_is_to_host(ctx_t *ctx, const struct flow_key *to)
{
	enum route_kind kind = route_own(ctx, to->dst);

	return kind == ROUTE_HERE ||
	       (kind == ROUTE_DISABLED &&
		(to->net == EBPFNET_NET_OUTSIDE || to->net == EBPFNET_NET_HOST));
}

/* The rule that publishes where a packet goes: on that very address, or on every one of the host's. */
static __always_inline struct rule *publish_find(ctx_t *ctx, const struct flow_key *to, __u32 *id)
{
	struct publish_key key = { .addr = to->dst, .port_h = to->dport_h, .proto = to->proto };
	struct rule *r = rule_of(&key, id);

	if (!r) {
		key.addr = addr_of(0);
		r = rule_of(&key, id);
	}
	return r && publish_is_to_host(ctx, to) ? r : NULL;
}

/*
 * The rule for a packet that belongs to no flow, or NULL: not published, or of a connection of the
 * host's own that happens to have a published port as its local one. A socket without a peer does not
 * count: publishing has taken its place.
 */
static __noinline struct rule *publish_match(ctx_t *ctx, const struct pkt *p,
						  const struct config *cfg, __u32 *id)
{
	struct rule *rule;

	if (!cfg || !p || !id || !cfg->published || p->kind != PKT_PORTS ||
	    !port_is_published(p->key.proto, p->key.dport_h))
		return NULL;
	rule = publish_find(ctx, &p->key, id);
	return rule && socket_of_host(ctx, &p->key) != SOCKET_CONNECTED ? rule : NULL;
}

/*
 * The source to show to the namespace: the packet's own or, through a hairpin, what the outside would
 * see, the published address and the port of the sender's mapping if it has one.
 */
static __always_inline void publish_source(struct ct_new *n, const struct flow_key *key,
					   const struct network *from)
{
	struct flow *mapping = from && key->proto == L4_UDP ? ct_mapping(key) : NULL;

	n->t.src = from ? key->dst : key->src;
	n->t.sport_h = mapping ? mapping->sport_h : key->sport_h;
}

/*
 * What the flow of a packet to a published port is to be. from: the network it comes from, NULL: none
 * of ours. back: where the answers go.
 */
static __always_inline verdict_t publish_new(ctx_t *ctx, const struct pkt *p,
					     const struct rule *rule, __u32 id,
					     const struct network *from, enum flow_target back)
{
	struct endpoint *to;
	struct ct_new *n;

	if (!ct_may_create(p->key.proto, p->tcp_flags))
		return DROP(no_flow);
	to = endpoint_get(rule->net, rule->to);
	if (!to || to->id != rule->endpoint)
		return DROP(no_endpoint);
	n = ct_new_init(p);
	if (!n)
		return DROP(helper_failed);
	publish_source(n, &p->key, from);
	n->t.dst = rule->to;
	n->t.dport_h = rule->to_first_h + (p->key.dport_h - rule->first_h);
	n->to = TO_PORT;
	n->to_ifindex = to->ifindex;
	n->back_to = back;
	n->back_ifindex = ctx->ifindex;
	n->answer_net = rule->net;
	n->rule = id;
	n->endpoint = rule->endpoint;
	return FWD_NEXT;
}

#endif
