// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Loading and pinning. The objects are inside this binary (build/NAME.skel.h); libbpf makes and
 * pins their maps before it loads their program, and a program is pinned last. So a program's pin
 * means that all maps are pinned, and a load that was killed is finished by the next one.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "gateway.skel.h"
#include "journal.skel.h"
#include "lo.skel.h"
#include "port.skel.h"
#include "uplink.skel.h"
#include "uplink_out.skel.h"
#include "uplink_xdp.skel.h"
#include "uplink_xdpgeneric.skel.h"

#include "lib/kernel/libbpf_log.h"
#include "lib/base/cleanup.h"
#include "lib/dataplane/pin.h"
#include "lib/base/log.h"

struct object {
	const char *name;		/* of the file bpf/NAME.bpf.c */
	const char *program;		/* NULL: maps alone */
	const void *(*bytes)(size_t *len);
};

static const struct object journal = { "journal", NULL, journal_bpf__elf_bytes };

static const struct object objects[HOOKS] = {
	[HOOK_PORT] = { "port", "ebpfnet_port", port_bpf__elf_bytes },
	[HOOK_GATEWAY] = { "gateway", "ebpfnet_gateway", gateway_bpf__elf_bytes },
	[HOOK_UPLINK] = { "uplink", "ebpfnet_uplink", uplink_bpf__elf_bytes },
	[HOOK_UPLINK_OUT] = { "uplink_out", "ebpfnet_out", uplink_out_bpf__elf_bytes },
	[HOOK_LO] = { "lo", "ebpfnet_lo", lo_bpf__elf_bytes },
	[HOOK_UPLINK_XDP] = { "uplink_xdp", "ebpfnet_xdp", uplink_xdp_bpf__elf_bytes },
	[HOOK_UPLINK_XDPGENERIC] = { "uplink_xdpgeneric", "ebpfnet_xdp", uplink_xdpgeneric_bpf__elf_bytes },
};

const char *hook_name(enum hook hook)
{
	return objects[hook].name;
}

const char *hook_kind_name(enum hook_kind kind)
{
	return kind == HOOK_TCX ? "tcx" : "clsact";
}

void pin_prog_path(const struct store *s, enum hook hook, char path[PIN_PATH])
{
	snprintf(path, PIN_PATH, "%s/progs/%s", s->dir, hook_name(hook));
}

/* A dot in a name is reserved on bpffs; a colon cannot be in a device's name. */
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

/* ---- loading ---- */

static void close_object(struct bpf_object **obj)
{
	bpf_object__close(*obj);
}

static uint32_t pinned_size(const struct store *s, enum map_id id)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);

	if (s->fd[id] < 0 || bpf_obj_get_info_by_fd(s->fd[id], &info, &len))
		return 0;
	return info.max_entries;
}

/* What is pinned has its size already, whatever is asked for now. */
static uint32_t flows_to_make(const struct store *s, uint32_t wanted)
{
	uint32_t conns = pinned_size(s, MAP_CONNS), flows = pinned_size(s, MAP_FLOWS);

	if (conns)
		return conns;
	return flows ? flows / 2 : wanted;
}

static int set_sizes(struct bpf_object *obj, uint32_t max_flows)
{
	struct bpf_map *flows = bpf_object__find_map_by_name(obj, map_name(MAP_FLOWS));
	struct bpf_map *conns = bpf_object__find_map_by_name(obj, map_name(MAP_CONNS));
	int r = 0;

	/* a key for each direction */
	if (flows)
		r = bpf_map__set_max_entries(flows, 2 * max_flows);
	if (!r && conns)
		r = bpf_map__set_max_entries(conns, max_flows);
	return r;
}

/* bpf/kern/rt_genid.h: where nothing may be read, each packet on its way out asks the routing table. */
static void set_kernel_memory(struct bpf_object *obj)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, ".rodata.kernel");
	enum kernel_memory how;

	if (!map)
		return;
	how = dataplane_kernel_memory();
	bpf_map__set_initial_value(map, &how, sizeof(how));
}

static int load_failed(const struct object *o, int r)
{
	if (r == -ENOMEM || r == -E2BIG)
		return log_err(r, "cannot load the %s object: %s; a smaller --flows needs less memory",
			       o->name, bpf_log_why(r));
	return log_err(r, "cannot load the %s object into the kernel: %s", o->name, bpf_log_why(r));
}

static int load_object(const struct store *s, const struct object *o, const char *pin, uint32_t max_flows)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = o->name, .pin_root_path = s->dir);
	__attribute__((cleanup(close_object))) struct bpf_object *obj = NULL;
	struct bpf_program *prog;
	const void *bytes;
	size_t len;
	int r;

	bpf_log_begin();
	bytes = o->bytes(&len);
	obj = bpf_object__open_mem(bytes, len, &opts);
	if (!obj)
		return load_failed(o, -errno);
	set_kernel_memory(obj);
	r = set_sizes(obj, max_flows);
	if (!r)
		r = bpf_object__load(obj);
	if (r)
		return load_failed(o, r);
	if (!o->program)
		return 0;
	prog = bpf_object__find_program_by_name(obj, o->program);
	r = prog ? bpf_program__pin(prog, pin) : -ENOENT;
	return r ? log_err(r, "cannot pin program %s at %s: %s", o->program, pin, bpf_log_why(r)) :
		   0;
}

