// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Namespaces that are there before `up`, under the names that it would make: made by hand, as in the tutorial's first
 * step. One that nobody uses is attached, not made: `down` leaves it. One that somebody may have made without a network
 * on purpose, to confine what runs there, is not touched. So unused means: nothing but lo, on it nothing but loopback
 * addresses, and no process inside.
 */
#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/model/model.h"

/* Every new namespace has these if their modules are loaded (net.core.fb_tunnels_only_for_init_net). */
static bool is_fallback_tunnel(const char *dev)
{
	static const char *const names[] = { "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0",
					     "ip6tnl0", "ip6gre0" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(dev, names[i]))
			return true;
	return false;
}

static bool is_loopback(const struct sockaddr *addr)
{
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)addr;
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)addr;

	if (addr->sa_family == AF_INET)
		return ntohl(ipv4->sin_addr.s_addr) >> 24 == 127;
	return addr->sa_family != AF_INET6 || IN6_IS_ADDR_LOOPBACK(&ipv6->sin6_addr);
}

#define WHAT 64

/* Runs inside. arg: what is there, or "". */
static int find_device(void *arg)
{
	struct ifaddrs *all, *a;
	char *what = arg;

	if (getifaddrs(&all))
		return log_err(-errno, "cannot list the devices of a namespace: %s", strerror(errno));
	for (a = all; a && !*what; a = a->ifa_next) {
		bool is_lo = !strcmp(a->ifa_name, "lo");

		if (!is_lo && (!is_fallback_tunnel(a->ifa_name) || a->ifa_flags & IFF_UP))
			snprintf(what, WHAT, "device %s", a->ifa_name);
		else if (a->ifa_addr && !is_loopback(a->ifa_addr))
			snprintf(what, WHAT, "an address on %s", a->ifa_name);
	}
	freeifaddrs(all);
	return 0;
}

int endpoint_adopt(const char *name, char path[NETNS_PATH], struct netns_id *id)
{
	_cleanup_fd_ int fd = -1;
	char what[WHAT] = "", pid[NETNS_PID];
	uint64_t own;
	int r = 0;

	if (!netns_name_taken(name))
		return 0;
	netns_path(name, path);
	fd = netns_open(path, id);
	if (fd < 0)
		return log_err(-EEXIST, "%s is there already and no namespace; remove it, or choose another "
					"name", path);
	if (!netns_own_cookie(&own) && own == id->cookie)
		return log_err(-EEXIST, "namespace %s is the host's own; choose another name with --ns", name);
	r = netns_run(fd, find_device, what);
	if (!r && !*what)
		snprintf(what, WHAT, "%s%s", netns_process(id->dev, id->ino, pid) ? "process " : "", pid);
	if (r || !*what)
		return r ? r : 1;
	return log_err(-EEXIST, "namespace %s is there already and in use (%s is in it); choose another name with "
				"--ns, or `ebpfnet up --ns none` and then `ebpfnet attach %s`", name, what, name);
}
