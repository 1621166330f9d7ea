/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Look-ups that most stages make, and counting. The pointers point into maps and stay valid for the run of the
 * program; NULL means no such entry (config and conn_alloc have one from the start, but the verifier wants a
 * check).
 */
#ifndef EBPFNET_BPF_KERN_LOOKUP_H
#define EBPFNET_BPF_KERN_LOOKUP_H

#include <ebpfnet/core/addr.h>
#include "kern/maps.h"

/* Add 1 to a counter of this CPU. Passes and drops: see kern/forward.h; events: where they happen. */
static __always_inline void count(enum counter c)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&counters, &zero), at = (__u32)c;

	/* the bound is for the verifier: c may come from a drop code */
	if (value && !OUTSIDE(at, 0, COUNTERS - 1))
		value[at]++;
}

static __always_inline struct config *config_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&config, &zero);
}

/* Generation of the configuration, raised after each change: read it before what is cached under it. */
static __always_inline __u32 config_gen(const struct config *cfg)
{
	return *(const volatile __u32 *)&cfg->gen;
}

static __always_inline struct conn_alloc *conn_alloc_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&conn_alloc, &zero);
}

/* By network id. Ids that are not in use have an entry, too, with gw_ifindex 0. */
static __always_inline struct network *network_get(__u32 net)
{
	return bpf_map_lookup_elem(&networks, &net);
}

static __always_inline struct port *port_get(__u32 ifindex)
{
	return bpf_map_lookup_elem(&ports, &ifindex);
}

/* The owner of an IPv4 address in a network: a namespace, or the gateway (ifindex 0). */
static __always_inline struct endpoint *endpoint_get(__u16 net, struct ipaddr addr)
{
	struct endpoint_key key = { .addr = addr, .net = net };

	return bpf_map_lookup_elem(&endpoints, &key);
}

/* True if a TCP or UDP port is published on some address. Host byte order. */
static __always_inline _Bool portmap_port_published(enum l4proto proto, __u16 port_h)
{
	__u32 at = ebpfnet_portmap_word(proto, port_h);
	__u64 *word = bpf_map_lookup_elem(&portmap_bits, &at);

	return word && *word >> port_h % 64 & 1;
}

/* True if the port is published, unless it leads to that very port of the endpoint: its server calls out from it. */
static __always_inline _Bool portmap_is_of_other(const struct portmap_key *key, __u32 endpoint, __u16 inside_h)
{
	__u32 *id = bpf_map_lookup_elem(&portmap_keys, key);
	struct portmap *pm = id ? bpf_map_lookup_elem(&portmaps, id) : NULL;

	return pm && (pm->endpoint != endpoint || pm->to_first_h + (key->port_h - pm->first_h) != inside_h);
}

/* The same for the destination of a packet from outside: on its address, or on every address of the host. */
__noinline int portmap_takes_port(const struct flow_key *to, __u32 endpoint, __u16 inside_h)
{
	struct config *cfg = config_get();
	struct portmap_key pub;

	if (!to || !cfg || !cfg->portmaps || !portmap_port_published(to->proto, to->dport_h))
		return 0;
	pub = (struct portmap_key){ .addr = to->dst, .port_h = to->dport_h, .proto = to->proto };
	if (portmap_is_of_other(&pub, endpoint, inside_h))
		return 1;
	pub.addr = addr_of(0);
	return portmap_is_of_other(&pub, endpoint, inside_h);
}

/* The id of the network that an address is in; 0: none of ours. The former must not appear on an uplink. */
__noinline int address_is_private(const struct ipaddr *a)
{
	struct subnet_key key = { .prefixlen = 64 };
	__u64 *word;
	__u32 *net;

	if (!a)
		return 0;
	key.net = ebpfnet_subnet_word(*a);
	word = bpf_map_lookup_elem(&subnet_bits, &key.net);
	if (!word || !(*word >> ebpfnet_subnet_bit(*a) & 1))
		return 0;
	key.net = 0;
	key.addr = *a;
	net = bpf_map_lookup_elem(&subnets, &key);
	return net ? *net : 0;
}

/* True if packets of a network to that address keep their source. */
__noinline int address_is_unmasqueraded(__u32 net, const struct ipaddr *dst)
{
	struct subnet_key key = { .prefixlen = 64, .net = net };

	if (!dst)
		return 0;
	key.addr = *dst;
	return bpf_map_lookup_elem(&subnets, &key) != NULL;
}

/* True if two networks do not reach each other's published ports. */
__noinline int networks_are_apart(__u32 a, __u32 b)
{
	struct network *x = network_get(a), *y = network_get(b);

	return a != b && x && y && (x->flags | y->flags) & NETWORK_ISOLATED;
}

/* Hash of an address in a zone. Salted with config.mark, so that it cannot be predicted from outside. */
static __always_inline __u32 address_hash(struct ipaddr addr, __u16 zone)
{
	struct config *cfg = config_get();
	__u32 h = addr_be32(addr) ^ (cfg ? cfg->mark : 0) ^ zone * 0x9e3779b1u;

	h = (h ^ h >> 16) * 0x85ebca6bu;
	h = (h ^ h >> 13) * 0xc2b2ae35u;
	return h ^ h >> 16;
}

/* Seconds since boot, coarse. */
static __always_inline __u32 now_s(void)
{
	return ebpfnet_seconds(bpf_ktime_get_coarse_ns());
}

#endif
