# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A command that is killed at any moment leaves a state that the next `up` or `down` repairs: strace
# kills it at its first, second, ... call of a system call, until it gets through.

# killed_at SYSCALL N CMD...: whether it was killed.
killed_at() {
	local status=0
	strace -f -qq -o /dev/null -e "inject=$1:signal=KILL:when=$2" "${@:3}" > $T/killed 2>&1 || status=$?
	[ $status = 137 ] || { [ $status = 0 ] || fail "$(< $T/killed)" && return 1; }
}

works() {
	pings ns1 $NS2
	pings ns1 8.8.8.8
	pings host $NS1
	is "$(ebpfnet status --json | json 'j["problems"]')" "[]" "problems$1"
}

is_as_before() {
	is "$(diff <(echo "$before") <(snapshot))" "" "what was left, or taken$1"
}

# `up` is killed; every second time the next command is `down`, else `up` and then `down`.
up_converges_after_each() { # SYSCALL
	local before n=1
	before=$(snapshot)
	while killed_at "$1" $n ebpfnet up --hook "$HOOK"; do
		if [ $((n % 2)) = 0 ]; then
			up
			works " after $1 $n"
		fi
		must ebpfnet down
		is_as_before " after $1 $n"
		n=$((n + 1))
	done
	must ebpfnet down
	is_as_before " after all"
	[ $n -gt 1 ] || fail "up never calls $1"
}

# Any other command is killed while the network is up; `up` makes it whole, `down` ends it.
converges_after_each() { # SYSCALL CMD...
	local before n=1
	before=$(snapshot)
	up
	while killed_at "$1" $n "${@:2}"; do
		if [ $((n % 2)) = 0 ]; then
			up
			works " after $1 $n of ${*:2}"
		fi
		must ebpfnet down
		is_as_before " after $1 $n of ${*:2}"
		up
		n=$((n + 1))
	done
	[ $n -gt 1 ] || fail "${*:2} never calls $1"
}

test_up_at_each_bpf_call() { up_converges_after_each bpf; }
test_up_at_each_netlink_message() { up_converges_after_each sendto; }
test_up_at_each_mount() { up_converges_after_each mount; }
test_up_at_each_setns() { up_converges_after_each setns; }
test_up_at_each_unshare() { up_converges_after_each unshare; }
test_up_at_each_write() { up_converges_after_each write; }
test_up_at_each_mkdir() { up_converges_after_each mkdir,mkdirat; }
test_up_at_each_symlink_and_rename() { up_converges_after_each symlink,symlinkat,rename,renameat,renameat2; }
test_down_at_each_bpf_call() { converges_after_each bpf ebpfnet down; }
test_down_at_each_netlink_message() { converges_after_each sendto ebpfnet down; }
test_down_at_each_unlink() { converges_after_each unlink,unlinkat,rmdir ebpfnet down; }
test_down_at_each_umount() { converges_after_each umount2 ebpfnet down; }
test_ns_add_at_each_bpf_call() { converges_after_each bpf ebpfnet ns add three; }
test_ns_add_at_each_netlink_message() { converges_after_each sendto ebpfnet ns add three; }
test_ns_del_at_each_bpf_call() { converges_after_each bpf ebpfnet ns del ns2; }
test_ns_del_at_each_netlink_message() { converges_after_each sendto ebpfnet ns del ns2; }
test_expose_at_each_bpf_call() { converges_after_each bpf ebpfnet expose ns1 8000-8009; }

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
