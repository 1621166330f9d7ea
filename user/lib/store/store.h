/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Typed access to the pinned maps. All state of ebpfnet is in the kernel; nothing is cached between calls.
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
	MAP_NAMESPACES,
	MAP_NETS, /* these three are the journal */
	MAP_CONFIG,
	MAP_NETWORKS,
	MAP_SUBNETS,
	MAP_SUBNET_BITS,
	MAP_GATEWAYS,
	MAP_UPLINKS,
	MAP_PORTS,
	MAP_LIMITS,
	MAP_ENDPOINTS,
	MAP_FDB,
	MAP_FDB_LEARNED,
	MAP_PORTMAP_KEYS,
	MAP_PORTMAP_BITS,
	MAP_PORTMAPS,
	MAP_USAGE,
	MAP_IPV6_GIVEN,
	MAP_IPV6_RINGS,
	MAP_FLOWS,
	MAP_CONNS,
	MAP_CONN_ALLOC,
	MAP_COUNTERS,
	MAPS,
};
#define MAP_JOURNAL_LAST MAP_NETS

enum store_mode {
	STORE_READ,		/* needs a network that is up; takes no lock */
	STORE_WRITE,		/* needs a network that is up; takes the lock */
	STORE_MAKE,		/* takes the lock; complete, incomplete or missing */
	STORE_LOOK,		/* takes no lock; complete, incomplete or missing: see store_whole() */
	STORE_REMOVE,		/* as STORE_MAKE, and opens the journal alone if an older release made the network */
};

/* The pinned maps of one bpffs, and the lock that writers hold. Zero-initialise; store_close() ends it. */
struct store {
	char dir[192];		/* BPFFS/ebpfnet */
	int fd[MAPS];		/* -1: missing */
	uint32_t size[MAPS];	/* of a value: the journal's may be shorter than this release's */
	uint32_t key[MAPS];	/* of a key: likewise */
	int lock_fd;		/* -1: not held */
	enum store_mode mode;
};

/*
 * Opens the maps pinned under bpffs (NULL: $EBPFNET_BPFFS or /sys/fs/bpf). Checks that it is a bpffs, that
 * nobody else can write there, and that the maps have this release's layout (EBPFNET_ABI). Takes the lock, and waits
 * for the commands that came before, however many, as long as they make progress. -ENOENT (logged: "nothing is up; run
 * `ebpfnet up`") if a mode that needs a network finds none.
 */
int store_open(struct store *s, const char *bpffs, enum store_mode mode);
void store_unlock(struct store *s);	/* for what follows it is as if it was opened without lock */
void store_close(struct store *s);	/* accepts a zeroed one, or one that store_open() refused */
#define _cleanup_store_ __attribute__((cleanup(store_close)))

/* True if there is a complete network. Quiet. */
bool store_whole(const struct store *s);

/* Reopens the maps after dataplane_load() has pinned some. */
int store_reopen(struct store *s);
const char *map_name(enum map_id id);	/* "flows": name of the map and of its pin */

/* Journal. store_host() returns 0 and a zeroed record if there is none yet. */
int store_host(const struct store *s, struct host_record *out);
/* Whether the journal of that network namespace is in the kernel, pinned in whatever bpffs. Quiet. */
bool store_journal_exists(uint64_t netns_cookie);
int store_host_set(const struct store *s, const struct host_record *rec);
/*
 * The digests of the objects that the pinned programs are from, EBPFNET_PROGRAMS of them; only store_build_set() writes
 * them. Both log.
 */
int store_build(const struct store *s, uint64_t *digests);
int store_build_set(const struct store *s, const uint64_t *digests);
/* The first of a namespace's ports, and the one in a network. Quiet; -ENOENT. */
int store_ns(const struct store *s, const char *name, struct ns_record *out);
int store_ns_in(const struct store *s, const char *name, uint16_t net, struct ns_record *out);
int store_ns_set(const struct store *s, const char *name, const struct ns_record *rec);
int store_ns_del(const struct store *s, const char *name, uint16_t net);	/* quiet if missing */

struct ns_entry {
	char name[EBPFNET_NAME_LEN];
	struct ns_record rec;
};
/* All records, sorted by number; *out is malloc'ed, the caller's. */
int store_ns_all(const struct store *s, struct ns_entry **out, size_t *count);

/* Networks of the journal, sorted by id, at most EBPFNET_MAX_NETWORKS. */
struct net_entry {
	uint32_t id;
	struct net_record rec;
};
int store_nets(const struct store *s, struct net_entry out[EBPFNET_MAX_NETWORKS], size_t *count);
int store_net_set(const struct store *s, const struct net_entry *e);
int store_net_del(const struct store *s, uint32_t id);				/* quiet if missing */

/* Allocate ids that are never reused, journalled before they are returned. */
int store_new_endpoint(const struct store *s, uint32_t *id);
int store_new_portmaps(const struct store *s, uint32_t count, uint32_t *first);

/* config.forwarding of a host for which `up` or `set` has chosen none. */
#define FORWARDING_DEFAULT FORWARDING_ASK

