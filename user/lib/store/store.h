/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Typed access to the pinned maps: the only file (with store.c) that knows their names and where
 * they are. All state of ebpfnet is in the kernel; nothing here is cached between commands.
 *
 * Functions return 0 or a negative errno. Those that say "quiet" log nothing, for callers to whom
 * the failure is an answer; all others log one line.
 */
#ifndef EBPFNET_LIB_STORE_STORE_H
#define EBPFNET_LIB_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <ebpfnet/abi.h>
#include <ebpfnet/counters.h>
#include <ebpfnet/journal.h>

enum map_id {
	MAP_HOST,
	MAP_NAMESPACES, /* the journal */
	MAP_CONFIG,
	MAP_NETWORKS,
	MAP_GATEWAYS,
	MAP_UPLINKS,
	MAP_PORTS,
	MAP_ENDPOINTS,
	MAP_FDB,
	MAP_FDB_LEARNED,
	MAP_PORTMAP_KEYS,
	MAP_PORTMAP_BITS,
	MAP_PORTMAPS,
	MAP_USAGE,
	MAP_FLOWS,
	MAP_CONNS,
	MAP_CONN_ALLOC,
	MAP_COUNTERS,
	MAPS,
};

/* The pinned maps of one bpffs, and the lock that writers hold. Zero-initialise; store_close() ends it. */
struct store {
	char dir[192];		/* BPFFS/ebpfnet */
	int fd[MAPS];		/* -1: not there */
	int lock_fd;		/* -1: not held */
};

/* How a command wants the state. */
enum store_mode {
	STORE_READ,		/* needs a network that is up; takes no lock */
	STORE_WRITE,		/* needs a network that is up; takes the lock */
	STORE_MAKE,		/* takes the lock; whatever is there, or nothing */
	STORE_LOOK,		/* takes no lock; whatever is there, or nothing: see store_whole() */
};

/*
 * Opens what is pinned under bpffs (NULL: $EBPFNET_BPFFS or /sys/fs/bpf). Checks that it is a
 * bpffs, that the maps are of this release's layout (EBPFNET_ABI), and takes the lock, waiting up
 * to 10 s for another command. -ENOENT (logged: "nothing is up; run `ebpfnet up`") when a mode that needs
 * it finds no network. bpffs must stay valid.
 */
int store_open(struct store *s, const char *bpffs, enum store_mode mode);
void store_close(struct store *s);	/* also of a zeroed one, or one that store_open() refused */
#define _cleanup_store_ __attribute__((cleanup(store_close)))

/* Whether there is a network that is up, wholly. Quiet. */
bool store_whole(const struct store *s);

/* Opens descriptors again after dataplane_load() has pinned maps. */
int store_reopen(struct store *s);
const char *map_name(enum map_id id);	/* "flows", the pin's and the map's name */

/* Journal. store_host() gives a zeroed record, and 0, where there is none yet. */
int store_host(const struct store *s, struct host_record *out);
int store_host_set(const struct store *s, const struct host_record *rec);
int store_ns(const struct store *s, const char *name, struct ns_record *out);	/* quiet; -ENOENT */
int store_ns_set(const struct store *s, const char *name, const struct ns_record *rec);
int store_ns_del(const struct store *s, const char *name);			/* quiet if absent */

struct ns_entry {
	char name[EBPFNET_NAME_LEN];
	struct ns_record rec;
};
/* All records, sorted by number; *out is malloc'ed, the caller's. */
int store_ns_all(const struct store *s, struct ns_entry **out, size_t *count);

/* Ids that are never handed out twice, journalled before they are returned. */
int store_new_endpoint(const struct store *s, uint32_t *id);
int store_new_portmap(const struct store *s, uint32_t *id);

/* What the programs read. Each of these raises config.gen once it has written. */
int store_config(const struct store *s, struct config *out);
int store_config_set(const struct store *s, const struct config *cfg);
int store_network(const struct store *s, uint16_t net, struct network *out);
int store_network_set(const struct store *s, uint16_t net, const struct network *n);
int store_uplink(const struct store *s, uint32_t ifindex, struct uplink *out);	/* quiet; -ENOENT */
int store_uplink_set(const struct store *s, uint32_t ifindex, const struct uplink *u);
int store_uplink_del(const struct store *s, uint32_t ifindex);			/* quiet if absent */

/*
 * Makes a port known, or forgets it: maps ports, endpoints and fdb together, in an order in which
 * no packet meets half of it. store_port_del() also forgets learned FDB entries behind it. Deleting
 * what is not there is no error.
 */
int store_port_set(const struct store *s, uint32_t ifindex, const struct port *p);
int store_port_del(const struct store *s, uint32_t ifindex);
/* Enters in the network's record how many ports it has: once, however many were made known. */
int store_ports_count(const struct store *s, uint16_t net);
/* Makes the gateway's address and MAC of a network known (endpoints, fdb, gateways). */
int store_gateway_set(const struct store *s, uint16_t net, const struct network *n);

/* Publish rules. add: all keys or none; -EEXIST (logged: which rule has it) when any is taken. */
int store_portmap_add(const struct store *s, uint32_t id, const struct portmap *r);
int store_portmap_del(const struct store *s, uint32_t id);
int store_portmaps_del(const struct store *s, uint32_t endpoint);	/* all that lead to it */
/* The rules of a namespace lead to its new endpoint. */
int store_portmaps_move(const struct store *s, const char *name, uint32_t endpoint);

struct portmap_entry {
	uint32_t id;
	struct portmap portmap;
};
/* All rules by proto, address, port; *out is malloc'ed. */
int store_portmaps(const struct store *s, struct portmap_entry **out, size_t *count);
/* Removes keys of map published whose rule is gone, and rules whose endpoint is gone (after a kill). */
int store_repair(const struct store *s);

/* The programs' clock: seconds since boot, as in struct conn.seen and fdb_entry.seen. */
uint32_t store_now(void);

/* Sum over all CPUs. */
int store_counters(const struct store *s, struct counters *out);

/* How many flows there are, among them those that expired and were not swept away yet. */
int store_conn_alloc(const struct store *s, struct conn_alloc *out);
/* Bytes of the kernel's memory that the flow table takes, however many flows are in it. */
uint64_t store_flows_memory(const struct store *s);
/* What a namespace takes of the table, by the id of its endpoint. Quiet; -ENOENT. */
int store_usage(const struct store *s, uint32_t endpoint, struct usage *out);
/* How long a flow lives on if no packet comes; 0: it has expired. */
uint32_t store_flow_ttl(const struct config *cfg, const struct conn *c, uint32_t now);

/*
 * Calls fn for every live flow (its slot, its original direction), in batches, in constant memory.
 * Stops when fn returns non-zero, and returns that.
 */
int store_flows(const struct store *s, int (*fn)(const struct conn *c, const struct flow *original, void *arg),
		void *arg);
/* The entries that count: static ones, and learned ones that have not aged out. */
int store_fdb(const struct store *s, int (*fn)(const struct fdb_key *k, const struct fdb_entry *e, void *arg),
	      void *arg);

#endif
