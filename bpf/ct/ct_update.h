/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Find a packet's flow and bring its state up to date. Flows are created in ct_create.h, deleted in ct_slot.h.
 *
 * A flow is a slot of map conns, with the state of both directions, and two keys in map flows, with what a
 * packet of each direction needs.
 *
 * There is no timer and no daemon: a look-up treats an expired flow as absent, and each new flow sweeps a few
 * slots.
 *
 * Once a second, and after each configuration change (config.gen), a flow's next packet checks that those whom it
 * concerns still exist.
 */
#ifndef EBPFNET_BPF_CT_CT_UPDATE_H
#define EBPFNET_BPF_CT_CT_UPDATE_H

#include <ebpfnet/core/parse.h>
#include "ct/ct_lookup.h"
#include "ct/ct_slot.h"

/* True if the direction's output port belongs to that endpoint. */
static __always_inline _Bool ct_port_is_of(const struct flow *f, __u32 endpoint)
{
	struct port *port = port_get(f->ifindex);

	return port && port->endpoint == endpoint;
}

/*
 * True if the external port of a namespace's flow was published since it began. The port's clients are the rule's; only
 * a TCP connection that its peer has accepted goes on. f: either direction.
 */
__noinline int ct_is_superseded(const struct flow *f, const struct conn *c)
{
	struct config *cfg = config_get();
	struct flow_key key;

	if (!f || !c || !cfg || !cfg->portmaps || c->portmap || !c->endpoint ||
	    (c->orig.proto == L4_TCP && ct_settled(conn_word(c).state)))
		return 0;
	if (f->dir == FLOW_REPLY) {
		key = nat_stored_key(&c->orig);
		f = bpf_map_lookup_elem(&flows, &key);
		if (!f)
			return 0;
	}
	key = nat_reply_key_of(f, c->orig.proto);
	return !(f->flags & FLOW_AS_IS) && portmap_takes_port(&key, c->endpoint, c->orig.sport_h);
}

/*
 * True if those whom the flow concerns still exist: who opened it, its port mapping, and the port that this
 * direction, or for a masqueraded flow the other one, leads to. And nobody else has its external port now.
 */
static __always_inline _Bool ct_still_valid(const struct flow *f, const struct conn *c)
{
	__u32 id = c->portmap;
	struct flow_key key;
	struct portmap *pm;

	if (!flow_opener_exists(c) || ct_is_superseded(f, c))
		return 0;
	if (id) {
		pm = bpf_map_lookup_elem(&portmaps, &id);
		return pm && (f->to != TO_PORT ||
			      ct_port_is_of(f, f->dir == FLOW_ORIGINAL ? pm->endpoint : c->endpoint));
	}
	if (!c->endpoint) /* the host's own flow */
		return 1;
	if (f->dir == FLOW_ORIGINAL) {
		key = nat_stored_reply_key(f, &c->orig);
		f = bpf_map_lookup_elem(&flows, &key);
	}
	return f && ct_port_is_of(f, c->endpoint);
}

/*
 * Keep a mapping alive with each of its flows, and in no lesser state. If it has yielded, keep others from its port.
 */
static __always_inline void ct_keep_mapping(const struct flow *f, const struct conn *c, union conn_word of_flow,
					    const struct config *cfg, __u32 now)
{
	struct flow_key key = nat_scope_key(&c->orig, KEY_EIM, 1);
	struct flow *m = bpf_map_lookup_elem(&flows, &key);
	struct conn *mapping = m ? conn_get(m->conn) : NULL;
	union conn_word w, kept;

	if (!mapping) {
		if (f->dir == FLOW_ORIGINAL && cfg->hold_down_s) {
			key = nat_reply_key_of(f, L4_UDP);
			key = nat_scope_key(&key, KEY_EIM, 0);
			hold_down_set(&key, c->endpoint, now, cfg);
		}
		return;
	}
	mapping->seen = now;
	w = kept = conn_word(mapping);
	kept.state = of_flow.state;
	kept.fin = of_flow.fin;
	if (w.state < kept.state && kept.state <= CONN_ASSURED && conn_live(w))
		conn_swap(mapping, w, kept);
}

/* True for a RST or FIN outside the window that its receiver has announced (RFC 5961, RFC 7857). */
static __always_inline _Bool ct_is_out_of_window(const struct flow *f, union conn_word w, const struct pkt *p)
{
	struct flow_key key;
	struct flow *other;

	if (!(p->tcp_flags & (TCP_RST | TCP_FIN)))
		return 0;
	if (w.state == CONN_SYN_SENT && f->dir == FLOW_ORIGINAL) /* nothing is announced yet */
		return 0;
	key = nat_reply_key_of(f, L4_TCP);
	other = bpf_map_lookup_elem(&flows, &key);
	/* also after a RST: one with a wrong checksum has no effect, and a correct one may follow */
	return other && !tcp_may_end(ct_opening(w.state) || w.state == CONN_RESET, p->seq, p->ack,
				     p->tcp_flags, other->edge, tcp_scale_of(w.scales, other->dir));
}

/* Window scales after a SYN: they change only during the handshake. */
static __always_inline __u8 ct_scales(union conn_word w, enum flow_dir dir, __u8 scale)
{
	return ct_opening(w.state) ? tcp_scales_with(w.scales, dir, scale) : w.scales;
}

/* The value of struct flow.checked as of now. */
static __always_inline __u32 ct_stamp(const struct config *cfg)
{
	return config_gen(cfg) + now_s();
}

