# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A namespace that calls a published port of this host, its own or another's, passes the host's FORWARD rules as with a
# bridge: from address inside to address inside.
#
# hooks: any

source "$TOP/tests/lib/rules.sh"

# ns1 and b1, of another network, have servers.
BLUE1=10.89.0.10
published() {
	local kind
	up
	must ebpfnet network add blue
	must ebpfnet ns add b1 --network blue
	for kind in tcp udp; do
		serve ns1 $kind 80
		serve b1 $kind 80
		must ebpfnet expose ns1 8080:80/$kind
		must ebpfnet expose b1 8081:80/$kind
	done
}

by_device_and_address() { # MODE
	local kind
	rules "iifname ebpfnet0 oifname ebpfnet0 ip saddr $NS2 ip daddr $NS1 tcp dport 80 accept" \
		"iifname ebpfnet0 oifname ebpfnet0 ip saddr $NS1 ip daddr $NS1 udp dport 80 accept"
	reaches ns2 tcp $HOST 8080 $HOST
	unreached ns2 udp $HOST 8080 silent
	reaches ns1 udp $HOST 8080 $HOST
	unreached ns1 tcp $HOST 8080 silent
	unreached b1 tcp $HOST 8080 silent
	unreached ns2 tcp $HOST 8081 silent
	rules "iifname ebpfnet0 oifname ebpfnet1 ip daddr $BLUE1 accept" \
		"iifname ebpfnet1 oifname ebpfnet0 ip saddr $BLUE1 ip daddr $NS1 accept"
	for kind in tcp udp; do
		reaches ns2 $kind $HOST 8081 $HOST
		reaches b1 $kind $HOST 8080 $HOST
		reaches ns2 $kind $GATEWAY 8081 $GATEWAY
		unreached ns2 $kind $HOST 8080 silent
		unreached b1 $kind $HOST 8081 silent
	done
	none_is_invalid
	nft delete table ip host
	for kind in tcp udp; do
		reaches ns2 $kind $HOST 8080 $HOST
		reaches ns1 $kind $HOST 8080 $HOST
		reaches b1 $kind $HOST 8080 $HOST
	done
}

# hooks: each
test_a_rule_by_device_and_address_inside_applies() {
	published
	each_mode by_device_and_address
}

# Networks have modes of their own: the stricter one decides.
test_one_of_two_networks_obeys_rules() {
	published
	rules
	must ebpfnet set forwarding fast
	must ebpfnet set forwarding stack --network blue
	reaches ns2 tcp $HOST 8080 $HOST
	unreached ns2 tcp $HOST 8081 silent
	unreached b1 tcp $HOST 8080 silent
	rules 'tcp dport 80 accept'
	reaches ns2 tcp $HOST 8081 $HOST
	reaches b1 tcp $HOST 8080 $HOST
}

# ---- the rules change

changes() { # MODE FROM PORT ADDR
	rules 'iifname { ebpfnet0, ebpfnet1 } accept'
	WIRE_TIMEOUT=10 converse "$2" tcp $HOST "$3"
	say before
	must nft insert rule ip host forward ip daddr "$4" tcp dport 80 drop
	say_in_vain "closed-$1"
	rules 'iifname { ebpfnet0, ebpfnet1 } accept'
	say "again-$1"
	must nft insert rule ip host forward ip saddr "$4" tcp sport 80 drop
	say_in_vain "answers-$1"
	rules 'iifname { ebpfnet0, ebpfnet1 } accept'
	say "once-more-$1"
	must nft add rule ip host forward ip daddr 198.51.100.1 drop
	say "unrelated-$1"
	stop talk
	exec {talk}>&-
	rm $T/say
	none_is_invalid
}

change_of_each() { # MODE
	changes "$1" ns2 8080 $NS1
	changes "$1" ns1 8080 $NS1
	changes "$1" ns2 8081 $BLUE1
}

test_a_rule_takes_effect_on_a_connection_and_goes() {
	published
	each_mode change_of_each
}

change_for_udp() { # MODE
	rules "$INSIDE_PASSES"
	cp $T/rules $T/rules_open
	{ echo 'delete table ip host'; cat $T/rules_open; } > $T/rules_again
	probe '
	import subprocess
	def passes(sock):
	    sock.send(b"x")
	    try:
	        return sock.recv(10) == b"x"
	    except TimeoutError:
	        return False
	def nft(text):
	    subprocess.run(["nft", *text.split()], check=True)
	for where in (ns1, ns2):
	    sock = where.socket(socket.AF_INET, socket.SOCK_DGRAM)
	    sock.settimeout(0.3)
	    sock.connect(("'$HOST'", 8080))
	    must(passes(sock) and passes(sock), "passes at first")
	    nft("insert rule ip host forward ip daddr '$NS1' udp dport 80 drop")
	    must(not passes(sock) and not passes(sock), "a rule drops it")
	    nft("-f '$T'/rules_again")
	    must(passes(sock) and passes(sock), "passes again")
	    nft("insert rule ip host forward ip saddr '$NS1' udp sport 80 drop")
	    must(not passes(sock) and not passes(sock), "a rule drops the answers")
	    nft("-f '$T'/rules_again")
	    must(passes(sock) and passes(sock), "passes once more")
	'
}

