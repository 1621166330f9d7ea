/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Parse a command line by a table of commands, and print help generated from the table. */
#ifndef EBPFNET_CLI_OPTS_H
#define EBPFNET_CLI_OPTS_H

#include "cli/command.h"

/* Options that some commands accept; struct command.options. */
enum {
	OPT_JSON = 1 << 0,
	OPT_UPLINK = 1 << 1,
	OPT_SUBNET = 1 << 2,
	OPT_NS = 1 << 3,
	OPT_HOOK = 1 << 4,
	OPT_FLOWS = 1 << 5,
	OPT_ADDR = 1 << 6,
	OPT_NAME = 1 << 7,
	OPT_SPOOF = 1 << 8,
	OPT_REPAIR = 1 << 9,
	OPT_BENCH = 1 << 10,
	OPT_XDP = 1 << 11,
	OPT_DRY_RUN = 1 << 12,
	OPT_ID = 1 << 13,
	OPT_LABEL = 1 << 14,
	OPT_IPV6 = 1 << 15,
	OPT_NETWORK = 1 << 16,
	OPT_DEV = 1 << 17,	/* --dev and --mac */
	OPT_MTU = 1 << 18,
	OPT_NETWORK_DEF = 1 << 19,
	OPT_PUBLISH = 1 << 20,
	OPT_GONE = 1 << 21,
	OPT_LATER = 1 << 22,
	OPT_FORWARDING = 1 << 23,
};

struct command {
	const char *word, *second;	/* "ns", "add"; second NULL: the command has one word */
	command_fn *run;
	const char *args;		/* synopsis of the arguments */
	int min, max;			/* number of arguments */
	unsigned int options;		/* OPT_* */
	bool verbatim;			/* stop parsing after the first argument (exec) */
	const char *help;
};

/* A parsed command line. */
struct parsed {
	const struct command *command;
	struct options options;
	int argc;
	char **argv;			/* inside the caller's argv, which is reordered */
};

/*
 * Parse options and words in any order. Returns -1, or an exit status after printing help or an error.
 * commands ends with a zeroed row.
 */
int opts_parse(const struct command *commands, int argc, char **argv, struct parsed *out);

/* The table that opts_parse() was given; it ends with an empty row. */
const struct command *opts_commands(void);

/* One option, for a script that completes it. False: there are no more. */
struct option_help {
	const char *name, *arg;	/* arg: its value, as the help shows it; NULL: none */
	unsigned int only;	/* OPT_*: the commands that accept it; 0: all do */
};
bool opts_option(size_t i, struct option_help *out);

#endif
