// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* attach, detach: namespaces that others have made. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/tables.h"
#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/portmap_text.h"
#include "lib/model/plug.h"
#include "lib/model/model.h"

static bool all_digits(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

/* "pid68" of /proc/68/ns/net, whose last part says nothing; else the last part, shortened. */
static void name_of_path(const char *path, char name[EBPFNET_NAME_LEN])
{
	const char *base = strrchr(path, '/') + 1;
	char pid[EBPFNET_NAME_LEN - 3];

	if (sscanf(path, "/proc/%12[0-9]/ns/net", pid) == 1 && !strcmp(base, "net"))
		snprintf(name, EBPFNET_NAME_LEN, "pid%s", pid);
	else
		endpoint_short_name(base, name);
}

/* Resolves a path, a process ID or a name under /run/netns, which wins over a process ID. Fills in path. */
static int find_target(const char *target, char path[NETNS_PATH])
{
	const char *base = strrchr(target, '/');
	int r = 0;

	if (base) {
		r = netns_absolute(target, path);
		if (r == -ENAMETOOLONG)
			log_err(r, "cannot attach %s: the path is longer than %d characters", target, NETNS_PATH - 1);
		else if (r)
			log_err(r, "cannot attach %s: %s", target, strerror(-r));
	} else if (all_digits(target) && !netns_name_taken(target)) {
		snprintf(path, NETNS_PATH, "/proc/%.20s/ns/net", target);
	} else if (!*target || !strcmp(target, ".") || !strcmp(target, "..")) {
		r = log_err(-EINVAL, "cannot attach '%s': that is no namespace's name", target);
	} else if (strlen(NETNS_DIR "/") + strlen(target) >= NETNS_PATH) {
		r = log_err(-ENAMETOOLONG, "cannot attach %s: the name is too long", target);
	} else {
		netns_path(target, path);
	}
	if (r || netns_stat(path, NULL) != -ENOENT)
		return r;
	return log_err(-ENOENT,
		       all_digits(target) ? "no process %s; is it still running?" :
					  "no network namespace %s; `ip netns list` shows the named ones",
		       target);
}

/* --publish; 0:80 has a port of the host chosen. */
static int read_publications(const struct options *o, struct portmap *list)
{
	const char *wrong;
	int i;

	for (i = 0; i < o->publish_count; i++) {
		wrong = portmap_parse_chosen(o->publish[i], &list[i]);
		if (wrong)
			return log_err(-EINVAL, "cannot read --publish '%s': %s; expected [ADDR:]PORT[-PORT][:NSPORT]"
						"[/tcp|udp], with PORT 0 to have one chosen",
				       o->publish[i], wrong);
	}
	return 0;
}

/* As in `ns list` and `exposed`. */
static int show(struct session *x, const struct plug_result *result)
{
	struct diff none = {};
	struct ns_entry e = { .rec = result->rec };
	struct report r;
	uint64_t ports;
	size_t count;

	memcpy(e.name, result->name, sizeof(e.name));
	report_begin(&r, true);
	show_namespaces(&r, x, &e, 1, &none);
	if (show_portmaps(&r, x, 0, e.name, &count, &ports))
		return EXIT_FAILED;
	return report_end(&r);
}

static void say(const struct plug_request *q, const struct plug_result *result)
{
	char text[PORTMAP_TEXT], addr[ADDR_TEXT];
	size_t i;

	log_info("%s has %s on %s, its end of %s", result->name, addr_text(result->rec.addr, addr), result->rec.ns_dev,
		 result->rec.host_dev);
	for (i = 0; i < q->publish_count; i++)
		log_info("published %s", portmap_format(&q->publish[i], text, sizeof(text)));
}

static void name_it(const struct options *o, const char *path, char name[EBPFNET_NAME_LEN])
{
	if (o->name)
		snprintf(name, EBPFNET_NAME_LEN, "%s", o->name);
	else if (o->id)
		endpoint_short_name(o->id, name);
	else
		name_of_path(path, name);
}

static int check_words(const struct options *o, int argc)
{
	if (argc + o->later != 1)
		return usage_error("attach needs a namespace, or --later");
	if (o->later && !o->name && !o->id)
		return usage_error("attach --later needs --name or --id");
	if (o->later && o->dev)
		return usage_error("attach --later has no --dev: who moves the device gives it a name");
	return 0;
}

int cmd_attach(const struct options *o, int argc, char **argv)
{
	struct portmap publish[OPTION_PUBLISH];
	struct plug_request q = { .publish = publish, .publish_count = o->publish_count };
	_cleanup_session_ struct session x = {};
	struct plug_result result;
	char path[NETNS_PATH] = "";
	int r = 0;

	if (check_words(o, argc))
		return EXIT_USAGE;
	if ((o->name && endpoint_check_name(o->name)) || read_publications(o, publish))
		return EXIT_USAGE;
	if (!o->later)
		r = find_target(argv[0], path);
	if (r)
		return r == -EINVAL || r == -ENAMETOOLONG ? EXIT_USAGE : EXIT_FAILED;
	if (read_endpoint_options(o, &q.spec))
		return EXIT_USAGE;
	q.spec.path = o->later ? NULL : path;
	q.spec.later = o->later;
	name_it(o, path, q.spec.name);
	r = session_open(&x, o->bpffs, STORE_WRITE);
	if (!r)
		r = plug_add(&x, &q, &result);
	if (r)
		return EXIT_FAILED;
	if (!o->later)
		endpoint_wait(&x, &result.rec);
	if (o->json)
		return show(&x, &result);
	say(&q, &result);
	return EXIT_OK;
}

static int detach_gone(struct session *x)
{
	size_t count;
	int r = plug_collect(x, true, &count);

	if (!r)
		log_info("detached %zu namespace%s gone", count, count == 1 ? " that is" : "s that are");
	return r;
}

int cmd_detach(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};
	const char *name = argv[0];
	char found[EBPFNET_NAME_LEN];
	int r;

	if (argc + !!o->id + o->gone != 1)
		return usage_error("detach needs a name, --id ID, or --gone");
	r = session_open(&x, o->bpffs, STORE_WRITE);
	if (!r && o->gone)
		return detach_gone(&x) ? EXIT_FAILED : EXIT_OK;
	if (!r && !name) {
		r = endpoint_find_id(&x, o->id, found);
		name = found;
	}
	if (!r)
		r = endpoint_del(&x, name, false);
	if (r)
		return EXIT_FAILED;
	log_info("%s is detached", name);
	return EXIT_OK;
}
