// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/kernel/listeners.h"

/* include/net/tcp_states.h; an unconnected UDP socket is in state TCP_CLOSE */
#define TCP_CLOSE 7
#define TCP_LISTEN 10

/*
 * An address is printed as words of 8 hex digits, each a number in the machine's byte order. Of IPv6
 * only :: (which accepts IPv4 too, unless IPV6_V6ONLY) and ::ffff:A.B.C.D matter.
 */
static bool read_addr(const char *hex, struct ipaddr *out)
{
	static const char mapped[] = "0000000000000000FFFF0000", any[] = "000000000000000000000000";
	uint32_t word;

	if (strlen(hex) == 32) {
		if (strncmp(hex, mapped, 24) && (strncmp(hex, any, 24) || strcmp(hex + 24, any + 16)))
			return false;
		hex += 24;
	}
	if (sscanf(hex, "%8" SCNx32, &word) != 1)
		return false;
	memcpy(out, &word, sizeof(*out));
	return true;
}

static int read_table(const char *path, unsigned int state,
		      int (*fn)(const struct listener *l, void *arg), void *arg)
{
	_cleanup_file_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	char addr[33];
	unsigned int port, st;
	struct listener l;
	size_t room = 0;
	int r = 0;

	if (!f && errno == ENOENT)
		return 0; /* no IPv6 */
	if (!f)
		return log_err(-errno, "cannot read %s: %s", path, strerror(errno));
	while (!r && getline(&line, &room, f) >= 0) {
		if (sscanf(line, "%*d: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u "
				 "%*u %" SCNu64,
			   addr, &port, &st, &l.inode) != 4)
			continue;
		l.port_h = port;
		if (st == state && read_addr(addr, &l.addr))
			r = fn(&l, arg);
	}
	return r;
}

int listeners_each(enum l4proto proto, int (*fn)(const struct listener *l, void *arg), void *arg)
{
	bool tcp = proto == L4_TCP;
	unsigned int state = tcp ? TCP_LISTEN : TCP_CLOSE;
	int r;

	r = read_table(tcp ? "/proc/thread-self/net/tcp" : "/proc/thread-self/net/udp", state, fn,
		       arg);
	return r ? r : read_table(tcp ? "/proc/thread-self/net/tcp6" : "/proc/thread-self/net/udp6",
				  state, fn, arg);
}

static bool holds(const char *pid, const char *link)
{
	char path[64], target[64];
	_cleanup_dir_ DIR *dir = NULL;
	struct dirent *fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = opendir(path);
	while (dir && (fd = readdir(dir))) {
		n = readlinkat(dirfd(dir), fd->d_name, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		if (!strcmp(target, link))
			return true;
	}
	return false;
}

bool socket_owner(uint64_t inode, pid_t *pid, char comm[16])
{
	_cleanup_dir_ DIR *proc = opendir("/proc");
	_cleanup_file_ FILE *f = NULL;
	char link[64], path[64];
	struct dirent *entry;

	snprintf(link, sizeof(link), "socket:[%" PRIu64 "]", inode);
	while (proc && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]) || !holds(entry->d_name, link))
			continue;
		*pid = atoi(entry->d_name);
		snprintf(path, sizeof(path), "/proc/%d/comm", *pid);
		f = fopen(path, "re");
		return f && fscanf(f, "%15[^\n]", comm) == 1;
	}
	return false;
}
