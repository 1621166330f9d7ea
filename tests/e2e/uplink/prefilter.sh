# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
# hooks: any
#
# The XDP prefilter, `up --xdp`: on real packets, beside other XDP programs, attached and detached.

problems() {
	ebpfnet status --json | json '[p["problem"] for p in j["problems"]]'
}

well() { # WHEN
	is "$(problems)" "[]" "problems $1"
}

# The mode of the prefilter of eth0 (or DEV): as `status` reports it, and as the kernel does.
prefiltered() { # native|generic|None [DEV]
	local dev=${2-eth0} word="" there
	is "$(ebpfnet status --json | json '[u["xdp"] for u in j["uplinks"] if u["name"] == "'"$dev"'"]')" \
		"[$([ "$1" = None ] && echo None || echo "'$1'")]" "prefilter of $dev"
	there=$(ip -d link show "$dev" | grep -oE ' xdp(generic)? ' || true)
	case $1 in native) word=" xdp " ;; generic) word=" xdpgeneric " ;; esac
	is "$there" "$word" "XDP on $dev"
}

# Another program: passes all.
others_xdp() { # xdpdrv|xdpgeneric
	local section=xdp
	[ "$1" = xdpgeneric ] || section=xdp.frags # else a veth of that MTU does not take it
	echo '__attribute__((section("'$section'"), used)) int other(void *ctx) { return 2; }' > $T/other.c
	must clang -O2 -target bpf -c $T/other.c -o $T/other.o
	must bpftool prog load $T/other.o /sys/fs/bpf/other type xdp
	must bpftool net attach "$1" pinned /sys/fs/bpf/other dev eth0
}

others_is_there() {
	like "$(ip link show eth0)" 'xdp.* id [0-9]+ (name other )?'
	unlike "$(ip link show eth0)" ebpfnet_xdp
}

# ---- packets

# Ordinary traffic of every kind passes as it does without the prefilter.
everything_passes() {
	up "$@"
	must ebpfnet expose ns1 5000
	must ebpfnet expose ns1 5000/udp
	serve ns1 tcp 5000
	serve ns1 udp 5000
	serve internet tcp 7000
	serve internet udp 7000
	serve host tcp 7700
	reaches ns1 tcp $INTERNET 7000 $HOST
	reaches ns1 udp $INTERNET 7000 $HOST
	reaches internet tcp $HOST 5000 $INTERNET
	reaches internet udp $HOST 5000 $INTERNET
	reaches ns2 tcp $HOST 5000 $HOST
	reaches host tcp $HOST 5000 $HOST
	reaches host tcp $INTERNET 7000 $HOST
	reaches internet tcp $HOST 7700 $INTERNET
	pings ns1 $INTERNET
	pings host $INTERNET
	pings internet $HOST
	pings ns1 $INTERNET -s 20000 # in fragments
	must on ns1 "$WIRE" copy $INTERNET 7000 4000000
	must on internet "$WIRE" copy $HOST 5000 4000000
	must_not on ns1 ping -n -c1 -W1 -t2 $INTERNET
	like "$out" 'From 172.31.0.1 icmp_seq=1 Time to live exceeded'
	well "with all that"
}

test_native_passes_ordinary_traffic() { everything_passes --xdp native; }
test_generic_passes_ordinary_traffic() { everything_passes --xdp generic; }

# To the mapping of another namespace: hairpinned, it comes in at the uplink behind the driver.
hairpins() { # OPTION...
	up "$@"
	by_hand ns1 ns2
	probe '
	public = udp_out()[1]
	set_filtering = sh("ebpfnet", "set", "filtering", "endpoint")
	this = mark()
	inside2.send(IP(src=NS2, dst=HOST) / UDP(sport=6100, dport=public.sport) / this)
	came = inside.hears(this)
	must(came.src == HOST, "came as " + came.summary())
	'
}

test_native_passes_hairpins() { hairpins --xdp native; }
test_generic_passes_hairpins() { hairpins --xdp generic; }

