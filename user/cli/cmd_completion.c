// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * completion: a script for bash, made from the table of commands and options. What changes (namespaces, port mappings,
 * settings) the script asks `ebpfnet` for, which answers root alone.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/opts.h"
#include "lib/base/log.h"

static const char head[] =
	"# bash completion for ebpfnet, printed by `ebpfnet completion bash`\n"
	"_ebpfnet_list() { # KIND NS\n"
	"\tlocal at proto ns\n"
	"\tcase $1 in\n"
	"\tns) ebpfnet ns list | sed -n '2,$ s/ .*//p' ;;\n"
	"\tnetwork) ebpfnet network list | sed -n '2,$ s/ .*//p' ;;\n"
	"\tmapping)\n"
	"\t\tebpfnet exposed | while read -r at proto _ ns _; do\n"
	"\t\t\t[ \"$ns\" != \"$2\" ] || echo \"${at#\\*:}${proto/#tcp/}\" | sed 's,udp$,/udp,'\n"
	"\t\tdone\n"
	"\t\t;;\n"
	"\tkey) ebpfnet get | sed -n '2,$ s/ .*//p' ;;\n"
	"\tvalue)\n"
	"\t\tcase $2 in\n"
	"\t\tfiltering) printf '%%s\\n' address endpoint port ;;\n"
	"\t\tforwarding) printf '%%s\\n' ask default fast stack ;;\n"
	"\t\tesac\n"
	"\t\t;;\n"
	"\tnetns) ls /run/netns ;;\n"
	"\tdev) ls /sys/class/net ;;\n"
	"\tesac 2> /dev/null\n"
	"}\n\n"
	"# Lines of standard input that begin with CUR. Not by compgen -W, which runs what is in a name.\n"
	"_ebpfnet_choose() { # CUR\n"
	"\tlocal word\n"
	"\twhile IFS= read -r word; do\n"
	"\t\t[[ $word != \"$1\"* ]] || COMPREPLY+=(\"$(printf %%q \"$word\")\")\n"
	"\tdone\n"
	"}\n\n"
	"_ebpfnet() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words='' count=0 i\n"
	"\tlocal options='' kinds=() kind='' named=()\n"
	"\t[ \"$prev\" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\t[ \"$cur\" != = ] || cur=''\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n"
	"\t\t= | -*) ;;\n"
	"\t\t*)\n"
	"\t\t\tcase ${COMP_WORDS[i - 1]} in\n"
	"\t\t\t= | %s) continue ;;\n"
	"\t\t\tesac\n"
	"\t\t\twords+=\" ${COMP_WORDS[i]}\"\n"
	"\t\t\t;;\n"
	"\t\tesac\n"
	"\tdone\n";

static const char tail[] =
	"\tif [ -n \"$kind\" ]; then\n"
	"\t\t:\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\tkind=\"words $options\"\n"
	"\telse\n"
	"\t\tkind=${kinds[count]-}\n"
	"\tfi\n"
	"\tcase $kind in\n"
	"\t'' | none) ;;\n"
	"\twords*) mapfile -t COMPREPLY < <(compgen -W \"${kind#words}\" -- \"$cur\") ;;\n"
	"\tdir) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
	"\tcommand) mapfile -t COMPREPLY < <(compgen -c -- \"$cur\") ;;\n"
	"\t*) _ebpfnet_choose \"$cur\" < <(_ebpfnet_list \"$kind\" \"${named[1]-}\") ;;\n"
	"\tesac\n"
	"}\n"
	"complete -F _ebpfnet ebpfnet\n";

/* "[native|generic|off]" as "native generic off". */
static void print_choices(const char *arg)
{
	for (; *arg; arg++)
		if (*arg == '|')
			putchar(' ');
		else if (*arg != '[' && *arg != ']')
			putchar(*arg);
}

