// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/portmap_set.h"
#include "lib/kernel/listeners.h"
#include "lib/kernel/nl_private.h"

/* States of include/net/tcp_states.h, as bits. An unconnected UDP socket is in state CLOSE. */
#define STATE_ESTABLISHED (1u << 1)
#define STATE_CLOSE (1u << 7)
#define STATE_LISTEN (1u << 10)
#define STATE_BOUND (1u << 13)	/* TCP_BOUND_INACTIVE: only asked for, since Linux 6.8; answered as CLOSE */
#define STATES_LISTED (~STATE_BOUND)	/* by every kernel */

#define DESCRIPTORS 100000	/* of processes, to find the one that holds a socket */

/* The question, and the receiver of the answers. */
struct query {
	enum l4proto proto;
	uint32_t states;
	uint16_t first_h, last_h;
	const uint64_t *ports;	/* NULL: all of these */
	int (*fn)(const struct listener *l, void *arg);
	void *arg;
	int r;			/* what fn returned */
};

/* Of IPv6 only :: (which accepts IPv4 too, unless IPV6_V6ONLY) and ::ffff:A.B.C.D matter. */
static bool read_ipv6(const uint32_t word[4], struct ipaddr *out)
{
	if (word[0] || word[1] || (word[2] ? word[2] != htonl(0xffff) : word[3]))
		return false;
	memcpy(out, &word[3], sizeof(*out));
	return true;
}

static bool is_asked_for(const struct query *q, uint16_t port_h)
{
	return port_h >= q->first_h && port_h <= q->last_h && (!q->ports || port_set_has(q->ports, port_h));
}

/* ---- sock_diag ---- */

static int read_message(const struct nlmsghdr *h, void *arg)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *attr[INET_DIAG_MAX + 1];
	struct query *q = arg;
	struct listener l = { .port_h = ntohs(m->id.idiag_sport), .inode = m->idiag_inode };

	if (!is_asked_for(q, l.port_h))
		return MNL_CB_OK;
	memcpy(&l.addr, m->id.idiag_src, sizeof(l.addr));
	nl_attrs(h, sizeof(*m), attr, INET_DIAG_MAX);
	l.is_ipv6 = m->idiag_family == AF_INET6;
	if (l.is_ipv6 && (!read_ipv6(m->id.idiag_src, &l.addr) ||
			  (attr[INET_DIAG_SKV6ONLY] && mnl_attr_get_u8(attr[INET_DIAG_SKV6ONLY]))))
		return MNL_CB_OK;
	q->r = q->fn(&l, q->arg);
	if (!q->r)
		return MNL_CB_OK;
	errno = ECANCELED;
	return MNL_CB_ERROR;
}

/*
 * The kernel runs this for each socket: accept if first <= port <= last. A command jumps over itself if it holds, and
 * else 4 bytes past the end, which rejects. The port is in the command after it.
 */
static void put_ports(struct nlmsghdr *h, const struct query *q)
{
	const struct inet_diag_bc_op program[4] = {
		{ INET_DIAG_BC_S_GE, 8, 20 }, { .no = q->first_h }, { INET_DIAG_BC_S_LE, 8, 12 }, { .no = q->last_h },
	};

	mnl_attr_put(h, INET_DIAG_REQ_BYTECODE, sizeof(program), program);
}

/* -ENOENT: the kernel has no sock_diag for the protocol. */
static int ask(struct nl *nl, int family, struct query *q)
{
	struct inet_diag_req_v2 *req;
	char buf[NL_BUFFER];
	struct nlmsghdr *h;
	void *extra;
	int r;

	h = nl_begin(nl, buf, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &extra, sizeof(*req));
	req = extra;
	req->sdiag_family = family;
	req->sdiag_protocol = q->proto == L4_TCP ? IPPROTO_TCP : IPPROTO_UDP;
	req->idiag_states = q->states;
	put_ports(h, q);
	r = nl_talk(nl, h, read_message, q);
	return r == -ECANCELED ? q->r : r;
}

static int ask_sock_diag(struct query *q)
{
	_cleanup_nl_ struct nl nl = {};
	int r;

	r = nl_open_diag(&nl);
	if (!r)
		r = ask(&nl, AF_INET, q);
	if (!r)
		r = ask(&nl, AF_INET6, q);
	return r;
}

/* ---- /proc/net ---- */

/* An address is printed as words of 8 hex digits, each a number in the machine's byte order. */
static bool read_addr(const char *hex, struct listener *l)
{
	uint32_t word[4] = {};
	int i, words = strlen(hex) / 8;

	for (i = 0; i < words; i++)
		if (sscanf(hex + 8 * i, "%8" SCNx32, &word[i]) != 1)
			return false;
	l->is_ipv6 = words == 4;
	memcpy(&l->addr, word, sizeof(l->addr));
	return !l->is_ipv6 || read_ipv6(word, &l->addr);
}

static int read_table(const char *name, struct query *q)
{
	_cleanup_file_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	char addr[33], path[64];
	unsigned int port, state;
	struct listener l;
	size_t room = 0;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/thread-self/net/%s", name);
	f = fopen(path, "re");
	if (!f && errno == ENOENT)
		return 0; /* no IPv6 */
	if (!f)
		return log_err(-errno, "cannot read %s: %s", path, strerror(errno));
	while (!r && getline(&line, &room, f) >= 0) {
		if (sscanf(line, "%*d: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u "
				 "%*u %" SCNu64,
			   addr, &port, &state, &l.inode) != 4)
			continue;
		l.port_h = port;
		if (q->states & 1u << state && is_asked_for(q, port) && read_addr(addr, &l))
			r = q->fn(&l, q->arg);
	}
	return r;
}