# No capture on the uplink sees what it drops, and the counters are those that the uplink's program has.
drops() { # OPTION...
	up "$@"
	by_hand ns1 ns2
	hear host eth0 -Q in "ip and net 192.168.0.0/16"
	probe '
	for dst in HOST, NS1:
	    for l4 in UDP(sport=7, dport=5000), TCP(sport=7, dport=5000, flags="S"), ICMP():
	        outside.send(IP(src=NS2, dst=dst) / l4)
	for l4 in UDP(sport=7, dport=5000), TCP(sport=7, dport=5000, flags="A"), ICMP():
	    outside.send(IP(src=PEER2, dst=GATEWAY) / l4)
	'
	is "$(counter martian)" 6 martians
	is "$(counter unsolicited)" 3 "unsolicited"
	heard host eth0
}

dropped_early() { # OPTION...
	drops "$@"
	is "$heard" "" "what came to the uplink's taps"
	well "after drops"
}

test_native_drops_early() { dropped_early --xdp native; }
test_generic_drops_early() { dropped_early --xdp generic; }

# Proves the test: without the prefilter the same frames get further, and are dropped too.
test_the_same_is_dropped_without() {
	drops
	is "$(wc -l <<< "$heard")" 9 "frames that came to the uplink's taps"
}

# A frame in another VLAN belongs to another network, and must pass.
test_a_vlan_uplink_gets_no_prefilter() {
	ip link add link eth0 name eth0.5 type vlan id 5 2> /dev/null || skip "this kernel has no VLANs"
	ip link set eth0.5 up
	ip -n isp link add link lan name lan.5 type vlan id 5
	ip -n isp link set lan.5 up
	up --xdp
	like "$err" 'no XDP prefilter on eth0: it has a VLAN \(eth0.5\)'
	prefiltered None
	like "$(problems)" 'no XDP prefilter on eth0: it has a VLAN'
	ip link del eth0.5
	like "$(problems)" 'the XDP prefilter is missing from eth0'
	must ebpfnet up
	prefiltered native
	well "without the VLAN"
	ip link add link eth0 name eth0.5 type vlan id 5
	like "$(problems)" 'prefilter of eth0 is not as it should be: it may not see the tags of eth0.5'
	must ebpfnet up
	prefiltered None
	must ebpfnet up --xdp off
	well "when there is to be none"
}

# ---- attaching and detaching

test_without_a_value_the_driver_is_asked_first() {
	up --xdp
	prefiltered native
	must ebpfnet up
	like "$out" 'nothing to change'
	must ebpfnet up --xdp
	like "$out" 'nothing to change'
	well "with an XDP prefilter"
}

# A macvlan's driver has no XDP of its own.
test_where_the_driver_does_not_take_it() {
	ip link add mv0 link eth0 type macvlan mode bridge 2> /dev/null || skip "this kernel has no macvlan"
	ip link set mv0 up
	up --uplink mv0 --xdp native
	like "$err" 'no XDP prefilter on mv0: its driver takes no XDP program \(.*\); try --xdp generic'
	prefiltered None mv0
	like "$(problems)" 'the XDP prefilter is missing from mv0'
	must ebpfnet up --xdp
	like "$out" 'the XDP prefilter of mv0 is generic: its driver takes no XDP program'
	prefiltered generic mv0
	unlike "$(problems)" prefilter
	must ebpfnet up
	like "$out" 'nothing to change'
}

test_it_stays_until_another_is_asked_for() {
	up
	prefiltered None
	well "without one"
	must ebpfnet up --xdp generic
	prefiltered generic
	must ebpfnet ns add more
	must ebpfnet up
	prefiltered generic
	must ebpfnet up --xdp native
	prefiltered native
	must ebpfnet up --xdp # it is: in one of the ways that will do
	prefiltered native
	must ebpfnet up --xdp off
	prefiltered None
	well "after it is off"
	must ebpfnet up
	like "$out" 'nothing to change'
	pings ns1 $INTERNET
	misused 'native, generic, off, or no value' ebpfnet up --xdp=both
}

