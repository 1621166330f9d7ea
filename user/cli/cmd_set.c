// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* set, get: settings that can change while the network is up. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ebpfnet/ebpfnet.h>

#include "cli/command.h"
#include "lib/base/forwarding_text.h"
#include "lib/base/log.h"
#include "lib/model/model.h"
#include "cli/tables.h"

#define YEAR_S 31536000	/* ages are compared as signed 32-bit seconds */
#define AGE_MAX_S 1000000	/* IEEE 802.1D-2004 table 7-5 */
#define ASK_MAX_S 25 /* below netfilter's shortest timeout of what is asked about, UDP's 30 s */
#define FLOWS_MAX 16777216
#define PORTS "ports"
#define FILTERING "filtering"
#define FORWARDING "forwarding"
#define AS_HOST "default"	/* of a network: as the host */

static const char *const filterings[] = {
	[FILTER_PORT] = "port",
	[FILTER_ADDRESS] = "address",
	[FILTER_ENDPOINT] = "endpoint",
};

static const struct setting {
	const char *key;
	size_t offset;		/* of a __u32 in struct config */
	uint32_t min, max, least;	/* least: the minimum that an RFC requires; 0: none */
	const char *rfc, *text;
	const char *unit;	/* NULL: seconds */
} settings[] = {
#define FIELD(name) offsetof(struct config, name)
#define TIMEOUT(class) FIELD(timeout_s) + TIMEOUT_##class * sizeof(__u32), 1, YEAR_S
	{ "timeout-udp-unreplied", TIMEOUT(UDP_UNREPLIED), 120, "4787 REQ-5",
	  "idle UDP flow without a reply" },
	{ "timeout-udp", TIMEOUT(UDP_REPLIED), 120, "4787 REQ-5", "idle UDP flow" },
	{ "timeout-icmp", TIMEOUT(ICMP), 60, "5508 REQ-2", "idle ICMP query" },
	{ "timeout-tcp-half-open", TIMEOUT(TCP_HALF_OPEN), 240, "5382 REQ-5",
	  "TCP connection being opened" },
	{ "timeout-tcp", TIMEOUT(TCP_ESTABLISHED), 7440, "5382 REQ-5", "idle TCP connection" },
	{ "timeout-tcp-closing", TIMEOUT(TCP_CLOSING), 240, "5382 REQ-5",
	  "TCP connection after a FIN" },
	{ "timeout-tcp-reset", TIMEOUT(TCP_RESET), 0, NULL, "TCP connection after a RST" },
	{ "timeout-other", TIMEOUT(OTHER), 0, NULL, "idle flow of another protocol" },
	{ "fdb-age", FIELD(fdb_age_s), 1, AGE_MAX_S, 0, NULL,
	  "learned MAC address, after its last frame" },
	{ "hold-down", FIELD(hold_down_s), 0, YEAR_S, 120, "6888 REQ-8",
	  "released external port, before another namespace gets it" },
	{ "ask-again", FIELD(ask_s), 1, ASK_MAX_S, 0, NULL,
	  "answer of the host's rules about a flow (forwarding: ask), while they do not change" },
	{ "flows-per-namespace", FIELD(max_flows_ns), 1, FLOWS_MAX, 0, NULL,
	  "flows that one namespace may have", "flows" },
	{ "ports-per-namespace", FIELD(max_ports_ns), 1, FLOWS_MAX, 0, NULL,
	  "external ports that one namespace may have", "ports" },
#undef TIMEOUT
#undef FIELD
};

#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

static const struct setting *find(const char *key)
{
	size_t i;

	for (i = 0; i < SETTINGS; i++)
		if (!strcmp(settings[i].key, key))
			return &settings[i];
	return NULL;
}

static uint32_t *field(struct config *cfg, const struct setting *s)
{
	return (uint32_t *)((char *)cfg + s->offset);
}

static int unknown(const char *key)
{
	log_err(-ENOENT, "unknown setting: %s; `ebpfnet get` lists them", key);
	return EXIT_USAGE;
}

/* ---- set ---- */

/* A value that was read, before anything is opened. */
struct change {
	const char *key;
	const struct setting *setting;	/* NULL: ports, filtering or forwarding */
	uint32_t value;			/* of a setting; of filtering: FILTER_* */
	uint16_t first_h, last_h;	/* of ports */
	const char *network;		/* of forwarding; NULL: of all without their own */
	enum forwarding mode;
	bool as_host;
};

