/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Egress of an uplink: the host's own packets, and no packet with a source in one of our subnets. */
#define HOOK_IS_EGRESS 1

#include "datapath.h"

SEC("tc")
int ebpfnet_out(struct __sk_buff *ctx)
{
	return datapath_uplink_out(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
