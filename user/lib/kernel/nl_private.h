/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Shared by the nl_*.c files: building messages and talking to the kernel. */
#ifndef EBPFNET_LIB_KERNEL_NL_PRIVATE_H
#define EBPFNET_LIB_KERNEL_NL_PRIVATE_H

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>

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

/* An IPv4 address in an attribute; zero: there is none. */
static inline struct ipaddr nl_attr_addr(const struct nlattr *attr)
{
	struct ipaddr a = {};

	if (attr && mnl_attr_get_payload_len(attr) == sizeof(a))
		memcpy(&a, mnl_attr_get_payload(attr), sizeof(a));
	return a;
}

static inline void nl_put_addr(struct nlmsghdr *h, uint16_t type, struct ipaddr a)
{
	mnl_attr_put(h, type, sizeof(a), &a);
}

/* The answer to a creation, where one that exists will do. */
static inline int nl_unless_exists(int r)
{
	return r == -EEXIST ? 0 : r;
}

#endif
