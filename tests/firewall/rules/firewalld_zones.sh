# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# firewalld: eth0 in public, ebpfnet0 in a zone of its own
#
# From zone to zone nothing passes, and it is told so by ICMP. But firewalld accepts first what the host's NAT has
# translated (ct status dnat): so it lets by the published ports of a bridge, and not those of ebpfnet, which its
# policies apply to.

needs="dbus-daemon firewalld firewall-cmd"
rules() {
	begin_firewalld
	firewall-offline-cmd -q --zone=public --add-interface=eth0
	firewall-offline-cmd -q --new-zone=inside
	firewall-offline-cmd -q --zone=inside --add-interface=ebpfnet0
	start_firewalld
}
change() {
	firewall-cmd -q --permanent --new-policy=out
	firewall-cmd -q --permanent --policy=out --add-ingress-zone=inside
	firewall-cmd -q --permanent --policy=out --add-egress-zone=public
	firewall-cmd -q --permanent --policy=out --set-target=ACCEPT
	firewall-cmd -q --reload
}
expect="out-tcp=unreachable out-udp=unreachable out-ping=unreachable out-closed=unreachable ns-host=unreachable"
expect_changed="new-out=passes"
expect_ebpfnet="$expect in-a=unreachable in-b=unreachable in-udp=unreachable in-ns2=unreachable in-closed=unreachable
	hairpin=unreachable own-port=unreachable"
expect_ebpfnet_changed="new-out=passes"
