# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Namespace -> outside, as the uplink's current address.
#
# hooks: any

test_tcp_udp_and_ping() {
	up
	serve internet tcp 7000
	serve internet udp 7000
	reaches ns1 tcp $INTERNET 7000 $HOST
	reaches ns1 udp $INTERNET 7000 $HOST
	pings ns1 $INTERNET
	reaches ns2 tcp $INTERNET2 7000 $HOST
}

test_with_ip_forward_0_and_1_left_as_found() {
	local value
	for value in 0 1; do
		echo $value > /proc/sys/net/ipv4/ip_forward
		up
		pings ns1 $INTERNET
		is "$(< /proc/sys/net/ipv4/ip_forward)" $value ip_forward
		must ebpfnet down
		is "$(< /proc/sys/net/ipv4/ip_forward)" $value "ip_forward after down"
	done
}

test_errors_from_outside_reach_the_socket() {
	up
	unreached ns1 udp $INTERNET 9 refused # ICMP port unreachable
	unreached ns1 tcp $INTERNET 9 refused # RST
	ip -n isp route add prohibit 203.0.113.66
	must_not on ns1 ping -n -c1 -W1 203.0.113.66
	like "$out" 'Packet filtered'
}

test_no_route_is_answered_with_an_icmp_error() {
	up
	ip route add unreachable 198.51.100.0/24
	must_not on ns1 ping -n -c1 -W1 198.51.100.1
	like "$out" "From $GATEWAY icmp_seq=1 (Destination|Packet|Network)"
}

test_only_replies_come_back() {
	up
	serve internet udp 7000 $INTERNET
	serve internet udp 7001 $INTERNET
	serve ns1 udp 8000
	reaches ns1 udp $INTERNET 7000 $HOST 6000
	hear ns1 ceth0 -Q in udp
	run on internet "$WIRE" ask udp $HOST 6000 7001  # not the port that was asked
	run on internet "$WIRE" ask udp $HOST 8000       # nobody asked
	heard ns1 ceth0
	is "$heard" "" "what came in unasked"
}

test_large_transfers_arrive_whole() {
	up
	serve internet tcp 7000
	must on ns1 "$WIRE" copy $INTERNET 7000 50000000
}

test_a_hundred_connections_at_once() {
	up
	serve internet tcp 7000
	must on ns1 bash -c "for i in \$(seq 100); do printf 'who\n' > /dev/tcp/$INTERNET/7000 & done; wait"
	like "$(ebpfnet flows --json | json 'len(j["flows"]) >= 100')" True
}

test_udp_gso() {
	up
	serve internet udp 7000
	must on ns1 "$WIRE" gso $INTERNET 7000 1400 40
}

test_a_live_connection_survives_up_and_other_namespaces() {
	up
	serve internet tcp 7000
	converse ns1 tcp $INTERNET 7000
	say one
	up
	must ebpfnet ns add other
	must ebpfnet expose other 9000
	must ebpfnet ns del other
	say two
}

# A namespace with a bridge in it, and behind that another one: its own MAC, its own address.
with_a_neighbour_far() {
	up
	must ebpfnet ns add free --spoof allow # ceth2
	ip netns add far
	ip -n free link add far0 type veth peer name eth0 netns far
	ip -n free link add br0 type bridge
	ip -n free link set ceth2 master br0
	ip -n free link set far0 master br0 up
	ip -n free link set br0 up
	ip -n far address add 192.168.1.200/24 dev eth0
	ip -n far link set eth0 up
	ip -n far route add default via $GATEWAY
	soon on far ping -n -c1 -W1 $GATEWAY # once the bridge forwards
}

test_a_neighbour_behind_a_namespace() {
	with_a_neighbour_far
	serve internet tcp 7000
	pings far $INTERNET
	reaches far tcp $INTERNET 7000 $HOST
	converse far tcp $INTERNET 7000
	say one
	must ebpfnet ns add other
	say two
	is "$(counter flow_ended)" 0 "flows ended"
	must_not on far ping -n -c1 -W1 -t2 $INTERNET
	like "$out" 'From 172.31.0.1 icmp_seq=1 Time to live exceeded'
}

test_a_route_to_an_unmanaged_device_is_refused() {
	up
	ip link add up1 address 06:00:0a:09:09:02 type veth peer name lan1 netns isp
	ip -n isp address add 10.9.9.1/24 dev lan1
	ip -n isp link set lan1 up
	ip address add 10.9.9.2/24 dev up1
	ip link set up1 up
	ip route replace $INTERNET2 via 10.9.9.1
	must_not on ns1 ping -n -c1 -W1 $INTERNET2 # not hooked: the answer could not be seen
	like "$out" "From $GATEWAY icmp_seq=1 Destination Net Unreachable"
	is "$(counter egress_unmanaged)" 0 "drops, as an error was sent"
	pings ns1 $INTERNET
}
