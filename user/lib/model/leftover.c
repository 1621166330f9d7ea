// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Remains of a network whose journal is lost: its bpffs was unmounted or emptied by hand, or the host has booted
 * again. The aliases of devices say what each was made for (device.h); links in /etc/netns lead nowhere.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/dataplane/dataplane.h"
#include "lib/model/device.h"
#include "lib/model/hosts.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

#define PINS_WAIT_MS 1000
#define PINS_POLL_MS 10

static bool is_ours(const struct nl_link *dev)
{
	return !strcmp(dev->kind, "veth") && !strncmp(dev->alias, DEVICE_ALIAS, strlen(DEVICE_ALIAS));
}

/* The other end of a gateway's pair, or of the shaper's, goes with it. */
static bool is_peer(const struct nl_link *dev)
{
	return !strncmp(dev->alias, DEVICE_ALIAS_PEER, strlen(DEVICE_ALIAS_PEER)) ||
	       !strcmp(dev->alias, DEVICE_ALIAS_SHAPER_PEER);
}

/* The devices of this host, ours first. */
static int find(struct session *x, struct nl_link **all, size_t *count, size_t *ours)
{
	struct nl_link swap;
	size_t i;
	int r = nl_link_all(&x->nl, all, count);

	*ours = 0;
	if (r)
		return log_err(r, "cannot list the devices: %s", nl_why(&x->nl, r));
	for (i = 0; i < *count; i++)
		if (is_ours(&(*all)[i])) {
			swap = (*all)[*ours];
			(*all)[(*ours)++] = (*all)[i];
			(*all)[i] = swap;
		}
	return 0;
}

/*
 * The network may be up, with its pins in a bpffs that is not seen from here. Waits for pins that were just removed:
 * the kernel frees their maps a moment later.
 */
static int check_lost(struct session *x, const struct nl_link *dev)
{
	const struct timespec poll = { .tv_nsec = PINS_POLL_MS * 1000000 };
	int waited;

	for (waited = 0; store_journal_exists(x->netns_cookie); waited += PINS_POLL_MS) {
		if (waited >= PINS_WAIT_MS)
			return log_err(-EXDEV,
				       "device %s is of a network that is up, whose pins are in another bpffs than %s; "
				       "name that with --bpffs", dev->name, x->s.dir);
		nanosleep(&poll, NULL);
	}
	return 0;
}

/* The namespace that the device was made for, unless another one has its name by now. */
static int remove_netns(const struct nl_link *dev)
{
	char name[EBPFNET_NAME_LEN], path[NETNS_PATH];
	unsigned long long cookie;
	struct netns_id id;

	if (sscanf(dev->alias, DEVICE_ALIAS "made %15s %llu", name, &cookie) != 2 || strchr(name, '/'))
		return 0;
	netns_path(name, path);
	return netns_stat(path, &id) || id.cookie != cookie ? 0 : netns_remove(name);
}

/* The device is what the next command finds the rest by, so it goes last. */
static int remove_device(struct session *x, const struct nl_link *dev)
{
	int r;

	if (is_peer(dev))
		return 0;
	r = remove_netns(dev);
	if (!r)
		r = nl_link_del(&x->nl, dev->ifindex);
	return r && r != -ENODEV ? log_err(r, "cannot remove device %s: %s", dev->name, nl_why(&x->nl, r)) : 0;
}

/* Links vanish with their pins; filters do not. A qdisc stays, for it may be anybody's. */
static int detach(struct session *x, const struct nl_link *dev)
{
	int r = dataplane_detach(&x->s, HOOK_CLSACT, HOOK_UPLINK, dev->ifindex, dev->name, false);

	return r ? r : dataplane_detach(&x->s, HOOK_CLSACT, HOOK_UPLINK_OUT, dev->ifindex, dev->name, false);
}

int leftover_remove(struct session *x, bool *any)
{
	_cleanup_free_ struct nl_link *all = NULL;
	size_t count, ours, i;
	int r;

	*any = hosts_sweep();
	r = find(x, &all, &count, &ours);
	if (!r && ours)
		r = check_lost(x, &all[0]);
	if (r || !ours)
		return r;
	*any = true;
	hosts_forget();
	hosts_sweep();
	for (i = ours; i < count && !r; i++)
		r = detach(x, &all[i]);
	for (i = 0; i < ours && !r; i++)
		r = remove_device(x, &all[i]);
	if (!r)
		log_info("removed the devices of a network whose journal is lost");
	return r;
}

int leftover_plan(struct session *x, struct diff *plan)
{
	_cleanup_free_ struct nl_link *all = NULL;
	size_t count, ours, i;
	char name[48];
	int r;

	r = find(x, &all, &count, &ours);
	for (i = 0; i < ours && !r; i++) {
		snprintf(name, sizeof(name), "device %s", all[i].name);
		diff_add(plan, name, NULL, "remove it: a network left it whose journal is lost");
	}
	return r;
}
