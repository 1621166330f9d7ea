# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# ufw enable; ufw route allow proto tcp from A to INSIDE port 80, where iptables is iptables-legacy
#
# The same as with iptables-nft. Its rules have no generation: a change applies to running flows within five seconds.

needs="ufw iptables-legacy"
generation=no
available() {
	iptables-legacy -S
}
rules() {
	begin_ufw legacy
	ufw --force enable
	ufw route allow proto tcp from $A to $NS1 port 80
}
change() {
	iptables-legacy -I FORWARD -s $A -p tcp --dport 80 -j DROP
}
expect="in-b=silent in-udp=silent in-ns2=silent in-closed=silent out-tcp=silent out-udp=silent
	out-closed=silent hairpin=silent own-port=silent ns-host=silent a-host=silent"
expect_changed="kept-a=silent new-a=silent"
