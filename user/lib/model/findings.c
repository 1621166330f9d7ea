// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Findings of `status` beyond the properties of objects: limits that are reached, and what of the host's own
 * configuration stands in the way of packets. `up` mends none of it, as the host is its administrator's.
 *
 * A problem is what refuses packets that the network is there for. A note is a limit that may be intended.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <ebpfnet/core/ct_share.h>

#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/portmap_text.h"
#include "lib/dataplane/dataplane.h"
#include "lib/kernel/firewall.h"
#include "lib/kernel/qdisc.h"
#include "lib/model/model.h"
#include "lib/model/walk.h"

#define PORT_NUMBERS 65536

/* Input of the checks, read once. */
struct findings {
	struct session *x;
	struct diff *out;
	struct config cfg;
	struct ns_entry *ns;
	size_t ns_count;
	struct portmap_entry *portmaps;
	size_t portmap_count;
	struct ifaddrs *addrs;
	struct nl_ways ways;
};

/* ---- limits ---- */

#define REFUSED_LATELY_S 60

/*
 * A namespace at its share is well as long as flows of its own yield. left: its share (ct_share.h) is not used up.
 * Whether to raise a limit is for the administrator.
 */
static void check_share(struct diff *out, const char *name, const char *what, uint32_t has, bool left)
{
	char fix[64];

	if (left)
		return;
	snprintf(fix, sizeof(fix), "ebpfnet set %s-per-namespace N", what);
	diff_add(out, what, fix, "namespace %s has %u %s, as many as it may have", name, has, what);
}

static int check_capacity(struct findings *f)
{
	const struct config *cfg = &f->cfg;
	uint32_t live, udp_ports, ports;
	struct conn_alloc alloc;
	struct usage usage;
	size_t i;
	int r;

	r = store_conn_alloc(&f->x->s, &alloc);
	if (r)
		return r;
	if (alloc.live > 0 && (uint32_t)alloc.live >= f->cfg.max_flows)
		diff_add(f->out, "flows", "ebpfnet down; ebpfnet up --flows N", "the flow table is full");
	live = alloc.live > 0 ? alloc.live : 0;
	udp_ports = alloc.udp_ports > 0 ? alloc.udp_ports : 0;
	ports = cfg->port_max_h - cfg->port_min_h + 1u;
	for (i = 0; i < f->ns_count; i++) {
		if (store_usage(&f->x->s, f->ns[i].rec.endpoint, &usage))
			continue;
		if (!usage.searched || store_now() - usage.searched > REFUSED_LATELY_S)
			continue;
		check_share(f->out, f->ns[i].name, "flows", usage.flows,
			    share_of_namespace(usage.flows, cfg->max_flows_ns, live, cfg->max_flows));
		check_share(f->out, f->ns[i].name, "ports", usage.ports,
			    usage.ports < cfg->max_ports_ns && share_of_ports(usage.udp_ports, udp_ports, ports));
	}
	return 0;
}

/* ---- external ports ---- */

/* Ports of the range for masquerading that no mapping has; *largest: the mapping that has most of them. */
static uint32_t external_ports_left(const struct findings *f, enum l4proto proto, const struct portmap **largest)
{
	uint32_t first = f->cfg.port_min_h, last = f->cfg.port_max_h, left = 0, n, most = 0, port;
	bool taken[PORT_NUMBERS] = {};
	size_t i;

	*largest = NULL;
	for (i = 0; i < f->portmap_count; i++) {
		const struct portmap *p = &f->portmaps[i].portmap;

		if (p->proto != proto || addr_is_loopback(p->addr))
			continue;
		for (port = p->first_h, n = 0; port <= p->last_h; port++) {
			n += port >= first && port <= last;
			taken[port] = true;
		}
		if (n > most) {
			most = n;
			*largest = p;
		}
	}
	for (port = first; port <= last; port++)
		left += !taken[port];
	return left;
}

