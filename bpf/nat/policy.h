/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The one place that decides whether a routed packet may go on past the host's own rules (nft, iptables: hook FORWARD),
 * goes through them, or not at all: `ebpfnet set forwarding`.
 *
 * A packet that goes through them is translated as netfilter would: the destination before FORWARD, the source behind
 * it, so that the rules and the host's conntrack see the address inside in both directions. nat/from_stack.h takes up
 * what comes out. A namespace that calls a published port of this host is forwarded, too (hairpin). Packets between
 * namespaces of a network, and between the host and a namespace, are not.
 */
#ifndef EBPFNET_BPF_NAT_POLICY_H
#define EBPFNET_BPF_NAT_POLICY_H

#include "ct/hairpin.h"
#include "nat/ask.h"
#include "nat/decision.h"

/* The mode of a network, as far as this kernel can: asking about TCP takes conntrack's entries. */
static __always_inline enum forwarding forwarding_of(const struct network *net)
{
	enum forwarding mode = net->forwarding;

	if (mode == FORWARDING_ASK && (!kernel_conntrack || kernel_memory == KERNEL_MEMORY_CLOSED))
		return FORWARDING_STACK;
	return mode;
}

/* The mode between two networks: that of the stricter one. */
static __always_inline enum forwarding forwarding_between(const struct network *a, const struct network *b)
{
	enum forwarding x = forwarding_of(a), y = forwarding_of(b);

	return x > y ? x : y;
}

/* True if a packet of a flow between that network and the outside goes through the rules itself. */
static __always_inline _Bool policy_is_through(const struct network *net, const struct flow *f)
{
	enum forwarding mode = forwarding_of(net);

	return mode != FORWARDING_FAST && ask_is_unknown(ask_word(f)) &&
	       (mode == FORWARDING_STACK || ruleset_at_forward());
}

/* The network that a packet leads into; NULL: none. */
static __always_inline const struct network *policy_into(const struct decision *d)
{
	struct port *port;

	if (!d->f)
		return d->portmap ? network_get(d->portmap->net) : NULL;
	port = d->f->to == TO_PORT ? port_get(d->f->ifindex) : NULL;
	return port ? network_get(port->net) : NULL;
}

/* The mode that a packet is subject to. */
static __always_inline enum forwarding policy_mode(const struct decision *d)
{
	const struct network *into;

	if (d->from == FROM_PORT && decision_leaves(d)) {
		/* what cannot be forwarded is refused as ever; the kernel may know a way that we do not */
		if (d->kind == ROUTE_LOCAL || d->kind == ROUTE_HAIRPIN || d->kind == ROUTE_UNMANAGED ||
		    d->kind == ROUTE_DISABLED || d->kind == ROUTE_FAILED)
			return FORWARDING_FAST;
		return forwarding_of(d->net);
	}
	if (d->from != FROM_PORT && (d->from != FROM_UPLINK || !d->routed || d->hairpin))
		return FORWARDING_FAST;
	into = policy_into(d);
	if (!into)
		return FORWARDING_FAST;
	return d->from == FROM_PORT ? forwarding_between(d->net, into) : forwarding_of(into);
}

/* The mode that packets of a direction of a flow are subject to which come from a namespace of that network. */
static __always_inline enum forwarding policy_of_direction(const struct network *net, const struct flow *f)
{
	struct port *port = f->to == TO_PORT ? port_get(f->ifindex) : NULL;
	struct network *into = port ? network_get(port->net) : NULL;

	if (f->to == TO_UPLINK)
		return forwarding_of(net);
	return into ? forwarding_between(net, into) : FORWARDING_FAST;
}

