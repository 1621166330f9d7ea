/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef EBPFNET_LIB_BASE_HASH_H
#define EBPFNET_LIB_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 64 bits: the same on every host and in every build. Not against an attacker who chooses the bytes. */
static inline uint64_t fnv1a(const void *bytes, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325;
	const unsigned char *byte = bytes;

	while (len--)
		hash = (hash ^ *byte++) * 0x100000001b3;
	return hash;
}

#endif
