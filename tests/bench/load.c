// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * load KIND FROM TO ADDR PORT[:SERVERPORT] [MS [STREAMS [CPU CPU]]]: run one measurement, print it as JSON.
 *
 * FROM and TO are names of network namespaces, or "host" for the current one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <user/bench/load.h>
#include <user/lib/kernel/netns.h>

static int open_netns(const char *name)
{
	char path[NETNS_PATH] = "/proc/self/ns/net";
	int fd;

	if (strcmp(name, "host"))
		netns_path(name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	fprintf(stderr, "load: namespace %s: %s\n", name, strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	struct load l = { .milliseconds = 500, .client_cpu = LOAD_ANY_CPU, .server_cpu = LOAD_ANY_CPU };
	struct load_result result;
	char *server_port;
	int r;

	if (argc < 6 || load_kind_by_name(argv[1], &l.kind) || !inet_aton(argv[4], &l.to)) {
		fprintf(stderr, "usage: load KIND FROM TO ADDR PORT[:SERVERPORT] [MS [STREAMS [CPU CPU]]]\n");
		return 2;
	}
	l.client = open_netns(argv[2]);
	l.server = open_netns(argv[3]);
	l.port_h = strtoul(argv[5], &server_port, 10);
	l.server_port_h = *server_port ? atoi(server_port + 1) : 0;
	if (argc > 6)
		l.milliseconds = atoi(argv[6]);
	if (argc > 7)
		l.streams = atoi(argv[7]);
	if (argc > 9) {
		l.client_cpu = atoi(argv[8]);
		l.server_cpu = atoi(argv[9]);
	}
	r = load_run(&l, &result);
	if (r) {
		fprintf(stderr, "load: %s from %s to %s: %s\n", argv[1], argv[2], argv[3], strerror(-r));
		return 1;
	}
	printf("{\"rate\": %.1f, \"cpu_ns\": %.4f, \"p50_ns\": %u, \"p99_ns\": %u, \"p999_ns\": %u}\n",
	       result.count / result.seconds, result.cpu_seconds * 1e9 / result.count, result.p50_ns,
	       result.p99_ns, result.p999_ns);
	return 0;
}
