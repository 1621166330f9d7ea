// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "cli/opts.h"

#define ALL 0u		/* struct option_row.only of an option that every command accepts */
#define HELP_COLUMN 34

static const struct command *commands, *current;

enum value { VALUE_FLAG, VALUE_TEXT, VALUE_CHOICE, VALUE_UPLINK, VALUE_NS, VALUE_PUBLISH, VALUE_HELP, VALUE_VERSION };

static const struct option_row {
	const char *name, *arg;
	char letter;
	unsigned int only;
	size_t offset;		/* of the bool or the text in struct options; VALUE_CHOICE: "" without a value */
	enum value value;
	const char *help;
} rows[] = {
	{ "uplink", "DEV", 0, OPT_UPLINK, 0, VALUE_UPLINK,
	  "uplink device; repeatable (default: all that routes lead to)" },
	{ "subnet", "CIDR", 0, OPT_SUBNET, offsetof(struct options, subnet), VALUE_TEXT,
	  "subnet (default: 192.168.1.0/24; network add: the next free /24 of 10.89.0.0/16)" },
	{ "gateway", "ADDR", 0, OPT_NETWORK_DEF, offsetof(struct options, gateway), VALUE_TEXT,
	  "address of the host in it (default: the first of the subnet)" },
	{ "range", "CIDR", 0, OPT_NETWORK_DEF, offsetof(struct options, range), VALUE_TEXT,
	  "part of the subnet that addresses are chosen from (default: all of it)" },
	{ "internal", NULL, 0, OPT_NETWORK_DEF, offsetof(struct options, internal), VALUE_FLAG,
	  "nothing leaves it by an uplink, and nothing of it is published" },
	{ "isolated", NULL, 0, OPT_NETWORK_DEF, offsetof(struct options, isolated), VALUE_FLAG,
	  "other networks do not reach its published ports, nor it theirs" },
	{ "no-masquerade", "CIDR[,CIDR]", 0, OPT_NETWORK_DEF, offsetof(struct options, no_masquerade), VALUE_TEXT,
	  "destinations to which packets keep their source address" },
	{ "network", "NETWORK", 0, OPT_NETWORK, offsetof(struct options, network), VALUE_TEXT,
	  "network (default: default; of a list: all)" },
	{ "ns", "NAME[=ADDR]", 0, OPT_NS, 0, VALUE_NS,
	  "namespace to create; repeatable; or none (default: ns1, ns2)" },
	{ "hook", "tcx|clsact", 0, OPT_HOOK, offsetof(struct options, hook), VALUE_TEXT,
	  "how to attach programs (default: tcx if the kernel has it)" },
	{ "xdp", "[native|generic|off]", 0, OPT_XDP, offsetof(struct options, xdp), VALUE_CHOICE,
	  "XDP prefilter: drop early what uplinks drop (default: off)" },
	{ "forwarding", "ask|fast|stack", 0, OPT_FORWARDING, offsetof(struct options, forwarding), VALUE_TEXT,
	  "how packets pass the host's FORWARD rules (default of network add: as of the host)" },
	{ "flows", "N", 0, OPT_FLOWS, offsetof(struct options, flows), VALUE_TEXT,
	  "maximum number of flows (default: 65536)" },
	{ "dry-run", NULL, 0, OPT_DRY_RUN, offsetof(struct options, dry_run), VALUE_FLAG,
	  "list the actions, change nothing" },
	{ "addr", "ADDR", 0, OPT_ADDR, offsetof(struct options, addr), VALUE_TEXT,
	  "address of the namespace (default: the next free one)" },
	{ "dev", "DEVICE", 0, OPT_DEV, offsetof(struct options, dev), VALUE_TEXT,
	  "name of the device inside (default: cethN)" },
	{ "mac", "MAC", 0, OPT_DEV, offsetof(struct options, mac), VALUE_TEXT,
	  "MAC address of the device inside (default: 02:eb and the address)" },
	{ "mtu", "N", 0, OPT_MTU, offsetof(struct options, mtu), VALUE_TEXT,
	  "MTU of the devices (default: the network's, that of the first uplink)" },
	{ "ipv6-addr", "ADDR[,ADDR]", 0, OPT_IPV6, offsetof(struct options, ipv6_addr), VALUE_TEXT,
	  "IPv6 addresses that no other namespace may use" },
	{ "name", "NAME", 0, OPT_NAME, offsetof(struct options, name), VALUE_TEXT,
	  "name of the namespace (default: from --id or its own, or pidN)" },
	{ "id", "ID", 0, OPT_ID, offsetof(struct options, id), VALUE_TEXT,
	  "id that the container's runtime has for it: 1 to 64 characters" },
	{ "label", "TEXT", 0, OPT_LABEL, offsetof(struct options, label), VALUE_TEXT,
	  "text that `ns list` shows: 1 to 63 characters" },
	{ "publish", "SPEC", 0, OPT_PUBLISH, 0, VALUE_PUBLISH,
	  "publish a port as `expose` does; repeatable; 0:NSPORT has one chosen" },
	{ "gone", NULL, 0, OPT_GONE, offsetof(struct options, gone), VALUE_FLAG,
	  "detach all whose namespace is gone" },
	{ "later", NULL, 0, OPT_LATER, offsetof(struct options, later), VALUE_FLAG,
	  "make a device that is to be moved into a namespace" },
	{ "spoof", "allow|deny", 0, OPT_SPOOF, offsetof(struct options, spoof), VALUE_TEXT,
	  "allow or deny other source addresses (default: deny)" },
	{ "repair", NULL, 0, OPT_REPAIR, offsetof(struct options, repair), VALUE_FLAG,
	  "repair uplinks and gateway as `up` does" },
	{ "ms", "N", 0, OPT_BENCH, offsetof(struct options, ms), VALUE_TEXT,
	  "duration of each measurement (default: 300)" },
	{ "repeats", "N", 0, OPT_BENCH, offsetof(struct options, repeats), VALUE_TEXT,
	  "number of measurements of each kind (default: 5)" },
	{ "json", NULL, 0, OPT_JSON, offsetof(struct options, json), VALUE_FLAG,
	  "print JSON instead of tables" },
	{ "bpffs", "DIR", 0, ALL, offsetof(struct options, bpffs), VALUE_TEXT,
	  "BPF file system (default: $EBPFNET_BPFFS, /sys/fs/bpf)" },
	{ "quiet", NULL, 'q', ALL, offsetof(struct options, quiet), VALUE_FLAG,
	  "print only warnings and errors" },
	{ "help", NULL, 'h', ALL, 0, VALUE_HELP, "print this help" },
	{ "version", NULL, 0, ALL, 0, VALUE_VERSION, "print the version" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* ---- help ---- */

static const char *second_word(const struct command *c)
{
	return c->second ? c->second : "";
}

static int print_command(FILE *to, const struct command *c)
{
	return fprintf(to, "%s%s%s%s%s", c->word, c->second ? " " : "", second_word(c),
		       c->args ? " " : "", c->args ? c->args : "");
}

static void print_padded(FILE *to, int printed, const char *help)
{
	if (printed >= HELP_COLUMN)
		fprintf(to, "\n%*s%s\n", HELP_COLUMN, "", help);
	else
		fprintf(to, "%*s%s\n", HELP_COLUMN - printed, "", help);
}

static void print_options(FILE *to, unsigned int which)
{
	size_t i;
	int n;

	for (i = 0; i < ROWS; i++) {
		if (rows[i].only != ALL && !(rows[i].only & which))
			continue;
		n = rows[i].letter ? fprintf(to, "  -%c, ", rows[i].letter) : fprintf(to, "  ");
		n += fprintf(to, "--%s%s%s", rows[i].name, rows[i].arg ? " " : "",
			     rows[i].arg ? rows[i].arg : "");
		print_padded(to, n, rows[i].help);
	}
}

/* Print help for one command, for all that begin with word (ns), or for all (word NULL). */
static void print_help(FILE *to, const struct command *one, const char *word)
{
	const struct command *c;

	if (one) {
		fprintf(to, "usage: ebpfnet ");
		print_command(to, one);
		fprintf(to, " [OPTIONS]\n\n%s\n\n", one->help);
		print_options(to, one->options);
		return;
	}
	if (!word)
		fprintf(to, "Container networking in eBPF: no bridge, no iptables, no daemon.\n\n");
	fprintf(to, "usage: ebpfnet COMMAND [ARGS] [OPTIONS]\n\n");
	for (c = commands; c->word; c++)
		if (!word || !strcmp(word, c->word))
			print_padded(to, fprintf(to, "  ") + print_command(to, c), c->help);
	fprintf(to, "\n");
	print_options(to, word ? ALL : OPT_JSON);
	if (!word)
		fprintf(to, "\n`ebpfnet COMMAND --help` lists the options of a command. See also: man ebpfnet\n");
}

int usage_error(const char *fmt, ...)
{
	_cleanup_free_ char *raw = NULL, *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&raw, fmt, ap) < 0)
		raw = NULL;
	va_end(ap);
	text = raw ? text_printable(raw) : NULL;
	fflush(stdout);
	fprintf(stderr, "ebpfnet: %s", text ? text : "out of memory");
	if (current)
		fprintf(stderr, " (try `ebpfnet %s%s%s --help`)\n", current->word, current->second ? " " : "",
			second_word(current));
	else
		fprintf(stderr, " (try `ebpfnet --help`)\n");
	return EXIT_USAGE;
}

