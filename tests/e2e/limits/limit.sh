# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# `ebpfnet limit`: what it sets, shows, refuses and leaves.
#
# hooks: any

SHAPER=ebpfnet-shape

has_shaper() { [ -e /sys/class/net/$SHAPER ]; }

# "ID RATE" of each class.
classes() { tc class show dev $SHAPER | sed -E 's/^class htb (1:[0-9a-f]+) .* rate ([^ ]+) .*/\1 \2/' | sort | xargs; }

limits() { ebpfnet limit --json | json '[(l["ns"], l["in_bits"], l["out_bits"]) for l in j["limits"]]'; }

test_a_limit_is_set_shown_changed_and_taken_away() {
	up
	must ebpfnet limit
	is "$out" "nothing is limited" "the list of no limits"
	has_shaper && fail "a shaper without limits"
	must ebpfnet limit ns1 in 10mbit out 1.5gbit
	is "$out" $'ns1 receives at most 10mbit\nns1 sends at most 1500mbit' "what is said"
	is "$(limits)" "[('ns1', 10000000, 1500000000)]" "limits"
	is "$(classes)" "1:1 10Mbit 1:2 1500Mbit" "classes"
	is "$(ebpfnet status --json | json '[(n["limit_in_bits"], n["limit_out_bits"]) for n in j["namespaces"]]')" \
		"[(10000000, 1500000000), (None, None)]" "limits in the status"
	must ebpfnet limit ns2 out 500kbit
	must ebpfnet limit ns1 in 40gbit
	is "$(limits)" "[('ns1', 40000000000, 1500000000), ('ns2', None, 500000)]" "limits"
	is "$(classes)" "1:1 40Gbit 1:2 1500Mbit 1:4 500Kbit" "classes"
	must ebpfnet limit ns1 in 40gbit
	like "$out" 'nothing to change'
	must ebpfnet limit
	like "$out" '^ns1 +40gbit +1500mbit +0 +0$'
	like "$out" '^ns2 +- +500kbit +0 +0$'
	must ebpfnet limit ns1 out none in none
	is "$out" $'ns1 receives without limit\nns1 sends without limit' "what is said"
	is "$(classes)" "1:4 500Kbit" "classes"
	must ebpfnet status
	must ebpfnet limit ns2 out none
	has_shaper && fail "a shaper without limits"
	is "$(limits)" "[]" "limits"
	must ebpfnet status
}

test_what_is_no_limit_is_refused() {
	up
	must ebpfnet limit ns2 in 7mbit
	misused 'needs in RATE, out RATE' ebpfnet limit ns1
	misused 'in needs a rate' ebpfnet limit ns1 in
	misused "not 'up'" ebpfnet limit ns1 up 10mbit
	misused 'limit has in twice' ebpfnet limit ns1 in 10mbit in 20mbit
	misused "in '10mbits': unknown unit" ebpfnet limit ns1 in 10mbits
	misused "out '-1mbit': no number" ebpfnet limit ns1 in 10mbit out -- -1mbit
	misused "in '20000000000tbit': too large" ebpfnet limit ns1 in 20000000000tbit
	misused "in '0' would let nothing pass; .*detach" ebpfnet limit ns1 in 0
	misused "in '9kbit' is less than 10kbit" ebpfnet limit ns1 in 9kbit
	misused '--json is for the list' ebpfnet limit ns1 in 10mbit --json
	refused 'no namespace nobody' ebpfnet limit nobody in 10mbit
	refused 'no network blue' ebpfnet limit ns1 in 10mbit --network blue
	is "$(limits)" "[('ns2', 7000000, None)]" "limits"
}

test_a_namespace_in_two_networks_has_a_limit_in_each() {
	up
	must ebpfnet network add blue
	must ebpfnet connect ns1 blue
	refused 'ns1 is in several networks; .*--network' ebpfnet limit ns1 in 10mbit
	must ebpfnet limit ns1 in 10mbit --network blue
	must ebpfnet limit ns1 in 20mbit --network default
	is "$(ebpfnet limit --json | json '[(l["network"], l["in_bits"]) for l in j["limits"]]')" \
		"[('default', 20000000), ('blue', 10000000)]" "limits"
	is "$(ebpfnet limit --json --network blue | json '[l["in_bits"] for l in j["limits"]]')" "[10000000]" "limits in blue"
	refused 'ns2 is not in network blue' ebpfnet limit ns2 in 10mbit --network blue
	must ebpfnet disconnect ns1 blue
	is "$(classes)" "1:1 20Mbit" "classes"
}

