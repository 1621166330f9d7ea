# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A packet that is larger than a route or a device takes is fragmented, or its sender is told: it does not vanish.
#
# hooks: any

# The kernel's forwarding takes a route's MTU whether it is locked or not.
test_the_mtu_of_a_route_is_told() {
	up
	pings ns1 $INTERNET -M do -s 1450
	ip route change default via 172.31.0.1 mtu 1400
	must_not on ns1 ping -n -c1 -W1 -M do -s 1450 $INTERNET
	like "$out" "From $GATEWAY icmp_seq=1 Frag needed and DF set \(mtu = 1400\)"
	ip route change default via 172.31.0.1
	on ns1 ip route flush cache
	pings ns1 $INTERNET -M do -s 1450
}

test_a_stream_finds_the_mtu_of_a_route() {
	up
	serve internet tcp 7000
	ip route change default via 172.31.0.1 mtu 1400
	must on ns1 "$WIRE" copy $INTERNET 7000 2000000
	like "$(on ns1 ip route get $INTERNET)" 'mtu 1400'
}

test_the_mtu_is_that_of_the_longest_prefix() {
	up
	ip route add 203.0.113.0/24 via 172.31.0.1 mtu 1300
	ip route add 203.0.113.11/32 via 172.31.0.1
	ip route add 203.0.113.10/31 via 172.31.0.1 mtu 1200
	ip route add 8.8.8.0/24 via 172.31.0.1 mtu lock 1100
	must_not on ns1 ping -n -c1 -W1 -M do -s 1450 $INTERNET
	like "$out" 'mtu = 1200'
	pings ns1 $INTERNET2 -M do -s 1450
	must_not on ns1 ping -n -c1 -W1 -M do -s 1450 203.0.113.1
	like "$out" 'mtu = 1300'
	must_not on ns1 ping -n -c1 -W1 -M do -s 1450 8.8.8.8
	like "$out" 'mtu = 1100'
}

test_a_rule_of_the_hosts_leaves_the_mtu() {
	up
	ip rule add from 192.0.2.1 lookup 100
	ip route change default via 172.31.0.1 mtu 1400
	must_not on ns1 ping -n -c1 -W1 -M do -s 1450 $INTERNET
	like "$out" 'mtu = 1400'
	pings ns1 $INTERNET -s 3000
}

# TCP without path MTU discovery (ip_no_pmtu_disc, or a socket's own choice): its segments are made to fit.
test_a_stream_without_df_gets_through() {
	local lock
	up
	on ns1 sh -c 'echo 1 > /proc/sys/net/ipv4/ip_no_pmtu_disc'
	serve internet tcp 7000
	for lock in '' lock; do
		# shellcheck disable=SC2086
		ip route change default via 172.31.0.1 mtu $lock 1300
		must on ns1 "$WIRE" copy $INTERNET 7000 2000000
	done
}

test_a_server_without_df_gets_through() {
	up
	on ns1 sh -c 'echo 1 > /proc/sys/net/ipv4/ip_no_pmtu_disc'
	serve ns1 tcp 5000
	must ebpfnet expose ns1 5000
	ip route change default via 172.31.0.1 mtu 600
	must on internet "$WIRE" copy $HOST 5000 2000000
}

# Several datagrams in one packet (UDP_SEGMENT) stay datagrams: each is fragmented, or the sender is told.
test_udp_segments_without_df_arrive_or_are_told() {
	up
	on ns1 sh -c 'echo 1 > /proc/sys/net/ipv4/ip_no_pmtu_disc'
	serve internet udp 7000
	ip route change default via 172.31.0.1 mtu 1300
	run on ns1 "$WIRE" gso $INTERNET 7000 1400 4
	[ "$status" = 0 ] || like "$(on ns1 ip route get $INTERNET)" 'expires .* mtu'
	must on ns1 "$WIRE" gso $INTERNET 7000 500 4
}

# ---- into a namespace

# The device inside has a smaller MTU than the host's: the host learns it, as from a router.
test_the_host_learns_the_mtu_inside() {
	up
	on ns1 ip link set ceth0 mtu 1300
	pings host $NS1 -M do -s 1272
	must_not ping -n -c1 -W1 -M do -s 1450 $NS1
	like "$out" "From $NS1 icmp_seq=1 Frag needed and DF set \(mtu = 1300\)"
	like "$(ip route get $NS1)" 'mtu 1300'
	serve ns1 udp 7000
	serve ns1 tcp 7000
	must "$WIRE" copy $NS1 7000 2000000
	is "$(counter too_big)" 0 "packets dropped as too big"
	on ns1 ip link set ceth0 mtu 1500
	ip route flush cache
	pings host $NS1 -M do -s 1450
}

# Without DF, too: then the host fragments, and all of it arrives.
test_the_host_fragments_for_the_mtu_inside() {
	up
	on ns1 ip link set ceth0 mtu 1300
	ping -n -c1 -W0.3 -M dont -s 1450 $NS1 > /dev/null || true # it learns by this one
	pings host $NS1 -M dont -s 1450
	pings host $NS1 -M dont -s 1300
	pings host $NS1 -M dont -s 4000
}

test_what_is_too_large_for_inside_and_not_told_is_counted() {
	local mac
	up
	mac=$(ip -n ns1 -br link show ceth0 | awk '{ print $3 }')
	on ns1 ip link set ceth0 mtu 1300
	is "$(counter too_big)" 0 "frames dropped before"
	hear ns1 ceth0 ether proto 0x1234
	"$WIRE" frame ebpfnet0 "dst=$mac" type=0x1234 size=1300
	must_not "$WIRE" frame ebpfnet0 "dst=$mac" type=0x1234 size=1400
	like "$err" 'No buffer space' # as from any device that drops
	heard ns1 ceth0
	is "$(grep -c 0x1234 <<< "$heard")" 1 "frames that arrived"
	is "$(counter too_big)" 1 "frames dropped as too big"
}
