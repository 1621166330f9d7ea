# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Faults of the uplink (docs/dev/faults.md, rows 2 to 4): what it is called, what addresses it has, whether it
# is there and where the default route leads change while packets are on their way. No daemon runs.
#
# hooks: any

OTHER=172.31.13.99
SECOND=198.51.100.2

# A second uplink, eth1, to the same provider: not routed to, unmanaged.
second_way_out() {
	ip link add eth1 address 06:00:c6:33:64:02 type veth peer name lan1 netns isp
	ip -n isp address add 198.51.100.1/24 dev lan1
	ip -n isp link set lan1 up
	ip address add $SECOND/24 dev eth1
	ip link set eth1 up
	soon ping -n -c1 -W1 198.51.100.1
}

problems() {
	ebpfnet status --json | json '[p["problem"] for p in j["problems"]]'
}

well() { # WHEN
	is "$(problems)" "[]" "problems $1"
}

# A client that never stops sending, from one socket, and what the server sees of it: "ADDRESS PORT" lines.
never_stopping() {
	start babble-server on internet python3 -u -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('$INTERNET', 7700))
print('ready')
while True:
    print('%s %d' % s.recvfrom(100)[1])"
	start babble on ns1 python3 -u -c "
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('0.0.0.0', 47701))
print('ready')
while True:
    try:
        s.sendto(b'babble', ('$INTERNET', 7700))
    except OSError:
        pass # an ICMP error about the one before
    time.sleep(0.005)"
	soon grep -q "^$HOST 47701" $T/babble-server.out
}

babble_comes_from() { # ADDRESS
	soon grep -q "^$1 " $T/babble-server.out
}

# Of the packets heard on the provider's side, those that left later than a moment.
left_after() { # WHERE DEV MOMENT
	heard "$1" "$2"
	heard=$(awk -v since="$3" '$1 > since' <<< "$heard")
}

moment() {
	date +%s.%N
}

# ---- row 2: the address

test_fault_02_no_packet_has_an_address_that_was_removed() {
	local gone
	up
	serve internet tcp 7000
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	converse ns1 tcp $INTERNET 7000
	say one
	never_stopping
	hear isp lan -tt -Q in "ip and src host $HOST"
	ip address del $HOST/20 dev eth0
	gone=$(moment)
	say_in_vain two
	ip address add $OTHER/20 dev eth0
	ip route add default via 172.31.0.1
	babble_comes_from $OTHER
	reaches ns1 tcp $INTERNET 7000 $OTHER
	reaches internet tcp $OTHER 5000 $INTERNET
	left_after isp lan "$gone"
	is "$heard" "" "what left with the old address, after it was gone"
	is "$(ebpfnet flows --json | json '[f for f in j["flows"] if f["src"] == "'$NS1':47701" and "'$HOST'" in f["to_src"]]')" \
		"[]" "mappings of the client with the old address"
	well "with another address"
}

test_fault_02_a_second_address_changes_nothing() {
	up
	serve internet tcp 7000
	converse ns1 tcp $INTERNET 7000
	say one
	never_stopping
	ip address add $OTHER/20 dev eth0
	say two
	reaches ns1 tcp $INTERNET 7000 $HOST
	ip address del $OTHER/20 dev eth0
	say three
	is "$(sort -u $T/babble-server.out | grep -v ready)" "$HOST 47701" "addresses of the client"
}

# The kernel makes the next one primary, or takes all away, as promote_secondaries says.
test_fault_02_the_next_address_takes_over() {
	local gone
	up
	echo 1 > /proc/sys/net/ipv4/conf/eth0/promote_secondaries
	ip address add $OTHER/20 dev eth0
	never_stopping
	hear isp lan -tt -Q in "ip and src host $HOST"
	ip address del $HOST/20 dev eth0
	gone=$(moment)
	ip route replace default via 172.31.0.1
	babble_comes_from $OTHER
	left_after isp lan "$gone"
	is "$heard" "" "what left with the old address, after it was gone"
}

# A route that names a device without an address: the kernel would take that of any other device, the gateway's too.
test_fault_02_without_an_address_nothing_leaves() {
	local gone
	up
	never_stopping
	hear isp lan -tt -Q in ip
	ip address flush dev eth0
	gone=$(moment)
	ip route add 172.31.0.1 dev eth0 scope link
	ip route add default via 172.31.0.1 dev eth0
	no_pings ns1 $INTERNET
	left_after isp lan "$gone"
	is "$heard" "" "what left without an address"
	[ $(($(counter no_source) + $(counter refused_no_source))) -ge 1 ] || fail "what has no source is not counted"
	like "$(problems)" 'uplink eth0 has no IPv4 address'
	ip address add $OTHER/20 dev eth0
	babble_comes_from $OTHER
	well "once there is an address"
}

