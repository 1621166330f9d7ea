# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# firewalld with ebpfnet0 in a zone of its own, and the command that expose prints for it
#
# It opens the published port, and nothing else.

needs="dbus-daemon firewalld firewall-cmd"
ways="stack ask"
rules() {
	begin_firewalld
	firewall-offline-cmd -q --zone=public --add-interface=eth0
	firewall-offline-cmd -q --new-zone=inside
	firewall-offline-cmd -q --zone=inside --add-interface=ebpfnet0
	start_firewalld
}
change() {
	type_what_expose_prints
}
expect="in-a=unreachable in-b=unreachable in-udp=unreachable in-ns2=unreachable in-closed=unreachable
	out-tcp=unreachable out-udp=unreachable out-ping=unreachable out-closed=unreachable hairpin=unreachable
	own-port=unreachable ns-host=unreachable"
expect_changed="new-a=passes new-b=passes"
