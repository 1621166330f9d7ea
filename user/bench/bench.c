// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "bench/bench.h"
#include "lib/base/cleanup.h"
#include "cli/command.h"
#include "lib/base/log.h"

/* ---- external programs ---- */

int bench_widen_path(void)
{
	const char *path = getenv("PATH");
	char wide[4096];

	snprintf(wide, sizeof(wide), "%s%s/usr/sbin:/sbin:/usr/bin:/bin", path ? path : "", path ? ":" : "");
	return setenv("PATH", wide, 1) ? -ENOMEM : 0;
}

bool bench_is_program(const char *name)
{
	const char *dir = getenv("PATH"), *end;
	char file[4096];

	for (; dir; dir = *end ? end + 1 : NULL) {
		end = strchrnul(dir, ':');
		snprintf(file, sizeof(file), "%.*s/%s", (int)(end - dir), dir, name);
		if (!access(file, X_OK))
			return true;
	}
	return false;
}

/* Copy the first line of stderr that is not a warning. */
static void copy_error(char *why, const char *program, int err)
{
	char text[1024], *line, *rest;
	ssize_t n = pread(err, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	line = strtok_r(text, "\n", &rest);
	while (line && strstr(line, "warning:"))
		line = strtok_r(NULL, "\n", &rest);
	snprintf(why, BENCH_WHY, "`%s` says: %.150s", program, line ? line : "nothing, but it failed");
}

static void exec_in(int netns, int in, int out, int err, const char *const *argv)
{
	if (setns(netns, CLONE_NEWNET) || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(err, STDERR_FILENO) < 0) {
		dprintf(err, "%s\n", strerror(errno));
		_exit(1);
	}
	execvp(argv[0], (char *const *)argv);
	dprintf(STDERR_FILENO, "%s\n", strerror(errno));
	_exit(1);
}

int bench_tool(int netns, const char *program, const char *const *argv, const char *input, char *why)
{
	_cleanup_fd_ int in = memfd_create("input", MFD_CLOEXEC), err = memfd_create("stderr", MFD_CLOEXEC);
	_cleanup_fd_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	size_t len = strlen(input);
	int status, r = 0;
	pid_t pid;

	if (in < 0 || err < 0 || null < 0 || pwrite(in, input, len, 0) != (ssize_t)len || (pid = fork()) < 0) {
		r = -errno;
		snprintf(why, BENCH_WHY, "cannot start `%s`: %s", program, strerror(errno));
		return r;
	}
	if (!pid)
		exec_in(netns, in, null, err, argv);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	copy_error(why, program, err);
	return -EIO;
}

/* ---- worker processes ---- */

int bench_start(void (*fn)(int fd, int arg), int arg)
{
	int fd[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd))
		return log_err(-errno, "cannot make a socket: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		fn(fd[1], arg);
		_exit(0);
	}
	close(fd[1]);
	if (pid > 0)
		return fd[0];
	close(fd[0]);
	return log_err(-errno, "cannot start a process: %s", strerror(errno));
}

/* Exit with the parent. If it is gone already, the other end of the pipe is closed. */
static void end_with_parent(int alive)
{
	struct pollfd p = { .fd = alive };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (poll(&p, 1, 0))
		_exit(EXIT_FAILED);
}

int bench_alone(int (*fn)(void *arg), void *arg)
{
	int status, alive[2];
	pid_t pid;

	if (pipe2(alive, O_CLOEXEC) || unshare(CLONE_NEWPID))
		return log_err(EXIT_FAILED, "cannot make a PID namespace: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		return log_err(EXIT_FAILED, "cannot start a process: %s", strerror(errno));
	if (!pid) {
		close(alive[1]);
		end_with_parent(alive[0]);
		status = fn(arg);
		fflush(NULL);
		_exit(status);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return log_err(EXIT_FAILED, "cannot wait for the measurement: %s", strerror(errno));
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return log_err(EXIT_FAILED, "the measurement was killed by signal %d", WTERMSIG(status));
}
