/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Shared by BPF programs and userspace: keys and values of the pinned maps, and constants.
 *
 * Types are chosen so that `bpftool map dump` reads like a table:
 *  - an address is four octets in network order (struct ipaddr), a port is a number in host order (suffix _h),
 *    a MAC is six octets;
 *  - states and kinds are one-byte enums, which bpftool prints by name;
 *  - times are seconds since boot (CLOCK_MONOTONIC), comparable with /proc/uptime on a machine that does not
 *    suspend.
 *
 * During an upgrade programs of two releases run side by side (one hook is replaced atomically, several are
 * not), so a changed map layout needs a new EBPFNET_ABI.
 */
#ifndef EBPFNET_ABI_H
#define EBPFNET_ABI_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#include <stddef.h>
#endif

#define EBPFNET_ABI 8

#define EBPFNET_NAME_LEN 16		/* name of a namespace, with its terminating 0 */
#define EBPFNET_MAX_NETWORKS 64		/* network ids are 1..64; 0 is the outside */
#define EBPFNET_MAX_SUBNETS 2048	/* of networks, and to which they are not masqueraded */
#define EBPFNET_MAX_PORTS 4096		/* switch ports of all networks */
#define EBPFNET_MAX_FDB 16384		/* learned MAC addresses of all networks */
#define EBPFNET_MAX_IPV6 16384		/* learned IPv6 addresses of all networks */
#define EBPFNET_GIVEN_IPV6 4		/* IPv6 addresses that are given to one namespace */
#define EBPFNET_MAX_NEIGH 4096		/* addresses behind ports with spoof=allow */
/*
 * Default size of the flow table: 16.8 MB, 256 bytes per flow with both directions. A power of two, as the
 * number of hash buckets is; one flow more would make it 288 bytes per flow.
 */
#define EBPFNET_MAX_FLOWS 65536
#define EBPFNET_MAX_HAIRPINS 8192	/* flows between namespaces that the host's rules have seen lately */
#define EBPFNET_MAX_PORTMAPS 65536	/* port mappings */
#define EBPFNET_MAX_PORTMAP_KEYS 131072	/* published (address, protocol, port) triples */
#define EBPFNET_MAX_UPLINKS 64
#define EBPFNET_PORTMAP_WORDS 2048	/* entries of map portmap_bits */
#define EBPFNET_SUBNET_WORDS 1024	/* entries of map subnet_bits */

/* Zones (as in nf_conntrack) are network ids, and these. */
#define EBPFNET_ZONE_OUTSIDE 0		/* came by an uplink */
#define EBPFNET_ZONE_HOST 255		/* the host's own: came by lo, or leaves by an uplink */
#define EBPFNET_ZONE_FORWARDED 254	/* forwarded by the host, translated or not, and leaves by an uplink */

/*
 * Seconds since boot from nanoseconds, without a division, which is slow in BPF: 2^20 ns times 1125900 / 2^30.
 * Fast by less than 3 s a year; both sides use it.
 */
static inline __u32 ebpfnet_seconds(__u64 ns)
{
	return ((ns >> 20) * 1125900) >> 30;
}

/* An IPv4 address in network byte order. Zero: none, or any. */
struct ipaddr {
	__u8 octet[4];
} __attribute__((aligned(4)));

/* IP protocols by name. Fields of this type may hold any other number. */
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

/* Which part of the peer the keys of a flow include (RFC 4787 section 5); the rest is zero in them. */
enum key_scope {
	KEY_APDF,			/* address and port */
	KEY_ADF,			/* address: further peers of a mapping, when filtering by address */
	KEY_EIM,			/* nothing: one external port for all peers (RFC 4787 REQ-1) */
} __attribute__((packed));

/*
 * Key of map flows: the tuple of a packet in the zone where it arrives. ICMP queries have their identifier in
 * both ports, as in netfilter and RFC 5508 section 3.1.
 */
struct flow_key {
	struct ipaddr src, dst;
	__u16 sport_h, dport_h;
	__u16 zone;
	enum l4proto proto;
	enum key_scope scope;		/* in struct conn.orig: scope of the flow's stored keys */
};

