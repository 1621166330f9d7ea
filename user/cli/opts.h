/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reading a command line by a table of commands, and printing the help that follows from it. */
#ifndef EBPFNET_CLI_OPTS_H
#define EBPFNET_CLI_OPTS_H

#include "cli/command.h"

/* Options that not every command takes; struct command.options. */
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
};

struct command {
	const char *word, *second;	/* "ns", "add"; second NULL: the command has one word */
	command_fn *run;
	const char *args;		/* synopsis of what follows */
	int min, max;			/* how many words that is */
	unsigned int options;		/* OPT_* */
	bool verbatim;			/* what follows the first word is not ours to read (exec) */
	const char *help;
};

/* A command line that was read: run command with the rest. */
struct parsed {
	const struct command *command;
	struct options options;
	int argc;
	char **argv;			/* inside the argv that was given, which is reordered */
};

/*
 * Options may stand before and after words. Returns -1, or the status with which to exit: help was
 * asked for and printed, or the line is wrong and that was said. commands ends with a zeroed row.
 */
int opts_parse(const struct command *commands, int argc, char **argv, struct parsed *out);

#endif
