# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Packets between a namespace and the outside pass the host's own FORWARD rules: all of them (stack), or the first of
# each direction and copies (ask).
#
# hooks: any
source "$TOP/tests/lib/rules.sh"

out_and_in() { # MODE
	rules 'iifname ebpfnet0 oifname eth0 tcp dport 7000 accept' 'iifname eth0 oifname ebpfnet0 ip daddr '$NS1' accept'
	reaches ns1 tcp $INTERNET 7000 $HOST
	unreached ns1 tcp $INTERNET 7001 silent
	unreached ns1 udp $INTERNET 7000 silent
	reaches internet tcp $HOST 8080 $INTERNET
	reaches internet udp $HOST 8080 $INTERNET
	rules
	unreached ns1 tcp $INTERNET 7000 silent
	unreached internet tcp $HOST 8080 silent
	unreached internet udp $HOST 8080 silent
	nft delete table ip host
	reaches ns1 tcp $INTERNET 7001 $HOST
	reaches ns1 udp $INTERNET 7000 $HOST
	reaches internet tcp $HOST 8080 $INTERNET
}

test_what_the_rules_let_by_passes_and_nothing_else() {
	up
	serve internet tcp 7000
	serve internet tcp 7001
	serve internet udp 7000
	serve ns1 tcp 80
	serve ns1 udp 80
	must ebpfnet expose ns1 8080:80
	must ebpfnet expose ns1 8080:80/udp
	each_mode out_and_in
}

# ---- the rules change

closes_and_opens() { # MODE
	rules "$INSIDE_PASSES"
	WIRE_TIMEOUT=10 converse ns1 "$kind" $INTERNET 7000
	say before
	must nft insert rule ip host forward ip saddr $NS1 drop
	say_in_vain "closed-$1"
	rules "$INSIDE_PASSES"
	say "again-$1"
	must nft add rule ip host forward ip daddr 198.51.100.1 drop
	say "unrelated-$1"
	stop talk
	exec {talk}>&-
	rm $T/say
	none_is_invalid
}

test_a_rule_takes_effect_on_a_tcp_connection_and_goes() {
	kind=tcp
	up
	serve internet tcp 7000
	each_mode closes_and_opens
}

# The rules change twice within the time of a few packets: the answer to the first question is none to the second.
test_a_rule_takes_effect_however_closely_it_follows_another() {
	up
	serve internet tcp 7000
	rules "$INSIDE_PASSES"
	{ echo 'delete table ip host'; cat $T/rules; } > $T/rules_again
	must ebpfnet set forwarding ask
	probe '
	import subprocess
	sock = ns1.socket(socket.AF_INET, socket.SOCK_STREAM)
	sock.connect((SERVER, 7000))
	def nft(text):
	    subprocess.run(["nft", *text.split()], check=True)
	def answered(timeout):
	    sock.settimeout(timeout)
	    try:
	        return bool(sock.recv(10))
	    except TimeoutError:
	        return False
	for _ in range(3):
	    nft("-f '$T'/rules_again")
	    sock.send(b"open\n")
	    must(answered(3), "asked about")
	    nft("insert rule ip host forward ip saddr 192.168.1.10 drop")
	    sock.send(b"closed\n")
	    must(not answered(0.3), "dropped by the rule of a moment later")
	    nft("-f '$T'/rules_again")
	    must(answered(5), "sent again by TCP, passes again")
	'
}

closes_and_opens_udp() { # MODE
	rules "$INSIDE_PASSES"
	probe '
	import subprocess
	def udp(where, addr, port):
	    sock = where.socket(socket.AF_INET, socket.SOCK_DGRAM)
	    sock.bind((addr, port))
	    sock.settimeout(0.3)
	    return sock
	server, sock = udp(internet, SERVER, 7000), udp(ns1, "0.0.0.0", 42000)
	def passes():
	    sock.sendto(b"x", (SERVER, 7000))
	    try:
	        return bool(server.recvfrom(10))
	    except TimeoutError:
	        return False
	def nft(text):
	    subprocess.run(["nft", *text.split()], check=True)
	must(passes() and passes(), "passes at first")
	nft("insert rule ip host forward ip saddr 192.168.1.10 drop")
	must(not passes() and not passes(), "a rule drops it")
	nft("-f '$T'/rules_again")
	must(passes() and passes(), "passes again")
	'
}

test_a_rule_takes_effect_on_a_udp_flow_and_goes() {
	up
	rules "$INSIDE_PASSES"
	{ echo 'delete table ip host'; cat $T/rules; } > $T/rules_again
	each_mode closes_and_opens_udp
}

