// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/kernel/firewall.h"

#define DUMP_BUFFER 32768

/* ---- nf_tables ---- */

static int keep_attr(const struct nlattr *attr, void *arg)
{
	const struct nlattr **at = arg;

	if (mnl_attr_get_type(attr) <= NFTA_CHAIN_MAX)
		at[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static uint32_t be32_of(const struct nlattr *attr)
{
	return attr ? ntohl(mnl_attr_get_u32(attr)) : 0;
}

static bool is_at_forward(const struct nlattr *hook)
{
	const struct nlattr *attr;

	if (hook)
		mnl_attr_for_each_nested(attr, hook)
			if (mnl_attr_get_type(attr) == NFTA_HOOK_HOOKNUM)
				return be32_of(attr) == NF_INET_FORWARD;
	return false;
}

/* A chain without rules that accepts does nothing: iptables over nf_tables leaves such ones behind. */
static int read_chain(const struct nlmsghdr *h, void *arg)
{
	const struct nfgenmsg *g = mnl_nlmsg_get_payload(h);
	const struct nlattr *at[NFTA_CHAIN_MAX + 1] = {};
	struct firewall *f = arg;
	struct firewall_chain c = { .family = g->nfgen_family == NFPROTO_INET ? "inet" : "ip" };

	mnl_attr_parse(h, sizeof(*g), keep_attr, at);
	if ((g->nfgen_family != NFPROTO_INET && g->nfgen_family != NFPROTO_IPV4) || !at[NFTA_CHAIN_TABLE] ||
	    !at[NFTA_CHAIN_NAME])
		return MNL_CB_OK;
	snprintf(c.table, sizeof(c.table), "%s", mnl_attr_get_str(at[NFTA_CHAIN_TABLE]));
	snprintf(c.name, sizeof(c.name), "%s", mnl_attr_get_str(at[NFTA_CHAIN_NAME]));
	c.drops = at[NFTA_CHAIN_POLICY] && be32_of(at[NFTA_CHAIN_POLICY]) == NF_DROP;
	firewall_add(f, &c, is_at_forward(at[NFTA_CHAIN_HOOK]) && (c.drops || be32_of(at[NFTA_CHAIN_USE])));
	return MNL_CB_OK;
}

static void dump_chains(struct mnl_socket *sock, struct firewall *f)
{
	unsigned int portid = mnl_socket_get_portid(sock), seq = 1;
	char buf[DUMP_BUFFER];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g;
	ssize_t n;

	h->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = seq;
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->nfgen_family = NFPROTO_UNSPEC;
	g->version = NFNETLINK_V0;
	if (mnl_socket_sendto(sock, h, h->nlmsg_len) < 0)
		return;
	do
		n = mnl_socket_recvfrom(sock, buf, sizeof(buf));
	while (n > 0 && mnl_cb_run(buf, n, seq, portid, read_chain, f) > 0);
}

/* A dump that a change of the rules interrupts (EINTR) is begun anew, a few times. */
static void read_nf_tables(struct firewall *f)
{
	const struct firewall before = *f;
	struct mnl_socket *sock;
	int tries = 3;

	do {
		*f = before;
		sock = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
		if (!sock)
			return;
		errno = 0;
		if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) >= 0)
			dump_chains(sock, f);
		mnl_socket_close(sock);
	} while (errno == EINTR && --tries);
}

/* ---- iptables-legacy ---- */

/* True if its table filter is there. The kernel would make it for who asks for its rules. */
static bool has_legacy_filter(void)
{
	_cleanup_file_ FILE *file = fopen("/proc/net/ip_tables_names", "re");
	char line[XT_TABLE_MAXNAMELEN];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = !strcmp(line, "filter\n");
	return found;
}

static const struct ipt_entry *entry_at(const struct ipt_get_entries *all, uint32_t offset)
{
	const struct ipt_entry *e = (const struct ipt_entry *)((const char *)all->entrytable + offset);

	if (offset + sizeof(*e) > all->size || !e->next_offset || e->next_offset > all->size - offset ||
	    e->target_offset + sizeof(struct xt_standard_target) > e->next_offset)
		return NULL;
	return e;
}

static const void *target_of(const struct ipt_entry *e)
{
	return (const char *)e + e->target_offset;
}

/* A chain of a user's begins with an entry that has its name. */
static uint32_t owners_of(const struct ipt_get_entries *all)
{
	const struct xt_error_target *t;
	const struct ipt_entry *e;
	uint32_t at, owners = 0;

	for (at = 0; at < all->size && (e = entry_at(all, at)); at += e->next_offset) {
		t = target_of(e);
		if (e->target_offset + sizeof(*t) <= e->next_offset &&
		    !strcmp(t->target.u.user.name, XT_ERROR_TARGET))
			owners |= firewall_owner(t->errorname);
	}
	return owners;
}

static void read_rules(int fd, const struct ipt_getinfo *info, struct firewall *f)
{
	struct firewall_chain *c = &f->chain[f->count];
	socklen_t len = sizeof(struct ipt_get_entries) + info->size;
	_cleanup_free_ struct ipt_get_entries *all = calloc(1, len);
	uint32_t policy_at = info->underflow[NF_INET_FORWARD];
	const struct xt_standard_target *policy;
	const struct ipt_entry *e;

	if (!all)
		return;
	memcpy(all->name, info->name, sizeof(all->name));
	all->size = info->size;
	if (getsockopt(fd, IPPROTO_IP, IPT_SO_GET_ENTRIES, all, &len))
		return;
	e = entry_at(all, policy_at);
	if (!e)
		return;
	policy = target_of(e);
	*c = (struct firewall_chain){ .owners = FIREWALL_LEGACY | owners_of(all),
				      .drops = policy->verdict == -NF_DROP - 1,
				      .family = "ip",
				      .table = "filter",
				      .name = "FORWARD" };
	f->count += c->drops || info->hook_entry[NF_INET_FORWARD] != policy_at;
}

static void read_legacy(struct firewall *f)
{
	struct ipt_getinfo info = { .name = "filter" };
	socklen_t len = sizeof(info);
	_cleanup_fd_ int fd = -1;

	if (!has_legacy_filter())
		return;
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd >= 0 && !getsockopt(fd, IPPROTO_IP, IPT_SO_GET_INFO, &info, &len))
		read_rules(fd, &info, f);
}

void firewall_read(struct firewall *out)
{
	*out = (struct firewall){};
	read_legacy(out);
	read_nf_tables(out);
	firewall_settle(out);
}
