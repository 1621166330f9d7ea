// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* set, get: settings that can change while the network is up. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "lib/base/log.h"
#include "lib/model/session.h"
#include "cli/table.h"

#define YEAR_S 31536000	/* ages are compared as signed 32-bit seconds */
#define AGE_MAX_S 1000000	/* IEEE 802.1D-2004 table 7-5 */
#define FLOWS_MAX 16777216
#define PORTS "ports"
#define FILTERING "filtering"

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
	return log_err(-ENOENT, "unknown setting: %s; `ebpfnet get` lists them", key);
}

/* ---- set ---- */

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

static int set_ports(struct config *cfg, const char *text)
{
	const char *at = text;
	uint32_t min, max;

	if (!parse_number(&at, '-', 1, 65535, &min) || !parse_number(&at, '\0', 1, 65535, &max) ||
	    min > max)
		return log_err(-EINVAL, "%s must be MIN-MAX with 1 <= MIN <= MAX <= 65535, not '%s'",
			       PORTS, text);
	cfg->port_min_h = min;
	cfg->port_max_h = max;
	return 0;
}

/* RFC 4787 section 5: which peers may send to the external port of a namespace's UDP socket. */
static int set_filtering(struct config *cfg, const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(filterings) / sizeof(filterings[0]); i++)
		if (!strcmp(text, filterings[i])) {
			cfg->filtering = i;
			return 0;
		}
	return log_err(-EINVAL, "%s must be port, address or endpoint, not '%s'", FILTERING, text);
}

static bool is_word(const char *key)
{
	return !strcmp(key, PORTS) || !strcmp(key, FILTERING);
}

static int set_word(struct config *cfg, const char *key, const char *text)
{
	return !strcmp(key, PORTS) ? set_ports(cfg, text) : set_filtering(cfg, text);
}

static const char *unit(const struct setting *s)
{
	return s->unit ? s->unit : "seconds";
}

static int set_number(struct config *cfg, const struct setting *s, const char *text)
{
	const char *at = text;
	uint32_t value;

	if (!parse_number(&at, '\0', s->min, s->max, &value))
		return log_err(-EINVAL, "%s must be a number of %s from %u to %u, not '%s'", s->key,
			       unit(s), s->min, s->max, text);
	if (value < s->least)
		log_warn("%s: RFC %s requires at least %u s", s->key, s->rfc, s->least);
	*field(cfg, s) = value;
	return 0;
}

int cmd_set(const struct options *o, int argc, char **argv)
{
	const struct setting *setting = find(argv[0]);
	_cleanup_session_ struct session x = {};
	struct config cfg;
	int r;

	if (!setting && !is_word(argv[0])) {
		unknown(argv[0]);
		return EXIT_FAILED;
	}
	r = session_open(&x, o->bpffs, STORE_WRITE);
	if (!r)
		r = store_config(&x.s, &cfg);
	if (!r)
		r = setting ? set_number(&cfg, setting, argv[1]) : set_word(&cfg, argv[0], argv[1]);
	if (!r)
		r = store_config_set(&x.s, &cfg);
	return r ? EXIT_FAILED : EXIT_OK;
}

/* ---- get ---- */

static const char *word_text(const struct config *cfg, const char *key, char buf[TEXT_LEN])
{
	if (!strcmp(key, FILTERING))
		return cfg->filtering <= FILTER_ENDPOINT ? filterings[cfg->filtering] : NULL;
	snprintf(buf, TEXT_LEN, "%u-%u", cfg->port_min_h, cfg->port_max_h);
	return buf;
}

static void get_json(struct report *r, struct config *cfg, const char *only)
{
	char ports[TEXT_LEN];
	size_t i;

	for (i = 0; i < SETTINGS; i++)
		if (!only || !strcmp(only, settings[i].key))
			report_number(r, settings[i].key, *field(cfg, &settings[i]));
	if (!only || !strcmp(only, PORTS))
		report_text(r, PORTS, word_text(cfg, PORTS, ports));
	if (!only || !strcmp(only, FILTERING))
		report_text(r, FILTERING, word_text(cfg, FILTERING, ports));
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
	table_end(&t);
}

int cmd_get(const struct options *o, int argc, char **argv)
{
	const struct setting *setting = argc ? find(argv[0]) : NULL;
	_cleanup_store_ struct store s = {};
	char ports[TEXT_LEN];
	struct config cfg;
	struct report r;

	if (argc && !setting && !is_word(argv[0])) {
		unknown(argv[0]);
		return EXIT_FAILED;
	}
	if (store_open(&s, o->bpffs, STORE_READ) || store_config(&s, &cfg))
		return EXIT_FAILED;
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
