// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/veth.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/kernel/nl_private.h"

static bool is_kind(const struct nlattr *attr, const char *kind)
{
	return attr && !strcmp(mnl_attr_get_str(attr), kind);
}

static int read_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	const struct nlattr *at[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	struct nl_link *out = arg;

	nl_attrs(h, sizeof(*ifi), at, IFLA_MAX);
	out->ifindex = ifi->ifi_index;
	out->type = ifi->ifi_type;
	out->has_remote = ifi->ifi_flags & IFF_POINTOPOINT;
	out->up = ifi->ifi_flags & IFF_UP;
	out->running = ifi->ifi_flags & IFF_RUNNING;
	if (at[IFLA_IFNAME])
		strncpy(out->name, mnl_attr_get_str(at[IFLA_IFNAME]), IFNAMSIZ - 1);
	if (at[IFLA_IFALIAS])
		strncpy(out->alias, mnl_attr_get_str(at[IFLA_IFALIAS]), sizeof(out->alias) - 1);
	if (at[IFLA_ADDRESS] && mnl_attr_get_payload_len(at[IFLA_ADDRESS]) == ETH_ALEN)
		memcpy(out->mac, mnl_attr_get_payload(at[IFLA_ADDRESS]), ETH_ALEN);
	if (at[IFLA_MTU])
		out->mtu = mnl_attr_get_u32(at[IFLA_MTU]);
	if (at[IFLA_CARRIER])
		out->carrier = mnl_attr_get_u8(at[IFLA_CARRIER]);
	if (at[IFLA_LINK])
		out->peer = mnl_attr_get_u32(at[IFLA_LINK]);
	out->peer_elsewhere = at[IFLA_LINK_NETNSID];
	/* the kernel gives no id to a namespace without users (peernet2id_alloc()), which it removes a moment later */
	out->peer_ends = out->peer_elsewhere && (int32_t)mnl_attr_get_u32(at[IFLA_LINK_NETNSID]) < 0;
	if (at[IFLA_STATS64])
		memcpy(&out->stats, mnl_attr_get_payload(at[IFLA_STATS64]), sizeof(out->stats));
	if (at[IFLA_LINKINFO]) {
		nl_nested(at[IFLA_LINKINFO], info, IFLA_INFO_MAX);
		if (info[IFLA_INFO_KIND])
			strncpy(out->kind, mnl_attr_get_str(info[IFLA_INFO_KIND]),
				sizeof(out->kind) - 1);
		out->in_vrf = is_kind(info[IFLA_INFO_KIND], "vrf") || is_kind(info[IFLA_INFO_SLAVE_KIND], "vrf");
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

struct link_list {
	struct nl_link *link;
	size_t count;
};

static int append_link(const struct nlmsghdr *h, void *arg)
{
	struct link_list *l = arg;
	struct nl_link *link = reallocarray(l->link, l->count + 1, sizeof(*link));

	if (!link) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	l->link = link;
	link[l->count] = (struct nl_link){};
	return read_link(h, &link[l->count++]);
}

int nl_link_all(struct nl *nl, struct nl_link **out, size_t *count)
{
	struct link_list l = {};
	char buf[NL_BUFFER];
	struct ifinfomsg *ifi;
	struct nlmsghdr *h;
	int r;

	h = nl_begin(nl, buf, RTM_GETLINK, NLM_F_DUMP, (void **)&ifi, sizeof(*ifi));
	r = nl_talk(nl, h, append_link, &l);
	if (r) {
		free(l.link);
		return r;
	}
	*out = l.link;
	*count = l.count;
	return 0;
}

int nl_link_vlan(struct nl *nl, int ifindex, struct nl_link *out)
{
	_cleanup_free_ struct nl_link *all = NULL;
	size_t i, count;
	int r;

	memset(out, 0, sizeof(*out));
	r = nl_link_all(nl, &all, &count);
	for (i = 0; i < count && !r; i++)
		if (all[i].peer == ifindex && !all[i].peer_elsewhere && !strcmp(all[i].kind, "vlan")) {
			*out = all[i];
			return 0;
		}
	return r ? r : -ENOENT;
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

static struct nlmsghdr *change(struct nl *nl, char *buf, int ifindex, unsigned int flags)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *h = nl_begin(nl, buf, RTM_NEWLINK, 0, (void **)&ifi, sizeof(*ifi));

	ifi->ifi_index = ifindex;
	ifi->ifi_flags = ifi->ifi_change = flags;
	return h;
}

int nl_link_up(struct nl *nl, int ifindex)
{
	char buf[NL_BUFFER];

	return nl_talk(nl, change(nl, buf, ifindex, IFF_UP), NULL, NULL);
}

int nl_link_set_mac(struct nl *nl, int ifindex, const uint8_t mac[6])
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h = change(nl, buf, ifindex, 0);

	mnl_attr_put(h, IFLA_ADDRESS, ETH_ALEN, mac);
	return nl_talk(nl, h, NULL, NULL);
}

int nl_link_set_mtu(struct nl *nl, int ifindex, uint32_t mtu)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h = change(nl, buf, ifindex, 0);

	mnl_attr_put_u32(h, IFLA_MTU, mtu);
	return nl_talk(nl, h, NULL, NULL);
}

int nl_link_set_alias(struct nl *nl, int ifindex, const char *alias)
{
	char buf[NL_BUFFER];
	struct nlmsghdr *h = change(nl, buf, ifindex, 0);

	mnl_attr_put_str(h, IFLA_IFALIAS, alias);
	return nl_talk(nl, h, NULL, NULL);
}

int nl_link_mac(struct nl *nl, int ifindex, const uint8_t mac[6])
{
	char buf[NL_BUFFER];
	struct ifinfomsg *ifi;
	struct nlmsghdr *h;

	h = nl_begin(nl, buf, RTM_NEWLINK, 0, (void **)&ifi, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	mnl_attr_put(h, IFLA_ADDRESS, ETH_ALEN, mac);
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
