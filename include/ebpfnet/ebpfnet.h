/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * libebpfnet: what a command, a plugin or a runtime calls. Specs go in, results come out; nothing is printed,
 * no process is started or ended. Failures are logged, one line each, to the sink that the caller sets
 * (log_set_sink(), lib/base/log.h), and returned as a negative errno.
 *
 * A session holds the lock of the host's state, if its mode takes one, until session_close().
 */
#ifndef EBPFNET_EBPFNET_H
#define EBPFNET_EBPFNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ebpfnet/journal.h>

struct session;
struct net_entry;

/* ---- specs: what a caller may ask for ---- */

/* A network namespace with its device and address. */
struct endpoint_spec {
	char name[EBPFNET_NAME_LEN];
	struct ipaddr addr;		/* zero: the next free address */
	const char *network;		/* its name; NULL: "default" */
	const char *path;		/* the namespace to attach: /run/netns/NAME, /proc/PID/ns/net; NULL: make it */
	bool later;			/* no path: a client will make the namespace, and move the device there */
	const char *dev;		/* name of the device inside; NULL, or later: cethN */
	bool has_mac;
	uint8_t mac[6];			/* of the device inside; else 02:eb and the address */
	uint32_t mtu;			/* of both devices; 0: the network's */
	const char *id, *label, *aliases;	/* struct ns_record has them; NULL: none */
	enum plug_client client;	/* PLUG_USER, unless by plug_add() */
	uint16_t port_flags;		/* PORT_* */
	struct ipv6_addr ipv6[EBPFNET_GIVEN_IPV6];	/* its own, which no other may use; unspecified ends the list */
	struct ns_limit in, out;	/* what it may receive, and send */
};

/*
 * A network. Members left at zero take the default in parentheses. `network add` has the same options.
 */
struct network_def {
	char name[EBPFNET_NETWORK_LEN];	/* a letter or digit, then these and . _ - */
	char id[EBPFNET_ID_LEN];	/* by which a client calls it (none) */
	struct cidr subnet;		/* (the first /24 of 10.89.0.0/16 that overlaps nothing) */
	struct cidr range;		/* inside the subnet: which addresses are chosen from (all of it) */
	struct ipaddr gateway;		/* (the subnet's first address) */
	uint32_t flags;			/* NETWORK_INTERNAL, NETWORK_ISOLATED, NETWORK_OWN_FORWARDING (none) */
	enum forwarding forwarding;	/* with NETWORK_OWN_FORWARDING (that of the host) */
	uint32_t mtu;			/* (that of the first uplink) */
	struct cidr unmasqueraded[EBPFNET_UNMASQUERADED];	/* prefix 0 ends the list (none) */
	bool kept;			/* on disk too, so that `up` makes it again after a boot */
};

/* The network `default` of a host. Members left at zero keep what is there, or take the default in parentheses. */
struct network_spec {
	struct ipaddr subnet;		/* (192.168.1.0) */
	uint8_t prefix;			/* (24) */
	const enum hook_kind *hook;	/* (TCX where the kernel has it) */
	const uint32_t *xdp;		/* XDP_MODE_*, or 0: no prefilter (none) */
	const enum forwarding *forwarding;	/* of networks without their own (FORWARDING_DEFAULT) */
	uint32_t max_flows;		/* size of the flow table (EBPFNET_MAX_FLOWS) */
	const char *const *uplinks;	/* devices (those that routes lead to, followed from then on) */
	size_t uplink_count;
	const struct endpoint_spec *endpoints;	/* to be made, or attached if they are there and unused (ns1 and ns2) */
	size_t endpoint_count;
	bool no_endpoints;		/* not those in parentheses either */
	bool host_only;			/* load the programs and follow the uplinks, but make no network */
};

/* ---- results ---- */

/* A property of an object that does not hold; or a note: it holds, but limits the network on this host. */
struct difference {
	bool note;
	char object[48];		/* "gateway ebpfnet0", "uplink eth0", "namespace ns1" */
	char what[200];			/* "the uplink program is missing from eth0" */
	char action[80];		/* what `up` does about it; "": nothing */
	char fix[160];			/* the command that fixes it; "": none does */
};

