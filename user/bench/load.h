/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Run a load between two network namespaces over real sockets and measure it. Client and server are
 * separate processes, so the caller stays in its namespace. Both end with the measurement.
 */
#ifndef EBPFNET_BENCH_LOAD_H
#define EBPFNET_BENCH_LOAD_H

#include <netinet/in.h>
#include <stdint.h>

enum load_kind {
	LOAD_TCP_RR,	/* exchange one byte, over one connection */
	LOAD_TCP_CRR,	/* connect, exchange one byte, close */
	LOAD_TCP_STREAM,/* as many bytes as possible */
	LOAD_UDP_RR,	/* exchange one byte */
	LOAD_UDP_PPS,	/* frames of 64 bytes, one direction; counted on arrival */
	LOAD_KINDS
};

#define LOAD_ANY_CPU (-1)

struct load {
	enum load_kind kind;
	int client, server;		/* file descriptors of network namespaces, owned by the caller */
	struct in_addr to;		/* network byte order */
	uint16_t port_h;		/* destination port of the client */
	uint16_t server_port_h;		/* port of the server; 0: port_h */
	uint32_t milliseconds;		/* after a warm-up of 100 ms, or of this time if shorter */
	uint32_t streams;		/* parallel connections (TCP_STREAM) or clients (the others); 0: 1 */
	int client_cpu, server_cpu;
};

struct load_result {
	uint64_t count;			/* transactions, connections, bytes or frames */
	double seconds;			/* measured time */
	double cpu_seconds;		/* busy time of all CPUs of the machine, from any cause */
	uint32_t p50_ns, p99_ns, p999_ns; /* of a transaction; 0: not measured */
};

/* "tcp_rr", and so on. */
const char *load_kind_name(enum load_kind kind);
/* -EINVAL: unknown name. */
int load_kind_by_name(const char *name, enum load_kind *out);

/* Run the load. Quiet. Returns the first error of client or server (-ECONNREFUSED, ...); -ENODATA: no answer. */
int load_run(const struct load *load, struct load_result *out);

#endif