static int read_proc(struct query *q)
{
	int r = read_table(q->proto == L4_TCP ? "tcp" : "udp", q);

	return r ? r : read_table(q->proto == L4_TCP ? "tcp6" : "udp6", q);
}

static int each(struct query *q)
{
	int r = ask_sock_diag(q);

	if (r == -ENOENT || r == -EPROTONOSUPPORT)
		return read_proc(q);
	return r && r != q->r ? log_err(r, "cannot list the sockets: %s", strerror(-r)) : r;
}

/* ---- bound, not listening ---- */

/* A TCP socket bound to a port; 0: one that the kernel chooses, of 127.0.0.1. */
static int bind_port(uint16_t port_h)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port_h) };
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(port_h ? INADDR_ANY : INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)))
		return -errno;
	return TAKE_FD(fd);
}

static int is_there(const struct listener *l, void *arg)
{
	return 1;
}

/* Asks about a socket of our own. */
static bool kernel_lists_bound(void)
{
	_cleanup_fd_ int fd = bind_port(0);
	struct query q = { .proto = L4_TCP, .states = STATE_BOUND, .fn = is_there };
	struct sockaddr_in own;
	socklen_t len = sizeof(own);

	if (fd < 0 || getsockname(fd, (struct sockaddr *)&own, &len))
		return false;
	q.first_h = q.last_h = ntohs(own.sin_port);
	return ask_sock_diag(&q) == 1;
}

/* The ports of sockets that the kernel lists, be they connected: those explain that a port cannot be bound. */
static int explain(const struct listener *l, void *arg)
{
	bool *explained = arg;

	explained[l->port_h] = true;
	return 0;
}

static int each_unlisted(const struct query *asked)
{
	_cleanup_free_ bool *explained = NULL;
	struct query q = *asked;
	struct listener l = {};
	unsigned int port;
	int fd, r = 0;

	q.states = STATES_LISTED;
	q.fn = explain;
	for (port = q.first_h; !r && port && port <= q.last_h; port++) {
		if (!is_asked_for(&q, port))
			continue;
		fd = bind_port(port);
		close_fd(&fd);
		if (fd != -EADDRINUSE)
			continue;
		if (!explained) {
			q.arg = explained = calloc(UINT16_MAX + 1, sizeof(*explained));
			r = explained ? each(&q) : log_err(-ENOMEM, "no memory to list the sockets");
		}
		l.port_h = port;
		if (!r && !explained[port])
			r = asked->fn(&l, asked->arg);
	}
	return r;
}

static int ask_all(struct query *q, enum listener_kind kind)
{
	bool is_listed = true;
	int r;

	q->states = q->proto == L4_TCP ? STATE_LISTEN : STATE_CLOSE;
	if (kind == LISTENING_OR_BOUND && q->proto == L4_TCP) {
		is_listed = kernel_lists_bound();
		q->states |= is_listed ? STATE_BOUND : 0;
	} else if (kind == LISTENING_OR_BOUND) {
		q->states |= STATE_ESTABLISHED;
	}
	r = each(q);
	return r || is_listed ? r : each_unlisted(q);
}

int listeners_each(enum l4proto proto, enum listener_kind kind, uint16_t first_h, uint16_t last_h,
		   int (*fn)(const struct listener *l, void *arg), void *arg)
{
	struct query q = { .proto = proto, .first_h = first_h, .last_h = last_h, .fn = fn, .arg = arg };

	return ask_all(&q, kind);
}

int listeners_each_in(enum l4proto proto, enum listener_kind kind, const uint64_t *ports,
		      int (*fn)(const struct listener *l, void *arg), void *arg)
{
	struct query q = { .proto = proto, .first_h = UINT16_MAX, .ports = ports, .fn = fn, .arg = arg };
	unsigned int port;

	for (port = 1; port <= UINT16_MAX; port++)
		if (port_set_has(ports, port)) {
			q.first_h = port < q.first_h ? port : q.first_h;
			q.last_h = port;
		}
	return q.last_h ? ask_all(&q, kind) : 0;
}

/* ---- who ---- */

/* Processes of other namespaces may have any number of descriptors, and none of a socket of this one. */
static bool is_here(const char *pid)
{
	struct stat own, its;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.16s/ns/net", pid);
	return !stat("/proc/thread-self/ns/net", &own) && !stat(path, &its) && own.st_ino == its.st_ino;
}

static bool holds(const char *pid, const char *link, unsigned int *looked_at)
{
	char path[64], target[64];
	_cleanup_dir_ DIR *dir = NULL;
	struct dirent *fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = is_here(pid) ? opendir(path) : NULL;
	while (dir && ++*looked_at < DESCRIPTORS && (fd = readdir(dir))) {
		n = readlinkat(dirfd(dir), fd->d_name, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		if (!strcmp(target, link))
			return true;
	}
	return false;
}

bool socket_owner(uint64_t inode, pid_t *pid, char comm[16])
{
	_cleanup_dir_ DIR *proc = opendir("/proc");
	_cleanup_file_ FILE *f = NULL;
	unsigned int looked_at = 0;
	char link[64], path[64];
	struct dirent *entry;

	snprintf(link, sizeof(link), "socket:[%" PRIu64 "]", inode);
	while (proc && looked_at < DESCRIPTORS && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]) || !holds(entry->d_name, link, &looked_at))
			continue;
		*pid = atoi(entry->d_name);
		snprintf(path, sizeof(path), "/proc/%d/comm", *pid);
		f = fopen(path, "re");
		return f && fscanf(f, "%15[^\n]", comm) == 1;
	}
	return false;
}
