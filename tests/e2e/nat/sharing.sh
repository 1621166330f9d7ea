# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# The host and its namespaces share one address: neither takes a port away from the other.
#
# hooks: any

# The local port that the far end sees in the last answer of `ask`.
seen_port() {
	echo "${out##* }"
}

test_the_hosts_later_connection_gets_another_port() {
	local kind
	up
	serve internet tcp 7000
	serve internet udp 7000
	for kind in tcp udp; do
		reaches ns1 $kind $INTERNET 7000 $HOST 40001
		is "$(seen_port)" 40001 "port of the namespace"
		reaches host $kind $INTERNET 7000 $HOST 40001
		is "$(( $(seen_port) % 2 ))" 1 "parity of the host's new port"
		[ "$(seen_port)" != 40001 ] || fail "$kind: the host kept a port that is not free"
	done
	reaches host tcp $INTERNET2 7000 $HOST 40001
	is "$(seen_port)" 40001 "port towards another server"
	is "$(ebpfnet status --json | json 'j["problems"]')" "[]" problems
}

test_both_connections_live_on_side_by_side() {
	local port talk_ns1
	up
	serve internet tcp 7000
	converse ns1 tcp $INTERNET 7000
	talk_ns1=$talk
	say one
	port=$(ebpfnet flows --json | json 'j["flows"][0]["src"].split(":")[1]')
	reaches host tcp $INTERNET 7000 $HOST "$port"
	[ "$(seen_port)" != "$port" ] || fail "the host kept a port that is not free"
	talk=$talk_ns1
	say two
}

test_a_ping_of_the_hosts_with_the_id_of_a_namespaces() {
	up
	must on ns1 ping -n -c1 -W1 -e 77 $INTERNET
	must ping -n -c2 -i0.1 -W1 -e 77 $INTERNET
	must on ns1 ping -n -c1 -W1 -e 77 $INTERNET
}

test_errors_find_the_hosts_remapped_connection() {
	up
	serve internet udp 7000
	reaches ns1 udp $INTERNET 7000 $HOST 40000
	unreached host udp $INTERNET 7001 refused
	must on ns1 "$WIRE" ask udp $INTERNET 7000 40002
	run "$WIRE" ask udp $INTERNET 7000 40002
	is "$status" 0 "host after the namespace"
	lab-mtu 1300
	run ping -n -c1 -W1 -M "do" -s 1400 $INTERNET
	like "$out" 'mtu = 1300'
}

test_nothing_private_leaves() {
	up
	hear isp lan -Q in 'ip and net 192.168.0.0/16'
	run ping -n -c1 -W0.3 -I $GATEWAY $INTERNET
	is "$(counter private_source)" 1 "drops of a private source"
	run on ns1 "$WIRE" ask udp $INTERNET 7000
	heard isp lan
	is "$heard" "" "what left with a private source"
}

test_nothing_private_leaves_by_the_hosts_own_forwarding() {
	up
	echo 1 > /proc/sys/net/ipv4/ip_forward
	ip rule add iif ebpfnet0 lookup 99
	ip route add default via 172.31.0.1 table 99
	hear isp lan -Q in 'ip and net 192.168.0.0/16'
	run on ns1 ping -n -c1 -W0.3 $HOST
	run on ns1 ping -n -c1 -W0.3 $INTERNET
	heard isp lan
	is "$heard" "" "what left with a private source"
}