int option_number(const char *name, const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || n < min || n > max)
		return log_err(-EINVAL, "--%s '%s': a number from %u to %u", name, text, min, max);
	*out = n;
	return 0;
}

/* ---- words ---- */

static bool has_second_words(const char *word)
{
	const struct command *c;

	for (c = commands; c->word; c++)
		if (c->second && !strcmp(c->word, word))
			return true;
	return false;
}

/* Look up the command named by the words so far. -1: found, or a second word is needed. */
static int find_command(char **words, int count)
{
	const struct command *c;

	if (current)
		return -1;
	for (c = commands; c->word; c++) {
		if (strcmp(c->word, words[0]) ||
		    (c->second && (count < 2 || strcmp(c->second, words[1]))))
			continue;
		current = c;
		return -1;
	}
	if (!has_second_words(words[0]))
		return usage_error("unknown command: %s", words[0]);
	return count < 2 ? -1 : usage_error("unknown command: %s %s", words[0], words[1]);
}

/* ---- options ---- */

/* State of the parser. */
struct reader {
	char **next;		/* ends with NULL */
	char **words;		/* compacted into the front of argv */
	int count;
	bool seen[ROWS];	/* options; check() compares them with the command */
	struct options options;
};

/* "-" alone, and "-" followed by a digit, are words. */
static bool is_option(const char *arg)
{
	return arg[0] == '-' && arg[1] && !(arg[1] >= '0' && arg[1] <= '9');
}

