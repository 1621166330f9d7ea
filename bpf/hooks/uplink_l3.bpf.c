/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The same as uplink.bpf.c, of a device whose packets have no link-layer header: tun, WireGuard, ipip, gre, ppp. */
#define HOOK_IS_EGRESS 0
#define LINK_HLEN 0

#include "datapath.h"

SEC("tc")
int ebpfnet_uplink(struct __sk_buff *ctx)
{
	return datapath_uplink(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