/*
 * The part of ct_update() that writes the shared slot: at most once a second for each direction of a steady
 * flow. p may be NULL: only refresh. Returns 0 if the flow has expired or is no longer valid.
 */
__noinline int ct_update_slow(struct flow *f, struct pkt *p)
{
	struct config *cfg = config_get();
	union conn_word old, new;
	__u32 now, stamp;
	struct conn *c;

	if (!f || !cfg)
		return 0;
	now = now_s();
	stamp = config_gen(cfg) + now;
	c = conn_get(f->conn);
	if (!c)
		return 0;
	old = conn_word(c);
	if (!conn_live(old))
		return 0;
	if (conn_expired(c, old.state, cfg, now) ||
	    (f->checked != stamp && !ct_still_valid(f, c))) {
		flow_delete(f->conn, old.word);
		return 0;
	}
	if (p && ct_is_out_of_window(f, old, p)) { /* ignored by the state machine */
		p->out_of_window = 1;
		return 1;
	}
	new = old;
	new.state = ct_next(old.state, c->orig.proto, f->dir, p ? p->tcp_flags : 0, now, &new.fin);
	if (p && p->tcp_flags & TCP_SYN)
		new.scales = ct_scales(new, f->dir, p->scale);
	if (new.word != old.word)
		conn_swap(c, old, new);
	f->flags = (f->flags & (FLOW_ANY_PEER | FLOW_AS_IS)) | (ct_steady(new.state, f->dir) ? FLOW_STEADY : 0);
	f->checked = stamp;
	if (p && p->edge && (!(p->tcp_flags & TCP_SYN) || ct_opening(new.state)))
		f->edge = p->edge;
	/* packets of a closing connection do not prolong it */
	if (new.state != old.state || (new.state != CONN_CLOSING && new.state != CONN_RESET))
		c->seen = now;
	if (usage_is_further_peer(c))
		ct_keep_mapping(f, c, new, cfg, now);
	return 1;
}

/* Update the flow of a packet from .tcp_flags, .seq, .ack and .edge. False if the flow has expired. */
static __always_inline _Bool ct_update(struct flow *f, struct pkt *p, const struct config *cfg)
{
	if (!(f->flags & FLOW_STEADY) || f->checked != ct_stamp(cfg) || p->tcp_flags & (TCP_FIN | TCP_SYN | TCP_RST))
		return ct_update_slow(f, p);
	if (p->edge && f->edge != p->edge) /* rarely a cache line that another CPU uses */
		f->edge = p->edge;
	return 1;
}

/* The flow of a packet, updated; NULL: none. */
static __always_inline struct flow *ct_find(struct pkt *p, const struct config *cfg)
{
	struct flow *f = ct_lookup(&p->key);

	return f && ct_update(f, p, cfg) ? f : NULL;
}

/* The mapping of a namespace's UDP socket, refreshed; NULL: none. key: of a packet that it sends. */
static __always_inline struct flow *ct_mapping(const struct flow_key *key)
{
	struct flow_key k = nat_scope_key(key, KEY_EIM, 1);
	struct flow *f = bpf_map_lookup_elem(&flows, &k);

	return f && ct_update_slow(f, NULL) ? f : NULL;
}

/* True if the flow has not expired. Changes nothing. */
static __always_inline _Bool ct_is_unexpired(const struct flow *f, const struct config *cfg)
{
	struct conn *c = conn_get(f->conn);
	union conn_word w;

	if (!c)
		return 0;
	w = conn_word(c);
	return conn_live(w) && !conn_expired(c, w.state, cfg, now_s());
}

/* True if the flow has neither expired nor lost its owner. Changes nothing. */
static __always_inline _Bool ct_is_live(const struct flow *f, const struct config *cfg)
{
	struct conn *c = conn_get(f->conn);

	return c && ct_is_unexpired(f, cfg) && (f->checked == ct_stamp(cfg) || ct_still_valid(f, c));
}

/* The live flow of a tuple, neither refreshed nor ended, as an ICMP error requires (RFC 5508 REQ-6). */
static __always_inline struct flow *ct_lookup_live(const struct flow_key *key, const struct config *cfg)
{
	struct flow *f = ct_lookup(key);

	return f && ct_is_live(f, cfg) ? f : NULL;
}

/* The opposite direction of a flow; NULL: it has just ended. */
static __always_inline struct flow *flow_opposite(const struct flow *f)
{
	struct conn *c = conn_get(f->conn);
	struct flow_key key;

	if (!c)
		return NULL;
	key = f->dir == FLOW_REPLY ? nat_stored_key(&c->orig) : nat_stored_reply_key(f, &c->orig);
	return bpf_map_lookup_elem(&flows, &key);
}

/* Delete the flow that f is a direction of, unless its slot has changed hands. */
static __always_inline void ct_delete(const struct flow *f)
{
	__u32 slot = f->conn;
	struct conn *c = conn_get(slot);
	union conn_word w;

	if (!c)
		return;
	w = conn_word(c);
	if (conn_live(w))
		flow_delete(slot, w.word);
}

/* Delete it, and let another endpoint have its external port. */
static __always_inline void ct_leave_to(const struct flow *f, __u32 endpoint, const struct config *cfg)
{
	struct unlink_keys *deleted = unlink_keys_get();

	ct_delete(f);
	if (deleted)
		hold_down_set(&deleted->reply, endpoint, now_s(), cfg);
}

#endif
