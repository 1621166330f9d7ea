// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Ages the fragments that the programs know of. In a file of its own, as core/uapi.h clashes with libc's headers. */
#include <ebpfnet/core/map_values.h>

#include "fragments.h"

#define TICK_SHIFT 26 /* as frag_ticks() has it: 2^26 ns */

void fragments_age_queue(void *value, unsigned int ms)
{
	struct fragq *queue = value;
	int i;

	for (i = 0; i < FRAGQ_SLOTS; i++)
		queue->slot[i].seen -= ms * 1000000ull >> TICK_SHIFT;
}

void fragments_age_bucket(void *value, unsigned int ms)
{
	struct frag_bucket *bucket = value;
	int i;

	for (i = 0; i < FRAG_WAYS; i++)
		bucket->entry[i].seen -= ms * 1000000ull >> TICK_SHIFT;
}

int fragments_any_slot_busy(const void *value)
{
	const struct fragq *queue = value;
	int i;

	for (i = 0; i < FRAGQ_SLOTS; i++)
		if (((union fragq_word){ .word = queue->slot[i].word }).state == FRAGQ_BUSY)
			return 1;
	return 0;
}
