/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Create a flow and choose its external port. Inserting the key of the reply direction allocates the port:
 * nothing is looked up first, so no other CPU can take the port in between.
 *
 *   fill a slot -> insert the reply key (BPF_NOEXIST; taken: try another source port)
 *   -> insert the original key (BPF_NOEXIST; taken: another CPU created the flow, use that one)
 */
#ifndef EBPFNET_BPF_CT_CT_CREATE_H
#define EBPFNET_BPF_CT_CT_CREATE_H

#include <ebpfnet/core/parse.h>
#include "kern/socket.h"
#include "kern/verdict.h"
#include "ct/ct_slot.h"

/* Specification of a new flow, filled in by the callers of ct_create(). */
struct ct_new {
	struct flow_key key;		/* of its first packet */
	struct nat_tuple t;		/* tuple after translation; ct_create() may change .sport_h */
	enum flow_target to, back_to;	/* targets of the original and the reply direction */
	__u8 answer_zone;		/* zone in which replies arrive */
	__u32 to_ifindex, back_ifindex;	/* TO_PORT: the port */
	__u32 portmap, endpoint;
	enum key_scope scope;
	_Bool mapped;			/* .t.sport_h belongs to a mapping: no other port will do */
	__u8 scales;			/* TCP: window scales, from the first packet */
	__u32 edge;			/* TCP: window edge that the first packet announces */
	__u32 gen;			/* config.gen, read before the decision */
};

/* State of ct_create() and of its search for a free source port. */
struct ct_create_state {
	struct ct_new new;
	struct flow_key key, reply_key;	/* as stored in map flows */
	struct flow reply, original;
	__u32 random;
	__u16 want_h, first_h, last_h;
	_Bool found, full;
};

/* PERCPU_ARRAY: too large for the stack, and needed only while one packet is handled. */
PERCPU_SCRATCH(struct ct_create_state, ct_scratch)

/* True if the port is published, unless it is the socket behind that mapping which now calls out. */
static __always_inline _Bool ct_portmap_of_other(const struct portmap_key *key, const struct ct_new *n)
{
	__u32 *id = bpf_map_lookup_elem(&portmap_keys, key);
	struct portmap *pm = id ? bpf_map_lookup_elem(&portmaps, id) : NULL;

	if (!pm)
		return 0;
	return pm->endpoint != n->endpoint ||
	       pm->to_first_h + (key->port_h - pm->first_h) != n->key.sport_h;
}

/*
 * True if the external port is published, or a socket of the host has it. A socket that is only bound is not
 * seen; if the host connects from it later, nat/from_host.h gives it another port.
 */
static __always_inline _Bool ct_port_of_host(ctx_t *ctx, const struct flow_key *reply,
					     const struct ct_new *n, const struct config *cfg)
{
	struct portmap_key pub = { .addr = reply->dst, .port_h = reply->dport_h, .proto = reply->proto };

	if (cfg->portmaps && portmap_port_published(reply->proto, reply->dport_h)) {
		if (ct_portmap_of_other(&pub, n))
			return 1;
		pub.addr = addr_of(0);
		if (ct_portmap_of_other(&pub, n))
			return 1;
	}
	return socket_of_host(ctx, reply) != SOCKET_NONE;
}

/*
 * True if the key is free for the endpoint: no flow has it, or an expired one (another endpoint's: after its
 * hold-down), which is deleted. inside: a key of the endpoint's own address, without hold-down.
 */
static __always_inline _Bool ct_reclaim(const struct flow_key *key, __u32 endpoint, _Bool inside,
					const struct config *cfg)
{
	struct flow *f = bpf_map_lookup_elem(&flows, key);
	union conn_word w;
	struct conn *c;
	__u32 slot;

	if (!f)
		return 1;
	slot = f->conn;
	c = conn_get(slot);
	if (!c)
		return 0;
	w = conn_word(c);
	if (w.state == CONN_FREE || w.state == CONN_BUSY || !conn_expired(c, w, cfg, now_s()))
		return 0;
	return (inside || c->endpoint == endpoint || hold_down_over(c, w, cfg, now_s())) && flow_delete(slot, w.word);
}

