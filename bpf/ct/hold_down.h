/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Hold-down of external ports: packets under way to the last owner must not reach the next (RFC 6888 REQ-8). The
 * owner itself may have its port again at once.
 */
#ifndef EBPFNET_BPF_CT_HOLD_DOWN_H
#define EBPFNET_BPF_CT_HOLD_DOWN_H

#include <ebpfnet/core/ct_state.h>
#include <ebpfnet/core/nat.h>
#include "kern/lookup.h"

/* The entry of a key of the reply direction; its tag may be another key's. tag: of this key. */
static __always_inline struct hold_down *hold_down_get(const struct flow_key *key, const struct config *cfg,
						       __u32 *tag)
{
	__u32 at = flow_key_hash(key, cfg->mark);

	*tag = flow_key_hash(key, ~cfg->mark);
	at %= cfg->max_flows ? cfg->max_flows : 1;
	return bpf_map_lookup_elem(&hold_down, &at);
}

/* An endpoint's flow with that key ended at a time. */
static __always_inline void hold_down_set(const struct flow_key *key, __u32 endpoint, __u32 since,
					  const struct config *cfg)
{
	__u32 tag;
	struct hold_down *h = hold_down_get(key, cfg, &tag);

	if (h)
		*h = (struct hold_down){ .tag = tag, .endpoint = endpoint, .since = since };
}

/* True if another endpoint had the key until a moment ago. */
static __always_inline _Bool hold_down_lasts(const struct flow_key *key, __u32 endpoint, const struct config *cfg)
{
	__u32 tag;
	struct hold_down *h = hold_down_get(key, cfg, &tag);

	return cfg->hold_down_s && h && h->endpoint && h->endpoint != endpoint && h->tag == tag &&
	       !ct_timeout_over(h->since, now_s(), cfg->hold_down_s);
}

#endif
