// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "lib/kernel/nl_private.h"

static int open_bus(struct nl *nl, int bus)
{
	int one = 1, r;

	memset(nl, 0, sizeof(*nl));
	nl->sock = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!nl->sock)
		return -errno;
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		r = -errno;
		nl_close(nl);
		return r;
	}
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl->sock, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	nl->portid = mnl_socket_get_portid(nl->sock);
	nl->seq = time(NULL);
	return 0;
}

int nl_open(struct nl *nl)
{
	return open_bus(nl, NETLINK_ROUTE);
}

int nl_open_diag(struct nl *nl)
{
	return open_bus(nl, NETLINK_SOCK_DIAG);
}

void nl_close(struct nl *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
}

const char *nl_why(struct nl *nl, int r)
{
	if (!nl->why[0])
		snprintf(nl->why, sizeof(nl->why), "%s", strerror(-r));
	return nl->why;
}

struct nlmsghdr *nl_begin(struct nl *nl, char *buf, uint16_t type, uint16_t flags, void **extra,
			  size_t extra_len)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = ++nl->seq;
	*extra = mnl_nlmsg_put_extra_header(h, extra_len);
	return h;
}

/* The text of an extended ack. NETLINK_CAP_ACK omits the request, so the attributes follow directly. */
static void keep_extack(struct nl *nl, const struct nlmsghdr *h)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(h);
	const struct nlattr *attr;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	mnl_attr_for_each(attr, h, sizeof(*err))
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(nl->why, sizeof(nl->why), "%s (%s)", strerror(-err->error),
				 mnl_attr_get_str(attr));
}

/* 1: more messages follow; 0: this was the last; negative: the kernel's error. */
static int take(struct nl *nl, const struct nlmsghdr *h, mnl_cb_t cb, void *arg)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(h);

	if (h->nlmsg_seq != nl->seq)
		return 1;
	if (h->nlmsg_type == NLMSG_DONE) /* its error, as that of inet_diag without the module for a protocol */
		return mnl_nlmsg_get_payload_len(h) >= sizeof(int) ? *(const int *)mnl_nlmsg_get_payload(h) : 0;
	if (h->nlmsg_type == NLMSG_ERROR) {
		if (err->error)
			keep_extack(nl, h);
		return err->error;
	}
	if (cb && cb(h, arg) < 0)
		return -errno;
	return 1;
}

int nl_talk(struct nl *nl, struct nlmsghdr *h, mnl_cb_t cb, void *arg)
{
	char buf[32768];
	ssize_t n;
	int len, r = 1;

	nl->why[0] = 0;
	/* two bits, one of which is also NLM_F_EXCL */
	if ((h->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		h->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(nl->sock, h, h->nlmsg_len) < 0)
		return -errno;
	while (r > 0) {
		const struct nlmsghdr *m = (const struct nlmsghdr *)buf;

		n = mnl_socket_recvfrom(nl->sock, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		for (len = n; r > 0 && mnl_nlmsg_ok(m, len); m = mnl_nlmsg_next(m, &len))
			r = take(nl, m, cb, arg);
	}
	return r;
}

void nl_attrs(const struct nlmsghdr *h, size_t extra_len, const struct nlattr **out, uint16_t max)
{
	const struct nlattr *attr;

	memset(out, 0, (max + 1) * sizeof(*out));
	mnl_attr_for_each(attr, h, extra_len)
		if (mnl_attr_get_type(attr) <= max)
			out[mnl_attr_get_type(attr)] = attr;
}

void nl_nested(const struct nlattr *nest, const struct nlattr **out, uint16_t max)
{
	const struct nlattr *attr;

	memset(out, 0, (max + 1) * sizeof(*out));
	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) <= max)
			out[mnl_attr_get_type(attr)] = attr;
}
