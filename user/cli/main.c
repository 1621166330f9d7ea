// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <limits.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/base/log.h"
#include "cli/opts.h"

#define UP (OPT_UPLINK | OPT_SUBNET | OPT_NS | OPT_HOOK | OPT_XDP | OPT_FLOWS | OPT_DRY_RUN)
#define SPEC "[ADDR:]PORT[-PORT][:NSPORT][/tcp|udp]"

static const struct command commands[] = {
	{ "up", .run = cmd_up, .options = UP,
	  .help = "make the network: namespaces, gateway, uplinks" },
	{ "down", .run = cmd_down, .options = OPT_DRY_RUN, .help = "remove all that up and later commands made" },
	{ "status", .run = cmd_status, .options = OPT_JSON,
	  .help = "show what there is and what is wrong: exit status 3" },
	{ "ns", "add", cmd_ns_add, "NAME", 1, 1, .options = OPT_ADDR | OPT_SPOOF,
	  .help = "make a namespace and attach it" },
	{ "ns", "del", cmd_ns_del, "NAME", 1, 1, .help = "detach a namespace and remove it" },
	{ "ns", "list", cmd_ns_list, .options = OPT_JSON, .help = "list the namespaces" },
	{ "attach", NULL, cmd_attach, "NETNS|PID", 1, 1,
	  .options = OPT_ADDR | OPT_NAME | OPT_SPOOF,
	  .help = "attach a namespace that someone else made" },
	{ "detach", NULL, cmd_detach, "NAME", 1, 1, .help = "detach a namespace and leave it" },
	{ "exec", NULL, cmd_exec, "NS -- CMD [ARGS]", 2, INT_MAX, .verbatim = true,
	  .help = "run a command inside a namespace" },
	{ "expose", NULL, cmd_expose, "NS " SPEC, 2, 2,
	  .help = "publish a port of a namespace, or a range" },
	{ "unexpose", NULL, cmd_unexpose, "NS [" SPEC "]", 1, 2,
	  .help = "end that; without a port, for all of NS" },
	{ "exposed", .run = cmd_exposed, .options = OPT_JSON, .help = "list what is published" },
	{ "flows", .run = cmd_flows, .options = OPT_JSON, .help = "list the flows (conntrack)" },
	{ "fdb", .run = cmd_fdb, .options = OPT_JSON, .help = "list the switch's MAC addresses" },
	{ "stats", .run = cmd_stats, .options = OPT_JSON,
	  .help = "count packets, drops by reason, events" },
	{ "monitor", .run = cmd_monitor, .options = OPT_REPAIR,
	  .help = "report what an uplink or the gateway lacks, until interrupted" },
	{ "bench", .run = cmd_bench, .options = OPT_BENCH | OPT_JSON,
	  .help = "measure it beside a bridge with iptables, in a minute and a half" },
	{ "set", NULL, cmd_set, "KEY VALUE", 2, 2, .help = "change a timeout or a limit" },
	{ "get", NULL, cmd_get, "[KEY]", 0, 1, .options = OPT_JSON, .help = "show one, or all" },
	{},
};

/* stdout is flushed first: both streams of one command keep their order when they go to the same file. */
static void print_line(enum log_level level, const char *line, void *arg)
{
	const struct options *o = arg;

	if (level == LOG_LEVEL_INFO && !o->quiet && !o->json)
		puts(line);
	fflush(stdout);
	log_to_stderr(level, line, NULL);
}

int main(int argc, char **argv)
{
	struct parsed p;
	int status;

	status = opts_parse(commands, argc, argv, &p);
	if (status >= 0)
		return status;
	log_set_sink(print_line, &p.options);
	return p.command->run(&p.options, p.argc, p.argv);
}
