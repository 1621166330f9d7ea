// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * status: what there is, and whether it is well. Everything is compared with what the kernel says
 * now; each difference becomes a row of the table of problems, with the command that mends it.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "cli/command.h"
#include "lib/dataplane/dataplane.h"
#include "cli/expose.h"
#include "lib/base/log.h"
#include "lib/kernel/netns.h"
#include "cli/show.h"
#include "lib/store/store.h"
#include "cli/table.h"
#include "lib/model/model.h"
#include "lib/model/device.h"

struct view {
	struct store state;
	struct nl nl;
	struct host_record host;
	struct config cfg;
	struct conn_alloc alloc;
	struct counters counters;
	struct ns_entry *ns;
	size_t ns_count;
	struct report report;
	struct table problems;
};

static void __attribute__((format(printf, 3, 4)))
report_problem(struct view *v, const char *mend, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	table_row(&v->problems, TEXT(text), TEXT(mend));
}

static void check_program(struct view *v, enum hook hook, uint32_t ifindex, const char *dev)
{
	if (!dataplane_attached(&v->state, v->host.hook, hook, ifindex, dev))
		report_problem(v, "ebpfnet up", "the %s program is missing from %s", hook_name(hook), dev);
}

/* ---- the network ---- */

static void show_network(struct view *v)
{
	char subnet[ADDR_TEXT + 4], addr[ADDR_TEXT], gateway[ADDR_TEXT];

	snprintf(subnet, sizeof(subnet), "%s/%u", addr_text(v->host.subnet, addr), v->host.prefix);
	addr_text(v->host.gateway, gateway);
	report_line(&v->report, "network", "%s", subnet);
	report_line(&v->report, "gateway", "%s on %s", gateway, v->host.gw_dev);
	report_text(&v->report, "network", subnet);
	report_text(&v->report, "gateway", gateway);
	report_text(&v->report, "gateway_device", v->host.gw_dev);
}

static void show_flows(struct view *v)
{
	char live[TEXT_LEN], limit[TEXT_LEN], refused[TEXT_LEN], evicted[TEXT_LEN], memory[TEXT_LEN];
	uint64_t flows = v->alloc.live > 0 ? v->alloc.live : 0, bytes = store_flows_memory(&v->state);
	const struct counters *c = &v->counters;

	text_number(flows, live);
	text_number(v->cfg.max_flows, limit);
	text_megabytes(bytes, memory);
	if (c->flow_refused || c->flow_evicted)
		report_line(&v->report, "flows", "%s of %s (%s); so far %s refused, %s half-open ones ended early",
			    live, limit, memory, text_number(c->flow_refused, refused),
			    text_number(c->flow_evicted, evicted));
	else
		report_line(&v->report, "flows", "%s of %s (%s)", live, limit, memory);
	report_number(&v->report, "flows", flows);
	report_number(&v->report, "flows_limit", v->cfg.max_flows);
	report_number(&v->report, "flows_memory", bytes);
	report_number(&v->report, "flows_refused", c->flow_refused);
	report_number(&v->report, "flows_evicted", c->flow_evicted);
	if (flows >= v->cfg.max_flows)
		report_problem(v, "ebpfnet down; ebpfnet up --flows N", "the flow table is full");
}

/* Who has its share gets no more, and whether that is little or too much is for people to say. */
static void check_share(struct view *v, const char *name, const char *what, uint32_t has, uint32_t limit)
{
	char mend[64], number[TEXT_LEN];

	if (has < limit)
		return;
	snprintf(mend, sizeof(mend), "ebpfnet set %s-per-namespace N", what);
	report_problem(v, mend, "namespace %s has %s %s, as many as it may have", name, text_number(has, number),
		       what);
}

static void check_gateway(struct view *v)
{
	uint32_t dev = if_nametoindex(v->host.gw_dev), peer = if_nametoindex(v->host.gw_peer);

	if (!dev || !peer) {
		report_problem(v, "ebpfnet up", "gateway device %s is gone", v->host.gw_dev);
		return;
	}
	check_program(v, HOOK_GATEWAY, dev, v->host.gw_dev);
	check_program(v, HOOK_PORT, peer, v->host.gw_peer);
	if (!device_forwards(v->host.gw_peer))
		report_problem(v, "ebpfnet up", "somebody switched forwarding off on %s", v->host.gw_peer);
}

