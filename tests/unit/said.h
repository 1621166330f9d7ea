/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a function says on stdout and stderr, caught in files: neither is a terminal meanwhile. */
#ifndef EBPFNET_TESTS_SAID_H
#define EBPFNET_TESTS_SAID_H

#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

struct said {
	char out[1 << 18], err[8192];
};

static inline int said_divert(int fd, int to)
{
	int saved = dup(fd);

	dup2(to, fd);
	return saved;
}

static inline void said_restore(int fd, int saved)
{
	dup2(saved, fd);
	close(saved);
}

static inline void said_read(int fd, char *buf, size_t size)
{
	ssize_t len = pread(fd, buf, size - 1, 0);

	buf[len > 0 ? len : 0] = '\0';
	close(fd);
}

/* Calls fn(arg), which must not assert anything: the test's own words would be caught too. */
static inline struct said said_by(void (*fn)(void *arg), void *arg)
{
	int out = memfd_create("stdout", 0), err = memfd_create("stderr", 0);
	int saved_out, saved_err;
	struct said said;

	fflush(stdout);
	fflush(stderr);
	saved_out = said_divert(STDOUT_FILENO, out);
	saved_err = said_divert(STDERR_FILENO, err);
	fn(arg);
	fflush(stdout);
	fflush(stderr);
	said_restore(STDOUT_FILENO, saved_out);
	said_restore(STDERR_FILENO, saved_err);
	said_read(out, said.out, sizeof(said.out));
	said_read(err, said.err, sizeof(said.err));
	return said;
}

#endif
