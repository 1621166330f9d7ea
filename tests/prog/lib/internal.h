/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Shared by the files of the harness; tests include harness.h. */
#ifndef EBPFNET_TESTS_INTERNAL_H
#define EBPFNET_TESTS_INTERNAL_H

#include "harness.h"

#define FLOWS 1024 /* the flow table's size */

extern struct harness {
	struct store state;
	int prog[HOOKS];
	/* maps that `ebpfnet` itself does not use */
	int icmp_budget, neigh, ipv6_learned, tcp_ports_in_use, frags, fragq, hold_down, outside_peers;
	int flow_cache[HOOKS]; /* of each program; 0: it has none */
	int fq_table;	/* of the port program */
	struct config config;	/* as each test finds it */
	/* lets packets arrive that are on their way, and counts again; NULL: none is when run() is over */
	void (*wait)(void);
} h;

/* expect_counted() and expect_copies() see what was counted between the two. */
void count_from_here(void);
void count_to_here(void);

uint32_t class_of_port(enum device port, uint16_t which);

/* BPF_PROG_TEST_RUN of an XDP program: XDP_*. in: as it comes by the device; out: what is left of it. */
uint32_t test_run_xdp(enum hook hook, enum device dev, const struct frame *in, struct frame *out);

/* ---- host.c ---- */

#define HOST_BPFFS "/mnt" /* any folder that is always there: the mount is this process's alone */

int host_setup(void);
const char *host_device_name(enum device dev);
uint64_t host_tx_packets(enum device dev);
/* A packet socket that hears all devices of the host, or of the far side. */
int host_packet_socket(bool far);
uint32_t host_far_ifindex(enum device dev);

#endif
