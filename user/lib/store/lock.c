// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The lock is a flock(2) on the folder of our pins: the kernel releases it when its holder dies, and it needs no file
 * elsewhere. The folder is made and removed with the network. So a new holder checks that the folder still exists, and
 * a holder that is done removes the folder if it is empty.
 *
 * The kernel queues those who wait in flock(2), and wakes one of them for each release: a thousand commands take
 * their turns in the order in which they came. A call that a signal ends loses its place. So a thread waits there, and
 * its caller looks from time to time whether there is progress: each holder sets the modification time of the folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/store/lock.h"

#define DEFAULT_BPFFS "/sys/fs/bpf"
#define FOLDER "ebpfnet"
#define STALL_S 30	/* without progress of the holder */
#define TRIES 1000	/* to lock a folder that other commands make and remove */

int nothing_up(void)
{
	return log_err(-ENOENT, "nothing is up; run `ebpfnet up`");
}

/* ---- the folder ---- */

static bool is_trusted(uid_t owner)
{
	return !owner || owner == geteuid();
}

/* The inode of the initial user namespace: PROC_USER_INIT_INO of linux/proc_ns.h. */
static bool is_in_user_namespace(void)
{
	struct stat st;

	return !stat("/proc/self/ns/user", &st) && st.st_ino != 0xEFFFFFFDU;
}

/* The kernel refuses bpffs mounts and programs inside a user namespace, whatever the capabilities there. */
static int no_bpffs(int r, const char *bpffs, const char *why)
{
	if (is_in_user_namespace())
		return log_err(r, "cannot use %s: %s; the kernel accepts BPF programs only from outside of user "
				  "namespaces: run ebpfnet there", bpffs, why);
	return log_err(r, "cannot use %s: %s; mount a bpffs with `mount -t bpf -o mode=0700 bpf %s`", bpffs, why,
		       bpffs);
}

static int check_bpffs(const char *bpffs, int fd)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) || fstat(fd, &st))
		return log_err(-errno, "cannot read %s: %s", bpffs, strerror(errno));
	if (fs.f_type != BPF_FS_MAGIC)
		return no_bpffs(-ENODEV, bpffs, "it is not a bpffs");
	if (!is_trusted(st.st_uid) && is_in_user_namespace())
		return no_bpffs(-EPERM, bpffs, "it belongs to a user outside of this user namespace");
	if (!is_trusted(st.st_uid))
		return log_err(-EPERM, "bpffs %s belongs to user %u, who could replace what ebpfnet pins there; "
				       "name another with --bpffs", bpffs, st.st_uid);
	if (st.st_mode & 022 && !(st.st_mode & S_ISVTX))
		return log_err(-EPERM, "anybody could replace what ebpfnet pins in %s; `chmod 0700 %s` first", bpffs,
			       bpffs);
	return 0;
}

/* Returns a descriptor. Quiet: -ENOENT. */
static int open_folder(const struct store *s)
{
	_cleanup_fd_ int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return log_err(-EPERM, "%s is not a folder that ebpfnet made; remove it first", s->dir);
	if (fd < 0)
		return log_err(-errno, "cannot open %s: %s%s", s->dir, strerror(errno),
			       errno == EACCES ? "; run it as root or with CAP_DAC_OVERRIDE, or as who ran `up`" : "");
	if (fstat(fd, &st))
		return log_err(-errno, "cannot read %s: %s", s->dir, strerror(errno));
	if (!is_trusted(st.st_uid))
		return log_err(-EPERM, "%s belongs to user %u, so what is in it is not believed; remove it, or run "
				       "ebpfnet as that user", s->dir, st.st_uid);
	if (st.st_mode & 022)
		return log_err(-EPERM, "others may write to %s, so what is in it is not believed; remove it, or "
				       "`chmod 0700 %s` if you know what is in it", s->dir, s->dir);
	return TAKE_FD(fd);
}

