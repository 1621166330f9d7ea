# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Requirements 31-36: the state of a NAT, its shares and timers (RFC 6888, security).
#
# hooks: any

CRAFT=$TOP/tests/lib/frames.py

# iptables' MASQUERADE has no such settings: there the probe runs without them.
limit() { # KEY VALUE
	[ "$HOOK" = classic ] || must ebpfnet set "$@"
}

# REQ-7, REQ-8 of RFC 6888. One namespace floods the table; flows that were there before stay, answered
# datagrams and open connections alike. The size of nf_conntrack's table is the machine's.
test_req_31_a_live_mapping_is_never_evicted() {
	local room=512 flood=1024
	up --flows $room
	by_hand ns1
	if [ "$HOOK" = classic ]; then
		room=$(< /proc/sys/net/netfilter/nf_conntrack_max)
		flood=$((room + 50000))
	fi
	probe "
	udp = [udp_out(sport)[1] for sport in range(6000, 6064)]
	for public in udp:
	    must(through(outside, answer_to(public), inside), 'no mapping')
	tcp = [tcp_connected(sport) for sport in range(7000, 7008)]
	equal(flood(inside2.sock.send, udp_flows(inside2, NS2, $flood)), $flood, 'flows begun in time')
	forget(outside)
	for ends in tcp:
	    tcp_talk(*ends)
	for public in udp:
	    must(through(outside, answer_to(public), inside), 'the mapping of port %d is lost' % public.sport)
	"
}

# REQ-3, REQ-4 of RFC 6888.
test_req_32_a_namespace_has_a_cap_on_ports_and_flows() {
	up
	limit flows-per-namespace 20
	probe '
	servers = [internet.udp(port, SERVER) for port in range(7000, 7040)]
	sock, other = ns1.udp(6000), ns2.udp(6001)
	got = sum(bool(all_through(server, [sock])) for server in servers[:24])
	must(10 <= got <= 20, "%d flows of a namespace that may have 20" % got)
	equal(len(all_through(servers[0], [other])), 1, "flows of another namespace")
	'
	limit flows-per-namespace 4096
	limit ports-per-namespace 20
	probe '
	server = internet.udp(8000, SERVER)
	got = len(all_through(server, [ns1.udp(port) for port in range(6100, 6140)]))
	must(10 <= got <= 20, "%d ports of a namespace that may have 20" % got)
	equal(len(all_through(server, [ns2.udp(port) for port in range(6100, 6110)])), 10,
	      "ports of another namespace")
	'
	limit ports-per-namespace 60
	probe '
	server = internet.udp(8001, SERVER)
	equal(len(all_through(server, [ns1.udp(port) for port in range(6200, 6230)])), 30,
	      "ports of a namespace that may have more now")
	'
}

# A client that calls the published port from the address and port that answered a namespace would reach that namespace.
test_req_33_a_published_port_is_not_for_masquerading() {
	local proto
	up
	serve internet tcp 7000
	serve internet udp 7000
	for proto in tcp udp; do
		must ebpfnet expose ns1 6000:3000/$proto
		reaches ns2 $proto $INTERNET 7000 $HOST 6000
		[ "${out#* }" != 6000 ] || fail "$proto: a namespace got a port that is published for another"
	done
	must ebpfnet set ports 6000-6003 # and when there are few
	probe '
	server = internet.udp(7001, SERVER)
	got = all_through(server, [ns2.udp(port) for port in range(6000, 6008)])
	must(got, "no socket got a port")
	must((HOST, 6000) not in got.values(), "a namespace got a port that is published for another")
	'
}

# In the order of who was first, and with the host as client and as server.
test_req_34_the_hosts_own_sockets_coexist() {
	up
	probe '
	server, stranger = internet.udp(7000, SERVER), internet.udp(7000, SERVER2)
	for port, places in (6000, (ns1, host)), (6002, (host, ns1)):
	    socks = [place.udp(port) for place in places]
	    external = [seen_as(sock, server) for sock in socks]
	    must(external[0] != external[1], "both are %s:%d" % external[0])
	    for sock, address in zip(socks, external):
	        gets_through(server, address, sock, "an answer to " + sock.name)
	        equal(seen_as(sock, server), address, "external address later")
	for port, order in (6004, "ns1 first"), (6006, "host first"):
	    listener = host.udp(port) if order == "host first" else None
	    client = ns1.udp(port)
	    external = seen_as(client, server)
	    listener = listener or host.udp(port)
	    gets_through(stranger, (HOST, port), listener, "a call to the host, %s," % order)
	    gets_through(server, external, client, "an answer to ns1, %s," % order)
	'
	serve internet tcp 7000
	reaches ns1 tcp $INTERNET 7000 $HOST 6010
	reaches host tcp $INTERNET 7000 $HOST 6010
	reaches host tcp $INTERNET 7000 $HOST 6012
	reaches ns1 tcp $INTERNET 7000 $HOST 6012
	serve host tcp 6014
	reaches ns1 tcp $INTERNET 7000 $HOST 6014
	reaches internet tcp $HOST 6014 $INTERNET
}

# CVE-2021-3773: who may choose the source port speaks first to whom it wants to rob.
test_req_35_no_port_shadowing() {
	up
	must ebpfnet expose ns1 5000/udp
	must ebpfnet expose ns1 5000/tcp
	probe '
	published, service = ns1.udp(5000), host.udp(5001)
	for port, robbed, name in (5000, published, "a published port"), (5001, service, "a port of the host"):
	    robber, victim = ns2.udp(port), internet.udp(9000 + port, SERVER)
	    robber.tell(b"shadow", victim.at)
	    victim.hears(b"shadow")
	    text = mark()
	    victim.tell(text, (HOST, port))
	    robbed.hears(text, "a call to " + name)
	    robber.does_not_hear(text, "a call to " + name)
	client, robber, server = host.udp(5002), ns2.udp(5002), internet.udp(7000, SERVER)
	external = seen_as(client, server)
	seen_as(robber, server)
	gets_through(server, external, client, "an answer to the host")
	'
	by_hand ns1 ns2
	probe '
	robber = Tcp(inside2, NS2, 5000, PEER, 9000)
	robber.send("S")
	outside.hears(lambda p: p.src == HOST and p.dst == PEER and p.proto == 6)
	Tcp(outside, PEER, 9000, HOST, 5000).send("S")
	Tcp(inside, NS1, 5000, PEER, 9000).hears("S", what="a call to a published port")
	'
}

# Lest what is still under way to the one arrives at the other. Default 120 s, here 3.
test_req_36_a_released_port_rests() {
	up
	must ebpfnet ns add ns3
	if [ "$HOOK" != classic ]; then
		must ebpfnet get hold-down
		is "$out" 120 hold-down
		must ebpfnet set hold-down 3
	fi
	probe '
	set_clocks(1, "timeout-udp-unreplied", "timeout-udp")
	server = internet.udp(7000, SERVER)
	equal(seen_as(ns1.udp(40000), server), (HOST, 40000), "mapping of the first")
	outlive()
	must(seen_as(ns2.udp(40000), server) != (HOST, 40000), "a port was handed out again at once")
	sleep(4.5)
	equal(seen_as(place("ns3").udp(40000), server), (HOST, 40000), "mapping of another, later")
	'
}
