// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Loads the objects that are inside this binary (build/NAME.skel.h) and pins them. All their maps are pinned before the
 * first program is, so a pinned program implies that all maps are pinned, and the next load completes one that was
 * killed. Programs are verified by several threads at once: the verifier takes no lock.
 *
 * The programs of another build, whose maps have the same layout, are replaced: all are loaded, with the maps that are
 * there, then all are pinned in place of the old ones. The walk over the objects (lib/model/walk.h) then finds the old
 * programs on the devices, and updates each link or filter atomically.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <ebpfnet/abi.h>

#include "gateway.skel.h"
#include "journal.skel.h"
#include "lo.skel.h"
#include "port.skel.h"
#include "shaper.skel.h"
#include "uplink.skel.h"
#include "uplink_l3.skel.h"
#include "uplink_l3_out.skel.h"
#include "uplink_out.skel.h"
#include "uplink_xdp.skel.h"
#include "uplink_xdpgeneric.skel.h"

#include "lib/kernel/libbpf_log.h"
#include "lib/kernel/local_ports.h"
#include "lib/base/cleanup.h"
#include "lib/base/hash.h"
#include "lib/dataplane/pin.h"
#include "lib/base/log.h"

struct object {
	const char *name;		/* of the file bpf/hooks/NAME.bpf.c */
	const char *program;		/* NULL: maps only */
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
	[HOOK_SHAPER] = { "shaper", "ebpfnet_shaper", shaper_bpf__elf_bytes },
	[HOOK_UPLINK_L3] = { "uplink_l3", "ebpfnet_uplink", uplink_l3_bpf__elf_bytes },
	[HOOK_UPLINK_L3_OUT] = { "uplink_l3_out", "ebpfnet_out", uplink_l3_out_bpf__elf_bytes },
};

const char *hook_name(enum hook hook)
{
	return objects[hook].name;
}

const char *hook_kind_name(enum hook_kind kind)
{
	return kind == HOOK_TCX ? "tcx" : "clsact";
}

static int load_failed(const struct object *o, int r)
{
	if (r == -ENOMEM || r == -E2BIG)
		return log_err(r, "cannot load the %s object: %s; a smaller --flows needs less memory",
			       o->name, bpf_log_why(r));
	return log_err(r, "cannot load the %s object into the kernel: %s", o->name, bpf_log_why(r));
}

/* ---- opening ---- */

static uint32_t pinned_size(const struct store *s, enum map_id id)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);

	if (s->fd[id] < 0 || bpf_obj_get_info_by_fd(s->fd[id], &info, &len))
		return 0;
	return info.max_entries;
}

uint32_t dataplane_flows(const struct store *s)
{
	uint32_t conns = pinned_size(s, MAP_CONNS);

	return conns ? conns : pinned_size(s, MAP_FLOWS) / 2;
}

/* Pinned maps keep their size. */
static uint32_t flows_to_make(const struct store *s, uint32_t max_flows)
{
	uint32_t has = dataplane_flows(s);

	return has ? has : max_flows;
}

static int set_sizes(struct bpf_object *obj, uint32_t max_flows)
{
	struct bpf_map *flows = bpf_object__find_map_by_name(obj, map_name(MAP_FLOWS));
	struct bpf_map *conns = bpf_object__find_map_by_name(obj, map_name(MAP_CONNS));
	struct bpf_map *hold_down = bpf_object__find_map_by_name(obj, "hold_down");
	int r = 0;

	/* a key for each direction */
	if (flows)
		r = bpf_map__set_max_entries(flows, 2 * max_flows);
	if (!r && conns)
		r = bpf_map__set_max_entries(conns, max_flows);
	if (!r && hold_down)
		r = bpf_map__set_max_entries(hold_down, max_flows);
	return r;
}

static void set_constants_of(struct bpf_object *obj, const char *section, const void *value, size_t size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, section);

	if (map)
		bpf_map__set_initial_value(map, value, size);
}

static void set_constant(struct bpf_object *obj, const char *section, uint8_t value)
{
	set_constants_of(obj, section, &value, sizeof(value));
}

