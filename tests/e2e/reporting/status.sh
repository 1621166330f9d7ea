# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# `status` names what refuses or loses packets, with what mends it, and does what it says.
#
# hooks: any

status_says() { # EXPRESSION of j, whatever the health
	ebpfnet status --json > $T/status.json 2> /dev/null || true
	json "$1" < $T/status.json
}

findings() { # problems|notes
	status_says "[(f.get('problem') or f['note'], f['fix']) for f in j['$1']]"
}

is_gone() { # DEV
	[ ! -e "/sys/class/net/$1" ]
}

# There is one problem; the command that is named with it ends it.
mended_by() { # PROBLEM FIX
	local found fix
	must_be_unhealthy
	unlike "$out" 'all well'
	is "$(status_says 'len(j["problems"])')" 1 "problems, $out"
	found=$(status_says 'j["problems"][0]["problem"]')
	like "$found" "$1"
	fix=$(status_says 'j["problems"][0]["fix"]')
	is "$fix" "$2" "what mends: $found"
	must bash -c "$fix"
	is "$(findings problems)" "[]" "problems after $fix"
}

# The network works, but there is something to know; the status is 0.
noted() { # NOTE FIX
	must ebpfnet status
	unlike "$out" 'all well'
	like "$out" 'no problem, 1 note$'
	like "$(findings notes)" "$1"
	is "$(status_says 'j["notes"][0]["fix"], j["healthy"]')" "($2, True)" "what changes it, health"
}

# ---- inside a namespace

test_a_mac_address_that_was_changed_inside() {
	up
	ip -n ns1 link set ceth0 address 02:00:00:00:00:01
	no_pings ns1 $NS2
	mended_by 'namespace ns1, the MAC address of its device was changed' 'ebpfnet up'
	pings ns1 $NS2
	pings ns1 $INTERNET
}

test_a_second_address_inside() {
	up
	ip -n ns1 address add 192.168.1.77/24 dev ceth0
	no_pings ns1 $NS2 -I 192.168.1.77
	mended_by 'ceth0 has another address, 192.168.1.77' 'ebpfnet exec ns1 -- ip address del 192.168.1.77/24 dev ceth0'
	pings ns1 $NS2
	must ebpfnet ns add free --spoof allow
	ip -n free address add 192.168.1.78/24 dev ceth2 # it may send from that
	is "$(findings problems)" "[]" "problems of a namespace that may send from any address"
}

# As a container has that another runtime has connected.
test_a_default_route_of_its_own() {
	ip netns add own
	ip link add other0 type veth peer name eth0 netns own
	ip -n own link set eth0 up
	ip -n own address add 10.9.0.2/24 dev eth0
	ip -n own route add default via 10.9.0.1 dev eth0
	up
	must ebpfnet attach own
	like "$err" 'warning: inside namespace own, the default route leads through eth0'
	serve own tcp 3000
	must ebpfnet expose own 3000
	unreached internet tcp $HOST 3000 silent
	must ebpfnet up
	like "$err" 'warning: inside namespace own, the default route leads through eth0.*ip route replace'
	mended_by 'namespace own, the default route leads through eth0, not ceth2' \
		"ebpfnet exec own -- ip route replace default via $GATEWAY dev ceth2"
	reaches internet tcp $HOST 3000 $INTERNET
}

# ---- ports

test_no_external_port_is_left() {
	up
	serve internet tcp 7000
	must ebpfnet set ports 1024-65535
	must ebpfnet expose ns1 1024-65535
	mended_by 'every external tcp port of 1024-65535 is published' 'ebpfnet unexpose ns1 1024-65535'
	must ebpfnet set ports 40000-40009
	must ebpfnet expose ns2 40000-40008/udp
	mended_by 'only 1 external udp port of 40000-40009 .* 2 namespaces' 'ebpfnet unexpose ns2 40000-40008/udp'
	must ebpfnet set ports 40000-40000
	must_be_unhealthy
	like "$out" 'only 1 external tcp port .* ebpfnet set ports MIN-MAX'
}

test_a_published_address_that_is_gone() {
	up
	ip address add 172.31.13.56/20 dev eth0
	must ebpfnet expose ns1 172.31.13.56:5000
	is "$(findings problems)" "[]" "problems while it is there"
	ip address del 172.31.13.56/20 dev eth0
	mended_by '172.31.13.56 is not an address of this host now' 'ebpfnet unexpose ns1 172.31.13.56:5000'
}

