// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* up, down: the whole network. */
#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/addr.h"
#include <ebpfnet/core/addr.h>
#include "lib/base/cleanup.h"
#include "cli/command.h"
#include "lib/dataplane/dataplane.h"
#include "lib/model/hosts.h"
#include "lib/base/log.h"
#include "lib/kernel/netns.h"
#include "lib/model/model.h"

#define DEFAULT_SUBNET "192.168.1.0/24"

/* What the options ask for; what they leave open is zero, and defaults or what is there fill it in. */
struct up_request {
	struct host_record host;	/* .hook counts if hook_given */
	bool subnet_given, hook_given, xdp_given;
	uint32_t flows;
	const char *const *uplinks;	/* those of the options */
	int uplink_count;
	struct endpoint_request {
		char name[EBPFNET_NAME_LEN];
		struct ipaddr addr;
	} ns[EBPFNET_MAX_PORTS];
	int ns_count;
};

/* ---- reading the options ---- */

static int read_ns(const char *text, struct endpoint_request *out)
{
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : strlen(text);
	char name[64];
	int r;

	snprintf(name, sizeof(name), "%.*s", (int)len, text);
	r = endpoint_check_name(name);
	if (r)
		return r;
	memcpy(out->name, name, sizeof(out->name));
	if (equals && addr_parse(equals + 1, &out->addr))
		return log_err(-EINVAL, "--ns %s: '%s' is not an IPv4 address; write --ns %s=192.168.1.10",
			       text, equals + 1, name);
	return 0;
}

static int check_twice(const struct up_request *w)
{
	char text[ADDR_TEXT];
	int i, j;

	for (i = 0; i < w->ns_count; i++)
		for (j = 0; j < i; j++) {
			if (!strcmp(w->ns[i].name, w->ns[j].name))
				return log_err(-EEXIST, "--ns %s is given twice; name each namespace once",
					       w->ns[i].name);
			if (addr_number(w->ns[i].addr) && addr_same(w->ns[i].addr, w->ns[j].addr))
				return log_err(-EADDRINUSE, "--ns %s and --ns %s ask for the same address, %s",
					       w->ns[j].name, w->ns[i].name,
					       addr_text(w->ns[i].addr, text));
		}
	return 0;
}

static int read_subnet(const char *text, struct host_record *host)
{
	/* not this network's (0), loopback, multicast, reserved: nobody routes those (RFC 1812 5.3.7) */
	if (cidr_parse(text, &host->subnet, &host->prefix) || addr_martian_source(host->subnet))
		return log_err(-EINVAL, "--subnet '%s' is not a subnet of unicast addresses; write "
					"192.168.1.0/24, with a prefix of 8 to 30 and no host bits", text);
	host->gateway = addr_from(addr_number(host->subnet) + 1);
	return 0;
}

static int read_hook(const char *text, struct up_request *w)
{
	w->hook_given = true;
	w->host.hook = HOOK_TCX;
	if (!strcmp(text, "tcx"))
		return 0;
	w->host.hook = HOOK_CLSACT;
	if (!strcmp(text, "clsact"))
		return 0;
	return log_err(-EINVAL, "--hook '%s': tcx (kernel 6.6 and newer) or clsact", text);
}

/* As `ip link set DEV xdp`: without a value to the driver, or behind it where that does not take it. */
static int read_xdp(const char *text, struct up_request *w)
{
	static const struct {
		const char *text;
		uint32_t how;
	} ways[] = {
		{ "", XDP_MODE_ANY }, { "native", XDP_MODE_NATIVE }, { "generic", XDP_MODE_GENERIC }, { "off", 0 }
	};
	size_t i;

	w->xdp_given = true;
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(text, ways[i].text)) {
			w->host.made |= ways[i].how;
			return 0;
		}
	return log_err(-EINVAL, "--xdp '%s': native, generic, off, or nothing: native where the driver has it", text);
}

