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

#define TOPO_NET 1		/* the network's id: one network for now */
#define TOPO_GW_DEV "ebpfnet0"
#define TOPO_GW_PEER "ebpfnet0p"

/* ---- checks: they change nothing, and log what is wrong ---- */

int topo_check_name(const char *name);
/* Whether an endpoint of the network may have the address; except: the namespace that has it already, or NULL. */
int topo_check_addr(const struct state *s, const struct host_record *host, struct ipaddr addr,
		    const char *except);
/* Finds the uplink: the named device, or the one of the default route (name NULL). */
int topo_find_uplink(struct nl *nl, const char *name, struct nl_link *out);
int topo_check_subnet(struct nl *nl, struct ipaddr subnet, uint8_t prefix);

/* ---- the network ---- */

/* The gateway device, from the host record; mtu counts if it has to be made. */
int topo_gateway(const struct state *s, struct nl *nl, const struct host_record *host,
		 uint32_t mtu, bool *changed);
/*
 * Puts our program on lo when something is published and takes it off when nothing is: all
 * loopback traffic pays for it.
 */
int topo_lo(const struct state *s);
/* Removes all of it, and all namespaces, whatever state they are in; goes on after a failure and returns the first. */
int topo_remove(const struct state *s, struct nl *nl);

/* ---- uplinks ---- */

/* Enters a device among the uplinks of the record: the named one, or the default route's (name NULL). */
int topo_uplink_want(struct nl *nl, struct host_record *host, const char *name);
/* The device of an uplink, renamed or made again as it may be. Quiet; -ENODEV: there is none now. */
int topo_uplink_device(struct nl *nl, const struct host_record *host, const struct uplink_record *u,
		       struct nl_link *out);
/*
 * Attaches our programs to all uplinks there are, after what changed about them and about the
 * default routes since. Warns of one that is gone, and goes on. Brings the record up to date.
 */
int topo_uplinks(const struct state *s, struct nl *nl, struct host_record *host, bool *changed);
/* Whether topo_uplinks() would find anything to do: attach, rename, take in. */
bool topo_uplinks_wanting(const struct state *s, struct nl *nl, const struct host_record *host);
/* "eth0, eth1". Returns buf. */
#define TOPO_UPLINKS_TEXT (EBPFNET_HOST_UPLINKS * (EBPFNET_NAME_LEN + 2))
const char *topo_uplinks_text(const struct host_record *host, char buf[TOPO_UPLINKS_TEXT]);
/* Name of the VLAN device that rules out an XDP prefilter on the uplink, written to vlan; NULL: none does. */
const char *topo_xdp_unfit(struct nl *nl, const struct nl_link *dev, char vlan[EBPFNET_NAME_LEN]);
/* Takes our programs off it, if they are on it; the record's entry stays. */
int topo_uplink_remove(const struct state *s, struct nl *nl, const struct host_record *host,
		       struct uplink_record *u);

/* ---- namespaces ---- */

/* How many addresses are tried: as many as may be taken, and the three that no namespace gets. */
#define TOPO_TURNS (EBPFNET_MAX_PORTS + 3)

/* What namespaces have: read once, however many more a command makes. */
struct topo_taken {
	bool number[EBPFNET_MAX_PORTS];
	bool addr[TOPO_TURNS];		/* in the order in which they are given out */
};

int topo_taken_read(const struct state *s, const struct host_record *host, struct topo_taken *out);

/*
 * A record for a new namespace: number, addresses and device names, journalled as pending, and entered in
 * taken. addr may be zero: the next free one.
 */
int topo_reserve(const struct state *s, struct nl *nl, const struct host_record *host,
		 struct topo_taken *taken, const char *name, struct ipaddr addr, uint16_t flags, uint16_t port_flags,
		 const char *path, struct ns_record *out);
/* Makes what the record says. Its devices may take a moment until packets pass: topo_settle(). */
int topo_plug(const struct state *s, struct nl *nl, const struct host_record *host,
	      const char *name, struct ns_record *rec, bool *changed);
/* What somebody took away of it inside the namespace, in words; NULL: nothing, or it cannot be seen. */
const char *topo_missing_inside(const struct ns_record *rec);
/* Waits, a second at most, until the kernel has brought a port, or all, into operation. */
void topo_settle(struct nl *nl, const struct ns_record *rec);
void topo_settle_all(const struct state *s, struct nl *nl);
/* Removes it, and the record. */
int topo_unplug(const struct state *s, struct nl *nl, const struct host_record *host,
		const char *name, struct ns_record *rec);

#endif
