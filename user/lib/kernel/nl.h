/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * rtnetlink through libmnl: links, addresses, routes, in the network namespace where the socket
 * was opened. Errors carry the kernel's message (extended ack, kernel 4.12).
 *
 * Functions return 0 or a negative errno and log nothing: the caller knows the purpose. nl_why()
 * returns the reason of the last failure.
 */
#ifndef EBPFNET_LIB_KERNEL_NL_H
#define EBPFNET_LIB_KERNEL_NL_H

#include <linux/if_link.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include <ebpfnet/abi.h>

struct mnl_socket;

struct nl {
	struct mnl_socket *sock;
	unsigned int seq, portid;
	char why[160];
};

int nl_open(struct nl *nl);
void nl_close(struct nl *nl);
#define _cleanup_nl_ __attribute__((cleanup(nl_close)))

/* The kernel's message for the failure r, or strerror()'s. Valid until the next call with nl. */
const char *nl_why(struct nl *nl, int r);

/* ---- links ---- */

struct nl_link {
	int ifindex;
	char name[IFNAMSIZ];
	char kind[16];			/* "veth"; "": hardware, or lo */
	char alias[96];			/* IFLA_IFALIAS, as far as there is room */
	uint8_t mac[6];
	uint32_t mtu;
	uint16_t type;			/* ARPHRD_* */
	bool has_remote;		/* IFF_POINTOPOINT: a tunnel to one address, not to one for each packet */
	bool in_vrf;			/* it is a VRF, or belongs to one: only routes of that VRF lead to it */
	bool up;
	bool carrier;			/* up, with a carrier */
	bool running;			/* up, with a carrier, and its queues are active */
	int peer;			/* ifindex of a veth's other end, or of a VLAN's lower device */
	bool peer_elsewhere;		/* the peer is in another network namespace */
	bool peer_ends;			/* ... which has no users any more, and is being removed */
	struct rtnl_link_stats64 stats;
};

/* By name, or by index where name is NULL. -ENODEV. */
int nl_link_get(struct nl *nl, const char *name, int ifindex, struct nl_link *out);

/* All of this network namespace; *out is malloc'ed, the caller's. */
int nl_link_all(struct nl *nl, struct nl_link **out, size_t *count);

/* The first VLAN device on top of a device, in this network namespace. -ENOENT: none. */
int nl_link_vlan(struct nl *nl, int ifindex, struct nl_link *out);

/*
 * Makes a veth pair, down. Names, MAC addresses and namespace are set at creation, so that udev does not change them.
 */
struct nl_veth {
	const char *name, *peer;
	uint8_t mac[6], peer_mac[6];
	uint32_t mtu;
	int peer_netns;			/* descriptor; -1: this one */
};
int nl_veth_add(struct nl *nl, const struct nl_veth *v);
int nl_link_up(struct nl *nl, int ifindex);
int nl_link_mac(struct nl *nl, int ifindex, const uint8_t mac[6]);
int nl_link_del(struct nl *nl, int ifindex);
int nl_link_set_mac(struct nl *nl, int ifindex, const uint8_t mac[6]);
int nl_link_set_mtu(struct nl *nl, int ifindex, uint32_t mtu);
int nl_link_set_alias(struct nl *nl, int ifindex, const char *alias);	/* the kernel takes none at creation */

/* One IPv4 setting of a device: IPV4_DEVCONF_* (linux/ip.h). */
int nl_link_devconf(struct nl *nl, int ifindex, int setting, uint32_t value);

/* ---- queues: HTB at a device's root, with classes 1:MINOR, each with a bfifo ---- */

/* A class. As the kernel has it, or as it is to be. */
struct nl_class {
	uint32_t id;			/* 1 << 16 | MINOR */
	uint64_t rate;			/* bytes per second, its own and at most */
	uint32_t burst_ticks;		/* time for which it may send at once: NL_TICK_NS */
	uint32_t queue;			/* bytes in its bfifo; not read */
	bool has_queue;			/* read only: the leaf is that of nl_class_set() */
	uint32_t waiting;		/* read only: packets in the queue */
	uint64_t dropped;		/* read only: packets, as the queue was full */
};
#define NL_TICK_NS 64			/* PSCHED_SHIFT */

/* True if the root is HTB, with our handle; false, too, if that cannot be read. */
bool nl_htb_is_root(struct nl *nl, int ifindex);
/* Replaces what is at the root. -ENOENT: the kernel has no HTB. */
int nl_htb_make(struct nl *nl, int ifindex);
/* All classes; *out is malloc'ed, the caller's. */
int nl_class_all(struct nl *nl, int ifindex, struct nl_class **out, size_t *count);
/* Adds a class, or changes it: packets in its queue stay. */
int nl_class_set(struct nl *nl, int ifindex, const struct nl_class *c);
int nl_class_del(struct nl *nl, int ifindex, uint32_t id);

/* ---- events ---- */

/*
 * A socket that becomes readable when devices, their IPv4 settings or routes of this network namespace change; of
 * routes by a gateway only default ones count.
 * nl_watch_read() reads all pending messages; 1: one of them was such a change, negative: -errno.
 */
int nl_watch_open(struct nl *nl);
int nl_watch_read(struct nl *nl);
int nl_watch_fd(const struct nl *nl);

/* ---- addresses and routes ---- */

/* scope: RT_SCOPE_*. Returns 0 if it exists already. */
int nl_addr_add(struct nl *nl, int ifindex, struct ipaddr addr, uint8_t prefix, uint8_t scope);
bool nl_addr_has(struct nl *nl, int ifindex, struct ipaddr addr);
/* An address of the device other than addr. */
bool nl_addr_other(struct nl *nl, int ifindex, struct ipaddr addr, struct ipaddr *other, uint8_t *prefix);

/* Returns 0 if a default route exists. Sets *added if one was created. */
int nl_route_default_add(struct nl *nl, int ifindex, struct ipaddr gateway, bool *added);
/* The device of the default route with the lowest metric. -ENOENT: none. */
int nl_route_default(struct nl *nl, int *ifindex);
/*
 * The devices that unicast routes lead to, each once: first those of default routes in the main table, by metric, then
 * those of all other routes, of whichever table, as the kernel lists them. No more than NL_WAYS.
 */
#define NL_WAYS 512
struct nl_ways {
	size_t count;
	struct nl_way {
		int ifindex;
		bool is_default;
		uint32_t metric;
	} way[NL_WAYS];
};
int nl_route_ways(struct nl *nl, struct nl_ways *out);
/* The one to a device; NULL: none. */
const struct nl_way *nl_way_to(const struct nl_ways *ways, int ifindex);
/* The device by which the host's routes and rules send what it sends to an address. -ENETUNREACH, ...: none. */
int nl_route_get(struct nl *nl, struct ipaddr dst, int *ifindex);
/* A route of the main table that overlaps the subnet, other than default routes and those of device except. -ENOENT. */
struct nl_route {
	struct ipaddr dst;
	uint8_t prefix;
	int ifindex;
};
int nl_route_overlap(struct nl *nl, struct ipaddr subnet, uint8_t prefix, int except,
		     struct nl_route *out);
/* The same, of those that are as specific as the subnet or more. */
int nl_route_within(struct nl *nl, struct ipaddr subnet, uint8_t prefix, int except, struct nl_route *out);

#endif
