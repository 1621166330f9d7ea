# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Commands that want to change the network at the same time.
# hooks: any

# Another command's turn, for as long as the process $holder lives.
hold_lock() {
	start holder flock $PINS python3 -c 'import time; print("ready", flush=True); time.sleep(600)'
	holder=$(pgrep -P "$(< $T/holder.pid)")
}

# Commands that wait for it.
waiting() {
	grep -c -- '-> FLOCK' /proc/locks || true
}

are_waiting() { # N
	[ "$(waiting)" -ge "$1" ]
}

at_once() { # N CMD, in which @ is the number
	local n cmd=$2
	for ((n = 1; n <= $1; n++)); do
		# shellcheck disable=SC2086 # words
		(ebpfnet ${cmd//@/$n} > "$T/$n.out" 2>&1 || echo "$n: $(< "$T/$n.out")" >> $T/failed) &
	done
	wait
	[ ! -e $T/failed ] || fail "$(wc -l < $T/failed) of $1 failed, the first: $(head -n1 $T/failed)"
}

test_of_three_hundred_commands_at_once_each_has_its_turn() {
	up
	at_once 300 'set fdb-age @'
	must ebpfnet status
}

test_namespaces_are_made_and_removed_by_many_at_once() {
	up
	at_once 40 'ns add x@'
	is "$(ebpfnet ns list --json | json 'len(j["namespaces"])')" 42 "namespaces"
	at_once 40 'ns del x@'
	is "$(ebpfnet ns list --json | json 'len(j["namespaces"])')" 2 "namespaces"
	must ebpfnet status
}

test_up_and_down_of_many_at_once_leave_nothing() {
	local n before
	before=$(snapshot)
	for n in 1 2 3 4 5 6; do
		ebpfnet up > "$T/up-$n" 2>&1 || touch $T/failed &
		ebpfnet down > "$T/down-$n" 2>&1 || touch $T/failed &
	done
	wait
	[ ! -e $T/failed ] || fail "$(cat $T/up-* $T/down-*)"
	must ebpfnet down
	[ "$before" = "$(snapshot)" ] || fail "$(diff <(echo "$before") <(snapshot))"
}

test_commands_have_their_turns_in_the_order_in_which_they_came() {
	local n pids=()
	up
	hold_lock
	for ((n = 1; n <= 20; n++)); do
		ebpfnet set fdb-age $((100 + n)) &
		pids+=($!)
		soon are_waiting $n
	done
	kill -KILL "$holder" # as the kernel ends a command
	wait "${pids[@]}"
	is "$(ebpfnet get fdb-age --json | json 'list(j.values())[0]')" 120 "what the last one set"
}

test_a_command_that_stands_still_is_waited_for_no_longer() {
	up
	hold_lock
	refused 'another ebpfnet command has been at work' ebpfnet set fdb-age 99
	kill "$holder"
	must ebpfnet set fdb-age 99
}

test_a_command_that_is_ended_while_it_waits_does_not_hold_up_others() {
	up
	hold_lock
	ebpfnet set fdb-age 101 &
	soon are_waiting 1
	ebpfnet set fdb-age 102 &
	soon are_waiting 2
	kill -KILL %2
	kill "$holder"
	wait %3 || fail "the second one failed"
	must ebpfnet get fdb-age
	like "$out" 102
}
