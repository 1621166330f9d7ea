/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Ingress of the shaper's far end, while a namespace is limited: packets that have waited (kern/shaper.h). */
#define HOOK_IS_EGRESS 0

#include "kern/forward.h"

SEC("tc")
int ebpfnet_shaper(struct __sk_buff *ctx)
{
	return forward_shaped(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
