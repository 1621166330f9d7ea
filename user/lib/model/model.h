/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The objects of a network: gateway, uplinks, endpoints, port mappings. <ebpfnet/ebpfnet.h> is the interface of the
 * library; this header is internal to lib/model and used by the commands for output.
 *
 * A record enters the journal, marked NS_PENDING, before the first object that it describes is created, and leaves it
 * after the last one is removed. So if a command is killed, the next `up` completes its work, or `down` removes it.
 */
#ifndef EBPFNET_LIB_MODEL_MODEL_H
#define EBPFNET_LIB_MODEL_MODEL_H

#include <ebpfnet/ebpfnet.h>

#include "lib/kernel/netns.h"
#include "lib/model/session.h"

#define NETWORK_DEFAULT "default"	/* the network of `up` */
#define NETWORK_DEFAULT_ID 1		/* which no other network gets */

/* ---- what is left of a network whose journal is lost (no record of the host) ---- */

/* Remove it. *any: whether there was something. -EXDEV: that network is up, with its pins elsewhere. Logs. */
int leftover_remove(struct session *x, bool *any);
/* List the devices that leftover_remove() would remove. */
int leftover_plan(struct session *x, struct diff *plan);

/* ---- networks ---- */

/* Check a name. Logs. -EINVAL. */
int network_check_name(const char *name);
/* Check the definition by itself, and give it a subnet and a gateway if it has none. Logs. */
int network_complete(struct session *x, struct network_def *def);
/* Check that the subnet overlaps no route of the host and no other network. Logs. -EEXIST. */
int network_check_overlap(struct session *x, const struct cidr *subnet, const char *name);
/* Enter a network in the journal, NET_PENDING and made; id: 0 for any. *out: in x->nets. Logs. */
int network_enter(struct session *x, const struct network_def *def, uint32_t id, uint32_t made,
		  struct net_entry **out);
/* Write its definition to disk, if it is to be there. Warns if that fails: then it is not kept. */
int network_keep(struct session *x, struct net_entry *net);
/* Remove one, which has no endpoint any more, and its record. */
int network_remove(struct session *x, uint32_t id);
/*
 * Enter the networks that are defined on disk and not in the journal; those that cannot be had are warned of. With
 * plan they are only listed. done may be NULL.
 */
int networks_bring_back(struct session *x, bool plan, struct diff *done);

/* ---- the gateways, lo ---- */

/* Remove a network's gateway device; forget it in the maps. */
int gateway_remove(struct session *x, struct net_entry *net);
int gateway_forget(struct session *x, struct net_entry *net);
/* Attach the program to lo if a port is published, else detach it. */
int lo_ensure(struct session *x);
int lo_unhook(struct session *x);

/* ---- limits of namespaces ---- */

/* Make the shaper, or its classes, as the journal's records say; remove it if no namespace is limited. */
int shaper_ensure(struct session *x);
/* The same, if there is one: after a namespace was removed. */
int shaper_settle(struct session *x);
int shaper_remove(struct session *x);
/* True if anything of the port is limited. */
bool endpoint_is_limited(const struct ns_record *rec);
/* The queues dropped so many of a port's packets; 0 if that cannot be read. */
struct shaper_dropped {
	uint64_t in, out;		/* packets */
};
int shaper_dropped(struct session *x, const struct ns_entry *all, size_t count, struct shaper_dropped *out);

/* ---- forwarding through the host's own rules: forwarding.c ---- */

/*
 * The mode that holds for a network: its own, or else that of the host. Nothing leaves an internal network, whose mode
 * is fast.
 */
enum forwarding forwarding_of(const struct config *cfg, const struct net_record *net);
/* True if some network's mode is not FORWARDING_FAST: the kernel has to forward what uplinks receive for it. */
bool forwarding_is_needed(const struct session *x);
/* Apply the modes of the journal and of the configuration: after one of them, or the list of networks, has changed. */
int forwarding_apply(struct session *x);
/* Switch forwarding off on an uplink, if UPLINK_SET_FORWARDING says so and the host is no router by now. Logs. */
int forwarding_undo(struct session *x, struct uplink_record *u, const struct nl_link *dev);

/* ---- uplinks ---- */

/*
 * Which devices can be uplinks, by their link types. unfit: why one cannot, "is ...", or NULL. is_l3: its packets have
 * no link-layer header.
 */
const char *uplink_type_unfit(const struct nl_link *dev);
bool uplink_type_is_l3(const struct nl_link *dev);
/* True if a device becomes an uplink by any route that leads there. */
bool uplink_type_followed(const struct nl_link *dev);
/* Of struct uplink.flags, those that its type decides. */
uint32_t uplink_type_flags(const struct nl_link *dev);
/* The programs of an uplink. */
enum hook uplink_hook(const struct uplink_record *u);
enum hook uplink_egress_hook(const struct uplink_record *u);
/*
 * Add to x->host, and to nothing else, a device (flags: UPLINK_BY_ROUTE or 0); those that the host's routes lead to,
 * now and from then on. Log.
 */