/* bpf_loop callback: try one source port. Returns 1 to end the search. */
static long ct_try_port(__u32 attempt, ctx_t **ctx)
{
	struct ct_create_state *st = ct_scratch_get();
	struct config *cfg = config_get();
	int r;

	if (!cfg || !st)
		return 1;
	if (!st->new.mapped) /* a mapping's port is fixed, even if the range has changed */
		st->new.t.sport_h =
			nat_candidate(st->want_h, attempt, st->random, st->first_h, st->last_h);
	st->reply_key = nat_reply_key(&st->new.t, st->new.answer_zone, st->new.key.proto);
	st->reply_key = nat_scope_key(st->reply_key, st->new.scope, 0);
	/* hairpin from the published port itself: reply and original key would be equal */
	if (flow_key_eq(&st->reply_key, &st->new.key))
		return 0;
	/* an external port must not be one of the host's */
	if (st->new.answer_zone == EBPFNET_ZONE_OUTSIDE && !st->new.mapped &&
	    ct_port_of_host(*ctx, &st->reply_key, &st->new, cfg))
		return 0;
	/* int, not long: before Linux 6.4 the error arrives as an int, its upper half zero */
	r = bpf_map_update_elem(&flows, &st->reply_key, &st->reply, BPF_NOEXIST);
	if (r == -EEXIST && ct_reclaim(&st->reply_key, st->new.endpoint, 0, cfg))
		r = bpf_map_update_elem(&flows, &st->reply_key, &st->reply, BPF_NOEXIST);
	st->found = !r;
	st->full = r && r != -EEXIST;
	return r != -EEXIST;
}

/* Fill in the two directions of the flow as they will be stored. */
static __always_inline void ct_fill(struct ct_create_state *st, __u32 slot)
{
	const struct ct_new *n = &st->new;
	__u8 flags = n->scope == KEY_APDF ? 0 : FLOW_ANY_PEER;

	st->original.src = n->t.src;
	st->original.dst = n->t.dst;
	st->original.sport_h = n->t.sport_h;
	st->original.dport_h = n->t.dport_h;
	st->original.ifindex = n->to_ifindex;
	st->original.dir = FLOW_ORIGINAL;
	st->original.to = n->to;
	st->original.answer_zone = n->answer_zone;

	st->reply.src = n->key.dst;
	st->reply.dst = n->key.src;
	st->reply.sport_h = n->key.dport_h;
	st->reply.dport_h = n->key.sport_h;
	st->reply.ifindex = n->back_ifindex;
	st->reply.dir = FLOW_REPLY;
	st->reply.to = n->back_to;
	st->reply.answer_zone = n->key.zone;

	st->original.conn = st->reply.conn = slot;
	st->original.gen = st->reply.gen = (__u16)n->gen;
	st->original.seen = st->reply.seen = 0;
	st->original.flags = st->reply.flags = flags;
	st->original.edge = n->edge;
	st->reply.edge = 0;
}

/* Allocate a slot in its first state. NO_SLOT: the table is full. */
static __always_inline __u32 ct_slot_new(const struct ct_new *n, const struct config *cfg)
{
	__u32 slot = slot_alloc(cfg);
	union conn_word w;
	struct conn *c;

	if (slot == NO_SLOT)
		slot = slot_make_room();
	c = conn_get(slot);
	if (!c)
		return NO_SLOT;
	w = conn_word(c);
	w.state = CONN_BUSY;
	w.scales = n->scales;
	w.use++;
	*(volatile __u32 *)&c->state = w.word;
	c->orig = n->key;
	c->orig.scope = n->scope;
	c->portmap = n->portmap;
	c->endpoint = n->endpoint;
	c->seen = now_s();
	w.state = ct_first_state(n->key.proto);
	*(volatile __u32 *)&c->state = w.word;
	return slot;
}

/* True if the namespace has reached its limits. The host has none, nor have flows of published ports. */
static __always_inline _Bool ct_over_cap(const struct ct_new *n, const struct config *cfg)
{
	__u32 id = n->endpoint;
	struct usage *u;

	if (n->portmap || !id)
		return 0;
	u = bpf_map_lookup_elem(&usage, &id);
	return u && (u->flows >= cfg->max_flows_ns || (!n->mapped && u->ports >= cfg->max_ports_ns));
}

