/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The ways of networking namespaces that `ebpfnet bench` compares. Each stands on a host of its own: private
 * network and mount namespaces that a process of ours is in. They stand side by side and are measured in turn.
 *
 *	ns1 192.168.1.10 -- what is compared -- host, eth0 172.31.0.2 -- outside, eth0 172.31.0.1
 *	ns2 192.168.1.11 --'  192.168.1.1
 */
#ifndef EBPFNET_BENCH_BENCH_HOST_H
#define EBPFNET_BENCH_BENCH_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/bench.h"
#include "bench/load.h"

enum bench_contender {
	BENCH_VETH,		/* a veth pair between the two ends and nothing else: the floor */
	BENCH_BRIDGE,		/* a kernel bridge, without a rule */
	BENCH_IPTABLES,		/* the same, with a masquerade rule and DNAT rules */
	BENCH_EBPFNET,
	BENCH_CONTENDERS
};

enum bench_path {
	BENCH_SWITCH,		/* ns1 to ns2 */
	BENCH_MASQUERADE,	/* ns1 to the outside */
	BENCH_PUBLISH,		/* the outside to a published port of ns1 */
	BENCH_HOST,		/* the host to ns1 */
	BENCH_PATHS
};

struct bench {
	int fd[BENCH_CONTENDERS];	/* to the process that has it; -1: there is none */
	char without[BENCH_WHY];	/* why there is no BENCH_IPTABLES; "": there is */
};

/* "the kernel bridge", and so on. */
const char *bench_name(enum bench_contender c);

/* Builds all contenders, inside bench_alone(). Logs. That iptables is missing, or fails, is no error: b->without. */
int bench_build(struct bench *b);

/* Quiet: what load_run() said, -ECONNRESET when the contender's process is gone. */
int bench_measure(const struct bench *b, enum bench_contender c, enum bench_path path, enum load_kind kind,
		  uint32_t milliseconds, struct load_result *out);

#endif