test_limits_stay_over_up_and_go_with_their_namespace() {
	up
	must ebpfnet ns add three
	must ebpfnet limit three in 10mbit
	up
	like "$out" 'nothing to change'
	is "$(limits)" "[('three', 10000000, None)]" "limits after up"
	must ebpfnet ns del three
	has_shaper && fail "a shaper without limits"
	must ebpfnet ns add three
	is "$(limits)" "[]" "limits of another namespace of that name"
	must ebpfnet status
}

# One that was deleted by others is made again, with its limits.
test_limits_stay_with_a_namespace_that_up_makes_again() {
	up
	must ebpfnet limit ns1 in 10mbit out 20mbit
	ip netns del ns1
	must_be_unhealthy
	up
	is "$(limits)" "[('ns1', 10000000, 20000000)]" "limits"
	must ebpfnet status
	pings ns1 8.8.8.8
	like "$(tc -s class show dev $SHAPER classid 1:2)" ' [1-9][0-9]* pkt'
}

# hooks: each
test_down_leaves_nothing_of_limits() {
	local before
	before=$(snapshot)
	up
	must ebpfnet limit ns1 in 10mbit out 10mbit
	must ebpfnet down --dry-run
	like "$out" "shaper $SHAPER +remove the pair of devices"
	must ebpfnet down
	is "$(diff <(echo "$before") <(snapshot))" "" "what down leaves"
}

# The journal is gone, and the pins with it.
# hooks: each
test_down_removes_a_shaper_that_no_journal_knows() {
	up
	must ebpfnet limit ns1 in 10mbit
	rm -r $PINS
	must ebpfnet down
	has_shaper && fail "the shaper is still there"
	[ ! -e /sys/class/net/veth0 ] || fail "the port is still there"
}

mended() { # WHAT CMD...
	must "${@:2}"
	must_be_unhealthy
	like "$out" "$1"
	up
	must ebpfnet status
	is "$(classes)" "1:1 10Mbit 1:2 20Mbit" "classes after: ${*:2}"
	pings ns1 8.8.8.8
	like "$(tc -s class show dev $SHAPER classid 1:2)" ' [1-9][0-9]* pkt'
}

# hooks: each
test_what_is_changed_by_hand_is_reported_and_mended() {
	up
	must ebpfnet limit ns1 in 10mbit out 20mbit
	mended 'root qdisc of ebpfnet-shape is not HTB' tc qdisc del dev $SHAPER root
	mended 'root qdisc of ebpfnet-shape is not HTB' tc qdisc replace dev $SHAPER root handle 7: pfifo
	mended 'queue of ebpfnet-shape for namespace ns1' tc class change dev $SHAPER parent 1: classid 1:1 htb rate 99mbit
	mended 'queue of ebpfnet-shape for namespace ns1' tc qdisc replace dev $SHAPER parent 1:2 pfifo limit 10
	mended 'queue for no namespace' tc class add dev $SHAPER parent 1: classid 1:77 htb rate 99mbit
	mended 'device ebpfnet-shape is down' ip link set $SHAPER down
	mended 'has not the MTU 65535' ip link set ${SHAPER}p mtu 1500
	mended 'ebpfnet-shape.* is gone' ip link del $SHAPER
	mended 'programs do not know the limits of namespace ns1' bpftool map delete pinned $PINS/limits \
		key hex "$(printf '%02x' "$(< /sys/class/net/veth0/ifindex)")" 0 0 0
	if [ "$HOOK" = tcx ]; then
		mended 'shaper program is missing' rm $PINS/links/shaper-${SHAPER}p
	else
		mended 'shaper program is missing' tc filter del dev ${SHAPER}p ingress
	fi
}

test_a_renamed_shaper_stays_one() {
	up
	must ebpfnet limit ns1 in 10mbit
	ip link set $SHAPER down
	ip link set $SHAPER name other
	ip link set other up
	must ebpfnet limit ns1 out 20mbit
	has_shaper && fail "a second shaper"
	pings ns1 8.8.8.8
	must ebpfnet limit ns1 in none out none
	[ ! -e /sys/class/net/other ] || fail "the shaper is still there"
}

test_a_device_of_others_with_that_name_is_not_touched() {
	up
	ip link add $SHAPER type veth peer name theirs
	refused "device $SHAPER is there already and not made by ebpfnet" ebpfnet limit ns1 in 10mbit
	is "$(limits)" "[]" "limits"
	ip link del $SHAPER
	must ebpfnet limit ns1 in 10mbit
}
