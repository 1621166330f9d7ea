/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The XDP prefilter in an uplink's driver (native XDP). xdp.frags: without it many drivers refuse a large MTU. */
#include "xdp_prefilter.h"

SEC("xdp.frags")
int ebpfnet_xdp(struct xdp_md *ctx)
{
	return datapath_prefilter(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
