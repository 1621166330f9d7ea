// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Attaches programs at TC.
 *
 * TCX: by a pinned BPF link. The link outlives its device (its ifindex is then 0), so a pin alone
 * proves nothing: ask the link where it is attached.
 *
 * clsact: by one cls_bpf filter of a fixed priority and handle, so that it can be found, replaced and
 * removed among other filters. A qdisc that we did not make stays.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lib/kernel/libbpf_log.h"
#include "lib/base/cleanup.h"
#include "lib/dataplane/pin.h"
#include "lib/base/log.h"
#include "lib/kernel/qdisc.h"

#define FILTER_PRIORITY 0xebf
#define FILTER_HANDLE 1

#define LINK_WAIT_MS 3000
#define LINK_POLL_MS 10

static bool is_egress(enum hook hook)
{
	return hook == HOOK_GATEWAY || hook == HOOK_UPLINK_OUT || hook == HOOK_UPLINK_L3_OUT;
}

static const char *direction(enum hook hook)
{
	return is_egress(hook) ? "egress" : "ingress";
}

static int attach_failed(enum hook_kind kind, enum hook hook, const char *dev, int r)
{
	const char *why = r == -ENODEV ? "the device is gone" : bpf_log_why(r);

	return log_err(r, "cannot attach program %s to %s (%s %s): %s", hook_name(hook), dev,
		       hook_kind_name(kind), direction(hook), why);
}

/* ---- TCX ---- */

/*
 * Waits while the link of a command that was just killed still has the program on the device: the kernel
 * frees unreferenced links in a worker.
 */
static int link_create(int prog, int ifindex, int where)
{
	const struct timespec poll = { .tv_nsec = LINK_POLL_MS * 1000000 };
	int waited, link;

	for (waited = 0;; waited += LINK_POLL_MS) {
		link = bpf_link_create(prog, ifindex, where, NULL);
		if (link != -EEXIST || waited >= LINK_WAIT_MS)
			return link;
		nanosleep(&poll, NULL);
	}
}

static int tcx_create(const struct store *s, enum hook hook, int prog, int ifindex, const char *path)
{
	_cleanup_fd_ int link =
		link_create(prog, ifindex, is_egress(hook) ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS);

	return link < 0 ? link : pin_link(s, link, path);
}

static int tcx_attach(const struct store *s, enum hook hook, int prog, uint32_t prog_id, int ifindex, const char *dev)
{
	char path[PIN_PATH];
	struct pin_link link;
	int r;

	pin_link_path(s, hook, dev, path);
	r = pin_link_open(path, &link);
	if (!r && link.ifindex == (uint32_t)ifindex && link.prog_id == prog_id) {
		close_fd(&link.fd);
		return 0;
	}
	if (!r && link.ifindex == (uint32_t)ifindex) {
		r = bpf_link_update(link.fd, prog, NULL);
	} else {
		/* it belongs to a device that is gone or renamed */
		r = r == -ENOENT ? 0 : pin_remove(path);
		if (r)
			return r;
		r = tcx_create(s, hook, prog, ifindex, path);
	}
	close_fd(&link.fd);
	return r ? attach_failed(HOOK_TCX, hook, dev, r) : 0;
}

static int tcx_detach(const struct store *s, enum hook hook, const char *dev)
{
	char path[PIN_PATH];

	pin_link_path(s, hook, dev, path);
	return pin_remove(path);
}

static bool tcx_attached(const struct store *s, enum hook hook, uint32_t prog_id, int ifindex, const char *dev)
{
	char path[PIN_PATH];
	struct pin_link link;

	pin_link_path(s, hook, dev, path);
	if (pin_link_open(path, &link))
		return false;
	close_fd(&link.fd);
	return link.ifindex == (uint32_t)ifindex && link.prog_id == prog_id;
}

/* ---- clsact ---- */

static struct bpf_tc_hook tc_hook(enum hook hook, int ifindex)
{
	return (struct bpf_tc_hook){ .sz = sizeof(struct bpf_tc_hook),
				     .ifindex = ifindex,
				     .attach_point = is_egress(hook) ? BPF_TC_EGRESS :
								       BPF_TC_INGRESS };
}

static struct bpf_tc_opts tc_filter(void)
{
	return (struct bpf_tc_opts){ .sz = sizeof(struct bpf_tc_opts),
				     .handle = FILTER_HANDLE,
				     .priority = FILTER_PRIORITY };
}

/* The id of the program at our priority and handle; 0: none. */
static uint32_t clsact_query(enum hook hook, int ifindex)
{
	struct bpf_tc_hook h = tc_hook(hook, ifindex);
	struct bpf_tc_opts o = tc_filter();

	bpf_log_begin();
	return bpf_tc_query(&h, &o) ? 0 : o.prog_id;
}

