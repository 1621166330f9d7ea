// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Says "ok" and how many packets went through, or prints the first one of which something is broken, and
 * how to send it again. The environment: FUZZ_SEED; FUZZ_TIME, seconds, and FUZZ_COUNT, packets, to end
 * after; FUZZ_WORLD, to run that one alone; FUZZ_CHECK, packets between two looks at the flow table;
 * FUZZ_PACKET, to send one packet, as printed, in a world's first state.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "fuzz.h"

#define MARK 0x55
#define PRIORITY 3
#define PER_WORLD 3000
#define WELL_FORMED 150		/* the first of a world, so that there are flows */

static const char *const counter_names[COUNTERS] = {
#define X(id, text) #id,
	EBPFNET_COUNTERS(X)
#undef X
};

static uint64_t seed_now, packets, refused, early, totals[COUNTERS], last[COUNTERS];
static int provider, kernel_log;

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* ---- one packet through one program ---- */

static void count_now(struct outcome_of *o, bool first_fragment)
{
	struct counters now;
	uint64_t *n = (uint64_t *)&now;
	int i;

	assert_int_equal(store_counters(&h.state, &now), 0);
	for (i = 0; i < COUNTERS; i++) {
		uint64_t rose = n[i] - last[i];

		last[i] = n[i];
		totals[i] += rose;
		/* fragments that were queued for a first one are refused with it */
		if (i > COUNT_refused_bad_protocol || !rose || (i == COUNT_frag_no_first && first_fragment))
			continue;
		o->counts += rose;
		o->counted = i;
	}
}

static enum went went(uint32_t retval, const struct __sk_buff *ctx)
{
	enum { UNSPEC = -1, SHOT = 2, REDIRECTED = 7 };

	if ((int)retval == UNSPEC)
		return WENT_ON;
	if (retval == SHOT)
		return WENT_NOWHERE;
	if (retval != REDIRECTED)
		return WENT_ASTRAY;
	if (ctx->cb[0] == ~world.cfg.mark) /* of a flow that has just begun */
		return WENT_UPLINK;
	if (ctx->cb[0] == world.cfg.mark)
		return ctx->mark ? WENT_UPLINK : WENT_ROUND;
	if (ctx->mark)
		return ctx->mark == MARK && ctx->priority == PRIORITY ? WENT_OUT : WENT_ASTRAY;
	return ctx->priority ? WENT_HOST : WENT_PORT;
}

/* As FUZZ_PACKET takes it: hook, device, gso_size, forwarded, ours, bytes. */
static void print_shot(const struct shot *s)
{
	uint32_t i;

	printf("%d:%d:%d:%d:%d:", s->hook, s->dev, s->gso_size, s->forwarded, s->ours);
	for (i = 0; i < s->in.len; i++)
		printf("%02x", s->in.bytes[i]);
	printf("\n");
}

/* The XDP prefilter sees first what comes by an uplink; of what our programs turn round in here it sees nothing. */
static void fire_early(const struct shot *s, struct outcome_of *o)
{
	enum { PASS = 2 };
	static struct outcome_of seen;
	static struct frame out;
	uint32_t verdict;

	seen.counts = 0;
	seen.counted = COUNTERS;
	o->early = COUNTERS;
	if (s->hook != HOOK_UPLINK || s->ours || s->in.len < ETH_LEN)
		return;
	verdict = test_run_xdp(packets % 2 ? HOOK_UPLINK_XDP : HOOK_UPLINK_XDPGENERIC, s->dev, &s->in, &out);
	count_now(&seen, false);
	o->early = seen.counted;
	/* counted if, and only if, it was dropped; else as it was */
	if ((verdict == PASS) != !seen.counts || seen.counts > 1 ||
	    (verdict == PASS && (out.len != s->in.len || memcmp(out.bytes, s->in.bytes, out.len))))
		o->early = COUNT_helper_failed;
	early += seen.counts;
}

