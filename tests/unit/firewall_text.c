// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Whose firewall is at FORWARD, and the command that opens a port in it. */
#include "unit.h"
#include <user/lib/base/addr.h>
#include <user/lib/base/firewall_text.h>

static void chain(struct firewall *f, const char *family, const char *table, const char *name, bool drops)
{
	struct firewall_chain c = { .drops = drops, .family = family };

	snprintf(c.table, sizeof(c.table), "%s", table);
	snprintf(c.name, sizeof(c.name), "%s", name);
	firewall_add(f, &c, true);
}

static void other_chain(struct firewall *f, const char *table, const char *name)
{
	struct firewall_chain c = { .family = "ip" };

	snprintf(c.table, sizeof(c.table), "%s", table);
	snprintf(c.name, sizeof(c.name), "%s", name);
	firewall_add(f, &c, false);
}

static void is_called(struct firewall *f, const char *want)
{
	char buf[FIREWALL_TEXT];
	const char *is;

	firewall_settle(f);
	is = firewall_names(f, buf);
	if (!want)
		assert_null(is);
	else
		assert_string_equal(is ? is : "(none)", want);
}

static const struct portmap web = { .to = { { 192, 168, 1, 10 } }, .first_h = 5000, .last_h = 5000, .to_first_h = 80,
				    .proto = L4_TCP };
static const struct portmap range = { .to = { { 192, 168, 1, 11 } }, .first_h = 8000, .last_h = 8009,
				      .to_first_h = 3000, .proto = L4_UDP };

static void is_opened_by(struct firewall *f, const struct portmap *p, const char *want)
{
	char buf[FIREWALL_OPEN];
	const char *is;

	firewall_settle(f);
	is = firewall_open(f, p, buf);
	if (!want)
		assert_null(is);
	else
		assert_string_equal(is ? is : "(nothing)", want);
}

static void the_owner_of_iptables_chain_is_known_by_its_other_chains(void **state)
{
	struct firewall none = {}, plain = {}, ufw = {}, both = {}, mangle = {}, other = {};

	is_called(&none, NULL);
	other_chain(&none, "filter", "ufw-user-forward"); /* and nothing at FORWARD */
	is_called(&none, NULL);
	chain(&plain, "ip", "filter", "FORWARD", false);
	is_called(&plain, "iptables");
	other_chain(&ufw, "filter", "ufw-user-forward");
	chain(&ufw, "ip", "filter", "FORWARD", true);
	is_called(&ufw, "ufw");
	chain(&both, "ip", "filter", "FORWARD", true);
	other_chain(&both, "filter", "DOCKER-USER"); /* in whatever order the kernel lists them */
	other_chain(&both, "filter", "ufw-user-forward");
	is_called(&both, "ufw, Docker");
	chain(&mangle, "ip", "mangle", "FORWARD", false);
	other_chain(&mangle, "filter", "DOCKER-USER");
	is_called(&mangle, "iptables");
	chain(&other, "ip", "other", "FORWARD", false);
	other_chain(&other, "other", "ufw-user-forward"); /* somebody's own table */
	is_called(&other, "nft");
}

static void several_firewalls_are_all_named_once(void **state)
{
	struct firewall f = {};
	int i;

	chain(&f, "inet", "firewalld", "filter_FORWARD", false);
	chain(&f, "ip", "filter", "FORWARD", false);
	for (i = 0; i < 20; i++)
		chain(&f, "inet", "mine", "forward", true);
	assert_int_equal(f.count, FIREWALL_CHAINS);
	is_called(&f, "firewalld, iptables, nft");
}

static void each_firewall_has_its_command(void **state)
{
	struct firewall ufw = {}, docker = {}, plain = {}, nft = {};
	struct firewall legacy = { .count = 1, .chain[0] = { .owners = FIREWALL_LEGACY | FIREWALL_DOCKER,
							     .drops = true, .family = "ip", .table = "filter",
							     .name = "FORWARD" } };

	chain(&ufw, "ip", "filter", "FORWARD", true);
	other_chain(&ufw, "filter", "ufw-user-forward");
	is_opened_by(&ufw, &web, "ufw route allow proto tcp to 192.168.1.10 port 80");
	is_opened_by(&ufw, &range, "ufw route allow proto udp to 192.168.1.11 port 3000:3009");
	chain(&docker, "ip", "filter", "FORWARD", true);
	other_chain(&docker, "filter", "DOCKER-USER");
	is_opened_by(&docker, &web, "iptables -I DOCKER-USER -p tcp -m conntrack --ctorigdst 192.168.1.10 "
				    "--ctorigdstport 80 -j ACCEPT");
	is_opened_by(&legacy, &range, "iptables-legacy -I DOCKER-USER -p udp -m conntrack --ctorigdst 192.168.1.11 "
				      "--ctorigdstport 3000:3009 -j ACCEPT");
	chain(&plain, "ip", "filter", "FORWARD", true);
	is_opened_by(&plain, &web, "iptables -I FORWARD -p tcp -m conntrack --ctorigdst 192.168.1.10 "
				   "--ctorigdstport 80 -j ACCEPT");
	chain(&nft, "inet", "my-table", "fwd.1", true);
	is_opened_by(&nft, &range, "nft insert rule inet my-table fwd.1 meta l4proto udp ct original ip daddr "
				   "192.168.1.11 ct original proto-dst 3000-3009 accept");
}

