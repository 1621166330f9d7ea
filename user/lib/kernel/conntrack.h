/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef EBPFNET_LIB_KERNEL_CONNTRACK_H
#define EBPFNET_LIB_KERNEL_CONNTRACK_H

/*
 * Has the kernel load nf_conntrack, if that is a module. It tracks nothing by itself: only rules that need it make it
 * do so. Silent if it cannot be loaded, as nothing depends on it.
 */
void conntrack_load(void);

#endif
