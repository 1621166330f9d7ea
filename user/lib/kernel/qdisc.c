// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <time.h>

#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "lib/kernel/libbpf_log.h"
#include "lib/base/log.h"
#include "lib/kernel/qdisc.h"

static void close_socket(struct mnl_socket **nl)
{
	if (*nl)
		mnl_socket_close(*nl);
}

/* Dumps the objects of one device and passes every message to cb. */
static int dump(uint16_t type, int ifindex, uint32_t parent, mnl_cb_t cb, void *arg)
{
	__attribute__((cleanup(close_socket))) struct mnl_socket *nl = NULL;
	char buf[MNL_SOCKET_BUFFER_SIZE];
	uint32_t seq = time(NULL);
	struct nlmsghdr *h;
	struct tcmsg *tc;
	ssize_t n;
	int r;

	nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	h = mnl_nlmsg_put_header(buf);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = seq;
	tc = mnl_nlmsg_put_extra_header(h, sizeof(*tc));
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = parent;
	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		r = mnl_cb_run(buf, n, seq, mnl_socket_get_portid(nl), cb, arg);
	} while (r > MNL_CB_STOP);
	return r < 0 ? -errno : 0;
}

struct search {
	int ifindex;
	bool found;
};

static int is_clsact(const struct nlmsghdr *h, void *arg)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(h);
	struct search *search = arg;
	const struct nlattr *attr;

	/* the kernel ignores the ifindex of the request: it dumps the qdiscs of every device */
	if (tc->tcm_ifindex != search->ifindex)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, h, sizeof(*tc))
		if (mnl_attr_get_type(attr) == TCA_KIND &&
		    !strcmp(mnl_attr_get_str(attr), "clsact"))
			search->found = true;
	return MNL_CB_OK;
}

bool qdisc_has_clsact(int ifindex)
{
	struct search search = { .ifindex = ifindex };

	dump(RTM_GETQDISC, ifindex, 0, is_clsact, &search);
	return search.found;
}

struct roots {
	qdisc_fn *fn;
	void *arg;
};

static int read_root(const struct nlmsghdr *h, void *arg)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(h);
	const struct roots *roots = arg;
	const struct nlattr *attr;

	if (tc->tcm_parent != TC_H_ROOT)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, h, sizeof(*tc))
		if (mnl_attr_get_type(attr) == TCA_KIND)
			roots->fn(tc->tcm_ifindex, mnl_attr_get_str(attr), roots->arg);
	return MNL_CB_OK;
}

void qdisc_each_root(qdisc_fn *fn, void *arg)
{
	struct roots roots = { fn, arg };

	dump(RTM_GETQDISC, 0, 0, read_root, &roots);
}

static int is_filter(const struct nlmsghdr *h, void *arg)
{
	struct search *search = arg;

	search->found |= h->nlmsg_type == RTM_NEWTFILTER;
	return MNL_CB_OK;
}

static bool has_filters(int ifindex)
{
	static const uint32_t minors[] = { TC_H_MIN_INGRESS, TC_H_MIN_EGRESS };
	struct search search = { .ifindex = ifindex };
	size_t i;

	for (i = 0; i < 2; i++)
		if (dump(RTM_GETTFILTER, ifindex, TC_H_MAKE(TC_H_CLSACT, minors[i]), is_filter,
			 &search))
			return true; /* unknown: keep the qdisc */
	return search.found;
}

struct order {
	uint32_t priority;
	bool found;
};

static int is_before(const struct nlmsghdr *h, void *arg)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(h);
	struct order *order = arg;

	order->found |= h->nlmsg_type == RTM_NEWTFILTER && TC_H_MAJ(tc->tcm_info) >> 16 < order->priority;
	return MNL_CB_OK;
}

bool qdisc_has_filter_before(int ifindex, bool egress, uint32_t priority)
{
	uint32_t parent = TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
	struct order order = { priority };

	return !dump(RTM_GETTFILTER, ifindex, parent, is_before, &order) && order.found;
}

int qdisc_remove_if_unused(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, h, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int r;

	if (!qdisc_has_clsact(ifindex) || has_filters(ifindex))
		return 0;
	bpf_log_begin();
	r = bpf_tc_hook_destroy(&h);
	if (!r || r == -ENOENT || r == -ENODEV)
		return 0;
	return log_err(r, "cannot remove the clsact qdisc of device %d: %s", ifindex,
		       bpf_log_why(r));
}
