/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Shared by flood.c and flood.bpf.c: the clocks, and the smallest frame, 64 bytes with its FCS. */
#ifndef EBPFNET_BENCH_FLOOD_H
#define EBPFNET_BENCH_FLOOD_H

#define FLOOD_FRAME 60
#define FLOOD_HEAD_WORDS 11 /* 32-bit words: the headers and two bytes of payload */
#define FLOOD_FIRST_PORT 10000
#define FLOOD_MAX_FLOWS 50000
#define FLOOD_CPUS 64

/* Network byte order. Fields that change are naturally aligned; the IP addresses are not. */
struct flood_head {
	__u8 eth_dest[6], eth_source[6];
	__u16 eth_type;
	__u8 ip_version_ihl, ip_tos;
	__u16 ip_len, ip_id, ip_frag;
	__u8 ip_ttl, ip_proto;
	__u16 ip_check;
	__u16 ip_source[2], ip_dest[2];
	__u16 udp_source, udp_dest, udp_len, udp_check;
};

/* Time that a CPU has spent receiving, in ns, up to since (0: it is not receiving). One cache line each. */
struct flood_clock {
	__u64 busy, since, unused[6];
};

#endif
