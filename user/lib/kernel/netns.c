// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/kernel/netns.h"

#define SELF "/proc/thread-self/ns/net"

void netns_path(const char *name, char path[NETNS_PATH])
{
	snprintf(path, NETNS_PATH, NETNS_DIR "/%s", name);
}

int netns_absolute(const char *path, char absolute[NETNS_PATH])
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char folder[PATH_MAX], real[PATH_MAX];

	if (snprintf(folder, sizeof(folder), "./%.*s", (int)(base - path), path) >= (int)sizeof(folder))
		return -ENAMETOOLONG;
	if (!realpath(*path == '/' ? folder + 2 : folder, real))
		return -errno;
	if (snprintf(absolute, NETNS_PATH, "%s/%s", strcmp(real, "/") ? real : "", base) >= NETNS_PATH)
		return -ENAMETOOLONG;
	return 0;
}

int netns_own_cookie(uint64_t *cookie)
{
	_cleanup_fd_ int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*cookie);

	if (sock < 0 || getsockopt(sock, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &len))
		return -errno;
	return 0;
}

static void go_home(int home)
{
	if (setns(home, CLONE_NEWNET))
		abort(); /* every later call would change the wrong namespace */
}

static int cookie_of(int fd, uint64_t *cookie)
{
	_cleanup_fd_ int home = open(SELF, O_RDONLY | O_CLOEXEC);
	int r;

	if (home < 0 || setns(fd, CLONE_NEWNET))
		return -errno;
	r = netns_own_cookie(cookie);
	go_home(home);
	return r;
}

int netns_open(const char *path, struct netns_id *id)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return -EINVAL;
	if (!id)
		return TAKE_FD(fd);
	if (fstat(fd, &st))
		return -errno;
	*id = (struct netns_id){ .dev = st.st_dev, .ino = st.st_ino };
	r = cookie_of(fd, &id->cookie);
	return r ? r : TAKE_FD(fd);
}

int netns_stat(const char *path, struct netns_id *id)
{
	_cleanup_fd_ int fd = netns_open(path, id);

	return fd < 0 ? fd : 0;
}

bool netns_name_taken(const char *name)
{
	char path[NETNS_PATH];

	netns_path(name, path);
	return !access(path, F_OK);
}

int netns_check_folder(void)
{
	const char *folder = access(NETNS_DIR, F_OK) ? "/run" : NETNS_DIR;

	if (!faccessat(AT_FDCWD, folder, W_OK, AT_EACCESS))
		return 0;
	return log_err(-errno, "cannot make or remove names of namespaces in " NETNS_DIR ": cannot write to %s: %s; "
			       "`ebpfnet up --ns none` and `ebpfnet attach` work without", folder, strerror(errno));
}

/*
 * Makes /run/netns a shared mount, as iproute2 does, so that existing mount namespaces see, and can remove, names made
 * here.
 */
static int prepare_folder(void)
{
	if (mkdir(NETNS_DIR, 0755) && errno != EEXIST)
		return -errno;
	if (!mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL))
		return 0;
	if (errno != EINVAL)
		return -errno;
	if (mount(NETNS_DIR, NETNS_DIR, "none", MS_BIND | MS_REC, NULL) ||
	    mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL))
		return -errno;
	return 0;
}

/* Mounts a new namespace at a path; the caller stays in its own. */
static int bind_new(const char *path)
{
	_cleanup_fd_ int home = open(SELF, O_RDONLY | O_CLOEXEC);
	int r = 0;

	if (home < 0 || unshare(CLONE_NEWNET))
		return -errno;
	if (mount(SELF, path, "none", MS_BIND, NULL))
		r = -errno;
	go_home(home);
	return r;
}

int netns_make(const char *name)
{
	char path[NETNS_PATH];
	int fd, r;

	netns_path(name, path);
	r = prepare_folder();
	if (r)
		return log_err(r, "cannot prepare " NETNS_DIR " for namespace %s: %s", name,
			       strerror(-r));
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
	if (fd < 0 && errno == EEXIST)
		return log_err(-EEXIST, "cannot make namespace %s: the name is in use; choose another, or attach it "
					"with `ebpfnet attach %s`", name, name);
	if (fd < 0)
		return log_err(-errno, "cannot make %s: %s", path, strerror(errno));
	close(fd);
	r = bind_new(path);
	if (!r)
		return 0;
	unlink(path);
	return log_err(r, "cannot make namespace %s: %s", name, strerror(-r));
}

bool netns_process(uint64_t dev, uint64_t ino, char pid[NETNS_PID])
{
	_cleanup_dir_ DIR *proc = opendir("/proc");
	struct dirent *entry;
	char path[64];
	struct stat st;
	int r;

	pid[0] = '\0';
	while (proc && !pid[0] && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/ns/net", entry->d_name);
		r = stat(path, &st) ? -errno : 0;
		if (r == -EACCES || r == -EPERM || (!r && dev == st.st_dev && ino == st.st_ino))
			snprintf(pid, NETNS_PID, "%.16s", entry->d_name);
	}
	if (!proc)
		snprintf(pid, NETNS_PID, "unknown");
	return pid[0];
}

int netns_remove(const char *name)
{
	char path[NETNS_PATH];

	netns_path(name, path);
	/* EINVAL: no namespace is mounted on the file; a killed command left it */
	if (umount2(path, MNT_DETACH) && errno != EINVAL && errno != ENOENT)
		return log_err(-errno, "cannot unmount %s: %s", path, strerror(errno));
	if (unlink(path) && errno != ENOENT)
		return log_err(-errno, "cannot remove %s: %s", path, strerror(errno));
	return 0;
}

int netns_run(int fd, int (*fn)(void *arg), void *arg)
{
	_cleanup_fd_ int home = open(SELF, O_RDONLY | O_CLOEXEC);
	int r;

	if (home < 0 || setns(fd, CLONE_NEWNET))
		return log_err(-errno, "cannot enter the namespace: %s", strerror(errno));
	r = fn(arg);
	go_home(home);
	return r;
}

/* /sys shows the namespace's devices. That hides other mounts below /sys, as under `ip netns exec`. */
static int own_sys(void)
{
	unsigned long flags = 0;
	struct statvfs sys;

	if (!statvfs("/sys", &sys) && sys.f_flag & ST_RDONLY)
		flags = MS_RDONLY;
	if (umount2("/sys", MNT_DETACH) && errno != EINVAL)
		return -errno;
	return mount("sysfs", "/sys", "sysfs", flags, NULL) ? -errno : 0;
}

static void own_etc(const char *name)
{
	char from[512], to[512];
	_cleanup_dir_ DIR *dir = NULL;
	struct dirent *entry;

	snprintf(from, sizeof(from), "/etc/netns/%s", name);
	dir = opendir(from);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(from, sizeof(from), "/etc/netns/%s/%s", name, entry->d_name);
		snprintf(to, sizeof(to), "/etc/%s", entry->d_name);
		if (mount(from, to, "none", MS_BIND, NULL))
			log_warn("%s is not seen as %s inside: %s", from, to, strerror(errno));
	}
}

int netns_become(int fd, const char *name)
{
	int r;

	if (setns(fd, CLONE_NEWNET) || unshare(CLONE_NEWNS) ||
	    mount("", "/", "none", MS_SLAVE | MS_REC, NULL))
		return log_err(-errno, "cannot enter namespace %s: %s", name, strerror(errno));
	r = own_sys();
	if (r)
		return log_err(r, "cannot mount /sys for namespace %s: %s", name, strerror(-r));
	own_etc(name);
	return 0;
}
