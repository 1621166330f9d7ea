// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * scale: measure the cost of a packet in the network that is up. Reads requests from stdin and prints one line of
 * JSON for each:
 *
 *	fill N          open N connections from ns1, each with its three-way handshake
 *	cost KIND RUNS  nanoseconds of RUNS packets, each through the pinned program: median, p999 and max; or of
 *	                whole connections, opened by ns1 (connect) or from outside (accept)
 *	spray N RUNS    nanoseconds of a datagram from a socket in ns1 to one of N destinations; RUNS 0: one to each
 *	walk            read the flow table in batches, without any processing
 *	memory          bytes of all maps and programs, as the kernel reports them
 *	count NAME      value of a counter
 *	run CMD...      run a command without its output: wall-clock time, CPU time, maximum memory
 *
 * A packet is one BPF_PROG_TEST_RUN. Its cost is the kernel's duration of the program, with two reads of the clock.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <user/lib/dataplane/dataplane.h>
#include <user/lib/kernel/nl.h>
#include <user/lib/store/store.h>
#include <user/lib/store/map.h>

#include "frames.h"
#include "look.skel.h"

#define ROOM 512	/* size of an output packet, which may be an ICMP error */
#define RUNS_MAX 200000
#define SERVERS 0x09000000u	/* flow i leads to 9.0.0.0 + i */
#define CLIENT 0xcb00710au	/* 203.0.113.10 */
#define PUBLISHED 5000
#define BATCH 4096

static struct {
	struct store state;
	struct ns_record ns1, ns2;
	struct network net;
	uint32_t uplink;
	uint8_t uplink_mac[6];
	int prog[HOOKS];
	struct look_bpf *look;
	uint32_t flows, begun, clients;
} at;

