# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A path to the internet with a smaller MTU than the uplink: path MTU discovery (RFC 1191).
#
# hooks: any

test_error_of_a_router_reaches_the_namespace() {
	up
	lab-mtu 1400
	must_not on ns1 ping -n -c1 -W1 -M do -s 1450 $INTERNET
	like "$out" 'From 172.31.0.1 icmp_seq=1 Frag needed and DF set \(mtu = 1400\)'
	like "$(on ns1 ip route get $INTERNET)" 'mtu 1400'
}

test_stream_out_finds_the_mtu() {
	up
	lab-mtu 1300
	serve internet tcp 7000
	must on ns1 "$WIRE" copy $INTERNET 7000 5000000
	like "$(on ns1 ip route get $INTERNET)" 'mtu 1300'
}

test_stream_of_a_published_server_finds_the_mtu() {
	up
	lab-mtu 1300
	serve ns1 tcp 5000
	must ebpfnet expose ns1 5000
	must on internet "$WIRE" copy $HOST 5000 5000000
	like "$(on ns1 ip route get $INTERNET)" 'mtu 1300'
}

test_stream_finds_the_uplinks_mtu() {
	up
	ip link set eth0 mtu 1400
	ip -n isp link set lan mtu 1400 # a link has one MTU for both ends
	serve internet tcp 7000
	must on ns1 "$WIRE" copy $INTERNET 7000 5000000
	like "$(on ns1 ip route get $INTERNET)" 'mtu 1400'
}

test_endpoints_have_the_uplinks_mtu() {
	ip link set eth0 mtu 1450
	up
	like "$(on ns1 ip link show ceth0)" 'mtu 1450'
	like "$(ip link show veth0)" 'mtu 1450'
	like "$(ip link show ebpfnet0)" 'mtu 1450'
}

test_udp_learns_the_mtu_too() {
	up
	lab-mtu 1300
	serve internet udp 7000
	run on ns1 "$WIRE" gso $INTERNET 7000 1400 4 # lost, and told
	must on ns1 "$WIRE" gso $INTERNET 7000 1200 4
	like "$(on ns1 ip route get $INTERNET)" 'mtu 1300'
}
