/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Captures stdout and stderr of a function in files: neither is a terminal meanwhile. */
#ifndef EBPFNET_TESTS_CAPTURED_H
#define EBPFNET_TESTS_CAPTURED_H

#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

struct captured {
	char out[1 << 18], err[8192];
};

static inline int captured_divert(int fd, int to)
{
	int saved = dup(fd);

	dup2(to, fd);
	return saved;
}

static inline void captured_restore(int fd, int saved)
{
	dup2(saved, fd);
	close(saved);
}

static inline void captured_read(int fd, char *buf, size_t size)
{
	ssize_t len = pread(fd, buf, size - 1, 0);

	buf[len > 0 ? len : 0] = '\0';
	close(fd);
}

/* Calls fn(arg), which must not assert anything: cmocka's own output would be captured too. */
static inline struct captured capture(void (*fn)(void *arg), void *arg)
{
	int out = memfd_create("stdout", 0), err = memfd_create("stderr", 0);
	int saved_out, saved_err;
	struct captured captured;

	fflush(stdout);
	fflush(stderr);
	saved_out = captured_divert(STDOUT_FILENO, out);
	saved_err = captured_divert(STDERR_FILENO, err);
	fn(arg);
	fflush(stdout);
	fflush(stderr);
	captured_restore(STDOUT_FILENO, saved_out);
	captured_restore(STDERR_FILENO, saved_err);
	captured_read(out, captured.out, sizeof(captured.out));
	captured_read(err, captured.err, sizeof(captured.err));
	return captured;
}

#endif
