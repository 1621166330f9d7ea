# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# What reaches what: two networks, the host, published ports.
#
# hooks: any

BLUE=10.89.0.10 BLUE_GATEWAY=10.89.0.1

two_networks() { # OPTIONS of the second one
	up
	must ebpfnet network add blue "$@"
	must ebpfnet ns add b1 --network blue
}

filtered() { # FROM ADDR
	no_pings "$1" "$2"
	like "$out" 'Packet filtered|Communication administratively'
}

test_each_network_has_its_own_way_out_and_a_switch() {
	two_networks
	must ebpfnet ns add b2 --network blue
	pings b1 10.89.0.11
	pings b1 $BLUE_GATEWAY
	pings host $BLUE
	serve internet tcp 80
	serve internet udp 53
	reaches b1 tcp $INTERNET 80 $HOST
	reaches b1 udp $INTERNET 53 $HOST
	reaches ns1 tcp $INTERNET 80 $HOST
	must ebpfnet status
}

test_networks_do_not_reach_each_other_directly() {
	two_networks
	serve b1 tcp 80
	serve ns1 udp 53
	filtered ns1 $BLUE
	filtered b1 $NS1
	unreached ns1 tcp $BLUE 80 unreachable
	unreached b1 udp $NS1 53 unreachable
	[ "$(counter refused_isolated)" -ge 4 ] || fail "$(counter refused_isolated) counted as isolated"
	like "$(ebpfnet stats)" 'refused_isolated +[0-9]+ +refused: between networks'
}

test_nor_by_the_other_ones_gateway() {
	two_networks
	serve host tcp 80 $BLUE_GATEWAY
	filtered ns1 $BLUE_GATEWAY
	unreached ns1 tcp $BLUE_GATEWAY 80 unreachable
	reaches b1 tcp $BLUE_GATEWAY 80 $BLUE
	filtered ns1 10.89.0.255
	filtered ns1 10.89.0.77 # nobody's
}

test_nor_by_the_hosts_own_forwarding() {
	two_networks
	echo 1 > /proc/sys/net/ipv4/ip_forward
	serve b1 tcp 80
	filtered ns1 $BLUE
	unreached ns1 tcp $BLUE 80 unreachable
	# the host's own NAT leads there
	iptables -t nat -A PREROUTING -i ebpfnet0 -p tcp --dport 99 -j DNAT --to $BLUE:80
	hear b1 ceth2 tcp port 80
	WIRE_TIMEOUT=0.4 must_not on ns1 "$WIRE" ask tcp $GATEWAY 99
	heard b1 ceth2
	unlike "$heard" "> $BLUE"
	[ "$(counter unsolicited)" -ge 1 ] || fail "nothing was dropped at the gateway"
}

# A route of the host's into a network by an uplink changes nothing.
test_nor_by_an_uplink() {
	two_networks
	ip route add $BLUE via 172.31.0.1
	hear isp lan icmp
	filtered ns1 $BLUE
	heard isp lan
	unlike "$heard" ICMP
}

test_a_published_port_is_reached_from_every_network() {
	two_networks
	serve b1 tcp 80
	serve b1 udp 53
	must ebpfnet expose b1 8080:80
	must ebpfnet expose b1 53/udp
	reaches ns1 tcp $HOST 8080 $HOST
	reaches ns1 tcp $GATEWAY 8080 $GATEWAY
	reaches ns1 udp $HOST 53 $HOST
	reaches b1 tcp $HOST 8080 $HOST
	reaches host tcp $HOST 8080 $HOST
	reaches internet tcp $HOST 8080 $INTERNET
	like "$(ebpfnet exposed --network blue)" '8080 .*b1'
	unlike "$(ebpfnet exposed --network default)" 8080
	like "$(ebpfnet flows --network blue)" 'tcp .*b1'
	unlike "$(ebpfnet flows --network default)" '8080'
}

test_of_an_isolated_network_only_the_host_and_the_outside_reach_a_published_port() {
	two_networks --isolated
	serve b1 tcp 80
	serve ns1 tcp 81
	must ebpfnet expose b1 8080:80
	must ebpfnet expose ns1 8081:81
	unreached ns1 tcp $HOST 8080 unreachable
	unreached ns1 tcp $GATEWAY 8080 unreachable
	unreached b1 tcp $HOST 8081 unreachable
	reaches b1 tcp $HOST 8080 $HOST
	reaches host tcp $HOST 8080 $HOST
	reaches internet tcp $HOST 8080 $INTERNET
	reaches ns2 tcp $HOST 8081 $HOST
	pings b1 8.8.8.8
}

test_nothing_leaves_an_internal_network() {
	two_networks --internal
	must ebpfnet ns add b2 --network blue
	pings b1 10.89.0.11
	pings b1 $BLUE_GATEWAY
	pings host $BLUE
	is "$(ip -n b1 route show default)" "" "default route of an internal network"
	must ebpfnet status
	# root inside may add one
	ip -n b1 route add default via $BLUE_GATEWAY
	hear isp lan icmp
	filtered b1 8.8.8.8
	heard isp lan
	unlike "$heard" ICMP
	unreached b1 tcp $INTERNET 80 unreachable
	refused 'cannot publish for b1: network blue is internal' ebpfnet expose b1 8080:80
}

# Who routes there, and back, sees the sender's own address.
test_to_some_destinations_the_source_stays_as_it_is() {
	two_networks --no-masquerade 203.0.113.0/24,198.51.100.7
	ip -n isp route add 10.89.0.0/24 via $HOST
	serve internet tcp 80
	serve internet udp 53
	reaches b1 tcp $INTERNET 80 $BLUE
	reaches b1 udp $INTERNET 53 $BLUE
	pings b1 $INTERNET
	pings b1 8.8.8.8
	like "$(ebpfnet flows --json)" '"kind": "routed"'
	serve ns1 tcp 81
	reaches ns1 tcp $INTERNET 80 $HOST
	# what nobody inside has asked for does not come in
	WIRE_TIMEOUT=0.4 must_not on internet "$WIRE" ask tcp $BLUE 81
	[ "$(counter unsolicited)" -ge 1 ] || fail "not counted"
}

test_a_datagram_of_any_size_to_such_a_destination_comes_back() {
	two_networks --no-masquerade 203.0.113.0/24
	ip -n isp route add 10.89.0.0/24 via $HOST
	pings b1 $INTERNET -s 30000
	no_pings b1 $INTERNET -t1
	like "$out" "From $BLUE_GATEWAY"
	no_pings b1 $INTERNET -t2
	like "$out" 'From 172.31.0.1'
}

test_behind_a_prefilter_they_come_back_too() {
	up --xdp generic
	must ebpfnet network add blue --no-masquerade 203.0.113.0/24
	must ebpfnet ns add b1 --network blue
	ip -n isp route add 10.89.0.0/24 via $HOST
	pings b1 $INTERNET
}