/*
 * Features of the kernel. Without read access (bpf/kern/rt_genid.h) no route is cached: each outgoing packet does a FIB
 * lookup. Without conntrack's functions (bpf/kern/conntrack.h) the host's own NAT is not asked.
 */
static void set_constants(struct bpf_object *obj)
{
	set_constant(obj, ".rodata.kernel", dataplane_kernel_memory());
	set_constant(obj, ".rodata.conntrack", dataplane_kernel_conntrack());
	set_constants_of(obj, ".rodata.nft", dataplane_kernel_nft(), sizeof(struct kernel_nft));
}

/* Logs. NULL: failed, *r says why. */
static struct bpf_object *open_object(const struct store *s, const struct object *o, uint32_t max_flows, int *r)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = o->name, .pin_root_path = s->dir);
	struct bpf_object *obj;
	const void *bytes;
	size_t len;

	bpf_log_begin();
	bytes = o->bytes(&len);
	obj = bpf_object__open_mem(bytes, len, &opts);
	*r = obj ? 0 : -errno;
	if (obj)
		*r = set_sizes(obj, max_flows);
	if (!*r)
		return obj;
	load_failed(o, *r);
	bpf_object__close(obj);
	return NULL;
}

/* ---- maps ---- */

static int pin_map(const struct object *o, const struct bpf_map *map, const char *path, int btf)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .btf_fd = btf, .btf_key_type_id = bpf_map__btf_key_type_id(map),
		    .btf_value_type_id = bpf_map__btf_value_type_id(map), .map_flags = bpf_map__map_flags(map));
	_cleanup_fd_ int fd = -1;
	int r;

	fd = bpf_map_create(bpf_map__type(map), bpf_map__name(map), bpf_map__key_size(map), bpf_map__value_size(map),
			    bpf_map__max_entries(map), &opts);
	if (fd < 0)
		return load_failed(o, fd);
	r = bpf_obj_pin(fd, path);
	return r ? log_err(r, "cannot pin map %s: %s", path, strerror(-r)) : 0;
}

/* libbpf would refuse it too, but say neither which map nor what to do. */
static int check_map(const struct bpf_map *map, const char *path)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	_cleanup_fd_ int fd = bpf_obj_get(path);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return log_err(-errno, "cannot open map %s: %s", path, strerror(errno));
	if (info.type == bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
	    info.value_size == bpf_map__value_size(map) && info.max_entries == bpf_map__max_entries(map))
		return 0;
	return log_err(-EPROTO, "map %s was made by a build of ebpfnet with another layout; `ebpfnet down` first, then "
				"`ebpfnet up`", path);
}

/*
 * Makes the object's pinned maps, unless they are there. bpf_object__load() would do the same, but in two threads at
 * once each would make its own. check: those that are there may be another build's.
 */
static int pin_maps(const struct object *o, struct bpf_object *obj, bool check)
{
	_cleanup_fd_ int btf = -1;
	struct bpf_map *map;
	uint32_t len;
	const void *types = btf__raw_data(bpf_object__btf(obj), &len);
	int r = 0;

	bpf_object__for_each_map(map, obj) {
		const char *path = bpf_map__pin_path(map);

		if (!path)
			continue;
		if (!access(path, F_OK)) {
			r = check ? check_map(map, path) : 0;
		} else {
			if (btf < 0)
				btf = bpf_btf_load(types, len, NULL);
			r = btf < 0 ? load_failed(o, btf) : pin_map(o, map, path, btf);
		}
		if (r)
			return r;
	}
	return 0;
}

int dataplane_journal(struct store *s)
{
	struct bpf_object *obj;
	enum map_id id;
	int r;

	for (id = MAP_HOST; id <= MAP_JOURNAL_LAST && s->fd[id] >= 0; id++)
		;
	if (id > MAP_JOURNAL_LAST)
		return 0;
	obj = open_object(s, &journal, 0, &r);
	if (obj)
		r = pin_maps(&journal, obj, false);
	bpf_object__close(obj);
	return r ? r : store_reopen(s);
}

/* ---- programs ---- */

/* Objects whose programs are loaded by several threads. */
_Static_assert(HOOKS <= EBPFNET_PROGRAMS, "struct host_record.build has a digest of each");

