/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The journal: what ebpfnet has created, or is about to create, on this host, in three pinned maps that no
 * program reads. A record is written before the object is created and removed after it is gone, so that after a
 * crash the next command knows what may be left.
 *
 * A record only grows, at its end: so `down` can read the beginning of an older release's. The journal is kernel memory
 * and ends with the boot, so all indexes and cookies in it are of this boot.
 */
#ifndef EBPFNET_JOURNAL_H
#define EBPFNET_JOURNAL_H

#include "abi.h"

/* The way in which programs are attached. */
enum hook_kind {
	HOOK_TCX,		/* kernel 6.6 and newer: pinned BPF links */
	HOOK_CLSACT,		/* cls_bpf direct action on a clsact qdisc */
} __attribute__((packed));

/* struct host_record.made: what to remove, and what is unfinished */
enum {
	UPLINKS_FOLLOW = 1 << 0,	/* `up` without uplinks: devices that routes lead to are uplinks */
	MADE_LO_QDISC = 1 << 1,		/* created clsact on lo */
	LO_HOOKED = 1 << 2,		/* our program is on lo: a port is published */
	MADE_ETC_NETNS = 1 << 3,	/* created /etc/netns */
	UP_DEFAULTS = 1 << 4,		/* unfinished `up` without namespaces: ns1 and ns2 are to be created */
	GOING_DOWN = 1 << 5,		/* unfinished `down`: the next command finishes it first */
	XDP_MODE_NATIVE = 1 << 6,	/* `up --xdp`: XDP prefilter in the driver, */
	XDP_MODE_GENERIC = 1 << 7,	/* or behind it; both: generic if the driver has no support */
	COMING_UP = 1 << 8,		/* unfinished first `up`: the next one finishes it */
	MADE_SHAPER = 1 << 9,		/* created the shaper's pair of devices: a namespace is limited */
};

#define XDP_MODE_ANY (XDP_MODE_NATIVE | XDP_MODE_GENERIC)

#define EBPFNET_HOST_UPLINKS EBPFNET_MAX_UPLINKS	/* uplinks of all networks */
#define EBPFNET_OLD_UPLINKS 16				/* before layout 8 */
#define EBPFNET_PROGRAMS 16		/* room for enum hook (lib/dataplane/dataplane.h) */

/* struct uplink_record.flags */
enum {
	UPLINK_MADE_QDISC = 1 << 0,	/* created clsact on it */
	/* net.ipv4.conf.NAME.forwarding was 0, and is switched on, or about to be: 0 again when no network needs it */
	UPLINK_SET_FORWARDING = 1 << 1,
	UPLINK_OF_ROUTER = 1 << 2,	/* then net.ipv4.ip_forward was 1 all the same */
	UPLINK_L3 = 1 << 3,		/* its packets have no link-layer header: it has the programs for that */
	UPLINK_BY_ROUTE = 1 << 4,	/* not by name, and no default route leads to it: docker0 */
};

/* An uplink. If the device is gone, a new one with that name takes its place. */
struct uplink_record {
	char name[EBPFNET_NAME_LEN];	/* last known name; TCX links are pinned under it */
	__u32 ifindex;			/* 0: not attached yet, or gone */
	__u32 flags;			/* UPLINK_* */
};

/* Map host, one entry. */
struct host_record {
	__u32 abi;			/* EBPFNET_ABI; 0: `up` has not begun */
	enum hook_kind hook;
	__u8 old_prefix;		/* old_...: of releases before layout 5, which had one network */
	__u16 old_net;
	struct ipaddr old_subnet, old_gateway;
	__u32 next_endpoint;		/* next id, from 1 on; ids are not reused */
	__u32 next_portmap;
	__u32 made;			/* flags above */
	char old_gw_dev[EBPFNET_NAME_LEN];
	char old_gw_peer[EBPFNET_NAME_LEN];
	struct uplink_record old_uplinks[EBPFNET_OLD_UPLINKS]; /* before layout 8 */
	/* since layout 5 */
	__u64 netns_cookie;		/* the network namespace that is the host (SO_NETNS_COOKIE) */
	__u64 build[EBPFNET_PROGRAMS];	/* digests of the objects that the pinned programs are from, by enum hook */
	__u16 last_chosen;		/* where in the range the last published port was chosen */
	__u8 zero_build[6];
	/* since layout 8 */
	struct uplink_record uplinks[EBPFNET_HOST_UPLINKS];	/* unused ones last, without a name */
};

#define EBPFNET_NETWORK_LEN 64		/* a network's name, with its terminating 0 */
#define EBPFNET_UNMASQUERADED 16	/* destinations of one network */
#define EBPFNET_ID_LEN 65		/* a container's or a network's id: up to 64 characters, and 0 */

/* struct net_record.made */
enum {
	NET_PENDING = 1 << 0,	/* incomplete creation or removal: finish or undo it */
	NET_KEPT = 1 << 1,	/* its definition is in a file, too, so that it comes back after a boot */
	NET_CHANGED = 1 << 2,	/* ... and that file is to be written again */
};

