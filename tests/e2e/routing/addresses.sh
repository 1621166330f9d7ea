# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Which addresses are the host's, and which are broadcast addresses, is what the kernel says, whatever is next to them.
#
# hooks: any

# The host has HOST/LENGTH and its router, .54, on the link, as hosters give it.
point_to_point() { # LENGTH
	ip -n isp address add 172.31.13.54/32 dev lan
	ip address flush dev eth0
	ip address add "$HOST/$1" dev eth0
	ip route replace 172.31.13.54 dev eth0
	ip route add default via 172.31.13.54
	soon ping -n -c1 -W1 172.31.13.54
}

served_everywhere() {
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	reaches internet tcp $HOST 5000 $INTERNET
	reaches ns2 tcp $HOST 5000 $HOST
	reaches host tcp $HOST 5000 $HOST
	pings ns1 $INTERNET
}

test_a_host_with_a_single_address_serves() {
	point_to_point 32
	up
	served_everywhere
}

test_a_host_on_a_link_of_two_serves() {
	point_to_point 31
	up
	served_everywhere
}

# The device's first address is another one, and is the kernel's source towards the router.
test_a_second_single_address_serves() {
	point_to_point 32
	ip address flush dev eth0
	ip address add 10.0.0.1/24 dev eth0
	ip address add $HOST/32 dev eth0
	ip route add 172.31.13.54 dev eth0
	ip route add default via 172.31.13.54 src $HOST
	soon ping -n -c1 -W1 -I $HOST 172.31.13.54
	up
	served_everywhere
}

# An address on lo, as a router or a load balancer announces it, the next one routed elsewhere or nowhere.
test_an_address_on_lo_serves() {
	ip address add 198.51.100.3/32 dev lo
	ip -n isp route add 198.51.100.0/24 via $HOST
	up
	must ebpfnet expose ns1 198.51.100.3:5000
	serve ns1 tcp 5000
	reaches internet tcp 198.51.100.3 5000 $INTERNET
	reaches ns2 tcp 198.51.100.3 5000 198.51.100.3
	pings ns2 198.51.100.3
	ip route del default
	ip route add 203.0.113.0/24 via 172.31.0.1
	reaches internet tcp 198.51.100.3 5000 $INTERNET
	reaches ns2 tcp 198.51.100.3 5000 198.51.100.3
	pings ns2 198.51.100.3
}

# All addresses of a prefix are the host's.
test_a_local_prefix_serves() {
	ip route add local 198.51.100.0/25 dev lo
	ip -n isp route add 198.51.100.0/24 via $HOST
	up
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	reaches internet tcp 198.51.100.67 5000 $INTERNET
	pings ns2 198.51.100.127
	must_not on internet "$WIRE" ask tcp 198.51.100.129 5000 # outside of the prefix
}

# Also when main and local are no longer one table in the kernel: it splits them at the first rule.
test_a_rule_of_the_hosts_changes_nothing_of_that() {
	point_to_point 32
	ip rule add from 192.0.2.1 lookup 100
	up
	served_everywhere
}

test_a_broadcast_address_is_never_a_published_one() {
	local at
	ip -n isp route add 192.0.2.0/24 via $HOST
	ip link add lan2 type veth peer name lan2 netns isp
	ip link set lan2 up
	ip -n isp link set lan2 up
	ip address add 192.0.2.1/25 brd + dev lan2
	ip address add 192.0.2.129/25 brd + dev lan2 # the next subnet is on a link, too
	ip address add 192.0.2.65/32 brd 192.0.2.66 dev lan2 # set by hand
	up
	must ebpfnet expose ns1 5000/udp
	serve ns1 udp 5000
	reaches ns2 udp 192.0.2.1 5000 192.0.2.1
	reaches ns2 udp 192.0.2.65 5000 192.0.2.65
	hear ns1 ceth0 udp port 5000
	for at in 172.31.15.255 192.0.2.127 192.0.2.255 192.0.2.66; do
		must_not on ns2 env WIRE_TIMEOUT=0.2 "$WIRE" ask udp $at 5000
	done
	heard ns1 ceth0
	is "$heard" "" "what ns1 hears of broadcasts"
}

# Linux has forwarded 240.0.0.0/4 since 2008.
test_class_e_is_unicast() {
	ip -n internet address add 240.1.2.3/32 dev lo
	ip -n isp route add 240.0.0.0/4 via $INTERNET
	up
	serve internet tcp 7000
	pings ns1 240.1.2.3
	reaches ns1 tcp 240.1.2.3 7000 $HOST
	serve ns1 udp 5000
	must ebpfnet expose ns1 5000/udp
	ip -n internet route replace 172.31.0.0/20 via 203.0.113.1 src 240.1.2.3
	reaches internet udp $HOST 5000 240.1.2.3
}
