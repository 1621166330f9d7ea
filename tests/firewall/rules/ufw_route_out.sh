# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# ufw route allow in on ebpfnet0 out on eth0
#
# Namespaces reach the internet, and nobody reaches them.

needs=ufw
rules() {
	begin_ufw nft
	ufw --force enable
	ufw route allow in on ebpfnet0 out on eth0
}
change() {
	ufw route insert 1 deny in on ebpfnet0 out on eth0 to $A
}
expect="in-a=silent in-b=silent in-udp=silent in-ns2=silent in-closed=silent hairpin=silent own-port=silent
	ns-host=silent a-host=silent"
expect_changed="new-out=silent"
