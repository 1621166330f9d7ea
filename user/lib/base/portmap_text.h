/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* PURE. Port mappings as text: [ADDR:]PORT[-PORT][:NSPORT][/tcp|udp] */
#ifndef EBPFNET_LIB_BASE_PORTMAP_TEXT_H
#define EBPFNET_LIB_BASE_PORTMAP_TEXT_H

#include <stddef.h>

#include <ebpfnet/abi.h>

#define PORTMAP_TEXT 64

/*
 * Fills in addr, first_h, last_h, to_first_h and proto, and zeroes the rest. Returns NULL, or what
 * is wrong with the text and leaves *out unchanged.
 */
const char *portmap_parse(const char *text, struct portmap *out);

/* The same; a first port of 0, alone, is to be chosen: "0:80/udp". */
const char *portmap_parse_chosen(const char *text, struct portmap *out);

/* The shortest text that portmap_parse() reads as this mapping. Returns buf. */
const char *portmap_format(const struct portmap *portmap, char *buf, size_t len);

/* "tcp", "udp", "icmp", ...; NULL: unknown. */
const char *proto_name(enum l4proto proto);

#endif
