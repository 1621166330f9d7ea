/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The path of a flow's packets, kept with the flow as the kernel's flow tables do (net/netfilter/nf_flow_table_ip.c:
 * the cached dst_entry with its cookie): an index in map paths and the stamp of when it was resolved, in one word.
 *
 * No CPU sees half a path. A flow's word changes by a compare-and-swap. The word refers to what is constant: an entry
 * of map paths is found by its content, filled in before a word can refer to it, and filled in anew only when no word
 * has for PATH_GRACE epochs. A word is valid for one.
 *
 * Nor does a flow get another's path. The memory of a flow may be used for another flow while a path is resolved for
 * the first; then it has another word, which was never there before (ct_no_path()), and the swap fails.
 *
 * A direction that the host's rules no longer let go fast loses its path (ask_swap()).
 */
#ifndef EBPFNET_BPF_FAST_PATH_H
#define EBPFNET_BPF_FAST_PATH_H

#include "kern/device.h"
#include "ct/ct_lookup.h"
#include "l3/route.h"
#include "nat/egress.h"
#include "nat/policy.h"
#include "fast/headers.h"

#define PATH_WAYS 8	/* entries in which a content may be found */
#define PATH_GRACE 64	/* epochs: 4 s and more */

static __always_inline _Bool path_eq(const struct flow_path *a, const struct flow_path *b)
{
	const __u32 *x = (const __u32 *)a, *y = (const __u32 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]) | (x[5] ^ y[5]));
}

/*
 * True if the entry may be filled in anew. used: struct flow_path.used, as read: another CPU may already have had the
 * next epoch.
 */
static __always_inline _Bool path_is_unused(__u32 used, __u32 epoch)
{
	return !used || (used != PATH_BUSY && (__s32)(epoch - used) > PATH_GRACE);
}

/* The index of an entry with that content, which is filled in if there is none. EBPFNET_PATHS: there is no room. */
__noinline __u32 path_index(const struct flow_path *want)
{
	__u32 epoch = cache_epoch(), at, first, used, free = EBPFNET_PATHS, was = 0, i;
	const __u32 *word = (const __u32 *)want;
	struct flow_path *e;

	if (!want)
		return EBPFNET_PATHS;
	first = cache_hash(((word[0] * 31 + word[1]) * 31 + word[2]) * 31 + word[3] + word[5]) >> 16;
	for (i = 0; i < PATH_WAYS; i++) {
		at = (first + i) % EBPFNET_PATHS;
		e = bpf_map_lookup_elem(&paths, &at);
		if (!e)
			return EBPFNET_PATHS;
		used = *(volatile __u32 *)&e->used;
		if (used != PATH_BUSY && path_eq(e, want) &&
		    (used == epoch || __sync_val_compare_and_swap(&e->used, used, epoch) == used))
			return at;
		if (free == EBPFNET_PATHS && path_is_unused(used, epoch)) {
			free = at;
			was = used;
		}
	}
	e = bpf_map_lookup_elem(&paths, &free);
	if (!e || __sync_val_compare_and_swap(&e->used, was, PATH_BUSY) != was)
		return EBPFNET_PATHS;
	e->ifindex = want->ifindex;
	e->nexthop = want->nexthop;
	mac_copy(e->dmac, want->dmac);
	mac_copy(e->smac, want->smac);
	e->mtu = want->mtu;
	e->verdict = want->verdict;
	e->on_link = want->on_link;
	__sync_lock_test_and_set(&e->used, epoch);
	return free;
}

/*
 * True if the host's rules, where they count, let the direction by. Else the slow path asks them (nat/policy.h). from,
 * to: ids of networks; EBPFNET_ZONE_OUTSIDE: none.
 */
