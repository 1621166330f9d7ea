/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The current packet of this CPU. */
#ifndef EBPFNET_BPF_KERN_SCRATCH_H
#define EBPFNET_BPF_KERN_SCRATCH_H

#include <ebpfnet/core/parse.h>
#include "kern/lookup.h"

/* Its headers, and what the stages have found out about it. */
PERCPU_SCRATCH(struct pkt, pkt_scratch)

/* The current packet, emptied, to be parsed into. */
static __always_inline struct pkt *pkt_reset(void)
{
	struct pkt *p = pkt_scratch_get();

	if (p)
		*p = (struct pkt){};
	return p;
}

#endif