static void die(const char *what)
{
	fprintf(stderr, "scale: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- packets ---- */

static void arp_frame(uint8_t f[FRAME])
{
	memset(f, 0, FRAME);
	memset(f, 0xff, 6);
	memcpy(f + 6, at.ns1.mac, 6);
	put16(f + 12, 0x0806);
	memcpy(f + ETH, "\0\1\x08\0\6\4\0\1", 8);
	memcpy(f + ETH + 8, at.ns1.mac, 6);
	memcpy(f + ETH + 14, &at.ns1.addr, 4);
	memcpy(f + ETH + 24, &at.ns2.addr, 4);
}

/* Run a program once. Returns nanoseconds. out may be NULL. */
static uint32_t run(int prog, uint32_t ifindex, const uint8_t in[FRAME], uint8_t out[ROOM])
{
	struct __sk_buff ctx = { .ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in, .data_size_in = FRAME, .data_out = out,
		    .data_size_out = out ? ROOM : 0, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	if (bpf_prog_test_run_opts(prog, &o))
		die("BPF_PROG_TEST_RUN");
	return o.duration;
}

static uint32_t number(struct ipaddr a)
{
	return get32(a.octet);
}

static uint32_t ns1_sends(const uint8_t f[FRAME], uint8_t out[ROOM])
{
	return run(at.prog[HOOK_PORT], at.ns1.ifindex, f, out);
}

static uint32_t uplink_gets(struct tuple t, uint8_t flags, uint8_t out[ROOM])
{
	static const uint8_t isp[6] = { 2, 0, 0, 0, 0, 1 };
	uint8_t f[FRAME];

	tcp_frame(f, isp, at.uplink_mac, t, flags);
	return run(at.prog[HOOK_UPLINK], at.uplink, f, out);
}

/* ---- the connections of ns1 ---- */

static struct tuple flow_tuple(uint32_t i)
{
	return (struct tuple){ number(at.ns1.addr), SERVERS + i, 20000 + i % 30000, 443 };
}

static uint32_t send_as(struct tuple t, uint8_t flags, uint8_t out[ROOM])
{
	uint8_t f[FRAME];

	tcp_frame(f, at.ns1.mac, at.net.gw_mac, t, flags);
	return ns1_sends(f, out);
}

static uint32_t send_of(uint32_t i, uint8_t flags, uint8_t out[ROOM])
{
	return send_as(flow_tuple(i), flags, out);
}

/* The tuple of a reply to a packet that was sent. */
static struct tuple answer(const uint8_t out[ROOM])
{
	const uint8_t *ip = out + ETH;

	return (struct tuple){ get32(ip + 16), get32(ip + 12), ip[22] << 8 | ip[23], ip[20] << 8 | ip[21] };
}

static struct tuple begin(uint32_t i)
{
	uint8_t out[ROOM];
	struct tuple back;

	send_of(i, SYN, out);
	back = answer(out);
	uplink_gets(back, SYN | ACK, NULL);
	send_of(i, ACK, NULL);
	return back;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void fill(uint32_t n)
{
	struct conn_alloc alloc;
	double from = seconds();

	for (; at.flows < n; at.flows++)
		begin(at.flows);
	if (store_conn_alloc(&at.state, &alloc))
		die("conn_alloc");
	printf("{\"flows\": %d, \"seconds\": %.2f}\n", alloc.live, seconds() - from);
}

/* ---- costs ---- */

static uint32_t random_u32(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	return x * 0x2545f4914f6cdd1d >> 32;
}

static uint32_t cost_masquerade(void)
{
	return send_of(0, ACK, NULL);
}

static uint32_t cost_random(void)
{
	return send_of(random_u32() % at.flows, ACK, NULL);
}

static uint32_t cost_new(void)
{
	return send_of(at.flows + at.begun++, SYN, NULL);
}

static uint32_t cost_reply(void)
{
	static struct tuple back;

	if (!back.src)
		back = begin(0x00ffffff);
	return uplink_gets(back, ACK, NULL);
}

static uint32_t cost_switch(void)
{
	struct tuple t = { number(at.ns1.addr), number(at.ns2.addr), 4000, 5000 };
	uint8_t f[FRAME];

	tcp_frame(f, at.ns1.mac, at.ns2.mac, t, ACK);
	return ns1_sends(f, NULL);
}

static uint32_t cost_arp(void)
{
	uint8_t f[FRAME];

	arp_frame(f);
	return ns1_sends(f, NULL);
}

static uint32_t host_addr(void)
{
	static uint32_t addr;
	uint8_t out[ROOM];

	if (!addr) {
		send_of(0, ACK, out);
		addr = get32(out + ETH + 12);
	}
	return addr;
}

static uint32_t cost_publish(void)
{
	static bool begun;
	struct tuple t = { CLIENT, host_addr(), 20000, PUBLISHED };

	if (!begun) {
		uplink_gets(t, SYN, NULL);
		send_as((struct tuple){ number(at.ns1.addr), t.src, PUBLISHED, t.sport }, SYN | ACK, NULL);
		begun = true;
	}
	return uplink_gets(t, ACK, NULL);
}

static uint32_t cost_publish_new(void)
{
	struct tuple t = { CLIENT + (at.clients / 60000), host_addr(), 1024 + at.clients % 60000, PUBLISHED };

	at.clients++;
	return uplink_gets(t, SYN, NULL);
}

/* Run the rest of a connection after its SYN: request, reply, and close by both sides. */
static uint32_t after_syn(struct tuple inside, struct tuple outside, bool begun_inside)
{
	static const struct { bool answers; uint8_t flags; } packets[] = {
		{ true, SYN | ACK }, { false, ACK }, { false, ACK | PSH }, { true, ACK }, { true, ACK | PSH },
		{ true, ACK | FIN }, { false, ACK }, { false, ACK | FIN }, { true, ACK },
	};
	uint32_t ns = 0;
	size_t i;

	for (i = 0; i < sizeof(packets) / sizeof(packets[0]); i++)
		ns += packets[i].answers == begun_inside ? uplink_gets(outside, packets[i].flags, NULL) :
							   send_as(inside, packets[i].flags, NULL);
	return ns;
}

/* Connect like a busy client, with successive ports of Linux's ephemeral range. */
static uint32_t cost_connect(void)
{
	struct tuple t = { number(at.ns1.addr), SERVERS, 32768 + at.clients++ % 28000, 443 };
	uint8_t out[ROOM];
	uint32_t ns = send_as(t, SYN, out);

	return ns + after_syn(t, answer(out), true);
}

static uint32_t cost_accept(void)
{
	struct tuple t = { CLIENT, host_addr(), 32768 + at.clients++ % 28000, PUBLISHED };
	struct tuple inside = { number(at.ns1.addr), t.src, PUBLISHED, t.sport };

	return uplink_gets(t, SYN, NULL) + after_syn(inside, t, false);
}

static uint32_t look(uint32_t i)
{
	struct tuple t = flow_tuple(i);
	struct flow_key key = { .src = at.ns1.addr, .sport_h = t.sport, .dport_h = t.dport, .zone = at.ns1.net,
				.proto = L4_TCP };
	uint8_t f[FRAME] = {};

	put32(key.dst.octet, t.dst);
	memcpy(f + ETH, &key, sizeof(key));
	return run(bpf_program__fd(at.look->progs.look_up), at.ns1.ifindex, f, NULL);
}

static uint32_t cost_look(void)
{
	return look(0);
}

static uint32_t cost_look_random(void)
{
	return look(random_u32() % at.flows);
}

static const struct {
	const char *name;
	uint32_t (*cost)(void);
} kinds[] = {
	{ "masquerade", cost_masquerade }, { "random", cost_random }, { "new", cost_new },
	{ "reply", cost_reply }, { "switch", cost_switch }, { "arp", cost_arp },
	{ "publish", cost_publish }, { "publish_new", cost_publish_new },
	{ "connect", cost_connect }, { "accept", cost_accept },
	{ "look", cost_look }, { "look_random", cost_look_random },
};

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void cost(const char *name, uint32_t runs)
{
	static uint32_t ns[RUNS_MAX];
	double sum = 0;
	size_t k = 0;
	uint32_t i;

	while (k < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[k].name, name))
		k++;
	errno = EINVAL;
	if (k == sizeof(kinds) / sizeof(kinds[0]) || !runs || runs > RUNS_MAX)
		die(name);
	for (i = 0; i < runs; i++)
		ns[i] = kinds[k].cost();
	qsort(ns, runs, sizeof(*ns), by_size);
	/* the mean of the middle half: a median of whole nanoseconds is too coarse for a limit of 1.03 */
	for (i = runs / 4; i < runs - runs / 4; i++)
		sum += ns[i];
	printf("{\"ns\": %.2f, \"p999\": %u, \"max\": %u}\n", sum / (runs - 2 * (runs / 4)),
	       ns[runs - 1 - runs / 1000], ns[runs - 1]);
}

/* ---- real packets ---- */

/* A socket in ns1. Its packets are routed before sendto() returns. */
static int socket_in_ns1(void)
{
	int home = open("/proc/self/ns/net", O_RDONLY), there = open("/run/netns/ns1", O_RDONLY), fd;

	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET))
		die("ns1");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || setns(home, CLONE_NEWNET))
		die("a socket in ns1");
	close(home);
	close(there);
	return fd;
}

