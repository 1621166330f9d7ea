# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A command about networks that is killed at any call.
#
# hooks: any
source "$TOP/tests/lib/interrupted.sh"

with_blue() {
	up
	must ebpfnet network add blue
	must ebpfnet ns add b1 --network blue
}

connected() {
	with_blue
	must ebpfnet connect ns1 blue
}

empty_blue() {
	up
	must ebpfnet network add blue
}

# As converges(), but definitions stay on disk after `down`.
mended() { # PREPARE SYSCALL CMD...
	local before n all turn=0
	before=$(snapshot)
	$1
	all=$(moments "${@:2}")
	must ebpfnet down
	rm -rf /var/lib/ebpfnet
	# shellcheck disable=SC2086 # words
	for n in $(share $all); do
		$1
		kill_at "$2" "$n" "${@:3}"
		if [ $((turn++ % 2)) = 0 ]; then
			up
			works " after $2 $n of ${*:3}"
			must ebpfnet status
		fi
		must ebpfnet down
		rm -rf /var/lib/ebpfnet
		is_as_before " after $2 $n of ${*:3}"
	done
}

only_up() { up; }

test_network_add_at_each_bpf_call() { mended only_up bpf ebpfnet network add blue; }
test_network_add_at_each_netlink_message() { mended only_up sendto ebpfnet network add blue; }
test_network_add_at_each_file() { mended only_up openat ebpfnet network add blue; }
test_network_add_at_each_rename() { mended only_up rename ebpfnet network add blue; }
test_network_del_at_each_bpf_call() { mended empty_blue bpf ebpfnet network del blue; }
test_network_del_at_each_netlink_message() { mended empty_blue sendto ebpfnet network del blue; }
test_network_del_at_each_unlink() { mended empty_blue unlink ebpfnet network del blue; }
test_connect_at_each_bpf_call() { mended with_blue bpf ebpfnet connect ns1 blue; }
test_connect_at_each_netlink_message() { mended with_blue sendto ebpfnet connect ns1 blue; }
test_disconnect_at_each_bpf_call() { mended connected bpf ebpfnet disconnect ns1 blue; }
test_disconnect_from_the_first_at_each_netlink_message() { mended connected sendto ebpfnet disconnect ns1 blue; }
test_down_at_each_bpf_call() { mended connected bpf ebpfnet down; }
