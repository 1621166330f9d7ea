// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/addr.h"

int addr_parse(const char *text, struct ipaddr *out)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		return -EINVAL;
	memcpy(out, &in, sizeof(*out));
	return 0;
}

int ipv6_parse(const char *text, struct ipv6_addr *out)
{
	struct in6_addr in;

	if (inet_pton(AF_INET6, text, &in) != 1 || IN6_IS_ADDR_MULTICAST(&in) || !(in.s6_addr32[0] | in.s6_addr32[1]))
		return -EINVAL;
	memcpy(out, &in, sizeof(*out));
	return 0;
}

const char *ipv6_text(const struct ipv6_addr *a, char buf[IPV6_TEXT])
{
	return inet_ntop(AF_INET6, a, buf, IPV6_TEXT);
}

bool ipv6_same(const struct ipv6_addr *a, const struct ipv6_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool ipv6_is_none(const struct ipv6_addr *a)
{
	return ipv6_same(a, &(struct ipv6_addr){});
}

static int parse_prefix(const char *text, unsigned long min, unsigned long max, uint8_t *prefix)
{
	unsigned long bits;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	bits = strtoul(text, &end, 10);
	if (*end || bits < min || bits > max)
		return -EINVAL;
	*prefix = bits;
	return 0;
}

static int parse_cidr(const char *text, unsigned long min, unsigned long max, struct ipaddr *subnet, uint8_t *prefix)
{
	const char *slash = strchr(text, '/');
	char addr[ADDR_TEXT];

	if (!slash || (size_t)(slash - text) >= sizeof(addr) || parse_prefix(slash + 1, min, max, prefix))
		return -EINVAL;
	snprintf(addr, sizeof(addr), "%.*s", (int)(slash - text), text);
	if (addr_parse(addr, subnet) || addr_number(*subnet) & ~addr_number(addr_mask(*prefix)))
		return -EINVAL;
	return 0;
}

int cidr_parse(const char *text, struct ipaddr *subnet, uint8_t *prefix)
{
	return parse_cidr(text, 8, 30, subnet, prefix);
}

int cidr_parse_any(const char *text, struct ipaddr *subnet, uint8_t *prefix)
{
	*prefix = 32;
	return strchr(text, '/') ? parse_cidr(text, 1, 32, subnet, prefix) : addr_parse(text, subnet);
}

const char *cidr_text(const struct cidr *c, char buf[CIDR_TEXT])
{
	char addr[ADDR_TEXT];

	snprintf(buf, CIDR_TEXT, "%s/%u", addr_text(c->addr, addr), c->prefix % 100u);
	return buf;
}

bool cidr_inside(const struct cidr *inner, const struct cidr *outer)
{
	return inner->prefix >= outer->prefix && addr_in(inner->addr, outer->addr, outer->prefix);
}

bool cidr_overlap(const struct cidr *a, const struct cidr *b)
{
	return cidr_inside(a, b) || cidr_inside(b, a);
}

int ether_parse(const char *text, uint8_t mac[6])
{
	unsigned int octet[6];
	char end;
	int i;

	if (strlen(text) != 17 || sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &octet[0], &octet[1], &octet[2], &octet[3],
					 &octet[4], &octet[5], &end) != 6)
		return -EINVAL;
	for (i = 0; i < 6; i++)
		mac[i] = octet[i];
	return octet[0] & 1 || !(octet[0] | octet[1] | octet[2] | octet[3] | octet[4] | octet[5]) ? -EINVAL : 0;
}

/* Faster than snprintf(): a table may list a million flows. */
static char *put_number(char *to, unsigned int n)
{
	char digits[12], *d = digits;

	do
		*d++ = '0' + n % 10;
	while (n /= 10);
	while (d > digits)
		*to++ = *--d;
	return to;
}

const char *addr_text(struct ipaddr a, char buf[ADDR_TEXT])
{
	char *to = buf;
	int i;

	for (i = 0; i < 4; i++) {
		if (i)
			*to++ = '.';
		to = put_number(to, a.octet[i]);
	}
	*to = '\0';
	return buf;
}

const char *addr_port_text(struct ipaddr a, uint16_t port_h, char buf[ADDR_PORT_TEXT])
{
	char *to = buf + strlen(addr_text(a, buf));

	*to++ = ':';
	*put_number(to, port_h) = '\0';
	return buf;
}

uint32_t addr_number(struct ipaddr a)
{
	uint32_t be;

	memcpy(&be, &a, sizeof(be));
	return ntohl(be);
}

struct ipaddr addr_from(uint32_t number)
{
	uint32_t be = htonl(number);
	struct ipaddr a;

	memcpy(&a, &be, sizeof(a));
	return a;
}

bool addr_is_loopback(struct ipaddr a)
{
	uint32_t number = addr_number(a);

	return number > 0x7f000000 && number < 0x7fffffff;
}

bool addr_same(struct ipaddr a, struct ipaddr b)
{
	return !memcmp(&a, &b, sizeof(a));
}

struct ipaddr addr_mask(uint8_t prefix)
{
	return addr_from(prefix ? ~0u << (32 - prefix) : 0);
}

bool addr_in(struct ipaddr a, struct ipaddr subnet, uint8_t prefix)
{
	return !((addr_number(a) ^ addr_number(subnet)) & addr_number(addr_mask(prefix)));
}

struct ipaddr addr_broadcast(struct ipaddr subnet, uint8_t prefix)
{
	return addr_from(addr_number(subnet) | ~addr_number(addr_mask(prefix)));
}

void addr_mac(struct ipaddr a, uint8_t mac[6])
{
	mac[0] = 0x02;
	mac[1] = 0xeb;
	memcpy(mac + 2, &a, 4);
}

void addr_host_mac(struct ipaddr a, uint8_t mac[6])
{
	addr_mac(a, mac);
	mac[0] = 0xfe;
}
