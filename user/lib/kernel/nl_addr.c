// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/if_addr.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/addr.h"
#include "lib/kernel/nl_private.h"

int nl_addr_add(struct nl *nl, int ifindex, struct ipaddr addr, uint8_t prefix, uint8_t scope)
{
	char buf[NL_BUFFER];
	struct ifaddrmsg *ifa;
	struct nlmsghdr *h;

	h = nl_begin(nl, buf, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, (void **)&ifa, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = prefix;
	ifa->ifa_scope = scope;
	ifa->ifa_index = ifindex;
	nl_put_addr(h, IFA_LOCAL, addr);
	nl_put_addr(h, IFA_ADDRESS, addr);
	nl_put_addr(h, IFA_BROADCAST, addr_broadcast(addr, prefix));
	return nl_unless_exists(nl_talk(nl, h, NULL, NULL));
}

struct addr_search {
	int ifindex;
	struct ipaddr addr;
	bool found;
	bool has_other;
	struct ipaddr other;		/* and its prefix length */
	uint8_t prefix;
};

static int match_addr(const struct nlmsghdr *h, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	const struct nlattr *at[IFA_MAX + 1];
	struct addr_search *s = arg;

	nl_attrs(h, sizeof(*ifa), at, IFA_MAX);
	if ((int)ifa->ifa_index != s->ifindex)
		return MNL_CB_OK;
	if (addr_same(nl_attr_addr(at[IFA_LOCAL]), s->addr)) {
		s->found = true;
	} else if (!s->has_other) {
		s->has_other = true;
		s->other = nl_attr_addr(at[IFA_LOCAL]);
		s->prefix = ifa->ifa_prefixlen;
	}
	return MNL_CB_OK;
}

static int search_addrs(struct nl *nl, struct addr_search *s)
{
	char buf[NL_BUFFER];
	struct ifaddrmsg *ifa;
	struct nlmsghdr *h;

	h = nl_begin(nl, buf, RTM_GETADDR, NLM_F_DUMP, (void **)&ifa, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	ifa->ifa_index = s->ifindex;
	return nl_talk(nl, h, match_addr, s);
}

bool nl_addr_has(struct nl *nl, int ifindex, struct ipaddr addr)
{
	struct addr_search s = { .ifindex = ifindex, .addr = addr };

	return !search_addrs(nl, &s) && s.found;
}

bool nl_addr_other(struct nl *nl, int ifindex, struct ipaddr addr, struct ipaddr *other, uint8_t *prefix)
{
	struct addr_search s = { .ifindex = ifindex, .addr = addr };

	if (search_addrs(nl, &s) || !s.has_other)
		return false;
	*other = s.other;
	*prefix = s.prefix;
	return true;
}