/* Direction of a packet within its flow. */
enum flow_dir {
	FLOW_ORIGINAL,		/* direction of the first packet */
	FLOW_REPLY,
} __attribute__((packed));

/* Destination of a translated packet. */
enum flow_target {
	TO_UPLINK,		/* an uplink, chosen by the routing table */
	TO_PORT,		/* port .ifindex, into its namespace */
	TO_LOCAL,		/* the host's own sockets, over lo */
	TO_STACK,		/* the host's own sockets, on through the stack */
} __attribute__((packed));

/* struct flow.flags */
enum {
	FLOW_STEADY = 1 << 0,		/* only SYN, FIN and RST can change the state */
	FLOW_ANY_PEER = 1 << 1,		/* key without the peer, or its port: translation keeps that of the packet */
	FLOW_AS_IS = 1 << 2,		/* leaves by an uplink with its own source */
};

/*
 * The path of a flow's direction: an entry of map paths, valid while the stamp is that of now (kern/percpu_cache.h).
 * Changed as a whole, by a compare-and-swap, so that no CPU sees one half of it.
 */
union path_ref {
	struct {
		__u32 stamp;		/* 0: none; then the rest is unique to the flow */
		__u16 at;		/* index in map paths */
		__u8 dscp;		/* TOS without the ECN bits: a route may depend on it */
		__u8 zero;
	};
	__u64 word;
};

/* What the host's rules say about a direction of a flow (bpf/nat/ask.h). */
enum ask_state {
	ASK_UNKNOWN,			/* nothing yet: its packets go through FORWARD */
	ASK_OPEN,			/* one has come out of FORWARD: they go fast */
	ASK_ASKED,			/* TCP: they go fast, and a copy is on its way through FORWARD */
	ASK_CLOSED,			/* TCP: the copy has not come out: they are dropped, and copies go on asking */
	ASK_PASSED,			/* FORWARDING_STACK: one has come out, and all go through */
	ASK_OF_HOST,			/* answers in a hairpin that the host's own NAT translates: to the host */
} __attribute__((packed));

/* The state and its time. Changed as a whole, by a compare-and-swap. */
union ask_word {
	struct {
		__u32 rules;		/* the ruleset's generation at that time; UNKNOWN: unique to the flow */
		__u32 when : 24;	/* in units of 2^22 ns (4.2 ms), modulo 2^24 */
		__u32 state : 8;	/* enum ask_state */
	};
	__u64 word;
};

/*
 * Value of map flows: one direction of a flow, with what its packets need. Constant but for .checked, .edge, .path,
 * .ask and FLOW_STEADY. State common to both directions is in struct conn.
 */
struct flow {
	struct ipaddr src, dst;		/* tuple after translation */
	__u16 sport_h, dport_h;
	__u32 conn;			/* index in map conns */
	__u32 ifindex;			/* TO_PORT: the port; TO_UPLINK: the uplink of the first packet */
	/*
	 * Time of the last write of conns[conn].seen, plus config.gen at that time. Neither ever decreases, so an
	 * equal sum means the same second and the same configuration.
	 */
	__u32 checked;
	__u32 edge;			/* TCP: last announced window edge, packed by core/tcp_window.h */
	enum flow_dir dir;
	enum flow_target to;
	__u8 flags;			/* FLOW_* */
	__u8 answer_zone;		/* zone in which replies to this direction arrive */
	union path_ref path;		/* of packets with the whole tuple (fast/path.h) */
	union ask_word ask;
};

/*
 * Value of map paths: where packets go, as resolved from routes, ports and devices, shared by all flows whose packets
 * go there. Constant while .used is recent.
 */
struct flow_path {
	__u32 ifindex;			/* output device */
	__be32 nexthop;			/* by an uplink; 0: the packet's destination, or left to the kernel */
	__u8 dmac[6], smac[6];		/* into a port */
	__u16 mtu;			/* by an uplink: larger packets are not for it */
	__u8 verdict;			/* enum verdict of bpf/kern: FWD_UPLINK or FWD_PORT */
	__u8 on_link;			/* .nexthop is the packet's destination */
	__u32 used;			/* cache_epoch() of its last use by a flow; 0: never; or PATH_BUSY */
};

