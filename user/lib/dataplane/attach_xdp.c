// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Attaches the XDP prefilter to a device, by a pinned BPF link. A device has one XDP program. The kernel refuses to
 * replace an attached one by a link (-EBUSY, -EEXIST), so neither another owner's nor ours is ever replaced.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lib/kernel/libbpf_log.h"
#include "lib/base/cleanup.h"
#include "lib/dataplane/pin.h"
#include "lib/base/log.h"

#define DYING_WAIT_MS 3000
#define DYING_POLL_MS 10

/* In order of preference. */
static const struct xdp_mode {
	uint32_t how;		/* XDP_MODE_* */
	uint32_t flags;
} modes[] = {
	{ XDP_MODE_NATIVE, XDP_FLAGS_DRV_MODE },
	{ XDP_MODE_GENERIC, XDP_FLAGS_SKB_MODE },
};

#define MODES (sizeof(modes) / sizeof(modes[0]))

static enum hook hook_of(uint32_t mode)
{
	return mode == XDP_MODE_NATIVE ? HOOK_UPLINK_XDP : HOOK_UPLINK_XDPGENERIC;
}

/* Ids of the XDP programs on a device; 0: none. */
struct xdp_ids {
	uint32_t native, generic;
};

static struct xdp_ids xdp_query(int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, o);

	bpf_log_begin();
	if (bpf_xdp_query(ifindex, 0, &o))
		return (struct xdp_ids){};
	return (struct xdp_ids){ o.drv_prog_id, o.skb_prog_id };
}

/* The mode in which the program of a pinned link is attached to the device; 0: it is not. */
static uint32_t link_mode(const struct pin_link *link, int ifindex, struct xdp_ids ids)
{
	if (link->fd < 0 || link->ifindex != (uint32_t)ifindex)
		return 0;
	if (link->prog_id == ids.native)
		return XDP_MODE_NATIVE;
	return link->prog_id == ids.generic ? XDP_MODE_GENERIC : 0;
}

static void describe(uint32_t prog_id, char *text, size_t len)
{
	struct bpf_prog_info info = {};
	uint32_t info_len = sizeof(info);
	_cleanup_fd_ int fd = bpf_prog_get_fd_by_id(prog_id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &info_len))
		info.name[0] = '\0';
	snprintf(text, len, "%s%sid %u", info.name, info.name[0] ? ", " : "", prog_id);
}

/* The program of that mode that is pinned now; 0: none. */
static uint32_t pinned_id(const struct store *s, uint32_t mode)
{
	uint32_t id = 0;
	_cleanup_fd_ int prog = pin_prog_open(s, hook_of(mode), &id);

	return prog < 0 ? 0 : id;
}

void dataplane_xdp_state(const struct store *s, int ifindex, const char *dev, struct xdp_state *out)
{
	struct xdp_ids ids = xdp_query(ifindex);
	struct pin_link link;
	char path[PIN_PATH];

	pin_link_path(s, HOOK_UPLINK_XDP, dev, path);
	*out = (struct xdp_state){};
	pin_link_open(path, &link);
	out->how = link_mode(&link, ifindex, ids);
	/* a program of another release: dataplane_xdp_attach() updates it */
	if (out->how && link.prog_id != pinned_id(s, out->how))
		out->how = 0;
	else if (!out->how && (ids.native || ids.generic))
		describe(ids.native ? ids.native : ids.generic, out->other, sizeof(out->other));
	close_fd(&link.fd);
}

/* ---- attaching ---- */

/* Waits while that of a command that was just killed is still there, as with TCX (attach_tc.c). */
static struct xdp_ids wait_for_dying(int ifindex)
{
	const struct timespec poll = { .tv_nsec = DYING_POLL_MS * 1000000 };
	struct xdp_ids ids = xdp_query(ifindex);
	int waited;

	for (waited = 0; waited < DYING_WAIT_MS; waited += DYING_POLL_MS) {
		if (!pin_prog_is_ours(ids.native) && !pin_prog_is_ours(ids.generic))
			break;
		nanosleep(&poll, NULL);
		ids = xdp_query(ifindex);
	}
	return ids;
}