struct load {
	const struct store *s;
	enum hook hook[HOOKS];
	struct bpf_object *obj[HOOKS];
	unsigned int count, next;
	int r;				/* of the first failure, which alone is logged */
};

static bool is_first_failure(struct load *l, int r)
{
	int none = 0;

	return __atomic_compare_exchange_n(&l->r, &none, r, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static void load_program(struct load *l, unsigned int i)
{
	int r;

	bpf_log_begin();
	set_constants(l->obj[i]);
	r = bpf_object__load(l->obj[i]);
	if (r && is_first_failure(l, r))
		load_failed(&objects[l->hook[i]], r);
}

static void *load_next(void *arg)
{
	struct load *l = arg;
	unsigned int i;

	while (!__atomic_load_n(&l->r, __ATOMIC_RELAXED) &&
	       (i = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED)) < l->count)
		load_program(l, i);
	return NULL;
}

/* In as many threads as there are CPUs, this one included. A thread that cannot be created is done without. */
static void load_programs(struct load *l)
{
	pthread_t thread[HOOKS];
	unsigned int threads, i;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	sched_getaffinity(0, sizeof(cpus), &cpus);
	for (threads = 0; threads + 1 < l->count && threads + 1 < (unsigned int)CPU_COUNT(&cpus); threads++)
		if (pthread_create(&thread[threads], NULL, load_next, l))
			break;
	load_next(l);
	for (i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
}

/* A hash of an object's bytes, which depend on nothing but its source and the compiler. Never 0. */
static uint64_t digest(enum hook hook)
{
	const unsigned char *bytes;
	size_t len;

	bytes = objects[hook].bytes(&len);
	return fnv1a(bytes, len) | 1;
}

/* Pins the loaded program, in place of another build's if that is pinned. */
static int pin_program(const struct load *l, unsigned int i)
{
	const char *name = objects[l->hook[i]].program;
	struct bpf_program *prog = bpf_object__find_program_by_name(l->obj[i], name);
	char path[PIN_PATH], new[PIN_PATH + 4];
	int r;

	bpf_log_begin();
	pin_prog_path(l->s, l->hook[i], path);
	snprintf(new, sizeof(new), "%s:new", path);
	if (access(path, F_OK)) {
		r = prog ? bpf_program__pin(prog, path) : -ENOENT;
	} else {
		r = pin_remove(new);
		if (r)
			return r;
		r = prog ? bpf_program__pin(prog, new) : -ENOENT;
		if (!r && rename(new, path))
			r = -errno;
	}
	return r ? log_err(r, "cannot pin program %s at %s: %s", name, path, bpf_log_why(r)) : 0;
}

static bool is_pinned(const struct store *s, enum hook hook)
{
	char path[PIN_PATH];

	pin_prog_path(s, hook, path);
	return !access(path, F_OK);
}

/* Until all are pinned they are of no known build: if this is killed, the next load replaces them again. */
static int pin_programs(const struct load *l)
{
	uint64_t build[EBPFNET_PROGRAMS];
	unsigned int i;
	int r;

	r = store_build(l->s, build);
	for (i = 0; i < l->count; i++)
		build[l->hook[i]] = 0;
	if (!r)
		r = store_build_set(l->s, build);
	for (i = 0; i < l->count && !r; i++) {
		r = pin_program(l, i);
		build[l->hook[i]] = digest(l->hook[i]);
	}
	return r ? r : store_build_set(l->s, build);
}

static bool is_of_another_build(const struct store *s, enum hook hook)
{
	uint64_t build[EBPFNET_PROGRAMS];

	return is_pinned(s, hook) && !store_build(s, build) && build[hook] != digest(hook);
}

bool dataplane_is_of_another_build(const struct store *s)
{
	enum hook hook;

	for (hook = 0; hook < HOOKS; hook++)
		if (is_of_another_build(s, hook))
			return true;
	return false;
}

/* Loads and pins these programs. max_flows is the size of maps that are not there. */
static int load_hooks(const struct store *s, const enum hook *hooks, unsigned int count, uint32_t max_flows)
{
	struct load l = { .s = s };
	bool first = !is_pinned(s, HOOK_PORT);
	unsigned int i;

	for (i = 0; i < count && !l.r; i++) {
		l.hook[i] = hooks[i];
		l.obj[i] = open_object(s, &objects[hooks[i]], max_flows, &l.r);
		if (!l.r)
			l.r = pin_maps(&objects[hooks[i]], l.obj[i], !first);
		l.count++;
	}
	if (!l.r)
		load_programs(&l);
	if (!l.r && l.count)
		l.r = pin_programs(&l);
	for (i = 0; i < l.count; i++)
		bpf_object__close(l.obj[i]);
	return l.r;
}

/* The same, without those that are pinned. */
static int load_missing(const struct store *s, const enum hook *hooks, unsigned int count)
{
	enum hook missing[HOOKS];
	unsigned int i, n = 0;

	for (i = 0; i < count; i++)
		if (!is_pinned(s, hooks[i]))
			missing[n++] = hooks[i];
	return load_hooks(s, missing, n, flows_to_make(s, 0));
}

/* RFC 4787 REQ-5, 5382 REQ-5, 5508 REQ-2; IEEE 802.1D-2004 table 7-5. */
static int first_config(const struct store *s, uint32_t max_flows)
{
	static const struct config defaults = {
		.abi = EBPFNET_ABI,
		.lo_ifindex = 1,
		.fdb_age_s = 300,
		.hold_down_s = 120,
		.ask_s = 5,
		.forwarding = FORWARDING_DEFAULT,
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
	local_port_range(&cfg.port_min_h, &cfg.port_max_h);
	cfg.max_flows = max_flows;
	cfg.max_flows_ns = cfg.max_ports_ns = max_flows / 2; /* one cannot fill it alone */
	if (getrandom(&cfg.mark, sizeof(cfg.mark), 0) != sizeof(cfg.mark))
		return log_err(-errno, "cannot get a random number: %s", strerror(errno));
	r = store_account_add(s, ACCOUNT_FORWARDED);
	return r ? r : store_config_set(s, &cfg);
}

int dataplane_load(struct store *s, uint32_t max_flows)
{
	/* the largest first: it takes as long as the others together */
	static const enum hook hooks[HOOKS] = { HOOK_PORT, HOOK_UPLINK, HOOK_UPLINK_OUT, HOOK_GATEWAY,
						HOOK_LO, HOOK_UPLINK_XDP, HOOK_UPLINK_XDPGENERIC,
						HOOK_SHAPER, HOOK_UPLINK_L3, HOOK_UPLINK_L3_OUT };
	static const unsigned int always = 4;	/* the others are loaded when they are needed first */
	enum hook load[HOOKS];
	unsigned int i, count = 0;
	bool replaces = false;
	int r;

	max_flows = flows_to_make(s, max_flows);
	for (i = 0; i < HOOKS; i++) {
		bool other = is_of_another_build(s, hooks[i]);

		if (other || (i < always && !is_pinned(s, hooks[i])))
			load[count++] = hooks[i];
		replaces |= other;
	}
	r = load_hooks(s, load, count, max_flows);
	if (!r)
		r = store_reopen(s);
	if (!r && replaces)
		log_info("the programs of another build are replaced");
	return r ? r : first_config(s, max_flows);
}

int dataplane_load_lo(const struct store *s)
{
	static const enum hook lo = HOOK_LO;

	return load_missing(s, &lo, 1);
}

int dataplane_load_shaper(const struct store *s)
{
	static const enum hook shaper = HOOK_SHAPER;

	return load_missing(s, &shaper, 1);
}

int dataplane_load_l3(const struct store *s)
{
	static const enum hook hooks[] = { HOOK_UPLINK_L3, HOOK_UPLINK_L3_OUT };

	return load_missing(s, hooks, 2);
}

int dataplane_load_xdp(const struct store *s)
{
	static const enum hook hooks[] = { HOOK_UPLINK_XDP, HOOK_UPLINK_XDPGENERIC };

	/* bpf/kern/ctx_xdp.h reads the device's MAC address from kernel memory */
	bpf_log_begin();
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_probe_read_kernel, NULL) != 1)
		return log_err(-EOPNOTSUPP, "this kernel is in lockdown: the XDP prefilter may not read its memory; "
					    "leave --xdp out");
	return load_missing(s, hooks, 2);
}
