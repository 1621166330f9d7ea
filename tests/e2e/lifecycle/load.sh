# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# The programs of `up`: loaded by several threads, and as by one.

# How a program may read kernel memory (bpf/kern/kernel.h), found while another thread may find it too.
kernel_memory() { # PROGRAM
	local id
	for id in $(bpftool -j prog show pinned "$PINS/progs/$1" | json '" ".join(map(str, j["map_ids"]))'); do
		bpftool -j map show id "$id" | grep -q '"\.rodata\.kern' || continue
		bpftool -j map dump id "$id" | json 'j[0]["value"]'
	done
}

loaded_alike() { # COMMAND...
	local first program
	must "$@" ebpfnet up --hook "$HOOK"
	is "$(ls $PINS/progs | tr '\n' ' ')" "gateway port uplink uplink_out " "programs of up"
	first=$(kernel_memory gateway)
	[ -n "$first" ] || fail "no map .rodata.kernel"
	for program in port uplink uplink_out; do
		is "$(kernel_memory $program)" "$first" "how $program reads kernel memory"
	done
	must ebpfnet down
}

test_every_program_reads_kernel_memory_alike() {
	local _
	for _ in 1 2; do loaded_alike; done
	loaded_alike taskset -c 0
}

test_lo_s_program_is_loaded_by_the_first_expose() {
	up
	must_not test -e $PINS/progs/lo
	must ebpfnet expose ns1 5000
	must test -e $PINS/progs/lo
	must ebpfnet unexpose ns1
	must ebpfnet expose ns2 5000
	serve ns2 tcp 5000
	reaches host tcp $HOST 5000 $HOST
}
