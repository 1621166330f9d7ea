// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
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

/* The networks of a namespace: bit N - 1 for network N. */
static uint64_t networks_of(const struct ns_entry *all, size_t count, const char *name)
{
	uint64_t set = 0;
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(all[i].name, name))
			set |= 1ull << (all[i].rec.net - 1);
	return set;
}

static const char *set_path(uint64_t set, char path[HOSTS_PATH])
{
	size_t len = snprintf(path, HOSTS_PATH, HOSTS);
	char before = '.';
	int net;

	for (net = 1; set != 1 && net <= EBPFNET_MAX_NETWORKS; net++)
		if (set >> (net - 1) & 1) {
			len += snprintf(path + len, HOSTS_PATH - len, "%c%d", before, net);
			before = '+';
		}
	return path;
}

const char *hosts_file(const struct ns_entry *all, size_t count, const char *name, char path[HOSTS_PATH])
{
	return set_path(networks_of(all, count, name), path);
}

static void print_endpoint(FILE *out, const struct ns_entry *e)
{
	char addr[ADDR_TEXT];

	fprintf(out, "%-15s %s", addr_text(e->rec.addr, addr), e->name);
	/* a label may be any text: that of a container is the name of a host */
	if (e->rec.client != PLUG_USER && text_is_host_name(e->rec.label) && strcmp(e->rec.label, e->name))
		fprintf(out, " %s", e->rec.label);
	fprintf(out, "%s%s\n", e->rec.aliases[0] ? " " : "", e->rec.aliases);
}

static void print_names(FILE *out, const struct session *x, uint64_t set, const struct ns_entry *all, size_t count)
{
	char addr[ADDR_TEXT];
	size_t i;

	fprintf(out, "\n# ebpfnet\n");
	for (i = 0; i < x->net_count; i++)
		if (set >> (x->nets[i].id - 1) & 1) {
			fprintf(out, "%-15s gateway\n", addr_text(x->nets[i].rec.gateway, addr));
			break;
		}
	for (i = 0; i < count; i++)
		if (!(all[i].rec.flags & NS_PENDING) && set >> (all[i].rec.net - 1) & 1)
			print_endpoint(out, &all[i]);
}

static void write_set(const struct session *x, uint64_t set, const struct ns_entry *all, size_t count)
{
	_cleanup_file_ FILE *out = NULL;
	char path[HOSTS_PATH];

	out = open_shared(set_path(set, path));
	if (!out)
		return;
	copy_host_file(out);
	print_names(out, x, set, all, count);
	end_shared(out, path);
}

/* Calls fn for the path of each hosts file that is there. */
static void each_file(void (*fn)(const char *path, void *arg), void *arg)
{
	_cleanup_dir_ DIR *dir = opendir(RUN_DIR);
	struct dirent *entry;
	char path[HOSTS_PATH + sizeof(RUN_DIR)];

	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "hosts", 5)) {
			snprintf(path, sizeof(path), RUN_DIR "/%s", entry->d_name);
			fn(path, arg);
		}
}

struct sets {
	uint64_t *set;
	size_t count;
};

static void remove_unused(const char *path, void *arg)
{
	const struct sets *used = arg;
	char other[HOSTS_PATH];
	size_t i;

	for (i = 0; used && i < used->count; i++)
		if (!strcmp(path, set_path(used->set[i], other)))
			return;
	unlink(path);
}

static void add_set(struct sets *sets, uint64_t set)
{
	size_t i;

	for (i = 0; i < sets->count; i++)
		if (sets->set[i] == set)
			return;
	sets->set[sets->count++] = set;
}

/* Which files are needed. The networks of each namespace are looked for only if one is in several. */
static int find_sets(const struct ns_entry *all, size_t count, struct sets *out)
{
	bool several = false;
	size_t i;

	out->set = calloc(count, sizeof(*out->set));
	if (!out->set)
		return log_err(-ENOMEM, "no memory for the names of %zu namespaces", count);
	for (i = 0; i < count; i++)
		several |= all[i].rec.order > 0;
	for (i = 0; i < count; i++)
		add_set(out, several ? networks_of(all, count, all[i].name) : 1ull << (all[i].rec.net - 1));
	return 0;
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

static void remove_files(void)
{
	each_file(remove_unused, NULL);
	unlink(RESOLV);
	rmdir(RUN_DIR);
}

int hosts_write(const struct session *x)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	struct sets sets = {};
	size_t i, count;
	int r;

	r = store_ns_all(&x->s, &all, &count);
	if (r)
		return r;
	if (!count) {
		remove_files();
		if (x->host.made & MADE_ETC_NETNS)
			rmdir(ETC_NETNS); /* fails, as it should, if it is not empty */
		return 0;
	}
	r = find_sets(all, count, &sets);
	for (i = 0; i < sets.count && !r; i++)
		write_set(x, sets.set[i], all, count);
	if (!r)
		each_file(remove_unused, &sets);
	free(sets.set);
	if (!r)
		write_resolver();
	return r;
}

/* ---- the links ---- */

static bool is_link_to(const char *path, const char *to)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target));

	return n == (ssize_t)strlen(to) && !memcmp(target, to, n);
}

/* Of whatever networks. */
static bool is_link_to_hosts(const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target));

	return n >= (ssize_t)strlen(HOSTS) && !memcmp(target, HOSTS, strlen(HOSTS));
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
	if (is_missing(path) || is_link_to_hosts(path))
		*flags |= NS_HOSTS_LINK;
	else
		log_warn("%s is there already: names of other namespaces do not resolve inside %s", path,
			 name);
	if (is_missing(etc_path(name, "", dir)))
		*flags |= NS_HOSTS_DIR;
}

const char *hosts_problem(const char *name, const char *file, uint16_t flags)
{
	char path[PATH_MAX];

	if (flags & NS_HOSTS_LINK && !is_link_to(etc_path(name, "hosts", path), file))
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

/* One to the file of other networks than those whose file is to stay. */
static void remove_hosts_link(const char *name, const char *stays)
{
	char path[PATH_MAX];

	etc_path(name, "hosts", path);
	if (is_link_to_hosts(path) && !is_link_to(path, stays) && unlink(path))
		log_warn("cannot remove %s: %s", path, strerror(errno));
}

void hosts_link(const char *name, const char *file, uint16_t flags)
{
	char dir[PATH_MAX];

	if (etc_error())
		return;
	make_folder(ETC_NETNS);
	make_folder(etc_path(name, "", dir));
	if (flags & NS_HOSTS_LINK) {
		remove_hosts_link(name, file);
		make_link(name, "hosts", file);
	}
	if (wants_resolver(name, flags))
		make_link(name, "resolv.conf", RESOLV);
	else
		remove_link(name, "resolv.conf", RESOLV);
}

void hosts_unlink(const char *name, uint16_t flags)
{
	char dir[PATH_MAX];

	if (flags & NS_HOSTS_LINK)
		remove_hosts_link(name, "");
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
	if (!is_link_to_hosts(etc_path(name, "hosts", hosts)) &&
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

	if (access(RUN_DIR, F_OK))
		dir = opendir(ETC_NETNS);
	while (dir && (entry = readdir(dir)))
		any |= remove_stale(entry->d_name);
	if (any)
		rmdir(ETC_NETNS); /* fails if it is not empty */
	return any;
}

void hosts_forget(void)
{
	remove_files();
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
