// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* ns add, ns del, ns list, attach, detach: one namespace at a time. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "cli/command.h"
#include "lib/model/hosts.h"
#include "lib/base/log.h"
#include "lib/kernel/netns.h"
#include "cli/table.h"
#include "lib/model/model.h"

/* What every command here works on. */
struct session {
	struct store s;
	struct nl nl;
	struct host_record host;
};

static void session_close(struct session *x)
{
	nl_close(&x->nl);
	store_close(&x->s);
}

#define _cleanup_session_ __attribute__((cleanup(session_close)))

static int session_open(struct session *x, const struct options *o)
{
	int r;

	r = nl_open(&x->nl);
	if (r)
		return log_err(r, "cannot talk to the kernel by netlink: %s", strerror(-r));
	r = store_open(&x->s, o->bpffs, STORE_WRITE);
	return r ? r : store_host(&x->s, &x->host);
}

/* --spoof: PORT_* */
static int read_spoof(const struct options *o, uint16_t *flags)
{
	*flags = 0;
	if (!o->spoof || !strcmp(o->spoof, "deny"))
		return 0;
	if (strcmp(o->spoof, "allow"))
		return log_err(-EINVAL, "--spoof '%s': allow or deny", o->spoof);
	*flags = PORT_SPOOF_ALLOW;
	return 0;
}

static int read_addr(const struct options *o, struct session *x, struct ipaddr *out)
{
	*out = (struct ipaddr){};
	if (!o->addr)
		return 0;
	if (addr_parse(o->addr, out))
		return log_err(-EINVAL, "--addr '%s' is not an IPv4 address; write four numbers, as 192.168.1.10",
			       o->addr);
	return endpoint_check_addr(&x->s, &x->host, *out, NULL);
}

static int check_new_name(struct session *x, const char *name)
{
	struct ns_record rec;

	if (!store_ns(&x->s, name, &rec))
		return log_err(-EEXIST, "namespace %s is plugged in already; choose another name", name);
	return 0;
}

/* Reserve, plug in, tell; if it fails, as before. */
static int plug_new(struct session *x, const struct options *o, const char *name, uint16_t flags,
		    const char *path)
{
	struct endpoint_taken taken;
	struct ns_record rec;
	char addr[ADDR_TEXT];
	struct ipaddr wanted;
	bool changed = false;
	uint16_t port_flags;
	int r;

	r = read_spoof(o, &port_flags);
	if (!r)
		r = read_addr(o, x, &wanted);
	if (!r)
		r = endpoint_taken_read(&x->s, &x->host, &taken);
	if (!r)
		r = endpoint_reserve(&x->s, &x->nl, &x->host, &taken, name, wanted, flags, port_flags, path, &rec);
	if (r)
		return r;
	r = endpoint_ensure(&x->s, &x->nl, &x->host, name, &rec, &changed);
	if (!r)
		r = store_ports_count(&x->s, x->host.net);
	if (!r)
		endpoint_wait_running(&x->nl, &rec);
	if (!r)
		r = hosts_write(&x->s);
	if (r) {
		endpoint_remove(&x->s, &x->nl, &x->host, name, &rec);
		hosts_write(&x->s);
		return r;
	}
	log_info("%s has %s on %s, its end of %s", name, addr_text(rec.addr, addr), rec.ns_dev, rec.host_dev);
	return 0;
}

static int unplug(struct session *x, const char *name, struct ns_record *rec)
{
	int r;

	r = endpoint_remove(&x->s, &x->nl, &x->host, name, rec);
	if (!r)
		r = lo_ensure(&x->s);
	return r ? r : hosts_write(&x->s);
}

static int find(struct session *x, const char *name, struct ns_record *rec)
{
	int r = store_ns(&x->s, name, rec);

	return r ? log_err(r, "no namespace %s; `ebpfnet ns list` shows them", name) : 0;
}

int cmd_ns_add(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};
	char path[NETNS_PATH];
	int r;

	(void)argc;
	r = endpoint_check_name(argv[0]);
	if (!r)
		r = session_open(&x, o);
	if (!r)
		r = check_new_name(&x, argv[0]);
	if (!r && netns_name_taken(argv[0]))
		r = log_err(-EEXIST, "namespace %s is there already; choose another name, or plug it in with "
				     "`ebpfnet attach %s`", argv[0], argv[0]);
	netns_path(argv[0], path);
	if (!r)
		r = plug_new(&x, o, argv[0], NS_MADE, path);
	return r ? EXIT_FAILED : EXIT_OK;
}

