/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A command is a row of the table in main.c: its words, options, help and function. The usage text is
 * generated from the rows.
 */
#ifndef EBPFNET_CLI_COMMAND_H
#define EBPFNET_CLI_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include <ebpfnet/abi.h>

#define EXIT_OK 0
#define EXIT_FAILED 1		/* refused by the state of the network or of the host, or failed */
#define EXIT_USAGE 2		/* refused by the command line alone: an unknown word, a bad value */
#define EXIT_UNHEALTHY 3	/* status: there is a problem */

#define OPTION_PUBLISH 64	/* --publish of one command */

/* Options of all commands. Each row of the command table lists those that it accepts. */
struct options {
	const char *bpffs;		/* NULL: default */
	bool json, quiet;
	/* up */
	const char *subnet, *hook;
	const char *forwarding;		/* and network add */
	const char *xdp;		/* "": without a value */
	const char *uplink[16];
	const char *ns[EBPFNET_MAX_PORTS]; /* NAME[=ADDR] */
	int uplink_count, ns_count;
	const char *flows;
	bool dry_run;			/* and down */
	/* ns add, attach */
	const char *addr, *ipv6_addr, *name, *spoof;
	const char *id, *label;		/* attach; id: detach too */
	const char *network;		/* and of lists: which one's rows; of set and get: whose forwarding */
	const char *dev, *mac;
	const char *publish[OPTION_PUBLISH];	/* attach */
	int publish_count;
	bool gone;			/* detach */
	bool later;			/* attach */
	/* network add; mtu: ns add and attach too */
	const char *gateway, *range, *no_masquerade, *mtu;
	bool internal, isolated;
	bool repair;			/* monitor */
	const char *ms, *repeats;	/* bench */
};

/* argv[0] is the first word after the command. Returns EXIT_*. */
typedef int command_fn(const struct options *o, int argc, char **argv);

command_fn cmd_up, cmd_down;						/* cmd_up.c */
command_fn cmd_ns_add, cmd_ns_del, cmd_ns_list;				/* cmd_ns.c */
command_fn cmd_attach, cmd_detach;					/* cmd_attach.c */
command_fn cmd_network_add, cmd_network_del, cmd_network_list, cmd_network_show, cmd_connect, cmd_disconnect;
									/* cmd_network.c */
command_fn cmd_exec;							/* cmd_exec.c */
command_fn cmd_expose, cmd_unexpose, cmd_exposed;			/* cmd_expose.c */
command_fn cmd_status, cmd_flows, cmd_fdb, cmd_stats;			/* cmd_status.c, cmd_show.c */
command_fn cmd_limit;							/* cmd_limit.c */
command_fn cmd_set, cmd_get;						/* cmd_set.c */
command_fn cmd_monitor;							/* cmd_monitor.c */
command_fn cmd_completion;						/* cmd_completion.c */
command_fn cmd_bench;							/* cmd_bench.c */

/* Parse the value of --NAME, a number without sign or space. Logs. -EINVAL. */
int option_number(const char *name, const char *text, uint32_t min, uint32_t max, uint32_t *out);

/* Parse the value of --forwarding, or of the setting. Logs. -EINVAL. */
int read_forwarding(const char *name, const char *text, enum forwarding *out);

struct endpoint_spec;
/* Read --addr, --ipv6-addr, --spoof, --id, --label, --network, --dev, --mac, --mtu. Logs. -EINVAL. */
int read_endpoint_options(const struct options *o, struct endpoint_spec *spec);

/* Print "ebpfnet: MESSAGE (try `ebpfnet COMMAND --help`)" and return EXIT_USAGE. */
int usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