__noinline int path_is_allowed(const struct flow *f, __u32 from, __u32 to)
{
	struct network *a = network_get(from), *b = network_get(to);
	struct config *cfg = config_get();
	enum forwarding mode;

	if (!a || !b || !cfg || !f)
		return 0;
	mode = forwarding_between(a, b);
	return mode == FORWARDING_FAST || (mode == FORWARDING_ASK && ask_is_settled(f, cfg));
}

/* Into a port. False: it is limited, its device is gone or down, or the MAC address behind it is to be looked up. */
static __always_inline _Bool path_to_port(ctx_t *ctx, const struct flow *f, __u16 zone, struct flow_path *to)
{
	struct port *port = port_get(f->ifindex);
	struct network *net = port ? network_get(port->net) : NULL;

	if (!net || port->flags & (PORT_SPOOF_ALLOW | PORT_LIMIT_IN) ||
	    !path_is_allowed(f, zone, port->net) ||
	    device_check(ctx, f->ifindex, DROP(port_down)) != FWD_NEXT)
		return 0;
	to->verdict = FWD_PORT;
	to->ifindex = f->ifindex;
	mac_copy(to->dmac, port->mac);
	mac_copy(to->smac, net->gw_mac);
	return 1;
}

/* Out of an uplink. False: to the slow path. */
static __always_inline _Bool path_to_uplink(ctx_t *ctx, const struct fast_headers *h, const struct flow *f,
					    struct flow_path *to)
{
	_Bool reply = f->dir == FLOW_REPLY; /* see egress_route() */
	struct route_query *q = route_query_get();
	struct route route;

	if (!q)
		return 0;
	q->src = reply ? addr_be32(f->src) : h->ip.src;
	q->dst = h->ip.dst;
	q->len = ctx_segment_len(ctx, h->ip_len, h->headers);
	q->tos = h->dscp;
	q->proto = h->ip.proto;
	q->sport_h = reply ? f->sport_h : __builtin_bswap16(h->l4.sport);
	q->dport_h = __builtin_bswap16(h->l4.dport);
	if (route_find(ctx, q, &route) != ROUTE_UPLINK || !path_is_allowed(f, h->zone, EBPFNET_ZONE_OUTSIDE) ||
	    !external_is_current(ctx, f, &route) ||
	    !device_running(route.ifindex))
		return 0;
	to->verdict = FWD_UPLINK;
	to->ifindex = route.ifindex;
	to->on_link = route.nexthop == h->ip.dst;
	to->nexthop = to->on_link ? 0 : route.nexthop;
	to->mtu = route.mtu;
	return 1;
}

/* Resolve a packet's path, and keep it with its flow. EBPFNET_PATHS: to the slow path, or there is no room. */
static __noinline __u32 path_resolve(ctx_t *ctx, struct fast_headers *h, struct flow *f, __u64 word)
{
	union path_ref new = { .stamp = h->stamp }; /* word: as it was read */
	struct flow_key key = fast_key(h, h->zone);
	struct flow_path to = {};
	__u32 at;

	/* from here on, what is at f is the key's flow while its word is the same */
	if (ct_lookup(&key) != f)
		return EBPFNET_PATHS;
	if (f->to == TO_PORT ? !path_to_port(ctx, f, h->zone, &to) : !path_to_uplink(ctx, h, f, &to))
		return EBPFNET_PATHS;
	at = path_index(&to);
	if (at >= EBPFNET_PATHS)
		return EBPFNET_PATHS;
	new.at = at;
	new.dscp = h->dscp;
	__sync_val_compare_and_swap(&f->path.word, word, new.word);
	return at;
}

/* The path of a flow's packet, an index in map paths. EBPFNET_PATHS: see path_resolve(). */
static __always_inline __u32 path_of(ctx_t *ctx, struct fast_headers *h, struct flow *f)
{
	union path_ref has = { .word = *(const volatile __u64 *)&f->path.word };

	return has.stamp == h->stamp && has.dscp == h->dscp ? has.at : path_resolve(ctx, h, f, has.word);
}

#endif
