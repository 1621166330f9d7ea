/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* An endpoint, for the files that make, set up and remove it: endpoint.c, inside.c, attach.c. */
#ifndef EBPFNET_LIB_MODEL_ENDPOINT_H
#define EBPFNET_LIB_MODEL_ENDPOINT_H

#include "lib/kernel/netns.h"
#include "lib/model/session.h"
#include "lib/model/walk.h"

/* Additions of others to the namespace's own configuration. */
struct endpoint_additions {
	char detour[IFNAMSIZ];		/* the device of the default route, if it is no endpoint's of ours; "": it is */
	struct ipaddr addr;		/* a further address of the endpoint's device; zero: none */
	uint8_t prefix;			/* its prefix length */
};

struct endpoint_object {
	struct session *x;
	const char *name;
	struct ns_record *rec;
	struct ns_entry *all;		/* records of this and of other ports, among them all of the namespace */
	size_t count;
	const struct net_record *net;	/* its network */
	struct nl_link dev;		/* the host's end; endpoint_dev() fills it in */
	char inside_name[IFNAMSIZ];	/* what its device is called inside; "": not known */
	struct endpoint_additions additions;	/* endpoint_is_configured() fills it in */
};

/* Whether id is the recorded namespace. */
bool endpoint_is_netns(const struct ns_record *rec, const struct netns_id *id);
/* True if the namespace at the record's path is the recorded one. */
bool endpoint_netns_is_there(const struct ns_record *rec);
/* Enters in the record which namespace it is. */
void endpoint_identify(struct ns_record *rec, const struct netns_id *id);

/* The object of an entry; all: the others. */
struct endpoint_object endpoint_object(struct session *x, struct ns_entry *e, struct ns_entry *all, size_t count);
/* Writes the record to the journal. Logs. */
int endpoint_save(struct endpoint_object *o);
/* Finds the host's end. Quiet; device_get()'s errors. */
int endpoint_dev(struct endpoint_object *o);
/* Of one that came later: enters in the journal which namespace it is, if that can be seen. Logs. */
int endpoint_note_netns(struct endpoint_object *o);
/* Removes its port and port mappings from the maps, and the pin of its link. Logs. */
int endpoint_forget_port(struct endpoint_object *o);
/* Removes the pair of devices, if it is there. Logs. */
int endpoint_remove_pair(struct endpoint_object *o);

/* True if the device of that index on the host is the end of another port of the namespace. */
bool endpoint_is_sibling(const struct endpoint_object *o, int ifindex);

/* inside.c: properties of what is inside; object is a struct endpoint_object. */
bool endpoint_is_configured(void *object, struct difference *d);
int endpoint_configure(void *object);
/* True if the other end of the recorded device is in that namespace. */
bool endpoint_is_inside(int netns, const struct ns_record *rec);
/* Removes a pair by its end inside, if the host's was moved to another network namespace. Quiet: it may be gone. */
void endpoint_remove_inside(struct endpoint_object *o);
bool endpoint_has_inside_name(void *object, struct difference *d);
int endpoint_follow_inside_name(void *object);

/* limit.c: the property that the programs know what of the port is limited. */
bool endpoint_has_limits(void *object, struct difference *d);
int endpoint_set_limits(void *object);

/* additions.c: look, inside the namespace, for what was added; dev: the endpoint's device there. */
void endpoint_find_additions(struct nl *nl, const struct nl_link *dev, const struct endpoint_object *o,
			     struct endpoint_additions *out);
/* The property that nothing was added by which packets get lost. Only the administrator knows whether it is meant. */
bool endpoint_is_undisturbed(void *object, struct difference *d);

#endif
