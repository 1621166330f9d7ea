# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Faults of the flow table (docs/dev/faults.md, rows 1, 5 and 11): floods of it, what namespaces leave in it
# that are removed externally, and two CPUs that want the same of it.
#
# hooks: any

CRAFT=$TOP/tests/lib/frames.py
: "${FAULT_FLOWS:=4096}" # the size of the table; `make faults` floods a larger one

problems() {
	ebpfnet status --json | json '[p["problem"] for p in j["problems"]]'
}

is_well() {
	[ "$(problems)" = "[]" ]
}

status_says() { # REGEX
	grep -qE "$1" <<< "$(ebpfnet status)"
}

# ---- row 1: too many flows

# Half-open ones, twice as many as the table has room for.
test_fault_01_a_syn_flood_from_a_namespace() {
	up --flows "$FAULT_FLOWS"
	by_hand ns1
	serve internet tcp 7000
	converse ns2 tcp $INTERNET 7000
	say one
	probe "
	ends = [tcp_connected(sport) for sport in range(6000, 6008)]
	equal(flood(inside.sock.send, syns(inside, NS1, 2 * $FAULT_FLOWS)), 2 * $FAULT_FLOWS, 'SYNs sent in time')
	forget(outside)
	told = inside.hears(is_error(3), 'an error about a SYN that was refused')
	equal((told.src, bytes(told)[21]), (GATEWAY, 13), 'who refused it, and the code')
	sums_right(told, 'an error about a SYN')
	forget(inside)
	for pair in ends:
	    tcp_talk(*pair)
	"
	say two
	reaches ns2 tcp $INTERNET 7000 $HOST
	[ "$(counter flow_refused)" -ge 1 ] || fail "what is refused is not counted"
	must_be_unhealthy
	like "$out" 'flows +[0-9,]+ of [0-9,]+ \([0-9.]+ MB\); so far [0-9,]+ refused'
	like "$out" 'namespace ns1 has [0-9,]+ flows, as many as it may have +ebpfnet set flows-per-namespace N'
	must ebpfnet set timeout-tcp-half-open 2 # time passes
	must ebpfnet set hold-down 1
	probe "
	outlive()
	sleep(1)
	for sport in range(9000, 9008):
	    tcp_talk(*tcp_connected(sport))
	for pair in [tcp_connected(sport) for sport in range(9100, 9108)]:
	    tcp_talk(*pair)
	"
}

# While it goes on: new clients of the port, connected ones, and all others.
test_fault_01_a_syn_flood_of_a_published_port() {
	local i
	up --flows "$FAULT_FLOWS"
	by_hand
	serve internet tcp 7000
	serve ns1 tcp 5000
	must ebpfnet expose ns1 5000
	converse internet tcp $HOST 5000
	say one
	echo "
	print('ready', flush=True)
	count = 0
	end = time.monotonic() + 2
	while count < 2 * $FAULT_FLOWS or time.monotonic() < end:
	    count += flood(outside.sock.send, calls(outside, 4096))
	print(count, 'SYNs')" > $T/flood
	start flood bash -c "exec $CRAFT < $T/flood"
	for i in 1 2 3 4 5; do
		WIRE_TIMEOUT=5 reaches internet tcp $HOST 5000 $INTERNET
		WIRE_TIMEOUT=5 reaches ns2 tcp $INTERNET 7000 $HOST
		say "during $i"
	done
	wait "$(< $T/flood.pid)"
	like "$(< $T/flood.out)" '[0-9]+ SYNs'
	[ "$(counter flow_evicted)" -ge 1 ] || fail "what is ended early is not counted"
	status_says 'unestablished evicted' || fail "status says nothing of it"
	say after
	reaches internet tcp $HOST 5000 $INTERNET
	reaches ns1 tcp $INTERNET 7000 $HOST
}

