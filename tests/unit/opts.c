// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <limits.h>

#include "captured.h"
#include "unit.h"
#include <user/cli/opts.h>

/* The kinds of row that main.c's table has. Nothing here runs them. */
static const struct command commands[] = {
	{ "up", .options = OPT_UPLINK | OPT_NS | OPT_FLOWS | OPT_XDP, .help = "make the network" },
	{ "down", .help = "remove it" },
	{ "ns", "add", NULL, "NAME", 1, 1, .options = OPT_ADDR | OPT_SPOOF, .help = "make one" },
	{ "ns", "list", .options = OPT_JSON, .help = "list them" },
	{ "exec", NULL, NULL, "NS -- CMD [ARGS]", 2, INT_MAX, .verbatim = true, .help = "run it" },
	{ "unexpose", NULL, NULL, "NS [PORT]", 1, 2, .help = "end that" },
	{ "set", NULL, NULL, "KEY VALUE", 2, 2, .help = "change a limit" },
	{},
};

#define MAX_WORDS (EBPFNET_MAX_PORTS + 80)
#define NONE (-1) /* opts_parse() did not say with which status to exit */

/* The line that was read last. */
static struct {
	char text[8 * MAX_WORDS];
	char **argv; /* as long as it is and no longer */
	int argc, status;
	struct parsed p;
	struct captured captured;
} line;

static void call(void *arg)
{
	line.status = opts_parse(commands, line.argc, line.argv, &line.p);
}

