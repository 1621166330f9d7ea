// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/model/hosts.h"
#include "lib/base/log.h"

#define RUN_DIR "/run/ebpfnet"
#define HOSTS RUN_DIR "/hosts"
#define ETC_NETNS "/etc/netns"

static void copy_host_file(FILE *out)
{
	_cleanup_file_ FILE *in = fopen("/etc/hosts", "re");
	char buf[4096];
	size_t n;

	while (in && (n = fread(buf, 1, sizeof(buf), in)))
		fwrite(buf, 1, n, out);
}

static void print_names(FILE *out, const struct host_record *host, const struct ns_entry *all,
			size_t count)
{
	char addr[ADDR_TEXT];
	size_t i;

	fprintf(out, "\n# ebpfnet\n%-15s gateway\n", addr_text(host->gateway, addr));
	for (i = 0; i < count; i++)
		if (!(all[i].rec.flags & NS_PENDING))
			fprintf(out, "%-15s %s\n", addr_text(all[i].rec.addr, addr), all[i].name);
}

int hosts_write(const struct store *s)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	_cleanup_file_ FILE *out = NULL;
	struct host_record host;
	size_t count;
	int r;

	r = store_ns_all(s, &all, &count);
	if (!r)
		r = store_host(s, &host);
	if (r)
		return r;
	if (!count) {
		unlink(HOSTS);
		rmdir(RUN_DIR);
		if (host.made & MADE_ETC_NETNS)
			rmdir(ETC_NETNS); /* fails, as it should, if it is not empty */
		return 0;
	}
	mkdir(RUN_DIR, 0755);
	out = fopen(HOSTS, "we");
	if (!out)
		return log_err(-errno, "cannot write " HOSTS ": %s", strerror(errno));
	copy_host_file(out);
	print_names(out, &host, all, count);
	return fflush(out) ? log_err(-errno, "cannot write " HOSTS ": %s", strerror(errno)) : 0;
}

static bool is_our_link(const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target));

	return n == sizeof(HOSTS) - 1 && !memcmp(target, HOSTS, n);
}

bool hosts_etc_missing(void)
{
	return access(ETC_NETNS, F_OK) && errno == ENOENT;
}

void hosts_plan(const char *name, uint16_t *flags)
{
	char dir[PATH_MAX], path[PATH_MAX];
	struct stat st;

	snprintf(dir, sizeof(dir), ETC_NETNS "/%s", name);
	snprintf(path, sizeof(path), ETC_NETNS "/%s/hosts", name);
	if (lstat(path, &st) || is_our_link(path))
		*flags |= NS_HOSTS_LINK;
	else
		log_warn("%s is there already: names of other namespaces do not resolve inside %s", path,
			 name);
	if (lstat(dir, &st))
		*flags |= NS_HOSTS_DIR;
}

bool hosts_is_linked(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), ETC_NETNS "/%s/hosts", name);
	return is_our_link(path);
}

int hosts_link(const char *name, uint16_t flags)
{
	char dir[PATH_MAX], path[PATH_MAX];

	if (!(flags & NS_HOSTS_LINK))
		return 0;
	snprintf(dir, sizeof(dir), ETC_NETNS "/%s", name);
	snprintf(path, sizeof(path), ETC_NETNS "/%s/hosts", name);
	mkdir(ETC_NETNS, 0755);
	mkdir(dir, 0755);
	if (!symlink(HOSTS, path) || is_our_link(path))
		return 0;
	return log_err(-EEXIST, "cannot make %s: is something else there by now?", path);
}

void hosts_unlink(const char *name, uint16_t flags)
{
	char dir[PATH_MAX], path[PATH_MAX];

	snprintf(dir, sizeof(dir), ETC_NETNS "/%s", name);
	snprintf(path, sizeof(path), ETC_NETNS "/%s/hosts", name);
	if (flags & NS_HOSTS_LINK && is_our_link(path))
		unlink(path);
	if (flags & NS_HOSTS_DIR)
		rmdir(dir);
}

/* A link to the file that nobody writes any more. */
static bool remove_stale(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), ETC_NETNS "/%s/hosts", name);
	if (name[0] == '.' || !is_our_link(path))
		return false;
	hosts_unlink(name, NS_HOSTS_LINK | NS_HOSTS_DIR);
	return true;
}

bool hosts_sweep(void)
{
	_cleanup_dir_ DIR *dir = NULL;
	struct dirent *entry;
	bool any = false;

	if (access(HOSTS, F_OK))
		dir = opendir(ETC_NETNS);
	while (dir && (entry = readdir(dir)))
		any |= remove_stale(entry->d_name);
	if (any)
		rmdir(ETC_NETNS); /* fails if it is not empty */
	return any;
}

void hosts_forget(void)
{
	unlink(HOSTS);
	rmdir(RUN_DIR);
}
