/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The forwarding database of a learning switch (IEEE 802.1D-2004 section 7.8, 7.9): MAC address to port.
 *
 * Addresses of endpoints and gateways are static, in map fdb. Source addresses behind ports with spoof=allow
 * are learned, in map fdb_learned: an entry moves when the address appears at another port, and expires
 * config.fdb_age_s after its last frame.
 */
#ifndef EBPFNET_BPF_L2_FDB_H
#define EBPFNET_BPF_L2_FDB_H

#include "kern/lookup.h"

static __always_inline struct fdb_key fdb_key_of(__u16 net, const __u8 *mac)
{
	struct fdb_key key = { .net = net };

	mac_copy(key.mac, mac);
	return key;
}

/* The entry of a MAC address; NULL: unknown or expired. */
static __always_inline struct fdb_entry *fdb_find(__u16 net, const __u8 *mac)
{
	struct fdb_key key = fdb_key_of(net, mac);
	struct fdb_entry *e = bpf_map_lookup_elem(&fdb, &key);
	struct config *cfg;

	if (e)
		return e;
	e = bpf_map_lookup_elem(&fdb_learned, &key);
	cfg = config_get();
	if (!e || !cfg || now_s() - e->seen > cfg->fdb_age_s)
		return NULL;
	return e;
}

/* Learn that mac is behind a port. Static addresses stay as they are. */
static __always_inline void fdb_learn(__u16 net, const __u8 *mac, __u32 ifindex)
{
	struct fdb_key key = fdb_key_of(net, mac);
	struct fdb_entry *e, fresh = { .ifindex = ifindex, .seen = now_s(), .kind = FDB_LEARNED };

	if (bpf_map_lookup_elem(&fdb, &key))
		return;
	e = bpf_map_lookup_elem(&fdb_learned, &key);
	if (!e) {
		if (!bpf_map_update_elem(&fdb_learned, &key, &fresh, BPF_ANY))
			count(COUNT_fdb_learned);
		return;
	}
	if (e->ifindex != ifindex) {
		e->ifindex = ifindex;
		count(COUNT_fdb_moved);
	}
	/* at most once a second: CPUs that look the entry up share its cache line */
	if (e->seen != fresh.seen)
		e->seen = fresh.seen;
}

#endif
