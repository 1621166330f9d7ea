/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef EBPFNET_LIB_KERNEL_LOCAL_PORTS_H
#define EBPFNET_LIB_KERNEL_LOCAL_PORTS_H

#include <stdint.h>

/*
 * The range from which the host takes ports for its own connections, inclusive (net.ipv4.ip_local_port_range): where
 * no service of the host's is expected. The kernel's default if it cannot be read.
 */
void local_port_range(uint16_t *min_h, uint16_t *max_h);

#endif
