# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A namespace in several networks.
#
# hooks: any

in_both() {
	up
	must ebpfnet network add blue
	must ebpfnet ns add b1 --network blue
	must ebpfnet connect ns1 blue "$@"
}

test_it_reaches_both_and_its_default_route_stays() {
	in_both
	like "$out" '^ns1 has 10.89.0.11 in blue on ceth3, its end of veth3$'
	pings ns1 10.89.0.10
	pings ns1 $NS2
	pings ns1 8.8.8.8
	pings b1 10.89.0.11
	no_pings b1 $NS1
	no_pings ns2 10.89.0.10
	like "$(ip -n ns1 route show default)" "via $GATEWAY dev ceth0"
	is "$(ebpfnet ns list --network blue | awk '{ print $1 }' | tail -n +2 | xargs)" "b1 ns1" "namespaces of blue"
	must ebpfnet status
	must ebpfnet up
	is "$out" 'already up, nothing to change' "up again"
}

test_the_device_has_the_name_mac_and_mtu_that_were_asked_for() {
	in_both --dev blue0 --mac 02:00:00:00:00:99 --mtu 1400 --addr 10.89.0.77
	like "$(ip -n ns1 link show blue0)" 'mtu 1400'
	like "$(ip -n ns1 link show blue0)" '02:00:00:00:00:99'
	pings ns1 10.89.0.10
	pings b1 10.89.0.77
	like "$(ip link show veth3)" 'mtu 1400'
	refused 'cannot make the devices veth4 and ceth1: namespace ns2 has a device ceth1 already' \
		ebpfnet connect ns2 blue --dev ceth1
	must ebpfnet status
}

test_published_ports_lead_to_the_first_network() {
	in_both
	serve ns1 tcp 80
	must ebpfnet expose ns1 8080:80
	like "$(ebpfnet exposed)" "$NS1:80"
	reaches internet tcp $HOST 8080 $INTERNET
	reaches b1 tcp $HOST 8080 $HOST
}

test_disconnected_from_the_first_the_default_route_is_the_others() {
	in_both
	must ebpfnet expose ns1 8080:80
	must ebpfnet disconnect ns1 default
	like "$(ip -n ns1 route show default)" "via 10.89.0.1 dev ceth3"
	pings ns1 10.89.0.10
	pings ns1 8.8.8.8
	no_pings ns1 $NS2
	like "$(ebpfnet exposed)" 'nothing is published'
	serve ns1 tcp 80
	must ebpfnet expose ns1 8080:80
	reaches internet tcp $HOST 8080 $INTERNET
	must ebpfnet status
	refused 'network blue is the only one that namespace ns1 is in; `ebpfnet ns del ns1`' \
		ebpfnet disconnect ns1 blue
}

test_disconnected_nothing_of_it_is_left() {
	local before
	up
	must ebpfnet network add blue
	must ebpfnet ns add b1 --network blue
	before=$(snapshot)
	must ebpfnet connect ns1 blue
	must ebpfnet disconnect ns1 blue
	is "$(diff <(echo "$before") <(snapshot))" "" "what was left"
	is "$(ip -n ns1 -o link | wc -l)" 2 "devices inside"
}

test_an_attached_one_is_connected_and_detached_from_all() {
	up
	must ebpfnet network add blue
	ip netns add mine
	must ebpfnet attach mine --network blue --dev eth0
	must ebpfnet connect mine default --dev eth1
	like "$(ip -n mine route show default)" "via 10.89.0.1 dev eth0"
	pings mine $NS1
	must ebpfnet detach mine
	is "$(ip -n mine -o link | wc -l)" 1 "devices inside"
	[ -e /run/netns/mine ] || fail "it is gone"
}

test_a_namespace_that_was_deleted_is_made_again_with_all_its_ports() {
	in_both
	ip netns del ns1
	must_be_unhealthy
	must ebpfnet up
	pings ns1 10.89.0.10
	pings ns1 $NS2
	pings ns1 8.8.8.8
	must ebpfnet status
	must ebpfnet ns del ns1
	[ ! -e /run/netns/ns1 ] && [ ! -e /etc/netns/ns1 ] || fail "it is left"
}

# The one without a way out was there first.
test_the_default_route_is_of_the_first_network_that_is_not_internal() {
	up
	must ebpfnet network add dark --internal
	must ebpfnet ns add d --network dark
	is "$(ip -n d route show default)" "" "default route"
	must ebpfnet connect d default
	like "$(ip -n d route show default)" "via $GATEWAY"
	pings d 8.8.8.8
	serve d tcp 80
	must ebpfnet expose d 8080:80
	reaches internet tcp $HOST 8080 $INTERNET
	must ebpfnet status
}

test_names_are_seen_in_the_networks_that_they_are_in() {
	in_both
	names() { # NS
		ebpfnet exec "$1" -- sed '1,/# ebpfnet/d' /etc/hosts | sort | awk '{ print $2 }' | xargs
	}
	is "$(names ns2)" "gateway ns1 ns2" "names in default"
	is "$(names b1)" "gateway b1 ns1" "names in blue"
	is "$(names ns1)" "b1 ns1 gateway ns1 ns2" "names in both"
	must ebpfnet exec b1 -- getent hosts ns1
	like "$out" '^10\.89\.0\.11 '
	must_not ebpfnet exec b1 -- getent hosts ns2
	must ebpfnet disconnect ns1 blue
	is "$(names ns1)" "gateway ns1 ns2" "names after it"
	is "$(names b1)" "gateway b1" "names in blue after it"
	must ebpfnet down
	[ ! -e /run/ebpfnet ] && [ ! -e /etc/netns ] || fail "left: $(find /run/ebpfnet /etc/netns)"
}
