# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# ICMP errors come from where the packet went that they are about.
#
# hooks: any

# ns1 has heard of ns2's conversation and reports "port unreachable" about it; only ns2 may.
test_no_namespace_ends_another_ones_conversation() {
	up
	probe '
server, caller = place("internet").udp(4500, SERVER), ns2.udp(4500)
public = seen_as(caller, server)
gets_through(server, public, caller)
answer = IP(src=SERVER, dst=NS2, ttl=60) / UDP(sport=4500, dport=4500) / mark()
inside.send(error(3, 3, answer, src=NS1))
outside.does_not_hear(lambda p: p.proto == 1, "an error of ns1 about a packet to ns2")
gets_through(server, public, caller, "the next datagram")
inside2.send(error(3, 3, answer, src=NS2))
said = outside.hears(lambda p: p.proto == 1, "an error of ns2 about a packet to ns2")
equal((said.src, quote(said).dst), (HOST, HOST), "addresses of the error outside")
sums_right(said, "the error outside")
'
	is "$(counter foreign_error)" 1 "errors that were not believed"
}

test_no_namespace_ends_the_hosts_conversation_with_another() {
	up
	probe '
host = Place.__new__(Place)
host.name, host.fd = "host", HOME
caller, server = host.udp(0, GATEWAY), ns2.udp(4500)
caller.sock.connect((NS2, 4500))
text = mark()
caller.sock.send(text)
server.hears(text)
sent = IP(src=GATEWAY, dst=NS2) / UDP(sport=caller.at[1], dport=4500) / text
inside.send(error(3, 3, sent, src=NS1))
sleep(NEVER)
equal(caller.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0, "error of the socket of the host")
inside2.send(error(3, 3, sent, src=NS2))
select.select([caller.sock], [], [], SOON)
equal(caller.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 111, "error after one of ns2")
'
}
