/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The host's ends of veth pairs that ebpfnet created. Index, name and MAC address may all be changed by hand, or given
 * to another device; the alias (`ip link` shows it) says whose a device is, and `down` finds a device by it when the
 * journal is lost.
 */
#ifndef EBPFNET_LIB_MODEL_DEVICE_H
#define EBPFNET_LIB_MODEL_DEVICE_H

#include "lib/kernel/nl.h"

#define DEVICE_ALIAS_LEN sizeof(((struct nl_link *)0)->alias)

/* Identity of a device. */
struct device_id {
	const char *name;
	uint32_t ifindex;		/* 0: not known yet */
	char alias[DEVICE_ALIAS_LEN];
	uint8_t mac[6];
};

#define DEVICE_ALIAS "ebpfnet "		/* an alias of ours begins with it */
#define DEVICE_ALIAS_GATEWAY DEVICE_ALIAS "gateway"	/* and the network's name, unless that is "default" */
#define DEVICE_ALIAS_PEER DEVICE_ALIAS "gateway peer"
#define DEVICE_ALIAS_SHAPER DEVICE_ALIAS "shaper"
#define DEVICE_ALIAS_SHAPER_PEER DEVICE_ALIAS "shaper peer"
/* "made" or "attached", the endpoint's name, the cookie of its namespace */
#define DEVICE_ALIAS_ENDPOINT DEVICE_ALIAS "%s %s %llu"

/*
 * Find the device: by its index, whatever it is called now, or by its name. It is ours if it is a veth with the alias,
 * or with the MAC address, which a pair has from the first moment. Quiet: -ENODEV; -EEXIST: ebpfnet did not create the
 * device of that name.
 */
int device_get(struct nl *nl, const struct device_id *id, struct nl_link *out);
/* True if alias and MAC address are those of id. If not, device_mark() sets them. Logs. */
bool device_is_marked(const struct device_id *id, const struct nl_link *dev);
int device_mark(struct nl *nl, const struct device_id *id, const struct nl_link *dev);
/* Log device_get()'s error r, and return it. */
int device_error(struct nl *nl, const char *name, int r);
int device_up(struct nl *nl, const struct nl_link *dev);
/* Wait until an end of a pair is operational, for at most a second in all; *waited: ms so far. */
void device_wait_running(struct nl *nl, const char *name, int *waited);
/* Host-side devices have IPv6 disabled: no address, no router solicitation, no advertisement accepted. */
bool device_has_ipv6(const char *dev);
int device_no_ipv6(const char *dev);
/* ipv4.conf.DEV.forwarding, 0 or 1; -ENOENT (quiet): the device has no such setting. */
int device_forwarding(const char *dev);
/* Sets it by sysctl and not by netlink: the kernel then switches LRO off, and tells others. Logs. */
int device_set_forwarding(const char *dev, bool on);
/* ipv4.ip_forward, which nothing here writes: the kernel sets all devices to what is written there. */
bool host_forwards(void);

#endif
