# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# shellcheck shell=bash
#
# Which way packets leave that pass the host's own rules: by the provider of their address, by a mark of the rules, and
# the ICMP errors about them.
#
# hooks: any
source "$TOP/tests/lib/rules.sh"
source "$TOP/tests/lib/second_provider.sh"

# What these two devices carry must carry the address of their provider.
hear_wrong_addresses() {
	hear isp lan "src net 192.168.1.0/24 or src host $SECOND"
	hear isp lan2 "src net 192.168.1.0/24 or src host $HOST"
}

no_wrong_address_was_heard() {
	heard isp lan
	is "$heard" "" "what leaves by the first provider with an address that is not its own"
	heard isp lan2
	is "$heard" "" "what leaves by the second provider with an address that is not its own"
}

# ---- the reply of a published port

replies_by_their_address() { # MODE
	rules 'iifname ebpfnet0 accept' 'oifname ebpfnet0 accept'
	hear_wrong_addresses
	reaches internet tcp $SECOND 5000 $INTERNET
	reaches internet udp $SECOND 5000 $INTERNET
	reaches internet tcp $HOST 5000 $INTERNET
	large_datagram internet $SECOND 5000
	must on internet "$WIRE" copy $SECOND 5000 1000000
	unreached internet udp $SECOND 5001 refused # nobody listens there: the error carries that address, too
	unreached internet tcp $SECOND 5001 refused
	no_wrong_address_was_heard
	none_is_invalid
}

test_replies_leave_by_the_provider_of_their_address() {
	second_provider
	up --uplink eth0 --uplink eth1
	serve ns1 tcp 5000
	serve ns1 udp 5000
	must ebpfnet expose ns1 5000-5001
	must ebpfnet expose ns1 5000-5001/udp
	ip rule add pref 500 from $SECOND lookup 100
	each_mode replies_by_their_address
}

# ---- a mark that the rules set before the packet is routed

marked_leave_by_the_second() { # MODE
	local i
	rules 'iifname ebpfnet0 accept'
	reaches ns1 tcp $INTERNET 7000 $HOST
	hear_wrong_addresses
	hear internet eth0 "src host $HOST and dst host $INTERNET2"
	reaches ns1 tcp $INTERNET2 7000 $SECOND
	reaches ns1 udp $INTERNET2 7001 $SECOND
	pings ns1 $INTERNET2
	converse ns1 tcp $INTERNET2 7000
	for i in 1 2 3 4; do say "$1-$i"; done
	must on ns1 "$WIRE" copy $INTERNET2 7000 1000000
	say "$1-later"
	stop talk
	exec {talk}>&-
	rm $T/say
	heard internet eth0
	is "$heard" "" "what is marked and leaves by the first provider"
	no_wrong_address_was_heard
	unreached ns1 udp $INTERNET2 7009 refused # the error about it comes back
	reaches ns1 udp $INTERNET 7000 $HOST
	none_is_invalid
}

test_a_flow_that_a_mark_routes_elsewhere_stays_there() {
	second_provider
	up --uplink eth0 --uplink eth1
	serve internet tcp 7000
	serve internet udp 7000
	serve internet udp 7001 $INTERNET2
	ip rule add pref 500 fwmark 7 lookup 100
	must nft -f - <<-END
		table ip marks {
		 chain before { type filter hook prerouting priority -150
		  ip daddr $INTERNET2 meta mark set 7
		 }
		}
	END
	each_mode marked_leave_by_the_second
}

# ---- ICMP errors

# By the kernel about packets that it was to forward, which have the address inside: the client must know them again.
errors_about_packets_for_a_published_port() { # MODE
	rules 'iifname ebpfnet0 accept' 'oifname ebpfnet0 accept'
	must ip link set ebpfnet0 mtu 1400
	probe '
	import struct
	def told(sock, what):
	    """Type, code, number and sender of the next ICMP error that the socket understands, and about what."""
	    must(select.select([], [], [sock.sock], 0) or True, "")
	    end = time.monotonic() + 2 * SOON
	    while time.monotonic() < end:
	        try:
	            _, about, _, to = sock.sock.recvmsg(0, 200, socket.MSG_ERRQUEUE)
	        except BlockingIOError:
	            sleep(0.01)
	            continue
	        _, origin, kind, code, _, number, _ = struct.unpack("=IBBBBII", about[0][2][:16])
	        return kind, code, number, socket.inet_ntoa(about[0][2][20:24]), to
	    fail("no error: " + what)
	client, server = internet.udp(7777, SERVER), ns1.udp(80)
	client.sock.setsockopt(socket.IPPROTO_IP, 11, 1) # IP_RECVERR
	client.sock.setblocking(False)
	def expires(what):
	    client.sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 2)
	    client.tell(b"expires here", (HOST, 8080))
	    equal(told(client, what), (11, 0, 0, HOST, (HOST, 8080)), what)
	    client.sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 64)
	expires("a TTL that ends at the host, of the first packet")
	client.may_fragment(False)
	client.tell(bytes(1420), (HOST, 8080)) # is not forwarded
	equal(told(client, "too large"), (3, 4, 1400, HOST, (HOST, 8080)), "a packet that is too large")
	gets_through(client, (HOST, 8080), server)
	gets_through(server, ("'$INTERNET'", 7777), client)
	gets_through(client, (HOST, 8080), server)
	expires("a TTL that ends at the host, of a flow that has passed")
	'
	must ip link set ebpfnet0 mtu 9001
	on internet ip route flush cache
	unreached internet udp $HOST 8081 refused
	none_is_invalid
}

# By a router outside, and by the namespace.
errors_about_packets_that_were_let_by() { # MODE
	rules 'iifname ebpfnet0 accept' 'oifname ebpfnet0 udp dport 80 accept'
	probe '
	sent, public = udp_out(sport=6000 + '"${#1}"')
	outside.send(error(3, 4, public, word=1300))
	seen = inside.hears(is_error(3), "an error from outside")
	same_but_for_ttl(quote(seen), sent, "the packet that it embeds")
	sums_right(seen, "an error from outside")
	def refuses(closed):
	    port = 7100 + 10 * '"${#1}"' + closed
	    arrives = IP(src=PEER, dst=HOST, id=next(numbers)) / UDP(sport=port, dport=8080) / mark()
	    outside.send(arrives)
	    quoted = IP(src=PEER, dst=NS1, id=arrives.id) / UDP(sport=port, dport=80) / arrives.lastlayer().load
	    if closed:
	        inside.does_not_hear(arrives.lastlayer().load, "what the rules drop")
	    else:
	        quoted = inside.hears(arrives.lastlayer().load)
	    inside.send(error(3, 3, quoted, src=NS1))
	refuses(closed=0)
	seen = outside.hears(is_error(3), "an error of the namespace")
	equal((seen.src, quote(seen).dst, quote(seen)[UDP].dport), (HOST, HOST, 8080), "its addresses")
	sums_right(seen, "an error of the namespace")
	sh("nft", "insert", "rule", "ip", "host", "forward", "oifname", "ebpfnet0", "drop")
	refuses(closed=1)
	outside.does_not_hear(is_error(3), "an error about a packet that the rules have not let by")
	'
}

test_icmp_errors_about_published_ports() {
	up
	must ebpfnet expose ns1 8080:80/udp
	must ebpfnet expose ns1 8081:81/udp
	each_mode errors_about_packets_for_a_published_port
}

test_icmp_errors_pass_about_what_the_rules_have_let_by() {
	up
	by_hand ns1
	must ebpfnet expose ns1 8080:80/udp
	each_mode errors_about_packets_that_were_let_by
}
