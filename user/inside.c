// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "inside.h"
#include "log.h"

static int same_namespace(const struct ns_record *rec, const struct stat *st)
{
	return st->st_dev == rec->netns_dev && st->st_ino == rec->netns_ino ? 0 : -ENOENT;
}

int inside_check(const struct ns_record *rec)
{
	struct stat st;

	return stat(rec->path, &st) ? -errno : same_namespace(rec, &st);
}

int inside(const struct ns_record *rec, int (*fn)(void *arg), void *arg)
{
	_cleanup_fd_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	_cleanup_fd_ int there = open(rec->path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int r;

	if (home < 0 || there < 0 || fstat(there, &st) || same_namespace(rec, &st))
		return -ENOENT;
	if (setns(there, CLONE_NEWNET))
		return -errno;
	r = fn(arg);
	if (setns(home, CLONE_NEWNET))
		abort();	/* every later word would be about the wrong namespace */
	return r;
}