#define EBPFNET_PATHS 16384
#define PATH_BUSY 1u /* being filled in */

/*
 * Map hairpins: which flow, by its slot, packets belong to that are in the host's stack between two namespaces. The key
 * is their tuple there, in the direction of the first packet (core/nat.h: nat_between()), with zone
 * EBPFNET_ZONE_FORWARDED. An entry says nothing that is not looked up in the flow, too.
 */

/* State of a slot of map conns, and of its flow. */
enum conn_state {
	CONN_FREE = 0,		/* on the free list, or never used */
	CONN_BUSY,		/* being created or deleted */
	CONN_UNREPLIED,		/* UDP, ICMP, others: no reply yet */
	CONN_REPLIED,		/* both directions seen */
	CONN_ASSURED,		/* and the first one again, CT_ASSURED_S later */
	CONN_SYN_SENT,		/* TCP: states of RFC 9293 as seen from the middle */
	CONN_SYN_RECV,
	CONN_ESTABLISHED,
	CONN_FIN_WAIT,		/* FIN from one side */
	CONN_CLOSING,		/* FIN from both */
	CONN_RESET,		/* RST seen */
	CONN_STATES,
} __attribute__((packed));

/* Value of map conns, a slot: the state of a flow, common to both directions. */
struct conn {
	struct flow_key orig;		/* key of the original direction */
	__u32 seen;			/* time of the last packet */
	__u32 portmap;			/* id of its port mapping; 0: masqueraded. FREE: next free slot + 1 */
	__u32 endpoint;			/* id of the endpoint that opened it; 0: the host, or a client outside */
	/* changed together, by a compare-and-swap of the four bytes */
	enum conn_state state;
	__u8 fin;			/* TCP: bit 1 << enum flow_dir: that side sent FIN; others: see ct_next() */
	__u8 scales;			/* TCP: window scales, the reply side's in the high half */
	__u8 use;			/* incremented for each flow in the slot */
};

/*
 * Map usage: what an account uses of the tables (docs/dev/capacity.md). An account is an endpoint, by its id, for
 * the flows that it opens; or a port mapping, by its id and ACCOUNT_PORTMAP, for those that clients outside open; or
 * ACCOUNT_FORWARDED, for those of packets that the host forwards (another container network's).
 */
#define ACCOUNT_PORTMAP (1u << 31)
#define ACCOUNT_FORWARDED (1u << 30)

struct usage {
	__u32 flows;
	__u32 ports;			/* external ports: one for each mapping, and for each flow without one */
	__u32 udp_ports;		/* those of UDP, which a mapping has for itself alone */
	__u32 cursor;			/* turn of ct_scan_slot() with which its next search for room begins */
	__u32 searched;			/* when such a search last found nothing */
};

/*
 * Map hold_down, by a hash of a key of map flows: who had that external port last (RFC 6888 REQ-8). Lossy: a
 * later port with the same hash overwrites it.
 */
struct hold_down {
	__u32 tag;			/* another hash of the key */
	__u32 endpoint;			/* id; 0: empty */
	__u32 since;			/* when its flow ended */
};

/* struct port.flags */
enum {
	PORT_SPOOF_ALLOW = 1 << 0,	/* may send from any address (nested switches, virtual machines) */
	PORT_LIMIT_IN = 1 << 1,		/* `ebpfnet limit`: what it receives waits in a class of the shaper, */
	PORT_LIMIT_OUT = 1 << 2,	/* and what it sends */
};

#define PORT_LIMITED (PORT_LIMIT_IN | PORT_LIMIT_OUT)

/* Class of the shaper (HTB, 1:MINOR) for what a port receives, and for what it sends; number: struct port's. */
static inline __u32 ebpfnet_shaper_class(__u16 number, __u16 limit)
{
	return 1u << 16 | (number * 2 + (limit == PORT_LIMIT_OUT ? 2 : 1));
}

