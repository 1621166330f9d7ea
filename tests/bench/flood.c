// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * flood KIND SOURCE ADDR PORT [MS [FLOWS]]: send 64-byte frames from FLOWS source ports to the host's uplink as fast
 * as one CPU can, and print the rate at which they reach their end, as JSON. Runs in a lab (scripts/lab, LAB_MTU=1500,
 * the limit of native XDP), where the uplink is eth0, its other end is `lan` in isp, and ns1 has the device ceth0.
 * KIND is the end where frames are counted:
 *
 *	socket		a reader in ns1
 *	veth		the ingress of ceth0, which drops them
 *	drop		the uplink; the program that drops them counts as well, and the caller compares
 *	drop_tc		a program at the uplink's TC hook that only drops
 *	drop_xdp	the same at its XDP hook
 *
 * CPU 0 runs the generator, as a real-time task that only the reader and the clock preempt. The NAPI thread of the
 * uplink does all receiving (the caller has switched on GRO and /sys/class/net/eth0/threaded). It is an ordinary
 * task, has the other CPU, and is always busy while the generator sends more than it can receive. rate is measured
 * by wall-clock time; cpu_ns is the CPU time of that thread for each packet, which other load on its CPU does not
 * change.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <linux/types.h>

#include <user/lib/dataplane/pin.h>
#include <user/lib/kernel/netns.h>

#include "flood.h"
#include "flood.skel.h"

#define LIVE_FRAMES (1U << 1)	/* BPF_F_TEST_XDP_LIVE_FRAMES, which linux/bpf.h has since 5.18 */
#define BATCH 64
#define MOST_PER_MS 50000	/* more than any CPU can send: time ends a flood */
#define MOST_MS 10000
#define WARM_UP_MS 100		/* creates the flows, fills caches */
#define DRAIN_MS 20		/* for the frames in the uplink's queue */
#define READ_EVERY_NS 200000	/* shorter than the uplink's queue, so that it never runs empty */
#define QUEUE (32 << 20)	/* socket buffer between two reads: a page for each frame */

/* Real-time priorities on the generator's CPU. */
enum { PRIO_GENERATOR = 1, PRIO_READER, PRIO_CLOCK };

struct flood {
	struct flood_bpf *bpf;
	const char *kind;
	struct in_addr source, dest;
	uint16_t port_h;
	uint32_t ms, flows;
	int home, uplink_rx;		/* descriptors: the host's namespace, its eth0's counter */
	volatile uint64_t *read;	/* number of frames, set by the reader */
	pid_t generator, reader;
};

struct counts {
	uint64_t sent, arrived, ended, busy_ns, ns;
};

static void die(const char *fmt, ...)
{
	int saved = errno;
	va_list args;

	fputs("flood: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(saved));
	exit(1);
}

/* ---- namespaces, devices and CPU ---- */

static void enter(const char *name)
{
	char path[NETNS_PATH];
	int fd;

	netns_path(name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die("namespace %s", name);
	close(fd);
}

static void leave(const struct flood *f)
{
	if (setns(f->home, CLONE_NEWNET))
		die("the host's namespace");
}

static uint32_t device(const char *name, uint8_t mac[6])
{
	struct ifreq ifr = {};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t ifindex = if_nametoindex(name);

	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || !ifindex || ioctl(fd, SIOCGIFHWADDR, &ifr))
		die("%s", name);
	close(fd);
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return ifindex;
}

static void set_priority(int priority)
{
	struct sched_param param = { .sched_priority = priority };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) || sched_setscheduler(0, SCHED_FIFO, &param))
		die("cannot become a real-time task on CPU 0");
}

/* ---- the frame ---- */

