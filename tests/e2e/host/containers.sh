# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Another container network on the same host, by a bridge and the host's own NAT. It shares the uplink's address with
# our namespaces: neither gets what is the other's.
#
# hooks: any

containers() {
	echo 1 > /proc/sys/net/ipv4/ip_forward
	ip -batch - <<-END
		link add docker0 type bridge
		address add 172.17.0.1/16 dev docker0
		link set docker0 up
		netns add c1
		link add vc1 type veth peer name eth0 netns c1
		link set vc1 master docker0 up
	END
	ip -n c1 -batch - <<-END
		link set lo up
		address add 172.17.0.2/16 dev eth0
		link set eth0 up
		route add default via 172.17.0.1
	END
	iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
	soon on c1 ping -n -c1 -W1 $INTERNET
}

published_there() { # tcp|udp PORT:PORT_INSIDE
	iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p "$1" --dport "${2%:*}" -j DNAT --to "172.17.0.2:${2#*:}"
}

# In either order, whoever was first.
test_udp_from_one_port_to_one_server() {
	up
	containers
	probe '
	c1, server = place("c1"), internet.udp(7000, SERVER)
	def apart(*socks):
	    outside_of = [seen_as(sock, server) for sock in socks]
	    must(outside_of[0] != outside_of[1], "both are %s:%d" % outside_of[0])
	    for _ in range(2):
	        for sock, external in zip(socks, outside_of):
	            gets_through(server, external, sock)
	            equal(seen_as(sock, server), external, "port of a conversation")
	apart(ns1.udp(40001), c1.udp(40001))
	apart(c1.udp(40002), ns1.udp(40002))
	'
}

test_tcp_from_one_port_to_one_server() {
	up
	containers
	serve internet tcp 7000
	probe '
	c1 = place("c1")
	def connect(where, port):
	    sock = where.socket(socket.AF_INET, socket.SOCK_STREAM)
	    sock.settimeout(2 * SOON)
	    sock.bind(("0.0.0.0", port))
	    sock.connect((SERVER, 7000))
	    return sock
	def apart(*socks):
	    for _ in range(2):
	        for sock in socks:
	            text = mark() + b"\n"
	            sock.sendall(text)
	            equal(sock.recv(100), text, "an echo")
	apart(connect(ns1, 40001), connect(c1, 40001))
	apart(connect(c1, 40002), connect(ns1, 40002))
	'
}

test_pings_with_one_identifier() {
	up
	containers
	must on ns1 ping -n -c1 -W1 -e 77 $INTERNET
	must on c1 ping -n -c2 -i0.1 -W1 -e 77 $INTERNET
	must on ns1 ping -n -c1 -W1 -e 77 $INTERNET
}

# A mapping has one port for all peers: towards one that the container talks to from there it cannot be used.
test_a_mapping_does_not_reach_into_a_containers_conversation() {
	up
	containers
	probe '
	c1, one, two = place("c1"), internet.udp(7000, SERVER), internet.udp(7000, SERVER2)
	ours, theirs = ns1.udp(40001), c1.udp(40001)
	external = seen_as(ours, one)
	equal(seen_as(theirs, two), external, "port of the container, free towards that server")
	ours.tell(b"shadow", two.at)
	two.does_not_hear(b"shadow", "a datagram in another conversation")
	gets_through(two, external, theirs, "an answer to the container")
	gets_through(one, external, ours, "an answer to the namespace")
	'
}

# With these filters a mapping admits peers that its owner has not sent to.
test_a_mapping_for_any_peer_leaves_the_containers_answers() {
	local mode
	up
	containers
	for mode in address endpoint; do
		must ebpfnet set filtering $mode
		probe '
		c1, one, two = place("c1"), internet.udp(7000, SERVER), internet.udp(7001, SERVER)
		for port, order in (40001, "ours"), (40002, "theirs"):
		    ours, theirs = ns1.udp(port), c1.udp(port)
		    if order == "ours":
		        at_one, at_two = seen_as(ours, one), seen_as(theirs, two)
		    else:
		        at_two, at_one = seen_as(theirs, two), seen_as(ours, one)
		    gets_through(two, at_two, theirs, "an answer to the container")
		    equal(seen_as(theirs, two), at_two, "port of the container")
		    gets_through(one, at_one, ours, "an answer to the namespace")
		'
	done
}

test_a_port_that_they_publish_stays_reachable() {
	up
	containers
	serve c1 tcp 80
	serve internet tcp 7000
	published_there tcp 40080:80
	probe '
	half = ns1.socket(socket.AF_INET, socket.SOCK_STREAM)
	half.setblocking(False)
	half.bind(("0.0.0.0", 40080))
	half.connect_ex((PEER, 7000))
	sleep(0.1)
	'
	reaches internet tcp $HOST 40080 $INTERNET
	reaches ns1 tcp $INTERNET 7000 $HOST 40080
	reaches internet tcp $HOST 40080 $INTERNET
	reaches isp tcp $HOST 40080 172.31.0.1
}

# Masquerading keeps a source port: a container could so take over clients of a port that we have published.
test_a_container_does_not_take_a_published_ports_clients() {
	up
	containers
	must ebpfnet expose ns1 5000:3000/udp
	probe '
	c1, client, service = place("c1"), internet.udp(7777, SERVER), ns1.udp(3000)
	rogue = c1.udp(5000)
	external = seen_as(rogue, client)
	must(external[1] != 5000, "the container has the published port")
	gets_through(client, external, rogue, "an answer to the container")
	gets_through(client, (HOST, 5000), service, "a datagram to the published port")
	equal(seen_as(rogue, client), external, "port of the container")
	'
}

test_a_containers_conversation_outlives_expose() {
	up
	containers
	serve internet tcp 7000
	converse c1 tcp $INTERNET 7000
	say one
	probe '
	c1, server = place("c1"), internet.udp(7000, SERVER)
	sock = c1.udp(5000)
	external = seen_as(sock, server)
	gets_through(server, external, sock)
	seen_as(sock, server)
	sh("ebpfnet", "expose", "ns1", "5000:3000/udp")
	gets_through(server, external, sock, "an answer after expose")
	equal(seen_as(sock, server), external, "port of the container after expose")
	'
	say two
}
