// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/veth.h>
#include <string.h>

#include "lib/kernel/nl_private.h"

static int read_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	const struct nlattr *at[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	struct nl_link *out = arg;

	nl_attrs(h, sizeof(*ifi), at, IFLA_MAX);
	out->ifindex = ifi->ifi_index;
	out->type = ifi->ifi_type;
	out->up = ifi->ifi_flags & IFF_UP;
	out->running = ifi->ifi_flags & IFF_RUNNING;
	if (at[IFLA_IFNAME])
		strncpy(out->name, mnl_attr_get_str(at[IFLA_IFNAME]), IFNAMSIZ - 1);
	if (at[IFLA_ADDRESS] && mnl_attr_get_payload_len(at[IFLA_ADDRESS]) == ETH_ALEN)
		memcpy(out->mac, mnl_attr_get_payload(at[IFLA_ADDRESS]), ETH_ALEN);
	if (at[IFLA_MTU])
		out->mtu = mnl_attr_get_u32(at[IFLA_MTU]);
	if (at[IFLA_LINK])
		out->peer = mnl_attr_get_u32(at[IFLA_LINK]);
	out->peer_elsewhere = at[IFLA_LINK_NETNSID];
	if (at[IFLA_STATS64])
		memcpy(&out->stats, mnl_attr_get_payload(at[IFLA_STATS64]), sizeof(out->stats));
	if (at[IFLA_LINKINFO]) {
		nl_nested(at[IFLA_LINKINFO], info, IFLA_INFO_MAX);
		if (info[IFLA_INFO_KIND])
			strncpy(out->kind, mnl_attr_get_str(info[IFLA_INFO_KIND]),
				sizeof(out->kind) - 1);
	}
	return MNL_CB_OK;
}

int nl_link_get(struct nl *nl, const char *name, int ifindex, struct nl_link *out)
{
	char buf[NL_BUFFER];
	struct ifinfomsg *ifi;
	struct nlmsghdr *h;

	memset(out, 0, sizeof(*out));
	h = nl_begin(nl, buf, RTM_GETLINK, 0, (void **)&ifi, sizeof(*ifi));
	if (name)
		mnl_attr_put_strz(h, IFLA_IFNAME, name);
	else
		ifi->ifi_index = ifindex;
	return nl_talk(nl, h, read_link, out);
}

struct vlan_search {
	int below;
	struct nl_link *out;
};

static int find_vlan(const struct nlmsghdr *h, void *arg)
{
	struct vlan_search *search = arg;
	struct nl_link dev = {};

	read_link(h, &dev);
	if (!search->out->ifindex && dev.peer == search->below && !dev.peer_elsewhere &&
	    !strcmp(dev.kind, "vlan"))
		*search->out = dev;
	return MNL_CB_OK;
}

int nl_link_vlan(struct nl *nl, int ifindex, struct nl_link *out)
{
	struct vlan_search search = { ifindex, out };
	char buf[NL_BUFFER];
	struct ifinfomsg *ifi;
	struct nlmsghdr *h;
	int r;

	memset(out, 0, sizeof(*out));
	h = nl_begin(nl, buf, RTM_GETLINK, NLM_F_DUMP, (void **)&ifi, sizeof(*ifi));
	r = nl_talk(nl, h, find_vlan, &search);
	return !r && !out->ifindex ? -ENOENT : r;
}

static void put_end(struct nlmsghdr *h, const char *name, const uint8_t *mac, uint32_t mtu)
{
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	mnl_attr_put(h, IFLA_ADDRESS, ETH_ALEN, mac);
	mnl_attr_put_u32(h, IFLA_MTU, mtu);
}

int nl_veth_add(struct nl *nl, const struct nl_veth *v)
{
	struct nlattr *info, *data, *peer;
	char buf[NL_BUFFER];
	struct ifinfomsg *ifi;
	struct nlmsghdr *h;

	h = nl_begin(nl, buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, (void **)&ifi, sizeof(*ifi));
	put_end(h, v->name, v->mac, v->mtu);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(h, VETH_INFO_PEER);
	memset(mnl_nlmsg_put_extra_header(h, sizeof(*ifi)), 0, sizeof(*ifi));
	put_end(h, v->peer, v->peer_mac, v->mtu);
	if (v->peer_netns >= 0)
		mnl_attr_put_u32(h, IFLA_NET_NS_FD, v->peer_netns);
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	return nl_talk(nl, h, NULL, NULL);
}

int nl_link_up(struct nl *nl, int ifindex)
{
	char buf[NL_BUFFER];
	struct ifinfomsg *ifi;
	struct nlmsghdr *h;

	h = nl_begin(nl, buf, RTM_NEWLINK, 0, (void **)&ifi, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	return nl_talk(nl, h, NULL, NULL);
}

int nl_link_del(struct nl *nl, int ifindex)
{
	char buf[NL_BUFFER];
	struct ifinfomsg *ifi;
	struct nlmsghdr *h;

	h = nl_begin(nl, buf, RTM_DELLINK, 0, (void **)&ifi, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	return nl_talk(nl, h, NULL, NULL);
}

int nl_link_devconf(struct nl *nl, int ifindex, int setting, uint32_t value)
{
	struct nlattr *spec, *inet, *conf;
	char buf[NL_BUFFER];
	struct ifinfomsg *ifi;
	struct nlmsghdr *h;

	h = nl_begin(nl, buf, RTM_SETLINK, 0, (void **)&ifi, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	inet = mnl_attr_nest_start(h, AF_INET);
	conf = mnl_attr_nest_start(h, IFLA_INET_CONF);
	mnl_attr_put_u32(h, setting, value);
	mnl_attr_nest_end(h, conf);
	mnl_attr_nest_end(h, inet);
	mnl_attr_nest_end(h, spec);
	return nl_talk(nl, h, NULL, NULL);
}
