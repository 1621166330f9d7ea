/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Network namespaces, named as `ip netns` names them: a bind mount /run/netns/NAME of the
 * namespace's file. What a namespace is called can change; what it is are device and inode of
 * that file.
 */
#ifndef EBPFNET_LIB_KERNEL_NETNS_H
#define EBPFNET_LIB_KERNEL_NETNS_H

#include <stdbool.h>
#include <stdint.h>

#define NETNS_DIR "/run/netns"
#define NETNS_PATH 64

struct netns_id {
	uint64_t dev, ino;
};

/* /run/netns/NAME */
void netns_path(const char *name, char path[NETNS_PATH]);

/* Opens a namespace's file. Quiet: -ENOENT, -EINVAL (not a network namespace). *id may be NULL. */
int netns_open(const char *path, struct netns_id *id);
/* Which namespace a path leads to; quiet. */
int netns_stat(const char *path, struct netns_id *id);

/* Whether something has the name already, namespace or not. */
bool netns_name_taken(const char *name);

/* Makes a named namespace, its lo down. Logs. -EEXIST when the name is taken. */
int netns_make(const char *name);
/* Removes the name; the namespace goes when its last user does. Absent: 0. Logs. */
int netns_remove(const char *name);

/* Runs fn in a namespace and comes back; returns what fn returned. Logs when it cannot enter. */
int netns_run(int fd, int (*fn)(void *arg), void *arg);

/*
 * Moves the process for good, as `ip netns exec` does: a mount namespace of its own, /sys of that
 * network namespace, /etc/netns/NAME/... over /etc/... Logs.
 */
int netns_become(int fd, const char *name);

#endif
