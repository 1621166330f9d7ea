/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What floor.c and floor.bpf.c share: the host's devices, each with an address that is on it or behind it. */
#ifndef EBPFNET_BENCH_FLOOR_H
#define EBPFNET_BENCH_FLOOR_H

enum floor_dev {
	UPLINK,		/* the next hop's */
	GATEWAY,	/* the host's */
	NS1, NS2,	/* the namespace's */
	FLOOR_DEVS
};

#endif
