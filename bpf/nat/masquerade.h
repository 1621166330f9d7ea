/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Specify a new flow from a namespace to the outside: its source becomes the uplink's address, or stays as it is. */
#ifndef EBPFNET_BPF_NAT_MASQUERADE_H
#define EBPFNET_BPF_NAT_MASQUERADE_H

#include "ct/ct_create.h"
#include "ct/ct_update.h"
#include "l3/route_cache.h"

/*
 * UDP mappings are endpoint-independent (RFC 4787 REQ-1): all that a socket sends leaves from one external
 * port. The mapping is the flow to the first peer; further peers get flows of their own.
 */
static __always_inline void masquerade_map(struct ct_new *n, const struct flow_key *key,
					   const struct config *cfg)
{
	struct flow *mapping = ct_mapping(key);

	if (mapping && !addr_eq(mapping->src, n->t.src)) { /* the uplink's address has changed */
		ct_delete(mapping);
		mapping = NULL;
	}
	if (!mapping || nat_is_first_peer(mapping, key)) { /* or another CPU has just created it */
		n->scope = KEY_EIM;
		return;
	}
	n->scope = cfg->filtering == FILTER_ADDRESS ? KEY_ADF : KEY_APDF;
	n->t.sport_h = mapping->sport_h;
	n->mapped = 1;
}

/* The way of a namespace's flow: out by an uplink, and back to its port. */
static __always_inline void masquerade_way(struct ct_new *n, __u32 uplink, __u32 port, __u32 endpoint)
{
	n->to = TO_UPLINK;
	n->to_ifindex = uplink;
	n->back_to = TO_PORT;
	n->back_ifindex = port;
	n->answer_zone = EBPFNET_ZONE_OUTSIDE;
	n->endpoint = endpoint;
}

/* True if the source stays as it is (`network add --no-masquerade`). */
static __always_inline _Bool masquerade_not(const struct network *net, const struct pkt *p)
{
	return net->flags & NETWORK_HAS_UNMASQUERADED && address_is_unmasqueraded(p->key.zone, &p->key.dst);
}

/*
 * The specification, of ct_new_init(), or DROP(reason). p->key.zone is the network. route: by which the packet leaves.
 * port_ifindex: of the port that it came from.
 */
__noinline verdict_t masquerade_new(const struct pkt *p, const struct route *route, __u32 port_ifindex)
{
	struct network *net = p ? network_get(p->key.zone) : NULL;
	struct port *port = port_get(port_ifindex);
	struct config *cfg = config_get();
	struct ct_new *n;
	_Bool as_is;

	if (!p || !route || !cfg || !net || !port)
		return DROP(helper_failed);
	if (net->flags & NETWORK_INTERNAL)
		return DROP(isolated);
	if (p->kind == PKT_FRAG)
		return DROP(frag_no_first);
	if (!pkt_has_tuple(p))
		return DROP(bad_protocol);
	if (!ct_may_create(p->key.proto, p->tcp_flags) || (p->kind == PKT_QUERY && !icmp_is_request(p->icmp_type)))
		return DROP(no_flow);
	if (!addr_inside(p->key.src, net->subnet, net->mask))
		return DROP(spoofed_addr);
	as_is = masquerade_not(net, p);
	/* on an uplink without an address the kernel chooses any other, even the gateway's */
	if (!as_is && (addr_none(route->src) || address_is_private(&route->src)))
		return DROP(no_source);
	n = ct_new_init(p);
	if (!n)
		return DROP(helper_failed);
	n->t = (struct nat_tuple){
		.src = as_is ? p->key.src : route->src,
		.dst = p->key.dst,
		.sport_h = p->key.sport_h,
		.dport_h = p->key.dport_h,
	};
	masquerade_way(n, route->ifindex, port_ifindex, port->endpoint);
	n->mapped = p->kind == PKT_OTHER; /* without ports: one flow for each outside address */
	n->as_is = as_is;
	if (p->key.proto == L4_UDP && !as_is)
		masquerade_map(n, &p->key, cfg);
	return FWD_NEXT;
}

#endif
