/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Look up the flow of a tuple. Read-only, for TC and XDP hooks. */
#ifndef EBPFNET_BPF_CT_CT_LOOKUP_H
#define EBPFNET_BPF_CT_CT_LOOKUP_H

#include <ebpfnet/core/nat.h>
#include "kern/lookup.h"

/* The key of the UDP mapping that a packet may belong to. Returns 0. Not inlined: the verifier checks it once. */
__noinline int ct_mapping_key(const struct flow_key *key, struct flow_key *out)
{
	if (key && out)
		*out = nat_scope_key(key, KEY_EIM, key->zone != EBPFNET_ZONE_OUTSIDE);
	return 0;
}

/*
 * For a packet whose peer is not the first one of its mapping: the entry that admits it. Further peers have entries of
 * their own; for one that is not known config.filtering decides. k: the mapping's key, becomes that of the entry.
 * False: there is none.
 */
__noinline int ct_further_key(const struct flow_key *key, struct flow_key *k)
{
	struct config *cfg = config_get();
	struct flow_key own, of_mapping; /* to Linux 6.1's verifier an argument is no key of a map */
	struct flow *mapping;

	if (!key || !k || !cfg)
		return 0;
	own = *key;
	of_mapping = *k;
	if (bpf_map_lookup_elem(&flows, &own)) {
		*k = own;
		return 1;
	}
	mapping = bpf_map_lookup_elem(&flows, &of_mapping);
	if (!mapping || cfg->filtering == FILTER_PORT)
		return 0;
	if (cfg->filtering != FILTER_ENDPOINT && !nat_is_first_address(mapping, &own))
		*k = nat_scope_key(&own, KEY_ADF, own.zone != EBPFNET_ZONE_OUTSIDE);
	return 1;
}

/* UDP: the mapping's entry has the first peer, and serves most packets with one look-up. */
static __noinline struct flow *ct_lookup_udp(const struct flow_key *key)
{
	struct flow_key k = {}; /* Linux 6.1 gives a function no memory that is not initialized */
	struct flow *mapping;

	if (!key)
		return NULL;
	ct_mapping_key(key, &k);
	mapping = bpf_map_lookup_elem(&flows, &k);
	if (mapping && nat_is_first_peer(mapping, key))
		return mapping;
	return ct_further_key(key, &k) ? bpf_map_lookup_elem(&flows, &k) : NULL;
}

/* The entry of a packet's tuple; NULL: none. Its flow may have expired. */
static __always_inline struct flow *ct_lookup(const struct flow_key *key)
{
	if (key->proto == L4_UDP && key->zone < EBPFNET_ZONE_FORWARDED)
		return ct_lookup_udp(key);
	return bpf_map_lookup_elem(&flows, key);
}

#endif
