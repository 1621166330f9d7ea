/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Create a flow and choose its external port. Inserting the key of the reply direction allocates the port:
 * nothing is looked up first, so no other CPU can take the port in between.
 *
 *   find a slot (ct_room.h), fill it -> insert the reply key (BPF_NOEXIST; taken: try another source port)
 *   -> insert the original key (BPF_NOEXIST; taken: another CPU created the flow, use that one)
 */
#ifndef EBPFNET_BPF_CT_CT_CREATE_H
#define EBPFNET_BPF_CT_CT_CREATE_H

#include <ebpfnet/core/parse.h>
#include "kern/local_ports.h"
#include "kern/reserved_ports.h"
#include "kern/verdict.h"
#include "ct/ct_host.h"
#include "ct/ct_room.h"
#include "ct/hairpin.h"

/* Specification of a new flow, filled in by the callers of ct_create(). */
struct ct_new {
	struct flow_key key;		/* of its first packet */
	struct nat_tuple t;		/* tuple after translation; ct_create() may change .sport_h */
	enum flow_target to, back_to;	/* targets of the original and the reply direction */
	__u8 answer_zone;		/* zone in which replies arrive */
	__u32 to_ifindex, back_ifindex;	/* TO_PORT: the port */
	__u32 portmap;			/* id; 0: masqueraded, or the host's */
	__u32 endpoint;			/* that opens it: struct conn.endpoint */
	enum key_scope scope;
	_Bool as_host;			/* .t.src is an address that the host's own sockets use towards .t.dst */
	_Bool mapped;			/* .t.sport_h belongs to a mapping: no other port will do */
	_Bool as_is;			/* .t is the packet's own: nothing of it is the host's */
	_Bool hairpin;			/* between namespaces: the host's stack may see it, by a tuple of its own */
	__u8 scales;			/* TCP: window scales, from the first packet */
	__u32 edge;			/* TCP: window edge that the first packet announces */
};

static __always_inline _Bool ct_port_is_given(const struct ct_new *n)
{
	return n->mapped || n->as_is;
}

/* State of ct_create() and of its search for a free source port. */
struct ct_create_state {
	struct ct_new new;
	struct flow_key key, reply_key;	/* as stored in map flows */
	struct flow reply, original;
	__u32 slot;			/* of the new flow */
	__u32 random;
	__u16 want_h, first_h, last_h;
	_Bool found, full;
	/* the best of the ports that are taken: no free one may be found */
	__u32 spare_order;		/* 0: none */
	__u32 spare, spare_word;	/* slot and state word of the flow that has it; NO_SLOT: held down */
	__u16 spare_h;
};

/* PERCPU_ARRAY: too large for the stack, and needed only while one packet is handled. */
PERCPU_SCRATCH(struct ct_create_state, ct_scratch)

/*
 * True if a UDP flow of another shape has the port towards that peer: a mapping's key names no peer, that of a flow of
 * the host's does, so that they do not collide by themselves. reply: with the peer.
 */
__noinline int ct_port_is_shared(const struct flow_key *reply, enum key_scope scope)
{
	struct config *cfg = config_get();
	struct flow_key other;
	struct flow *f;

	if (!reply || !cfg || reply->proto != L4_UDP)
		return 0;
	other = scope == KEY_EIM ? *reply : nat_scope_key(reply, KEY_EIM, 0);
	f = bpf_map_lookup_elem(&flows, &other);
	return f && ct_is_unexpired(f, cfg);
}

/*
 * True if the external port is published, reserved, or the host's towards that peer. A socket that is only bound is not
 * seen; if the host connects from it later, nat/from_host.h gives it another port. A further peer of a mapping may not
 * have the mapping's port if the host converses with that peer from there. reply: key of the reply, with the peer.
 */
static __always_inline _Bool ct_port_of_host(ctx_t *ctx, const struct flow_key *reply,
					     const struct ct_new *n)
{
	if (n->mapped)
		return host_converses(ctx, reply, CONNTRACK_UNANSWERED);
	if (reply->proto != L4_TCP && reply->proto != L4_UDP)
		return 0;
	return ct_port_is_shared(reply, n->scope) || portmap_takes_port(reply, n->endpoint, n->key.sport_h) ||
	       port_is_reserved(reply->dport_h) || host_has(ctx, reply);
}

/* Delete the flow that has a key, if it has expired. False: it lives. */
static __always_inline _Bool ct_collect(const struct flow_key *key, const struct config *cfg)
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
	return conn_live(w) && conn_expired(c, w.state, cfg, now_s()) && flow_delete(slot, w.word);
}

/* Preference among ports that are taken. The endpoint's own flow yields before another's. */
#define SPARE_HELD_DOWN (1u << 28)
#define SPARE_OWN (2u << 28)