/* Parse a number without sign or space, followed by end. */
static bool parse_number(const char **text, char end, uint32_t min, uint32_t max, uint32_t *out)
{
	unsigned long long n;
	char *stop;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	n = strtoull(*text, &stop, 10);
	if (errno || n < min || n > max || *stop != end)
		return false;
	*text = stop + (end != '\0');
	*out = n;
	return true;
}

static int read_ports(struct change *c, const char *text)
{
	const char *at = text;
	uint32_t min, max;

	if (!parse_number(&at, '-', 1, 65535, &min) || !parse_number(&at, '\0', 1, 65535, &max) ||
	    min > max)
		return log_err(-EINVAL, "%s must be MIN-MAX with 1 <= MIN <= MAX <= 65535, not '%s'",
			       PORTS, text);
	c->first_h = min;
	c->last_h = max;
	return 0;
}

/* RFC 4787 section 5: which peers may send to the external port of a namespace's UDP socket. */
static int read_filtering(struct change *c, const char *text)
{
	for (c->value = 0; c->value < sizeof(filterings) / sizeof(filterings[0]); c->value++)
		if (!strcmp(text, filterings[c->value]))
			return 0;
	return log_err(-EINVAL, "%s must be port, address or endpoint, not '%s'", FILTERING, text);
}

int read_forwarding(const char *name, const char *text, enum forwarding *out)
{
	if (forwarding_parse(text, out))
		return 0;
	return log_err(-EINVAL, "%s must be %s, not '%s'", name, FORWARDING_WORDS, text);
}

static int read_mode(struct change *c, const char *text)
{
	c->as_host = !strcmp(text, AS_HOST);
	if (!c->as_host)
		return read_forwarding(FORWARDING, text, &c->mode);
	if (c->network)
		return 0;
	return log_err(-EINVAL, "%s is %s for a network only: with --network NAME", FORWARDING, AS_HOST);
}

static const char *unit(const struct setting *s)
{
	return s->unit ? s->unit : "seconds";
}

static int read_number(struct change *c, const char *text)
{
	const struct setting *s = c->setting;
	const char *at = text;

	if (parse_number(&at, '\0', s->min, s->max, &c->value))
		return 0;
	return log_err(-EINVAL, "%s must be a number of %s from %u to %u, not '%s'", s->key, unit(s), s->min, s->max,
		       text);
}

static int read_change(struct change *c, const char *text)
{
	if (c->setting)
		return read_number(c, text);
	if (!strcmp(c->key, FORWARDING))
		return read_mode(c, text);
	return !strcmp(c->key, PORTS) ? read_ports(c, text) : read_filtering(c, text);
}

static void apply(struct config *cfg, const struct change *c)
{
	if (c->setting) {
		*field(cfg, c->setting) = c->value;
	} else if (!strcmp(c->key, PORTS)) {
		cfg->port_min_h = c->first_h;
		cfg->port_max_h = c->last_h;
	} else {
		cfg->filtering = c->value;
	}
}

static bool is_word(const char *key)
{
	return !strcmp(key, PORTS) || !strcmp(key, FILTERING) || !strcmp(key, FORWARDING);
}

/* --network: of what all networks share there is one value. */
static int check_network(const struct options *o, const char *key)
{
	if (!o->network || (key && !strcmp(key, FORWARDING)))
		return 0;
	return log_err(-EINVAL, "of a network's own there is only %s, not %s; leave out --network", FORWARDING,
		       key ? key : "all settings");
}

static int set_config(struct session *x, const struct change *c)
{
	struct config cfg;
	int r = store_config(&x->s, &cfg);

	if (r)
		return r;
	apply(&cfg, c);
	return store_config_set(&x->s, &cfg);
}

int cmd_set(const struct options *o, int argc, char **argv)
{
	struct change c = { .key = argv[0], .setting = find(argv[0]), .network = o->network };
	_cleanup_session_ struct session x = {};
	int r;

	if (!c.setting && !is_word(c.key))
		return unknown(c.key);
	if (check_network(o, c.key) || read_change(&c, argv[1]))
		return EXIT_USAGE;
	r = session_open(&x, o->bpffs, STORE_WRITE);
	if (!r)
		r = strcmp(c.key, FORWARDING) ? set_config(&x, &c) :
						forwarding_set(&x, c.network, c.as_host ? NULL : &c.mode);
	if (!r && c.setting && c.value < c.setting->least)
		log_warn("%s: RFC %s requires at least %u s", c.key, c.setting->rfc, c.setting->least);
	return r ? EXIT_FAILED : EXIT_OK;
}

