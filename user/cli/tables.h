/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Tables that several commands show. */
#ifndef EBPFNET_CLI_TABLES_H
#define EBPFNET_CLI_TABLES_H

#include <ebpfnet/ebpfnet.h>

#include "cli/table.h"
#include "lib/base/addr.h"
#include "lib/model/session.h"

struct counted {
	const char *name, *text;
	size_t offset;			/* in struct counters */
};

/* Show one group of counters; zeros: also those at zero. Returns their sum. */
uint64_t show_counters(struct report *r, const char *key, const char *title, const struct counted *which,
		       size_t count, const struct counters *c, bool zeros);
/* Show the counters of drops by reason. Returns their sum. */
uint64_t show_drops(struct report *r, const struct counters *c, bool zeros);
/* The same of packets whose sender got an ICMP error: these are not among the drops. */
uint64_t show_refusals(struct report *r, const struct counters *c, bool zeros);

/*
 * Show the port mappings, of one network or (0) of all. Sets *ports to the number of ports. Returns 0 or a negative
 * errno (logged).
 */
int show_portmaps(struct report *r, struct session *x, uint32_t net, const char *ns, size_t *portmaps, uint64_t *ports);

/* "10.0.0.0/8,172.16.0.0/12" in buf; NULL: none. */
const char *unmasqueraded_text(const struct net_record *rec, char buf[EBPFNET_UNMASQUERADED * CIDR_TEXT]);

/* True unless `default` is the only network. */
bool has_other_networks(const struct session *x);
/* Show the networks. all: the namespaces, which are counted. */
void show_networks(struct report *r, const struct session *x, const struct ns_entry *all, size_t count);

/*
 * Show the namespaces. findings: what differs, so that one that exists but lacks its device, address or route is
 * "broken" for every command.
 */
void show_namespaces(struct report *r, struct session *x, const struct ns_entry *all, size_t count,
		     const struct diff *findings);

/* Show limits: of those namespaces that have one, in one network or (0) in any. *shown: how many. Logs. */
int show_limits(struct report *r, struct session *x, const struct ns_entry *all, size_t count, size_t *shown);

/* The id of the network whose rows are to be shown (--network); NULL: all, 0. Logs. -ENOENT. */
int find_shown_network(struct session *x, const char *name, uint32_t *id);

/* Moves the namespaces of a network to the front of all. Returns how many there are. */
size_t namespaces_in(uint32_t net, struct ns_entry *all, size_t count);

/* Show the actions that `up` or `down` would take. */
void show_plan(struct report *r, const struct diff *plan);

/* "172.31.13.55:5000-5009", "*:5000"; the same inside the namespace. They return buf. */
#define PLACE_LEN 32
const char *portmap_outside(const struct portmap *p, char buf[PLACE_LEN]);
const char *portmap_inside(const struct portmap *p, char buf[PLACE_LEN]);
/* "5000" or "8000-8999" */
const char *ports_text(uint16_t first, uint16_t last, char buf[PLACE_LEN]);

#endif
