/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A session on one host: the store with its lock, a netlink socket, and the journal's records of host and networks. */
#ifndef EBPFNET_LIB_MODEL_SESSION_H
#define EBPFNET_LIB_MODEL_SESSION_H

#include "lib/kernel/nl.h"
#include "lib/store/store.h"

struct session {
	struct store s;
	struct nl nl;
	struct host_record host;	/* zeroed: nothing is up */
	struct net_entry nets[EBPFNET_MAX_NETWORKS];	/* by id */
	size_t net_count;
	uint64_t netns_cookie;		/* of the network namespace that this command runs in */
};

/*
 * Open a session; x is zeroed. Modes and errors are those of store_open(); -EXDEV: the network there belongs to another
 * network namespace. Logs.
 */
int session_open(struct session *x, const char *bpffs, enum store_mode mode);
/* Close a session, which may be zeroed, or not open after an error of session_open(). */
void session_close(struct session *x);
#define _cleanup_session_ __attribute__((cleanup(session_close)))

/* Write x->host to the journal. Logs. */
int session_save(struct session *x);

/* A network of the journal, by its id or its name; NULL: there is none. */
struct net_entry *session_net(struct session *x, uint32_t id);
struct net_entry *session_net_named(struct session *x, const char *name);
/* The same of a port's record; with nothing in it if the network is gone. */
const struct net_record *session_net_of(struct session *x, const struct ns_record *rec);
/* Add one in memory, in the order of ids; NULL: there are as many as there can be. Take one out. */
struct net_entry *session_net_add(struct session *x, const struct net_entry *e);
void session_net_drop(struct session *x, uint32_t id);
#define SHAPER_DEV "ebpfnet-shape"	/* the shaper's pair of devices: with the queues, */
#define SHAPER_PEER "ebpfnet-shapep"	/* and with the program */
/* True if the device is an end of a network's gateway, or of the shaper. */
bool session_is_gateway(const struct session *x, const char *dev);

#endif
