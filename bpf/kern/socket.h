/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Look-ups of the host's sockets. */
#ifndef EBPFNET_BPF_KERN_SOCKET_H
#define EBPFNET_BPF_KERN_SOCKET_H

#include <ebpfnet/core/addr.h>
#include "kern/ctx_tc.h"

enum host_socket {
	SOCKET_NONE,
	SOCKET_OPEN,		/* without a peer: listening, or unconnected UDP */
	SOCKET_CONNECTED,
};

/*
 * The socket that would receive a TCP or UDP packet with that tuple. Not found: a socket that is only bound; a
 * UDP socket connected to another peer; at a port's hook, a socket bound to a device. The two protocols have
 * separate code as their sockets are two types to the verifier.
 */
__noinline enum host_socket socket_of_host(ctx_t *ctx, const struct flow_key *key)
{
	enum host_socket found = SOCKET_NONE;
	struct bpf_sock_tuple t = {};
	struct bpf_sock *sk;

	if (!key)
		return SOCKET_NONE;
	t.ipv4.saddr = addr_be32(key->src);
	t.ipv4.daddr = addr_be32(key->dst);
	t.ipv4.sport = __builtin_bswap16(key->sport_h);
	t.ipv4.dport = __builtin_bswap16(key->dport_h);
	if (key->proto == L4_TCP) {
		sk = bpf_skc_lookup_tcp(ctx, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0);
		if (!sk)
			return SOCKET_NONE;
		found = sk->state == BPF_TCP_LISTEN ? SOCKET_OPEN : SOCKET_CONNECTED;
		bpf_sk_release(sk);
	} else if (key->proto == L4_UDP) {
		sk = bpf_sk_lookup_udp(ctx, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0);
		if (!sk)
			return SOCKET_NONE;
		found = sk->dst_port ? SOCKET_CONNECTED : SOCKET_OPEN;
		bpf_sk_release(sk);
	}
	return found;
}

#endif