/*
 * Map limits, by ifindex of a port with PORT_LIMIT_OUT: its rate, for packets that leave by an uplink whose root qdisc
 * is fq. A virtual clock (GCRA, ITU-T I.371): .full is when the bucket will be full again.
 */
struct limit {
	__u64 rate;			/* bytes per second; not 0 */
	__u64 burst_ns;			/* the bucket, as time at that rate */
	__u64 horizon_ns;		/* longest wait; beyond it a packet is dropped */
	__u64 full;			/* CLOCK_MONOTONIC, ns; the programs write it */
};

/* Map ports, by the ifindex of a namespace's host-side veth: a port of the switch. */
struct port {
	char name[EBPFNET_NAME_LEN];	/* of the namespace */
	struct ipaddr addr;
	__u8 mac[6];
	__u16 net;
	__u32 endpoint;			/* endpoint id, not reused */
	__u16 flags;			/* PORT_* */
	__u16 number;			/* N in vethN */
	__u32 next;			/* next port of the network, of a lower ifindex; 0: this is the last */
};

/* Map endpoints: the owner of an IPv4 address. */
struct endpoint_key {
	struct ipaddr addr;
	__u16 net;
	__u16 zero;
};

struct endpoint {
	__u32 ifindex;			/* port; 0: the gateway */
	__u32 id;
	__u8 mac[6];
	__u16 zero;
};

/* Maps fdb and fdb_learned: the port that leads to a MAC address. */
struct fdb_key {
	__u8 mac[6];
	__u16 net;
};

enum fdb_kind {
	FDB_LEARNED,
	FDB_STATIC,		/* an endpoint's address: neither ages nor moves */
	FDB_GATEWAY,		/* the gateway's address: frames to it are routed */
} __attribute__((packed));

struct fdb_entry {
	__u32 ifindex;
	__u32 seen;			/* time of the last frame; 0 in static entries */
	enum fdb_kind kind;
	__u8 zero[3];
};

/* Map neigh, by struct endpoint_key: the MAC address of an IPv4 address behind a port with spoof=allow. */
struct neigh_entry {
	__u8 mac[6];
	__u16 zero;
};

/* An IPv6 address in network byte order. */
struct ipv6_addr {
	__be32 word[4];
};

/* Maps ipv6_given and ipv6_learned: the owner of an IPv6 address. */
struct ipv6_key {
	struct ipv6_addr addr;
	__u16 net;
	__u16 zero;
};

/* Map ipv6_given: endpoint id of an address that was given by `--ipv6-addr`. */

/* Map ipv6_learned: of one that a port has claimed by using it first. */
struct ipv6_owner {
	__u32 endpoint;
	__u32 seen;			/* time of the last packet from it */
	__u32 dad;			/* time of its owner's last duplicate address detection */
};

#define ND_PER_PORT 16			/* learned addresses of a port; a power of two */

/* Map ipv6_rings, by endpoint id: the learned addresses of a port, the oldest of which makes room for the next. */
struct ipv6_ring {
	__u32 next;			/* counts; index of the oldest, modulo ND_PER_PORT */
	__u32 zero[3];
	struct ipv6_addr at[ND_PER_PORT];
};

/* struct network.flags */
enum {
	NETWORK_INTERNAL = 1 << 0,	/* nothing leaves it by an uplink, and nothing of it is published */
	NETWORK_ISOLATED = 1 << 1,	/* other networks do not reach its published ports, nor it theirs */
	NETWORK_HAS_UNMASQUERADED = 1 << 2,	/* map subnets has destinations for it */
	NETWORK_OWN_FORWARDING = 1 << 3, /* .forwarding does not follow config.forwarding */
};

/* How packets between a namespace and others than its network pass the host's own rules; `ebpfnet set forwarding`. */
enum forwarding {
	FORWARDING_FAST,		/* not at all: redirected from device to device */
	FORWARDING_ASK,			/* a direction's first goes through FORWARD, then copies of some */
	FORWARDING_STACK,		/* each goes through FORWARD */
} __attribute__((packed));

