# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Requirements 37-39: the fields that a NAT changes in a packet (RFC 1624, RFC 3022).
#
# hooks: any

CRAFT=$TOP/tests/lib/frames.py

# RFC 1624, RFC 3022 4.1. A checksum made anew would make a broken packet look whole. Netfilter
# translates broken packets only when it is set not to check them.
test_req_37_checksums_are_updated_incrementally() {
	up
	by_hand ns1
	[ "$HOOK" != classic ] || sysctl -qw net.netfilter.nf_conntrack_checksum=0
	probe '
	def kept(packet, what, wire=inside, out=outside, by=0):
	    this = mark()
	    packet = wrong_by(packet / this, by)
	    wire.send(packet)
	    there = out.hears(this, what)
	    must((there.src, there.dst) != (packet.src, packet.dst), what + " was not translated")
	    equal("%04x" % l4_total(there), "%04x" % l4_total(packet), "total of " + what)
	    return there

	def udp(**fields):
	    return IP(src=NS1, dst=PEER) / UDP(sport=6000, dport=7000, **fields)

	for taken in UDP(sport=6000, dport=7000), *(l4 for by in (1, 0x1234, 0xfffe)
	                                            for l4 in (TCP(sport=by, dport=7000), ICMP(id=by))):
	    pass_through(inside2, IP(src=NS2, dst=PEER) / taken) # so that ports change, too
	public = kept(udp(), "a right datagram")
	must(public[UDP].sport != 6000, "the port was not taken")
	equal(l4_total(public), 0xffff, "total of a right datagram")
	there = pass_through(inside, udp(chksum=0))[1]
	equal(there[UDP].chksum, 0, "checksum of a datagram that had none")
	there = pass_through(outside, answer_to(public, chksum=0), inside)[1]
	equal(there[UDP].chksum, 0, "checksum of an answer that had none")
	for by in 1, 0x1234, 0xfffe:
	    kept(udp(), "a wrong datagram", by=by)
	    kept(answer_to(public), "a wrong answer", outside, inside, by)
	    kept(IP(src=NS1, dst=PEER) / TCP(sport=by, dport=7000), "a wrong SYN", by=by)
	    kept(IP(src=NS1, dst=PEER) / ICMP(id=by), "a wrong echo", by=by)
	'
	probe '
	# RFC 768: a sum of 0 is sent as all ones. The payload is chosen so that the sum outside is 0.
	def datagram(fill):
	    return IP(src=NS1, dst=PEER, id=fill) / UDP(sport=6001, dport=7000) / fill.to_bytes(2, "big")

	def out(fill):
	    inside.send(datagram(fill))
	    return outside.hears(lambda p: p.id == fill and p.proto == 17)

	sum_of_2 = out(2)[UDP].chksum
	there = out((sum_of_2 + 2) % 0xffff)
	equal("%04x" % there[UDP].chksum, "ffff", "checksum of a datagram that sums up to 0")
	'
}

