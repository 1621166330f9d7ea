# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A command that is killed at a call that makes, attaches or removes what a hook needs.
#
# hooks: any
source "$TOP/tests/lib/interrupted.sh"

# hooks: each
test_up_at_each_map_and_link() {
	CHANGES='MAP_UPDATE|MAP_DELETE|LINK_'
	up_converges bpf
}

test_up_at_each_pin() {
	CHANGES=OBJ_PIN
	up_converges bpf
}

# Of three maps, without which nothing is known.
test_up_at_the_last_pin_of_the_journal() {
	local n
	CHANGES='OBJ_PIN.*/nets"'
	n=$(moments bpf ebpfnet up)
	must ebpfnet down
	kill_at bpf "$n" ebpfnet up
	up
	works " after that pin"
	must ebpfnet down
}

test_up_at_each_netlink_message() { up_converges sendto; }
# hooks: each
test_down_at_each_bpf_call() { converges three bpf ebpfnet down; }
test_down_at_each_netlink_message() { converges three sendto ebpfnet down; }
# hooks: each
test_down_at_each_unlink() { converges three unlink ebpfnet down; }

test_ns_add_at_each_bpf_call() { converges three bpf ebpfnet ns add four; }
test_ns_add_at_each_netlink_message() { converges three sendto ebpfnet ns add four; }
# hooks: each
test_ns_del_at_each_bpf_call() { converges three bpf ebpfnet ns del three; }
test_ns_del_at_each_netlink_message() { converges three sendto ebpfnet ns del three; }
test_expose_at_each_bpf_call() { converges three bpf ebpfnet expose ns1 8000-8009; }

# `up` loads with a thread for each CPU: the one that comes to its n-th call first ends the command.
# hooks: each
test_up_of_several_threads_at_some_bpf_calls() {
	local before n ended=137
	[ "$(nproc)" -ge 2 ] || skip "one CPU"
	before=$(snapshot)
	for ((n = $(KILLS=1 share 20 60); ended == 137; n += 120)); do
		ended=0
		strace -f -qq -o /dev/null -e "inject=bpf:signal=KILL:when=$n" ebpfnet up --hook "$HOOK" > $T/killed 2>&1 || ended=$?
		up
		works " after bpf $n"
		must ebpfnet down
		is_as_before " after bpf $n"
	done
	is $ended 0 "status of an \`up\` that is over before"
	[ $n -gt 60 ] || fail "killed at few calls"
}

prefiltered() { up --xdp; }

test_up_with_a_prefilter_at_each_bpf_call() {
	[ "${FAULT_KILLS-}" = all ] || skip "make faults"
	converges nothing bpf ebpfnet up --hook "$HOOK" --xdp
}

test_up_takes_the_prefilter_off_at_each_bpf_call() { converges prefiltered bpf ebpfnet up --xdp off; }
test_up_takes_the_prefilter_off_at_each_unlink() { converges prefiltered unlink ebpfnet up --xdp off; }
test_up_changes_the_prefilter_at_each_bpf_call() { converges prefiltered bpf ebpfnet up --xdp generic; }

test_down_with_a_prefilter_at_each_bpf_call() {
	[ "${FAULT_KILLS-}" = all ] || skip "make faults"
	converges prefiltered bpf ebpfnet down
}

# The pins are renamed with their device, one by one.
# hooks: each
test_up_after_the_uplink_was_renamed_at_each_rename() {
	local n all
	[ "$HOOK" = tcx ] || skip "only links are pinned under the name of a device"
	renamed() { # FROM TO
		ip link set "$1" down
		ip link set "$1" name "$2"
		ip link set "$2" up
		ip route replace default via 172.31.0.1
	}
	up
	renamed eth0 wan
	all=$(moments rename ebpfnet up)
	is "$(wc -w <<< "$all")" 2 "pins that are renamed"
	for n in $all; do
		renamed wan eth0
		must ebpfnet up
		renamed eth0 wan
		kill_at rename "$n" ebpfnet up
		must ebpfnet up
		works " after rename $n"
		is "$(ls $PINS/links | grep -c wan)$(ls $PINS/links | grep -c -- -eth0)" 20 "pins under the new name, the old"
	done
	must ebpfnet down
}

# The same, where not every command makes every call.
converges_if_called() { # PREPARE SYSCALL CMD...
	$1
	must strace -f -qq -o $T/called -e "trace=$2" "${@:3}"
	must ebpfnet down
	[ ! -s $T/called ] || [ -z "$(changing "$2" $T/called)" ] || converges "$@"
}

# All calls of all commands: in `make faults` only, as each takes a second.
# hooks: each
test_every_command_at_each_call() {
	local cmd call
	[ "${FAULT_KILLS-}" = all ] || skip "make faults"
	published() {
		three
		must ebpfnet expose ns1 8000-8009
		must ebpfnet expose three 9000/udp
		[ -e /run/netns/mine ] || must ip netns add mine
	}
	ip netns add mine # before the first snapshot
	attached() {
		published
		must ebpfnet attach mine
	}
	for cmd in "up --ns four" "ns add four" "ns del three" "attach mine" "expose ns1 7000" "unexpose ns1" \
		"set fdb-age 7" down; do
		for call in bpf sendto openat mount umount2 setns unshare write mkdir rmdir symlink unlink rename; do
			# shellcheck disable=SC2086 # words
			converges_if_called published $call ebpfnet $cmd
		done
	done
	for call in bpf sendto openat unlink rmdir; do
		converges_if_called attached $call ebpfnet detach mine
	done
}

test_two_ups_at_once() {
	local i first second
	for i in 1 2 3; do
		ebpfnet up --hook "$HOOK" > $T/one 2>&1 &
		first=$!
		ebpfnet up --hook "$HOOK" > $T/two 2>&1 &
		second=$!
		wait $first || fail "first: $(< $T/one)"
		wait $second || fail "second: $(< $T/two)"
		works " at attempt $i"
		is "$(ls /sys/class/net | grep -c '^veth')" 2 "ports"
		must ebpfnet down
	done
}

test_many_commands_at_once() {
	local i
	up
	for i in 1 2 3 4 5 6; do
		ebpfnet ns add "n$i" > /dev/null 2> $T/err$i || fail "n$i: $(< $T/err$i)" &
	done
	wait
	is "$(ebpfnet status --json | json 'len(j["namespaces"]), len({n["addr"] for n in j["namespaces"]})')" "(8, 8)" \
		"namespaces and their addresses"
	works ""
}