/* Each namespace that sends to the outside needs one at least. */
static void check_external_ports(struct findings *f, enum l4proto proto)
{
	char fix[160] = "ebpfnet set ports MIN-MAX", ports[PORTMAP_TEXT];
	const struct portmap *largest;
	uint32_t left = external_ports_left(f, proto, &largest);
	const char *name = proto_name(proto);

	if (left && left >= f->ns_count)
		return;
	if (largest)
		snprintf(fix, sizeof(fix), "ebpfnet unexpose %s %s", largest->name,
			 portmap_format(largest, ports, sizeof(ports)));
	if (left)
		diff_add(f->out, "ports", fix,
			 "only %u external %s port%s of %u-%u are not published, for %zu namespaces", left, name,
			 left == 1 ? "" : "s", f->cfg.port_min_h, f->cfg.port_max_h, f->ns_count);
	else
		diff_add(f->out, "ports", fix,
			 "every external %s port of %u-%u is published: no namespace can send %s to the outside", name,
			 f->cfg.port_min_h, f->cfg.port_max_h, name);
}

/* ---- where published ports can be reached ---- */

static bool is_inet(const struct ifaddrs *a)
{
	return a->ifa_addr && a->ifa_addr->sa_family == AF_INET;
}

static struct ipaddr addr_of_if(const struct ifaddrs *a)
{
	struct ipaddr addr;

	memcpy(&addr, &((const struct sockaddr_in *)a->ifa_addr)->sin_addr, sizeof(addr));
	return addr;
}

static bool host_has(const struct findings *f, struct ipaddr addr)
{
	const struct ifaddrs *a;

	for (a = f->addrs; a; a = a->ifa_next)
		if (is_inet(a) && addr_same(addr_of_if(a), addr))
			return true;
	return false;
}

static void check_published_addresses(struct findings *f)
{
	char addr[ADDR_TEXT], ports[PORTMAP_TEXT], fix[160];
	size_t i;

	for (i = 0; i < f->portmap_count; i++) {
		const struct portmap *p = &f->portmaps[i].portmap;

		if (!addr_number(p->addr) || addr_is_loopback(p->addr) || host_has(f, p->addr))
			continue;
		portmap_format(p, ports, sizeof(ports));
		snprintf(fix, sizeof(fix), "ebpfnet unexpose %s %s", p->name, ports);
		diff_add(f->out, "published", fix, "%s of %s is published, but %s is not an address of this host now",
			 ports, p->name, addr_text(p->addr, addr));
	}
}

/* The number of mappings that a client who arrives by a device with this address would expect. */
static size_t published_on(const struct findings *f, struct ipaddr addr, const struct portmap **one)
{
	size_t i, count = 0;

	for (i = 0; i < f->portmap_count; i++) {
		const struct portmap *p = &f->portmaps[i].portmap;

		if (!addr_number(p->addr) || addr_same(p->addr, addr)) {
			*one = p;
			count++;
		}
	}
	return count;
}

static const char *advise_uplink(const struct nl_link *dev, char fix[64])
{
	if (uplink_type_unfit(dev))
		return NULL;
	snprintf(fix, 64, "ebpfnet up --uplink %s", dev->name);
	return fix;
}

/* True if the walk over the host's routes says of a device without programs that it is to be an uplink. */
static bool is_followed(const struct findings *f, const struct nl_link *dev)
{
	return f->x->host.made & UPLINKS_FOLLOW && uplink_type_followed(dev) && nl_way_to(&f->ways, dev->ifindex);
}

/* A device with an address of the host's and without programs. */
static void check_other_device(struct findings *f, const struct ifaddrs *a)
{
	const struct portmap *one = NULL;
	char addr[ADDR_TEXT], ports[PORTMAP_TEXT], object[48], fix[64], more[32] = "";
	struct nl_link dev;
	size_t count;

	if (!is_inet(a) || !(a->ifa_flags & IFF_UP) || a->ifa_flags & IFF_LOOPBACK ||
	    nl_link_get(&f->x->nl, a->ifa_name, 0, &dev) || session_is_gateway(f->x, dev.name) ||
	    uplink_is_recorded(&f->x->host, dev.ifindex) || is_followed(f, &dev))
		return;
	count = published_on(f, addr_of_if(a), &one);
	if (!count)
		return;
	if (count > 1)
		snprintf(more, sizeof(more), " and %zu more", count - 1);
	snprintf(object, sizeof(object), "device %s", dev.name);
	diff_note(f->out, object, advise_uplink(&dev, fix),
		  "published ports (%s of %s%s) cannot be reached through %s, which has the address %s and no programs",
		  portmap_format(one, ports, sizeof(ports)), one->name, more, dev.name,
		  addr_text(addr_of_if(a), addr));
}

