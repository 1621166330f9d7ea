// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Finds, locks and opens the pinned maps. */
#include <errno.h>

#include "lib/base/log.h"
#include "lib/store/lock.h"
#include "lib/store/map.h"

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
	r = folder_find(s, bpffs);
	if (!r && mode != STORE_READ && mode != STORE_LOOK)
		r = folder_lock(s, mode == STORE_MAKE || mode == STORE_REMOVE);
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
	r = maps_open(s, MAP_HOST, MAP_JOURNAL_LAST);
	if (!r)
		r = store_host(s, &host);
	if (!r)
		r = check_abi(s, host.abi);
	if (r || is_older(host.abi))
		return r;
	if (map_is_short(s, MAP_HOST) || map_is_short(s, MAP_NAMESPACES) || map_is_short(s, MAP_NETS))
		return log_err(-EPROTO,
			       "%s was made by an unfinished build of this release; run its `ebpfnet down` first",
			       s->dir);
	r = maps_open(s, MAP_JOURNAL_LAST + 1, MAPS - 1);
	if (r || host.abi || s->fd[MAP_CONFIG] < 0)
		return r;
	/* the journal is lost */
	r = store_config(s, &cfg);
	return r ? r : check_abi(s, cfg.abi);
}

void store_unlock(struct store *s)
{
	folder_unlock(s);
}

void store_close(struct store *s)
{
	if (!s->dir[0])
		return;
	maps_close(s);
	folder_unlock(s);
	s->dir[0] = '\0';
}
