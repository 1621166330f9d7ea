/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The host's own users of an external port: its sockets, and what its own NAT translates for others (containers of
 * another network, virtual machines). Asked when a flow begins, or when a packet of no flow arrives; key: that of a
 * packet from outside.
 */
#ifndef EBPFNET_BPF_CT_CT_HOST_H
#define EBPFNET_BPF_CT_CT_HOST_H

#include "kern/conntrack.h"
#include "kern/socket.h"
#include "ct/ct_update.h"

/* True if the host would receive the packet, or its NAT has a conversation with that peer. */
static __always_inline _Bool host_has(ctx_t *ctx, const struct flow_key *key)
{
	return socket_of_host(ctx, key) != SOCKET_NONE || conntrack_of_host(ctx, key) != CONNTRACK_NONE;
}

/* True if the host has a flow to that peer which leaves by another port (nat/from_host.h): answers arrive there. */
__noinline int host_has_moved(const struct flow_key *key)
{
	struct config *cfg = config_get();
	struct flow_key own;
	struct flow *f;

	if (!key || !cfg)
		return 0;
	own = nat_key_reversed(key, EBPFNET_ZONE_HOST);
	f = bpf_map_lookup_elem(&flows, &own);
	if (!f) {
		own.zone = EBPFNET_ZONE_FORWARDED;
		f = bpf_map_lookup_elem(&flows, &own);
	}
	return f && ct_is_unexpired(f, cfg);
}

/* True if the packet belongs to a conversation that uses this very port: at_least says how much of one. */
static __always_inline _Bool host_converses(ctx_t *ctx, const struct flow_key *key, enum conntrack at_least)
{
	return (socket_of_host(ctx, key) == SOCKET_CONNECTED || conntrack_of_host(ctx, key) >= at_least) &&
	       !host_has_moved(key);
}

#endif