/* A SYN begins a new connection on a tuple of which the host's conntrack still has the last: it would be INVALID. */
static __always_inline void policy_tcp_begins(ctx_t *ctx, const struct pkt *p, struct flow *f,
					      const struct flow_key *inside)
{
	struct conn *c = conn_get(f->conn);
	struct flow *other;

	if ((p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN || !c ||
	    conn_word(c).state != CONN_SYN_SENT)
		return;
	other = flow_opposite(f);
	if (other)
		ask_forget(other);
	ask_forget(f);
	conntrack_end(ctx, inside, 0);
}

/* A FIN or RST goes fast, so that the host's conntrack does not see it: its entry gets the timeout of one that ends. */
static __always_inline void policy_tcp_ends(ctx_t *ctx, const struct pkt *p, struct flow *f,
					    const struct flow_key *inside)
{
	struct conn *c = conn_get(f->conn);

	if (p->out_of_window || !c)
		return;
	if (p->tcp_flags & TCP_RST)
		conntrack_end(ctx, inside, 0);
	else if (p->tcp_flags & TCP_FIN && conn_word(c).state == CONN_CLOSING)
		conntrack_end(ctx, inside, 10000);
}

/* True if an ICMP error about a packet of that direction may pass: the rules have let such a packet by. */
static __always_inline _Bool policy_of_error(const struct flow *about, enum forwarding mode)
{
	if (mode == FORWARDING_FAST || (mode == FORWARDING_ASK && !ruleset_at_forward()))
		return 1;
	return about && ask_has_passed(about);
}

/*
 * A packet of a flow. asked: the network's mode is FORWARDING_ASK; in FORWARDING_STACK only TCP flows that have gone
 * fast are asked about, for FORWARD would not understand their packets. whole: a copy would be forwarded. Returns enum
 * ask_answer.
 */
__noinline int policy_of_flow(ctx_t *ctx, const struct pkt *p, struct flow *f, _Bool asked, _Bool whole)
{
	struct ask_copy *c = ask_copy_get();
	struct config *cfg = config_get();
	union ask_word w, next = {};
	struct nat_tuple t;
	enum ask_answer a;
	_Bool tcp, again;
	__u32 rules;

	if (!p || !f || !c || !cfg)
		return ANSWER_CLOSED;
	again = ctx_is_ours(ctx, ~cfg->mark);
	ctx_mark_ours(ctx, 0);
	tcp = p->key.proto == L4_TCP;
	w = ask_word(f);
	if (asked && !ruleset_at_forward())
		return ANSWER_FAST;
	if (ask_is_unknown(w) || w.state == ASK_OF_HOST || !(asked || tcp) ||
	    nat_is_further_peer(f, &p->key))
		return ANSWER_THROUGH;
	t = nat_to_rules(f, &p->key);
	c->inside = p->key;
	c->inside.src = t.src;
	c->inside.dst = t.dst;
	c->inside.sport_h = t.sport_h;
	c->inside.dport_h = t.dport_h;
	if (tcp && p->tcp_flags & TCP_SYN) {
		policy_tcp_begins(ctx, p, f, &c->inside);
		w = ask_word(f);
	}
	rules = c->rules = ruleset_gen();
	a = ask_judge(w, cfg, rules, tcp, whole && !(p->frag & IP_FRAG_MASK) && p->ttl > 1, again);
	next.when = ask_now();
	next.rules = rules;
	if (a == ANSWER_ASK) {
		next.state = ASK_ASKED;
		return ask_swap(f, w, next) ? ANSWER_ASK : ANSWER_FAST;
	}
	if (a == ANSWER_LAST || a == ANSWER_ASK_AND_WAIT) {
		next.state = ASK_CLOSED;
		if (!ask_swap(f, w, next)) /* another CPU has just done so */
			return a == ANSWER_LAST ? ANSWER_CLOSED : ANSWER_WAIT;
	}
	if (a == ANSWER_THROUGH && !tcp)
		ask_forget(f);
	if (a == ANSWER_FAST && p->tcp_flags & (TCP_FIN | TCP_RST))
		policy_tcp_ends(ctx, p, f, &c->inside);
	return a;
}

/* Ask about a packet's flow by a copy. FWD_NEXT, or DROP(reason). */
static __always_inline verdict_t policy_ask(ctx_t *ctx, const struct pkt *p, const struct decision *d)
{
	_Bool between = decision_is_between(d);

	if (between && !hairpin_note(d->f, &p->key))
		return DROP(no_free_port);
	return ask_by_copy(ctx, d->from == FROM_UPLINK ? ctx->ifindex : d->net->gw_ifindex, between) ?
		       DROP(helper_failed) : FWD_NEXT;
}

/*
 * FWD_NEXT: it may go on. FWD_THROUGH: through the rules. DROP(host_rules), or FWD_STOLEN: it waits behind its copy.
 */
static __always_inline verdict_t policy(ctx_t *ctx, const struct pkt *p, const struct decision *d)
{
	_Bool outside = d->from == FROM_UPLINK, between = decision_is_between(d);
	enum forwarding mode = policy_mode(d);
	struct config *cfg = config_get();
	verdict_t v;
	int a;

	if (mode == FORWARDING_FAST)
		return FWD_NEXT;
	if (!cfg || d->copy)
		return FWD_THROUGH;
	if (!d->f)
		return mode == FORWARDING_ASK && !ruleset_at_forward() ? FWD_NEXT : FWD_THROUGH;
	/* the reply of a published port goes a way that the kernel does not know, for which it may be too large */
	if (!outside && d->kind == ROUTE_TOO_BIG && d->f->dir == FLOW_REPLY)
		return FWD_NEXT;
	/* what our own router refuses, by an ICMP error, is not asked about: no copy would come out */
	if (!outside && p->key.proto == L4_TCP && !ask_is_unknown(ask_word(d->f)) &&
	    (p->ttl <= 1 || (d->kind == ROUTE_TOO_BIG && p->frag & IP_DF)))
		return FWD_NEXT;
	a = policy_of_flow(ctx, p, d->f, mode == FORWARDING_ASK, outside || between || d->kind == ROUTE_UPLINK);
	switch (a) {
	case ANSWER_FAST:
		return FWD_NEXT;
	case ANSWER_THROUGH:
		return FWD_THROUGH;
	case ANSWER_ASK:
		return policy_ask(ctx, p, d);
	case ANSWER_ASK_AND_WAIT:
		v = policy_ask(ctx, p, d);
		if (v != FWD_NEXT)
			return v;
		ask_wait(ctx, cfg);
		return FWD_STOLEN;
	case ANSWER_WAIT:
		ask_wait(ctx, cfg);
		return FWD_STOLEN;
	default:
		return DROP(host_rules);
	}
}

#endif
