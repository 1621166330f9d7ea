// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* network add, del, list, show; connect, disconnect. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/tables.h"
#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/forwarding_text.h"
#include "lib/base/log.h"
#include "lib/model/definition.h"
#include "lib/model/hosts.h"
#include "lib/model/model.h"

/* ---- add, del ---- */

static int read_cidr(const char *option, const char *text, struct cidr *out)
{
	if (!text || !cidr_parse(text, &out->addr, &out->prefix))
		return 0;
	return log_err(-EINVAL, "--%s '%s' is not a subnet; write 10.1.2.0/24, with a prefix of 8 to 30, without host "
				"bits",
		       option, text);
}

/* --no-masquerade */
static int read_list(const char *list, struct cidr out[EBPFNET_UNMASQUERADED])
{
	char text[CIDR_TEXT];
	size_t len;
	int n;

	for (n = 0; list && *list; n++) {
		len = strcspn(list, ",");
		if (n == EBPFNET_UNMASQUERADED)
			return log_err(-E2BIG, "--no-masquerade takes %d destinations at most", EBPFNET_UNMASQUERADED);
		snprintf(text, sizeof(text), "%.*s", len < sizeof(text) ? (int)len : 0, list);
		if (cidr_parse_any(text, &out[n].addr, &out[n].prefix))
			return log_err(-EINVAL, "--no-masquerade '%.*s' is not a subnet; write 10.0.0.0/8, without "
						"host bits", (int)len, list);
		list += len + (list[len] == ',');
	}
	return list && !n ? log_err(-EINVAL, "--no-masquerade needs a destination, as 10.0.0.0/8") : 0;
}

static int read_definition(const struct options *o, const char *name, struct network_def *def)
{
	if (network_check_name(name) || read_cidr("subnet", o->subnet, &def->subnet) ||
	    read_cidr("range", o->range, &def->range) || read_list(o->no_masquerade, def->unmasqueraded) ||
	    (o->mtu && option_number("mtu", o->mtu, 68, 65535, &def->mtu)))
		return -EINVAL;
	if (o->gateway && addr_parse(o->gateway, &def->gateway))
		return log_err(-EINVAL, "--gateway '%s' is not an IPv4 address; write four numbers, as 10.1.2.1",
			       o->gateway);
	if (o->forwarding && read_forwarding("--forwarding", o->forwarding, &def->forwarding))
		return -EINVAL;
	snprintf(def->name, sizeof(def->name), "%s", name);
	def->flags = (o->internal ? NETWORK_INTERNAL : 0) | (o->isolated ? NETWORK_ISOLATED : 0) |
		     (o->forwarding ? NETWORK_OWN_FORWARDING : 0);
	return 0;
}

int cmd_network_add(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};
	char subnet[CIDR_TEXT], gateway[ADDR_TEXT];
	struct network_def def = {};
	const struct net_entry *e;
	int r;

	if (read_definition(o, argv[0], &def))
		return EXIT_USAGE;
	r = session_open(&x, o->bpffs, STORE_WRITE);
	def.kept = !r && definition_is_kept(&x.s);
	if (!r)
		r = network_add(&x, &def, &e);
	if (r)
		return EXIT_FAILED;
	log_info("network %s is %s, gateway %s on %s", def.name, cidr_text(&e->rec.subnet, subnet),
		 addr_text(e->rec.gateway, gateway), e->rec.gw_dev);
	return EXIT_OK;
}

int cmd_network_del(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};

	if (network_check_name(argv[0]))
		return EXIT_USAGE;
	if (session_open(&x, o->bpffs, STORE_WRITE) || network_del(&x, argv[0]))
		return EXIT_FAILED;
	log_info("network %s is removed", argv[0]);
	return EXIT_OK;
}

/* ---- list, show ---- */

