/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The same behind the driver (generic XDP). Not multi-buffer: for such a program Linux (6.18) copies what it
 * passes and forgets how long its Ethernet header is, and then no TC program finds its way in it.
 */
#include "xdp_prefilter.h"

SEC("xdp")
int ebpfnet_xdp(struct xdp_md *ctx)
{
	return datapath_prefilter(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