/* Map networks, by network id. */
struct network {
	struct ipaddr subnet, mask;
	struct ipaddr gateway;
	struct ipaddr broadcast;
	__u32 gw_ifindex;		/* gateway device, the host's end; 0: no such network */
	__u32 gw_peer;			/* its peer, the switch's end */
	__u8 gw_mac[6];
	__u16 ports;			/* number of ports */
	__u32 first_port;		/* first of its list of ports, the one of the highest ifindex; 0: none */
	__u32 flags;			/* NETWORK_* */
	enum forwarding forwarding;	/* its own with NETWORK_OWN_FORWARDING, else that of the host */
	__u8 zero[3];
};

/*
 * Map subnets, a trie: which network an address belongs to (net 0 in the key; the value is the network's id), and to
 * which destinations the packets of a network keep their source (its id in the key; the value is 1).
 */
struct subnet_key {
	__u32 prefixlen;		/* 32 and that of the subnet */
	__u32 net;
	struct ipaddr addr;
};

/*
 * Map subnet_bits: one bit for each /16, 64 in a word, set if an address in it belongs to a network of ours. Spares all
 * others the look-up in the trie.
 */
static inline __u32 ebpfnet_subnet_word(struct ipaddr a)
{
	return a.octet[0] << 2 | a.octet[1] >> 6;
}

static inline __u32 ebpfnet_subnet_bit(struct ipaddr a)
{
	return a.octet[1] & 63;
}

/* Map gateways: ifindex of a gateway device to network id. */

/* Map uplinks, by ifindex: devices with our programs, so that replies are seen. */
struct uplink {
	char name[EBPFNET_NAME_LEN];
	__u32 flags;			/* UPLINK_* */
};

/* struct uplink.flags */
enum {
	/*
	 * The kernel forwarded nothing that this device receives (net.ipv4.conf.DEVICE.forwarding was 0) until `up`
	 * switched it on for namespaces: what is neither for them nor for the host is still dropped.
	 */
	UPLINK_NO_TRANSIT = 1 << 0,
	/*
	 * A tunnel of the kernel's (ipip, gre): its driver notes the path MTU between its ends in the packet's route.
	 * So the kernel is to look that up, and not only the next hop's neighbour.
	 */
	UPLINK_NEEDS_ROUTE = 1 << 1,
};

/*
 * Map portmap_keys: (address, protocol, port) to port mapping id. Address 0.0.0.0: every address of the host. A
 * range of ports is one mapping with a key for each port.
 */
struct portmap_key {
	struct ipaddr addr;
	__u16 port_h;
	enum l4proto proto;
	__u8 zero;
};

/*
 * Map portmap_bits: one bit per TCP port, then per UDP port, 64 in a word; set if it is published on some
 * address. Set before the keys are inserted, and cleared after they are deleted.
 */
static inline __u32 ebpfnet_portmap_word(enum l4proto proto, __u16 port_h)
{
	return (proto == L4_UDP ? EBPFNET_PORTMAP_WORDS / 2 : 0) + port_h / 64;
}

/* Map portmaps, by id (not reused): a port mapping. A key of map portmap_keys whose mapping is missing is void. */
struct portmap {
	char name[EBPFNET_NAME_LEN];	/* of the namespace */
	struct ipaddr addr;		/* published address; 0.0.0.0: every address of the host */
	struct ipaddr to;		/* address of the endpoint */
	__u16 first_h, last_h;		/* published ports */
	__u16 to_first_h;		/* port inside for first_h; the others follow in step */
	__u16 net;
	__u32 endpoint;			/* endpoint id: a namespace created again under the same name gets another */
	enum l4proto proto;
	__u8 zero[3];
};

/* Peers that may send to the mapping of a namespace's UDP socket (RFC 4787 section 5); `ebpfnet set filtering`. */
enum filtering {
	FILTER_PORT,			/* address and port that it has sent to (APDF) */
	FILTER_ADDRESS,			/* address that it has sent to (ADF) */
	FILTER_ENDPOINT,		/* any (EIF) */
} __attribute__((packed));

/* Index of config.timeout_s: idle timeouts, as `ebpfnet get` names them. */
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

