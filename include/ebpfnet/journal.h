/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The journal: what ebpfnet made or means to make on this host, in two pinned maps that no BPF
 * program reads. A record is written before the thing is made and removed after it is gone, so
 * that whatever moment a command dies at, the next one knows what may be lying about.
 */
#ifndef EBPFNET_JOURNAL_H
#define EBPFNET_JOURNAL_H

#include "abi.h"

enum hook_kind {
	HOOK_TCX,		/* kernel 6.6 and newer: pinned BPF links */
	HOOK_CLSACT,		/* cls_bpf direct action on a clsact qdisc */
} __attribute__((packed));

/* struct host_record.made: what is not ours to remove unless its bit is set, and what is not done yet */
enum {
	UPLINKS_FOLLOW = 1 << 0,	/* `up` named no uplink: whatever has a default route is one */
	MADE_LO_QDISC = 1 << 1,		/* clsact on lo */
	LO_HOOKED = 1 << 2,		/* our program is on lo: something is published */
	MADE_ETC_NETNS = 1 << 3,	/* /etc/netns */
	UP_DEFAULTS = 1 << 4,		/* `up` that named no namespace is not done: ns1 and ns2 are wanted */
	GOING_DOWN = 1 << 5,		/* `down` is not done: whatever comes next finishes it first */
	XDP_MODE_NATIVE = 1 << 6,	/* `up --xdp`: the XDP prefilter of uplinks runs in the driver, */
	XDP_MODE_GENERIC = 1 << 7,	/* or behind it; both: generic where the driver takes none */
};

#define XDP_MODE_ANY (XDP_MODE_NATIVE | XDP_MODE_GENERIC)

#define EBPFNET_HOST_UPLINKS 16		/* uplinks that a network may have */

/* struct uplink_record.flags */
enum {
	UPLINK_MADE_QDISC = 1 << 0,	/* clsact on it is ours */
};

/*
 * An uplink: the device of that number, whatever it is called by now. Once that is gone, a device
 * of the name is the uplink made again.
 */
struct uplink_record {
	char name[EBPFNET_NAME_LEN];	/* as it was called last; TCX links are pinned under it */
	__u32 ifindex;			/* 0: not hooked yet, or gone */
	__u32 flags;			/* UPLINK_* */
};

/* Map host, one entry. */
struct host_record {
	__u32 abi;			/* EBPFNET_ABI; 0: `up` has not begun */
	enum hook_kind hook;
	__u8 prefix;			/* of the subnet */
	__u16 net;			/* the network's id */
	struct ipaddr subnet, gateway;
	__u32 next_endpoint;		/* next id to hand out, never 0, never used twice */
	__u32 next_portmap;
	__u32 made;			/* MADE_*, and the others above */
	char gw_dev[EBPFNET_NAME_LEN];	/* gateway device */
	char gw_peer[EBPFNET_NAME_LEN];
	struct uplink_record uplinks[EBPFNET_HOST_UPLINKS];	/* those without a name come last */
};

/* struct ns_record.flags */
enum {
	NS_PENDING = 1 << 0,	/* being made or being removed: finish or undo */
	NS_MADE = 1 << 1,	/* we made the namespace: remove it too */
	NS_HOSTS_LINK = 1 << 2,	/* we made /etc/netns/NAME/hosts */
	NS_HOSTS_DIR = 1 << 3,	/* we made /etc/netns/NAME */
	NS_DECLARED = 1 << 4,	/* named by `up`, not by a later command */
};

/* Map namespaces, by name. */
struct ns_key {
	char name[EBPFNET_NAME_LEN];
};

struct ns_record {
	struct ipaddr addr;
	__u8 mac[6];
	__u16 net;
	__u16 number;			/* N in vethN and cethN */
	__u16 flags;			/* NS_* */
	__u16 port_flags;		/* PORT_* */
	__u16 zero;
	__u32 ifindex;			/* host-side veth; 0 while pending */
	__u32 endpoint;
	__u64 netns_dev, netns_ino;	/* which namespace it is, whatever its name becomes; 0 while pending */
	char host_dev[EBPFNET_NAME_LEN];
	char ns_dev[EBPFNET_NAME_LEN];
	char path[64];			/* by which it was found: /run/netns/NAME, /proc/PID/ns/net */
};

#endif /* EBPFNET_JOURNAL_H */
