// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/dataplane/pin.h"

void pin_prog_path(const struct store *s, enum hook hook, char path[PIN_PATH])
{
	snprintf(path, PIN_PATH, "%s/progs/%s", s->dir, hook_name(hook));
}

/* bpffs reserves dots in names; a device's name cannot contain a colon. */
void pin_link_path(const struct store *s, enum hook hook, const char *dev, char path[PIN_PATH])
{
	char *c;

	c = path + snprintf(path, PIN_PATH, "%s/links/%s-", s->dir, hook_name(hook));
	snprintf(c, path + PIN_PATH - c, "%s", dev);
	for (; *c; c++)
		if (*c == '.')
			*c = ':';
}

int pin_prog_open(const struct store *s, enum hook hook, uint32_t *id)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);
	char path[PIN_PATH];
	_cleanup_fd_ int fd = -1;
	int r;

	pin_prog_path(s, hook, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	r = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (r)
		return r;
	*id = info.id;
	return TAKE_FD(fd);
}

int pin_link_open(const char *path, struct pin_link *out)
{
	struct bpf_link_info info = {};
	uint32_t len = sizeof(info);
	_cleanup_fd_ int fd = bpf_obj_get(path);
	int r;

	out->fd = -1;
	if (fd < 0)
		return fd;
	r = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (r)
		return r;
	out->fd = TAKE_FD(fd);
	out->prog_id = info.prog_id;
	/* of TCX info.tcx.ifindex, in newer headers: the first word of the union, as in info.xdp */
	out->ifindex = info.xdp.ifindex;
	return 0;
}

int pin_link(const struct store *s, int link, const char *path)
{
	char folder[PIN_PATH];

	snprintf(folder, sizeof(folder), "%s/links", s->dir);
	if (mkdir(folder, 0700) && errno != EEXIST)
		return -errno;
	return bpf_obj_pin(link, path);
}

bool pin_prog_is_ours(uint32_t prog_id)
{
	static const char prefix[] = "ebpfnet_";
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);
	_cleanup_fd_ int fd = bpf_prog_get_fd_by_id(prog_id);

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) &&
	       !strncmp(info.name, prefix, strlen(prefix));
}

/* ---- removing ---- */

int pin_remove(const char *path)
{
	if (unlink(path) && errno != ENOENT)
		return log_err(-errno, "cannot remove the pin %s: %s", path, strerror(errno));
	return 0;
}

static bool is_journal(const char *name)
{
	enum map_id id;

	for (id = MAP_HOST; id <= MAP_JOURNAL_LAST; id++)
		if (!strcmp(name, map_name(id)))
			return true;
	return false;
}

/* All pins in the folder, whatever their names, except the journal's. A missing folder has none. */
static int remove_pins(const char *folder)
{
	_cleanup_dir_ DIR *dir = opendir(folder);
	char path[2 * PIN_PATH];
	struct dirent *entry;
	int r;

	if (!dir)
		return errno == ENOENT ? 0 : log_err(-errno, "cannot list %s: %s", folder, strerror(errno));
	while ((entry = readdir(dir))) {
		if (entry->d_type == DT_DIR || is_journal(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		r = pin_remove(path);
		if (r)
			return r;
	}
	return 0;
}

static int remove_folder(const char *folder)
{
	int r = remove_pins(folder);

	if (!r && rmdir(folder) && errno != ENOENT)
		r = log_err(-errno, "cannot remove %s: %s", folder, strerror(errno));
	return r;
}

/* Programs before maps: a pinned program implies that all maps are pinned. The journal last, and of it the host. */
int dataplane_unload(struct store *s)
{
	char path[PIN_PATH];
	enum map_id id;
	int r;

	snprintf(path, sizeof(path), "%s/links", s->dir);
	r = remove_folder(path);
	snprintf(path, sizeof(path), "%s/progs", s->dir);
	if (!r)
		r = remove_folder(path);
	if (!r)
		r = remove_pins(s->dir);
	for (id = MAP_JOURNAL_LAST + 1; id-- > MAP_HOST && !r;) {
		snprintf(path, sizeof(path), "%s/%s", s->dir, map_name(id));
		r = pin_remove(path);
	}
	return r ? r : remove_folder(s->dir);
}