test_a_rule_takes_effect_on_a_udp_flow_and_goes() {
	published
	each_mode change_for_udp
}

stream() { # MODE
	local i sender
	rules 'iifname { ebpfnet0, ebpfnet1 } accept'
	for port in 8080 8081; do
		on ns2 "$WIRE" copy $HOST $port 200000000 > /dev/null & sender=$!
		for i in {1..10}; do
			must nft add rule ip host forward ip daddr 198.51.100.$i drop
			sleep 0.05
		done
		wait $sender || fail "the stream to $port broke"
	done
	none_is_invalid
}

# hooks: each
test_a_stream_goes_on_while_other_rules_change() {
	published
	each_mode stream
}

# ---- what the host answers

rejected() { # MODE
	local from
	for from in ns1 ns2 b1; do
		rules "ip daddr $NS1 tcp dport 80 reject with tcp reset" "ip daddr $NS1 udp dport 80 reject"
		unreached $from tcp $HOST 8080 refused
		unreached $from udp $HOST 8080 refused
		rules "ip daddr $NS1 reject with icmp admin-prohibited"
		unreached $from tcp $HOST 8080 unreachable
		unreached $from udp $HOST 8080 unreachable
	done
	# a connection that is there
	rules 'iifname { ebpfnet0, ebpfnet1 } accept'
	WIRE_TIMEOUT=10 converse ns2 tcp $HOST 8080
	say before
	must nft insert rule ip host forward ip daddr $NS1 tcp dport 80 reject with tcp reset
	echo x >&"$talk"
	status=0
	wait "$(< $T/talk.pid)" || status=$?
	is $status 3 "status of a client whose connection a rule resets"
	exec {talk}>&-
	rm $T/say
}

test_reject_refuses_a_namespace() {
	published
	each_mode rejected
}

# Nobody listens; TTL; and the kernel's redirects, which a bridge's NAT does not let by either.
errors() { # MODE
	rules 'iifname { ebpfnet0, ebpfnet1 } accept'
	hear ns2 ceth1 'icmp[icmptype] == icmp-redirect'
	unreached ns2 udp $HOST 8082 refused
	unreached ns2 tcp $HOST 8082 refused
	probe '
	sock = ns2.socket(socket.AF_INET, socket.SOCK_DGRAM)
	sock.setsockopt(socket.IPPROTO_IP, 11, 1) # IP_RECVERR
	sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
	sock.settimeout(1)
	sock.connect(("'$HOST'", 8080))
	sock.send(b"x")
	try:
	    sock.recv(1)
	    must(False, "no error")
	except OSError as e:
	    equal(e.errno, 113, "EHOSTUNREACH, of a TTL of 1")
	sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 2)
	sock.send(b"y")
	equal(sock.recv(1), b"y", "with a TTL of 2")
	'
	none_is_invalid
	heard ns2 ceth1
	is "$heard" "" "redirects in a namespace"
}

test_errors_are_about_what_was_sent() {
	published
	must ebpfnet expose ns1 8082:82
	must ebpfnet expose ns1 8082:82/udp
	each_mode errors
	is "$(($(counter redirect_withheld) > 0))" 1 "the kernel sends redirects"
}

# What the rules have dropped was not received, whatever its receiver says.
test_no_error_passes_about_what_the_rules_have_dropped() {
	published
	by_hand ns1 ns2
	must ebpfnet set forwarding stack
	rules "ip daddr $NS1 tcp dport 80 accept"
	probe '
	def ask(port):
	    inside2.send(IP(src=NS2, dst=HOST, id=7) / UDP(sport=port, dport=8080) / Raw(b"x"))
	def answer(port):
	    inside.send(error(3, 3, IP(src=HOST, dst=NS1) / UDP(sport=port, dport=80) / Raw(b"x"), src=NS1))
	ask(45000)
	inside.does_not_hear(lambda p: p.proto == 17 and p.dport == 80, "a datagram")
	answer(45000)
	inside2.does_not_hear(is_error(3), "an error about it")
	sh("nft", "add", "rule", "ip", "host", "forward", "accept")
	ask(45001)
	inside.hears(lambda p: p.proto == 17 and p.dport == 80, "a datagram")
	answer(45001)
	packet = inside2.hears(is_error(3), "an error about it")
	sums_right(packet, "the error")
	equal((packet.src, quote(packet).src, quote(packet).dst), (HOST, NS2, HOST), "its addresses")
	'
}

# ---- what is no plain packet

fragments() { # MODE
	rules 'iifname { ebpfnet0, ebpfnet1 } accept'
	large_datagram ns2 $HOST 8080
	large_datagram ns1 $HOST 8080
	large_datagram ns2 $HOST 8081
	must nft add rule ip host forward ip daddr 198.51.100.1 drop
	large_datagram ns2 $HOST 8080
	must on ns2 "$WIRE" copy $HOST 8080 3000000
	must on ns1 "$WIRE" copy $HOST 8080 3000000
	must on b1 "$WIRE" copy $HOST 8080 3000000
	none_is_invalid
}

