/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The host's ends of veth pairs that ebpfnet made. They are known by name, kind and MAC address. */
#ifndef EBPFNET_LIB_MODEL_DEVICE_H
#define EBPFNET_LIB_MODEL_DEVICE_H

#include "lib/kernel/nl.h"

/* Finds it. Quiet: -ENODEV, none; -EEXIST, a device of that name that ebpfnet did not make. */
int device_get(struct nl *nl, const char *name, const uint8_t mac[6], struct nl_link *out);
/* Says so for device_get()'s error r, and returns it. */
int device_error(struct nl *nl, const char *name, int r);
int device_up(struct nl *nl, const struct nl_link *dev);
/* Host-side devices speak no IPv6: no address, no router solicitation, no advertisement accepted. */
bool device_has_ipv6(const char *dev);
int device_no_ipv6(const char *dev);
bool device_forwards(const char *dev);	/* ipv4.conf.DEV.forwarding */

#endif
