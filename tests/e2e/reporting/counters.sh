# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Each packet is in one sum: passed, refused or dropped, and the last two say why.
#
# hooks: any

sums() { # refused, dropped; what passes, IPv6 solicitations for one, is not the test's alone
	ebpfnet stats --json | json '"%d %d" % (j["refused"], j["dropped"])'
}

# One packet of ns1, which `stats` must count as refused for that reason.
refused_as() { # REASON COMMAND...
	local before after refused dropped
	before=$(counter "refused_$1")
	read -r refused dropped <<< "$(sums)"
	run "${@:2}"
	after=$(counter "refused_$1")
	is $((after - before)) 1 "refused_$1, after: ${*:2}"$'\n'"$out$err"
	is "$(sums)" "$((refused + 1)) $dropped" "sums after: ${*:2}"
	like "$(ebpfnet stats)" "^refused_$1 +$after +refused: "
	like "$(ebpfnet status)" "^refused_$1 +$after +refused: "
}

test_what_is_refused_is_counted_by_its_reason() {
	up --flows 1000
	on ns1 ip neigh replace $GATEWAY lladdr "$(ip -j link show ebpfnet0 | json 'j[0]["address"]')" dev ceth0 nud permanent
	refused_as ttl_exceeded on ns1 ping -n -c1 -W0.2 -t1 $INTERNET
	ip route add unreachable 198.51.100.1
	refused_as prohibited on ns1 ping -n -c1 -W0.2 198.51.100.1
	ip link add other type veth peer name other2
	ip link set other2 up
	ip link set other up
	ip route add 198.51.100.2 dev other
	refused_as egress_unmanaged on ns1 ping -n -c1 -W0.2 198.51.100.2
	ip route add 198.51.100.3 via 172.31.0.1 dev eth0 mtu lock 1000
	refused_as too_big on ns1 ping -n -c1 -W0.2 -M "do" -s 1200 198.51.100.3
	ip route del default
	refused_as no_route on ns1 ping -n -c1 -W0.2 198.51.100.4
}

carrier() { # STATE of veth0, which the kernel changes in a work item of its own
	ip link show veth0 | grep -q "state $1"
}

# A namespace takes its device down: what is sent to it is lost, and the sums say so.
test_what_is_sent_to_a_device_that_is_down_is_dropped() {
	up
	must ebpfnet expose ns1 5000:3000/udp
	must on ns1 ip link set ceth0 down
	soon carrier "[A-Z]*DOWN"
	on internet bash -c "for i in {1..10}; do echo x > /dev/udp/$HOST/5000; done"
	on ns2 bash -c "for i in {1..10}; do echo x > /dev/udp/$HOST/5000; done"
	like "$(ebpfnet stats)" '^port_down +20 '
	must on ns1 ip link set ceth0 up
	soon carrier UP
	on ns1 ip route add default via $GATEWAY
	serve ns1 udp 3000
	reaches internet udp $HOST 5000 $INTERNET
	like "$(ebpfnet stats)" '^port_down +20 '
}
