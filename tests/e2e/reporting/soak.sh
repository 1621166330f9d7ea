# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Seconds of what `make soak` does for a quarter of an hour, and that its checks can fail.
#
# hooks: any

test_all_maps_agree_while_everything_changes() {
	must "$TOP/tests/soak/soak.py" --seconds 20 --flows 1024 --hook "$HOOK"
	like "$out" ', 0 violations$'
	unlike "$out" VIOLATION
}

# The bytes of the first element of a map, as bpftool wants them. key|value
bytes_of() { # MAP key|value
	bpftool -j map dump pinned $PINS/"$1" | json '" ".join(j[0]["'"$2"'"])'
}

found_broken() { # REGEX
	must_not "$TOP/tests/soak/invariants.py"
	like "$out" "$1"
}

test_a_map_that_is_wrong_is_found() {
	up --flows 1024
	serve internet tcp 7000
	must ebpfnet expose ns1 5000-5009
	reaches ns1 tcp $INTERNET 7000 $HOST 40000
	pings ns2 $INTERNET
	must "$TOP/tests/soak/invariants.py"
	must bpftool map update pinned $PINS/portmap_bits key 80 0 0 0 value 1 0 0 0 0 0 0 0
	found_broken 'portmap_bits is wrong in the words \[80\]'
	must bpftool map update pinned $PINS/tcp_ports_in_use key hex 40 9c 0 0 value 7 0 0 0
	found_broken '40000 counts 7 of 1'
	# shellcheck disable=SC2046 # bytes
	must bpftool map delete pinned $PINS/portmap_keys key $(bytes_of portmap_keys key)
	found_broken 'published ports without a key'
	# shellcheck disable=SC2046 # bytes
	must bpftool map update pinned $PINS/usage key $(bytes_of usage key) value 9 $(printf '0 %.0s' {1..19})
	found_broken 'counts 9 flows, it has [01]$'
	must bpftool map update pinned $PINS/outside_peers key 5 0 0 0 value 3 0 0 0 0 0 0 0
	found_broken 'outside_peers is wrong: .*5 counts 3 of 0'
	# shellcheck disable=SC2046 # bytes
	must bpftool map delete pinned $PINS/flows key $(bytes_of flows key)
	found_broken 'has only the keys of'
	# shellcheck disable=SC2046 # a slot that is free, and on no list
	must bpftool map update pinned $PINS/conns key 0 0 0 0 value $(printf '0 %.0s' {1..32})
	found_broken '1 free slots are on no list'
	found_broken 'conn_alloc counts 2 flows, 1 slots are in use'
	must ip link del veth1
	found_broken 'has no device'
}
