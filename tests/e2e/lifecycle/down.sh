# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# `down` removes exactly what was made, in any state.
#
# hooks: any

# Runs a command and `down` between two snapshots.
leaves_nothing_after() {
	local before
	before=$(snapshot)
	"$@"
	must ebpfnet down
	is "$(diff <(echo "$before") <(snapshot))" "" "what down left, or took"
	must ebpfnet down # again: nothing to do
	is "$(snapshot)" "$before" "the host after another down"
}

everything() {
	up
	must ebpfnet ns add three --spoof allow
	start_guest
	must ebpfnet attach "$guest"
	must ebpfnet expose ns1 5000
	must ebpfnet expose three 8000-8999:80/udp
	serve internet tcp 7000
	reaches ns1 tcp $INTERNET 7000 $HOST
	must ebpfnet set fdb-age 5
}

# hooks: each
test_after_up() {
	leaves_nothing_after up
}

# hooks: each
test_after_everything() {
	leaves_nothing_after everything
}

test_after_up_twice() {
	twice() { up && up --ns more; }
	leaves_nothing_after twice
}

# hooks: each
test_with_devices_deleted() {
	broken() {
		everything
		ip link del veth0
		ip link del ebpfnet0
	}
	leaves_nothing_after broken
}

test_with_namespaces_deleted() {
	broken() {
		everything
		ip netns del ns1
		ip netns del three
	}
	leaves_nothing_after broken
}

# hooks: each
test_with_pins_deleted() {
	broken() {
		everything
		rm -rf $PINS/links $PINS/progs
		rm -f $PINS/flows $PINS/ports $PINS/config
	}
	leaves_nothing_after broken
}

# hooks: each
test_with_programs_detached() {
	broken() {
		everything
		rm -f $PINS/links/*
		tc qdisc del dev veth1 clsact 2> /dev/null || true
	}
	leaves_nothing_after broken
}

# hooks: each
test_with_the_uplink_gone() {
	ip link add up1 type veth peer name up2
	ip link set up1 up
	ip link set up2 up
	up --uplink up1
	ip link del up1
	must ebpfnet down
	must_not test -e $PINS
	is "$(ls /run/netns | tr '\n' ' ')" "internet isp " "namespaces left"
}

# hooks: each
test_another_qdisc_stays() {
	tc qdisc add dev eth0 clsact
	tc qdisc add dev lo clsact
	leaves_nothing_after everything
}

test_a_namespace_that_took_the_name_stays() {
	up
	ip netns del ns1
	ip netns add ns1 # made by another program
	on ns1 ip link add mark type veth peer name kram
	must_be_unhealthy
	like "$out" 'ns1 .* gone'
	must ebpfnet down
	must test -e /run/netns/ns1
	must on ns1 ip link show mark
}

test_ns_del_copes_with_a_deleted_namespace() {
	up
	ip netns del ns1
	must ebpfnet ns add other
	unlike "$(on other ip link)" 'ceth0' # its number is not handed to another while it is known
	must ebpfnet ns del ns1
	unlike "$(ebpfnet ns list)" ns1
	must ebpfnet ns add ns1
	pings ns1 $NS2
}

test_up_again_after_down() {
	up
	must ebpfnet down
	up
	pings ns1 8.8.8.8
	pings ns1 $NS2
}

# ---- an older release's network

# Makes a map of the journal again with records that end earlier, as they did before layout 5.
shorten() { # MAP TYPE KEY-SIZE VALUE-SIZE ENTRIES
	bpftool -j map dump pinned "$PINS/$1" > $T/old
	rm "$PINS/$1"
	bpftool map create "$PINS/$1" type "$2" key "$3" value "$4" entries "$5" name "$1" \
		$([ "$2" = array ] || echo flags 1) # BPF_F_NO_PREALLOC
	python3 - "$PINS/$1" "$3" "$4" $T/old > $T/batch <<- 'END'
		import json, sys
		pin, key, size, old = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), json.load(open(sys.argv[4]))
		for e in old:
		    print("map update pinned", pin, "key", *e["key"][:key], "value", *e["value"][:size])
	END
	bpftool batch file $T/batch > /dev/null
}

# Turns the network into one of layout 3: maps of other names, one of another size, devices without an alias, and a
# journal with its number and the records of that time.
older_layout() {
	local old new
	while read -r new old; do
		mv "$PINS/$new" "$PINS/$old"
	done <<- END
		portmap_keys published
		portmap_bits published_ports
		portmaps rules
		neigh stations
		tcp_ports_in_use tcp_mapped
		frags datagrams
		fragq holds
		fragq_frames held_frames
		reinject_bufs again_desks
	END
	rm $PINS/config
	bpftool map create $PINS/config type array key 4 value 8 entries 1 name config
	rm $PINS/nets
	journal_says 3 24 1 0 192 168 1 0 192 168 1 1
	shorten host array 4 444 1
	shorten namespaces hash 16 144 4096
	for old in ebpfnet0 ebpfnet0p veth0 veth1 veth2 veth3; do
		ip link set dev $old alias ''
	done
}

# With NETWORK, the bytes of its prefix, id, subnet and gateway, also the network of that time.
journal_says() { # LAYOUT [NETWORK]
	local record
	record=$(bpftool -j map lookup pinned $PINS/host key 0 0 0 0 | python3 -c '
import json, sys
value = [int(b, 16) for b in json.load(sys.stdin)["value"]]
value[:4] = int(sys.argv[1]), 0, 0, 0
if sys.argv[2:]:
    value[5:16] = map(int, sys.argv[2:])
    value[28:60] = b"ebpfnet0".ljust(16, b"\0") + b"ebpfnet0p".ljust(16, b"\0")
    value[60:444] = value[592:976] # the uplinks
print(*value)' "$@")
	# shellcheck disable=SC2086 # bytes
	bpftool map update pinned $PINS/host key 0 0 0 0 value $record
}

test_removes_the_network_of_an_older_release() {
	of_old() {
		everything
		older_layout
	}
	leaves_nothing_after of_old
}

test_only_down_accepts_an_older_release() {
	local command
	everything
	older_layout
	for command in up status flows "ns add x" "expose ns1 9" "ns del ns1"; do
		# shellcheck disable=SC2086 # words
		must_not ebpfnet $command
		is "$err" "ebpfnet: $PINS was made by a release of ebpfnet with layout 3, this one has 8; run \`ebpfnet down\` first" \
			"what $command said"
	done
	pings ns1 8.8.8.8 # its programs still run
	must ebpfnet down
	up
	pings ns1 8.8.8.8
}

test_down_refuses_a_newer_release() {
	everything
	journal_says 99
	must_not ebpfnet down
	like "$err" "layout 99, this one has 8; run that release's \`ebpfnet down\` first"
	journal_says 5
	must ebpfnet down
}