/* false: the kernel does not take such a packet. */
static bool fire(const struct shot *s, struct outcome_of *o)
{
	struct __sk_buff ctx_out = {}, ctx = {
		.ifindex = ifindex_of(s->dev),
		.mark = MARK,
		.priority = PRIORITY,
		.gso_size = s->gso_size,
		.gso_segs = s->gso_size ? 2 : 0,
		.cb[0] = s->ours ? world.cfg.mark : 0,
		.ingress_ifindex = s->forwarded ? ifindex_of(DEV_UNMANAGED) : 0,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = s->in.bytes, .data_size_in = s->in.len,
		    .data_out = o->out.bytes, .data_size_out = FRAME_MAX, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .ctx_out = &ctx_out,
		    .ctx_size_out = sizeof(ctx_out));
	struct view in = view_of(s->in.bytes, s->in.len);
	int r;

	fire_early(s, o);
	r = bpf_prog_test_run_opts(h.prog[s->hook], &opts);
	/* newer ones want the network header whole */
	if (r == -EINVAL && s->in.len < ETH_LEN + 40)
		return false;
	if (r) {
		print_shot(s);
		fail_msg("BPF_PROG_TEST_RUN: %s", strerror(-r));
	}
	o->counts = 0;
	o->counted = COUNTERS;
	count_now(o, in.ip && (in.frag & 0x3fff) == 0x2000);
	o->out.len = opts.data_size_out;
	o->went = went(opts.retval, &ctx_out);
	return true;
}

/* Copies are really sent. Of those that reach the provider none may have an address of ours inside. */
static const char *check_provider(void)
{
	uint8_t frame[FRAME_MAX];
	ssize_t len;

	while ((len = recv(provider, frame, sizeof(frame), MSG_DONTWAIT)) > 0) {
		struct view v = view_of(frame, len);

		MUST(!v.ip || (!is_private(v.src) && !is_private(v.dst)));
		MUST(!v.ip || (ip_wrong_by(&v) == 0 && len <= ETH_LEN + 1500));
	}
	return NULL;
}

/* Kernel messages about a broken packet, or broken memory. */
static const char *check_kernel_log(void)
{
	static char line[2048];
	ssize_t len;

	while (kernel_log >= 0 && ((len = read(kernel_log, line, sizeof(line) - 1)) > 0 || errno == EPIPE)) {
		line[len > 0 ? len : 0] = 0;
		if (strstr(line, "WARNING:") || strstr(line, "BUG:") || strstr(line, "UBSAN") ||
		    strstr(line, "KASAN") || strstr(line, "checksum failure") ||
		    strstr(line, "recursion limit"))
			return line;
	}
	return NULL;
}

/* ---- what is said of it ---- */

static void read_shot(struct shot *s, const char *text)
{
	unsigned int hook, dev, gso, forwarded, ours, byte;
	int used = 0;

	if (sscanf(text, "%u:%u:%u:%u:%u:%n", &hook, &dev, &gso, &forwarded, &ours, &used) != 5 ||
	    hook >= HOOKS || dev >= DEVICES)
		fail_msg("FUZZ_PACKET is not one");
	*s = (struct shot){ .hook = hook, .dev = dev, .gso_size = gso, .forwarded = forwarded,
			    .ours = ours };
	for (text += used; s->in.len < FRAME_MAX && sscanf(text, "%2x", &byte) == 1; text += 2)
		s->in.bytes[s->in.len++] = byte;
}

static void print_outcome(const struct outcome_of *o)
{
	static const char *const ways[] = { "on", "nowhere", "into a port", "into the host",
					    "out", "out by the uplink",
					    "round", "astray" };
	uint32_t i;

	printf("  went %s, counted %d times, as %s\n  came out, %u bytes: ", ways[o->went], o->counts,
	       o->counted < COUNTERS ? counter_names[o->counted] : "nothing", o->out.len);
	for (i = 0; i < o->out.len; i++)
		printf("%02x", o->out.bytes[i]);
	printf("\n");
}

static int report(const char *broken, const struct shot *s, const struct outcome_of *o)
{
	printf("not ok packets (packet %llu, program %s, device %s)\n  %s\n",
	       (unsigned long long)packets, hook_name(s->hook), host_device_name(s->dev), broken);
	print_outcome(o);
	printf("  filtering %d, ports %d-%d, %u slots, forwarding %s\n", world.cfg.filtering,
	       world.cfg.port_min_h, world.cfg.port_max_h, world.cfg.max_flows,
	       world.forwarding_off ? "off" : "on");
	printf("  the whole world again: FUZZ_SEED=%llu FUZZ_WORLD=%llu FUZZ_CHECK=1 build/tests/fuzz/packets\n"
	       "  this packet alone:     FUZZ_SEED=%llu FUZZ_WORLD=%llu build/tests/fuzz/packets with FUZZ_PACKET=\n",
	       (unsigned long long)seed_now, (unsigned long long)world.number,
	       (unsigned long long)seed_now, (unsigned long long)world.number);
	print_shot(s);
	return 1;
}

