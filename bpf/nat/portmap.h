/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Published ports: from (address, protocol, port) to a port mapping, and to the flow that it creates. */
#ifndef EBPFNET_BPF_NAT_PORTMAP_H
#define EBPFNET_BPF_NAT_PORTMAP_H

#include "ct/ct_create.h"
#include "ct/ct_host.h"
#include "ct/ct_update.h"
#include "l3/route.h"
#include "l3/route_cache.h"
#include "nat/decision.h"

/* The port mapping of a key, and its id. */
static __always_inline struct portmap *portmap_get(const struct portmap_key *key, __u32 *id)
{
	__u32 *found = bpf_map_lookup_elem(&portmap_keys, key);

	if (!found)
		return NULL;
	*id = *found;
	return bpf_map_lookup_elem(&portmaps, id);
}

/* 127/8 without its broadcast address: published for what the host sends over lo, and for nobody else. */
static __always_inline _Bool portmap_is_loopback(const struct flow_key *to)
{
	return to->zone == EBPFNET_ZONE_HOST && addr_be32(to->dst) != __builtin_bswap32(0x7fffffff);
}

/* True if the destination is local. If the FIB look-up is refused, packets from an uplink or lo count as local. */
static __always_inline _Bool portmap_is_to_host(ctx_t *ctx, const struct flow_key *to)
{
	enum route_kind kind;

	if (addr_loopback(to->dst))
		return portmap_is_loopback(to);
	kind = route_local_unicast(ctx, to->dst);
	return kind == ROUTE_LOCAL ||
	       (kind == ROUTE_DISABLED && (to->zone == EBPFNET_ZONE_OUTSIDE || to->zone == EBPFNET_ZONE_HOST));
}

/* The port mapping for a destination: of that address, else of every address of the host. */
static __always_inline struct portmap *portmap_find(ctx_t *ctx, const struct flow_key *to, __u32 *id)
{
	struct portmap_key key = { .addr = to->dst, .port_h = to->dport_h, .proto = to->proto };
	struct portmap *pm = portmap_get(&key, id);

	if (!pm) {
		key.addr = addr_of(0);
		pm = portmap_get(&key, id);
	}
	return pm && portmap_is_to_host(ctx, to) ? pm : NULL;
}

/*
 * True if a socket of the host keeps a loopback address, where nobody but the host calls, from a port that is published
 * on all addresses: a resolver on 127.0.0.53, or a client that has that port and waits for an answer.
 */
static __always_inline _Bool portmap_yields(ctx_t *ctx, const struct flow_key *to, const struct portmap *portmap)
{
	return addr_loopback(to->dst) && addr_none(portmap->addr) && socket_of_host(ctx, to) != SOCKET_NONE;
}

/*
 * The port mapping for a packet without a flow. NULL: not published, or the packet belongs to a connection with that
 * port which is older than the mapping, of the host or of one that it translates for. A socket without a peer does not
 * count: publishing takes precedence.
 */
static __noinline struct portmap *portmap_match(ctx_t *ctx, const struct pkt *p, const struct config *cfg, __u32 *id)
{
	struct portmap *portmap;

	if (!cfg || !p || !id || !cfg->portmaps || p->kind != PKT_PORTS ||
	    !portmap_port_published(p->key.proto, p->key.dport_h))
		return NULL;
	portmap = portmap_find(ctx, &p->key, id);
	if (!portmap || host_converses(ctx, &p->key, CONNTRACK_ANSWERED) || portmap_yields(ctx, &p->key, portmap))
		return NULL;
	return portmap;
}

/*
 * Source as the namespace sees it: the packet's own or, for a hairpin, what the outside would see: the
 * published address, and the external port of the sender's mapping if it has one.
 */
static __always_inline void portmap_source(struct ct_new *n, const struct flow_key *key, const struct network *from)
{
	struct flow *mapping = from && key->proto == L4_UDP ? ct_mapping(key) : NULL;

	n->t.src = from ? key->dst : key->src;
	n->t.sport_h = mapping ? mapping->sport_h : key->sport_h;
}

/* The same for the host's own packet: a loopback address becomes the one that the host has in the network. */
static __always_inline void portmap_source_of_host(struct ct_new *n, const struct flow_key *key,
						   const struct portmap *portmap)
{
	struct network *net = network_get(portmap->net);

	n->t.src = key->src;
	n->t.sport_h = key->sport_h;
	if (net && addr_loopback(key->src)) {
		n->t.src = net->gateway;
		n->as_host = 1;
	}
}

/* Specify a new flow to a published port. */
static __always_inline verdict_t portmap_new_flow(ctx_t *ctx, const struct pkt *p, const struct decision *d)
{
	const struct portmap *portmap = d->portmap;
	struct endpoint *to;
	struct ct_new *n;

	if (!ct_may_create(p->key.proto, p->tcp_flags))
		return DROP(no_flow);
	if (d->net && networks_are_apart(p->key.zone, portmap->net))
		return DROP(isolated);
	to = endpoint_get(portmap->net, portmap->to);
	if (!to || to->id != portmap->endpoint)
		return DROP(no_endpoint);
	n = ct_new_init(p);
	if (!n)
		return DROP(helper_failed);
	if (d->back_to == TO_LOCAL)
		portmap_source_of_host(n, &p->key, portmap);
	else
		portmap_source(n, &p->key, d->net);
	n->t.dst = portmap->to;
	n->t.dport_h = portmap->to_first_h + (p->key.dport_h - portmap->first_h);
	n->to = TO_PORT;
	n->to_ifindex = to->ifindex;
	n->back_to = d->back_to;
	n->back_ifindex = ctx->ifindex;
	n->answer_zone = portmap->net;
	n->portmap = d->resolved->portmap;
	n->endpoint = d->port ? d->port->endpoint : 0; /* 0: outside, or the host */
	n->hairpin = d->from == FROM_PORT;
	return FWD_NEXT;
}

#endif
