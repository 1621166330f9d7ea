# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# The switch (IEEE 802.1D). Namespaces a and b may send from any address, as a switch or a virtual
# machine behind them would; 0x88b5 is the EtherType for experiments, FAR a host behind a or b.
#
# hooks: any

FAR=02:aa:00:00:00:01
TEST_FRAMES="ether proto 0x88b5 or (vlan and ether proto 0x88b5)"

with_switches() {
	up
	must ebpfnet ns add a --spoof allow # ceth2, .12
	must ebpfnet ns add b --spoof allow # ceth3, .13
}

frame() { # FROM DEV KEY=VALUE...
	must on "$1" "$WIRE" frame "${@:2}"
}

# Which port the switch has for FAR: veth2, or nothing.
port_of_far() {
	ebpfnet fdb --json | json '"".join(e["dev"] for e in j["fdb"] if e["mac"] == "'$FAR'" and e["kind"] == "learned")'
}

hear_everywhere() {
	hear ns1 ceth0 -Q in "$TEST_FRAMES"
	hear ns2 ceth1 -Q in "$TEST_FRAMES"
	hear a ceth2 -Q in "$TEST_FRAMES"
	hear b ceth3 -Q in "$TEST_FRAMES"
}

# Exactly these namespaces got frames since hear_everywhere().
heard_only_by() {
	local ns dev=0 got=
	for ns in ns1 ns2 a b; do
		heard $ns ceth$dev
		[ -z "$heard" ] || got="$got $ns"
		dev=$((dev + 1))
	done
	is "${got# }" "$*" "who heard it"
}

test_learns_a_mac() {
	with_switches
	is "$(port_of_far)" "" "port of a MAC that never sent"
	frame a ceth2 src=$FAR
	is "$(port_of_far)" veth2 "port of the MAC"
	hear_everywhere
	frame b ceth3 dst=$FAR
	heard_only_by a
}

test_follows_a_mac_that_moves() {
	with_switches
	frame a ceth2 src=$FAR
	frame b ceth3 src=$FAR
	is "$(port_of_far)" veth3 "port after the move"
	is "$(counter fdb_moved)" 1 "moves counted"
	hear_everywhere
	frame a ceth2 dst=$FAR
	heard_only_by b
}

test_forgets_a_mac_that_is_silent() {
	with_switches
	frame a ceth2 src=$FAR
	is "$(port_of_far)" veth2 "port of the MAC"
	must ebpfnet set fdb-age 1
	sleep 2.2
	is "$(port_of_far)" "" "port after more than fdb-age"
	hear_everywhere
	frame b ceth3 dst=$FAR
	heard_only_by ns1 ns2 a
}

test_ages_after_300_s_unless_set_otherwise() {
	up
	must ebpfnet get fdb-age
	is "$out" 300 fdb-age
}

test_floods_the_unknown_but_not_back() {
	with_switches
	hear_everywhere
	frame a ceth2 dst=02:bb:00:00:00:99
	heard_only_by ns1 ns2 b
}

test_floods_broadcast() {
	with_switches
	hear_everywhere
	frame ns2 ceth1 dst=ff:ff:ff:ff:ff:ff
	heard_only_by ns1 a b
}

test_floods_multicast() {
	with_switches
	hear_everywhere
	frame b ceth3 dst=01:00:5e:00:00:fb
	heard_only_by ns1 ns2 a
}

test_sends_nothing_back_by_its_port() {
	with_switches
	frame a ceth2 src=$FAR
	hear_everywhere
	frame a ceth2 dst=$FAR
	heard_only_by
	is "$(counter same_port)" 1 "frames counted as same_port"
}

test_keeps_reserved_groups_on_their_link() {
	local last
	with_switches
	hear_everywhere
	for last in 0 1 2 3 e f; do
		frame a ceth2 dst=01:80:c2:00:00:0$last
	done
	heard_only_by
	is "$(counter reserved_mcast)" 6 "frames counted"
	hear_everywhere # the next address is an ordinary group
	frame a ceth2 dst=01:80:c2:00:00:10
	heard_only_by ns1 ns2 b
}