/* Find the row of --name, --name=VALUE or -x. *value is the text after "=", or NULL. */
static const struct option_row *find_row(const char *arg, const char **value)
{
	size_t i, len;

	for (i = 0; i < ROWS; i++) {
		*value = NULL;
		if (arg[1] != '-' && rows[i].letter == arg[1] && !arg[2])
			return &rows[i];
		len = strlen(rows[i].name);
		if (arg[1] != '-' || strncmp(arg + 2, rows[i].name, len))
			continue;
		if (arg[2 + len] == '=')
			*value = arg + 2 + len + 1;
		if (!arg[2 + len] || *value)
			return &rows[i];
	}
	return NULL;
}

/* True if word is one of "[one|other]". If not, it is not the value of this option. */
static bool is_choice(const char *choices, const char *word)
{
	const char *at = choices;
	size_t len;

	while (*at && word) {
		len = strcspn(++at, "|]");
		if (len == strlen(word) && !strncmp(at, word, len))
			return true;
		at += len;
		at += *at == ']';
	}
	return false;
}

static int store(const struct option_row *row, struct options *o, const char *value)
{
	switch (row->value) {
	case VALUE_TEXT:
	case VALUE_CHOICE:
		*(const char **)((char *)o + row->offset) = value;
		return -1;
	case VALUE_UPLINK:
		if (o->uplink_count == sizeof(o->uplink) / sizeof(o->uplink[0]))
			return usage_error("too many --uplink");
		o->uplink[o->uplink_count++] = value;
		return -1;
	case VALUE_NS:
		if (o->ns_count == sizeof(o->ns) / sizeof(o->ns[0]))
			return usage_error("too many --ns: `ebpfnet ns add` makes more");
		o->ns[o->ns_count++] = value;
		return -1;
	case VALUE_PUBLISH:
		if (o->publish_count == OPTION_PUBLISH)
			return usage_error("too many --publish: `ebpfnet expose` publishes more");
		o->publish[o->publish_count++] = value;
		return -1;
	case VALUE_FLAG:
		*(bool *)((char *)o + row->offset) = true;
		return -1;
	default:
		return -1;
	}
}

