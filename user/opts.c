// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "opts.h"

#define ALL 0u		/* struct option_row.only of an option that every command takes */
#define HELP_COLUMN 34

static const struct command *commands, *current;

enum { VALUE_HELP = 256, VALUE_VERSION, VALUE_NS, VALUE_TEXT };

static const struct option_row {
	const char *name, *arg;
	char letter;
	unsigned int only;
	size_t offset;		/* of the bool or the text in struct options */
	int value;		/* 0: a bool */
	const char *help;
} rows[] = {
	{ "uplink", "DEV", 0, OPT_UPLINK, offsetof(struct options, uplink), VALUE_TEXT,
	  "device to the outside (default: the default route's)" },
	{ "subnet", "CIDR", 0, OPT_SUBNET, offsetof(struct options, subnet), VALUE_TEXT,
	  "the namespaces' network (default: 192.168.1.0/24)" },
	{ "ns", "NAME[=ADDR]", 0, OPT_NS, 0, VALUE_NS,
	  "a namespace to make; repeatable (default: ns1, ns2)" },
	{ "hook", "tcx|clsact", 0, OPT_HOOK, offsetof(struct options, hook), VALUE_TEXT,
	  "how programs are attached (default: tcx if the kernel has it)" },
	{ "flows", "N", 0, OPT_FLOWS, offsetof(struct options, flows), VALUE_TEXT,
	  "size of the flow table (default: 100000)" },
	{ "addr", "ADDR", 0, OPT_ADDR, offsetof(struct options, addr), VALUE_TEXT,
	  "its address (default: the next free one)" },
	{ "name", "NAME", 0, OPT_NAME, offsetof(struct options, name), VALUE_TEXT,
	  "what to call it (default: its own name, or pidN)" },
	{ "spoof", "allow|deny", 0, OPT_SPOOF, offsetof(struct options, spoof), VALUE_TEXT,
	  "whether it may send from other addresses (default: deny)" },
	{ "json", NULL, 0, OPT_JSON, offsetof(struct options, json), 0, "JSON instead of tables" },
	{ "bpffs", "DIR", 0, ALL, offsetof(struct options, bpffs), VALUE_TEXT,
	  "where state is pinned (default: $EBPFNET_BPFFS, /sys/fs/bpf)" },
	{ "quiet", NULL, 'q', ALL, offsetof(struct options, quiet), 0, "print errors only" },
	{ "help", NULL, 'h', ALL, 0, VALUE_HELP, "print this" },
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

/* The help of one command; of those that begin with the word (ns); or, word NULL, of all. */
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
		fprintf(to, "\n`ebpfnet COMMAND --help` lists the options of one. See also: man ebpfnet\n");
}

int usage_error(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "ebpfnet: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (!current) {
		fprintf(stderr, " (try `ebpfnet --help`)\n");
		return EXIT_USAGE;
	}
	fprintf(stderr, " (try `ebpfnet %s%s%s --help`)\nusage: ebpfnet ", current->word,
		current->second ? " " : "", second_word(current));
	print_command(stderr, current);
	fprintf(stderr, "\n");
	return EXIT_USAGE;
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

/* Looks for the command that the words so far name. -1: found, or too early to say. */
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

/* One long option for each row, a short one for some. "-": words come in their order, as 1. */
static void make_getopt(struct option longs[ROWS + 1], char shorts[ROWS + 3])
{
	size_t i, n = 0;

	shorts[n++] = '-';
	shorts[n++] = ':';
	for (i = 0; i < ROWS; i++) {
		longs[i] = (struct option){ .name = rows[i].name,
					    .has_arg = rows[i].arg ? required_argument : no_argument,
					    .val = rows[i].letter ? rows[i].letter : 0 };
		if (rows[i].letter)
			shorts[n++] = rows[i].letter;
	}
	longs[i] = (struct option){};
	shorts[n] = '\0';
}

static int store(const struct option_row *row, struct options *o, char *arg)
{
	switch (row->value) {
	case VALUE_TEXT:
		*(const char **)((char *)o + row->offset) = arg;
		return 0;
	case VALUE_NS:
		if (o->ns_count == sizeof(o->ns) / sizeof(o->ns[0]))
			return usage_error("too many --ns: `ebpfnet ns add` makes more");
		o->ns[o->ns_count++] = arg;
		return 0;
	default:
		*(bool *)((char *)o + row->offset) = true;
		return 0;
	}
}

/* What the options were, whichever command they turn out to be for. */
struct seen {
	bool row[ROWS];
};

/* An option came: which row. -1 after an error that was reported. */
static int which_row(int got, int index, char **argv)
{
	size_t i;

	if (got == ':')
		return usage_error("%s needs a value", argv[optind - 1]), -1;
	if (got == '?' && optopt)
		return usage_error("unknown option: -%c", optopt), -1;
	if (got == '?')
		return usage_error("unknown option: %s", argv[optind - 1]), -1;
	for (i = 0; i < ROWS; i++)
		if (got ? rows[i].letter == got : (int)i == index)
			break;
	return i;
}

static int check(const struct parsed *p, const struct seen *seen)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		if (seen->row[i] && rows[i].only != ALL && !(rows[i].only & current->options))
			return usage_error("%s%s%s takes no --%s", current->word,
					   current->second ? " " : "", second_word(current),
					   rows[i].name);
	if (p->argc < current->min)
		return usage_error("%s%s%s needs %s", current->word, current->second ? " " : "",
				   second_word(current), current->args);
	if (p->argc > current->max)
		return usage_error("too many words: %s", p->argv[current->max]);
	return -1;
}

static int answer(const struct seen *seen, char **words, int count)
{
	size_t i;

	for (i = 0; i < ROWS; i++) {
		if (!seen->row[i])
			continue;
		if (rows[i].value == VALUE_HELP) {
			print_help(stdout, current, count ? words[0] : NULL);
			return EXIT_OK;
		}
		if (rows[i].value == VALUE_VERSION) {
			printf("ebpfnet %s\n", EBPFNET_VERSION);
			return EXIT_OK;
		}
	}
	if (current)
		return -1;
	print_help(stderr, NULL, count ? words[0] : NULL);
	return EXIT_USAGE;
}

int opts_parse(const struct command *table, int argc, char **argv, struct parsed *out)
{
	struct option longs[ROWS + 1];
	char shorts[ROWS + 3], **words = argv + 1;
	struct seen seen = {};
	int got, index = 0, row, count = 0, r;

	commands = table;
	current = NULL;
	*out = (struct parsed){};
	opterr = 0;
	make_getopt(longs, shorts);
	/* words are moved to the front of argv as they come, over what was read already */
	while ((got = getopt_long(argc, argv, shorts, longs, &index)) != -1) {
		if (got == 1) {
			words[count++] = optarg;
			r = find_command(words, count);
			if (r >= 0)
				return r;
			if (current && current->verbatim && count > 1 &&
			    !(optind < argc && argv[optind][0] == '-'))
				break;
			continue;
		}
		row = which_row(got, index, argv);
		if (row < 0)
			return EXIT_USAGE;
		seen.row[row] = true;
		r = store(&rows[row], &out->options, optarg);
		if (r)
			return r;
	}
	while (optind < argc) {
		words[count++] = argv[optind++];
		r = find_command(words, count);
		if (r >= 0)
			return r;
	}
	r = answer(&seen, words, count);
	if (r >= 0)
		return r;
	out->command = current;
	out->argv = words + (current->second ? 2 : 1);
	out->argc = count - (current->second ? 2 : 1);
	out->argv[out->argc] = NULL;
	return check(out, &seen);
}
