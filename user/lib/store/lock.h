/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The folder of our pins, and the lock on it. For the files of this folder. */
#ifndef EBPFNET_LIB_STORE_LOCK_H
#define EBPFNET_LIB_STORE_LOCK_H

#include "lib/store/store.h"

/*
 * Sets s->dir to the folder of a bpffs (NULL: $EBPFNET_BPFFS, /sys/fs/bpf). Logs if that is no bpffs, or if others
 * may replace what is in it, or if the folder is there and others may write to it: whoever can do that decides what
 * the maps say, and so what is attached and removed by whoever reads them.
 */
int folder_find(struct store *s, const char *bpffs);

/*
 * Makes the folder if it is missing and make is set, and takes its lock into s->lock_fd. The order is that of arrival.
 * Logs. -EBUSY: another command has the lock and makes no progress.
 */
int folder_lock(struct store *s, bool make);

/* Releases the lock. Removes the folder if it is empty. */
void folder_unlock(struct store *s);

/* Logs that nothing is up. Returns -ENOENT. */
int nothing_up(void);

#endif