/* A fuzz that has not been everywhere has shown little. */
static int report_end(uint64_t seconds)
{
	static const enum counter ways[] = {
		COUNT_switched, COUNT_flooded, COUNT_arp_answered, COUNT_to_host, COUNT_masqueraded,
		COUNT_unmasqueraded, COUNT_hairpinned, COUNT_published_in, COUNT_published_out,
		COUNT_icmp_translated, COUNT_refused_ttl_exceeded, COUNT_host_snat, COUNT_not_ours,
	};
	int i, missed = 0;

	for (i = 0; i < COUNTERS; i++)
		if (getenv("FUZZ_VERBOSE"))
			printf("  %-20s %llu\n", counter_names[i], (unsigned long long)totals[i]);
	for (i = 0; i < (int)(sizeof(ways) / sizeof(ways[0])); i++)
		if (!totals[ways[i]] && packets > 50000) {
			printf("not ok packets (no packet was %s)\n", counter_names[ways[i]]);
			missed = 1;
		}
	if (!early && packets > 50000) {
		printf("not ok packets (no packet was dropped early)\n");
		missed = 1;
	}
	if (missed)
		return 1;
	printf("ok packets (%llu packets in %llu s, seed %llu)\n", (unsigned long long)packets,
	       (unsigned long long)seconds, (unsigned long long)seed_now);
	return 0;
}

/* ---- one after another ---- */

static int one(const struct shot *s, uint64_t check_every)
{
	static struct outcome_of o;
	const char *broken;

	if (!fire(s, &o)) {
		refused++;
		return 0;
	}
	packets++;
	broken = check_packet(s, &o);
	if (!broken)
		broken = check_provider();
	if (!broken && packets % check_every == 0)
		broken = check_table();
	if (broken)
		return report(broken, s, &o);
	live_note(s, &o);
	return 0;
}

static void world_of(uint64_t number)
{
	struct outcome_of ignored = {};

	world_begin(seed_now, number);
	count_now(&ignored, false);
}

static int run_world(uint64_t number, uint64_t count, uint64_t check_every)
{
	static struct shot s;
	const char *broken;
	int i;

	world_of(number);
	for (i = 0; i < PER_WORLD && packets < count; i++) {
		if (i > WELL_FORMED && one_in(200))
			world_change();
		seed(&s);
		/* what comes in with our mark is as our programs made it */
		if (i >= WELL_FORMED && !one_in(4) && !(s.ours && s.hook == HOOK_UPLINK))
			mutate(&s);
		if (view_of(s.in.bytes, s.in.len).kind != PORTS)
			s.gso_size = 0; /* nobody else makes packets that are to be cut */
		if (one(&s, check_every))
			return 1;
	}
	broken = check_table();
	if (!broken)
		broken = check_kernel_log();
	return broken ? report(broken, &s, &(struct outcome_of){}) : 0;
}

static int run_packet(const char *text)
{
	static struct shot s;
	static struct outcome_of o;
	const char *broken;

	world_of(setting("FUZZ_WORLD", 0));
	read_shot(&s, text);
	if (!fire(&s, &o))
		fail_msg("the kernel refuses such a packet");
	print_outcome(&o);
	broken = check_packet(&s, &o);
	printf("%s\n", broken ? broken : "nothing is broken");
	return broken != NULL;
}

static int open_provider(void)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = host_far_ifindex(DEV_UPLINK) };
	int fd = host_packet_socket(true);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

int main(void)
{
	uint64_t count = setting("FUZZ_COUNT", UINT64_MAX), limit = setting("FUZZ_TIME", 10);
	uint64_t check_every = setting("FUZZ_CHECK", 256), number = setting("FUZZ_WORLD", 0);
	time_t begin;

	setvbuf(stdout, NULL, _IOLBF, 0);
	seed_now = setting("FUZZ_SEED", 1);
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kernel_log >= 0)
		lseek(kernel_log, 0, SEEK_END);
	if (harness_setup(NULL)) {
		printf("not ok packets (cannot set up)\n");
		return 1;
	}
	provider = open_provider();
	if (getenv("FUZZ_PACKET"))
		return run_packet(getenv("FUZZ_PACKET"));
	begin = time(NULL);
	do {
		if (run_world(number++, count, check_every))
			return 1;
	} while (!getenv("FUZZ_WORLD") && packets < count && (uint64_t)(time(NULL) - begin) < limit);
	return report_end(time(NULL) - begin);
}