int cmd_network_list(const struct options *o, int argc, char **argv)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	_cleanup_session_ struct session x = {};
	struct report r;
	size_t count;

	if (session_open(&x, o->bpffs, STORE_READ) || store_ns_all(&x.s, &all, &count))
		return EXIT_FAILED;
	report_begin(&r, o->json);
	show_networks(&r, &x, all, count);
	return report_end(&r);
}

static void show_lines(struct report *r, const struct net_record *rec)
{
	char subnet[CIDR_TEXT], range[CIDR_TEXT], gateway[ADDR_TEXT], list[EBPFNET_UNMASQUERADED * CIDR_TEXT];

	report_line(r, "network", "%s", rec->name);
	report_line(r, "subnet", "%s", cidr_text(&rec->subnet, subnet));
	if (rec->range.prefix)
		report_line(r, "range", "%s", cidr_text(&rec->range, range));
	report_line(r, "gateway", "%s on %s", addr_text(rec->gateway, gateway), rec->gw_dev);
	if (rec->mtu)
		report_line(r, "mtu", "%u", rec->mtu);
	if (rec->flags & NETWORK_INTERNAL)
		report_line(r, "internal", "nothing leaves it by an uplink, and nothing of it is published");
	if (rec->flags & NETWORK_ISOLATED)
		report_line(r, "isolated", "other networks do not reach its published ports, nor it theirs");
	if (unmasqueraded_text(rec, list))
		report_line(r, "not masqueraded", "to %s", list);
	if (rec->flags & NETWORK_OWN_FORWARDING)
		report_line(r, "forwarding", "%s", forwarding_text(rec->forwarding));
	if (rec->made & NET_KEPT)
		report_line(r, "definition", DEFINITION_DIR "/%s" DEFINITION_SUFFIX, rec->name);
}

int cmd_network_show(const struct options *o, int argc, char **argv)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	_cleanup_session_ struct session x = {};
	_cleanup_diff_ struct diff findings = {};
	const struct net_entry *found;
	struct report r;
	size_t count, ports;
	uint64_t n;
	uint32_t net;

	if (session_open(&x, o->bpffs, STORE_READ) || find_shown_network(&x, argv[0], &net) ||
	    store_ns_all(&x.s, &all, &count) || network_diff(&x, NETWORK_ALL, &findings))
		return EXIT_FAILED;
	found = session_net(&x, net);
	count = namespaces_in(net, all, count);
	report_begin(&r, o->json);
	if (!o->json)
		show_lines(&r, &found->rec);
	x.nets[0] = *found;
	x.net_count = 1;
	if (o->json)
		show_networks(&r, &x, all, count);
	show_namespaces(&r, &x, all, count, &findings);
	if (show_portmaps(&r, &x, net, NULL, &ports, &n))
		return EXIT_FAILED;
	return report_end(&r);
}

/* ---- connect, disconnect ---- */

int cmd_connect(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};
	struct endpoint_spec spec = {};
	struct ns_record rec;
	char addr[ADDR_TEXT];
	int r;

	if (endpoint_check_name(argv[0]) || network_check_name(argv[1]) || read_endpoint_options(o, &spec))
		return EXIT_USAGE;
	snprintf(spec.name, sizeof(spec.name), "%s", argv[0]);
	spec.network = argv[1];
	r = session_open(&x, o->bpffs, STORE_WRITE);
	if (!r)
		r = endpoint_connect(&x, &spec, &rec);
	if (r)
		return EXIT_FAILED;
	endpoint_wait(&x, &rec);
	log_info("%s has %s in %s on %s, its end of %s", spec.name, addr_text(rec.addr, addr), spec.network, rec.ns_dev,
		 rec.host_dev);
	return EXIT_OK;
}

int cmd_disconnect(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};

	if (endpoint_check_name(argv[0]) || network_check_name(argv[1]))
		return EXIT_USAGE;
	if (session_open(&x, o->bpffs, STORE_WRITE) || endpoint_disconnect(&x, argv[0], argv[1]))
		return EXIT_FAILED;
	log_info("%s is no longer in %s", argv[0], argv[1]);
	return EXIT_OK;
}
