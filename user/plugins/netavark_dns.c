// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Names of containers, by podman's aardvark-dns: one server for all networks, on their gateways' addresses, beside the
 * one that netavark starts for its own bridges. It reads a file for each network, again at SIGHUP. The files are
 * written from the journal, so that those of the dead go with the next call.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "plugins/netavark.h"

#define FOLDER "/run/ebpfnet-dns"
#define PID_FILE FOLDER "/aardvark.pid"
#define NEW_FILE "/run/ebpfnet-dns.new"	/* beside it: the server reads all that is in it */
#define SERVER "aardvark-dns"
#define PATH 512
#define END_MS 2000			/* for a server to end */

/* ---- the server ---- */

/* Where podman looks for its helpers. NULL: it is not installed. */
static const char *find_server(void)
{
	static const char *const files[] = { "/usr/local/libexec/podman/" SERVER, "/usr/local/lib/podman/" SERVER,
					     "/usr/libexec/podman/" SERVER, "/usr/lib/podman/" SERVER };
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (!access(files[i], X_OK))
			return files[i];
	return NULL;
}

bool netavark_dns_is_there(void)
{
	return find_server();
}

/* Its process, by a pidfd: the id in the file may be another process's by now. -1: it does not run. */
static int open_server(void)
{
	_cleanup_file_ FILE *f = fopen(PID_FILE, "re"), *comm_file = NULL;
	char path[64], comm[16] = "";
	_cleanup_fd_ int fd = -1;
	int pid = 0;

	if (!f || fscanf(f, "%d", &pid) != 1 || pid <= 1)
		return -1;
	fd = syscall(SYS_pidfd_open, pid, 0);
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	comm_file = fopen(path, "re");
	if (fd < 0 || !comm_file || fscanf(comm_file, "%15[^\n]", comm) != 1 || strcmp(comm, SERVER))
		return -1;
	return TAKE_FD(fd);
}

/* As netavark does: in a scope of its own, which does not end with the unit that podman runs in. */
static void become(const char *server)
{
	char *const args[] = { "systemd-run", "-q", "--scope", (char *)server, "--config", FOLDER, "-p", "53", "run",
			       NULL };
	int null = open("/dev/null", O_RDWR);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(127);
	if (!access("/run/systemd/system", F_OK))
		execvp(args[0], args);
	execv(server, args + 3);
	_exit(127);
}

/* It returns when it has its sockets, and goes on in the background. */
static int start_server(void)
{
	const char *server = find_server();
	int status = 0;
	pid_t pid;

	if (!server)
		return log_err(-ENOENT, "there is no " SERVER "; install it, or make the network with --disable-dns");
	pid = fork();
	if (pid < 0)
		return log_err(-errno, "cannot start %s: %s", server, strerror(errno));
	if (!pid)
		become(server);
	if (waitpid(pid, &status, 0) == pid && !status)
		return 0;
	return log_err(-EIO, "%s does not start; is port 53 of the gateways free? Or make the network with "
			     "--disable-dns", server);
}

static void end_server(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd >= 0 && !syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0))
		poll(&p, 1, END_MS);
	unlink(PID_FILE);
	unlink(NEW_FILE);
	rmdir(FOLDER);
}

/* ---- its files ---- */

/* Those of a network that leads nowhere are called so: the server asks no other for their names. */
static void file_of(const struct net_record *net, char path[PATH])
{
	snprintf(path, PATH, FOLDER "/%s%s", net->name, net->flags & NETWORK_INTERNAL ? "%int" : "");
}

static void print_names(FILE *out, const struct ns_record *rec)
{
	const char *c;

	fprintf(out, "%s", rec->label[0] ? rec->label : rec->id);
	for (c = rec->aliases; *c; c++) {
		if (c == rec->aliases)
			fputc(',', out);
		fputc(*c == ' ' ? ',' : *c, out);
	}
}

/* The gateway, then a line for each container. -ENOENT: there is none. */
static int write_file(const struct net_entry *net, const struct ns_entry *all, size_t count)
{
	char path[PATH], addr[ADDR_TEXT];
	_cleanup_file_ FILE *out = NULL;
	size_t i, n = 0;

	file_of(&net->rec, path);
	out = fopen(NEW_FILE, "we");
	if (!out)
		return log_err(-errno, "cannot write " NEW_FILE ": %s", strerror(errno));
	fprintf(out, "%s\n", addr_text(net->rec.gateway, addr));
	for (i = 0; i < count; i++) {
		const struct ns_record *rec = &all[i].rec;

		if (rec->net != net->id || rec->client != PLUG_NETAVARK || rec->flags & NS_PENDING)
			continue;
		fprintf(out, "%s %s  ", rec->id, addr_text(rec->addr, addr));
		print_names(out, rec);
		fputc('\n', out);
		n++;
	}
	if (ferror(out) || fflush(out) || (n && rename(NEW_FILE, path)))
		return log_err(-errno, "cannot write %s: %s", path, strerror(errno));
	if (!n)
		unlink(NEW_FILE);
	return n ? 0 : -ENOENT;
}

/* Of networks that are gone. *count: how many files there are then. */
static int sweep(struct session *x, const struct ns_entry *all, size_t n, const char *also, size_t *count)
{
	struct net_entry *net;
	char name[NAME_MAX + 1], path[PATH];
	_cleanup_dir_ DIR *dir = opendir(FOLDER);
	struct dirent *file;
	size_t i;
	int r = 0;

	*count = 0;
	for (i = 0; i < x->net_count && !r; i++) {
		net = &x->nets[i];
		file_of(&net->rec, path);
		if (access(path, F_OK) && (!also || strcmp(net->rec.name, also)))
			continue;
		r = write_file(net, all, n);
		*count += !r;
		if (r == -ENOENT) {
			unlink(path);
			r = 0;
		}
	}
	while (dir && !r && (file = readdir(dir))) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(file->d_name, "%"), file->d_name);
		if (file->d_name[0] != '.' && strcmp(name, "aardvark.pid") && !session_net_named(x, name))
			unlinkat(dirfd(dir), file->d_name, 0);
	}
	return r;
}

int netavark_dns_sync(struct session *x, const char *also)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	_cleanup_fd_ int server = -1;
	size_t n = 0, count;
	int r;

	if (also && mkdir(FOLDER, 0700) && errno != EEXIST)
		return log_err(-errno, "cannot make " FOLDER ": %s", strerror(errno));
	if (!also && access(FOLDER, F_OK))
		return 0;
	r = x->s.fd[MAP_NAMESPACES] < 0 ? 0 : store_ns_all(&x->s, &all, &n);
	if (!r)
		r = sweep(x, all, n, also, &count);
	if (r)
		return r;
	server = open_server();
	if (!count)
		end_server(server);
	else if (server < 0 || syscall(SYS_pidfd_send_signal, server, SIGHUP, NULL, 0))
		return start_server();
	return 0;
}
