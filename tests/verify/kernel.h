/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's side of the proofs that write packets: its helpers, as net/core/filter.c has them, on
 * a packet in memory, and a flow table with one flow. Any other helper has no body here: a proof that
 * calls one fails.
 */
#ifndef EBPFNET_TESTS_VERIFY_KERNEL_H
#define EBPFNET_TESTS_VERIFY_KERNEL_H

#define bpf_map_lookup_elem real_map_lookup_elem
#define bpf_skb_load_bytes real_skb_load_bytes
#define bpf_skb_store_bytes real_skb_store_bytes
#define bpf_l4_csum_replace real_l4_csum_replace
#define bpf_skb_change_tail real_skb_change_tail
#define bpf_ktime_get_coarse_ns real_ktime_get_coarse_ns
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#undef bpf_map_lookup_elem
#undef bpf_skb_load_bytes
#undef bpf_skb_store_bytes
#undef bpf_l4_csum_replace
#undef bpf_skb_change_tail
#undef bpf_ktime_get_coarse_ns

/*
 * The arithmetic of checksums is proved in csum.c, and is here any function of its arguments: what
 * is proved with it is which differences go where.
 */
#define csum_diff32 real_csum_diff32
#define csum_diff16 real_csum_diff16
#define csum_apply real_csum_apply
#define csum_fold32 real_csum_fold32
#include <ebpfnet/core/csum.h>
#undef csum_diff32
#undef csum_diff16
#undef csum_apply
#undef csum_fold32
#define csum_diff32 __CPROVER_uninterpreted_csum_diff32
#define csum_diff16 __CPROVER_uninterpreted_csum_diff16
#define csum_apply __CPROVER_uninterpreted_csum_apply
#define csum_fold32 __CPROVER_uninterpreted_csum_fold32

__u64 csum_diff32(__be32 from, __be32 to);
__u64 csum_diff16(__be16 from, __be16 to);
__sum16 csum_apply(__sum16 check, __u64 diff);
__u32 csum_fold32(__u64 diff);
/* inet_proto_csum_replace_by_diff() of a packet whose checksum is there (not CHECKSUM_PARTIAL) */
__sum16 __CPROVER_uninterpreted_by_diff(__sum16 check, __u32 diff);

#include "bpf/kern/maps.h"
#include <ebpfnet/core/nat.h>
#include "verify.h"

#define PACKET_MAX 128

static struct packet {
	__u8 bytes[PACKET_MAX];
} packet;

static struct {
	struct flow_key original_key, reply_key;
	struct flow original, reply;
	struct conn conn;
	struct config cfg;
} table;

/* Scratch memory of the header under proof, if it has some. */
static struct {
	void *map, *value;
} scratch;

static void *bpf_map_lookup_elem(void *map, const void *key)
{
	if (map == scratch.map && map)
		return scratch.value;
	if (map == &conns)
		return &table.conn;
	if (map == &config)
		return &table.cfg;
	if (map == &flows && flow_key_eq(key, &table.original_key))
		return &table.original;
	if (map == &flows && flow_key_eq(key, &table.reply_key))
		return &table.reply;
	return NULL;
}

static __u64 bpf_ktime_get_coarse_ns(void)
{
	__u64 any;

	return any;
}

static long bpf_skb_load_bytes(const void *ctx, __u32 off, void *to, __u32 len)
{
	__u32 i;

	if (off > PACKET_MAX - len)
		return -1;
	for (i = 0; i < len; i++)
		((__u8 *)to)[i] = packet.bytes[off + i];
	return 0;
}

static long bpf_skb_store_bytes(const void *ctx, __u32 off, const void *from, __u32 len,
				__u64 flags)
{
	__u32 i;

	if (off > PACKET_MAX - len)
		return -1;
	for (i = 0; i < len; i++)
		packet.bytes[off + i] = ((const __u8 *)from)[i];
	return 0;
}

/* Takes off what is behind the packet: the bytes that are looked at stay. */
static long bpf_skb_change_tail(void *ctx, __u32 len, __u64 flags)
{
	return len > PACKET_MAX ? -1 : 0;
}

static __u16 word_at(const struct packet *p, __u32 off)
{
	return p->bytes[off] | p->bytes[off + 1] << 8;
}

static __u32 long_at(const struct packet *p, __u32 off)
{
	return word_at(p, off) | (__u32)word_at(p, off + 2) << 16;
}

/* The difference that a replaced word adds to a sum. */
static __u64 changed16(const struct packet *before, __u32 off)
{
	return csum_diff16(word_at(before, off), word_at(&packet, off));
}

static __u64 changed32(const struct packet *before, __u32 off)
{
	return csum_diff32(long_at(before, off), long_at(&packet, off));
}

/* And what BPF_F_MARK_MANGLED_0 adds. */
static __u16 replaced(__u16 check, __u32 diff, _Bool mangled_0)
{
	if (mangled_0 && !check)
		return 0;
	check = __CPROVER_uninterpreted_by_diff(check, diff);
	return mangled_0 && !check ? 0xffff : check;
}

static long bpf_l4_csum_replace(const void *ctx, __u32 off, __u64 from, __u64 to, __u64 flags)
{
	__u16 check;

	if (off > PACKET_MAX - 2 || from || flags & 0xf)
		return -1;
	check = replaced(word_at(&packet, off), to, flags & BPF_F_MARK_MANGLED_0);
	packet.bytes[off] = check;
	packet.bytes[off + 1] = check >> 8;
	return 0;
}

#endif
