# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Requirements 1-13: UDP through a NAT (RFC 4787, RFC 7857).
#
# hooks: any

# REQ-1, and what REQ-2 of RFC 6888 calls paired: one external endpoint for all peers.
test_req_01_mapping_is_endpoint_independent() {
	up
	probe '
	servers = [internet.udp(7000, SERVER), internet.udp(7000, SERVER2), internet.udp(7001, SERVER)]
	alone = ns1.udp(6001)
	equal(len({seen_as(alone, server) for server in servers}), 1, "mappings of one socket")
	for port, order in (6000, (0, 1, 2)), (6002, (1, 0, 2)):
	    seen_as(ns2.udp(port), servers[0])
	    sock = ns1.udp(port)
	    equal(len({seen_as(sock, servers[i]) for i in order}), 1,
	          "mappings of one socket, whose port another namespace has too")
	'
}

test_req_02_no_two_endpoints_share_an_external_port() {
	up
	probe '
	first = seen_as(ns1.udp(6000), internet.udp(7000, SERVER))
	second = seen_as(ns2.udp(6000), internet.udp(7000, SERVER2))
	must(first != second, "both are %s:%d" % first)
	'
}

# REQ-3: a port below 1024 may mean something, one above must not seem to.
test_req_03_port_class_is_kept() {
	up
	probe '
	server = internet.udp(7000, SERVER)
	for port in [*range(1000, 1024), *range(1024, 1044), *range(400, 410)]:
	    for space in ns1, ns2:
	        external = seen_as(space.udp(port), server)[1]
	        equal(external < 1024, port < 1024, "%d became %d: below 1024" % (port, external))
	'
}

# REQ-4. RTP and RTCP are an even port and the next.
test_req_04_port_parity_is_kept() {
	up
	probe '
	server = internet.udp(7000, SERVER)
	for port in range(6000, 6020):
	    for space in ns1, ns2:
	        external = seen_as(space.udp(port), server)[1]
	        equal(external % 2, port % 2, "%s: %d became %d: parity" % (space.name, port, external))
	'
}

# REQ-5: two minutes at least, five by default. That the clocks read here are those that rule is seen with short ones.
test_req_05_mapping_timer_is_two_minutes_at_least() {
	up
	probe '
	server = internet.udp(7000, SERVER)
	sock = ns1.udp(6000)
	shorten_all_but("timeout-udp-unreplied", "timeout-udp")
	external = seen_as(sock, server)
	outlive(2)
	gets_through(server, external, sock, "an answer after two seconds")
	must(setting("timeout-udp-unreplied") >= 120, "unanswered: %d s" % setting("timeout-udp-unreplied"))
	must(setting("timeout-udp") >= 300, "answered: %d s" % setting("timeout-udp"))
	set_clocks(1, "timeout-udp-unreplied", "timeout-udp")
	external = seen_as(sock, server)
	gets_through(server, external, sock)
	outlive()
	is_stopped(server, external, sock, "a datagram two seconds after a clock of one")
	'
}

# REQ-6
test_req_06_outbound_traffic_refreshes_the_mapping() {
	up
	probe '
	server = internet.udp(7000, SERVER)
	other, busy, idle = ns2.udp(6000), ns1.udp(6000), ns1.udp(6001)
	set_clocks(3, "timeout-udp-unreplied", "timeout-udp")
	# the other one has the port that a mapping of busy, were it made anew, could have again
	outside_of = {sock: seen_as(sock, server) for sock in (other, busy, idle)}
	for sock in busy, idle:
	    gets_through(server, outside_of[sock], sock)
	for _ in range(12):
	    sleep(0.4)
	    for sock in other, busy:
	        equal(seen_as(sock, server), outside_of[sock], "mapping of a busy socket")
	gets_through(server, outside_of[busy], busy)
	is_stopped(server, outside_of[idle], idle, "a datagram to a mapping that nobody refreshed")
	'
}

# REQ-8 recommends endpoint-independent or address-dependent filtering; which one must be known.
test_req_07_filtering_is_declared_stable_and_selectable() {
	up
	probe '
	server, port, other = internet.udp(7000, SERVER), internet.udp(7001, SERVER), internet.udp(7000, SERVER2)
	number = 6000
	for mode, admitted in ("port", [server]), ("address", [server, port]), ("endpoint", [server, port, other]):
	    sh("ebpfnet", "set", "filtering", mode)
	    for _ in range(2):
	        sock = ns1.udp(number)
	        number += 1
	        external = seen_as(sock, server)
	        for sender in server, port, other:
	            judge = gets_through if sender in admitted else is_stopped
	            judge(sender, external, sock, "%s, with filtering %s" % (sender.name, mode))
	'
}

# REQ-9: through the external address and port, and from one.
test_req_08_hairpinning_with_the_external_source() {
	up
	must ebpfnet expose ns1 5000:3000/udp
	probe '
	published, client = ns1.udp(3000), ns2.udp(6100)
	client.tell(b"published", (HOST, 5000))
	source = published.hears(b"published", "a datagram to its published port")
	equal(source[0], HOST, "source of a hairpinned datagram")
	published.tell(b"back", source)
	equal(client.hears(b"back"), (HOST, 5000), "source of the answer")

	server, one, two = internet.udp(7000, SERVER), ns1.udp(6000), ns2.udp(6001)
	at_one, at_two = seen_as(one, server), seen_as(two, server)
	one.tell(b"punch", at_two)
	two.tell(b"through", at_one)
	equal(one.hears(b"through", "a datagram to its mapping"), at_two, "source of a hairpinned datagram")
	one.tell(b"and back", at_two)
	equal(two.hears(b"and back"), at_one, "source of the answer")
	'
}

