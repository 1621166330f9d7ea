# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# IPv6 between namespaces: any address that a namespace chooses, and nobody else's.
#
# hooks: any

# A device sends from none of its addresses until duplicate address detection of its link-local one is over.
soon_pings() { # FROM ADDR [OPTIONS]
	soon on "$1" ping -n -c1 -W0.3 "${@:3}" "$2"
}

give() { # NS DEV ADDR: without duplicate address detection, so that it can be used at once
	on "$1" ip address add "$3/64" dev "$2" nodad
}

test_namespaces_choose_their_ipv6_addresses() {
	up
	give ns1 ceth0 fd00::a
	give ns2 ceth1 fd00::b
	soon_pings ns1 fd00::b
	# RFC 7217 and RFC 8981 choose others, with duplicate address detection
	on ns1 ip address add fd00::5c1d:90e2:aa:1/64 dev ceth0
	soon_pings ns1 fd00::b -I fd00::5c1d:90e2:aa:1
	is "$(counter spoofed_addr)" 0 "packets dropped"
}

test_nobody_takes_anothers_ipv6_address() {
	up
	must ebpfnet ns add vm --spoof allow
	give ns1 ceth0 fd00::a
	give ns2 ceth1 fd00::b
	soon_pings ns1 fd00::b
	local mac
	mac=$(on ns1 ip -j neigh show fd00::b | json 'j[0]["lladdr"]')
	give vm ceth2 fd00::b
	give vm ceth2 fd00::c
	soon_pings vm fd00::a -I fd00::c
	no_pings vm fd00::a -I fd00::b
	on vm ip -6 neigh flush all
	probe '
import struct
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import Ether
vm = place("vm").socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
vm.bind(("ceth2", 0))
own = ":".join("%02x" % b for b in vm.getsockname()[4])
for _ in range(3):
    vm.send(bytes(Ether(src=own, dst="33:33:00:00:00:01") / IPv6(src="fd00::c", dst="ff02::1", hlim=255) /
                  ICMPv6ND_NA(tgt="fd00::b", R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=own)))
'
	is "$(on ns1 ip -j neigh show fd00::b | json 'j[0]["lladdr"]')" "$mac" "the MAC of ns2's address, to ns1"
	# duplicate address detection hears of the owner
	sleep 5 # its own detection counts as over
	on vm ip address add fd00::a/64 dev ceth2
	soon eval 'on vm ip -6 address show dev ceth2 | grep -q "fd00::a/64.*dadfailed"'
}

test_an_ipv6_address_that_is_given_is_its_namespaces() {
	up
	must ebpfnet ns add web --ipv6-addr fd00::80,2001:db8::80
	give ns1 ceth0 fd00::a
	give web ceth2 fd00::80
	give ns2 ceth1 2001:db8::80
	give ns1 ceth0 2001:db8::a
	give ns2 ceth1 2001:db8::b
	soon_pings ns2 2001:db8::a -I 2001:db8::b
	no_pings ns2 2001:db8::a -I 2001:db8::80
	soon_pings ns1 fd00::80
	# the namespace keeps it with another device
	ip link del veth2
	must ebpfnet up
	no_pings ns2 2001:db8::a -I 2001:db8::80
	refused "2001:db8::80 is namespace web's" ebpfnet ns add other --ipv6-addr fd00::81,2001:db8::80
	must ebpfnet ns del web
	soon_pings ns2 2001:db8::a -I 2001:db8::80
}

test_what_is_no_ipv6_address_is_refused() {
	up
	local wrong
	for wrong in 192.0.2.1 fd00::g :: ::1 ff02::1 ::ffff:192.0.2.1 fd00::1,, fd00::1,x ,fd00::1; do
		misused '(is no IPv6 address of a node|twice)' ebpfnet ns add other --ipv6-addr "$wrong"
	done
	misused 'needs an address' ebpfnet ns add other --ipv6-addr ''
	misused 'twice' ebpfnet ns add other --ipv6-addr fd00::1,fd00::1
	misused '4 addresses at most' ebpfnet ns add other --ipv6-addr fd00::1,fd00::2,fd00::3,fd00::4,fd00::5
}
