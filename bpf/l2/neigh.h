/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* IPv4 to MAC address behind ports with spoof=allow, learned from packets to the gateway. */
#ifndef EBPFNET_BPF_L2_NEIGH_H
#define EBPFNET_BPF_L2_NEIGH_H

#include <ebpfnet/core/addr.h>
#include "kern/maps.h"

/* Learn which MAC address a routed packet came from. */
static __always_inline void neigh_learn(__u16 net, struct ipaddr addr, const __u8 *mac)
{
	struct endpoint_key key = { .addr = addr, .net = net };
	struct neigh_entry *s = bpf_map_lookup_elem(&neigh, &key), fresh = {};

	if (s && mac_eq(s->mac, mac))
		return;
	mac_copy(fresh.mac, mac);
	bpf_map_update_elem(&neigh, &key, &fresh, BPF_ANY);
}

/* Destination MAC for an address behind a port: the learned one, else the port's own. */
static __always_inline const __u8 *neigh_mac(const struct port *port, struct ipaddr addr)
{
	struct endpoint_key key = { .addr = addr, .net = port->net };
	struct neigh_entry *s = NULL;

	if (port->flags & PORT_SPOOF_ALLOW)
		s = bpf_map_lookup_elem(&neigh, &key);
	return s ? s->mac : port->mac;
}

#endif
