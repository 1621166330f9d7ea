/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The topology: what is to be there, against what is. Every function ensures: it makes what is
 * missing, leaves what is right, and says in *changed whether there was anything to do.
 *
 * A record is written to the journal, NS_PENDING, before the first thing that it describes is
 * made, and removed after the last is gone. So whenever a command dies, the next `up` finishes
 * or the next `down` removes what it began.
 */
#ifndef EBPFNET_LIB_MODEL_MODEL_H
#define EBPFNET_LIB_MODEL_MODEL_H

#include "lib/kernel/nl.h"
#include "lib/store/store.h"

#define NETWORK_DEFAULT_ID 1		/* the network's id: one network for now */
#define NETWORK_GW_DEV "ebpfnet0"
#define NETWORK_GW_PEER "ebpfnet0p"

/* ---- checks: they change nothing, and log what is wrong ---- */

int endpoint_check_name(const char *name);
/* Whether an endpoint of the network may have the address; except: the namespace that has it already, or NULL. */
int endpoint_check_addr(const struct store *s, const struct host_record *host, struct ipaddr addr,
			const char *except);
/* Finds the uplink: the named device, or the one of the default route (name NULL). */
int uplink_find(struct nl *nl, const char *name, struct nl_link *out);
int network_check_subnet(struct nl *nl, struct ipaddr subnet, uint8_t prefix);

/* ---- the network ---- */

/* The gateway device, from the host record; mtu counts if it has to be made. */
int gateway_ensure(const struct store *s, struct nl *nl, const struct host_record *host, uint32_t mtu, bool *changed);
/*
 * Puts our program on lo when something is published and takes it off when nothing is: all
 * loopback traffic pays for it.
 */
int lo_ensure(const struct store *s);
/* Removes all of it, and all namespaces, whatever state they are in; goes on after a failure and returns the first. */
int network_remove(const struct store *s, struct nl *nl);

/* ---- uplinks ---- */

/* Enters a device among the uplinks of the record: the named one, or the default route's (name NULL). */
int uplink_want(struct nl *nl, struct host_record *host, const char *name);
/* The device of an uplink, renamed or made again as it may be. Quiet; -ENODEV: there is none now. */
int uplink_device(struct nl *nl, const struct host_record *host, const struct uplink_record *u, struct nl_link *out);
/*
 * Attaches our programs to all uplinks there are, after what changed about them and about the
 * default routes since. Warns of one that is gone, and goes on. Brings the record up to date.
 */
int uplinks_ensure(const struct store *s, struct nl *nl, struct host_record *host, bool *changed);
/* Whether uplinks_ensure() would find anything to do: attach, rename, take in. */
bool uplinks_differ(const struct store *s, struct nl *nl, const struct host_record *host);
/* "eth0, eth1". Returns buf. */
#define UPLINKS_TEXT (EBPFNET_HOST_UPLINKS * (EBPFNET_NAME_LEN + 2))
const char *uplinks_text(const struct host_record *host, char buf[UPLINKS_TEXT]);
/* Name of the VLAN device that rules out an XDP prefilter on the uplink, written to vlan; NULL: none does. */
const char *uplink_xdp_unfit(struct nl *nl, const struct nl_link *dev, char vlan[EBPFNET_NAME_LEN]);
/* Takes our programs off it, if they are on it; the record's entry stays. */
int uplink_remove(const struct store *s, struct nl *nl, const struct host_record *host, struct uplink_record *u);

/* ---- namespaces ---- */

/* How many addresses are tried: as many as may be taken, and the three that no namespace gets. */
#define ENDPOINT_TURNS (EBPFNET_MAX_PORTS + 3)

/* What namespaces have: read once, however many more a command makes. */
struct endpoint_taken {
	bool number[EBPFNET_MAX_PORTS];
	bool addr[ENDPOINT_TURNS];		/* in the order in which they are given out */
};

int endpoint_taken_read(const struct store *s, const struct host_record *host, struct endpoint_taken *out);

/*
 * A record for a new namespace: number, addresses and device names, journalled as pending, and entered in
 * taken. addr may be zero: the next free one.
 */
int endpoint_reserve(const struct store *s, struct nl *nl, const struct host_record *host,
		     struct endpoint_taken *taken, const char *name, struct ipaddr addr, uint16_t flags,
		     uint16_t port_flags, const char *path, struct ns_record *out);
/* Makes what the record says. Its devices may take a moment until packets pass: endpoint_wait_running(). */
int endpoint_ensure(const struct store *s, struct nl *nl, const struct host_record *host, const char *name,
		    struct ns_record *rec, bool *changed);
/* What somebody took away of it inside the namespace, in words; NULL: nothing, or it cannot be seen. */
const char *endpoint_missing_inside(const struct ns_record *rec);
/* Waits, a second at most, until the kernel has brought a port, or all, into operation. */
void endpoint_wait_running(struct nl *nl, const struct ns_record *rec);
void endpoints_wait_running(const struct store *s, struct nl *nl);
/* Removes it, and the record. */
int endpoint_remove(const struct store *s, struct nl *nl, const struct host_record *host, const char *name,
		    struct ns_record *rec);

#endif
