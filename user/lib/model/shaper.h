/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The shaper: queues for limited namespaces. For limit.c. */
#ifndef EBPFNET_LIB_MODEL_SHAPER_H
#define EBPFNET_LIB_MODEL_SHAPER_H

#include "lib/model/session.h"

/* Bytes that may be sent at once, and that may wait. */
uint64_t shaper_burst(const struct ns_limit *l);
uint64_t shaper_queue(const struct ns_limit *l);
/* Time for bytes at a rate in bytes per second, in nanoseconds; as much as fits. */
uint64_t shaper_time(uint64_t rate, uint64_t bytes);

/* As shaper_ensure(), but removes nothing: before a port's packets are sent to a new class. Logs. */
int shaper_widen(struct session *x);

#endif
