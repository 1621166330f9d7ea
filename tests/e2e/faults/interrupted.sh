# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A command that is killed at any moment leaves a state that the next `up` or `down` repairs. strace
# kills it as it enters a system call: every call that could change something, one after the other.

CHANGES='MAP_UPDATE|MAP_DELETE|OBJ_PIN|LINK_CREATE|LINK_UPDATE|LINK_DETACH|RTM_NEW|RTM_DEL|RTM_SET|O_CREAT|O_WRONLY'

# Which calls of a command, counted from 1, change something; of calls other than these two, all.
moments() { # SYSCALL CMD...
	must strace -f -qq -o $T/trace -e "trace=$1" "${@:2}"
	changing "$1" $T/trace
}

# A sysctl is written again and again, by the kernel, while somebody else has the lock of all devices.
changing() { # SYSCALL TRACE
	sed -i '/ERESTART/d' "$2"
	case $1 in
	bpf | sendto | openat) grep -nE "$CHANGES" "$2" | cut -d: -f1 ;;
	*) seq "$(wc -l < "$2")" ;;
	esac
}

kill_at() { # SYSCALL N CMD...
	local status=0
	strace -f -qq -o /dev/null -e "inject=$1:signal=KILL:when=$2" "${@:3}" > $T/killed 2>&1 || status=$?
	is $status 137 "status of a killed ${*:3} ($1 $2)"
}

# counter(), but many times as fast.
passed_by() {
	bpftool map dump pinned $PINS/counters | awk '/"not_ours":/ { n += $2 } END { print n }'
}

# What passes by an uplink's programs is counted by each that is attached there, once.
programs_run_once() {
	local before
	pings host 172.31.0.1
	before=$(passed_by)
	pings host 172.31.0.1
	echo $(($(passed_by) - before)) # the request on its way out, the answer on its way in
}

works() {
	pings ns1 $NS2
	pings ns1 8.8.8.8
	pings host $NS1
	is "$(ebpfnet status --json | json 'j["problems"]')" "[]" "problems$1"
	[ "$(programs_run_once)" = 2 ] || is "$(programs_run_once)" 2 "programs that saw a ping of the host's$1"
}

is_as_before() {
	is "$(diff <(echo "$before") <(snapshot))" "" "what was left, or taken$1"
}

# The same, where not every command makes every call.
converges_if_called() { # PREPARE SYSCALL CMD...
	$1
	must strace -f -qq -o $T/called -e "trace=$2" "${@:3}"
	must ebpfnet down
	[ ! -s $T/called ] || [ -z "$(changing "$2" $T/called)" ] || converges "$@"
}

# In `make test` one kind of hook has every second of them and the other the rest, in `make faults` both have all.
share() { # MOMENT...
	local first=1 step=2
	[ "$HOOK" = tcx ] || first=2
	[ "${FAULT_KILLS-}" != all ] || first=1 step=1
	printf '%s\n' "$@" | sed -n "$first~${step}p"
}

# PREPARE makes the network that CMD is killed in; `up` makes it whole, `down` ends it: every second
# time `down` comes at once.
converges() { # PREPARE SYSCALL CMD...
	local before n all turn=0
	before=$(snapshot)
	$1
	all=$(moments "${@:2}")
	must ebpfnet down
	is_as_before " at all"
	[ -n "$all" ] || fail "${*:3} never calls $2"
	# shellcheck disable=SC2086 # words
	for n in $(share $all); do
		$1
		kill_at "$2" "$n" "${@:3}"
		if [ $((turn++ % 2)) = 0 ]; then
			up
			works " after $2 $n of ${*:3}"
		fi
		must ebpfnet down
		is_as_before " after $2 $n of ${*:3}"
	done
}

nothing() { :; }

three() {
	up
	must ebpfnet ns add three
}

up_converges() { # SYSCALL
	converges nothing "$1" ebpfnet up --hook "$HOOK"
}

test_up_at_each_bpf_call() { up_converges bpf; }
test_up_at_each_netlink_message() { up_converges sendto; }
test_up_at_each_mount() { up_converges mount; }
test_up_at_each_setns() { up_converges setns; }
test_up_at_each_unshare() { up_converges unshare; }
test_up_at_each_write() { up_converges write; }
test_up_at_each_mkdir() { up_converges mkdir; }
test_up_at_each_symlink() { up_converges symlink; }
test_down_at_each_bpf_call() { converges three bpf ebpfnet down; }
test_down_at_each_netlink_message() { converges three sendto ebpfnet down; }
test_down_at_each_unlink() { converges three unlink ebpfnet down; }
test_down_at_each_rmdir() { converges three rmdir ebpfnet down; }
test_down_at_each_umount() { converges three umount2 ebpfnet down; }
test_ns_add_at_each_bpf_call() { converges three bpf ebpfnet ns add four; }
test_ns_add_at_each_netlink_message() { converges three sendto ebpfnet ns add four; }
test_ns_del_at_each_bpf_call() { converges three bpf ebpfnet ns del three; }
test_ns_del_at_each_netlink_message() { converges three sendto ebpfnet ns del three; }
test_expose_at_each_bpf_call() { converges three bpf ebpfnet expose ns1 8000-8009; }

test_up_at_each_file() { up_converges openat; }

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

# Its pins are renamed with it, one by one.
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

# All that changes anything, of all commands: in `make faults` only, as each of it takes a second.
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