static int read_wish(const struct options *o, struct up_request *w)
{
	int i, r = 0;

	w->flows = EBPFNET_MAX_FLOWS;
	w->subnet_given = o->subnet;
	w->uplinks = o->uplink;
	w->uplink_count = o->uplink_count;
	for (i = 0; i < w->uplink_count; i++)
		if (strlen(w->uplinks[i]) >= EBPFNET_NAME_LEN)
			return log_err(-ENODEV, "uplink %s does not exist: a device name has at most 15 characters",
				       w->uplinks[i]);
	r = read_subnet(o->subnet ? o->subnet : DEFAULT_SUBNET, &w->host);
	if (!r && o->hook)
		r = read_hook(o->hook, w);
	if (!r && o->xdp)
		r = read_xdp(o->xdp, w);
	if (!r && o->flows)
		r = option_number("flows", o->flows, 128, 16777216, &w->flows);
	for (i = 0; i < o->ns_count && !r; i++)
		r = read_ns(o->ns[i], &w->ns[w->ns_count++]);
	return r ? r : check_twice(w);
}

/* ---- checking it against what is there ---- */

static int contradiction(const char *what, const char *is, const char *wanted)
{
	return log_err(-EEXIST, "the network is up with %s %s, not %s; `ebpfnet down` first, then `ebpfnet up`",
		       what, is, wanted);
}

/* The network is up, or was begun: what is asked for must be what it is. */
static int match_wish(const struct up_request *w, const struct host_record *host)
{
	char is[ADDR_TEXT + 4], wanted[ADDR_TEXT + 4], text[ADDR_TEXT];

	if (w->hook_given && w->host.hook != host->hook)
		return contradiction("hooks", host->hook == HOOK_TCX ? "tcx" : "clsact",
				     host->hook == HOOK_TCX ? "clsact" : "tcx");
	if (w->subnet_given && (!addr_same(w->host.subnet, host->subnet) || w->host.prefix != host->prefix)) {
		snprintf(is, sizeof(is), "%s/%u", addr_text(host->subnet, text), host->prefix);
		snprintf(wanted, sizeof(wanted), "%s/%u", addr_text(w->host.subnet, text), w->host.prefix);
		return contradiction("subnet", is, wanted);
	}
	return 0;
}

/* The namespaces that were asked for and are not there yet. */
static int check_namespaces(const struct store *s, const struct up_request *w, const struct host_record *host)
{
	char is[ADDR_TEXT], wanted[ADDR_TEXT];
	struct ns_record rec;
	int i, r = 0;

	for (i = 0; i < w->ns_count && !r; i++) {
		const struct endpoint_request *n = &w->ns[i];
		bool there = s->fd[MAP_NAMESPACES] >= 0 && !store_ns(s, n->name, &rec);

		if (there && addr_number(n->addr) && !addr_same(n->addr, rec.addr))
			return log_err(-EEXIST, "namespace %s has the address %s, not %s; `ebpfnet ns del %s` first",
				       n->name, addr_text(rec.addr, is), addr_text(n->addr, wanted), n->name);
		if (there)
			continue;
		if (netns_name_taken(n->name))
			return log_err(-EEXIST, "namespace %s is there already and not ours; choose another name, "
						"or plug it in with `ebpfnet attach %s`", n->name, n->name);
		if (addr_number(n->addr))
			r = endpoint_check_addr(s, host, n->addr, NULL);
	}
	return r;
}

/* Enters those that were asked for; a fresh network has one at least. */
static int want_uplinks(struct nl *nl, const struct up_request *w, struct host_record *host, bool fresh)
{
	int i, r = 0;

	if (fresh && !w->uplink_count) {
		host->made |= UPLINKS_FOLLOW;
		return uplink_want(nl, host, NULL);
	}
	for (i = 0; i < w->uplink_count && !r; i++)
		r = uplink_want(nl, host, w->uplinks[i]);
	return r;
}

/* What was not asked for stays. Whether it is another now. */
static bool want_xdp(const struct up_request *w, struct host_record *host)
{
	uint32_t before = host->made & XDP_MODE_ANY, now = w->xdp_given ? w->host.made & XDP_MODE_ANY : before;

	host->made = (host->made & ~XDP_MODE_ANY) | now;
	return now != before;
}

/* ---- doing it ---- */

static void want_defaults(struct up_request *w)
{
	w->host.made |= UP_DEFAULTS;
	strcpy(w->ns[w->ns_count++].name, "ns1");
	strcpy(w->ns[w->ns_count++].name, "ns2");
}

