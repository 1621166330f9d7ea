/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The objects of a network: gateway, uplinks, endpoints, port mappings. What callers of the library need is in
 * <ebpfnet/ebpfnet.h>; here is what the files of this room need of each other, and what the commands show.
 *
 * A record is written to the journal, NS_PENDING, before the first thing that it describes is made, and removed after
 * the last is gone. So whenever a command dies, the next `up` finishes or the next `down` removes what it began.
 */
#ifndef EBPFNET_LIB_MODEL_MODEL_H
#define EBPFNET_LIB_MODEL_MODEL_H

#include <ebpfnet/ebpfnet.h>

#include "lib/kernel/netns.h"
#include "lib/model/session.h"

#define NETWORK_DEFAULT_ID 1	/* one network for now */
#define NETWORK_GW_DEV "ebpfnet0"
#define NETWORK_GW_PEER "ebpfnet0p"

/* ---- the gateway, lo ---- */

int gateway_remove(struct session *x);
/* Attaches the program to lo if something is published, and detaches it if nothing is. */
int lo_ensure(struct session *x);
int lo_unhook(struct session *x);

/* ---- uplinks ---- */

/* Enters a device in x->host: the named one, or the default route's (name NULL). Logs. */
int uplink_want(struct session *x, const char *name);
/* The device of an uplink, renamed or made again as it may be; zeroed if there is none. Quiet; -ENODEV. */
int uplink_device(struct session *x, const struct uplink_record *u, struct nl_link *out);
/* The first IPv4 address of a device; false: it has none. */
bool uplink_address(const char *dev, struct ipaddr *out);
int uplink_remove(struct session *x, struct uplink_record *u);
/* "eth0, eth1". Returns buf. */
#define UPLINKS_TEXT (EBPFNET_HOST_UPLINKS * (EBPFNET_NAME_LEN + 2))
const char *uplinks_text(const struct host_record *host, char buf[UPLINKS_TEXT]);
const char *xdp_mode_text(uint32_t modes);	/* "native", "generic", "any", "off" */

/* ---- names, addresses and numbers of endpoints ---- */

int endpoint_check_name(const char *name);

/* How many addresses are tried: as many as may be in use, and the three that no endpoint gets. */
#define IPAM_TURNS (EBPFNET_MAX_PORTS + 3)

/* What endpoints have: read once, however many a command adds. */
struct ipam {
	struct ns_entry *endpoint;
	size_t count;
	bool number[EBPFNET_MAX_PORTS];
	bool addr[IPAM_TURNS];		/* in the order in which they are given out */
};
int ipam_read(const struct session *x, struct ipam *out);
void ipam_free(struct ipam *used);
#define _cleanup_ipam_ __attribute__((cleanup(ipam_free)))
const struct ns_record *ipam_find(const struct ipam *used, const char *name);	/* NULL: there is none */
/* The record of a new endpoint, entered in used; flags: NS_*. Writes nothing. Logs. */
int ipam_reserve(struct session *x, struct ipam *used, const struct endpoint_spec *spec, uint16_t flags,
		 struct ns_record *out);

/* ---- endpoints ---- */

/* Removes it, and the record. */
int endpoint_remove(struct session *x, const char *name, struct ns_record *rec);
/* Waits, a second at most, until the kernel has brought all ports into operation. */
void endpoints_wait_running(struct session *x);
/* In a word: "up", "incomplete", "gone". */
const char *endpoint_state(const struct ns_record *rec);

/* ---- port mappings ---- */

/* The mapping of the same endpoint, protocol, address and ports; NULL: there is none. */
const struct portmap_entry *portmap_find(const struct portmap_entry *all, size_t count, const struct portmap *p);

#endif
