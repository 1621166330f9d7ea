# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Requirements 20-30: ICMP through a NAT (RFC 5508).
#
# hooks: any

# REQ-1: two that ask with one identifier each get their own answer.
test_req_20_queries_and_identifier_collisions() {
	up
	by_hand ns1 ns2
	probe '
	for ask, reply, identifiers in (8, 0, (0, 77, 40000, 65535)), (13, 14, (1, 78, 40001, 65534)):
	    for identifier in identifiers:
	        seen = []
	        for wire, src in (inside, NS1), (inside2, NS2):
	            query = IP(src=src, dst=PEER, id=next(numbers)) / ICMP(type=ask, id=identifier, seq=5)
	            seen.append((wire, src, pass_through(wire, query)[1]))
	        must(seen[0][2][ICMP].id != seen[1][2][ICMP].id, "two of type %d with identifier %d leave with %d" %
	             (ask, identifier, seen[0][2][ICMP].id))
	        for wire, src, out in reversed(seen):
	            equal(out.src, HOST, "source of a query")
	            sums_right(out, "query of type %d" % ask)
	            answer = IP(src=PEER, dst=HOST, id=next(numbers)) / ICMP(type=reply, id=out[ICMP].id, seq=5)
	            back = pass_through(outside, answer, wire)[1]
	            equal((back.dst, back[ICMP].id), (src, identifier), "receiver and identifier")
	            sums_right(back, "answer of type %d" % reply)
	'
}

# REQ-2
test_req_21_query_timer_is_a_minute_at_least() {
	up
	by_hand ns1
	probe '
	def ask(identifier):
	    return pass_through(inside, IP(src=NS1, dst=PEER) / ICMP(type=8, id=identifier))[1][ICMP].id
	def answer(identifier):
	    return IP(src=PEER, dst=HOST) / ICMP(type=0, id=identifier)
	shorten_all_but("timeout-icmp")
	external = ask(77)
	outlive(2)
	pass_through(outside, answer(external), inside)
	must(setting("timeout-icmp") >= 60, "%d s" % setting("timeout-icmp"))
	set_clocks(1, "timeout-icmp")
	external = ask(78)
	outlive()
	late = mark()
	outside.send(answer(external) / late)
	inside.does_not_hear(late, "an answer two seconds after a clock of one")
	'
}

# REQ-4, REQ-5: header, quote, and every checksum; the quote is what the sender sent.
test_req_22_errors_are_translated_outside_and_inside() {
	up
	by_hand ns1 ns2
	probe '
	def ip(src):
	    return IP(src=src, dst=PEER, id=next(numbers))
	originals = [lambda src: ip(src) / UDP(sport=6000, dport=7000),
	             lambda src: ip(src) / UDP(sport=6001, dport=7000, chksum=0),
	             lambda src: ip(src) / TCP(sport=6000, dport=7000, flags="S"),
	             lambda src: ip(src) / ICMP(type=8, id=77)]
	for make in originals:
	    pass_through(inside2, make(NS2))  # takes the port: ns1 gets another
	    sent, public = pass_through(inside, make(NS1))
	    for kind, code in ALL_ERRORS:
	        word = {(3, 4): 1300, (12, 0): 20 << 24}.get((kind, code), 0)  # MTU, pointer
	        for size in None, 28, 40:
	            what = "error %d/%d about %s" % (kind, code, sent.summary())
	            outside.send(error(kind, code, public, size=size, word=word))
	            told = inside.hears(is_error(kind, sent), what)
	            equal((told.src, told.dst), (ROUTER, NS1), what + ": from and to")
	            raw = bytes(told)[20:]
	            equal((raw[0], raw[1], int.from_bytes(raw[4:8], "big")), (kind, code, word), what)
	            sums_right(told, what)
	            same_but_for_ttl(quote(told), sent, what + ": the quote")
	            equal(len(bytes(quote(told))), min(size or 99, public.len), what + ": length of the quote")
	'
}

# REQ-4: a router on the path has any address, private ones and the other end among them.
test_req_23_errors_from_any_router_on_the_path() {
	up
	by_hand ns1
	probe '
	sent, public = udp_out()
	for router in ROUTER, "172.31.0.1", "203.0.113.1", "10.1.2.3", "100.64.0.1", PEER, SERVER, "172.31.0.99":
	    outside.send(error(11, 0, public, src=router))
	    told = inside.hears(is_error(11, sent), "an error from " + router)
	    equal(told.src, router, "who sent it")
	    sums_right(told, "an error from " + router)
	'
}