static void check_other_devices(struct findings *f)
{
	const struct ifaddrs *a;

	for (a = f->addrs; a; a = a->ifa_next)
		check_other_device(f, a);
}

/* ---- the host's routes ---- */

/* The device that most packets to the outside take is reported as that of the default route, if it is one. */
static bool is_default(const struct findings *f, int ifindex)
{
	return f->ways.way[0].is_default && f->ways.way[0].ifindex == ifindex;
}

/*
 * Routes of more than the main table count, and routes to half of all addresses: both are how a VPN takes over. So ask
 * the kernel for one address of each half, of networks to which nobody has a route of their own.
 */
static void check_way_out(struct findings *f)
{
	static const struct ipaddr far[] = { { { 9, 0, 0, 1 } }, { { 200, 0, 0, 1 } } };
	int ifindex, last = 0;
	char object[48], fix[64];
	struct nl_link dev;
	size_t i;

	for (i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		if (nl_route_get(&f->x->nl, far[i], &ifindex) || ifindex == last ||
		    uplink_is_recorded(&f->x->host, ifindex) || is_default(f, ifindex) ||
		    nl_link_get(&f->x->nl, NULL, ifindex, &dev) || is_followed(f, &dev))
			continue;
		last = ifindex;
		snprintf(object, sizeof(object), "device %s", dev.name);
		diff_add(f->out, object,
			 advise_uplink(&dev, fix) ? fix : "route what the namespaces send over another device",
			 "the host routes most of the internet through %s, which %s: packets routed there are refused",
			 dev.name, uplink_type_unfit(&dev) ? uplink_type_unfit(&dev) : "has no programs");
	}
}

/* The host would send what is for a namespace elsewhere. */
static void check_way_in(struct findings *f, const struct net_record *net)
{
	char route[ADDR_TEXT], subnet[CIDR_TEXT], fix[160];
	struct nl_link gw, dev = {};
	struct nl_route other;

	if (nl_link_get(&f->x->nl, net->gw_dev, 0, &gw) ||
	    nl_route_within(&f->x->nl, net->subnet.addr, net->subnet.prefix, gw.ifindex, &other))
		return;
	nl_link_get(&f->x->nl, NULL, other.ifindex, &dev);
	addr_text(other.dst, route);
	snprintf(fix, sizeof(fix), "ip route del %s/%u dev %s", route, other.prefix, dev.name);
	diff_add(f->out, "routes", fix,
		 "the host's route to %s/%u on %s is inside %s: it sends there what is for namespaces", route,
		 other.prefix, dev.name, cidr_text(&net->subnet, subnet));
}

/* ---- the host's firewall ---- */

/* The networks that a mode holds for: "network blue", "networks default, blue", "all networks"; false: none. */
static bool networks_of(const struct findings *f, enum forwarding mode, char *text, size_t room)
{
	const struct session *x = f->x;
	size_t i, count = 0, others = 0, len = 0;
	char names[128] = "";

	for (i = 0; i < x->net_count; i++) {
		if (x->nets[i].rec.flags & NETWORK_INTERNAL)
			continue;
		if (forwarding_of(&f->cfg, &x->nets[i].rec) != mode) {
			others++;
			continue;
		}
		if (count++ < 3 && len < sizeof(names))
			len += snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "", x->nets[i].rec.name);
	}
	if (count > 3 || len >= sizeof(names))
		snprintf(text, room, "%zu networks", count);
	else
		snprintf(text, room, "network%s %s", count == 1 ? "" : "s", names);
	if (!others)
		snprintf(text, room, "the namespaces");
	return count;
}

