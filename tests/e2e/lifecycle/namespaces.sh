# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# ns add|del|list, attach, detach, exec, and names.
#
# hooks: any

test_up_makes_the_tutorials_network() {
	up
	is "$(ls /run/netns | tr '\n' ' ')" "internet isp ns1 ns2 " "namespaces"
	is "$(cat /sys/class/net/veth0/address)" "fe:eb:c0:a8:01:0a" "MAC of veth0"
	is "$(on ns1 cat /proc/sys/net/ipv4/ip_forward)" 0 "ip_forward inside"
	like "$(ip -4 address show ebpfnet0)" "inet $GATEWAY/24"
	must test -d $PINS
	must test -e $PINS/flows
	is "$(ip -6 -o address show veth0; ip -6 -o address show ebpfnet0)" "" "IPv6 addresses of the host's devices"
}

test_up_again_changes_nothing_and_reports_it() {
	local before
	up
	before=$(snapshot)
	must ebpfnet up
	like "$out$err" 'nothing to change'
	is "$(snapshot)" "$before" "the host"
}

test_up_with_every_option() {
	ip link add other0 type veth peer name other1
	ip address add 10.1.1.1/24 dev other0
	ip link set other0 up
	ip link set other1 up
	mkdir $T/bpf
	mount -t bpf bpf $T/bpf
	up --uplink other0 --subnet 10.77.0.0/16 --ns web=10.77.3.4 --ns db --bpffs $T/bpf --flows 1000
	like "$(on web ip -4 address show ceth0)" 'inet 10.77.3.4/16'
	like "$(on db ip -4 address show ceth1)" 'inet 10.77.0.10/16'
	pings web 10.77.0.1
	pings db 10.77.3.4
	must_not test -e $PINS
	is "$(ebpfnet status --json --bpffs $T/bpf | json '[u["name"] for u in j["uplinks"]], j["flows_limit"]')" "(['other0'], 1000)" status
	must ebpfnet down --bpffs $T/bpf
	must_not test -e /run/netns/web
}

test_up_adds_what_is_new() {
	up
	up --ns ns3 --ns ns4=192.168.1.200
	pings ns3 $NS1
	pings ns1 192.168.1.200
}

# More than any list of a fixed length had room for, numbered and addressed in their order, whatever is taken.
test_up_makes_many_at_once() {
	local names=() i
	for i in $(seq 100); do names+=(--ns "n$i"); done
	ip link add veth7 type veth peer name other7
	up --subnet 10.77.0.0/16 --ns own=10.77.0.12 "${names[@]}"
	is "$(ebpfnet ns list --json | json 'len(j["namespaces"]), len({n["addr"] for n in j["namespaces"]}), len({n["dev"] for n in j["namespaces"]})')" \
		"(101, 101, 101)" "namespaces, addresses, devices"
	is "$(ebpfnet ns list --json | json '[(n["addr"], n["dev"]) for n in j["namespaces"] if n["name"] in ("own", "n1", "n3", "n7", "n100")]')" \
		"[('10.77.0.12', 'veth0'), ('10.77.0.10', 'veth1'), ('10.77.0.13', 'veth3'), ('10.77.0.17', 'veth8'), ('10.77.0.110', 'veth101')]" "in order"
	is "$(bpftool -j map lookup pinned $PINS/networks key 1 0 0 0 | json 'j["formatted"]["value"]["ports"]')" 101 "ports of the network"
	pings n1 10.77.0.110
	pings n100 10.77.0.12
	must ebpfnet status
	like "$out" 'all well'
	must ebpfnet up "${names[@]}"
	like "$out$err" 'nothing to change'
}

test_up_fixes_what_is_broken() {
	up
	must ebpfnet expose ns1 5000
	serve ns1 tcp 5000
	ip link del veth0
	ip link del ebpfnet0
	up
	pings ns1 $GATEWAY
	pings ns1 $NS2
	pings host $NS1
	reaches internet tcp $HOST 5000 $INTERNET
	is "$(ebpfnet status --json | json 'j["problems"]')" "[]" problems
}

