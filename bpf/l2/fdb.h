/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The forwarding database of a learning switch (IEEE 802.1D-2004 section 7.8, 7.9): which port
 * leads to a MAC address.
 *
 * Addresses of endpoints and gateways are static, in map fdb. What ports with spoof=allow send
 * from is learned, in map fdb_learned: it moves at once when the address shows up elsewhere,
 * and is dead config.fdb_age_s after its last frame.
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

/* The entry of a MAC address, or NULL: unknown, or too old. */
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

/* Notes that a frame from mac came in by a port. A static address is not learned. */
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
	/* once a second at most: the line is shared by every CPU that looks it up */
	if (e->seen != fresh.seen)
		e->seen = fresh.seen;
}

#endif
