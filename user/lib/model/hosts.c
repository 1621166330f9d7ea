// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/model/hosts.h"
#include "lib/model/resolver.h"

#define RUN_DIR "/run/ebpfnet"
#define HOSTS RUN_DIR "/hosts"
#define RESOLV RUN_DIR "/resolv.conf"
#define ETC_NETNS "/etc/netns"

/* ---- the files ---- */

/* For all users to read, whatever the umask, as are the files. */
static void make_folder(const char *path)
{
	if (!mkdir(path, 0755))
		chmod(path, 0755);
}

/* A link in its place is not followed. */
static FILE *open_shared(const char *path)
{
	_cleanup_fd_ int fd = -1;
	FILE *out;

	make_folder(RUN_DIR);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	out = fd < 0 || fchmod(fd, 0644) ? NULL : fdopen(fd, "w");
	if (out)
		TAKE_FD(fd);
	else
		log_warn("cannot write %s, so names do not resolve inside namespaces: %s", path, strerror(errno));
	return out;
}

static void end_shared(FILE *out, const char *path)
{
	if (fflush(out) || ferror(out))
		log_warn("cannot write %s, so names may not resolve inside namespaces: %s", path, strerror(errno));
}

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

static void write_resolver(void)
{
	_cleanup_file_ FILE *out = NULL;
	struct resolver r;

	resolver_find(&r);
	if (r.kind != RESOLVER_OTHER) {
		unlink(RESOLV);
		return;
	}
	out = open_shared(RESOLV);
	if (!out)
		return;
	resolver_copy(&r, out);
	end_shared(out, RESOLV);
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
		unlink(RESOLV);
		rmdir(RUN_DIR);
		if (host.made & MADE_ETC_NETNS)
			rmdir(ETC_NETNS); /* fails, as it should, if it is not empty */
		return 0;
	}
	out = open_shared(HOSTS);
	if (!out)
		return 0;
	copy_host_file(out);
	print_names(out, &host, all, count);
	end_shared(out, HOSTS);
	write_resolver();
	return 0;
}

/* ---- the links ---- */

static bool is_link_to(const char *path, const char *to)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target));

	return n == (ssize_t)strlen(to) && !memcmp(target, to, n);
}

static bool is_missing(const char *path)
{
	struct stat st;

	return lstat(path, &st) && errno == ENOENT;
}

static const char *etc_path(const char *name, const char *file, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, ETC_NETNS "/%s/%s", name, file);
	return path;
}

/* 0, or why nothing can be created for namespaces in /etc: EROFS. */
static int etc_error(void)
{
	if (!faccessat(AT_FDCWD, ETC_NETNS, W_OK, AT_EACCESS))
		return 0;
	return errno == ENOENT && !faccessat(AT_FDCWD, "/etc", W_OK, AT_EACCESS) ? 0 : errno;
}

bool hosts_etc_missing(void)
{
	return is_missing(ETC_NETNS) && !etc_error();
}

static bool wants_resolver(const char *name, uint16_t flags)
{
	char path[PATH_MAX];
	struct resolver r;

	resolver_find(&r);
	etc_path(name, "resolv.conf", path);
	return flags & NS_MADE && r.kind == RESOLVER_OTHER && (is_missing(path) || is_link_to(path, RESOLV));
}

void hosts_plan(const char *name, uint16_t *flags)
{
	char dir[PATH_MAX], path[PATH_MAX];
	int error = etc_error();

	if (error) {
		log_warn("names of other namespaces do not resolve inside %s: cannot write to /etc: %s", name,
			 strerror(error));
		return;
	}
	etc_path(name, "hosts", path);
	if (is_missing(path) || is_link_to(path, HOSTS))
		*flags |= NS_HOSTS_LINK;
	else
		log_warn("%s is there already: names of other namespaces do not resolve inside %s", path,
			 name);
	if (is_missing(etc_path(name, "", dir)))
		*flags |= NS_HOSTS_DIR;
}

const char *hosts_problem(const char *name, uint16_t flags)
{
	char path[PATH_MAX];

	if (flags & NS_HOSTS_LINK && !is_link_to(etc_path(name, "hosts", path), HOSTS))
		return "the hosts file";
	if (etc_error() || wants_resolver(name, flags) == is_link_to(etc_path(name, "resolv.conf", path), RESOLV))
		return NULL;
	return "the resolver file";
}

static void make_link(const char *name, const char *file, const char *to)
{
	char path[PATH_MAX];

	etc_path(name, file, path);
	if (symlink(to, path) && !is_link_to(path, to))
		log_warn("cannot make %s, so names do not resolve inside %s: %s", path, name, strerror(errno));
}

static void remove_link(const char *name, const char *file, const char *to)
{
	char path[PATH_MAX];

	if (is_link_to(etc_path(name, file, path), to) && unlink(path))
		log_warn("cannot remove %s: %s", path, strerror(errno));
}

void hosts_link(const char *name, uint16_t flags)
{
	char dir[PATH_MAX];

	if (etc_error())
		return;
	make_folder(ETC_NETNS);
	make_folder(etc_path(name, "", dir));
	if (flags & NS_HOSTS_LINK)
		make_link(name, "hosts", HOSTS);
	if (wants_resolver(name, flags))
		make_link(name, "resolv.conf", RESOLV);
	else
		remove_link(name, "resolv.conf", RESOLV);
}

void hosts_unlink(const char *name, uint16_t flags)
{
	char dir[PATH_MAX];

	if (flags & NS_HOSTS_LINK)
		remove_link(name, "hosts", HOSTS);
	remove_link(name, "resolv.conf", RESOLV);
	if (flags & NS_HOSTS_DIR)
		rmdir(etc_path(name, "", dir));
}

/* Links to the files that nobody writes any more. */
static bool remove_stale(const char *name)
{
	char hosts[PATH_MAX], resolv[PATH_MAX];

	if (name[0] == '.')
		return false;
	if (!is_link_to(etc_path(name, "hosts", hosts), HOSTS) &&
	    !is_link_to(etc_path(name, "resolv.conf", resolv), RESOLV))
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
	unlink(RESOLV);
	rmdir(RUN_DIR);
}

/* ---- DNS ---- */

bool hosts_say_resolver(const char *attached)
{
	struct resolver r;

	resolver_find(&r);
	if (r.kind == RESOLVER_UNKNOWN)
		log_warn("no DNS inside: the host's resolver %s is not reached from a namespace, and no other is "
			 "known; write `nameserver ADDR` into /etc/netns/NAME/resolv.conf", r.host);
	else if (r.kind == RESOLVER_OTHER && attached)
		log_info("DNS inside %s: the host's resolver %s is not reached from there; use `nameserver %s`, of %s",
			 attached, r.host, r.server, r.source);
	return r.kind != RESOLVER_UNKNOWN;
}
