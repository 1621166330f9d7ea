/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Captures libbpf's messages, which it would print on stderr, and keeps one line for each failure: the last line of the
 * verifier's log, the kernel's extended ack, or libbpf's first warning. Each thread has its own. If EBPFNET_DEBUG is
 * set in the environment, all messages go to stderr.
 */
#ifndef EBPFNET_LIB_KERNEL_LIBBPF_LOG_H
#define EBPFNET_LIB_KERNEL_LIBBPF_LOG_H

/* Discards the line of an earlier failure. Call it before a call of libbpf that may fail. */
void bpf_log_begin(void);

/* The reason why the last call of libbpf failed with r, by default strerror()'s. */
const char *bpf_log_why(int r);

#endif
