/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Definitions of networks on disk, one JSON file each: /var/lib/ebpfnet/networks/NAME.json. The journal ends with the
 * boot; by these `up` makes the networks again. A network in another bpffs than /sys/fs/bpf has none.
 */
#ifndef EBPFNET_LIB_MODEL_DEFINITION_H
#define EBPFNET_LIB_MODEL_DEFINITION_H

#include <stdbool.h>

#include <ebpfnet/ebpfnet.h>

#include "lib/store/store.h"

#define DEFINITION_DIR "/var/lib/ebpfnet/networks"
#define DEFINITION_SUFFIX ".json"
#define DEFINITION_BYTES 65536		/* at most, of a file */

/* True if the networks of this bpffs have definitions on disk. */
bool definition_is_kept(const struct store *s);

bool definition_is_there(const char *name);
/* Write that of a network, whole or not at all. Warns if it cannot. */
int definition_write(const struct net_record *rec);
/* Remove it, and the folders if they are empty then. Missing: 0. Logs. */
int definition_remove(const char *name);
/* Read that of a name. -ENOENT (quiet); -EINVAL (logged): it is no definition. */
int definition_read(const char *name, struct network_def *out);
/* The names of all, at most max, sorted. */
size_t definition_names(char (*names)[EBPFNET_NETWORK_LEN], size_t max);

/* The text of one (the caller's to free; NULL: no memory), and back. parse: NULL, or what is wrong. */
char *definition_format(const struct net_record *rec);
const char *definition_parse(const char *text, struct network_def *out);

#endif
