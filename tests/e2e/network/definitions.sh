# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Networks that are made, kept, brought back and removed; what is refused.
# hooks: any

HOOK=clsact
KEPT=/var/lib/ebpfnet/networks

names() { # of networks
	ebpfnet network list --json | json '" ".join(n["name"] for n in j["networks"])'
}

test_a_network_is_listed_shown_and_removed() {
	local before
	up
	before=$(snapshot)
	must ebpfnet network add blue --subnet 10.5.0.0/24 --gateway 10.5.0.254 --range 10.5.0.128/26 --mtu 1400
	is "$out" 'network blue is 10.5.0.0/24, gateway 10.5.0.254 on ebpfnet1' "what it says"
	must ebpfnet ns add b1 --network blue
	like "$out" 10.5.0.128
	like "$(ip -n b1 link show ceth2)" 'mtu 1400'
	like "$(ebpfnet network list)" 'blue +10.5.0.0/24 +10.5.0.254 +ebpfnet1'
	must ebpfnet network show blue
	like "$out" 'range +10.5.0.128/26'
	like "$out" 'b1 +10.5.0.128'
	refused 'network blue has namespaces: b1;' ebpfnet network del blue
	must ebpfnet ns del b1
	must ebpfnet network del blue
	is "$(diff <(echo "$before") <(snapshot))" "" "what was left"
	is "$(names)" default "networks"
}

test_json_is_as_documented() {
	up
	must ebpfnet network add blue --isolated --no-masquerade 10.0.0.0/8
	must ebpfnet ns add b1 --network blue
	must ebpfnet expose b1 80
	must ebpfnet network list --json
	is "$("$TOP/tests/lib/json_check.py" 'network list' < $T/out)" "" "differences"
	must ebpfnet network show blue --json
	is "$("$TOP/tests/lib/json_check.py" 'network show' < $T/out)" "" "differences"
}

test_a_subnet_is_chosen_that_overlaps_nothing() {
	up
	ip link add other type veth
	ip address add 10.89.1.77/24 dev other
	ip link set other up
	must ebpfnet network add a
	must ebpfnet network add b
	like "$(ebpfnet network list)" 'a +10.89.0.0/24'
	like "$(ebpfnet network list)" 'b +10.89.2.0/24'
	# what is defined and not up keeps its own
	must ebpfnet network del a
	sed 's/"a"/"z"/; s/10.89.2/10.89.0/' $KEPT/b.json | sed 's/"b"/"z"/' > $KEPT/z.json
	must ebpfnet network add c
	like "$(ebpfnet network list)" 'c +10.89.3.0/24'
}

test_overlaps_are_refused_with_both_names() {
	up
	must ebpfnet network add blue --subnet 10.5.0.0/24
	refused '10.5.0.0/16 of network red overlaps 10.5.0.0/24 of network blue' \
		ebpfnet network add red --subnet 10.5.0.0/16
	refused '192.168.1.128/25 of network red overlaps 192.168.1.0/24 of network default' \
		ebpfnet network add red --subnet 192.168.1.128/25
	refused '172.31.0.0/24 of network red overlaps the route to 172.31.0.0/20 on eth0' \
		ebpfnet network add red --subnet 172.31.0.0/24
}

