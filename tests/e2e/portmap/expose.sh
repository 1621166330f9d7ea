# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Published ports: outside -> namespace, hairpins, and the host to itself.
#
# hooks: any

# A second address of the host's, for publishing on one of them only.
SECOND=172.31.13.66

test_same_port() {
	up
	serve ns1 tcp 5000
	unreached internet tcp $HOST 5000 refused
	must ebpfnet expose ns1 5000
	reaches internet tcp $HOST 5000 $INTERNET
	hear ns1 ceth0 tcp # the client's own port, too
	reaches internet tcp $HOST 5000 $INTERNET 12345
	heard ns1 ceth0
	like "$heard" "$INTERNET.12345 > $NS1.5000"
}

test_other_port() {
	up
	serve ns1 tcp 3000
	must ebpfnet expose ns1 5000:3000
	reaches internet tcp $HOST 5000 $INTERNET
	unreached internet tcp $HOST 3000 refused
}

test_hints_that_no_process_listens() {
	up
	serve ns1 tcp 3000
	must ebpfnet expose ns1 5000
	like "$out$err" 'nothing listens on tcp 5000 in ns1 yet'
	like "$out$err" 'expose ns1 5000:3000'
	must ebpfnet unexpose ns1 5000
	must ebpfnet expose ns1 5000:3000
	unlike "$out$err" 'nothing listens'
	reaches internet tcp $HOST 5000 $INTERNET
}

test_udp_and_tcp_apart() {
	up
	serve ns1 udp 5000
	serve ns2 tcp 5000
	must ebpfnet expose ns1 5000/udp
	reaches internet udp $HOST 5000 $INTERNET
	unreached internet tcp $HOST 5000 refused
	must ebpfnet expose ns2 5000/tcp
	reaches internet tcp $HOST 5000 $INTERNET
	reaches internet udp $HOST 5000 $INTERNET
}

test_on_one_address() {
	ip address add $SECOND/20 dev eth0
	up
	serve ns1 tcp 5000
	must ebpfnet expose ns1 $SECOND:5000
	reaches internet tcp $SECOND 5000 $INTERNET
	unreached internet tcp $HOST 5000 refused
	reaches host tcp $SECOND 5000 $HOST # the source that the host prefers there
	reaches ns2 tcp $SECOND 5000 $SECOND
}

test_two_namespaces_on_two_addresses() {
	ip address add $SECOND/20 dev eth0
	up
	start one on ns1 socat TCP-LISTEN:5000,fork SYSTEM:'echo ns1; echo ready >&2' &
	must ebpfnet expose ns1 $HOST:5000
	must ebpfnet expose ns2 $SECOND:5000:6000
	serve ns2 tcp 6000
	soon on ns1 grep -q 1388 /proc/net/tcp
	must on internet socat -T1 - TCP:$HOST:5000
	is "$out" ns1 "who answers on $HOST"
	reaches internet tcp $SECOND 5000 $INTERNET
}

test_range() {
	up
	must ebpfnet expose ns1 8000-8999
	for port in 8000 8500 8999; do
		serve ns1 tcp $port
		reaches internet tcp $HOST $port $INTERNET
	done
	unreached internet tcp $HOST 7999 refused
	unreached internet tcp $HOST 9000 refused
}

test_range_moved_in_step() {
	up
	must ebpfnet expose ns1 8000-8999:3000/udp
	for step in 0 1 999; do
		serve ns1 udp $((3000 + step))
		reaches internet udp $HOST $((8000 + step)) $INTERNET
	done
}

test_ten_thousand_ports_well_under_a_second() {
	local begin end
	up
	must ebpfnet expose ns2 1 # loads the program of lo
	must ebpfnet unexpose ns2
	begin=$(date +%s%N)
	must ebpfnet expose ns1 20000-29999
	end=$(date +%s%N)
	[ $(((end - begin) / 1000000)) -lt 700 ] || fail "took $(((end - begin) / 1000000)) ms"
	serve ns1 tcp 29999
	reaches internet tcp $HOST 29999 $INTERNET
	must ebpfnet exposed
	like "$out" '10,000 ports in 1 mapping'
	must ebpfnet unexpose ns1 20000-29999
	unreached internet tcp $HOST 29999 refused
}

test_hairpin_from_another_namespace() {
	up
	serve ns1 tcp 3000
	serve ns1 udp 3000
	must ebpfnet expose ns1 5000:3000
	must ebpfnet expose ns1 5000:3000/udp
	reaches ns2 tcp $HOST 5000 $HOST
	reaches ns2 udp $HOST 5000 $HOST
	must on ns2 "$WIRE" copy $HOST 5000 20000000
}

