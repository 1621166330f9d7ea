// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "internal.h"

#define MARK 0x55
#define PRIORITY 3

static const char *const counter_names[COUNTERS] = {
#define X(id, text) #id,
	EBPFNET_COUNTERS(X)
#undef X
};

struct harness h;

/* Results of the last packet. */
static struct {
	uint32_t retval;
	struct frame packet;
	struct __sk_buff ctx;
	enum hook hook;
	uint64_t counted[COUNTERS], counted_before[COUNTERS];
	uint64_t copies[DEV_NS4 - DEV_NS1 + 1], copies_before[DEV_NS4 - DEV_NS1 + 1];
} out;

struct store *state(void)
{
	return &h.state;
}

/* ---- one packet ---- */

/* The counters, and what the ports sent. */
static void count(uint64_t *counted, uint64_t *copies)
{
	struct counters now;
	int i;

	assert_int_equal(store_counters(&h.state, &now), 0);
	memcpy(counted, &now, sizeof(out.counted));
	for (i = 0; i <= DEV_NS4 - DEV_NS1; i++)
		copies[i] = host_tx_packets(DEV_NS1 + i);
}

void count_from_here(void)
{
	count(out.counted_before, out.copies_before);
}

void count_to_here(void)
{
	int i;

	count(out.counted, out.copies);
	for (i = 0; i < COUNTERS; i++)
		out.counted[i] -= out.counted_before[i];
	for (i = 0; i <= DEV_NS4 - DEV_NS1; i++)
		out.copies[i] -= out.copies_before[i];
}

static void run_with(enum hook hook, const struct frame *in, struct __sk_buff *ctx)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in->bytes, .data_size_in = in->len,
		    .data_out = out.packet.bytes, .data_size_out = FRAME_MAX, .ctx_in = ctx,
		    .ctx_size_in = sizeof(*ctx), .ctx_out = &out.ctx,
		    .ctx_size_out = sizeof(out.ctx));

	count_from_here();
	assert_int_equal(bpf_prog_test_run_opts(h.prog[hook], &o), 0);
	count_to_here();
	out.hook = hook;
	out.retval = o.retval;
	out.packet.len = o.data_size_out;
}

void run_given(enum hook hook, enum device dev, const struct frame *in, struct given given)
{
	struct __sk_buff ctx = {
		.ifindex = ifindex_of(dev),
		.mark = MARK,
		.priority = PRIORITY,
		.gso_size = given.gso_size,
		.gso_segs = given.gso_size ? 2 : 0,
		.cb = { given.cb },
	};

	if (given.forwarded_from)
		ctx.ingress_ifindex = ifindex_of(given.forwarded_from);
	run_with(hook, in, &ctx);
}

void run(enum hook hook, enum device dev, const struct frame *in)
{
	run_given(hook, dev, in, (struct given){});
}

void run_repeatedly(enum hook hook, enum device dev, const struct frame *in)
{
	enum { TIMES = 6 }; /* the first few have to look up more than the next */
	static struct frame first;
	uint32_t retval;
	int i;

	run(hook, dev, in);
	first = out.packet;
	retval = out.retval;
	for (i = 1; i < TIMES; i++) {
		run(hook, dev, in);
		assert_int_equal(out.retval, retval);
		assert_int_equal(out.packet.len, first.len);
		assert_memory_equal(out.packet.bytes, first.bytes, first.len);
	}
}

uint32_t test_run_xdp(enum hook hook, enum device dev, const struct frame *in, struct frame *after)
{
	struct xdp_md ctx = { .data_end = in->len, .ingress_ifindex = ifindex_of(dev) };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in->bytes, .data_size_in = in->len,
		    .data_out = after->bytes, .data_size_out = FRAME_MAX, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx));

	assert_int_equal(bpf_prog_test_run_opts(h.prog[hook], &o), 0);
	after->len = o.data_size_out;
	return o.retval;
}

void run_xdp(enum hook hook, enum device dev, const struct frame *in)
{
	count_from_here();
	out.retval = test_run_xdp(hook, dev, in, &out.packet);
	count_to_here();
	out.hook = hook;
}

