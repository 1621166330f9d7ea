# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# The journal is lost: by a boot, or because the bpffs was unmounted or emptied by hand.
#
# hooks: any

# What a boot leaves of a network: the files of the disk. The rest of it vanishes here by hand.
boot() {
	local name
	rm -rf $PINS /run/ebpfnet
	for name in ns1 ns2; do ip netns del $name; done
	ip link del ebpfnet0
	soon test ! -e /sys/class/net/veth1
	tc qdisc del dev eth0 clsact 2> /dev/null || true
	echo 0 > /proc/sys/net/ipv4/conf/eth0/forwarding
}

# But for a clsact qdisc, and forwarding of the uplink: nobody can tell whose they were.
leftovers() { # BEFORE
	diff <(grep -vE 'clsact|conf/eth0/forwarding' <<< "$1") <(snapshot | grep -vE 'clsact|conf/eth0/forwarding') || true
}

everything() {
	ip netns add mine
	up
	must ebpfnet attach mine
	must ebpfnet expose ns1 5000
}

lose_pins() {
	rm -r $PINS
}

lose_bpffs() {
	umount /sys/fs/bpf
	mount -t bpf bpf /sys/fs/bpf
}

test_fault_33_nothing_is_left_by_up_and_down_after_a_boot() {
	local before
	before=$(snapshot)
	up
	boot
	must test -L /etc/netns/ns1/hosts
	up --ns ns1
	must ebpfnet exec ns1 -- ping -n -c1 -W1 ns1
	must ebpfnet down
	is "$(diff <(echo "$before") <(snapshot))" "" "what is left"
}

test_fault_33_resolver_files_do_not_outlive_a_boot() {
	local before first
	printf 'nameserver 127.0.0.53\n' > /etc/resolv.conf
	mkdir -p /run/systemd/resolve
	printf 'nameserver 203.0.113.53\n' > /run/systemd/resolve/resolv.conf
	before=$(snapshot)
	for first in "up --ns none" "down"; do
		up
		boot
		rm /etc/netns/ns1/hosts # by a killed command
		must test -L /etc/netns/ns1/resolv.conf
		# shellcheck disable=SC2086 # words
		must ebpfnet $first
		must ebpfnet down
		is "$(diff <(echo "$before") <(snapshot))" "" "what is left by $first and down"
	done
	up
	lose_pins
	must ebpfnet down
	must_not test -e /run/ebpfnet
}

# hooks: each
test_fault_33_down_after_a_boot_removes_links_that_lead_nowhere() {
	local before
	before=$(snapshot)
	up
	boot
	must ebpfnet down
	is "$(diff <(echo "$before") <(snapshot))" "" "what is left"
	must ebpfnet down
	like "$out" 'nothing is up'
}

test_fault_33_files_of_the_user_stay_after_a_boot() {
	up
	boot
	echo 'nameserver 192.0.2.1' > /etc/netns/ns2/resolv.conf
	mkdir /etc/netns/other
	echo '192.0.2.1 mine' > /etc/netns/other/hosts
	must ebpfnet down
	must_not test -e /etc/netns/ns1
	must test -s /etc/netns/ns2/resolv.conf
	must test -s /etc/netns/other/hosts
}

# hooks: each
test_fault_33_down_finds_what_is_there_without_its_pins() {
	local before lose
	for lose in lose_pins lose_bpffs; do
		ip netns del mine 2> /dev/null || true
		before=$(snapshot)
		everything
		$lose
		must ebpfnet down --dry-run
		like "$out" 'device veth0 +remove it'
		must ebpfnet down
		is "$out" "removed the devices of a network whose journal is lost"$'\n'"down: all removed" "what down says"
		must test -e /run/netns/mine
		ip netns del mine
		is "$(leftovers "$before")" "" "what is left after $lose"
	done
}

# hooks: each
test_fault_33_up_begins_anew_without_its_pins() {
	local lose
	for lose in lose_pins lose_bpffs; do
		up
		$lose
		up
		must ebpfnet status
		like "$out" 'all well'
		pings ns1 $NS2
		pings ns1 $INTERNET
		pings host $NS1
		must ebpfnet down
		is "$(ls /run/netns | tr '\n' ' ')" "internet isp " "namespaces left"
	done
}

# The journal alone: its maps are gone, others are there.
# hooks: each
test_fault_33_up_begins_anew_without_its_journal() {
	up
	rm $PINS/host $PINS/namespaces
	up
	must ebpfnet status
	pings ns1 $INTERNET
	must ebpfnet down
	must_not test -e $PINS
}

test_fault_33_a_namespace_that_took_the_name_stays_without_pins() {
	up
	lose_pins
	ip netns del ns1
	ip netns add ns1
	on ns1 ip link add mark type veth peer name kram
	must ebpfnet down
	must on ns1 ip link show mark
	must_not test -e /run/netns/ns2
}

# A network that is up, seen through another bpffs, is no leftover.
test_fault_33_a_network_with_pins_in_another_bpffs_stays() {
	local command
	mkdir /run/bpf
	mount -t bpf bpf /run/bpf
	up
	for command in "up" "down"; do
		refused 'is of a network that is up, whose pins are in another bpffs than /run/bpf/ebpfnet; name that' \
			ebpfnet $command --bpffs /run/bpf
	done
	pings ns1 $INTERNET
	must ebpfnet status
}

test_fault_33_a_device_of_somebody_else_stays_without_pins() {
	up
	ip link add mine type veth peer name other
	ip link set dev mine alias 'ebpfnetwork'
	lose_pins
	must ebpfnet down
	must ip link show mine
}

# Killed at any moment, it is done by the next one.
test_fault_33_removing_what_is_left_converges() {
	local before n all
	source "$TOP/tests/lib/interrupted.sh"
	before=$(snapshot)
	up
	lose_pins
	CHANGES='RTM_DELLINK|RTM_DELTFILTER'
	all=$(moments sendto ebpfnet down)
	for n in $all; do
		up
		lose_pins
		kill_at sendto "$n" ebpfnet down
		must ebpfnet down
		is "$(leftovers "$before")" "" "what is left after message $n"
	done
}
