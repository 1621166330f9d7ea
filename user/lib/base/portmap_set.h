/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* PURE. Sets of port mappings that are to be published together: addr, proto, first_h, last_h and to_first_h count. */
#ifndef EBPFNET_LIB_BASE_PORTMAP_SET_H
#define EBPFNET_LIB_BASE_PORTMAP_SET_H

#include <stdbool.h>
#include <stddef.h>

#include <ebpfnet/abi.h>

/*
 * Sort a list and fold neighbours into ranges: 8000:80 and 8001:81 of the same address and protocol are 8000-8001:80. A
 * mapping that is in the list twice is kept once. -EEXIST (logged): two want the same port of the host, for others
 * inside.
 */
int portmap_fold(struct portmap *list, size_t *count);

/* True if every port of one leads to the same place in the folded list. */
bool portmap_set_has(const struct portmap *list, size_t count, const struct portmap *one);

/* True if a port on one address conflicts with the same port on the other: 0.0.0.0 is all of them. */
bool portmap_overlap(const struct portmap *a, const struct portmap *b);

/* A bit for each port. */
#define PORT_WORDS (65536 / 64)
void port_set_add(uint64_t words[PORT_WORDS], uint16_t first_h, uint16_t last_h);
bool port_set_has(const uint64_t words[PORT_WORDS], uint16_t port_h);

#endif
