# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# ebpfnet as a netavark plugin: each word, what podman asks for, and what it may get wrong.
#
# hooks: any
source "$TOP/tests/lib/netavark.sh"

# Leaves nothing of networks, and the host as it is without one.
begin() {
	up --ns none
	must ebpfnet network del default
}

test_info_says_which_api_it_is_of() {
	netavark_must "" info
	is "$(json 'sorted(j), j["api_version"]' <<< "$out")" "(['api_version', 'version'], '1.0.0')" "what info says"
	is "$(json '"ebpfnet " + j["version"]' <<< "$out")" "$(ebpfnet --version)" version
}

test_create_returns_the_network_and_makes_nothing() {
	unchanged_from
	netavark_must "$(net)" create
	is "$(json 'j == json.loads("""'"$(net)"'""")' <<< "$out")" True "a whole network comes back as it was: $out"
	netavark_must "$(net '"dns_enabled": true' '"subnets": [{"subnet": "10.91.0.0/24"}]')" create
	is "$(json 'j["dns_enabled"], j["subnets"], j["labels"]' <<< "$out")" \
		"(False, [{'subnet': '10.91.0.0/24', 'gateway': '10.91.0.1'}], {'a': 'b'})" "what is filled in"
	unchanged
}

test_create_chooses_a_subnet_another_for_each_network() {
	local first
	begin
	ip route add 10.89.0.0/17 via 172.31.0.1
	unchanged_from
	netavark_must "$(net '"subnets": null')" create
	first=$(json 'j["subnets"][0]["subnet"]' <<< "$out")
	like "$first" '^10\.89\.(12[89]|1[3-9][0-9]|2[0-9]{2})\.0/24$'
	is "$(json 'j["subnets"][0]["gateway"]' <<< "$out")" "${first%.0/24}.1" gateway
	netavark_must "$(net '"subnets": []')" create
	is "$(json 'j["subnets"][0]["subnet"]' <<< "$out")" "$first" "of the same network"
	netavark_must "$(green '"subnets": null')" create
	[ "$(json 'j["subnets"][0]["subnet"]' <<< "$out")" != "$first" ] || fail "two networks have subnet $first"
	unchanged
}

test_create_refuses_what_cannot_be_had() {
	local what
	begin
	must ebpfnet network add taken --subnet 10.93.0.0/24
	unchanged_from
	netavark_fails 'overlaps 10.93.0.0/24 of network taken' "$(net '"subnets": [{"subnet": "10.93.0.0/16"}]')" create
	netavark_fails 'overlaps the route to 172.31.0.0/20 on eth0' "$(net '"subnets": [{"subnet": "172.31.0.0/24"}]')" create
	netavark_fails 'network taken is there already with another subnet' "$(net '"name": "taken"')" create
	netavark_fails 'no IPv6 one' "$(net '"subnets": [{"subnet": "fd00::/64"}]')" create
	netavark_fails 'no IPv6 subnet' "$(net '"ipv6_enabled": true')" create
	netavark_fails '2 subnets' "$(net '"subnets": [{"subnet": "10.91.0.0/24"}, {"subnet": "fd00::/64"}]')" create
	netavark_fails 'option vlan is not supported' "$(net '"options": {"vlan": "7"}')" create
	netavark_fails 'ipam driver dhcp is not supported' "$(net '"ipam_options": {"driver": "dhcp"}')" create
	netavark_fails 'routes are not supported' "$(net '"routes": [{"destination": "10.0.0.0/8", "gateway": "10.91.0.9"}]')" create
	netavark_fails 'network_interface br0 cannot be chosen' "$(net '"network_interface": "br0"')" create
	netavark_fails 'takes no argument' "$(net)" create x
	# more are in tests/unit/netavark.c
	for what in '"name": null' '"id": "../x"' '"subnets": [7]' '"subnets": [{"subnet": "127.0.0.0/8"}]' \
		'"subnets": [{"subnet": "10.91.0.0/24", "gateway": "10.92.0.1"}]' '"options": {"mtu": "67"}' \
		"\"name\": \"$(printf 'x%.0s' {1..64})\"" "\"id\": \"$(printf 'x%.0s' {1..65})\""; do
		netavark_fails . "$(net "$what")" create
	done
	for what in '' '{} {}' "$(printf '[%.0s' {1..2000})"; do
		netavark_fails 'the network' "$what" create
	done
	unchanged
}

test_create_takes_the_subnet_of_a_network_that_is_there() {
	begin
	must ebpfnet network add blue --subnet 10.93.0.0/24 --gateway 10.93.0.254
	netavark_must "$(net '"subnets": null')" create
	is "$(json 'j["subnets"]' <<< "$out")" "[{'subnet': '10.93.0.0/24', 'gateway': '10.93.0.254'}]" subnet
	container a
	setup a 10.93.0.7 "$out"
	teardown a 10.93.0.7
	is "$(networks)" "['blue']" "the network that a person made stays"
	container b
	plug b '"name": "red", "subnet": "10.94.0.0/24"'
	unplug b '"name": "red", "subnet": "10.94.0.0/24"'
	setup a 10.91.0.7 "$(net '"name": "own"')"
	teardown a 10.91.0.7 "$(net '"name": "own"')"
	is "$(networks)" "['blue', 'red']" "that of another client stays, too"
}

test_setup_needs_no_other_command() {
	container a
	setup a 10.91.0.7 "$(net)" '8080:80'
	is "$(json 'j' <<< "$out")" "{'dns_search_domains': [], 'dns_server_ips': [], 'interfaces': {'eth0': {'mac_address': '02:eb:0a:5b:00:07', 'subnets': [{'ipnet': '10.91.0.7/24', 'gateway': '10.91.0.1'}]}}}" "what setup says"
	pings a 8.8.8.8
	serve a tcp 80
	reaches internet tcp $HOST 8080 $INTERNET
	must ebpfnet status
	teardown a 10.91.0.7
	is "$(networks)" "[]" networks
	must ebpfnet status
}

test_setup_does_what_is_asked_for() {
	container a
	setup a 10.91.0.77 "$(net '"options": {"mtu": "1400", "isolate": "true"}')" '' \
		'"static_mac": "02:11:22:33:44:55", "interface_name": "net0"'
	is "$(json 'j["interfaces"]["net0"]["mac_address"], j["interfaces"]["net0"]["subnets"][0]["ipnet"]' <<< "$out")" \
		"('02:11:22:33:44:55', '10.91.0.77/24')" "what setup says"
	is "$(ip -n a -j address show net0 | json 'j[0]["address"], j[0]["mtu"], j[0]["addr_info"][0]["local"]')" \
		"('02:11:22:33:44:55', 1400, '10.91.0.77')" "what is inside"
	is "$(ebpfnet network list --json | json 'j["networks"][0]["isolated"]')" True "isolated"
	like "$(ip netns exec a cat /etc/hosts 2>&1; cat /etc/netns/id-a/hosts 2> /dev/null)" '10.91.0.77 +id-a a a-alias'
	must ebpfnet expose a 9000:80
	is "$(published)" "*:9000 tcp -> 10.91.0.77:80" "a person calls it by its name"
	pings a 8.8.8.8
}

test_ports_have_ranges_protocols_and_addresses() {
	container a
	setup a 10.91.0.7 "$(net)" "8000:80+3 $HOST:53:5353/udp 7000:7000/tcp,udp 127.0.0.1:6060:60"
	is "$(published | sort)" "$(printf '%s\n' '*:7000 tcp -> 10.91.0.7:7000' '*:7000 udp -> 10.91.0.7:7000' \
		'*:8000-8002 tcp -> 10.91.0.7:80-82' '127.0.0.1:6060 tcp -> 10.91.0.7:60' \
		"$HOST:53 udp -> 10.91.0.7:5353")" "what is published"
}

test_an_internal_network_publishes_nothing() {
	container a
	setup a 10.91.0.7 "$(net '"internal": true')" 8080:80
	is "$(json 'j["interfaces"]["eth0"]["subnets"]' <<< "$out")" "[{'ipnet': '10.91.0.7/24'}]" "no gateway"
	is "$(published)" "" "what is published"
	no_pings a 8.8.8.8
	pings a 10.91.0.1
	setup a 10.91.0.7 "$(net '"internal": true')" 8080:80
}

# netavark gives the ports to the driver of each network.
test_a_container_in_two_networks_has_its_ports_once() {
	container a b
	setup a 10.91.0.7 "$(net)" 8080:80
	setup a 10.92.0.7 "$(green)" 8080:80 '"interface_name": "eth1"'
	is "$(published)" "*:8080 tcp -> 10.91.0.7:80" "what is published"
	setup b 10.92.0.8 "$(green)"
	pings b 10.92.0.7
	pings a 8.8.8.8
	teardown a 10.91.0.7 "$(net)" 8080:80
	is "$(networks)" "['green']" "networks"
	is "$(published)" "*:8080 tcp -> 10.92.0.7:80" "what is published by the network that is left"
	pings b 10.92.0.7
	pings a 8.8.8.8
	teardown a 10.92.0.7 "$(green)" 8080:80 '"interface_name": "eth1"'
	no_pings b 10.92.0.7
	is "$(published)" "" "what is published"
}

test_the_same_setup_again_says_the_same_and_changes_nothing() {
	local first
	container a
	setup a 10.91.0.7 "$(net)" '8080:80+2'
	first=$out
	unchanged_from
	setup a 10.91.0.7 "$(net)" '8080:80+2'
	is "$out" "$first" "the second answer"
	unchanged
	ip -n a address flush dev eth0
	must ebpfnet unexpose id-a
	setup a 10.91.0.7 "$(net)" '8080:80+2'
	pings a 8.8.8.8
	is "$(published)" "*:8080-8081 tcp -> 10.91.0.7:80-81" "what is published"
}

test_setup_refuses_what_cannot_be_had() {
	local what
	container a b
	setup a 10.91.0.7 "$(net)" 8080:80
	serve host tcp 8090
	unchanged_from
	netavark_fails 'with another address' "$(request a 10.91.0.8)" setup /run/netns/a
	netavark_fails 'with another network namespace' "$(request a 10.91.0.7)" setup /run/netns/b
	netavark_fails 'in use by namespace id-a' "$(request b 10.91.0.7)" setup /run/netns/b
	netavark_fails 'outside the subnet' "$(request b 10.92.0.7)" setup /run/netns/b
	netavark_fails 'the gateway' "$(request b 10.91.0.1)" setup /run/netns/b
	netavark_fails '8080:80 is published already, to id-a' "$(request b 10.91.0.8 "" 8080:80)" setup /run/netns/b
	netavark_fails 'cannot publish tcp 8090: wire.py' "$(request b 10.91.0.8 "" 8090:80)" setup /run/netns/b
	netavark_fails 'cannot publish tcp 8090: wire.py' "$(request b 10.92.0.8 "$(green)" 8090:80)" setup /run/netns/b
	netavark_fails 'want the same port' "$(request b 10.91.0.8 "" '8081:80+2 8082:90')" setup /run/netns/b
	netavark_fails 'is not an address of this host' "$(request b 10.91.0.8 "" 203.0.113.77:81:80)" setup /run/netns/b
	netavark_fails "host_ip '::1' is not supported" "$(request b 10.91.0.8 | sed 's/"port_mappings": null/"port_mappings": [{"host_ip": "::1", "host_port": 1, "container_port": 1}]/')" setup /run/netns/b
	netavark_fails "protocol 'sctp' is not supported" "$(request b 10.91.0.8 "" 81:80/tcp,sctp)" setup /run/netns/b
	netavark_fails 'ends behind 65535' "$(request b 10.91.0.8 "" 65535:80+2)" setup /run/netns/b
	netavark_fails 'whole number from 1 to 65535' "$(request b 10.91.0.8 "" 0:80)" setup /run/netns/b
	netavark_fails 'with another subnet' "$(request b 10.92.0.8 "$(net '"subnets": [{"subnet": "10.92.0.0/24"}]')")" setup /run/netns/b
	netavark_fails 'is not a network namespace' "$(request b 10.91.0.8)" setup /run/netns/none
	netavark_fails 'is not a network namespace' "$(request b 10.91.0.8)" setup /etc/passwd
	netavark_fails "the host's own network namespace" "$(request b 10.91.0.8)" setup /proc/self/ns/net
	netavark_fails 'takes the path of' "$(request b 10.91.0.8)" setup
	for what in '"static_ips": ["10.91.0.8", "fd00::8"]' '"static_mac": "01:00:00:00:00:00"' '"interface_name": "a/b"' \
		'"interface_name": "sixteencharacters"' '"options": {"x": "y"}'; do
		netavark_fails . "$(request b 10.91.0.8 "" "" "$what")" setup /run/netns/b
	done
	for what in '' '{"container_id": "../x", "network_options": {"interface_name": "eth0"}}' '{"container_id": 7}'; do
		netavark_fails . "$what" setup /run/netns/b
	done
	unchanged
}

test_teardown_works_whatever_is_left() {
	local idle
	begin
	container a
	setup a 10.91.0.7 "$(net)" 8080:80 # lo's program is loaded once, and stays
	teardown a 10.91.0.7
	ip netns del a
	idle=$(everything)
	container a b c
	setup a 10.91.0.7 "$(net)" 8080:80
	setup b 10.91.0.8 "$(net)" 8081:80
	setup c 10.91.0.9
	teardown a 10.91.0.7 "$(net)" 8080:80
	teardown a 10.91.0.7
	ip netns del b
	teardown b 10.91.0.8 "$(net)" 8081:80
	netavark_must "$(request c 10.91.0.9)" teardown ""
	is "$(diff <(echo "$idle") <(for c in a c; do ip netns del $c; done; everything))" "" "what is left"
	# of a network that podman would make no more
	netavark_must "$(request c 10.91.0.9 '{}')" teardown /run/netns/c
	netavark_fails 'container_id' '{}' teardown /run/netns/c
	must ebpfnet down
	idle=$(everything)
	teardown a 10.91.0.7
	is "$(diff <(echo "$idle") <(everything))" "" "what teardown makes where nothing is up"
}

test_a_failed_setup_leaves_nothing() {
	container a b
	serve host tcp 8090
	netavark_refuses 'cannot publish' "$(request a 10.91.0.7 "" '8080:80 8090:80')" setup /run/netns/a
	setup b 10.91.0.8
	netavark_refuses 'cannot publish' "$(request a 10.91.0.7 "" '8080:80 8090:80')" setup /run/netns/a
	netavark_refuses 'cannot publish' "$(request a 10.92.0.7 "$(green)" '8090:80')" setup /run/netns/a
}

# podman removes a network without a word, and another has its name or its subnet.
test_a_network_of_the_dead_stands_in_nobodys_way() {
	container a b c
	setup a 10.91.0.7 "$(net)" 8080:80
	netavark_fails 'overlaps 10.91.0.0/24 of network blue' "$(green "$(subnet 10.91.0.0/24)")" create
	netavark_fails 'overlaps 10.91.0.0/24 of network blue' "$(request b 10.91.0.8 "$(green "$(subnet 10.91.0.0/24)")")" setup /run/netns/b
	ip netns del a
	netavark_must "$(green "$(subnet 10.91.0.0/24)")" create
	setup b 10.91.0.7 "$(green "$(subnet 10.91.0.0/24)")" 8080:80
	is "$(networks)" "['green']" networks
	ip netns del b
	setup c 10.95.0.7 "$(green '"id": "another"' "$(subnet 10.95.0.0/24)")" 8080:80
	pings c 8.8.8.8
	must ebpfnet status
}

subnet() {
	echo "\"subnets\": [{\"subnet\": \"$1\"}]"
}

# podman's DNS server, of which only the life is played. It fails if $T/failing is there, and kills us if $T/killing is.
server() {
	mkdir -p $T/lib/{upper,work}
	mount -t overlay -o "lowerdir=/usr/local/lib,upperdir=$T/lib/upper,workdir=$T/lib/work" lib /usr/local/lib ||
		skip "no overlay on /usr/local/lib"
	mkdir -p /usr/local/lib/podman
	cat > /usr/local/lib/podman/aardvark-dns <<-'END'
		#!/bin/sh
		[ ! -e /run/test/failing ] || exit 1
		[ ! -e /run/test/killing ] || kill -9 $PPID
		trap '' HUP
		(while :; do sleep 1; done) > /dev/null 2>&1 < /dev/null &
		echo $! > "$2/aardvark.pid"
	END
	chmod +x /usr/local/lib/podman/aardvark-dns
}

# Also one that nobody has waited for yet.
has_ended() { # PID
	! grep -q '^State:[[:space:]]*[^Z[:space:]]' "/proc/$1/status"
}

dns() { # each file with what is in it
	(cd /run/ebpfnet-dns && for f in *; do [ "$f" = aardvark.pid ] || sed "s/^/$f: /" "$f"; done)
}

test_a_dns_server_is_told_the_names() {
	local first
	server
	container a b c
	netavark_must "$(net '"dns_enabled": true')" create
	is "$(json 'j["dns_enabled"]' <<< "$out")" True "DNS where there is a server"
	setup c 10.93.0.7 "$(net '"name": "mute", "id": "77"' "$(subnet 10.93.0.0/24)")"
	[ ! -e /run/ebpfnet-dns ] || fail "DNS where none is asked for"
	setup a 10.91.0.7 "$(net '"dns_enabled": true')"
	is "$(json 'j["dns_server_ips"], j["dns_search_domains"]' <<< "$out")" "(['10.91.0.1'], ['dns.podman'])" "what setup says"
	is "$(dns)" "$(printf '%s\n' 'blue: 10.91.0.1' 'blue: id-a 10.91.0.7  a,a-alias')" "files"
	first=$(< /run/ebpfnet-dns/aardvark.pid)
	kill -0 "$first"
	setup b 10.91.0.8 "$(net '"dns_enabled": true')"
	setup b 10.92.0.8 "$(green '"dns_enabled": true, "internal": true')" "" '"interface_name": "eth1", "aliases": []'
	is "$(dns)" "$(printf '%s\n' 'blue: 10.91.0.1' 'blue: id-a 10.91.0.7  a,a-alias' 'blue: id-b 10.91.0.8  b,b-alias' \
		'green%int: 10.92.0.1' 'green%int: id-b 10.92.0.8  b')" "files"
	is "$(< /run/ebpfnet-dns/aardvark.pid)" "$first" "the server"
	teardown a 10.91.0.7
	teardown b 10.92.0.8 "$(green)" "" '"interface_name": "eth1"'
	is "$(dns)" "$(printf '%s\n' 'blue: 10.91.0.1' 'blue: id-b 10.91.0.8  b,b-alias')" "files"
	kill -9 "$first"
	setup a 10.91.0.7 "$(net '"dns_enabled": true')"
	[ "$(< /run/ebpfnet-dns/aardvark.pid)" != "$first" ] || fail "a dead server is not started again"
	ip netns del b # without a word
	teardown a 10.91.0.7
	setup a 10.91.0.7 "$(net '"dns_enabled": true')"
	is "$(dns)" "$(printf '%s\n' 'blue: 10.91.0.1' 'blue: id-a 10.91.0.7  a,a-alias')" "files"
	first=$(< /run/ebpfnet-dns/aardvark.pid)
	must ebpfnet down
	teardown a 10.91.0.7
	soon has_ended "$first"
	[ ! -e /run/ebpfnet-dns ] || fail "files are left: $(ls /run/ebpfnet-dns)"
}

test_a_dns_server_that_does_not_start_leaves_nothing() {
	server
	touch $T/failing
	container a b
	setup b 10.91.0.8 "" 8081:80
	netavark_refuses 'aardvark-dns does not start' "$(request a 10.92.0.7 "$(green '"dns_enabled": true')" 8080:80)" setup /run/netns/a
	[ ! -e /run/ebpfnet-dns ] || fail "files are left: $(ls /run/ebpfnet-dns)"
}

test_who_is_killed_while_a_dns_server_starts_leaves_nothing() {
	server
	container a
	touch $T/killing
	netavark setup /run/netns/a <<< "$(request a 10.91.0.7 "$(net '"dns_enabled": true')")"
	is "$status" 137 "status of a killed setup"
	rm $T/killing
	setup a 10.91.0.7 "$(net '"dns_enabled": true')"
	is "$(dns)" "$(printf '%s\n' 'blue: 10.91.0.1' 'blue: id-a 10.91.0.7  a,a-alias')" "files"
	teardown a 10.91.0.7
	touch $T/killing
	netavark setup /run/netns/a <<< "$(request a 10.91.0.7 "$(net '"dns_enabled": true')")"
	teardown a 10.91.0.7
	is "$(networks)" "[]" networks
	[ ! -e /run/ebpfnet-dns ] || fail "files are left: $(ls /run/ebpfnet-dns)"
}

# The process that has the id of a server that died.
test_another_process_gets_no_signal() {
	server
	container a
	setup a 10.91.0.7 "$(net '"dns_enabled": true')"
	kill -9 "$(< /run/ebpfnet-dns/aardvark.pid)"
	sleep 1000 &
	echo $! > /run/ebpfnet-dns/aardvark.pid
	teardown a 10.91.0.7
	kill -0 $!
}

# From nothing, and to nothing: one of them makes host and network for all, and another takes the network away.
test_twenty_come_and_go_at_once() {
	local n pids=()
	for n in $(seq 20); do echo "netns add c$n"; done | ip -batch -
	for n in $(seq 20); do request "c$n" "10.91.0.$((n + 10))" "$(net)" "$((7000 + n)):80" > "$T/request$n"; done
	for n in $(seq 20); do
		ebpfnet setup "/run/netns/c$n" < "$T/request$n" > "$T/setup$n" 2>&1 &
		pids+=($!)
	done
	for n in "${pids[@]}"; do wait "$n" || fail "a setup failed: $(grep -h error $T/setup* | head -n1)"; done
	pings c20 8.8.8.8
	pings c1 10.91.0.30
	must ebpfnet status
	pids=()
	for n in $(seq 20); do
		ebpfnet teardown "/run/netns/c$n" < "$T/request$n" > "$T/teardown$n" 2>&1 &
		pids+=($!)
	done
	for n in "${pids[@]}"; do wait "$n" || fail "a teardown failed: $(cat $T/teardown*)"; done
	is "$(networks)" "[]" networks
	is "$(published)" "" "what is published"
	is "$(ip -o link show type veth | grep -c ': veth[0-9]')" 0 "devices"
}

# Whom a person has attached keeps the network.
test_a_network_with_somebody_in_it_stays() {
	container a d
	setup a 10.91.0.7
	must ebpfnet attach d --network blue --addr 10.91.0.100
	teardown a 10.91.0.7
	is "$(networks)" "['blue']" networks
	pings d 8.8.8.8
	setup a 10.91.0.7
	pings a 10.91.0.100
	must ebpfnet detach d
	teardown a 10.91.0.7
	is "$(networks)" "[]" networks
}

# Docker says itself when its networks end; podman does not.
test_an_idle_network_of_docker_stays() {
	local name
	container a
	name=$(source "$TOP/tests/lib/docker.sh" && create_network idle 10.95.0.0/24 > /dev/null && name_of idle)
	setup a 10.91.0.7
	teardown a 10.91.0.7
	is "$(networks)" "['$name']" networks
}

test_the_words_are_not_those_of_a_person() {
	for word in create setup teardown; do
		run script -qec "timeout 5 ebpfnet $word" /dev/null
		like "$out" "unknown command|usage"
		[ "$status" != 124 ] || fail "$word waits for a person to type JSON"
	done
}