static void check_lo(struct view *v)
{
	if (v->cfg.portmaps)
		check_program(v, HOOK_LO, 1, "lo");
}

/* ---- uplinks ---- */

/* The first IPv4 address of a device; false: it has none. */
static bool first_address(const char *dev, struct ipaddr *out)
{
	struct ifaddrs *all, *a;
	bool found = false;

	if (getifaddrs(&all))
		return false;
	for (a = all; a && !found; a = a->ifa_next) {
		if (strcmp(a->ifa_name, dev) || !a->ifa_addr || a->ifa_addr->sa_family != AF_INET)
			continue;
		memcpy(out, &((struct sockaddr_in *)a->ifa_addr)->sin_addr, sizeof(*out));
		found = true;
	}
	freeifaddrs(all);
	return found;
}

static void check_link(struct view *v, enum hook hook, const struct uplink_record *u,
		       const struct nl_link *dev)
{
	if (!dataplane_attached(&v->state, v->host.hook, hook, dev->ifindex, u->name))
		report_problem(v, "ebpfnet up", "the %s program is missing from %s", hook_name(hook), dev->name);
}

/* What the record asks for, and what is. */
static const char *xdp_text(uint32_t how)
{
	return how == XDP_MODE_ANY ? "any" : how == XDP_MODE_NATIVE ? "native" : how ? "generic" : "off";
}

/* How an uplink is prefiltered: XDP_MODE_NATIVE, XDP_MODE_GENERIC, or 0. What is not as it should be is a problem. */
static uint32_t check_xdp(struct view *v, const struct uplink_record *u, const struct nl_link *dev)
{
	static const char off[] = "ebpfnet up --xdp off";
	char name[EBPFNET_NAME_LEN], mend[80];
	uint32_t wanted = v->host.made & XDP_MODE_ANY;
	struct xdp_state xdp;
	const char *vlan;

	dataplane_xdp_state(&v->state, dev->ifindex, u->name, &xdp);
	vlan = wanted ? uplink_xdp_unfit(&v->nl, dev, name) : NULL;
	snprintf(mend, sizeof(mend), "ip link set dev %s xdp off; ebpfnet up", dev->name);
	if (xdp.how && (vlan || !(xdp.how & wanted)))
		report_problem(v, "ebpfnet up", "the XDP prefilter of %s is not as it should be: %s%s", dev->name,
			       vlan ? "it may not see the tags of " : xdp_text(xdp.how), vlan ? vlan : "");
	else if (wanted && vlan)
		report_problem(v, off, "%s has no XDP prefilter: it has a VLAN (%s), and XDP may miss the VLAN tag",
			       dev->name, vlan);
	else if (wanted && xdp.other[0])
		report_problem(v, mend, "%s has no XDP prefilter: another owner's XDP program is there (%s)",
			       dev->name, xdp.other);
	else if (wanted && !xdp.how)
		report_problem(v, "ebpfnet up", "the XDP prefilter is missing from %s", dev->name);
	return xdp.how;
}

/* In a word, and what is wrong as a problem. */
static const char *uplink_state(struct view *v, const struct uplink_record *u,
				const struct nl_link *dev, bool has_addr)
{
	char mend[64];
	int other;

	if (!dev->ifindex) {
		/* one that was only followed is forgotten if there is another */
		bool replaced = v->host.made & UPLINKS_FOLLOW && !nl_route_default(&v->nl, &other);

		report_problem(v, replaced ? "ebpfnet up" : "its return, and `ebpfnet up`",
			       "uplink %s is gone: what is routed there is refused", u->name);
		return "gone";
	}
	if (u->ifindex != (uint32_t)dev->ifindex) {
		report_problem(v, "ebpfnet up",
			       "uplink %s was removed and made again, without our programs: what is "
			       "routed there is refused",
			       u->name);
		return "unhooked";
	}
	check_link(v, HOOK_UPLINK, u, dev);
	check_link(v, HOOK_UPLINK_OUT, u, dev);
	if (!dev->up) {
		snprintf(mend, sizeof(mend), "ip link set %s up", dev->name);
		report_problem(v, mend, "uplink %s is down", dev->name);
		return "down";
	}
	if (!has_addr)
		report_problem(v, NULL, "uplink %s has no IPv4 address to masquerade as", dev->name);
	return "up";
}

