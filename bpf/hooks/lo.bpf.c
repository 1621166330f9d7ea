/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Ingress of lo, attached while a port is published: the host calls its own published address. */
#define HOOK_IS_EGRESS 0

#include "datapath.h"

SEC("tc")
int ebpfnet_lo(struct __sk_buff *ctx)
{
	return datapath_lo(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
