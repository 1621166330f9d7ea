/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of flows, by a packet's tuple: what it becomes, and which way it goes. Good until the configuration changes
 * (config.gen), the flow's slot (struct conn: it ends, or closes), for a way out the routing table, for one
 * in the device (route_clock.h); and no longer than a tick, so that a flow is seen to be alive.
 */
#ifndef EBPFNET_BPF_FLOW_NOTE_H
#define EBPFNET_BPF_FLOW_NOTE_H

#include "ct.h"
#include "note.h"
#include "port_memo.h"
#include "route_clock.h"

struct flow_note {
	/* of which packets */
	__u32 ifindex;			/* the device they come by */
	__be32 src, dst;
	__be32 ports;			/* source and destination port, as they lie in the packet */
	enum l4proto proto;
	__u8 dscp;			/* the TOS byte without what is congestion's */
	__u16 mtu;			/* UPLINK: what is larger does not go this way */
	/* how long */
	__u32 tick;			/* the one it was made in; 0: not yet, such a packet came by once */
	__u32 gen;			/* config.gen */
	__u32 clock;			/* route_clock(): for a way out as routes go, for one in as devices */
	__u32 slot, word;		/* index in map conns, and union conn_word there */
	__u32 edge;			/* TCP: the flow's (tcp_window.h) */
	/* what becomes of them */
	__be32 to_src, to_dst, to_ports;
	__u32 to_ifindex;
	__be32 nexthop;			/* UPLINK */
	__u16 to_mac[6];		/* DELIVER: destination and source */
	__u8 verdict;			/* UPLINK or DELIVER */
	__u8 count;			/* enum counter */
	__u8 scale;			/* of .edge */
	__u8 zero;
};

#define FLOW_NOTES_BITS 11

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << FLOW_NOTES_BITS);
	__type(key, __u32);
	__type(value, struct flow_note);
} flow_notes SEC(".maps");

/* The place for the note of a packet. ports: as they lie in it. */
static __always_inline struct flow_note *flow_note_at(__be32 src, __be32 dst, __be32 ports)
{
	__u32 at = note_place((src * 31 + dst) * 31 + ports, FLOW_NOTES_BITS);

	return bpf_map_lookup_elem(&flow_notes, &at);
}

/* Whether it is of such a packet, good or not. */
static __always_inline _Bool flow_note_is_of(const struct flow_note *n, __be32 src, __be32 dst, __be32 ports,
					     enum l4proto proto, __u8 dscp, __u32 ifindex)
{
	return !((n->src ^ src) | (n->dst ^ dst) | (n->ports ^ ports) | (n->ifindex ^ ifindex) |
		 (n->proto ^ proto) | (n->dscp ^ dscp));
}

/* The time, in parts of a second: 16 or 1.6, as the kernel was built (CONFIG_HZ). Never 0. */
static __always_inline __u32 note_tick(void)
{
	return bpf_jiffies64() >> 6 | 1u << 31;
}

/* Both ports as they lie in a packet. */
static __always_inline __be32 ports_of(__u16 sport_h, __u16 dport_h)
{
	union {
		__be16 port[2];
		__be32 both;
	} u = { .port = { __builtin_bswap16(sport_h), __builtin_bswap16(dport_h) } };

	return u.both;
}

/* A place for packets like p, if it is theirs already: a short connection is not worth a note. NULL: not yet. */
static __always_inline struct flow_note *flow_note_claim(const struct pkt *p, __u32 ifindex)
{
	__be32 src = addr_be32(p->key.src), dst = addr_be32(p->key.dst);
	__be32 ports = ports_of(p->key.sport_h, p->key.dport_h);
	struct flow_note *n = flow_note_at(src, dst, ports);
	__u8 dscp = p->tos & IP_DSCP;

	if (!n || flow_note_is_of(n, src, dst, ports, p->key.proto, dscp, ifindex))
		return n;
	if (n->tick == note_tick()) /* what is in use keeps its place */
		return NULL;
	n->ifindex = ifindex;
	n->src = src;
	n->dst = dst;
	n->ports = ports;
	n->proto = p->key.proto;
	n->dscp = dscp;
	n->tick = 0;
	return NULL;
}

/* The way: into a namespace, or out as long as the routing table says so. False: it may be another next time. */
static __always_inline _Bool flow_note_way(ctx_t *ctx, struct flow_note *n, const struct flow *f,
					   const struct way *way, verdict_t v)
{
	struct port_memo *memo;
	struct network *net;
	_Bool timed;

	n->verdict = v;
	n->count = way->count;
	n->to_ifindex = way->ifindex;
	n->nexthop = way->nexthop;
	n->mtu = way->mtu;
	timed = route_clock(ctx, &n->clock);
	if (v == UPLINK)
		return timed;
	memo = port_remember(&ports_to, f->ifindex);
	net = memo ? network_get(memo->port.net) : NULL;
	if (!net || memo->port.flags & PORT_SPOOF_ALLOW)
		return 0;
	mac_copy((__u8 *)n->to_mac, memo->port.mac);
	mac_copy((__u8 *)n->to_mac + 6, net->gw_mac);
	return 1;
}

/* Notes how a packet of a steady flow went. v: UPLINK or DELIVER. Returns 0. */
__noinline int flow_note_make(ctx_t *ctx, const struct pkt *p, const struct flow *f, const struct way *way,
			      verdict_t v)
{
	struct config *cfg = config_get();
	struct flow_note *n;
	struct nat_tuple to;
	union conn_word w;
	struct conn *c;

	if (!p || !f || !way || !cfg || !(f->flags & FLOW_STEADY) || p->kind != PKT_PORTS)
		return 0;
	n = flow_note_claim(p, ctx->ifindex);
	c = conn_get(f->conn);
	if (!n || !c)
		return 0;
	n->tick = 0;
	w = conn_word(c);
	if (!ct_steady(w.state, f->dir) || !flow_note_way(ctx, n, f, way, v))
		return 0;
	to = nat_translate(f, &p->key);
	n->gen = cfg->gen;
	n->slot = f->conn;
	n->word = w.word;
	n->edge = f->edge;
	n->scale = tcp_scale_of(w.scales, f->dir);
	n->to_src = addr_be32(to.src);
	n->to_dst = addr_be32(to.dst);
	n->to_ports = ports_of(to.sport_h, to.dport_h);
	n->tick = note_tick();
	return 0;
}

#endif
