# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
# libcni, with lists of plugins.

test_add_check_del() {
	network blue 10.91.0.0/24
	ip netns add a
	export CAP_ARGS='{"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}], "ips": ["10.91.0.9"]}'
	must cnitool add blue /run/netns/a
	is "$(json 'j["ips"][0]["address"]' <<< "$out")" 10.91.0.9/24 address
	must cnitool check blue /run/netns/a
	serve a tcp 80
	reaches internet tcp $HOST 8080 $INTERNET
	ip -n a address flush dev eth0
	must_not cnitool check blue /run/netns/a
	must cnitool del blue /run/netns/a
	must cnitool del blue /run/netns/a
	ip netns del a
	must cnitool del blue /run/netns/a
	nothing_left
}

# With the reference plugins: host-local and static choose addresses, tuning comes after us.
test_the_reference_plugins_beside_us() {
	cat > /etc/cni/net.d/10-blue.conflist <<-END
		{"cniVersion": "1.0.0", "name": "blue", "plugins": [
		 {"type": "ebpfnet", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.91.0.0/24"}]], "dataDir": "/run/ipam",
		  "routes": [{"dst": "0.0.0.0/0"}]}},
		 {"type": "tuning", "sysctl": {"net.ipv4.ip_default_ttl": "77"}}]}
	END
	cat > /etc/cni/net.d/11-green.conflist <<-END
		{"cniVersion": "0.4.0", "name": "green", "plugins": [
		 {"type": "ebpfnet", "ipam": {"type": "static", "addresses": [{"address": "10.92.0.7/24", "gateway": "10.92.0.254"}]}}]}
	END
	ip netns add a
	ip netns add b
	must cnitool add blue /run/netns/a
	is "$(json 'j["ips"][0]["address"]' <<< "$out")" 10.91.0.2/24 address
	is "$(on a cat /proc/sys/net/ipv4/ip_default_ttl)" 77 "what tuning sets"
	pings a 8.8.8.8
	must cnitool check blue /run/netns/a
	must cnitool add green /run/netns/b
	is "$(json 'j["ips"][0]["address"], j["ips"][0]["gateway"]' <<< "$out")" "('10.92.0.7/24', '10.92.0.254')" address
	pings b 8.8.8.8
	must cnitool del blue /run/netns/a
	must cnitool del green /run/netns/b
	is "$(ls /run/ipam/blue | grep -c '^10\.')" 0 "addresses that host-local keeps"
	nothing_left
}

# As many as a node's kubelet starts after a boot; half of them go without DEL, and GC is told who is left.
test_two_hundred_at_once_and_gone() {
	local n all
	network blue 10.91.0.0/16
	for n in $(seq 200); do ip netns add "c$n"; done
	at_once() { # VERB FIRST
		seq "$2" 200 | xargs -P 200 -I N cnitool "$1" blue /run/netns/cN > $T/at_once 2>&1 || fail "$(tail -n3 $T/at_once)"
	}
	CAP_ARGS='' at_once add 1
	all=$(ebpfnet ns list --json)
	is "$(json 'len({n["addr"] for n in j["namespaces"]})' <<< "$all")" 200 "addresses"
	is "$(json '{n["state"] for n in j["namespaces"]}' <<< "$all")" "{'up'}" "states"
	pings c1 8.8.8.8
	pings c200 8.8.8.8
	for n in $(seq 100); do ip netns del "c$n"; done
	at_once del 101
	for n in $(seq 101 200); do ip netns del "c$n"; done
	must env CNI_COMMAND=GC CNI_PATH=/opt/cni/bin ebpfnet <<< '{"cniVersion": "1.1.0", "name": "blue", "type": "ebpfnet", "cni.dev/valid-attachments": []}'
	nothing_left
}

# CHECK, of what somebody has changed since ADD.
test_check_after_tampering() {
	local what
	network blue 10.91.0.0/24
	ip netns add a
	export CAP_ARGS='{"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]}'
	for what in "ip -n a address flush dev eth0" "ip -n a route del default" "ip -n a link set eth0 address 02:00:00:00:00:99" \
		"ip -n a link set eth0 down" "ip -n a link del eth0" "ebpfnet unexpose tool-run-netns-a 8080"; do
		must cnitool add blue /run/netns/a
		must cnitool check blue /run/netns/a
		must $what
		must_not cnitool check blue /run/netns/a
		must cnitool del blue /run/netns/a
	done
	nothing_left
}
