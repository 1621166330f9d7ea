# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# The host's routing table and its forwarding are changed by others while a network is up.
#
# hooks: any

# As a VPN client or an administrator does for a moment.
toggle_ip_forward() {
	echo 1 > /proc/sys/net/ipv4/ip_forward
	echo 0 > /proc/sys/net/ipv4/ip_forward
}

test_a_published_port_without_a_default_route() {
	up
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	ip route del default
	reaches ns2 tcp $HOST 5000 $HOST
	reaches host tcp $HOST 5000 $HOST
	reaches isp tcp $HOST 5000 172.31.0.1
}

# RFC 5549, as at hosters that have more customers than IPv4 addresses.
test_a_next_hop_with_an_ipv6_address() {
	up
	serve internet tcp 7000
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	ip address add fe80::2/64 dev eth0 nodad
	ip -n isp address add fe80::1/64 dev lan nodad
	ip route del default
	ip -4 route add default via inet6 fe80::1 dev eth0
	pings ns1 $INTERNET
	reaches ns1 tcp $INTERNET 7000 $HOST
	reaches internet tcp $HOST 5000 $INTERNET
}

test_flows_and_published_ports_go_on_while_forwarding_is_off() {
	up
	serve internet tcp 7000
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	converse ns1 tcp $INTERNET 7000
	say one
	toggle_ip_forward
	say two
	reaches internet tcp $HOST 5000 $INTERNET
	reaches host tcp $HOST 5000 $HOST
	pings ns1 $NS2
	pings ns1 $GATEWAY
}

test_forwarding_that_is_off_is_reported_and_fixed() {
	up
	toggle_ip_forward
	must_not on ns1 ping -n -c1 -W1 $INTERNET
	like "$out" "From $GATEWAY icmp_seq=1 Destination Net Unreachable"
	[ "$(counter fib_fwd_disabled)" -ge 1 ] || fail "refused look-ups are not counted"
	must_be_unhealthy
	like "$out" 'forwarding is switched off on ebpfnet0 .*ebpfnet up'
	unlike "$out" 'all well'
	must ebpfnet up
	unlike "$out$err" 'nothing to change'
	pings ns1 $INTERNET
	is "$(ebpfnet status --json | json 'j["problems"]')" "[]" "problems"
	is "$(< /proc/sys/net/ipv4/ip_forward)" 0 "ip_forward"
	must ebpfnet up
	like "$out$err" 'nothing to change'
}