/* Completions of the value of each option. */
static void print_values(void)
{
	struct option_help o;
	size_t i;

	printf("\tcase $prev in\n");
	for (i = 0; opts_option(i, &o); i++) {
		if (!o.arg)
			continue;
		printf("\t--%s) kind='", o.name);
		if (strchr(o.arg, '|')) {
			printf("words ");
			print_choices(o.arg);
		} else {
			printf("%s", !strcmp(o.arg, "DEV")     ? "dev" :
			     !strcmp(o.arg, "DIR")     ? "dir" :
			     !strcmp(o.arg, "NETWORK") ? "network" :
							 "none");
		}
		printf("' ;;\n");
	}
	printf("\tesac\n");
}

/* A command's word of that kind, by its placeholder in the table. */
static const char *kind_of(const struct command *c, const char *arg, size_t len)
{
	static const struct {
		const char *arg, *kind;
	} kinds[] = { { "NS", "ns" }, { "[NS", "ns" }, { "NAME", "ns" }, { "NETWORK", "network" },
		      { "NETNS|PID|--later", "netns" }, { "in|out", "words in out" }, { "RATE|none]", "words none" },
		      { "VALUE", "value" }, { "KEY", "key" }, { "[KEY]", "key" }, { "CMD", "command" },
		      { "bash", "words bash" } };
	size_t i;

	if (c->second && !strcmp(c->second, "add"))
		return "none"; /* a name that is not there yet */
	if (!strcmp(c->word, "network"))
		return "network";
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].arg) == len && !strncmp(arg, kinds[i].arg, len))
			return kinds[i].kind;
	return !strcmp(c->word, "unexpose") ? "mapping" : "none";
}

static void print_kinds(const struct command *c)
{
	const char *arg = c->args ? c->args : "";
	size_t len;

	printf(" kinds=(");
	for (; *arg; arg += len + (arg[len] == ' ')) {
		len = strcspn(arg, " ");
		if (strncmp(arg, "--", len))
			printf("'%s' ", kind_of(c, arg, len));
	}
	printf(")");
}

static void print_options(unsigned int accepted)
{
	struct option_help o;
	size_t i;

	printf(" options='");
	for (i = 0; opts_option(i, &o); i++)
		if (!o.only || o.only & accepted)
			printf("--%s ", o.name);
	printf("'");
}

/* After "ns": add, del, list. */
static void print_second_words(const struct command *all, const char *word)
{
	const struct command *c;

	printf("\t' %s '*) kind='words", word);
	for (c = all; c->word; c++)
		if (c->second && !strcmp(c->word, word))
			printf(" %s", c->second);
	printf("' ;;\n");
}

/* The words of the command are taken off the front of $words; the number of those that follow is in $count. */
static void print_commands(const struct command *all)
{
	const struct command *c;

	printf("\twords+=' '\n\tcase $words in\n");
	for (c = all; c->word; c++) {
		printf("\t' %s %s%s'*)", c->word, c->second ? c->second : "", c->second ? " " : "");
		print_kinds(c);
		print_options(c->options);
		printf(" count=-%d ;;\n", c->second ? 2 : 1);
	}
	for (c = all; c->word; c++)
		if (c->second && (c == all || strcmp(c[-1].word, c->word)))
			print_second_words(all, c->word);
	printf("\t*)");
	print_options(0);
	printf("; kinds=('words ");
	for (c = all; c->word; c++)
		if (c == all || strcmp(c[-1].word, c->word))
			printf("%s ", c->word);
	printf("') ;;\n\tesac\n\tread -ra named <<< \"$words\"\n\t((count += ${#named[@]}))\n");
}

int cmd_completion(const struct options *o, int argc, char **argv)
{
	char valued[512] = "-";
	struct option_help opt;
	size_t i, len = 1;

	if (strcmp(argv[0], "bash")) {
		log_err(-EINVAL, "no completion for %s: only for bash", argv[0]);
		return EXIT_FAILED;
	}
	for (i = 0; opts_option(i, &opt); i++)
		if (opt.arg && opt.arg[0] != '[' && len < sizeof(valued))
			len += snprintf(valued + len, sizeof(valued) - len, " | --%s", opt.name);
	printf(head, valued);
	print_commands(opts_commands());
	print_values();
	fputs(tail, stdout);
	return EXIT_OK;
}