struct cidr {
	struct ipaddr addr;
	__u8 prefix;			/* 0: none */
	__u8 zero[3];
};

/* Map nets, by network id: what a network is defined as, and its gateway device. */
struct net_record {
	char name[EBPFNET_NETWORK_LEN];
	char id[EBPFNET_ID_LEN];	/* as a client calls it; "": none */
	__u8 zero[3];
	struct cidr subnet;
	struct cidr range;		/* which addresses are chosen from; prefix 0: the subnet */
	struct ipaddr gateway;
	__u32 flags;			/* NETWORK_INTERNAL, NETWORK_ISOLATED, NETWORK_OWN_FORWARDING */
	__u32 mtu;			/* 0: that of the first uplink */
	__u32 made;			/* NET_* */
	struct cidr unmasqueraded[EBPFNET_UNMASQUERADED];	/* --no-masquerade; prefix 0 ends the list */
	char gw_dev[EBPFNET_NAME_LEN];
	char gw_peer[EBPFNET_NAME_LEN];
	__u32 gw_ifindex, gw_peer_ifindex;	/* 0: not made yet */
	__u32 next_addr;		/* of its choices of address, in turn: where the next for a client begins */
	/* since layout 7 */
	enum forwarding forwarding;	/* with NETWORK_OWN_FORWARDING; else that of the host counts */
	__u8 zero_end[3];
};

/* struct ns_record.flags */
enum {
	NS_PENDING = 1 << 0,	/* incomplete creation or removal: finish or undo it */
	NS_MADE = 1 << 1,	/* created the namespace: remove it too */
	NS_HOSTS_LINK = 1 << 2,	/* created /etc/netns/NAME/hosts */
	NS_HOSTS_DIR = 1 << 3,	/* created /etc/netns/NAME */
	NS_DECLARED = 1 << 4,	/* named by `up`, not by a later command */
	NS_LATER = 1 << 5,	/* its device waits on the host until its client moves it into the namespace */
};

#define EBPFNET_PATH_LEN 192		/* path of a namespace's file, with its terminating 0 */
/* The client that asked for an attachment, and calls it by id and device. */
enum plug_client {
	PLUG_USER,			/* a person: the command line */
	PLUG_CNI,
	PLUG_NETAVARK,
	PLUG_DOCKER,
} __attribute__((packed));

#define EBPFNET_ALIASES_LEN 128		/* further names, with blanks between, and the terminating 0 */
#define EBPFNET_LABEL_LEN 64		/* a name for people to read, with its terminating 0 */

/* Limit of a namespace's port in one direction: it receives, or sends, no more. */
struct ns_limit {
	__u64 rate;			/* bits per second; 0: no limit */
	__u64 burst;			/* bytes; 0: chosen by the rate */
};

/* Map namespaces, by name and network: a namespace has a port in each network that it is in. */
struct ns_key {
	char name[EBPFNET_NAME_LEN];
	/* since layout 5 */
	__u16 net;
	__u16 zero;
};

/* A port: a namespace and its veth. */
struct ns_record {
	struct ipaddr addr;
	__u8 mac[6];
	__u16 net;
	__u16 number;			/* N in vethN and cethN */
	__u16 flags;			/* NS_* */
	__u16 port_flags;		/* PORT_* */
	__u16 order;			/* of the namespace's ports: the lowest is the first, which is published */
	__u32 ifindex;			/* host-side veth; 0 while pending */
	__u32 endpoint;
	__u64 netns_dev, netns_ino;	/* of the namespace's file; the kernel gives an inode to the next one again */
	char host_dev[EBPFNET_NAME_LEN];
	char ns_dev[EBPFNET_NAME_LEN];
	char path[EBPFNET_PATH_LEN];	/* how it was found: /run/netns/NAME, /proc/PID/ns/net; NS_LATER: where it
					   will be, or "": not known; 64 before layout 5 */
	/* since layout 5 */
	__u64 netns_cookie;		/* which namespace it is (SO_NETNS_COOKIE): not given twice; 0: none yet */
	char id[EBPFNET_ID_LEN];	/* of the container, as its runtime calls it; "": none */
	char label[EBPFNET_LABEL_LEN];	/* for people; "": none */
	enum plug_client client;
	__u8 zero_end[6];
	struct ipv6_addr ipv6[EBPFNET_GIVEN_IPV6];	/* --ipv6-addr; an unspecified one ends the list */
	__u32 mtu;			/* of both devices; 0: that of the gateway device */
	__u32 zero_mtu;
	char ifname[EBPFNET_NAME_LEN];	/* of the device inside, as the client calls it, whatever it is renamed to */
	char aliases[EBPFNET_ALIASES_LEN];	/* for the hosts files */
	struct ns_limit in, out;
};

#endif /* EBPFNET_JOURNAL_H */