struct diff {
	struct difference *list;	/* the caller's to free: diff_free() */
	size_t count;
};
void diff_free(struct diff *d);
#define _cleanup_diff_ __attribute__((cleanup(diff_free)))

/* ---- the host, with its network `default`; sessions opened with STORE_MAKE ---- */

/*
 * Makes the network that spec asks for, or repairs it and adds to it. done lists what was applied; empty: all was
 * there. A failure is rolled back: what was up before stays, what is new goes.
 * -EEXIST: it is up otherwise than spec asks; -EINVAL, -EADDRINUSE, -ENODEV, ...: spec cannot be had. Logs.
 */
int network_up(struct session *x, const struct network_spec *spec, struct diff *done);
/* Lists what network_up() would apply, and changes nothing. */
int network_plan(struct session *x, const struct network_spec *spec, struct diff *plan);
/* Removes all that the journal knows of, and all pins. *was_up: whether there was anything. Logs. */
int network_down(struct session *x, bool *was_up);
/* Lists what network_down() would remove. */
int network_down_plan(struct session *x, struct diff *plan);

/* The objects that a walk compares. */
enum network_scope {
	NETWORK_ALL,
	NETWORK_HOST,			/* not the namespaces, whose end may be meant */
	NETWORK_HOST_PLAN,		/* the same, and what a repair would tidy without need */
	NETWORK_PLAN,			/* all, and what `up` would tidy without need */
};
/* Of a session of any mode. */
enum network_state {
	NETWORK_DOWN,			/* there is none */
	NETWORK_UP,
	NETWORK_INCOMPLETE,		/* an `up` or `down` is at work, or was interrupted */
};
enum network_state network_state(const struct session *x);
/*
 * Compares the kernel with the journal, in a session of any mode. Logs if it cannot. If the network is down or
 * incomplete, out has that alone, and not what follows from it.
 */
int network_diff(struct session *x, enum network_scope scope, struct diff *out);
/*
 * Applies those differences (mode STORE_MAKE or STORE_WRITE); done may be NULL. Logs failures and, unless the scope is
 * NETWORK_HOST, what stays as it is.
 */
int network_repair(struct session *x, enum network_scope scope, struct diff *done);

/* ---- networks ---- */

/*
 * Makes a network (mode STORE_WRITE or STORE_MAKE). *out: its record in the session, valid until the next call that
 * adds or removes one; may be NULL. Rolled back if it fails. -EEXIST: the name is taken, or the subnet overlaps another
 * network or a route; -ENOSPC: no subnet, or no id, is left; -EINVAL. Logs.
 */
int network_add(struct session *x, const struct network_def *def, const struct net_entry **out);
/*
 * The same, unless it is there already (mode STORE_MAKE): then what def asks for is compared. Loads the programs and
 * finds the uplinks if nothing is up; no network `default` is made. -EEXIST: it is there, otherwise. Logs.
 */
int network_ensure(struct session *x, const struct network_def *def, const struct net_entry **out);
/* The same for one that is in the journal, or only defined on disk. Errors are those of network_find(), too. */
int network_wake(struct session *x, const char *name, const struct net_entry **out);
/*
 * Checks that network_ensure() would make this network, or find it, and gives it the subnet and the gateway that it
 * would have (mode STORE_MAKE or STORE_LOOK; nothing needs to be up). Errors are those of network_ensure(). Logs.
 */
int network_check(struct session *x, struct network_def *def);
/*
 * Finds a network by its name, or by its client's id; brings it up if only its definition is there (mode STORE_WRITE or
 * STORE_MAKE). NULL: "default". -ENOENT. Logs.
 */
int network_find(struct session *x, const char *name, const struct net_entry **out);
/* Its name, by the name or the id, even if it is not up (any mode). Quiet: false. */
bool network_name_of(struct session *x, const char *given, char name[EBPFNET_NETWORK_LEN]);
/* Removes a network and its definition. -ENOENT; -EBUSY: namespaces are in it. Logs. */
int network_del(struct session *x, const char *name);
/*
 * Removes the networks that came with a client's attachments (they have an id, and are not on disk) and have none any
 * more. Logs.
 */
int network_del_unused(struct session *x);

/* ---- forwarding through the host's own rules; mode STORE_WRITE ---- */

