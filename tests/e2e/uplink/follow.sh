# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Devices that the host's routes lead to are uplinks, unless --uplink names them: a second card, the bridge of another
# container runtime, the table of a VPN. Namespaces reach what is behind them, with the address that the kernel would
# use there, and published ports answer on all of them.
#
#      this namespace (the host)          namespace lan2, behind the second card
#      eth1    10.9.0.1   ─────────────── 10.9.0.2
#                                         namespace c1, a container
#      docker0 172.17.0.1 ─────────────── 172.17.0.2
#
# hooks: any

# A bridge without a container has no carrier.
docker0() {
	sysctl -qw net.ipv4.ip_forward=1
	ip link add docker0 type bridge
	ip address add 172.17.0.1/16 dev docker0
	ip link set docker0 up
	iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
}

container() {
	ip netns add c1
	ip link add vc1 type veth peer name eth0 netns c1
	ip link set vc1 master docker0 up
	ip -n c1 address add 172.17.0.2/16 dev eth0
	ip -n c1 link set eth0 up
	ip -n c1 route add default via 172.17.0.1
	soon on c1 ping -n -c1 -W1 172.17.0.1
}

uplinks() {
	ebpfnet status --json | json '" ".join(u["name"] for u in j["uplinks"])'
}

problems() {
	ebpfnet status --json | json '[p["problem"] for p in j["problems"]]'
}

well() {
	is "$(problems)" "[]" "problems"
}

# hooks: each
test_a_second_card() {
	local before mode
	second_card
	before=$(snapshot)
	up
	like "$out" 'out through eth0, eth1'
	well
	serve lan2 tcp 7000
	serve lan2 udp 7000
	serve internet tcp 7000
	serve ns1 tcp 5000
	must ebpfnet expose ns1 5000
	for mode in ask stack fast; do
		must ebpfnet set forwarding $mode
		pings ns1 10.9.0.2
		reaches ns1 tcp 10.9.0.2 7000 10.9.0.1
		reaches ns2 udp 10.9.0.2 7000 10.9.0.1
		reaches ns1 tcp $INTERNET 7000 $HOST
		reaches lan2 tcp 10.9.0.1 5000 10.9.0.2
		must on lan2 ip route replace $HOST via 10.9.0.1
		reaches lan2 tcp $HOST 5000 10.9.0.2
		reaches internet tcp $HOST 5000 $INTERNET
		must on ns1 "$WIRE" copy 10.9.0.2 7000 4000000
	done
	must ebpfnet up
	like "$out" 'nothing to change'
	must ebpfnet down
	is "$(diff <(echo "$before") <(snapshot))" "" "what down left, or took"
}

# A firewall's rules name it as any other device.
test_the_hosts_rules_hold_on_it() {
	second_card
	up
	serve lan2 tcp 7000
	serve ns1 tcp 5000
	must ebpfnet expose ns1 5000
	iptables -A FORWARD -i ebpfnet0 -o eth1 -j REJECT
	iptables -A FORWARD -i eth1 -p tcp -j REJECT --reject-with tcp-reset
	unreached ns1 tcp 10.9.0.2 7000 refused
	unreached lan2 tcp 10.9.0.1 5000 refused
	iptables -F FORWARD
	reaches ns1 tcp 10.9.0.2 7000 10.9.0.1
	reaches lan2 tcp 10.9.0.1 5000 10.9.0.2
}

test_the_bridge_of_another_runtime() {
	docker0
	up
	is "$(uplinks)" "eth0 docker0" uplinks
	well # though docker0 has no carrier yet
	container
	serve c1 tcp 7000
	serve c1 udp 7000
	serve ns1 tcp 5000
	serve ns1 udp 5000
	must ebpfnet expose ns1 5000
	must ebpfnet expose ns1 5000/udp
	reaches ns1 tcp 172.17.0.2 7000 172.17.0.1
	reaches ns2 udp 172.17.0.2 7000 172.17.0.1
	reaches c1 tcp $HOST 5000 172.17.0.2
	reaches c1 tcp 172.17.0.1 5000 172.17.0.2
	reaches c1 udp 172.17.0.1 5000 172.17.0.2
	unreached c1 tcp $NS1 5000 silent # the address inside is nobody else's
	serve internet tcp 7000
	reaches c1 tcp $INTERNET 7000 $HOST # by the host's own NAT, as before
	# a client whose port is also published
	iptables -t nat -A PREROUTING -i eth0 -p tcp --dport 7001 -j DNAT --to 172.17.0.2:7000
	must on internet "$WIRE" ask tcp $HOST 7001 5000
	is "$out" "$INTERNET 5000" "the client that the container sees"
	# a server whose port is also published
	serve internet udp 5000
	reaches c1 udp $INTERNET 5000 $HOST
	ip link del docker0
	well
	must ebpfnet up
	is "$(uplinks)" eth0 "uplinks when the bridge is gone"
	[ ! -e $PINS/docker0_uplink ] || fail "its programs are still pinned"
	reaches ns1 tcp $INTERNET 7000 $HOST
}

# Of a table that a rule leads to: so wg-quick and policy routing do.
test_the_table_of_a_rule() {
	second_card
	ip address flush dev eth1
	ip address add 10.9.0.1/32 dev eth1
	ip route add 10.9.0.2 dev eth1 table 100
	ip rule add from 192.168.1.0/24 to 10.9.0.0/24 lookup 100 pref 100
	ip rule add from 10.9.0.1 lookup 100 pref 101
	ip -n lan2 route replace 10.9.0.1 dev eth0
	serve lan2 tcp 7000
	up
	is "$(uplinks)" "eth0 eth1" uplinks
	well
	reaches ns1 tcp 10.9.0.2 7000 10.9.0.1
}