#define RANGE_ROUNDS 8 /* searches for a port, if other CPUs take what was found */

/* True if that flow is of an account that has more flows than the new one's. */
static __always_inline _Bool ct_has_more(const struct conn *c, const struct ct_new *n)
{
	struct usage *has = usage_get(usage_account(&c->orig, c->endpoint, c->portmap));
	struct usage *wants = usage_get(n->endpoint);

	return has && wants && has->flows > wants->flows;
}

/* Remember a candidate port, if it is better than those before. */
static __always_inline void ct_spare(struct ct_create_state *st, __u32 order, __u32 slot, __u32 word)
{
	if (order <= st->spare_order)
		return;
	st->spare_order = order;
	st->spare = slot;
	st->spare_word = word;
	st->spare_h = st->new.t.sport_h;
}

/* The key of a candidate port is taken: does its flow yield? */
static __always_inline void ct_spare_flow(struct ct_create_state *st)
{
	struct flow *f = bpf_map_lookup_elem(&flows, &st->reply_key);
	union conn_word w;
	struct conn *c;
	__u32 slot, order;

	if (!f)
		return;
	slot = f->conn;
	c = conn_get(slot);
	if (!c || c->portmap || !c->endpoint)
		return;
	w = conn_word(c);
	order = ct_yield_order(ct_yield(w.state), ct_idle(c->seen, now_s()), CT_TIMEOUT_MIN_S);
	if (!order)
		return;
	if (c->endpoint == st->new.endpoint)
		ct_spare(st, order | SPARE_OWN, slot, w.word);
	else if (ct_has_more(c, &st->new))
		ct_spare(st, order, slot, w.word);
}

/* Insert the key of the reply direction. -EEXIST: taken, or held down. */
static __always_inline int ct_insert_reply(struct ct_create_state *st, _Bool external, const struct config *cfg)
{
	if (external && hold_down_lasts(&st->reply_key, st->new.endpoint, cfg)) {
		if (!bpf_map_lookup_elem(&flows, &st->reply_key))
			ct_spare(st, SPARE_HELD_DOWN, NO_SLOT, 0);
		return -EEXIST;
	}
	/* int, not long: before Linux 6.4 the error arrives as an int, its upper half zero */
	return bpf_map_update_elem(&flows, &st->reply_key, &st->reply, BPF_NOEXIST);
}

/* True if no other flow has the tuple that the flow would have in the host's stack. */
static __always_inline _Bool ct_between_is_free(const struct ct_new *n)
{
	struct nat_tuple between = { n->key.src, n->t.dst, n->t.sport_h, n->t.dport_h };
	struct flow_key key = hairpin_key(&between, n->key.proto);

	return !hairpin_is_taken(&key);
}

/* Try one source port. Returns 1 to end the search. */
__noinline int ct_try_port(ctx_t *ctx, __u32 attempt)
{
	struct ct_create_state *st = ct_scratch_get();
	struct config *cfg = config_get();
	_Bool external;
	int r;

	if (!cfg || !st)
		return 1;
	if (!ct_port_is_given(&st->new)) /* a mapping's port is fixed, even if the range has changed */
		st->new.t.sport_h =
			nat_candidate(st->want_h, attempt, st->random, st->first_h, st->last_h);
	st->reply_key = nat_reply_key(&st->new.t, st->new.answer_zone, st->new.key.proto);
	/* an external port must not be one of the host's */
	external = st->new.answer_zone == EBPFNET_ZONE_OUTSIDE && !st->new.as_is;
	if (external && ct_port_of_host(ctx, &st->reply_key, &st->new))
		return 0;
	if (st->new.as_host && socket_of_host(ctx, &st->reply_key) != SOCKET_NONE)
		return 0;
	if (st->new.hairpin && cfg->has_rules && !ct_between_is_free(&st->new))
		return 0;
	st->reply_key = nat_scope_key(&st->reply_key, st->new.scope, 0);
	/* hairpin from the published port itself: reply and original key would be equal */
	if (flow_key_eq(&st->reply_key, &st->new.key))
		return 0;
	external &= !st->new.mapped;
	r = ct_insert_reply(st, external, cfg);
	/* its last owner may have been collected just now */
	if (r == -EEXIST && ct_collect(&st->reply_key, cfg))
		r = ct_insert_reply(st, external, cfg);
	if (r == -EEXIST && external)
		ct_spare_flow(st);
	st->found = !r;
	st->full = r && r != -EEXIST;
	return r != -EEXIST;
}

/*
 * Try source ports, one after the other. Not by bpf_loop(), whose callback the verifier checks again for each caller
 * and each state of it: that was a third of what `up` took. Returns 1 if the search has ended before.
 */