static int begin(struct store *s, struct nl *nl, struct up_request *w, struct host_record *host)
{
	int r;

	if (!w->hook_given)
		w->host.hook = dataplane_has_tcx() ? HOOK_TCX : HOOK_CLSACT;
	r = dataplane_probe(w->host.hook);
	if (!r)
		r = want_uplinks(nl, w, &w->host, true);
	if (!r)
		r = network_check_subnet(nl, w->host.subnet, w->host.prefix);
	if (!r)
		r = check_namespaces(s, w, &w->host);
	if (!r)
		r = dataplane_journal(s);
	if (r)
		return r;
	*host = w->host;
	host->abi = EBPFNET_ABI;
	if (hosts_etc_missing())
		host->made |= MADE_ETC_NETNS;
	host->net = NETWORK_DEFAULT_ID;
	host->next_endpoint = host->next_portmap = 1;
	strcpy(host->gw_dev, NETWORK_GW_DEV);
	strcpy(host->gw_peer, NETWORK_GW_PEER);
	return store_host_set(s, host);
}

static int reserve_all(const struct store *s, struct nl *nl, const struct host_record *host,
		       const struct up_request *w)
{
	struct endpoint_taken taken;
	struct ns_record rec;
	char path[NETNS_PATH];
	int pass, i, r;

	r = endpoint_taken_read(s, host, &taken);
	/* those with an address of their own first, so that no other takes it */
	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < w->ns_count && !r; i++) {
			const struct endpoint_request *n = &w->ns[i];

			if ((pass == 0) != (addr_number(n->addr) != 0) || !store_ns(s, n->name, &rec))
				continue;
			netns_path(n->name, path);
			r = endpoint_reserve(s, nl, host, &taken, n->name, n->addr, NS_MADE | NS_DECLARED, 0, path,
					     &rec);
		}
	return r;
}

static int plug_all(const struct store *s, struct nl *nl, const struct host_record *host, bool *changed)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	size_t i, count;
	int r;

	r = store_ns_all(s, &all, &count);
	for (i = 0; i < count && !r; i++) {
		if (!(all[i].rec.flags & NS_MADE) && netns_stat(all[i].rec.path, NULL)) {
			log_warn("namespace %s, which was attached, is gone; `ebpfnet detach %s`",
				 all[i].name, all[i].name);
			continue;
		}
		r = endpoint_ensure(s, nl, host, all[i].name, &all[i].rec, changed);
	}
	return r;
}

/* Of the first uplink: what a namespace sends fits there. */
static uint32_t uplink_mtu(struct nl *nl, const struct host_record *host)
{
	struct nl_link dev;

	return uplink_device(nl, host, &host->uplinks[0], &dev) ? ETH_DATA_LEN : dev.mtu;
}

static int build(struct store *s, struct nl *nl, const struct up_request *w, struct host_record *host, bool *changed)
{
	int r;

	r = dataplane_load(s, w->flows);
	if (!r)
		r = reserve_all(s, nl, host, w);
	if (!r)
		r = gateway_ensure(s, nl, host, uplink_mtu(nl, host), changed);
	if (!r)
		r = plug_all(s, nl, host, changed);
	if (!r)
		r = store_ports_count(s, host->net);
	if (!r)
		r = uplinks_ensure(s, nl, host, changed);
	if (!r)
		endpoints_wait_running(s, nl);
	if (!r)
		r = store_repair(s);
	if (!r)
		r = lo_ensure(s);
	if (!r)
		r = hosts_write(s);
	if (r || !(host->made & UP_DEFAULTS))
		return r;
	host->made &= ~UP_DEFAULTS;
	return store_host_set(s, host);
}

static void tell(const struct host_record *host, const struct ns_entry *all, size_t count)
{
	char addr[ADDR_TEXT], gateway[ADDR_TEXT], uplinks[UPLINKS_TEXT];
	size_t i;

	log_info("up: %s/%u, gateway %s on %s, out through %s", addr_text(host->subnet, addr),
		 host->prefix, addr_text(host->gateway, gateway), host->gw_dev,
		 uplinks_text(host, uplinks));
	for (i = 0; i < count; i++)
		log_info("  %-15s %-15s %s - %s", all[i].name, addr_text(all[i].rec.addr, addr),
			 all[i].rec.host_dev, all[i].rec.ns_dev);
}

