# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A device is ebpfnet's by its index and alias, not by what can be changed about it; and what root inside a namespace
# does to the device there harms that namespace alone.
#
# hooks: any

problems() {
	ebpfnet status --json | json '[p["problem"] for p in j["problems"]]'
}

fixed_by_up() { # WHAT
	like "$(problems)" "$1"
	must ebpfnet up
	is "$(problems)" "[]" "problems after up"
}

address_of() { # DEV
	cat "/sys/class/net/$1/address"
}

rename() { # NS FROM TO
	ip -n "$1" link set "$2" down
	ip -n "$1" link set "$2" name "$3"
	ip -n "$1" link set "$3" up
}

test_devices_say_what_they_are_for() {
	ip netns add mine
	up
	must ebpfnet attach mine --name box
	is "$(cat /sys/class/net/ebpfnet0/ifalias)" "ebpfnet gateway" "alias of ebpfnet0"
	like "$(cat /sys/class/net/veth0/ifalias)" '^ebpfnet made ns1 [0-9]+$'
	like "$(cat /sys/class/net/veth2/ifalias)" '^ebpfnet attached box [0-9]+$'
}

test_fault_29_a_changed_mac_is_mended_and_the_device_removed_by_down() {
	local before gateway veth
	before=$(snapshot)
	up
	gateway=$(address_of ebpfnet0) veth=$(address_of veth0)
	ip link set ebpfnet0 address 02:00:00:00:00:99
	ip link set veth0 address 02:00:00:00:00:98
	fixed_by_up 'ebpfnet0 has another MAC address.*veth0 of namespace ns1 has another MAC address'
	is "$(address_of ebpfnet0) $(address_of veth0)" "$gateway $veth" "MAC addresses"
	pings ns1 $GATEWAY
	pings host $NS1
	ip link set ebpfnet0 address 02:00:00:00:00:99
	ip link set ebpfnet0p address 02:00:00:00:00:97
	ip link set veth1 address 02:00:00:00:00:96
	must ebpfnet down
	is "$(diff <(echo "$before") <(snapshot))" "" "what down left"
}

test_fault_29_a_lost_alias_is_set_again() {
	up
	ip link set dev veth0 alias mine
	ip link set dev ebpfnet0p alias ''
	fixed_by_up 'ebpfnet0p has another MAC address or alias'
	like "$(cat /sys/class/net/veth0/ifalias)" '^ebpfnet made ns1 '
}

# hooks: each
test_fault_29_renamed_devices_of_the_host_are_followed_and_removed() {
	local before
	before=$(snapshot)
	up
	for dev in veth0 ebpfnet0 ebpfnet0p; do
		ip link set $dev down
		ip link set $dev name "x$dev"
		ip link set "x$dev" up
	done
	must ebpfnet up
	pings ns1 $GATEWAY
	pings ns1 $INTERNET
	pings host $NS1
	must ebpfnet status
	like "$out" 'gateway +192.168.1.1 on xebpfnet0'
	like "$(ebpfnet ns list)" '^ns1 .* xveth0 '
	must ebpfnet up
	like "$out" 'nothing to change'
	must ebpfnet down
	is "$(diff <(echo "$before") <(snapshot))" "" "what down left"
}

# ... also if no command has followed them.
# hooks: each
test_fault_29_renamed_devices_of_the_host_are_removed_at_once() {
	local before
	ip netns add mine
	before=$(snapshot)
	up
	must ebpfnet attach mine
	for dev in veth2 ebpfnet0 ebpfnet0p; do
		ip link set $dev down
		ip link set $dev name "x$dev"
	done
	must ebpfnet down
	is "$(diff <(echo "$before") <(snapshot))" "" "what down left"
	is "$(on mine ip -o link | grep -vc ': lo:')" 0 "devices left inside"
}

