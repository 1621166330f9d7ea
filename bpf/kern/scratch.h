/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The packet in hand. */
#ifndef EBPFNET_BPF_KERN_SCRATCH_H
#define EBPFNET_BPF_KERN_SCRATCH_H

#include <ebpfnet/core/parse.h>
#include "kern/lookup.h"

/*
 * PERCPU_ARRAY: the packet in hand. Its headers and what becomes of them would take half of the 512
 * bytes of stack that Linux 6.1 allows over all calls.
 */
PERCPU_SCRATCH(struct pkt, pkt_scratch)

/* Empty, to be parsed into. */
static __always_inline struct pkt *pkt_reset(void)
{
	struct config *cfg = config_get();
	struct pkt *p = pkt_scratch_get();

	if (p)
		*p = (struct pkt){ .gen = cfg ? config_gen(cfg) : 0 };
	return p;
}

#endif
