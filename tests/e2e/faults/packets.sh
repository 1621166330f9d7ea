# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Faults that come in packets (docs/dev/faults.md, rows 7, 9 and 10): broken ones, forged ones, and storms of
# frames. Single packets of each kind are in rfc/gateway.sh, rfc/icmp.sh and rfc/headers.sh.
#
# hooks: any

CRAFT=$TOP/tests/lib/frames.py

# Kernel messages that must not appear.
complaints() {
	dmesg | grep -cE 'WARNING:|BUG:|Oops|RIP:|skb_warn|bad checksum|protocol .* is buggy' || true
}

# A namespace with a mapping and a published port, and packets by hand on both sides.
network() {
	up
	must ebpfnet expose ns1 5000/udp
	must ebpfnet expose ns1 5000/tcp
	by_hand ns1 ns2
}

# ---- row 7: broken ones

test_fault_07_malformed_packets_are_dropped_with_a_reason() {
	local before
	network
	before=$(complaints)
	probe '
	def dropped():
	    return sum(row["count"] for row in json.loads(sh("ebpfnet", "stats", "--json"))["drops"])

	begun = dropped()
	packets = [raw for what, raw in broken_headers(IP(src=NS1, dst=PEER) / UDP(sport=6000, dport=7000) / b"x")]
	packets += [raw for what, raw in broken_headers(IP(src=NS1, dst=PEER) / TCP(sport=6000, dport=7000) / b"x")]
	for proto, l4 in (17, UDP(sport=6000, dport=7000)), (6, TCP(sport=6000, dport=7000)), (1, ICMP(id=7)):
	    packets += [bytes(IP(src=NS1, dst=PEER, proto=proto) / bytes(l4)[:size]) for size in range(len(bytes(l4)))]
	flags = [TCP(sport=6000, dport=7000, flags=f) for f in ("", "SF", "SR", "FPU", "SAFRPU")]
	packets += [bytes(IP(src=NS1, dst=PEER) / tcp) for tcp in flags]
	for raw in packets:
	    inside.send(raw)
	lan.does_not_hear(lambda p: IP in p and p[IP].src.startswith("192.168."), "a private source")
	equal(dropped() - begun, len(packets), "packets that were dropped, each with a reason")

	# fragments that overlap, in every order: with any outcome
	whole = bytes(UDP(sport=6000, dport=7000, len=48) / bytes(40))
	for first, second in (0, 1), (1, 0):
	    for at in 0, 1, 2, 3:
	        number = next(numbers)
	        fragments = [IP(src=NS1, dst=PEER, id=number, proto=17, flags="MF") / Raw(whole[:32]),
	                  IP(src=NS1, dst=PEER, id=number, proto=17, frag=at) / Raw(bytes(48 - 8 * at))]
	        inside.send(fragments[first])
	        inside.send(fragments[second])
	lan.does_not_hear(lambda p: IP in p and p[IP].src.startswith("192.168."), "a private source")

	public = udp_out()[1]
	this = mark()
	forget(port1)
	for l4 in UDP(sport=7000, dport=public.sport), UDP(sport=7001, dport=5000), TCP(sport=7001, dport=5000, flags="S"):
	    for what, raw in broken_headers(IP(src=PEER, dst=HOST) / l4 / this):
	        outside.send(raw)
	port1.does_not_hear(this, "a broken packet")
	must(through(outside, answer_to(public), port1), "what is sound does not come in")
	'
	is "$(complaints)" "$before" "complaints in the kernel's log"
}

# ---- row 9: forged ones

