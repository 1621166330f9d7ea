/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Attachments of clients: container runtimes, which call them by id and device, ask again after a crash, and may go
 * without a word. Sessions are of mode STORE_MAKE or STORE_WRITE, unless something else is said.
 */
#ifndef EBPFNET_LIB_MODEL_PLUG_H
#define EBPFNET_LIB_MODEL_PLUG_H

#include <ebpfnet/ebpfnet.h>

#include "lib/model/session.h"

/* Which attachment. */
struct plug_key {
	enum plug_client client;
	const char *id;			/* of the container: 1 to 64 characters; plug_id() shortens a longer one */
	const char *ifname;		/* its device inside */
};

/* As it is in the journal: the id, or if it is longer, its beginning and a hash of it. Returns buf. */
const char *plug_id(const char *id, char buf[EBPFNET_ID_LEN]);

struct plug_request {
	struct plug_key key;		/* PLUG_USER: id may be NULL, and what is there already is refused */
	const struct network_def *define;	/* make this network if it is not there; NULL: spec.network is there */
	struct endpoint_spec spec;	/* path or later is set. Of a client, name, dev and id come from the key */
	bool owns_addr;			/* the client's IPAM chose spec.addr: what has it already is dead */
	struct portmap *publish;	/* as portmap_parse() fills it in; first_h 0: chosen, and written here */
	size_t publish_count;
	bool publish_elsewhere;		/* if the network is not that of the default route, publish nothing */
};

struct plug_result {
	char name[EBPFNET_NAME_LEN];	/* of the namespace, for `ebpfnet` commands */
	struct ns_record rec;
	struct net_record net;
	bool has_default;		/* the namespace's default route leads there */
	bool was_there;			/* nothing was to do, or to finish */
};

/*
 * Attach, and publish: all of it, or nothing. Attachments whose namespace is gone are removed first. The same request
 * again finishes what a killed command left, or does nothing; another one under the same key is -EEXIST. Errors are
 * those of network_ensure(), endpoint_add() and portmap_add(). Follow it by endpoint_wait(). Logs.
 */
int plug_add(struct session *x, struct plug_request *q, struct plug_result *out);

/* Find an attachment, in a session of any mode. Quiet: -ENOENT. */
int plug_find(struct session *x, const struct plug_key *key, struct plug_result *out);

/*
 * Of one whose namespace comes later: note where it will be ("": no longer known). It is believed when the device is
 * found there. *at: as plug_find() fills it in. Logs.
 */
int plug_place(struct session *x, struct plug_result *at, const char *path);

/*
 * Publish ports of one that is there, as plug_add() would have: all, or nothing; those that are published are skipped.
 * -ENOENT (quiet); errors are those of portmap_add(). Logs.
 */
int plug_publish(struct session *x, const struct plug_key *key, struct portmap *list, size_t count);

/* Unpublish all that leads to it. Not there: 0. Logs. */
int plug_unpublish(struct session *x, const struct plug_key *key);

/* Detach it. Not there: 0. Logs. */
int plug_del(struct session *x, const struct plug_key *key);

/*
 * Publish by the attachment of a container that has its default route; nothing if there is none. For one that had
 * another, which is gone. Logs.
 */
int plug_publish_rest(struct session *x, enum plug_client client, const char *id, struct portmap *list, size_t count);

/*
 * Check that it is, on the host and inside, as it was made, and has what q asks for (path, addr, mac, mtu, in, out,
 * publish), in a session of any mode. -ENOENT: it is not there; -EUCLEAN: it is otherwise. Logs the first thing.
 */
int plug_check(struct session *x, const struct plug_request *q);

/*
 * Detach the client's attachments to a network (NULL: to all) that are not in the list of valid ones, and those whose
 * namespace is gone. *count: how many. Logs.
 */
int plug_gc(struct session *x, enum plug_client client, const char *network, const struct plug_key *valid,
	    size_t valid_count, size_t *count);

/*
 * Detach namespaces that are gone: those of clients, or with an id; with all, those that a person attached, too.
 * Logs.
 */
int plug_collect(struct session *x, bool all, size_t *count);

#endif