bool run_beside(enum hook hook, enum device dev, const struct frame *in, struct frame *after)
{
	struct __sk_buff ctx = { .ifindex = ifindex_of(dev) };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in->bytes, .data_size_in = in->len,
		    .data_out = after->bytes, .data_size_out = FRAME_MAX,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	return !bpf_prog_test_run_opts(h.prog[hook], &o) && o.retval == TC_ACT_REDIRECT;
}

void comes_in_again(void)
{
	struct frame in = out.packet;

	run_given(HOOK_UPLINK, DEV_UPLINK, &in, (struct given){ .cb = out.ctx.cb[0] });
}

void comes_out_of_shaper(void)
{
	struct __sk_buff ctx = {
		.ifindex = ifindex_of(DEV_SHAPER_PEER),
		.mark = MARK,
		.priority = PRIORITY,
	};
	struct frame in = out.packet;

	memcpy(ctx.cb, out.ctx.cb, sizeof(ctx.cb));
	run_with(HOOK_SHAPER, &in, &ctx);
}

const struct frame *output(void)
{
	return &out.packet;
}

bool carries_nothing(void)
{
	return !(out.ctx.cb[0] | out.ctx.cb[1] | out.ctx.cb[2] | out.ctx.cb[3] | out.ctx.cb[4]);
}

uint64_t departure(void)
{
	return out.ctx.tstamp;
}

/* ---- expectations ---- */

static const char *outcome_text(enum outcome o)
{
	static const char *const text[] = { "passed", "dropped", "into a port", "into the host",
					    "sent" };

	return text[o];
}

/* -1: no known outcome. Only ingress hooks clear mark and priority. */
static int outcome_of_last(void)
{
	enum { UNSPEC = -1, SHOT = 2, REDIRECTED = 7 };

	if (out.hook == HOOK_UPLINK_XDP || out.hook == HOOK_UPLINK_XDPGENERIC)
		return out.retval == XDP_PASS ? PASSED : out.retval == XDP_DROP ? DROPPED : -1;
	switch ((int)out.retval) {
	case UNSPEC:
		return PASSED;
	case SHOT:
		return DROPPED;
	case REDIRECTED:
		if (out.ctx.mark)
			return out.ctx.mark == MARK && out.ctx.priority == PRIORITY ? SENT : -1;
		return out.ctx.priority ? INTO_HOST : INTO_PORT;
	default:
		return -1;
	}
}

void expect_outcome_at(enum outcome want, const char *file, int line)
{
	int got = outcome_of_last();

	/* the gateway's hook is an egress: the device's receiver clears mark and priority */
	if (out.hook == HOOK_GATEWAY && want == INTO_PORT)
		want = SENT;
	if (got == (int)want)
		return;
	print_error("outcome: %s (verdict %d), expected: %s\n",
		    got < 0 ? "strange" : outcome_text(got), (int)out.retval, outcome_text(want));
	_fail(file, line);
}

void expect_waiting_at(enum device port, uint16_t which, const char *file, int line)
{
	enum { REDIRECTED = 7 };
	uint32_t class = class_of_port(port, which);
	int i;

	for (i = 0; i < COUNT_flow_new; i++)
		if (out.counted[i])
			print_error("counter %s rose while the packet waits\n", counter_names[i]), _fail(file, line);
	if (out.retval == REDIRECTED && out.ctx.priority == class && out.ctx.mark == MARK &&
	    out.ctx.cb[0] == config_now().mark)
		return;
	print_error("verdict %d, priority %x, mark %x, expected: to wait in class %x\n", (int)out.retval,
		    out.ctx.priority, out.ctx.mark, class);
	_fail(file, line);
}

void expect_packet_at(const struct frame *want, const char *file, int line)
{
	uint32_t i;

	if (out.packet.len == want->len && !memcmp(out.packet.bytes, want->bytes, want->len))
		return;
	for (i = 0; i < want->len && i < out.packet.len; i++)
		if (out.packet.bytes[i] != want->bytes[i])
			break;
	print_error("packets differ from byte %u on\n", i);
	frame_print("got", &out.packet);
	frame_print("expected", want);
	_fail(file, line);
}

