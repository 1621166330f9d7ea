// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/text.h"

static log_sink_fn *sink = log_to_stderr;
static void *sink_arg;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void log_set_sink(log_sink_fn *fn, void *arg)
{
	pthread_mutex_lock(&lock);
	sink = fn ? fn : log_to_stderr;
	sink_arg = arg;
	pthread_mutex_unlock(&lock);
}

void log_to_stderr(enum log_level level, const char *line, void *arg)
{
	if (level != LOG_LEVEL_INFO)
		fprintf(stderr, "ebpfnet: %s%s\n", level == LOG_LEVEL_WARNING ? "warning: " : "", line);
}

void log_keep(enum log_level level, const char *line, void *arg)
{
	struct log_kept *kept = arg;
	char *both;

	if (level != LOG_LEVEL_ERROR)
		return;
	if (!kept->cause) {
		kept->cause = strdup(line);
	} else if (!kept->further) {
		kept->further = strdup(line);
	} else if (asprintf(&both, "%s; %s", kept->further, line) >= 0) {
		free(kept->further);
		kept->further = both;
	}
}

void log_forget(struct log_kept *kept)
{
	free(kept->cause);
	free(kept->further);
	*kept = (struct log_kept){};
}

static void log_line(enum log_level level, const char *fmt, va_list ap)
{
	char *raw = NULL, *line = NULL;

	if (vasprintf(&raw, fmt, ap) < 0)
		raw = NULL;
	else
		line = text_printable(raw);
	pthread_mutex_lock(&lock);
	sink(level, line ? line : "out of memory", sink_arg);
	pthread_mutex_unlock(&lock);
	free(line);
	free(raw);
}

int log_err(int r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
	return r;
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_WARNING, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}
