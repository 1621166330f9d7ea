// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * cost CMD ARG...: run a command, then print runs and nanoseconds per run of each program of ebpfnet and of
 * the floor, as measured by the kernel (BPF_ENABLE_STATS, Linux 5.8). The figures include the two reads of the
 * clock around each run.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define PROGRAMS 256

struct program {
	uint32_t id;
	uint64_t runs, ns;
	char name[BPF_OBJ_NAME_LEN];
};

static bool is_of_interest(const struct program *p)
{
	return !strncmp(p->name, "ebpfnet_", 8) || !strncmp(p->name, "floor_", 6);
}

static bool program_by_id(uint32_t id, struct program *out)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);
	bool exists = fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len);

	if (fd >= 0)
		close(fd);
	*out = (struct program){ .id = id, .runs = info.run_cnt, .ns = info.run_time_ns };
	memcpy(out->name, info.name, sizeof(out->name));
	return exists;
}

static int programs(struct program *out)
{
	uint32_t id = 0;
	int n = 0;

	while (n < PROGRAMS && !bpf_prog_get_next_id(id, &id))
		if (program_by_id(id, &out[n]) && is_of_interest(&out[n]))
			n++;
	return n;
}

static int run(char **argv)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	return pid < 0 || waitpid(pid, &status, 0) < 0 ? -errno : status;
}

int main(int argc, char **argv)
{
	struct program before[PROGRAMS], after;
	int i, n, status, stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (argc < 2 || stats < 0) {
		fprintf(stderr, "cost: %s\n", argc < 2 ? "usage: cost CMD ARG..." : strerror(errno));
		return 2;
	}
	n = programs(before);
	status = run(argv + 1);
	for (i = 0; i < n; i++)
		if (program_by_id(before[i].id, &after) && after.runs > before[i].runs + 100)
			printf("%s %lu runs %.1f ns\n", after.name, after.runs - before[i].runs,
			       (double)(after.ns - before[i].ns) / (after.runs - before[i].runs));
	return status ? 1 : 0;
}
