# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# iptables-legacy: REJECT, by a TCP reset and by ICMP
#
# A refusal reaches the client, from outside and from inside, as what it is.

needs=iptables-legacy
generation=no
available() {
	iptables-legacy -S
}
rules() {
	iptables-legacy -A FORWARD -i eth0 -s $B -p tcp -j REJECT --reject-with tcp-reset
	iptables-legacy -A FORWARD -i eth0 -p udp --dport 53 -j REJECT
	iptables-legacy -A FORWARD -i ebpfnet0 -o eth0 -m conntrack --ctstate NEW -j REJECT --reject-with icmp-admin-prohibited
}
change() {
	iptables-legacy -I FORWARD -i eth0 -p tcp --dport 80 -s $A -j REJECT --reject-with tcp-reset
}
expect="in-b=refused in-udp=refused out-tcp=unreachable out-udp=unreachable out-ping=unreachable out-closed=unreachable"
expect_changed="kept-a=refused new-a=refused"
