// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "lib/kernel/libbpf_log.h"

static __thread char why[256];
static __thread bool certain;	/* why is the kernel's own message: keep it */

static void keep(const char *text, size_t len)
{
	snprintf(why, sizeof(why), "%.*s", (int)len, text);
}

/* Keeps the last line of the verifier's log, apart from its statistics. */
static void keep_verifier(const char *log, const char *end)
{
	const char *line, *eol = end, *last = NULL;
	size_t len = 0;

	while (eol > log) {
		for (line = eol; line > log && line[-1] != '\n'; line--)
			;
		if (eol > line && strncmp(line, "processed ", 10) && strncmp(line, "-- ", 3)) {
			last = line;
			len = eol - line;
			break;
		}
		eol = line > log ? line - 1 : log;
	}
	if (last)
		keep(last, len);
	certain = last;
}

static void keep_warning(const char *text)
{
	static const char begin[] = "-- BEGIN PROG LOAD LOG --\n", ack[] = "Kernel error message: ";
	const char *log = strstr(text, begin), *end;

	if (certain)
		return;
	if (log) {
		log += strlen(begin);
		end = strstr(log, "-- END PROG LOAD LOG --");
		keep_verifier(log, end ? end : log + strlen(log));
		return;
	}
	if (!strncmp(text, "libbpf: ", 8))
		text += 8;
	if (!strncmp(text, ack, strlen(ack))) {
		text += strlen(ack);
		certain = true;
	} else if (why[0]) {
		return;
	}
	keep(text, strcspn(text, "\n"));
}

static int capture(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char *text;

	if (level > LIBBPF_WARN && !getenv("EBPFNET_DEBUG"))
		return 0;
	if (vasprintf(&text, fmt, ap) < 0)
		return 0;
	if (getenv("EBPFNET_DEBUG"))
		fputs(text, stderr);
	if (level == LIBBPF_WARN)
		keep_warning(text);
	free(text);
	return 0;
}

void bpf_log_begin(void)
{
	libbpf_set_print(capture);
	why[0] = '\0';
	certain = false;
}

const char *bpf_log_why(int r)
{
	return why[0] ? why : strerror(-r);
}
