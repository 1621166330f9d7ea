# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A host without a default route: a laptop in a train, a machine before DHCP. Its network works, and gets a way out
# when the host gets one.
#
# hooks: any

offline() {
	ip address flush dev eth0
}

online() {
	ip address add $HOST/20 dev eth0
	ip route add default via 172.31.0.1
}

test_up_without_a_default_route() {
	ip route del default
	up
	like "$err" '^ebpfnet: warning: the host has no default route'
	is "$(wc -l < $T/err)" 1 "lines of warning"
	like "$out" 'out through eth0'
	pings ns1 172.31.0.1 # by the route that there is
	pings ns1 $NS2
	pings ns1 $GATEWAY
	pings host $NS1
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	reaches ns2 tcp $HOST 5000 $HOST
	reaches host tcp $HOST 5000 $HOST
}

test_packets_are_refused_meanwhile_and_status_says_so() {
	offline
	up
	like "$out" 'out through no device yet'
	must_not on ns1 ping -n -c1 -W1 $INTERNET
	like "$out" "From $GATEWAY icmp_seq=1 Destination Net Unreachable"
	unreached ns1 tcp $INTERNET 7000 unreachable
	must_be_unhealthy
	is "$(grep -c 'no default route' <<< "$out")" 1 "lines of status about it"
	is "$(ebpfnet status --json | json 'len(j["problems"])')" 1 "problems"
}

test_the_next_up_takes_the_way_out() {
	offline
	up
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	serve internet tcp 7000
	online
	must_be_unhealthy
	like "$out" 'the default route leads through eth0, which has no programs.*ebpfnet up'
	hear isp lan src net 192.168.1.0/24
	unreached ns1 tcp $INTERNET 7000 unreachable
	heard isp lan
	is "$heard" "" "what leaves untranslated"
	must ebpfnet up
	reaches ns1 tcp $INTERNET 7000 $HOST
	reaches internet tcp $HOST 5000 $INTERNET
	is "$(ebpfnet status --json | json 'j["problems"]')" "[]" "problems"
}

test_monitor_takes_the_way_out() {
	offline
	up
	ebpfnet monitor --repair > $T/monitor.out 2> $T/monitor.err &
	soon grep -q 'no default route' $T/monitor.out
	online
	soon grep -q 'repaired: out through eth0' $T/monitor.out
	pings ns1 $INTERNET
	is "$(< $T/monitor.err)" "" "errors of monitor"
}

test_a_default_route_that_goes_is_said() {
	up
	is "$(ebpfnet status --json | json 'j["problems"]')" "[]" "problems"
	offline
	must_be_unhealthy
	like "$out" 'no default route'
	online
	pings ns1 $INTERNET
	is "$(ebpfnet status --json | json 'j["problems"]')" "[]" "problems"
}

# The only way out is one that ebpfnet cannot use: the network works all the same, and the reason is said.
test_up_with_a_default_route_through_no_uplink() {
	offline
	ip route add default dev lo
	up
	like "$err" '^ebpfnet: warning: the default route leads through lo, which is neither an Ethernet device nor one of IP'
	pings ns1 $NS2
	must_not on ns1 ping -n -c1 -W1 $INTERNET
	like "$out" "From $GATEWAY icmp_seq=1 Destination Net Unreachable"
	must ebpfnet down
}

test_down_of_a_network_that_was_never_online() {
	local before
	offline
	before=$(snapshot)
	up
	must ebpfnet up
	must ebpfnet down
	is "$(diff <(echo "$before") <(snapshot))" "" "what down left"
}
