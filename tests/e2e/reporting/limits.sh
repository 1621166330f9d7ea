# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# What README and man page say of the host's own rules: which see packets of namespaces, and which do not.
#
# hooks: any

test_with_forwarding_fast_rules_between_interfaces_are_passed_by() {
	up --forwarding fast
	serve internet tcp 7000
	serve ns1 tcp 3000
	must ebpfnet expose ns1 5000:3000
	must iptables -P FORWARD DROP
	must iptables -t nat -A PREROUTING -p tcp --dport 5000 -j REDIRECT --to-ports 9
	must iptables -t nat -A POSTROUTING -j SNAT --to-source 172.31.13.99
	reaches ns1 tcp $INTERNET 7000 $HOST
	reaches internet tcp $HOST 5000 $INTERNET
	pings ns1 $NS2
}

test_rules_of_the_hosts_own_packets_hold() {
	up
	serve host tcp 7000
	serve ns1 tcp 3000
	reaches ns1 tcp $GATEWAY 7000 $NS1
	reaches host tcp $NS1 3000 $GATEWAY
	must iptables -A INPUT -i ebpfnet0 -p tcp --dport 7000 -j REJECT
	must iptables -A OUTPUT -o ebpfnet0 -p tcp --dport 3000 -j REJECT
	unreached ns1 tcp $GATEWAY 7000 refused
	unreached host tcp $NS1 3000 refused
}

# A discipline that lets nothing through. (ARP is answered by way of it: so the addresses are known before.)
test_queueing_disciplines_of_a_port_are_passed_by_those_of_the_uplink_hold() {
	up
	pings ns1 $INTERNET
	pings ns2 $NS1
	must tc qdisc add dev veth0 root tbf rate 8bit burst 10 latency 1ms || skip "this kernel has no tbf"
	pings ns1 $INTERNET
	pings ns2 $NS1
	must ebpfnet status
	like "$out" 'namespace ns1 do not pass the queueing discipline tbf on veth0.* tc qdisc del dev veth0 root'
	must tc qdisc add dev eth0 root tbf rate 8bit burst 10 latency 1ms
	no_pings ns1 $INTERNET
}