int uplink_want(struct session *x, const char *name, uint32_t flags);
int uplinks_follow(struct session *x);
/* The devices that the host's routes lead to. Logs. */
int routes_read(struct session *x, struct nl_ways *out);
/* Find the device of an uplink, even if renamed or created again; zeroed if none. Quiet; -ENODEV. */
int uplink_device(struct session *x, const struct uplink_record *u, struct nl_link *out);
/* Get the first IPv4 address of a device; false: it has none. */
bool uplink_address(const char *dev, struct ipaddr *out);
int uplink_remove(struct session *x, struct uplink_record *u);
/* "eth0, eth1". Returns buf. */
#define UPLINKS_TEXT (EBPFNET_HOST_UPLINKS * (EBPFNET_NAME_LEN + 2))
const char *uplinks_text(const struct host_record *host, char buf[UPLINKS_TEXT]);
const char *xdp_mode_text(uint32_t modes);	/* "native", "generic", "any", "off" */

/* ---- names, addresses and numbers of endpoints ---- */

int endpoint_check_name(const char *name);
/* True if it means something else, as "gateway". */
bool endpoint_is_word(const char *name);
/* Check the id that a runtime gives, or a label. Log. */
int endpoint_check_id(const char *id);
int endpoint_check_label(const char *label);
/*
 * A name from any text, always the same: the text, or if it is longer than a name, its beginning and a hash of it, so
 * that two texts that begin alike get two names.
 */
void endpoint_short_name(const char *text, char name[EBPFNET_NAME_LEN]);
/* Check that no namespace of the host has the name. -EEXIST. Logs. */
int endpoint_check_free(const char *name);

/*
 * 1: a namespace of the name is there, and unused: path and *id are set, to attach it. 0: the name is free. -EEXIST:
 * there, and in use. Logs.
 */
int endpoint_adopt(const char *name, char path[NETNS_PATH], struct netns_id *id);

/* Number of addresses to try: all that may be in use, and the three that no endpoint gets. */
#define IPAM_TURNS (EBPFNET_MAX_PORTS + 3)

/* Addresses, names and numbers in use: read once for each command. */
struct ipam {
	const struct net_entry *net;	/* whose addresses these are */
	struct ns_entry *endpoint;	/* of all networks */
	size_t count;
	bool number[EBPFNET_MAX_PORTS];
	bool addr[IPAM_TURNS];		/* in the order of allocation */
};
int ipam_read(const struct session *x, const struct net_entry *net, struct ipam *out);
void ipam_free(struct ipam *used);
#define _cleanup_ipam_ __attribute__((cleanup(ipam_free)))
/* The record of a namespace's port in that network; NULL: there is none. */
const struct ns_record *ipam_find(const struct ipam *used, const char *name);
/* Where the choice of the next address for a client begins (struct net_record.next_addr), after this one was given. */
uint32_t ipam_turn_after(const struct net_record *net, struct ipaddr addr);
/* Make the record of a new endpoint, and add it to used; flags: NS_*. Writes no map. Logs. */
int ipam_reserve(struct session *x, struct ipam *used, const struct endpoint_spec *spec, uint16_t flags,
		 struct ns_record *out);

/* ---- endpoints ---- */

/*
 * Open the namespace of an endpoint, if what is at its path is still that namespace. Quiet: -ENOENT; -ESTALE: another
 * one is there.
 */
int endpoint_open(const struct ns_record *rec);
/* The folder of its files in /etc/netns: the name that `ip netns` has for the namespace, or else the endpoint's. */
const char *endpoint_etc_name(const struct ns_record *rec, const char *name);
/*
 * Remove an endpoint and its record; its namespace, if ebpfnet made it, with its last one. all: the other records; that
 * of the endpoint, if it is among them, is emptied.
 */
int endpoint_remove(struct session *x, struct ns_entry *e, struct ns_entry *all, size_t count);
/* The same, and what follows from it: the namespace's other ports, lo, the hosts files. Logs. */
int endpoint_drop(struct session *x, struct ns_entry *e, struct ns_entry *all, size_t count);
/* Wait, for at most a second, until all ports are operational. */
void endpoints_wait_running(struct session *x);
/* That of a namespace's ports by which its default route leads: the first outside internal networks; NULL: none. */
const struct ns_record *endpoint_with_default(struct session *x, const struct ns_entry *all, size_t count,
					      const char *name);
/*
 * The name of the namespace that a person means: its name, its label (of "default/web" also "web"), or its id. Without
 * a match it is what was given; -EEXIST: several match. Logs.
 */
int endpoint_resolve(const struct store *s, const char *given, char name[EBPFNET_NAME_LEN]);
/* Of all, a namespace's port in a network; NULL: the only one that it has. -ENOENT; -EINVAL: it has several. Logs. */
int endpoint_select(struct session *x, const char *name, const char *network, struct ns_entry *all, size_t count,
		    struct ns_entry **out);
/* The command that mends a namespace that is "gone": makes it again, attaches the one of that path, or forgets it. */
#define REMEDY_TEXT (EBPFNET_NAME_LEN + 16)
const char *endpoint_remedy(const char *name, const struct ns_record *rec, char buf[REMEDY_TEXT]);
/* "up", "incomplete" or "gone". */
const char *endpoint_state(const struct ns_record *rec);

#endif
