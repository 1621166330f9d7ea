/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* PURE. IPv4 and MAC addresses: compare, copy, classify. Used by bpf/, user/lib/ and tests. */
#ifndef EBPFNET_CORE_ADDR_H
#define EBPFNET_CORE_ADDR_H

#include <ebpfnet/abi.h>
#include <ebpfnet/core/compiler.h>

/*
 * Network byte order, both ways. Macros, so that an address is read as one word: of a struct that is passed by value
 * from behind a pointer clang for BPF reads each byte by itself.
 */
#define addr_be32(a)                        \
	({                                  \
		struct ipaddr addr_ = (a);  \
		*(__be32 *)&addr_;          \
	})

static __always_inline struct ipaddr addr_of(__be32 be)
{
	return *(struct ipaddr *)&be;
}

#define addr_eq(a, b) (addr_be32(a) == addr_be32(b))

#define addr_none(a) (addr_be32(a) == 0)

#define addr_inside(a, subnet, mask) (((addr_be32(a) ^ addr_be32(subnet)) & addr_be32(mask)) == 0)

/* RFC 1122 3.2.1.3: the host's own, on no link. */
static __always_inline _Bool addr_loopback(struct ipaddr a)
{
	return a.octet[0] == 127;
}

/* Multicast, or the limited broadcast address. */
static __always_inline _Bool addr_group(struct ipaddr a)
{
	return (a.octet[0] & 0xf0) == 224 || addr_be32(a) == 0xffffffff;
}

/*
 * RFC 1122 3.2.1.3, RFC 1812 5.3.7: invalid as the source of a forwarded packet. Class E (240/4) is unicast, as it is
 * to Linux since 2.6.25: it is routed where there is a route, but for 255.255.255.255.
 */
static __always_inline _Bool addr_martian_source(struct ipaddr a)
{
	return a.octet[0] == 0 || addr_loopback(a) || addr_group(a);
}

/* The same for the destination. Multicast (224/4) is not routed. */
static __always_inline _Bool addr_martian_dest(struct ipaddr a)
{
	return addr_martian_source(a);
}

/* For addresses with an alignment of two. */
static __always_inline _Bool mac_eq(const __u8 *a, const __u8 *b)
{
	const __u16 *x = (const __u16 *)a, *y = (const __u16 *)b;

	return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2])) == 0;
}

static __always_inline void mac_copy(__u8 *to, const __u8 *from)
{
	__u16 *x = (__u16 *)to;
	const __u16 *y = (const __u16 *)from;

	x[0] = y[0];
	x[1] = y[1];
	x[2] = y[2];
}

static __always_inline _Bool mac_group(const __u8 *mac)
{
	return mac[0] & 1;
}

static __always_inline _Bool mac_zero(const __u8 *mac)
{
	const __u16 *x = (const __u16 *)mac;

	return (x[0] | x[1] | x[2]) == 0;
}

#endif
