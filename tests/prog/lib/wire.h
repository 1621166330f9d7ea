/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * BPF_PROG_TEST_RUN does not report the output device, and takes no VLAN tag. So here the programs are attached,
 * frames are sent from the far ends of the cables, and the test sees where they arrive:
 *
 *	wire_send(DEV_NS1, frame(...));			NS1 sends
 *	expect_arrival(DEV_NS2, frame(...));		NS2 gets
 *	expect_no_more_arrivals();
 */
#ifndef EBPFNET_TESTS_WIRE_H
#define EBPFNET_TESTS_WIRE_H

#include "harness.h"

int wire_setup(void **unused);	/* of the group, in place of harness_setup() */

/*
 * From what is at the far end of a device: a namespace, the provider. From DEV_GW: the host. The
 * counters are then those of expect_counted().
 */
void wire_send(enum device from, const struct frame *f);

/*
 * The same from a namespace, with a checksum that a device is to write: of the bytes from start on, offset bytes
 * behind that (PACKET_VNET_HDR). False if this kernel refuses it: newer ones check some of it themselves.
 */
bool wire_send_offloaded(enum device from, const struct frame *f, uint16_t start, uint16_t offset);

/* At the far end of a device or, of DEV_GW, up into the host. */
#define expect_arrival(dev, frame) expect_arrival_at(dev, frame, __FILE__, __LINE__)
#define expect_no_more_arrivals() expect_no_more_arrivals_at(__FILE__, __LINE__)

void expect_arrival_at(enum device dev, const struct frame *want, const char *file, int line);
void expect_no_more_arrivals_at(const char *file, int line);

#endif
