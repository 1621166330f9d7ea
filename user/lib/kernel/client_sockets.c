// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Sockets that the client of a plugin holds itself. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/kernel/listeners.h"

#define ANCESTORS 64

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int add(struct client_sockets *out, uint64_t inode)
{
	uint64_t *list;

	/* the room doubles */
	if (!(out->count & (out->count - 1))) {
		list = reallocarray(out->inode, out->count ? 2 * out->count : 1, sizeof(*list));
		if (!list)
			return log_err(-ENOMEM, "no memory to list the sockets of the client");
		out->inode = list;
	}
	out->inode[out->count++] = inode;
	return 0;
}

static int add_sockets_of(struct client_sockets *out, long pid)
{
	char path[64], target[64];
	_cleanup_dir_ DIR *dir = NULL;
	struct dirent *fd;
	uint64_t inode;
	ssize_t n;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%ld/fd", pid);
	dir = opendir(path);
	while (dir && !r && (fd = readdir(dir))) {
		n = readlinkat(dirfd(dir), fd->d_name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (sscanf(target, "socket:[%" SCNu64 "]", &inode) == 1)
			r = add(out, inode);
	}
	return r;
}

/* comm may have blanks and parentheses in it: the parent follows the last one. 0: unknown. */
static long parent_of(long pid, char comm[16])
{
	_cleanup_file_ FILE *f = NULL;
	char path[64], line[512] = "";
	const char *end;
	long parent = 0;

	comm[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	f = fopen(path, "re");
	end = f && fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	if (!end || sscanf(end, ") %*c %ld", &parent) != 1)
		return 0;
	sscanf(line, "%*d (%15[^)]", comm);
	return parent;
}

static bool is_own_users(const char *pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%.16s", pid);
	return !stat(path, &st) && st.st_uid == geteuid();
}

int client_sockets_read(struct client_sockets *out)
{
	_cleanup_dir_ DIR *proc = opendir("/proc");
	long pid = getppid(), parent;
	struct dirent *entry;
	char comm[16];
	int i, r = 0;

	*out = (struct client_sockets){};
	for (i = 0; pid > 1 && i < ANCESTORS && !r; i++) {
		parent = parent_of(pid, comm);
		if (!strcmp(comm, "podman"))
			r = add_sockets_of(out, pid);
		pid = parent;
	}
	while (proc && !r && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]) || !is_own_users(entry->d_name))
			continue;
		pid = atol(entry->d_name);
		if (parent_of(pid, comm) && !strcmp(comm, "conmon"))
			r = add_sockets_of(out, pid);
	}
	if (!r && out->count)
		qsort(out->inode, out->count, sizeof(*out->inode), by_number);
	return r;
}

bool client_sockets_has(const struct client_sockets *s, uint64_t inode)
{
	return s->count && bsearch(&inode, s->inode, s->count, sizeof(inode), by_number);
}
