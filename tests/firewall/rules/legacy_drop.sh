# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# iptables-legacy: policy DROP, established ones and A's to port 80 accepted
#
# Its rules have no generation: a change applies to running flows within five seconds.

needs=iptables-legacy
generation=no
available() {
	iptables-legacy -S
}
rules() {
	iptables-legacy -P FORWARD DROP
	iptables-legacy -A FORWARD -m conntrack --ctstate INVALID -j DROP
	iptables-legacy -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
	iptables-legacy -A FORWARD -i eth0 -o ebpfnet0 -s $A -p tcp --dport 80 -j ACCEPT
	iptables-legacy -A FORWARD -i ebpfnet0 -o eth0 -j ACCEPT
}
change() {
	iptables-legacy -I FORWARD -s $A -p tcp --dport 80 -j DROP
}
expect="in-b=silent in-udp=silent in-closed=silent hairpin=silent own-port=silent"
expect_changed="kept-a=silent new-a=silent"
