# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A command that switches forwarding on or off on an uplink is killed at any call: the kernel never forwards for
# others, no network is told to pass packets through a kernel that drops them, and the next command mends the rest.
#
# hooks: any
source "$TOP/tests/lib/interrupted.sh"

CONF=/proc/sys/net/ipv4/conf

flags_of_eth0() {
	bpftool -j map dump pinned $PINS/uplinks | json \
		'sum(u["formatted"]["value"]["flags"] for u in j if u["formatted"]["value"]["name"] == "eth0")'
}

modes() {
	bpftool -j map dump pinned $PINS/networks | json '{n["formatted"]["value"]["forwarding"] for n in j if n["formatted"]["value"]["gw_ifindex"]}'
}

# Whatever is unfinished.
is_safe() { # AFTER
	if [ "$(< $CONF/eth0/forwarding)" = 1 ]; then
		is "$(flags_of_eth0)" 1 "flags of eth0, which forwards,$1"
	fi
	is "$(< /proc/sys/net/ipv4/ip_forward)" 0 "ip_forward$1"
}

# The same, where the network stays up: before the first change of a mode, and after the last.
loses_nothing() { # AFTER
	[ "$(< $CONF/eth0/forwarding)" = 1 ] || is "$(modes)" "{'FORWARDING_FAST'}" "modes while eth0 does not forward,$1"
}

# CMD is killed; then `up` mends, or, every second time, `down` comes at once. EVERY: what holds after each kill.
mends() { # EVERY PREPARE SYSCALL CMD...
	local before n all turn=0 at
	before=$(snapshot)
	$2
	all=$(moments "${@:3}")
	must ebpfnet down
	rm -rf /var/lib/ebpfnet
	is_as_before " at all"
	# shellcheck disable=SC2086 # words
	for n in $(share $all); do
		at=" after $3 $n of ${*:4}"
		$2
		kill_at "$3" "$n" "${@:4}"
		is_safe "$at"
		$1 "$at"
		if [ $((turn++ % 2)) = 0 ]; then
			up
			must ebpfnet status
			is_safe "$at and up"
			loses_nothing "$at and up"
			works "$at"
		fi
		must ebpfnet down
		rm -rf /var/lib/ebpfnet
		is_as_before "$at"
	done
}

fast() { up --forwarding fast; }
stack() { up --forwarding stack; }

fast_with_blue() {
	up --forwarding fast
	must ebpfnet network add blue
}

only_blue() {
	up --forwarding fast
	must ebpfnet network add blue --forwarding stack
}

test_set_stack_at_each_bpf_call() { KILLS=4 mends loses_nothing fast bpf ebpfnet set forwarding stack; }
test_set_stack_at_each_write() { KILLS=3 mends loses_nothing fast write ebpfnet set forwarding stack; }
test_set_stack_at_each_file() { KILLS=3 mends loses_nothing fast openat ebpfnet set forwarding stack; }
test_set_fast_at_each_bpf_call() { KILLS=4 mends loses_nothing stack bpf ebpfnet set forwarding fast; }
test_set_fast_at_each_write() { KILLS=3 mends loses_nothing stack write ebpfnet set forwarding fast; }
test_up_with_a_mode_at_each_bpf_call() { mends nothing nothing bpf ebpfnet up --hook "$HOOK" --forwarding stack; }
test_up_with_a_mode_at_each_write() { KILLS=3 mends nothing nothing write ebpfnet up --hook "$HOOK" --forwarding stack; }
test_up_changes_the_mode_at_each_bpf_call() { mends loses_nothing fast bpf ebpfnet up --forwarding ask; }
test_set_of_a_network_at_each_bpf_call() {
	KILLS=4 mends loses_nothing fast_with_blue bpf ebpfnet set forwarding stack --network blue
}
test_set_of_a_network_at_each_rename() {
	KILLS=3 mends loses_nothing fast_with_blue rename ebpfnet set forwarding stack --network blue
}
test_network_add_at_each_write() { KILLS=3 mends loses_nothing fast write ebpfnet network add blue --forwarding ask; }
test_network_add_at_each_bpf_call() { mends loses_nothing fast bpf ebpfnet network add blue --forwarding ask; }
test_network_del_at_each_bpf_call() { mends loses_nothing only_blue bpf ebpfnet network del blue; }
test_network_del_at_each_write() { KILLS=3 mends loses_nothing only_blue write ebpfnet network del blue; }
test_down_at_each_bpf_call() { mends nothing stack bpf ebpfnet down; }
test_down_at_each_write() { KILLS=3 mends nothing stack write ebpfnet down; }

# A change of a network's mode that was killed before its definition was written: `up` writes it.
test_a_definition_that_was_not_written_is_written_by_up() {
	local n
	fast_with_blue
	n=$(moments rename ebpfnet set forwarding stack --network blue)
	must ebpfnet set forwarding default --network blue
	kill_at rename "$n" ebpfnet set forwarding stack --network blue
	must_be_unhealthy
	like "$out" 'definition of network blue is not as it was set'
	must ebpfnet up
	must ebpfnet status
	must ebpfnet down
	up --forwarding fast
	is "$(ebpfnet get forwarding --network blue)" stack "mode of blue after down and up"
}
