# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A namespace with spoof=allow may use any address but one that has an owner.
#
# hooks: any

believed() { # ADDR: the MAC that ns1 has for it
	ip -j -n ns1 neigh show "$1" | json 'j[0].get("lladdr") if j else None'
}

# Linux believes an unasked reply if it knows the address already, and it changes its mind after a second (locktime).
test_spoof_allow_takes_no_address_that_has_an_owner() {
	up
	must ebpfnet ns add vm --spoof allow
	on ns1 sysctl -qw net.ipv4.neigh.ceth0.locktime=0
	pings ns1 $GATEWAY
	pings ns1 $NS2
	local gateway ns2
	gateway=$(believed $GATEWAY)
	ns2=$(believed $NS2)
	must "$TOP/tests/lib/frames.py" <<'P'
vm = Tap(craft.place("vm"), "ceth2")
for claimed in craft.GATEWAY, craft.NS2:
    for op in 1, 2:
        vm.send(Ether(src=vm.mac, dst=port1.mac) / ARP(op=op, hwsrc=vm.mac, psrc=claimed, hwdst=port1.mac, pdst=craft.NS1))
        vm.send(Ether(src=vm.mac, dst=BROADCAST) / ARP(op=op, hwsrc=vm.mac, psrc=claimed, hwdst=BROADCAST, pdst=claimed))
P
	is "$(believed $GATEWAY)" "$gateway" "the gateway's MAC, to ns1"
	is "$(believed $NS2)" "$ns2" "ns2's MAC, to ns1"
	is "$(counter spoofed_addr)" 8 "claims refused"
	# one that nobody has is believed
	on vm ip address add 192.168.1.66/24 dev ceth2
	pings ns1 192.168.1.66
	is "$(believed 192.168.1.66)" "$(ip -j -n vm link show ceth2 | json 'j[0]["address"]')" "the MAC of a free address"
}
