/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Owners of IPv6 addresses behind the switch. IPv6 nodes choose addresses themselves (RFC 4862, 7217, 8981), so they
 * are not known beforehand: first come, first served, as in FCFS SAVI (RFC 6620). A port that sends from an address,
 * solicits it by duplicate address detection or advertises it owns it, unless another one does.
 *
 * Not to be had by others: an address with the interface identifier of a port's MAC (EUI-64), and addresses given by
 * `--ipv6-addr`. What is learned ends with its port, when nothing was sent from it for ND_AGE_S, or when its port has
 * ND_PER_PORT younger ones: then the next packet may claim it again. Memory is bounded, and nobody ends another's.
 */
#ifndef EBPFNET_BPF_L2_ND_H
#define EBPFNET_BPF_L2_ND_H

#include "kern/ctx_tc.h"
#include "l2/fdb.h"

#define ND_AGE_S 3600
#define ND_DAD_S 4 /* duplicate address detection takes 1 s, and up to 1 s of delay before it (RFC 4862) */

static __always_inline _Bool ipv6_none(const struct ipv6_addr *a)
{
	return !(a->word[0] | a->word[1] | a->word[2] | a->word[3]);
}

/* The MAC address that an interface identifier is made of (RFC 4291 appendix A). False: it has another form. */
static __always_inline _Bool ipv6_eui64(const struct ipv6_addr *a, __u8 *mac)
{
	const __u8 *id = (const __u8 *)&a->word[2];

	mac[0] = id[0] ^ 2;
	mac[1] = id[1];
	mac[2] = id[2];
	mac[3] = id[5];
	mac[4] = id[6];
	mac[5] = id[7];
	return id[3] == 0xff && id[4] == 0xfe;
}

/* The owner of an address, as seen by a port. */
enum nd_owner {
	ND_OWN,
	ND_FREE,		/* nobody's yet */
	ND_OTHERS,
	ND_OTHERS_SETTLED,	/* and its owner is through with duplicate address detection, and defends it */
};

static __always_inline struct ipv6_key nd_key(const struct port *port, const struct ipv6_addr *a)
{
	return (struct ipv6_key){ .addr = *a, .net = port->net };
}

/* The owner of an address that is learned. dad: by duplicate address detection of the owner itself. */
static __always_inline enum nd_owner nd_learned_owner(const struct port *port, const struct ipv6_key *key, _Bool dad)
{
	struct ipv6_owner *o = bpf_map_lookup_elem(&ipv6_learned, key);
	__u32 now = now_s();

	if (!o)
		return ND_FREE;
	if (o->endpoint == port->endpoint) {
		if (o->seen != now)
			o->seen = now;
		if (dad)
			o->dad = now;
		return ND_OWN;
	}
	if (now - o->seen > ND_AGE_S || !bpf_map_lookup_elem(&ipv6_rings, &o->endpoint)) {
		bpf_map_delete_elem(&ipv6_learned, key);
		return ND_FREE;
	}
	return now - o->dad > ND_DAD_S ? ND_OTHERS_SETTLED : ND_OTHERS;
}

/* The owner of a unicast address. */
__noinline enum nd_owner nd_owner(const struct port *port, const struct ipv6_addr *a, _Bool dad)
{
	struct fdb_key by_mac = {};
	struct ipv6_key key;
	__u32 *given;

	if (!port || !a)
		return ND_OTHERS;
	if (ipv6_eui64(a, by_mac.mac)) {
		if (mac_eq(by_mac.mac, port->mac))
			return ND_OWN;
		by_mac.net = port->net;
		if (bpf_map_lookup_elem(&fdb, &by_mac))
			return ND_OTHERS;
	}
	key = nd_key(port, a);
	given = bpf_map_lookup_elem(&ipv6_given, &key);
	if (given)
		return *given == port->endpoint ? ND_OWN : ND_OTHERS;
	return nd_learned_owner(port, &key, dad);
}

/* Enter an address that is nobody's, and forget the port's oldest one if it has too many. */
__noinline enum nd_owner nd_claim(const struct port *port, const struct ipv6_addr *a)
{
	struct ipv6_owner fresh = { .seen = now_s(), .dad = now_s() }, *o;
	struct ipv6_ring *ring;
	struct ipv6_key key;
	__u32 at;

	if (!port || !a)
		return ND_OTHERS;
	fresh.endpoint = port->endpoint;
	ring = bpf_map_lookup_elem(&ipv6_rings, &fresh.endpoint);
	key = nd_key(port, a);
	if (!ring)
		return ND_OTHERS;
	if (bpf_map_update_elem(&ipv6_learned, &key, &fresh, BPF_NOEXIST)) {
		o = bpf_map_lookup_elem(&ipv6_learned, &key); /* another CPU came first */
		return o && o->endpoint == fresh.endpoint ? ND_OWN : ND_OTHERS;
	}
	at = __sync_fetch_and_add(&ring->next, 1) & (ND_PER_PORT - 1);
	key.addr = ring->at[at];
	ring->at[at] = *a;
	if (ipv6_none(&key.addr))
		return ND_OWN;
	o = bpf_map_lookup_elem(&ipv6_learned, &key);
	if (o && o->endpoint == fresh.endpoint)
		bpf_map_delete_elem(&ipv6_learned, &key);
	return ND_OWN;
}

/*
 * Whether a port may use a unicast address; without spoof=allow, one that is free becomes its own. Behind a port with
 * spoof=allow there may be any number.
 */
static __always_inline enum nd_owner nd_use(const struct port *port, const struct ipv6_addr *a, _Bool dad)
{
	enum nd_owner owner = nd_owner(port, a, dad);

	return owner == ND_FREE && !(port->flags & PORT_SPOOF_ALLOW) ? nd_claim(port, a) : owner;
}

#endif