/* Records that the programs read. Each setter increments config.gen after its write. */
int store_config(const struct store *s, struct config *out);
int store_config_set(const struct store *s, const struct config *cfg);
int store_network(const struct store *s, uint16_t net, struct network *out);
int store_network_set(const struct store *s, uint16_t net, const struct network *n);
/* The destinations to which a network's packets keep their source; they are there before NETWORK_HAS_UNMASQUERADED. */
int store_unmasqueraded_set(const struct store *s, uint16_t net, const struct cidr list[EBPFNET_UNMASQUERADED]);
/* Removes a network, and what store_gateway_set() and store_unmasqueraded_set() have added. */
int store_network_del(const struct store *s, uint16_t net, const struct network *n,
		      const struct cidr list[EBPFNET_UNMASQUERADED]);
int store_uplink(const struct store *s, uint32_t ifindex, struct uplink *out);	/* quiet; -ENOENT */
int store_uplink_set(const struct store *s, uint32_t ifindex, const struct uplink *u);
int store_uplink_del(const struct store *s, uint32_t ifindex);			/* quiet if missing */

/*
 * Adds or deletes a port in maps usage, ports, fdb and endpoints, in an order in which no packet is sent to an
 * incomplete port. store_port_del() also deletes the FDB entries learned there. A missing port is no error.
 */
int store_port_set(const struct store *s, uint32_t ifindex, const struct port *p);
/* Gives a port IPv6 addresses; an unspecified one ends the list. store_port_del() takes them back. */
int store_ipv6_give(const struct store *s, const struct port *p, const struct ipv6_addr addrs[EBPFNET_GIVEN_IPV6]);
int store_port_del(const struct store *s, uint32_t ifindex);
/* A port, and what it may send (rate 0: no limit). Quiet; -ENOENT. */
int store_port(const struct store *s, uint32_t ifindex, struct port *out, struct limit *sends);
/* Sets a port's PORT_LIMIT_* and, with PORT_LIMIT_OUT, what it may send; .full begins anew. -ENOENT (quiet). */
int store_port_limit(const struct store *s, uint32_t ifindex, uint16_t flags, const struct limit *sends);
/* Updates the number of ports in the network's record: once after any number of store_port_set(). */
int store_ports_count(const struct store *s, uint16_t net);
/* Adds the gateway of a network to maps endpoints, fdb and gateways. */
int store_gateway_set(const struct store *s, uint16_t net, const struct network *n);

/*
 * Port mappings. add: all of them, with ids from first_id on, or none; -EEXIST (logged, with the other mapping) if
 * any is taken.
 */
int store_portmaps_add(const struct store *s, uint32_t first_id, const struct portmap *list, uint32_t count);
int store_portmap_del(const struct store *s, uint32_t id);
int store_portmaps_del(const struct store *s, uint32_t endpoint);	/* all of an endpoint */
int store_portmap(const struct store *s, uint32_t id, struct portmap *out);	/* quiet; -ENOENT */
/*
 * Points the mappings of a namespace's port in a network to its new endpoint, under new ids, which ends the flows to
 * the old one.
 */
int store_portmaps_move(const struct store *s, const char *name, uint16_t net, uint32_t endpoint);

struct portmap_entry {
	uint32_t id;
	struct portmap portmap;
};
/* All mappings, sorted by protocol, address, port; *out is malloc'ed, the caller's. */
int store_portmaps(const struct store *s, struct portmap_entry **out, size_t *count);
/* Removes keys without mapping, and mappings without endpoint, which a killed command may leave. */
int store_repair(const struct store *s);

/* The programs' clock: seconds since boot, as in struct conn.seen and fdb_entry.seen. */
uint32_t store_now(void);

/* Sum over all CPUs. */
int store_counters(const struct store *s, struct counters *out);

/* Counts the flows, including expired ones that are not swept yet. */
int store_conn_alloc(const struct store *s, struct conn_alloc *out);
/* Kernel memory of the flow table in bytes. It does not depend on the number of flows. */
uint64_t store_flows_memory(const struct store *s);
/* Makes an account of the flow table (struct usage), with nothing in use. */
int store_account_add(const struct store *s, uint32_t account);
/* A namespace's share of the flow table, by the id of its endpoint. Quiet; -ENOENT. */
int store_usage(const struct store *s, uint32_t endpoint, struct usage *out);
/* Seconds until the flow expires unless a packet comes; 0: within a second, or it has. As the programs decide it. */
uint32_t store_flow_ttl(const struct config *cfg, const struct conn_alloc *alloc, const struct conn *c, uint32_t now);

/*
 * Calls fn for every live flow (its slot, its original direction), or those to published ports, in batches, in constant
 * memory.
 * Stops when fn returns non-zero, and returns that.
 */
int store_flows(const struct store *s, bool published,
		int (*fn)(const struct conn *c, const struct flow *original, void *arg), void *arg);
/* Calls fn for static entries and for learned ones that have not aged out. */
int store_fdb(const struct store *s, int (*fn)(const struct fdb_key *k, const struct fdb_entry *e, void *arg),
	      void *arg);

#endif
