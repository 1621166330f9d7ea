/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Devices of ours on the host: the host's ends of our veth pairs. */
#ifndef EBPFNET_LIB_MODEL_DEVICE_H
#define EBPFNET_LIB_MODEL_DEVICE_H

#include "lib/kernel/nl.h"

/* The device of a name, ours by its MAC. -ENODEV (quiet): none; -EEXIST (logged): somebody else's. */
int device_get(struct nl *nl, const char *name, const uint8_t mac[6], struct nl_link *out);
int device_up(struct nl *nl, const struct nl_link *dev, bool *changed);
int device_no_ipv6(const char *dev);
bool device_forwards(const char *dev);	/* ipv4.conf.DEV.forwarding */

#endif