# ---- row 3: the link

test_fault_03_down_and_up_recovers_by_itself() {
	up
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	serve internet tcp 7000
	converse ns1 tcp $INTERNET 7000
	say one
	ip link set eth0 down
	must_not on ns1 ping -n -c1 -W1 $INTERNET
	like "$out" "From $GATEWAY icmp_seq=1 Destination Net Unreachable"
	like "$(problems)" 'uplink eth0 is down'
	ip link set eth0 up
	ip route add default via 172.31.0.1
	soon ping -n -c1 -W1 172.31.0.1 # the device lets packets through a moment later
	pings ns1 $INTERNET
	say two
	reaches internet tcp $HOST 5000 $INTERNET
	well "when it is up again"
}

# hooks: each
test_fault_03_a_renamed_uplink_goes_on() {
	up
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	serve internet tcp 7000
	converse ns1 tcp $INTERNET 7000
	say one
	ip link set eth0 down # as older kernels want it
	ip link set eth0 name wan.7
	ip link set wan.7 up
	ip route add default via 172.31.0.1
	pings ns1 $INTERNET
	say two
	reaches internet tcp $HOST 5000 $INTERNET
	well "under another name"
	is "$(ebpfnet status --json | json '[u["name"] for u in j["uplinks"]]')" "['wan.7']" "uplinks"
	must ebpfnet up
	say three
	must ebpfnet up
	like "$out" 'nothing to change'
	well "after up"
	must ebpfnet down
	is "$(bpftool net list | grep -c wan)$(tc qdisc show dev wan.7 | grep -c clsact)" 00 "programs and qdiscs left"
}

# Another device may have been given the name: it is not the uplink.
# hooks: each
test_fault_03_two_devices_exchange_names() {
	up
	ip link set eth0 down
	ip link set eth0 name wan
	ip link set wan up
	ip link add eth0 type veth peer name hte0
	ip route add default via 172.31.0.1
	must ebpfnet up
	is "$(ebpfnet status --json | json '[u["name"] for u in j["uplinks"]]')" "['wan']" "uplinks"
	pings ns1 $INTERNET
	well "when another has the name"
}

# ---- row 4: the device, the default route

# Packets of namespaces are refused with an ICMP error; a moment later a command repairs it.
refused_and_fixed() { # DEV-OF-THE-PROVIDER PROBLEM ADDRESS COMMAND...
	hear isp "$1" -Q in ip
	unreached ns1 tcp $INTERNET 7000 unreachable
	must_not on ns1 ping -n -c1 -W1 $INTERNET
	like "$out" "From $GATEWAY icmp_seq=1 Destination Net Unreachable"
	heard isp "$1"
	is "$heard" "" "what left by a device without programs"
	like "$(problems)" "$2"
	must_be_unhealthy
	like "$out" "^problem +fix"
	must "${@:4}"
	reaches ns1 tcp $INTERNET 7000 "$3"
	well "after ${*:4}"
	must ebpfnet up
	like "$out" 'nothing to change'
}

# hooks: each
test_fault_04_an_uplink_removed_and_made_again() {
	up
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	serve internet tcp 7000
	reaches ns1 tcp $INTERNET 7000 $HOST
	ip link del eth0
	must_not on ns1 ping -n -c1 -W1 $INTERNET
	like "$out" "From $GATEWAY icmp_seq=1 Destination Net Unreachable"
	like "$(problems)" 'uplink eth0 is gone'
	must ebpfnet up # nothing to attach to yet, and no harm
	like "$err" 'uplink eth0 is gone'
	make_uplink_again
	refused_and_fixed lan 'eth0 was removed and made again' $HOST ebpfnet up
	reaches internet tcp $HOST 5000 $INTERNET
	is "$(bpftool -j map dump pinned $PINS/uplinks | json 'len(j)')" 1 "devices that count as uplinks"
}

# The kernel may give the new device the number of the old one: then only the hook shows it.
# hooks: each
test_fault_04_made_again_with_the_same_number() {
	local index
	up
	index=$(< /sys/class/net/eth0/ifindex)
	serve internet tcp 7000
	ip link del eth0
	make_uplink_again index "$index"
	hear isp lan -Q in 'ip and net 192.168.0.0/16'
	run on ns1 ping -n -c1 -W0.3 $INTERNET
	run ping -n -c1 -W0.3 -I $GATEWAY $INTERNET
	like "$(problems)" 'program is missing from eth0'
	must ebpfnet up
	reaches ns1 tcp $INTERNET 7000 $HOST
	heard isp lan
	unlike "$heard" "$NS1"
	well "after up"
}

