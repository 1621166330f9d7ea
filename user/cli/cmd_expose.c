// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* expose, unexpose, exposed: ports of the host that lead into a namespace. */
#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "cli/command.h"
#include "lib/dataplane/dataplane.h"
#include "cli/expose.h"
#include "lib/base/log.h"
#include "lib/kernel/netns.h"
#include "lib/base/portmap_text.h"
#include "lib/kernel/listeners.h"
#include "lib/model/model.h"

static const struct ipaddr any;

/* ---- words ---- */

#define PLACE_LEN 32	/* 255.255.255.255:65535-65535 */

static uint16_t inside_last(const struct portmap *portmap)
{
	return portmap->to_first_h + (portmap->last_h - portmap->first_h);
}

/* "5000" or "8000-8999" */
static const char *ports_text(uint16_t first, uint16_t last, char buf[PLACE_LEN])
{
	snprintf(buf, PLACE_LEN, first == last ? "%u" : "%u-%u", first, last);
	return buf;
}

/* "172.31.13.55:5000"; any stands for no address */
static const char *place_text(struct ipaddr addr, const char *any_text, uint16_t first,
			      uint16_t last, char buf[PLACE_LEN])
{
	char text[ADDR_TEXT], ports[PLACE_LEN];

	snprintf(buf, PLACE_LEN, "%s:%.11s", addr_same(addr, any) ? any_text : addr_text(addr, text),
		 ports_text(first, last, ports));
	return buf;
}

static const char *outside_text(const struct portmap *portmap, char buf[PLACE_LEN])
{
	return place_text(portmap->addr, "*", portmap->first_h, portmap->last_h, buf);
}

static const char *inside_text(const struct portmap *portmap, char buf[PLACE_LEN])
{
	return place_text(portmap->to, "*", portmap->to_first_h, inside_last(portmap), buf);
}

static int parse_spec(const char *text, struct portmap *portmap)
{
	const char *wrong = portmap_parse(text, portmap);

	if (!wrong)
		return 0;
	return log_err(-EINVAL, "cannot read '%s': %s; wanted is [ADDR:]PORT[-PORT][:NSPORT][/tcp|udp]",
		       text, wrong);
}

/* ---- expose ---- */

static int find_ns(const struct store *s, const char *name, struct ns_record *rec)
{
	char dev[IF_NAMESIZE];
	int r;

	r = store_ns(s, name, rec);
	if (r == -ENOENT)
		return log_err(r, "unknown namespace: %s; `ebpfnet ns list` shows which there are",
			       name);
	if (r)
		return log_err(r, "cannot read namespace %s: %s", name, strerror(-r));
	if (rec->flags & NS_PENDING)
		return log_err(-EBUSY, "namespace %s is half made; run `ebpfnet up` or "
				       "`ebpfnet ns del %s`",
			       name, name);
	if (!if_indextoname(rec->ifindex, dev))
		return log_err(-ENODEV, "namespace %s was deleted behind our back; "
					"`ebpfnet ns del %s` forgets it",
			       name, name);
	return 0;
}

static int check_host_address(struct ipaddr addr)
{
	struct ifaddrs *all, *a;
	char text[ADDR_TEXT];
	bool found = false;

	addr_text(addr, text);
	if (addr.octet[0] == 127)
		return log_err(-EADDRNOTAVAIL, "cannot publish on %s: loopback addresses are the "
					       "host's own; use one of its other addresses, or none",
			       text);
	if (getifaddrs(&all))
		return log_err(-errno, "cannot list the host's addresses: %s", strerror(errno));
	for (a = all; a && !found; a = a->ifa_next)
		found = a->ifa_addr && a->ifa_addr->sa_family == AF_INET &&
			!memcmp(&((struct sockaddr_in *)a->ifa_addr)->sin_addr, &addr,
				sizeof(addr));
	freeifaddrs(all);
	return found ? 0 : log_err(-EADDRNOTAVAIL,
				   "cannot publish on %s: it is not an address of this host", text);
}

