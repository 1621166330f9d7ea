/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A session on one host: the store with its lock, a netlink socket, and the host's journal record. */
#ifndef EBPFNET_LIB_MODEL_SESSION_H
#define EBPFNET_LIB_MODEL_SESSION_H

#include "lib/kernel/nl.h"
#include "lib/store/store.h"

struct session {
	struct store s;
	struct nl nl;
	struct host_record host;	/* zeroed: nothing is up */
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

#endif
