# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# The host's firewall: `status` names what is at FORWARD, and `expose` the command that opens a port in it.
#
# hooks: any

# Beside ebpfnet, a namespace that the host's kernel routes to: what opens a port for it opens that of a namespace.
PLAIN=10.50.0.2
routed_namespace() {
	ip netns add plain
	ip link add p0 type veth peer name p1 netns plain
	ip address add 10.50.0.1/24 dev p0
	ip link set p0 up
	ip -n plain address add $PLAIN/24 dev p1
	ip -n plain link set p1 up
	ip -n plain route add default via 10.50.0.1
	echo 1 > /proc/sys/net/ipv4/ip_forward
	ip -n isp route add 10.50.0.0/24 via $HOST
	serve plain tcp 80
	serve plain tcp 81
	serve plain udp 80
	reaches internet tcp $PLAIN 80 $INTERNET
}

notes() {
	ebpfnet status --json | json '[n["note"] for n in j["notes"] if n["object"] == "firewall"]'
}

dropped() {
	ebpfnet status --json | json '[(n["note"], n["fix"]) for n in j["notes"] if n["object"] == "published"]'
}

# The port that the command opens is open, in both directions, and no other.
opens() { # NAME
	local command
	unreached internet tcp $PLAIN 80 "${2-silent}"
	serve ns1 tcp 80
	must ebpfnet expose ns1 5000:80
	like "$out" "$1 drops at FORWARD what it does not allow; to allow this: "
	command=$(sed -n 's/.*to allow this: //p' <<< "$out")
	is "$(ebpfnet exposed --json | json 'j["published"][0]["open_with"]')" "$command" "open_with"
	must bash -c "${command//192.168.1.10/$PLAIN}"
	reaches internet tcp $PLAIN 80 $INTERNET
	is "$(dropped)" "[]" "ports that the firewall drops, as nobody has called yet"
	unreached internet tcp $HOST 5000 "${2-silent}"
	like "$(dropped)" "5000:80 of ns1 is published, but the host's firewall \($1\) drops it: 1 connection lately"
	must ebpfnet status
	run bash -c "$command"
	reaches internet tcp $HOST 5000 $INTERNET
	is "$(dropped)" "[]" "ports that the firewall drops"
	must ebpfnet set forwarding ask
	reaches internet tcp $HOST 5000 $INTERNET
	must ebpfnet set forwarding stack
	unreached internet tcp $PLAIN 81 "${2-silent}"
	unreached internet udp $PLAIN 80 "${2-silent}"
	must ebpfnet expose ns1 5000:80/udp
	command=$(sed -n 's/.*to allow this: //p' <<< "$out")
	run bash -c "${command//192.168.1.10/$PLAIN}" # firewalld: the policy is there by now
	reaches internet udp $PLAIN 80 $INTERNET
	must ebpfnet expose ns1 6000-6009:7000
	command=$(sed -n 's/.*to allow this: //p' <<< "$out")
	run bash -c "${command//192.168.1.10/$PLAIN}"
	unlike "$err" 'syntax|nknown|nvalid|INVALID'
}

test_nothing_at_forward_is_no_firewall() {
	up --forwarding fast
	is "$(notes)" "[]" notes
	nft add table inet mine
	nft add chain inet mine forward '{ type filter hook forward priority 0; }'
	iptables -A FORWARD -j ACCEPT
	iptables -D FORWARD 1
	iptables -A INPUT -j ACCEPT
	is "$(notes)" "[]" "notes, of chains without rules, or elsewhere"
	must ebpfnet set forwarding stack
	must ebpfnet expose ns1 5000
	unlike "$out" 'to allow this'
	is "$(ebpfnet exposed --json | json 'j["published"][0]["open_with"]')" None open_with
}

