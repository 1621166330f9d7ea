/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The host's own packets, at an uplink's egress.
 *
 * The host and the namespaces share an address. A namespace gets a source port only if no socket of the host is
 * seen there, but the host may bind it later. Then the host's flow is translated to another port, and replies
 * are translated back at the uplink's ingress and passed up.
 */
#ifndef EBPFNET_BPF_NAT_FROM_HOST_H
#define EBPFNET_BPF_NAT_FROM_HOST_H

#include "ct/ct_create.h"
#include "ct/ct_update.h"
#include "l3/rewrite.h"

/* The namespace's flow that would receive the replies to a packet of the host; NULL: none. */
static __always_inline struct flow *host_reply_collides(const struct flow_key *key, const struct config *cfg)
{
	struct flow_key reply = {
		.src = key->dst,
		.dst = key->src,
		.sport_h = key->dport_h,
		.dport_h = key->sport_h,
		.zone = EBPFNET_ZONE_OUTSIDE,
		.proto = key->proto,
	};
	struct flow *f = ct_lookup_live(&reply, cfg);

	return f && f->to == TO_PORT ? f : NULL;
}

/* Create a flow of the host. FWD_NEXT: it is in map flows, under p->key. */
static __always_inline verdict_t nat_host_create(ctx_t *ctx, const struct pkt *p)
{
	struct ct_new *n = ct_new_init(p);

	if (!n)
		return DROP(helper_failed);
	if (!ct_may_create(p->key.proto, p->tcp_flags))
		return FWD_PASS;
	n->t = (struct nat_tuple){
		.src = p->key.src,
		.dst = p->key.dst,
		.sport_h = p->key.sport_h,
		.dport_h = p->key.dport_h,
	};
	n->to = TO_UPLINK;
	n->back_to = TO_STACK;
	n->answer_zone = EBPFNET_ZONE_OUTSIDE;
	n->mapped = p->kind == PKT_OTHER;
	return ct_create(ctx);
}

/*
 * Protocols without ports allow one flow for each outside address, and the host has precedence. Its packets
 * create flows, so that no namespace gets one in between.
 */
static __always_inline verdict_t nat_host_by_address(ctx_t *ctx, struct pkt *p, const struct config *cfg)
{
	struct flow *f;

	p->key.zone = EBPFNET_ZONE_HOST;
	if (addr_martian_dest(p->key.dst) || ct_find(p, cfg))
		return FWD_PASS;
	f = host_reply_collides(&p->key, cfg);
	if (f)
		ct_delete(f);
	nat_host_create(ctx, p);
	return FWD_PASS;
}

/* Translate a packet of the host if its replies would go to a namespace. FWD_PASS: let it leave. */
static __always_inline verdict_t nat_from_host(ctx_t *ctx, struct pkt *p, struct fwd_out *fwd)
{
	struct config *cfg = config_get();
	struct nat_tuple to;
	struct flow *f;
	verdict_t v;

	fwd->counter = COUNT_not_ours;
	if (!cfg)
		return DROP(helper_failed);
	if (p->kind == PKT_OTHER && l4_by_address(p->key.proto))
		return nat_host_by_address(ctx, p, cfg);
	if (p->kind != PKT_PORTS && !(p->kind == PKT_QUERY && icmp_is_request(p->icmp_type)))
		return FWD_PASS;
	p->key.zone = EBPFNET_ZONE_HOST;
	f = ct_find(p, cfg);
	if (!f) {
		f = host_reply_collides(&p->key, cfg);
		if (!f)
			return FWD_PASS;
		v = nat_host_create(ctx, p);
		if (v < 0) { /* no room: the host's packet leaves, and the namespace's flow ends */
			ct_delete(f);
			return FWD_PASS;
		}
		if (v != FWD_NEXT)
			return v;
		f = bpf_map_lookup_elem(&flows, &p->key);
		if (!f)
			return DROP(helper_failed);
	}
	fwd->counter = COUNT_host_snat;
	to = nat_translate(f, &p->key);
	v = rewrite_tuple(ctx, p, &to, p->ttl);
	return v == FWD_NEXT ? FWD_PASS : v;
}

#endif
