/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What crosses between the BPF programs and userspace: every map's key and value, and every
 * constant both sides must agree on. Nothing else belongs here.
 *
 * The types are chosen so that `bpftool map dump` reads like a table:
 *  - an address is four octets in network order (struct ipaddr), a port is a host-order number
 *    (suffix _h), a MAC is six octets;
 *  - states and kinds are one-byte enums, which bpftool prints by name;
 *  - times are seconds since boot (CLOCK_MONOTONIC), so that they can be compared with /proc/uptime
 *    on a machine that does not suspend.
 *
 * Programs of two releases may run side by side while one is being upgraded (a hook is replaced
 * atomically, several hooks are not): whoever changes the layout of a map raises EBPFNET_ABI.
 */
#ifndef EBPFNET_ABI_H
#define EBPFNET_ABI_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#include <stddef.h>
#endif

#define EBPFNET_ABI 4

#define EBPFNET_NAME_LEN 16		/* a namespace's name, with its final 0 */
#define EBPFNET_MAX_NETWORKS 64		/* network ids are 1..63; 0 is the outside */
#define EBPFNET_MAX_PORTS 4096		/* switch ports over all networks */
#define EBPFNET_MAX_FDB 16384		/* learned MAC addresses over all networks */
#define EBPFNET_MAX_NEIGH 4096	/* addresses behind ports with spoof=allow */
/*
 * Default size of the flow table: 16.8 MB. A power of two, as the buckets of a hash are: 256 bytes a flow, both
 * directions. Just above one it would be 288.
 */
#define EBPFNET_MAX_FLOWS 65536
#define EBPFNET_MAX_PORTMAPS 65536		/* publish rules */
#define EBPFNET_MAX_PORTMAP_KEYS 131072	/* (address, protocol, port) triples published */
#define EBPFNET_MAX_UPLINKS 64
#define EBPFNET_PORTMAP_WORDS 2048	/* of map portmap_bits */

/* Zones that are not networks: where a packet enters that comes from none of ours. */
#define EBPFNET_ZONE_OUTSIDE 0		/* by an uplink */
#define EBPFNET_ZONE_HOST 255		/* by lo, from the host's own sockets */

/*
 * Seconds since boot from nanoseconds, without a division (BPF has no cheap one): 2^20 ns times
 * 1125900 / 2^30. Fast by less than 3 s a year; what matters is that both sides do the same.
 */
static inline __u32 ebpfnet_seconds(__u64 ns)
{
	return ((ns >> 20) * 1125900) >> 30;
}

/* An IPv4 address, octets in the order of the wire. All zero: none, or any. */
struct ipaddr {
	__u8 octet[4];
} __attribute__((aligned(4)));

/* The IP protocols that have a name here; any other number is valid in the field too. */
enum l4proto {
	L4_ANY = 0,
	L4_ICMP = 1,
	L4_TCP = 6,
	L4_UDP = 17,
	L4_DCCP = 33,
	L4_GRE = 47,
	L4_ESP = 50,
	L4_AH = 51,
	L4_SCTP = 132,
	L4_UDPLITE = 136,
	L4_MAX = 255,
} __attribute__((packed));

/* How much of the peer the keys of a flow name; what they do not is zero in them. */
enum key_scope {
	KEY_APDF,			/* address and port */
	KEY_ADF,			/* address: another peer of a mapping, filtering by address */
	KEY_EIM,			/* nothing: one external port for all peers (RFC 4787 REQ-1) */
} __attribute__((packed));

/*
 * A tuple as one packet carries it, in the zone where it enters: the network of the port it came
 * from, or EBPFNET_ZONE_OUTSIDE for the uplink and lo. ICMP queries carry their identifier in both
 * ports, as in netfilter and RFC 5508 section 3.1.
 */
struct flow_key {
	struct ipaddr src, dst;
	__u16 sport_h, dport_h;
	__u16 zone;
	enum l4proto proto;
	enum key_scope scope;		/* what of the peer is left out; in struct conn.orig: in the flow's keys */
};

enum flow_dir {
	FLOW_ORIGINAL,		/* the direction of the packet that began the flow */
	FLOW_REPLY,
} __attribute__((packed));

/* Where a translated packet goes. */
enum flow_target {
	TO_UPLINK,		/* the routing table says through which one */
	TO_PORT,		/* the port .ifindex, straight into its namespace */
	TO_LOCAL,		/* the host's own sockets, over lo */
	TO_STACK,		/* the host's own sockets, on by the way it came */
} __attribute__((packed));

/* struct flow.flags */
enum {
	FLOW_STEADY = 1 << 0,		/* no packet of it but SYN, FIN and RST has news for the state machine */
	FLOW_ANY_PEER = 1 << 1,		/* its key has not all of the peer: that stays as the packet has it */
};

/*
 * One direction of a flow: all that its packets need, in one look-up. Never changes but for .seen,
 * .gen, .edge and FLOW_STEADY; what both directions share is in struct conn.
 */
