/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The host's ends of veth pairs that ebpfnet created, identified by name, kind and MAC address. */
#ifndef EBPFNET_LIB_MODEL_DEVICE_H
#define EBPFNET_LIB_MODEL_DEVICE_H

#include "lib/kernel/nl.h"

/* Find the device. Quiet: -ENODEV; -EEXIST: ebpfnet did not create the device of that name. */
int device_get(struct nl *nl, const char *name, const uint8_t mac[6], struct nl_link *out);
/* Log device_get()'s error r, and return it. */
int device_error(struct nl *nl, const char *name, int r);
int device_up(struct nl *nl, const struct nl_link *dev);
/* Host-side devices have IPv6 disabled: no address, no router solicitation, no advertisement accepted. */
bool device_has_ipv6(const char *dev);
int device_no_ipv6(const char *dev);
bool device_forwards(const char *dev);	/* ipv4.conf.DEV.forwarding */

#endif
