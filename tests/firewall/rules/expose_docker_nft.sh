# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# Docker's rules, by iptables-nft, and the command that expose prints for it
#
# It opens the published port, and nothing else.

needs="iptables-nft-restore"
ways="stack ask"
rules() {
	iptables_is nft
	docker_rules iptables-nft
}
change() {
	type_what_expose_prints
}
expect="in-a=silent in-b=silent in-udp=silent in-ns2=silent in-closed=silent out-tcp=silent out-udp=silent out-ping=silent
	out-closed=silent hairpin=silent own-port=silent"
expect_changed="new-a=passes new-b=passes"