static void show_uplink(struct view *v, const struct uplink_record *u, struct table *t)
{
	char text[ADDR_TEXT] = "";
	struct nl_link dev = {};
	const char *state;
	struct ipaddr addr;
	uint32_t how;
	bool has_addr;

	if (uplink_device(&v->nl, &v->host, u, &dev))
		dev = (struct nl_link){};
	has_addr = dev.ifindex && first_address(dev.name, &addr);
	if (has_addr)
		addr_text(addr, text);
	state = uplink_state(v, u, &dev, has_addr);
	how = dev.ifindex && u->ifindex == (uint32_t)dev.ifindex ? check_xdp(v, u, &dev) : 0;
	if (strcmp(state, "up"))
		report_line(&v->report, "uplink", "%s, %s", dev.ifindex ? dev.name : u->name, state);
	else
		report_line(&v->report, "uplink", "%s, %s%s%s%s", dev.name,
			    has_addr ? "masquerading as " : "without an address", text,
			    how ? ", with an XDP prefilter: " : "", how ? xdp_text(how) : "");
	if (v->report.json)
		table_row(t, TEXT(dev.ifindex ? dev.name : u->name), TEXT(has_addr ? text : NULL),
			  NUMBER(dev.ifindex ? (uint64_t)dev.ifindex : NO_NUMBER), TEXT(state),
			  TEXT(how ? xdp_text(how) : NULL));
}

static bool is_hooked(const struct view *v, int ifindex)
{
	struct uplink ignored;

	return !store_uplink(&v->state, ifindex, &ignored);
}

/* Whether an uplink by that name was told to be in want of programs already. */
static bool is_told(const struct view *v, const char *name)
{
	int i;

	for (i = 0; i < EBPFNET_HOST_UPLINKS; i++)
		if (!strcmp(v->host.uplinks[i].name, name))
			return true;
	return false;
}

/* The device that most packets to the outside will be routed to. */
static void check_default_route(struct view *v)
{
	char mend[64] = "ebpfnet up";
	struct nl_link dev;
	int ifindex;

	if (nl_route_default(&v->nl, &ifindex) || is_hooked(v, ifindex) ||
	    nl_link_get(&v->nl, NULL, ifindex, &dev) || is_told(v, dev.name))
		return;
	if (!strcmp(dev.name, v->host.gw_dev)) {
		report_problem(v, NULL, "the default route leads through %s, into the network: nothing leaves it",
			       dev.name);
		return;
	}
	if (!(v->host.made & UPLINKS_FOLLOW))
		snprintf(mend, sizeof(mend), "ebpfnet up --uplink %s", dev.name);
	if (dev.type == ARPHRD_ETHER)
		report_problem(v, mend,
			       "the default route leads through %s, which has none of our programs: what is "
			       "routed there is refused",
			       dev.name);
	else
		report_problem(v, NULL,
			       "the default route leads through %s, which is not an Ethernet device: what is "
			       "routed there is refused",
			       dev.name);
}

static void show_uplinks(struct view *v)
{
	static const struct column columns[] = {
		{ "name", NULL },
		{ "addr", NULL },
		{ "ifindex", NULL, CELL_NUMBER },
		{ "state", NULL },
		{ "xdp", NULL },
		{},
	};
	struct table t;
	int i;

	table_begin(&t, &v->report, "uplinks", columns);
	for (i = 0; i < EBPFNET_HOST_UPLINKS && v->host.uplinks[i].name[0]; i++)
		show_uplink(v, &v->host.uplinks[i], &t);
	table_end(&t);
	check_default_route(v);
	report_line(&v->report, "programs", "attached by %s", hook_kind_name(v->host.hook));
	report_text(&v->report, "hook", hook_kind_name(v->host.hook));
	report_text(&v->report, "xdp", xdp_text(v->host.made & XDP_MODE_ANY));
}

/* ---- namespaces ---- */

/* A path under /proc ends with the process it was found by, which the namespace may survive. */
static bool name_is_lost(const struct ns_record *rec)
{
	struct netns_id id;

	if (!strncmp(rec->path, "/proc/", 6))
		return false;
	return netns_stat(rec->path, &id) || id.dev != rec->netns_dev || id.ino != rec->netns_ino;
}

