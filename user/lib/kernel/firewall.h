/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The chains at netfilter's FORWARD hook in this network namespace, of nf_tables and of iptables-legacy. */
#ifndef EBPFNET_LIB_KERNEL_FIREWALL_H
#define EBPFNET_LIB_KERNEL_FIREWALL_H

#include "lib/base/firewall_text.h"

/*
 * Reads those that have a rule, or drop by their policy. What cannot be read (a kernel without nf_tables) is not there.
 * Quiet.
 */
void firewall_read(struct firewall *out);

#endif
