# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# firewalld: a policy from public to that zone, with a rich rule for A and port 80
#
# A reaches the published ports that lead to port 80, and nobody else does: but for a bridge's, as above. Namespaces
# reach the internet by a policy that accepts.

needs="dbus-daemon firewalld firewall-cmd"
rules() {
	begin_firewalld
	firewall-offline-cmd -q --zone=public --add-interface=eth0
	firewall-offline-cmd -q --new-zone=inside
	firewall-offline-cmd -q --zone=inside --add-interface=ebpfnet0
	firewall-offline-cmd -q --new-policy=in
	firewall-offline-cmd -q --policy=in --add-ingress-zone=public
	firewall-offline-cmd -q --policy=in --add-egress-zone=inside
	firewall-offline-cmd -q --policy=in \
		--add-rich-rule="rule family=ipv4 source address=$A port port=80 protocol=tcp accept"
	firewall-offline-cmd -q --new-policy=out
	firewall-offline-cmd -q --policy=out --add-ingress-zone=inside
	firewall-offline-cmd -q --policy=out --add-egress-zone=public
	firewall-offline-cmd -q --policy=out --set-target=ACCEPT
	start_firewalld
}
change() {
	firewall-cmd -q --policy=in --remove-rich-rule="rule family=ipv4 source address=$A port port=80 protocol=tcp accept"
}
expect="ns-host=unreachable"
expect_ebpfnet="$expect in-b=unreachable in-udp=unreachable in-closed=unreachable hairpin=unreachable own-port=unreachable"
expect_ebpfnet_changed="new-a=unreachable"