static const char *ns_state(struct view *v, const struct ns_entry *e)
{
	const struct ns_record *rec = &e->rec;
	char dev[IF_NAMESIZE], mend[64];
	const char *missing;
	struct usage usage;

	if (rec->flags & NS_PENDING) {
		report_problem(v, "ebpfnet up", "namespace %s is half made", e->name);
		return "half made";
	}
	if (name_is_lost(rec)) {
		snprintf(mend, sizeof(mend), "ebpfnet %s %s",
			 rec->flags & NS_MADE ? "ns del" : "detach", e->name);
		report_problem(v, mend, "namespace %s was deleted behind our back", e->name);
		return "gone";
	}
	if (!if_indextoname(rec->ifindex, dev)) {
		report_problem(v, "ebpfnet up", "device %s of namespace %s is gone", rec->host_dev, e->name);
		return "unplugged";
	}
	check_program(v, HOOK_PORT, rec->ifindex, rec->host_dev);
	if (!store_usage(&v->state, rec->endpoint, &usage)) {
		check_share(v, e->name, "flows", usage.flows, v->cfg.max_flows_ns);
		check_share(v, e->name, "ports", usage.ports, v->cfg.max_ports_ns);
	}
	missing = endpoint_missing_inside(rec);
	if (!missing)
		return "up";
	report_problem(v, "ebpfnet up", "inside namespace %s, %s", e->name, missing);
	return "broken";
}

static void show_namespaces(struct view *v)
{
	static const struct column columns[] = {
		{ "name", "namespace" },
		{ "addr", "address" },
		{ "mac", "MAC address" },
		{ "dev", "port" },
		{ "ns_dev", "inside" },
		{ "origin", "origin" },
		{ "spoof", NULL },
		{ "path", NULL },
		{ "ifindex", NULL, CELL_NUMBER },
		{ "state", "state" },
		{},
	};
	char addr[ADDR_TEXT], mac[18];
	struct table t;
	size_t i;

	table_begin(&t, &v->report, "namespaces", columns);
	for (i = 0; i < v->ns_count; i++) {
		const struct ns_record *rec = &v->ns[i].rec;

		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", rec->mac[0],
			 rec->mac[1], rec->mac[2], rec->mac[3], rec->mac[4], rec->mac[5]);
		table_row(&t, TEXT(v->ns[i].name), TEXT(addr_text(rec->addr, addr)), TEXT(mac), TEXT(rec->host_dev),
			  TEXT(rec->ns_dev), TEXT(rec->flags & NS_MADE ? "made" : "attached"),
			  TEXT(rec->port_flags & PORT_SPOOF_ALLOW ? "allow" : "deny"),
			  TEXT(rec->path), NUMBER(rec->ifindex), TEXT(ns_state(v, &v->ns[i])));
	}
	table_end(&t);
}

/* ---- all of it ---- */

static int collect(struct view *v, const struct options *o)
{
	int r;

	r = nl_open(&v->nl);
	if (r)
		return log_err(r, "cannot talk to the kernel by netlink: %s", strerror(-r));
	r = store_open(&v->state, o->bpffs, STORE_READ);
	if (!r)
		r = store_host(&v->state, &v->host);
	if (!r)
		r = store_config(&v->state, &v->cfg);
	if (!r)
		r = store_conn_alloc(&v->state, &v->alloc);
	if (!r)
		r = store_counters(&v->state, &v->counters);
	return r ? r : store_ns_all(&v->state, &v->ns, &v->ns_count);
}

static void show_health(struct view *v)
{
	size_t count = v->problems.rows;

	report_health(&v->report, "health", !count, count == 0 ? "all well" :
						    count == 1 ? "1 problem" :
								 "%zu problems",
		      count);
	table_end(&v->problems);
}

static int show(struct view *v)
{
	static const struct column columns[] = {
		{ "problem", "problem" }, { "mend", "mended by" }, {},
	};
	uint64_t ports;
	size_t portmaps;
	int r;

	table_begin(&v->problems, &v->report, "problems", columns);
	show_network(v);
	show_uplinks(v);
	show_flows(v);
	check_gateway(v);
	check_lo(v);
	show_namespaces(v);
	r = expose_table(&v->report, &v->state, &portmaps, &ports);
	show_drops(&v->report, &v->counters, false);
	show_health(v);
	return r;
}

int cmd_status(const struct options *o, int argc, char **argv)
{
	struct view v = {};
	int status = EXIT_FAILED;

	if (!collect(&v, o)) {
		report_begin(&v.report, o->json);
		if (!show(&v))
			status = report_end(&v.report);
	}
	free(v.ns);
	nl_close(&v.nl);
	store_close(&v.state);
	return status;
}
