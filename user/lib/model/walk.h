/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Compare the journal with the state of the kernel, and apply the differences.
 *
 * An object (the gateway, an uplink, an endpoint, lo) is a list of properties in the order in which they are
 * applied. All commands use the same walk over all objects: `status`, `monitor` and `up --dry-run` collect the
 * properties that do not hold, `up` and `monitor --repair` apply them. So `up` fixes every problem for which `status`
 * names `ebpfnet up` as the fix.
 */
#ifndef EBPFNET_LIB_MODEL_WALK_H
#define EBPFNET_LIB_MODEL_WALK_H

#include <ebpfnet/ebpfnet.h>

#include "lib/dataplane/dataplane.h"
#include "lib/model/session.h"

/* A property of an object. */
struct property {
	/*
	 * Return true if it holds. Otherwise fill in d->what. d->fix and d->action are preset if .apply is set; empty
	 * d->action if .apply cannot help now.
	 */
	bool (*holds)(void *object, struct difference *d);
	/* Make it hold. Logs; a negative errno. NULL: only the administrator can. */
	int (*apply)(void *object);
	const char *action;		/* what .apply does, for `up --dry-run`: "attach the port program" */
	bool stops;			/* without it the properties that follow cannot be checked */
	bool minor;			/* packets pass without it: `up` applies it, `status` does not report it */
};

/* One walk. */
struct walk {
	struct session *x;
	bool apply;			/* false: collect only */
	bool minor;			/* collect minor properties, too */
	bool warn;			/* apply: warn of objects that stay incomplete */
	struct diff *diff;		/* the properties that did not hold; NULL: do not collect */
	bool changed;			/* something was applied */
};

/* Walk over the properties (the last has no .holds) of an object. Logs; a negative errno. */
int walk_object(struct walk *w, const char *name, const struct property *properties, void *object);

/* For .holds: return holds; if false, print fmt to d->what. */
bool holds_if(bool holds, struct difference *d, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Add a difference that belongs to no property, or a note; fix: NULL if there is none. */
void diff_add(struct diff *d, const char *object, const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void diff_note(struct diff *d, const char *object, const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* True if hook's program is attached to dev; pin: the device's name when it was attached. Fills in d->what. */
bool hook_holds(const struct session *x, enum hook hook, const struct nl_link *dev, const char *pin,
		struct difference *d);

/* The objects; each returns what walk_object() does. */
int walk_gateways(struct walk *w);				/* gateway.c */
int walk_gateway(struct walk *w, struct net_entry *net);
/* Only the programs' records of the gateways: which one FIB look-ups name, how packets pass the host's rules. */
int gateways_serve_fib(struct walk *w);
int walk_lo(struct walk *w);					/* lo.c */
int walk_shaper(struct walk *w);				/* shaper.c */
/* all: the other ports, of which those of the same namespace matter */
int walk_endpoint(struct walk *w, struct ns_entry *e, struct ns_entry *all, size_t count);	/* endpoint.c */
int walk_uplinks(struct walk *w);				/* uplink.c */
/* Only which devices are to be uplinks, by the host's routes. */
int walk_ways(struct walk *w, const struct nl_ways *ways);	/* uplink_follow.c */
/* Only forwarding on the uplinks that have programs, if a network needs it: before its mode is set. forwarding.c */
int uplinks_forward(struct walk *w);

/* An uplink's property, of one that has both programs: the kernel forwards, or not, as the networks need it. */
bool uplink_forwards(struct session *x, const struct uplink_record *u, const struct nl_link *dev, struct difference *d);
/* Write the entry that the programs have of it. */
int uplink_tell(struct session *x, const struct uplink_record *u, const struct nl_link *dev);
int uplink_set_forwarding(struct session *x, struct uplink_record *u, const struct nl_link *dev);

/* True if the device, or one of that name, has been an uplink when a command last looked. */
bool uplink_is_recorded(const struct host_record *host, int ifindex);
bool uplink_is_named(const struct host_record *host, const char *name);
/* Give up the last uplink that is one by a route that is no default route, if there is one. Logs. */
int uplink_make_room(struct session *x);

/* Add what no command of ebpfnet mends: limits that are reached, and what of the host stands in the way. findings.c */
int network_findings(struct session *x, struct diff *out);

#endif