__noinline int ct_try_ports(ctx_t *ctx, __u32 attempts)
{
	__u32 i;

	for (i = 0; i < attempts && i < NAT_ATTEMPTS; i++)
		if (ct_try_port(ctx, i))
			return 1;
	return 0;
}

/* No port is free: take the one that yields first. RFC 6888 REQ-8 lets a NAT that tracks sessions reuse it. */
static __noinline int ct_take_spare(struct ct_create_state *st)
{
	if (!st || !st->spare_order)
		return 0;
	st->new.t.sport_h = st->spare_h;
	st->reply_key = nat_reply_key(&st->new.t, st->new.answer_zone, st->new.key.proto);
	st->reply_key = nat_scope_key(&st->reply_key, st->new.scope, 0);
	if (st->spare != NO_SLOT) {
		if (!flow_delete(st->spare, st->spare_word))
			return 0;
		count(COUNT_flow_evicted);
	}
	st->found = !bpf_map_update_elem(&flows, &st->reply_key, &st->reply, BPF_NOEXIST);
	return st->found;
}

/* Fill in the two directions of the flow as they will be stored. */
static __always_inline void ct_fill(struct ct_create_state *st, __u32 slot)
{
	const struct ct_new *n = &st->new;
	__u8 flags = (n->scope == KEY_APDF ? 0 : FLOW_ANY_PEER) | (n->as_is ? FLOW_AS_IS : 0);

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
	st->original.checked = st->reply.checked = 0; /* by its next packet */
	st->original.path = st->reply.path = ct_no_path(slot);
	st->original.ask = st->reply.ask = ct_not_asked(slot);
	st->original.flags = st->reply.flags = flags;
	st->original.edge = n->edge;
	st->reply.edge = 0;
}

/* Begin a flow in a slot of this CPU. */
static __always_inline void ct_slot_init(__u32 slot, const struct ct_new *n)
{
	struct conn *c = conn_get(slot);
	union conn_word w;

	if (!c)
		return;
	w = conn_word(c);
	w.state = CONN_BUSY;
	w.scales = n->scales;
	w.fin = 0;
	w.use++;
	*(volatile __u32 *)&c->state = w.word;
	c->orig = n->key;
	c->orig.scope = n->scope;
	c->portmap = n->portmap;
	c->endpoint = n->endpoint;
	c->seen = now_s();
	w.state = ct_first_state(n->key.proto);
	*(volatile __u32 *)&c->state = w.word;
}

/* Allocate a slot for the flow of ct_new_init(). FWD_NEXT, or why there is none. */
__noinline verdict_t ct_slot_new(void)
{
	struct ct_create_state *st = ct_scratch_get();
	struct room_search *search = room_scratch_get();
	struct config *cfg = config_get();
	const struct ct_new *n;

	if (!st || !search || !cfg)
		return DROP(helper_failed);
	room_sweep();
	n = &st->new;
	search->who.account = usage_account(&n->key, n->endpoint, n->portmap);
	search->who.client = outside_peer_bucket(n->key.src);
	search->who.port = !ct_port_is_given(n) && !n->portmap;
	search->who.udp = search->who.port && n->endpoint && n->key.proto == L4_UDP;
	search->over = room_share(&search->who, cfg);
	search->room = NO_SLOT;
	if (search->over != SHARE_LEFT) {
		room_find();
		/* the search has deleted what had expired */
		if (search->room == NO_SLOT && room_share(&search->who, cfg) != SHARE_LEFT)
			return DROP(over_cap);
	}
	if (search->room == NO_SLOT)
		search->room = slot_alloc(cfg);
	if (search->room == NO_SLOT) {
		search->over = SHARE_LEFT;
		room_find();
	}
	st->slot = search->room;
	if (st->slot == NO_SLOT)
		return DROP(table_full);
	ct_slot_init(st->slot, n);
	return FWD_NEXT;
}

/*
 * A route may lead to an address of one of our networks by an uplink, and replies may come to one that is not
 * masqueraded. They are no martians: tell the XDP prefilter to look up flows, which it does not do otherwise.
 */
static __always_inline void ct_mark_private_peer(const struct ct_new *n)
{
	struct conn_alloc *a = conn_alloc_get();

	if (a && n->answer_zone == EBPFNET_ZONE_OUTSIDE && (n->as_is || address_is_private(&n->t.dst)))
		a->private_peers = 1;
}

/* True if a new peer's mapping is gone: it may have been evicted to make room for this flow. */
static __always_inline _Bool ct_mapping_is_gone(struct ct_create_state *st)
{
	if (!st->new.mapped || st->new.key.proto != L4_UDP)
		return 0;
	st->key = nat_scope_key(&st->new.key, KEY_EIM, 1);
	return !bpf_map_lookup_elem(&flows, &st->key);
}

