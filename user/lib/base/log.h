/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One line for each failure, passed to a sink that the caller of the library chooses. The function that detects a
 * failure logs it, with all four parts (what failed, on what, why, what to do); functions that pass the error on log
 * nothing. So that both fit in one statement, log_err() returns the error it was given:
 *
 *	if (fd < 0)
 *		return log_err(-errno, "cannot open namespace %s: %s; is it still there?", name, strerror(errno));
 */
#ifndef EBPFNET_LIB_BASE_LOG_H
#define EBPFNET_LIB_BASE_LOG_H

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,	/* does not fail the call */
	LOG_LEVEL_INFO,		/* what a call did */
};

/* Receives one line, made printable, without prefix and newline. Called by one thread at a time; must not log. */
typedef void log_sink_fn(enum log_level level, const char *line, void *arg);

/* Set before the first call that may log. NULL: log_to_stderr. */
void log_set_sink(log_sink_fn *fn, void *arg);

/* The default sink: "ebpfnet: LINE" or "ebpfnet: warning: LINE" on stderr. Drops LOG_LEVEL_INFO. */
log_sink_fn log_to_stderr;

/*
 * A sink for callers who hand the error on as text: keeps the first error, which is the cause, and the further ones,
 * as of a rollback that fails too; drops the rest. Both malloc'ed, the caller's; NULL: none.
 */
struct log_kept {
	char *cause, *further;
};
log_sink_fn log_keep;			/* arg: a struct log_kept, zeroed at first */
void log_forget(struct log_kept *kept);

/* Logs an error and returns r (0 or a negative errno). */
int log_err(int r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
