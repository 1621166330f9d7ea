/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sockets that wait for peers, read from /proc/net of the calling thread's network namespace. */
#ifndef EBPFNET_LIB_KERNEL_LISTENERS_H
#define EBPFNET_LIB_KERNEL_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <ebpfnet/abi.h>

/* A listening TCP socket, or a bound and unconnected UDP socket. */
struct listener {
	struct ipaddr addr;	/* 0.0.0.0: any, of IPv4 or of both families */
	uint16_t port_h;
	uint64_t inode;
};

/*
 * Calls fn for each, except for IPv6 sockets that no IPv4 peer can reach. Stops when fn returns
 * non-zero, and returns that.
 */
int listeners_each(enum l4proto proto, int (*fn)(const struct listener *l, void *arg), void *arg);

/* Finds a process that holds the socket. */
bool socket_owner(uint64_t inode, pid_t *pid, char comm[16]);

#endif
