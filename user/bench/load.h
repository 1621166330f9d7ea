/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A load between two network namespaces over real sockets, and what came of it. Client and server are
 * processes of their own, so that the caller stays where it is; both end with the measurement.
 */
#ifndef EBPFNET_BENCH_LOAD_H
#define EBPFNET_BENCH_LOAD_H

#include <netinet/in.h>
#include <stdint.h>

enum load_kind {
	LOAD_TCP_RR,	/* one byte there and back, over one connection */
	LOAD_TCP_CRR,	/* connect, one byte there and back, close */
	LOAD_TCP_STREAM,/* as many bytes as go */
	LOAD_UDP_RR,	/* one byte there and back */
	LOAD_UDP_PPS,	/* frames of 64 bytes, one way; those that arrive count */
	LOAD_KINDS
};

#define LOAD_ANY_CPU (-1)

struct load {
	enum load_kind kind;
	int client, server;		/* file descriptors of network namespaces, the caller's */
	struct in_addr to;		/* network byte order */
	uint16_t port_h;		/* that the client calls */
	uint16_t server_port_h;		/* that the server has; 0: the same */
	uint32_t milliseconds;		/* after a tenth of a second, or as long, to get going */
	uint32_t streams;		/* connections at once (TCP_STREAM), or clients (the others); 0: 1 */
	int client_cpu, server_cpu;
};

struct load_result {
	uint64_t count;			/* transactions, connections, bytes or frames */
	double seconds;			/* that it took */
	double cpu_seconds;		/* that all CPUs of the machine were busy meanwhile, whoever kept them so */
	uint32_t p50_ns, p99_ns, p999_ns; /* of a transaction; 0: there are none */
};

/* "tcp_rr", and so on. */
const char *load_kind_name(enum load_kind kind);
/* -EINVAL: there is none by that name. */
int load_kind_by_name(const char *name, enum load_kind *out);

/* Runs it. Quiet. -ECONNREFUSED, -ETIMEDOUT, ...: what the client or the server met; -ENODATA: nothing came. */
int load_run(const struct load *load, struct load_result *out);

#endif