# Of flows that are relied on, none of which may go: 64 of each of two namespaces, and a third comes.
test_fault_01_a_table_full_of_live_flows() {
	up --flows 128
	must ebpfnet set flows-per-namespace 128 # without it each of them would leave room for the next
	must ebpfnet ns add ns3
	by_hand ns3
	probe '
	server = internet.udp(7000, SERVER)
	socks = [place.udp(port) for place in (ns1, ns2) for port in range(6000, 6064)]
	external = all_through(server, socks)
	equal(len(external), 128, "flows that fill the table")

	def all_live():
	    texts = {sock: mark() for sock in socks}
	    for sock, this in texts.items():
	        server.tell(this, external[sock])
	    return sum(bool(sock.listen(this, SOON)) for sock, this in texts.items())

	equal(all_live(), 128, "flows that are answered")
	sleep(2.2)
	equal(len(all_through(server, socks)), 128, "flows that go on two seconds later")
	third = wire_into("ns3", "ceth2")
	packet = IP(src="192.168.1.12", dst=PEER, id=next(numbers)) / UDP(sport=6000, dport=7000) / b"x"
	third.send(packet)
	told = third.hears(is_error(3, packet), "an error about a flow too many")
	equal((told.src, bytes(told)[21]), (GATEWAY, 13), "who refused it, and the code")
	problems = [row["problem"] for row in status()["problems"]]
	must("the flow table is full" in problems, "status says %s" % problems)
	equal(all_live(), 128, "flows that live on")
	set_clocks(1, "timeout-udp", "timeout-udp-unreplied", "hold-down")
	sleep(3.2)
	outside.kept.clear()
	pass_through(third, packet)
	'
	soon is_well
}

test_fault_01_no_port_left() {
	up
	by_hand ns1 ns2
	must ebpfnet set ports 40000-40009
	must ebpfnet set ports-per-namespace 5
	probe '
	def refused(wire, src, sport, dst=PEER):
	    packet = IP(src=src, dst=dst, id=next(numbers)) / TCP(sport=sport, dport=7000, flags="S")
	    wire.send(packet)
	    told = wire.hears(is_error(3, packet), "an error about a connection that gets no port")
	    equal((told.src, bytes(told)[21]), (GATEWAY, 13), "who refused it, and the code")

	def opened(wire, src, sport, dst=PEER):
	    ends = Tcp(wire, src, sport, dst, 7000), Tcp(outside, dst, 7000)
	    tcp_open(*ends)
	    return ends

	ends = [opened(inside, NS1, sport) for sport in range(6000, 6005)]
	refused(inside, NS1, 6005)                                    # it has its share
	ends += [opened(inside2, NS2, sport) for sport in range(6000, 6005)]
	set_clocks(100, "ports-per-namespace")
	refused(inside, NS1, 6005)                                    # there is none
	ends.append(opened(inside, NS1, 6005, PEER2))                 # but to another peer
	for pair in ends:
	    tcp_talk(*pair)
	rows = status()
	must(rows["flows_refused"] == 2, "status says %d flows were refused" % rows["flows_refused"])
	set_clocks(1, "timeout-tcp-closing", "hold-down")
	tcp_close(*ends.pop(0))
	sleep(3.2)
	tcp_talk(*opened(inside, NS1, 6006))
	for pair in ends:
	    tcp_talk(*pair)
	'
}

# ---- row 5: removed externally

# Two namespaces with all that a namespace can have, another one, and the check at the end.
with_three() {
	up
	must ebpfnet ns add three --spoof allow
	serve internet tcp 7000
	serve internet udp 7000
	start server-ns2 nsenter --net=/run/netns/ns2 "$WIRE" serve tcp 5000
	must ebpfnet expose ns2 5000
	must ebpfnet expose three 5001/udp
	reaches internet tcp $HOST 5000 $INTERNET
	reaches ns2 udp $INTERNET 7000 $HOST 6000
	reaches three udp $INTERNET 7000 $HOST 6001
	must on three "$WIRE" frame ceth2 src=02:aa:00:00:00:01
	converse ns1 tcp $INTERNET 7000
	say one
}

# The namespaces are gone from every table. ns1 goes on.
forgotten() { # NAME MAC ADDRESSES-LEFT PIN
	unlike "$(ebpfnet fdb)" "$2|02:aa:00:00:00:01"
	unlike "$(ebpfnet flows)" "$1| - "
	unlike "$(ebpfnet exposed)" "$1"
	is "$(bpftool -j map dump pinned $PINS/endpoints | json 'len(j)')" "$3" "addresses that are known"
	[ ! -e $PINS/links ] || is "$(ls $PINS/links | grep -c "$4$")" 0 "pins of $4"
	say "after $1"
	reaches ns1 tcp $INTERNET 7000 $HOST
}

