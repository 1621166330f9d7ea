// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* HTB and its classes (linux/pkt_sched.h). */
#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <stdlib.h>
#include <string.h>

#include "lib/kernel/nl_private.h"

#define ROOT TC_H_MAKE(1 << 16, 0)
#define RATE_32 UINT32_MAX		/* from there on a rate is in an attribute of its own */
#define QUANTUM 0x10000			/* bytes in a turn, of classes that may all send: nothing lends here */
#define QUEUE_BASE 0x4000		/* majors of the queues' handles; the kernel chooses from 0x8000 on */

static uint32_t queue_handle(uint32_t class)
{
	return TC_H_MAKE((QUEUE_BASE + TC_H_MIN(class)) << 16, 0);
}

static struct nlmsghdr *begin(struct nl *nl, char *buf, uint16_t type, uint16_t flags, int ifindex, struct tcmsg **tc)
{
	struct nlmsghdr *h = nl_begin(nl, buf, type, flags, (void **)tc, sizeof(**tc));

	(*tc)->tcm_family = AF_UNSPEC;
	(*tc)->tcm_ifindex = ifindex;
	return h;
}

/* ---- the root ---- */

struct root {
	int ifindex;
	bool is_htb;
};

static int read_root(const struct nlmsghdr *h, void *arg)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(h);
	const struct nlattr *at[TCA_MAX + 1];
	struct root *root = arg;

	nl_attrs(h, sizeof(*tc), at, TCA_MAX);
	if (tc->tcm_ifindex == root->ifindex && tc->tcm_parent == TC_H_ROOT && tc->tcm_handle == ROOT && at[TCA_KIND])
		root->is_htb = !strcmp(mnl_attr_get_str(at[TCA_KIND]), "htb");
	return MNL_CB_OK;
}

bool nl_htb_is_root(struct nl *nl, int ifindex)
{
	struct root root = { .ifindex = ifindex };
	char buf[NL_BUFFER];
	struct nlmsghdr *h;
	struct tcmsg *tc;

	/* an answer about one comes only as a dump, which has those of all devices */
	h = begin(nl, buf, RTM_GETQDISC, NLM_F_DUMP, ifindex, &tc);
	return !nl_talk(nl, h, read_root, &root) && root.is_htb;
}

/* The kernel changes a qdisc of the same handle, and refuses if it is of another kind. */
static void remove_root(struct nl *nl, int ifindex)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h;
	struct tcmsg *tc;

	h = begin(nl, buf, RTM_DELQDISC, 0, ifindex, &tc);
	tc->tcm_parent = TC_H_ROOT;
	nl_talk(nl, h, NULL, NULL);
}

int nl_htb_make(struct nl *nl, int ifindex)
{
	/* a packet of no class is sent at once */
	static const struct tc_htb_glob glob = { .version = 3, .rate2quantum = 10 };
	struct nlattr *options;
	char buf[NL_BUFFER];
	struct nlmsghdr *h;
	struct tcmsg *tc;

	remove_root(nl, ifindex);
	h = begin(nl, buf, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, ifindex, &tc);
	tc->tcm_parent = TC_H_ROOT;
	tc->tcm_handle = ROOT;
	mnl_attr_put_strz(h, TCA_KIND, "htb");
	options = mnl_attr_nest_start(h, TCA_OPTIONS);
	mnl_attr_put(h, TCA_HTB_INIT, sizeof(glob), &glob);
	mnl_attr_nest_end(h, options);
	return nl_talk(nl, h, NULL, NULL);
}

/* ---- classes ---- */

struct classes {
	struct nl_class *list;
	size_t count;
};

static void read_options(const struct nlattr *options, struct nl_class *c)
{
	const struct nlattr *at[TCA_HTB_MAX + 1];
	struct tc_htb_opt opt;

	nl_nested(options, at, TCA_HTB_MAX);
	if (!at[TCA_HTB_PARMS] || mnl_attr_get_payload_len(at[TCA_HTB_PARMS]) < sizeof(opt))
		return;
	memcpy(&opt, mnl_attr_get_payload(at[TCA_HTB_PARMS]), sizeof(opt));
	c->burst_ticks = opt.buffer;
	c->rate = at[TCA_HTB_CEIL64] ? mnl_attr_get_u64(at[TCA_HTB_CEIL64]) : opt.ceil.rate;
}