test_bad_input_is_one_clear_line() {
	up
	local name
	for name in '' .x ../x a/b 'a b' -x "$(printf 'x%.0s' {1..64})"; do
		run ebpfnet network add -- "$name"
		is "$status" 2 "status of network add '$name'"
	done
	misused 'is not a subnet' ebpfnet network add x --subnet 10.5.0.1/24
	misused 'is not a subnet' ebpfnet network add x --subnet 10.5.0.0/31
	misused 'is not a subnet' ebpfnet network add x --subnet 10.5.0.0/24 --range banana
	misused 'not an IPv4 address' ebpfnet network add x --subnet 10.5.0.0/24 --gateway 10.5
	misused 'number from 68 to 65535' ebpfnet network add x --mtu 67
	misused 'is not a subnet' ebpfnet network add x --no-masquerade 10.0.0.0/8,10.0.0.1/8
	misused 'at most' ebpfnet network add x --no-masquerade "$(printf '10.0.0.%s,' {1..17})"
	misused 'needs a destination' ebpfnet network add x --no-masquerade ''
	refused 'gateway 10.6.0.1 of network x is no address of a host in its subnet' \
		ebpfnet network add x --subnet 10.5.0.0/24 --gateway 10.6.0.1
	refused 'gateway 10.5.0.255 ' ebpfnet network add x --subnet 10.5.0.0/24 --gateway 10.5.0.255
	refused 'range 10.5.1.0/24 of network x is not inside its subnet' \
		ebpfnet network add x --subnet 10.5.0.0/24 --range 10.5.1.0/24
	refused 'has a range but no subnet' ebpfnet network add x --range 10.5.1.0/24
	refused 'has a gateway but no subnet' ebpfnet network add x --gateway 10.5.1.1
	refused 'not one of unicast addresses' ebpfnet network add x --subnet 224.1.0.0/16
	refused 'internal: nothing leaves it' ebpfnet network add x --internal --no-masquerade 10.0.0.0/8
	refused 'network default is there already' ebpfnet network add default
	refused 'no network nowhere; `ebpfnet network list`' ebpfnet network del nowhere
	refused 'no network nowhere' ebpfnet network show nowhere
	refused 'no network nowhere' ebpfnet ns add x --network nowhere
	refused 'no network nowhere' ebpfnet connect ns1 nowhere
	refused 'no network nowhere' ebpfnet disconnect ns1 nowhere
	refused 'no network nowhere' ebpfnet ns list --network nowhere
	refused 'no network nowhere' ebpfnet flows --network nowhere
	refused 'namespace ns1 is in network default already' ebpfnet connect ns1 default
	refused 'no namespace nobody' ebpfnet connect nobody default
	must ebpfnet network add blue
	refused 'namespace ns1 is not in network blue' ebpfnet disconnect ns1 blue
	refused 'network blue is there already' ebpfnet network add blue
	misused 'is not a device' ebpfnet ns add x --dev a/b
	misused 'is not a station' ebpfnet ns add x --mac 01:00:5e:00:00:01
	refused 'MAC address is in use by namespace ns1' ebpfnet ns add x --mac 02:eb:c0:a8:01:0a
	is "$(names)" "default blue" "networks"
}

test_a_range_that_is_used_up_is_told() {
	up
	must ebpfnet network add blue --subnet 10.5.0.0/24 --range 10.5.0.8/30
	for n in 1 2 3 4; do must ebpfnet ns add b$n --network blue; done
	refused 'range 10.5.0.8/30 of network blue has no free address' ebpfnet ns add b5 --network blue
	must ebpfnet ns add b5 --network blue --addr 10.5.0.99
}

# ---- after a boot

boot() { # the journal is kernel memory, the devices and namespaces go with the kernel
	rm -r $PINS
	for dev in $(ls /sys/class/net | grep -E '^(veth|ebpfnet)[0-9]+$'); do ip link del "$dev" 2> /dev/null || true; done
	for ns in ns1 ns2 b1; do ip netns del $ns 2> /dev/null || true; done
	rm -rf /run/ebpfnet /etc/netns
}

test_up_brings_definitions_back_after_a_boot() {
	up
	must ebpfnet network add blue --subnet 10.5.0.0/24 --gateway 10.5.0.254 --range 10.5.0.128/26 --mtu 1400 \
		--isolated --no-masquerade 203.0.113.0/24,198.51.100.7
	must ebpfnet network add dark --internal
	must ebpfnet network show blue --json
	before=$(json '{k: v for k, v in j["networks"][0].items() if k not in ("net", "gateway_device")}' < $T/out)
	boot
	must ebpfnet up --hook $HOOK --dry-run
	like "$out" 'network blue +make 10.5.0.0/24'
	up
	is "$(names)" "default blue dark" "networks"
	must ebpfnet network show blue --json
	is "$(json '{k: v for k, v in j["networks"][0].items() if k not in ("net", "gateway_device")}' < $T/out)" "$before" blue
	must ebpfnet ns add b1 --network blue
	like "$out" 10.5.0.128
	must ebpfnet up
	is "$out" 'already up, nothing to change' "up again"
}

test_down_keeps_definitions_and_del_removes_them() {
	local before
	before=$(snapshot)
	up
	must ebpfnet network add blue
	must ebpfnet down
	[ -e $KEPT/blue.json ] || fail "it is gone"
	up
	is "$(names)" "default blue" "networks"
	must ebpfnet network del blue
	must ebpfnet down
	is "$(diff <(echo "$before") <(snapshot))" "" "what was left"
}

