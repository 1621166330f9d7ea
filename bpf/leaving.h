/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Packets that leave by an uplink and were not sent there by us: the host's own.
 *
 * The host and the namespaces share one address. A source port is handed out to a namespace only if
 * the host is not seen to use it, but the host may begin to use it later: then the host is treated
 * as one more endpoint, and its flow gets another port on the way. What answers it is put right at
 * the uplink's ingress and passed up.
 */
#ifndef EBPFNET_BPF_LEAVING_H
#define EBPFNET_BPF_LEAVING_H

#include "ct.h"
#include "translate.h"

/* Whether the answers to a packet of the host's would be taken for those of a flow that is not its. */
static __always_inline _Bool leaving_collides(const struct flow_key *key, const struct config *cfg)
{
	struct flow_key answer = {
		.src = key->dst,
		.dst = key->src,
		.sport_h = key->dport_h,
		.dport_h = key->sport_h,
		.net = EBPFNET_NET_OUTSIDE,
		.proto = key->proto,
	};
	struct flow *f = ct_peek(&answer, cfg);

	return f && f->to == TO_PORT;
}

/* NEXT: the flow is there, under p->key. */
static __always_inline verdict_t leaving_begin(ctx_t *ctx, const struct pkt *p)
{
	struct ct_new *n = ct_prepare(p);

	if (!n)
		return DROP(helper_failed);
	if (!ct_may_begin(p->key.proto, p->tcp_flags))
		return PASS;
	n->t = (struct nat_tuple){
		.src = p->key.src,
		.dst = p->key.dst,
		.sport_h = p->key.sport_h,
		.dport_h = p->key.dport_h,
	};
	n->to = TO_UPLINK;
	n->back_to = TO_STACK;
	n->answer_net = EBPFNET_NET_OUTSIDE;
	return ct_begin(ctx);
}

/* A packet of the host's that has ports, or an identifier, of its own. */
static __always_inline verdict_t leaving(ctx_t *ctx, struct pkt *p, struct way *way)
{
	struct config *cfg = config_get();
	struct nat_tuple to;
	struct flow *f;
	verdict_t v;

	way->count = COUNT_not_ours;
	if (!cfg)
		return DROP(helper_failed);
	if (p->kind != PKT_PORTS && !(p->kind == PKT_QUERY && icmp_is_request(p->icmp_type)))
		return PASS;
	p->key.net = EBPFNET_NET_HOST;
	f = ct_find(p, cfg);
	if (!f) {
		if (!leaving_collides(&p->key, cfg))
			return PASS;
		v = leaving_begin(ctx, p);
		if (v != NEXT)
			return v;
		f = bpf_map_lookup_elem(&flows, &p->key);
		if (!f)
			return DROP(helper_failed);
	}
	way->count = COUNT_host_moved;
	to = nat_translate(f, &p->key);
	v = rewrite_tuple(ctx, p, &to, p->ttl);
	return v == NEXT ? PASS : v;
}

#endif