/*
 * A route may lead to an address of one of our networks by an uplink. Replies from there are no martians: tell
 * the XDP prefilter to look up flows, which it does not do otherwise.
 */
static __always_inline void ct_mark_private_peer(const struct ct_new *n)
{
	struct conn_alloc *a = conn_alloc_get();

	if (a && n->answer_zone == EBPFNET_ZONE_OUTSIDE && address_is_private(&n->t.dst))
		a->private_peers = 1;
}

/* True if a new peer's mapping is gone: it may have been evicted to make room for this flow. */
static __always_inline _Bool ct_mapping_is_gone(struct ct_create_state *st)
{
	if (!st->new.mapped || st->new.key.proto != L4_UDP)
		return 0;
	st->key = nat_scope_key(st->new.key, KEY_EIM, 1);
	return !bpf_map_lookup_elem(&flows, &st->key);
}

/* Account for a flow that begins (1), or is undone (-1), with its external port. */
static __always_inline void ct_account(__u32 slot, __u16 external_h, __s32 flows)
{
	struct conn *c = conn_get(slot);

	if (c)
		conn_account(c, external_h, flows);
}

/* A specification with the packet's part filled in, for ct_create(). */
static __always_inline struct ct_new *ct_new_init(const struct pkt *p)
{
	struct ct_create_state *st = ct_scratch_get();

	if (!st)
		return NULL;
	st->new = (struct ct_new){ .key = p->key, .edge = p->edge, .gen = p->gen };
	st->new.scales = tcp_scales_with(TCP_SCALES_UNKNOWN, FLOW_ORIGINAL,
					 p->tcp_flags & TCP_SYN ? p->scale : TCP_SCALE_MAX);
	return &st->new;
}

/* Create the flow of ct_new_init(). FWD_NEXT: the packet's key is in map flows, perhaps by another CPU. */
__noinline verdict_t ct_create(ctx_t *ctx)
{
	struct ct_create_state *st = ct_scratch_get();
	struct config *cfg = config_get();
	_Bool outside;
	__u32 slot;
	int r; /* not long, as in ct_try_port() */

	if (!cfg || !st)
		return DROP(helper_failed);
	conn_sweep();
	if (ct_over_cap(&st->new, cfg))
		return DROP(over_cap);
	slot = ct_slot_new(&st->new, cfg);
	if (slot == NO_SLOT)
		return DROP(table_full);
	if (ct_mapping_is_gone(st)) {
		slot_free(slot);
		return DROP(table_full);
	}

	ct_mark_private_peer(&st->new);
	st->want_h = st->new.t.sport_h;
	st->random = bpf_get_prandom_u32();
	st->key = nat_scope_key(st->new.key, st->new.scope, 1);
	ct_fill(st, slot);
	st->found = st->full = 0;
	/* the configured range is for external ports; towards a namespace a client keeps its port if it can */
	outside = st->new.answer_zone == EBPFNET_ZONE_OUTSIDE;
	nat_range(st->want_h, st->new.key.proto, outside ? cfg->port_min_h : 1024,
		  outside ? cfg->port_max_h : 65535, &st->first_h, &st->last_h);
	bpf_loop(st->new.mapped ? 1 : NAT_ATTEMPTS, ct_try_port, &ctx, 0);
	if (!st->found) {
		slot_free(slot);
		return st->full ? DROP(table_full) : DROP(no_free_port);
	}

	st->original.sport_h = st->new.t.sport_h;
	ct_account(slot, st->new.t.sport_h, 1); /* before the flow can be found, and deleted */
	r = bpf_map_update_elem(&flows, &st->key, &st->original, BPF_NOEXIST);
	if (r == -EEXIST && ct_reclaim(&st->key, st->new.endpoint, 1, cfg))
		r = bpf_map_update_elem(&flows, &st->key, &st->original, BPF_NOEXIST);
	if (r) {
		bpf_map_delete_elem(&flows, &st->reply_key);
		ct_account(slot, st->new.t.sport_h, -1);
		slot_free(slot);
		return r == -EEXIST ? FWD_NEXT : DROP(table_full);
	}
	count(COUNT_flow_new);
	if (st->new.t.sport_h != st->want_h)
		count(COUNT_src_port_remapped);
	return FWD_NEXT;
}

#endif
