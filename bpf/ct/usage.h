/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Accounts: the one that pays for a flow, and the part of the flow table that each uses (docs/dev/capacity.md). */
#ifndef EBPFNET_BPF_CT_USAGE_H
#define EBPFNET_BPF_CT_USAGE_H

#include <ebpfnet/core/ct_share.h>
#include <ebpfnet/core/nat.h>
#include "kern/lookup.h"

/* The account of a flow: who opened it. 0: the host, which has no limit. */
static __always_inline __u32 usage_account(const struct flow_key *orig, __u32 endpoint, __u32 portmap)
{
	if (orig->zone == EBPFNET_ZONE_HOST)
		return 0;
	if (orig->zone == EBPFNET_ZONE_FORWARDED)
		return ACCOUNT_FORWARDED;
	return orig->zone == EBPFNET_ZONE_OUTSIDE ? ACCOUNT_PORTMAP | portmap : endpoint;
}

static __always_inline struct usage *usage_get(__u32 account)
{
	return account ? bpf_map_lookup_elem(&usage, &account) : NULL;
}

/* The bucket of an address outside in map outside_peers. */
static __always_inline __u32 outside_peer_bucket(struct ipaddr peer)
{
	return address_hash(peer, EBPFNET_ZONE_OUTSIDE) % OUTSIDE_PEERS;
}

static __always_inline struct outside_peer *outside_peer_get(__u32 bucket)
{
	return bpf_map_lookup_elem(&outside_peers, &bucket);
}

/* A mapping's flow to a further peer: it shares the mapping's external port. */
static __always_inline _Bool usage_is_further_peer(const struct conn *c)
{
	return c->orig.proto == L4_UDP && !c->portmap && c->endpoint && c->orig.scope != KEY_EIM;
}

/* Count the external port of a namespace's flow. */
static __always_inline void usage_add_port(const struct conn *c, struct usage *u, struct conn_alloc *a, __s32 ports)
{
	if (u)
		__sync_fetch_and_add(&u->ports, ports);
	if (c->orig.proto != L4_UDP || !c->endpoint)
		return;
	__sync_fetch_and_add(&a->udp_ports, ports);
	if (u)
		__sync_fetch_and_add(&u->udp_ports, ports);
}

/* Count a flow that begins (1) or ends (-1): in total, for its account, for its external port. */
static __always_inline void usage_add(const struct conn *c, __u16 external_h, __s32 flows)
{
	struct usage *u = usage_get(usage_account(&c->orig, c->endpoint, c->portmap));
	_Bool opened = c->orig.zone == EBPFNET_ZONE_OUTSIDE;
	struct conn_alloc *a = conn_alloc_get();
	__u32 port_h = external_h, *n;
	struct outside_peer *peer;

	peer = outside_peer_get(outside_peer_bucket(opened ? c->orig.src : c->orig.dst));
	if (!a || !peer)
		return;
	__sync_fetch_and_add(&a->live, flows);
	if (u)
		__sync_fetch_and_add(&u->flows, flows);
	__sync_fetch_and_add(&peer->flows, flows);
	if (opened)
		__sync_fetch_and_add(&peer->opened, flows);
	if (c->portmap)
		return;
	if (c->orig.proto == L4_TCP) {
		n = bpf_map_lookup_elem(&tcp_ports_in_use, &port_h);
		if (n)
			__sync_fetch_and_add(n, flows);
	}
	if (!usage_is_further_peer(c))
		usage_add_port(c, u, a, flows);
}

#endif
