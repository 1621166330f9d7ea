/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Look-ups in the kernel's connection tracking, where the host's own NAT (iptables, nft) keeps its translations. */
#ifndef EBPFNET_BPF_KERN_CONNTRACK_H
#define EBPFNET_BPF_KERN_CONNTRACK_H

#include <ebpfnet/core/addr.h>
#include "kern/ctx_tc.h"

/* The first 12 bytes, which every kernel has. Not of vmlinux.h: newer fields would be relocations that 6.1 fails. */
struct bpf_ct_opts {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ip_ct_tcp_state {
	__u32 td_end;
};

struct ip_ct_tcp {
	struct ip_ct_tcp_state seen[2];
};

union nf_conntrack_proto {
	struct ip_ct_tcp tcp;
};

struct nf_conn {
	unsigned long status;
	union nf_conntrack_proto proto;
};
#pragma clang attribute pop

/* enum ip_conntrack_dir, ip_conntrack_status: fixed, as `conntrack -L` shows them */
#define IP_CT_DIR_REPLY 1
#define IPS_SEEN_REPLY (1 << 1)
#define IPS_DST_NAT (1 << 5)

/*
 * True if the kernel has the functions below, from Linux 5.18 on with nf_conntrack, which may be a module. Set by the
 * loader before the verifier runs, which skips unreachable code: without them nothing is asked.
 */
const volatile __u8 kernel_conntrack SEC(".rodata.conntrack") = 0;

extern struct nf_conn *bpf_skb_ct_lookup(ctx_t *ctx, struct bpf_sock_tuple *tuple, __u32 tuple_len,
					 struct bpf_ct_opts *opts, __u32 opts_len) __ksym __weak;
extern void bpf_ct_release(struct nf_conn *ct) __ksym __weak;
extern int bpf_ct_change_timeout(struct nf_conn *ct, __u32 ms) __ksym __weak;

enum conntrack {
	CONNTRACK_NONE,		/* no entry, or one that leads to the host's own sockets */
	CONNTRACK_UNANSWERED,	/* the host, or one that it translates for, has sent to the peer */
	CONNTRACK_ANSWERED,	/* and got an answer; or the reverse, if the host translates the destination */
};

/* Conntrack's entry for a TCP or UDP packet with that tuple, to be released; NULL: none. opts->dir: its direction. */
static __always_inline struct nf_conn *conntrack_find(ctx_t *ctx, const struct flow_key *key, struct bpf_ct_opts *opts)
{
	struct bpf_sock_tuple t = {};

	if (!kernel_conntrack || (key->proto != L4_TCP && key->proto != L4_UDP))
		return NULL;
	*opts = (struct bpf_ct_opts){ .netns_id = BPF_F_CURRENT_NETNS, .l4proto = key->proto };
	t.ipv4.saddr = addr_be32(key->src);
	t.ipv4.daddr = addr_be32(key->dst);
	t.ipv4.sport = __builtin_bswap16(key->sport_h);
	t.ipv4.dport = __builtin_bswap16(key->dport_h);
	return bpf_skb_ct_lookup(ctx, &t, sizeof(t.ipv4), opts, sizeof(*opts));
}

/*
 * Conntrack's entry for a TCP or UDP packet from outside with that tuple. An entry that the peer began and that is
 * not translated is no owner: what we pass to the stack makes such entries, asked for or not.
 */
__noinline enum conntrack conntrack_of_host(ctx_t *ctx, const struct flow_key *key)
{
	enum conntrack found = CONNTRACK_NONE;
	struct bpf_ct_opts opts;
	unsigned long status;
	struct nf_conn *ct;

	if (!key)
		return CONNTRACK_NONE;
	ct = conntrack_find(ctx, key, &opts);
	if (!ct)
		return CONNTRACK_NONE;
	status = ct->status;
	if (opts.dir == IP_CT_DIR_REPLY)
		found = status & IPS_SEEN_REPLY ? CONNTRACK_ANSWERED : CONNTRACK_UNANSWERED;
	else if (status & IPS_DST_NAT && status & IPS_SEEN_REPLY)
		found = CONNTRACK_ANSWERED;
	bpf_ct_release(ct);
	return found;
}

/* TCP: ends of the sequence numbers that conntrack has seen, of the tuple's sender and of its receiver. */
struct conntrack_ends {
	__u32 sent, received;
};

/* Read them. False: there is no entry, or it cannot be read. */
__noinline int conntrack_ends(ctx_t *ctx, const struct flow_key *key, struct conntrack_ends *ends)
{
	struct bpf_ct_opts opts;
	__u32 original, reply;
	struct nf_conn *ct;
	long failed;

	if (!key || !ends || kernel_memory == KERNEL_MEMORY_CLOSED)
		return 0;
	ct = conntrack_find(ctx, key, &opts);
	if (!ct)
		return 0;
	/* by copy: to Linux 6.1's verifier a union is its first member. CO-RE relocates only constant indices */
	failed = bpf_probe_read_kernel(&original, sizeof(original), &ct->proto.tcp.seen[0].td_end) ||
		 bpf_probe_read_kernel(&reply, sizeof(reply), &ct->proto.tcp.seen[1].td_end);
	bpf_ct_release(ct);
	ends->sent = opts.dir == IP_CT_DIR_REPLY ? reply : original;
	ends->received = opts.dir == IP_CT_DIR_REPLY ? original : reply;
	return !failed;
}

/* Let conntrack's entry of a tuple end after that time. Returns 0. */
__noinline int conntrack_end(ctx_t *ctx, const struct flow_key *key, __u32 ms)
{
	struct bpf_ct_opts opts;
	struct nf_conn *ct;

	if (!key)
		return 0;
	ct = conntrack_find(ctx, key, &opts);
	if (ct) {
		bpf_ct_change_timeout(ct, ms);
		bpf_ct_release(ct);
	}
	return 0;
}

#endif
