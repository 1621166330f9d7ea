/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Ingress of an uplink: replies to masqueraded flows, and packets to published ports. */
#define HOOK_IS_EGRESS 0

#include "datapath.h"

SEC("tc")
int ebpfnet_uplink(struct __sk_buff *ctx)
{
	return datapath_uplink(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