/* Account for a flow that begins (1), or is undone (-1), with its external port. Returns 0. */
__noinline int ct_account(__u32 slot, __u16 external_h, __s32 flows)
{
	struct conn *c = conn_get(slot);

	if (c)
		usage_add(c, external_h, flows);
	return 0;
}

/*
 * Try ports of a range, then the spare one. Again if another CPU was faster to take that, and once more if there was
 * none: of 128 ports of 28,232, a few per cent of them free, a new flow in 100,000 finds neither.
 */
static __always_inline void ct_try_range(ctx_t *ctx, struct ct_create_state *st)
{
	int i, vain = 0;

	for (i = 0; i < RANGE_ROUNDS; i++) {
		st->random = bpf_get_prandom_u32();
		st->spare_order = 0;
		ct_try_ports(ctx, NAT_ATTEMPTS);
		if (st->found || st->full || ct_take_spare(st) || (!st->spare_order && vain++))
			return;
	}
}

/* Choose a source port and insert the reply key with it. outside: replies arrive by an uplink. */
static __always_inline void ct_search_port(ctx_t *ctx, struct ct_create_state *st, const struct config *cfg)
{
	_Bool outside = st->new.answer_zone == EBPFNET_ZONE_OUTSIDE, given = ct_port_is_given(&st->new);

	st->want_h = st->new.t.sport_h;
	st->found = st->full = 0;
	/* the configured range is for external ports; towards a namespace a client keeps its port if it can */
	nat_range(st->want_h, st->new.key.proto, outside ? cfg->port_min_h : 0,
		  outside ? cfg->port_max_h : 65535, &st->first_h, &st->last_h);
	if (st->new.as_host && st->want_h >= 1024)
		local_ports_avoid(&st->first_h, &st->last_h);
	if (given) {
		ct_try_ports(ctx, 1);
		return;
	}
	ct_try_range(ctx, st);
	/* the class of a port below 1024 is kept if it can be (RFC 4787 REQ-3) */
	if (!st->found && !st->full && outside && st->want_h < 1024 && st->first_h < 1024 &&
	    st->new.key.proto != L4_ICMP) {
		st->first_h = cfg->port_min_h;
		st->last_h = cfg->port_max_h;
		ct_try_range(ctx, st);
	}
}

/* A specification with the packet's part filled in, for ct_create(). */
static __always_inline struct ct_new *ct_new_init(const struct pkt *p)
{
	struct ct_create_state *st = ct_scratch_get();

	if (!st)
		return NULL;
	st->new = (struct ct_new){ .key = p->key, .edge = p->edge };
	st->new.scales = tcp_scales_with(TCP_SCALES_UNKNOWN, FLOW_ORIGINAL,
					 p->tcp_flags & TCP_SYN ? p->scale : TCP_SCALE_MAX);
	return &st->new;
}

/* Insert the flow's keys. */
__noinline verdict_t ct_insert(ctx_t *ctx)
{
	struct ct_create_state *st = ct_scratch_get();
	struct config *cfg = config_get();
	int r; /* not long, as in ct_try_port() */

	if (!cfg || !st)
		return DROP(helper_failed);
	if (ct_mapping_is_gone(st)) {
		slot_free(st->slot);
		return DROP(table_full);
	}

	ct_mark_private_peer(&st->new);
	st->key = nat_scope_key(&st->new.key, st->new.scope, 1);
	ct_fill(st, st->slot);
	ct_search_port(ctx, st, cfg);
	if (!st->found) {
		slot_free(st->slot);
		return st->full ? DROP(table_full) : DROP(no_free_port);
	}

	st->original.sport_h = st->new.t.sport_h;
	ct_account(st->slot, st->new.t.sport_h, 1); /* before the flow can be found, and deleted */
	r = bpf_map_update_elem(&flows, &st->key, &st->original, BPF_NOEXIST);
	if (r == -EEXIST && ct_collect(&st->key, cfg))
		r = bpf_map_update_elem(&flows, &st->key, &st->original, BPF_NOEXIST);
	if (r) {
		bpf_map_delete_elem(&flows, &st->reply_key);
		ct_account(st->slot, st->new.t.sport_h, -1);
		slot_free(st->slot);
		return r == -EEXIST ? FWD_NEXT : DROP(table_full);
	}
	count(COUNT_flow_new);
	if (st->new.t.sport_h != st->want_h)
		count(COUNT_src_port_remapped);
	return FWD_NEXT;
}

/*
 * Create the flow of ct_new_init(). FWD_NEXT: the packet's key is in map flows, perhaps by another CPU. Two calls and
 * not one in the other, for Linux 6.1 allows 512 bytes of stack in all.
 */
static __always_inline verdict_t ct_create(ctx_t *ctx)
{
	verdict_t v = ct_slot_new();

	return v == FWD_NEXT ? ct_insert(ctx) : v;
}

#endif
