// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Kernel features, found by trying: distributions backport, so the version says little. */
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "lib/kernel/conntrack.h"
#include "lib/kernel/libbpf_log.h"
#include "lib/base/cleanup.h"
#include "lib/dataplane/pin.h"
#include "lib/base/log.h"

static int check_capabilities(void)
{
	static const struct {
		int number;
		const char *name;
		bool not_root;	/* needed by others than root, to whom the files and folders belong */
	} needed[] = {
		{ CAP_NET_ADMIN, "CAP_NET_ADMIN" },
		{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" },
		{ CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE", true },
	};
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct set[_LINUX_CAPABILITY_U32S_3] = {};
	size_t i;

	if (syscall(SYS_capget, &head, set))
		return log_err(-errno, "cannot read this process's capabilities: %s",
			       strerror(errno));
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if ((!needed[i].not_root || geteuid()) &&
		    !(set[CAP_TO_INDEX(needed[i].number)].effective & CAP_TO_MASK(needed[i].number)))
			return log_err(-EPERM, "this process lacks %s; run ebpfnet as root, or with CAP_NET_ADMIN, "
					       "CAP_SYS_ADMIN and CAP_DAC_OVERRIDE", needed[i].name);
	return 0;
}

static int check_bpf(void)
{
	_cleanup_fd_ int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ebpfnet_probe", 4, 4, 1, NULL);

	if (fd == -ENOSYS)
		return log_err(fd, "this kernel was built without BPF (CONFIG_BPF_SYSCALL)");
	if (fd == -EPERM)
		return log_err(fd, "the kernel does not let this process use BPF: inside a container "
				   "or a user namespace it needs CAP_BPF outside of it");
	return fd < 0 ? log_err(fd, "the kernel refuses a BPF map: %s", strerror(-fd)) : 0;
}

static int check_helpers(void)
{
	static const struct {
		enum bpf_func_id id;
		const char *name, *since;
	} needed[] = {
		{ BPF_FUNC_redirect_neigh, "bpf_redirect_neigh", "5.10" },
		{ BPF_FUNC_redirect_peer, "bpf_redirect_peer", "5.10" },
		{ BPF_FUNC_ktime_get_coarse_ns, "bpf_ktime_get_coarse_ns", "5.11" },
		{ BPF_FUNC_check_mtu, "bpf_check_mtu", "5.12" },
		{ BPF_FUNC_loop, "bpf_loop", "5.17" },
	};
	size_t i;

	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, needed[i].id, NULL) == 0)
			return log_err(-EOPNOTSUPP,
				       "this kernel is too old: it lacks %s (Linux %s and newer); "
				       "ebpfnet needs 6.1",
				       needed[i].name, needed[i].since);
	return 0;
}

int dataplane_probe(enum hook_kind kind)
{
	int r;

	bpf_log_begin();
	r = check_capabilities();
	if (!r)
		r = check_bpf();
	if (!r)
		r = check_helpers();
	if (!r && kind == HOOK_TCX && !dataplane_has_tcx())
		r = log_err(-EOPNOTSUPP, "this kernel lacks TCX (Linux 6.6 and newer); use --hook clsact");
	return r;
}

/* Creates a TCX link on a device that cannot exist: only with TCX the kernel looks for the device. */
bool dataplane_has_tcx(void)
{
	static const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	_cleanup_fd_ int link = -1, prog = -1;

	bpf_log_begin();
	prog = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "ebpfnet_probe", "Dual BSD/GPL", pass,
			     sizeof(pass) / sizeof(pass[0]), NULL);
	if (prog < 0)
		return false;
	link = bpf_link_create(prog, INT_MAX, ATTACH_TCX_INGRESS, NULL);
	return link == -ENODEV;
}

/* bpf/kern/kernel.h uses these functions. */
static bool can_read_in_place(const struct btf *btf)
{
	return btf__find_by_name_kind(btf, "bpf_cast_to_kern_ctx", BTF_KIND_FUNC) > 0 &&
	       btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
}

/* bpf/kern/conntrack.h uses these functions, of the kernel or of its module. */
static bool can_ask_conntrack(struct btf *vmlinux)
{
	struct btf *module;
	bool can;

	if (btf__find_by_name_kind(vmlinux, "bpf_skb_ct_lookup", BTF_KIND_FUNC) > 0)
		return true;
	conntrack_load();
	module = btf__load_module_btf("nf_conntrack", vmlinux);
	can = module && btf__find_by_name_kind(module, "bpf_skb_ct_lookup", BTF_KIND_FUNC) > 0;
	btf__free(module);
	return can;
}

/* The address of a kernel symbol; 0: unknown, or hidden from this process. */
static uint64_t symbol_address(const char *symbol)
{
	_cleanup_file_ FILE *f = fopen("/proc/kallsyms", "re");
	char line[256], name[128];
	unsigned long long at;

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, symbol) && sscanf(line, "%llx %*c %127s", &at, name) == 2 && !strcmp(name, symbol))
			return at;
	return 0;
}

/* The offset of a member of a struct, in bytes; -1: there is no such struct, or member. */
static int member_offset(const struct btf *btf, const char *type, const char *member)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT), i;
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;
	const char *name;

	for (i = 0; t && i < btf_vlen(t); i++) {
		name = btf__name_by_offset(btf, btf_members(t)[i].name_off);
		if (name && !strcmp(name, member))
			return btf_member_bit_offset(t, i) / 8;
	}
	return -1;
}

/* bpf/kern/ruleset.h reads there. Nothing is loaded for it: without nf_tables there is no such ruleset. */
static struct kernel_nft find_nft(struct btf *vmlinux)
{
	struct btf *module = NULL;
	struct kernel_nft nft = {};
	int offset;

	if (member_offset(vmlinux, "netns_nftables", "base_seq") >= 0)
		return nft;
	offset = member_offset(vmlinux, "nftables_pernet", "base_seq");
	if (offset < 0) {
		module = btf__load_module_btf("nf_tables", vmlinux);
		offset = module ? member_offset(module, "nftables_pernet", "base_seq") : -1;
		btf__free(module);
	}
	if (offset >= 0) {
		nft.base_seq = offset;
		nft.net_id = symbol_address("nf_tables_net_id");
	}
	return nft;
}

static enum kernel_memory kernel_memory;
static bool kernel_conntrack;
static struct kernel_nft kernel_nft;

static void find_kernel_features(void)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (btf && can_read_in_place(btf))
		kernel_memory = KERNEL_MEMORY_IN_PLACE;
	else if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_probe_read_kernel, NULL) == 1)
		kernel_memory = KERNEL_MEMORY_COPIED;
	kernel_conntrack = btf && can_ask_conntrack(btf);
	if (btf)
		kernel_nft = find_nft(btf);
	btf__free(btf);
}

/* Found once, because parsing the kernel's BTF is slow. Threads that load objects wait for the first one's answer. */
static pthread_once_t features_once = PTHREAD_ONCE_INIT;

enum kernel_memory dataplane_kernel_memory(void)
{
	pthread_once(&features_once, find_kernel_features);
	return kernel_memory;
}

bool dataplane_kernel_conntrack(void)
{
	pthread_once(&features_once, find_kernel_features);
	return kernel_conntrack;
}

const struct kernel_nft *dataplane_kernel_nft(void)
{
	pthread_once(&features_once, find_kernel_features);
	return &kernel_nft;
}
