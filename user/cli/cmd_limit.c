// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* limit: what namespaces may receive and send. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/tables.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/rate_text.h"
#include "lib/model/model.h"

/* in RATE, out RATE: each once. */
struct words {
	struct ns_limit in, out;
	bool has_in, has_out;
};

static int read_rate(const char *word, const char *text, struct ns_limit *out)
{
	const char *wrong;
	uint64_t rate = 0;

	*out = (struct ns_limit){};
	if (!strcmp(text, "none"))
		return 0;
	wrong = rate_parse(text, &rate);
	if (wrong)
		return log_err(-EINVAL, "%s '%s': %s; write a rate as 500kbit, 10mbit or 1gbit, or none", word, text,
			       wrong);
	if (!rate)
		return log_err(-EINVAL, "%s '%s' would let nothing pass; to cut a namespace off detach it, or set its "
					"device down", word, text);
	if (rate < EBPFNET_LEAST_RATE)
		return log_err(-EINVAL, "%s '%s' is less than %dkbit, the least that can be kept", word, text,
			       EBPFNET_LEAST_RATE / 1000);
	out->rate = rate;
	return 0;
}

static int read_words(int argc, char **argv, struct words *w)
{
	int i;

	for (i = 0; i < argc; i += 2) {
		bool in = !strcmp(argv[i], "in");
		bool *has = in ? &w->has_in : &w->has_out;

		if (!in && strcmp(argv[i], "out"))
			return log_err(-EINVAL, "limit takes in RATE, out RATE, or both, not '%s'", argv[i]);
		if (i + 1 == argc)
			return log_err(-EINVAL, "%s needs a rate, as 10mbit, or none", argv[i]);
		if (*has)
			return log_err(-EINVAL, "limit has %s twice", argv[i]);
		*has = true;
		if (read_rate(argv[i], argv[i + 1], in ? &w->in : &w->out))
			return -EINVAL;
	}
	return 0;
}

static int list(const struct options *o)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	_cleanup_session_ struct session x = {};
	size_t count, shown;
	struct report r;
	uint32_t net;

	if (session_open(&x, o->bpffs, STORE_READ) || store_ns_all(&x.s, &all, &count) ||
	    find_shown_network(&x, o->network, &net))
		return EXIT_FAILED;
	if (net)
		count = namespaces_in(net, all, count);
	report_begin(&r, o->json);
	if (show_limits(&r, &x, all, count, &shown))
		return EXIT_FAILED;
	if (!shown)
		report_note(&r, "nothing is limited");
	return report_end(&r);
}

static void say(const char *name, const char *what, bool has, const struct ns_limit *limit)
{
	char text[RATE_TEXT];

	if (has && limit->rate)
		log_info("%s %s at most %s", name, what, rate_text(limit->rate, text));
	else if (has)
		log_info("%s %s without limit", name, what);
}

int cmd_limit(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};
	char name[EBPFNET_NAME_LEN];
	struct words w = {};
	bool changed;
	int r;

	if (!argc)
		return list(o);
	if (argc == 1)
		return usage_error("limit %s needs in RATE, out RATE, or both", argv[0]);
	if (o->json)
		return usage_error("--json is for the list: `ebpfnet limit --json`");
	if (read_words(argc - 1, argv + 1, &w))
		return EXIT_USAGE;
	r = session_open(&x, o->bpffs, STORE_WRITE);
	if (!r)
		r = endpoint_resolve(&x.s, argv[0], name);
	if (!r)
		r = endpoint_limit(&x, name, o->network, w.has_in ? &w.in : NULL, w.has_out ? &w.out : NULL, &changed);
	if (r)
		return EXIT_FAILED;
	if (!changed) {
		log_info("%s is limited so already: nothing to change", name);
		return EXIT_OK;
	}
	say(name, "receives", w.has_in, &w.in);
	say(name, "sends", w.has_out, &w.out);
	return EXIT_OK;
}
