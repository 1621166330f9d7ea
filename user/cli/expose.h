/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What other commands need of publishing. */
#ifndef EBPFNET_CLI_EXPOSE_H
#define EBPFNET_CLI_EXPOSE_H

#include "lib/store/store.h"
#include "cli/table.h"

/* The table of what is published, as a member of the report; *ports: how many in all. */
int expose_table(struct report *r, const struct store *s, size_t *portmaps, uint64_t *ports);

#endif
