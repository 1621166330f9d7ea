# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Host <-> namespaces through the gateway. The lab's host has ip_forward 0 and strict rp_filter.
#
# hooks: any

test_host_to_namespace() {
	up
	serve ns1 tcp 7000
	serve ns1 udp 7000
	pings host $NS1
	reaches host tcp $NS1 7000 $GATEWAY
	reaches host udp $NS1 7000 $GATEWAY
}

test_namespace_to_the_gateways_address() {
	up
	serve host tcp 7000
	serve host udp 7000
	pings ns1 $GATEWAY
	like "$out" 'ttl=64'
	reaches ns1 tcp $GATEWAY 7000 $NS1
	reaches ns1 udp $GATEWAY 7000 $NS1
}

test_namespace_to_the_hosts_other_address() {
	up
	serve host tcp 7000
	serve host udp 7000 $HOST
	pings ns1 $HOST
	reaches ns1 tcp $HOST 7000 $NS1
	reaches ns1 udp $HOST 7000 $NS1
}

# hooks: each
test_namespace_to_the_host_while_something_is_published() {
	up
	must ebpfnet expose ns2 9999
	serve host tcp 7000
	pings ns1 $GATEWAY
	pings ns1 $HOST
	reaches ns1 tcp $HOST 7000 $NS1
	reaches ns1 tcp $GATEWAY 7000 $NS1
}

test_socket_bound_to_the_gateway_device() {
	up
	start bound socat "TCP-LISTEN:7000,bind=$GATEWAY,fork,so-bindtodevice=ebpfnet0" SYSTEM:'echo ready' &
	soon grep -q 1B58 /proc/net/tcp
	must on ns1 socat -T1 - TCP:$GATEWAY:7000
	is "$out" ready "answer"
}

test_streams_both_ways() {
	up
	serve ns1 tcp 7000
	serve host tcp 7000
	must "$WIRE" copy $NS1 7000 50000000
	must on ns1 "$WIRE" copy $HOST 7000 50000000
}

test_datagrams_in_fragments_and_in_gso() {
	up
	serve ns1 udp 7000
	pings host $NS1 -s 30000
	pings ns1 $GATEWAY -s 30000
	must "$WIRE" gso $NS1 7000 1400 40
}

test_ip_forward_of_the_host_is_not_needed_nor_changed() {
	up
	is "$(< /proc/sys/net/ipv4/ip_forward)" 0 ip_forward
	must ebpfnet set forwarding fast
	is "$(< /proc/sys/net/ipv4/conf/eth0/forwarding)" 0 "forwarding of eth0"
	is "$(< /proc/sys/net/ipv4/conf/all/rp_filter)" 1 "rp_filter of all"
}

test_writes_no_iptables_nor_nft_rule() {
	local before
	before=$(iptables-save | grep -v '^#'; nft list ruleset)
	up
	must ebpfnet expose ns1 5000
	pings ns1 8.8.8.8
	is "$(iptables-save | grep -v '^#'; nft list ruleset)" "$before" "rules"
	is "$before" "" "rules of a fresh host"
}

# Tutorial's ARP and /proc aside, a host's own programs on the uplink keep working.
# hooks: each
test_other_programs_of_the_uplink_stay() {
	tc qdisc add dev eth0 clsact
	tc filter add dev eth0 ingress prio 5 protocol ip u32 match ip dport 9 0xffff flowid 1:1
	up
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	reaches internet tcp $HOST 5000 $INTERNET
	must ebpfnet down
	like "$(tc filter show dev eth0 ingress)" 'pref 5 u32'
	like "$(tc qdisc show dev eth0)" clsact
}
