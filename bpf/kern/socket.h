/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Whether a packet would meet a socket of the host's. */
#ifndef EBPFNET_BPF_KERN_SOCKET_H
#define EBPFNET_BPF_KERN_SOCKET_H

#include <ebpfnet/core/addr.h>
#include "kern/ctx_tc.h"

enum host_socket {
	SOCKET_NONE,
	SOCKET_OPEN,		/* it has no peer: listens, or takes from anybody */
	SOCKET_CONNECTED,
};

/*
 * The socket that a packet with that tuple would be for, TCP and UDP. One that is merely bound is not
 * seen, nor a UDP socket that is connected to somebody else, nor, from a port, one bound to a device.
 * To the verifier the two protocols' sockets are two types, so nothing is done with both.
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
