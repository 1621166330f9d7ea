/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Everything that is counted, once: X(identifier, what a person reads). The identifier is the
 * counter's index, the field's name in `bpftool map dump ... counters`, and the key in --json.
 *
 * PASSES are what happened to packets that went on, DROPS why a packet went no further, EVENTS
 * neither. A packet is counted once in PASSES or DROPS.
 */
#ifndef EBPFNET_DROP_H
#define EBPFNET_DROP_H

#include "abi.h"

#define EBPFNET_PASSES(X)                                                          \
	X(switched, "switched to another port")                                    \
	X(routed, "routed to another port of its network")                         \
	X(flooded, "flooded to every port")                                        \
	X(arp_answered, "ARP request answered from the maps")                      \
	X(to_host, "handed to the host")                                           \
	X(masqueraded, "sent out translated")                                      \
	X(unmasqueraded, "reply translated back into a namespace")                 \
	X(hairpinned, "sent to another namespace's external port")                 \
	X(published_in, "delivered to a published port")                           \
	X(published_out, "reply of a published port")                              \
	X(icmp_translated, "ICMP error translated")                                \
	X(icmp_sent, "answered with an ICMP error of ours")                        \
	X(host_moved, "host's own packet, given a port that is free")              \
	X(not_ours, "left to the host's stack")

#define EBPFNET_DROPS(X)                                                           \
	X(no_port, "device is not a port of ours")                                 \
	X(malformed, "header too short or inconsistent")                           \
	X(bad_checksum, "IP header checksum wrong")                                \
	X(bad_source_mac, "source MAC zero or a group address")                    \
	X(spoofed_mac, "source MAC is not the port's")                             \
	X(spoofed_addr, "source address is not the port's")                        \
	X(router_advert, "router advertisement from a namespace")                  \
	X(link_local_group, "802.1D link-local group address")                     \
	X(reflected, "destination is behind the port it came from")                \
	X(vlan_to_gateway, "VLAN-tagged frame to the gateway")                     \
	X(foreign_mac, "frame to another station's MAC")                           \
	X(not_ip, "neither IPv4 nor ARP, to the gateway")                          \
	X(martian, "source or destination that no router forwards")                \
	X(directed_broadcast, "routed packet to a broadcast address")              \
	X(ip_option, "source route option")                                        \
	X(ttl_exceeded, "TTL used up")                                             \
	X(too_big, "larger than the way's MTU")                                    \
	X(no_route, "no route to the destination")                                 \
	X(prohibited, "blackhole, unreachable or prohibit route")                  \
	X(forwarding_off, "somebody switched forwarding off on our device")        \
	X(uplink_unhooked, "way out is a device without our programs")             \
	X(no_source, "uplink has no address to masquerade as")                     \
	X(no_free_port, "every external port to that destination is taken")        \
	X(table_full, "flow table full")                                           \
	X(over_cap, "namespace has as many flows as it may have")                  \
	X(stray_reset, "TCP RST outside of its receiver's window")                 \
	X(no_flow, "belongs to no flow and may not begin one")                     \
	X(bad_protocol, "protocol that cannot be masqueraded")                     \
	X(fragment, "fragment whose first part did not come, or was refused")      \
	X(fragment_overlap, "fragment that overlaps another of its datagram")      \
	X(fragment_no_room, "no room to hold a fragment until the first part is here") \
	X(icmp_error, "ICMP error about no flow, or malformed")                    \
	X(icmp_bad_sum, "ICMP error with a wrong checksum, or that quotes one")    \
	X(unsolicited, "from outside to a namespace, unasked")                     \
	X(private_source, "source inside a network of ours, on the way out")       \
	X(no_endpoint, "nobody has that address")                                  \
	X(port_gone, "the namespace was removed behind our back")                  \
	X(helper_failed, "a kernel helper refused")

#define EBPFNET_EVENTS(X)                                                          \
	X(flow_new, "flows begun")                                                 \
	X(flow_ended, "flows ended")                                               \
	X(flow_evicted, "flows ended early: half open, in a full table")           \
	X(flow_refused, "flows refused: no port, no slot, or over the cap")        \
	X(fdb_learned, "MAC addresses learned")                                    \
	X(fdb_moved, "MAC addresses moved to another port")                        \
	X(icmp_limited, "ICMP errors not sent: rate limit")                        \
	X(port_changed, "external port other than the source port")                \
	X(fragment_held, "fragments held until the first part is here")            \
	X(fragment_released, "fragments held before and sent on")                  \
	X(datagram_cut, "datagrams cut into fragments: larger than the way's MTU") \
	X(fib_disabled, "routing look-ups refused: forwarding is off on our device")

#define EBPFNET_COUNTERS(X) EBPFNET_PASSES(X) EBPFNET_DROPS(X) EBPFNET_EVENTS(X)

/* Index of a counter: COUNT_switched, ... */
enum counter {
#define X(id, text) COUNT_##id,
	EBPFNET_COUNTERS(X)
#undef X
	COUNTERS,
};

/* The value of map counters, one for each CPU; packets unless EVENTS say otherwise. */
struct counters {
#define X(id, text) __u64 id;
	EBPFNET_COUNTERS(X)
#undef X
};

_Static_assert(sizeof(struct counters) == 8 * COUNTERS, "a counter's index is its field's place");

#endif /* EBPFNET_DROP_H */