stream_goes_on() { # MODE
	local i sender
	rules "$INSIDE_PASSES" 'ip daddr '$NS1' accept'
	on ns1 "$WIRE" copy $INTERNET 7000 300000000 > /dev/null & sender=$!
	for i in {1..10}; do
		must nft add rule ip host forward ip daddr 198.51.100.$i drop
		sleep 0.05
	done
	wait $sender || fail "the stream broke"
	none_is_invalid
}

test_a_stream_goes_on_while_other_rules_change() {
	up
	serve internet tcp 7000
	each_mode stream_goes_on
}

# Rules without a generation: the next question finds them.
test_rules_of_iptables_legacy_are_found_in_time() {
	local legacy
	legacy=$(command -v iptables-legacy) || skip "no iptables-legacy"
	up
	serve internet tcp 7000
	must $legacy -P FORWARD DROP
	must $legacy -A FORWARD -m conntrack --ctstate INVALID -j DROP
	must $legacy -A FORWARD -j ACCEPT
	must ebpfnet set forwarding ask
	must ebpfnet set ask-again 1
	WIRE_TIMEOUT=10 converse ns1 tcp $INTERNET 7000
	say before
	must $legacy -I FORWARD -s $NS1 -j DROP
	sleep 1.5
	echo x >&"$talk" # asks
	sleep 0.1
	say_in_vain closed
	must $legacy -D FORWARD -s $NS1 -j DROP
	say again
}

# ---- what the host answers

rejected() { # MODE
	rules 'ip daddr '$NS1' tcp dport 80 reject with tcp reset' 'ip daddr '$NS1' udp dport 80 reject' \
		'ip daddr '$INTERNET' tcp dport 7000 reject with tcp reset' 'ip daddr '$INTERNET' udp dport 7000 reject'
	unreached internet tcp $HOST 8080 refused
	unreached internet udp $HOST 8080 refused
	unreached ns1 tcp $INTERNET 7000 refused
	unreached ns1 udp $INTERNET 7000 refused
}

test_reject_refuses_both_ways() {
	up
	must ebpfnet expose ns1 8080:80
	must ebpfnet expose ns1 8080:80/udp
	each_mode rejected
}

# ---- what else is on the host

beside_masquerade() { # MODE
	reaches ns1 tcp $INTERNET 7000 $HOST
	reaches ns1 udp $INTERNET 7000 $HOST
	reaches internet tcp $HOST 8080 $INTERNET
	rules "$INSIDE_PASSES" 'iifname eth0 ip daddr '$NS1' accept'
	reaches ns1 tcp $INTERNET 7000 $HOST
	reaches ns1 udp $INTERNET 7000 $HOST
	reaches internet tcp $HOST 8080 $INTERNET
	nft delete table ip host
}

test_the_hosts_own_masquerading_does_not_break_ours() {
	up
	must nft -f - <<-END
		table ip vpn {
		 chain out {
		  type nat hook postrouting priority 100
		  oifname eth0 masquerade
		 }
		}
	END
	serve internet tcp 7000
	serve internet udp 7000
	serve ns1 tcp 80
	must ebpfnet expose ns1 8080:80
	each_mode beside_masquerade
}

# forwarding of eth0 is on for namespaces, and for nobody else.
test_the_host_does_not_route_for_strangers() {
	up
	must ebpfnet set forwarding stack
	must ip netns add stranger
	must ip link add toward type veth peer name eth0 netns stranger
	ip address add 198.51.100.1/24 dev toward
	ip link set toward up
	ip -n stranger -batch - <<-END
		link set lo up
		link set eth0 up
		address add 198.51.100.2/24 dev eth0
		route add default via 198.51.100.1
	END
	echo 1 > /proc/sys/net/ipv4/conf/toward/forwarding # it could answer
	ip -n isp route add 198.51.100.0/24 via $HOST
	run on internet ping -n -c2 -i0.2 -W1 198.51.100.2
	is "$status" 1 "a ping of a network behind the host"
	must ebpfnet stats --json
	like "$out" '"name": "transit", "count": [1-9]'
	must on internet ping -n -c1 -W1 198.51.100.1
	must on ns1 ping -n -c1 -W1 $INTERNET
}

# ---- TCP as the host's conntrack sees it