/* Clients of a published port: those who have no answer, and of whom no packet has come out of FORWARD; and others. */
struct clients {
	uint32_t portmap;
	size_t dropped;
	uint32_t last_dropped, last_passed;	/* struct conn.seen; 0: none */
};

struct all_clients {
	size_t count;
	struct clients *of;		/* by .portmap */
};

static int by_portmap(const void *a, const void *b)
{
	const struct clients *x = a, *y = b;

	return x->portmap < y->portmap ? -1 : x->portmap > y->portmap;
}

static struct clients *clients_of(const struct all_clients *all, uint32_t portmap)
{
	const struct clients key = { .portmap = portmap };

	return bsearch(&key, all->of, all->count, sizeof(key), by_portmap);
}

static int count_client(const struct conn *c, const struct flow *original, void *arg)
{
	bool dropped = original->ask.state == ASK_UNKNOWN &&
		       (c->state == CONN_SYN_SENT || c->state == CONN_UNREPLIED);
	struct clients *of = clients_of(arg, c->portmap);
	uint32_t *last;

	if (!of || c->orig.zone == EBPFNET_ZONE_HOST) /* what the host itself sends is not forwarded */
		return 0;
	of->dropped += dropped;
	last = dropped ? &of->last_dropped : &of->last_passed;
	if (c->seen > *last)
		*last = c->seen;
	return 0;
}

static void note_dropped(struct findings *f, const struct portmap *p, const struct clients *clients,
			 const struct firewall *firewall)
{
	const struct net_entry *net = session_net(f->x, p->net);
	char open[FIREWALL_OPEN], names[FIREWALL_TEXT], ports[PORTMAP_TEXT];
	const char *fix;

	if (clients->last_dropped <= clients->last_passed || !net ||
	    forwarding_of(&f->cfg, &net->rec) == FORWARDING_FAST)
		return;
	portmap_format(p, ports, sizeof(ports));
	fix = firewall_open(firewall, p, open);
	if (fix && strlen(fix) >= sizeof(((struct difference *)0)->fix))
		fix = "see open_with in `ebpfnet exposed --json`";
	diff_note(f->out, "published", fix,
		  "%s of %s is published, but the host's firewall (%s) drops it: %zu connection%s lately", ports,
		  p->name, firewall_names(firewall, names), clients->dropped, clients->dropped == 1 ? "" : "s");
}

/*
 * Known only where somebody has tried lately, as any rule may let a client by. If the last one was let by, whoever was
 * not is none that the port is published for.
 */
static int check_dropped(struct findings *f, const struct firewall *firewall)
{
	struct all_clients all = { .count = f->portmap_count };
	size_t i;
	int r;

	if (!all.count)
		return 0;
	all.of = calloc(all.count, sizeof(*all.of));
	if (!all.of)
		return log_err(-ENOMEM, "no memory to read the flows");
	for (i = 0; i < all.count; i++)
		all.of[i].portmap = f->portmaps[i].id;
	qsort(all.of, all.count, sizeof(*all.of), by_portmap);
	r = store_flows(&f->x->s, true, count_client, &all);
	for (i = 0; i < all.count && !r; i++)
		note_dropped(f, &f->portmaps[i].portmap, clients_of(&all, f->portmaps[i].id), firewall);
	free(all.of);
	return r;
}

static int check_firewall(struct findings *f)
{
	char networks[160], names[FIREWALL_TEXT];
	struct firewall firewall;

	firewall_read(&firewall);
	if (!firewall_names(&firewall, names))
		return 0;
	if (networks_of(f, FORWARDING_ASK, networks, sizeof(networks)))
		diff_note(f->out, "forwarding", "ebpfnet set forwarding stack",
			  "rules at FORWARD that count packets (counters, quota, connbytes, limit) see only some of "
			  "each flow of %.64s: forwarding is ask", networks);
	if (networks_of(f, FORWARDING_FAST, networks, sizeof(networks)))
		diff_note(f->out, "firewall", "ebpfnet set forwarding stack",
			  "what is at FORWARD (%s) does not see packets of %.80s: forwarding is fast", names, networks);
	return check_dropped(f, &firewall);
}

/* ---- other programs on the uplinks ---- */