void expect_counted_at(const enum counter *want, const char *file, int line)
{
	uint64_t wanted[COUNTERS] = {};
	bool differs = false;
	int i;

	for (; *want != COUNTERS; want++)
		wanted[*want]++;
	for (i = 0; h.wait && i < 100 && memcmp(out.counted, wanted, sizeof(wanted)); i++)
		h.wait();
	for (i = 0; i < COUNTERS; i++) {
		if (out.counted[i] == wanted[i])
			continue;
		print_error("counter %s rose by %llu, expected: %llu\n", counter_names[i],
			    (unsigned long long)out.counted[i], (unsigned long long)wanted[i]);
		differs = true;
	}
	if (differs)
		_fail(file, line);
}

int copies_to(enum device port)
{
	return out.copies[port - DEV_NS1];
}

void expect_copies_at(const int *want, const char *file, int line)
{
	bool differs = false;
	int i;

	for (i = 0; i <= DEV_NS4 - DEV_NS1; i++) {
		if (out.copies[i] == (uint64_t)want[i])
			continue;
		print_error("%llu copies to NS%d, expected: %d\n",
			    (unsigned long long)out.copies[i], i + 1, want[i]);
		differs = true;
	}
	if (differs)
		_fail(file, line);
}

/* ---- setting up ---- */

static int open_map(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", h.state.dir, name);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	return fd;
}

/* A map of a program that is not pinned; 0: the program has none of that name. */
static int map_of_program(int prog, const char *name)
{
	uint32_t ids[64], len = sizeof(struct bpf_prog_info), i;
	struct bpf_prog_info info = { .nr_map_ids = 64, .map_ids = (uintptr_t)ids };

	assert_int_equal(bpf_obj_get_info_by_fd(prog, &info, &len), 0);
	for (i = 0; i < info.nr_map_ids && i < 64; i++) {
		struct bpf_map_info map = {};
		int fd = bpf_map_get_fd_by_id(ids[i]);

		len = sizeof(map);
		assert_int_equal(bpf_obj_get_info_by_fd(fd, &map, &len), 0);
		if (!strcmp(map.name, name))
			return fd;
		close(fd);
	}
	return 0;
}

static int load(void)
{
	char path[256];
	enum hook hook;
	int r;

	r = store_open(&h.state, HOST_BPFFS, STORE_MAKE);
	if (!r)
		r = dataplane_journal(&h.state);
	if (!r)
		r = dataplane_load(&h.state, FLOWS);
	if (!r)
		r = dataplane_load_lo(&h.state);
	if (!r)
		r = dataplane_load_xdp(&h.state);
	if (!r)
		r = dataplane_load_shaper(&h.state);
	if (!r)
		r = dataplane_load_l3(&h.state);
	for (hook = 0; hook < HOOKS && !r; hook++) {
		snprintf(path, sizeof(path), "%s/progs/%s", h.state.dir, hook_name(hook));
		h.prog[hook] = bpf_obj_get(path);
		r = h.prog[hook] < 0 ? h.prog[hook] : 0;
		if (!r)
			h.flow_cache[hook] = map_of_program(h.prog[hook], "flow_cache");
	}
	h.fq_table = map_of_program(h.prog[HOOK_PORT], "fq_table");
	h.icmp_budget = open_map("icmp_budget");
	h.neigh = open_map("neigh");
	h.ipv6_learned = open_map("ipv6_learned");
	h.tcp_ports_in_use = open_map("tcp_ports_in_use");
	h.frags = open_map("frags");
	h.fragq = open_map("fragq");
	h.hold_down = open_map("hold_down");
	h.outside_peers = open_map("outside_peers");
	return r;
}

int harness_setup(void **unused)
{
	int r = host_setup();

	if (!r)
		r = load();
	if (r) {
		print_error("cannot set up: %s\n", strerror(-r));
		return r;
	}
	set_forwarding(DEV_GW, 1);
	h.config = config_now();
	h.config.fib_ifindex = ifindex_of(DEV_GW);
	h.config.port_min_h = 1; /* a test's numbers are kept */
	h.config.port_max_h = 65535;
	return 0;
}