/* A process of the host that waits on a port the rule would take. Loopback is not published. */
static int check_not_bound(const struct listener *w, void *arg)
{
	const struct portmap *portmap = arg;
	char addr[ADDR_TEXT], comm[16] = "?";
	pid_t pid = 0;

	if (w->port_h < portmap->first_h || w->port_h > portmap->last_h || w->addr.octet[0] == 127)
		return 0;
	if (!addr_same(portmap->addr, any) && !addr_same(w->addr, any) && !addr_same(w->addr, portmap->addr))
		return 0;
	addr_text(w->addr, addr);
	if (!socket_owner(w->inode, &pid, comm))
		return log_err(-EADDRINUSE, "cannot publish %s %u: a socket of this host is bound to "
					    "%s:%u; publish another port",
			       proto_name(portmap->proto), w->port_h, addr, w->port_h);
	return log_err(-EADDRINUSE, "cannot publish %s %u: %s (pid %d) of this host is bound to %s:%u; "
				    "stop it or publish another port",
		       proto_name(portmap->proto), w->port_h, comm, pid, addr, w->port_h);
}

/* The rule of this namespace that publishes these very ports, wherever to; NULL: there is none. */
static const struct portmap_entry *find_portmap(const struct portmap_entry *portmaps, size_t count,
						const struct portmap *wanted)
{
	size_t i;

	for (i = 0; i < count; i++) {
		const struct portmap *portmap = &portmaps[i].portmap;

		if (portmap->endpoint == wanted->endpoint && portmap->proto == wanted->proto &&
		    addr_same(portmap->addr, wanted->addr) && portmap->first_h == wanted->first_h &&
		    portmap->last_h == wanted->last_h)
			return &portmaps[i];
	}
	return NULL;
}

static int publish(const struct store *s, const struct portmap *portmap)
{
	uint32_t id;
	int r;

	r = listeners_each(portmap->proto, check_not_bound, (void *)portmap);
	if (!r)
		r = store_new_portmap(s, &id);
	if (!r)
		r = store_portmap_add(s, id, portmap);
	if (r)
		return r;
	r = lo_ensure(s);
	if (!r)
		return 0;
	store_portmap_del(s, id);
	lo_ensure(s);
	return r;
}

/* ---- who listens inside ---- */

struct listeners {
	const struct portmap *portmap;
	bool wanted;		/* somebody listens on a port that is published */
	uint16_t other;		/* somebody listens on another one; 0: nobody */
};

static int note_listener(const struct listener *w, void *arg)
{
	struct listeners *l = arg;

	if (!addr_same(w->addr, any) && !addr_same(w->addr, l->portmap->to))
		return 0;
	if (w->port_h >= l->portmap->to_first_h && w->port_h <= inside_last(l->portmap))
		l->wanted = true;
	else if (!l->other)
		l->other = w->port_h;
	return 0;
}

static int list_listeners(void *arg)
{
	struct listeners *l = arg;

	return listeners_each(l->portmap->proto, note_listener, l);
}

/* Quiet: a namespace that cannot be looked into just leaves a hint unsaid. */
static bool look_inside(const struct ns_record *rec, struct listeners *l)
{
	struct netns_id id;
	_cleanup_fd_ int fd = netns_open(rec->path, &id);

	return fd >= 0 && id.dev == rec->netns_dev && id.ino == rec->netns_ino &&
	       !netns_run(fd, list_listeners, l);
}

/* The trap of the tutorial: port 5000 is published while the server listens on 3000. */
static void hint_listeners(const struct portmap *portmap, const struct ns_record *rec)
{
	struct listeners l = { .portmap = portmap };
	struct portmap meant = *portmap;
	char ports[PLACE_LEN], was[PORTMAP_TEXT], better[PORTMAP_TEXT];

	if (!look_inside(rec, &l) || l.wanted)
		return;
	ports_text(portmap->to_first_h, inside_last(portmap), ports);
	if (!l.other || portmap->first_h != portmap->last_h) {
		log_info("nothing listens on %s %s in %s yet", proto_name(portmap->proto), ports, portmap->name);
		return;
	}
	meant.to_first_h = l.other;
	log_info("nothing listens on %s %s in %s yet; if the server is on %u: "
		 "ebpfnet unexpose %s %s; ebpfnet expose %s %s",
		 proto_name(portmap->proto), ports, portmap->name, l.other, portmap->name,
		 portmap_format(portmap, was, sizeof(was)), portmap->name,
		 portmap_format(&meant, better, sizeof(better)));
}