# hooks: each
test_fragments_and_large_segments_pass() {
	published
	each_mode fragments
}

# The device inside takes less than the host's: the client learns it.
test_a_small_mtu_inside_is_learnt() {
	published
	must ebpfnet set forwarding stack
	must ip -n ns1 link set ceth0 mtu 1000
	rules "$INSIDE_PASSES"
	probe '
	import time
	sock = ns2.socket(socket.AF_INET, socket.SOCK_DGRAM)
	sock.setsockopt(socket.IPPROTO_IP, 10, 2) # IP_MTU_DISCOVER, IP_PMTUDISC_DO
	sock.connect(("'$HOST'", 8080))
	sock.send(bytes(1200))
	end = time.monotonic() + 3
	while sock.getsockopt(socket.IPPROTO_IP, 14) != 1000: # IP_MTU
	    must(time.monotonic() < end, "the path MTU")
	    time.sleep(0.05)
	'
	none_is_invalid
}

# ---- tuples that would be the same in the stack

# One server is published at several ports and addresses, and a client calls all of them from one port.
same_port() { # MODE
	rules 'iifname { ebpfnet0, ebpfnet1 } accept'
	probe '
	socks = []
	for at in (("'$HOST'", 8080), ("'$HOST'", 8090), ("'$GATEWAY'", 8080), ("'$GATEWAY'", 8090)):
	    for where in (ns1, ns2):
	        sock = where.tcp(45000)
	        sock.settimeout(3)
	        sock.connect(at)
	        socks.append(sock)
	for i in range(3):
	    for n, sock in enumerate(socks):
	        text = b"%d of %d\n" % (i, n)
	        sock.sendall(text)
	        equal(sock.recv(100), text, "what comes back")
	'
	none_is_invalid
}

test_one_port_of_a_client_calls_all_ports_of_a_server() {
	published
	must ebpfnet expose ns1 8090:80
	each_mode same_port
}

# Of both namespaces the client has the port that the other's server has.
test_two_servers_call_each_other_from_their_own_ports() {
	up
	must ebpfnet expose ns1 8080:80/udp
	must ebpfnet expose ns2 8082:80/udp
	rules "$INSIDE_PASSES"
	must ebpfnet set forwarding stack
	probe '
	def at_80(where):
	    sock = where.socket(socket.AF_INET, socket.SOCK_DGRAM)
	    sock.bind(("0.0.0.0", 80))
	    sock.settimeout(1)
	    return sock
	one, two = at_80(ns1), at_80(ns2)
	def talk(a, b, port):
	    a.sendto(b"ask", ("'$HOST'", port))
	    text, peer = b.recvfrom(10)
	    equal(text, b"ask", "the question")
	    b.sendto(b"answer", peer)
	    text, peer = a.recvfrom(10)
	    equal((text, peer), (b"answer", ("'$HOST'", port)), "the answer")
	for i in range(2):
	    talk(one, two, 8082)
	    talk(two, one, 8080)
	    talk(one, one, 8080)
	'
	none_is_invalid
}

# ---- what else is on the host

beside_masquerade() { # MODE
	local kind
	rules 'iifname { ebpfnet0, ebpfnet1 } accept'
	for kind in tcp udp; do
		reaches ns2 $kind $HOST 8080 "$as"
		reaches ns1 $kind $HOST 8080 "$as"
		reaches b1 $kind $HOST 8080 "$as"
	done
	must on ns2 "$WIRE" copy $HOST 8080 3000000
	is "$(ebpfnet flows --json | json '{f["state"] for f in j["flows"] if f["proto"] == "tcp"} - {"closing"}')" "set()" \
		"states of connections that have ended"
	none_is_invalid
}

masquerades() { # RULE AS
	local rule=$1 as=$2
	published
	must nft -f - <<-END
		table ip vpn {
		 chain out {
		  type nat hook postrouting priority 100
		  $rule
		 }
		}
	END
	each_mode beside_masquerade
}

test_the_hosts_own_masquerading_of_everything_does_not_break_it() {
	masquerades masquerade $HOST # as which the kernel chooses that
}

test_nor_does_masquerading_as_the_gateway() {
	masquerades "snat to $GATEWAY" $GATEWAY
}

# ---- modes change under a connection

test_no_mode_ends_a_connection() {
	published
	changes_of_mode_end_no_connection ns2 $HOST 8080
}

# ---- nothing to ask

test_without_rules_a_hairpin_goes_fast() {
	published
	must ebpfnet set forwarding ask
	reaches ns2 tcp $HOST 8080 $HOST
	reaches ns1 udp $HOST 8080 $HOST
	is "$(counter to_rules) $(counter rules_asked)" "0 0" "packets to the rules, and copies"
}
