# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Requirements 40-50: a router's duties (RFC 1812), and what it must not forward.
#
# hooks: any

CRAFT=$TOP/tests/lib/frames.py

# A network whose ns1 publishes UDP and TCP port 5000, with packets by hand on both sides.
gateway() {
	up
	must ebpfnet expose ns1 5000/udp
	must ebpfnet expose ns1 5000/tcp
	by_hand ns1
}

# RFC 1812 5.3.1, both ways.
test_req_40_ttl_is_one_less_and_its_end_is_told() {
	gateway
	probe '
	def out(ttl):
	    return IP(src=NS1, dst=PEER, ttl=ttl, id=next(numbers)) / UDP(sport=6000, dport=7000)

	def back(ttl):
	    return IP(src=PEER, dst=HOST, ttl=ttl, id=next(numbers)) / UDP(sport=7000, dport=public.sport)

	def call(ttl):
	    return IP(src=PEER, dst=HOST, ttl=ttl, id=next(numbers)) / UDP(sport=7001, dport=5000)

	public = pass_through(inside, out(37))[1]
	equal(public.ttl, 36, "TTL outside")
	equal(pass_through(outside, back(50), inside)[1].ttl, 49, "TTL inside")
	equal(pass_through(outside, call(2), inside)[1].ttl, 1, "TTL at a published port")
	for packet, wire, far, us in ((out(1), inside, outside, GATEWAY), (back(1), outside, inside, HOST),
	                              (call(1), outside, inside, HOST)):
	    this = mark()
	    wire.send(packet / this)
	    there = wire.hears(is_error(11, packet), "time exceeded for " + packet.summary())
	    equal((there.src, there.dst), (us, packet.src), "ends of the error")
	    sums_right(there, "time exceeded")
	    far.does_not_hear(this, packet.summary())
	'
}

# RFC 1812 4.3.2.7. Each is preceded by one that is answered.
test_req_41_no_time_exceeded_about_what_must_not_be_answered() {
	gateway
	probe '
	udp = UDP(sport=6000, dport=7000)
	public = pass_through(inside, IP(src=NS1, dst=PEER) / udp)[1]
	quoted = answer_to(public)

	def silent(wire, packet, control):
	    packet.ttl = control.ttl = 1
	    wire.send(control)
	    wire.hears(is_error(11, control), "time exceeded for " + control.summary())
	    wire.send(packet)
	    wire.does_not_hear(is_error(11), "time exceeded for " + packet.summary(), 0.2)

	def inward():
	    return IP(src=PEER, dst=HOST, id=next(numbers)) / UDP(sport=7000, dport=public.sport)

	def outward():
	    return IP(src=NS1, dst=PEER, id=next(numbers)) / udp

	for kind in 3, 11, 12:
	    silent(inside, error(kind, 1, IP(src=PEER, dst=NS1) / UDP(sport=7000, dport=6000), src=NS1), outward())
	    silent(outside, error(kind, 1, public), inward())
	silent(inside, IP(src=NS1, dst=PEER, frag=10, proto=17) / Raw(bytes(64)), outward())
	silent(outside, IP(src=PEER, dst=HOST, frag=10, proto=17) / Raw(bytes(64)), inward())
	for src in "0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255":
	    silent(inside, IP(src=src, dst=PEER) / udp, outward())
	    silent(outside, IP(src=src, dst=HOST) / UDP(sport=7000, dport=5000), inward())
	'
}

# RFC 5508 REQ-4, RFC 1812 4.3.2.3: as the receiver sent it, not as it is inside.
test_req_42_our_errors_quote_the_public_header() {
	gateway
	probe '
	public = pass_through(inside, IP(src=NS1, dst=PEER) / UDP(sport=6000, dport=7000))[1]
	here, there = tcp_connected(6001)
	for name, l4 in (("a published UDP port", UDP(sport=7001, dport=5000)),
	                 ("a published TCP port", TCP(sport=7001, dport=5000, seq=77)),
	                 ("a UDP mapping", UDP(sport=7000, dport=public.sport)),
	                 ("a TCP mapping", TCP(sport=7000, dport=there.dport, flags="A", seq=there.seq, ack=there.ack))):
	    packet = IP(bytes(IP(src=PEER, dst=HOST, ttl=1, id=next(numbers)) / l4 / mark()))
	    outside.send(packet)
	    answer = outside.hears(is_error(11, packet), "time exceeded about " + name)
	    sums_right(answer, "an error about " + name)
	    must(bytes([192, 168, 1]) not in bytes(answer), "a private address in an error about " + name)
	    same_but_for_ttl(quote(answer), packet, "the quote in an error about " + name)
	'
}

