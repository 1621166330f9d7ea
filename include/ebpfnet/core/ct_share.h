/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * PURE. How much of a table each of several accounts may take (docs/dev/capacity.md): dynamic thresholds, after
 * Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches" (1998).
 *
 * An account may grow while it has less than a multiple of the room that is left. One alone gets a fixed part of
 * the table; n greedy ones get equal parts, and always leave one for the next that comes.
 */
#ifndef EBPFNET_CORE_CT_SHARE_H
#define EBPFNET_CORE_CT_SHARE_H

#include <ebpfnet/abi.h>

/* Every account may have this part of the table, whatever the others have; at least two entries. */
#define SHARE_FLOOR(max) ((max) / 64 > 2 ? (max) / 64 : 2)

/* The multiple where there is no limit to set: one published port alone gets three quarters of the table. */
#define SHARE_MULTIPLE 3

static __always_inline __u32 share_room(__u32 taken, __u32 max)
{
	return taken < max ? max - taken : 0;
}

/*
 * True if an account with .used entries may have one more. cap: its limit; one of more than half of the table
 * makes the multiple greater, so that it can be reached. taken: entries of all accounts; max: of the table.
 */
static __always_inline _Bool share_of_namespace(__u32 used, __u32 cap, __u32 taken, __u32 max)
{
	__u32 room = share_room(taken, max);

	if (used >= cap)
		return 0;
	if (cap >= max || used < SHARE_FLOOR(max))
		return 1;
	return cap > max / 2 ? (__u64)used * (max - cap) < (__u64)cap * room : used < room;
}

/* The same for external UDP ports, of which one namespace alone may have three quarters; of a small range, all. */
#define SHARE_PORTS_SMALL 16

static __always_inline _Bool share_of_ports(__u32 used, __u32 taken, __u32 max)
{
	return max <= SHARE_PORTS_SMALL || used < SHARE_FLOOR(max) ||
	       used < (__u64)SHARE_MULTIPLE * share_room(taken, max);
}

/* So few flows, and so small a part of its port's, are nobody's greed: clients are told apart by a hash alone. */
#define SHARE_CLIENT_FLOOR(used) ((used) / 1024 > 8 ? (used) / 1024 : 8)

/*
 * The same for a published port, and within its part, in the same way, for one client of it. client: flows of
 * the client.
 */
static __always_inline _Bool share_of_outside(__u32 used, __u32 client, __u32 taken, __u32 max)
{
	__u64 part = (__u64)SHARE_MULTIPLE * share_room(taken, max);

	if (used < SHARE_FLOOR(max))
		return 1;
	return used < part && (client < part - used || client < SHARE_CLIENT_FLOOR(used));
}

/*
 * The order in which a search for room goes through the table: blocks of so many slots, each of them the golden ratio
 * of the table away from the last, as in Fibonacci hashing (Knuth, The Art of Computer Programming 6.4). Flows of one
 * time lie side by side, and a search that met only those would find none that has been idle for long enough.
 */
#define CT_SCAN_BLOCK 8
#define CT_SCAN_GOLDEN 2654435769u /* 2^32 / 1.618... */

/* In so many turns a search comes by each slot of a table of .used, by some twice. */
static __always_inline __u32 ct_scan_turns(__u32 used)
{
	return (used + CT_SCAN_BLOCK - 1) / CT_SCAN_BLOCK * CT_SCAN_BLOCK * 2;
}

/* The slot of a turn, of any number; of the last block some are >= used. */
static __always_inline __u32 ct_scan_slot(__u32 turn, __u32 used)
{
	__u32 place = turn / CT_SCAN_BLOCK * CT_SCAN_GOLDEN, blocks = (used + CT_SCAN_BLOCK - 1) / CT_SCAN_BLOCK;

	return (__u32)((__u64)place * blocks >> 32) * CT_SCAN_BLOCK + turn % CT_SCAN_BLOCK;
}

#endif
