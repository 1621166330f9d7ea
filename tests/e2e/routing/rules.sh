# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# `ip rule`: by protocol, port, device and source, as the kernel's own forwarding applies them.
#
# hooks: any
source "$TOP/tests/lib/second_provider.sh"

test_a_rule_by_port() {
	up
	serve internet tcp 25
	serve internet tcp 80
	reaches ns1 tcp $INTERNET 25 $HOST
	reaches ns1 tcp $INTERNET 80 $HOST
	ip rule add pref 500 ipproto tcp dport 25 prohibit
	unreached ns1 tcp $INTERNET 25 unreachable
	reaches ns1 tcp $INTERNET 80 $HOST
	unreached ns1 tcp $INTERNET 25 unreachable
	ip rule del pref 500
	reaches ns1 tcp $INTERNET 25 $HOST
}

test_a_rule_by_source_port() {
	up
	serve internet udp 53
	ip rule add pref 500 ipproto udp sport 4000-4009 prohibit
	must_not on ns1 "$WIRE" ask udp $INTERNET 53 4005
	reaches ns1 udp $INTERNET 53 $HOST 4010
}

test_a_rule_by_protocol() {
	up
	serve internet tcp 80
	serve internet udp 53
	reaches ns1 udp $INTERNET 53 $HOST
	ip rule add pref 500 ipproto udp prohibit
	unreached ns1 udp $INTERNET 53 unreachable
	reaches ns1 tcp $INTERNET 80 $HOST
	pings ns1 $INTERNET
	ip rule del pref 500
	ip rule add pref 500 ipproto icmp prohibit
	no_pings ns1 $INTERNET
	reaches ns1 udp $INTERNET 53 $HOST
}

# A connection that a rule comes to prohibit ends; the others do not.
test_a_rule_stops_a_known_flow() {
	up
	serve internet tcp 7000
	serve internet tcp 7001
	converse ns1 tcp $INTERNET 7000
	say one
	say two
	say three
	ip rule add pref 500 ipproto tcp dport 7001 prohibit
	say four
	ip rule add pref 501 ipproto tcp dport 7000 prohibit
	say_in_vain five
}

test_a_rule_by_source() {
	up
	serve internet tcp 80
	ip rule add pref 500 from $NS1 prohibit
	unreached ns1 tcp $INTERNET 80 unreachable
	reaches ns2 tcp $INTERNET 80 $HOST
}

test_a_rule_by_port_chooses_the_provider() {
	second_provider
	up --uplink eth0 --uplink eth1
	serve internet tcp 25
	serve internet tcp 80
	ip rule add pref 500 ipproto tcp dport 25 lookup 100
	reaches ns1 tcp $INTERNET 25 $SECOND
	reaches ns1 tcp $INTERNET 80 $HOST
	reaches ns1 tcp $INTERNET 25 $SECOND
}

# Answers leave by the provider that gave the address they carry.
test_answers_leave_by_the_provider_of_their_address() {
	second_provider
	up --uplink eth0 --uplink eth1
	must ebpfnet expose ns1 5000
	must ebpfnet expose ns1 5000/udp
	serve ns1 tcp 5000
	serve ns1 udp 5000
	ip rule add pref 500 from $SECOND lookup 100
	hear isp lan src host $SECOND
	reaches internet tcp $SECOND 5000 $INTERNET
	reaches internet udp $SECOND 5000 $INTERNET
	must on internet "$WIRE" copy $SECOND 5000 1000000
	reaches internet tcp $HOST 5000 $INTERNET
	must ebpfnet expose ns1 5001/udp # where nobody answers: the error about it carries that address, too
	unreached internet udp $SECOND 5001 refused
	heard isp lan
	is "$heard" "" "what leaves by the first provider with the second's address"
}

test_answers_follow_a_rule_that_comes_later() {
	second_provider
	up --uplink eth0 --uplink eth1
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	ip rule add pref 500 from $SECOND lookup 100
	converse internet tcp $SECOND 5000
	say one
	say two
	hear isp lan2 src host $SECOND
	ip rule del pref 500
	say three
	heard isp lan2
	is "$heard" "" "what leaves by the second provider without a rule"
}

# Paths of equal cost chosen by ports: a flow keeps its path, and its address.
test_paths_chosen_by_ports_keep_their_flows() {
	local i
	second_provider
	echo 1 > /proc/sys/net/ipv4/fib_multipath_hash_policy
	ip route replace default nexthop via 172.31.0.1 dev eth0 nexthop via 198.51.100.1 dev eth1
	up
	serve internet tcp 7000
	converse ns1 tcp $INTERNET 7000
	say begin
	for i in {1..20}; do
		must on ns1 "$WIRE" ask tcp $INTERNET 7000
		echo "${out% *}" >> $T/seen
		say "line-$i"
	done
	is "$(sort -u $T/seen | wc -l)" 2 "addresses that the connections had"
}

# The kernel sees packets of namespaces come from the gateway device, as from a bridge.
test_a_rule_by_device() {
	up
	serve internet tcp 80
	reaches ns1 tcp $INTERNET 80 $HOST
	ip rule add pref 500 iif ebpfnet0 prohibit
	unreached ns1 tcp $INTERNET 80 unreachable
	pings ns1 $NS2
	ip rule del pref 500
	ip rule add pref 500 iif eth0 prohibit
	reaches ns1 tcp $INTERNET 80 $HOST
}

# The gateway device forwards, for the questions' sake: that lets nothing out untranslated, whatever the host does.
test_nothing_is_forwarded_by_the_hosts_stack() {
	up
	is "$(< /proc/sys/net/ipv4/ip_forward)" 0 "ip_forward"
	serve internet udp 7000
	hear isp lan src net 192.168.1.0/24
	iptables -t nat -A PREROUTING -i ebpfnet0 -p udp --dport 9 -j DNAT --to $INTERNET:7000
	unreached ns1 udp $GATEWAY 9 silent
	ip address del $GATEWAY/24 dev ebpfnet0
	must_not on ns1 ping -n -c1 -W0.3 $GATEWAY
	heard isp lan
	is "$heard" "" "what leaves untranslated"
}
