/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Shared by floor.c and floor.bpf.c: the host's devices, each with an address that is on it or behind it. */
#ifndef EBPFNET_BENCH_FLOOR_H
#define EBPFNET_BENCH_FLOOR_H

enum floor_dev {
	UPLINK,		/* address of the next hop */
	GATEWAY,	/* address of the host */
	NS1, NS2,	/* address of the namespace */
	FLOOR_DEVS
};

#endif