test_hairpin_from_the_same_namespace() {
	up
	serve ns1 tcp 3000
	serve ns1 udp 3000
	must ebpfnet expose ns1 5000:3000
	must ebpfnet expose ns1 5000:3000/udp
	reaches ns1 tcp $HOST 5000 $HOST
	reaches ns1 udp $HOST 5000 $HOST
	must on ns1 "$WIRE" copy $HOST 5000 20000000
}

test_from_the_host_to_its_own_address() {
	up
	serve ns1 tcp 3000
	serve ns1 udp 3000
	must ebpfnet expose ns1 5000:3000
	must ebpfnet expose ns1 5000:3000/udp
	reaches host tcp $HOST 5000 $HOST
	reaches host udp $HOST 5000 $HOST
	must "$WIRE" copy $HOST 5000 20000000
}

test_hosts_own_loopback_traffic_goes_on() {
	up
	must ebpfnet expose ns1 5000
	serve host tcp 7000
	reaches host tcp 127.0.0.1 7000 127.0.0.1
	reaches host tcp $HOST 7000 $HOST
	must "$WIRE" copy 127.0.0.1 7000 50000000
	pings host 127.0.0.1 -s 30000
}

test_stream_from_outside() {
	up
	serve ns1 tcp 5000
	must ebpfnet expose ns1 5000
	must on internet "$WIRE" copy $HOST 5000 50000000
}

test_udp_gso_from_outside() {
	up
	serve ns1 udp 5000
	must ebpfnet expose ns1 5000/udp
	must on internet "$WIRE" gso $HOST 5000 1400 40
}

test_refusal_by_the_server_is_passed_on() {
	up
	must ebpfnet expose ns1 5000
	must ebpfnet expose ns1 5000/udp
	unreached internet tcp $HOST 5000 refused
	unreached internet udp $HOST 5000 refused
	unreached ns2 tcp $HOST 5000 refused
	unreached host tcp $HOST 5000 refused
}

test_unexpose_ends_new_and_live_conversations() {
	up
	serve ns1 tcp 5000
	serve ns1 udp 5000
	must ebpfnet expose ns1 5000
	must ebpfnet expose ns1 5000/udp
	reaches internet tcp $HOST 5000 $INTERNET
	converse internet udp $HOST 5000
	say before
	must ebpfnet unexpose ns1 5000/udp
	say_in_vain after
	reaches internet tcp $HOST 5000 $INTERNET
	must ebpfnet unexpose ns1
	unreached internet tcp $HOST 5000 refused
	must ebpfnet exposed
	like "$out" 'nothing is published'
}

test_another_mapping_does_not_disturb_a_live_connection() {
	up
	serve ns1 tcp 5000
	must ebpfnet expose ns1 5000
	converse internet tcp $HOST 5000
	say one
	must ebpfnet expose ns2 6000
	say two
	must ebpfnet unexpose ns2
	say three
}

test_republished_elsewhere_goes_there_at_once() {
	up
	serve ns1 udp 5000
	serve ns2 udp 5000
	must ebpfnet expose ns1 5000/udp
	hear ns2 ceth1 udp
	reaches internet udp $HOST 5000 $INTERNET 4444
	must ebpfnet unexpose ns1 5000/udp
	must ebpfnet expose ns2 5000/udp
	reaches internet udp $HOST 5000 $INTERNET 4444
	heard ns2 ceth1
	like "$heard" "$INTERNET.4444 > $NS2.5000"
}

test_expose_again_changes_nothing_and_reports_it() {
	up
	must ebpfnet expose ns1 5000
	must ebpfnet expose ns1 5000
	like "$out$err" 'nothing to change'
	is "$(ebpfnet exposed --json | json 'len(j["published"])')" 1 "rules"
}

test_gone_with_its_namespace() {
	up
	must ebpfnet expose ns1 5000
	must ebpfnet ns del ns1
	is "$(ebpfnet exposed --json | json 'len(j["published"])')" 0 "rules"
	must ebpfnet ns add ns1 # the address is free again: the next one must not inherit the port
	serve ns1 tcp 5000
	unreached internet tcp $HOST 5000 refused
}

hooks_of_lo() {
	{ find $PINS/links -name 'lo-*'; tc qdisc show dev lo | grep clsact; } 2> /dev/null || true
}

test_hooks_lo_only_while_something_is_published() {
	up
	is "$(hooks_of_lo)" "" "hooks before"
	must ebpfnet expose ns1 5000
	like "$(hooks_of_lo)" 'lo-lo|clsact'
	must ebpfnet unexpose ns1
	is "$(hooks_of_lo)" "" "hooks after"
}