test_a_file_that_is_no_definition_does_not_stop_the_others() {
	up
	must ebpfnet network add blue
	must ebpfnet down
	echo '{' > $KEPT/broken.json
	echo '{"name": "other"}' > $KEPT/mislabelled.json
	sed 's/blue/overlaps/' $KEPT/blue.json > $KEPT/overlaps.json
	sed 's/blue/writable/' $KEPT/blue.json > $KEPT/writable.json
	chmod 666 $KEPT/writable.json
	head -c 100000 /dev/zero | tr '\0' ' ' > $KEPT/long.json
	ln -s /etc/passwd $KEPT/link.json
	must ebpfnet up
	is "$(names)" "default blue" "networks"
	like "$err" 'broken.json is no definition of a network'
	like "$err" 'mislabelled.json is no definition of a network: name is wrong'
	like "$err" 'network overlaps is not made'
	like "$err" 'writable.json is not used'
	like "$err" 'long.json is longer'
	like "$err" 'cannot read .*link.json'
	must ebpfnet network del overlaps
	[ ! -e $KEPT/overlaps.json ] || fail "it is there"
}

test_a_definition_that_was_removed_is_written_again() {
	up
	must ebpfnet network add blue
	rm -r /var/lib/ebpfnet
	must_be_unhealthy
	like "$out" 'the definition of network blue is gone'
	must ebpfnet up
	[ -e $KEPT/blue.json ] || fail "it is gone"
	must ebpfnet status
}

test_where_it_cannot_be_written_the_network_is_made_and_one_line_says_so() {
	up
	mkdir -p /var/lib/ebpfnet
	mount -t tmpfs -o ro none /var/lib/ebpfnet
	must ebpfnet network add blue
	is "$(wc -l < $T/err)" 1 "warnings"
	like "$err" 'does not come back after a boot: '
	must ebpfnet status
}

# Another bpffs is another host, as far as definitions go.
test_networks_of_another_bpffs_are_not_kept() {
	mkdir /run/bpf
	mount -t bpf bpf /run/bpf
	must ebpfnet up --hook $HOOK --bpffs /run/bpf
	must ebpfnet network add blue --bpffs /run/bpf
	[ ! -e /var/lib/ebpfnet ] || fail "kept"
	must ebpfnet down --bpffs /run/bpf
}

# ---- as many as there can be

test_64_networks() {
	local n all
	up
	for ((n = 2; n <= 64; n++)); do must ebpfnet network add n$n; done
	refused 'cannot make network n65: there are 64, the maximum' ebpfnet network add n65
	must ebpfnet ns add a --network n2
	must ebpfnet ns add z --network n64
	pings z 8.8.8.8
	pings a 10.89.0.1
	no_pings a 10.89.62.10
	pings ns1 8.8.8.8
	must ebpfnet status
	must ebpfnet ns del z
	must ebpfnet network del n64
	must ebpfnet network add again
	must ebpfnet ns add z --network again
	pings z 8.8.8.8
	all=$(ls /sys/class/net)
	must ebpfnet down
	is "$(ls /sys/class/net | grep -c ebpfnet)" 0 "devices left of $(wc -w <<< "$all")"
}

# FIB look-ups name the gateway device of one of them.
test_the_first_network_goes_and_the_others_work() {
	up --ns none
	must ebpfnet network add blue
	must ebpfnet ns add b1 --network blue
	must ebpfnet network del default
	pings b1 8.8.8.8
	must ebpfnet status
	is "$(names)" blue "networks"
	refused 'no network default; `ebpfnet up` makes it' ebpfnet ns add x
	must ebpfnet up
	like "$(ebpfnet network list)" 'default .* ebpfnet0 '
	pings ns1 8.8.8.8
	pings b1 8.8.8.8
	must ebpfnet status
}

test_a_gateway_that_was_removed_is_made_again() {
	up
	must ebpfnet network add blue
	must ebpfnet ns add b1 --network blue
	ip link del ebpfnet1
	must_be_unhealthy
	like "$out" 'gateway device ebpfnet1 is gone'
	no_pings b1 10.89.0.1
	pings ns1 8.8.8.8
	must ebpfnet up
	pings b1 8.8.8.8
	must ebpfnet status
}

# As the id of a container may be, which was there first.
test_up_takes_no_name_that_another_network_has() {
	ip netns add mine
	must ebpfnet up --ns none
	must ebpfnet network add blue
	must ebpfnet attach mine --name ns1 --network blue
	refused 'namespace ns1 is in network blue; choose others' ebpfnet up --ns ns1
	must ebpfnet detach ns1
	must ebpfnet up --ns ns1
	like "$(ebpfnet status --json | tr -d ' \n')" '"problems":\[\]'
}
