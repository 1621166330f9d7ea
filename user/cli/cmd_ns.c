// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* ns add, ns del, ns list, attach, detach: one namespace at a time. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/table.h"
#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/model/model.h"

/* --spoof, --addr */
static int read_options(const struct options *o, struct endpoint_spec *spec)
{
	if (o->addr && addr_parse(o->addr, &spec->addr))
		return log_err(-EINVAL, "--addr '%s' is not an IPv4 address; write four numbers, as 192.168.1.10",
			       o->addr);
	if (!o->spoof || !strcmp(o->spoof, "deny"))
		return 0;
	spec->port_flags = PORT_SPOOF_ALLOW;
	return strcmp(o->spoof, "allow") ? log_err(-EINVAL, "--spoof '%s': allow or deny", o->spoof) : 0;
}

static int add(const struct options *o, struct endpoint_spec *spec)
{
	_cleanup_session_ struct session x = {};
	struct ns_record rec;
	char addr[ADDR_TEXT];
	int r;

	r = read_options(o, spec);
	if (!r)
		r = session_open(&x, o->bpffs, STORE_WRITE);
	if (!r)
		r = endpoint_add(&x, spec, &rec);
	if (r)
		return EXIT_FAILED;
	log_info("%s has %s on %s, its end of %s", spec->name, addr_text(rec.addr, addr), rec.ns_dev, rec.host_dev);
	return EXIT_OK;
}

static int del(const struct options *o, const char *name, bool made)
{
	_cleanup_session_ struct session x = {};
	int r;

	r = session_open(&x, o->bpffs, STORE_WRITE);
	if (!r)
		r = endpoint_del(&x, name, made);
	if (r)
		return EXIT_FAILED;
	log_info("%s is %s", name, made ? "removed" : "detached");
	return EXIT_OK;
}

int cmd_ns_add(const struct options *o, int argc, char **argv)
{
	struct endpoint_spec spec = {};

	if (endpoint_check_name(argv[0]))
		return EXIT_FAILED;
	snprintf(spec.name, sizeof(spec.name), "%s", argv[0]);
	return add(o, &spec);
}

int cmd_ns_del(const struct options *o, int argc, char **argv)
{
	return del(o, argv[0], true);
}

/* ---- attach ---- */

static bool all_digits(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

/* Resolves a path, a process ID or a name under /run/netns, which wins over a process ID. Fills in path. */
static int find_target(const char *target, struct endpoint_spec *spec, char path[NETNS_PATH])
{
	const char *base = strrchr(target, '/');
	int r;

	if (base) {
		if (strlen(target) >= NETNS_PATH)
			return log_err(-ENAMETOOLONG, "cannot attach %s: the path is longer than %d characters", target,
				       NETNS_PATH - 1);
		snprintf(path, NETNS_PATH, "%s", target);
		snprintf(spec->name, sizeof(spec->name), "%.15s", base + 1);
	} else if (all_digits(target) && !netns_name_taken(target)) {
		snprintf(path, NETNS_PATH, "/proc/%.20s/ns/net", target);
		snprintf(spec->name, sizeof(spec->name), "pid%.12s", target);
	} else {
		r = endpoint_check_name(target);
		if (r)
			return r;
		netns_path(target, path);
		snprintf(spec->name, sizeof(spec->name), "%.15s", target);
	}
	spec->path = path;
	if (netns_stat(path, NULL) != -ENOENT)
		return 0;
	return log_err(-ENOENT,
		       all_digits(target) ? "no process %s; is it still running?" :
					  "no network namespace %s; `ip netns list` shows the named ones",
		       target);
}

int cmd_attach(const struct options *o, int argc, char **argv)
{
	struct endpoint_spec spec = {};
	char path[NETNS_PATH];

	if ((o->name && endpoint_check_name(o->name)) || find_target(argv[0], &spec, path))
		return EXIT_FAILED;
	if (o->name)
		snprintf(spec.name, sizeof(spec.name), "%s", o->name);
	return add(o, &spec);
}

int cmd_detach(const struct options *o, int argc, char **argv)
{
	return del(o, argv[0], false);
}

/* ---- list ---- */

int cmd_ns_list(const struct options *o, int argc, char **argv)
{
	static const struct column columns[] = {
		{ "name", "namespace", CELL_TEXT }, { "address", "address", CELL_TEXT },
		{ "host_dev", "host side", CELL_TEXT }, { "ns_dev", "inside", CELL_TEXT },
		{ "origin", "origin", CELL_TEXT }, { "state", "state", CELL_TEXT }, {},
	};
	_cleanup_free_ struct ns_entry *all = NULL;
	_cleanup_store_ struct store s = {};
	struct report report;
	struct table table;
	char addr[ADDR_TEXT];
	size_t i, count;

	if (store_open(&s, o->bpffs, STORE_READ) || store_ns_all(&s, &all, &count))
		return EXIT_FAILED;
	report_begin(&report, o->json);
	table_begin(&table, &report, "namespaces", columns);
	for (i = 0; i < count; i++)
		table_row(&table, TEXT(all[i].name), TEXT(addr_text(all[i].rec.addr, addr)),
			  TEXT(all[i].rec.host_dev), TEXT(all[i].rec.ns_dev),
			  TEXT(all[i].rec.flags & NS_MADE ? "made" : "attached"), TEXT(endpoint_state(&all[i].rec)));
	table_end(&table);
	return report_end(&report);
}