struct flow {
	struct ipaddr src, dst;		/* the tuple after translation */
	__u16 sport_h, dport_h;
	__u32 conn;			/* index in map conns */
	__u32 ifindex;			/* TO_PORT: the port; TO_UPLINK: the uplink it began on */
	__u16 gen;			/* config.gen that it was last checked against, and */
	__u16 seen;			/* when conns[conn].seen was last written from here: the low 16 bits of each */
	__u32 edge;			/* TCP: window edge last announced, packed by core/tcp_window.h */
	enum flow_dir dir;
	enum flow_target to;
	__u8 flags;			/* FLOW_* */
	__u8 answer_zone;		/* zone in which the answer to this direction arrives */
};

enum conn_state {
	CONN_FREE = 0,		/* the slot is on the free list, or was never used */
	CONN_BUSY,		/* being made or being ended */
	CONN_UNREPLIED,		/* UDP, ICMP, others: one direction seen */
	CONN_REPLIED,		/* both directions seen */
	CONN_SYN_SENT,		/* TCP, RFC 9293 as seen from the middle */
	CONN_SYN_RECV,
	CONN_ESTABLISHED,
	CONN_FIN_WAIT,		/* a FIN from one side */
	CONN_CLOSING,		/* a FIN from both */
	CONN_RESET,		/* a RST was seen */
	CONN_HOLD_DOWN,		/* ended; its external port is nobody else's for config.hold_down_s */
	CONN_STATES,
} __attribute__((packed));

/* The state of a flow that its two directions share, in a numbered slot of map conns. */
struct conn {
	struct flow_key orig;		/* key of the original direction in map flows */
	__u32 seen;			/* last packet, coarse; seconds since boot */
	__u32 portmap;			/* publish rule that made it; 0: masquerade. Free: next free slot plus 1 */
	__u32 endpoint;			/* id of the endpoint it belongs to */
	/* these four change together, by a compare-and-swap of their bytes */
	enum conn_state state;
	__u8 fin;			/* bit 1 << enum flow_dir: that side sent FIN */
	__u8 scales;			/* TCP: how far the sides' windows are shifted, the reply's in the high half */
	__u8 use;			/* how many flows this slot has held, modulo 2^8 */
};

/* Map usage, by endpoint id: what a namespace takes of what all share. */
struct usage {
	__u32 flows;			/* slots of the flow table, published ports' flows apart */
	__u32 ports;			/* external ports: mappings, and flows that are not of one */
};

/* struct port.flags */
enum {
	PORT_SPOOF_ALLOW = 1 << 0,	/* may send from any address (nested switches, virtual machines) */
};

/* A port of the switch: the host-side veth of a namespace. Map ports, by the veth's ifindex. */
struct port {
	char name[EBPFNET_NAME_LEN];	/* the namespace's */
	struct ipaddr addr;
	__u8 mac[6];
	__u16 net;
	__u32 endpoint;			/* id, never used twice */
	__u16 flags;			/* PORT_* */
	__u16 number;			/* N in vethN */
};

/* Map endpoints: who has an address. */
struct endpoint_key {
	struct ipaddr addr;
	__u16 net;
	__u16 zero;
};

struct endpoint {
	__u32 ifindex;			/* its port; 0: the gateway itself */
	__u32 id;
	__u8 mac[6];
	__u16 zero;
};

/* Map fdb: which port leads to a MAC address. */
struct fdb_key {
	__u8 mac[6];
	__u16 net;
};

enum fdb_kind {
	FDB_LEARNED,
	FDB_STATIC,		/* an endpoint's own address: neither ages nor moves */
	FDB_GATEWAY,		/* the gateway's: a frame to it is routed */
} __attribute__((packed));

struct fdb_entry {
	__u32 ifindex;
	__u32 seen;			/* seconds since boot; static entries: 0 */
	enum fdb_kind kind;
	__u8 zero[3];
};

/* Map stations: by its IPv4 address (struct endpoint_key), what was seen behind a port with spoof=allow. */
struct neigh_entry {
	__u8 mac[6];
	__u16 zero;
};

/* Map networks, by network id. */
struct network {
	struct ipaddr subnet, mask;
	struct ipaddr gateway;
	struct ipaddr broadcast;
	__u32 gw_ifindex;		/* gateway device, the host's foot; 0: no such network */
	__u32 gw_peer;			/* its switch-side peer */
	__u8 gw_mac[6];
	__u16 ports;			/* how many ports it has */
};

/* Map gateways: ifindex of a gateway device to network id. */

/* Map uplinks, by ifindex: the devices that have our programs, so that replies can come back. */
struct uplink {
	char name[EBPFNET_NAME_LEN];
};

/*
 * Map published: (address, protocol, port) to rule. The address 0.0.0.0 means every address of
 * the host. A range is one rule and a key for each port.
 */
struct portmap_key {
	struct ipaddr addr;
	__u16 port_h;
	enum l4proto proto;
	__u8 zero;
};