static int report(const struct store *s, const struct host_record *host, bool changed)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	size_t count;
	int r;

	if (!changed) {
		log_info("already up, nothing to change");
		return 0;
	}
	r = store_ns_all(s, &all, &count);
	if (!r)
		tell(host, all, count);
	return r;
}

/* Undoes an `up` that failed; what was up before it stays. */
static void roll_back(struct store *s, struct nl *nl, const struct host_record *host, bool fresh,
		      const struct up_request *w, const struct ns_entry *before, size_t count)
{
	struct ns_record rec;
	size_t j;
	int i;

	if (fresh) {
		if (!network_remove(s, nl))
			dataplane_unload(s);
		return;
	}
	for (i = 0; i < w->ns_count; i++) {
		for (j = 0; j < count && strcmp(before[j].name, w->ns[i].name); j++)
			;
		if (j == count && !store_ns(s, w->ns[i].name, &rec))
			endpoint_remove(s, nl, host, w->ns[i].name, &rec);
	}
	hosts_write(s);
}

static int up(struct store *s, struct nl *nl, struct up_request *w)
{
	_cleanup_free_ struct ns_entry *before = NULL;
	struct host_record host;
	bool changed = false, fresh;
	size_t count = 0;
	int r;

	r = store_host(s, &host);
	if (r)
		return r;
	fresh = !host.abi;
	if (!w->ns_count && (fresh || host.made & UP_DEFAULTS))
		want_defaults(w);
	if (fresh) {
		r = begin(s, nl, w, &host);
		changed = true;
	} else {
		r = match_wish(w, &host);
		if (!r)
			r = check_namespaces(s, w, &host);
		if (!r)
			r = want_uplinks(nl, w, &host, false);
		if (!r)
			changed = want_xdp(w, &host);
		if (!r)
			r = store_ns_all(s, &before, &count);
	}
	if (r)
		return r;
	r = build(s, nl, w, &host, &changed);
	if (r) {
		roll_back(s, nl, &host, fresh, w, before, count);
		return r;
	}
	return report(s, &host, changed);
}

/* Opens the state; what a `down` that was killed has left is removed first. */
static int open_to_make(struct store *s, struct nl *nl, const char *bpffs)
{
	struct host_record host;
	int r;

	r = store_open(s, bpffs, STORE_MAKE);
	if (!r)
		r = store_host(s, &host);
	if (r || !(host.made & GOING_DOWN))
		return r;
	r = network_remove(s, nl);
	if (!r)
		r = dataplane_unload(s);
	store_close(s);
	return r ? r : store_open(s, bpffs, STORE_MAKE);
}

int cmd_up(const struct options *o, int argc, char **argv)
{
	_cleanup_store_ struct store s = {};
	_cleanup_nl_ struct nl nl = {};
	struct up_request w = {};
	int r;

	(void)argc;
	(void)argv;
	r = read_wish(o, &w);
	if (r)
		return EXIT_FAILED;
	r = nl_open(&nl);
	if (r)
		return log_err(EXIT_FAILED, "cannot talk to the kernel by netlink: %s", strerror(-r));
	r = open_to_make(&s, &nl, o->bpffs);
	if (!r)
		r = up(&s, &nl, &w);
	return r ? EXIT_FAILED : EXIT_OK;
}

int cmd_down(const struct options *o, int argc, char **argv)
{
	_cleanup_store_ struct store s = {};
	_cleanup_nl_ struct nl nl = {};
	bool there;
	int r;

	(void)argc;
	(void)argv;
	r = nl_open(&nl);
	if (r)
		return log_err(EXIT_FAILED, "cannot talk to the kernel by netlink: %s", strerror(-r));
	r = store_open(&s, o->bpffs, STORE_MAKE);
	if (r)
		return EXIT_FAILED;
	there = s.fd[MAP_HOST] >= 0;
	if (there)
		r = network_remove(&s, &nl);
	if (!r)
		r = dataplane_unload(&s);
	if (r)
		return EXIT_FAILED;
	log_info(there ? "down: all removed" : "nothing is up");
	return EXIT_OK;
}
