/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Look up the flow of a tuple. Read-only, for TC and XDP hooks. */
#ifndef EBPFNET_BPF_CT_CT_LOOKUP_H
#define EBPFNET_BPF_CT_CT_LOOKUP_H

#include <ebpfnet/core/nat.h>
#include "kern/lookup.h"

/* Reduce a packet's key to a scope. Returns 0. Not inlined: the verifier checks it once, not for each look-up. */
__noinline int ct_scope_key(const struct flow_key *key, enum key_scope scope, struct flow_key *out)
{
	if (key && out)
		*out = nat_scope_key(key, scope, key->zone != EBPFNET_ZONE_OUTSIDE);
	return 0;
}

/*
 * UDP: the mapping's entry holds the first peer and serves most packets with one look-up. Further peers have
 * entries of their own. For a packet of no known peer config.filtering decides which entry admits it.
 */
static __noinline struct flow *ct_lookup_udp(const struct flow_key *key)
{
	struct flow_key k = {}; /* Linux 6.1 gives a function no memory that is not initialized */
	struct config *cfg = config_get();
	struct flow *mapping, *f;

	if (!key || !cfg)
		return NULL;
	ct_scope_key(key, KEY_EIM, &k);
	mapping = bpf_map_lookup_elem(&flows, &k);
	if (mapping && nat_is_first_peer(mapping, key))
		return mapping;
	f = bpf_map_lookup_elem(&flows, key);
	if (f || !mapping || cfg->filtering == FILTER_PORT)
		return f;
	if (cfg->filtering == FILTER_ENDPOINT || nat_is_first_address(mapping, key))
		return mapping;
	ct_scope_key(key, KEY_ADF, &k);
	return bpf_map_lookup_elem(&flows, &k);
}

/* The entry of a packet's tuple; NULL: none. Its flow may have expired. */
static __always_inline struct flow *ct_lookup(const struct flow_key *key)
{
	if (key->proto == L4_UDP && key->zone < EBPFNET_ZONE_FORWARDED)
		return ct_lookup_udp(key);
	return bpf_map_lookup_elem(&flows, key);
}

#endif