/*
 * Map portmap_bits: a bit for each TCP port, then one for each UDP port, 64 in a word: whether it is
 * published on any address. Set before the keys are there, and cleared after they are gone.
 */
static inline __u32 ebpfnet_portmap_word(enum l4proto proto, __u16 port_h)
{
	return (proto == L4_UDP ? EBPFNET_PORTMAP_WORDS / 2 : 0) + port_h / 64;
}

/* Map rules, by rule id (never used twice). A key of map published whose rule is missing is void. */
struct portmap {
	char name[EBPFNET_NAME_LEN];	/* the namespace's */
	struct ipaddr addr;		/* published on; 0.0.0.0: every address of the host */
	struct ipaddr to;		/* the endpoint's address */
	__u16 first_h, last_h;		/* published ports */
	__u16 to_first_h;		/* first port inside; the others follow in step */
	__u16 net;
	__u32 endpoint;			/* endpoint id: a namespace made again under the same name is another */
	enum l4proto proto;
	__u8 zero[3];
};

/* Who may answer a mapping of a namespace's UDP socket (RFC 4787 section 5); `ebpfnet set filtering`. */
enum filtering {
	FILTER_PORT,			/* an address and port that it has sent to */
	FILTER_ADDRESS,			/* any port of an address that it has sent to */
	FILTER_ENDPOINT,		/* anybody */
} __attribute__((packed));

/* struct config.timeout_s, and `ebpfnet get`: how long an idle flow in that state lives. */
enum timeout_class {
	TIMEOUT_UDP_UNREPLIED,
	TIMEOUT_UDP_REPLIED,
	TIMEOUT_ICMP,
	TIMEOUT_TCP_HALF_OPEN,
	TIMEOUT_TCP_ESTABLISHED,
	TIMEOUT_TCP_CLOSING,
	TIMEOUT_TCP_RESET,
	TIMEOUT_OTHER,
	TIMEOUT_CLASSES,
} __attribute__((packed));

/* Map config, one entry. Userspace writes it. */
struct config {
	__u32 abi;			/* EBPFNET_ABI of who made the maps */
	__u32 gen;			/* raised after every change; flows stamped with another are checked again */
	__u32 fib_ifindex;		/* in whose name to ask the routing table: a device of ours that forwards */
	__u32 lo_ifindex;
	__u32 last_network;		/* highest id of a network that ever was; ids below may be unused */
	__u32 max_flows;
	__u32 fdb_age_s;		/* IEEE 802.1D: 300 s */
	__u32 portmaps;		/* how many rules there are; 0: nobody need look */
	__u32 hold_down_s;		/* how long a released external port rests before somebody else gets it */
	enum filtering filtering;
	__u8 zero[3];
	__u32 max_flows_ns;		/* flows that one namespace may have */
	__u32 max_ports_ns;		/* and external ports */
	__u32 mark;			/* in skb->cb of what we send: random, so that nobody else's packet has it */
	__u16 port_min_h, port_max_h;	/* external ports for masquerading, both ends included */
	__u32 timeout_s[TIMEOUT_CLASSES];
};

/* What the loader tells the programs of the kernel that it loads them into (section .rodata.kernel). */
enum kernel_memory {
	KERNEL_MEMORY_CLOSED,		/* nothing of it may be read */
	KERNEL_MEMORY_COPIED,		/* by bpf_probe_read_kernel() */
	KERNEL_MEMORY_IN_PLACE,		/* from Linux 6.2 on, by types */
} __attribute__((packed));

/* Map conn_alloc, one entry: the free list of map conns. Written by BPF only, except at creation. */
struct conn_alloc {
	__u64 free_head;		/* low half: first free slot plus 1, 0: none; high half: tag against ABA */
	__u32 never_used;		/* slots from here on were never handed out */
	__u32 sweep;			/* next slot that the sweep looks at */
	__s32 live;			/* flows now */
	__u32 private_peers;		/* not 0: there was a flow to a peer outside with an address inside a network */
};

#ifndef __cplusplus
_Static_assert(sizeof(struct flow_key) == 16, "flow_key has no holes: it is hashed as bytes");
_Static_assert(sizeof(struct flow) == 32, "a flow's direction is half a cache line");
_Static_assert(sizeof(struct conn) == 32, "two connections a cache line");
_Static_assert(sizeof(struct port) == 36, "");
_Static_assert(sizeof(struct endpoint_key) == 8, "");
_Static_assert(sizeof(struct endpoint) == 16, "");
_Static_assert(sizeof(struct fdb_key) == 8, "");
_Static_assert(sizeof(struct fdb_entry) == 12, "");
_Static_assert(sizeof(struct neigh_entry) == 8, "");
_Static_assert(sizeof(struct portmap_key) == 8, "");
_Static_assert(sizeof(struct portmap) == 40, "");
_Static_assert(sizeof(enum l4proto) == 1 && sizeof(enum conn_state) == 1, "packed enums");
#endif

#endif /* EBPFNET_ABI_H */