connects_again() { # MODE
	rules "$INSIDE_PASSES"
	probe '
	import struct
	server = internet.listener(7100, SERVER)
	for i in range(60):
	    sock = ns1.tcp(41000 + i % 3)
	    sock.settimeout(2)
	    sock.connect((SERVER, 7100))
	    peer, _ = server.accept()
	    sock.sendall(b"x" * 3000)
	    got = 0
	    while got < 3000:
	        got += len(peer.recv(4000))
	    reset = struct.pack("ii", 1, 0)
	    how = i // 3 % 3
	    if how == 0: # the server has TIME-WAIT, and lets the same port begin again
	        peer.close()
	        must(sock.recv(1) == b"", "the end")
	        sock.close()
	        continue
	    first, second = (sock, peer) if how == 1 else (peer, sock)
	    first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
	    first.close()
	    second.close()
	'
	none_is_invalid
}

test_connections_on_the_same_ports_are_new_to_the_host_too() {
	up
	each_mode connects_again
}

# ---- what is no plain packet

fragments_and_errors() { # MODE
	rules 'iifname ebpfnet0 accept' 'ip daddr '$NS1' accept'
	# fragments both ways; the host's conntrack puts them together, and the kernel cuts them again
	large_datagram ns1 $INTERNET 7000
	large_datagram internet $HOST 8080
	must on ns1 ping -n -c2 -i0.2 -W1 -s 20000 $INTERNET
	# TTL
	run on ns1 ping -n -c1 -W1 -t1 $INTERNET
	like "$out" "From $GATEWAY .*Time to live exceeded"
	run on ns1 ping -n -c1 -W1 -t2 $INTERNET
	like "$out" 'From 172.31.0.1 .*Time to live exceeded'
	none_is_invalid
}

test_fragments_and_errors_pass_the_rules() {
	up
	serve internet udp 7000
	serve internet tcp 7000
	serve ns1 tcp 80
	serve ns1 udp 80
	must ebpfnet expose ns1 8080:80
	must ebpfnet expose ns1 8080:80/udp
	each_mode fragments_and_errors
}

small_path() { # MODE
	rules 'iifname ebpfnet0 accept' 'ip daddr '$NS1' accept'
	run on ns1 ping -n -c1 -W1 -M do -s 2000 $INTERNET
	like "$out$err" '[Ff]rag needed|message too long'
	must on ns1 "$WIRE" copy $INTERNET 7000 3000000
	must on internet "$WIRE" copy $HOST 8080 3000000
	none_is_invalid
}

test_a_small_mtu_of_the_path_is_learnt() {
	up
	must lab-mtu 1400
	serve internet tcp 7000
	serve ns1 tcp 80
	must ebpfnet expose ns1 8080:80
	each_mode small_path
}

# ---- modes change under a connection

test_no_mode_ends_a_connection() {
	up
	serve internet tcp 7000
	changes_of_mode_end_no_connection ns1 $INTERNET 7000
}

# There is no port for what the rules have let by: its sender is told, and nobody else, whoever listens on the uplink.
no_port_is_told() { # MODE
	rules "$INSIDE_PASSES"
	reaches ns1 udp $INTERNET 7000 $HOST 40000
	hear host eth0 udp or icmp
	hear isp lan net 192.168.1.0/24
	unreached ns1 udp $INTERNET 7000 unreachable
	heard host eth0
	heard isp lan
	is "$heard" "" "what leaves untranslated"
}

test_no_free_port_is_told_inside_alone() {
	up
	serve internet udp 7000
	must ebpfnet set ports 40000-40000
	each_mode no_port_is_told
}

# ---- nothing to ask

test_without_rules_nothing_is_asked_and_nothing_goes_through_the_stack() {
	up
	serve internet tcp 7000
	must ebpfnet set forwarding ask
	reaches ns1 tcp $INTERNET 7000 $HOST
	must ebpfnet stats --json
	like "$out" '"name": "to_rules", "count": 0'
	like "$out" '"name": "rules_asked", "count": 0'
}

# The host's conntrack still has the last connection on that tuple, as established: the next one is new nonetheless.
closed_to_new_ones() { # MODE
	rules "$INSIDE_PASSES"
	cp $T/rules $T/open
	rules
	{ echo 'delete table ip host'; cat $T/rules; } > $T/closed
	nft delete table ip host
	must nft -f $T/open
	probe '
	import subprocess
	server = internet.listener(7100, SERVER)
	def connect():
	    sock = ns1.tcp(41500)
	    sock.settimeout(0.5)
	    sock.connect((SERVER, 7100))
	    return sock
	sock = connect()
	peer, _ = server.accept()
	peer.close()
	must(sock.recv(1) == b"", "the end")
	sock.close()
	subprocess.run(["nft", "-f", "'$T'/closed"], check=True)
	try:
	    connect()
	    must(False, "a new connection passes")
	except TimeoutError:
	    pass
	'
}

test_a_tuple_that_was_open_is_closed_to_a_new_connection() {
	up
	each_mode closed_to_new_ones
}
