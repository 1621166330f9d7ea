/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What libbpf's tc API cannot ask: whether a clsact qdisc is there, and whether anybody uses it. */
#ifndef EBPFNET_LIB_KERNEL_QDISC_H
#define EBPFNET_LIB_KERNEL_QDISC_H

#include <stdbool.h>

bool qdisc_has_clsact(int ifindex);

/* Removes the clsact qdisc unless a filter is on it. No qdisc, or no device, is no error. */
int qdisc_remove_if_unused(int ifindex);

#endif
