/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One line on stderr for each failure. Whoever detects a failure logs it, with all four parts
 * (what failed, on what, why, what to do); whoever passes it on stays silent. So that both fit in
 * one statement, the functions return the error they were given:
 *
 *	if (fd < 0)
 *		return log_err(-errno, "cannot open namespace %s: %s; is it still there?", name, strerror(errno));
 */
#ifndef EBPFNET_LIB_BASE_LOG_H
#define EBPFNET_LIB_BASE_LOG_H

/* Prints "ebpfnet: MESSAGE" and returns r (0 or a negative errno). */
int log_err(int r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints "ebpfnet: warning: MESSAGE": something that does not fail the command. */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prints to stdout what a command did ("made namespace ns1 ..."); silent under --quiet and --json. */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Drops log_info() from now on. */
void log_quiet(void);

#endif
