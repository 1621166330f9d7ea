# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
# hooks: any
#
# One clear line, a non-zero status, and no change: refused() checks all three.

test_not_root() {
	cp "$(command -v ebpfnet)" $T/ebpfnet
	chmod 755 $T/ebpfnet
	refused 'root|CAP_' setpriv --reuid 65534 --regid 65534 --clear-groups $T/ebpfnet up
	refused 'root|CAP_' setpriv --bounding-set -all ebpfnet up
	refused 'CAP_NET_ADMIN|root' setpriv --bounding-set -net_admin ebpfnet up
}

test_no_bpffs() {
	umount /sys/fs/bpf
	refused '/sys/fs/bpf.*bpffs' ebpfnet up
	mkdir $T/plain
	refused "$T/plain.*bpffs" ebpfnet up --bpffs $T/plain
	refused "$T/none" ebpfnet up --bpffs $T/none
}

# The system calls answer as those of a kernel that has been built without them.
test_kernel_too_old() {
	local nth
	refused 'BPF|bpf' strace -f -qq -o /dev/null -e inject=bpf:error=ENOSYS ebpfnet up
	# as 6.1 answers to the first link of a kind it does not know
	must strace -f -qq -e trace=bpf -o $T/trace ebpfnet up --hook tcx
	must ebpfnet down
	nth=$(grep -n BPF_LINK_CREATE $T/trace | head -n1 | cut -d: -f1)
	refused 'TCX.*6\.6.*clsact' strace -f -qq -o /dev/null -e "inject=bpf:error=EINVAL:when=$nth" ebpfnet up --hook tcx
}

test_uplink() {
	ip link add down0 type veth peer name down1
	refused 'nope' ebpfnet up --uplink nope
	refused 'down0.* down' ebpfnet up --uplink down0
	refused 'lo' ebpfnet up --uplink lo
	ip link set eth0 down
	refused 'eth0.* down' ebpfnet up --uplink eth0
}

test_subnet_overlaps_a_route() {
	refused '172\.31\.0\.0/16.*172\.31\.0\.0/20' ebpfnet up --subnet 172.31.0.0/16
	refused '172\.31\.13\.0/24.*172\.31\.0\.0/20' ebpfnet up --subnet 172.31.13.0/24
	ip route add 192.168.0.0/16 via 172.31.0.1
	refused '192\.168\.1\.0/24.*192\.168\.0\.0/16' ebpfnet up
}

test_subnet_that_is_malformed() {
	local bad
	for bad in 192.168.1.0 192.168.1.0/33 192.168.1.0/31 192.168.1.0/32 192.168.1.0/0 192.168.1.0/x \
		192.168.1.5/24 300.1.1.0/24 abc '' 224.0.0.0/24 127.0.0.0/24 192.168.1.0/24x; do
		misused "$bad" ebpfnet up --subnet "$bad"
	done
}

test_namespace_names() {
	local bad
	for bad in a/b ../x . .. sixteen-letters- ''; do
		misused "name|$bad" ebpfnet up --ns "$bad"
	done
	misused 'name' ebpfnet up --ns =192.168.1.5
	misused 'same' ebpfnet up --ns same --ns same
	ip netns add ns1
	ip -n ns1 address add 203.0.113.7/32 dev lo # else it is unused, and taken
	refused 'ns1' ebpfnet up
	ip netns del ns1
	up
	for bad in a/b . .. sixteen-letters- ''; do
		misused "name|$bad" ebpfnet ns add "$bad"
	done
	refused 'ns1' ebpfnet ns add ns1
	refused 'isp' ebpfnet ns add isp # not made by ebpfnet
}

test_addresses_of_namespaces() {
	local bad
	for bad in 192.168.2.5 192.168.1.0 192.168.1.255 $GATEWAY 10.0.0.1; do
		refused "$bad" ebpfnet up --ns "web=$bad"
	done
	for bad in 192.168.1 x ''; do
		misused "$bad" ebpfnet up --ns "web=$bad"
	done
	misused "$NS1" ebpfnet up --ns a=$NS1 --ns b=$NS1
	up
	for bad in 192.168.2.5 192.168.1.0 192.168.1.255 $GATEWAY $NS1; do
		refused "$bad" ebpfnet ns add third --addr $bad
	done
	misused "'x'" ebpfnet ns add third --addr x
}

test_subnet_full() {
	up --subnet 10.9.8.0/29 --ns a --ns b
	for name in c d e; do must ebpfnet ns add $name; done
	refused 'address' ebpfnet ns add f
}

test_unknown_namespace() {
	up
	refused 'nope' ebpfnet ns del nope
	refused 'nope' ebpfnet detach nope
	refused 'nope' ebpfnet attach nope
	refused 'nope' ebpfnet exec nope -- true
	refused 'nope' ebpfnet expose nope 80
	refused 'nope' ebpfnet unexpose nope
	refused 'isp' ebpfnet ns del isp # there, but not ours
}

test_made_is_not_attached() {
	ip netns add mine
	up
	must ebpfnet attach mine
	refused 'mine' ebpfnet attach mine
	refused 'ns del' ebpfnet detach ns1
	refused 'detach' ebpfnet ns del mine
}

