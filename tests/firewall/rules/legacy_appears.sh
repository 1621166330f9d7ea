# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# iptables-legacy: the host's first rules at FORWARD, while connections are running
#
# They apply to these, too.

needs=iptables-legacy
generation=no
available() {
	iptables-legacy -S
}
rules() {
	:
}
change() {
	iptables-legacy -A FORWARD -s $A -p tcp --dport 80 -j DROP
}
expect=""
expect_changed="kept-a=silent new-a=silent"
