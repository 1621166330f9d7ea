/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Limits of namespaces (`ebpfnet limit`): which class of the shaper a packet waits in, or when it departs.
 *
 * The shaper is a veth pair. One end has HTB, with a class for each direction of a limited port; at the other end the
 * shaper program sends each packet where it was to go. A packet waits there after all decisions: its flow, its
 * translation and its output device are those of an unlimited one, and no stage knows of limits. Out of an uplink whose
 * root qdisc is fq a packet does not go round by the shaper, but has its departure time set.
 *
 * A limited port has no entry in a cache, so its packets take the slow path to the end, and those of others never ask.
 */
#ifndef EBPFNET_BPF_KERN_SHAPER_H
#define EBPFNET_BPF_KERN_SHAPER_H

#include "kern/percpu_cache.h"
#include "kern/scratch.h"
#include "kern/veth.h"
#include "kern/verdict.h"

/* Verdict, counter and flag of a packet, as the one word that it takes through the shaper. */
static __always_inline __u32 shaped_pack(verdict_t v, const struct fwd_out *fwd)
{
	return (__u32)v | (__u32)fwd->counter << 8 | (__u32)fwd->recheck << 16;
}

static __always_inline verdict_t shaped_unpack(struct ctx_parcel p, struct fwd_out *fwd)
{
	fwd->ifindex = p.ifindex;
	fwd->nexthop = p.nexthop;
	fwd->counter = p.what >> 8 & 0xff;
	fwd->recheck = p.what >> 16 & 1;
	return p.what & 0xff;
}

_Static_assert(COUNTERS <= 256, "a counter is one byte of that word");

/* True if packets with that verdict wait for their limits. Copies of floods do not, nor what returns to its sender. */
static __always_inline _Bool verdict_is_shaped(verdict_t v)
{
	return v == FWD_PORT || (!HOOK_IS_EGRESS && v >= FWD_HOST && v <= FWD_HAIRPIN);
}

_Static_assert(FWD_HOST + 3 == FWD_HAIRPIN && FWD_PORT < FWD_HOST, "verdicts that send a packet to one place");

/* True if packets to a port are limited. Not for hot packets: asks the map, unless nothing is limited at all. */
static __always_inline _Bool port_is_limited_in(const struct config *cfg, __u32 ifindex)
{
	struct port *port = cfg->shaper_ifindex ? port_get(ifindex) : NULL;

	return port && port->flags & PORT_LIMIT_IN;
}

/* The classes that a packet waits in, the sender's first; 0: none. */
struct shaper_classes {
	__u32 out, in;
};

static __always_inline struct shaper_classes shaper_classes(__u32 from, verdict_t v, __u32 to)
{
	struct port *sender = HOOK_IS_EGRESS ? NULL : port_get(from);
	struct port *receiver = v == FWD_PORT ? port_get(to) : NULL;
	struct shaper_classes c = {};

	if (sender && sender->flags & PORT_LIMIT_OUT)
		c.out = ebpfnet_shaper_class(sender->number, PORT_LIMIT_OUT);
	if (receiver && receiver->flags & PORT_LIMIT_IN)
		c.in = ebpfnet_shaper_class(receiver->number, PORT_LIMIT_IN);
	return c;
}

/* ---- by departure time ---- */

#define FQ_TABLE_SIZE 16
#define FQ_QUEUES 1024	/* of a device that are looked at; with more it is none of fq */

struct fq_entry {
	__u32 ifindex;
	__u32 epoch;			/* when it was looked at */
	_Bool fq;
};

/* Per CPU, by the low bits of ifindex. The administrator may replace a qdisc at any time, which raises no id. */
struct fq_table {
	struct fq_entry at[FQ_TABLE_SIZE];
};

PERCPU_SCRATCH(struct fq_table, fq_table)