static uint32_t add(const void *data, size_t len)
{
	const uint16_t *word = data;
	uint32_t sum = 0;

	for (; len > 1; len -= 2)
		sum += *word++;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

static void fill_header(const struct flood *f, struct flood_head *h, uint32_t *udp_sum)
{
	h->eth_type = htons(0x0800);
	h->ip_version_ihl = 0x45;
	h->ip_len = htons(FLOOD_FRAME - 14);
	h->ip_frag = htons(0x4000);
	h->ip_ttl = 64;
	h->ip_proto = IPPROTO_UDP;
	memcpy(h->ip_source, &f->source, 4);
	memcpy(h->ip_dest, &f->dest, 4);
	h->ip_check = ~fold(add(&h->ip_version_ihl, 20));
	h->udp_dest = htons(f->port_h);
	h->udp_len = htons(FLOOD_FRAME - 14 - 20);
	/* with the pseudo header; the payload is zero */
	*udp_sum = fold(add(h->ip_source, 8) + htons(IPPROTO_UDP) + h->udp_len + add(&h->udp_source, 8));
}

static void load_programs(struct flood *f)
{
	struct flood_head head = {};
	uint32_t out, udp_sum;

	f->bpf = flood_bpf__open();
	if (!f->bpf)
		die("the programs");
	device("eth0", head.eth_dest);
	enter("isp");
	out = device("lan", head.eth_source);
	leave(f);
	fill_header(f, &head, &udp_sum);
	memcpy((void *)f->bpf->rodata->flood_head, &head, sizeof(head));
	f->bpf->rodata->flood_sum = udp_sum;
	f->bpf->rodata->flood_flows = f->flows;
	f->bpf->rodata->flood_out = out;
	if (flood_bpf__load(f->bpf) || !bpf_program__attach(f->bpf->progs.flood_switch))
		die("the programs");
}

/* ---- generator and reader: processes that end with this one ---- */

static pid_t start(void (*run)(struct flood *), struct flood *f)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm((f->ms + WARM_UP_MS) / 1000 + 5);
	run(f);
	_exit(1);
}

static void stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Send all frames in one call: each call allocates its frames, which is slow. */
static void generate(struct flood *f)
{
	static uint8_t frame[FLOOD_FRAME];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame), .flags = LIVE_FRAMES,
		    .batch_size = BATCH, .repeat = (f->ms + WARM_UP_MS) * MOST_PER_MS);

	enter("isp");
	set_priority(PRIO_GENERATOR);
	if (bpf_prog_test_run_opts(bpf_program__fd(f->bpf->progs.flood_send), &opts))
		die("cannot send");
}

static int bound_socket(uint16_t port_h)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port_h) };
	int size = QUEUE, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)))
		die("a socket in ns1");
	return fd;
}

static void read_all(struct flood *f)
{
	static char payload[BATCH][FLOOD_FRAME];
	const struct timespec pause = { .tv_nsec = READ_EVERY_NS };
	struct mmsghdr batch[BATCH] = {};
	struct iovec at[BATCH];
	int i, n, fd;

	enter("ns1");
	fd = bound_socket(f->port_h);
	set_priority(PRIO_READER);
	for (i = 0; i < BATCH; i++) {
		at[i] = (struct iovec){ payload[i], sizeof(payload[i]) };
		batch[i].msg_hdr.msg_iov = &at[i];
		batch[i].msg_hdr.msg_iovlen = 1;
	}
	for (;;) {
		while ((n = recvmmsg(fd, batch, BATCH, 0, NULL)) > 0)
			*f->read += n;
		nanosleep(&pause, NULL);
	}
}

/* ---- the ends ---- */

static void sink_tc(struct flood *f, const char *dev)
{
	uint8_t mac[6];

	if (bpf_link_create(bpf_program__fd(f->bpf->progs.flood_sink_tc), device(dev, mac), ATTACH_TCX_INGRESS, NULL) <
	    0)
		die("a program at %s", dev);
}

static void sink_xdp(struct flood *f, const char *dev)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	uint8_t mac[6];

	if (bpf_link_create(bpf_program__fd(f->bpf->progs.flood_sink_xdp), device(dev, mac), BPF_XDP, &opts) < 0)
		die("a program at %s", dev);
}

static bool ends_in(const struct flood *f, const char *kind)
{
	return !strcmp(f->kind, kind);
}

static void prepare_end(struct flood *f)
{
	if (ends_in(f, "socket")) {
		f->reader = start(read_all, f);
	} else if (ends_in(f, "veth")) {
		enter("ns1");
		sink_tc(f, "ceth0");
		leave(f);
	} else if (ends_in(f, "drop_tc")) {
		sink_tc(f, "eth0");
	} else if (ends_in(f, "drop_xdp")) {
		sink_xdp(f, "eth0");
	}
}