# RFC 1812 5.2.2.
test_req_43_broken_ip_headers_are_dropped() {
	gateway
	probe '
	def judged(wire, out, packet):
	    this = mark()
	    wire.send(packet / this)
	    out.hears(this, "a sound packet")
	    for what, raw in broken_headers(packet / this):
	        wire.send(raw)
	        out.does_not_hear(this, "a packet with " + what, 0.1)

	public = pass_through(inside, IP(src=NS1, dst=PEER) / UDP(sport=6000, dport=7000))[1]
	judged(inside, lan, IP(src=NS1, dst=PEER) / UDP(sport=6000, dport=7000))
	judged(inside, lan, IP(src=NS1, dst=PEER) / TCP(sport=6000, dport=7000))
	judged(outside, port1, IP(src=PEER, dst=HOST) / UDP(sport=7000, dport=public.sport))
	judged(outside, port1, IP(src=PEER, dst=HOST) / UDP(sport=7001, dport=5000))
	'
}

# RFC 1812 5.2.4, RFC 2113, RFC 7126 section 4.
test_req_44_harmless_options_pass_and_source_routes_do_not() {
	gateway
	probe '
	public = pass_through(inside, IP(src=NS1, dst=PEER) / UDP(sport=6000, dport=7000))[1]
	ways = (("out", inside, outside, NS1, PEER, UDP(sport=6000, dport=7000)),
	        ("an answer", outside, inside, PEER, HOST, UDP(sport=7000, dport=public.sport)),
	        ("to a published port", outside, inside, PEER, HOST, UDP(sport=7001, dport=5000)))
	nothing = ["0.0.0.0"] * 3
	for name, wire, out, src, dst, l4 in ways:
	    for option in IPOption_RR(routers=nothing), IPOption_Router_Alert():
	        there = pass_through(wire, IP(src=src, dst=dst, options=[option]) / l4, out)[1]
	        equal(there.options[0].option, option.option, "option " + name)
	        sums_right(there, name + " with " + option.summary())
	    for option in IPOption_LSRR(routers=[SERVER]), IPOption_SSRR(routers=[SERVER]):
	        for first in [], [IPOption_NOP()]:
	            packet = IP(src=src, dst=dst, options=[*first, option]) / l4
	            must(not through(wire, packet, out), "%s: a source route passed" % name)
	'
}

# RFC 1812 5.3.7. Class E (240/4) was reserved then; to Linux it is unicast, and is routed where there is a route.
test_req_45_martians_are_dropped() {
	gateway
	probe '
	for dst in PEER, "240.0.0.1":
	    must(through(inside, IP(src=NS1, dst=dst) / UDP(sport=6000, dport=7000), lan), "nothing leaves to %s" % dst)
	for dst in "0.0.0.0", "127.0.0.1", "224.0.0.5", "239.1.2.3", "255.255.255.255":
	    must(not through(inside, IP(src=NS1, dst=dst) / UDP(sport=6000, dport=7000), lan),
	         "a packet to %s went out" % dst)

	call = UDP(sport=7001, dport=5000)
	for src in PEER, "240.0.0.1":
	    must(through(outside, IP(src=src, dst=HOST) / call, port1), "nothing comes in from %s" % src)
	for src in "0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255", HOST, GATEWAY, NS1, NS2:
	    must(not through(outside, IP(src=src, dst=HOST) / call, port1), "a packet from %s came in" % src)
	'
}

# RFC 1812 5.3.4: what was not sent to this router's link address is not for it to forward.
test_req_46_frames_to_other_stations_are_not_routed() {
	gateway
	probe '
	us, uplink = text(inside.mac), text(outside.mac)
	for dst in us, BROADCAST, NOBODY, "01:00:5e:00:00:05":
	    packet = Ether(src=port1.mac, dst=dst) / IP(src=NS1, dst=PEER) / UDP(sport=6000, dport=7000)
	    equal(through(port1, packet, lan), dst == us, "a packet to %s went out" % dst)
	public = pass_through(inside, IP(src=NS1, dst=PEER) / UDP(sport=6000, dport=7000))[1]
	for dst in uplink, BROADCAST, NOBODY, "01:00:5e:00:00:05":
	    for l4 in UDP(sport=7001, dport=5000), UDP(sport=7000, dport=public.sport):
	        packet = Ether(src=lan.mac, dst=dst) / IP(src=PEER, dst=HOST) / l4
	        equal(through(lan, packet, port1), dst == uplink, "a packet to %s came in, %s" % (dst, packet.summary()))
	'
}

