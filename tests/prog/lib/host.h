/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The host around a test program, for harness.c; tests see harness.h. */
#ifndef EBPFNET_TESTS_HOST_H
#define EBPFNET_TESTS_HOST_H

#include <stdint.h>

#define HOST_BPFFS "/mnt" /* any folder that is always there: the mount is this process's alone */

int host_setup(void);
int host_write(const char *path, const char *text);
uint64_t host_tx_packets(enum device dev);

#endif