# REQ-14
test_req_09_fragments_in_any_order() {
	up
	by_hand
	probe '
	sock = ns1.udp(6000)
	def fragments(text, src, dst, sport, dport):
	    whole = IP(src=src, dst=dst, id=next(numbers)) / UDP(sport=sport, dport=dport) / text
	    return fragment(whole, 1000)
	def text():
	    return mark() + bytes(range(256)) * 10
	sock.tell(b"begin", (PEER, 7000))
	external = outside.hears(b"begin")[UDP].sport
	for order in (0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1):
	    long = text()
	    parts = fragments(long, PEER, HOST, 7000, external)
	    for i in order:
	        outside.send(parts[i])
	    sock.hears(long, "fragments %s from outside" % (order,))
	server = internet.udp(7000, SERVER)
	for order in (0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1):
	    long = text()
	    parts = fragments(long, NS1, SERVER, 6000, 7000)
	    for i in order:
	        inside.send(parts[i])
	    equal(server.hears(long, "fragments %s from inside" % (order,))[0], HOST, "source")
	'
}

# REQ-14a. What is held is bounded: the kernel's own share is in sockstat, on either lab.
test_req_10_a_flood_of_fragments_harms_nobody() {
	up
	by_hand
	probe '
	def held():
	    with open("/proc/net/sockstat", encoding="ascii") as text:
	        return int([line for line in text if line.startswith("FRAG")][0].split()[-1])
	def flood(first, last):
	    """A fragment each of as many datagrams: the first, or the next."""
	    for i in range(first, last):
	        outside.send(IP(src=PEER2, dst=HOST, id=i, flags="MF", proto=17, frag=i % 2 * 150) / Raw(bytes(1200)))
	server, sock = internet.udp(7000, SERVER), ns1.udp(6000)
	external = seen_as(sock, server)
	sock.tell(b"begin", (PEER, 7000))
	port = outside.hears(b"begin")[UDP].sport
	for i in range(0, 12000, 1000):
	    flood(i, i + 1000)
	    gets_through(server, external, sock, "a datagram during the flood")
	    equal(seen_as(sock, server), external, "mapping during the flood")
	must(held() <= 8 << 20, "%d bytes of fragments are held" % held())
	long = mark() + bytes(2000)
	for part in fragment(IP(src=PEER, dst=HOST, id=next(numbers)) / UDP(sport=7000, dport=port) / long, 1000):
	    outside.send(part)
	sock.hears(long, "another one, in fragments, during the flood")
	'
}

# REQ-12: from any router.
test_req_11_an_icmp_error_never_ends_a_mapping() {
	up
	by_hand
	probe '
	server, sock = internet.udp(7000, SERVER), ns1.udp(6000)
	external = seen_as(sock, server)
	sent = IP(src=HOST, dst=SERVER) / UDP(sport=external[1], dport=7000) / b"x"
	for kind, code in ALL_ERRORS:
	    for router in ROUTER, SERVER:
	        outside.send(error(kind, code, sent, src=router, word=1400 if (kind, code) == (3, 4) else 0))
	    inside.hears(is_error(kind), "the error")
	    gets_through(server, external, sock, "a datagram after ICMP error %d/%d" % (kind, code))
	    equal(seen_as(sock, server), external, "mapping after ICMP error %d/%d" % (kind, code))
	'
}

# REQ-13
test_req_12_too_big_is_told_or_fragmented() {
	up
	ip link set eth0 mtu 1400
	probe '
	server, sock = internet.udp(7000, SERVER), ns1.udp(6000)
	external = seen_as(sock, server)
	sock.may_fragment(False)
	sock.tell(bytes(1450), server.at)
	told = inside.hears(is_error(3), "an error about a datagram of 1478 bytes")
	equal((told.src, bytes(told)[21], int.from_bytes(bytes(told)[26:28], "big")), (GATEWAY, 4, 1400),
	      "who said what MTU")
	sums_right(told, "fragmentation needed")
	plain = ns1.udp(6002)
	plain.may_fragment(True)
	for size in 1450, 4000:
	    long = mark() + bytes(size)
	    plain.tell(long, server.at)
	    server.hears(long, "%d bytes without DF" % size)
	'
	ip link set eth0 mtu 9001
	ip link set veth0 mtu 1280
	ip -n ns1 link set ceth0 mtu 1280
	probe '
	server, sock = internet.udp(7000, SERVER), ns1.udp(6001)
	external = seen_as(sock, server)
	text = mark() + bytes(1400)
	big = IP(src=SERVER, dst=HOST, flags="DF") / UDP(sport=7000, dport=external[1]) / text
	outside.send(big)
	if not sock.listen(text, NEVER):  # else nothing was too narrow
	    told = outside.hears(is_error(3), "neither the datagram inside nor an error about it")
	    equal((told.src, bytes(told)[21], int.from_bytes(bytes(told)[26:28], "big")), (HOST, 4, 1280),
	          "who said what MTU")
	    sums_right(told, "fragmentation needed")
	    same_but_for_ttl(quote(told), big, "what it quotes")
	long = mark() + bytes(1400)
	outside.send(IP(src=SERVER, dst=HOST, id=9) / UDP(sport=7000, dport=external[1]) / long)
	sock.hears(long, "1428 bytes without DF from outside")
	'
}

# An address that is on both sides can be reached on one only.
test_req_13_a_subnet_that_lies_outside_too_is_refused() {
	local subnet
	ip route add 10.20.0.0/16 via 172.31.0.1
	for subnet in 172.31.4.0/24 10.20.30.0/24; do
		must_not ebpfnet up --hook "$HOOK" --subnet $subnet
	done
	must ebpfnet up --hook "$HOOK" --subnet 192.168.77.0/24
	pings ns1 $INTERNET
}
