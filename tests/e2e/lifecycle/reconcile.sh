# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# `status` reports the differences that `up` removes: each damage below is reported, listed by `up --dry-run`, which
# changes nothing, and gone after `up`.
#
# hooks: any

problems() {
	ebpfnet status --json | json '[p["problem"] for p in j["problems"]]'
}

# One difference, or one for each side of it; all are fixed by `up`.
fixed_by_up() { # WHAT DAMAGE...
	local before
	"${@:2}"
	must_be_unhealthy
	like "$(problems)" "$1"
	is "$(ebpfnet status --json | json 'j["healthy"], {p["fix"] for p in j["problems"]}')" "(False, {'ebpfnet up'})" \
		"health and fixes after: ${*:2}"
	before=$(snapshot)
	must ebpfnet up --dry-run
	like "$out" "$1"
	is "$(diff <(echo "$before") <(snapshot))" "" "what --dry-run changed after: ${*:2}"
	must ebpfnet up
	unlike "$out" 'nothing to change'
	must ebpfnet status
	is "$(problems)" "[]" "problems after up, after: ${*:2}"
	must ebpfnet up --dry-run
	like "$out" '^nothing to change'
}

# hooks: each
test_the_gateways_damages_are_reported_and_fixed() {
	up
	fixed_by_up 'gateway device ebpfnet0 is gone' ip link del ebpfnet0
	fixed_by_up 'forwarding is switched off on ebpfnet0' sysctl -qw net.ipv4.conf.ebpfnet0.forwarding=0
	fixed_by_up 'gateway device ebpfnet0 is down' ip link set ebpfnet0 down
	fixed_by_up 'lost its address 192.168.1.1' ip address flush dev ebpfnet0
	[ ! -e /proc/sys/net/ipv6 ] || fixed_by_up 'IPv6 is switched on' sysctl -qw net.ipv6.conf.ebpfnet0.disable_ipv6=0
	pings ns1 $GATEWAY
	pings ns1 $INTERNET
}

# hooks: each
test_an_endpoints_damages_are_reported_and_fixed() {
	up
	fixed_by_up 'device veth0 of namespace ns1 is gone' ip link del veth0
	fixed_by_up 'device veth0 of namespace ns1 is down' ip link set veth0 down
	fixed_by_up 'namespace ns1 was deleted externally' ip netns del ns1
	fixed_by_up 'inside namespace ns1, its address is gone' ip -n ns1 address flush dev ceth0
	fixed_by_up 'inside namespace ns1, its lo is down' ip -n ns1 link set lo down
	fixed_by_up 'inside namespace ns1, its default route is gone' ip -n ns1 route del default
	fixed_by_up 'hosts file of namespace ns1 is gone' rm /etc/netns/ns1/hosts
	pings ns1 $NS2
	pings ns1 $INTERNET
}

rename_uplink() {
	ip link set eth0 down
	ip link set eth0 name wan0
	ip link set wan0 up
	ip route add default via 172.31.0.1
}

replace() { # DEV
	ip link del "$1"
	make_uplink_again
}

# hooks: each
test_an_uplinks_damages_are_reported_and_fixed() {
	up
	fixed_by_up 'uplink eth0 was removed and made again' replace eth0
	pings ns1 $INTERNET
	rename_uplink # no problem: packets pass
	must ebpfnet status
	must ebpfnet up --dry-run
	like "$out" 'uplink eth0 +follow its new name +uplink eth0 is called wan0 now'
	must ebpfnet up
	fixed_by_up 'uplink wan0 is gone' replace wan0
	pings ns1 $INTERNET
}

