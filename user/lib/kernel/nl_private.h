/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Shared by the nl_*.c files: building messages and talking to the kernel. */
#ifndef EBPFNET_LIB_KERNEL_NL_PRIVATE_H
#define EBPFNET_LIB_KERNEL_NL_PRIVATE_H

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "lib/kernel/nl.h"

#define NL_BUFFER 8192

/* The same kind of connection, to sock_diag(7). */
int nl_open_diag(struct nl *nl);

/* Begins a message in buf; family's own header of extra bytes follows, zeroed. */
struct nlmsghdr *nl_begin(struct nl *nl, char *buf, uint16_t type, uint16_t flags, void **extra,
			  size_t extra_len);

/* Sends it and passes every answer to cb (NULL: only the acknowledgement matters). */
int nl_talk(struct nl *nl, struct nlmsghdr *h, mnl_cb_t cb, void *arg);

/* The attributes after a message's family header, by type, up to type max. */
void nl_attrs(const struct nlmsghdr *h, size_t extra_len, const struct nlattr **out, uint16_t max);
void nl_nested(const struct nlattr *nest, const struct nlattr **out, uint16_t max);

#endif