# RFC 2644. The broadcast addresses of both sides' subnets; a published port is not published on them.
test_req_47_directed_broadcasts_are_dropped() {
	gateway
	ip -n isp route add 192.168.1.0/24 via $HOST
	probe '
	must(through(inside, IP(src=NS1, dst="172.31.0.1") / UDP(sport=6000, dport=7000), lan),
	     "nothing goes to the next router")
	for dst in "192.168.1.255", "172.31.15.255":
	    for port in 5000, 7000:
	        udp = UDP(sport=6000, dport=port)
	        for src, wire, taps in (NS1, inside, (lan, port1, port2)), (PEER, outside, (port1, port2)):
	            this = mark()
	            wire.send(IP(src=src, dst=dst) / udp / this)
	            sleep(0.2)
	            got = [tap.name for tap in taps if tap.listen(this, 0)]
	            equal(got, [], "a broadcast from %s to %s port %d was routed to" % (src, dst, port))
	'
}

# RFC 1812 5.2.2: the length that the IP header says counts. What a link padded may be old memory.
test_req_48_ethernet_padding_is_trimmed() {
	gateway
	probe '
	public = pass_through(inside, IP(src=NS1, dst=PEER) / UDP(sport=6000, dport=7000))[1]
	for what, tap, mac, out, ip in (
	        ("out", port1, inside.mac, lan, IP(src=NS1, dst=PEER) / UDP(sport=6000, dport=7000)),
	        ("an answer", lan, outside.mac, port1, IP(src=PEER, dst=HOST) / UDP(sport=7000, dport=public.sport)),
	        ("to a published port", lan, outside.mac, port1, IP(src=PEER, dst=HOST) / UDP(sport=7001, dport=5000))):
	    this = mark()
	    tap.send(Ether(src=tap.mac, dst=text(mac)) / IP(bytes(ip / this)) / Raw(b"padding" * 3))
	    there = out.hears(this, what)
	    equal(len(there), 14 + there[IP].len, "length of a frame " + what)
	'
}

# MASQUERADE is not a filter. What the classic lab adds to it is taken away, to see what NAT alone does.
test_req_49_private_addresses_cannot_be_reached_unasked() {
	local forward
	gateway
	ip -n isp route add 192.168.1.0/24 via $HOST
	[ "$HOOK" != classic ] || iptables -P FORWARD ACCEPT
	for forward in 1 0; do
		[ "$HOOK" = classic ] || echo $forward > /proc/sys/net/ipv4/ip_forward
		probe '
		public = pass_through(inside, IP(src=NS1, dst=PEER) / UDP(sport=6000, dport=7000))[1]
		must(through(outside, answer_to(public), port1), "no answer comes in")
		for src, l4 in ((PEER, UDP(sport=7001, dport=6001)), (PEER, UDP(sport=7001, dport=5000)),
		                (PEER, TCP(sport=7001, dport=22)), (PEER, ICMP()), ("172.31.0.1", ICMP()),
		                (PEER, UDP(sport=7000, dport=6000)), (PEER, Raw(bytes(32)))):
		    packet = IP(src=src, dst=NS1, proto=50) if Raw in l4 else IP(src=src, dst=NS1)
		    must(not through(outside, packet / l4, port1), "came in unasked: " + (packet / l4).summary())
		'
	done
}

# RFC 2827.
test_req_50_a_namespace_cannot_spoof() {
	gateway
	probe '
	us, udp = text(inside.mac), UDP(sport=6000, dport=7000)
	must(through(port1, Ether(src=port1.mac, dst=us) / IP(src=NS1, dst=PEER) / udp, lan), "nothing leaves")
	for mac, addr in ((port1.mac, NS2), (port1.mac, "192.168.1.77"), (port1.mac, "203.0.113.78"), (port1.mac, HOST),
	                  (port1.mac, GATEWAY), (port2.mac, NS1), ("02:66:66:66:66:66", NS1)):
	    for dst, to, out in (us, PEER, lan), (port2.mac, NS2, port2):
	        packet = Ether(src=mac, dst=dst) / IP(src=addr, dst=to) / udp
	        must(not through(port1, packet, out), "%s with %s came to %s" % (addr, mac, out.name))
	for mac, addr in (port1.mac, NS2), (port1.mac, GATEWAY), (port2.mac, NS1), (port2.mac, NS2):
	    this = mark()
	    port1.send(Ether(src=port1.mac, dst=BROADCAST) / ARP(op=2, hwsrc=mac, psrc=addr, pdst=addr) / this)
	    port2.does_not_hear(this, "ARP: %s is at %s" % (addr, mac), 0.2)
	'
}