# REQ-3, RFC 1812 section 4.3.2.7
test_req_24_errors_that_are_none_are_dropped() {
	up
	by_hand ns1 ns2
	probe '
	sent, public = udp_out()
	l4 = bytes(public)[20:]
	def quoting(**fields):
	    """An error about the packet with a header of its own, whose checksum is right."""
	    return error(3, 1, bytes(IP(src=HOST, dst=PEER, id=sent.id, proto=17, **fields)) + l4, dst=HOST)
	def good():
	    outside.send(error(3, 1, public))
	    inside.hears(is_error(3, sent), "an error that is one")
	def broken(packet, at):
	    raw = bytearray(bytes(packet))
	    raw[at] ^= 0x55
	    return bytes(raw)
	bad = {
	    "wrong ICMP checksum": broken(error(3, 1, public), 22),
	    "about no mapping": error(3, 1, IP(src=HOST, dst=PEER, id=sent.id) / UDP(sport=6999, dport=7000) / b"x"),
	    "four bytes of transport header quoted": error(3, 1, public, size=24),
	    "no transport header quoted": error(3, 1, public, size=20),
	    "no whole IP header quoted": error(3, 1, public, size=16, dst=HOST),
	    "quoted header length 16": quoting(ihl=4, len=20 + len(l4)),
	    "about a fragment but the first": quoting(frag=100, len=20 + len(l4)),
	    "about an error": error(3, 1, IP(src=HOST, dst=PEER, id=sent.id) / Raw(bytes(error(11, 0, public)))),
	    "about an error about the flow": error(3, 1, bytes(error(11, 0, answer_to(public), src=HOST)), dst=HOST),
	    "wrong IP checksum quoted": error(3, 1, broken(public, 10), dst=HOST),
	}
	good()
	for what, packet in bad.items():
	    outside.send(packet)
	    for wire in inside, inside2:
	        wire.does_not_hear(is_error(3), "an error " + what, seconds=0.2)
	good()
	'
}

# REQ-3b, REQ-3d
test_req_25_quoted_options_and_extensions() {
	up
	by_hand ns1
	probe '
	sent, public = udp_out()
	l4 = bytes(public)[20:28]
	for count in 1, 4, 8, 37, 40:
	    options = [IPOption_NOP()] * count
	    quoted = IP(bytes(IP(src=HOST, dst=PEER, id=sent.id, options=options, len=200, proto=17))) / Raw(l4)
	    outside.send(error(11, 0, bytes(quoted), dst=HOST))
	    told = inside.hears(is_error(11, sent), "an error that quotes %d bytes of options" % count)
	    original = IP(bytes(IP(src=NS1, dst=PEER, id=sent.id, options=options, len=200, proto=17))) / Raw(
	        bytes(sent)[20:28])
	    sums_right(told, "quoting options")
	    same_but_for_ttl(quote(told), original, "a quote with options")
	# RFC 4884, RFC 4950: the quote padded to 128 bytes, its length in words, an MPLS label
	label = bytes([0, 8, 1, 1]) + (12345 << 12 | 1 << 8 | 3).to_bytes(4, "big")
	head = bytes([0x20, 0, 0, 0])
	extension = head[:2] + (0xffff ^ total(head + label)).to_bytes(2, "big") + label
	outside.send(error(11, 0, bytes(public).ljust(128, b"\0") + extension, dst=HOST, word=32 << 16))
	told = inside.hears(is_error(11, sent), "an error with an extension")
	sums_right(told, "with an extension")
	equal(bytes(told)[20 + 5], 32, "length of the quote")
	same_but_for_ttl(quote(told), bytes(sent).ljust(128, b"\0") + extension, "quote and extension")
	'
}

# REQ-6 of the RFC: the other way. What is quoted is what came in, from and to public addresses.
# Of a router inside, about those behind it: prog/foreign_error.
test_req_26_errors_from_inside_leave_with_the_uplinks_address() {
	up
	by_hand
	must ebpfnet expose ns1 5000:3000/udp
	probe '
	sock = ns1.udp(6000)
	sock.tell(b"begin", (PEER, 7000))
	public = outside.hears(b"begin")
	published = IP(src=PEER, dst=HOST, id=next(numbers)) / UDP(sport=7000, dport=5000)
	for packet in answer_to(public), published:
	    came, inner = pass_through(outside, packet, inside)
	    for kind, code, wire, src in [(3, 10, inside, NS1), (3, 13, inside, NS1), (11, 1, inside, NS1),
	                                  (12, 0, inside, NS1)]:
	        wire.send(error(kind, code, inner, src=src))
	        what = "an error %d/%d from %s" % (kind, code, src)
	        told = outside.hears(lambda p: is_error(kind, came)(p) and bytes(p)[21] == code, what)
	        equal((told.src, told.dst), (HOST, PEER), what + ": from and to")
	        sums_right(told, what)
	        same_but_for_ttl(quote(told), came, what + ": the quote")
	# nobody listens on port 3000: the namespace itself says so
	told = outside.hears(lambda p: is_error(3, came)(p) and bytes(p)[21] == 3, "port unreachable")
	equal(told.src, HOST, "source of a port unreachable")
	'
}