static void check_hook(struct findings *f, enum hook hook, const struct nl_link *dev)
{
	char other[64], object[48];

	if (!dataplane_runs_after(&f->x->s, f->x->host.hook, hook, dev->ifindex, other))
		return;
	snprintf(object, sizeof(object), "uplink %s", dev->name);
	diff_note(f->out, object, NULL, "%s runs before the %s program on %s: what it drops or redirects is not seen",
		  other, hook_name(hook), dev->name);
}

static void check_uplinks(struct findings *f)
{
	const struct host_record *host = &f->x->host;
	char object[48], fix[64];
	struct xdp_state xdp;
	struct nl_link dev;
	int i;

	for (i = 0; i < EBPFNET_HOST_UPLINKS && host->uplinks[i].name[0]; i++) {
		if (uplink_device(f->x, &host->uplinks[i], &dev))
			continue;
		check_hook(f, uplink_hook(&host->uplinks[i]), &dev);
		check_hook(f, uplink_egress_hook(&host->uplinks[i]), &dev);
		dataplane_xdp_state(&f->x->s, dev.ifindex, host->uplinks[i].name, &xdp);
		if (!xdp.other[0] || host->made & XDP_MODE_ANY) /* a prefilter that has no room is a problem */
			continue;
		snprintf(object, sizeof(object), "uplink %s", dev.name);
		snprintf(fix, sizeof(fix), "ip link set dev %s xdp off", dev.name);
		diff_note(f->out, object, fix,
			  "another owner's XDP program (%s) is on %s: what it drops or redirects is not seen",
			  xdp.other, dev.name);
	}
}

/* ---- what packets to namespaces do not pass ---- */

static void check_port_qdisc(int ifindex, const char *kind, void *arg)
{
	struct findings *f = arg;
	char object[48], fix[64];
	size_t i;

	for (i = 0; i < f->ns_count; i++) {
		const struct ns_record *rec = &f->ns[i].rec;

		if (rec->ifindex != (uint32_t)ifindex || !strcmp(kind, "noqueue"))
			continue;
		snprintf(object, sizeof(object), "namespace %s", f->ns[i].name);
		snprintf(fix, sizeof(fix), "tc qdisc del dev %s root", rec->host_dev);
		diff_note(f->out, object, fix,
			  "packets to namespace %s do not pass the queueing discipline %s on %s, answers to ARP do",
			  f->ns[i].name, kind, rec->host_dev);
	}
}

/* ---- the programs ---- */

/* An update of the package replaces the command, not what runs in the kernel. */
static void check_build(struct findings *f)
{
	if (dataplane_is_of_another_build(&f->x->s))
		diff_note(f->out, "programs", "ebpfnet up",
			  "the programs that run are those of another build of ebpfnet");
}

/* ---- all ---- */

static int read_all(struct findings *f)
{
	int r;

	r = store_config(&f->x->s, &f->cfg);
	if (!r)
		r = store_ns_all(&f->x->s, &f->ns, &f->ns_count);
	if (!r)
		r = store_portmaps(&f->x->s, &f->portmaps, &f->portmap_count);
	if (!r)
		r = routes_read(f->x, &f->ways);
	if (!r && getifaddrs(&f->addrs))
		r = log_err(-errno, "cannot list the host's addresses: %s", strerror(errno));
	return r;
}

int network_findings(struct session *x, struct diff *out)
{
	struct findings f = { .x = x, .out = out };
	size_t i;
	int r;

	r = read_all(&f);
	if (!r)
		r = check_capacity(&f);
	if (!r) {
		check_external_ports(&f, L4_TCP);
		check_external_ports(&f, L4_UDP);
		check_published_addresses(&f);
		check_way_out(&f);
		for (i = 0; i < x->net_count; i++)
			check_way_in(&f, &x->nets[i].rec);
		check_other_devices(&f);
		r = check_firewall(&f);
		check_uplinks(&f);
		qdisc_each_root(check_port_qdisc, &f);
		check_build(&f);
	}
	if (f.addrs)
		freeifaddrs(f.addrs);
	free(f.portmaps);
	free(f.ns);
	return r;
}
