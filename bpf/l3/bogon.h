/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Stateless checks of uplink packets, before the conntrack look-up. Read-only, for TC and XDP hooks. */
#ifndef EBPFNET_BPF_L3_BOGON_H
#define EBPFNET_BPF_L3_BOGON_H

#include <ebpfnet/core/parse.h>
#include "kern/lookup.h"
#include "kern/verdict.h"

/* Refuse packets from an uplink with a source or destination in one of our networks (RFC 2827, RFC 1812 5.3.8). */
static __always_inline verdict_t bogon_refuse(const struct ipaddr *src, const struct ipaddr *dst)
{
	if (address_is_private(src))
		return DROP(martian);
	return address_is_private(dst) ? DROP(unsolicited) : FWD_NEXT;
}

/* The same for what would pass to the host, which may take a loopback address from a link (route_localnet). */
static __always_inline verdict_t bogon_refuse_host(const struct pkt *p)
{
	verdict_t v = bogon_refuse(&p->key.src, &p->key.dst);

	return v == FWD_NEXT && (addr_loopback(p->key.src) || addr_loopback(p->key.dst)) ? DROP(martian) : v;
}

/* Namespaces are not asked from outside: only replies to their queries belong to a flow. */
static __always_inline _Bool bogon_kind_may_match(const struct pkt *p)
{
	if (p->eth_type != ETH_P_IP || (p->kind != PKT_ERROR && !pkt_has_tuple(p)))
		return 0;
	return p->kind != PKT_QUERY || !icmp_is_request(p->icmp_type);
}

/* True if the packet may belong to a flow, create one, or be an ICMP error about one. Others are the host's. */
static __always_inline _Bool bogon_may_match(const struct pkt *p)
{
	return bogon_kind_may_match(p) && !addr_martian_source(p->key.src) && !addr_martian_dest(p->key.dst);
}

/* The same over lo, where loopback addresses are valid. */
static __always_inline _Bool bogon_may_match_lo(const struct pkt *p)
{
	return bogon_kind_may_match(p) && p->key.src.octet[0] && p->key.dst.octet[0] && !addr_group(p->key.src) &&
	       !addr_group(p->key.dst);
}

#endif
