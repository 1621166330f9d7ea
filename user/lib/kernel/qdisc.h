/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Queries that libbpf's tc API lacks: is there a clsact qdisc, and does it have filters? */
#ifndef EBPFNET_LIB_KERNEL_QDISC_H
#define EBPFNET_LIB_KERNEL_QDISC_H

#include <stdbool.h>
#include <stdint.h>

bool qdisc_has_clsact(int ifindex);
/* True if a filter of the clsact qdisc has a lower priority number, so that it runs earlier. */
bool qdisc_has_filter_before(int ifindex, bool egress, uint32_t priority);

/* Calls fn for the root qdisc of each device of this network namespace. */
typedef void qdisc_fn(int ifindex, const char *kind, void *arg);
void qdisc_each_root(qdisc_fn *fn, void *arg);

/* Removes the clsact qdisc unless it has filters. A missing qdisc or device is no error. */
int qdisc_remove_if_unused(int ifindex);

#endif
