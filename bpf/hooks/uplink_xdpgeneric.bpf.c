/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The same behind the driver (generic XDP), without xdp.frags: for such a program Linux (6.18) copies the
 * packets that pass and loses the length of their Ethernet header, so that TC programs misread them.
 */
#include "xdp_prefilter.h"

SEC("xdp")
int ebpfnet_xdp(struct xdp_md *ctx)
{
	return datapath_prefilter(ctx);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
