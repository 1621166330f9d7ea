# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# `up` of another build, whose maps have the same layout: its programs take the place of the old ones, and no packet is
# lost.
#
# hooks: any
source "$TOP/tests/lib/interrupted.sh"

OTHER=$TOP/build/other/ebpfnet
[ -x "$OTHER" ] || fail "$OTHER is not there: make tests"

programs() { # NAME...
	local name
	for name in "$@"; do
		bpftool -j prog show pinned "$PINS/progs/$name" | json 'j["id"]'
	done | tr '\n' ' '
}

stream() { # NAME FROM TO ADDR PORT
	local from=(nsenter "--net=/run/netns/$2") # stop() is to end the process itself, not a shell around it
	[ "$2" != host ] || from=(env)
	start "to-$1" nsenter "--net=/run/netns/$3" "$TOP/tests/lib/stream.py" receive "$5"
	start "from-$1" "${from[@]}" "$TOP/tests/lib/stream.py" send "$4" "$5"
}

# All that were sent have come.
none_lost() { # NAME
	stop "from-$1"
	stop "to-$1"
	is "$(tail -n1 "$T/to-$1.out")" "$(tail -n1 "$T/from-$1.out")" "datagrams that came of stream $1"
	[ "$(tail -n1 "$T/from-$1.out")" -gt 100 ] || fail "hardly any datagram was sent"
}

# hooks: each
test_fault_34_another_build_s_programs_replace_the_old_ones_without_losing_a_datagram() {
	local all="gateway lo port uplink uplink_out" before after name _
	up
	must ebpfnet expose ns2 5000-5001/udp
	pings ns1 $INTERNET
	pings ns1 $NS2
	# shellcheck disable=SC2086 # words
	before=$(programs $all)
	stream out ns1 internet $INTERNET 7000
	stream in internet ns2 $HOST 5000
	stream across ns2 ns1 $NS1 7001
	stream host host ns1 $NS1 7002
	stream lo host ns2 $HOST 5001
	for _ in 1 2 3; do
		must "$OTHER" up
		like "$out" 'programs of another build are replaced'
		must "$OTHER" up
		like "$out" 'nothing to change'
		must ebpfnet up
	done
	must "$OTHER" up
	# shellcheck disable=SC2086 # words
	after=$(programs $all)
	for name in out in across host lo; do none_lost $name; done
	is "$(comm -12 <(tr ' ' '\n' <<< "$before" | sort) <(tr ' ' '\n' <<< "$after" | sort) | tr -d '\n')" "" "programs that stayed"
	must "$OTHER" status # its programs are on all devices
	like "$out" "attached by $HOOK"
	[ "$(programs_run_once)" = 2 ] || is "$(programs_run_once)" 2 "programs that see a ping of the host's"
}

test_dry_run_of_another_build_says_so_and_changes_nothing() {
	local before
	up
	before=$(programs gateway port uplink uplink_out)
	must "$OTHER" status
	like "$out" 'programs that run are those of another build.*ebpfnet up'
	must ebpfnet status
	unlike "$out" 'another build'
	must "$OTHER" up --dry-run
	like "$out" 'programs +replace those of another build'
	is "$(programs gateway port uplink uplink_out)" "$before" "programs"
	must ebpfnet up --dry-run
	like "$out" '^nothing to change'
}

test_a_conversation_goes_on_under_another_build() {
	up
	serve internet tcp 7000
	converse ns1 tcp $INTERNET 7000
	say one
	must "$OTHER" up
	say two
	must ebpfnet up
	say three
}

test_the_prefilter_of_another_build_stays_attached() {
	up --xdp generic
	must "$OTHER" up
	must "$OTHER" status
	must ebpfnet status
	like "$(ip -o link show eth0)" 'xdpgeneric'
	pings ns1 $INTERNET
}

# The lines that a command has for a map of another layout do not depend on the number of the layout alone.
test_another_build_with_another_layout_is_refused() {
	up
	rm $PINS/frags
	must bpftool map create $PINS/frags type hash key 4 value 8 entries 16 name frags
	refused "map $PINS/frags was made by a build of ebpfnet with another layout; .ebpfnet down. first" "$OTHER" up
	pings ns1 $INTERNET # the old programs go on
	must "$OTHER" down
	must "$OTHER" up --hook "$HOOK"
	pings ns1 $INTERNET
}

# Killed between two hooks, one of each build.
# hooks: each
test_another_build_s_up_converges_killed_at_each_pin_and_link() {
	CHANGES='OBJ_PIN|LINK_UPDATE'
	converges three bpf "$OTHER" up
}

test_another_build_s_up_converges_killed_at_each_rename() { converges three rename "$OTHER" up; }
