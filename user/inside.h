/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Looking into a namespace of ours without becoming part of it. */
#ifndef EBPFNET_INSIDE_H
#define EBPFNET_INSIDE_H

#include <ebpfnet/record.h>

/*
 * Runs fn inside the namespace of a record and comes back. Quiet: -ENOENT when the record's path
 * no longer leads to the namespace it was made for. Else fn's result.
 */
int inside(const struct ns_record *rec, int (*fn)(void *arg), void *arg);

/* Whether the record's path still leads to its namespace. */
int inside_check(const struct ns_record *rec);

#endif