test_up_restores_a_default_route() {
	up
	ip -n ns1 route del default
	no_pings ns1 8.8.8.8
	must ebpfnet up
	unlike "$out$err" 'nothing to change'
	like "$(ip -n ns1 route)" "^default via $GATEWAY"
	pings ns1 8.8.8.8
	must ebpfnet up
	like "$out$err" 'nothing to change'
}

test_packets_to_a_namespace_removed_externally_are_counted() {
	up
	pings ns1 $NS2
	ip netns del ns2
	soon test ! -e /sys/class/net/veth1
	no_pings ns1 $NS2
	no_pings host $NS2
	is "$(counter port_gone)" 2 "packets counted as port_gone"
	like "$(ebpfnet stats)" 'port_gone +2 '
}

test_packets_of_a_flow_to_a_namespace_removed_externally_are_counted() {
	local sent
	up
	must ebpfnet expose ns2 5000/udp
	for sent in 1 2 3; do
		must on internet taskset -c 0 socat -u SYSTEM:'echo hello' UDP:$HOST:5000,sourceport=999,reuseaddr
	done
	is "$(counter published_in)" 3 "datagrams that went in"
	ip netns del ns2
	soon test ! -e /sys/class/net/veth1
	must on internet taskset -c 0 socat -u SYSTEM:'echo hello' UDP:$HOST:5000,sourceport=999,reuseaddr
	is "$(counter port_gone)" 1 "packets counted as port_gone"
}

test_ns_add_takes_the_next_free_address() {
	up
	must ebpfnet ns add three
	like "$(on three ip -4 address)" '192.168.1.12/24'
	pings three 8.8.8.8
	must ebpfnet ns add given --addr 192.168.1.13
	must ebpfnet ns add four
	like "$(on four ip -4 address)" '192.168.1.14/24'
	must ebpfnet ns del three
	must_not test -e /run/netns/three
	must ebpfnet ns add five
	like "$(on five ip -4 address)" '192.168.1.12/24'
}

test_ns_del_ends_its_flows() {
	up
	serve internet udp 7000
	reaches ns1 udp $INTERNET 7000 $HOST 40000
	must ebpfnet ns del ns1
	must ebpfnet ns add new --addr $NS1
	serve new udp 40000
	hear new ceth0 -Q in udp
	run on internet "$WIRE" ask udp $HOST 40000 7000
	heard new ceth0
	is "$heard" "" "what the next owner of the address got"
}

test_attach_by_name() {
	ip netns add mine
	up
	must ebpfnet attach mine
	pings mine $NS1
	pings mine 8.8.8.8
	like "$(ebpfnet ns list)" '^ *mine +192.168.1.12'
	must ebpfnet detach mine
	must test -e /run/netns/mine
	is "$(on mine ip -o link | grep -vc ': lo:')" 0 "devices left inside"
	unlike "$(ebpfnet ns list)" mine
}

test_attach_by_pid() {
	up
	start_guest
	must ebpfnet attach "$guest" --name box --addr 192.168.1.77
	must nsenter -n -t "$guest" ping -n -c1 -W1 $NS1
	must nsenter -n -t "$guest" ping -n -c1 -W1 8.8.8.8
	pings ns1 192.168.1.77
	must ebpfnet expose box 5000
	must ebpfnet detach box
	must kill -0 "$guest"
	is "$(nsenter -n -t "$guest" ip -o link | grep -vc ': lo:')" 0 "devices left inside"
}

test_attached_namespace_stays_after_down() {
	ip netns add mine
	up
	must ebpfnet attach mine
	must ebpfnet down
	must test -e /run/netns/mine
	is "$(on mine ip -o link | grep -vc ': lo:')" 0 "devices left inside"
	must_not test -e /run/netns/ns1
}