# REQ-12 of RFC 4787, REQ-6 of RFC 5508: nobody who forges an error may keep or end a mapping.
test_req_27_errors_neither_refresh_nor_delete_a_mapping() {
	up
	by_hand ns1
	probe '
	def flows(port):
	    """What went out, and how to make what comes back."""
	    here, there = tcp_pair(port)
	    here.send("S")
	    syn = there.hears("S")
	    there.send("SA")
	    here.hears("SA")
	    here.send("A")
	    there.hears("A")
	    data = lambda: IP(src=PEER, dst=HOST) / TCP(sport=7000, dport=there.dport, flags="PA", window=64240,
	                                                seq=there.seq, ack=there.ack)
	    _, answered = udp_out(port)
	    inner.append(pass_through(outside, answer_to(answered), inside)[1])
	    _, unanswered = udp_out(port + 1)
	    _, query = pass_through(inside, IP(src=NS1, dst=PEER) / ICMP(type=8, id=port))
	    return {"TCP": (syn, data), "answered UDP": (answered, lambda: answer_to(answered)),
	            "unanswered UDP": (unanswered, lambda: answer_to(unanswered)),
	            "echo": (query, lambda: IP(src=PEER, dst=HOST) / ICMP(type=0, id=query[ICMP].id))}
	inner = []  # answers, as ns1 got them
	for name, (public, back) in flows(6000).items():
	    for kind, code in ALL_ERRORS:
	        outside.send(error(kind, code, public))
	        inside.hears(is_error(kind, public), "error %d/%d about %s" % (kind, code, name))
	    pass_through(outside, back(), inside)
	inside.send(error(3, 10, inner[0], src=NS1))
	outside.hears(is_error(3), "error 3/10 from inside")
	set_clocks(3, *CLOCKS)
	late = flows(6100)
	for _ in range(10):
	    for public, _ in late.values():
	        outside.send(error(3, 1, public))
	    inside.send(error(3, 10, inner[-1], src=NS1))
	    sleep(0.4)
	for name, (_, back) in late.items():
	    text = mark()
	    outside.send(back() / text)
	    inside.does_not_hear(text, "a packet of a flow, %s, that only errors refreshed" % name)
	'
}

# REQ-7
test_req_28_errors_are_hairpinned() {
	up
	by_hand
	must ebpfnet expose ns1 5000:3000/udp
	probe '
	def complains(sent, came, what):
	    inside.send(error(3, 10, came, src=NS1))
	    told = inside2.hears(is_error(3, sent), "an error about a datagram to " + what)
	    equal((told.src, told.dst), (HOST, NS2), "from and to")
	    sums_right(told, "a hairpinned error")
	    same_but_for_ttl(quote(told), sent, "the quote of a hairpinned error")
	def datagram(sport, dport):
	    return IP(src=NS2, dst=HOST, id=next(numbers)) / UDP(sport=sport, dport=dport)
	published = ns1.udp(3000)
	complains(*pass_through(inside2, datagram(6000, 5000), inside), "a published port")
	server, one, two = internet.udp(7000, SERVER), ns1.udp(3001), ns2.udp(6001)
	at_one, at_two = seen_as(one, server), seen_as(two, server)
	one.tell(b"punch", at_two)
	complains(*pass_through(inside2, datagram(6001, at_one[1]), inside), "a mapping")
	'
}

# REQ-8: a sender that gets no port gets an ICMP error.
test_req_29_no_free_port_is_told() {
	up
	by_hand ns1
	must ebpfnet set ports 40000-40003
	probe '
	for make, proto in (UDP, 17), (TCP, 6):
	    served = told = 0
	    for port in range(6000, 6008):
	        packet = IP(src=NS1, dst=PEER, id=next(numbers), proto=proto) / make(sport=port, dport=7000)
	        inside.send(packet)
	        if outside.listen(lambda p: p.id == packet.id and p.dst == PEER, NEVER):
	            served += 1
	            continue
	        error_for = inside.hears(is_error(3, packet), "an error about the %d. flow through 4 ports" % (port - 5999))
	        equal((error_for.src, bytes(error_for)[21]), (GATEWAY, 13), "who said it, and the code")
	        sums_right(error_for, "the error")
	        told += 1
	    equal((served, told), (4, 4), "flows that got a port, flows that were refused")
	'
}

# REQ-9, RFC 1812 section 5.2.7.2: what a redirect is about lies on the other side.
test_req_30_redirects_are_not_forwarded() {
	up
	by_hand
	probe '
	sock = ns1.udp(6000)
	sock.tell(b"begin", (PEER, 7000))
	public = outside.hears(b"begin")
	came, inner = pass_through(outside, answer_to(public), inside)
	word = int.from_bytes(bytes([172, 31, 0, 9]), "big")
	for code in range(4):
	    for router in ROUTER, "172.31.0.1", PEER:
	        outside.send(error(5, code, public, src=router, word=word))
	    inside.send(error(5, code, inner, src=NS1, word=word))
	inside.does_not_hear(is_error(5), "a redirect")
	outside.does_not_hear(is_error(5), "a redirect")
	outside.send(error(11, 0, public))
	inside.hears(is_error(11, public), "an error that is not a redirect")
	'
}