static void say_published(const struct portmap *portmap)
{
	char from[PLACE_LEN], to[PLACE_LEN];

	log_info("published %s %s -> %s %s", proto_name(portmap->proto), outside_text(portmap, from), portmap->name,
		 inside_text(portmap, to));
}

int cmd_expose(const struct options *o, int argc, char **argv)
{
	_cleanup_free_ struct portmap_entry *portmaps = NULL;
	_cleanup_store_ struct store s = {};
	const struct portmap_entry *old;
	char text[PORTMAP_TEXT];
	struct ns_record rec;
	struct portmap portmap;
	size_t count;
	int r;

	r = parse_spec(argv[1], &portmap);
	if (!r && !addr_same(portmap.addr, any))
		r = check_host_address(portmap.addr);
	if (!r)
		r = store_open(&s, o->bpffs, STORE_WRITE);
	if (!r)
		r = store_repair(&s);
	if (!r)
		r = find_ns(&s, argv[0], &rec);
	if (!r)
		r = store_portmaps(&s, &portmaps, &count);
	if (r)
		return EXIT_FAILED;
	memcpy(portmap.name, argv[0], strlen(argv[0]));
	portmap.to = rec.addr;
	portmap.net = rec.net;
	portmap.endpoint = rec.endpoint;
	old = find_portmap(portmaps, count, &portmap);
	if (old && old->portmap.to_first_h == portmap.to_first_h) {
		log_info("%s is published already, to %s: nothing to change",
			 portmap_format(&portmap, text, sizeof(text)), portmap.name);
		return lo_ensure(&s) ? EXIT_FAILED : EXIT_OK;
	}
	if (publish(&s, &portmap))
		return EXIT_FAILED;
	say_published(&portmap);
	hint_listeners(&portmap, &rec);
	return EXIT_OK;
}

/* ---- unexpose ---- */

static int unexpose_all(const struct store *s, const char *name, const struct portmap_entry *portmaps, size_t count)
{
	size_t i, done = 0;
	int r = 0;

	for (i = 0; i < count && !r; i++) {
		if (strcmp(portmaps[i].portmap.name, name))
			continue;
		r = store_portmap_del(s, portmaps[i].id);
		done++;
	}
	if (r)
		return r;
	if (!done)
		log_info("%s publishes nothing: nothing to change", name);
	else
		log_info("ended %zu publication%s of %s", done, done == 1 ? "" : "s", name);
	return 0;
}

/* Nothing is published under these very ports: perhaps they are part of a range. */
static int not_published(const struct portmap *wanted, const struct portmap_entry *portmaps, size_t count)
{
	char text[PORTMAP_TEXT], whole[PORTMAP_TEXT];
	size_t i;

	portmap_format(wanted, text, sizeof(text));
	for (i = 0; i < count; i++) {
		const struct portmap *portmap = &portmaps[i].portmap;

		if (portmap->endpoint == wanted->endpoint && portmap->proto == wanted->proto &&
		    wanted->first_h >= portmap->first_h && wanted->last_h <= portmap->last_h)
			return log_err(-ENOENT, "%s is published as %s; unexpose that as a whole",
				       text, portmap_format(portmap, whole, sizeof(whole)));
	}
	return log_err(-ENOENT, "%s does not publish %s; `ebpfnet exposed` lists what is published",
		       wanted->name, text);
}