/* Map config, one entry. Written by userspace. */
struct config {
	__u32 abi;			/* EBPFNET_ABI of the release that created the maps */
	__u32 gen;			/* incremented after each change: flows and caches are then checked again */
	__u32 fib_ifindex;		/* ingress device for FIB look-ups: ours, with forwarding on */
	__u32 lo_ifindex;
	__u32 last_network;		/* highest network id ever used; lower ones may be unused */
	__u32 max_flows;
	__u32 fdb_age_s;		/* IEEE 802.1D: 300 */
	__u32 portmaps;			/* number of port mappings */
	__u32 hold_down_s;		/* how long a released external port is reserved (RFC 6888 REQ-8) */
	enum filtering filtering;
	enum forwarding forwarding;	/* of networks without their own */
	_Bool has_rules;		/* some network's forwarding is not FORWARDING_FAST */
	__u8 zero;
	__u32 max_flows_ns;		/* flows per namespace */
	__u32 max_ports_ns;		/* external ports per namespace */
	__u32 mark;			/* in skb->cb of packets that we send; random */
	__u16 port_min_h, port_max_h;	/* external ports for masquerading, inclusive */
	__u32 timeout_s[TIMEOUT_CLASSES];
	__u32 ask_s;			/* how long an answer of the host's rules holds, if they do not change */
	__u32 shaper_ifindex;		/* the shaper's end with the queues; 0: no namespace is limited */
};

/* The way in which programs may read the memory of the running kernel; set by the loader (section .rodata.kernel). */
enum kernel_memory {
	KERNEL_MEMORY_CLOSED,		/* not at all (lockdown) */
	KERNEL_MEMORY_COPIED,		/* by bpf_probe_read_kernel() */
	KERNEL_MEMORY_IN_PLACE,		/* by typed loads, from Linux 6.2 on */
} __attribute__((packed));

/*
 * Where Linux before 6.2 has the generation of the nft ruleset: in a struct of the module nf_tables for each network
 * namespace. Set by the loader (section .rodata.nft); zero: newer kernels, or without that module.
 */
struct kernel_nft {
	__u64 net_id;			/* kernel address of the struct's number in net->gen, nf_tables_net_id */
	__u32 base_seq;			/* offset of the generation in struct nftables_pernet */
	__u32 zero;
};

/* Map conn_alloc, one entry: allocation state of map conns. Written by BPF only, except at creation. */
struct conn_alloc {
	__u64 free_head;		/* low half: first free slot + 1, 0: none; high half: tag against ABA */
	__u32 never_used;		/* slots from here on were never allocated */
	__u32 sweep;			/* next slot to sweep */
	__s32 live;			/* number of flows */
	__u32 private_peers;		/* not 0: outside peers of flows may have addresses of our networks */
	__s32 udp_ports;		/* external UDP ports that namespaces have */
	__u32 cursor;			/* turn of ct_scan_slot() with which the next search of a full table begins */
};

#ifndef __cplusplus
_Static_assert(sizeof(struct flow_key) == 16, "flow_key has no holes: it is hashed as bytes");
_Static_assert(sizeof(struct flow) == 48, "");
_Static_assert(sizeof(struct flow_path) == 28, "");
_Static_assert(sizeof(struct conn) == 32, "two connections a cache line");
_Static_assert(sizeof(struct port) == 40, "");
_Static_assert(sizeof(struct endpoint_key) == 8, "");
_Static_assert(sizeof(struct endpoint) == 16, "");
_Static_assert(sizeof(struct fdb_key) == 8, "");
_Static_assert(sizeof(struct fdb_entry) == 12, "");
_Static_assert(sizeof(struct neigh_entry) == 8, "");
_Static_assert(sizeof(struct ipv6_key) == 20, "");
_Static_assert(sizeof(struct ipv6_owner) == 12, "");
_Static_assert(sizeof(struct portmap_key) == 8, "");
_Static_assert(sizeof(struct portmap) == 40, "");
_Static_assert(sizeof(enum l4proto) == 1 && sizeof(enum conn_state) == 1, "packed enums");
#endif

#endif /* EBPFNET_ABI_H */