test_ports() {
	local bad
	up
	for bad in 0 65536 99999999999999999999 -5 9000-8000 5000: :5000 abc 5000:abc 5000:0 5000:65536 5000-abc \
		5000- 5000/ 5000/sctp 5000/TCP '5000 ' ' 5000' 5000:3000:1 60000-61000:65000 '' 1.2.3:80 \
		$HOST $HOST: 0x50; do
		misused "$bad" ebpfnet expose ns1 "$bad"
	done
	refused '203.0.113.10' ebpfnet expose ns1 203.0.113.10:5000 # an address, but not the host's
}

test_port_published_already() {
	up
	must ebpfnet expose ns1 5000
	must ebpfnet expose ns1 8000-8999
	refused '5000.*ns1' ebpfnet expose ns2 5000
	refused 'ns1' ebpfnet expose ns2 4990-5010
	refused 'ns1' ebpfnet expose ns2 8999-9001

	must ebpfnet expose ns2 5000/udp
	must ebpfnet expose ns2 9000
}

test_port_bound_by_a_process() {
	local pid
	up
	start hold "$WIRE" hold tcp 5000
	pid=$(< $T/hold.pid)
	start hold-udp "$WIRE" hold udp 5001 $HOST
	refused "5000.*(wire|python).*$pid" ebpfnet expose ns1 5000
	refused "5000.*$pid" ebpfnet expose ns1 4000-6000
	refused "5001.*(wire|python)" ebpfnet expose ns1 5001/udp
	must ebpfnet expose ns1 5001
	stop hold
	must ebpfnet expose ns1 5000
}

test_unexpose_a_port_that_is_not_published() {
	up
	must ebpfnet expose ns1 5000
	refused 'does not publish 6000' ebpfnet unexpose ns1 6000
	refused 'does not publish' ebpfnet unexpose ns2 5000
	refused 'does not publish' ebpfnet unexpose ns1 5000/udp
}

test_pid_gone() {
	local pid
	up
	sleep 0 &
	pid=$!
	wait $pid
	refused "$pid" ebpfnet attach $pid
	refused '999999' ebpfnet attach 999999
	refused 'host' ebpfnet attach $$ # the host's own namespace
}

test_settings() {
	up
	misused 'nope' ebpfnet set nope 5
	misused 'nope' ebpfnet get nope
	for bad in 0 -1 abc 5x '' 99999999999; do
		misused 'fdb-age' ebpfnet set fdb-age "$bad"
	done
	for bad in 5 9-5 0-5 5-65536 a-b; do
		misused 'ports' ebpfnet set ports $bad
	done
}

test_flows_and_hook() {
	for bad in 0 -1 abc 99999999999; do
		misused 'flows' ebpfnet up --flows $bad
	done
	misused 'hook' ebpfnet up --hook xdp
}

test_options_that_contradict_the_network() {
	up
	refused '10\.1\.0\.0/24.*down' ebpfnet up --subnet 10.1.0.0/24
	refused '65536.*1000.*down' ebpfnet up --flows 1000
	refused 'nope' ebpfnet up --uplink nope
	refused 'ns1' ebpfnet up --ns ns1=192.168.1.99
}

test_nothing_is_up() {
	local what
	for what in "ns add x" "ns del x" "ns list" "expose ns1 80" "unexpose ns1" exposed status flows fdb stats \
		"exec ns1 -- true" "attach isp" "detach x" "set fdb-age 5" get; do
		# shellcheck disable=SC2086 # words
		refused 'ebpfnet up' ebpfnet $what
	done
	must ebpfnet down
	like "$out$err" 'nothing'
}

test_usage() {
	misused 'unknown command: frobnicate' ebpfnet frobnicate
	misused 'unknown option: --frob' ebpfnet up --frob
	misused 'unknown option: -z' ebpfnet status -z
	misused '--ns needs a value' ebpfnet up --ns
	misused 'needs' ebpfnet expose
	misused 'needs' ebpfnet expose ns1
	misused 'needs' ebpfnet ns add
	misused 'needs' ebpfnet exec ns1
	misused 'too many words: x' ebpfnet down x
	misused 'takes no --json' ebpfnet up --json
	misused 'too many words: 90; expose takes NS' ebpfnet expose ns1 80 90
}

# Without a command there is nothing to refuse: all of them are listed.
test_no_command() {
	local words
	for words in "" ns; do
		# shellcheck disable=SC2086 # words
		run ebpfnet $words
		is "$status" 2 "status of: ebpfnet $words"
		is "$out" "" "standard output of: ebpfnet $words"
		like "$err" 'usage: ebpfnet'
	done
}

test_help() {
	local what
	for what in "" up down status "ns add" "ns del" "ns list" attach detach exec expose unexpose exposed flows fdb \
		stats monitor bench set get; do
		# shellcheck disable=SC2086 # words
		must ebpfnet $what --help
		is "$err" "" "stderr of $what --help"
		like "$out" "^usage: ebpfnet ${what:-COMMAND}"
	done
	must ebpfnet -h
	must ebpfnet --version
	like "$out" '^ebpfnet [0-9]+\.[0-9]+'
}
