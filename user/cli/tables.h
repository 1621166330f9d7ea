/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Tables that several commands show. */
#ifndef EBPFNET_CLI_TABLES_H
#define EBPFNET_CLI_TABLES_H

#include <ebpfnet/ebpfnet.h>

#include "cli/table.h"
#include "lib/store/store.h"

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

/* Show the port mappings. Sets *ports to the number of ports. Returns 0 or a negative errno (logged). */
int show_portmaps(struct report *r, const struct store *s, size_t *portmaps, uint64_t *ports);

/*
 * Show the namespaces. findings: what differs, so that one that exists but lacks its device, address or route is
 * "broken" for every command.
 */
void show_namespaces(struct report *r, const struct ns_entry *all, size_t count, const struct diff *findings);

/* Show the actions that `up` or `down` would take. */
void show_plan(struct report *r, const struct diff *plan);

/* "172.31.13.55:5000-5009", "*:5000"; the same inside the namespace. They return buf. */
#define PLACE_LEN 32
const char *portmap_outside(const struct portmap *p, char buf[PLACE_LEN]);
const char *portmap_inside(const struct portmap *p, char buf[PLACE_LEN]);
/* "5000" or "8000-8999" */
const char *ports_text(uint16_t first, uint16_t last, char buf[PLACE_LEN]);

#endif
