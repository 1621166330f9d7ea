// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/kernel/nl_private.h"

#define GROUP_NETCONF (1u << (RTNLGRP_IPV4_NETCONF - 1))

int nl_watch_open(struct nl *nl)
{
	int r;

	memset(nl, 0, sizeof(*nl));
	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!nl->sock)
		return -errno;
	if (!mnl_socket_bind(nl->sock, RTMGRP_LINK | RTMGRP_IPV4_ROUTE | GROUP_NETCONF, MNL_SOCKET_AUTOPID))
		return 0;
	r = -errno;
	nl_close(nl);
	return r;
}

int nl_watch_fd(const struct nl *nl)
{
	return mnl_socket_get_fd(nl->sock);
}

/* True if a next hop has no gateway, or one that no other route has to lead to. */
static bool is_link_hop(const struct rtnexthop *nh)
{
	return nh->rtnh_len == sizeof(*nh) || nh->rtnh_flags & RTNH_F_ONLINK;
}

/* True for a route that may be the only one to lead to a device. A routing daemon changes thousands of others. */
static bool may_be_only(const struct nlmsghdr *h)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(h);
	const struct nlattr *at[RTA_MAX + 1];
	const struct rtnexthop *nh;
	int len;

	nl_attrs(h, sizeof(*rtm), at, RTA_MAX);
	if (rtm->rtm_type != RTN_UNICAST)
		return false;
	if (!at[RTA_MULTIPATH])
		return !at[RTA_GATEWAY] || rtm->rtm_flags & RTNH_F_ONLINK;
	nh = mnl_attr_get_payload(at[RTA_MULTIPATH]);
	len = mnl_attr_get_payload_len(at[RTA_MULTIPATH]);
	for (; RTNH_OK(nh, len); len -= RTNH_ALIGN(nh->rtnh_len), nh = RTNH_NEXT(nh))
		if (is_link_hop(nh))
			return true;
	return false;
}

static bool matters(const struct nlmsghdr *h)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(h);

	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
	case RTM_NEWNETCONF: /* forwarding was switched on or off */
		return true;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return !rtm->rtm_dst_len || may_be_only(h);
	default:
		return false;
	}
}

int nl_watch_read(struct nl *nl)
{
	bool found = false;
	char buf[32768];
	ssize_t n;
	int len;

	for (;;) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)buf;

		n = mnl_socket_recvfrom(nl->sock, buf, sizeof(buf));
		if (n < 0 && errno == ENOBUFS) { /* messages were lost */
			found = true;
			continue;
		}
		if (n < 0)
			return errno == EAGAIN ? found : -errno;
		for (len = n; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len))
			found |= matters(h);
	}
}
