/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* IPv4 addresses and subnets as text and as values. */
#ifndef EBPFNET_LIB_BASE_ADDR_H
#define EBPFNET_LIB_BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include <ebpfnet/journal.h>

#define ADDR_TEXT 16		/* "255.255.255.255" and its NUL */

/* Accepts dotted quads only, no short forms. Quiet: -EINVAL. */
int addr_parse(const char *text, struct ipaddr *out);

/* "192.168.1.0/24", prefix 8 to 30; host bits must be 0. Quiet: -EINVAL. */
int cidr_parse(const char *text, struct ipaddr *subnet, uint8_t *prefix);
/* The same, prefix 1 to 32; a single address has 32. */
int cidr_parse_any(const char *text, struct ipaddr *subnet, uint8_t *prefix);
#define CIDR_TEXT (ADDR_TEXT + 3)
const char *cidr_text(const struct cidr *c, char buf[CIDR_TEXT]);
bool cidr_overlap(const struct cidr *a, const struct cidr *b);
/* True if inner is part of outer, or all of it. */
bool cidr_inside(const struct cidr *inner, const struct cidr *outer);

/* "02:00:00:00:00:01": of one station, not all zeros. Quiet: -EINVAL. */
int ether_parse(const char *text, uint8_t mac[6]);

#define IPV6_TEXT 46		/* INET6_ADDRSTRLEN */

/* A unicast address of a node: not unspecified, loopback, of a group, or with an IPv4 one inside. Quiet: -EINVAL. */
int ipv6_parse(const char *text, struct ipv6_addr *out);
const char *ipv6_text(const struct ipv6_addr *a, char buf[IPV6_TEXT]);
bool ipv6_is_none(const struct ipv6_addr *a);
bool ipv6_same(const struct ipv6_addr *a, const struct ipv6_addr *b);

/* Both write to buf and return it. */
const char *addr_text(struct ipaddr a, char buf[ADDR_TEXT]);
/* 255.255.255.255:65535 */
#define ADDR_PORT_TEXT 24
const char *addr_port_text(struct ipaddr a, uint16_t port_h, char buf[ADDR_PORT_TEXT]);

/* Host-order number and back. */
uint32_t addr_number(struct ipaddr a);
struct ipaddr addr_from(uint32_t number);

/* 127.0.0.1 to 127.255.255.254: the host's own, on no link, whether or not lo lists it (RFC 1122 3.2.1.3). */
bool addr_is_loopback(struct ipaddr a);

bool addr_same(struct ipaddr a, struct ipaddr b);
struct ipaddr addr_mask(uint8_t prefix);
bool addr_in(struct ipaddr a, struct ipaddr subnet, uint8_t prefix);
struct ipaddr addr_broadcast(struct ipaddr subnet, uint8_t prefix);

/* 02:eb and the address: locally administered, and the same whenever the device is made again. */
void addr_mac(struct ipaddr a, uint8_t mac[6]);
/* fe:eb and the address: MAC address of the host's end of that pair. */
void addr_host_mac(struct ipaddr a, uint8_t mac[6]);

#endif
