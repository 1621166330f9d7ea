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
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pkt);
} pkt_scratch SEC(".maps");

/* NULL never in practice. */
static __always_inline struct pkt *pkt_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&pkt_scratch, &zero);
}

/* Empty, to be parsed into. */
static __always_inline struct pkt *pkt_reset(void)
{
	struct config *cfg = config_get();
	struct pkt *p = pkt_get();

	if (p)
		*p = (struct pkt){ .gen = cfg ? config_gen(cfg) : 0 };
	return p;
}

#endif