# A bridge of another runtime, or a second card, where --uplink names others: the host has an address there, but no
# program of ours.
test_a_published_port_that_a_device_does_not_lead_to() {
	second_card
	up --uplink eth0
	is "$(findings notes)" "[]" "notes while nothing is published"
	serve ns1 tcp 5000
	must ebpfnet expose ns1 172.31.13.55:4000
	is "$(findings notes)" "[]" "notes while the port of another address is published"
	must ebpfnet unexpose ns1
	must ebpfnet expose ns1 5000
	unreached lan2 tcp 10.9.0.1 5000 refused
	noted 'published ports \(5000 of ns1\) cannot be reached through eth1, which has the address 10.9.0.1' \
		"'ebpfnet up --uplink eth1'"
	must ebpfnet up --uplink eth1
	is "$(findings notes)" "[]" "notes after that"
	reaches lan2 tcp 10.9.0.1 5000 10.9.0.2
}

# ---- the host's routes

# Two halves are more specific than the default route: so OpenVPN takes over.
test_half_of_all_addresses_each_through_another_device() {
	up
	ip link add tap0 type veth peer name tap1
	ip link set tap0 up
	ip link set tap1 up
	ip address add 10.8.0.2/24 dev tap0
	ip route add 0.0.0.0/1 dev tap0
	ip route add 128.0.0.0/1 dev tap0
	no_pings ns1 $INTERNET
	mended_by 'routes lead through tap0, which has no programs' 'ebpfnet up'
}

# A table of its own, by a rule: so wg-quick does.
test_a_rule_to_another_table() {
	up
	[ -e /dev/net/tun ] || modprobe -q tun || skip "no tun devices in this kernel"
	start tunnel "$TOP/tests/lib/tun.py" wg0 isp wg1
	ip address add 10.8.0.2/24 dev wg0
	ip link set wg0 up
	ip route add default dev wg0 table 51820
	ip rule add not fwmark 51820 lookup 51820 pref 700
	no_pings ns1 $INTERNET
	mended_by 'routes lead through wg0, which has no programs' 'ebpfnet up'
	ip rule del pref 700
	is "$(findings problems)" "[]" "problems after the rule"
}

test_no_default_route() {
	up
	ip route del default
	no_pings ns1 $INTERNET
	must_be_unhealthy
	like "$out" 'health +1 problem$'
	like "$out" 'the host has no default route'
	ip route add default via 172.31.0.1
	is "$(findings problems)" "[]" "problems with the route"
}

test_a_route_of_the_hosts_into_the_subnet() {
	up
	ip link add other0 type veth peer name other1
	ip link set other0 up
	ip route add 192.168.0.0/16 dev other0 # less specific than the network's: harmless
	must ebpfnet up
	is "$(findings problems)" "[]" "problems by a route that leads nothing astray"
	ip route add 192.168.1.0/25 dev other0
	no_pings host $NS1
	mended_by "route to 192.168.1.0/25 on other0 is inside 192.168.1.0/24" 'ip route del 192.168.1.0/25 dev other0'
	pings host $NS1
}

# ---- the uplink

test_an_uplink_without_a_carrier() {
	up
	ip -n isp link set lan down
	must_be_unhealthy
	like "$out" 'uplink eth0 has no carrier'
	ip -n isp link set lan up
	is "$(findings problems)" "[]" "problems with a carrier"
}

# A program that returns TC_ACT_SHOT or redirects keeps packets from ours.
# hooks: each
test_another_owners_program_before_ours() {
	up
	if [ "$HOOK" = clsact ]; then
		tc filter add dev eth0 ingress prio 1 handle 1 bpf da pinned $PINS/progs/uplink 2> $T/why ||
			skip "tc cannot attach it: $(< $T/why)"
		noted 'a tc filter of a lower priority than [0-9]+ runs before the uplink program on eth0' None
		return
	fi
	tc qdisc add dev eth0 clsact
	tc filter add dev eth0 ingress prio 1 handle 1 bpf da pinned $PINS/progs/uplink 2> $T/why ||
		skip "tc cannot attach it: $(< $T/why)"
	must ebpfnet status # TCX comes first: a filter sees only what ours passes on
	like "$out" 'all well'
}

# hooks: each
test_another_owners_xdp_program() {
	up --xdp generic
	must bpftool prog pin pinned $PINS/progs/uplink_xdpgeneric /sys/fs/bpf/theirs
	must ebpfnet up --xdp off
	must ip link set dev eth0 xdpgeneric pinned /sys/fs/bpf/theirs
	noted "another owner's XDP program .* is on eth0" "'ip link set dev eth0 xdp off'"
	must ip link set dev eth0 xdpgeneric off
	must ebpfnet status
	like "$out" 'all well'
}

# ---- what is gone, unfinished, or contradicted