test_carries_vlan_tags_unharmed() {
	with_switches
	frame b ceth3 src=$FAR
	hear_everywhere
	frame a ceth2 vlan=5 dst=$FAR size=100
	heard b ceth3
	like "$heard" "> $FAR, ethertype 802.1Q \(0x8100\), length 118: vlan 5, p 0, ethertype .*0x88b5"
	hear b ceth3 -Q in "$TEST_FRAMES"
	frame a ceth2 vlan=4094
	heard b ceth3
	like "$heard" "vlan 4094,"
}

test_routes_no_vlan() {
	with_switches
	hear host ebpfnet0
	frame a ceth2 vlan=5 dst=02:eb:c0:a8:01:01
	heard host ebpfnet0
	unlike "$heard" "0x88b5"
	is "$(counter vlan_to_gateway)" 1 "frames counted"
}

test_answers_arp_without_flooding() {
	up
	hear ns2 ceth1 arp
	hear host ebpfnet0 arp
	must ebpfnet ns add third
	pings ns1 192.168.1.12
	like "$(on ns1 ip neigh)" '192.168.1.12 dev ceth0 lladdr 02:eb:c0:a8:01:0c'
	pings ns1 $GATEWAY
	like "$(on ns1 ip neigh)" '192.168.1.1 dev ceth0 lladdr 02:eb:c0:a8:01:01'
	heard ns2 ceth1
	is "$heard" "" "ARP heard by a third party"
	heard host ebpfnet0
	unlike "$heard" 'who-has 192.168.1.1[0-9]? tell 192.168.1.10'
	[ "$(counter arp_answered)" -ge 2 ] || fail "ARP answers are not counted"
}

test_only_spoof_allow_ports_and_the_host_hear_arp_for_unknown_addresses() {
	up
	must ebpfnet ns add vm --spoof allow
	hear ns2 ceth1 arp
	hear vm ceth2 arp
	hear host ebpfnet0 arp
	frame ns1 ceth0 arp=192.168.1.99/$NS1
	heard vm ceth2
	like "$heard" "Request who-has 192.168.1.99 tell $NS1"
	heard host ebpfnet0
	like "$heard" "Request who-has 192.168.1.99 tell $NS1"
	heard ns2 ceth1
	unlike "$heard" "192.168.1.99"
	[ "$(counter arp_suppressed)" -ge 1 ] || fail "not counted"
}

test_namespaces_reach_each_other() {
	up
	serve ns2 tcp 7000
	serve ns2 udp 7000
	pings ns1 $NS2
	reaches ns1 tcp $NS2 7000 $NS1
	reaches ns1 udp $NS2 7000 $NS1
}

test_carries_tcp_in_gso_packets() {
	up
	serve ns2 tcp 7000
	hear ns2 ceth1 -c 3 'tcp and greater 20000'
	must on ns1 "$WIRE" copy $NS2 7000 100000000
	heard ns2 ceth1
	like "$heard" 'length [2-6][0-9]{4}'
}

test_carries_udp_in_gso_packets() {
	up
	serve ns2 udp 7000
	must on ns1 "$WIRE" gso $NS2 7000 1400 40
}

test_carries_jumbo_frames() {
	up
	like "$(on ns1 ip link show ceth0)" 'mtu 9001'
	pings ns1 $NS2 -M do -s 8973
	must_not on ns1 ping -c1 -W0.3 -M do -s 8974 $NS2
	pings ns1 $NS2 -s 20000 # in fragments
}

test_carries_ipv6_between_namespaces() {
	up
	local to
	to=$(on ns2 ip -6 -o address show dev ceth1 scope link | awk '{ sub("/.*", "", $4); print $4 }')
	soon on ns1 ping -6 -n -c1 -W1 "$to%ceth0"
}

test_uses_no_bridge() {
	up
	must ebpfnet ns add third
	must ebpfnet expose ns1 5000
	must ip -o link show type bridge
	is "$out" "" "bridge devices"
}
