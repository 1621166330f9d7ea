// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * floor PORT UPLINK ADDR MAC NEXTHOP: attaches the two programs of floor.bpf.c to a namespace's veth and
 * to an uplink, says "ready", and holds them there until it is killed.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <user/dataplane_pin.h>

#include "floor.skel.h"

int main(int argc, char **argv)
{
	struct floor_bpf *floor = floor_bpf__open();
	struct in_addr addr, nexthop;
	struct ether_addr *mac;
	int port, uplink;

	if (argc != 6 || !floor)
		return 2;
	port = if_nametoindex(argv[1]);
	uplink = if_nametoindex(argv[2]);
	mac = ether_aton(argv[4]);
	if (!port || !uplink || !mac || !inet_aton(argv[3], &addr) || !inet_aton(argv[5], &nexthop))
		return 2;
	floor->rodata->floor_port = port;
	floor->rodata->floor_uplink = uplink;
	floor->rodata->floor_addr = addr.s_addr;
	floor->rodata->floor_nexthop = nexthop.s_addr;
	memcpy((void *)floor->rodata->floor_mac, mac, sizeof(*mac));
	if (floor_bpf__load(floor) ||
	    bpf_link_create(bpf_program__fd(floor->progs.floor_out), port, ATTACH_TCX_INGRESS, NULL) < 0 ||
	    bpf_link_create(bpf_program__fd(floor->progs.floor_in), uplink, ATTACH_TCX_INGRESS, NULL) < 0) {
		perror("floor");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
