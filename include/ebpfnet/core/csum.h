/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* PURE. Incremental Internet checksum (RFC 1071, 1624): a wrong checksum stays wrong by the same difference. */
#ifndef EBPFNET_CORE_CSUM_H
#define EBPFNET_CORE_CSUM_H

#include <ebpfnet/core/addr.h>

/* Fold a sum of 16- or 32-bit words to 16 bits of ones' complement. */
static __always_inline __u16 csum_fold16(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The difference that replacing a word makes to a sum. Network byte order; differences may be added up. */
static __always_inline __u64 csum_diff32(__be32 from, __be32 to)
{
	return (__u64)(__u32)~from + (__u32)to;
}

static __always_inline __u64 csum_diff16(__be16 from, __be16 to)
{
	return (__u64)(__u16)~from + (__u16)to;
}

/* The checksum field after a difference: RFC 1624 equation 3, HC' = ~(~HC + ~m + m'). */
static __always_inline __sum16 csum_apply(__sum16 check, __u64 diff)
{
	return (__sum16)~csum_fold16((__u16)~check + diff);
}

/* A difference as bpf_l4_csum_replace() expects it: 32 bits, carries folded in. */
static __always_inline __u32 csum_fold32(__u64 diff)
{
	diff = (diff & 0xffffffff) + (diff >> 32);
	return (__u32)((diff & 0xffffffff) + (diff >> 32));
}

#endif