/* Returns the link, or a negative errno. */
static int create_in(const struct store *s, const struct xdp_mode *mode, int ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, o, .flags = mode->flags);
	_cleanup_fd_ int prog = -1;
	uint32_t ignored;

	prog = pin_prog_open(s, hook_of(mode->how), &ignored);
	return prog < 0 ? prog : bpf_link_create(prog, ifindex, BPF_XDP, &o);
}

/* Tries the permitted modes in order. Returns the link, or a negative errno. */
static int create(const struct store *s, uint32_t how, int ifindex, const char *dev)
{
	int link = -EOPNOTSUPP, refused = 0;
	size_t i;

	for (i = 0; i < MODES && link < 0; i++) {
		if (!(how & modes[i].how))
			continue;
		refused = link;
		link = create_in(s, &modes[i], ifindex);
	}
	if (link >= 0 && how == XDP_MODE_ANY && i == MODES)
		log_info("the XDP prefilter of %s is generic: its driver takes no XDP program (%s)", dev,
			 strerror(-refused));
	return link;
}

static void warn_blocked(const char *dev, struct xdp_ids ids)
{
	char other[32];

	describe(ids.native ? ids.native : ids.generic, other, sizeof(other));
	log_warn("no XDP prefilter on %s: another owner's XDP program (%s) is there, and a device has one; take that "
		 "off and run `ebpfnet up`, or `ebpfnet up --xdp off`", dev, other);
}

static void attach_new(const struct store *s, uint32_t how, int ifindex, const char *dev)
{
	struct xdp_ids ids = wait_for_dying(ifindex);
	_cleanup_fd_ int link = -1;
	char path[PIN_PATH];
	int r;

	if (ids.native || ids.generic) {
		warn_blocked(dev, ids);
		return;
	}
	link = create(s, how, ifindex, dev);
	pin_link_path(s, HOOK_UPLINK_XDP, dev, path);
	r = link < 0 ? link : pin_link(s, link, path);
	if (!r)
		return;
	if (how == XDP_MODE_NATIVE)
		log_warn("no XDP prefilter on %s: its driver takes no XDP program (%s); try --xdp generic", dev,
			 strerror(-r));
	else
		log_warn("no XDP prefilter on %s: XDP is refused (%s)", dev, strerror(-r));
}

/* Atomically replaces the program by the pinned one, if it is another release's. */
static void refresh(const struct store *s, const struct pin_link *link, uint32_t how, const char *dev)
{
	_cleanup_fd_ int prog = -1;
	uint32_t prog_id;
	int r;

	prog = pin_prog_open(s, hook_of(how), &prog_id);
	if (prog < 0 || prog_id == link->prog_id)
		return;
	r = bpf_link_update(link->fd, prog, NULL);
	if (r)
		log_warn("the XDP prefilter of %s is of another release and cannot be replaced (%s)", dev,
			 strerror(-r));
}

void dataplane_xdp_attach(const struct store *s, uint32_t how, int ifindex, const char *dev)
{
	struct pin_link link;
	char path[PIN_PATH];
	uint32_t mode;

	pin_link_path(s, HOOK_UPLINK_XDP, dev, path);
	pin_link_open(path, &link);
	mode = link_mode(&link, ifindex, xdp_query(ifindex)) & how;
	if (mode)
		refresh(s, &link, mode, dev);
	close_fd(&link.fd);
	if (!mode && !dataplane_xdp_detach(s, dev))
		attach_new(s, how, ifindex, dev);
}

int dataplane_xdp_detach(const struct store *s, const char *dev)
{
	struct pin_link link;
	char path[PIN_PATH];
	int r;

	pin_link_path(s, HOOK_UPLINK_XDP, dev, path);
	r = pin_link_open(path, &link);
	if (r == -ENOENT)
		return 0;
	if (!r)
		bpf_link_detach(link.fd);
	close_fd(&link.fd);
	return pin_remove(path);
}
