// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Finds, locks and opens the pinned maps.
 *
 * The lock is a flock(2) on the folder of our pins: the kernel releases it when its holder dies, and it needs no file
 * elsewhere. The folder is made and removed with the network. So a new holder checks that the folder still exists, and
 * a holder that is done removes the folder if it is empty.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/store/map.h"

#define DEFAULT_BPFFS "/sys/fs/bpf"
#define LOCK_WAIT_MS 10000
#define LOCK_POLL_MS 20

static int nothing_up(void)
{
	return log_err(-ENOENT, "nothing is up; run `ebpfnet up`");
}

static int find_bpffs(struct store *s, const char *bpffs)
{
	struct statfs fs;

	if (!bpffs)
		bpffs = getenv("EBPFNET_BPFFS");
	if (!bpffs)
		bpffs = DEFAULT_BPFFS;
	if (statfs(bpffs, &fs))
		return log_err(-errno, "no bpffs at %s: %s; mount one with `mount -t bpf bpf %s`",
			       bpffs, strerror(errno), bpffs);
	if (fs.f_type != BPF_FS_MAGIC)
		return log_err(-ENODEV, "%s is not a bpffs; mount one with `mount -t bpf bpf %s`",
			       bpffs, bpffs);
	if (snprintf(s->dir, sizeof(s->dir), "%s/ebpfnet", bpffs) >= (int)sizeof(s->dir))
		return log_err(-ENAMETOOLONG, "path of the bpffs is too long: %s", bpffs);
	return 0;
}

static int denied(const char *what, const char *path, int error)
{
	return log_err(-error, "cannot %s %s: %s%s", what, path, strerror(error),
		       error == EACCES || error == EPERM ? "; run it as root" : "");
}

static int wait_lock(int fd)
{
	const struct timespec poll = { .tv_nsec = LOCK_POLL_MS * 1000000 };
	int waited;

	for (waited = 0; flock(fd, LOCK_EX | LOCK_NB); waited += LOCK_POLL_MS) {
		if (errno != EWOULDBLOCK)
			return log_err(-errno, "cannot lock the state: %s", strerror(errno));
		if (waited >= LOCK_WAIT_MS)
			return log_err(-EBUSY, "another ebpfnet command has been at work for %d s; "
					       "try again when it is done",
				       LOCK_WAIT_MS / 1000);
		nanosleep(&poll, NULL);
	}
	return 0;
}

static int take_lock(struct store *s, bool make)
{
	struct stat st;
	int r;

	for (;;) {
		_cleanup_fd_ int fd = -1;

		if (make && mkdir(s->dir, 0700) && errno != EEXIST)
			return denied("make", s->dir, errno);
		fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT) {
			if (make)
				continue;
			return nothing_up();
		}
		if (fd < 0)
			return denied("open", s->dir, errno);
		r = wait_lock(fd);
		if (r)
			return r;
		/* the previous holder may have removed it in the meantime */
		if (fstat(fd, &st) == 0 && st.st_nlink > 0) {
			s->lock_fd = TAKE_FD(fd);
			return 0;
		}
	}
}

/* Logs unless there is a complete network. */
static int need_network(const struct store *s)
{
	struct host_record host;
	enum map_id id;
	int r;

	r = store_host(s, &host);
	if (r)
		return r;
	if (!host.abi)
		return nothing_up();
	if (host.made & GOING_DOWN)
		return log_err(-ENOENT, "`ebpfnet down` was interrupted; run it again, or `ebpfnet up` for a "
					"new network");
	for (id = 0; id < MAPS; id++)
		if (s->fd[id] < 0)
			return log_err(-ENOENT, "the network is incomplete: map %s is missing; run "
						"`ebpfnet up` to finish it or `ebpfnet down`",
				       map_name(id));
	return 0;
}

bool store_whole(const struct store *s)
{
	struct host_record host;
	enum map_id id;

	for (id = 0; id < MAPS; id++)
		if (s->fd[id] < 0)
			return false;
	return !store_host(s, &host) && host.abi && !(host.made & GOING_DOWN);
}

/* An older release's network can be removed if its journal has this layout: since layout 2, with several uplinks. */
static bool is_older(uint32_t abi)
{
	return abi && abi < EBPFNET_ABI;
}

static int check_abi(const struct store *s, uint32_t abi)
{
	if (!abi || abi == EBPFNET_ABI || (is_older(abi) && s->mode == STORE_REMOVE))
		return 0;
	return log_err(-EPROTO, "%s was made by a release of ebpfnet with layout %u, this one has %u; "
				"run %s`ebpfnet down` first", s->dir, abi, EBPFNET_ABI,
		       is_older(abi) ? "" : "that release's ");
}

int store_open(struct store *s, const char *bpffs, enum store_mode mode)
{
	enum map_id id;
	int r;

	s->mode = mode;
	s->lock_fd = -1;
	for (id = 0; id < MAPS; id++)
		s->fd[id] = -1;
	r = find_bpffs(s, bpffs);
	if (!r && mode != STORE_READ && mode != STORE_LOOK)
		r = take_lock(s, mode == STORE_MAKE || mode == STORE_REMOVE);
	if (!r)
		r = store_reopen(s);
	if (!r && (mode == STORE_READ || mode == STORE_WRITE))
		r = need_network(s);
	if (r)
		store_close(s);
	return r;
}

int store_reopen(struct store *s)
{
	struct host_record host;
	struct config cfg;
	int r;

	maps_close(s);
	r = maps_open(s, MAP_HOST, MAP_NAMESPACES);
	if (!r)
		r = store_host(s, &host);
	if (!r)
		r = check_abi(s, host.abi);
	if (r || is_older(host.abi))
		return r;
	if (map_is_short(s, MAP_HOST) || map_is_short(s, MAP_NAMESPACES))
		return log_err(-EPROTO,
			       "%s was made by an unfinished build of this release; run its `ebpfnet down` first",
			       s->dir);
	r = maps_open(s, MAP_NAMESPACES + 1, MAPS - 1);
	if (r || host.abi || s->fd[MAP_CONFIG] < 0)
		return r;
	/* the journal is lost */
	r = store_config(s, &cfg);
	return r ? r : check_abi(s, cfg.abi);
}

void store_close(struct store *s)
{
	if (!s->dir[0])
		return;
	maps_close(s);
	if (s->lock_fd >= 0)
		rmdir(s->dir);	/* fails if anything is pinned there */
	close_fd(&s->lock_fd);
	s->lock_fd = -1;
	s->dir[0] = '\0';
}
