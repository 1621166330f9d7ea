// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * load_run() forks a server and a client, which count in shared memory. It reads the counts before and after
 * the measured time, which begins once connections are set up.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/load.h"

#define WARM_UP_MS 100	/* or the measured time, if that is shorter */
#define START_MS 5000	/* for the server to listen and the client to get its first answer */
#define ANSWER_MS 1000	/* timeout: failure, or for UDP a retry */
#define UDP_PAYLOAD 18	/* of the smallest frame: 14 + 20 + 8 + 18, and 4 for the FCS */
#define CHUNK (128 * 1024)
#define BATCH 64
#define MAX_STREAMS 64

/* Latency histogram: 128 buckets for each power of two, so less than 1 % wide. */
#define BUCKET_BITS 7
#define BUCKETS ((32 - BUCKET_BITS) << BUCKET_BITS)

/* Counts of one thread. */
struct tally {
	_Alignas(64) uint64_t count;
	uint32_t latency[BUCKETS];
};

struct shared {
	volatile bool listening, measuring;
	volatile int error;		/* the first -errno */
	struct tally tally[MAX_STREAMS];
};

/* Argument of a client or server thread. */
struct worker {
	const struct load *load;
	struct shared *shared;
	struct tally *tally;
	int fd;
};

static const char *const kind_names[LOAD_KINDS] = {
	[LOAD_TCP_RR] = "tcp_rr",
	[LOAD_TCP_CRR] = "tcp_crr",
	[LOAD_TCP_STREAM] = "tcp_stream",
	[LOAD_UDP_RR] = "udp_rr",
	[LOAD_UDP_PPS] = "udp_pps",
};

const char *load_kind_name(enum load_kind kind)
{
	return kind_names[kind];
}

int load_kind_by_name(const char *name, enum load_kind *out)
{
	int i;

	for (i = 0; i < LOAD_KINDS; i++) {
		if (strcmp(name, kind_names[i]))
			continue;
		*out = i;
		return 0;
	}
	return -EINVAL;
}

/* ---- time ---- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void sleep_ms(uint32_t ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

static uint32_t bucket_of(uint64_t ns)
{
	uint32_t shift, v = ns < UINT32_MAX ? ns : UINT32_MAX;

	if (v < 1 << BUCKET_BITS)
		return v;
	shift = 31 - __builtin_clz(v) - BUCKET_BITS;
	return ((shift + 1) << BUCKET_BITS) + ((v >> shift) & ((1 << BUCKET_BITS) - 1));
}

/* The middle of a bucket. */
static uint32_t bucket_ns(uint32_t bucket)
{
	uint32_t shift = bucket >> BUCKET_BITS, low = bucket & ((1 << BUCKET_BITS) - 1);

	if (!shift)
		return low;
	return ((uint64_t)(low | 1 << BUCKET_BITS) << (shift - 1)) + (1u << (shift - 1)) / 2;
}

/* Busy seconds of all CPUs since boot, in ticks of 10 ms. */
static double cpu_busy(void)
{
	unsigned long long user, nice, system, idle, wait, irq, softirq;
	FILE *f = fopen("/proc/stat", "re");
	int n;

	if (!f)
		return 0;
	n = fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &wait, &irq,
		   &softirq);
	fclose(f);
	return n == 7 ? (double)(user + nice + system + irq + softirq) / sysconf(_SC_CLK_TCK) : 0;
}

/* ---- sockets ---- */

static void fail(struct shared *s)
{
	if (!s->error)
		s->error = errno ? -errno : -EIO;
}

static bool is_udp(const struct load *l)
{
	return l->kind == LOAD_UDP_RR || l->kind == LOAD_UDP_PPS;
}

static int new_socket(const struct load *l)
{
	struct timeval timeout = { .tv_sec = ANSWER_MS / 1000, .tv_usec = ANSWER_MS % 1000 * 1000 };
	int one = 1, fd = socket(AF_INET, (is_udp(l) ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	/* with a pacing congestion control, the figure would show its timers */
	if (!is_udp(l)) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
	}
	return fd;
}

static int connected_socket(const struct load *l)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = l->to, .sin_port = htons(l->port_h) };
	int saved, fd = new_socket(l);

	if (fd < 0 || !connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int listening_socket(const struct load *l)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(l->server_port_h ? l->server_port_h : l->port_h) };
	struct timeval forever = {};
	int saved, fd = new_socket(l);

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
	if (!bind(fd, (struct sockaddr *)&at, sizeof(at)) && (is_udp(l) || !listen(fd, 1024)))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* ---- client and server threads: they run until killed, or until an error ---- */