/* True if it is of that kind: up to three characters. */
static __always_inline _Bool qdisc_is(struct Qdisc *q, __u32 kind)
{
	struct Qdisc_ops *ops = q ? (struct Qdisc_ops *)kernel_read(q, ops) : NULL;
	__u32 id = 0;

	return ops && !bpf_probe_read_kernel(&id, sizeof(id), &ops->id) && id == kind;
}

#define QDISC_KIND(a, b) ((a) | (b) << 8)

/* Queues of a device with mq, from .at on. */
struct fq_queues {
	struct netdev_queue *tx;
	__u32 count;
	_Bool fq;
};

static long fq_look(__u32 i, struct fq_queues *q)
{
	struct netdev_queue *tx = (void *)((__u64)q->tx + i * bpf_core_type_size(struct netdev_queue));

	q->fq = i < q->count && qdisc_is((struct Qdisc *)kernel_read(tx, qdisc), QDISC_KIND('f', 'q'));
	return !q->fq || i + 1 >= q->count;
}

/* True if a device's root qdisc is fq, or mq with fq at each queue. */
__noinline int fq_read(__u32 ifindex)
{
	struct fq_queues queues = {};
	struct net_device *dev;
	struct Qdisc *root;
	__u64 found = 0;

	device_find(ifindex, &found);
	dev = (struct net_device *)found;
	root = dev ? (struct Qdisc *)kernel_read(dev, qdisc) : NULL;
	if (!root || !qdisc_is(root, QDISC_KIND('m', 'q')))
		return root && qdisc_is(root, QDISC_KIND('f', 'q'));
	queues.tx = (struct netdev_queue *)kernel_read(dev, _tx);
	queues.count = kernel_read(dev, num_tx_queues);
	if (!queues.tx || !queues.count || queues.count > FQ_QUEUES)
		return 0;
	bpf_loop(FQ_QUEUES, fq_look, &queues, 0);
	return queues.fq;
}

/* The same, as it was at most an epoch ago. False if kernel memory is not read. */
__noinline int device_has_fq(__u32 ifindex)
{
	struct fq_table *table = fq_table_get();
	struct fq_entry *e;
	__u32 epoch;

	if (!table || kernel_memory == KERNEL_MEMORY_CLOSED || !bpf_core_field_exists(struct net, dev_index_head) ||
	    !bpf_core_field_exists(struct net_device, qdisc))
		return 0;
	e = &table->at[ifindex % FQ_TABLE_SIZE];
	epoch = cache_epoch();
	if (e->ifindex != ifindex || e->epoch != epoch) {
		e->fq = fq_read(ifindex);
		e->ifindex = ifindex;
		e->epoch = epoch;
	}
	return e->fq;
}

#define GCRA_TRIES 4

/*
 * Set the departure time of a packet that the port sends. FWD_NEXT, or DROP(over_limit): too much waits already. When
 * other CPUs are faster so many times it departs at once.
 */
__noinline verdict_t shaper_depart(ctx_t *ctx, __u32 port)
{
	struct limit *limit = bpf_map_lookup_elem(&limits, &port);
	__u64 now = bpf_ktime_get_ns(), cost, old, at;
	struct pkt *p = pkt_scratch_get();
	int i;

	if (!limit || !limit->rate || !p)
		return FWD_NEXT;
	cost = ctx_wire_len(ctx, ETH_HLEN + p->ihl + p->l4_hlen) * 1000000000ull / limit->rate;
	for (i = 0; i < GCRA_TRIES; i++) {
		old = *(volatile __u64 *)&limit->full;
		at = old + limit->burst_ns < now ? now - limit->burst_ns : old;
		if (at > now + limit->horizon_ns)
			return DROP(over_limit);
		if (__sync_val_compare_and_swap(&limit->full, old, at + cost) != old)
			continue;
		return at <= now || !ctx_depart_at(ctx, at) ? FWD_NEXT : DROP(helper_failed);
	}
	return FWD_NEXT;
}

#endif
