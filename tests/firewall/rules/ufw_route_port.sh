# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# ufw route allow proto tcp from A to INSIDE port 80
#
# A reaches the published port, and nobody else does. A rule that is removed again ends no connection: ufw accepts
# established ones first.

needs=ufw
rules() {
	begin_ufw nft
	ufw --force enable
	ufw route allow proto tcp from $A to $NS1 port 80
}
change() {
	ufw route delete allow proto tcp from $A to $NS1 port 80
}
expect="in-b=silent in-udp=silent in-ns2=silent in-closed=silent out-tcp=silent out-udp=silent
	out-closed=silent hairpin=silent own-port=silent ns-host=silent a-host=silent"
expect_changed="new-a=silent"
