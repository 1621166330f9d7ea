# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# A published port is its rule's, also towards those whom an older mapping with that port has sent to, or could.
#
# hooks: any

test_an_older_mapping_does_not_take_clients() {
	up
	probe '
	for port, mode in (40500, "port"), (40510, "address"), (40520, "endpoint"):
	    sh("ebpfnet", "set", "filtering", mode)
	    known, peer, client = clients = [internet.udp(port + i, SERVER2) for i in range(3)]
	    evil, service = ns1.udp(port), ns2.udp(port + 1000)
	    equal(seen_as(evil, known), (HOST, port), "the mapping")
	    seen_as(evil, peer)
	    sh("ebpfnet", "expose", "ns2", "%d:%d/udp" % (port, port + 1000))
	    for sock in clients:
	        gets_through(sock, (HOST, port), service, "what a client sends to the port, " + mode)
	    must(seen_as(evil, client)[1] != port, "the older mapping goes on")
	    for sock in clients:
	        gets_through(sock, (HOST, port), service, "what a client sends when the mapping has moved, " + mode)
	        text = mark()
	        service.tell(text, sock.at)
	        equal(sock.hears(text, "an answer"), (HOST, port), "its source")
	'
}

test_the_published_sockets_own_mapping_goes_on() {
	up
	probe '
	server, sock = internet.udp(7000, SERVER), ns1.udp(40500)
	external = seen_as(sock, server)
	sh("ebpfnet", "expose", "ns1", "40500/udp")
	gets_through(server, external, sock, "an answer after expose")
	equal(seen_as(sock, server), external, "mapping after expose")
	gets_through(internet.udp(7001, SERVER), external, sock, "what a client sends")
	'
}

test_an_established_connection_from_that_port_goes_on() {
	local port
	up
	serve internet tcp 7000
	serve ns2 tcp 3000
	converse ns1 tcp $INTERNET 7000
	say one
	port=$(ebpfnet flows --json | json 'j["flows"][0]["src"].split(":")[1]')
	must ebpfnet expose ns2 "$port:3000"
	say two
	reaches internet tcp $HOST "$port" $INTERNET
	say three
}
