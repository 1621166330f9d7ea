/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sockets that have a port, in the calling thread's network namespace. */
#ifndef EBPFNET_LIB_KERNEL_LISTENERS_H
#define EBPFNET_LIB_KERNEL_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <ebpfnet/abi.h>

enum listener_kind {
	LISTENING,		/* a TCP socket that listens, a UDP socket that is not connected */
	LISTENING_OR_BOUND,	/* also a TCP socket that is bound and not listening, a UDP socket that is connected */
};

struct listener {
	struct ipaddr addr;	/* 0.0.0.0: any, of IPv4 or of both families */
	uint16_t port_h;
	bool is_ipv6;		/* of both families */
	uint64_t inode;		/* 0: unknown */
};

/*
 * Calls fn for each with a port from first_h to last_h, except for IPv6 sockets that no IPv4 peer can reach. Stops
 * when fn returns non-zero, and returns that. The kernel looks at listening TCP sockets and at UDP sockets alone
 * (sock_diag); where it has no sock_diag, all sockets are read from /proc/net.
 *
 * A kernel before 6.8 does not list a TCP socket that is bound and not listening. There each port is bound for an
 * instant, which fails if it is taken: then fn gets a listener without inode, and with the address any.
 */
int listeners_each(enum l4proto proto, enum listener_kind kind, uint16_t first_h, uint16_t last_h,
		   int (*fn)(const struct listener *l, void *arg), void *arg);

/* The same for a set of ports (lib/base/portmap_set.h): the kernel is asked once. */
int listeners_each_in(enum l4proto proto, enum listener_kind kind, const uint64_t *ports,
		      int (*fn)(const struct listener *l, void *arg), void *arg);

/* Finds a process of this network namespace that holds the socket, among the first 100,000 descriptors. */
bool socket_owner(uint64_t inode, pid_t *pid, char comm[16]);

/*
 * The sockets by which podman reserves the ports that it is about to have published: podman's, if it is an ancestor of
 * this process, and those of conmon, to which it hands them. By name, because other ancestors have ports of their
 * own: a plugin that is run from a login by SSH has sshd among them. Processes of other users are left out.
 */
struct client_sockets {
	uint64_t *inode;		/* sorted; the caller's to free */
	size_t count;
};
int client_sockets_read(struct client_sockets *out);
bool client_sockets_has(const struct client_sockets *s, uint64_t inode);

#endif