int folder_find(struct store *s, const char *bpffs)
{
	_cleanup_fd_ int root = -1, folder = -1;
	int r;

	if (!bpffs)
		bpffs = getenv("EBPFNET_BPFFS");
	if (!bpffs)
		bpffs = DEFAULT_BPFFS;
	root = open(bpffs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return no_bpffs(-errno, bpffs, strerror(errno));
	r = check_bpffs(bpffs, root);
	if (r)
		return r;
	if (snprintf(s->dir, sizeof(s->dir), "%s/" FOLDER, bpffs) >= (int)sizeof(s->dir)) {
		s->dir[0] = '\0';
		return log_err(-ENAMETOOLONG, "path of the bpffs is too long: %s", bpffs);
	}
	folder = open_folder(s);
	return folder < 0 && folder != -ENOENT ? folder : 0;
}

static int make_folder(const struct store *s)
{
	if (!mkdir(s->dir, 0700) || errno == EEXIST)
		return 0;
	return log_err(-errno, "cannot make %s: %s%s", s->dir, strerror(errno),
		       errno != EACCES ? "" : "; run it as root or with CAP_DAC_OVERRIDE, or name a "
					     "bpffs of yours with --bpffs");
}

/* ---- waiting ---- */

/* Shared by the thread in flock(2) and its caller; the last of the two frees it. */
struct wait {
	pthread_mutex_t mutex;
	pthread_cond_t ended;
	int fd;			/* a duplicate, the thread's; the lock belongs to both */
	bool is_done, is_alone;	/* the thread has its answer; the caller is gone */
	int r;
};

static void wait_free(struct wait *w)
{
	close(w->fd);
	pthread_cond_destroy(&w->ended);
	pthread_mutex_destroy(&w->mutex);
	free(w);
}

/* A lock that is granted after the caller is gone is released at once. */
static void *wait_in_kernel(void *arg)
{
	struct wait *w = arg;
	int r;
	bool is_alone;

	do
		r = flock(w->fd, LOCK_EX) ? -errno : 0;
	while (r == -EINTR);
	pthread_mutex_lock(&w->mutex);
	w->r = r;
	w->is_done = true;
	is_alone = w->is_alone;
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->mutex);
	if (is_alone)
		wait_free(w);
	return NULL;
}

/* Signals are the caller's, also while it waits. */
static int start_thread(struct wait *w, pthread_t *thread)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(thread, NULL, wait_in_kernel, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

static bool progressed(int fd, struct timespec *last)
{
	struct stat st;
	bool same;

	if (fstat(fd, &st))
		return false;
	same = st.st_mtim.tv_sec == last->tv_sec && st.st_mtim.tv_nsec == last->tv_nsec;
	*last = st.st_mtim;
	return !same;
}

/* -EBUSY: no command has got the lock for STALL_S, nor pinned anything. */
static int wait_for_thread(struct wait *w, int fd)
{
	struct timespec until, last = {};
	int r = 0;

	pthread_mutex_lock(&w->mutex);
	while (!w->is_done && progressed(fd, &last)) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += STALL_S;
		for (r = 0; !w->is_done && r != ETIMEDOUT;)
			r = pthread_cond_timedwait(&w->ended, &w->mutex, &until);
	}
	r = w->is_done ? w->r : -EBUSY;
	w->is_alone = !w->is_done;
	pthread_mutex_unlock(&w->mutex);
	return r;
}

static int wait_fairly(int fd)
{
	struct wait *w = calloc(1, sizeof(*w));
	pthread_condattr_t monotonic;
	pthread_t thread;
	int r;

	if (!w)
		return -ENOMEM;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&w->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&w->mutex, NULL);
	w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	r = w->fd < 0 ? -errno : start_thread(w, &thread);
	if (r) {
		wait_free(w);
		return r;
	}
	r = wait_for_thread(w, fd);
	if (r == -EBUSY) {
		pthread_detach(thread);
		return r;
	}
	pthread_join(thread, NULL);
	wait_free(w);
	return r;
}

static int take(int fd)
{
	int r = flock(fd, LOCK_EX | LOCK_NB) ? -errno : 0;

	if (r == -EWOULDBLOCK)
		r = wait_fairly(fd);
	if (r == -EBUSY)
		return log_err(r, "another ebpfnet command has been at work for %d s without progress; try again "
				  "when it is done", STALL_S);
	if (r)
		return log_err(r, "cannot lock the state: %s", strerror(-r));
	futimens(fd, NULL);	/* says to those who wait that somebody's turn has come */
	return 0;
}

int folder_lock(struct store *s, bool make)
{
	struct stat st;
	int tries, r;

	for (tries = 0; tries < TRIES; tries++) {
		_cleanup_fd_ int fd = -1;

		r = make ? make_folder(s) : 0;
		if (r)
			return r;
		fd = open_folder(s);
		if (fd == -ENOENT && make)
			continue;
		if (fd == -ENOENT)
			return nothing_up();
		if (fd < 0)
			return fd;
		r = take(fd);
		if (r)
			return r;
		/* the previous holder may have removed it in the meantime */
		if (fstat(fd, &st) == 0 && st.st_nlink > 0) {
			s->lock_fd = TAKE_FD(fd);
			return 0;
		}
	}
	return log_err(-EBUSY, "%s is made and removed all the time; what does that?", s->dir);
}

void folder_unlock(struct store *s)
{
	if (s->lock_fd >= 0)
		rmdir(s->dir);	/* fails if anything is pinned there */
	close_fd(&s->lock_fd);
	s->lock_fd = -1;
}
