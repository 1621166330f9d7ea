// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Finding the state, locking it, and the journal.
 *
 * The lock is a flock(2) on the folder of our pins: it dies with its holder, and needs no file
 * elsewhere. The folder itself comes and goes with the network. So whoever gets the lock looks
 * whether the folder is still there, and whoever gives it back removes the folder if it is empty.
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

static const uint32_t zero;	/* the key of maps with one entry */

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
		/* its last holder may have removed it while we waited */
		if (fstat(fd, &st) == 0 && st.st_nlink > 0) {
			s->lock_fd = TAKE_FD(fd);
			return 0;
		}
	}
}

/* A mode that needs a network finds all of it, or says why not. */
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
			return log_err(-ENOENT, "the network is half made: map %s is missing; run "
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

static int check_abi(const struct store *s)
{
	struct host_record host;
	struct config cfg;
	uint32_t abi;
	int r;

	r = store_host(s, &host);
	if (r)
		return r;
	abi = host.abi;
	if (!abi && !map_get(s, MAP_CONFIG, &zero, &cfg))
		abi = cfg.abi;
	if (abi && abi != EBPFNET_ABI)
		return log_err(-EPROTO, "%s was made by a release of ebpfnet with layout %u, this "
					"one has %u; run that release's `ebpfnet down` first",
			       s->dir, abi, EBPFNET_ABI);
	return 0;
}

int store_open(struct store *s, const char *bpffs, enum store_mode mode)
{
	enum map_id id;
	int r;

	s->lock_fd = -1;
	for (id = 0; id < MAPS; id++)
		s->fd[id] = -1;
	r = find_bpffs(s, bpffs);
	if (!r && mode != STORE_READ && mode != STORE_LOOK)
		r = take_lock(s, mode == STORE_MAKE);
	if (!r)
		r = store_reopen(s);
	if (!r && mode != STORE_MAKE && mode != STORE_LOOK)
		r = need_network(s);
	if (r)
		store_close(s);
	return r;
}

int store_reopen(struct store *s)
{
	int r;

	maps_close(s);
	r = maps_open(s);
	return r ? r : check_abi(s);
}

void store_close(struct store *s)
{
	if (!s->dir[0])
		return;
	maps_close(s);
	if (s->lock_fd >= 0)
		rmdir(s->dir);	/* fails, as it should, when anything is pinned there */
	close_fd(&s->lock_fd);
	s->lock_fd = -1;
	s->dir[0] = '\0';
}

/* ---- journal ---- */

int store_host(const struct store *s, struct host_record *out)
{
	int r = map_get(s, MAP_HOST, &zero, out);

	if (r == -ENOENT) {
		memset(out, 0, sizeof(*out));
		return 0;
	}
	return r ? log_err(r, "cannot read map %s/host: %s", s->dir, strerror(-r)) : 0;
}

static int host_put(const struct store *s, const struct host_record *rec)
{
	return map_put(s, MAP_HOST, &zero, rec);
}

int store_host_set(const struct store *s, const struct host_record *rec)
{
	struct host_record host = *rec, now;
	int r;

	r = store_host(s, &now);
	if (r)
		return r;
	/* ids that were handed out after the caller read its copy stay handed out */
	if (host.next_endpoint < now.next_endpoint)
		host.next_endpoint = now.next_endpoint;
	if (host.next_portmap < now.next_portmap)
		host.next_portmap = now.next_portmap;
	return host_put(s, &host);
}

static struct ns_key ns_key(const char *name)
{
	struct ns_key key = {};

	memcpy(key.name, name, strnlen(name, sizeof(key.name) - 1));
	return key;
}

int store_ns(const struct store *s, const char *name, struct ns_record *out)
{
	struct ns_key key = ns_key(name);

	if (strlen(name) >= sizeof(key.name))
		return -ENOENT;
	return map_get(s, MAP_NAMESPACES, &key, out);
}

int store_ns_set(const struct store *s, const char *name, const struct ns_record *rec)
{
	struct ns_key key = ns_key(name);

	return map_put(s, MAP_NAMESPACES, &key, rec);
}

int store_ns_del(const struct store *s, const char *name)
{
	struct ns_key key = ns_key(name);

	return map_del(s, MAP_NAMESPACES, &key);
}

struct ns_list {
	struct ns_entry *entry;
	size_t count, room;
};

static int ns_collect(const void *key, const void *value, void *arg)
{
	struct ns_list *list = arg;
	struct ns_entry *e;

	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 16;
		e = reallocarray(list->entry, list->room, sizeof(*e));
		if (!e)
			return log_err(-ENOMEM, "no memory to list the namespaces");
		list->entry = e;
	}
	e = &list->entry[list->count++];
	memcpy(e->name, ((const struct ns_key *)key)->name, sizeof(e->name));
	memcpy(&e->rec, value, sizeof(e->rec));
	return 0;
}

static int ns_by_number(const void *a, const void *b)
{
	const struct ns_entry *x = a, *y = b;

	return x->rec.number - y->rec.number;
}

int store_ns_all(const struct store *s, struct ns_entry **out, size_t *count)
{
	struct ns_list list = {};
	int r;

	r = map_each(s, MAP_NAMESPACES, ns_collect, &list);
	if (r) {
		free(list.entry);
		return r;
	}
	if (list.count)
		qsort(list.entry, list.count, sizeof(*list.entry), ns_by_number);
	*out = list.entry;
	*count = list.count;
	return 0;
}

/* Hands out the number in one field of the host's record; 0 is never one. */
static int new_id(const struct store *s, size_t field, uint32_t *id)
{
	struct host_record host;
	uint32_t *next = (uint32_t *)((char *)&host + field);
	int r;

	r = store_host(s, &host);
	if (r)
		return r;
	*id = *next ? *next : 1;
	*next = *id + 1;
	return host_put(s, &host);
}

int store_new_endpoint(const struct store *s, uint32_t *id)
{
	return new_id(s, offsetof(struct host_record, next_endpoint), id);
}

int store_new_portmap(const struct store *s, uint32_t *id)
{
	return new_id(s, offsetof(struct host_record, next_portmap), id);
}