static void send_to(int fd, uint32_t i)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(443) };

	to.sin_addr.s_addr = htonl(SERVERS + i);
	sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
}

static void spray(uint32_t n, uint32_t runs)
{
	static int fd = -1;
	double from;
	uint32_t i;

	if (fd < 0)
		fd = socket_in_ns1();
	from = seconds();
	for (i = 0; i < (runs ? runs : n); i++)
		send_to(fd, runs ? random_u32() % n : i);
	printf("{\"ns\": %.1f}\n", (seconds() - from) * 1e9 / i);
}

/* ---- maps and counters ---- */

static uint32_t read_all(enum map_id id, size_t key, size_t value)
{
	char *keys = malloc(BATCH * key), *values = malloc(BATCH * value);
	uint32_t cursor = 0, count, all = 0;
	bool first = true;
	int r = 0;

	while (!r) {
		count = BATCH;
		r = bpf_map_lookup_batch(at.state.fd[id], first ? NULL : &cursor, &cursor, keys, values, &count, NULL);
		first = false;
		all += count;
	}
	free(keys);
	free(values);
	return all;
}

static void walk(void)
{
	double from = seconds();
	uint32_t slots = read_all(MAP_CONNS, sizeof(uint32_t), sizeof(struct conn));
	uint32_t keys = read_all(MAP_FLOWS, sizeof(struct flow_key), sizeof(struct flow));

	printf("{\"slots\": %u, \"keys\": %u, \"ms\": %.1f}\n", slots, keys, (seconds() - from) * 1e3);
}

#define MAPS_MOST 256

struct taken {
	uint32_t id[MAPS_MOST];
	int count;
	uint64_t bytes;
};

/* Count a map once, even if several programs use it. */
static void take_map(struct taken *t, uint32_t id)
{
	int fd, i;

	for (i = 0; i < t->count && t->id[i] != id; i++)
		;
	if (i < t->count || i == MAPS_MOST)
		return;
	fd = bpf_map_get_fd_by_id(id);
	t->id[t->count++] = id;
	t->bytes += bpf_fd_memory(fd);
	close(fd);
}

