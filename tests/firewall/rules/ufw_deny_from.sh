# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# ufw default allow routed; ufw deny from A
#
# "deny from" is a rule for what comes to the host itself: it does not apply to published ports, which are routed.
# "route deny from" does.

needs=ufw
rules() {
	begin_ufw nft
	ufw default allow routed
	ufw --force enable
	ufw allow 22/tcp
	ufw insert 1 deny from $A
}
change() {
	ufw route deny from $A
}
expect="a-host=silent"
expect_changed="new-a=silent"