static void count(struct worker *w, uint64_t since)
{
	w->tally->count++;
	if (w->shared->measuring)
		w->tally->latency[bucket_of(now_ns() - since)]++;
}

/* Exchange one byte. With retry, resend after a loss; the latency then covers all tries. */
static bool exchange(int fd, bool retry)
{
	char byte = 'x';
	ssize_t n;

	do {
		if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1)
			return false;
		n = recv(fd, &byte, 1, 0);
	} while (n < 0 && errno == EAGAIN && retry);
	if (!n)
		errno = ECONNRESET;
	return n == 1;
}

static void client_rr(struct worker *w)
{
	bool udp = is_udp(w->load);
	int fd = connected_socket(w->load);
	uint64_t since;

	if (fd < 0)
		return;
	do
		since = now_ns();
	while (exchange(fd, udp) && (count(w, since), true));
}

/* The server closes first and keeps the TIME_WAIT, so that the client's port is free again. */
static bool call(const struct load *l)
{
	int saved, fd = connected_socket(l);
	bool answered;
	char byte;

	if (fd < 0)
		return false;
	answered = exchange(fd, false) && recv(fd, &byte, 1, 0) == 0;
	saved = errno;
	close(fd);
	errno = saved;
	return answered;
}

static void client_crr(struct worker *w)
{
	uint64_t since;

	do
		since = now_ns();
	while (call(w->load) && (count(w, since), true));
}

static void client_stream(struct worker *w)
{
	static const char chunk[CHUNK];
	int fd = connected_socket(w->load);

	if (fd < 0)
		return;
	while (send(fd, chunk, CHUNK, MSG_NOSIGNAL) > 0)
		;
}

static void client_pps(struct worker *w)
{
	static const char payload[UDP_PAYLOAD];
	int fd = connected_socket(w->load);

	if (fd < 0)
		return;
	/* ENOBUFS: the queue is full, which is no error */
	while (send(fd, payload, UDP_PAYLOAD, 0) > 0 || errno == ENOBUFS)
		;
}

static void *client_thread(void *arg)
{
	static void (*const run[LOAD_KINDS])(struct worker *) = {
		[LOAD_TCP_RR] = client_rr,	 [LOAD_TCP_CRR] = client_crr, [LOAD_TCP_STREAM] = client_stream,
		[LOAD_UDP_RR] = client_rr, [LOAD_UDP_PPS] = client_pps,
	};
	struct worker *w = arg;

	run[w->load->kind](w);
	fail(w->shared);
	return NULL;
}

static void *server_stream(void *arg)
{
	struct worker *w = arg;
	static char chunk[CHUNK]; /* shared by threads: the data is ignored */
	ssize_t n;

	while ((n = recv(w->fd, chunk, CHUNK, 0)) > 0)
		w->tally->count += n;
	return NULL;
}

static void *server_echo(void *arg)
{
	struct worker *w = arg;
	char byte;

	while (recv(w->fd, &byte, 1, 0) == 1 && send(w->fd, &byte, 1, MSG_NOSIGNAL) == 1)
		;
	return NULL;
}

static void serve_tcp(struct worker *w)
{
	static struct worker streams[MAX_STREAMS];
	bool short_lived = w->load->kind == LOAD_TCP_CRR;
	uint32_t n = 0;
	pthread_t thread;
	char byte;
	int fd;

	while ((fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (short_lived) {
			if (recv(fd, &byte, 1, 0) == 1)
				send(fd, &byte, 1, MSG_NOSIGNAL);
			close(fd);
			continue;
		}
		if (n == MAX_STREAMS)
			break;
		streams[n] = *w;
		streams[n].tally = &w->shared->tally[n];
		streams[n].fd = fd;
		if (pthread_create(&thread, NULL,
				   w->load->kind == LOAD_TCP_STREAM ? server_stream : server_echo, &streams[n]))
			break;
		n++;
	}
}

static void serve_udp_rr(struct worker *w)
{
	struct sockaddr_in from;
	socklen_t len;
	char byte;

	do
		len = sizeof(from);
	while (recvfrom(w->fd, &byte, 1, 0, (struct sockaddr *)&from, &len) == 1 &&
	       sendto(w->fd, &byte, 1, 0, (struct sockaddr *)&from, len) == 1);
}

static void serve_udp_pps(struct worker *w)
{
	static char payload[BATCH][UDP_PAYLOAD];
	struct mmsghdr batch[BATCH] = {};
	struct iovec at[BATCH];
	int i, n;

	for (i = 0; i < BATCH; i++) {
		at[i] = (struct iovec){ payload[i], UDP_PAYLOAD };
		batch[i].msg_hdr.msg_iov = &at[i];
		batch[i].msg_hdr.msg_iovlen = 1;
	}
	while ((n = recvmmsg(w->fd, batch, BATCH, MSG_WAITFORONE, NULL)) > 0)
		w->tally->count += n;
}

/* ---- the two processes ---- */

/* Enter a namespace, bind to a CPU, and die with the parent. */
static bool set_up_process(int netns, int cpu)
{
	cpu_set_t cpus;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&cpus);
	CPU_SET(cpu < 0 ? 0 : cpu, &cpus);
	return !setns(netns, CLONE_NEWNET) && (cpu < 0 || !sched_setaffinity(0, sizeof(cpus), &cpus));
}

