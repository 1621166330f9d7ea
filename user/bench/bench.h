/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The processes of `ebpfnet bench`: its own, and other programs. No other command starts any. */
#ifndef EBPFNET_BENCH_BENCH_H
#define EBPFNET_BENCH_BENCH_H

#include <stdbool.h>

#define BENCH_WHY 200	/* what could not be done, for whoever logs it */

/*
 * Runs fn in a child that is the first process of a PID namespace: all that it starts ends with it, and it with the
 * caller, however that ends. Returns what fn returned, an exit status, or EXIT_FAILED (logged).
 */
int bench_alone(int (*fn)(void *arg), void *arg);

/* Runs fn(fd, arg) in a child; returns the other end of fd, which keeps the bounds of messages. Logs. */
int bench_start(void (*fn)(int fd, int arg), int arg);

/* PATH as root has it, whoever called: `sudo` and `su` may leave a user's. -ENOMEM. */
int bench_widen_path(void);
bool bench_is_program(const char *name);

/*
 * Runs argv, called `program` in messages, in a network namespace, gives it a text to read and waits. Quiet: why
 * (BENCH_WHY) is what it said.
 */
int bench_tool(int netns, const char *program, const char *const *argv, const char *input, char *why);

#endif
