/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Resources that free themselves at the end of their scope (GCC and clang's cleanup attribute). */
#ifndef EBPFNET_LIB_BASE_CLEANUP_H
#define EBPFNET_LIB_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

static inline void free_ptr(void *p)
{
	free(*(void **)p);
}

#define _cleanup_fd_ __attribute__((cleanup(close_fd)))
#define _cleanup_file_ __attribute__((cleanup(close_file)))
#define _cleanup_dir_ __attribute__((cleanup(close_dir)))
#define _cleanup_free_ __attribute__((cleanup(free_ptr)))

/* Transfers ownership out of the scope. */
#define TAKE_FD(fd) ({ int _taken = (fd); (fd) = -1; _taken; })
#define TAKE_PTR(p) ({ __typeof__(p) _taken = (p); (p) = NULL; _taken; })

#endif
