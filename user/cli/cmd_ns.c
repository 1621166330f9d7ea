// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* ns add, ns del, ns list: namespaces that ebpfnet makes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/tables.h"
#include "lib/base/addr.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/model/model.h"

/* --ipv6-addr */
static int read_ipv6(const char *list, struct endpoint_spec *spec)
{
	char text[IPV6_TEXT];
	size_t len;
	int i, n;

	for (n = 0; list && *list; n++) {
		len = strcspn(list, ",");
		if (n == EBPFNET_GIVEN_IPV6)
			return log_err(-E2BIG, "--ipv6-addr takes %d addresses at most", EBPFNET_GIVEN_IPV6);
		snprintf(text, sizeof(text), "%.*s", len < sizeof(text) ? (int)len : 0, list);
		if (ipv6_parse(text, &spec->ipv6[n]))
			return log_err(-EINVAL,
				       "--ipv6-addr '%.*s' is no IPv6 address of a node; write one, as fd00::10",
				       (int)len, list);
		for (i = 0; i < n; i++)
			if (ipv6_same(&spec->ipv6[i], &spec->ipv6[n]))
				return log_err(-EINVAL, "--ipv6-addr has %s twice", text);
		list += len + (list[len] == ',');
	}
	return list && !n ? log_err(-EINVAL, "--ipv6-addr needs an address, as fd00::10") : 0;
}

/* --network, --dev, --mac, --mtu */
static int read_device(const struct options *o, struct endpoint_spec *spec)
{
	spec->network = o->network;
	spec->dev = o->dev;
	if (o->network && network_check_name(o->network))
		return -EINVAL;
	if (o->dev && !text_is_device(o->dev))
		return log_err(-EINVAL, "--dev '%s' is not a device's name: 1 to 15 characters, as eth0", o->dev);
	spec->has_mac = o->mac;
	if (o->mac && ether_parse(o->mac, spec->mac))
		return log_err(-EINVAL, "--mac '%s' is not a station's MAC address; write one, as 02:00:00:00:00:01",
			       o->mac);
	return o->mtu ? option_number("mtu", o->mtu, 68, 65535, &spec->mtu) : 0;
}

int read_endpoint_options(const struct options *o, struct endpoint_spec *spec)
{
	if ((o->id && endpoint_check_id(o->id)) || (o->label && endpoint_check_label(o->label)))
		return -EINVAL;
	spec->id = o->id;
	spec->label = o->label;
	if (o->addr && addr_parse(o->addr, &spec->addr))
		return log_err(-EINVAL, "--addr '%s' is not an IPv4 address; write four numbers, as 192.168.1.10",
			       o->addr);
	if (read_ipv6(o->ipv6_addr, spec) || read_device(o, spec))
		return -EINVAL;
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

	if (read_endpoint_options(o, spec))
		return EXIT_USAGE;
	r = session_open(&x, o->bpffs, STORE_WRITE);
	if (!r)
		r = endpoint_add(&x, spec, &rec);
	if (r)
		return EXIT_FAILED;
	endpoint_wait(&x, &rec);
	log_info("%s has %s on %s, its end of %s", spec->name, addr_text(rec.addr, addr), rec.ns_dev, rec.host_dev);
	return EXIT_OK;
}

int cmd_ns_add(const struct options *o, int argc, char **argv)
{
	struct endpoint_spec spec = {};

	if (endpoint_check_name(argv[0]))
		return EXIT_USAGE;
	snprintf(spec.name, sizeof(spec.name), "%s", argv[0]);
	return add(o, &spec);
}

int cmd_ns_del(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};

	if (session_open(&x, o->bpffs, STORE_WRITE) || endpoint_del(&x, argv[0], true))
		return EXIT_FAILED;
	log_info("%s is removed", argv[0]);
	return EXIT_OK;
}

/* ---- list ---- */

int cmd_ns_list(const struct options *o, int argc, char **argv)
{
	_cleanup_free_ struct ns_entry *all = NULL;
	_cleanup_session_ struct session x = {};
	_cleanup_diff_ struct diff findings = {};
	struct report report;
	uint32_t net;
	size_t count;

	if (session_open(&x, o->bpffs, STORE_READ) || store_ns_all(&x.s, &all, &count) ||
	    find_shown_network(&x, o->network, &net) || network_diff(&x, NETWORK_ALL, &findings))
		return EXIT_FAILED;
	if (net)
		count = namespaces_in(net, all, count);
	report_begin(&report, o->json);
	show_namespaces(&report, &x, all, count, &findings);
	return report_end(&report);
}
