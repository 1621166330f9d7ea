/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The first packet of a namespace's flow once more, at the egress of its uplink. From there a look-up sees sockets of
 * the host that are bound to that device (SO_BINDTODEVICE), which one at a port's hook does not: if such a socket has
 * the external port, the flow gets another one.
 */
#ifndef EBPFNET_BPF_NAT_RECHECK_H
#define EBPFNET_BPF_NAT_RECHECK_H

#include "ct/ct_create.h"
#include "ct/ct_update.h"
#include "l3/rewrite.h"
#include "nat/from_host.h"
#include "nat/masquerade.h"

/* Specify the flow anew. in: its reply direction. False: its port is that of a mapping, which cannot move. */
static __always_inline _Bool recheck_specify(ctx_t *ctx, const struct pkt *p, const struct flow *in,
					     const struct conn *c)
{
	struct ct_new *n;

	if (usage_is_further_peer(c))
		return 0;
	n = ct_new_init(p);
	if (!n)
		return 0;
	n->key = c->orig;
	n->key.scope = KEY_APDF;
	n->scope = c->orig.scope;
	n->t = (struct nat_tuple){
		.src = p->key.src,
		.dst = p->key.dst,
		.sport_h = c->orig.sport_h,
		.dport_h = p->key.dport_h,
	};
	masquerade_way(n, ctx->ifindex, in->ifindex, c->endpoint);
	return 1;
}

/* p: as it leaves. FWD_NEXT: it may. */
static __always_inline verdict_t nat_recheck(ctx_t *ctx, struct pkt *p, const struct config *cfg)
{
	struct flow_key reply = host_reply_key(&p->key), key;
	struct nat_tuple to;
	struct flow *f;
	struct conn *c;
	verdict_t v;

	if (p->kind != PKT_PORTS || socket_of_host(ctx, &reply) == SOCKET_NONE)
		return FWD_NEXT;
	f = ct_lookup_live(&reply, cfg);
	if (!f || f->to != TO_PORT || f->dir != FLOW_REPLY)
		return FWD_NEXT;
	c = conn_get(f->conn);
	if (!c || !recheck_specify(ctx, p, f, c))
		return FWD_NEXT;
	key = c->orig;
	key.scope = KEY_APDF;
	ct_delete(f);
	v = ct_create(ctx);
	if (v != FWD_NEXT)
		return v;
	f = ct_lookup(&key);
	if (!f)
		return DROP(helper_failed);
	to = nat_translate(f, &key);
	return rewrite_tuple(ctx, p, &to, p->ttl);
}

#endif