/* Read one option and its value. Returns -1 or an exit status, as do the functions below. */
static int read_option(struct reader *r)
{
	const char *arg = *r->next++, *value;
	const struct option_row *row = find_row(arg, &value);

	if (!row)
		return usage_error("unknown option: %s", arg);
	if (value && !row->arg)
		return usage_error("--%s takes no value", row->name);
	if (!value && row->value == VALUE_CHOICE)
		value = is_choice(row->arg, *r->next) ? *r->next++ : "";
	if (!value && row->arg) {
		value = *r->next;
		if (!value)
			return usage_error("--%s needs a value", row->name);
		r->next++;
	}
	r->seen[row - rows] = true;
	return store(row, &r->options, value);
}

static int read_word(struct reader *r)
{
	r->words[r->count++] = *r->next++;
	return find_command(r->words, r->count);
}

static int read_all(struct reader *r)
{
	bool options = true;
	int status = -1;

	while (status < 0 && *r->next) {
		if (options && !strcmp(*r->next, "--")) {
			options = false;
			r->next++;
		} else if (options && is_option(*r->next)) {
			status = read_option(r);
		} else {
			if (current && current->verbatim && r->count > 1)
				options = false;
			status = read_word(r);
		}
	}
	return status;
}

/* Handle --help, --version and a missing command. */
static int print_requested(const struct reader *r)
{
	size_t i;

	for (i = 0; i < ROWS; i++) {
		if (!r->seen[i])
			continue;
		if (rows[i].value == VALUE_HELP) {
			print_help(stdout, current, r->count ? r->words[0] : NULL);
			return EXIT_OK;
		}
		if (rows[i].value == VALUE_VERSION) {
			printf("ebpfnet %s\n", EBPFNET_VERSION);
			return EXIT_OK;
		}
	}
	if (current)
		return -1;
	print_help(stderr, NULL, r->count ? r->words[0] : NULL);
	return EXIT_USAGE;
}

static int check(const struct parsed *p, const struct reader *r)
{
	char name[32];
	size_t i;

	snprintf(name, sizeof(name), "%s%s%s", current->word, current->second ? " " : "",
		 second_word(current));
	for (i = 0; i < ROWS; i++)
		if (r->seen[i] && rows[i].only != ALL && !(rows[i].only & current->options))
			return usage_error("%s takes no --%s", name, rows[i].name);
	if (p->argc < current->min)
		return usage_error("%s needs %s", name, current->args);
	if (p->argc > current->max)
		return usage_error("too many words: %s; %s takes %s", p->argv[current->max], name,
				   current->args ? current->args : "none");
	return -1;
}

int opts_parse(const struct command *table, int argc, char **argv, struct parsed *out)
{
	struct reader r = { .next = argv + (argc > 0), .words = argv + (argc > 0) };
	int status, skip;

	commands = table;
	current = NULL;
	status = read_all(&r);
	if (status < 0)
		status = print_requested(&r);
	if (status >= 0)
		return status;
	skip = current->second ? 2 : 1;
	*out = (struct parsed){ .command = current,
				.options = r.options,
				.argc = r.count - skip,
				.argv = r.words + skip };
	out->argv[out->argc] = NULL;
	return check(out, &r);
}

/* ---- for completion ---- */

const struct command *opts_commands(void)
{
	return commands;
}

bool opts_option(size_t i, struct option_help *out)
{
	if (i >= ROWS)
		return false;
	*out = (struct option_help){ rows[i].name, rows[i].arg, rows[i].only };
	return true;
}
