# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A command about limits that is killed at any call.
#
# hooks: any
source "$TOP/tests/lib/interrupted.sh"

limited() {
	up
	must ebpfnet limit ns1 in 10mbit out 20mbit
}

# The queues are those of the list, whichever command was killed.
works() {
	local n
	pings ns1 $NS2
	pings ns1 8.8.8.8
	pings host $NS1
	must ebpfnet status
	n=$(ebpfnet limit --json | json 'sum((l["in_bits"] is not None) + (l["out_bits"] is not None) for l in j["limits"])')
	if [ "$n" = 0 ]; then
		[ ! -e /sys/class/net/ebpfnet-shape ] || fail "a shaper without limits$1"
	else
		is "$(tc class show dev ebpfnet-shape | wc -l)" "$n" "classes$1"
	fi
}

test_limit_at_each_bpf_call() { converges up bpf ebpfnet limit ns1 in 10mbit out 20mbit; }
test_limit_at_each_netlink_message() { converges up sendto ebpfnet limit ns1 in 10mbit out 20mbit; }
test_a_change_at_each_bpf_call() { converges limited bpf ebpfnet limit ns1 in 30mbit out none; }
test_a_change_at_each_netlink_message() { converges limited sendto ebpfnet limit ns1 in 30mbit out none; }
test_its_end_at_each_bpf_call() { converges limited bpf ebpfnet limit ns1 in none out none; }
test_its_end_at_each_netlink_message() { converges limited sendto ebpfnet limit ns1 in none out none; }
test_down_at_each_netlink_message() { converges limited sendto ebpfnet down; }
test_ns_del_at_each_bpf_call() {
	with_three() {
		up
		must ebpfnet ns add three
		must ebpfnet limit three in 10mbit
	}
	converges with_three bpf ebpfnet ns del three
}