# A program that is detached behind the command's back, on any hook.
# hooks: each
test_missing_programs_are_reported_and_fixed() {
	up
	must ebpfnet expose ns1 5000
	if [ "$HOOK" = tcx ]; then
		fixed_by_up 'the port program is missing from veth0' rm $PINS/links/port-veth0
		fixed_by_up 'the gateway program is missing from ebpfnet0' rm $PINS/links/gateway-ebpfnet0
		fixed_by_up 'the uplink program is missing from eth0' rm $PINS/links/uplink-eth0
		fixed_by_up 'the uplink_out program is missing from eth0' rm $PINS/links/uplink_out-eth0
		fixed_by_up 'the lo program is missing from lo' rm $PINS/links/lo-lo
	else
		fixed_by_up 'the port program is missing from veth0' tc filter del dev veth0 ingress
		fixed_by_up 'the gateway program is missing from ebpfnet0' tc filter del dev ebpfnet0 egress
		fixed_by_up 'the uplink program is missing from eth0' tc filter del dev eth0 ingress
		fixed_by_up 'the uplink_out program is missing from eth0' tc filter del dev eth0 egress
		fixed_by_up 'the lo program is missing from lo' tc filter del dev lo ingress
	fi
	serve ns1 tcp 5000
	reaches internet tcp $HOST 5000 $INTERNET
	reaches host tcp $HOST 5000 $HOST
}

# Only the administrator can: `up` says so and leaves it, and the exit status of `status` tells.
test_what_up_cannot_fix_names_another_fix() {
	up
	must ip netns add guest
	must ebpfnet attach guest
	ip netns del guest
	must_be_unhealthy
	like "$out" 'namespace guest was deleted externally +ebpfnet detach guest'
	must ebpfnet up
	like "$err" 'guest was deleted externally; ebpfnet detach guest'
	must ebpfnet detach guest
	ip link set eth0 down
	must_be_unhealthy
	like "$out" 'uplink eth0 is down +ip link set eth0 up'
}

# Attached by a process id. The namespace lives on by another process; the id becomes a process of the host.
test_a_process_id_that_is_anothers_now_is_not_entered() {
	local first second
	up
	unshare -n sleep 300 &
	first=$!
	soon is_elsewhere "$first"
	nsenter -n -t "$first" sleep 300 &
	second=$!
	must ebpfnet attach "$first" --name box
	pings ns1 192.168.1.12
	kill "$first"
	wait "$first" || true
	must ebpfnet status # all well: the namespace is there
	like "$(ebpfnet ns list)" 'box .* up'
	for _ in 1 2 3; do # ids go round; the host's own namespace is what must not be touched
		echo $((first - 1)) > /proc/sys/kernel/ns_last_pid
		sleep 300 &
		[ $! != "$first" ] || break
		kill $!
	done
	is "$!" "$first" "id of a process of the host"
	must ebpfnet status
	must ebpfnet up
	like "$out" 'nothing to change'
	pings ns1 192.168.1.12
	kill "$!" "$second"
	soon test ! -e /sys/class/net/veth2
	must_be_unhealthy
	like "$out" 'namespace box was .* ebpfnet detach box'
	must ebpfnet up
	is "$(ip -o address show | grep -c 192.168.1.12)" 0 "addresses of the namespace on the host"
	must ebpfnet detach box
	must ebpfnet status
}

test_dry_runs_list_and_change_nothing() {
	local before
	before=$(snapshot)
	must ebpfnet up --dry-run --ns one=192.168.1.77
	like "$out" 'network +make 192.168.1.0/24, gateway on ebpfnet0, out through eth0'
	like "$out" 'namespace one +make it, with 192.168.1.77 on ceth0'
	is "$(diff <(echo "$before") <(snapshot))" "" "what up --dry-run changed"
	must_not ebpfnet up --dry-run --subnet 172.31.0.0/24
	like "$err" 'overlaps'
	up
	before=$(snapshot)
	must ebpfnet down --dry-run
	for what in 'namespace ns1 +remove it' 'uplink eth0 +detach' 'gateway ebpfnet0 +remove'; do
		like "$out" "$what"
	done
	is "$(diff <(echo "$before") <(snapshot))" "" "what down --dry-run changed"
	pings ns1 $INTERNET
}