# RFC 3022 6: whatever a namespace, or the host in its name, sends. A packet that no NAT can make
# sense of is one that it must not pass, nor leave to a host that forwards.
test_req_38_no_private_source_leaves() {
	echo 1 > /proc/sys/net/ipv4/ip_forward
	up
	by_hand ns1
	probe '
	def from_ns1(payload=b"", **fields):
	    return IP(src=NS1, dst=PEER, **fields) / payload

	udp, tcp, echo = UDP(sport=6000, dport=7000), TCP(sport=6000, dport=7000), ICMP(id=6000)
	packets = [
	    *(wrong_by(from_ns1(l4 / mark()), 0x1234) for l4 in (udp, tcp, echo)),
	    *(from_ns1(TCP(sport=6001, dport=7000, flags=flags) / mark())
	      for flags in ("", "F", "R", "RA", "A", "PA", "SA", "SF", "SR", "SFRPAU", "FPU")),
	    *(from_ns1(Raw(bytes(l4)[:size]), proto=proto)
	      for l4, proto in ((udp, 17), (tcp, 6), (echo, 1)) for size in (0, 1, 4, 7)),
	    from_ns1(Raw(bytes(tcp)[:19]), proto=6), from_ns1(TCP(sport=6002, dport=7000, dataofs=4) / mark()),
	    from_ns1(UDP(sport=6002, dport=7000, len=7) / mark()), from_ns1(UDP(sport=6002, dport=7000, len=900)),
	    from_ns1(TCP(sport=0, dport=0)), from_ns1(UDP(sport=0, dport=0)),
	    *(from_ns1(Raw(bytes(32)), proto=proto) for proto in range(256) if proto not in (1, 6, 17)),
	    *(from_ns1(ICMP(type=kind) / Raw(bytes(32))) for kind in range(45) if kind != 8),
	    *(error(kind, 0, IP(src=PEER, dst=NS1) / udp, src=NS1, dst=PEER) for kind in (3, 11, 12)),
	    from_ns1(udp / mark(), flags="MF"), from_ns1(Raw(bytes(64)), frag=100, proto=17),
	    from_ns1(Raw(bytes(64)), frag=100, flags="MF", proto=6),
	    *(IP(src=NS1, dst=dst) / udp / mark()
	      for dst in ("172.31.0.1", "172.31.15.255", "224.0.0.251", "239.1.2.3", "255.255.255.255", "240.0.0.1")),
	    *(IP(src=src, dst=PEER) / udp / mark() for src in (GATEWAY, "192.168.1.77", "192.168.1.255")),
	]
	for packet in packets:
	    inside.send(packet)
	for tag in 0, 5:
	    port1.send(Ether(src=port1.mac, dst=text(inside.mac)) / Dot1Q(vlan=tag) / from_ns1(udp / mark()))
	raw = host.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
	for src in NS1, GATEWAY:
	    for l4 in udp, tcp, TCP(sport=6003, dport=7000, flags="R"), Raw(bytes(32)):
	        try:
	            raw.sendto(bytes(IP(src=src, dst=PEER) / l4 / mark()), (PEER, 0))
	        except PermissionError:
	            pass # the host may be told
	host.udp(6004, GATEWAY).tell(b"as the gateway", (PEER, 7000))

	last = mark()
	inside.send(from_ns1(UDP(sport=6005, dport=7000) / last))
	net = bytes([192, 168, 1])
	for frame in iter(lambda: lan.listen(lambda p: True, SOON), None):
	    must(net not in bytes(frame), "on the wire: %s" % frame.summary())
	    if last in bytes(frame):
	        break
	else:
	    fail("nothing at all leaves")
	lan.does_not_hear(lambda p: net in bytes(p), "a private address")
	'
}

test_req_39_dscp_ecn_id_and_df_are_kept() {
	up
	must ebpfnet expose ns1 5000/udp
	by_hand ns1
	probe '
	def kept(what, there, wanted):
	    equal((what, there.tos, there.id, there.flags & "DF"),
	          (what, wanted.tos, wanted.id, wanted.flags & "DF"), "TOS, ID and DF")
	    sums_right(there, what)

	for tos, flags, ident in (0xb9, "DF", 0xbeef), (0x03, 0, 0x1234), (0xfe, "DF", 0), (0x02, 0, 0xffff):
	    fields = dict(tos=tos, flags=flags, id=ident)
	    for l4 in UDP(sport=6000, dport=7000), TCP(sport=6000 + tos, dport=7000), ICMP(id=6000):
	        packet, public = pass_through(inside, IP(src=NS1, dst=PEER, **fields) / l4)
	        kept("out", public, packet)
	        if UDP in packet:
	            answer = IP(src=PEER, dst=HOST, **fields) / UDP(sport=7000, dport=public.sport)
	            kept("an answer", pass_through(outside, answer, inside)[1], packet)
	    call = IP(src=PEER, dst=HOST, **fields) / UDP(sport=7001, dport=5000)
	    kept("to a published port", pass_through(outside, call, inside)[1], packet)
	    answer = IP(src=NS1, dst=PEER, **fields) / UDP(sport=5000, dport=7001)
	    kept("from a published port", pass_through(inside, answer)[1], packet)
	'
}