# hooks: each
test_fault_04_the_default_route_moves_to_another_device() {
	up
	serve internet tcp 7000
	converse ns1 tcp $INTERNET 7000
	say one
	second_way_out
	ip route replace default via 198.51.100.1
	say_in_vain two
	exec {talk}>&-
	refused_and_fixed lan1 'default route leads through eth1, which has no programs' $SECOND ebpfnet up
	ip route replace default via 172.31.0.1 # and back: no command needed
	reaches ns1 tcp $INTERNET 7000 $HOST
}

test_fault_04_an_uplink_that_was_named_is_named_again() {
	up --uplink eth0
	serve internet tcp 7000
	second_way_out
	ip route replace default via 198.51.100.1
	must ebpfnet up
	like "$out" 'nothing to change'
	is "$(ebpfnet status --json | json '[p["fix"] for p in j["problems"]]')" "['ebpfnet up --uplink eth1']" "fixes"
	refused_and_fixed lan1 'default route leads through eth1' $SECOND ebpfnet up --uplink eth1
}

# The host's own forwarding does not forward for namespaces.
test_fault_04_the_hosts_own_forwarding_does_not_help_out() {
	up
	second_way_out
	echo 1 > /proc/sys/net/ipv4/ip_forward
	ip route replace default via 198.51.100.1
	hear isp lan1 -Q in ip
	unreached ns1 tcp $INTERNET 7000 unreachable
	run on ns1 ping -n -c1 -W0.3 $INTERNET
	heard isp lan1
	is "$heard" "" "what left by a device without programs"
}

# As on a host that is routed by one of its namespaces.
test_fault_04_a_default_route_into_the_network_is_no_uplink() {
	up
	ip route replace default via $NS1 dev ebpfnet0
	must_not on ns2 ping -n -c1 -W1 $INTERNET
	like "$out" "From $GATEWAY icmp_seq=1 Destination Net Unreachable"
	like "$(problems)" 'default route leads through ebpfnet0, into the network'
	must ebpfnet up
	like "$out" 'nothing to change'
	refused "ebpfnet0 is a network's gateway" ebpfnet up --uplink ebpfnet0
	pings ns2 $NS1
}

# ---- several uplinks

# hooks: each
test_fault_04_the_next_uplink_takes_over_without_a_command() {
	second_way_out
	ip route add default via 198.51.100.1 metric 200
	up
	is "$(ebpfnet status --json | json '[u["name"] for u in j["uplinks"]]')" "['eth0', 'eth1']" "uplinks"
	serve internet tcp 7000
	never_stopping
	reaches ns1 tcp $INTERNET 7000 $HOST
	ip link set eth0 down
	babble_comes_from $SECOND
	reaches ns1 tcp $INTERNET 7000 $SECOND
	ip link set eth0 up
	ip route add default via 172.31.0.1
	reaches ns1 tcp $INTERNET 7000 $HOST
	ip link del eth0
	reaches ns1 tcp $INTERNET 7000 $SECOND
	must ebpfnet up
	is "$(ebpfnet status --json | json '[u["name"] for u in j["uplinks"]]')" "['eth1']" "uplinks that are left"
	well "with the one that is left"
}

# The kernel chooses by the addresses of a packet; a connection stays where it is.
test_fault_04_one_route_over_two_uplinks() {
	local i used=""
	second_way_out
	ip route replace default nexthop via 172.31.0.1 nexthop via 198.51.100.1
	up
	is "$(ebpfnet status --json | json '[u["name"] for u in j["uplinks"]]')" "['eth0', 'eth1']" "uplinks"
	serve internet tcp 7000
	converse ns1 tcp $INTERNET 7000
	say one
	ip -n internet route add local 203.0.113.32/27 dev lo
	for i in {32..48}; do
		must on ns1 "$WIRE" ask tcp 203.0.113.$i 7000
		used+="${out% *} "
	done
	like "$used" "$HOST"
	like "$used" "$SECOND"
	say two
}

# hooks: each
test_fault_04_two_uplinks_side_by_side() {
	second_way_out
	up --uplink eth0 --uplink eth1
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	serve internet tcp 7000
	ip route add $INTERNET2 via 198.51.100.1
	reaches ns1 tcp $INTERNET 7000 $HOST
	reaches ns1 tcp $INTERNET2 7000 $SECOND
	ip -n internet route add $SECOND via 203.0.113.1
	reaches isp tcp $HOST 5000 172.31.0.1
	reaches isp tcp $SECOND 5000 198.51.100.1
	well "with two"
	must ebpfnet down
	is "$(bpftool net list | grep -c eth)$(tc qdisc show | grep -c clsact)" 00 "programs and qdiscs left"
}
