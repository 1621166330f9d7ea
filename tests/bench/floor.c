// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * floor UPLINK NEXTHOP GATEWAY ADDR PORT1 NS1 PORT2 NS2 MAC1: attach the programs of floor.bpf.c to an uplink, a
 * gateway device and the veths of two namespaces, each followed by its address (floor.h). Print "ready". The programs
 * stay attached until this process is killed.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <user/lib/dataplane/pin.h>

#include "floor.h"
#include "floor.skel.h"

static int attach(struct floor_bpf *floor, struct bpf_program *prog, enum floor_dev dev, enum bpf_attach_type at)
{
	return bpf_link_create(bpf_program__fd(prog), floor->rodata->floor_ifindex[dev], at, NULL) < 0;
}

int main(int argc, char **argv)
{
	struct floor_bpf *floor = floor_bpf__open();
	struct ether_addr *mac;
	struct in_addr addr;
	int i;

	if (argc != 2 + 2 * FLOOR_DEVS || !floor)
		return 2;
	for (i = 0; i < FLOOR_DEVS; i++) {
		floor->rodata->floor_ifindex[i] = if_nametoindex(argv[1 + 2 * i]);
		if (!floor->rodata->floor_ifindex[i] || !inet_aton(argv[2 + 2 * i], &addr))
			return 2;
		floor->rodata->floor_addr[i] = addr.s_addr;
	}
	mac = ether_aton(argv[argc - 1]);
	if (!mac)
		return 2;
	memcpy((void *)floor->rodata->floor_mac, mac, sizeof(*mac));
	if (floor_bpf__load(floor) ||
	    attach(floor, floor->progs.floor_port, NS1, ATTACH_TCX_INGRESS) ||
	    attach(floor, floor->progs.floor_port, NS2, ATTACH_TCX_INGRESS) ||
	    attach(floor, floor->progs.floor_gateway, GATEWAY, ATTACH_TCX_EGRESS) ||
	    attach(floor, floor->progs.floor_uplink, UPLINK, ATTACH_TCX_INGRESS)) {
		perror("floor");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