# The pair goes by the end that is inside.
# hooks: each
test_fault_29_a_device_of_the_host_that_was_moved_away_is_made_again_or_removed() {
	ip netns add mine
	ip netns add elsewhere
	up
	must ebpfnet attach mine
	ip link set veth0 netns elsewhere
	ip link set veth2 netns elsewhere
	fixed_by_up 'device veth0 of namespace ns1 is gone.*device veth2 of namespace mine is gone'
	pings ns1 $INTERNET
	pings mine $NS1
	ip link set veth2 netns elsewhere
	must ebpfnet detach mine
	is "$(on mine ip -o link | grep -vc ': lo:')" 0 "devices left inside"
	is "$(on elsewhere ip -o link | grep -vc ': lo:')" 0 "devices left elsewhere"
	must ebpfnet status
}

# Another's device, under the name and with the index of one that was ours.
test_fault_29_a_device_of_somebody_else_is_neither_used_nor_removed() {
	local index
	up
	index=$(< /sys/class/net/veth0/ifindex)
	ip link del veth0
	ip link add veth0 index "$index" type veth peer name other
	must ebpfnet up
	like "$err" 'veth0 is there already and not made by ebpfnet'
	pings ns2 $INTERNET
	must ebpfnet down
	must ip link show veth0
	must_not test -e /run/netns/ns1
}

test_fault_30_a_device_that_a_client_renamed_is_the_same() {
	ip netns add box
	up
	must ebpfnet attach box
	rename box ceth2 eth0
	ip -n box route add default via $GATEWAY
	must ebpfnet status
	must ebpfnet up
	is "$err" "" "what up says on stderr"
	like "$(ebpfnet ns list)" '^box .* eth0 '
	rename box eth0 eth1 # the default route goes with it, and comes again
	fixed_by_up 'inside namespace box, its default route is gone'
	pings box $INTERNET
	ip link del veth2 # a new pair has that name inside
	must ebpfnet up
	must on box ip link show eth1
	pings box $INTERNET
}

test_fault_30_bytes_that_disturb_a_terminal_are_not_taken_for_a_name() {
	up
	rename ns1 ceth0 $'\e[31m'
	must ebpfnet up
	like "$(ebpfnet ns list)" '^ns1 .* ceth0 '
}

# ... and everything else is repaired: another namespace's pair, the uplink.
# hooks: each
test_fault_30_a_device_that_was_moved_away_concerns_nobody_else() {
	ip netns add box
	ip netns add nested
	up
	must ebpfnet attach box
	must ebpfnet ns add ns9
	ip -n box link set ceth2 netns nested
	ip link del veth3
	ip link del eth0
	make_uplink_again
	must ebpfnet up
	is "$(grep -c '^ebpfnet: ' $T/err)" 1 "lines of $err"
	like "$err" 'warning: inside namespace box, its device was moved to another namespace; ebpfnet detach box'
	pings ns1 $INTERNET
	pings ns9 $INTERNET
	must ebpfnet up --ns new
	pings new $INTERNET
	must_be_unhealthy
	like "$out" 'its device was moved to another namespace +ebpfnet detach box'
	must ebpfnet detach box
	must ebpfnet status
}

# A name that the new pair needs: the pair cannot be made.
test_fault_30_a_namespace_that_cannot_be_repaired_concerns_nobody_else() {
	up
	ip link del veth0
	ip -n ns1 link add ceth0 type veth peer name x
	ip link del eth0
	make_uplink_again
	must ebpfnet up
	like "$err" 'cannot make the devices veth0 and ceth0'
	pings ns2 $INTERNET
	must_be_unhealthy
	ip -n ns1 link del ceth0
	must ebpfnet up
	must ebpfnet status
	pings ns1 $INTERNET
}

# A new one that cannot be made still fails the command, and leaves nothing.
test_a_new_namespace_that_cannot_be_made_fails_up() {
	up
	start_guest
	nsenter -n -t "$guest" ip link add ceth2 type veth peer name x
	refused 'cannot make the devices veth2 and ceth2' ebpfnet attach "$guest"
}