leaves_nothing() { # OPTION...
	local before
	before=$(snapshot)
	up "$@"
	must ebpfnet down
	is "$(diff <(echo "$before") <(snapshot))" "" "what down left, or took"
}

test_down_leaves_nothing_of_native() { leaves_nothing --xdp native; }
test_down_leaves_nothing_of_generic() { leaves_nothing --xdp generic; }

test_another_release_may_take_it_off() {
	local before
	before=$(snapshot)
	up --xdp
	rm -r $PINS/links $PINS/progs # what it knows of is not more than that
	must ebpfnet down
	soon [ "$(snapshot)" = "$before" ]
}

test_detached_externally() {
	up --xdp
	must bpftool link detach pinned $PINS/links/uplink_xdp-eth0
	like "$(problems)" 'the XDP prefilter is missing from eth0'
	must ebpfnet up
	prefiltered native
	rm $PINS/links/uplink_xdp-eth0
	must ebpfnet up
	prefiltered native
	rm -r $PINS/progs
	must ebpfnet up
	prefiltered native
	well "once it is back"
}

test_a_renamed_uplink_keeps_it() {
	up --xdp
	ip link set eth0 down
	ip link set eth0 name wan.7
	ip link set wan.7 up
	ip route add default via 172.31.0.1
	prefiltered native wan.7
	well "under another name"
	must ebpfnet up
	prefiltered native wan.7
	is "$(ls $PINS/links | grep -c uplink_xdp)" 1 "pins of it"
	must ebpfnet down
	is "$(ip link show wan.7 | grep -c xdp)" 0 "XDP left"
}

test_an_uplink_that_was_made_again_gets_it() {
	up --xdp
	ip link del eth0
	make_uplink_again
	prefiltered None
	must ebpfnet up
	prefiltered native
	well "after up"
	ebpfnet monitor --repair > $T/monitor.out 2>&1 &
	soon grep -q watching $T/monitor.out
	ip link del eth0
	make_uplink_again
	soon grep -q 'repaired: out through eth0' $T/monitor.out
	prefiltered native
	well "after monitor"
}

test_each_of_two_uplinks_has_one() {
	ip link add eth1 type veth peer name lan1 netns isp
	ip -n isp link set lan1 up
	ip address add 198.51.100.2/24 dev eth1
	ip link set eth1 up
	up --uplink eth0 --xdp generic
	must ebpfnet up --uplink eth1
	prefiltered generic
	prefiltered generic eth1
	well "with two"
	must ebpfnet down
	is "$(ip link | grep -c xdp)" 0 "XDP left"
}

# ---- other programs

beside() { # xdpdrv|xdpgeneric
	others_xdp "$1"
	up --xdp
	like "$err" 'no XDP prefilter on eth0: another owner.s XDP program \((other, )?id [0-9]+\)'
	others_is_there
	is "$(wc -l <<< "$err")" 1 "lines"
	like "$(problems)" 'no XDP prefilter on eth0: another owner.s XDP program'
	pings ns1 $INTERNET
	must ebpfnet up
	like "$err" 'no XDP prefilter on eth0'
	others_is_there
	must bpftool net detach "$1" dev eth0
	like "$(problems)" 'the XDP prefilter is missing from eth0'
	must ebpfnet up
	prefiltered native
	well "once that is gone"
	# and no other takes its place by itself
	must_not bpftool net attach "$1" pinned /sys/fs/bpf/other dev eth0
	must_not bpftool net attach xdp pinned /sys/fs/bpf/other dev eth0
	prefiltered native
}

test_beside_another_native_program() { beside xdpdrv; }
test_beside_another_generic_program() { beside xdpgeneric; }

test_down_leaves_another_program() {
	local before
	others_xdp xdpgeneric
	before=$(snapshot)
	up --xdp
	must ebpfnet down
	is "$(diff <(echo "$before") <(snapshot))" "" "what down left, or took"
}
