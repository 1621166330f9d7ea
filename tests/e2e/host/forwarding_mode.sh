# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# `forwarding`: the mode of the host and of networks, the sysctls that a mode needs, and who else changes these.
#
# hooks: any

CONF=/proc/sys/net/ipv4/conf
KEPT=/var/lib/ebpfnet/networks

forwarding_of() { # DEVICE
	cat "$CONF/$1/forwarding"
}

# What the kernel forwards, without our own devices, which come and go.
others() {
	grep -H . $CONF/*/forwarding /proc/sys/net/ipv4/ip_forward | grep -vE '/(ebpfnet|veth)[0-9]'
}

no_transit() { # DEVICE: the programs drop what it receives for others
	bpftool -j map dump pinned $PINS/uplinks | json \
		'[u["formatted"]["value"]["flags"] for u in j if u["formatted"]["value"]["name"] == "'"$1"'"][0]'
}

# The mode that the programs know of a network, by its id.
known_mode() { # ID
	bpftool -j map dump pinned $PINS/networks | json \
		'str([n["formatted"]["value"]["forwarding"] for n in j if n["formatted"]["key"] == '"$1"'][0]).replace("FORWARDING_", "").lower()'
}

# Forwarding of eth0 as MODE needs it, and the programs, the journal and the settings say the same.
is_mode() { # MODE SYSCTL NO_TRANSIT WHEN
	is "$(ebpfnet get forwarding)" "$1" "mode $4"
	is "$(known_mode 1)" "$1" "mode that the programs know $4"
	is "$(forwarding_of eth0) $(no_transit eth0)" "$2 $3" "forwarding of eth0, and whether others are dropped, $4"
	is "$(ebpfnet status --json | json 'j["forwarding"], [(u["forwarding"], u["set_forwarding"]) for u in j["uplinks"]]')" \
		"('$1', [($([ "$2" = 1 ] && echo True || echo False), $([ "$3" = 1 ] && echo True || echo False))])" "status $4"
	must ebpfnet status
}

second_way_out() {
	ip link add eth1 type veth peer name lan1 netns isp
	ip -n isp link set lan1 up
	ip link set eth1 up
	ip address add 198.51.100.2/24 dev eth1
}

test_fast_changes_no_sysctl() {
	local before
	before=$(others)
	up --forwarding fast
	is_mode fast 0 0 "after up"
	is "$(others)" "$before" "what the kernel forwards"
}

test_without_a_word_the_rules_are_asked() {
	up
	is_mode ask 1 1 "after up"
}

test_up_sets_the_mode_and_down_undoes_it() {
	local before
	before=$(others)
	up --forwarding stack
	is_mode stack 1 1 "after up --forwarding stack"
	like "$(ebpfnet status)" 'net.ipv4.conf.eth0.forwarding = 1, was 0'
	is "$(diff <(echo "$before") <(others) | grep -c '^>')" 1 "settings that changed"
	up
	like "$out" 'nothing to change'
	is_mode stack 1 1 "after another up"
	up --forwarding ask
	is_mode ask 1 1 "after up --forwarding ask"
	up --forwarding fast
	is_mode fast 0 0 "after up --forwarding fast"
	is "$(others)" "$before" "what the kernel forwards in fast"
	up --forwarding stack
	must ebpfnet down
	is "$(others)" "$before" "what the kernel forwards after down"
}

test_it_is_set_while_flows_go_on() {
	local before mode gen
	generation() { bpftool -j map dump pinned $PINS/config | json 'j[0]["formatted"]["value"]["gen"]'; }
	before=$(others)
	up --forwarding fast
	serve internet tcp 7000
	converse ns1 tcp $INTERNET 7000
	for mode in stack ask fast ask stack fast; do
		gen=$(generation)
		must ebpfnet set forwarding $mode
		[ "$(generation)" -gt "$gen" ] || fail "no new generation after set forwarding $mode"
		is "$(ebpfnet get forwarding)" $mode "get after set forwarding $mode"
		is "$(known_mode 1)" $mode "mode that the programs know"
		say "in $mode"
	done
	is_mode fast 0 0 "at the end"
	is "$(others)" "$before" "what the kernel forwards"
}

test_what_forwarded_before_is_left_as_it_is() {
	echo 1 > $CONF/eth0/forwarding
	up --forwarding stack
	is_mode stack 1 0 "where eth0 forwarded before"
	must ebpfnet set forwarding fast
	is_mode fast 1 0 "in fast"
	must ebpfnet set forwarding ask
	must ebpfnet down
	is "$(forwarding_of eth0)" 1 "forwarding of eth0 after down"
}

test_of_two_uplinks_only_the_one_that_did_not_forward_is_put_back() {
	second_way_out
	echo 1 > $CONF/eth1/forwarding
	up --uplink eth0 --uplink eth1 --forwarding stack
	is "$(forwarding_of eth0) $(no_transit eth0) $(forwarding_of eth1) $(no_transit eth1)" "1 1 1 0" "in stack"
	must ebpfnet set forwarding fast
	is "$(forwarding_of eth0) $(no_transit eth0) $(forwarding_of eth1) $(no_transit eth1)" "0 0 1 0" "in fast"
}

test_an_uplink_that_is_added_made_again_or_renamed_forwards_too() {
	up --forwarding stack
	second_way_out
	must ebpfnet up --uplink eth1
	is "$(forwarding_of eth1) $(no_transit eth1)" "1 1" "of one that was added"
	ip link del eth0
	make_uplink_again
	must ebpfnet up
	is_mode_of_two
	ip link set eth0 down
	ip link set eth0 name wan
	ip link set wan up
	ip route replace default via 172.31.0.1
	must ebpfnet up
	is "$(forwarding_of wan) $(no_transit wan)" "1 1" "of one that was renamed"
	must ebpfnet down
	is "$(forwarding_of wan) $(forwarding_of eth1)" "0 0" "after down"
}

is_mode_of_two() {
	is "$(forwarding_of eth0) $(no_transit eth0) $(forwarding_of eth1) $(no_transit eth1)" "1 1 1 1" \
		"after one was made again"
}

# ---- others change it, too

# One problem, which `up` mends.
mended_by_up() { # WHAT
	must_be_unhealthy
	is "$(ebpfnet status --json | json '{p["fix"] for p in j["problems"]}')" "{'ebpfnet up'}" "fixes of $1"
	like "$out" "$1"
	must ebpfnet up --dry-run
	like "$out" "$1"
	must ebpfnet up
	must ebpfnet status
	like "$out" 'all well|no problem'
}

test_forwarding_that_somebody_switches_off_is_reported_and_mended() {
	up --forwarding stack
	echo 0 > $CONF/eth0/forwarding
	mended_by_up 'forwarding is switched off on eth0'
	is_mode stack 1 1 "after up"
	must ebpfnet down
	is "$(forwarding_of eth0)" 0 "forwarding of eth0 after down"
}

# It forwarded before, and somebody, not ebpfnet, switched it off since: that is what `down` goes back to.
test_forwarding_that_was_on_and_is_switched_off_meanwhile_is_off_after_down() {
	echo 1 > $CONF/eth0/forwarding
	up --forwarding stack
	echo 0 > $CONF/eth0/forwarding
	mended_by_up 'forwarding is switched off on eth0'
	is_mode stack 1 1 "after up"
	must ebpfnet down
	is "$(forwarding_of eth0)" 0 "forwarding of eth0 after down"
}

# Docker does it when it starts. The kernel then forwards on all devices, and who wrote that wants it.
test_a_host_that_becomes_a_router_stays_one() {
	up --forwarding stack
	echo 1 > /proc/sys/net/ipv4/ip_forward
	mended_by_up 'the host has become a router'
	is_mode stack 1 0 "of a router"
	must ebpfnet set forwarding fast
	is_mode fast 1 0 "of a router"
	must ebpfnet down
	is "$(forwarding_of eth0)" 1 "forwarding of eth0 after down"
}

test_a_host_that_becomes_a_router_stays_one_though_no_command_looks() {
	up --forwarding stack
	echo 1 > /proc/sys/net/ipv4/ip_forward
	must ebpfnet down
	is "$(forwarding_of eth0)" 1 "forwarding of eth0 after down"
	up --forwarding stack
	must ebpfnet set forwarding fast
	is "$(forwarding_of eth0)" 1 "forwarding of eth0 in fast"
}

test_a_router_that_stops_to_be_one_is_reported_and_mended() {
	echo 1 > /proc/sys/net/ipv4/ip_forward
	up --forwarding stack
	is_mode stack 1 0 "of a router"
	echo 0 > /proc/sys/net/ipv4/ip_forward
	mended_by_up 'forwarding is switched off on eth0'
	is_mode stack 1 1 "of a router no more"
	is "$(< /proc/sys/net/ipv4/ip_forward)" 0 "ip_forward"
	must ebpfnet down
	is "$(forwarding_of eth0)" 0 "forwarding of eth0 after down"
}

# The administrator of a router has switched it off on this device: that stays true for others.
test_a_router_that_does_not_forward_on_an_uplink_is_put_back() {
	echo 1 > /proc/sys/net/ipv4/ip_forward
	echo 0 > $CONF/eth0/forwarding
	up --forwarding stack
	is_mode stack 1 1 "in stack"
	must ebpfnet down
	is "$(forwarding_of eth0) $(< /proc/sys/net/ipv4/ip_forward)" "0 1" "after down"
}

test_monitor_mends_it_at_once() {
	up --forwarding stack
	ebpfnet monitor --repair > $T/monitor.out 2> $T/monitor.err &
	monitor=$!
	soon grep -q watching $T/monitor.out
	echo 0 > $CONF/eth0/forwarding
	soon grep -q repaired $T/monitor.out
	is "$(forwarding_of eth0)" 1 "forwarding of eth0"
	kill $monitor
	wait $monitor
}

# ---- networks

test_a_network_has_its_own_mode_until_it_follows_the_host_again() {
	up --forwarding fast
	must ebpfnet network add blue --forwarding stack
	is "$(known_mode 1) $(known_mode 2) $(forwarding_of eth0) $(no_transit eth0)" "fast stack 1 1" "after network add"
	is "$(ebpfnet get forwarding) $(ebpfnet get forwarding --network blue)" "fast stack" "get"
	like "$(ebpfnet network show blue)" '^forwarding +stack'
	like "$(ebpfnet status)" '^forwarding +fast; blue: stack'
	is "$(ebpfnet network list --json | json '[(n["forwarding"], n["own_forwarding"]) for n in j["networks"]]')" \
		"[('fast', False), ('stack', True)]" "network list"
	must ebpfnet set forwarding ask --network blue
	is "$(known_mode 1) $(known_mode 2) $(forwarding_of eth0)" "fast ask 1" "after set --network"
	must ebpfnet set forwarding default --network blue
	is "$(known_mode 1) $(known_mode 2) $(forwarding_of eth0) $(no_transit eth0)" "fast fast 0 0" "after default"
	must ebpfnet set forwarding stack
	is "$(known_mode 1) $(known_mode 2) $(forwarding_of eth0)" "stack stack 1" "of networks that follow the host"
	must ebpfnet set forwarding fast --network blue
	is "$(known_mode 1) $(known_mode 2) $(forwarding_of eth0)" "stack fast 1" "of one that does not"
	must ebpfnet status
}

test_with_the_last_network_that_needs_it_forwarding_ends() {
	local before
	up --forwarding fast
	before=$(snapshot)
	must ebpfnet network add blue --forwarding stack
	must ebpfnet network add green --forwarding ask
	must ebpfnet network del blue
	is "$(forwarding_of eth0)" 1 "forwarding of eth0 while green needs it"
	must ebpfnet network del green
	is "$(diff <(echo "$before") <(snapshot))" "" "what was left"
}

test_a_networks_own_mode_outlives_down() {
	up --forwarding fast
	must ebpfnet network add blue
	must ebpfnet set forwarding stack --network blue
	must ebpfnet network add green --forwarding ask
	must ebpfnet down
	is "$(forwarding_of eth0)" 0 "forwarding of eth0 after down"
	up --forwarding fast
	is "$(known_mode 1) $(known_mode 2) $(known_mode 3) $(forwarding_of eth0) $(no_transit eth0)" "fast stack ask 1 1" \
		"after the next up"
	must ebpfnet set forwarding default --network blue
	must ebpfnet down
	up --forwarding fast
	is "$(ebpfnet get forwarding --network blue)" fast "mode of blue after default, down and up"
}

test_nothing_leaves_an_internal_network_so_it_needs_nothing() {
	up --forwarding fast
	must ebpfnet network add lab --internal
	must ebpfnet set forwarding stack --network default
	must ebpfnet set forwarding fast --network default
	refused 'network lab2 is internal' ebpfnet network add lab2 --internal --forwarding stack
	refused 'network lab is internal' ebpfnet set forwarding stack --network lab
	must ebpfnet set forwarding stack
	is "$(known_mode 1) $(known_mode 2) $(forwarding_of eth0)" "fast fast 0" "where only an internal network follows the host"
}

# ---- refused

test_what_is_no_mode_is_refused_in_one_line() {
	local bad
	up --forwarding fast
	for bad in '' fastest Fast FAST 1 'ask ' default; do
		misused "ask, fast or stack|for a network only" ebpfnet set forwarding "$bad"
		misused "forwarding must be ask, fast or stack, not '$bad'" ebpfnet up --forwarding "$bad"
		misused "forwarding must be ask, fast or stack, not '$bad'" ebpfnet network add blue --forwarding "$bad"
	done
	misused 'needs a value' ebpfnet up --forwarding
	misused 'leave out --network' ebpfnet set fdb-age 7 --network default
	misused 'leave out --network' ebpfnet get --network default
	refused 'no network nope' ebpfnet set forwarding stack --network nope
	refused 'no network nope' ebpfnet get forwarding --network nope
	is_mode fast 0 0 "after all of them"
	must ebpfnet down
	refused 'nothing is up' ebpfnet set forwarding stack
}

test_a_mode_that_cannot_be_had_is_not_set() {
	up --forwarding fast
	must ebpfnet network add blue
	mount -o bind,ro /proc/sys /proc/sys
	refused 'cannot write /proc/sys/net/ipv4/conf/eth0/forwarding: Read-only' ebpfnet set forwarding stack
	is_mode fast 0 0 "after set"
	refused 'cannot write .*eth0/forwarding' ebpfnet set forwarding stack --network blue
	refused 'cannot write .*eth0/forwarding' ebpfnet up --forwarding stack
	is_mode fast 0 0 "after up"
	is "$(ebpfnet network list --json | json '[(n["forwarding"], n["own_forwarding"]) for n in j["networks"]]')" \
		"[('fast', False), ('fast', False)]" "networks"
	umount /proc/sys
}
