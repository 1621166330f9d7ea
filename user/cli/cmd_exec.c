// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* exec: run a command inside a namespace. Exits with its status; with 127 or 126 as a shell does. */
#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "cli/command.h"
#include "lib/base/log.h"
#include "lib/kernel/netns.h"
#include "lib/model/model.h"

#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND 127

static int open_namespace(const struct options *o, const char *given, char name[EBPFNET_NAME_LEN],
			  struct ns_record *rec)
{
	_cleanup_store_ struct store s = {};
	char remedy[REMEDY_TEXT];
	int fd, r;

	r = store_open(&s, o->bpffs, STORE_READ);
	if (!r)
		r = endpoint_resolve(&s, given, name);
	if (r)
		return r;
	r = store_ns(&s, name, rec);
	if (r)
		return log_err(r, "no namespace %s; `ebpfnet ns list` shows them", name);
	fd = endpoint_open(rec);
	if (fd >= 0)
		return fd;
	return log_err(-ENOENT, "namespace %s was deleted externally; run `%s`", name,
		       endpoint_remedy(name, rec, remedy));
}

int cmd_exec(const struct options *o, int argc, char **argv)
{
	_cleanup_fd_ int fd = -1;
	char **command = argv + 1, name[EBPFNET_NAME_LEN];
	struct ns_record rec;

	if (argc > 1 && !strcmp(argv[1], "--"))
		command++;
	if (!*command)
		return usage_error("exec %s needs a command", argv[0]);
	fd = open_namespace(o, argv[0], name, &rec);
	if (fd < 0 || netns_become(fd, endpoint_etc_name(&rec, name)))
		return EXIT_FAILED;
	execvp(command[0], command);
	return log_err(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN, "cannot run %s inside %s: %s",
		       command[0], argv[0], strerror(errno));
}