/* Parses "ebpfnet TEXT", split at its blanks. */
static void parse(const char *text)
{
	char *words[MAX_WORDS], *word, *rest;

	line.argc = 0;
	snprintf(line.text, sizeof(line.text), "ebpfnet %s", text);
	for (word = strtok_r(line.text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		assert_true(line.argc < MAX_WORDS - 1);
		words[line.argc++] = word;
	}
	words[line.argc] = NULL;
	free(line.argv);
	line.argv = malloc((line.argc + 1) * sizeof(*words));
	memcpy(line.argv, words, (line.argc + 1) * sizeof(*words));
	memset(&line.p, 0xaa, sizeof(line.p));
	line.captured = capture(call, NULL);
}

/* The command was found, nothing was printed, and these words are left, joined by blanks. */
static void assert_read(const char *text, const char *word, const char *second, const char *left)
{
	char joined[1024] = "";
	int i;

	parse(text);
	assert_string_equal(line.captured.err, "");
	assert_string_equal(line.captured.out, "");
	assert_int_equal(line.status, NONE);
	assert_string_equal(line.p.command->word, word);
	if (second)
		assert_string_equal(line.p.command->second, second);
	else
		assert_null(line.p.command->second);
	for (i = 0; i < line.p.argc; i++) {
		strcat(joined, i ? " " : "");
		strcat(joined, line.p.argv[i]);
	}
	assert_string_equal(joined, left);
	assert_null(line.p.argv[line.p.argc]);
}

/* Refused: status 2, nothing on stdout, and on stderr a first line that is exactly this. */
static void assert_usage(const char *text, const char *first_line)
{
	parse(text);
	assert_int_equal(line.status, EXIT_USAGE);
	assert_string_equal(line.captured.out, "");
	line.captured.err[strcspn(line.captured.err, "\n")] = '\0';
	assert_string_equal(line.captured.err, first_line);
}

/* ---- words and options ---- */

static void commands_of_one_and_of_two_words_are_found(void **state)
{
	assert_read("up", "up", NULL, "");
	assert_read("down", "down", NULL, "");
	assert_read("ns list", "ns", "list", "");
	assert_read("ns add ns3", "ns", "add", "ns3");
	assert_read("unexpose ns1", "unexpose", NULL, "ns1");
	assert_read("unexpose ns1 5000", "unexpose", NULL, "ns1 5000");
}

static void options_are_off_unless_given(void **state)
{
	static const struct options none;

	assert_read("up", "up", NULL, "");
	assert_memory_equal(&line.p.options, &none, sizeof(none));
}

static void options_may_stand_before_between_and_after_words(void **state)
{
	static const char *const texts[] = {
		"--addr 192.168.1.7 ns add ns3", "ns --addr 192.168.1.7 add ns3",
		"ns add --addr 192.168.1.7 ns3", "ns add ns3 --addr 192.168.1.7",
		"ns add ns3 --addr=192.168.1.7", "--addr=192.168.1.7 ns add ns3",
	};
	size_t i;

	for (i = 0; i < COUNT(texts); i++) {
		assert_read(texts[i], "ns", "add", "ns3");
		assert_string_equal(line.p.options.addr, "192.168.1.7");
		assert_null(line.p.options.spoof);
	}
}

static void each_option_goes_to_its_own_field(void **state)
{
	assert_read("up --uplink eth0 --flows 7 --bpffs /b", "up", NULL, "");
	assert_string_equal(line.p.options.uplink[0], "eth0");
	assert_string_equal(line.p.options.flows, "7");
	assert_string_equal(line.p.options.bpffs, "/b");
	assert_false(line.p.options.quiet || line.p.options.json);
	assert_read("ns list --json", "ns", "list", "");
	assert_true(line.p.options.json);
	assert_false(line.p.options.quiet);
	assert_read("down -q", "down", NULL, "");
	assert_true(line.p.options.quiet);
	assert_read("down --quiet", "down", NULL, "");
	assert_true(line.p.options.quiet);
	assert_read("ns add a --spoof allow", "ns", "add", "a");
	assert_string_equal(line.p.options.spoof, "allow");
}

/* The next word is its value only if it can be one. */
static void a_choice_may_be_left_open(void **state)
{
	static const char *const values[] = { "native", "generic", "off" };
	char text[64];
	size_t i;

	assert_read("up --xdp", "up", NULL, "");
	assert_string_equal(line.p.options.xdp, "");
	assert_read("--xdp up", "up", NULL, "");
	assert_string_equal(line.p.options.xdp, "");
	assert_read("up --xdp --flows 7", "up", NULL, "");
	assert_string_equal(line.p.options.xdp, "");
	assert_string_equal(line.p.options.flows, "7");
	for (i = 0; i < COUNT(values); i++) {
		snprintf(text, sizeof(text), "up --xdp %s --flows 7", values[i]);
		assert_read(text, "up", NULL, "");
		assert_string_equal(line.p.options.xdp, values[i]);
		snprintf(text, sizeof(text), "--xdp=%s up", values[i]);
		assert_read(text, "up", NULL, "");
		assert_string_equal(line.p.options.xdp, values[i]);
	}
	assert_read("up --xdp=nat", "up", NULL, ""); /* the command's to refuse */
	assert_string_equal(line.p.options.xdp, "nat");
	assert_usage("up --xdp nat", "ebpfnet: too many words: nat; up takes none (try `ebpfnet up --help`)");
	assert_usage("down --xdp", "ebpfnet: down takes no --xdp (try `ebpfnet down --help`)");
}

static void the_last_of_an_option_given_twice_counts(void **state)
{
	assert_read("up --flows 7 --flows 8", "up", NULL, "");
	assert_string_equal(line.p.options.flows, "8");
}

static void uplink_may_be_repeated(void **state)
{
	char text[600] = "up";
	int i;

	assert_read("up --uplink eth0 --uplink=eth1", "up", NULL, "");
	assert_int_equal(line.p.options.uplink_count, 2);
	assert_string_equal(line.p.options.uplink[0], "eth0");
	assert_string_equal(line.p.options.uplink[1], "eth1");
	for (i = 0; i < 17; i++)
		strcat(text, " --uplink a");
	assert_usage(text, "ebpfnet: too many --uplink (try `ebpfnet up --help`)");
}

static void ns_may_be_repeated(void **state)
{
	assert_read("up --ns a --ns=b=192.168.1.9 --ns c", "up", NULL, "");
	assert_int_equal(line.p.options.ns_count, 3);
	assert_string_equal(line.p.options.ns[0], "a");
	assert_string_equal(line.p.options.ns[1], "b=192.168.1.9");
	assert_string_equal(line.p.options.ns[2], "c");
}

static void ns_is_refused_beyond_its_room(void **state)
{
	static char text[4 + 8 * (EBPFNET_MAX_PORTS + 1)] = "up";
	int i;

	for (i = 0; i < EBPFNET_MAX_PORTS; i++)
		strcpy(text + 2 + 7 * i, " --ns=a");
	assert_read(text, "up", NULL, "");
	assert_int_equal(line.p.options.ns_count, EBPFNET_MAX_PORTS);
	strcat(text, " --ns=a");
	assert_usage(
		text,
		"ebpfnet: too many --ns: `ebpfnet ns add` makes more (try `ebpfnet up --help`)");
}

static void an_empty_value_is_a_value(void **state)
{
	assert_read("up --uplink=", "up", NULL, "");
	assert_string_equal(line.p.options.uplink[0], "");
}

static void a_value_may_look_like_an_option(void **state)
{
	assert_read("up --uplink --json", "up", NULL, "");
	assert_string_equal(line.p.options.uplink[0], "--json");
	assert_false(line.p.options.json);
}

static void after_two_dashes_all_are_words(void **state)
{
	assert_read("ns add -- --addr", "ns", "add", "--addr");
	assert_null(line.p.options.addr);
	assert_read("-- ns add -q", "ns", "add", "-q");
	assert_false(line.p.options.quiet);
	assert_read("set a -- --", "set", NULL, "a --");
}

static void a_dash_alone_and_a_negative_number_are_words(void **state)
{
	assert_read("set a -", "set", NULL, "a -");
	assert_read("set a -5", "set", NULL, "a -5");
	assert_read("set -0 -9x", "set", NULL, "-0 -9x");
}

/* ---- exec ---- */

static void words_of_exec_are_not_parsed(void **state)
{
	assert_read("exec ns1 -- ls --help -q", "exec", NULL, "ns1 ls --help -q");
	assert_read("exec ns1 ls --help -q --json --unknown", "exec", NULL,
		    "ns1 ls --help -q --json --unknown");
	assert_false(line.p.options.quiet || line.p.options.json);
	assert_read("exec ns1 ls -- a -- b", "exec", NULL, "ns1 ls -- a -- b");
	assert_read("exec ns1 -- -- a", "exec", NULL, "ns1 -- a");
	assert_read("exec ns1 -- --version", "exec", NULL, "ns1 --version");
}

static void options_before_the_command_of_exec_are_parsed(void **state)
{
	assert_read("exec -q ns1 ls -q", "exec", NULL, "ns1 ls -q");
	assert_true(line.p.options.quiet);
	assert_read("exec ns1 --bpffs /b ls --bpffs /c", "exec", NULL, "ns1 ls --bpffs /c");
	assert_string_equal(line.p.options.bpffs, "/b");
}

/* ---- refused ---- */

static void unknown_commands_are_refused(void **state)
{
	assert_usage("bogus", "ebpfnet: unknown command: bogus (try `ebpfnet --help`)");
	assert_usage("u", "ebpfnet: unknown command: u (try `ebpfnet --help`)");
	assert_usage("UP", "ebpfnet: unknown command: UP (try `ebpfnet --help`)");
	assert_usage("add", "ebpfnet: unknown command: add (try `ebpfnet --help`)");
	assert_usage("ns bogus", "ebpfnet: unknown command: ns bogus (try `ebpfnet --help`)");
	assert_usage("-5", "ebpfnet: unknown command: -5 (try `ebpfnet --help`)");
	assert_usage("bogus --help", "ebpfnet: unknown command: bogus (try `ebpfnet --help`)");
}

static void unknown_options_are_refused(void **state)
{
	static const char *const texts[] = { "--bogus",	  "-x",	     "-qh",   "---", "--up",
					     "--uplinks", "--uplin", "-json", "--n" };
	char with[64], want[128];
	size_t i;

	for (i = 0; i < COUNT(texts); i++) {
		snprintf(with, sizeof(with), "up %s a", texts[i]);
		snprintf(want, sizeof(want),
			 "ebpfnet: unknown option: %s (try `ebpfnet up --help`)", texts[i]);
		assert_usage(with, want);
	}
	assert_usage("--bogus up", "ebpfnet: unknown option: --bogus (try `ebpfnet --help`)");
}

static void an_option_without_its_value_is_refused(void **state)
{
	assert_usage("up --uplink", "ebpfnet: --uplink needs a value (try `ebpfnet up --help`)");
	assert_usage("up --ns", "ebpfnet: --ns needs a value (try `ebpfnet up --help`)");
	assert_usage("--bpffs", "ebpfnet: --bpffs needs a value (try `ebpfnet --help`)");
}

static void a_value_for_an_option_that_has_none_is_refused(void **state)
{
	assert_usage("up --quiet=1", "ebpfnet: --quiet takes no value (try `ebpfnet up --help`)");
	assert_usage("ns list --json=",
		     "ebpfnet: --json takes no value (try `ebpfnet ns list --help`)");
	assert_usage("--help=up", "ebpfnet: --help takes no value (try `ebpfnet --help`)");
}

static void an_option_of_another_command_is_refused(void **state)
{
	assert_usage("up --json", "ebpfnet: up takes no --json (try `ebpfnet up --help`)");
	assert_usage("--json up", "ebpfnet: up takes no --json (try `ebpfnet up --help`)");
	assert_usage("ns list --addr x",
		     "ebpfnet: ns list takes no --addr (try `ebpfnet ns list --help`)");
	assert_usage("down --ns a", "ebpfnet: down takes no --ns (try `ebpfnet down --help`)");
	assert_usage("exec --json ns1 ls",
		     "ebpfnet: exec takes no --json (try `ebpfnet exec --help`)");
}

static void too_few_and_too_many_words_are_refused(void **state)
{
	assert_usage("ns add", "ebpfnet: ns add needs NAME (try `ebpfnet ns add --help`)");
	assert_usage("ns add a b", "ebpfnet: too many words: b; ns add takes NAME (try `ebpfnet ns add --help`)");
	assert_usage("down now", "ebpfnet: too many words: now; down takes none (try `ebpfnet down --help`)");
	assert_usage("set a", "ebpfnet: set needs KEY VALUE (try `ebpfnet set --help`)");
	assert_usage("set a 1 2 3", "ebpfnet: too many words: 2; set takes KEY VALUE (try `ebpfnet set --help`)");
	assert_usage("unexpose",
		     "ebpfnet: unexpose needs NS [PORT] (try `ebpfnet unexpose --help`)");
	assert_usage("exec ns1",
		     "ebpfnet: exec needs NS -- CMD [ARGS] (try `ebpfnet exec --help`)");
	assert_usage("exec ns1 --",
		     "ebpfnet: exec needs NS -- CMD [ARGS] (try `ebpfnet exec --help`)");
}

static void a_refusal_is_one_line(void **state)
{
	static const char *const texts[] = { "bogus", "ns bogus", "up --bogus", "ns add", "ns add a b", "up --ns" };
	size_t i, len;

	for (i = 0; i < COUNT(texts); i++) {
		parse(texts[i]);
		len = strlen(line.captured.err);
		assert_int_equal(strcspn(line.captured.err, "\n"), len - 1);
	}
}

static void a_line_without_a_command_shows_the_help_on_stderr(void **state)
{
	static const char *const texts[] = { "", "-q", "--", "ns" };
	size_t i;

	for (i = 0; i < COUNT(texts); i++) {
		parse(texts[i]);
		assert_int_equal(line.status, EXIT_USAGE);
		assert_string_equal(line.captured.out, "");
		assert_non_null(strstr(line.captured.err, "usage: ebpfnet COMMAND [ARGS] [OPTIONS]\n"));
	}
}

/* execve() allows it. */
static void an_argv_without_a_name_is_a_line_without_a_command(void **state)
{
	parse("");
	line.argc = 0;
	free(line.argv);
	line.argv = calloc(1, sizeof(*line.argv));
	line.captured = capture(call, NULL);
	assert_int_equal(line.status, EXIT_USAGE);
}

/* ---- help ---- */

static void help_is_on_stdout_with_status_0(void **state)
{
	static const char *const texts[] = {
		"--help", "-h",	       "up --help",   "--help up",
		"ns -h",  "ns add -h", "exec --help", "exec ns1 --help"
	};
	size_t i;

	for (i = 0; i < COUNT(texts); i++) {
		parse(texts[i]);
		assert_int_equal(line.status, EXIT_OK);
		assert_string_equal(line.captured.err, "");
		assert_non_null(strstr(line.captured.out, "usage: ebpfnet "));
	}
}

/* --help comes before every other error of the line: the user asks how it is done. */
static void help_is_given_whatever_else_is_missing(void **state)
{
	parse("ns add --help");
	assert_int_equal(line.status, EXIT_OK);
	parse("set --json --help");
	assert_int_equal(line.status, EXIT_OK);
}

static void help_of_all_lists_each_command(void **state)
{
	const struct command *c;
	char want[64];

	parse("--help");
	for (c = commands; c->word; c++) {
		snprintf(want, sizeof(want), "\n  %s%s%s%s%s ", c->word, c->second ? " " : "",
			 c->second ? c->second : "", c->args ? " " : "", c->args ? c->args : "");
		assert_non_null(strstr(line.captured.out, want));
		assert_non_null(strstr(line.captured.out, c->help));
	}
	assert_non_null(strstr(line.captured.out, "\n  -q, --quiet "));
}

static void help_of_a_command_lists_its_options_and_no_others(void **state)
{
	static const char begin[] = "usage: ebpfnet ns add NAME [OPTIONS]\n\nmake one\n\n";

	parse("ns add --help");
	assert_memory_equal(line.captured.out, begin, strlen(begin));
	assert_non_null(strstr(line.captured.out, "\n  --addr ADDR "));
	assert_non_null(strstr(line.captured.out, "\n  --spoof allow|deny "));
	assert_non_null(strstr(line.captured.out, "\n  --bpffs DIR "));
	assert_null(strstr(line.captured.out, "--uplink"));
	assert_null(strstr(line.captured.out, "--json"));
}

static void help_of_a_first_word_lists_what_begins_with_it(void **state)
{
	parse("ns --help");
	assert_non_null(strstr(line.captured.out, "\n  ns add NAME "));
	assert_non_null(strstr(line.captured.out, "\n  ns list "));
	assert_null(strstr(line.captured.out, "\n  up "));
}

static void version_is_on_stdout_with_status_0(void **state)
{
	parse("--version");
	assert_int_equal(line.status, EXIT_OK);
	assert_string_equal(line.captured.out, "ebpfnet " EBPFNET_VERSION "\n");
	assert_string_equal(line.captured.err, "");
	parse("up --version");
	assert_string_equal(line.captured.out, "ebpfnet " EBPFNET_VERSION "\n");
}

/* ---- numbers ---- */

static struct {
	const char *text;
	uint32_t value;
	int r;
} number;

static void read_number(void *arg)
{
	number.r = option_number("flows", number.text, 128, 16777216, &number.value);
}

static void a_number_is_digits_within_its_bounds(void **state)
{
	static const char *const wrong[] = { "", "x", "-1", "+128", " 128", "128 ", "128x", "127", "16777217",
					     "99999999999999999999999", "0x100" };
	struct captured captured;
	size_t i;

	number.text = "128";
	captured = capture(read_number, NULL);
	assert_int_equal(number.r, 0);
	assert_int_equal(number.value, 128);
	number.text = "16777216";
	captured = capture(read_number, NULL);
	assert_int_equal(number.r, 0);
	assert_int_equal(number.value, 16777216);
	assert_string_equal(captured.err, "");
	for (i = 0; i < COUNT(wrong); i++) {
		char want[128];

		number.text = wrong[i];
		captured = capture(read_number, NULL);
		assert_int_equal(number.r, -EINVAL);
		snprintf(want, sizeof(want), "ebpfnet: --flows '%s': a number from 128 to 16777216\n", wrong[i]);
		assert_string_equal(captured.err, want);
		assert_int_equal(number.value, 16777216);
	}
}

/* ---- usage errors of the commands themselves ---- */

static void say_wrong(void *arg)
{
	line.status = usage_error("--spoof is allow or deny, not '%s'", "x");
}

static void a_commands_own_usage_error_names_the_command(void **state)
{
	parse("ns add a --spoof x");
	line.captured = capture(say_wrong, NULL);
	assert_int_equal(line.status, EXIT_USAGE);
	assert_string_equal(
		line.captured.err,
		"ebpfnet: --spoof is allow or deny, not 'x' (try `ebpfnet ns add --help`)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_of_one_and_of_two_words_are_found),
		cmocka_unit_test(options_are_off_unless_given),
		cmocka_unit_test(options_may_stand_before_between_and_after_words),
		cmocka_unit_test(each_option_goes_to_its_own_field),
		cmocka_unit_test(a_choice_may_be_left_open),
		cmocka_unit_test(the_last_of_an_option_given_twice_counts),
		cmocka_unit_test(uplink_may_be_repeated),
		cmocka_unit_test(ns_may_be_repeated),
		cmocka_unit_test(ns_is_refused_beyond_its_room),
		cmocka_unit_test(an_empty_value_is_a_value),
		cmocka_unit_test(a_value_may_look_like_an_option),
		cmocka_unit_test(after_two_dashes_all_are_words),
		cmocka_unit_test(a_dash_alone_and_a_negative_number_are_words),
		cmocka_unit_test(words_of_exec_are_not_parsed),
		cmocka_unit_test(options_before_the_command_of_exec_are_parsed),
		cmocka_unit_test(unknown_commands_are_refused),
		cmocka_unit_test(unknown_options_are_refused),
		cmocka_unit_test(an_option_without_its_value_is_refused),
		cmocka_unit_test(a_value_for_an_option_that_has_none_is_refused),
		cmocka_unit_test(an_option_of_another_command_is_refused),
		cmocka_unit_test(too_few_and_too_many_words_are_refused),
		cmocka_unit_test(a_refusal_is_one_line),
		cmocka_unit_test(a_line_without_a_command_shows_the_help_on_stderr),
		cmocka_unit_test(an_argv_without_a_name_is_a_line_without_a_command),
		cmocka_unit_test(help_is_on_stdout_with_status_0),
		cmocka_unit_test(help_is_given_whatever_else_is_missing),
		cmocka_unit_test(help_of_all_lists_each_command),
		cmocka_unit_test(help_of_a_command_lists_its_options_and_no_others),
		cmocka_unit_test(help_of_a_first_word_lists_what_begins_with_it),
		cmocka_unit_test(version_is_on_stdout_with_status_0),
		cmocka_unit_test(a_number_is_digits_within_its_bounds),
		cmocka_unit_test(a_commands_own_usage_error_names_the_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