# Until a command or the monitor looks, packets are refused, never sent untranslated.
# hooks: each
test_one_that_appears_later() {
	up
	second_card
	serve lan2 tcp 7000
	hear lan2 eth0 src net 192.168.1.0/24
	must_not on ns1 ping -n -c1 -W1 10.9.0.2
	like "$out" "From $GATEWAY icmp_seq=1 Destination Net Unreachable"
	unreached ns1 tcp 10.9.0.2 7000 unreachable
	heard lan2 eth0
	is "$heard" "" "what leaves untranslated"
	[ "$(counter refused_egress_unmanaged)" -ge 2 ] || fail "refused packets are not counted"
	must_be_unhealthy
	like "$out" 'routes lead through eth1, which has no programs: packets routed there are refused.*ebpfnet up'
	must ebpfnet up
	reaches ns1 tcp 10.9.0.2 7000 10.9.0.1
	well
}

test_monitor_finds_it() {
	up
	ebpfnet monitor --repair > $T/monitor.out 2> $T/monitor.err &
	soon grep -q watching $T/monitor.out
	second_card
	soon grep -q 'repaired: out through eth0, eth1' $T/monitor.out
	serve lan2 tcp 7000
	reaches ns1 tcp 10.9.0.2 7000 10.9.0.1
	ip link del eth1
	soon bash -c '! ebpfnet status | grep -q "uplink.*eth1"'
	is "$(< $T/monitor.err)" "" "errors of monitor"
}

# A tunnel may have no address, and get routes long after it is up.
test_monitor_finds_a_later_route() {
	up
	ebpfnet monitor --repair > $T/monitor.out 2> $T/monitor.err &
	soon grep -q watching $T/monitor.out
	second_card
	soon grep -q 'repaired: out through eth0, eth1' $T/monitor.out
	ip netns add lan3
	ip link add eth2 type veth peer name eth0 netns lan3
	ip link set eth2 up
	ip -n lan3 link set eth0 up
	ip -n lan3 address add 10.10.0.2/32 dev eth0
	ip -n lan3 route add default dev eth0
	ip route add 10.10.0.2 dev eth2
	soon grep -q 'repaired: out through eth0, eth1, eth2' $T/monitor.out
	serve lan3 tcp 7000
	reaches ns1 tcp 10.10.0.2 7000 $HOST # as the host has no address there
}

test_uplinks_by_name_are_all() {
	second_card
	up --uplink eth0
	is "$(uplinks)" eth0 uplinks
	well
	must_not on ns1 ping -n -c1 -W1 10.9.0.2
	like "$out" 'Destination Net Unreachable'
	must ebpfnet up --uplink eth1
	pings ns1 10.9.0.2
}

# One that routes have made an uplink, and then the default route: it is checked as such.
test_the_default_route_moves_to_it() {
	second_card
	up --xdp
	is "$(ebpfnet status --json | json '[u["xdp"] for u in j["uplinks"]]')" "['native', None]" "prefilters"
	ip route replace default via 10.9.0.2
	must ebpfnet up
	is "$(ebpfnet status --json | json '[u["xdp"] for u in j["uplinks"]]')" "['native', 'native']" "prefilters"
	ip -n lan2 link set eth0 down
	soon grep -q 0 /sys/class/net/eth1/carrier
	like "$(problems)" 'uplink eth1 has no carrier'
}

# One that no route leads to any more is none, and status is silent about it.
# hooks: each
test_its_last_route_goes() {
	second_card
	up
	is "$(uplinks)" "eth0 eth1" uplinks
	ip address flush dev eth1
	well
	must ebpfnet up --dry-run
	like "$out" 'uplink eth1.*forget it'
	must ebpfnet up
	is "$(uplinks)" eth0 uplinks
	is "$(< /proc/sys/net/ipv4/conf/eth1/forwarding)" 0 "forwarding of eth1"
	[ "$(bpftool net show dev eth1 | grep -c ebpfnet)" = 0 ] || fail "programs of ours are on eth1"
}

test_a_plan_names_them() {
	second_card
	must ebpfnet up --dry-run
	like "$out" 'eth0, eth1'
	is "$(ebpfnet status --json | json 'j["state"]')" down "state after a plan"
}

# More than there is room for: the default route's is among them, whenever it comes, and status names one that is not.
test_more_than_there_is_room_for() {
	local i
	for i in {1..70}; do
		echo link add "br$i" type bridge
		echo address add "10.20.$i.1/24" dev "br$i"
		echo link set "br$i" up
	done | ip -batch -
	up
	is "$(uplinks | wc -w)" 64 "uplinks"
	like "$(uplinks)" '^eth0 '
	pings ns1 $INTERNET
	like "$(problems)" "the host's routes lead to more than 64 devices: packets that are routed to br.*are refused"
	is "$(ebpfnet status --json | json 'len(j["problems"])')" 1 "problems"
	second_card
	serve lan2 tcp 7000
	ip route replace default via 10.9.0.2
	must ebpfnet up
	reaches ns1 tcp 10.9.0.2 7000 10.9.0.1
	must ebpfnet down
}

test_a_vrf_is_left_alone() {
	ip link add blue type vrf table 300 2> /dev/null || skip "this kernel has no VRF"
	second_card
	ip link set blue up
	ip link set eth1 master blue
	up
	is "$(uplinks)" eth0 uplinks
	well
}