static int unexpose_one(const struct store *s, const struct portmap *wanted, const struct portmap_entry *portmaps,
			size_t count)
{
	const struct portmap_entry *e = find_portmap(portmaps, count, wanted);
	char text[PORTMAP_TEXT];
	int r;

	/* whoever does not say a port inside means whichever it is */
	if (!e || (wanted->to_first_h != wanted->first_h &&
		   wanted->to_first_h != e->portmap.to_first_h))
		return not_published(wanted, portmaps, count);
	r = store_portmap_del(s, e->id);
	if (!r)
		log_info("ended %s of %s", portmap_format(&e->portmap, text, sizeof(text)), wanted->name);
	return r;
}

int cmd_unexpose(const struct options *o, int argc, char **argv)
{
	_cleanup_free_ struct portmap_entry *portmaps = NULL;
	_cleanup_store_ struct store s = {};
	struct portmap wanted = {};
	struct ns_record rec;
	size_t count = 0;
	int r = 0;

	if (argc > 1)
		r = parse_spec(argv[1], &wanted);
	if (!r)
		r = store_open(&s, o->bpffs, STORE_WRITE);
	if (!r)
		r = store_repair(&s);
	if (!r && store_ns(&s, argv[0], &rec))
		r = log_err(-ENOENT, "unknown namespace: %s; `ebpfnet ns list` shows which there are",
			    argv[0]);
	if (!r)
		r = store_portmaps(&s, &portmaps, &count);
	if (r)
		return EXIT_FAILED;
	memcpy(wanted.name, argv[0], strlen(argv[0]));
	wanted.endpoint = rec.endpoint;
	if (argc > 1)
		r = unexpose_one(&s, &wanted, portmaps, count);
	else
		r = unexpose_all(&s, argv[0], portmaps, count);
	if (!r)
		r = lo_ensure(&s);
	return r ? EXIT_FAILED : EXIT_OK;
}

/* ---- exposed ---- */

int expose_table(struct report *r, const struct store *s, size_t *count, uint64_t *ports)
{
	static const struct column columns[] = {
		{ "text", "published" },
		{ "addr", NULL },
		{ "proto", "proto" },
		{ "first", NULL, CELL_NUMBER },
		{ "last", NULL, CELL_NUMBER },
		{ "ports", "ports", CELL_NUMBER },
		{ "ns", "namespace" },
		{ "to", "to" },
		{ "to_addr", NULL },
		{ "to_first", NULL, CELL_NUMBER },
		{ "id", NULL, CELL_NUMBER },
		{},
	};
	_cleanup_free_ struct portmap_entry *portmaps = NULL;
	struct table t;
	size_t i;
	int e;

	*ports = 0;
	e = store_portmaps(s, &portmaps, count);
	if (e)
		return e;
	table_begin(&t, r, "published", columns);
	for (i = 0; i < *count; i++) {
		const struct portmap *portmap = &portmaps[i].portmap;
		uint64_t n = portmap->last_h - portmap->first_h + 1;
		char addr[ADDR_TEXT], to[ADDR_TEXT], from[PLACE_LEN], in[PLACE_LEN];

		table_row(&t, TEXT(outside_text(portmap, from)), TEXT(addr_text(portmap->addr, addr)),
			  TEXT(proto_name(portmap->proto)), NUMBER(portmap->first_h), NUMBER(portmap->last_h),
			  NUMBER(n), TEXT(portmap->name), TEXT(inside_text(portmap, in)),
			  TEXT(addr_text(portmap->to, to)), NUMBER(portmap->to_first_h), NUMBER(portmaps[i].id));
		*ports += n;
	}
	table_end(&t);
	return 0;
}

int cmd_exposed(const struct options *o, int argc, char **argv)
{
	_cleanup_store_ struct store s = {};
	char number[TEXT_LEN];
	struct report r;
	uint64_t ports;
	size_t count;

	if (store_open(&s, o->bpffs, STORE_READ))
		return EXIT_FAILED;
	report_begin(&r, o->json);
	if (expose_table(&r, &s, &count, &ports))
		return EXIT_FAILED;
	report_number(&r, "ports", ports);
	if (count)
		report_note(&r, "%s port%s in %zu rule%s", text_number(ports, number),
			    ports == 1 ? "" : "s", count, count == 1 ? "" : "s");
	else
		report_note(&r, "nothing is published");
	return report_end(&r);
}
