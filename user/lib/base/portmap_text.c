// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/portmap_text.h"

#define PORT_MAX 65535

const char *proto_name(enum l4proto proto)
{
	switch (proto) {
	case L4_TCP:
		return "tcp";
	case L4_UDP:
		return "udp";
	case L4_ICMP:
		return "icmp";
	case L4_GRE:
		return "gre";
	case L4_ESP:
		return "esp";
	case L4_SCTP:
		return "sctp";
	default:
		return NULL;
	}
}

/* Reads a port number at *text, digits only, 1 to 65535, and advances *text past it. */
static const char *parse_port(const char **text, __u16 *port)
{
	char *end;
	unsigned long n;

	if (**text < '0' || **text > '9')
		return **text && **text != '/' ? "a port is a number from 1 to 65535" :
						 "a port is missing";
	n = strtoul(*text, &end, 10);
	if (n < 1 || n > PORT_MAX)
		return "a port is a number from 1 to 65535";
	*text = end;
	*port = n;
	return NULL;
}

static const char *parse_proto(const char *text, enum l4proto *proto)
{
	if (!strcmp(text, "tcp"))
		*proto = L4_TCP;
	else if (!strcmp(text, "udp"))
		*proto = L4_UDP;
	else
		return "the protocol is tcp or udp";
	return NULL;
}

/* Reads an optional "ADDR:". A dot distinguishes an address from a port. */
static const char *parse_addr(const char **text, struct ipaddr *addr)
{
	size_t len = strcspn(*text, ":/");
	char word[ADDR_TEXT] = "";

	if (!memchr(*text, '.', len))
		return NULL;
	if (len >= sizeof(word))
		return "the address is not an IPv4 address";
	memcpy(word, *text, len);
	if (addr_parse(word, addr))
		return "the address is not an IPv4 address";
	if ((*text)[len] != ':')
		return "a port is missing after the address";
	*text += len + 1;
	return NULL;
}

static const char *parse(const char *text, bool may_choose, struct portmap *out)
{
	struct portmap r = { .proto = L4_TCP };
	const char *wrong;

	wrong = parse_addr(&text, &r.addr);
	if (!wrong && may_choose && text[0] == '0' && text[1] == ':')
		text++;
	else if (!wrong)
		wrong = parse_port(&text, &r.first_h);
	if (wrong)
		return wrong;
	r.last_h = r.first_h;
	if (*text == '-') {
		text++;
		wrong = parse_port(&text, &r.last_h);
	}
	r.to_first_h = r.first_h;
	if (!wrong && *text == ':') {
		text++;
		wrong = parse_port(&text, &r.to_first_h);
	}
	if (!wrong && *text == '/')
		wrong = parse_proto(text + 1, &r.proto);
	else if (!wrong && *text)
		wrong = "expected [ADDR:]PORT[-PORT][:NSPORT][/tcp|udp]";
	if (wrong)
		return wrong;
	if (r.last_h < r.first_h)
		return "the range runs backwards";
	if (r.to_first_h + (r.last_h - r.first_h) > PORT_MAX)
		return "the ports inside would run past 65535";
	*out = r;
	return NULL;
}

const char *portmap_parse(const char *text, struct portmap *out)
{
	return parse(text, false, out);
}

const char *portmap_parse_chosen(const char *text, struct portmap *out)
{
	return parse(text, true, out);
}

const char *portmap_format(const struct portmap *portmap, char *buf, size_t len)
{
	char text[ADDR_TEXT], addr[ADDR_TEXT + 1] = "", last[8] = "", to[8] = "";
	static const struct ipaddr any;

	if (!addr_same(portmap->addr, any))
		snprintf(addr, sizeof(addr), "%s:", addr_text(portmap->addr, text));
	if (portmap->last_h != portmap->first_h)
		snprintf(last, sizeof(last), "-%u", portmap->last_h);
	if (portmap->to_first_h != portmap->first_h)
		snprintf(to, sizeof(to), ":%u", portmap->to_first_h);
	snprintf(buf, len, "%s%u%s%s%s", addr, portmap->first_h, last, to, portmap->proto == L4_UDP ? "/udp" : "");
	return buf;
}
