// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/base/log.h"

static bool quiet;

static void print(FILE *to, const char *prefix, const char *fmt, va_list ap)
{
	/* stdout and stderr of one command keep their order when both go to the same file */
	fflush(stdout);
	flockfile(to);
	fputs(prefix, to);
	vfprintf(to, fmt, ap);
	fputc('\n', to);
	funlockfile(to);
}

int log_err(int r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(stderr, "ebpfnet: ", fmt, ap);
	va_end(ap);
	return r;
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(stderr, "ebpfnet: warning: ", fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	if (quiet)
		return;
	va_start(ap, fmt);
	print(stdout, "", fmt, ap);
	va_end(ap);
}

void log_quiet(void)
{
	quiet = true;
}