static int clsact_attach(enum hook hook, int prog, uint32_t prog_id, int ifindex, const char *dev)
{
	struct bpf_tc_hook h = tc_hook(hook, ifindex);
	struct bpf_tc_opts o = tc_filter();
	uint32_t now = clsact_query(hook, ifindex);
	bool made_qdisc;
	int r;

	if (now == prog_id)
		return 0;
	if (now && !pin_prog_is_ours(now))
		return log_err(-EBUSY,
			       "cannot attach program %s to %s: tc filter priority %d handle %d on "
			       "its %s belongs to another program (id %u); move that one",
			       hook_name(hook), dev, FILTER_PRIORITY, FILTER_HANDLE,
			       direction(hook), now);
	bpf_log_begin();
	r = bpf_tc_hook_create(&h);
	made_qdisc = !r;
	if (r && r != -EEXIST)
		return attach_failed(HOOK_CLSACT, hook, dev, r);
	bpf_log_begin();
	o.prog_fd = prog;
	o.flags = now ? BPF_TC_F_REPLACE : 0;
	r = bpf_tc_attach(&h, &o);
	if (!r)
		return 0;
	attach_failed(HOOK_CLSACT, hook, dev, r);
	if (made_qdisc)
		qdisc_remove_if_unused(ifindex);
	return r;
}

static int clsact_detach(enum hook hook, int ifindex, const char *dev, bool del_qdisc)
{
	struct bpf_tc_hook h = tc_hook(hook, ifindex);
	struct bpf_tc_opts o = tc_filter();
	uint32_t now = clsact_query(hook, ifindex);
	int r = 0;

	bpf_log_begin();
	if (now && pin_prog_is_ours(now))
		r = bpf_tc_detach(&h, &o);
	if (r && r != -ENOENT && r != -ENODEV)
		return log_err(r, "cannot detach program %s from %s (clsact %s): %s",
			       hook_name(hook), dev, direction(hook), bpf_log_why(r));
	return del_qdisc ? qdisc_remove_if_unused(ifindex) : 0;
}

/* ---- both ---- */

int dataplane_attach(const struct store *s, enum hook_kind kind, enum hook hook, int ifindex, const char *dev)
{
	_cleanup_fd_ int prog = -1;
	uint32_t prog_id = 0;

	bpf_log_begin();
	prog = pin_prog_open(s, hook, &prog_id);
	if (prog < 0)
		return log_err(prog, "program %s is not pinned under %s: %s; run `ebpfnet up`",
			       hook_name(hook), s->dir, strerror(-prog));
	if (kind == HOOK_TCX)
		return tcx_attach(s, hook, prog, prog_id, ifindex, dev);
	return clsact_attach(hook, prog, prog_id, ifindex, dev);
}

int dataplane_detach(const struct store *s, enum hook_kind kind, enum hook hook, int ifindex, const char *dev,
		     bool del_qdisc)
{
	if (kind == HOOK_TCX)
		return tcx_detach(s, hook, dev);
	return clsact_detach(hook, ifindex, dev, del_qdisc);
}

int dataplane_rename(const struct store *s, enum hook hook, const char *from, const char *to)
{
	char old[PIN_PATH], new[PIN_PATH];

	pin_link_path(s, hook, from, old);
	pin_link_path(s, hook, to, new);
	if (access(old, F_OK) || !rename(old, new))
		return 0;
	return log_err(-errno, "cannot rename the pin %s to %s: %s", old, new, strerror(errno));
}

bool dataplane_attached(const struct store *s, enum hook_kind kind, enum hook hook, int ifindex, const char *dev)
{
	uint32_t prog_id = 0;
	_cleanup_fd_ int prog = pin_prog_open(s, hook, &prog_id);

	bpf_log_begin();
	if (prog < 0)
		return false;
	if (kind == HOOK_TCX)
		return tcx_attached(s, hook, prog_id, ifindex, dev);
	return clsact_query(hook, ifindex) == prog_id;
}

/* ---- other owners' programs ---- */

#define TCX_PROGS 64

/* TCX programs run in the order of the list, all of them before clsact's filters. mine: 0 if it is one of those. */
static uint32_t tcx_first_other(enum hook hook, int ifindex, uint32_t mine)
{
	enum bpf_attach_type where = is_egress(hook) ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS;
	uint32_t ids[TCX_PROGS], count = TCX_PROGS;

	bpf_log_begin();
	if (bpf_prog_query(ifindex, where, 0, NULL, ids, &count) || !count || ids[0] == mine)
		return 0;
	return ids[0];
}

bool dataplane_runs_after(const struct store *s, enum hook_kind kind, enum hook hook, int ifindex, char other[64])
{
	uint32_t mine = 0, first, info_len = sizeof(struct bpf_prog_info);
	_cleanup_fd_ int prog = pin_prog_open(s, hook, &mine), fd = -1;
	struct bpf_prog_info info = {};

	first = tcx_first_other(hook, ifindex, kind == HOOK_TCX ? mine : 0);
	if (first) {
		fd = bpf_prog_get_fd_by_id(first);
		if (fd >= 0)
			bpf_obj_get_info_by_fd(fd, &info, &info_len);
		snprintf(other, 64, "program %s%s(id %u)", info.name, info.name[0] ? " " : "", first);
		return true;
	}
	if (kind == HOOK_TCX || !qdisc_has_filter_before(ifindex, is_egress(hook), FILTER_PRIORITY))
		return false;
	snprintf(other, 64, "a tc filter of a lower priority than %d", FILTER_PRIORITY);
	return true;
}

bool dataplane_has_qdisc(int ifindex)
{
	return qdisc_has_clsact(ifindex);
}