/* RFC 4787 REQ-5, 5382 REQ-5, 5508 REQ-2; IEEE 802.1D-2004 table 7-5. */
static int first_config(const struct store *s, uint32_t max_flows)
{
	static const struct config defaults = {
		.abi = EBPFNET_ABI,
		.lo_ifindex = 1,
		.fdb_age_s = 300,
		.hold_down_s = 120,
		.port_min_h = 1024,
		.port_max_h = 65535,
		.timeout_s = {
			[TIMEOUT_UDP_UNREPLIED] = 120,
			[TIMEOUT_UDP_REPLIED] = 300,
			[TIMEOUT_ICMP] = 60,
			[TIMEOUT_TCP_HALF_OPEN] = 240,
			[TIMEOUT_TCP_ESTABLISHED] = 7440,
			[TIMEOUT_TCP_CLOSING] = 240,
			[TIMEOUT_TCP_RESET] = 240,
			[TIMEOUT_OTHER] = 600,
		},
	};
	struct config cfg;
	int r;

	r = store_config(s, &cfg);
	if (r || cfg.abi)
		return r;
	cfg = defaults;
	cfg.max_flows = max_flows;
	cfg.max_flows_ns = cfg.max_ports_ns = max_flows / 2; /* one cannot fill it alone */
	if (getrandom(&cfg.mark, sizeof(cfg.mark), 0) != sizeof(cfg.mark))
		return log_err(-errno, "cannot get a random number: %s", strerror(errno));
	return store_config_set(s, &cfg);
}

int dataplane_journal(struct store *s)
{
	int r;

	if (s->fd[MAP_HOST] >= 0 && s->fd[MAP_NAMESPACES] >= 0)
		return 0;
	r = load_object(s, &journal, NULL, 0);
	return r ? r : store_reopen(s);
}

static int load_hook(const struct store *s, enum hook hook, uint32_t max_flows)
{
	char path[PIN_PATH];

	pin_prog_path(s, hook, path);
	return access(path, F_OK) ? load_object(s, &objects[hook], path, max_flows) : 0;
}

int dataplane_load(struct store *s, uint32_t max_flows)
{
	enum hook hook;
	int r = 0;

	max_flows = flows_to_make(s, max_flows);
	for (hook = 0; hook < HOOKS && !r; hook++)
		if (hook != HOOK_UPLINK_XDP && hook != HOOK_UPLINK_XDPGENERIC)
			r = load_hook(s, hook, max_flows);
	if (!r)
		r = store_reopen(s);
	return r ? r : first_config(s, max_flows);
}

/* bpf/kern/ctx_xdp.h: a device's MAC address is the kernel's to know. */
int dataplane_xdp_load(const struct store *s)
{
	int r;

	bpf_log_begin();
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_probe_read_kernel, NULL) != 1)
		return log_err(-EOPNOTSUPP, "this kernel is in lockdown: the XDP prefilter may not read its memory; "
					    "leave --xdp out");
	r = load_hook(s, HOOK_UPLINK_XDP, flows_to_make(s, 0));
	return r ? r : load_hook(s, HOOK_UPLINK_XDPGENERIC, flows_to_make(s, 0));
}

/* ---- unloading ---- */

int pin_remove(const char *path)
{
	if (unlink(path) && errno != ENOENT)
		return log_err(-errno, "cannot remove the pin %s: %s", path, strerror(errno));
	return 0;
}

static bool is_journal(const char *name)
{
	return !strcmp(name, map_name(MAP_HOST)) || !strcmp(name, map_name(MAP_NAMESPACES));
}

/* All pins in a folder of ours but the journal's; a folder that is absent has none. */
static int remove_pins(const char *folder)
{
	_cleanup_dir_ DIR *dir = opendir(folder);
	char path[2 * PIN_PATH];
	struct dirent *entry;
	int r;

	if (!dir)
		return errno == ENOENT ? 0 : log_err(-errno, "cannot list %s: %s", folder,
						     strerror(errno));
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

/* Programs before maps, so that a program's pin goes on meaning what it means; the journal last. */
int dataplane_unload(struct store *s)
{
	static const enum map_id last[] = { MAP_NAMESPACES, MAP_HOST };
	char path[PIN_PATH];
	size_t i;
	int r;

	snprintf(path, sizeof(path), "%s/links", s->dir);
	r = remove_folder(path);
	snprintf(path, sizeof(path), "%s/progs", s->dir);
	if (!r)
		r = remove_folder(path);
	if (!r)
		r = remove_pins(s->dir);
	for (i = 0; i < 2 && !r; i++) {
		snprintf(path, sizeof(path), "%s/%s", s->dir, map_name(last[i]));
		r = pin_remove(path);
	}
	return r ? r : remove_folder(s->dir);
}

int dataplane_load_lo(const struct store *s)
{
	return load_hook(s, HOOK_LO, flows_to_make(s, 0));
}
