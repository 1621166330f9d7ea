# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# The host's services: their ports are theirs, whoever came first.
#
# hooks: any

# Port shadowing: what the host opens later must not be behind a flow of a namespace's.
test_external_ports_are_of_the_hosts_ephemeral_range() {
	echo 20000 29999 > /proc/sys/net/ipv4/ip_local_port_range
	up
	is "$(ebpfnet get ports)" 20000-29999 "range of external ports"
	probe '
	server = internet.udp(7000, SERVER)
	for port in 1405, 5353, 8080, 32768, 61000:
	    external = seen_as(ns1.udp(port), server)[1]
	    must(20000 <= external <= 29999, "%d became %d" % (port, external))
	for port in 68, 123, 500:
	    external = seen_as(ns1.udp(port), server)[1]
	    must(600 <= external <= 1023, "%d became %d" % (port, external))
	equal(seen_as(ns1.udp(20001), server)[1], 20001, "a port of the range")
	'
	must ebpfnet set ports 1-65535
	probe '
	server = internet.udp(7001, SERVER)
	for port in 123, 500, 1406, 61001:
	    equal(seen_as(ns2.udp(port), server)[1], port, "with every port allowed")
	'
}

test_a_reserved_port_is_not_taken() {
	echo 40000,40002-40003 > /proc/sys/net/ipv4/ip_local_reserved_ports
	up
	probe '
	server = internet.udp(7000, SERVER)
	for port in range(40000, 40005):
	    external = seen_as(ns1.udp(port), server)[1]
	    equal(external == port, port in (40001, 40004), "%d became %d: kept" % (port, external))
	'
	echo 40004 > /proc/sys/net/ipv4/ip_local_reserved_ports # taken at once
	probe '
	server = internet.udp(7001, SERVER)
	must(seen_as(ns2.udp(40004), server)[1] != 40004, "a port that was reserved later was taken")
	equal(seen_as(ns2.udp(40002), server)[1], 40002, "a port that is reserved no more")
	'
}

test_a_later_service_is_reached_from_another_namespace() {
	up
	probe '
	server = internet.udp(7000, SERVER)
	equal(seen_as(ns2.udp(45353), server), (HOST, 45353), "mapping of a namespace")
	client, text = ns1.udp(45354), mark()
	client.tell(text, (HOST, 45353)) # to the mapping, which does not know it
	service = host.udp(45353, HOST)
	for sock in client, ns1.udp(45355):
	    text = mark()
	    sock.tell(text, (HOST, 45353))
	    source = service.hears(text, "a datagram of a namespace")
	    service.tell(text, source)
	    equal(sock.hears(text, "the answer of the service"), (HOST, 45353), "its source")
	'
}

# A DHCP client, for one, is bound to its device (SO_BINDTODEVICE), where alone it can be seen.
test_a_socket_bound_to_the_uplink_keeps_its_port() {
	up
	must ebpfnet set ports 1-65535
	serve internet tcp 7000
	probe '
	def bound(kind, port):
	    sock = host.socket(socket.AF_INET, kind)
	    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
	    sock.bind(("0.0.0.0", port))
	    return sock
	server = internet.udp(7000, SERVER)
	for port in 68, 40068:
	    service = bound(socket.SOCK_DGRAM, port)
	    sock = ns1.udp(port)
	    external = seen_as(sock, server)
	    must(external[1] != port, "the port of the hosts socket was taken")
	    equal(external[1] % 2, 0, "parity of the port instead")
	    gets_through(server, external, sock)
	    equal(seen_as(sock, server), external, "mapping of the socket")
	    server.tell(b"to the host", (HOST, port))
	    equal(service.recv(100), b"to the host", "what the host hears")
	listener = bound(socket.SOCK_STREAM, 40080)
	listener.listen()
	sock = ns1.socket(socket.AF_INET, socket.SOCK_STREAM)
	sock.bind(("0.0.0.0", 40080))
	sock.settimeout(2 * SOON)
	sock.connect((SERVER, 7000))
	sock.sendall(b"who\n")
	must(int(sock.recv(100).split()[1]) != 40080, "the port of the hosts listener was taken")
	'
}

test_a_stranger_reaches_the_service_beside_a_mapping_for_any_peer() {
	up
	must ebpfnet set filtering endpoint
	probe '
	server, stranger = internet.udp(7000, SERVER), internet.udp(7000, SERVER2)
	sock = ns1.udp(40001)
	external = seen_as(sock, server)
	gets_through(stranger, external, sock, "a strangers datagram, as long as the host has no service there")
	service = host.udp(40001)
	gets_through(stranger, external, service, "a strangers datagram")
	gets_through(server, external, sock, "an answer")
	'
}
