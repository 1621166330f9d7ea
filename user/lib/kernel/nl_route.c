// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/addr.h"
#include "lib/kernel/nl_private.h"

int nl_route_default_add(struct nl *nl, int ifindex, struct ipaddr gateway, bool *added)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h;
	struct rtmsg *rtm;
	int r;

	h = nl_begin(nl, buf, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, (void **)&rtm, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_BOOT;
	rtm->rtm_scope = RT_SCOPE_UNIVERSE;
	rtm->rtm_type = RTN_UNICAST;
	nl_put_addr(h, RTA_GATEWAY, gateway);
	mnl_attr_put_u32(h, RTA_OIF, ifindex);
	r = nl_talk(nl, h, NULL, NULL);
	*added |= !r;
	return nl_unless_exists(r);
}

static int dump_routes(struct nl *nl, mnl_cb_t cb, void *arg)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h;
	struct rtmsg *rtm;

	h = nl_begin(nl, buf, RTM_GETROUTE, NLM_F_DUMP, (void **)&rtm, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	return nl_talk(nl, h, cb, arg);
}

/* The device of a route, or of its first next hop. */
static int route_device(const struct nlattr **at)
{
	const struct rtnexthop *nh;

	if (at[RTA_OIF])
		return mnl_attr_get_u32(at[RTA_OIF]);
	if (!at[RTA_MULTIPATH])
		return 0;
	nh = mnl_attr_get_payload(at[RTA_MULTIPATH]);
	return nh->rtnh_ifindex;
}

static bool in_main_table(const struct rtmsg *rtm)
{
	return rtm->rtm_table == RT_TABLE_MAIN && rtm->rtm_type == RTN_UNICAST;
}

static bool is_before(const struct nl_way *a, const struct nl_way *b)
{
	return a->is_default != b->is_default ? a->is_default : a->is_default && a->metric < b->metric;
}

/* A device that is listed already keeps its first place. */
static void add_way(struct nl_ways *ways, struct nl_way way)
{
	size_t i, at;

	for (at = 0; at < ways->count && !is_before(&way, &ways->way[at]); at++)
		if (ways->way[at].ifindex == way.ifindex)
			return;
	for (i = at; i < ways->count && ways->way[i].ifindex != way.ifindex; i++)
		;
	if (i == NL_WAYS)
		i--;
	else if (i == ways->count)
		ways->count++;
	if (at == NL_WAYS)
		return;
	memmove(&ways->way[at + 1], &ways->way[at], (i - at) * sizeof(ways->way[0]));
	ways->way[at] = way;
}

static int match_way(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(h);
	const struct nlattr *at[RTA_MAX + 1];
	const struct rtnexthop *nh;
	struct nl_ways *out = arg;
	struct nl_way way = {};
	int len;

	nl_attrs(h, sizeof(*rtm), at, RTA_MAX);
	if (rtm->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	way.is_default = rtm->rtm_table == RT_TABLE_MAIN && !rtm->rtm_dst_len;
	way.metric = at[RTA_PRIORITY] ? mnl_attr_get_u32(at[RTA_PRIORITY]) : 0;
	if (at[RTA_OIF]) {
		way.ifindex = mnl_attr_get_u32(at[RTA_OIF]);
		add_way(out, way);
	}
	if (!at[RTA_MULTIPATH])
		return MNL_CB_OK;
	nh = mnl_attr_get_payload(at[RTA_MULTIPATH]);
	len = mnl_attr_get_payload_len(at[RTA_MULTIPATH]);
	for (; RTNH_OK(nh, len); len -= RTNH_ALIGN(nh->rtnh_len), nh = RTNH_NEXT(nh)) {
		way.ifindex = nh->rtnh_ifindex;
		add_way(out, way);
	}
	return MNL_CB_OK;
}

int nl_route_ways(struct nl *nl, struct nl_ways *out)
{
	memset(out, 0, sizeof(*out));
	return dump_routes(nl, match_way, out);
}

const struct nl_way *nl_way_to(const struct nl_ways *ways, int ifindex)
{
	size_t i;

	for (i = 0; i < ways->count; i++)
		if (ways->way[i].ifindex == ifindex)
			return &ways->way[i];
	return NULL;
}

int nl_route_default(struct nl *nl, int *ifindex)
{
	struct nl_ways all;
	int r = nl_route_ways(nl, &all);

	if (r)
		return r;
	*ifindex = all.way[0].ifindex;
	return all.way[0].is_default ? 0 : -ENOENT;
}

static int match_route(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(h);
	const struct nlattr *at[RTA_MAX + 1];

	nl_attrs(h, sizeof(*rtm), at, RTA_MAX);
	if (rtm->rtm_type == RTN_UNICAST)
		*(int *)arg = route_device(at);
	return MNL_CB_OK;
}

int nl_route_get(struct nl *nl, struct ipaddr dst, int *ifindex)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h;
	struct rtmsg *rtm;
	int r;

	*ifindex = 0;
	h = nl_begin(nl, buf, RTM_GETROUTE, 0, (void **)&rtm, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = 32;
	nl_put_addr(h, RTA_DST, dst);
	r = nl_talk(nl, h, match_route, ifindex);
	return r || *ifindex ? r : -ENETUNREACH;
}

struct overlap_search {
	struct ipaddr subnet;
	uint8_t prefix, at_least;
	int except;
	bool found;
	struct nl_route *out;
};

static int match_overlap(const struct nlmsghdr *h, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(h);
	const struct nlattr *at[RTA_MAX + 1];
	struct overlap_search *s = arg;
	struct ipaddr dst;
	uint8_t shorter;

	nl_attrs(h, sizeof(*rtm), at, RTA_MAX);
	if (s->found || !in_main_table(rtm) || !rtm->rtm_dst_len || route_device(at) == s->except)
		return MNL_CB_OK;
	dst = nl_attr_addr(at[RTA_DST]);
	if (rtm->rtm_dst_len < s->at_least)
		return MNL_CB_OK;
	shorter = rtm->rtm_dst_len < s->prefix ? rtm->rtm_dst_len : s->prefix;
	if (!addr_in(dst, s->subnet, shorter))
		return MNL_CB_OK;
	s->found = true;
	*s->out = (struct nl_route){ dst, rtm->rtm_dst_len, route_device(at) };
	return MNL_CB_OK;
}

int nl_route_overlap(struct nl *nl, struct ipaddr subnet, uint8_t prefix, int except,
		     struct nl_route *out)
{
	struct overlap_search s = { subnet, prefix, 0, except, false, out };
	int r = dump_routes(nl, match_overlap, &s);

	if (r)
		return r;
	return s.found ? 0 : -ENOENT;
}

int nl_route_within(struct nl *nl, struct ipaddr subnet, uint8_t prefix, int except, struct nl_route *out)
{
	struct overlap_search s = { subnet, prefix, prefix, except, false, out };
	int r = dump_routes(nl, match_overlap, &s);

	if (r)
		return r;
	return s.found ? 0 : -ENOENT;
}
