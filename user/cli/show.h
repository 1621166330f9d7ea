/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Tables that more than one command shows. */
#ifndef EBPFNET_CLI_SHOW_H
#define EBPFNET_CLI_SHOW_H

#include "lib/store/store.h"
#include "cli/table.h"

/* Why packets were dropped, and how many; returns their sum. zeros: also what did not happen. */
uint64_t show_drops(struct report *r, const struct counters *c, bool zeros);

#endif