# One answer: the list, the status, `up` and each refusal say that it is gone, and name one command.
gone_and_forgotten_by() { # NAME COMMAND
	is "$(ebpfnet ns list --json | json '[n["state"] for n in j["namespaces"]][-1]')" gone "state in ns list"
	is "$(status_says '[n["state"] for n in j["namespaces"]][-1]')" gone "state in status"
	must ebpfnet up
	like "$err" "warning: namespace $1 was deleted externally; $2\$"
	must_not ebpfnet exec "$1" -- true
	is "$err" "ebpfnet: namespace $1 was deleted externally; run \`$2\`" "what exec says"
	must_not ebpfnet expose "$1" 5000
	is "$err" "ebpfnet: namespace $1 was deleted externally; run \`$2\`" "what expose says"
	mended_by "namespace $1 was deleted externally" "$2"
}

test_an_attached_process_that_is_gone() {
	up
	start_guest
	must ebpfnet attach "$guest" --name guest
	kill "$guest"
	wait "$guest" || true
	soon is_gone veth2 # the kernel ends a namespace a moment later
	gone_and_forgotten_by guest 'ebpfnet detach guest'
}

test_an_attached_name_that_is_gone() {
	up
	ip netns add own
	must ebpfnet attach own
	ip netns del own
	soon is_gone veth2
	gone_and_forgotten_by own 'ebpfnet detach own'
}

test_an_attached_process_that_is_gone_from_a_namespace_that_lives() {
	up
	start_guest
	must ebpfnet attach "$guest" --name guest
	nsenter --net="/proc/$guest/ns/net" sleep 60 &
	soon is_elsewhere $!
	kill "$guest"
	wait "$guest" || true
	is "$(ebpfnet ns list --json | json '[n["state"] for n in j["namespaces"]]')" "['up', 'up', 'up']" "states"
	must ebpfnet status
	must ebpfnet up
	is "$err" "" "warnings of up"
	pings ns1 192.168.1.12
}

# Sets $whole if the command was not killed early enough.
told_in_one_line() { # COMMAND WHEN
	run ebpfnet status
	whole=
	case $status in
	0) whole=yes && return ;;
	1) like "$err" "^ebpfnet: nothing is up; run .ebpfnet up.\$" ;;
	3) like "$out" "the network is incomplete: an .ebpfnet $1. is at work, or was interrupted; run .ebpfnet $1.\$" ;;
	*) fail "status $status, $2" ;;
	esac
	is "$(cat $T/out $T/err | wc -l)" 1 "lines of status $2: $(cat $T/out $T/err)"
	is "$(status_says 'len(j["problems"]), j["healthy"]')" "(1, False)" "problems $2"
}

# hooks: each
test_an_interrupted_up_is_one_line() {
	source "$TOP/tests/lib/interrupted.sh"
	local n moments told=0
	moments=$(moments bpf ebpfnet up --hook "$HOOK")
	must ebpfnet down
	# shellcheck disable=SC2086 # words
	for n in $(KILLS=5 share $moments); do
		kill_at bpf "$n" ebpfnet up --hook "$HOOK"
		told_in_one_line up "after bpf $n of up"
		[ "$status" != 3 ] || told=$((told + 1))
		up
		must ebpfnet status
		like "$out" 'all well'
		must ebpfnet down
	done
	[ $told -ge 2 ] || fail "interrupted only before there was anything"
}

# hooks: each
test_an_interrupted_down_is_one_line() {
	source "$TOP/tests/lib/interrupted.sh"
	local n moments told=0
	up
	moments=$(moments sendto ebpfnet down)
	# shellcheck disable=SC2086 # words
	for n in $(KILLS=3 share $moments); do
		up
		kill_at sendto "$n" ebpfnet down
		told_in_one_line down "after sendto $n of down"
		[ "$status" != 3 ] || told=$((told + 1))
		must ebpfnet down
	done
	[ $told -ge 2 ] || fail "interrupted only before there was anything"
}

# What is up otherwise is said, and the command changes nothing.
test_options_of_up_that_the_network_contradicts() {
	local other
	[ "$HOOK" = tcx ] && other=clsact || other=tcx
	ip netns add own
	up --flows 4096
	must ebpfnet attach own
	refused 'up with --flows 4096, not 1000; .ebpfnet down. first' ebpfnet up --flows 1000
	refused 'up with --flows 4096, not 65536' ebpfnet up --flows 65536 --dry-run
	refused "up with hooks $HOOK, not $other" ebpfnet up --hook $other
	refused 'up with subnet 192.168.1.0/24, not 10.5.0.0/24' ebpfnet up --subnet 10.5.0.0/24
	refused "namespace ns1 has the address $NS1, not 192.168.1.99; .ebpfnet ns del ns1. first" \
		ebpfnet up --ns ns1=192.168.1.99
	refused 'namespace own has the address 192.168.1.12, not 192.168.1.99; .ebpfnet detach own. first' \
		ebpfnet up --ns own=192.168.1.99
	must ebpfnet up --flows 4096 --hook "$HOOK" --subnet 192.168.1.0/24 --ns ns1=$NS1 --uplink eth0
	like "$out" 'nothing to change'
}
