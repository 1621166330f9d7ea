/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * libbpf explains itself in many lines on stderr. Here they are caught, and of each failure the one
 * line that says why is kept: the verifier's last, or the kernel's extended ack. With
 * EBPFNET_DEBUG set in the environment all of it goes to stderr.
 */
#ifndef EBPFNET_LIB_KERNEL_LIBBPF_LOG_H
#define EBPFNET_LIB_KERNEL_LIBBPF_LOG_H

/* Forgets what was said; call it before what may fail. */
void bpf_log_begin(void);

/* Why the last call of libbpf failed with r; falls back to strerror(). */
const char *bpf_log_why(int r);

#endif
