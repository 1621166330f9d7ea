# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# The tutorial, one test for each step. `run --hook classic tutorial` runs them against a bridge and
# iptables too.

test_step_1_namespaces_with_lo_up() {
	up
	must ip netns list
	like "$out" '^ns1'
	like "$out" '^ns2'
	like "$(on ns1 ip link show lo)" 'LOOPBACK,UP'
	like "$(on ns2 ip link show lo)" 'LOOPBACK,UP'
	pings ns1 127.0.0.1
}

test_step_2_host_pings_the_gateway() {
	up
	pings host $GATEWAY
}

test_step_3_pairs_addresses_and_routes() {
	up
	like "$(ip link show veth0)" 'UP.*state UP'
	like "$(ip link show veth1)" 'UP.*state UP'
	like "$(on ns1 ip address show ceth0)" "inet $NS1/24"
	like "$(on ns2 ip address show ceth1)" "inet $NS2/24"
	like "$(on ns1 ip route)" '^192.168.1.0/24 dev ceth0'
	like "$(on ns2 ip route)" '^192.168.1.0/24 dev ceth1'
	pings ns1 $NS1
	pings ns1 $GATEWAY
	pings ns2 $NS2
	pings ns2 $GATEWAY
}

test_step_4_namespaces_reach_each_other() {
	up
	pings ns1 $NS2
	pings ns2 $NS1
	serve ns2 tcp 7000
	serve ns1 udp 7000
	reaches ns1 tcp $NS2 7000 $NS1
	reaches ns2 udp $NS1 7000 $NS2
}

test_step_5_1_default_route_and_the_hosts_own_address() {
	up
	like "$(on ns1 ip route)" "^default via $GATEWAY dev ceth0"
	like "$(on ns2 ip route)" "^default via $GATEWAY dev ceth1"
	pings ns1 $HOST
	like "$out" 'ttl=64 '
}

test_step_5_2_the_uplink_never_sees_a_private_source() {
	up
	hear host eth0 icmp
	hear host veth0 icmp
	pings ns1 8.8.8.8
	heard host veth0
	like "$heard" "$NS1 > 8.8.8.8: ICMP echo request"
	like "$heard" "8.8.8.8 > $NS1: ICMP echo reply"
	heard host eth0
	like "$heard" "$HOST > 8.8.8.8: ICMP echo request"
	unlike "$heard" '192\.168\.1\.'
}

test_step_5_3_internet_answers() {
	up
	pings ns1 8.8.8.8
	pings ns2 8.8.8.8
	pings ns2 $INTERNET
}

test_step_6_web_server_in_a_namespace() {
	up
	start web on ns1 sh -c "echo ready; exec /usr/bin/python3 -m http.server 3000 -d $T"
	echo 'hello from ns1' > $T/index.html
	soon on ns1 curl -fs http://$NS1:3000/
	unreached internet tcp $HOST 5000 refused
	must ebpfnet expose ns1 5000:3000
	must on internet curl -fsS -m 3 http://$HOST:5000/
	is "$out" 'hello from ns1' 'what the web server said'
}

test_host_reaches_namespaces() {
	up
	pings host $NS1
	serve ns1 tcp 7000
	reaches host tcp $NS1 7000 $GATEWAY
}
