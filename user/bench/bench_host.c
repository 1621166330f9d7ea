// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * One worker process for each contender: it builds the contender, sends the result over a socket, then answers
 * requests to measure. Only the requester prints.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "bench/bench.h"
#include "bench/bench_host.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/kernel/netns.h"
#include "lib/model/definition.h"

#define HOST "172.31.0.2"
#define OUTSIDE "172.31.0.1"
#define GATEWAY "192.168.1.1"
#define NS1 "192.168.1.10"
#define NS2 "192.168.1.11"
#define SUBNET "192.168.1.0/24"
#define PORT "15001"	/* of servers, and published */
#define PORT_H 15001

/* Location of a socket or a device. */
enum place { AT_HOST, AT_NS1, AT_NS2, AT_OUTSIDE, PLACES };

static const char *const place_name[PLACES] = { NULL, "ns1", "ns2", "outside" };

static const char *const contender_name[BENCH_CONTENDERS] = {
	[BENCH_VETH] = "the bare veth pair",
	[BENCH_BRIDGE] = "the kernel bridge",
	[BENCH_IPTABLES] = "the kernel bridge with iptables",
	[BENCH_EBPFNET] = "ebpfnet",
};

const char *bench_name(enum bench_contender c)
{
	return contender_name[c];
}

/* State of a worker. */
struct host {
	int netns[PLACES];
	char *why;		/* BENCH_WHY: the error; "": already logged */
};

static int because(const struct host *h, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int because(const struct host *h, int r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(h->why, BENCH_WHY, fmt, ap);
	va_end(ap);
	return r;
}

/* ---- tools ---- */

static int ip(const struct host *h, enum place at, const char *batch)
{
	static const char *const argv[] = { "ip", "-batch", "-", NULL };

	return bench_tool(h->netns[at], "ip", argv, batch, h->why);
}

/* Run iptables with these arguments. */
#define IPTABLES(h, ...)                                        \
	bench_tool((h)->netns[AT_HOST], "iptables",             \
		   (const char *const[]){ "iptables", __VA_ARGS__, NULL }, "", (h)->why)

/* Run this binary, which need not be installed. */
#define EBPFNET(h, ...)                                                    \
	bench_tool((h)->netns[AT_HOST], "ebpfnet " FIRST(__VA_ARGS__),     \
		   (const char *const[]){ "/proc/self/exe", __VA_ARGS__, NULL }, "", (h)->why)
#define FIRST(...) FIRST_OF(__VA_ARGS__, )
#define FIRST_OF(first, ...) first

static int set(const struct host *h, const char *path, const char *value)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, value, strlen(value)) > 0)
		return 0;
	return because(h, -errno, "cannot write %s: %s", path, strerror(errno));
}

/* ---- a private host ---- */

#define STAGE "/sys"	/* directories are assembled here before the private sysfs is mounted */

/* Link to an entry of the original directory, under .behind; copy a symbolic link as it is. */
static void link_entry(int dir, int original, const char *name)
{
	char target[4096];
	ssize_t n = readlinkat(original, name, target, sizeof(target) - 1);

	if (n < 0)
		n = snprintf(target, sizeof(target), ".behind/%s", name);
	target[n] = '\0';
	/* the benchmark needs no entry that cannot be linked */
	if (symlinkat(target, dir, name))
		return;
}

/*
 * Replace a directory by a private copy with all its entries except the hidden ones, which the contender creates
 * itself. Not an overlay, which cannot be stacked on every overlay; and /run may be part of the path of programs.
 */
static int private_dir(const struct host *h, const char *path, const char *const *hidden)
{
	char own[32], behind[48];
	_cleanup_dir_ DIR *dir = NULL, *entries = NULL;
	const char *const *name;
	struct dirent *entry;

	snprintf(own, sizeof(own), STAGE "%s", path);
	snprintf(behind, sizeof(behind), "%s/.behind", own);
	if (mkdir(own, 0755) || mkdir(behind, 0755) || mount(path, behind, NULL, MS_BIND | MS_REC, NULL))
		return because(h, -errno, "cannot mount a private %s: %s", path, strerror(errno));
	dir = opendir(own);
	entries = opendir(behind);
	if (!dir || !entries)
		return because(h, -errno, "cannot read %s: %s", path, strerror(errno));
	while ((entry = readdir(entries))) {
		for (name = hidden; *name && strcmp(*name, entry->d_name); name++)
			;
		if (!*name && strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			link_entry(dirfd(dir), dirfd(entries), entry->d_name);
	}
	if (mount(own, path, NULL, MS_BIND | MS_REC, NULL))
		return because(h, -errno, "cannot mount a private %s: %s", path, strerror(errno));
	return 0;
}

static int make_private_mounts(const struct host *h)
{
	static const char *const etc[] = { "netns", NULL };
	static const char *const run[] = { "netns", "ebpfnet", "xtables.lock", NULL };
	int r;

	/* the user's variable must not lead to the machine's state */
	unsetenv("EBPFNET_BPFFS");
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) || mount("none", "/", NULL, MS_PRIVATE | MS_REC, NULL) ||
	    mount("tmpfs", STAGE, "tmpfs", 0, "mode=755"))
		return because(h, -errno, "cannot make private namespaces: %s", strerror(errno));
	r = private_dir(h, "/etc", etc);
	if (!r)
		r = private_dir(h, "/run", run);
	if (r)
		return r;
	if (mount("sysfs", "/sys", "sysfs", 0, NULL) || mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=700"))
		return because(h, -errno, "cannot mount a private /sys with a bpffs: %s", strerror(errno));
	/* networks that are defined on this machine are not brought up */
	if (mount("tmpfs", DEFINITION_DIR, "tmpfs", 0, "mode=755") && errno != ENOENT)
		return because(h, -errno, "cannot hide %s: %s", DEFINITION_DIR, strerror(errno));
	return 0;
}