static void read_stats(const struct nlattr *stats, struct nl_class *c)
{
	const struct nlattr *at[TCA_STATS_MAX + 1];
	struct gnet_stats_queue queue;

	nl_nested(stats, at, TCA_STATS_MAX);
	if (!at[TCA_STATS_QUEUE] || mnl_attr_get_payload_len(at[TCA_STATS_QUEUE]) < sizeof(queue))
		return;
	memcpy(&queue, mnl_attr_get_payload(at[TCA_STATS_QUEUE]), sizeof(queue));
	c->waiting = queue.qlen;
	c->dropped = queue.drops;
}

static int read_class(const struct nlmsghdr *h, void *arg)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(h);
	const struct nlattr *at[TCA_MAX + 1];
	struct classes *all = arg;
	struct nl_class *list = reallocarray(all->list, all->count + 1, sizeof(*list)), *c;

	if (!list) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	all->list = list;
	c = &list[all->count++];
	*c = (struct nl_class){ .id = tc->tcm_handle };
	nl_attrs(h, sizeof(*tc), at, TCA_MAX);
	c->has_queue = tc->tcm_info == queue_handle(c->id);
	if (at[TCA_OPTIONS])
		read_options(at[TCA_OPTIONS], c);
	if (at[TCA_STATS2])
		read_stats(at[TCA_STATS2], c);
	return MNL_CB_OK;
}

int nl_class_all(struct nl *nl, int ifindex, struct nl_class **out, size_t *count)
{
	struct classes all = {};
	char buf[NL_BUFFER];
	struct nlmsghdr *h;
	struct tcmsg *tc;
	int r;

	h = begin(nl, buf, RTM_GETTCLASS, NLM_F_DUMP, ifindex, &tc);
	r = nl_talk(nl, h, read_class, &all);
	if (r) {
		free(all.list);
		return r;
	}
	*out = all.list;
	*count = all.count;
	return 0;
}

static int set_queue(struct nl *nl, int ifindex, const struct nl_class *c)
{
	struct tc_fifo_qopt fifo = { .limit = c->queue };
	char buf[NL_BUFFER];
	struct nlmsghdr *h;
	struct tcmsg *tc;

	h = begin(nl, buf, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, ifindex, &tc);
	tc->tcm_parent = c->id;
	tc->tcm_handle = queue_handle(c->id);
	mnl_attr_put_strz(h, TCA_KIND, "bfifo");
	mnl_attr_put(h, TCA_OPTIONS, sizeof(fifo), &fifo);
	return nl_talk(nl, h, NULL, NULL);
}

int nl_class_set(struct nl *nl, int ifindex, const struct nl_class *c)
{
	struct tc_ratespec rate = { .linklayer = TC_LINKLAYER_ETHERNET,
				    .rate = c->rate < RATE_32 ? c->rate : RATE_32 };
	struct tc_htb_opt opt = { .rate = rate, .ceil = rate, .buffer = c->burst_ticks, .cbuffer = c->burst_ticks,
				  .quantum = QUANTUM };
	struct nlattr *options;
	char buf[NL_BUFFER];
	struct nlmsghdr *h;
	struct tcmsg *tc;
	int r;

	h = begin(nl, buf, RTM_NEWTCLASS, NLM_F_CREATE, ifindex, &tc);
	tc->tcm_parent = ROOT;
	tc->tcm_handle = c->id;
	mnl_attr_put_strz(h, TCA_KIND, "htb");
	options = mnl_attr_nest_start(h, TCA_OPTIONS);
	mnl_attr_put(h, TCA_HTB_PARMS, sizeof(opt), &opt);
	if (c->rate >= RATE_32) {
		mnl_attr_put_u64(h, TCA_HTB_RATE64, c->rate);
		mnl_attr_put_u64(h, TCA_HTB_CEIL64, c->rate);
	}
	mnl_attr_nest_end(h, options);
	r = nl_talk(nl, h, NULL, NULL);
	return r ? r : set_queue(nl, ifindex, c);
}

int nl_class_del(struct nl *nl, int ifindex, uint32_t id)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h;
	struct tcmsg *tc;

	h = begin(nl, buf, RTM_DELTCLASS, 0, ifindex, &tc);
	tc->tcm_handle = id;
	return nl_talk(nl, h, NULL, NULL);
}
