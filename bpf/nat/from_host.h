/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Decide about the host's own packets, and those that it forwards, at an uplink's egress.
 *
 * The host, what its NAT translates (iptables, nft) and the namespaces share an address. A namespace gets a source
 * port only if the host is not seen there, but the host may use it later. Then the host's flow is translated to
 * another port, and replies are translated back at the uplink's ingress and passed up. A packet that is forwarded with
 * a source of its own collides with nothing.
 */
#ifndef EBPFNET_BPF_NAT_FROM_HOST_H
#define EBPFNET_BPF_NAT_FROM_HOST_H

#include "ct/ct_create.h"
#include "ct/ct_host.h"
#include "ct/ct_update.h"
#include "l3/rewrite.h"
#include "nat/decision.h"
#include "nat/portmap.h"

/* The account that pays for flows of forwarded packets, so that no container can fill the table. */
static __always_inline __u16 host_zone(const ctx_t *ctx)
{
	return ctx_forwarded(ctx) ? EBPFNET_ZONE_FORWARDED : EBPFNET_ZONE_HOST;
}

/* Key of the replies to a packet of the host. */
static __always_inline struct flow_key host_reply_key(const struct flow_key *key)
{
	return nat_key_reversed(key, EBPFNET_ZONE_OUTSIDE);
}

/* The namespace's flow that would receive the replies; NULL: none. */
static __always_inline struct flow *host_reply_collides(ctx_t *ctx, const struct flow_key *reply,
							const struct config *cfg)
{
	struct flow *f = ct_lookup_live(reply, cfg);

	if (!f || f->to != TO_PORT)
		return NULL;
	/* a mapping for any peer leaves the host's to the host (nat/from_uplink.h) */
	return nat_is_further_peer(f, reply) && host_has(ctx, reply) ? NULL : f;
}

/*
 * True if the replies would go to a published port: its clients must reach the namespace, whatever the host, or a
 * container behind its NAT, sends them from there. A conversation that is older than the port mapping goes on. What the
 * host forwards with a source of somebody else, as to a container, has replies to that one.
 */
static __always_inline _Bool host_reply_is_published(ctx_t *ctx, const struct pkt *p, const struct flow_key *reply,
						     const struct config *cfg)
{
	if (!portmap_takes_port(reply, 0, 0) || addr_martian_dest(p->key.dst) || !portmap_is_to_host(ctx, reply))
		return 0;
	if (p->key.proto == L4_TCP)
		return (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	return !host_converses(ctx, reply, CONNTRACK_ANSWERED);
}

/*
 * RFC 5382 REQ-4: a SYN to an external port that belongs to no flow is left unanswered, as the namespace may be about
 * to send one (simultaneous open). It goes up the stack, where a socket or a NAT rule may take it; true for the RST of
 * a host that has neither.
 */
static __always_inline _Bool host_refuses_mapped(ctx_t *ctx, const struct pkt *p, const struct flow_key *reply)
{
	__u32 port_h = p->key.sport_h, *flows;

	if (p->key.proto != L4_TCP || p->kind != PKT_PORTS || ctx_forwarded(ctx) || p->seq ||
	    (p->tcp_flags & (TCP_RST | TCP_ACK)) != (TCP_RST | TCP_ACK))
		return 0;
	flows = bpf_map_lookup_elem(&tcp_ports_in_use, &port_h);
	if (!flows || !*flows || socket_of_host(ctx, reply) != SOCKET_NONE)
		return 0;
	room_sweep(); /* the flows may have expired, and no other come to sweep them */
	return *(volatile __u32 *)flows != 0;
}

/* Specify a flow of the host, for ct_create(). */
static __always_inline verdict_t host_new(const struct pkt *p)
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
	return FWD_NEXT;
}

/*
 * A flow of the host cannot begin. Its own packet leaves as it is, and the namespace's flow that would receive the
 * replies ends. A packet that it forwards must not end that.
 */
static __always_inline verdict_t host_gets_no_flow(ctx_t *ctx, const struct pkt *p, verdict_t reason)
{
	struct flow_key reply = host_reply_key(&p->key);
	struct config *cfg = config_get();
	struct flow *f;

	if (reason == FWD_PASS || ctx_forwarded(ctx) || !cfg)
		return reason;
	f = host_reply_collides(ctx, &reply, cfg);
	if (f)
		ct_delete(f);
	return FWD_PASS;
}

/*
 * Protocols without ports allow one flow for each outside address, and the host has precedence. Its packets
 * create flows, so that no namespace gets one in between. Those that it forwards create one only if there is a flow to
 * end: senders are not known, and must not fill the table.
 */
static __always_inline verdict_t host_by_address(ctx_t *ctx, struct pkt *p, const struct config *cfg)
{
	struct flow_key reply = host_reply_key(&p->key);
	struct flow *f;

	p->key.zone = host_zone(ctx);
	if (addr_martian_dest(p->key.dst) || ct_find(p, cfg))
		return FWD_PASS;
	f = host_reply_collides(ctx, &reply, cfg);
	if (f)
		ct_delete(f);
	else if (ctx_forwarded(ctx))
		return FWD_PASS;
	if (host_new(p) == FWD_NEXT)
		ct_create(ctx);
	return FWD_PASS;
}

/* A packet of the host is translated if its replies would go to a namespace. FWD_PASS: it leaves as it is. */
static __always_inline verdict_t decide_from_host(ctx_t *ctx, struct pkt *p, struct decision *d)
{
	struct flow_key reply = host_reply_key(&p->key);
	struct config *cfg = config_get();

	if (!cfg)
		return DROP(helper_failed);
	if (p->kind == PKT_OTHER && l4_by_address(p->key.proto))
		return host_by_address(ctx, p, cfg);
	if ((p->kind != PKT_PORTS && !(p->kind == PKT_QUERY && icmp_is_request(p->icmp_type))) || !ct_any_flow(cfg))
		return FWD_PASS;
	p->key.zone = host_zone(ctx);
	d->f = ct_find(p, cfg);
	p->out_of_window = 0; /* the host's own kernel judges that */
	if (d->f) /* one with another target is lo's, and this socket is bound to the uplink */
		return d->f->to == TO_UPLINK ? FWD_NEXT : FWD_PASS;
	if (host_refuses_mapped(ctx, p, &reply))
		return DROP(rst_withheld);
	return host_reply_collides(ctx, &reply, cfg) || host_reply_is_published(ctx, p, &reply, cfg) ? FWD_NEXT :
												       FWD_PASS;
}

#endif
