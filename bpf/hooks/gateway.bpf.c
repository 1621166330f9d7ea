/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Egress of a gateway device: frames from the host to namespaces. */
#define HOOK_IS_EGRESS 1
#define HOOK_IS_GATEWAY 1

#include "datapath.h"

SEC("tc")
int ebpfnet_gateway(struct __sk_buff *ctx)
{
	return datapath_gateway(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
