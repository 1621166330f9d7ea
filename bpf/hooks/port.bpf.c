/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Ingress of the host-side veth of each namespace, and of the gateway's peer (which drops all frames). */
#define HOOK_IS_EGRESS 0

#include "datapath.h"

SEC("tc")
int ebpfnet_port(struct __sk_buff *ctx)
{
	return datapath_port(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