test_fault_09_forged_packets_are_not_reflected() {
	local before
	network
	before=$(complaints)
	probe '
	public = udp_out()[1]
	tcp = tcp_connected(6001)[1]
	taps = lan, port1, port2

	def silent(what, wire, packet):
	    this = mark()
	    wire.send(packet / this)
	    sleep(0.02)
	    for tap in taps:
	        there = tap.listen(lambda p: this in bytes(p) and IP in p, 0)
	        must(not there, "%s came to %s: %s" % (what, tap.name, there and there.summary()))

	ports = [(UDP, 5000), (TCP, 5000), (UDP, public.sport), (TCP, tcp.dport), (UDP, 7000)]
	for make, port in ports:
	    for src in HOST, GATEWAY, NS1, NS2, "127.0.0.1", "0.0.0.0", "255.255.255.255":
	        for sport in port, 7000:
	            silent("outside: from %s to %s:%d" % (src, HOST, port), outside,
	                   IP(src=src, dst=HOST) / make(sport=sport, dport=port))
	for dst in NS1, NS2, GATEWAY:
	    silent("outside: LAND of " + dst, outside, IP(src=dst, dst=dst) / UDP(sport=5000, dport=5000))
	for src in HOST, GATEWAY, NS2, PEER, "127.0.0.1":
	    for dst in src, HOST, PEER, NS1:
	        for make in UDP, TCP:
	            silent("inside: from %s to %s" % (src, dst), inside, IP(src=src, dst=dst) / make(sport=5000, dport=5000))
	for dst in NS1, "192.168.1.255", "172.31.15.255":
	    silent("inside: to " + dst, inside, IP(src=NS1, dst=dst) / UDP(sport=5000, dport=5000))
	# its own published port, from the same port: hairpinned to it, but never as if it had called itself
	inside.send(IP(src=NS1, dst=HOST, id=next(numbers)) / UDP(sport=5000, dport=5000) / b"own")
	came = inside.hears(b"own")
	must(came.src == HOST and (came.src, came.sport) != (came.dst, came.dport), "came as " + came.summary())
	tcp_talk(*tcp_connected(6002))
	'
	is "$(complaints)" "$before" "complaints in the kernel's log"
}

# Errors that embed too little, in both directions, down to nothing, of a live flow.
test_fault_09_errors_that_embed_too_little_go_nowhere() {
	local before
	network
	before=$(complaints)
	probe '
	sent, public = udp_out()
	came, inner = pass_through(outside, answer_to(public), inside)

	def quoting(quoted, size, **ends):
	    return error(3, 1, bytes(quoted)[:size], **ends)

	forget(port1)
	forget(port2)
	forget(lan)
	for size in range(28):
	    outside.send(quoting(public, size, dst=HOST))
	    inside.send(quoting(inner, size, src=NS1, dst=PEER))
	    for ihl in 0, 4, 6, 15:   # a quote that says to be longer than it is, or shorter than any is
	        for wire, quoted, ends in (outside, public, dict(dst=HOST)), (inside, inner, dict(src=NS1, dst=PEER)):
	            wrong = bytearray(bytes(quoted)[:max(size, 1)])
	            wrong[0] = 0x40 | ihl
	            wire.send(error(3, 1, bytes(wrong), **ends))
	for tap in lan, port1, port2:
	    tap.does_not_hear(lambda p: ICMP in p, "an ICMP error that quotes too little")
	outside.send(error(3, 1, public))
	inside.hears(is_error(3, sent), "an error that quotes enough")
	'
	is "$(complaints)" "$before" "complaints in the kernel's log"
}

# ---- row 10: storms

# One MAC at two ports at once, endless new MACs, and broadcast.
test_fault_10_flapping_and_storms_harm_no_other_port() {
	local received known
	up
	must ebpfnet ns add a --spoof allow # ceth2
	must ebpfnet ns add b --spoof allow # ceth3
	pings ns1 $NS2
	start pings on ns1 bash -c "echo ready; ping -n -q -i 0.01 -c 300 -W1 $NS2"
	probe '
	def flap(count):
	    for _ in range(count):
	        port3.says(NOBODY, src=FAR)
	        port4.says(NOBODY, src=FAR)
	storm = bytes(Ether(src=FAR, dst=BROADCAST, type=ETH_P_TEST) / bytes(46))
	end = time.monotonic() + 2
	while time.monotonic() < end:
	    flap(200)
	    flood(port3.sock.send, senders(port4.mac, 2000))
	    flood(port4.sock.send, [storm] * 500)
	flood(port3.sock.send, senders(port4.mac, 40000))
	for tap in port1, port2, port3, port4:
	    forget(tap)
	for here in port3, port4:
	    here.says(NOBODY, src=FAR)
	    heard_only_by(port1.says(FAR), here, among=(port1, port2, port3, port4))
	'
	wait "$(< $T/pings.pid)"
	received=$(sed -n 's/.* \([0-9]*\) received.*/\1/p' $T/pings.out)
	[ "$received" -ge 298 ] || fail "of 300 answers $received came"
	known=$(ebpfnet fdb --json | json 'len(j["fdb"])')
	[ "$known" -le 16400 ] || fail "$known addresses in a table for 16384"
	is "$(ebpfnet fdb --json | json 'sum(e["kind"] != "learned" for e in j["fdb"])')" 5 "addresses that nobody can push out"
	[ "$(counter fdb_moved)" -ge 400 ] || fail "moves are not counted"
	pings ns1 $NS2
}
