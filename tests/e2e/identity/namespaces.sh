# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A namespace is the recorded one, whatever is at its path by now, and whatever number its file has.
#
# hooks: any
source "$TOP/tests/lib/interrupted.sh"

# A process of this namespace gets the id of one that ended.
take_id() { # PID
	local _
	for _ in $(seq 20); do
		echo $(($1 - 1)) > /proc/sys/kernel/ns_last_pid
		sleep 300 &
		taker=$!
		[ $taker != "$1" ] || return 0
		kill $taker
	done
	fail "no process got the id $1"
}

end_guest() {
	kill "$guest"
	wait "$guest" || true
	soon test ! -e "/sys/class/net/$1"
}

# Nothing of an endpoint is on the host: no device, no address, no second route.
host_is_untouched() {
	is "$(ls /sys/class/net | grep -c ceth)" 0 "inside devices on the host"
	is "$(ip -o address show | grep -c 'inet 192.168.1.12/')" 0 "addresses of the namespace on the host"
	is "$(ip route show | grep -c '192.168.1.0/24')" 1 "routes to the network"
}

# `up` and `status` say what became of it, and leave it alone.
is_left_to() { # FIX NAME
	host_is_untouched
	must_be_unhealthy
	like "$out" "namespace $2 was .* +$1 $2"
	must ebpfnet up
	like "$err" "namespace $2 was .*; $1 $2$"
	is "$(wc -l < $T/err)" 1 "lines of $err"
	host_is_untouched
	must_be_unhealthy
	must ebpfnet ${1#ebpfnet } "$2"
	must ebpfnet status
	host_is_untouched
}

test_fault_25_the_host_is_not_attached_when_it_gets_the_process_id() {
	up
	start_guest
	must ebpfnet attach "/proc/$guest/ns/net" --name box
	end_guest veth2
	take_id "$guest"
	is_left_to "ebpfnet detach" box
}

# ... also by a path that is not below /proc, and does not lead there by name.
test_fault_25_the_host_is_not_attached_by_a_path_that_leads_to_it() {
	local path=/run/elsewhere
	up
	start_guest
	touch $path
	mount --bind "/proc/$guest/ns/net" $path
	must ebpfnet attach $path --name box
	umount $path
	end_guest veth2
	mount --bind /proc/self/ns/net $path
	is_left_to "ebpfnet detach" box
}

# ... nor by a name under /run/netns.
test_fault_25_the_host_is_not_attached_by_a_name_that_it_got() {
	ip netns add guest
	up
	must ebpfnet attach guest
	ip netns del guest
	soon test ! -e /sys/class/net/veth2
	ip netns attach guest $$
	is_left_to "ebpfnet detach" guest
}

# The record of a command that was killed says which namespace was meant.
test_fault_25_the_host_is_not_attached_after_a_killed_attach() {
	local first
	up
	start_guest
	CHANGES=RTM_NEWLINK
	first=$(moments sendto ebpfnet attach "$guest" --name box | head -n1)
	must ebpfnet detach box
	kill_at sendto "$first" ebpfnet attach "$guest" --name box
	end_guest veth2
	take_id "$guest"
	is_left_to "ebpfnet detach" box
}

test_fault_25_a_process_id_that_another_container_got_is_not_attached() {
	local box
	up
	start_guest
	box=$guest
	must ebpfnet attach "$box" --name box
	end_guest veth2
	take_id "$box"
	kill $taker
	wait $taker || true
	echo $((box - 1)) > /proc/sys/kernel/ns_last_pid
	start_guest
	[ "$guest" = "$box" ] || skip "another process took the id"
	must ebpfnet up
	is "$(nsenter -n -t "$guest" ip -o link | grep -vc ': lo:')" 0 "devices in the other container"
	is_left_to "ebpfnet detach" box
}

test_fault_25_nothing_of_another_namespace_of_that_name_is_used() {
	ip netns add guest
	up
	must ebpfnet attach guest
	ip netns del guest
	soon test ! -e /sys/class/net/veth2
	ip netns add guest
	must_not ebpfnet exec guest -- true
	like "$(ebpfnet ns list)" 'guest .* gone'
	is_left_to "ebpfnet detach" guest
	is "$(on guest ip -o link | grep -vc ': lo:')" 0 "devices inside"
}

test_fault_25_a_made_namespace_that_was_replaced_by_the_host_stays() {
	up
	ip netns del ns1
	soon test ! -e /sys/class/net/veth0
	ip netns attach ns1 $$
	must ebpfnet up
	like "$err" 'ns1 was replaced by another one; ebpfnet ns del ns1'
	is "$(ls /sys/class/net | grep -c ceth)" 0 "inside devices on the host"
	must ebpfnet down
	must test -e /run/netns/ns1
}

# The kernel gives the number of a namespace's file to a later one; here the journal says that it did.
same_inode() { # NAME OLD NEW
	local key value
	key=$(python3 -c 'import sys; print(*sys.argv[1].encode().ljust(16, b"\0"), 1, 0, 0, 0)' "$1")
	# shellcheck disable=SC2086 # bytes
	value=$(bpftool -j map lookup pinned $PINS/namespaces key $key | python3 -c '
import json, sys
old, new = (int(n).to_bytes(8, "little") for n in sys.argv[1:])
value = bytes(int(b, 16) for b in json.load(sys.stdin)["value"])
assert old in value
print(*value.replace(old, new))' "$2" "$3")
	# shellcheck disable=SC2086 # bytes
	bpftool map update pinned $PINS/namespaces key $key value $value
}

test_fault_26_a_namespace_with_the_inode_of_one_that_is_gone_is_attached() {
	local inode
	ip netns add box
	inode=$(stat -Lc %i /run/netns/box)
	up
	must ebpfnet attach box
	ip netns del box
	soon test ! -e /sys/class/net/veth2
	ip netns add next
	same_inode box "$inode" "$(stat -Lc %i /run/netns/next)"
	must ebpfnet attach next
	pings next $NS1
	must ebpfnet detach box
	pings next $NS1
}

test_fault_26_a_namespace_with_the_name_and_the_inode_of_one_that_is_gone_is_another() {
	local inode
	up
	inode=$(stat -Lc %i /run/netns/ns1)
	ip netns del ns1
	soon test ! -e /sys/class/net/veth0
	ip netns add ns1
	same_inode ns1 "$inode" "$(stat -Lc %i /run/netns/ns1)"
	must_be_unhealthy
	like "$out" 'namespace ns1 was replaced by another one +ebpfnet ns del ns1'
	must ebpfnet up
	is "$(on ns1 ip -o link | grep -vc ': lo:')" 0 "devices inside"
	must ebpfnet down
	must test -e /run/netns/ns1
}

test_fault_26_the_same_namespace_is_not_attached_twice_by_whatever_path() {
	up
	start_guest
	touch /run/other
	mount --bind "/proc/$guest/ns/net" /run/other
	must ebpfnet attach "$guest" --name box
	refused 'attached already, as box' ebpfnet attach /run/other --name second
}

test_fault_27_another_network_namespace_with_the_same_bpffs_is_refused() {
	local command
	up
	ip netns add elsewhere
	ip -n elsewhere link add eth0 type veth peer name other
	ip -n elsewhere link set eth0 up
	ip -n elsewhere link set lo up
	for command in up down status "up --uplink eth0" "up --dry-run" "down --dry-run" "ns add x" "expose ns1 80" \
		"set fdb-age 7"; do
		# shellcheck disable=SC2086 # words
		refused "is of a network in another network namespace; run ebpfnet there" \
			nsenter --net=/run/netns/elsewhere ebpfnet $command
	done
	pings ns1 $INTERNET
	pings host $NS1
	must ebpfnet status
	mkdir /run/bpf
	mount -t bpf bpf /run/bpf # a network of its own
	must nsenter --net=/run/netns/elsewhere ebpfnet up --uplink eth0 --subnet 10.9.9.0/24 --ns far --bpffs /run/bpf
	must nsenter --net=/run/netns/elsewhere ebpfnet down --bpffs /run/bpf
	pings ns1 $NS2
}
