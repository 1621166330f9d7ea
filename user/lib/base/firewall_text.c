// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/firewall_text.h"
#include "lib/base/portmap_text.h"

/* ---- whose a chain is ---- */

uint32_t firewall_owner(const char *chain)
{
	if (!strncmp(chain, "ufw-", 4))
		return FIREWALL_UFW;
	if (!strcmp(chain, "DOCKER-USER"))
		return FIREWALL_DOCKER;
	return !strcmp(chain, "FORWARD_POLICIES_pre") || !strcmp(chain, "FORWARD_IN_ZONES") ? FIREWALL_FIREWALLD : 0;
}

static bool is_iptables(const struct firewall_chain *c, const char *table)
{
	return !strcmp(c->family, "ip") && !strcmp(c->table, table);
}

/* firewalld's chain accepts by its policy, and rejects with its last rule. */
static void identify(struct firewall_chain *c)
{
	if (!strcmp(c->table, "firewalld")) {
		c->owners = FIREWALL_FIREWALLD;
		c->drops = true;
	} else if (!strcmp(c->table, "docker-bridges")) {
		c->owners = FIREWALL_DOCKER;
	} else if (!strcmp(c->name, "FORWARD") && (is_iptables(c, "filter") || is_iptables(c, "mangle"))) {
		c->owners = FIREWALL_IPTABLES;
	} else {
		c->owners = FIREWALL_NFT;
	}
}

void firewall_add(struct firewall *f, const struct firewall_chain *c, bool at_forward)
{
	struct firewall_chain *to = &f->chain[f->count];

	if (is_iptables(c, "filter"))
		f->of_filter |= firewall_owner(c->name);
	if (!at_forward || f->count == FIREWALL_CHAINS)
		return;
	*to = *c;
	identify(to);
	f->count++;
}

void firewall_settle(struct firewall *f)
{
	unsigned int i;

	for (i = 0; i < f->count; i++)
		if (f->chain[i].owners & FIREWALL_IPTABLES && is_iptables(&f->chain[i], "filter"))
			f->chain[i].owners |= f->of_filter;
}

const char *firewall_names(const struct firewall *f, char buf[FIREWALL_TEXT])
{
	static const char *const names[] = { "ufw", "firewalld", "Docker", "iptables", "iptables-legacy", "nft" };
	const uint32_t named = FIREWALL_UFW | FIREWALL_FIREWALLD | FIREWALL_DOCKER;
	uint32_t all = 0, owners;
	size_t i, len = 0;

	for (i = 0; i < f->count; i++) {
		owners = f->chain[i].owners;
		all |= owners & named ? owners & named : owners; /* the rules of iptables are then theirs */
	}
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (all & 1u << i)
			len += snprintf(buf + len, FIREWALL_TEXT - len, "%s%s", len ? ", " : "", names[i]);
	return len ? buf : NULL;
}

/* ---- to open a port ---- */

/* A command that is being written; each ends where there is no more room, and is then taken back. */
struct commands {
	char *buf;
	size_t len;
};

static void add(struct commands *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct commands *c, const char *fmt, ...)
{
	size_t room = FIREWALL_OPEN - c->len, at = c->len;
	int n, sep = 0;
	va_list ap;

	if (at)
		sep = snprintf(c->buf + at, room, "; ");
	va_start(ap, fmt);
	n = (size_t)sep < room ? vsnprintf(c->buf + at + sep, room - sep, fmt, ap) : 0;
	va_end(ap);
	if ((size_t)(sep + n) < room)
		c->len += sep + n;
	else
		c->buf[at] = '\0';
}

/* A name that a shell and nft read as it is. */
static bool is_plain(const char *name)
{
	size_t i, len = strlen(name);

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && (!i || !strchr("_.-", name[i])))
			return false;
	return len && len < FIREWALL_NAME - 1;
}

/* "3000", or a range with that between. */
static const char *inside(const struct portmap *p, char between, char buf[16])
{
	unsigned int last = p->to_first_h + (p->last_h - p->first_h);

	snprintf(buf, 16, last == p->to_first_h ? "%u" : "%u%c%u", p->to_first_h, between, last);
	return buf;
}

/*
 * conntrack has the address and port inside as the original destination of both directions: they are translated before,
 * and after, it sees them.
 */
static void open_iptables(struct commands *c, uint32_t owners, const struct portmap *p)
{
	char addr[ADDR_TEXT], ports[16];

	add(c, "%s -I %s -p %s -m conntrack --ctorigdst %s --ctorigdstport %s -j ACCEPT",
	    owners & FIREWALL_LEGACY ? "iptables-legacy" : "iptables",
	    owners & FIREWALL_DOCKER ? "DOCKER-USER" : "FORWARD", proto_name(p->proto), addr_text(p->to, addr),
	    inside(p, ':', ports));
}

static void open_firewalld(struct commands *c, const struct portmap *p)
{
	char addr[ADDR_TEXT], ports[16];

	add(c, "firewall-cmd --permanent --new-policy ebpfnet");
	add(c, "firewall-cmd --permanent --policy ebpfnet --add-ingress-zone ANY");
	add(c, "firewall-cmd --permanent --policy ebpfnet --add-egress-zone ANY");
	add(c,
	    "firewall-cmd --permanent --policy ebpfnet --add-rich-rule 'rule family=ipv4 destination address=%s "
	    "port port=%s protocol=%s accept'", addr_text(p->to, addr), inside(p, '-', ports), proto_name(p->proto));
	add(c, "firewall-cmd --reload");
}

static void open_nft(struct commands *c, const struct firewall_chain *chain, const struct portmap *p)
{
	char addr[ADDR_TEXT], ports[16];

	if (is_plain(chain->table) && is_plain(chain->name))
		add(c, "nft insert rule %s %s %s meta l4proto %s ct original ip daddr %s ct original proto-dst %s "
		       "accept", chain->family, chain->table, chain->name, proto_name(p->proto),
		    addr_text(p->to, addr), inside(p, '-', ports));
}

static void open_ufw(struct commands *c, const struct portmap *p)
{
	char addr[ADDR_TEXT], ports[16];

	add(c, "ufw route allow proto %s to %s port %s", proto_name(p->proto), addr_text(p->to, addr),
	    inside(p, ':', ports));
}

const char *firewall_open(const struct firewall *f, const struct portmap *p, char buf[FIREWALL_OPEN])
{
	struct commands c = { buf };
	unsigned int i;

	buf[0] = '\0';
	for (i = 0; i < f->count; i++) {
		const struct firewall_chain *chain = &f->chain[i];

		if (!chain->drops)
			continue;
		if (chain->owners & FIREWALL_FIREWALLD)
			open_firewalld(&c, p);
		else if (chain->owners & FIREWALL_UFW)
			open_ufw(&c, p);
		else if (chain->owners & (FIREWALL_IPTABLES | FIREWALL_LEGACY))
			open_iptables(&c, chain->owners, p);
		else
			open_nft(&c, chain, p);
	}
	return buf[0] ? buf : NULL;
}
