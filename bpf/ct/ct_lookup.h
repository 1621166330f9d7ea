/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The flow table asked by a packet's tuple: look-ups that change nothing, for hooks of any kind. */
#ifndef EBPFNET_BPF_CT_CT_LOOKUP_H
#define EBPFNET_BPF_CT_CT_LOOKUP_H

#include <ebpfnet/core/nat.h>
#include "kern/lookup.h"

/*
 * UDP: the mapping's entry has the first peer, and serves most packets with one look-up. A further
 * peer has an entry of its own; which of them a packet of nobody's needs, the filtering says.
 */
static __noinline struct flow *ct_lookup_udp(const struct flow_key *key)
{
	_Bool inside = key && key->zone != EBPFNET_ZONE_OUTSIDE;
	struct config *cfg = config_get();
	struct flow *mapping, *f;
	struct flow_key k;

	if (!key || !cfg)
		return NULL;
	k = nat_scope_key(*key, KEY_EIM, inside);
	mapping = bpf_map_lookup_elem(&flows, &k);
	if (mapping && nat_is_first_peer(mapping, key))
		return mapping;
	f = bpf_map_lookup_elem(&flows, key);
	if (f || !mapping || cfg->filtering == FILTER_PORT)
		return f;
	if (cfg->filtering == FILTER_ENDPOINT || nat_is_first_address(mapping, key))
		return mapping;
	k = nat_scope_key(*key, KEY_ADF, inside);
	return bpf_map_lookup_elem(&flows, &k);
}

/* The entry for a packet, whatever has become of its flow. */
static __always_inline struct flow *ct_lookup(const struct flow_key *key)
{
	if (key->proto == L4_UDP && key->zone != EBPFNET_ZONE_HOST)
		return ct_lookup_udp(key);
	return bpf_map_lookup_elem(&flows, key);
}

#endif