/* All maps of the programs, pinned or not, and of the journal. */
static void memory(void)
{
	uint32_t ids[MAPS_MOST], len;
	struct bpf_map_info map = {};
	struct taken maps = {};
	uint64_t progs = 0;
	enum hook hook;
	unsigned int i;

	for (hook = 0; hook < HOOKS; hook++) {
		struct bpf_prog_info info = { .nr_map_ids = MAPS_MOST, .map_ids = (uintptr_t)ids };

		if (at.prog[hook] < 0)
			continue;
		len = sizeof(info);
		if (bpf_obj_get_info_by_fd(at.prog[hook], &info, &len))
			die("a program");
		progs += bpf_fd_memory(at.prog[hook]);
		for (i = 0; i < info.nr_map_ids; i++)
			take_map(&maps, ids[i]);
	}
	for (i = 0; i < MAPS; i++) {
		len = sizeof(map);
		if (!bpf_obj_get_info_by_fd(at.state.fd[i], &map, &len))
			take_map(&maps, map.id);
	}
	printf("{\"maps\": %lu, \"programs\": %lu, \"flow_table\": %lu}\n", maps.bytes, progs,
	       store_flows_memory(&at.state));
}

static void count(const char *name)
{
	static const char *const names[] = {
#define X(id, text) #id,
		EBPFNET_COUNTERS(X)
#undef X
	};
	struct counters c;
	size_t i;

	if (store_counters(&at.state, &c))
		die("counters");
	for (i = 0; i < COUNTERS && strcmp(names[i], name); i++)
		;
	printf("{\"count\": %lu}\n", i < COUNTERS ? ((uint64_t *)&c)[i] : 0);
}

static double milliseconds(struct timeval t)
{
	return t.tv_sec * 1e3 + t.tv_usec / 1e3;
}

static void run_command(char *line)
{
	char *argv[8192], *word;
	struct rusage usage = {};
	int argc = 0, status = -1, null;
	double from;
	pid_t pid;

	for (word = strtok(line, " "); word && argc < 8191; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	from = seconds();
	pid = fork();
	if (!pid) {
		null = open("/dev/null", O_RDWR);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	wait4(pid, &status, 0, &usage);
	printf("{\"ms\": %.2f, \"cpu_ms\": %.2f, \"rss_kb\": %ld, \"status\": %d}\n", (seconds() - from) * 1e3,
	       milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime), usage.ru_maxrss, WEXITSTATUS(status));
}

/* ---- requests ---- */

/* The programs of lo and of the XDP prefilter are loaded on demand and are not measured. */
static void open_programs(void)
{
	char path[256];
	enum hook hook;

	for (hook = 0; hook < HOOKS; hook++) {
		snprintf(path, sizeof(path), "%s/progs/%s", at.state.dir, hook_name(hook));
		at.prog[hook] = bpf_obj_get(path);
		if (at.prog[hook] < 0 && hook < HOOK_LO)
			die(path);
	}
	at.look = look_bpf__open();
	if (!at.look || bpf_map__reuse_fd(at.look->maps.flows, at.state.fd[MAP_FLOWS]) || look_bpf__load(at.look))
		die("look_up");
}

/* Open the network if it is up. If it is down, only `run` works. */
static void open_network(void)
{
	struct host_record host;
	struct nl_link dev;
	struct nl nl;

	if (store_open(&at.state, NULL, STORE_LOOK) || !store_whole(&at.state))
		return;
	if (store_host(&at.state, &host) || store_ns(&at.state, "ns1", &at.ns1) ||
	    store_ns(&at.state, "ns2", &at.ns2) || store_network(&at.state, at.ns2.net, &at.net))
		die("no ns1 and ns2");
	at.uplink = host.uplinks[0].ifindex;
	if (nl_open(&nl) || nl_link_get(&nl, NULL, at.uplink, &dev))
		die("no uplink");
	memcpy(at.uplink_mac, dev.mac, sizeof(at.uplink_mac));
	nl_close(&nl);
	open_programs();
}

static void answer_line(char *line)
{
	unsigned int n, runs;
	char name[32];

	if (sscanf(line, "fill %u", &n) == 1)
		fill(n);
	else if (sscanf(line, "cost %31s %u", name, &n) == 2)
		cost(name, n);
	else if (sscanf(line, "spray %u %u", &n, &runs) == 2)
		spray(n, runs);
	else if (sscanf(line, "count %31s", name) == 1)
		count(name);
	else if (!strcmp(line, "walk"))
		walk();
	else if (!strcmp(line, "memory"))
		memory();
	else if (!strncmp(line, "run ", 4))
		run_command(line + 4);
	else
		die(line);
	fflush(stdout);
}

int main(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	open_network();
	puts("{\"ready\": true}");
	fflush(stdout);
	while ((len = getline(&line, &room, stdin)) > 0) {
		line[len - 1] = '\0';
		answer_line(line);
	}
	return 0;
}