test_exec() {
	up
	must ebpfnet exec ns1 -- ip -4 -o address show ceth0
	like "$out" $NS1
	run ebpfnet exec ns1 -- sh -c 'exit 42'
	is "$status" 42 "status"
	run ebpfnet exec ns1 -- no-such-command
	is "$status" 127 "status of a command that is not there"
	run ebpfnet exec ns1 -- /etc/passwd
	is "$status" 126 "status of a file that cannot run"
	must ebpfnet exec ns2 -- echo --help -x
	is "$out" "--help -x" "what a command was given"
	must ebpfnet exec ns1 -- ls /sys/class/net
	like "$out" ceth0
	unlike "$out" veth0
}

test_names_resolve_inside() {
	up
	must ebpfnet ns add three
	must ebpfnet exec ns1 -- ping -n -c1 -W1 ns2
	must ebpfnet exec ns2 -- ping -n -c1 -W1 three
	must ip netns exec three ping -n -c1 -W1 ns1
	must ebpfnet exec three -- getent hosts localhost
	must ebpfnet ns del three
	must_not ebpfnet exec ns1 -- getent hosts three
}

test_names_resolve_in_what_runs_already() {
	up
	start waiting ebpfnet exec ns1 -- sh -c 'echo ready; until grep late /etc/hosts; do sleep 0.1; done; echo found'
	must ebpfnet ns add late
	soon grep -q found $T/waiting.out
}

test_hosts_file_of_the_user_is_left_alone() {
	mkdir -p /etc/netns/ns1
	echo '192.0.2.1 mine' > /etc/netns/ns1/hosts
	up
	is "$(< /etc/netns/ns1/hosts)" '192.0.2.1 mine' "file"
	must ebpfnet down
	is "$(< /etc/netns/ns1/hosts)" '192.0.2.1 mine' "file after down"
}

test_namespaces_are_those_of_ip_netns() {
	up
	must ip netns exec ns1 ping -n -c1 -W1 $NS2
	must nsenter --net=/var/run/netns/ns2 ping -n -c1 -W1 $NS1
	is "$(ip netns identify $$)" "" "namespace of the host"
}

test_fifty_namespaces() {
	local i
	up
	for i in $(seq 3 50); do must ebpfnet ns add "n$i"; done
	pings n50 $NS1
	pings n3 192.168.1.59
	pings n25 8.8.8.8
	must ebpfnet down
	is "$(ls /run/netns | tr '\n' ' ')" "internet isp " "namespaces left"
}

test_a_namespace_may_come_after_its_device() {
	up
	misused 'attach needs a namespace, or --later' ebpfnet attach
	misused 'attach needs a namespace, or --later' ebpfnet attach ns1 --later
	misused '--later needs --name' ebpfnet attach --later
	misused 'has no --dev' ebpfnet attach --later --name late --dev eth0
	must ebpfnet attach --later --name late --addr 192.168.1.77 --publish 8080:80/udp
	like "$out" 'late has 192.168.1.77 on ceth2'
	like "$(ebpfnet ns list)" '^late .* waiting'
	must ebpfnet status
	must ebpfnet up
	must ebpfnet detach --gone
	ip netns add late
	ip link set ceth2 netns late
	ip -n late address add 192.168.1.77/24 dev ceth2
	ip -n late link set ceth2 up
	ip -n late route add default via 192.168.1.1
	soon on late ping -n -c1 -W1 8.8.8.8
	pings ns1 192.168.1.77
	like "$(ebpfnet ns list)" '^late .* up'
	serve late udp 80
	reaches internet udp $HOST 8080 $INTERNET
	must ebpfnet status
	ip netns pids late | xargs kill -9
	ip netns del late
	soon eval '! ip link show veth2'
	must_be_unhealthy
	like "$out" 'late was deleted externally'
	must ebpfnet detach --gone
	must ebpfnet status
	# one that waits goes by name, with both of its ends
	must ebpfnet attach --later --name late
	must ebpfnet detach late
	must_not ip link show ceth2
}
