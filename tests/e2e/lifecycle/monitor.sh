# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# `monitor` does at once what the next `up` would do; nothing depends on it.

monitor() { # [OPTION]
	ebpfnet monitor "$@" > $T/monitor.out 2> $T/monitor.err &
	monitor=$!
	soon grep -q watching $T/monitor.out
}

# It ends on SIGTERM with status 0, and has reported no failure.
ends_well() { # SIGNAL
	local status=0
	kill -"$1" "$monitor"
	wait "$monitor" || status=$?
	is "$status" 0 "status of monitor after $1"
	is "$(< $T/monitor.err)" "" "errors of monitor"
}

second_way_out() {
	ip link add eth1 type veth peer name lan1 netns isp
	ip -n isp address add 198.51.100.1/24 dev lan1
	ip -n isp link set lan1 up
	ip address add 198.51.100.2/24 dev eth1
	ip link set eth1 up
	soon ping -n -c1 -W1 198.51.100.1
}

test_repairs_an_uplink_that_was_made_again() {
	up
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	serve internet tcp 7000
	monitor --repair
	ip link del eth0
	make_uplink_again
	soon grep -q 'repaired: out through eth0' $T/monitor.out
	reaches ns1 tcp $INTERNET 7000 $HOST
	reaches internet tcp $HOST 5000 $INTERNET
	is "$(ebpfnet status --json | json 'j["problems"]')" "[]" "problems"
	must ebpfnet up
	like "$out" 'nothing to change'
	ends_well TERM
}

test_repairs_after_the_default_route_has_moved() {
	up
	serve internet tcp 7000
	monitor --repair
	second_way_out
	ip route replace default via 198.51.100.1
	soon grep -q 'repaired: out through eth0, eth1' $T/monitor.out
	reaches ns1 tcp $INTERNET 7000 198.51.100.2
	ends_well INT
}

test_waits_for_a_network_and_outlives_it() {
	local before
	before=$(snapshot)
	monitor --repair
	up
	must ebpfnet down
	is "$(diff <(echo "$before") <(snapshot))" "" "what down left while monitor runs"
	up --ns one
	ip link del eth0
	make_uplink_again
	soon on one ping -n -c1 -W1 $INTERNET
	ends_well TERM
}

test_only_reports_without_repair() {
	up
	monitor
	ip link del eth0
	make_uplink_again
	soon grep -q 'eth0 was removed and made again, without programs.*ebpfnet up' $T/monitor.out
	is "$(ebpfnet status --json | json 'len(j["problems"])')" 1 "problems"
	no_pings ns1 $INTERNET
	must ebpfnet up
	pings ns1 $INTERNET
	ends_well TERM
}
