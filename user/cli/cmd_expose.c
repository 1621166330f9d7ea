// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* expose, unexpose, exposed: port mappings. */
#include <errno.h>
#include <string.h>

#include "cli/command.h"
#include "cli/tables.h"
#include "lib/base/log.h"
#include "lib/base/portmap_text.h"
#include "lib/kernel/firewall.h"
#include "lib/model/model.h"

static int parse_spec(const char *text, struct portmap *p)
{
	const char *wrong = portmap_parse(text, p);

	if (!wrong)
		return 0;
	return log_err(-EINVAL, "cannot read '%s': %s; expected [ADDR:]PORT[-PORT][:NSPORT][/tcp|udp]", text, wrong);
}

/*
 * Catches a common mistake: port 5000 is published, but the server listens on 3000. Without the lock: how long it takes
 * to look at the sockets inside is up to the namespace.
 */
static void hint_listeners(struct session *x, const struct portmap *p)
{
	char inside[PLACE_LEN], was[PORTMAP_TEXT], better[PORTMAP_TEXT];
	struct portmap meant = *p;
	struct portmap_listeners l;

	store_unlock(&x->s);
	portmap_listeners(x, p, &l);
	if (!l.known || l.listening)
		return;
	ports_text(p->to_first_h, p->to_first_h + (p->last_h - p->first_h), inside);
	if (!l.other_h || p->first_h != p->last_h) {
		log_info("nothing listens on %s %s in %s yet", proto_name(p->proto), inside, p->name);
		return;
	}
	meant.to_first_h = l.other_h;
	log_info(
		"nothing listens on %s %s in %s yet; if the server is on %u: ebpfnet unexpose %s %s; "
		 "ebpfnet expose %s %s",
		proto_name(p->proto), inside, p->name, l.other_h, p->name, portmap_format(p, was, sizeof(was)),
		p->name, portmap_format(&meant, better, sizeof(better)));
}

/* In a firewall that drops what nobody has allowed; whether somebody has is known to its rules. */
static void hint_firewall(struct session *x, const struct portmap *p)
{
	char open[FIREWALL_OPEN], names[FIREWALL_TEXT];
	const struct net_entry *net = session_net(x, p->net);
	struct firewall firewall;
	struct config cfg;

	if (!net || store_config(&x->s, &cfg) || forwarding_of(&cfg, &net->rec) == FORWARDING_FAST)
		return;
	firewall_read(&firewall);
	if (firewall_open(&firewall, p, open))
		log_info("%s drops at FORWARD what it does not allow; to allow this: %s",
			 firewall_names(&firewall, names), open);
}

int cmd_expose(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};
	char text[PORTMAP_TEXT], outside[PLACE_LEN], inside[PLACE_LEN], name[EBPFNET_NAME_LEN];
	struct portmap p;
	bool added;
	int r;

	if (parse_spec(argv[1], &p))
		return EXIT_USAGE;
	r = session_open(&x, o->bpffs, STORE_WRITE);
	if (!r)
		r = endpoint_resolve(&x.s, argv[0], name);
	if (!r)
		r = portmap_add(&x, name, &p, &added);
	if (r)
		return EXIT_FAILED;
	if (!added) {
		log_info("%s is already published to %s: nothing to change", portmap_format(&p, text, sizeof(text)),
			 p.name);
		return EXIT_OK;
	}
	log_info("published %s %s -> %s %s", proto_name(p.proto), portmap_outside(&p, outside), p.name,
		 portmap_inside(&p, inside));
	hint_firewall(&x, &p);
	hint_listeners(&x, &p);
	return EXIT_OK;
}

static int unexpose_all(struct session *x, const char *name)
{
	size_t count;
	int r;

	r = portmap_del_all(x, name, &count);
	if (r)
		return r;
	if (count)
		log_info("unpublished %zu port mapping%s of %s", count, count == 1 ? "" : "s", name);
	else
		log_info("%s publishes nothing: nothing to change", name);
	return 0;
}

int cmd_unexpose(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};
	char text[PORTMAP_TEXT], name[EBPFNET_NAME_LEN];
	struct portmap p;
	int r;

	if (argc > 1 && parse_spec(argv[1], &p))
		return EXIT_USAGE;
	r = session_open(&x, o->bpffs, STORE_WRITE);
	if (!r)
		r = endpoint_resolve(&x.s, argv[0], name);
	if (!r)
		r = argc > 1 ? portmap_del(&x, name, &p) : unexpose_all(&x, name);
	if (!r && argc > 1)
		log_info("unpublished %s of %s", portmap_format(&p, text, sizeof(text)), p.name);
	return r ? EXIT_FAILED : EXIT_OK;
}

int cmd_exposed(const struct options *o, int argc, char **argv)
{
	_cleanup_session_ struct session x = {};
	char number[TEXT_LEN];
	uint32_t net = 0;
	struct report r;
	uint64_t ports;
	size_t count;

	if (session_open(&x, o->bpffs, STORE_READ) || find_shown_network(&x, o->network, &net))
		return EXIT_FAILED;
	report_begin(&r, o->json);
	if (show_portmaps(&r, &x, net, NULL, &count, &ports))
		return EXIT_FAILED;
	report_number(&r, "ports", ports);
	if (count)
		report_note(&r, "%s port%s in %zu mapping%s", text_number(ports, number), ports == 1 ? "" : "s",
			    count, count == 1 ? "" : "s");
	else
		report_note(&r, "nothing is published");
	return report_end(&r);
}
