// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "lib/kernel/conntrack.h"

/* The kernel loads the module of a netlink subsystem before it answers a request to it. */
void conntrack_load(void)
{
	char buf[512];
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g;

	if (!sock)
		return;
	h->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET_STATS;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->nfgen_family = AF_UNSPEC;
	g->version = NFNETLINK_V0;
	if (mnl_socket_sendto(sock, h, h->nlmsg_len) >= 0)
		mnl_socket_recvfrom(sock, buf, sizeof(buf));
	mnl_socket_close(sock);
}
