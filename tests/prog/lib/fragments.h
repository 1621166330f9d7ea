/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Values of the maps fragq and frags, for maps.c. */
#ifndef EBPFNET_TESTS_FRAGMENTS_H
#define EBPFNET_TESTS_FRAGMENTS_H

/* As if all in it had been seen so many ms earlier. */
void fragments_age_queue(void *value, unsigned int ms);
void fragments_age_bucket(void *value, unsigned int ms);

/* A slot was left while it was being filled or emptied. */
int fragments_any_slot_busy(const void *value);

#endif