int cmd_ns_del(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};
	struct ns_record rec;
	int r;

	(void)argc;
	r = session_open(&x, o);
	if (!r)
		r = find(&x, argv[0], &rec);
	if (!r && !(rec.flags & NS_MADE))
		r = log_err(-EINVAL, "namespace %s was attached, not made; `ebpfnet detach %s` unplugs it and "
				     "leaves it", argv[0], argv[0]);
	if (!r)
		r = unplug(&x, argv[0], &rec);
	if (!r)
		log_info("%s is removed", argv[0]);
	return r ? EXIT_FAILED : EXIT_OK;
}

/* ---- attach ---- */

struct attach_target {
	char name[EBPFNET_NAME_LEN];
	char path[64];
	struct netns_id id;
};

static bool all_digits(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

/* A name under /run/netns, else a process, else a path. */
static int find_guest(const char *what, struct attach_target *g)
{
	const char *base = strrchr(what, '/');
	int r;

	if (base) {
		if (strlen(what) >= sizeof(g->path))
			return log_err(-ENAMETOOLONG, "cannot attach %s: the path is longer than %zu characters",
				       what, sizeof(g->path) - 1);
		snprintf(g->path, sizeof(g->path), "%s", what);
		snprintf(g->name, sizeof(g->name), "%.15s", base + 1);
	} else if (all_digits(what) && !netns_name_taken(what)) {
		snprintf(g->path, sizeof(g->path), "/proc/%.20s/ns/net", what);
		snprintf(g->name, sizeof(g->name), "pid%.12s", what);
	} else {
		r = endpoint_check_name(what);
		if (r)
			return r;
		netns_path(what, g->path);
		snprintf(g->name, sizeof(g->name), "%.15s", what);
	}
	r = netns_stat(g->path, &g->id);
	if (r == -ENOENT)
		return log_err(r, all_digits(what) ? "no process %s; is it still running?" :
						     "no network namespace %s; `ip netns list` shows the named ones",
			       what);
	return r ? log_err(r, "cannot attach %s: %s is not a network namespace", what, g->path) : 0;
}

/* Neither the host's own nor one that is plugged in under any name. */
static int check_guest(struct session *x, const char *what, const struct attach_target *g)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	struct netns_id own;
	size_t i, count;
	int r;

	if (!netns_stat("/proc/self/ns/net", &own) && own.dev == g->id.dev && own.ino == g->id.ino)
		return log_err(-EINVAL, "cannot attach %s: that is the host's own network namespace", what);
	r = store_ns_all(&x->s, &all, &count);
	for (i = 0; i < count && !r; i++)
		if (all[i].rec.netns_dev == g->id.dev && all[i].rec.netns_ino == g->id.ino)
			r = log_err(-EEXIST, "cannot attach %s: it is plugged in already, as %s", what,
				    all[i].name);
	return r;
}

int cmd_attach(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};
	struct attach_target g = {};
	int r = 0;

	(void)argc;
	if (o->name)
		r = endpoint_check_name(o->name);
	if (!r)
		r = session_open(&x, o);
	if (!r)
		r = find_guest(argv[0], &g);
	if (!r && o->name)
		snprintf(g.name, sizeof(g.name), "%s", o->name);
	if (!r)
		r = check_guest(&x, argv[0], &g);
	if (!r)
		r = check_new_name(&x, g.name);
	if (!r)
		r = plug_new(&x, o, g.name, 0, g.path);
	return r ? EXIT_FAILED : EXIT_OK;
}

int cmd_detach(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};
	struct ns_record rec;
	int r;

	(void)argc;
	r = session_open(&x, o);
	if (!r)
		r = find(&x, argv[0], &rec);
	if (!r && rec.flags & NS_MADE)
		r = log_err(-EINVAL, "namespace %s was made here, not attached; `ebpfnet ns del %s` removes it",
			    argv[0], argv[0]);
	if (!r)
		r = unplug(&x, argv[0], &rec);
	if (!r)
		log_info("%s is unplugged", argv[0]);
	return r ? EXIT_FAILED : EXIT_OK;
}

/* ---- list ---- */

static const char *ns_state(const struct ns_record *rec)
{
	struct netns_id id;

	if (rec->flags & NS_PENDING)
		return "half made";
	if (netns_stat(rec->path, &id) || id.dev != rec->netns_dev || id.ino != rec->netns_ino)
		return "gone";
	return "up";
}

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

	(void)argc;
	(void)argv;
	if (store_open(&s, o->bpffs, STORE_READ) || store_ns_all(&s, &all, &count))
		return EXIT_FAILED;
	report_begin(&report, o->json);
	table_begin(&table, &report, "namespaces", columns);
	for (i = 0; i < count; i++)
		table_row(&table, TEXT(all[i].name), TEXT(addr_text(all[i].rec.addr, addr)),
			  TEXT(all[i].rec.host_dev), TEXT(all[i].rec.ns_dev),
			  TEXT(all[i].rec.flags & NS_MADE ? "made" : "attached"),
			  TEXT(ns_state(&all[i].rec)));
	table_end(&table);
	return report_end(&report);
}
