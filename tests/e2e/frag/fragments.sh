# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Datagrams larger than a link, from real sockets: the kernels at both ends fragment and reassemble them.
# The order of fragments is for rfc/udp.sh (9) and tests/prog.
#
# hooks: any

# A network with links of 1500 on the way out: fragments go both ways.
up_narrow() {
	ip link set eth0 mtu 1500
	ip -n isp link set lan mtu 1500
	up
}

test_a_fragmented_echo_goes_out_and_comes_back() {
	up_narrow
	pings ns1 $INTERNET -s 4000
	pings ns1 $INTERNET -s 60000
	pings ns1 $GATEWAY -s 4000
	pings ns1 $HOST -s 4000
	pings ns1 $NS2 -s 4000
	is "$(counter frag_created)" 0 "datagrams fragmented here: each sender did it"
}

test_fragments_reach_a_published_port() {
	up_narrow
	must ebpfnet expose ns1 5000:3000/udp
	probe '
	published = ns1.udp(3000)
	for caller, seen in (internet.udp(7000, SERVER), SERVER), (ns2.udp(7000), HOST), (place("isp").udp(7001), None):
	    text = mark() * 3000
	    caller.tell(text, (HOST, 5000))
	    source = published.hears(text)
	    must(seen in (None, source[0]), "seen as %s:%d" % source)
	    published.tell(text[::-1], source)
	    equal(caller.hears(text[::-1]), (HOST, 5000), "source of the answer")
	'
}

test_fragments_go_from_one_mapping_to_another() {
	up_narrow
	probe '
	server, one, two = internet.udp(7000, SERVER), ns1.udp(6000), ns2.udp(6001)
	at_one, at_two = seen_as(one, server), seen_as(two, server)
	two.tell(b"punch", at_one)
	text = mark() * 1000
	one.tell(text, at_two)
	equal(two.hears(text), at_one, "source")
	'
}

# With flows that a fragment could belong to.
test_the_hosts_own_fragments_reach_it() {
	up_narrow
	pings ns1 $INTERNET
	pings host $INTERNET -s 4000
	pings internet $HOST -s 4000
	pings internet $HOST -s 60000
	must ebpfnet expose ns1 5000:3000/udp
	pings host $INTERNET -s 4000
	pings internet $HOST -s 4000
	is "$(counter frag_queued)" 0 "fragments queued: they come in order"
}

# The sender leaves its checksum to the device, and the largest datagram there is fits its own link.
test_the_largest_datagram_is_fragmented() {
	up
	ip link set veth0 mtu 65535
	ip -n ns1 link set ceth0 mtu 65535
	ip link set eth0 mtu 1400
	probe '
	server, sock = internet.udp(7000, SERVER), ns1.udp(6000)
	sock.may_fragment(True)
	for size in 1373, 9000, 65507:
	    text = (mark() * 5000)[:size]
	    sock.tell(text, server.at)
	    server.hears(text, "%d bytes" % size)
	'
	is "$(counter frag_created)" 3 "datagrams fragmented"
	is "$(counter frag_queued)" 0 "fragments queued"
}