/* ---- get ---- */

static const char *word_text(const struct config *cfg, const char *key, char buf[TEXT_LEN])
{
	if (!strcmp(key, FILTERING))
		return cfg->filtering <= FILTER_ENDPOINT ? filterings[cfg->filtering] : NULL;
	if (!strcmp(key, FORWARDING))
		return forwarding_text(cfg->forwarding);
	snprintf(buf, TEXT_LEN, "%u-%u", cfg->port_min_h, cfg->port_max_h);
	return buf;
}

/* Member of the JSON object: the key in snake case, with its unit. */
static void json_member(const struct setting *s, char member[TEXT_LEN])
{
	size_t i;

	snprintf(member, TEXT_LEN, "%s%s", s->key, s->unit ? "" : "_s");
	for (i = 0; member[i]; i++)
		if (member[i] == '-')
			member[i] = '_';
}

static void get_json(struct report *r, struct config *cfg, const char *only)
{
	char member[TEXT_LEN];
	size_t i;

	for (i = 0; i < SETTINGS; i++) {
		json_member(&settings[i], member);
		if (!only || !strcmp(only, settings[i].key))
			report_number(r, member, *field(cfg, &settings[i]));
	}
	if (!only || !strcmp(only, PORTS)) {
		report_number(r, "ports_first", cfg->port_min_h);
		report_number(r, "ports_last", cfg->port_max_h);
	}
	if (!only || !strcmp(only, FILTERING))
		report_text(r, FILTERING, word_text(cfg, FILTERING, member));
	if (!only || !strcmp(only, FORWARDING))
		report_text(r, FORWARDING, word_text(cfg, FORWARDING, member));
}

static void get_table(struct report *r, struct config *cfg)
{
	static const struct column columns[] = {
		{ "key", "setting" }, { "value", "value" }, { "text", "meaning" }, {},
	};
	char value[TEXT_LEN];
	struct table t;
	size_t i;

	table_begin(&t, r, "settings", columns);
	for (i = 0; i < SETTINGS; i++) {
		snprintf(value, sizeof(value), settings[i].unit ? "%u" : "%u s",
			 *field(cfg, &settings[i]));
		table_row(&t, TEXT(settings[i].key), TEXT(value), TEXT(settings[i].text));
	}
	table_row(&t, TEXT(PORTS), TEXT(word_text(cfg, PORTS, value)),
		  TEXT("external ports for masquerading"));
	table_row(&t, TEXT(FILTERING), TEXT(word_text(cfg, FILTERING, value)),
		  TEXT("filtering of inbound UDP (RFC 4787 section 5)"));
	table_row(&t, TEXT(FORWARDING), TEXT(word_text(cfg, FORWARDING, value)),
		  TEXT("how packets pass the host's FORWARD rules"));
	table_end(&t);
}

int cmd_get(const struct options *o, int argc, char **argv)
{
	const struct setting *setting = argc ? find(argv[0]) : NULL;
	_cleanup_session_ struct session x = {};
	char ports[TEXT_LEN];
	struct config cfg;
	struct report r;
	uint32_t net;

	if (argc && !setting && !is_word(argv[0]))
		return unknown(argv[0]);
	if (check_network(o, argc ? argv[0] : NULL))
		return EXIT_USAGE;
	if (session_open(&x, o->bpffs, STORE_READ) || store_config(&x.s, &cfg) ||
	    find_shown_network(&x, o->network, &net))
		return EXIT_FAILED;
	if (net)
		cfg.forwarding = forwarding_of(&cfg, &session_net(&x, net)->rec);
	report_begin(&r, o->json);
	if (o->json)
		get_json(&r, &cfg, argc ? argv[0] : NULL);
	else if (setting)
		report_note(&r, "%u", *field(&cfg, setting));
	else if (argc)
		report_note(&r, "%s", word_text(&cfg, argv[0], ports));
	else
		get_table(&r, &cfg);
	return report_end(&r);
}
