/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Network namespaces, named as by `ip netns`: a bind mount /run/netns/NAME of the namespace's file. The name can
 * change, and so can what is at a path. The cookie identifies a namespace: the kernel gives none twice, unlike the
 * inode of the file.
 */
#ifndef EBPFNET_LIB_KERNEL_NETNS_H
#define EBPFNET_LIB_KERNEL_NETNS_H

#include <stdbool.h>
#include <stdint.h>

#define NETNS_DIR "/run/netns"
#define NETNS_PATH 192

struct netns_id {
	uint64_t dev, ino;		/* of its file */
	uint64_t cookie;		/* SO_NETNS_COOKIE of a socket inside */
};

/* /run/netns/NAME */
void netns_path(const char *name, char path[NETNS_PATH]);

/*
 * A path without symbolic links in its folder, and from the root on: a relative one leads elsewhere for the next
 * command. Quiet: -ENOENT, ...; -ENAMETOOLONG.
 */
int netns_absolute(const char *path, char absolute[NETNS_PATH]);

/*
 * Opens a namespace's file. Quiet: -ENOENT, -EINVAL (not a network namespace). *id may be NULL; else this thread enters
 * the namespace for a moment, to ask for its cookie.
 */
int netns_open(const char *path, struct netns_id *id);
/* The namespace at a path. Quiet. *id may be NULL. */
int netns_stat(const char *path, struct netns_id *id);
/* The cookie of the namespace that this thread is in. Quiet. */
int netns_own_cookie(uint64_t *cookie);

/* True if the name is in use, by a namespace or not. */
bool netns_name_taken(const char *name);

/* Checks that names can be made and removed. Logs. -EROFS, -EACCES. */
int netns_check_folder(void);

/* Makes a named namespace, its lo down. Logs. -EEXIST if the name is in use. */
int netns_make(const char *name);
/*
 * Finds a process in the namespace whose file has that identity, or one that cannot be looked at and so may be: its
 * number. False, and "": there is none.
 */
#define NETNS_PID 24
bool netns_process(uint64_t dev, uint64_t ino, char pid[NETNS_PID]);
/* Removes the name; the kernel frees the namespace after its last user. Missing: 0. Logs. */
int netns_remove(const char *name);

/* Runs fn in a namespace, returns to the former one, and returns fn's result. Logs if it cannot enter. */
int netns_run(int fd, int (*fn)(void *arg), void *arg);

/*
 * Moves the process permanently, as `ip netns exec` does: a mount namespace of its own, /sys of that
 * network namespace, /etc/netns/NAME/... over /etc/... Logs.
 */
int netns_become(int fd, const char *name);

#endif