test_status_names_what_fast_packets_do_not_pass() {
	up --forwarding fast
	iptables -A FORWARD -j ACCEPT
	like "$(notes)" 'FORWARD \(iptables\) does not see packets of the namespaces: forwarding is fast'
	must ebpfnet expose ns1 5000
	unlike "$out" 'to allow this'
	iptables -N DOCKER-USER
	like "$(notes)" '\(Docker\)'
	iptables -N ufw-before-forward
	nft add table inet mine
	nft add chain inet mine forward '{ type filter hook forward priority 0; policy drop; }'
	like "$(notes)" '\(ufw, Docker, nft\)'
	must ebpfnet network add blue
	must ebpfnet network add lab --internal
	must ebpfnet set forwarding stack --network blue
	like "$(notes)" 'packets of network default: forwarding is fast'
	must ebpfnet set forwarding stack
	is "$(notes)" "[]" "notes in stack"
	must ebpfnet set forwarding ask
	like "$(ebpfnet status)" 'counters, quota, connbytes, limit.*the namespaces: forwarding is ask|of network default: .*ask'
}

# What the host itself sends there passes no FORWARD.
test_a_port_that_only_the_host_calls_is_not_dropped() {
	up
	iptables -P FORWARD DROP
	must ebpfnet expose ns1 5000/udp
	must on host python3 -c 'import socket; socket.socket(2, 2).sendto(b"x", ("'$HOST'", 5000))'
	is "$(ebpfnet flows --json | json 'len(j["flows"])')" 1 flows
	is "$(dropped)" "[]" "ports that the firewall drops"
}

test_iptables_legacy_is_read_too() {
	up --forwarding fast
	is "$(notes)" "[]" notes
	iptables-legacy -P FORWARD DROP 2> /dev/null || skip "this kernel has no iptables-legacy"
	like "$(notes)" '\(iptables-legacy\)'
	iptables-legacy -P FORWARD ACCEPT
	is "$(notes)" "[]" "notes, of a table without rules at FORWARD"
	iptables-legacy -A FORWARD -j ACCEPT
	like "$(notes)" '\(iptables-legacy\)'
	iptables-legacy -N DOCKER-USER
	like "$(notes)" '\(Docker\)'
}

test_the_command_opens_a_port_of_nft() {
	routed_namespace
	up --forwarding stack
	nft add table inet mine
	nft add chain inet mine fwd-1 '{ type filter hook forward priority 0; policy drop; }'
	opens nft
}

test_the_command_opens_a_port_of_iptables() {
	routed_namespace
	up --forwarding stack
	iptables -P FORWARD DROP
	opens iptables
}

test_the_command_opens_a_port_of_iptables_legacy() {
	routed_namespace
	up --forwarding stack
	iptables-legacy -P FORWARD DROP 2> /dev/null || skip "this kernel has no iptables-legacy"
	opens iptables-legacy
}

# As Docker sets it up: its rules accept what is for its own bridges.
test_the_command_opens_a_port_beside_docker() {
	routed_namespace
	up --forwarding stack
	iptables -P FORWARD DROP
	iptables -N DOCKER-USER
	iptables -A DOCKER-USER -j RETURN
	iptables -A FORWARD -j DOCKER-USER
	iptables -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
	opens Docker
}

test_the_command_opens_a_port_of_each_of_two_firewalls() {
	routed_namespace
	up --forwarding stack
	iptables -P FORWARD DROP
	nft add table ip mine
	nft add chain ip mine forward '{ type filter hook forward priority 10; policy drop; }'
	opens 'iptables, nft'
}

test_the_command_opens_a_port_of_ufw() {
	command -v ufw > /dev/null || skip "no ufw"
	routed_namespace
	up --forwarding stack
	ufw --force enable > $T/ufw 2>&1 || skip "ufw does not work here: $(tail -n1 $T/ufw)"
	opens ufw
}

test_the_command_opens_a_port_of_firewalld() {
	local pid
	command -v firewalld dbus-daemon > /dev/null || skip "no firewalld"
	routed_namespace
	up --forwarding stack
	mkdir -p /run/dbus
	dbus-daemon --system --fork
	firewalld --nofork --nopid > $T/firewalld 2>&1 &
	pid=$!
	soon firewall-cmd --state
	must firewall-cmd --permanent --zone=public --add-interface=eth0
	must firewall-cmd --permanent --new-zone=inside
	must firewall-cmd --permanent --zone=inside --set-target=DROP
	must firewall-cmd --permanent --zone=inside --add-interface=p0
	must firewall-cmd --reload
	opens firewalld unreachable
	kill $pid
}
