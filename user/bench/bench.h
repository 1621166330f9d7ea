/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Processes of `ebpfnet bench`: workers and external programs. No other command starts processes. */
#ifndef EBPFNET_BENCH_BENCH_H
#define EBPFNET_BENCH_BENCH_H

#include <stdbool.h>

#define BENCH_WHY 200	/* size of an error text that the caller logs */

/*
 * Run fn in a child that is init of a PID namespace: its descendants end with it, and it ends with the caller, even
 * if that is killed. Returns fn's exit status, or EXIT_FAILED (logged).
 */
int bench_alone(int (*fn)(void *arg), void *arg);

/* Run fn(fd, arg) in a child. Returns the other end of fd, a SOCK_SEQPACKET socket. Logs. */
int bench_start(void (*fn)(int fd, int arg), int arg);

/* Add root's directories to PATH: `sudo` and `su` may keep the user's. -ENOMEM. */
int bench_widen_path(void);
bool bench_is_program(const char *name);

/*
 * Run argv, called `program` in messages, in a network namespace, with input on stdin, and wait. Quiet: copies the
 * error to why (BENCH_WHY).
 */
int bench_tool(int netns, const char *program, const char *const *argv, const char *input, char *why);

#endif