/* It accepts by its policy and rejects by its last rule. */
static void firewalld_drops_whatever_its_policy(void **state)
{
	struct firewall f = {};

	chain(&f, "inet", "firewalld", "filter_FORWARD", false);
	is_opened_by(&f, &web, "firewall-cmd --permanent --new-policy ebpfnet; "
			       "firewall-cmd --permanent --policy ebpfnet --add-ingress-zone ANY; "
			       "firewall-cmd --permanent --policy ebpfnet --add-egress-zone ANY; "
			       "firewall-cmd --permanent --policy ebpfnet --add-rich-rule 'rule family=ipv4 "
			       "destination address=192.168.1.10 port port=80 protocol=tcp accept'; "
			       "firewall-cmd --reload");
}

static void what_drops_nothing_needs_no_command(void **state)
{
	struct firewall f = {};

	is_opened_by(&f, &web, NULL);
	chain(&f, "ip", "filter", "FORWARD", false);
	other_chain(&f, "filter", "ufw-user-forward");
	chain(&f, "ip", "docker-bridges", "filter-FORWARD", false);
	is_opened_by(&f, &web, NULL);
}

/* A packet has to be accepted by each chain. */
static void two_that_drop_need_two_commands(void **state)
{
	struct firewall f = {};

	chain(&f, "ip", "filter", "FORWARD", true);
	chain(&f, "ip", "quiet", "forward", false);
	chain(&f, "ip", "docker-bridges", "filter-FORWARD", true);
	is_opened_by(&f, &web, "iptables -I FORWARD -p tcp -m conntrack --ctorigdst 192.168.1.10 --ctorigdstport 80 "
			       "-j ACCEPT; nft insert rule ip docker-bridges filter-FORWARD meta l4proto tcp ct "
			       "original ip daddr 192.168.1.10 ct original proto-dst 80 accept");
}

/* Root of this network namespace chooses names of tables; the reader of the command pastes it into a shell. */
static void a_name_that_a_shell_would_read_otherwise_is_in_no_command(void **state)
{
	static const char *const bad[] = { "a;reboot", "$(reboot)", "a b", "-f", "`id`", "", "a|b",
		"x23456789012345678901234567890123456789012345678901234567890123456789" };
	size_t i;

	for (i = 0; i < COUNT(bad); i++) {
		struct firewall table = {}, name = {};

		chain(&table, "ip", bad[i], "forward", true);
		is_opened_by(&table, &web, NULL);
		chain(&name, "ip", "mine", bad[i], true);
		is_opened_by(&name, &web, NULL);
	}
}

static void commands_that_find_no_room_are_left_out_whole(void **state)
{
	char long_name[61], buf[FIREWALL_OPEN];
	struct firewall f = {};
	int i;

	memset(long_name, 'x', 60);
	long_name[60] = '\0';
	for (i = 0; i < FIREWALL_CHAINS; i++)
		chain(&f, "inet", long_name, long_name, true);
	assert_non_null(firewall_open(&f, &web, buf));
	assert_true(strlen(buf) > FIREWALL_OPEN / 2);
	assert_string_equal(buf + strlen(buf) - 7, " accept");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_owner_of_iptables_chain_is_known_by_its_other_chains),
		cmocka_unit_test(several_firewalls_are_all_named_once),
		cmocka_unit_test(each_firewall_has_its_command),
		cmocka_unit_test(firewalld_drops_whatever_its_policy),
		cmocka_unit_test(what_drops_nothing_needs_no_command),
		cmocka_unit_test(two_that_drop_need_two_commands),
		cmocka_unit_test(a_name_that_a_shell_would_read_otherwise_is_in_no_command),
		cmocka_unit_test(commands_that_find_no_room_are_left_out_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