static void server(const struct load *l, struct shared *s)
{
	struct worker w = { .load = l, .shared = s, .tally = &s->tally[0] };

	if (set_up_process(l->server, l->server_cpu) && (w.fd = listening_socket(l)) >= 0) {
		s->listening = true;
		if (l->kind == LOAD_UDP_RR)
			serve_udp_rr(&w);
		else if (l->kind == LOAD_UDP_PPS)
			serve_udp_pps(&w);
		else
			serve_tcp(&w);
	}
	fail(s);
}

static void client(const struct load *l, struct shared *s)
{
	uint32_t i, streams = l->streams ? l->streams : 1;
	struct worker w[MAX_STREAMS];
	pthread_t thread;

	if (!set_up_process(l->client, l->client_cpu))
		return fail(s);
	for (i = 0; i < streams; i++) {
		w[i] = (struct worker){ .load = l, .shared = s, .tally = &s->tally[i] };
		if (pthread_create(&thread, NULL, client_thread, &w[i]))
			return fail(s);
	}
	for (;;)
		pause();
}

static pid_t start(void (*run)(const struct load *, struct shared *), const struct load *l, struct shared *s)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	run(l, s);
	_exit(1);
}

static void stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- the measurement ---- */

static uint64_t total(const struct shared *s)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < MAX_STREAMS; i++)
		sum += *(volatile const uint64_t *)&s->tally[i].count;
	return sum;
}

static bool has_started(const struct shared *s)
{
	return total(s) > 0;
}

static bool is_listening(const struct shared *s)
{
	return s->listening;
}

static int wait_for(bool (*done)(const struct shared *), const struct shared *s)
{
	int ms;

	for (ms = 0; ms < START_MS && !s->error; ms++) {
		if (done(s))
			return 0;
		sleep_ms(1);
	}
	return s->error ? s->error : -ENODATA;
}

/* The latency that per_mille of a thousand transactions do not exceed. */
static uint32_t percentile(const struct shared *s, uint32_t per_mille)
{
	uint64_t sum = 0, all = 0, bucket[BUCKETS] = {};
	int i, b;

	for (i = 0; i < MAX_STREAMS; i++)
		for (b = 0; b < BUCKETS; b++)
			bucket[b] += s->tally[i].latency[b];
	for (b = 0; b < BUCKETS; b++)
		all += bucket[b];
	for (b = 0; b < BUCKETS && all; b++) {
		sum += bucket[b];
		if (sum * 1000 >= all * per_mille)
			return bucket_ns(b);
	}
	return 0;
}

static int measure(const struct load *l, struct shared *s, struct load_result *out)
{
	uint64_t since, before;
	double busy;
	int r = wait_for(has_started, s);

	if (r)
		return r;
	sleep_ms(l->milliseconds < WARM_UP_MS ? l->milliseconds : WARM_UP_MS);
	s->measuring = true;
	since = now_ns();
	before = total(s);
	busy = cpu_busy();
	sleep_ms(l->milliseconds);
	out->count = total(s) - before;
	out->seconds = (now_ns() - since) / 1e9;
	out->cpu_seconds = cpu_busy() - busy;
	s->measuring = false;
	out->p50_ns = percentile(s, 500);
	out->p99_ns = percentile(s, 990);
	out->p999_ns = percentile(s, 999);
	if (s->error)
		return s->error;
	return out->count ? 0 : -ENODATA;
}

int load_run(const struct load *l, struct load_result *out)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t servers, clients = 0;
	int r;

	*out = (struct load_result){};
	if (s == MAP_FAILED)
		return -errno;
	servers = start(server, l, s);
	r = servers > 0 ? wait_for(is_listening, s) : -errno;
	if (!r) {
		clients = start(client, l, s);
		r = clients > 0 ? measure(l, s, out) : -errno;
	}
	stop(clients);
	stop(servers);
	munmap(s, sizeof(*s));
	return r;
}