test_fault_05_namespaces_deleted_and_removed_by_a_command() {
	with_three
	stop server-ns2
	ip netns del ns2
	ip netns del three
	soon test ! -e /sys/class/net/veth1 -a ! -e /sys/class/net/veth2
	unreached internet tcp $HOST 5000 silent
	say two
	reaches ns1 tcp $INTERNET 7000 $HOST
	like "$(problems)" 'ns2 was deleted externally.*three was deleted'
	must ebpfnet ns del three
	forgotten three 02:eb:c0:a8:01:0c 3 veth2
	must ebpfnet ns del ns2
	forgotten ns2 02:eb:c0:a8:01:0b 2 veth1
	soon is_well
	must ebpfnet ns add ns2
	must ebpfnet expose ns2 5000
	serve ns2 tcp 5000
	reaches internet tcp $HOST 5000 $INTERNET
}

# One of them lives on without its name: a process is in it.
test_fault_05_namespaces_deleted_and_made_again_by_up() {
	with_three
	ip netns del ns2
	ip netns del three
	soon test ! -e /sys/class/net/veth2
	must ebpfnet up
	unlike "$(ebpfnet flows)" 'ns2|three| - '
	is "$(ebpfnet exposed --json | json 'j["published"]')" "[]" "ports of what is gone"
	soon is_well
	pings ns2 $INTERNET
	pings ns1 $NS2
	say two
}

# A device alone: its namespace keeps what is published for it.
test_fault_05_devices_deleted_and_made_again_by_up() {
	with_three
	ip link del veth1
	on three ip link del ceth2
	unreached internet tcp $HOST 5000 silent
	say two
	like "$(problems)" 'veth1 of namespace ns2 is gone.*veth2 of namespace three is gone'
	must ebpfnet up
	soon is_well
	unlike "$(ebpfnet fdb)" '02:aa:00:00:00:01'
	unlike "$(ebpfnet flows)" 'ns2|three| - '
	reaches internet tcp $HOST 5000 $INTERNET
	reaches three udp $INTERNET 7000 $HOST 6001
	say three
}

# ---- row 11: two CPUs

# Two processes, each on a CPU of its own, send the same packets at the same moments.
test_fault_11_two_cpus_race_for_one_tuple() {
	[ "$(nproc)" -ge 2 ] || skip "one CPU"
	up
	must ebpfnet expose ns1 5000/tcp
	by_hand ns1
	probe '
	count = 3000
	def datagrams():
	    head = bytes(inside.frame(IP(src=NS1, dst=PEER) / UDP(sport=1, dport=7000, chksum=0) / b"race"))
	    return [head[:34] + struct.pack("!H", 10000 + i) + head[36:] for i in range(count)]
	def connections(wire, src, dst, dport):
	    head = bytes(wire.frame(IP(src=src, dst=dst) / TCP(sport=1, dport=dport, flags="S")))
	    return [head[:34] + struct.pack("!H", 20000 + i) + head[36:] for i in range(count)]

	def external(frames):
	    """The ports with which each came out, by the one it had inside."""
	    forget(outside)
	    race(inside, frames)
	    heard = {}
	    while packet := outside.next(time.monotonic() + NEVER):
	        heard.setdefault((packet.proto, packet.sport), 0)
	        heard[packet.proto, packet.sport] += 1
	    return heard

	for what, frames in ("UDP", datagrams()), ("TCP", connections(inside, NS1, PEER, 7000)):
	    heard = external(frames)
	    equal(len(heard), count, what + ": external ports")
	    equal({*heard.values()}, {2}, what + ": packets of each external port")
	race(outside, connections(outside, PEER, HOST, 5000))
	ends = json.loads(sh("ebpfnet", "flows", "--json"))["flows"]
	equal(len([end for end in ends if end["proto"] == "tcp"]), 2 * count, "connections")
	for far in "src", "to_dst":
	    equal(len({(end["src"], end[far], end["to_src"]) for end in ends}), 3 * count, "flows that differ")
	'
}