static int open_place(struct host *h, enum place at)
{
	char path[NETNS_PATH] = "/proc/thread-self/ns/net";

	if (place_name[at])
		netns_path(place_name[at], path);
	h->netns[at] = netns_open(path, NULL);
	if (h->netns[at] < 0)
		return because(h, h->netns[at], "cannot open namespace %s: %s", path, strerror(-h->netns[at]));
	return 0;
}

static int make_place(struct host *h, enum place at)
{
	int r = netns_make(place_name[at]);

	if (!r)
		r = open_place(h, at);
	return r ? r : ip(h, at, "link set lo up\n");
}

static int make_private_network(struct host *h)
{
	int r = open_place(h, AT_HOST);

	if (!r)
		r = make_place(h, AT_OUTSIDE);
	if (!r)
		r = ip(h, AT_HOST, "link set lo up\n"
				   "link add eth0 type veth peer name eth0 netns " NETNS_DIR "/outside\n"
				   "address add " HOST "/20 dev eth0\n"
				   "link set eth0 up\n"
				   "route add default via " OUTSIDE "\n");
	if (!r)
		r = ip(h, AT_OUTSIDE, "address add " OUTSIDE "/20 dev eth0\n"
				      "link set eth0 up\n");
	return r;
}

/* ---- the contenders ---- */

static int make_namespaces(struct host *h)
{
	int r = make_place(h, AT_NS1);

	return r ? r : make_place(h, AT_NS2);
}

static int build_veth(struct host *h)
{
	int r = make_namespaces(h);

	if (!r)
		r = ip(h, AT_HOST, "link add veth0 type veth peer name ceth0 netns " NETNS_DIR "/ns1\n"
				   "address add " GATEWAY " peer " NS1 " dev veth0\n"
				   "link set veth0 up\n");
	if (!r)
		r = ip(h, AT_NS1, "link add wire type veth peer name wire netns " NETNS_DIR "/ns2\n"
				  "address add " NS1 " peer " GATEWAY " dev ceth0\n"
				  "address add " NS1 " peer " NS2 " dev wire\n"
				  "link set ceth0 up\n"
				  "link set wire up\n");
	if (!r)
		r = ip(h, AT_NS2, "address add " NS2 " peer " NS1 " dev wire\n"
				  "link set wire up\n");
	return r;
}

static int build_bridge(struct host *h)
{
	static const char bridge_nf[] = "/proc/sys/net/bridge/bridge-nf-call-iptables";
	int r = make_namespaces(h);

	if (!r)
		r = ip(h, AT_HOST, "link add br0 type bridge\n"
				   "address add " GATEWAY "/24 dev br0\n"
				   "link set br0 up\n"
				   "link add veth0 type veth peer name ceth0 netns " NETNS_DIR "/ns1\n"
				   "link add veth1 type veth peer name ceth0 netns " NETNS_DIR "/ns2\n"
				   "link set veth0 master br0 up\n"
				   "link set veth1 master br0 up\n");
	if (!r)
		r = ip(h, AT_NS1, "address add " NS1 "/24 dev ceth0\n"
				  "link set ceth0 up\n"
				  "route add default via " GATEWAY "\n");
	if (!r)
		r = ip(h, AT_NS2, "address add " NS2 "/24 dev ceth0\n"
				  "link set ceth0 up\n"
				  "route add default via " GATEWAY "\n");
	/* measure the bridge at its best: without br_netfilter, which may be loaded on this machine */
	if (!r && !access(bridge_nf, F_OK))
		r = set(h, bridge_nf, "0");
	return r;
}

static int build_iptables(struct host *h)
{
	int r;

	if (!bench_is_program("iptables"))
		return because(h, -ENOENT, "it is not installed");
	r = build_bridge(h);
	if (!r)
		r = set(h, "/proc/sys/net/ipv4/ip_forward", "1");
	if (!r)
		r = IPTABLES(h, "-t", "nat", "-A", "POSTROUTING", "-s", SUBNET, "!", "-o", "br0", "-j", "MASQUERADE");
	if (!r)
		r = IPTABLES(h, "-t", "nat", "-A", "PREROUTING", "-d", HOST, "-p", "tcp", "--dport", PORT, "-j", "DNAT",
			     "--to-destination", NS1 ":" PORT);
	if (!r)
		r = IPTABLES(h, "-t", "nat", "-A", "PREROUTING", "-d", HOST, "-p", "udp", "--dport", PORT, "-j", "DNAT",
			     "--to-destination", NS1 ":" PORT);
	return r;
}