static uint64_t uplink_rx(const struct flood *f)
{
	char text[32] = "";

	if (pread(f->uplink_rx, text, sizeof(text) - 1, 0) <= 0)
		die("the uplink's counter");
	return strtoull(text, NULL, 10);
}

static uint64_t busy_ns(const struct flood *f, uint64_t now)
{
	volatile struct flood_clock *clock = f->bpf->bss->flood_clocks;
	uint64_t since, sum = 0;
	int cpu;

	for (cpu = 0; cpu < FLOOD_CPUS; cpu++) {
		since = clock[cpu].since;
		sum += clock[cpu].busy + (since && since < now ? now - since : 0);
	}
	return sum;
}

static struct counts read_counts(const struct flood *f)
{
	volatile struct flood_bpf__bss *bss = f->bpf->bss;
	struct counts c = { .sent = bss->flood_sent, .arrived = uplink_rx(f) };
	struct timespec t;

	if (ends_in(f, "socket"))
		c.ended = *f->read;
	else if (ends_in(f, "drop"))
		c.ended = c.arrived;
	else
		c.ended = bss->flood_sunk;
	clock_gettime(CLOCK_MONOTONIC, &t);
	c.ns = t.tv_sec * 1000000000ull + t.tv_nsec;
	c.busy_ns = busy_ns(f, c.ns);
	return c;
}

/* ---- the measurement ---- */

static void sleep_ms(uint32_t ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

static int measure(struct flood *f)
{
	struct counts first, from, to;
	uint64_t ended, ns;

	set_priority(PRIO_CLOCK);
	prepare_end(f);
	sleep_ms(DRAIN_MS); /* until the reader has started */
	first = read_counts(f);
	f->generator = start(generate, f);
	sleep_ms(WARM_UP_MS);
	from = read_counts(f);
	sleep_ms(f->ms);
	to = read_counts(f);
	stop(f->generator);
	sleep_ms(DRAIN_MS);
	stop(f->reader);
	ended = to.ended - from.ended;
	ns = to.ns - from.ns;
	if (!ended) {
		fprintf(stderr, "flood: %s: none of %lu frames arrived: lost, or no CPU for the receiver\n", f->kind,
			to.sent - from.sent);
		return 1;
	}
	printf("{\"rate\": %.1f, \"cpu_ns\": %.1f, \"offered\": %.1f, \"arrived\": %lu}\n", ended * 1e9 / ns,
	       (double)(to.busy_ns - from.busy_ns) / ended, (to.sent - from.sent) * 1e9 / ns,
	       uplink_rx(f) - first.arrived);
	return 0;
}

int main(int argc, char **argv)
{
	struct flood f = { .ms = 500, .flows = 1000 };

	if (argc < 5 || !inet_aton(argv[2], &f.source) || !inet_aton(argv[3], &f.dest)) {
		fprintf(stderr, "usage: flood KIND SOURCE ADDR PORT [MS [FLOWS]]\n");
		return 2;
	}
	f.kind = argv[1];
	f.port_h = atoi(argv[4]);
	if (argc > 5)
		f.ms = atoi(argv[5]);
	if (argc > 6)
		f.flows = atoi(argv[6]);
	if (!f.ms || f.ms > MOST_MS || !f.flows || f.flows > FLOOD_MAX_FLOWS) {
		fprintf(stderr, "flood: 1 to %d ms, 1 to %d flows\n", MOST_MS, FLOOD_MAX_FLOWS);
		return 2;
	}
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		fprintf(stderr, "flood: needs two CPUs, one to send and one to receive\n");
		return 1;
	}
	f.home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	f.uplink_rx = open("/sys/class/net/eth0/statistics/rx_packets", O_RDONLY | O_CLOEXEC);
	f.read = mmap(NULL, sizeof(*f.read), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f.home < 0 || f.uplink_rx < 0 || f.read == MAP_FAILED)
		die("the host");
	load_programs(&f);
	return measure(&f);
}
