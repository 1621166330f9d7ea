/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The contenders: ways to connect namespaces that `ebpfnet bench` compares. Each has a private host: network and mount
 * namespaces with a worker process inside. All exist at the same time and are measured in turn.
 *
 *	ns1 192.168.1.10 -- the contender -- host, eth0 172.31.0.2 -- outside, eth0 172.31.0.1
 *	ns2 192.168.1.11 --'  192.168.1.1
 */
#ifndef EBPFNET_BENCH_BENCH_HOST_H
#define EBPFNET_BENCH_BENCH_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/bench.h"
#include "bench/load.h"

enum bench_contender {
	BENCH_VETH,		/* only a veth pair between the two ends: the floor */
	BENCH_BRIDGE,		/* a kernel bridge without rules */
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
	int fd[BENCH_CONTENDERS];	/* to the worker; -1: none */
	char without[BENCH_WHY];	/* why BENCH_IPTABLES is missing; "": it is not */
};

/* "the kernel bridge", and so on. */
const char *bench_name(enum bench_contender c);

/* Build all contenders, inside bench_alone(). Logs. If iptables is missing or fails, sets b->without and succeeds. */
int bench_build(struct bench *b);

/* Quiet. Returns the result of load_run(), or -ECONNRESET if the worker is gone. */
int bench_measure(const struct bench *b, enum bench_contender c, enum bench_path path, enum load_kind kind,
		  uint32_t milliseconds, struct load_result *out);

#endif
