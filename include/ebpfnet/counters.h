/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Every counter, as X(identifier, description). The identifier is the counter's index, the field in `bpftool
 * map dump name counters`, and the key in --json.
 *
 * PASSES: what happened to a packet that went on. DROPS: why a packet was dropped. REFUSALS: why a packet was
 * dropped and its sender got an ICMP error. Each packet is counted in one of these. EVENTS: in none.
 */
#ifndef EBPFNET_COUNTERS_H
#define EBPFNET_COUNTERS_H

#include "abi.h"

#define EBPFNET_PASSES(X)                                                          \
	X(switched, "switched to another port")                                    \
	X(routed, "routed to another port of its network")                         \
	X(flooded, "flooded to every port")                                        \
	X(arp_answered, "ARP request answered from the maps")                      \
	X(arp_suppressed, "ARP request for nobody's address, to ports with spoof=allow") \
	X(to_host, "handed to the host")                                           \
	X(masqueraded, "sent out of an uplink, translated")                                      \
	X(unmasqueraded, "reply translated back into a namespace")                 \
	X(hairpinned, "sent to another namespace's external port (hairpin)")                 \
	X(published_in, "delivered to a published port")                           \
	X(published_out, "reply of a published port")                              \
	X(icmp_translated, "ICMP error translated")                                \
	X(host_snat, "host's own or forwarded packet, source port changed")              \
	X(to_rules, "sent up through the host's FORWARD rules")                     \
	X(not_ours, "left to the host's stack")

/*
 * Reasons to drop a packet that its sender is told by an ICMP error, if one may be sent; prefix: of the identifiers,
 * say: of the texts.
 */
#define EBPFNET_ANSWERABLE(X, prefix, say)                                         \
	X(prefix##ttl_exceeded, say "TTL exceeded") \
	X(prefix##too_big, say "larger than the egress MTU") \
	X(prefix##no_route, say "no route to the destination") \
	X(prefix##prohibited, say "blackhole, unreachable or prohibit route") \
	X(prefix##forwarding_off, say "forwarding is off on the gateway device") \
	X(prefix##egress_unmanaged, say "routed to a device without our programs") \
	X(prefix##isolated, say "between networks, or out of an internal one") \
	X(prefix##no_source, say "uplink has no address to masquerade as") \
	X(prefix##no_free_port, say "every external port to that destination is taken") \
	X(prefix##table_full, say "flow table full") \
	X(prefix##over_cap, say "namespace has as many flows as it may have") \
	X(prefix##bad_protocol, say "protocol that cannot be masqueraded")

#define EBPFNET_DROPS(X)                                                           \
	X(unknown_ifindex, "device is not a port of the switch")                                 \
	X(malformed, "header too short or inconsistent")                           \
	X(bad_checksum, "IP header checksum wrong")                                \
	X(bad_source_mac, "source MAC zero or a group address")                    \
	X(spoofed_mac, "source MAC is not the port's")                             \
	X(bad_offload, "checksum offload into a header's other fields")              \
	X(spoofed_addr, "source address is not the port's")                        \
	X(router_advert, "router advertisement from a namespace")                  \
	X(reserved_mcast, "reserved group address (802.1D)")                     \
	X(same_port, "destination is on the port it came from")                \
	X(vlan_to_gateway, "VLAN-tagged frame to the gateway")                     \
	X(not_ip, "neither IPv4 nor ARP, to the gateway")                          \
	X(martian, "source or destination that no router forwards")                \
	X(directed_broadcast, "routed packet to a broadcast address")              \
	X(ip_option, "source route option")                                        \
	X(rst_out_of_window, "TCP RST out of its receiver's window")                 \
	X(no_flow, "belongs to no flow and may not create one")                     \
	X(frag_no_first, "fragment whose first fragment never came, or was refused")      \
	X(frag_overlap, "fragment that overlaps another of its datagram")      \
	X(frag_queue_full, "fragment queue is full, or the source has its share") \
	X(icmp_error, "ICMP error about no flow, or malformed")                    \
	X(foreign_error, "ICMP error of a namespace about a packet that went elsewhere") \
	X(icmp_bad_sum, "ICMP error with a wrong checksum, or that embeds one")    \
	X(unsolicited, "unsolicited, from outside to a namespace")                     \
	X(private_source, "source inside a network of ours, out of an uplink")       \
	X(rst_withheld, "host's RST to a SYN for a port that a namespace uses")            \
	X(redirect_withheld, "host's ICMP redirect to a namespace, about a hairpin")       \
	X(no_endpoint, "no endpoint has that address")                                  \
	X(port_gone, "the namespace was removed externally")                  \
	X(port_down, "the namespace's device is down")                              \
	X(link_down, "gateway device or uplink is down, or has no carrier")         \
	X(host_rules, "the host's rules have closed its flow")                      \
	X(transit, "for neither host nor namespace, and the host routes nothing")   \
	X(over_limit, "namespace sends more than its limit")                        \
	X(helper_failed, "a kernel helper refused")                                \
	EBPFNET_ANSWERABLE(X, , "")

#define EBPFNET_REFUSALS(X) EBPFNET_ANSWERABLE(X, refused_, "refused: ")

#define EBPFNET_EVENTS(X)                                                          \
	X(flow_new, "flows created")                                                 \
	X(flow_ended, "flows ended")                                               \
	X(flow_evicted, "flows evicted: not established, in a full table")           \
	X(flow_refused, "flows refused: no port, no slot, or over the cap")        \
	X(fdb_learned, "MAC addresses learned")                                    \
	X(fdb_moved, "MAC addresses moved to another port")                        \
	X(flood_missed, "copies of flooded frames that a port did not take: down, MTU") \
	X(icmp_limited, "ICMP errors not sent: rate limit")                        \
	X(src_port_remapped, "external port differs from the source port")                \
	X(captured, "host's packets shown to a capture on the gateway device")      \
	X(rules_asked, "copies sent through the host's FORWARD rules")               \
	X(rules_agreed, "copies that came out of them")                             \
	X(frag_queued, "fragments queued until the first one arrives")            \
	X(frag_reinjected, "queued fragments reinjected")                  \
	X(frag_created, "datagrams fragmented for the egress MTU") \
	X(fib_fwd_disabled, "FIB look-ups refused: forwarding off on the gateway device")

#define EBPFNET_COUNTERS(X) EBPFNET_PASSES(X) EBPFNET_DROPS(X) EBPFNET_REFUSALS(X) EBPFNET_EVENTS(X)

/* Index of a counter: COUNT_switched, ... */
enum counter {
#define X(id, text) COUNT_##id,
	EBPFNET_COUNTERS(X)
#undef X
	COUNTERS,
};

/* Value of map counters, per CPU. In packets, but for EVENTS. */
struct counters {
#define X(id, text) __u64 id;
	EBPFNET_COUNTERS(X)
#undef X
};

/* The refusal for a reason is so many places behind it. */
#define EBPFNET_REFUSED (COUNT_refused_ttl_exceeded - COUNT_ttl_exceeded)

_Static_assert(COUNT_refused_bad_protocol - COUNT_bad_protocol == EBPFNET_REFUSED, "one list, twice");
_Static_assert(sizeof(struct counters) == 8 * COUNTERS, "a counter's index is its field's place");

#endif /* EBPFNET_COUNTERS_H */
