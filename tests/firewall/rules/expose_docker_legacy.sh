# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# Docker's rules, by iptables-legacy, and the command that expose prints for it
#
# It opens the published port, and nothing else.

needs="iptables-legacy-restore"
ways="stack ask"
generation=no
available() {
	iptables-legacy -S
}
rules() {
	docker_rules iptables-legacy
}
change() {
	type_what_expose_prints
}
expect="in-a=silent in-b=silent in-udp=silent in-ns2=silent in-closed=silent out-tcp=silent out-udp=silent out-ping=silent
	out-closed=silent hairpin=silent own-port=silent"
expect_changed="new-a=passes new-b=passes"
