// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/model/resolver.h"

#define LINE 512

/* Files in which daemons that answer on a loopback address name the servers that they ask. */
static const char *const sources[] = {
	"/run/systemd/resolve/resolv.conf",
	"/run/NetworkManager/no-stub-resolv.conf",
};

/* The server that a line of resolv.conf(5) names, or "". */
static const char *server_of(const char *line, char buf[64])
{
	buf[0] = '\0';
	sscanf(line, " nameserver %63s", buf);
	return buf;
}

/* By IPv4, and not on the loopback device. */
static bool is_reachable(const char *server)
{
	struct ipaddr addr;

	return !addr_parse(server, &addr) && addr.octet[0] != 127 && addr.octet[0];
}

/* The first server of a file, and the first that is reachable; "": none. */
static void read_servers(const char *path, char first[ADDR_TEXT], char reachable[ADDR_TEXT])
{
	_cleanup_file_ FILE *f = fopen(path, "re");
	char line[LINE], buf[64];

	first[0] = reachable[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		if (!*server_of(line, buf))
			continue;
		if (!first[0])
			snprintf(first, ADDR_TEXT, "%.*s", ADDR_TEXT - 1, buf);
		if (!reachable[0] && is_reachable(buf))
			snprintf(reachable, ADDR_TEXT, "%.*s", ADDR_TEXT - 1, buf);
	}
}

void resolver_find(struct resolver *out)
{
	char ignored[ADDR_TEXT];
	size_t i;

	*out = (struct resolver){ .source = "/etc/resolv.conf" };
	read_servers(out->source, out->host, out->server);
	if (!out->host[0] || out->server[0])
		return;
	for (i = 0; i < sizeof(sources) / sizeof(sources[0]) && !out->server[0]; i++) {
		out->source = sources[i];
		read_servers(out->source, ignored, out->server);
	}
	out->kind = out->server[0] ? RESOLVER_OTHER : RESOLVER_UNKNOWN;
}

void resolver_copy(const struct resolver *r, FILE *out)
{
	_cleanup_file_ FILE *in = fopen(r->source, "re");
	char line[LINE], buf[64];

	fprintf(out, "# made by ebpfnet from %s: the host's own resolver, %s, is not reached from a namespace\n",
		r->source, r->host);
	while (in && fgets(line, sizeof(line), in))
		if (line[0] != '#' && line[0] != ';' && (!*server_of(line, buf) || is_reachable(buf)))
			fputs(line, out);
}