/*
 * Sets the mode of the networks that have none of their own, or (network: its name, or its client's id) that of one.
 * mode NULL: that network follows the host again. Flows go on. Undone if it fails. -ENOENT; -EINVAL: the network is
 * internal. Logs.
 */
int forwarding_set(struct session *x, const char *network, const enum forwarding *mode);

/* ---- endpoints; mode STORE_WRITE or STORE_MAKE ---- */


/*
 * Gives the lock back, and waits, for at most a second, until packets pass to a port that was added. For the end of a
 * session.
 */
void endpoint_wait(struct session *x, const struct ns_record *rec);
/*
 * Makes or attaches one, in spec->network; *out: its record. Rolled back if it fails. -EEXIST: the name is taken, or
 * the namespace is attached already, or the device's name is taken inside. Logs.
 */
int endpoint_add(struct session *x, const struct endpoint_spec *spec, struct ns_record *out);
/*
 * Gives the namespace spec->name, which is in a network already, a port in another one, spec->network. Of spec also
 * addr, ipv6, dev, mac, mtu and port_flags count. The default route inside, and published ports, stay with the first
 * network.
 * -ENOENT; -EEXIST: it is in that network. Logs.
 */
int endpoint_connect(struct session *x, const struct endpoint_spec *spec, struct ns_record *out);
/*
 * Takes that port away again. The default route inside then leads to the first network that is left. -ENOENT;
 * -EBUSY: it is the only one. Logs.
 */
int endpoint_disconnect(struct session *x, const char *name, const char *network);
/* The name of the endpoint that was attached with an id. -ENOENT. Logs. */
int endpoint_find_id(struct session *x, const char *id, char name[EBPFNET_NAME_LEN]);
/*
 * Removes a namespace from all its networks: one that was made, or attached, as made says. -ENOENT, -EINVAL (the other
 * kind). Logs.
 */
int endpoint_del(struct session *x, const char *name, bool made);

/* ---- limits; mode STORE_WRITE ---- */

/* The least rate, in bits per second: HTB waits for a minute at most, and a packet may have 64 KiB. */
#define EBPFNET_LEAST_RATE 10000

/*
 * Limits what a namespace's port in a network may receive, and send; NULL: it stays as it is, rate 0: no limit.
 * network NULL: the only one that it is in. *changed: false if it was so. -ENOENT; -EINVAL: the namespace is in several
 * networks; -EOPNOTSUPP: the kernel has no HTB. Nothing is changed then. Logs.
 */
int endpoint_limit(struct session *x, const char *name, const char *network, const struct ns_limit *in,
		   const struct ns_limit *out, bool *changed);

/* ---- port mappings; mode STORE_WRITE ---- */

/* Sockets inside that listen on the ports of a mapping, or beside them. */
struct portmap_listeners {
	bool known;			/* the namespace could be looked into */
	bool listening;			/* on a port that is mapped */
	uint16_t other_h;		/* on this other port; 0: on none */
};

/*
 * Publishes ports of the endpoint name. p has addr, proto, first_h, last_h and to_first_h set, and is completed.
 * *added is false if it was published already. -EADDRINUSE: a socket of the host or another mapping has a port;
 * -ENOENT: no such endpoint; -EADDRNOTAVAIL: not an address of the host. Logs.
 */
int portmap_add(struct session *x, const char *name, struct portmap *p, bool *added);
/*
 * Publishes ports of an endpoint, all of the list or none. The list is folded, and what is published already is left
 * out: *count is what was added. Host's ports must be chosen. Errors as above. Logs.
 */
int portmap_publish(struct session *x, const char *name, const struct ns_record *rec, struct portmap *list,
		    size_t *count);
/*
 * Chooses a port of the host for each of the list whose first_h is 0, from those that the host takes for its own
 * connections, in turn. -EADDRNOTAVAIL: none is free. Logs.
 */
int portmap_choose(struct session *x, struct portmap *list, size_t count);
void portmap_listeners(struct session *x, const struct portmap *p, struct portmap_listeners *out);
/* Ends the mapping with the ports of p (and, if they differ from first_h, those inside), and completes p. Logs. */
int portmap_del(struct session *x, const char *name, struct portmap *p);
/* Ends all mappings of an endpoint; *count: how many. Logs. */
int portmap_del_all(struct session *x, const char *name, size_t *count);

#endif
