// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "cli/command.h"
#include "cli/opts.h"
#include "plugins/cni.h"
#include "plugins/docker.h"
#include "plugins/netavark.h"

#define UP (OPT_UPLINK | OPT_SUBNET | OPT_NS | OPT_HOOK | OPT_XDP | OPT_FORWARDING | OPT_FLOWS | OPT_DRY_RUN)
#define PORT (OPT_ADDR | OPT_IPV6 | OPT_SPOOF | OPT_DEV | OPT_MTU)
#define SPEC "[ADDR:]PORT[-PORT][:NSPORT][/tcp|udp]"

static int cmd_docker(const struct options *o, int argc, char **argv)
{
	if (isatty(STDIN_FILENO))
		return usage_error("docker is for Docker, which connects to ebpfnet-docker.socket");
	return docker_main(o->bpffs);
}

static const struct command commands[] = {
	{ "up", .run = cmd_up, .options = UP,
	  .help = "create the network: namespaces, gateway, uplinks" },
	{ "down", .run = cmd_down, .options = OPT_DRY_RUN, .help = "remove everything that ebpfnet created" },
	{ "status", .run = cmd_status, .options = OPT_JSON,
	  .help = "show the network and its problems (then exit status 3)" },
	{ "ns", "add", cmd_ns_add, "NAME", 1, 1, .options = PORT | OPT_NETWORK,
	  .help = "create a namespace and attach it" },
	{ "ns", "del", cmd_ns_del, "NAME", 1, 1, .help = "detach a namespace and delete it" },
	{ "ns", "list", cmd_ns_list, .options = OPT_JSON | OPT_NETWORK, .help = "list the namespaces" },
	{ "attach", NULL, cmd_attach, "NETNS|PID|--later", 0, 1,
	  .options = PORT | OPT_NETWORK | OPT_NAME | OPT_ID | OPT_LABEL | OPT_PUBLISH | OPT_LATER | OPT_JSON,
	  .help = "attach an existing network namespace" },
	{ "detach", NULL, cmd_detach, "NAME|--id ID|--gone", 0, 1, .options = OPT_ID | OPT_GONE,
	  .help = "detach a namespace without deleting it" },
	{ "connect", NULL, cmd_connect, "NS NETWORK", 2, 2, .options = PORT,
	  .help = "give a namespace a port in another network, too" },
	{ "disconnect", NULL, cmd_disconnect, "NS NETWORK", 2, 2,
	  .help = "take that port away" },
	{ "network", "add", cmd_network_add, "NAME", 1, 1,
	  .options = OPT_SUBNET | OPT_NETWORK_DEF | OPT_MTU | OPT_FORWARDING,
	  .help = "make a network" },
	{ "network", "del", cmd_network_del, "NAME", 1, 1, .help = "remove a network that has no namespaces" },
	{ "network", "list", cmd_network_list, .options = OPT_JSON, .help = "list the networks" },
	{ "network", "show", cmd_network_show, "NAME", 1, 1, .options = OPT_JSON, .help = "show a network" },
	{ "exec", NULL, cmd_exec, "NS -- CMD [ARGS]", 2, INT_MAX, .verbatim = true,
	  .help = "run a command inside a namespace" },
	{ "expose", NULL, cmd_expose, "NS " SPEC, 2, 2,
	  .help = "publish a port of a namespace, or a range" },
	{ "unexpose", NULL, cmd_unexpose, "NS [" SPEC "]", 1, 2,
	  .help = "unpublish a port; without a port, all ports of NS" },
	{ "exposed", .run = cmd_exposed, .options = OPT_JSON | OPT_NETWORK, .help = "list the published ports" },
	{ "limit", NULL, cmd_limit, "[NS in|out RATE|none]", 0, 5, .options = OPT_JSON | OPT_NETWORK,
	  .help = "limit what a namespace receives or sends, as 100mbit; without words, list the limits" },
	{ "flows", .run = cmd_flows, .options = OPT_JSON | OPT_NETWORK, .help = "list the flows (conntrack)" },
	{ "fdb", .run = cmd_fdb, .options = OPT_JSON, .help = "list the switch's MAC addresses" },
	{ "stats", .run = cmd_stats, .options = OPT_JSON,
	  .help = "show counters of packets, drops by reason, and events" },
	{ "monitor", .run = cmd_monitor, .options = OPT_REPAIR,
	  .help = "report problems of uplinks and gateway until interrupted" },
	{ "bench", .run = cmd_bench, .options = OPT_BENCH | OPT_JSON,
	  .help = "compare with a kernel bridge and iptables (90 seconds)" },
	{ "docker", .run = cmd_docker, .help = "be Docker's network driver, on standard input and output" },
	{ "set", NULL, cmd_set, "KEY VALUE", 2, 2, .options = OPT_NETWORK,
	  .help = "change a timeout, a limit or the way of forwarding" },
	{ "get", NULL, cmd_get, "[KEY]", 0, 1, .options = OPT_JSON | OPT_NETWORK, .help = "show one setting, or all" },
	{ "completion", NULL, cmd_completion, "bash", 1, 1, .help = "print a completion script for bash" },
	{},
};

/* Flush stdout first, so that both streams keep their order when they go to the same file. */
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

	if (argc < 2 && cni_is_called())
		return cni_main();
	if (netavark_is_called(argc, argv))
		return netavark_main(argc, argv);
	status = opts_parse(commands, argc, argv, &p);
	if (status >= 0)
		return status;
	log_set_sink(print_line, &p.options);
	return p.command->run(&p.options, p.argc, p.argv);
}