static int build_ebpfnet(struct host *h)
{
	int r = EBPFNET(h, "up");

	if (!r)
		r = EBPFNET(h, "expose", "ns1", PORT);
	if (!r)
		r = EBPFNET(h, "expose", "ns1", PORT "/udp");
	if (!r)
		r = open_place(h, AT_NS1);
	return r ? r : open_place(h, AT_NS2);
}

/* ---- the worker ---- */

struct request {
	enum bench_path path;
	enum load_kind kind;
	uint32_t milliseconds;
};

/* The first reply is the result of building. */
struct reply {
	int r;
	char why[BENCH_WHY];
	struct load_result result;
};

/*
 * Request/response loads run on one CPU, so that the figure does not include waking up another. For streams, sender
 * and receiver have a CPU each, if there are two.
 */
static void choose_cpus(struct load *l)
{
	bool together = l->kind == LOAD_TCP_RR || l->kind == LOAD_TCP_CRR;
	int cpu, first = LOAD_ANY_CPU;
	cpu_set_t mine;

	l->client_cpu = l->server_cpu = LOAD_ANY_CPU;
	if (sched_getaffinity(0, sizeof(mine), &mine))
		return;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &mine))
			continue;
		if (first == LOAD_ANY_CPU)
			first = cpu;
		l->client_cpu = first;
		l->server_cpu = cpu;
		if (together || cpu != first)
			return;
	}
}

static int measure(const struct host *h, const struct request *q, struct load_result *out)
{
	static const struct {
		enum place from, to;
		const char *addr;
	} paths[BENCH_PATHS] = {
		[BENCH_SWITCH] = { AT_NS1, AT_NS2, NS2 },
		[BENCH_MASQUERADE] = { AT_NS1, AT_OUTSIDE, OUTSIDE },
		[BENCH_PUBLISH] = { AT_OUTSIDE, AT_NS1, HOST },
		[BENCH_HOST] = { AT_HOST, AT_NS1, NS1 },
	};
	struct load l = { .kind = q->kind, .milliseconds = q->milliseconds, .port_h = PORT_H };

	l.client = h->netns[paths[q->path].from];
	l.server = h->netns[paths[q->path].to];
	inet_aton(paths[q->path].addr, &l.to);
	choose_cpus(&l);
	return load_run(&l, out);
}

static void contend(int fd, int contender)
{
	static int (*const build[BENCH_CONTENDERS])(struct host *) = {
		[BENCH_VETH] = build_veth, [BENCH_BRIDGE] = build_bridge,
		[BENCH_IPTABLES] = build_iptables, [BENCH_EBPFNET] = build_ebpfnet,
	};
	struct reply a = {};
	struct host h = { .why = a.why };
	struct request q;

	a.r = make_private_mounts(&h);
	if (!a.r)
		a.r = make_private_network(&h);
	if (!a.r)
		a.r = build[contender](&h);
	while (send(fd, &a, sizeof(a), MSG_NOSIGNAL) == sizeof(a) && recv(fd, &q, sizeof(q), 0) == sizeof(q))
		a.r = measure(&h, &q, &a.result);
}

static int receive_reply(const struct bench *b, enum bench_contender c, struct reply *a)
{
	return recv(b->fd[c], a, sizeof(*a), 0) == sizeof(*a) ? a->r : -ECONNRESET;
}

static int build_one(struct bench *b, enum bench_contender c)
{
	struct reply a = {};
	int r;

	b->fd[c] = bench_start(contend, c);
	if (b->fd[c] < 0)
		return b->fd[c];
	r = receive_reply(b, c, &a);
	if (!r)
		return 0;
	close(b->fd[c]);
	b->fd[c] = -1;
	if (c == BENCH_IPTABLES) {
		snprintf(b->without, sizeof(b->without), "%s", a.why[0] ? a.why : "cannot build its host");
		return 0;
	}
	if (!a.r || a.why[0])
		log_err(r, "cannot build %s for the benchmark: %s", bench_name(c),
			a.r ? a.why : "its process was killed; is there too little memory?");
	return r;
}

int bench_build(struct bench *b)
{
	enum bench_contender c;
	int r = bench_widen_path();

	*b = (struct bench){};
	if (!r && !bench_is_program("ip"))
		return log_err(-ENOENT, "cannot build the hosts to compare: there is no `ip`; install iproute2");
	for (c = 0; c < BENCH_CONTENDERS && !r; c++)
		r = build_one(b, c);
	return r;
}

int bench_measure(const struct bench *b, enum bench_contender c, enum bench_path path, enum load_kind kind,
		  uint32_t milliseconds, struct load_result *out)
{
	struct request q = { path, kind, milliseconds };
	struct reply a;
	int r;

	if (send(b->fd[c], &q, sizeof(q), MSG_NOSIGNAL) != sizeof(q))
		return -ECONNRESET;
	r = receive_reply(b, c, &a);
	if (!r)
		*out = a.result;
	return r;
}
